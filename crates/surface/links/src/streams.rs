//! Redis Streams into a log.

use shelf_domain::StoreId;
use shelf_redis::{
    EntryReader, EventLog, EventSink, FollowState, Options, ReadEvents, Redis, follow,
};
use shelf_sources::read_event;

use crate::LinkError;
use crate::status::{LinkState, LinkStatus};

/// How streams are read into a log.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// Where.
    pub redis: Redis,
    /// Which streams, and how.
    pub options: Options,
    /// The store of entries that do not say theirs.
    pub store: Option<StoreId>,
}

impl StreamOptions {
    /// Reads entries as lines of the project's own events.
    pub(crate) fn reader(&self) -> EntryReader {
        let read: ReadEvents =
            Box::new(|data, defaults| read_event(data, defaults).map(|event| vec![event]));
        let named = self.options.streams.iter().map(|name| (name.clone(), self.store));
        EntryReader::new(read, named.collect())
    }
}

/// Follows the streams until `stopped` says so or a failure will not pass.
pub(crate) fn follow_streams(
    streams: &StreamOptions,
    log: impl EventLog,
    stopped: impl Fn() -> bool,
    status: &LinkStatus,
) -> Result<(), LinkError> {
    let mut sink = EventSink::new(log, streams.reader());
    follow(&streams.redis, &streams.options, &mut sink, stopped, tell(status))?;
    Ok(())
}

/// Says of a link what following streams tells.
pub(crate) fn tell(status: &LinkStatus) -> impl FnMut(FollowState<'_>) {
    // What was counted before a link began anew stays counted.
    let before = status.view();
    move |state| match state {
        FollowState::Took(counts) => status.change(|view| {
            view.state = LinkState::Following;
            view.failure = None;
            view.events = before.events + counts.taken.read;
            view.known = before.known + counts.taken.known;
            view.quarantined = before.quarantined + counts.taken.quarantined;
            view.lost = before.lost + counts.taken.lost;
            view.lag = counts.lag;
        }),
        FollowState::Waits(error) => {
            status.waits(error);
            status.change(|view| view.lag = None);
        }
    }
}
