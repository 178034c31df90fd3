//! What will happen next: a queue by time, then by the order in which it was planned.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};
use shelf_domain::{AlertId, OrderId, Timestamp};

/// One thing that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    /// A customer comes in.
    Arrive,
    /// The customer of a visit takes or returns something.
    Act(u32),
    /// The customer of a visit pays.
    Pay(u32),
    /// The customer of a visit leaves.
    Leave(u32),
    /// Something on the floor breaks.
    Break,
    /// The next step of a staff member's job.
    Work(u8),
    /// Staff look for expired lots that nobody told them of.
    ExpiryRound,
    /// Staff look for empty shelves that nobody told them of.
    GapRound,
    /// Staff bring back what customers put on a wrong shelf.
    Tidy,
    /// Staff are asked to count some shelves.
    CycleCount,
    /// Somebody looks after an alert.
    Attend(AlertId),
    /// The next line of an order is unloaded.
    Unload(OrderId),
    /// The clerk closes an order of which nothing more will come.
    CloseOrder(OrderId),
    /// Next week's promotions are announced.
    Announce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    number: u64,
    action: Action,
}

impl Ord for Entry {
    /// The heap gives its greatest: the earliest, then the first planned.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What will happen, by time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Entry>,
    planned: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: Timestamp, action: Action) {
        self.planned += 1;
        self.entries.push(Entry { at, number: self.planned, action });
    }

    /// The next thing before `end`.
    pub(crate) fn next_before(&mut self, end: Timestamp) -> Option<(Timestamp, Action)> {
        if self.entries.peek()?.at >= end {
            return None;
        }
        self.entries.pop().map(|entry| (entry.at, entry.action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_then_the_first_planned() {
        let mut agenda = Agenda::default();
        for (at, visit) in [(5, 1), (3, 2), (5, 3), (9, 4)] {
            agenda.plan(Timestamp(at), Action::Act(visit));
        }
        let mut order = Vec::new();
        while let Some((_, Action::Act(visit))) = agenda.next_before(Timestamp(9)) {
            order.push(visit);
        }
        assert_eq!(order, [2, 1, 3]);
    }
}
