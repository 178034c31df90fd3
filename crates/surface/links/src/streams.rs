//! Redis Streams into a log.

use shelf_domain::StoreId;
use shelf_redis::{EventLog, EventSink, FollowState, Options, ReadEvents, Redis, follow};
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

/// Reads an entry as a line of the project's own events.
fn reader() -> ReadEvents {
    Box::new(|data, defaults| read_event(data, defaults).map(|event| vec![event]))
}

/// Follows the streams until `stopped` says so or a failure will not pass.
pub(crate) fn follow_streams(
    streams: &StreamOptions,
    log: impl EventLog,
    stopped: impl Fn() -> bool,
    status: &LinkStatus,
) -> Result<(), LinkError> {
    let named = streams.options.streams.iter().map(|name| (name.clone(), streams.store));
    let mut sink = EventSink::new(log, reader(), named.collect());
    let tell = |state: FollowState<'_>| match state {
        FollowState::Took(counts) => status.change(|view| {
            view.state = LinkState::Following;
            view.failure = None;
            view.events = counts.taken.read;
            view.known = counts.taken.known;
            view.quarantined = counts.taken.quarantined;
        }),
        FollowState::Waits(error) => status.change(|view| {
            view.state = LinkState::Waiting;
            view.failures += 1;
            view.failure = Some(crate::status::LinkFailure {
                code: error.code().to_owned(),
                message: error.to_string(),
                hint: error.hint().to_owned(),
            });
        }),
    };
    follow(&streams.redis, &streams.options, &mut sink, stopped, tell)?;
    Ok(())
}
