//! Typed reads of an object's fields. Every error names the field that it is about.

use std::borrow::Cow;

use shelf_domain::{BasisPoints, Day, Timestamp};

use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields, Value};
use super::number::scaled;
use super::time::{parse_day, parse_time};
use crate::names::{Choice, Name};

pub(crate) type Result<T> = core::result::Result<T, JsonError>;

/// The names of a shelf, the most specific first.
pub(crate) const SKU: &[Field] = &[Field::ShelfId, Field::ItemId, Field::Sku];
/// The names of a quantity.
pub(crate) const UNITS: &[Field] = &[Field::Quantity, Field::Qty, Field::Units];
/// The names of the time of an event.
pub(crate) const AT: &[Field] = &[Field::Timestamp, Field::Time, Field::At];
/// The names of a lot.
pub(crate) const LOT: &[Field] = &[Field::BatchCode, Field::Lot];

impl<'a> Value<'a> {
    /// It as text.
    #[inline]
    pub(crate) fn text(self, field: Field) -> Result<Cow<'a, str>> {
        match self {
            Value::Text(text) => Ok(Cow::Borrowed(text)),
            Value::Escaped(quoted) => serde_json::from_str(quoted)
                .map(Cow::Owned)
                .map_err(|_| JsonError::new(ErrorCode::MalformedJson, field.name())),
            other => Err(other.wrong_type(field)),
        }
    }

    #[cold]
    pub(crate) fn wrong_type(self, field: Field) -> JsonError {
        let found = match self {
            Value::Null => "null",
            Value::Flag(true) => "true",
            Value::Flag(false) => "false",
            Value::Number(text)
            | Value::Text(text)
            | Value::Escaped(text)
            | Value::List(text)
            | Value::Object(text) => text,
        };
        JsonError::found(ErrorCode::WrongType, field.name(), found)
    }

    #[inline]
    fn scaled(self, field: Field, scale: i32) -> Result<(i64, bool)> {
        let Value::Number(text) = self else { return Err(self.wrong_type(field)) };
        match scaled(text, scale) {
            Some(found) => Ok((found.value, found.exact)),
            None => Err(JsonError::found(ErrorCode::OutOfRange, field.name(), text)),
        }
    }

    #[cold]
    fn refused(self, code: ErrorCode, field: Field) -> JsonError {
        JsonError { code, ..self.wrong_type(field) }
    }
}

/// The error of a field that must be there.
#[cold]
pub(crate) fn missing(names: &[Field]) -> JsonError {
    JsonError::new(ErrorCode::MissingField, names.first().map_or("", |field| field.name()))
}

/// What must be there.
#[inline]
pub(crate) fn need<T>(found: Option<T>, names: &[Field]) -> Result<T> {
    found.ok_or_else(|| missing(names))
}

impl<'a> Fields<'a> {
    /// A text, where it is there.
    pub(crate) fn maybe_text(&self, names: &[Field]) -> Result<Option<(Field, Cow<'a, str>)>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        Ok(Some((field, value.text(field)?)))
    }

    /// A name; the empty text counts as one.
    #[inline]
    pub(crate) fn name<T: Name>(&self, names: &[Field]) -> Result<T> {
        let (field, value) = need(self.first(names), names)?;
        as_name(&value.text(field)?, field)
    }

