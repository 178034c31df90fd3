//! Following streams until somebody asks to stop, whatever happens to the server meanwhile.

use std::time::{Duration, Instant};

use crate::RedisError;
use crate::connect::Redis;
use crate::source::{Options, Sink, Source, Taken};

/// How long the first wait after a failure is; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often it looks whether it is to stop meanwhile.
const LOOK: Duration = Duration::from_millis(50);
/// How often it asks how many entries there are to take, and how many have gone before.
const ASK: Duration = Duration::from_secs(2);

/// What following has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All batches together.
    pub taken: Taken,
    /// Connections that were lost, or did not come.
    pub failures: u64,
    /// Entries that the group had not acknowledged when it was asked last; `None` where Redis does
    /// not say.
    pub lag: Option<u64>,
}

/// What following tells of, for those who watch.
#[derive(Debug)]
pub enum FollowState<'a> {
    /// Entries were taken, or none came in time.
    Took(&'a Counts),
    /// It failed, and tries again after a while.
    Waits(&'a RedisError),
}

/// Follows streams into `sink` until `stopped` says so or a failure will not pass. What was taken
/// is acknowledged before it returns.
pub fn follow(
    redis: &Redis,
    options: &Options,
    sink: &mut impl Sink,
    stopped: impl Fn() -> bool,
    mut tell: impl FnMut(FollowState<'_>),
) -> Result<Counts, RedisError> {
    let (mut counts, mut wait) = (Counts::default(), FIRST_WAIT);
    while !stopped() {
        let followed = follow_once(redis, options, sink, &stopped, |taken, lag| {
            counts.taken.add(taken);
            counts.lag = lag;
            // What was only begun may still fail.
            if taken.answered() > 0 || taken.read == 0 {
                wait = FIRST_WAIT;
                tell(FollowState::Took(&counts));
            }
        });
        let Err(error) = followed else { break };
        sink.forget();
        if !error.passing() {
            return Err(error);
        }
        counts.failures += 1;
        tell(FollowState::Waits(&error));
        let begun = Instant::now();
        while begun.elapsed() < wait && !stopped() {
            std::thread::sleep(LOOK.min(wait));
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    Ok(counts)
}

fn follow_once(
    redis: &Redis,
    options: &Options,
    sink: &mut impl Sink,
    stopped: &impl Fn() -> bool,
    mut took: impl FnMut(&Taken, Option<u64>),
) -> Result<(), RedisError> {
    let mut source = Source::open(redis, options.clone())?;
    let (mut lag, mut asked) = (None, None::<Instant>);
    while !stopped() {
        if asked.is_none_or(|at| at.elapsed() >= ASK) {
            // What is read on may hide what was removed before it.
            let lost = source.removed_unread();
            (lag, asked) = (source.lag(), Some(Instant::now()));
            if lost > 0 {
                took(&Taken { lost, ..Taken::default() }, lag);
            }
        }
        took(&source.step(sink)?, lag);
    }
    took(&source.finish(sink)?, lag);
    Ok(())
}

impl Taken {
    fn answered(&self) -> u64 {
        self.kept + self.known + self.quarantined + self.lost
    }

    fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.kept += other.kept;
        self.known += other.known;
        self.quarantined += other.quarantined;
        self.lost += other.lost;
        self.claimed += other.claimed;
    }
}
