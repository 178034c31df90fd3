//! Where events come from, and what each source has sent so far: the ground for judging the quality
//! of sources.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::delays::Delays;
use crate::event::Body;
use crate::event::Event;
use crate::ids::SourceId;
use crate::stats::CountBy;
use crate::store::Outcome;
use crate::time::Timestamp;

/// The most sources that a partition counts apart. What further ones send is counted under
/// source 0.
pub const MAX_SOURCES: usize = 1_024;

/// Where an event came from.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Origin {
    /// Which source.
    pub source: SourceId,
    /// Its line there, from 1; 0 where there are no lines.
    pub line: u32,
}

/// A kind of feed, as those who run a shop tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stream {
    /// Sensors of shelves, and refills.
    Shelf,
    /// Tills.
    Pos,
    /// Customers who come and go.
    Traffic,
    /// What comes into the warehouse and leaves it.
    Warehouse,
    /// What a shop is made of: stores, products, shelves, stock to begin with, suppliers, policies
    /// and prices.
    Reference,
    /// What people do and count.
    People,
    /// The time alone.
    Clock,
    /// Bytes that are no event.
    Unreadable,
}

impl Stream {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Shelf,
        Self::Pos,
        Self::Traffic,
        Self::Warehouse,
        Self::Reference,
        Self::People,
        Self::Clock,
        Self::Unreadable,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Shelf => "shelf",
            Self::Pos => "pos",
            Self::Traffic => "traffic",
            Self::Warehouse => "warehouse",
            Self::Reference => "reference",
            Self::People => "people",
            Self::Clock => "clock",
            Self::Unreadable => "unreadable",
        }
    }

    /// The one that such an event belongs to.
    pub fn of(body: &Body) -> Self {
        match body {
            Body::Pickup(_) | Body::Putback(_) | Body::WeightChange(_) | Body::Refill(_) => {
                Self::Shelf
            }
            Body::Receipt(_) => Self::Pos,
            Body::Entry(_) | Body::Exit(_) | Body::Session(_) | Body::CustomerEvent(_) => {
                Self::Traffic
            }
            Body::Delivery(_) | Body::WarehouseOut(_) | Body::Transfer(_) => Self::Warehouse,
            Body::Store(_)
            | Body::Product(_)
            | Body::Shelf(_)
            | Body::OpeningStock(_)
            | Body::Supplier(_)
            | Body::Policy(_)
            | Body::Price(_)
            | Body::Promotion(_)
            | Body::WindowPlan(_) => Self::Reference,
            Body::Removal(_)
            | Body::Count(_)
            | Body::AlertAct(_)
            | Body::OrderAct(_)
            | Body::TaskAct(_) => Self::People,
            Body::Clock => Self::Clock,
            Body::Rejected(_) => Self::Unreadable,
        }
    }
}

/// What the events of one source and stream came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCounts {
    /// Applied, the late ones included.
    pub accepted: u64,
    /// Of these, late.
    pub late: u64,
    /// Known already.
    pub duplicates: u64,
    /// Put into quarantine, by [`Reason`](crate::Reason).
    pub quarantined: CountBy<16>,
    /// The earliest time of an applied event.
    pub first_at: Option<Timestamp>,
    /// The latest time of an applied event.
    pub last_at: Option<Timestamp>,
    /// When the latest of all arrived, applied or not.
    pub last_received_at: Option<Timestamp>,
}

impl StreamCounts {
    /// All that came.
    pub fn received(&self) -> u64 {
        self.accepted + self.duplicates + self.quarantined.total()
    }

    fn add(&mut self, event: &Event, outcome: Outcome) {
        self.last_received_at = self.last_received_at.max(Some(event.received_at));
        if matches!(outcome, Outcome::Accepted | Outcome::Late) {
            self.last_at = self.last_at.max(Some(event.at));
            self.first_at = earliest(self.first_at, Some(event.at));
        }
        match outcome {
            Outcome::Accepted => self.accepted += 1,
            Outcome::Late => {
                self.accepted += 1;
                self.late += 1;
            }
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::Quarantined(reason) => self.quarantined.add(reason as usize, 1),
        }
    }

    /// Adds others to these.
    pub fn merge(&mut self, other: &Self) {
        self.first_at = earliest(self.first_at, other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.last_received_at = self.last_received_at.max(other.last_received_at);
        self.accepted += other.accepted;
        self.late += other.late;
        self.duplicates += other.duplicates;
        self.quarantined.merge(&other.quarantined);
    }
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// What the events of one stream of a store came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStream {
    /// How many, and when.
    pub counts: StreamCounts,
    /// How long the applied ones took from happening to arriving.
    pub arrival: Delays,
}

/// What the events of a store came to, by stream. It is no part of the store's own state: it also
/// counts what changed nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStreams {
    streams: Box<[StoreStream; Stream::ALL.len()]>,
}

impl StoreStreams {
    pub(crate) fn add(&mut self, event: &Event, outcome: Outcome) {
        let stream = Stream::of(&event.body);
        let Some(row) = self.streams.get_mut(stream as usize) else { return };
        row.counts.add(event, outcome);
        if matches!(outcome, Outcome::Accepted | Outcome::Late) {
            row.arrival.add(event.received_at.since(event.at));
        }
    }

    /// All streams that sent anything, in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Stream, &StoreStream)> {
        let all = Stream::ALL.into_iter().zip(self.streams.iter());
        all.filter(|(_, row)| row.counts.received() > 0)
    }

    /// One of them, whether it sent anything or not.
    pub fn get(&self, stream: Stream) -> Option<&StoreStream> {
        self.streams.get(stream as usize)
    }
}

