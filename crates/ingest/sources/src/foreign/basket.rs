//! Baskets: one message for each whole receipt, beside changes of stock and steps of customers.

use shelf_domain::{
    BasisPoints, Body, CustomerEvent, CustomerId, CustomerType, FunnelStep, PaymentMethod, Receipt,
    ReceiptId, ReceiptLine, RemovalCause, Sku,
};

use super::fact::{Fact, Goods, StockChange, StockReason};
use super::values::{Look, Raw, within};
use super::{Broken, Format, Kind};

const SYSTEM: Format = Format::Basket;

pub(super) const KINDS: [Kind; 3] = [
    Kind {
        shape: &["final_amount", "discount_applied"],
        key: &["store_id", "transaction_id", "timestamp"],
        read: transaction,
        ..Kind::new(SYSTEM, "transaction")
    },
    Kind {
        types: &["restock", "sale", "damage", "return"],
        beside: &["current_stock", "quantity_change"],
        key: &["store_id", "event_id", "timestamp"],
        read: inventory_update,
        ..Kind::new(SYSTEM, "inventory_update")
    },
    Kind {
        types: &["login", "search", "add_to_cart", "checkout", "abandon_cart"],
        beside: &["customer_id", "session_duration", "page_views", "channel", "device"],
        key: &["store_id", "event_id", "timestamp"],
        read: customer_event,
        ..Kind::new(SYSTEM, "customer_event")
    },
];

fn transaction(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let receipt = raw.need("transaction_id", ReceiptId::new, Broken::NULL_TRANSACTION)?;
    let items = raw.get("items").ok_or(Broken::NULL_ITEMS)?;
    let items: Vec<Raw<'_>> = serde_json::from_str(items).map_err(|_| Broken::WRONG_TYPE)?;
    let skus = items.iter().map(|item| item.need("product_id", Sku::new, Broken::NULL_PRODUCT));
    let skus: Vec<Sku> = skus.collect::<Result<_, _>>()?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let (mut lines, mut goods) = (Vec::new(), Vec::new());
    for (item, sku) in items.iter().zip(skus) {
        let line = item.line(sku, "total")?;
        goods.push(Goods::of(item, sku, Some(line.unit_price_cents))?);
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(Broken::NULL_ITEMS);
    }
    take_off(&mut lines, raw)?;
    let receipt = Receipt {
        receipt,
        customer: raw.name("customer_id", CustomerId::new)?,
        payment_method: raw.name_or_empty("payment_method", PaymentMethod::new)?,
        customer_type: raw.name_or_empty("customer_type", CustomerType::new)?,
        lines,
    };
    let fact = Fact::new(store, at, vec![Body::Receipt(Box::new(receipt))]);
    Ok(Fact { goods, ..fact })
}

/// Brings the lines down to what was paid. The system's `discount_applied` disagrees with its
/// `final_amount`; the money that was taken is the latter.
fn take_off(lines: &mut [ReceiptLine], raw: &Raw<'_>) -> Result<(), Broken> {
    let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.total_cents));
    let sum = sum.ok_or(Broken::INVALID_TOTAL)?;
    let each_a_cent = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    if raw.has("total_amount") {
        let total = raw.amount("total_amount", Broken::INVALID_TOTAL)?;
        if !within(total, sum, each_a_cent) {
            return Err(Broken::INCONSISTENT_TOTAL);
        }
    }
    let paid = raw.number("final_amount", Broken::INVALID_TOTAL)?;
    let paid = paid.and_then(|paid| paid.shifted(2)?.rounded()).filter(|&cents| cents >= 0);
    let off = sum - paid.ok_or(Broken::INVALID_TOTAL)?;
    if off < 0 {
        return Err(Broken::INCONSISTENT_TOTAL);
    }
    let shares = spread(off, &lines.iter().map(|line| line.total_cents).collect::<Vec<_>>());
    for (line, share) in lines.iter_mut().zip(shares) {
        let part = i128::from(share) * 10_000 / i128::from(line.total_cents.max(1));
        line.discount = BasisPoints(u32::try_from(part).unwrap_or(0).min(10_000));
        line.total_cents -= share;
    }
    Ok(())
}

/// Parts of a sum in proportion to weights, each whole: by the largest remainders, the first of
/// equal ones first.
fn spread(sum: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
    if whole <= 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: i64| i128::from(sum) * i128::from(weight);
    let mut parts: Vec<i64> =
        weights.iter().map(|&weight| i64::try_from(exact(weight) / whole).unwrap_or(0)).collect();
    let rest = sum - parts.iter().sum::<i64>();
    let mut order: Vec<(i128, usize)> =
        weights.iter().enumerate().map(|(at, &weight)| (-(exact(weight) % whole), at)).collect();
    order.sort_unstable();
    for (_, at) in order.into_iter().take(usize::try_from(rest).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(at) {
            *part += 1;
        }
    }
    parts
}

fn inventory_update(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let after = raw.stock("current_stock")?;
    let change = raw.units("quantity_change", Broken::INVALID_QUANTITY)?;
    let change = change.ok_or(Broken::INVALID_QUANTITY)?;
    let before = i64::from(after).saturating_sub(change);
    let reason = match raw.text("event_type")?.as_deref() {
        Some("sale") => StockReason::Sale,
        Some("restock") => StockReason::Came,
        Some("return") => StockReason::Returned,
        _ => StockReason::Gone(RemovalCause::Damaged),
    };
    let change = StockChange {
        store,
        at,
        goods: Goods::of(raw, sku, None)?,
        reason,
        units: change,
        before: u32::try_from(before).ok(),
        after,
    };
    change.fact(raw, "event_id")
}

fn customer_event(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let step = match raw.text("event_type")?.as_deref() {
        Some("login") => FunnelStep::Entrance,
        Some("add_to_cart") => FunnelStep::CartAdd,
        Some("checkout") => FunnelStep::Checkout,
        Some("abandon_cart") => FunnelStep::Abandon,
        _ => FunnelStep::View,
    };
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let customer = raw.name("customer_id", CustomerId::new)?;
    let event = CustomerEvent { customer, step, sku: raw.name("product_id", Sku::new)? };
    Ok(Fact::new(store, at, vec![Body::CustomerEvent(event)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_spread_to_the_cent() {
        assert_eq!(spread(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(spread(100, &[249, 378, 129]), [33, 50, 17]);
        assert_eq!(spread(0, &[5, 5]), [0, 0]);
        assert_eq!(spread(7, &[0, 7]), [0, 7]);
        assert_eq!(spread(3, &[]), [] as [i64; 0]);
        let parts = spread(999_999, &[7, 11, 13, 1_000_000]);
        assert_eq!(parts.iter().sum::<i64>(), 999_999);
    }
}
