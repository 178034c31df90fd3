//! The threads of links: each follows on until it is asked to stop, whatever happens meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shelf_host::{Folder, step_behind_people};
use shelf_redis::EventLog;

use crate::LinkError;
use crate::config::{ConfigLink, ConfigOptions};
use crate::live::{LiveOptions, ReadLive, follow_live};
use crate::mirror::{MirrorFollower, MirrorOptions, Until};
use crate::status::{LinkState, LinkStatus};
use crate::streams::{StreamOptions, follow_streams};

/// How long the first wait after a failure is; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait after a failure.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often it looks whether it is to stop meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Says whether somebody asked to stop.
pub(crate) type Stopped<'a> = dyn Fn() -> bool + 'a;

/// A link that runs.
#[derive(Debug)]
pub struct LinkThread {
    thread: JoinHandle<()>,
    stopped: Arc<AtomicBool>,
    status: LinkStatus,
}

impl LinkThread {
    /// How it stands.
    pub fn status(&self) -> &LinkStatus {
        &self.status
    }

    /// Has it finish what it is at, and waits. Returns whether it ended soundly.
    pub fn stop(self) -> bool {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().is_ok()
    }

    pub(crate) fn start(
        name: &str,
        mut follow: impl FnMut(&Stopped<'_>, &LinkStatus) -> Result<(), LinkError> + Send + 'static,
    ) -> Result<Self, LinkError> {
        let stopped = Arc::new(AtomicBool::new(false));
        let status = LinkStatus::new(name);
        let (asked, told) = (Arc::clone(&stopped), status.clone());
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let asked = move || asked.load(Ordering::Relaxed);
            follow_on(&asked, &told, &mut follow);
            told.change(|view| view.state = LinkState::Stopped);
        });
        Ok(Self { thread: thread.map_err(LinkError::Thread)?, stopped, status })
    }
}

/// Tries again after every failure that can be mended without a new start.
pub(crate) fn follow_on(
    stopped: &Stopped<'_>,
    status: &LinkStatus,
    follow: &mut dyn FnMut(&Stopped<'_>, &LinkStatus) -> Result<(), LinkError>,
) {
    let mut wait = FIRST_WAIT;
    loop {
        let begun = Instant::now();
        let Err(error) = follow(stopped, status) else { return };
        status.failed(&error);
        if error.lasting() || stopped() {
            return;
        }
        // One that went well for a while is not the same failure again.
        if begun.elapsed() > LONGEST_WAIT {
            wait = FIRST_WAIT;
        }
        let failed = Instant::now();
        while failed.elapsed() < wait {
            if stopped() {
                return;
            }
            std::thread::sleep(LOOK);
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Follows the log of a data folder into the mirror.
pub fn start_mirror(folder: &Folder, options: MirrorOptions) -> Result<LinkThread, LinkError> {
    let folder = folder.clone();
    LinkThread::start("mirror", move |stopped, status| {
        let mut follower = MirrorFollower::open(&folder, options.clone())?;
        follower.follow(Until::Stopped, stopped, status).map(drop)
    })
}

/// Follows what people set in PostgreSQL into the log of a data folder.
pub fn start_config(
    folder: &Folder,
    options: ConfigOptions,
    mut log: impl EventLog + Send + 'static,
) -> Result<LinkThread, LinkError> {
    let folder = folder.clone();
    LinkThread::start("config", move |stopped, status| {
        ConfigLink::open(&folder, &options)?.follow(&mut log, stopped, status)
    })
}

/// Writes live keys of a data folder; `read` says what they hold.
pub fn start_live_keys(
    folder: &Folder,
    options: LiveOptions,
    mut read: Box<ReadLive>,
) -> Result<LinkThread, LinkError> {
    let folder = folder.clone();
    LinkThread::start("live keys", move |stopped, status| {
        step_behind_people();
        follow_live(&folder, &options, &mut *read, stopped, status)
    })
}

/// Follows Redis Streams into a log.
pub fn start_streams(
    streams: StreamOptions,
    mut log: impl EventLog + Send + 'static,
) -> Result<LinkThread, LinkError> {
    LinkThread::start("streams", move |stopped, status| {
        follow_streams(&streams, &mut log, stopped, status)
    })
}

/// Follows Redis Streams into the topics of Kafka.
#[cfg(feature = "kafka")]
pub fn start_bridge(
    streams: StreamOptions,
    connection: shelf_kafka::Connection,
) -> Result<LinkThread, LinkError> {
    LinkThread::start("bridge", move |stopped, status| {
        crate::bridge::follow_bridge(&streams, &connection, stopped, status)
    })
}
