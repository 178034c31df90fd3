//! From stepped events to rows: pure, in memory, one event at a time.
//!
//! It gets each event with what it came to, what followed and the store after it, and appends the
//! rows of every table. It must never read a clock or do I/O: the same log gives the same rows.

mod acts;
mod changes;
mod effects;
mod events;
mod reference;
mod words;

use std::collections::HashMap;

use deltalake::arrow::error::ArrowError;
use shelf_domain::{
    Body, DAY, Day, Effects, Event, Outcome, SourceId, Store, StoreId, Stores, Timestamp,
};
use shelf_events::write_event_id;

use crate::positions::Positions;
use crate::rows::{Batch, Gather, Row, Rows};
use crate::tables::cleansed::{Lots, ProductTotals, ShelfStates, WhStates};
use crate::tables::ops::{
    Acts, Alerts, Discounts, Discrepancies, Kpis, Orders, Prices, ProductDays, Removals,
    SupplierReceipts, Tasks, Windows,
};
use crate::tables::raw::{
    CustomerEvents, EventHead, FootTrafficRows, InventoryUpdates, PosLines, PosTransactions,
    PriceChanges, Products, QuarantineRows, SettingsRows, ShelfEvents, Shelves, StoresRows,
    Suppliers, WhEvents,
};
use changes::StoreMemory;

/// An event that has been stepped, as the recorder needs it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The partition of the log.
    pub partition: u32,
    /// The event's place in it.
    pub offset: u64,
    /// The event.
    pub event: &'a Event,
    /// What it came to.
    pub outcome: Outcome,
    /// What followed.
    pub effects: &'a Effects,
    /// The store after it; `None` where there is no such store.
    pub store: Option<&'a Store>,
}

macro_rules! gathered {
    ($($field:ident: $columns:ident,)*) => {
        /// The rows of all tables.
        struct Gathered {
            $($field: Rows<$columns>,)*
        }

        impl Gathered {
            fn new(positions: &Positions) -> Self {
                Self { $($field: Rows::new(positions.of($columns::TABLE).to_vec()),)* }
            }

            fn end_at(&mut self, positions: &Positions) {
                $(self.$field.end_at(positions.of($columns::TABLE).to_vec());)*
            }

            fn take(&mut self) -> Result<Vec<Batch>, ArrowError> {
                let mut batches = Vec::new();
                $(batches.extend(self.$field.take()?);)*
                Ok(batches)
            }

            #[cfg(test)]
            fn tables() -> Vec<&'static crate::table::Table> {
                vec![$($columns::TABLE),*]
            }
        }
    };
}

gathered! {
    shelf_events: ShelfEvents,
    pos_transactions: PosTransactions,
    pos_lines: PosLines,
    foot_traffic: FootTrafficRows,
    wh_events: WhEvents,
    inventory_updates: InventoryUpdates,
    price_changes: PriceChanges,
    customer_events: CustomerEvents,
    products: Products,
    shelves: Shelves,
    stores: StoresRows,
    suppliers: Suppliers,
    settings: SettingsRows,
    quarantine: QuarantineRows,
    shelf_state: ShelfStates,
    wh_state: WhStates,
    lots: Lots,
    product_total_state: ProductTotals,
    alerts: Alerts,
    restock_tasks: Tasks,
    supplier_orders: Orders,
    supplier_receipts: SupplierReceipts,
    discrepancies: Discrepancies,
    removals: Removals,
    prices: Prices,
    acts: Acts,
    windows: Windows,
    daily_discounts: Discounts,
    kpis: Kpis,
    product_days: ProductDays,
}

/// Gathers the rows of stepped events.
pub struct Recorder {
    gathered: Gathered,
    bytes: usize,
    sources: HashMap<SourceId, String>,
    memory: HashMap<StoreId, StoreMemory>,
    scratch: Scratch,
}

