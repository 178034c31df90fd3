//! Whose work goes first: the engine's, then that of who answers people.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// A niceness of 5 on Linux: of a core that both want, the engine gets three quarters.
const BEHIND_ENGINE: u8 = 35;
/// A niceness of 10: of a core that both want, who answers people gets three quarters.
const BEHIND_PEOPLE: u8 = 22;

/// Puts the calling thread, and every thread that it starts, behind those of the engine. Whoever
/// asks or looks on gets what the engine leaves.
///
/// A system that does not allow it shares its cores evenly, which is slower and not wrong.
pub fn step_behind_engine() {
    step_to(BEHIND_ENGINE);
}

/// The same for who follows on their own and is waited for by nobody: behind those, too, who answer
/// people.
pub fn step_behind_people() {
    step_to(BEHIND_PEOPLE);
}

fn step_to(value: u8) {
    if let Ok(value) = ThreadPriorityValue::try_from(value) {
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(value));
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The niceness of the calling thread: the 17th field behind its name.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn a_thread_steps_behind_and_takes_those_along_that_it_starts() {
        let before = niceness();
        let inside = std::thread::spawn(|| {
            step_behind_engine();
            let first = (niceness(), std::thread::spawn(niceness).join().unwrap());
            step_behind_people();
            (first, niceness())
        });
        assert_eq!(inside.join().unwrap(), ((5, 5), 10));
        assert_eq!(niceness(), before);
    }
}
