//! One shelf in full: its books, its rules, its lots, and what is the matter.

use serde::Serialize;
use shelf_domain::{BasisPoints, Day, Ledger, Shelf, ShelfRules, SkuIndex, Store, Timestamp};

use crate::alert_detail::{Arrival, arriving, task_of};
use crate::alerts::AlertRow;
use crate::lots::{self, LotRow};
use crate::shelves::ShelfRow;
use crate::tally::capacity;
use crate::tasks::TaskRow;
use crate::{form, wording};

/// What the policies come to for one shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RulesRow {
    /// Refill when fewer units are on it.
    pub refill_below_units: u32,
    /// Refill up to this.
    pub target_units: u32,
    /// Order when fewer units are in the warehouse.
    pub reorder_point_units: u32,
    /// Order for this many days more.
    pub cover_days: u16,
    /// Warn of lots on the floor that expire within this many days.
    pub near_expiry_floor_days: u16,
    /// Warn of lots in the warehouse that expire within this many days.
    pub near_expiry_warehouse_days: u16,
    /// An ended alert opens again no sooner than this, in minutes.
    pub cooldown_minutes: u16,
}

impl From<&ShelfRules> for RulesRow {
    fn from(rules: &ShelfRules) -> Self {
        Self {
            refill_below_units: rules.refill_below_units,
            target_units: rules.target_units,
            reorder_point_units: rules.reorder_point_units,
            cover_days: rules.cover_days,
            near_expiry_floor_days: rules.near_expiry_floor_days,
            near_expiry_warehouse_days: rules.near_expiry_warehouse_days,
            cooldown_minutes: rules.cooldown_minutes,
        }
    }
}

/// A price cut by plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PromotionRow {
    /// The first day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub from_day: Day,
    /// The last day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub until_day: Day,
    /// The cut.
    pub cut_percent: f64,
}

/// One shelf in full.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ShelfDetail {
    /// The shelf.
    #[serde(flatten)]
    pub shelf: ShelfRow,
    /// The product's brand.
    pub brand: String,
    /// Who delivers it.
    #[schema(value_type = Option<String>)]
    pub supplier: Option<shelf_domain::SupplierId>,
    /// What a unit costs the shop, in cents; `None` where that is not known.
    pub cost_cents: Option<i64>,
    /// The weight of a unit, in grams or millilitres; `None` where that is not known.
    pub unit_weight_g: Option<u32>,
    /// Units in the supplier's pack.
    pub pack_units: u32,
    /// Days from delivery to expiry; `None` where it does not expire.
    pub shelf_life_days: Option<u16>,
    /// The most units that the warehouse holds of it; `None` where that is not known.
    pub warehouse_capacity_units: Option<u32>,
    /// Units ever, and their money.
    #[schema(value_type = Object)]
    pub ledger: Ledger,
    /// Floor and carts less the lots' floor units: what the lots do not know.
    pub lot_gap_units: i64,
    /// Units on the shelf in dispute since a person last counted it.
    pub disputed_floor_units: u32,
    /// The same in the warehouse.
    pub disputed_warehouse_units: u32,
    /// When its stock last changed.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub changed_at: Option<Timestamp>,
    /// The rules that hold for it.
    pub rules: RulesRow,
    /// Its lots, the soonest to expire first.
    pub lots: Vec<LotRow>,
    /// The alerts that stand for it, the worst first.
    pub open_alerts: Vec<AlertRow>,
    /// The restock task that stands for it.
    pub restock: Option<TaskRow>,
    /// What suppliers are to bring.
    pub arriving: Vec<Arrival>,
    /// The promotions that have not ended.
    pub promotions: Vec<PromotionRow>,
}

impl ShelfDetail {
    /// A shelf of a store; `None` where the store has no such one.
    pub fn new(store: &Store, index: SkuIndex) -> Option<Self> {
        let shelf: &Shelf = store.shelf(index)?;
        let product = store.product(index)?;
        let mut open_alerts: Vec<AlertRow> =
            store.alerts_of(index).map(|alert| AlertRow::new(store, alert)).collect();
        open_alerts.sort_by_key(|row| (std::cmp::Reverse(row.severity), row.opened_at));
        let cut = |cut: BasisPoints| wording::per_cent(cut);
        let promotions = store.promotions(index).iter().map(|promotion| PromotionRow {
            from_day: promotion.from_day,
            until_day: promotion.until_day,
            cut_percent: cut(promotion.cut),
        });
        Some(Self {
            shelf: ShelfRow::new(store, index)?,
            brand: product.brand.as_str().to_owned(),
            supplier: product.supplier,
            cost_cents: (product.cost_cents > 0).then_some(product.cost_cents),
            unit_weight_g: (product.unit_weight_g > 0).then_some(product.unit_weight_g),
            pack_units: product.pack_units.max(1),
            shelf_life_days: (product.shelf_life_days > 0).then_some(product.shelf_life_days),
            warehouse_capacity_units: capacity(shelf, shelf_domain::Place::Warehouse),
            ledger: shelf.ledger,
            lot_gap_units: i64::from(shelf.lot_gap_units),
            disputed_floor_units: shelf.disputed_floor_units,
            disputed_warehouse_units: shelf.disputed_warehouse_units,
            changed_at: shelf.changed_at,
            rules: shelf.rules().into(),
            lots: lots::rows(store, index),
            open_alerts,
            restock: task_of(store, index),
            arriving: arriving(store, index),
            promotions: promotions.collect(),
        })
    }
}
