//! One row becomes one fact: a line of a receipt, or an event of another kind. Exact arithmetic,
//! and a named fault for every rule that a row breaks.

use shelf_domain::{
    BasisPoints, Body, CustomerId, Day, Delivery, LotCode, MAX_EVENT_UNITS, MAX_PRICE_CENTS,
    PriceChange, ReceiptId, ReceiptLine, Refill, ShelfTouch, Sku, StoreId, Timestamp, WarehouseOut,
};
use shelf_events::ErrorCode;

use crate::decimal::{Decimal, NumberForm};
use crate::error::SourceError;
use crate::lookup::{Binder, Field};
use crate::mapping::{Mapping, PriceRule};
use crate::rejected::Fault;
use crate::row::Row;

/// The most that a line may come to, in cents: the core takes no more.
const MAX_LINE_CENTS: i64 = 1_000_000_000_000;

/// The kinds of events that rows may become.
pub(crate) const KINDS: [&str; 9] =
    ["pos_transaction", "pickup", "putback", "refill", "wh_in", "wh_out", "price", "entry", "exit"];

/// What one row says.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) store: StoreId,
    pub(crate) at: Timestamp,
    /// The line in the file.
    pub(crate) line: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Line { receipt: ReceiptId, customer: Option<CustomerId>, line: ReceiptLine },
    Other { sku: Option<Sku>, price_cents: i64, body: Body },
}

/// A mapping tied to the columns of a file.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    time: usize,
    pub(crate) store: Field,
    kind_column: Option<usize>,
    receipt: Option<Field>,
    sku: Option<Field>,
    customer: Option<Field>,
    quantity: Option<Field>,
    unit_price: Option<Field>,
    total: Option<Field>,
    discounts: Vec<Field>,
    lot: Option<Field>,
    expiry: Option<Field>,
    numbers: NumberForm,
}

/// What a line is worth.
struct Amounts {
    unit_price_cents: i64,
    total_cents: i64,
    discount: BasisPoints,
}

impl Plan {
    pub(crate) fn new(mapping: &Mapping, binder: &Binder<'_>) -> Result<Self, SourceError> {
        let fields = &mapping.file.fields;
        let event = &mapping.file.event;
        let kind_column = event.kind_column.as_deref();
        Ok(Self {
            time: binder.column(&mapping.file.time.column)?,
            store: binder.bind(&mapping.file.store.id)?,
            kind_column: kind_column.map(|name| binder.column(name)).transpose()?,
            receipt: binder.maybe(fields.receipt.as_ref())?,
            sku: binder.maybe(fields.sku.as_ref())?,
            customer: binder.maybe(fields.customer.as_ref())?,
            quantity: binder.maybe(fields.quantity.as_ref())?,
            unit_price: binder.maybe(fields.unit_price.as_ref())?,
            total: binder.maybe(fields.total.as_ref())?,
            discounts: fields
                .discounts
                .iter()
                .map(|spec| binder.bind(spec))
                .collect::<Result<_, _>>()?,
            lot: binder.maybe(fields.lot.as_ref())?,
            expiry: binder.maybe(fields.expiry.as_ref())?,
            numbers: mapping.number_form(),
        })
    }

    /// The store of a row that says one.
    pub(crate) fn store_of(&self, row: &Row) -> Option<StoreId> {
        StoreId::new(&self.store.text(row)).ok().filter(|store| !store.is_empty())
    }

    pub(crate) fn fact(&self, mapping: &Mapping, row: &Row) -> Result<Fact, Fault> {
        let store = name(Some(&self.store), row, StoreId::new)?;
        let at = mapping.time.read(row.get(self.time)).ok_or(ErrorCode::BadTime)?;
        let event = &mapping.file.event;
        let kind = match self.kind_column {
            None => event.kind.as_str(),
            Some(column) => {
                let word = row.get(column).trim();
                event.kind_words.get(word).map_or(word, String::as_str)
            }
        };
        let what = if kind == "pos_transaction" {
            self.receipt_line(mapping, row)?
        } else {
            self.other(kind, mapping, row)?
        };
        Ok(Fact { store, at, line: row.line, what })
    }

