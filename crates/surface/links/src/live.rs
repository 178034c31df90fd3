//! Live keys: the present and the newest figures of a chain, in Redis for others.

use std::time::{Duration, Instant};

use shelf_host::{ChainReader, Folder, Follow};
use shelf_redis::{LiveKeys, Now, Reading, Redis};

use crate::LinkError;
use crate::status::LinkStatus;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How live keys are written.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Where.
    pub redis: Redis,
    /// How often.
    pub every: Duration,
    /// Figures that are not written again for so long are gone.
    pub expiry: Duration,
}

/// What live keys say of the stores that a reader knows.
pub type ReadLive = dyn FnMut(&ChainReader) -> (Now, Vec<Reading>) + Send;

/// Follows the log and writes the keys until `stopped` says so.
pub(crate) fn follow_live(
    folder: &Folder,
    options: &LiveOptions,
    read: &mut ReadLive,
    stopped: impl Fn() -> bool,
    status: &LinkStatus,
) -> Result<(), LinkError> {
    let mut keys = LiveKeys::open(&options.redis, options.expiry)?;
    let mut reader = ChainReader::open(folder, Follow::FromSnapshot)?;
    while !stopped() {
        reader.catch_up(|_, _| {})?;
        let (now, readings) = read(&reader);
        keys.publish(&now, &readings)?;
        status.follows();
        status.change(|view| view.rows += readings.len() as u64);
        let published = Instant::now();
        while published.elapsed() < options.every && !stopped() {
            std::thread::sleep(LOOK.min(options.every));
        }
    }
    Ok(())
}
