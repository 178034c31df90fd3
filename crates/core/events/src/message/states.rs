//! The state records of the published reference system: one a shelf, a lot or a policy.

use serde::{Deserialize, Serialize};
use shelf_domain::{
    BasisPoints, Category, Day, LotCode, Note, Policy, PolicyId, RestockTask, Scope, Sku,
    Subcategory, SupplierOrder, Timestamp,
};

use super::forms::{form, grams, maybe};

/// `shelf_state`: the stock on the floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShelfState {
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// Units on it.
    pub current_stock: u32,
    /// The weight of a unit, in grams.
    #[serde(with = "grams")]
    pub item_weight: u32,
    /// When it last changed.
    #[serde(with = "form")]
    pub last_update_ts: Timestamp,
}

/// `wh_state`: the stock in the warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhState {
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// Units in the warehouse.
    pub wh_current_stock: u32,
    /// When it last changed.
    #[serde(with = "form")]
    pub last_update_ts: Timestamp,
}

/// `shelf_batch_state`: a lot on the floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShelfBatchState {
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// The lot.
    #[serde(with = "form")]
    pub batch_code: LotCode,
    /// When it was received.
    #[serde(with = "form")]
    pub received_date: Day,
    /// Its expiry date; null where it does not expire.
    #[serde(with = "maybe")]
    pub expiry_date: Option<Day>,
    /// Units on the floor.
    pub batch_quantity_store: u32,
    /// When the stock of its shelf last changed: no lot of it has changed since.
    #[serde(with = "form")]
    pub last_update_ts: Timestamp,
}

/// `wh_batch_state`: a lot in the warehouse and on the floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhBatchState {
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// The lot.
    #[serde(with = "form")]
    pub batch_code: LotCode,
    /// When it was received.
    #[serde(with = "form")]
    pub received_date: Day,
    /// Its expiry date; null where it does not expire.
    #[serde(with = "maybe")]
    pub expiry_date: Option<Day>,
    /// Units in the warehouse.
    pub batch_quantity_warehouse: u32,
    /// Units on the floor.
    pub batch_quantity_store: u32,
    /// When the stock of its shelf last changed: no lot of it has changed since.
    #[serde(with = "form")]
    pub last_update_ts: Timestamp,
}

/// `daily_discounts`: the cut of a shelf's price on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DailyDiscount {
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// The day.
    #[serde(with = "form")]
    pub discount_date: Day,
    /// The cut, 0 to 1.
    #[serde(with = "form")]
    pub discount: BasisPoints,
    /// The beginning of that day.
    #[serde(with = "form")]
    pub created_at: Timestamp,
}

/// `shelf_restock_plan`: a restock task as the reference shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShelfRestockPlan {
    /// The task, as `T-12`.
    pub plan_id: String,
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// Units wanted.
    pub suggested_qty: u32,
    /// Where it is in its life.
    pub status: String,
    /// When it was asked for.
    #[serde(with = "form")]
    pub created_at: Timestamp,
    /// When its status last changed.
    #[serde(with = "form")]
    pub updated_at: Timestamp,
}

impl From<&RestockTask> for ShelfRestockPlan {
    fn from(task: &RestockTask) -> Self {
        Self {
            plan_id: task.task.to_string(),
            shelf_id: task.sku,
            suggested_qty: task.wanted_units,
            status: task.status.code().to_owned(),
            created_at: task.created_at,
            updated_at: task.changed_at,
        }
    }
}

/// `wh_supplier_plan`: one line of a supplier order as the reference shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhSupplierPlan {
    /// The order, as `O-12`.
    pub supplier_plan_id: String,
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// Units ordered.
    pub suggested_qty: u32,
    /// Units in a pack; null where that is not known.
    pub standard_batch_size: Option<u32>,
    /// Where the order is in its life.
    pub status: String,
    /// When it was proposed.
    #[serde(with = "form")]
    pub created_at: Timestamp,
    /// When its status last changed.
    #[serde(with = "form")]
    pub updated_at: Timestamp,
}

/// The lines of an order as the reference shows them.
pub fn supplier_plans(order: &SupplierOrder) -> impl Iterator<Item = WhSupplierPlan> {
    order.lines.iter().map(|line| WhSupplierPlan {
        supplier_plan_id: order.order.to_string(),
        shelf_id: line.sku,
        suggested_qty: line.units,
        standard_batch_size: (line.reason.pack_units > 0).then_some(line.reason.pack_units),
        status: order.status.code().to_owned(),
        created_at: order.created_at,
        updated_at: order.changed_at,
    })
}

