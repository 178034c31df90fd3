//! What a shop is, and how its state follows from events.
//!
//! [`Store::step`] takes one event and changes the state of one store; what follows for others comes out
//! as [`Effects`]. Nothing here does I/O, reads a clock, draws a random number, starts a thread or goes
//! through a table in an order that could differ between two runs: the crate has no `std`, and the
//! compiler says so. The rules in words are in `docs/design/stock-rules.md`.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod alert;
mod effect;
mod event;
mod ids;
mod order;
mod quantity;
mod reference;
mod restock;
mod text;
mod time;

pub use alert::{Alert, AlertStatus, Rule, Severity};
pub use effect::{Cause, Effect, Effects, Explanation, PriceNotice, Reason, RemovalNotice};
pub use event::{
    AlertAct, AlertVerb, Body, Count, Delivery, Event, OpeningStock, OrderAct, OrderVerb, Place,
    PriceChange, Promotion, Receipt, ReceiptLine, Refill, Rejected, Removal, RemovalCause, Session,
    ShelfTouch, TaskAct, TaskVerb, Transfer, WarehouseOut, WeightChange,
};
pub use ids::{
    Actor, AlertId, Category, CustomerId, EventId, LotCode, Note, OrderId, PolicyId, ReceiptId,
    Sku, SkuIndex, StoreId, Subcategory, SupplierId, TaskId,
};
pub use order::{LineReason, OrderLine, OrderStatus, SupplierOrder};
pub use quantity::{BasisPoints, MAX_EVENT_UNITS, MAX_PRICE_CENTS, price_after};
pub use reference::{
    Approval, MarkdownSchedule, Picking, Policy, Product, RefillMode, RemovalTime, Rounding, Scope,
    Sensor, ShelfPlan, StoreSettings, Supplier,
};
pub use restock::{Allocation, RestockTask, TaskStatus};
pub use text::{Text, TextTooLong};
pub use time::{DAY, Day, HOUR, LocalClock, MINUTE, SECOND, Timestamp, WeekSlot};
