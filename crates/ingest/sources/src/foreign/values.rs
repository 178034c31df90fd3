//! One foreign object: its fields as they stand in the line, and typed reads of them. Amounts are
//! read by their digits.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use shelf_domain::{
    BasisPoints, MAX_EVENT_UNITS, MAX_PRICE_CENTS, ReceiptLine, Sku, StoreId, TextTooLong,
    Timestamp,
};

use super::Broken;
use crate::decimal::{Decimal, NumberForm};
use crate::zone::TimeReader;

const NUMBERS: NumberForm = NumberForm { point: b'.', group: None };

macro_rules! fields {
    ($($field:ident),* $(,)?) => {
        /// The fields that any of the systems has; others are passed over.
        #[derive(Debug, Default, Deserialize)]
        pub(crate) struct Raw<'a> {
            $(#[serde(borrow, default)] $field: Option<&'a RawValue>),*
        }

        impl<'a> Raw<'a> {
            /// The value of a field, where it is there and not null.
            pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
                match name {
                    $(stringify!($field) => self.$field.map(RawValue::get),)*
                    _ => None,
                }
            }
        }
    };
}

fields!(
    event_type,
    event_version,
    event_id,
    transaction_id,
    inventory_id,
    restock_id,
    alert_id,
    price_change_id,
    store_id,
    product_id,
    product_name,
    category,
    product_category,
    quantity,
    unit_price,
    total,
    total_amount,
    total_price,
    discount_applied,
    final_amount,
    items,
    timestamp,
    customer_id,
    customer_type,
    client_type,
    payment_method,
    quantity_change,
    new_quantity,
    previous_quantity,
    current_quantity,
    current_stock,
    reason,
    restock_quantity,
    reorder_point,
    movement_type,
    old_price,
    new_price,
    session_duration,
    page_views,
    channel,
    device,
);

impl<'a> Raw<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text without blanks around it, where there is one. A bare number is taken as it stands:
    /// some systems number what others name.
    pub(crate) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Broken> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = match value.as_bytes().first() {
            Some(b'"') => {
                let text: Cow<'a, str> = match value.get(1..value.len().saturating_sub(1)) {
                    Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
                    _ => Cow::Owned(serde_json::from_str(value).map_err(|_| Broken::WRONG_TYPE)?),
                };
                match text {
                    Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
                    Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
                }
            }
            Some(b'-' | b'0'..=b'9') => Cow::Borrowed(value),
            _ => return Err(Broken::WRONG_TYPE),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A name, where there is one.
    pub(crate) fn name<T>(
        &self,
        name: &str,
        new: impl Fn(&str) -> Result<T, TextTooLong>,
    ) -> Result<Option<T>, Broken> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        new(&text).map(Some).map_err(|_| Broken::TEXT_TOO_LONG)
    }

    /// A name that must be there.
    pub(crate) fn need<T>(
        &self,
        name: &str,
        new: impl Fn(&str) -> Result<T, TextTooLong>,
        without: Broken,
    ) -> Result<T, Broken> {
        self.name(name, new)?.ok_or(without)
    }

    /// A name that may be missing and is then the empty text.
    pub(crate) fn name_or_empty<T: Default>(
        &self,
        name: &str,
        new: impl Fn(&str) -> Result<T, TextTooLong>,
    ) -> Result<T, Broken> {
        Ok(self.name(name, new)?.unwrap_or_default())
    }

    /// A number, bare or in quotes; `wrong` where it is none.
    pub(crate) fn number(&self, name: &str, wrong: Broken) -> Result<Option<Decimal>, Broken> {
        let text = self.text(name).map_err(|_| wrong)?;
        text.map(|text| Decimal::read(&text, NUMBERS).ok_or(wrong)).transpose()
    }

    /// A whole number of units of either sign, where it is there.
    pub(crate) fn units(&self, name: &str, wrong: Broken) -> Result<Option<i64>, Broken> {
        let Some(number) = self.number(name, wrong)? else { return Ok(None) };
        let in_range = |units: &i64| units.unsigned_abs() <= u64::from(MAX_EVENT_UNITS);
        number.whole().filter(in_range).map(Some).ok_or(wrong)
    }

    /// A stock that must be there: none or more units.
    pub(crate) fn stock(&self, name: &str) -> Result<u32, Broken> {
        let units = self.units(name, Broken::INVALID_STOCK)?;
        units.and_then(|units| u32::try_from(units).ok()).ok_or(Broken::INVALID_STOCK)
    }

    /// An amount above zero in hundredths, with all its digits.
    pub(crate) fn amount(&self, name: &str, wrong: Broken) -> Result<Decimal, Broken> {
        let amount = self.number(name, wrong)?.and_then(|amount| amount.shifted(2));
        amount.filter(|amount| amount.sign() > 0).ok_or(wrong)
    }

    /// The line of a receipt: quantity, price and total above zero, and the total within a cent of
    /// their product. The first rule that it breaks is the reason.
    pub(crate) fn line(&self, sku: Sku, total: &str) -> Result<ReceiptLine, Broken> {
        let units = self.units("quantity", Broken::INVALID_QUANTITY)?;
        let units = units.and_then(|units| i32::try_from(units).ok());
        let units = units.filter(|&units| units > 0).ok_or(Broken::INVALID_QUANTITY)?;
        let price = self.amount("unit_price", Broken::INVALID_UNIT_PRICE)?;
        let total = self.amount(total, Broken::INVALID_TOTAL)?;
        let unit_price_cents = price.rounded().filter(|&cents| cents <= MAX_PRICE_CENTS);
        let unit_price_cents = unit_price_cents.ok_or(Broken::INVALID_UNIT_PRICE)?;
        let gross_cents = price.times(i64::from(units)).and_then(Decimal::rounded);
        let gross_cents = gross_cents.ok_or(Broken::INVALID_UNIT_PRICE)?;
        if !within(total, gross_cents, 1) {
            return Err(Broken::INCONSISTENT_TOTAL);
        }
        let total_cents = total.rounded().ok_or(Broken::INVALID_TOTAL)?;
        let discount = BasisPoints::ZERO;
        Ok(ReceiptLine { sku, units, unit_price_cents, discount, total_cents, lot: None })
    }
}

/// Whether an amount lies within so many cents of another.
pub(crate) fn within(amount: Decimal, cents: i64, tolerance_cents: i64) -> bool {
    let whole = |number: i64| Decimal::read(&number.to_string(), NUMBERS);
    let off = whole(cents).and_then(|cents| amount.plus(cents.times(-1)?)).map(Decimal::abs);
    let over = off.and_then(|off| off.plus(whole(tolerance_cents)?.times(-1)?));
    over.is_some_and(|over| over.sign() <= 0)
}

/// What a line is read with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) zone: &'a TimeReader,
    /// The store of lines that name none.
    pub(crate) store: Option<StoreId>,
}

impl Look<'_> {
    pub(crate) fn store(&self, raw: &Raw<'_>) -> Result<StoreId, Broken> {
        raw.name("store_id", StoreId::new)?.or(self.store).ok_or(Broken::NULL_STORE)
    }

    /// When it happened; a time without an offset is local.
    pub(crate) fn time(&self, raw: &Raw<'_>) -> Result<Timestamp, Broken> {
        let text = raw.text("timestamp")?.ok_or(Broken::NULL_TIMESTAMP)?;
        self.zone.read(&text).ok_or(Broken::BAD_TIME)
    }
}
