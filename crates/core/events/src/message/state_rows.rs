//! The state records of a store: each kind, and its rows as they stand.
//!
//! Times that a store does not keep are null: when a policy was set, when a product was declared.

use serde::Serialize;
use shelf_domain::{BasisPoints, Day, Lot, Policy, Scope, Shelf, SkuIndex, Store};

use super::states::{
    BatchCatalog, DailyDiscount, ShelfBatchState, ShelfPolicy, ShelfProfile, ShelfRestockPlan,
    ShelfState, WhBatchState, WhPolicy, WhState, WhSupplierPlan, supplier_plans,
};
use crate::names::Name;
use crate::schema::state_fields;

/// The key of a policy that is for no single shelf.
const GLOBAL_KEY: &str = "__GLOBAL__";

/// A kind of state record, as the reference system has a compacted topic for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    /// The stock on the floor, of each shelf.
    ShelfState,
    /// The stock in the warehouse, of each shelf.
    WhState,
    /// The lots on the floor.
    ShelfBatchState,
    /// The lots in the warehouse and on the floor.
    WhBatchState,
    /// The cuts of today's prices.
    DailyDiscounts,
    /// The restock tasks that stand.
    ShelfRestockPlan,
    /// The lines of the supplier orders that stand.
    WhSupplierPlan,
    /// What the policies say about the floor.
    ShelfPolicies,
    /// What the policies say about the warehouse.
    WhPolicies,
    /// The weights of the shelves' units.
    ShelfProfiles,
    /// The lots and the packs that they came in.
    BatchCatalog,
}

/// A record with the key that it stands under.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateRow {
    /// The store.
    pub store_id: String,
    /// Which record: the same key again replaces it.
    pub key: String,
    /// The record.
    #[serde(flatten)]
    pub record: StateRecord,
}

/// One state record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each is what it holds")]
pub enum StateRecord {
    ShelfState(ShelfState),
    WhState(WhState),
    ShelfBatchState(ShelfBatchState),
    WhBatchState(WhBatchState),
    DailyDiscount(DailyDiscount),
    ShelfRestockPlan(ShelfRestockPlan),
    WhSupplierPlan(WhSupplierPlan),
    ShelfPolicy(ShelfPolicy),
    WhPolicy(WhPolicy),
    ShelfProfile(ShelfProfile),
    BatchCatalog(BatchCatalog),
}

