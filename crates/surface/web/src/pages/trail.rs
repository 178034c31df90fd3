//! What only the log has, read back so far and no further; where a list stands open, on as the log
//! grows.

use shelf_domain::{AlertId, Effect, StoreId, TaskStatus};
use shelf_eventlog::{LogReader, PartitionReader};
use shelf_events::{OutputRecord, decode_effect, decode_event, write_event};
use shelf_host::{Folder, HostError};
use shelf_ports::{Offset, RecordBatch};
use shelf_views::EffectLine;

use super::scene::Logged;

/// Records of a partition that are read back where something is looked for.
const LOOKED_AT: Offset = 12_000;
/// Records of a partition that are read back for its tail.
const TAIL: Offset = 200;
/// The most that are kept of a list.
const KEPT: usize = 400;
const READ_BYTES: usize = 1 << 20;

/// What a page asks the log for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    #[default]
    Nothing,
    /// The life of an alert.
    Alert(AlertId),
    /// Everything in which a word stands.
    Word(String),
    /// The latest effects of a kind.
    Effects(Keep),
    /// The latest events of a kind.
    Events(Keep),
    /// One event, and what followed.
    One(u32, Offset),
}

/// Which lines of a list are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keep {
    /// Those of these stores; `None`: of all.
    pub(super) stores: Option<Vec<StoreId>>,
    /// Those of this kind.
    pub(super) kind: Option<String>,
    /// Those in which this word stands.
    pub(super) word: Option<String>,
}

impl Keep {
    fn keeps_store(&self, store: StoreId) -> bool {
        self.stores.as_ref().is_none_or(|stores| stores.contains(&store))
    }

    fn keeps_event(&self, text: &str) -> bool {
        let kind = self.kind.as_ref().map(|kind| format!("\"event_type\":\"{kind}\""));
        kind.is_none_or(|kind| text.contains(&kind))
            && self.word.as_ref().is_none_or(|word| stands_in(text, word))
    }

    fn keeps_effect(&self, record: &OutputRecord) -> bool {
        if !self.keeps_store(record.store) {
            return false;
        }
        if self.kind.is_none() && self.word.is_none() {
            return true;
        }
        let line = EffectLine::new(record);
        let named = |word: &str| {
            stands_in(&line.text, word) || line.sku.is_some_and(|sku| sku.as_str() == word)
        };
        self.kind.as_ref().is_none_or(|kind| kind == line.kind.code())
            && self.word.as_deref().is_none_or(named)
    }

    /// Whether older lines can be in a list although there are enough newer ones.
    fn narrows(&self) -> bool {
        self.kind.is_some() || self.word.is_some() || self.stores.is_some()
    }
}

/// Whether a word stands in a text by itself: `O-3` is not in `O-31`.
fn stands_in(text: &str, word: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let open =
        |c: Option<char>, edge: Option<char>| !c.is_some_and(goes_on) || !edge.is_some_and(goes_on);
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + found.len()..).and_then(|behind| behind.chars().next());
        open(before, word.chars().next()) && open(behind, word.chars().next_back())
    })
}

/// What was found, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) effects: Vec<OutputRecord>,
    pub(super) events: Vec<Logged>,
}

/// One partition of a log, and how far it was read.
#[derive(Debug)]
struct Place {
    number: u32,
    tail: PartitionReader,
    position: Offset,
    /// Where to stop; `None`: at the end, wherever that is.
    end: Option<Offset>,
}

/// What a page asked for, read up to a moment or on as the log grows.
#[derive(Debug)]
pub(super) struct Trail {
    want: Want,
    events: Vec<Place>,
    effects: Vec<Place>,
    found: Found,
}

/// Reads what is wanted: of all that is there, or of what was before an offset of each partition.
pub(super) fn read(
    folder: &Folder,
    want: Want,
    before: Option<&[Offset]>,
) -> Result<Found, HostError> {
    Ok(Trail::open(folder, want, before)?.found)
}

