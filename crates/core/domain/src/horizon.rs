//! The ids of the last events: what makes applying an event again change nothing.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use crate::ids::EventId;

/// How many ids a store remembers. An event that comes again after this many others is taken as
/// new.
pub const HORIZON_EVENTS: usize = 1 << u16::BITS;

/// The last [`HORIZON_EVENTS`] ids, in a ring, with a table that finds them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Ring", into = "Ring")]
pub(crate) struct Horizon {
    ring: Ring,
    places: Places,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Ring {
    ids: Vec<EventId>,
    next: u32,
}

/// Where in the ring each id is: an open table. Its marks lie close together, thirty-two in a line
/// of the processor's cache, so that a new id costs one look at memory.
///
/// What the ring has overwritten stays here until the table is made anew. It harms nothing: a mark
/// counts only where the ring holds the id at its place.
#[derive(Clone, Debug, Default)]
struct Places {
    /// As many as a power of two: sixteen bits of the id's hash, never all zero; 0 is empty.
    marks: Vec<u16>,
    /// The place of the id of each mark.
    places: Vec<u16>,
    /// Marks that are not empty.
    used: usize,
}

impl From<Horizon> for Ring {
    fn from(horizon: Horizon) -> Self {
        horizon.ring
    }
}

impl From<Ring> for Horizon {
    fn from(ring: Ring) -> Self {
        let mut places = Places::default();
        places.build(&ring.ids);
        Self { ring, places }
    }
}

fn hash(id: EventId) -> u64 {
    foldhash::fast::FixedState::default().hash_one(id.0)
}

/// The mark of a hash.
fn mark_of(hash: u64) -> u16 {
    (hash >> 48) as u16 | 1
}

impl Places {
    /// The numbers of the marks at which an id of this hash can be, in order.
    fn walk(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.marks.len().wrapping_sub(1);
        (0..self.marks.len()).map(move |step| (hash as usize).wrapping_add(step) & mask)
    }

    fn find(&self, id: EventId, hash: u64, ids: &[EventId]) -> bool {
        let wanted = mark_of(hash);
        for at in self.walk(hash) {
            let mark = self.marks.get(at).copied().unwrap_or(0);
            if mark == 0 {
                return false;
            }
            if mark == wanted
                && let Some(&place) = self.places.get(at)
                && ids.get(usize::from(place)) == Some(&id)
            {
                return true;
            }
        }
        false
    }

    fn insert(&mut self, hash: u64, place: u16) {
        for at in self.walk(hash) {
            if let (Some(mark), Some(places)) = (self.marks.get_mut(at), self.places.get_mut(at))
                && *mark == 0
            {
                *mark = mark_of(hash);
                *places = place;
                self.used += 1;
                return;
            }
        }
    }

    /// Makes the table anew, with room for half as many ids again.
    fn build(&mut self, ids: &[EventId]) {
        let room = (2 * ids.len()).next_power_of_two().max(32);
        self.marks.clear();
        self.marks.resize(room, 0);
        self.places.resize(room, 0);
        self.used = 0;
        for (place, &id) in (0..=u16::MAX).zip(ids) {
            self.insert(hash(id), place);
        }
    }
}

impl Horizon {
    pub(crate) fn knows(&self, id: EventId) -> bool {
        self.places.find(id, hash(id), &self.ring.ids)
    }

    /// Remembers an id that it does not know, and forgets the oldest where it is full.
    pub(crate) fn remember(&mut self, id: EventId) {
        if 4 * self.places.used >= 3 * self.places.marks.len() {
            self.places.build(&self.ring.ids);
        }
        let place = self.ring.next;
        match self.ring.ids.get_mut(place as usize) {
            Some(oldest) => *oldest = id,
            None => self.ring.ids.push(id),
        }
        self.places.insert(hash(id), place as u16);
        self.ring.next = (place + 1) % HORIZON_EVENTS as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_exactly_the_horizon() {
        let mut horizon = Horizon::default();
        for id in 0..HORIZON_EVENTS as u128 {
            assert!(!horizon.knows(EventId(id)));
            horizon.remember(EventId(id));
        }
        assert!(horizon.knows(EventId(0)));
        horizon.remember(EventId(u128::MAX));
        assert!(!horizon.knows(EventId(0)));
        assert!(horizon.knows(EventId(1)) && horizon.knows(EventId(u128::MAX)));
        let again: Horizon = Ring::from(horizon).into();
        assert!(!again.knows(EventId(0)) && again.knows(EventId(1)));
    }

    #[test]
    fn it_holds_on_for_many_times_its_length() {
        let mut horizon = Horizon::default();
        let last = 5 * HORIZON_EVENTS as u128 + 77;
        for id in 0..=last {
            assert!(!horizon.knows(EventId(id << 64)));
            horizon.remember(EventId(id << 64));
            assert!(horizon.knows(EventId(id << 64)));
        }
        let oldest = last + 1 - HORIZON_EVENTS as u128;
        assert!((oldest..=last).all(|id| horizon.knows(EventId(id << 64))));
        assert!((0..oldest).all(|id| !horizon.knows(EventId(id << 64))));
        assert!(horizon.places.marks.len() == 2 * HORIZON_EVENTS);
    }

    #[test]
    fn ids_of_one_hash_are_told_apart() {
        let mut places = Places::default();
        let ids: Vec<EventId> = (0..20).map(EventId).collect();
        places.build(&ids);
        for place in 0..8 {
            places.insert(7, place);
        }
        assert!(places.find(EventId(5), 7, &ids) && !places.find(EventId(9), 7, &ids));
    }
}