impl StateKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::ShelfState,
        Self::WhState,
        Self::ShelfBatchState,
        Self::WhBatchState,
        Self::DailyDiscounts,
        Self::ShelfRestockPlan,
        Self::WhSupplierPlan,
        Self::ShelfPolicies,
        Self::WhPolicies,
        Self::ShelfProfiles,
        Self::BatchCatalog,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ShelfState => "shelf_state",
            Self::WhState => "wh_state",
            Self::ShelfBatchState => "shelf_batch_state",
            Self::WhBatchState => "wh_batch_state",
            Self::DailyDiscounts => "daily_discounts",
            Self::ShelfRestockPlan => "shelf_restock_plan",
            Self::WhSupplierPlan => "wh_supplier_plan",
            Self::ShelfPolicies => "shelf_policies",
            Self::WhPolicies => "wh_policies",
            Self::ShelfProfiles => "shelf_profiles",
            Self::BatchCatalog => "batch_catalog",
        }
    }

    /// The kind of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The names of its fields, in order.
    pub fn fields(self) -> Vec<&'static str> {
        state_fields(self.name())
    }

    /// Its rows in a store, in the order in which the store has them.
    pub fn rows(self, store: &Store) -> Vec<StateRow> {
        let mut rows = Rows { store, rows: Vec::new() };
        match self {
            Self::ShelfRestockPlan => {
                for task in store.tasks() {
                    let plan = ShelfRestockPlan::from(task);
                    rows.add(task.sku.text(), StateRecord::ShelfRestockPlan(plan));
                }
            }
            Self::WhSupplierPlan => {
                for plan in store.orders().flat_map(supplier_plans) {
                    let sku = plan.shelf_id;
                    rows.add(sku.text(), StateRecord::WhSupplierPlan(plan));
                }
            }
            Self::ShelfPolicies => {
                let record =
                    |policy: &Policy| StateRecord::ShelfPolicy(ShelfPolicy::of(policy, None));
                rows.add_policies(record);
            }
            Self::WhPolicies => {
                rows.add_policies(|policy| StateRecord::WhPolicy(WhPolicy::of(policy, None)));
            }
            Self::ShelfState | Self::WhState | Self::ShelfProfiles | Self::DailyDiscounts => {
                store.skus().for_each(|index| rows.add_shelf(self, index));
            }
            Self::ShelfBatchState | Self::WhBatchState | Self::BatchCatalog => {
                store.skus().for_each(|index| rows.add_lots(self, index));
            }
        }
        rows.rows
    }

    /// Whether its rows each belong to one sku, and change only when the stock, a lot or a price of
    /// it does, or the day.
    pub fn by_sku(self) -> bool {
        !matches!(
            self,
            Self::ShelfRestockPlan | Self::WhSupplierPlan | Self::ShelfPolicies | Self::WhPolicies
        )
    }

    /// Its rows of one sku of a store; none for a kind that is not by sku.
    pub fn rows_of_sku(self, store: &Store, sku: SkuIndex) -> Vec<StateRow> {
        let mut rows = Rows { store, rows: Vec::new() };
        match self {
            Self::ShelfState | Self::WhState | Self::ShelfProfiles | Self::DailyDiscounts => {
                rows.add_shelf(self, sku);
            }
            Self::ShelfBatchState | Self::WhBatchState | Self::BatchCatalog => {
                rows.add_lots(self, sku);
            }
            _ => {}
        }
        rows.rows
    }
}

struct Rows<'a> {
    store: &'a Store,
    rows: Vec<StateRow>,
}

impl Rows<'_> {
    fn add(&mut self, key: &str, record: StateRecord) {
        let store_id = self.store.id().text().to_owned();
        self.rows.push(StateRow { store_id, key: key.to_owned(), record });
    }

    /// The key of the reference names a shelf; policies of other scopes stand under their own ids,
    /// so that none replaces another.
    fn add_policies(&mut self, record: impl Fn(&Policy) -> StateRecord) {
        let globals = self.store.policies().iter().filter(|p| p.scope == Scope::Global).count();
        for policy in self.store.policies() {
            let key = match &policy.scope {
                Scope::Shelf(sku) => sku.text(),
                Scope::Global if globals == 1 => GLOBAL_KEY,
                _ => policy.policy.text(),
            };
            self.add(key, record(policy));
        }
    }

    fn add_shelf(&mut self, kind: StateKind, index: SkuIndex) {
        let Some(shelf) = self.store.shelf(index) else { return };
        let record = match kind {
            StateKind::ShelfState => ShelfState::of(self.store, index).map(StateRecord::ShelfState),
            StateKind::WhState => WhState::of(shelf).map(StateRecord::WhState),
            StateKind::ShelfProfiles => {
                ShelfProfile::of(self.store, index).map(StateRecord::ShelfProfile)
            }
            _ => DailyDiscount::of(self.store, index).map(StateRecord::DailyDiscount),
        };
        if let Some(record) = record {
            self.add(shelf.sku.text(), record);
        }
    }

    fn add_lots(&mut self, kind: StateKind, index: SkuIndex) {
        let store = self.store;
        let Some(shelf) = store.shelf(index) else { return };
        for lot in store.lots(index) {
            let key = format!("{}::{}", shelf.sku.text(), lot.code.text());
            match kind {
                StateKind::ShelfBatchState => {
                    if let Some(state) = ShelfBatchState::of(shelf, lot) {
                        self.add(&key, StateRecord::ShelfBatchState(state));
                    }
                }
                StateKind::WhBatchState => {
                    if let Some(state) = WhBatchState::of(shelf, lot) {
                        self.add(&key, StateRecord::WhBatchState(state));
                    }
                }
                _ => {
                    let entry = BatchCatalog::of(store, index, lot);
                    if let Some(entry) = entry {
                        self.add(lot.code.text(), StateRecord::BatchCatalog(entry));
                    }
                }
            }
        }
    }
}

