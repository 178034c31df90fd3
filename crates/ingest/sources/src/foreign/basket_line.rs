//! Basket lines: one message for each line of a receipt.

use shelf_domain::{Body, CustomerType, PaymentMethod, Receipt, ReceiptId, Sku};

use super::fact::{Fact, Goods};
use super::values::{Look, Raw};
use super::{Broken, Format, Kind};

pub(super) const KINDS: [Kind; 1] = [Kind {
    shape: &["total_price", "client_type"],
    without: &["items"],
    key: &["store_id", "transaction_id", "product_id"],
    read: line,
    lines_of_a_receipt: true,
    ..Kind::new(Format::BasketLine, "basket_line")
}];

/// The rules in the order of the system's own; the first that the line breaks is the reason.
fn line(raw: &Raw<'_>, look: &Look<'_>) -> Result<Fact, Broken> {
    let receipt = raw.need("transaction_id", ReceiptId::new, Broken::NULL_TRANSACTION)?;
    let sku = raw.need("product_id", Sku::new, Broken::NULL_PRODUCT)?;
    let (store, at) = (look.store(raw)?, look.time(raw)?);
    let line = raw.line(sku, "total_price")?;
    let goods = Goods::of(raw, sku, Some(line.unit_price_cents))?;
    let receipt = Receipt {
        receipt,
        customer: None,
        payment_method: raw.name_or_empty("payment_method", PaymentMethod::new)?,
        customer_type: raw.name_or_empty("client_type", CustomerType::new)?,
        lines: vec![line],
    };
    Ok(Fact::new(store, at, vec![Body::Receipt(Box::new(receipt))]).with(goods))
}