    fn receipt_line(&self, mapping: &Mapping, row: &Row) -> Result<What, Fault> {
        let receipt = name(self.receipt.as_ref(), row, ReceiptId::new)?;
        let sku = name(self.sku.as_ref(), row, Sku::new)?;
        let prefix = mapping.file.event.cancelled_prefix.as_deref();
        let cancelled = prefix.is_some_and(|prefix| receipt.as_str().starts_with(prefix));
        let units = match self.units(mapping, row)? {
            0 => return Err(Fault::ZeroQuantity),
            units if cancelled => -units.abs(),
            units => units,
        };
        let amounts = self.amounts(mapping, row, units)?;
        let line = ReceiptLine {
            sku,
            units,
            unit_price_cents: amounts.unit_price_cents,
            discount: amounts.discount,
            total_cents: amounts.total_cents,
            lot: maybe(self.lot.as_ref(), row, LotCode::new)?,
        };
        Ok(What::Line {
            receipt,
            customer: maybe(self.customer.as_ref(), row, CustomerId::new)?,
            line,
        })
    }

    fn other(&self, kind: &str, mapping: &Mapping, row: &Row) -> Result<What, Fault> {
        let customer = maybe(self.customer.as_ref(), row, CustomerId::new)?;
        match kind {
            "entry" => {
                return Ok(What::Other { sku: None, price_cents: 0, body: Body::Entry(customer) });
            }
            "exit" => {
                return Ok(What::Other { sku: None, price_cents: 0, body: Body::Exit(customer) });
            }
            _ => {}
        }
        let sku = name(self.sku.as_ref(), row, Sku::new)?;
        let price = match &self.unit_price {
            Some(field) => self.money(mapping, field, row)?.rounded(),
            None => Some(0),
        };
        let price_cents = price.filter(|cents| cents.abs() <= MAX_PRICE_CENTS);
        let price_cents = price_cents.ok_or(ErrorCode::OutOfRange)?;
        if price_cents < 0 {
            return Err(Fault::NegativeAmount);
        }
        let lot = || maybe(self.lot.as_ref(), row, LotCode::new);
        let units = || self.positive_units(mapping, row);
        let body = match kind {
            "pickup" => {
                Body::Pickup(ShelfTouch { customer, sku, units: units()?, unit_weight_g: 0 })
            }
            "putback" => {
                Body::Putback(ShelfTouch { customer, sku, units: units()?, unit_weight_g: 0 })
            }
            "refill" => Body::Refill(Refill { task: None, sku, lot: lot()?, units: units()? }),
            "wh_in" => Body::Delivery(Delivery {
                sku,
                lot: lot()?.ok_or(ErrorCode::MissingField)?,
                units: units()?,
                expiry_day: self.expiry_day(row)?,
                ..Delivery::default()
            }),
            "wh_out" => {
                Body::WarehouseOut(WarehouseOut { task: None, sku, lot: lot()?, units: units()? })
            }
            "price" => Body::Price(PriceChange { sku, price_cents, ..PriceChange::default() }),
            _ => return Err(ErrorCode::UnknownEventType.into()),
        };
        Ok(What::Other { sku: Some(sku), price_cents, body })
    }

    /// The quantity of a row in units, of any sign.
    fn units(&self, mapping: &Mapping, row: &Row) -> Result<i32, Fault> {
        let quantity = self.number(self.quantity.as_ref(), row)?;
        let units = quantity.times(mapping.file.numbers.quantity_factor);
        let units = units.ok_or(ErrorCode::OutOfRange)?;
        if units.rounded().is_none_or(|units| units.unsigned_abs() > u64::from(MAX_EVENT_UNITS)) {
            return Err(ErrorCode::OutOfRange.into());
        }
        let units = units.whole().ok_or(Fault::FractionalQuantity)?;
        i32::try_from(units).map_err(|_| ErrorCode::OutOfRange.into())
    }

    fn positive_units(&self, mapping: &Mapping, row: &Row) -> Result<u32, Fault> {
        match self.units(mapping, row)? {
            0 => Err(Fault::ZeroQuantity),
            units => u32::try_from(units).map_err(|_| ErrorCode::NegativeUnits.into()),
        }
    }

