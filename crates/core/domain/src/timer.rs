//! Event-time timers: what a store does by itself when a time comes.

use alloc::collections::BTreeMap;

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

/// The timers of a store, in order of time, then of rank, then of creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timers {
    due: BTreeMap<(Timestamp, u8, u64), Timer>,
    created: u64,
    /// The time of the first, so that most steps look no further.
    next_at: Option<Timestamp>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Timestamp, timer: Timer) {
        self.due.insert((at, timer.rank(), self.created), timer);
        self.created += 1;
        self.next_at = Some(self.next_at.map_or(at, |next| next.min(at)));
    }

    /// Takes the first one that is due at or before `until`.
    pub(crate) fn pop(&mut self, until: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.next_at.is_none_or(|next| next > until) {
            return None;
        }
        let ((at, ..), timer) = self.due.pop_first()?;
        self.next_at = self.due.first_key_value().map(|(&(next, ..), _)| next);
        Some((at, timer))
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
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
}
