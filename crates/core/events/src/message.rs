//! What leaves the product as JSON: the state records of the published reference system under its
//! field names, and the messages that effects become. Reading them back is for tests and for those
//! who consume them.

mod effects;
mod forms;
mod state_rows;
mod states;
mod windows;

pub use effects::{
    AlertMessage, AllocationMessage, ExplanationMessage, OrderLineMessage, PriceMessage,
    QuarantineMessage, RemovalMessage, RestockTaskMessage, SupplierOrderMessage, effect_json,
};
pub use state_rows::{StateKind, StateRecord, StateRow};
pub use states::{
    BatchCatalog, DailyDiscount, ShelfBatchState, ShelfPolicy, ShelfProfile, ShelfRestockPlan,
    ShelfState, WhBatchState, WhPolicy, WhState, WhSupplierPlan, supplier_plans,
};
pub use windows::{WindowMessage, WindowRowMessage};
