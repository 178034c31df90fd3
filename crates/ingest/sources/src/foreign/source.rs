//! A file in which lines of other systems may stand: over the reader of this program's own lines,
//! which keeps what it cannot read, and so costs those nothing.

use shelf_domain::{Body, Event, MAX_RECEIPT_LINES, Note, Receipt, Rejected, StoreId};
use shelf_events::Defaults;

use super::book::{Lines, Place, id};
use super::reader::{Found, LineReader, may_be_foreign};
use super::{Broken, Fact, Foreign};
use crate::error::SourceError;
use crate::first_sight::Known;
use crate::input::Progress;
use crate::source::{LineCounts, Source};

/// Lines of files, those of other systems among them. Basket lines of one transaction that follow
/// each other are one receipt; another line between them, or the end of the file, ends it.
pub struct ForeignSource {
    inner: Box<dyn Source>,
    reader: LineReader,
    defaults: Defaults,
    held: Option<Held>,
    /// Lines that the reader of this program's own refused, and that are another system's.
    taken: u64,
    made: u64,
    ignored: u64,
}

/// A receipt whose next line may follow.
struct Held {
    place: Place,
    store: StoreId,
    fact: Fact,
    /// What names each line.
    keys: Vec<Vec<u8>>,
    /// How many of its lines came again.
    again: usize,
}

impl ForeignSource {
    /// Reads what `inner` gives as rejected once more.
    pub fn new(inner: Box<dyn Source>, foreign: Foreign, known: Known, defaults: Defaults) -> Self {
        let reader = LineReader::new(foreign, known);
        Self { inner, reader, defaults, held: None, taken: 0, made: 0, ignored: 0 }
    }

    fn push(&mut self, mut event: Event, out: &mut Vec<Event>) {
        let place = Place { received_at: event.received_at, origin: event.origin };
        let found = match &event.body {
            Body::Rejected(rejected) if may_be(rejected) => {
                self.reader.find(&rejected.raw, &self.defaults)
            }
            _ => None,
        };
        let Some(found) = found else {
            self.flush(out);
            self.reader.book.note(&event);
            out.push(event);
            return;
        };
        let result = match found {
            Ok(found) if found.lines_of_a_receipt => self.hold(found, place, out),
            Ok(Found { fact, key, .. }) => {
                self.flush(out);
                let ignored = fact.ignored;
                self.reader.book.events(fact, &key, place).map(|lines| {
                    self.ignored += u64::from(ignored);
                    self.give(lines, out);
                })
            }
            Err(broken) => Err(broken),
        };
        match result {
            Ok(()) => self.taken += 1,
            Err(broken) => {
                self.flush(out);
                if let Body::Rejected(rejected) = &mut event.body {
                    rejected.reason = Note::cut(broken.code());
                }
                out.push(event);
            }
        }
    }

    /// Adds a line to the receipt that waits, or begins another.
    fn hold(&mut self, found: Found, place: Place, out: &mut Vec<Event>) -> Result<(), Broken> {
        let Found { fact, key, .. } = found;
        let Some(store) = fact.store else { return Err(Broken::NULL_STORE) };
        if let Some(held) = &mut self.held
            && held.store == store
            && held.place.origin.source == place.origin.source
            && held.keys.len() < MAX_RECEIPT_LINES
            && same_receipt(&held.fact, &fact)
        {
            if let Some(at) = held.keys.iter().position(|known| *known == key) {
                let same = line_at(&held.fact, at) == line_at(&fact, 0);
                held.again += usize::from(same);
                return if same { Ok(()) } else { Err(Broken::CONFLICTING_LINE) };
            }
            add(&mut held.fact, fact);
            held.keys.push(key);
            return Ok(());
        }
        self.flush(out);
        self.held = Some(Held { place, store, fact, keys: vec![key], again: 0 });
        Ok(())
    }

    /// Gives on the receipt that waits; its repeated lines come as itself once more, so that they
    /// are counted as what they are.
    fn flush(&mut self, out: &mut Vec<Event>) {
        let Some(Held { place, fact, keys, again, .. }) = self.held.take() else { return };
        let key = match keys.as_slice() {
            [only] => only.clone(),
            many => {
                let parts: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
                id(&parts).0.to_le_bytes().to_vec()
            }
        };
        let Ok(lines) = self.reader.book.events(fact, &key, place) else { return };
        let repeated = lines.events.last().cloned();
        self.give(lines, out);
        out.extend(repeated.iter().cycle().take(again).cloned());
    }

    fn give(&mut self, lines: Lines, out: &mut Vec<Event>) {
        self.made += lines.declarations.len() as u64;
        out.extend(lines.declarations);
        out.extend(lines.events);
    }

    /// Whether nothing of a batch is of concern here.
    fn quiet(&self, events: &[Event]) -> bool {
        let own = |event: &Event| match &event.body {
            Body::Rejected(rejected) => !may_be(rejected),
            _ => true,
        };
        self.held.is_none() && events.iter().all(own)
    }
}

impl Source for ForeignSource {
    fn next_batch(
        &mut self,
        max_events: usize,
        batch: &mut Vec<Event>,
    ) -> Result<bool, SourceError> {
        let had = batch.len();
        loop {
            let more = self.inner.next_batch(max_events.max(1), batch)?;
            if self.quiet(batch.get(had..).unwrap_or_default()) {
                for event in batch.iter().skip(had) {
                    self.reader.book.note(event);
                }
            } else {
                for event in batch.split_off(had) {
                    self.push(event, batch);
                }
            }
            if !more {
                self.flush(batch);
            }
            if !more || batch.len() > had {
                return Ok(more);
            }
        }
    }

    fn progress(&self) -> Progress {
        self.inner.progress()
    }

    fn counts(&self) -> LineCounts {
        let mut counts = self.inner.counts();
        counts.rejected_lines = counts.rejected_lines.saturating_sub(self.taken);
        counts.other_lines += self.taken;
        counts.reference_events += self.made;
        counts.ignored_lines += self.ignored;
        counts
    }
}

/// Whether a line that was kept may be another system's, and is there as a whole.
fn may_be(rejected: &Rejected) -> bool {
    may_be_foreign(rejected.reason.as_str()) && rejected.raw.len() as u64 == rejected.raw_len
}

fn receipt(fact: &Fact) -> Option<&Receipt> {
    match fact.bodies.first() {
        Some(Body::Receipt(receipt)) => Some(receipt),
        _ => None,
    }
}

fn line_at(fact: &Fact, at: usize) -> Option<&shelf_domain::ReceiptLine> {
    receipt(fact).and_then(|receipt| receipt.lines.get(at))
}

fn same_receipt(one: &Fact, other: &Fact) -> bool {
    receipt(one).map(|receipt| receipt.receipt) == receipt(other).map(|receipt| receipt.receipt)
}

fn add(fact: &mut Fact, more: Fact) {
    fact.goods.extend(more.goods);
    let (Some(Body::Receipt(into)), Some(Body::Receipt(from))) =
        (fact.bodies.first_mut(), more.bodies.into_iter().next())
    else {
        return;
    };
    into.lines.extend(from.lines);
}
