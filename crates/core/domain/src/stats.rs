//! What a store has counted since it began.

use serde::{Deserialize, Serialize};

use crate::alert::Rule;
use crate::consistency::Consistency;
use crate::effect::{Cause, Reason};

/// A count for each of the values of a small set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountBy<const N: usize> {
    #[serde(with = "array")]
    counts: [u64; N],
}

impl<const N: usize> Default for CountBy<N> {
    fn default() -> Self {
        Self { counts: [0; N] }
    }
}

impl<const N: usize> CountBy<N> {
    pub(crate) fn add(&mut self, at: usize, more: u64) {
        if let Some(count) = self.counts.get_mut(at) {
            *count += more;
        }
    }

    /// The count of the value with this number.
    pub fn get(&self, at: usize) -> u64 {
        self.counts.get(at).copied().unwrap_or(0)
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }
}

mod array {
    use core::fmt;

    use serde::de::{SeqAccess, Visitor};
    use serde::ser::SerializeTuple;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer, const N: usize>(
        counts: &[u64; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(N)?;
        for count in counts {
            tuple.serialize_element(count)?;
        }
        tuple.end()
    }

    struct Counts<const N: usize>;

    impl<'de, const N: usize> Visitor<'de> for Counts<N> {
        type Value = [u64; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{N} counts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u64; N], A::Error> {
            let mut counts = [0; N];
            for (at, count) in counts.iter_mut().enumerate() {
                let missing = || serde::de::Error::invalid_length(at, &self);
                *count = seq.next_element()?.ok_or_else(missing)?;
            }
            Ok(counts)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u64; N], D::Error> {
        deserializer.deserialize_tuple(N, Counts)
    }
}

/// What a store has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Events applied.
    pub accepted: u64,
    /// Of these, those that came more than a minute late.
    pub late: u64,
    /// Events that went to quarantine, by [`Reason`].
    pub quarantined: CountBy<16>,
    /// Explained movements, by [`Cause`].
    pub explained: CountBy<10>,
    /// Their units, by [`Cause`], whatever the direction.
    pub explained_units: CountBy<10>,
    /// Alerts opened, by [`Rule`], those brought back after a person had ended them once more.
    pub alerts_opened: CountBy<{ Rule::COUNT }>,
    /// Alerts ended, by [`Rule`].
    pub alerts_ended: CountBy<{ Rule::COUNT }>,
    /// Restock tasks begun.
    pub tasks_begun: u64,
    /// Restock tasks done.
    pub tasks_done: u64,
    /// Supplier orders sent.
    pub orders_sent: u64,
    /// Receipts.
    pub receipts: u64,
    /// Whether they agree with themselves.
    pub consistency: Consistency,
    /// Customers who came in.
    pub entries: u64,
    /// Customers who left.
    pub exits: u64,
    /// Customers who must have left, though their exit was not seen.
    pub exits_missed: u64,
    /// Shelves times the open time of full days, in microseconds.
    pub shelf_open_us: i64,
    /// Of that, the time in which they were empty.
    pub shelf_empty_us: i64,
    /// Lots corrected at day changes, in units.
    pub lot_corrections: u64,
    /// Readings that could not be turned into units.
    pub unreadable_weights: u64,
    /// Deliveries for orders that do not stand.
    pub unmatched_deliveries: u64,
    /// Days that have ended.
    pub days: u64,
}

impl Stats {
    pub(crate) fn quarantine(&mut self, reason: Reason) {
        self.quarantined.add(reason as usize, 1);
    }

    pub(crate) fn explain(&mut self, cause: Cause, units: u64) {
        self.explained.add(cause as usize, 1);
        self.explained_units.add(cause as usize, units);
    }

    pub(crate) fn open_alert(&mut self, rule: Rule) {
        self.alerts_opened.add(rule as usize, 1);
    }

    pub(crate) fn end_alert(&mut self, rule: Rule) {
        self.alerts_ended.add(rule as usize, 1);
    }
}