/// Buffers that keep their room from event to event.
#[derive(Default)]
struct Scratch {
    event_id: Vec<u8>,
    text: String,
    json: Vec<u8>,
    skus: Vec<shelf_domain::SkuIndex>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Recorder {
    /// A recorder for tables that hold everything below these positions.
    pub fn new(positions: &Positions) -> Self {
        Self {
            gathered: Gathered::new(positions),
            bytes: 0,
            sources: HashMap::new(),
            memory: HashMap::new(),
            scratch: Scratch::default(),
        }
    }

    /// A recorder of everything that tables at these positions hold: for comparing them with the
    /// log.
    pub fn up_to(positions: &Positions) -> Self {
        let mut recorder = Self::new(&Positions::default());
        recorder.gathered.end_at(positions);
        recorder
    }

    /// Says what a source is called.
    pub fn name_source(&mut self, source: SourceId, name: &str) {
        self.sources.insert(source, name.to_owned());
    }

    /// Whether it knows what a source is called.
    pub fn knows_source(&self, source: SourceId) -> bool {
        source == SourceId::default() || self.sources.contains_key(&source)
    }

    /// Takes stores as they are before the first event that will be recorded. What they hold has
    /// been written by then, so only what changes from here on becomes a row.
    pub fn begin_at(&mut self, stores: &Stores) {
        for store in stores.iter() {
            self.memory.insert(store.id(), StoreMemory::of(store));
        }
    }

    /// About how many bytes the rows take that have not been taken.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the rows, as one batch for each table that got any, in the order of the tables.
    pub fn take(&mut self) -> Result<Vec<Batch>, ArrowError> {
        self.bytes = 0;
        self.gathered.take()
    }

    /// Appends the rows of one event.
    pub fn record(&mut self, step: &Step<'_>) {
        if step.outcome == Outcome::Duplicate {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.event_id.clear();
        write_event_id(step.event.id, &mut scratch.event_id);
        let mut event_id = std::mem::take(&mut scratch.event_id);
        let day = store_day(step.store, step.event.at);
        let source = self.sources.get(&step.event.origin.source).cloned();
        let line = step.event.origin.line;
        let head = EventHead {
            event_id: std::str::from_utf8(&event_id).unwrap_or_default(),
            store_id: step.event.store.as_str(),
            log_partition: step.partition as i32,
            log_offset: step.offset as i64,
            event_at: step.event.at,
            event_date: day,
            received_at: step.event.received_at,
            source: source.as_deref(),
            source_line: (line > 0).then_some(i64::from(line)),
        };
        match step.outcome {
            Outcome::Accepted | Outcome::Late => self.record_event(step, head, &mut scratch),
            Outcome::Quarantined(reason) => {
                self.record_quarantine(step, reason, head, &mut scratch);
            }
            Outcome::Duplicate => {}
        }
        if let Some(store) = step.store {
            self.record_effects(step, store, &mut scratch);
            self.record_changes(step, store, &mut scratch);
        }
        event_id.clear();
        scratch.event_id = event_id;
        self.scratch = scratch;
    }

    fn record_event(&mut self, step: &Step<'_>, head: EventHead<'_>, scratch: &mut Scratch) {
        match &step.event.body {
            Body::Pickup(_)
            | Body::Putback(_)
            | Body::WeightChange(_)
            | Body::Refill(_)
            | Body::Receipt(_) => self.record_floor(step, head, scratch),
            Body::Entry(_) | Body::Exit(_) | Body::Session(_) | Body::CustomerEvent(_) => {
                self.record_traffic(step, head);
            }
            Body::Delivery(_)
            | Body::WarehouseOut(_)
            | Body::Transfer(_)
            | Body::OpeningStock(_)
            | Body::Removal(_)
            | Body::Count(_)
            | Body::Price(_)
            | Body::Promotion(_) => self.record_stock(step, head, scratch),
            Body::Product(_) | Body::Shelf(_) => self.record_product(step, head),
            Body::Store(_) | Body::Supplier(_) | Body::Policy(_) | Body::WindowPlan(_) => {
                self.record_reference(step, head, scratch);
            }
            Body::AlertAct(_) | Body::OrderAct(_) | Body::TaskAct(_) => {
                self.record_act(step, head, scratch);
            }
            // A tick of the clock says nothing that happened; rejected bytes are never accepted.
            Body::Clock | Body::Rejected(_) => {}
        }
    }
}

/// Appends a row where its table wants it; adds to `bytes` what that took.
fn put<C: Gather, R: Row<Columns = C>>(
    rows: &mut Rows<C>,
    bytes: &mut usize,
    step: &Step<'_>,
    row: R,
) {
    if rows.wants(step.partition, step.offset) {
        *bytes += rows.push(row);
    }
}

/// The date of a moment by a store's own clock; in UTC where there is no such store.
fn store_day(store: Option<&Store>, at: Timestamp) -> Day {
    match store {
        Some(store) => store.settings().clock.day(at),
        None => Day(at.0.div_euclid(DAY) as i32),
    }
}

/// A text that may be missing.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A number that is 0 where it is not known.
fn known<N: Into<i64>>(number: N) -> Option<i64> {
    Some(number.into()).filter(|number| *number != 0)
}

#[cfg(test)]
mod tests;