    /// A name that may be missing; the empty text counts as missing.
    #[inline]
    pub(crate) fn maybe_name<T: Name>(&self, names: &[Field]) -> Result<Option<T>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        let text = value.text(field)?;
        if text.is_empty() { Ok(None) } else { as_name(&text, field).map(Some) }
    }

    /// A name that may be missing and is then the empty text.
    pub(crate) fn name_or_empty<T: Name + Default>(&self, names: &[Field]) -> Result<T> {
        Ok(self.maybe_name(names)?.unwrap_or_default())
    }

    /// A whole number, where it is there.
    #[inline]
    pub(crate) fn maybe_int<T: TryFrom<i64>>(&self, names: &[Field]) -> Result<Option<T>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        let (number, exact) = value.scaled(field, 0)?;
        if !exact {
            return Err(value.wrong_type(field));
        }
        T::try_from(number).map(Some).map_err(|_| value.refused(ErrorCode::OutOfRange, field))
    }

    /// A number of units that may be missing.
    #[inline]
    pub(crate) fn maybe_units(&self, names: &[Field]) -> Result<Option<u32>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        let (number, exact) = value.scaled(field, 0)?;
        if !exact {
            return Err(value.wrong_type(field));
        }
        if number < 0 {
            return Err(value.refused(ErrorCode::NegativeUnits, field));
        }
        u32::try_from(number).map(Some).map_err(|_| value.refused(ErrorCode::OutOfRange, field))
    }

    /// A number of units.
    #[inline]
    pub(crate) fn units(&self, names: &[Field]) -> Result<u32> {
        need(self.maybe_units(names)?, names)
    }

    /// A decimal number times ten to `scale`, rounded, where it is there.
    #[inline]
    pub(crate) fn maybe_scaled<T: TryFrom<i64>>(
        &self,
        names: &[Field],
        scale: i32,
    ) -> Result<Option<T>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        let (number, _) = value.scaled(field, scale)?;
        T::try_from(number).map(Some).map_err(|_| value.refused(ErrorCode::OutOfRange, field))
    }

    /// An amount of money in cents, where it is there.
    pub(crate) fn maybe_money(&self, names: &[Field]) -> Result<Option<i64>> {
        self.maybe_scaled(names, 2)
    }

    /// A part of a whole: given as 0 to 1 for `scale` 4, as 0 to 100 for `scale` 2.
    pub(crate) fn maybe_part(&self, names: &[Field], scale: i32) -> Result<Option<BasisPoints>> {
        Ok(self.maybe_scaled(names, scale)?.map(BasisPoints))
    }

    /// A time, where it is there.
    #[inline]
    pub(crate) fn maybe_time(&self, names: &[Field]) -> Result<Option<Timestamp>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        let text = value.text(field)?;
        match parse_time(&text) {
            Some(at) => Ok(Some(at)),
            None => Err(JsonError::found(ErrorCode::BadTime, field.name(), &text)),
        }
    }

    /// A date, where it is there.
    pub(crate) fn maybe_day(&self, names: &[Field]) -> Result<Option<Day>> {
        let Some((field, text)) = self.maybe_text(names)? else { return Ok(None) };
        match parse_day(&text) {
            Some(day) => Ok(Some(day)),
            None if text.is_empty() => Ok(None),
            None => Err(JsonError::found(ErrorCode::BadDate, field.name(), &text)),
        }
    }

    /// One of a field's words, where it is there.
    pub(crate) fn maybe_choice<T: Choice>(&self, names: &[Field]) -> Result<Option<T>> {
        let Some((field, text)) = self.maybe_text(names)? else { return Ok(None) };
        match T::of_word(&text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(JsonError::found(ErrorCode::BadChoice, field.name(), &text)),
        }
    }

    /// A flag, where it is there.
    pub(crate) fn maybe_flag(&self, names: &[Field]) -> Result<Option<bool>> {
        match self.first(names) {
            None => Ok(None),
            Some((_, Value::Flag(flag))) => Ok(Some(flag)),
            Some((field, other)) => Err(other.wrong_type(field)),
        }
    }

    /// The number of an alert, a task or an order, where it is there: `T-12`, `"12"` or 12.
    pub(crate) fn maybe_number_id<T>(
        &self,
        names: &[Field],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some((field, value)) = self.first(names) else { return Ok(None) };
        let found = match value {
            Value::Number(digits) => parse(digits),
            other => parse(&other.text(field)?),
        };
        found.map(Some).ok_or_else(|| value.refused(ErrorCode::BadId, field))
    }
}

#[inline]
pub(crate) fn as_name<T: Name>(text: &str, field: Field) -> Result<T> {
    match T::read(text) {
        Some(name) => Ok(name),
        None => Err(too_long(text, T::LIMIT, field)),
    }
}

#[cold]
fn too_long(text: &str, limit: usize, field: Field) -> JsonError {
    let detail = format!("{} bytes, the limit is {limit}", text.len());
    JsonError { code: ErrorCode::TextTooLong, field: field.name(), detail }
}