/// What the events of each source came to, by stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SourceCounts {
    /// In order of the sources' numbers.
    rows: Vec<SourceRow>,
    /// Where the row of the last event is: most events come from where the one before came from.
    #[serde(skip)]
    last: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SourceRow {
    source: SourceId,
    streams: Box<[StreamCounts; Stream::ALL.len()]>,
}

impl SourceCounts {
    pub(crate) fn add(&mut self, event: &Event, outcome: Outcome) {
        let (source, stream) = (event.origin.source, Stream::of(&event.body));
        if self.rows.get(self.last).is_none_or(|row| row.source != source) {
            self.last = self.place_of(source);
        }
        let row = self.rows.get_mut(self.last);
        if let Some(counts) = row.and_then(|row| row.streams.get_mut(stream as usize)) {
            counts.add(event, outcome);
        }
    }

    /// Where the row of a source is; that of source 0 where no further source has a row.
    fn place_of(&mut self, source: SourceId) -> usize {
        let found = self.rows.binary_search_by_key(&source, |row| row.source);
        let Err(place) = found else { return found.unwrap_or_default() };
        let nameless = self.rows.first().is_some_and(|row| row.source == SourceId::default());
        if source != SourceId::default() && self.rows.len() - usize::from(nameless) >= MAX_SOURCES {
            return self.place_of(SourceId::default());
        }
        self.rows.insert(place, SourceRow { source, streams: Box::default() });
        place
    }

    /// What one stream of a source came to; nothing of a source that is not known.
    pub fn get(&self, source: SourceId, stream: Stream) -> StreamCounts {
        let found = self.rows.binary_search_by_key(&source, |row| row.source).ok();
        let row = found.and_then(|place| self.rows.get(place));
        row.and_then(|row| row.streams.get(stream as usize)).copied().unwrap_or_default()
    }

    /// All sources and streams that sent anything, in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, Stream, &StreamCounts)> {
        self.rows.iter().flat_map(|row| {
            let all = Stream::ALL.into_iter().zip(row.streams.iter());
            let sent = all.filter(|(_, counts)| counts.received() > 0);
            sent.map(|(stream, counts)| (row.source, stream, counts))
        })
    }

    /// Adds another partition's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for row in &other.rows {
            let place = self.place_of(row.source);
            let Some(ours) = self.rows.get_mut(place) else { continue };
            for (counts, more) in ours.streams.iter_mut().zip(row.streams.iter()) {
                counts.merge(more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Reason;
    use crate::event::{Receipt, ShelfTouch};
    use crate::ids::{EventId, StoreId};

    impl SourceCounts {
        fn note(&mut self, source: u32, body: Body, at: i64, outcome: Outcome) {
            let origin = Origin { source: SourceId(source), line: 0 };
            let (at, received_at) = (Timestamp(at), Timestamp(at + 5));
            let (id, store) = (EventId(1), StoreId::default());
            self.add(&Event { id, store, at, received_at, origin, body }, outcome);
        }
    }

    fn pickup() -> Body {
        Body::Pickup(ShelfTouch::default())
    }

    fn receipt() -> Body {
        Body::Receipt(Receipt::default().into())
    }

    #[test]
    fn each_source_and_stream_has_its_counts() {
        let mut counts = SourceCounts::default();
        let unknown = Outcome::Quarantined(Reason::UnknownProduct);
        counts.note(7, pickup(), 40, Outcome::Accepted);
        counts.note(2, receipt(), 10, Outcome::Late);
        counts.note(7, pickup(), 90, unknown);
        counts.note(7, pickup(), 30, Outcome::Duplicate);
        counts.note(7, pickup(), 35, Outcome::Accepted);
        let shelf = counts.get(SourceId(7), Stream::Shelf);
        assert_eq!((shelf.received(), shelf.accepted, shelf.duplicates), (4, 2, 1));
        // What was not applied says when something arrived, and nothing of what happened.
        let times = (shelf.first_at, shelf.last_at, shelf.last_received_at);
        assert_eq!(times, (Some(Timestamp(35)), Some(Timestamp(40)), Some(Timestamp(95))));
        assert_eq!(shelf.quarantined.get(Reason::UnknownProduct as usize), 1);
        let pos = counts.get(SourceId(2), Stream::Pos);
        assert_eq!((pos.received(), pos.accepted, pos.late), (1, 1, 1));
        assert_eq!(counts.get(SourceId(2), Stream::Shelf), StreamCounts::default());
        assert_eq!(counts.get(SourceId(1), Stream::Pos), StreamCounts::default());
        let mut both = counts.clone();
        both.merge(&counts);
        assert_eq!(both.get(SourceId(7), Stream::Shelf).received(), 8);
        let told: Vec<_> = both.iter().map(|(source, stream, _)| (source.0, stream)).collect();
        assert_eq!(told, [(2, Stream::Pos), (7, Stream::Shelf)]);
    }

    #[test]
    fn further_sources_are_counted_under_none() {
        let mut counts = SourceCounts::default();
        let most = MAX_SOURCES as u32;
        for _ in 0..2 {
            for source in (1..=most + 5).rev() {
                counts.note(source, receipt(), 1, Outcome::Accepted);
            }
        }
        assert_eq!(counts.rows.len(), MAX_SOURCES + 1);
        assert_eq!(counts.get(SourceId(most + 5), Stream::Pos).received(), 2);
        assert_eq!(counts.get(SourceId(5), Stream::Pos).received(), 0);
        assert_eq!(counts.get(SourceId(0), Stream::Pos).received(), 10);
        let all: u64 = counts.iter().map(|(_, _, counts)| counts.received()).sum();
        assert_eq!(all, 2 * u64::from(most + 5));
    }

    #[test]
    fn the_streams_are_numbered_in_their_order() {
        for (number, stream) in Stream::ALL.into_iter().enumerate() {
            assert_eq!(stream as usize, number);
        }
    }
}