impl Trail {
    /// Reads back what is wanted.
    pub(super) fn open(
        folder: &Folder,
        want: Want,
        before: Option<&[Offset]>,
    ) -> Result<Self, HostError> {
        let (of_events, of_effects) = match &want {
            Want::Nothing | Want::One(..) => (None, None),
            Want::Alert(_) | Want::Effects(_) => (None, Some(LOOKED_AT)),
            Want::Word(_) => (Some(LOOKED_AT), Some(LOOKED_AT)),
            Want::Events(keep) => (Some(if keep.narrows() { LOOKED_AT } else { TAIL }), None),
        };
        let mut trail = Self {
            events: of_events
                .map_or_else(|| Ok(Vec::new()), |back| events_back(folder, back, before))?,
            effects: of_effects
                .map_or_else(|| Ok(Vec::new()), |back| effects_back(folder, back, before))?,
            want,
            found: Found::default(),
        };
        if let Want::One(partition, offset) = trail.want {
            let past = before
                .is_some_and(|ends| ends.get(partition as usize).is_none_or(|end| offset >= *end));
            if !past {
                trail.found = one(folder, partition, offset)?;
            }
        }
        trail.read_on()?;
        Ok(trail)
    }

    /// Reads what has come since.
    pub(super) fn read_on(&mut self) -> Result<(), HostError> {
        let mut read = RecordBatch::new();
        for place in &mut self.events {
            if matches!(&self.want, Want::Events(keep) if !keep.narrows()) {
                place.pass_over(TAIL)?;
            }
            read_events(place, &self.want, &mut read, &mut self.found.events)?;
        }
        for place in &mut self.effects {
            read_effects(place, &self.want, &mut read, &mut self.found.effects)?;
        }
        self.found.events.sort_by_key(|logged| logged.event.received_at);
        self.found.effects.sort_by_key(|record| record.at);
        let over = self.found.events.len().saturating_sub(KEPT);
        self.found.events.drain(..over);
        if matches!(self.want, Want::Effects(_)) {
            let over = self.found.effects.len().saturating_sub(KEPT);
            self.found.effects.drain(..over);
        }
        Ok(())
    }

    /// What was found so far.
    pub(super) fn found(&self) -> &Found {
        &self.found
    }
}

impl Place {
    fn end(&mut self) -> Result<Offset, HostError> {
        match self.end {
            Some(end) => Ok(end),
            None => Ok(self.tail.end_offset()?),
        }
    }

    /// Goes on so that at most so many records are still ahead.
    fn pass_over(&mut self, ahead: Offset) -> Result<(), HostError> {
        let newest = self.end()?.saturating_sub(ahead);
        self.position = self.position.max(newest);
        Ok(())
    }
}

/// The partitions of the log, each so many records before where it ends.
fn events_back(
    folder: &Folder,
    back: Offset,
    before: Option<&[Offset]>,
) -> Result<Vec<Place>, HostError> {
    let mut places = Vec::new();
    for (number, tail) in (0..).zip(LogReader::open(folder.log())?.into_partitions()) {
        let end = before.map(|ends| ends.get(number as usize).copied().unwrap_or(0));
        places.push(at_last(number, tail, back, end)?);
    }
    Ok(places)
}

/// The same of the log of effects, where the offsets are those of the events that led to them.
fn effects_back(
    folder: &Folder,
    back: Offset,
    before: Option<&[Offset]>,
) -> Result<Vec<Place>, HostError> {
    let mut places = Vec::new();
    for (number, mut tail) in (0..).zip(LogReader::open(folder.outputs())?.into_partitions()) {
        let end = match before {
            Some(ends) => {
                let input = ends.get(number as usize).copied().unwrap_or(0);
                Some(first_effect(number, &mut tail, input)?)
            }
            None => None,
        };
        places.push(at_last(number, tail, back, end)?);
    }
    Ok(places)
}

fn at_last(
    number: u32,
    mut tail: PartitionReader,
    back: Offset,
    end: Option<Offset>,
) -> Result<Place, HostError> {
    let there = tail.end_offset()?;
    let from = end.unwrap_or(there).saturating_sub(back);
    let position = from.max(tail.start_offset()?);
    Ok(Place { number, tail, position, end: end.map(|end| end.min(there)) })
}

