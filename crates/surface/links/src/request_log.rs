//! The log of a running chain, as those who bring events in see it.

use std::sync::mpsc::{SyncSender, channel};
use std::time::Instant;

use shelf_domain::{Event, Origin, Outcome, SourceId, Timestamp};
use shelf_host::Request;
use shelf_redis::{EventLog, SinkError};

/// Hands events to the process that writes the log, and waits until they are on disk.
pub struct RequestLog {
    requests: SyncSender<Request>,
    source: SourceId,
    now: Box<dyn Fn() -> Timestamp + Send>,
}

impl std::fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestLog").field("source", &self.source).finish_non_exhaustive()
    }
}

impl RequestLog {
    /// A log that takes requests as [`shelf_host::Control::sender`] does; its events come from
    /// `source`, at `now`.
    pub fn new(
        requests: SyncSender<Request>,
        source: SourceId,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> Self {
        Self { requests, source, now: Box::new(now) }
    }
}

impl EventLog for RequestLog {
    fn append(&mut self, events: Vec<Event>) -> Result<Vec<Outcome>, SinkError> {
        let mut replies = Vec::with_capacity(events.len());
        let origin = Origin { source: self.source, line: 0 };
        for event in events {
            let (reply, outcome) = channel();
            let event = Event { origin, ..event };
            let request = Request { event, if_new: false, arrived: Instant::now(), reply };
            self.requests.send(request).map_err(|_| "the chain has stopped")?;
            replies.push(outcome);
        }
        let outcomes = replies.into_iter().map(|outcome| outcome.recv());
        outcomes.collect::<Result<_, _>>().map_err(|_| "the chain has stopped".into())
    }

    fn now(&mut self) -> Timestamp {
        (self.now)()
    }
}
