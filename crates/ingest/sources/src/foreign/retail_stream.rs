//! The events of a retail stream: one message for each sale of a product, change of stock,
//! restocking, price and step of a customer.

use shelf_domain::{
    Body, CustomerEvent, CustomerId, FunnelStep, LotCode, MAX_PRICE_CENTS, PaymentMethod,
    PriceChange, Receipt, ReceiptId, RemovalCause, Sku,
};

use super::fact::{Fact, Goods, StockChange, StockReason, counted, delivered, removed};
use super::values::{Look, Raw};
use super::{Broken, Format, Kind};

const SYSTEM: Format = Format::RetailStream;
const STEPS: &[&str] =
    &["store_entrance", "browsing", "product_view", "cart_addition", "cart_removal"];

pub(super) const KINDS: [Kind; 7] = [
    Kind {
        types: &["sales_transaction"],
        shape: &["total_amount"],
        without: &["items", "final_amount", "discount_applied", "total_price"],
        key: &["store_id", "transaction_id"],
        read: sale,
        ..Kind::new(SYSTEM, "sale")
    },
    Kind {
        types: &["inventory_update"],
        shape: &["new_quantity", "previous_quantity"],
        without: &["movement_type"],
        key: &["inventory_id"],
        read: inventory_update,
        ..Kind::new(SYSTEM, "inventory_update")
    },
    Kind {
        types: &["restock", "restock_event"],
        beside: &["restock_quantity"],
        shape: &["restock_quantity", "restock_id"],
        key: &["restock_id"],
        read: restock,
        ..Kind::new(SYSTEM, "restock")
    },
    Kind {
        types: &["restock_alert"],
        shape: &["reorder_point"],
        key: &["alert_id"],
        read: restock_alert,
        ..Kind::new(SYSTEM, "restock_alert")
    },
    Kind {
        types: &["price_change"],
        shape: &["new_price", "price_change_id"],
        key: &["price_change_id"],
        read: price_change,
        ..Kind::new(SYSTEM, "price_change")
    },
    Kind {
        types: STEPS,
        key: &["event_id"],
        read: customer_event,
        ..Kind::new(SYSTEM, "customer_event")
    },
    Kind {
        types: &["stock_movement"],
        shape: &["movement_type"],
        key: &["inventory_id"],
        read: stock_movement,
        ..Kind::new(SYSTEM, "stock_movement")
    },
];

fn sale(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let receipt = raw.need("transaction_id", ReceiptId::new, Broken::NULL_TRANSACTION)?;
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let line = raw.line(sku, "total_amount")?;
    let goods = Goods::of(raw, sku, Some(line.unit_price_cents))?;
    let receipt = Receipt {
        receipt,
        customer: raw.name("customer_id", CustomerId::new)?,
        payment_method: raw.name_or_empty("payment_method", PaymentMethod::new)?,
        lines: vec![line],
        ..Receipt::default()
    };
    Ok(Fact::new(store, at, vec![Body::Receipt(Box::new(receipt))]).with(goods))
}

fn inventory_update(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let after = raw.stock("new_quantity")?;
    let change = raw.units("quantity_change", Broken::INVALID_QUANTITY)?;
    // The system's stock ends at zero, so a change may be larger than what it changes.
    let before = match raw.units("previous_quantity", Broken::INVALID_STOCK)? {
        Some(before) => {
            let sum = change.map(|change| before.saturating_add(change).max(0));
            if sum.is_some_and(|sum| sum != i64::from(after)) {
                return Err(Broken::INCONSISTENT_STOCK);
            }
            before
        }
        None => i64::from(after).saturating_sub(change.ok_or(Broken::INVALID_QUANTITY)?),
    };
    let reason = raw.text("reason")?;
    let reason = match reason.as_deref() {
        Some("sale") => StockReason::Sale,
        Some("receipt") => StockReason::Came,
        Some("return") => StockReason::Returned,
        Some("damage") => StockReason::Gone(RemovalCause::Damaged),
        Some("theft") => StockReason::Gone(RemovalCause::Stolen),
        _ => StockReason::Adjusted,
    };
    let change = StockChange {
        store,
        at,
        goods: Goods::of(raw, sku, None)?,
        reason,
        units: i64::from(after) - before,
        before: u32::try_from(before).ok(),
        after,
    };
    change.fact(raw, "inventory_id")
}

/// Booked when it is told: the system has no event for the arrival, and a time days ahead would
/// carry the store past what is sold meanwhile.
fn restock(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let units = raw.units("restock_quantity", Broken::INVALID_QUANTITY)?;
    let units = units.and_then(|units| u32::try_from(units).ok()).filter(|&units| units > 0);
    let lot = raw.need("restock_id", LotCode::new, Broken::NULL_RESTOCK)?;
    let bodies = delivered(sku, lot, units.ok_or(Broken::INVALID_QUANTITY)?);
    let fact = Fact::new(store, at, bodies).with(Goods::of(raw, sku, None)?);
    let before = raw.units("current_quantity", Broken::INVALID_STOCK)?;
    Ok(Fact { stock_before: before.and_then(|units| u32::try_from(units).ok()), ..fact })
}

/// The store's own policies say when to restock.
fn restock_alert(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    Ok(Fact::ignored(look.store(raw)?, look.time(raw)?))
}

fn price_change(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let at = look.time(raw)?;
    let price = raw.amount("new_price", Broken::INVALID_UNIT_PRICE)?.rounded();
    let price_cents = price.filter(|&cents| cents <= MAX_PRICE_CENTS);
    let price_cents = price_cents.ok_or(Broken::INVALID_UNIT_PRICE)?;
    let (goods, stock_before, ignored) = (Vec::new(), None, false);
    let bodies = vec![Body::Price(PriceChange { sku, price_cents, ..PriceChange::default() })];
    let store = look.store(raw).ok();
    Ok(Fact { store, at, goods, stock_before, bodies, ignored })
}

fn customer_event(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let step = match raw.text("event_type")?.as_deref() {
        Some("store_entrance") => FunnelStep::Entrance,
        Some("cart_addition") => FunnelStep::CartAdd,
        Some("cart_removal") => FunnelStep::CartRemove,
        _ => FunnelStep::View,
    };
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let customer = raw.name("customer_id", CustomerId::new)?;
    let sku = raw.name("product_id", Sku::new)?;
    let event = CustomerEvent { customer, step, sku };
    Ok(Fact::new(store, at, vec![Body::CustomerEvent(event)]))
}

fn stock_movement(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let units = raw.stock("quantity").map_err(|_| Broken::INVALID_QUANTITY)?;
    let lot = raw.name_or_empty("inventory_id", LotCode::new)?;
    let (way, reason) = (raw.text("movement_type")?, raw.text("reason")?);
    let bodies = match (way.as_deref(), reason.as_deref()) {
        (Some("adjustment"), _) => counted(sku, units),
        (Some("in" | "out"), _) if units == 0 => return Err(Broken::INVALID_QUANTITY),
        (Some("in"), _) if lot.is_empty() => return Err(Broken::NULL_MOVEMENT),
        (Some("in"), _) => delivered(sku, lot, units),
        (Some("out"), Some("sale")) => return Ok(Fact::ignored(store, at)),
        (Some("out"), Some("damage")) => removed(sku, units, RemovalCause::Damaged),
        (Some("out"), Some("theft")) => removed(sku, units, RemovalCause::Stolen),
        (Some("out"), _) => removed(sku, units, RemovalCause::Transferred),
        _ => return Err(Broken::UNKNOWN_MOVEMENT),
    };
    Ok(Fact::new(store, at, bodies).with(Goods::of(raw, sku, None)?))
}
