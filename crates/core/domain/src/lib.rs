//! What a shop is, and how its state follows from events.
//!
//! [`Store::step`] takes one event and changes the state of one store; what follows for others
//! comes out as [`Effects`]. Nothing here does I/O, reads a clock, draws a random number, starts a
//! thread or goes through a table in an order that could differ between two runs: the crate has no
//! `std`, and the compiler says so. The rules in words are in `docs/design/stock-rules.md`.

#![no_std]
// The lint cannot tell `Table`, whose indexes always have their row, from a slice; slices are not
// indexed here.
#![allow(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod admit;
mod alert;
mod alerts;
mod anomaly;
mod cart;
mod consistency;
mod day;
mod delays;
mod demand;
mod effect;
mod event;
mod explain;
mod facts;
mod floor;
mod funnel;
mod horizon;
mod ids;
mod invariant;
mod judge;
mod kpi;
mod look;
mod lot;
mod order;
mod orders;
mod origin;
mod policy;
mod prices;
mod quantity;
mod reference;
mod reorder;
mod restock;
mod sale;
mod scale;
mod setup;
mod shelf;
mod stats;
mod store;
mod stores;
mod table;
mod tasks;
mod text;
mod time;
mod timer;
mod visits;
mod warehouse;
mod windows;

pub use alert::{Alert, AlertStatus, LastAct, Rule, Severity};
pub use alerts::MAX_SNOOZE_US;
pub use anomaly::{
    AnomalyPolicy, AnomalyRules, PASSING_US, SILENT_EXITS, SILENT_UNITS, SPIKE_WINDOWS,
};
pub use cart::{
    CART_IDLE_US, CHECKOUT_GRACE_US, Cart, CartLine, MAX_CART_LINES, MAX_CARTS, WRITTEN_OFF_US,
};
pub use consistency::{Consistency, TOTAL_TOLERANCE_CENTS};
pub use delays::Delays;
pub use demand::Demand;
pub use effect::{Cause, Effect, Effects, Explanation, PriceNotice, Reason, RemovalNotice};
pub use event::{
    AlertAct, AlertVerb, Body, Count, CustomerEvent, Delivery, Event, FunnelStep, OpeningStock,
    OrderAct, OrderVerb, Place, PriceChange, Promotion, Receipt, ReceiptLine, Refill, Rejected,
    Removal, RemovalCause, Session, ShelfTouch, TaskAct, TaskVerb, Transfer, WarehouseOut,
    WeightChange,
};
pub use facts::{
    Buyers, FACT_DAYS, FactScope, Flow, PeriodFacts, STORE_FACT_DAYS, SkuFacts, StoreFacts,
};
pub use funnel::{Funnel, KEPT_FUNNEL_DAYS};
pub use horizon::HORIZON_EVENTS;
pub use ids::{
    Actor, AlertId, Category, CustomerId, CustomerType, EventId, LotCode, Note, OrderId,
    PaymentMethod, PolicyId, ReceiptId, Sku, SkuIndex, SourceId, StoreId, Subcategory, SupplierId,
    TaskId, WindowName,
};
pub use invariant::{Invariant, Violation};
pub use kpi::{Kpi, Milli, Unit};
pub use look::Units;
pub use lot::{Lot, MAX_LOTS_PER_SKU};
pub use order::{LineReason, OrderLine, OrderStatus, SupplierOrder};
pub use orders::{CLOSE_AFTER_US, DELIVERY_LATE_US, DRAFT_LEAD_US, MAX_SUPPLIERS, Round};
pub use origin::{
    MAX_SOURCES, Origin, SourceCounts, StoreStream, StoreStreams, Stream, StreamCounts,
};
pub use policy::MAX_POLICIES;
pub use prices::MAX_PROMOTIONS_PER_SKU;
pub use quantity::{BasisPoints, MAX_EVENT_UNITS, MAX_PRICE_CENTS, MAX_SKU_UNITS, price_after};
pub use reference::{
    Approval, MarkdownSchedule, Picking, Policy, Product, RefillMode, RemovalTime, Rounding, Scope,
    Sensor, ShelfPlan, StoreSettings, Supplier,
};
pub use restock::{Allocation, RestockTask, TaskStatus};
pub use sale::MAX_RECEIPT_LINES;
pub use scale::{AWAITED_WEIGHT_US, WEIGHT_PATIENCE_US};
pub use setup::MAX_CLOSED_DAYS;
pub use shelf::{Ledger, Shelf, ShelfRules};
pub use stats::{CountBy, Stats};
pub use store::{CLOCK_TOLERANCE_US, LATE_AFTER_US, LATE_LIMIT_US, MAX_SKUS, Outcome, Store};
pub use stores::{Counts, StateError, Stores, state_hash};
pub use tasks::{TRANSIT_LIMIT_US, UNBEGUN_TASK_US};
pub use text::{Text, TextTooLong};
pub use time::{DAY, Day, HOUR, LocalClock, MINUTE, SECOND, Timestamp, WeekSlot};
pub use visits::{CLOSING_GRACE_US, MAX_PRESENT, MAX_VISIT_US, Visits};
pub use windows::{
    Distinct, EXACT_CUSTOMERS, MAX_LATENESS_US, MAX_PANES, MAX_WINDOW_US, MAX_WINDOWS, Measure,
    Missed, SalesSums, StockFigures, StockStatus, StockSums, WindowBalance, WindowPlan,
    WindowResult, WindowRow, WindowScope, WindowSpec, WindowStage,
};
