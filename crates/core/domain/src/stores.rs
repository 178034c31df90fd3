//! The stores of one partition: what an engine steps, saves and restores as a whole.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::alerts::LastActs;
use crate::effect::{Effect, Effects, Reason};
use crate::event::{Body, Event};
use crate::horizon::Horizon;
use crate::ids::StoreId;
use crate::origin::{SourceCounts, StoreStreams};
use crate::stats::CountBy;
use crate::store::{Outcome, Store};

/// The stores of one partition, and what concerns none of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stores {
    stores: BTreeMap<StoreId, Kept>,
    /// Bytes of no store that are known already.
    seen: Horizon,
    counts: Counts,
    sources: SourceCounts,
}

/// A store, and what its streams have sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    store: Store,
    streams: StoreStreams,
}

/// What a partition has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events stepped.
    pub stepped: u64,
    /// Of these, applied.
    pub accepted: u64,
    /// Of these, applied late.
    pub late: u64,
    /// Events that were known already.
    pub duplicates: u64,
    /// Events that went to quarantine, by [`Reason`].
    pub quarantined: CountBy<16>,
    /// Of these, lines that are no events because they hold fewer than no units or money.
    pub negative_lines: u64,
    /// Invariants found broken by the checks of production.
    pub invariant_violations: u64,
}

impl Counts {
    /// Adds another partition's counts to these.
    pub fn merge(&mut self, other: &Self) {
        self.stepped += other.stepped;
        self.accepted += other.accepted;
        self.late += other.late;
        self.duplicates += other.duplicates;
        self.quarantined.merge(&other.quarantined);
        self.negative_lines += other.negative_lines;
        self.invariant_violations += other.invariant_violations;
    }
}

impl Stores {
    /// Steps the store that the event is for. `fx` is cleared and filled with what follows.
    pub fn step(&mut self, event: &Event, fx: &mut Effects) -> Outcome {
        let outcome = self.route(event, fx);
        self.counts.stepped += 1;
        match outcome {
            Outcome::Accepted => self.counts.accepted += 1,
            Outcome::Late => {
                self.counts.accepted += 1;
                self.counts.late += 1;
            }
            Outcome::Duplicate => self.counts.duplicates += 1,
            Outcome::Quarantined(reason) => {
                self.counts.quarantined.add(reason as usize, 1);
                self.counts.negative_lines += u64::from(says_negative(&event.body));
            }
        }
        self.sources.add(event, outcome);
        outcome
    }

    fn route(&mut self, event: &Event, fx: &mut Effects) -> Outcome {
        if let Body::Rejected(_) = event.body {
            fx.clear();
            if self.seen.knows(event.id) {
                fx.push(Effect::Duplicate);
                return Outcome::Duplicate;
            }
            self.seen.remember(event.id);
            fx.push(Effect::Quarantined(Reason::Unreadable));
            let outcome = Outcome::Quarantined(Reason::Unreadable);
            if let Some(kept) = self.stores.get_mut(&event.store) {
                kept.streams.add(event, outcome);
            }
            return outcome;
        }
        if let Some(kept) = self.stores.get_mut(&event.store) {
            let outcome = kept.store.step(event, fx);
            kept.streams.add(event, outcome);
            return outcome;
        }
        let mut store = Store::new(event.store, event.at);
        let outcome = match event.body {
            Body::Store(_) if !event.store.is_empty() => store.step(event, fx),
            _ => {
                fx.clear();
                fx.push(Effect::Quarantined(Reason::UnknownStore));
                Outcome::Quarantined(Reason::UnknownStore)
            }
        };
        if matches!(outcome, Outcome::Accepted | Outcome::Late) {
            let mut streams = StoreStreams::default();
            streams.add(event, outcome);
            self.stores.insert(event.store, Kept { store, streams });
        }
        outcome
    }

    /// A store by its id.
    pub fn get(&self, store: StoreId) -> Option<&Store> {
        self.stores.get(&store).map(|kept| &kept.store)
    }