    /// What a line of `units` (not zero) is worth. The total is what the row says, or quantity x
    /// price less the discounts; the price is what the row says, or what total and discounts make
    /// of a unit. Both are rounded once, half away from zero.
    fn amounts(&self, mapping: &Mapping, row: &Row, units: i32) -> Result<Amounts, Fault> {
        let out_of_range = Fault::from(ErrorCode::OutOfRange);
        let count = i64::from(units.unsigned_abs());
        let mut discounts = Decimal::ZERO;
        for field in &self.discounts {
            let amount = self.money(mapping, field, row)?;
            if amount.sign() < 0 {
                return Err(Fault::NegativeAmount);
            }
            discounts = discounts.plus(amount).ok_or(out_of_range)?;
        }
        let total = match &self.total {
            Some(field) => Some(self.money(mapping, field, row)?),
            None => None,
        };
        if units > 0 && total.is_some_and(|total| total.sign() < 0) {
            return Err(Fault::NegativeAmount);
        }
        let total = total.map(Decimal::abs);
        let price = match &self.unit_price {
            Some(field) => Some(self.money(mapping, field, row)?),
            None => None,
        };
        let gross = match (price, total) {
            (Some(price), _) => price.times(count),
            (None, Some(total)) => total.plus(discounts),
            (None, None) => return Err(ErrorCode::MissingField.into()),
        };
        let gross = gross.ok_or(out_of_range)?;
        match (mapping.file.event.price, gross.sign()) {
            (PriceRule::Positive, ..=0) => return Err(Fault::PriceNotPositive),
            (PriceRule::NotNegative, ..0) => return Err(Fault::NegativeAmount),
            _ => {}
        }
        let net = total.or_else(|| gross.plus(discounts.times(-1)?)).ok_or(out_of_range)?;
        if net.sign() < 0 {
            return Err(Fault::BadDiscount);
        }
        let unit_price_cents = gross.rounded_over(count).filter(|&cents| cents <= MAX_PRICE_CENTS);
        let total_cents = net.rounded().filter(|&cents| cents <= MAX_LINE_CENTS);
        Ok(Amounts {
            unit_price_cents: unit_price_cents.ok_or(out_of_range)?,
            total_cents: total_cents.ok_or(out_of_range)? * i64::from(units.signum()),
            discount: discount(gross, net),
        })
    }

    fn expiry_day(&self, row: &Row) -> Result<Option<Day>, Fault> {
        let Some(field) = &self.expiry else { return Ok(None) };
        let text = field.text(row);
        if text.is_empty() {
            return Ok(None);
        }
        let date: jiff::civil::Date = text.parse().map_err(|_| ErrorCode::BadDate)?;
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        let day = Day::from_civil(date.year().into(), month.into(), day.into());
        Ok(Some(day.ok_or(ErrorCode::BadDate)?))
    }

    fn number(&self, field: Option<&Field>, row: &Row) -> Result<Decimal, Fault> {
        let text = field.map(|field| field.text(row)).unwrap_or_default();
        if text.is_empty() {
            return Err(ErrorCode::MissingField.into());
        }
        Decimal::read(&text, self.numbers).ok_or(Fault::BadNumber)
    }

    /// An amount in cents, with all its digits.
    fn money(&self, mapping: &Mapping, field: &Field, row: &Row) -> Result<Decimal, Fault> {
        let amount = self.number(Some(field), row)?;
        amount.shifted(mapping.file.numbers.money_decimals).ok_or(ErrorCode::OutOfRange.into())
    }
}

/// What part of `gross` is taken off to make `net`; none where nothing is.
fn discount(gross: Decimal, net: Decimal) -> BasisPoints {
    let off = net.times(-1).and_then(|net| gross.plus(net)).filter(|off| off.sign() > 0);
    let part = off.and_then(|off| off.ratio(gross, 10_000));
    BasisPoints(part.and_then(|part| u32::try_from(part).ok()).unwrap_or(0).min(10_000))
}

fn name<T, E>(
    field: Option<&Field>,
    row: &Row,
    new: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Fault> {
    maybe(field, row, new)?.ok_or(ErrorCode::MissingField.into())
}

fn maybe<T, E>(
    field: Option<&Field>,
    row: &Row,
    new: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Fault> {
    let text = field.map(|field| field.text(row)).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    new(&text).map(Some).map_err(|_| ErrorCode::TextTooLong.into())
}
