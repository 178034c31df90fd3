//! The lake of a running chain: a thread of its own behind the durable log. Whatever happens to it,
//! the engine goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shelf_host::Folder;

use super::follow::{Follower, Until};
use super::jobs::JobBoard;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// At most so much is gathered for a commit, in megabytes: the engine needs memory too.
const COMMIT_MB: u32 = 16;
/// How long the thread waits after a failure that may pass.
const RETRY: Duration = Duration::from_secs(10);
/// The same after one that somebody has to see to.
const RETRY_LATER: Duration = Duration::from_mins(1);
/// How often it looks whether it is to stop meanwhile.
const LOOK: Duration = Duration::from_millis(100);
/// So long a thread may take, from being asked to stop, for its last round and commit. A store
/// that takes connections and never answers is not waited for any longer: the log has what it
/// lacks.
const LAST_COMMIT: Duration = Duration::from_secs(10);
/// How often it is looked whether a thread has ended.
const LOOK_FOR_END: Duration = Duration::from_millis(10);

/// The thread that follows the log into the lake.
pub(crate) struct LakeThread {
    thread: JoinHandle<()>,
    stop: Stop,
    /// What went wrong last, and has not been said.
    trouble: Arc<Mutex<Option<Failure>>>,
}

impl LakeThread {
    /// Starts to follow. `screen`: whether the live screen has the terminal, so that nothing may be
    /// said before it ends.
    pub(crate) fn start(
        folder: &Folder,
        settings: &Settings,
        output: Output,
        screen: bool,
        board: &JobBoard,
    ) -> Self {
        let board = board.clone();
        let stop = Stop::default();
        let trouble = Arc::new(Mutex::new(None));
        let (asked, noted) = (stop.clone(), Arc::clone(&trouble));
        let (folder, mut settings) = (folder.clone(), settings.clone());
        settings.lake.commit_mb = settings.lake.commit_mb.min(COMMIT_MB);
        let thread = std::thread::spawn(move || {
            follow_on(&folder, &settings, &board, &asked, |failure| {
                if screen {
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                } else {
                    output.say(&warning(&failure));
                }
            });
        });
        Self { thread, stop, trouble }
    }

    /// Has the last events committed, and waits for that as long as it may take.
    pub(crate) fn stop(self, output: Output) {
        self.stop.ask();
        let ended = ended(self.thread, &self.stop);
        if let Some(failure) = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take() {
            output.say(&warning(&failure));
        }
        if let Err(failure) = ended {
            output.say(&warning(&failure));
        }
    }
}

/// What a thread of the lake came to. Once it was asked to stop it is waited for no longer than
/// [`LAST_COMMIT`]; then it ends with the process, as by a kill.
pub(super) fn ended<T>(thread: JoinHandle<T>, stop: &Stop) -> Result<T, Failure> {
    let mut asked_at = None;
    while !thread.is_finished() {
        if stop.asked() {
            let asked_at: Instant = *asked_at.get_or_insert_with(Instant::now);
            if asked_at.elapsed() >= LAST_COMMIT {
                return Err(Failure::new(
                    "lake_unreachable",
                    "the store does not answer, and is not waited for",
                    "see to the disk or the object store; the log holds everything, and the lake \
                     goes on where it stopped",
                ));
            }
        }
        std::thread::sleep(LOOK_FOR_END);
    }
    thread.join().map_err(|_| {
        let hint = "run `shelf doctor` for a look at the machine";
        Failure::new("worker_stopped", "the thread of the lake has stopped", hint)
    })
}

/// Follows until it is asked to stop. Whatever fails is begun anew after a while, and told once for
/// as long as it stays the same.
fn follow_on(
    folder: &Folder,
    settings: &Settings,
    board: &JobBoard,
    stop: &Stop,
    mut tell: impl FnMut(Failure),
) {
    let mut told = String::new();
    loop {
        let followed = super::lake(settings)
            .and_then(|lake| Follower::open(folder, lake, settings, board))
            .and_then(|mut follower| follower.follow(Until::Stopped, stop, &mut tell));
        let Err(failure) = followed else { return };
        let passing = matches!(failure.code.as_str(), "lake_unreachable" | "lake_removed");
        if failure.message != told {
            told.clone_from(&failure.message);
            tell(failure);
        }
        let wait = if passing { RETRY } else { RETRY_LATER };
        let begun = Instant::now();
        while begun.elapsed() < wait {
            if stop.asked() {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// What is said of a failure of the lake beside what goes on.
pub(super) fn warning(failure: &Failure) -> String {
    let mut text = format!("warning[{}]: the lake: {}", failure.code, failure.message);
    for cause in &failure.causes {
        text.push_str("\n  because: ");
        text.push_str(cause);
    }
    text.push_str("\n  hint: ");
    text.push_str(&failure.hint);
    text
}
