//! Event-time timers: what a store does by itself when a time comes.

use alloc::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::alert::Rule;
use crate::alerts::Subject;
use crate::event::Place;
use crate::ids::{AlertId, CustomerId, LotCode, OrderId, SkuIndex, TaskId};
use crate::time::{Day, Timestamp};

/// What is to be done when its time comes. Each looks at the state of that moment: one that is no
/// longer wanted does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// Local midnight: this day begins.
    DayChange(Day),
    /// Closing time of this day.
    Evening(Day),
    /// The cart may have reached its deadline.
    Cart(CustomerId),
    /// A cooldown has ended: look at the condition again.
    Recheck(Subject, Rule, Place),
    /// Something that happened may not have happened again since.
    Passed(Subject, Rule),
    /// A snoozed alert comes back.
    Wake(AlertId),
    /// Staff can be sent.
    TaskDue(TaskId),
    /// Units arrive that nobody confirms.
    Arrival { sku: SkuIndex, task: Option<TaskId>, lot: LotCode, units: u32 },
    /// Units on their way to this shelf should have arrived by now.
    TransitDue(SkuIndex),
    /// A task should have begun by now.
    Overdue(TaskId),
    /// A supplier's orders are proposed. The number tells a redefined calendar from the one that
    /// set it.
    Draft { supplier: u32, generation: u32 },
    /// An order's cut-off.
    Cutoff(OrderId),
    /// An order should have come by now.
    LateCheck(OrderId),
    /// Nothing more is expected of an order.
    Close(OrderId),
    /// A customer leaves who came then and whose exit was known beforehand.
    Leave(Timestamp),
    /// Whoever was in the store when it closed, at this time, has left.
    Closed(Timestamp),
    /// The weights and the count of a shelf have had time to agree.
    WeightCheck(SkuIndex),
    /// Weight that came onto a shelf has waited for its explanation.
    Weighed(SkuIndex),
}

impl Timer {
    /// Its place among the timers of the same time: what the stock rules put in order, then the
    /// rest.
    fn rank(&self) -> u8 {
        match self {
            Self::Evening(_) => 0,
            Self::DayChange(_) => 1,
            Self::Arrival { .. } | Self::TransitDue(_) => 2,
            Self::Cart(_) => 3,
            _ => 4,
        }
    }
}

/// When a timer is due, its rank, and its number by creation.
type Key = (Timestamp, u8, u64);

/// The timers of a store, in order of time, then of rank, then of creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timers {
    due: BTreeMap<Key, Timer>,
    /// Looks at weights, of which there are the most: all wait equally long, so that they come due
    /// in the order in which they were set.
    weights: VecDeque<(Key, SkuIndex)>,
    created: u64,
    /// The time of the first, so that most steps look no further.
    next_at: Option<Timestamp>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Timestamp, timer: Timer) {
        let key = (at, timer.rank(), self.created);
        match timer {
            Timer::WeightCheck(index)
                if self.weights.back().is_none_or(|(last, _)| *last < key) =>
            {
                self.weights.push_back((key, index));
            }
            _ => _ = self.due.insert(key, timer),
        }
        self.created += 1;
        self.next_at = Some(self.next_at.map_or(at, |next| next.min(at)));
    }

    /// Takes the first one that is due at or before `until`.
    pub(crate) fn pop(&mut self, until: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.next_at.is_none_or(|next| next > until) {
            return None;
        }
        let weights = match (self.weights.front(), self.due.first_key_value()) {
            (Some((weight, _)), Some((other, _))) => weight < other,
            (first, _) => first.is_some(),
        };
        let (at, timer) = if weights {
            let ((at, ..), index) = self.weights.pop_front()?;
            (at, Timer::WeightCheck(index))
        } else {
            let ((at, ..), timer) = self.due.pop_first()?;
            (at, timer)
        };
        let next_weight = self.weights.front().map(|((next, ..), _)| *next);
        let next_other = self.due.first_key_value().map(|((next, ..), _)| *next);
        self.next_at = next_weight.into_iter().chain(next_other).min();
        Some((at, timer))
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len() + self.weights.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_of_time_then_of_rank_then_of_creation() {
        let mut timers = Timers::default();
        timers.set(Timestamp(5), Timer::Close(OrderId(1)));
        timers.set(Timestamp(3), Timer::Close(OrderId(2)));
        timers.set(Timestamp(5), Timer::Close(OrderId(3)));
        timers.set(Timestamp(5), Timer::DayChange(Day(1)));
        assert_eq!(timers.pop(Timestamp(2)), None);
        let order: alloc::vec::Vec<_> =
            core::iter::from_fn(|| timers.pop(Timestamp(5))).map(|(_, timer)| timer).collect();
        let close = |order| Timer::Close(OrderId(order));
        assert_eq!(order, [close(2), Timer::DayChange(Day(1)), close(1), close(3)]);
        assert_eq!(timers.len(), 0);
    }

    #[test]
    fn looks_at_weights_take_their_turn_among_the_others() {
        let mut timers = Timers::default();
        let weight = |index| Timer::WeightCheck(SkuIndex(index));
        let close = |order| Timer::Close(OrderId(order));
        for (at, timer) in [
            (4, weight(1)),
            (4, close(1)),
            (6, weight(2)),
            (5, weight(3)),
            (6, weight(4)),
            (1, close(2)),
        ] {
            timers.set(Timestamp(at), timer);
        }
        assert_eq!(timers.len(), 6);
        let order: alloc::vec::Vec<_> =
            core::iter::from_fn(|| timers.pop(Timestamp(6))).map(|(at, t)| (at.0, t)).collect();
        let expected = [
            (1, close(2)),
            (4, weight(1)),
            (4, close(1)),
            (5, weight(3)),
            (6, weight(2)),
            (6, weight(4)),
        ];
        assert_eq!(order, expected);
    }
}
