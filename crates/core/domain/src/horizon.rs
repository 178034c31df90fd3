//! The ids of the last events: what makes applying an event again change nothing.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::ids::EventId;

/// How many ids a store remembers. An event that comes again after this many others is taken as
/// new.
pub const HORIZON_EVENTS: usize = 65_536;

/// The last [`HORIZON_EVENTS`] ids, in a ring, with a table that finds them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Ring", into = "Ring")]
pub(crate) struct Horizon {
    ring: Ring,
    places: HashTable<u32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Ring {
    ids: Vec<EventId>,
    next: u32,
}

impl From<Horizon> for Ring {
    fn from(horizon: Horizon) -> Self {
        horizon.ring
    }
}

impl From<Ring> for Horizon {
    fn from(ring: Ring) -> Self {
        let mut horizon = Self { ring, places: HashTable::new() };
        let ids = core::mem::take(&mut horizon.ring.ids);
        for (place, &id) in ids.iter().enumerate() {
            horizon.places.insert_unique(hash(id), place as u32, |&p| rehash(&ids, p));
        }
        horizon.ring.ids = ids;
        horizon
    }
}

fn hash(id: EventId) -> u64 {
    foldhash::fast::FixedState::default().hash_one(id.0)
}

fn rehash(ids: &[EventId], place: u32) -> u64 {
    ids.get(place as usize).map_or(0, |&id| hash(id))
}

impl Horizon {
    pub(crate) fn knows(&self, id: EventId) -> bool {
        let ids = &self.ring.ids;
        self.places.find(hash(id), |&p| ids.get(p as usize) == Some(&id)).is_some()
    }

    /// Remembers an id that it does not know, and forgets the oldest where it is full.
    pub(crate) fn remember(&mut self, id: EventId) {
        let place = self.ring.next;
        let ids = &mut self.ring.ids;
        match ids.get_mut(place as usize) {
            Some(oldest) => {
                let old = core::mem::replace(oldest, id);
                if let Ok(found) = self.places.find_entry(hash(old), |&p| p == place) {
                    found.remove();
                }
            }
            None => ids.push(id),
        }
        let ids = &self.ring.ids;
        self.places.insert_unique(hash(id), place, |&p| rehash(ids, p));
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
}