fn expiry_of(lot: &Lot) -> Option<Day> {
    (lot.expiry_day != Day::NEVER).then_some(lot.expiry_day)
}

impl ShelfState {
    /// The stock on the floor of a sku; `None` where it never had any.
    pub fn of(store: &Store, index: SkuIndex) -> Option<Self> {
        let (shelf, product) = (store.shelf(index)?, store.product(index)?);
        Some(Self {
            shelf_id: shelf.sku,
            current_stock: shelf.floor_units,
            item_weight: product.unit_weight_g,
            last_update_ts: shelf.changed_at?,
        })
    }
}

impl WhState {
    /// The stock in the warehouse of a shelf; `None` where it never had any.
    pub fn of(shelf: &Shelf) -> Option<Self> {
        Some(Self {
            shelf_id: shelf.sku,
            wh_current_stock: shelf.warehouse_units,
            last_update_ts: shelf.changed_at?,
        })
    }
}

impl ShelfBatchState {
    /// A lot as it lies on the floor; `None` where its shelf never had stock.
    pub fn of(shelf: &Shelf, lot: &Lot) -> Option<Self> {
        Some(Self {
            shelf_id: shelf.sku,
            batch_code: lot.code,
            received_date: lot.received_day,
            expiry_date: expiry_of(lot),
            batch_quantity_store: lot.floor_units,
            last_update_ts: shelf.changed_at?,
        })
    }
}

impl WhBatchState {
    /// A lot wherever it lies; `None` where its shelf never had stock.
    pub fn of(shelf: &Shelf, lot: &Lot) -> Option<Self> {
        Some(Self {
            shelf_id: shelf.sku,
            batch_code: lot.code,
            received_date: lot.received_day,
            expiry_date: expiry_of(lot),
            batch_quantity_warehouse: lot.warehouse_units,
            batch_quantity_store: lot.floor_units,
            last_update_ts: shelf.changed_at?,
        })
    }
}

impl DailyDiscount {
    /// What the price of a shelf is cut by today, by promotion and the deepest markdown of its lots
    /// on the floor together; `None` where it is not cut.
    pub fn of(store: &Store, index: SkuIndex) -> Option<Self> {
        let shelf = store.shelf(index)?;
        let on_floor = store.lots(index).filter(|lot| lot.floor_units > 0);
        let markdown = on_floor.map(|lot| lot.markdown).max().unwrap_or_default();
        let discount = shelf.promotion.then(markdown);
        (discount > BasisPoints::ZERO).then(|| Self {
            shelf_id: shelf.sku,
            discount_date: store.day(),
            discount,
            created_at: store.settings().clock.at(store.day(), 0),
        })
    }
}

impl ShelfProfile {
    /// The weight of a sku's unit; `None` where that is not known.
    pub fn of(store: &Store, index: SkuIndex) -> Option<Self> {
        let product = store.product(index)?;
        (product.unit_weight_g > 0).then_some(Self {
            shelf_id: product.sku,
            item_weight: product.unit_weight_g,
            created_at: None,
            updated_at: None,
        })
    }
}

impl BatchCatalog {
    /// A lot of a sku; `None` where there is no such sku.
    pub fn of(store: &Store, index: SkuIndex, lot: &Lot) -> Option<Self> {
        let (shelf, product) = (store.shelf(index)?, store.product(index)?);
        Some(Self {
            batch_code: lot.code,
            shelf_id: shelf.sku,
            expiry_date: expiry_of(lot),
            standard_batch_size: (product.pack_units > 0).then_some(product.pack_units),
            created_at: store.settings().clock.at(lot.received_day, 0),
            updated_at: shelf.changed_at?,
        })
    }
}
