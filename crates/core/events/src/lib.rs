//! The versioned encodings of events and effects: binary for the log, JSON at the edges.
//!
//! It must never decide anything about a shop, and never panic on any bytes.

mod binary;
mod json;
mod message;
mod names;
mod output;
mod schema;
#[cfg(feature = "testing")]
pub mod testing;

pub use binary::{DecodeError, FORMAT_VERSION, Header, decode_event, encode_event, peek};
pub use json::{
    Defaults, ErrorCode, JsonError, MAX_LINE_BYTES, MAX_RAW_BYTES, RESTOCK_BOT, UNKNOWN_STORE,
    day_text, keyed_event, parse_day, parse_event, parse_event_general, parse_time, rejected_event,
    time_text, write_event, write_event_id,
};
pub use message::{
    AlertMessage, AllocationMessage, BatchCatalog, DailyDiscount, ExplanationMessage,
    OrderLineMessage, PriceMessage, QuarantineMessage, RemovalMessage, RestockTaskMessage,
    ShelfBatchState, ShelfPolicy, ShelfProfile, ShelfRestockPlan, ShelfState, StateKind,
    StateRecord, StateRow, SupplierOrderMessage, WhBatchState, WhPolicy, WhState, WhSupplierPlan,
    WindowMessage, WindowRowMessage, effect_json, supplier_plans,
};
pub use output::{OutputRecord, decode_effect, encode_effect};
pub use schema::{avro_schemas, event_kinds, schemas};
