//! What really happened: the town's own statistics, against which the records can be judged.

use serde::{Deserialize, Serialize};

/// What really happened since the town began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Customers who came in.
    pub visits: u64,
    /// Of these, visits that the door told in one message.
    pub sessions: u64,
    /// Customers who paid.
    pub receipts: u64,
    /// What they paid, in cents.
    pub revenue_cents: i64,
    /// Units that customers wanted to take, as their first choice.
    pub demand_units: u64,
    /// Of these, units that the shelf did not hold.
    pub lost_units: u64,
    /// Units taken as a substitute for lost ones.
    pub substitute_units: u64,
    /// Units taken from a shelf.
    pub picked_units: u64,
    /// Units put back, on the right shelf or another one.
    pub returned_units: u64,
    /// Units paid.
    pub sold_units: u64,
    /// Units that left without being paid.
    pub stolen_units: u64,
    /// Units put back on a wrong shelf.
    pub misplaced_units: u64,
    /// Units that staff brought back from a wrong shelf.
    pub tidied_units: u64,
    /// Shelf acts that no sensor saw.
    pub unseen_acts: u64,
    /// Units in the store when the town began.
    pub opening_units: u64,
    /// Units that suppliers brought.
    pub delivered_units: u64,
    /// Units that staff put on shelves.
    pub refilled_units: u64,
    /// Units that broke.
    pub broken_units: u64,
    /// Units thrown away after their expiry date.
    pub expired_units: u64,
    /// Counts that staff made.
    pub counts: u64,
    /// Orders that suppliers accepted.
    pub orders: u64,
    /// Of these, orders that came a day late.
    pub late_orders: u64,
    /// Lines that came short.
    pub short_lines: u64,
    /// Lines that brought a pack too many.
    pub over_lines: u64,
    /// Moments at which a shelf was sold out by a customer.
    pub sold_out: u64,
    /// What went wrong between the devices and the log.
    pub faults: FaultCounts,
}

/// What went wrong between the devices and the log, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCounts {
    /// Sent twice.
    pub duplicate: u64,
    /// Late by minutes or hours.
    pub late: u64,
    /// Late by seconds.
    pub out_of_order: u64,
    /// Damaged.
    pub malformed: u64,
    /// Cut.
    pub truncated: u64,
    /// Damaged or cut, and sent again whole.
    pub sent_again: u64,
}