/// Where the effects of an event begin in the log of effects, and of all behind it: they stand
/// there in the order of their events.
fn first_effect(
    partition: u32,
    tail: &mut PartitionReader,
    input: Offset,
) -> Result<Offset, HostError> {
    let (mut low, mut high) = (tail.start_offset()?, tail.end_offset()?);
    let mut read = RecordBatch::new();
    while low < high {
        let middle = low + (high - low) / 2;
        tail.read(middle, 1, &mut read)?;
        let record = decode_effect(read.get(0).unwrap_or_default())
            .map_err(|source| HostError::Output { partition, source })?;
        if record.input_offset < input {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn read_events(
    place: &mut Place,
    want: &Want,
    read: &mut RecordBatch,
    found: &mut Vec<Logged>,
) -> Result<(), HostError> {
    let (end, mut text) = (place.end()?, Vec::new());
    while place.position < end {
        let first = place.position;
        place.position = place.tail.read(first, READ_BYTES, read)?;
        for (offset, record) in (first..end).zip(read.iter()) {
            let Ok(event) = decode_event(record) else { continue };
            if matches!(want, Want::Events(keep) if !keep.keeps_store(event.store)) {
                continue;
            }
            text.clear();
            write_event(&event, &mut text);
            let text = String::from_utf8_lossy(&text);
            let kept = match want {
                Want::Events(keep) => keep.keeps_event(&text),
                Want::Word(word) => stands_in(&text, word),
                _ => false,
            };
            if kept {
                let (partition, text) = (place.number, text.into_owned());
                found.push(Logged { partition, offset, event, text });
            }
        }
    }
    Ok(())
}

fn read_effects(
    place: &mut Place,
    want: &Want,
    read: &mut RecordBatch,
    found: &mut Vec<OutputRecord>,
) -> Result<(), HostError> {
    let (end, partition) = (place.end()?, place.number);
    while place.position < end {
        let first = place.position;
        place.position = place.tail.read(first, READ_BYTES, read)?;
        for (_, record) in (first..end).zip(read.iter()) {
            let record =
                decode_effect(record).map_err(|source| HostError::Output { partition, source })?;
            let kept = match (want, &record.effect) {
                (Want::Alert(id), Effect::Alert(alert)) => alert.alert == *id,
                (Want::Alert(_), Effect::Task(task)) => task.status == TaskStatus::Done,
                (Want::Alert(_), _) | (_, Effect::Window(_)) => false,
                (Want::Effects(keep), _) => keep.keeps_effect(&record),
                _ => true,
            };
            if kept {
                found.push(record);
            }
        }
    }
    Ok(())
}

/// The event at a place of the log and what followed from it; nothing where there is none.
fn one(folder: &Folder, partition: u32, offset: Offset) -> Result<Found, HostError> {
    let mut found = Found::default();
    let mut log = LogReader::open(folder.log())?;
    let there = partition < log.partition_count()
        && offset < log.end_offset(partition)?
        && offset >= log.start_offset(partition)?;
    if !there {
        return Ok(found);
    }
    let mut read = RecordBatch::new();
    log.read(partition, offset, 1, &mut read)?;
    let Ok(event) = decode_event(read.get(0).unwrap_or_default()) else { return Ok(found) };
    let mut text = Vec::new();
    write_event(&event, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    found.events.push(Logged { partition, offset, event, text });
    let outputs = LogReader::open(folder.outputs())?.into_partitions();
    let Some(mut tail) = outputs.into_iter().nth(partition as usize) else { return Ok(found) };
    let position = first_effect(partition, &mut tail, offset)?;
    let end = Some(first_effect(partition, &mut tail, offset + 1)?);
    let mut place = Place { number: partition, tail, position, end };
    read_effects(&mut place, &Want::One(partition, offset), &mut read, &mut found.effects)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_by_itself() {
        for (text, word, stands) in [
            ("order O-31 was sent", "O-31", true),
            ("order O-31 was sent", "O-3", false),
            ("{\"customer_id\":\"C7\"}", "C7", true),
            ("{\"customer_id\":\"AC7\"}", "C7", false),
            ("lot L1-2, lot L1", "L1", true),
            ("3 units of Äpfel", "fel", false),
            ("a, b", ", ", true),
        ] {
            assert_eq!(stands_in(text, word), stands, "{word} in {text}");
        }
    }
}
