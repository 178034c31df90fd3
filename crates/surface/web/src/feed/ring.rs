//! The latest lines of a feed, in fixed room, and how a stream finds its place in them again.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use shelf_views::EffectLine;

/// How many lines are kept.
pub(super) const LINES: usize = 8_192;

/// The place of a line: the offset of its event, and its index among that event's effects.
pub(super) type Place = (u64, u32);

/// One line of a feed.
#[derive(Debug)]
pub struct FeedLine {
    /// Its number: lines are numbered from 1 by each process.
    pub number: u64,
    /// The partition of its store.
    pub partition: u32,
    /// What it says.
    pub line: EffectLine,
    /// The same as JSON, written once for all streams.
    pub json: String,
    /// Where a stream is that has seen it and all before it: the same in every process, so that a
    /// stream can go on with another one.
    pub stream_id: String,
}

#[derive(Debug, Default)]
pub(super) struct Ring {
    lines: VecDeque<Arc<FeedLine>>,
    newest: u64,
    /// The last line of each partition.
    seen: Vec<Option<Place>>,
    /// The last line of each partition that has left the ring.
    left: Vec<Option<Place>>,
}

impl Ring {
    pub(super) fn push(&mut self, partition: u32, line: EffectLine) {
        self.newest += 1;
        put(&mut self.seen, partition, (line.input_offset, line.index));
        let json = serde_json::to_string(&line).unwrap_or_default();
        let stream_id = written(&self.seen);
        let number = self.newest;
        self.lines.push_back(Arc::new(FeedLine { number, partition, line, json, stream_id }));
        if self.lines.len() > LINES
            && let Some(left) = self.lines.pop_front()
        {
            put(&mut self.left, left.partition, (left.line.input_offset, left.line.index));
        }
    }

    /// Leaves lines out, of each partition up to a place: more come behind them than there is room
    /// for. It is as if they had been pushed and had left again.
    pub(super) fn pass_over(&mut self, lines: u64, last: &BTreeMap<u32, Place>) {
        if lines == 0 {
            return;
        }
        self.newest += lines;
        for line in self.lines.drain(..) {
            put(&mut self.left, line.partition, (line.line.input_offset, line.line.index));
        }
        for (partition, place) in last {
            put(&mut self.left, *partition, *place);
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn after(&self, line: u64, most: usize) -> (Vec<Arc<FeedLine>>, bool) {
        let oldest = self.lines.front().map_or(self.newest + 1, |first| first.number);
        let gone = line + 1 < oldest;
        let from = (line + 1).saturating_sub(oldest) as usize;
        (self.lines.iter().skip(from).take(most).cloned().collect(), gone)
    }

    pub(super) fn latest(
        &self,
        most: usize,
        keep: impl Fn(&FeedLine) -> bool,
    ) -> Vec<Arc<FeedLine>> {
        self.lines.iter().rev().filter(|line| keep(line)).take(most).cloned().collect()
    }

    pub(super) fn resume_at(&self, id: &str) -> Option<u64> {
        let known = read(id)?;
        let behind = |partition: usize, place: Option<Place>| {
            place > known.get(partition).copied().flatten()
        };
        // What has left the ring and was not seen cannot be told any more.
        if self.left.iter().enumerate().any(|(partition, left)| behind(partition, *left)) {
            return None;
        }
        let unseen = self.lines.iter().find(|line| {
            behind(line.partition as usize, Some((line.line.input_offset, line.line.index)))
        });
        Some(unseen.map_or(self.newest, |line| line.number - 1))
    }
}

fn put(places: &mut Vec<Option<Place>>, partition: u32, place: Place) {
    let at = partition as usize;
    if places.len() <= at {
        places.resize(at + 1, None);
    }
    if let Some(known) = places.get_mut(at) {
        *known = Some(place);
    }
}

/// `3:1207.0,5:88.2`: partition, offset and index of the last line of each partition that has one.
fn written(places: &[Option<Place>]) -> String {
    let mut text = String::new();
    for (partition, place) in places.iter().enumerate() {
        if let Some((offset, index)) = place {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a text cannot fail.
            let _ = write!(text, "{comma}{partition}:{offset}.{index}");
        }
    }
    text
}

fn read(id: &str) -> Option<Vec<Option<Place>>> {
    /// More partitions than a folder can have.
    const PARTITIONS: u32 = 1_024;
    let mut places = Vec::new();
    for part in id.split(',') {
        let (partition, place) = part.split_once(':')?;
        let (offset, index) = place.split_once('.')?;
        let partition: u32 = partition.parse().ok().filter(|partition| *partition < PARTITIONS)?;
        put(&mut places, partition, (offset.parse().ok()?, index.parse().ok()?));
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use shelf_domain::{StoreId, Timestamp};
    use shelf_views::EffectKind;

    use super::*;

    fn line(input_offset: u64, index: u32) -> EffectLine {
        EffectLine {
            at: Timestamp(0),
            store: StoreId::cut("S1"),
            input_offset,
            index,
            kind: EffectKind::Price,
            severity: None,
            sku: None,
            text: String::new(),
        }
    }

    #[test]
    fn a_stream_goes_on_where_it_was_also_with_another_process() {
        let mut ring = Ring::default();
        ring.push(1, line(4, 0));
        ring.push(0, line(9, 0));
        ring.push(1, line(4, 1));
        let (lines, gone) = ring.after(0, 10);
        assert!(!gone);
        assert_eq!(
            lines.iter().map(|line| &*line.stream_id).collect::<Vec<_>>(),
            ["1:4.0", "0:9.0,1:4.0", "0:9.0,1:4.1"]
        );
        // Another process has read the partitions in another order.
        let mut other = Ring::default();
        for (partition, offset, index) in [(0, 9, 0), (1, 4, 0), (1, 4, 1), (0, 12, 0)] {
            other.push(partition, line(offset, index));
        }
        assert_eq!(other.resume_at("0:9.0,1:4.0"), Some(2));
        assert_eq!(other.resume_at("0:12.0,1:4.1"), Some(4));
        assert_eq!(other.resume_at("1:4.1"), Some(0));
        for nonsense in ["", "7", "0:1", "0:x.1", "9999999:1.1", "../../etc"] {
            assert_eq!(other.resume_at(nonsense), None);
        }
    }

    #[test]
    fn lines_that_were_passed_over_are_gone() {
        let mut ring = Ring::default();
        for offset in 0..5 {
            ring.push(0, line(offset, 0));
        }
        ring.pass_over(20, &BTreeMap::from([(0, (24, 0))]));
        ring.push(0, line(25, 0));
        ring.push(1, line(7, 0));
        let (lines, gone) = ring.after(5, 5);
        assert!(gone);
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [26, 27]);
        assert_eq!(ring.resume_at("0:4.0"), None);
        assert_eq!(ring.resume_at("0:24.0"), Some(25));
        assert_eq!(ring.resume_at("0:25.0"), Some(26));
    }

    #[test]
    fn who_is_slower_than_the_ring_is_told_so() {
        let mut ring = Ring::default();
        for offset in 0..LINES as u64 + 10 {
            ring.push(0, line(offset, 0));
        }
        let (lines, gone) = ring.after(3, 5);
        assert!(gone);
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [11, 12, 13, 14, 15]);
        assert_eq!(ring.resume_at("0:3.0"), None);
        assert_eq!(ring.resume_at("0:9.0"), Some(10));
        assert_eq!(ring.latest(2, |line| line.number % 2 == 0).len(), 2);
    }
}
