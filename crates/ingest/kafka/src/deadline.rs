//! Calls that may hang past their own time limit.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::KafkaError;

/// Does `work` on a thread of its own and waits so long for it. Past that the thread is left to
/// itself, with what it holds: whether the work was done is not known.
pub(crate) fn within<T: Send + 'static>(
    action: &'static str,
    waited: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, KafkaError> {
    let (tell, told) = mpsc::sync_channel(1);
    let silent = || KafkaError::Silent { action, waited };
    let thread = thread::Builder::new().name("shelf-kafka".to_owned());
    let started = thread.spawn(move || {
        // Nobody may be waiting any more.
        let _ = tell.send(work());
    });
    started.map_err(|_| silent())?;
    told.recv_timeout(waited).map_err(|_| silent())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_hangs_is_left_to_itself() {
        let quick = within("count", Duration::from_secs(10), || 7);
        assert!(matches!(quick, Ok(7)));
        let (hold, held) = mpsc::channel::<()>();
        let hung = within("wait", Duration::from_millis(20), move || held.recv());
        assert!(matches!(hung, Err(KafkaError::Silent { action: "wait", .. })));
        drop(hold);
    }
}