    /// All stores, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Store> {
        self.stores.values().map(|kept| &kept.store)
    }

    /// All stores with what their streams have sent, in order of their ids.
    pub fn streams(&self) -> impl Iterator<Item = (&Store, &StoreStreams)> {
        self.stores.values().map(|kept| (&kept.store, &kept.streams))
    }

    /// What has been counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What has been counted, by source and stream.
    pub fn sources(&self) -> &SourceCounts {
        &self.sources
    }

    /// Checks every invariant of every store, counts what is broken, and returns how many are. The
    /// count is not part of a store's state: that does not depend on how often it is checked.
    pub fn audit(&mut self) -> u64 {
        let broken = self.iter().map(|store| store.violations().len() as u64).sum();
        self.counts.invariant_violations += broken;
        broken
    }

    /// Checks what one step of a store had to do with, and counts what is broken: what a simulation
    /// can afford after every event.
    pub fn audit_step(&mut self, store: StoreId, fx: &Effects) -> u64 {
        let broken = self.get(store).map_or(0, |store| store.violations_after(fx).len());
        self.counts.invariant_violations += broken as u64;
        broken as u64
    }

    /// The whole state as bytes.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        postcard::to_allocvec(&self.saved()).map_err(|_| StateError)
    }

    fn saved(&self) -> Saved<'_> {
        let acts = self.iter().map(|store| (store.id(), store.last_acts()));
        Saved { stores: self, acts: acts.filter(|(_, acts)| !acts.is_empty()).collect() }
    }

    /// The same bytes piece by piece: a state is not in memory twice while it is written.
    pub fn encode_to(&self, piece: impl FnMut(&[u8])) -> Result<(), StateError> {
        let pieces = Pieces { held: Vec::with_capacity(PIECE_BYTES), piece };
        postcard::serialize_with_flavor(&self.saved(), pieces).map_err(|_| StateError)
    }

    /// The state that `bytes` hold. Only bytes made by [`Stores::encode`] of this format are
    /// understood, and of the one before it, which ended before what people can take back.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let (mut stores, rest): (Self, _) =
            postcard::take_from_bytes(bytes).map_err(|_| StateError)?;
        if !rest.is_empty() {
            let acts: BTreeMap<StoreId, LastActs> =
                postcard::from_bytes(rest).map_err(|_| StateError)?;
            for (store, acts) in acts {
                let kept = stores.stores.get_mut(&store).ok_or(StateError)?;
                kept.store.restore_last_acts(acts);
            }
        }
        for kept in stores.stores.values_mut() {
            kept.store.rebuild_index();
        }
        Ok(stores)
    }
}

/// What is written of a state.
#[derive(Serialize)]
struct Saved<'a> {
    stores: &'a Stores,
    /// What people can take back, of the stores that have something.
    acts: BTreeMap<StoreId, &'a LastActs>,
}

/// The size of a piece of an encoded state.
const PIECE_BYTES: usize = 64 << 10;

/// Gathers bytes, and gives them on in pieces.
struct Pieces<F> {
    held: Vec<u8>,
    piece: F,
}

impl<F: FnMut(&[u8])> Pieces<F> {
    fn give_where_full(&mut self, more: usize) {
        if self.held.len() + more > PIECE_BYTES {
            (self.piece)(&self.held);
            self.held.clear();
        }
    }
}

impl<F: FnMut(&[u8])> Flavor for Pieces<F> {
    type Output = ();

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.give_where_full(1);
        self.held.push(data);
        Ok(())
    }

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.give_where_full(data.len());
        self.held.extend_from_slice(data);
        Ok(())
    }

    fn finalize(mut self) -> postcard::Result<()> {
        (self.piece)(&self.held);
        Ok(())
    }
}

/// Whether a line was rejected because of a number below zero, or a price that is none.
fn says_negative(body: &Body) -> bool {
    const CODES: [&str; 3] = ["negative_units", "negative_amount", "price_not_positive"];
    matches!(body, Body::Rejected(rejected) if CODES.contains(&rejected.reason.as_str()))
}

/// Bytes that are not the state of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateError;

impl core::fmt::Display for StateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the state cannot be written or read")
    }
}

impl core::error::Error for StateError {}

/// One number for the state of many stores, whatever their partitions: give it every store, in
/// order of their ids.
pub fn state_hash<'a>(stores: impl IntoIterator<Item = &'a Store>) -> Result<u128, StateError> {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for store in stores {
        let bytes = postcard::to_allocvec(store).map_err(|_| StateError)?;
        hasher.update(&bytes);
        if !store.last_acts().is_empty() {
            hasher.update(&postcard::to_allocvec(store.last_acts()).map_err(|_| StateError)?);
        }
    }
    Ok(hasher.digest128())
}