/// The scope of a policy as the reference writes it: all null for all shelves.
type ScopeFields = (Option<Sku>, Option<Category>, Option<Subcategory>);

fn scope_fields(scope: &Scope) -> ScopeFields {
    match scope {
        Scope::Global => (None, None, None),
        Scope::Category(category) => (None, Some(*category), None),
        Scope::Subcategory(category, subcategory) => (None, *category, Some(*subcategory)),
        Scope::Shelf(sku) => (Some(*sku), None, None),
    }
}

/// `shelf_policies`: what a policy says about the floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShelfPolicy {
    /// The policy.
    #[serde(with = "form")]
    pub policy_id: PolicyId,
    /// The shelf, where it is for one.
    #[serde(with = "maybe")]
    pub shelf_id: Option<Sku>,
    /// The category, where it is for one.
    #[serde(with = "maybe")]
    pub item_category: Option<Category>,
    /// The subcategory, where it is for one.
    #[serde(with = "maybe")]
    pub item_subcategory: Option<Subcategory>,
    /// Refill below this part of the capacity, 0 to 100.
    pub threshold_pct: Option<f64>,
    /// Refill below this many units.
    pub min_qty: Option<u32>,
    /// Whether it counts.
    pub active: bool,
    /// When it was set; null where that is not known.
    #[serde(with = "maybe")]
    pub updated_at: Option<Timestamp>,
}

impl ShelfPolicy {
    /// What `policy`, set at `updated_at` where that is known, says about the floor.
    pub fn of(policy: &Policy, updated_at: Option<Timestamp>) -> Self {
        let (shelf_id, item_category, item_subcategory) = scope_fields(&policy.scope);
        Self {
            policy_id: policy.policy,
            shelf_id,
            item_category,
            item_subcategory,
            threshold_pct: policy.refill_below.map(|part| f64::from(part.0) / 100.0),
            min_qty: policy.min_units,
            active: policy.active,
            updated_at,
        }
    }
}

/// `wh_policies`: what a policy says about the warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhPolicy {
    /// The policy.
    #[serde(with = "form")]
    pub policy_id: PolicyId,
    /// The shelf, where it is for one.
    #[serde(with = "maybe")]
    pub shelf_id: Option<Sku>,
    /// The category, where it is for one.
    #[serde(with = "maybe")]
    pub item_category: Option<Category>,
    /// The subcategory, where it is for one.
    #[serde(with = "maybe")]
    pub item_subcategory: Option<Subcategory>,
    /// Order below this many units.
    pub reorder_point_qty: Option<u32>,
    /// Whether it counts.
    pub active: bool,
    /// What a person says about it.
    #[serde(with = "form")]
    pub notes: Note,
    /// When it was set; null where that is not known.
    #[serde(with = "maybe")]
    pub updated_at: Option<Timestamp>,
}

impl WhPolicy {
    /// What `policy`, set at `updated_at` where that is known, says about the warehouse.
    pub fn of(policy: &Policy, updated_at: Option<Timestamp>) -> Self {
        let (shelf_id, item_category, item_subcategory) = scope_fields(&policy.scope);
        Self {
            policy_id: policy.policy,
            shelf_id,
            item_category,
            item_subcategory,
            reorder_point_qty: policy.reorder_point_units,
            active: policy.active,
            notes: policy.notes,
            updated_at,
        }
    }
}

/// `shelf_profiles`: the weight of a shelf's unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShelfProfile {
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// The weight of a unit, in grams.
    #[serde(with = "grams")]
    pub item_weight: u32,
    /// When it was first declared; null where that is not known.
    #[serde(with = "maybe")]
    pub created_at: Option<Timestamp>,
    /// When it last changed; null where that is not known.
    #[serde(with = "maybe")]
    pub updated_at: Option<Timestamp>,
}

/// `batch_catalog`: a lot and the pack that it came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchCatalog {
    /// The lot.
    #[serde(with = "form")]
    pub batch_code: LotCode,
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// Its expiry date; null where it does not expire.
    #[serde(with = "maybe")]
    pub expiry_date: Option<Day>,
    /// Units in a pack; null where that is not known.
    pub standard_batch_size: Option<u32>,
    /// The beginning of the day on which it was received.
    #[serde(with = "form")]
    pub created_at: Timestamp,
    /// When the stock of its shelf last changed: no lot of it has changed since.
    #[serde(with = "form")]
    pub updated_at: Timestamp,
}
