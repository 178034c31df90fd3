//! How events get into the log: to the engine of this process over a bounded queue, or over the
//! socket of another one. Whoever submits waits until they are on disk.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel};
use std::time::{Duration, Instant};

use shelf_domain::{Event, Outcome};
use shelf_host::{Ack, Folder, HostError, Request, send_events};
use thiserror::Error;

/// How long to try while the queue is full.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(2);
/// How long to wait for the disk.
const ANSWER: Duration = Duration::from_secs(20);

/// An event on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The event.
    pub event: Event,
    /// Whether it declares what may be there already, and is left out where it is.
    pub if_new: bool,
}

/// Why not all events are known to be on disk.
#[derive(Debug, Error)]
pub enum DoorError {
    /// The queue is full: those with an answer are on disk, the others were not taken.
    #[error("as many events wait for the disk as may")]
    Full {
        /// The answers of the first events.
        taken: Vec<Ack>,
    },
    /// Nothing runs that would take them.
    #[error("no process takes events into this data folder")]
    Closed,
    /// It ended, or the disk took too long: what became of them is not known.
    #[error("the engine did not answer in time")]
    NoAnswer,
    /// The way to the other process failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl DoorError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "full",
            Self::Closed => "not_running",
            Self::NoAnswer => "no_answer",
            Self::Host(error) => error.code(),
        }
    }
}

/// Takes events into the log. Calls block until they are on disk, and are made from threads that
/// may.
pub trait Door: Send + Sync {
    /// What became of each event, in turn, once it is on disk.
    fn submit(&self, events: Vec<Incoming>) -> Result<Vec<Ack>, DoorError>;
}

/// The engine of this process.
#[derive(Clone, Debug)]
pub struct ChannelDoor {
    requests: SyncSender<Request>,
}

impl ChannelDoor {
    /// Over the queue of [`shelf_host::Control::sender`].
    pub fn new(requests: SyncSender<Request>) -> Self {
        Self { requests }
    }

    /// Hands one event in; it is handed back where the queue stays full.
    fn hand_in(&self, incoming: Incoming, until: Instant) -> Result<Receiver<Outcome>, DoorError> {
        let (reply, outcome) = channel();
        let Incoming { event, if_new } = incoming;
        let mut request = Request { event, if_new, arrived: Instant::now(), reply };
        loop {
            match self.requests.try_send(request) {
                Ok(()) => return Ok(outcome),
                Err(TrySendError::Disconnected(_)) => return Err(DoorError::Closed),
                Err(TrySendError::Full(_)) if Instant::now() >= until => {
                    return Err(DoorError::Full { taken: Vec::new() });
                }
                Err(TrySendError::Full(back)) => request = back,
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Door for ChannelDoor {
    fn submit(&self, events: Vec<Incoming>) -> Result<Vec<Ack>, DoorError> {
        let until = Instant::now() + PATIENCE;
        let (mut awaited, mut stopped) = (Vec::with_capacity(events.len()), None);
        for incoming in events {
            match self.hand_in(incoming, until) {
                Ok(outcome) => awaited.push(outcome),
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            }
        }
        let (mut taken, until) = (Vec::with_capacity(awaited.len()), Instant::now() + ANSWER);
        for outcome in awaited {
            let left = until.saturating_duration_since(Instant::now());
            taken.push(Ack::of(outcome.recv_timeout(left).map_err(|_| DoorError::NoAnswer)?));
        }
        match stopped {
            None => Ok(taken),
            Some(DoorError::Full { .. }) => Err(DoorError::Full { taken }),
            Some(error) => Err(error),
        }
    }
}

/// The process that runs on a data folder.
#[derive(Clone, Debug)]
pub struct SocketDoor {
    folder: Folder,
}

impl SocketDoor {
    /// Over the socket of the folder.
    pub fn new(folder: &Folder) -> Self {
        Self { folder: folder.clone() }
    }
}

impl Door for SocketDoor {
    fn submit(&self, events: Vec<Incoming>) -> Result<Vec<Ack>, DoorError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let events: Vec<Event> = events.into_iter().map(|incoming| incoming.event).collect();
        match send_events(&self.folder, &events) {
            Ok(acks) => acks.ok_or(DoorError::Closed),
            Err(HostError::Busy) => Err(DoorError::Full { taken: Vec::new() }),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use shelf_domain::{Body, EventId, Origin, StoreId, Timestamp};
    use shelf_host::AckStatus;

    use super::*;

    fn incoming(id: u128) -> Incoming {
        let (at, origin) = (Timestamp(0), Origin::default());
        let store = StoreId::cut("S1");
        let event =
            Event { id: EventId(id), store, at, received_at: at, origin, body: Body::Clock };
        Incoming { event, if_new: false }
    }

    #[test]
    fn what_was_taken_before_the_queue_was_full_is_told() {
        let (sender, requests) = sync_channel::<Request>(1);
        let engine = std::thread::spawn(move || {
            let first = requests.recv().unwrap();
            // Nobody takes the others for as long as anybody tries.
            std::thread::sleep(PATIENCE + Duration::from_millis(500));
            first.reply.send(Outcome::Accepted).unwrap();
            while let Ok(request) = requests.recv() {
                request.reply.send(Outcome::Duplicate).unwrap();
            }
        });
        let door = ChannelDoor::new(sender);
        let Err(DoorError::Full { taken }) = door.submit((0..4).map(incoming).collect()) else {
            panic!("the queue was not full");
        };
        let statuses: Vec<AckStatus> = taken.iter().map(|ack| ack.status).collect();
        assert_eq!(statuses, [AckStatus::Accepted, AckStatus::Duplicate]);
        drop(door);
        engine.join().unwrap();
    }

    #[test]
    fn nobody_behind_the_door_is_told() {
        let (sender, requests) = sync_channel::<Request>(1);
        drop(requests);
        let closed = ChannelDoor::new(sender).submit(vec![incoming(1)]);
        assert!(matches!(closed, Err(DoorError::Closed)));
        let dir = tempfile::tempdir().unwrap();
        let door = SocketDoor::new(&Folder::at(dir.path()));
        assert!(matches!(door.submit(vec![incoming(1)]), Err(DoorError::Closed)));
    }
}
