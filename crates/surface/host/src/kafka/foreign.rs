//! How the messages of other systems are read.

use shelf_domain::{Body, Event, Note};
use shelf_events::{Defaults, ErrorCode, JsonError, rejected_event};
use shelf_kafka::Message;
use shelf_sources::{Foreign, Format, LineError, LineReader};

/// How messages of other systems are taken.
#[derive(Clone, Debug)]
pub struct ForeignOptions {
    /// The topics, by their full names, and whose messages each holds. Of messages that were
    /// written in the same millisecond, those of the first topic come first.
    pub topics: Vec<(String, Format)>,
    /// How they are read.
    pub foreign: Foreign,
    /// How many products are remembered; a line that names another one is no event.
    pub most_products: usize,
}

impl ForeignOptions {
    /// Products that are remembered if nothing else is said: some 200 MB.
    pub const MOST_PRODUCTS: usize = 1_000_000;

    /// The usual ones.
    pub fn new(topics: Vec<(String, Format)>, foreign: Foreign) -> Self {
        Self { topics, foreign, most_products: Self::MOST_PRODUCTS }
    }

    /// What reads the messages, and remembers what they are the first to name.
    pub(super) fn reader(&self) -> LineReader {
        LineReader::keeping(self.foreign.clone(), self.most_products)
    }

    /// Whose messages a topic holds; `None` where it is none of other systems.
    pub(super) fn format(&self, topic: &str) -> Option<Format> {
        let mut topics = self.topics.iter();
        topics.find(|(name, _)| name == topic).map(|(_, format)| *format)
    }
}

/// The events of a message: what it is the first to name, and what it says. What is none becomes
/// one that says so.
pub(super) fn read(
    reader: &mut LineReader,
    format: Format,
    message: &Message<'_>,
    defaults: &Defaults,
    push: &mut impl FnMut(Event),
) {
    match reader.read_as(format, message.payload.unwrap_or_default(), defaults) {
        Ok(lines) => lines.declarations.into_iter().chain(lines.events).for_each(push),
        Err(error) => push(rejected(&error, message, defaults)),
    }
}

/// The event that keeps a message which is none.
fn rejected(error: &LineError, message: &Message<'_>, defaults: &Defaults) -> Event {
    let source = format!("{}/{}", message.topic, message.partition);
    let (bytes, line) = (message.payload.unwrap_or_default(), message.offset.unsigned_abs());
    let broken = match error {
        LineError::Json(error) => return rejected_event(error, bytes, &source, line, defaults),
        LineError::Foreign(broken) => broken,
    };
    let detail = broken.sentence().to_owned();
    let json = JsonError { code: ErrorCode::WrongType, field: "", detail };
    let mut event = rejected_event(&json, bytes, &source, line, defaults);
    if let Body::Rejected(rejected) = &mut event.body {
        rejected.reason = Note::cut(broken.code());
    }
    event
}
