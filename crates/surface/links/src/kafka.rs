//! The links with PostgreSQL of a chain whose log is on Kafka: one of its workers has each of them,
//! and another one when that one is gone.
//!
//! For a moment two may believe that a link is theirs. The mirror's positions are locked and
//! compared in each of its transactions, and who hands events over fences whoever did so before:
//! so nothing is written twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shelf_domain::{Event, Outcome, Timestamp};
use shelf_host::{Elected, KafkaChain, partition_of, wall_now};
use shelf_kafka::{Connection, KafkaError, OnceFeed, Progress};
use shelf_mirrors::MirrorError;
use shelf_redis::{EventLog, SinkError};

use crate::LinkError;
use crate::config::{ConfigLink, ConfigOptions};
use crate::mirror::{MirrorFollower, MirrorOptions, Until};
use crate::status::LinkStatus;
use crate::thread::{LinkThread, Stopped, follow_on};

/// The groups of those of whom one has the link.
const MIRROR_GROUP: &str = "shelf-mirror";
const CONFIG_GROUP: &str = "shelf-config";
/// How often it is looked whether events have been stepped.
const LOOK: Duration = Duration::from_millis(20);
/// After how long a link is begun anew that failed in a way in which others end.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How long workers have to step events that are in the log.
const STEPPED_WITHIN: Duration = Duration::from_mins(1);
/// How long brokers have to say what was stepped.
const TOLD_WITHIN: Duration = Duration::from_secs(12);

/// Follows a chain on Kafka into the mirror, while this worker is the one of all that does.
pub fn start_mirror_on_kafka(
    chain: KafkaChain,
    options: MirrorOptions,
) -> Result<LinkThread, LinkError> {
    let connection = chain.connection.clone();
    start_elected("mirror", MIRROR_GROUP, connection, move |stopped, status| {
        let mut follower = MirrorFollower::open_on_kafka(&chain, options.clone())?;
        follower.follow(Until::Stopped, stopped, status).map(drop)
    })
}

/// Follows what people set in PostgreSQL into the log of a chain on Kafka, while this worker is the
/// one of all that does.
pub fn start_config_on_kafka(
    chain: KafkaChain,
    options: ConfigOptions,
) -> Result<LinkThread, LinkError> {
    let connection = chain.connection.clone();
    start_elected("config", CONFIG_GROUP, connection, move |stopped, status| {
        // The first thing is that nobody else hands anything over.
        let mut log = ChainLog::open(&chain, &options.follower, stopped)?;
        ConfigLink::open_on_kafka(&chain, &options)?.follow(&mut log, stopped, status)
    })
}

/// A link that follows while this worker is elected, whatever happens meanwhile.
fn start_elected(
    name: &'static str,
    group: &'static str,
    connection: Connection,
    follow: impl Fn(&Stopped<'_>, &LinkStatus) -> Result<(), LinkError> + Send + Sync + 'static,
) -> Result<LinkThread, LinkError> {
    let follow = Arc::new(follow);
    LinkThread::start(name, move |stopped, status| {
        status.stands_by();
        let (follow, told) = (Arc::clone(&follow), status.clone());
        let elected = Elected::join(&connection, group, move |stop: &AtomicBool| {
            let asked = || stop.load(Ordering::Acquire);
            while !asked() {
                follow_on(&asked, &told, &mut |stopped, status| (*follow)(stopped, status));
                // It may be mended at this machine: lanes try again as well.
                let ended = Instant::now();
                while !asked() && ended.elapsed() < AGAIN_AFTER {
                    std::thread::sleep(LOOK);
                }
            }
            told.stands_by();
        })?;
        while !stopped() {
            elected.poll()?;
        }
        Ok(())
    })
}

/// The log of a chain on Kafka for somebody who keeps count elsewhere of what he has handed over.
struct ChainLog<'a> {
    feed: OnceFeed,
    progress: Progress,
    partitions: u32,
    stopped: &'a Stopped<'a>,
}

impl<'a> ChainLog<'a> {
    /// Begins to hand over under this name, when what was handed over before has been stepped: who
    /// looks at the shop then sees it.
    fn open(chain: &KafkaChain, name: &str, stopped: &'a Stopped<'a>) -> Result<Self, LinkError> {
        let feed = OnceFeed::open(&chain.connection, &format!("config-{name}"))?;
        let (progress, partitions) = (chain.progress()?, chain.partitions);
        let log = Self { feed, progress, partitions, stopped };
        log.stepped().map_err(|error| MirrorError::Log(Box::new(error)))?;
        Ok(log)
    }

    /// Waits until the workers have stepped what was handed over.
    fn stepped(&self) -> Result<(), KafkaError> {
        let began = Instant::now();
        while !(self.stopped)() {
            let committed = self.progress.committed(TOLD_WITHIN)?;
            let is_stepped = |partition: u32, offset: i64| {
                let committed = committed.get(partition as usize).copied().flatten();
                committed.is_some_and(|committed| committed.place.offset > offset)
            };
            if self.feed.reached().iter().all(|(&partition, &offset)| is_stepped(partition, offset))
            {
                return Ok(());
            }
            if began.elapsed() > STEPPED_WITHIN {
                let action = "show that workers have stepped what was handed over";
                return Err(KafkaError::Silent { action, waited: STEPPED_WITHIN });
            }
            std::thread::sleep(LOOK);
        }
        // What is in the log is in the log.
        Ok(())
    }
}

impl EventLog for ChainLog<'_> {
    /// What the workers will make of the events is not known here.
    fn append(&mut self, events: Vec<Event>) -> Result<Vec<Outcome>, SinkError> {
        let place = |event: Event| (partition_of(event.store, self.partitions), event);
        let events: Vec<(u32, Event)> = events.into_iter().map(place).collect();
        let fresh = self.feed.append(&events)?;
        self.stepped()?;
        let outcome = |fresh| if fresh { Outcome::Accepted } else { Outcome::Duplicate };
        Ok(fresh.into_iter().map(outcome).collect())
    }

    fn now(&mut self) -> Timestamp {
        wall_now()
    }
}
