//! Whose work goes first: the engine's.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// A niceness of 5 on Linux: of a core that both want, the engine gets three quarters.
const BEHIND: u8 = 35;

/// Puts the calling thread, and every thread that it starts, behind those of the engine. Whoever
/// follows, asks or looks on gets what the engine leaves.
///
/// A system that does not allow it shares its cores evenly, which is slower and not wrong.
pub fn step_behind_engine() {
    if let Ok(value) = ThreadPriorityValue::try_from(BEHIND) {
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
            (niceness(), std::thread::spawn(niceness).join().unwrap())
        });
        assert_eq!(inside.join().unwrap(), (5, 5));
        assert_eq!(niceness(), before);
    }
}
