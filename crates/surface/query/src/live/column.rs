//! How the fields of a row become a column.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::arrow::error::ArrowError;
use shelf_domain::{Day, Timestamp};

/// The digits of an amount of money, and those after the point.
pub(crate) const MONEY: (u8, i8) = (18, 2);
/// The time zone in which all times of all tables stand.
pub(crate) const UTC: &str = "UTC";

/// One column of a table whose rows are `R`.
pub(super) struct Column<R> {
    pub(super) name: &'static str,
    pub(super) comment: String,
    read: Read<R>,
}

type Reading<R, T> = Box<dyn Fn(&R) -> Option<T> + Send + Sync>;

enum Read<R> {
    Text(Reading<R, String>),
    Number(Reading<R, i64>),
    Decimal(Reading<R, f64>),
    Money(Reading<R, i64>),
    Time(Reading<R, Timestamp>),
    Date(Reading<R, Day>),
    YesNo(Reading<R, bool>),
}

/// A text.
pub(super) fn text<R, T: Into<Option<String>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::Text(Box::new(move |row| read(row).into())))
}

/// A whole number.
pub(super) fn number<R, T: Into<Option<i64>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::Number(Box::new(move |row| read(row).into())))
}

/// A number with digits behind the point.
pub(super) fn decimal<R, T: Into<Option<f64>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::Decimal(Box::new(move |row| read(row).into())))
}

/// An amount of money, read in cents.
pub(super) fn money<R, T: Into<Option<i64>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::Money(Box::new(move |row| read(row).into())))
}

/// A time.
pub(super) fn time<R, T: Into<Option<Timestamp>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::Time(Box::new(move |row| read(row).into())))
}

/// A date of the store's own calendar.
pub(super) fn date<R, T: Into<Option<Day>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::Date(Box::new(move |row| read(row).into())))
}

/// Yes or no.
pub(super) fn yes_no<R, T: Into<Option<bool>>>(
    name: &'static str,
    comment: &str,
    read: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Column<R> {
    column(name, comment, Read::YesNo(Box::new(move |row| read(row).into())))
}

fn column<R>(name: &'static str, comment: &str, read: Read<R>) -> Column<R> {
    Column { name, comment: comment.to_owned(), read }
}

impl<R> Column<R> {
    pub(super) fn field(&self) -> Field {
        let data_type = match &self.read {
            Read::Text(_) => DataType::Utf8,
            Read::Number(_) => DataType::Int64,
            Read::Decimal(_) => DataType::Float64,
            Read::Money(_) => DataType::Decimal128(MONEY.0, MONEY.1),
            Read::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Read::Date(_) => DataType::Date32,
            Read::YesNo(_) => DataType::Boolean,
        };
        Field::new(self.name, data_type, true)
    }

    pub(super) fn values(&self, rows: &[R]) -> Result<ArrayRef, ArrowError> {
        Ok(match &self.read {
            Read::Text(read) => Arc::new(rows.iter().map(read).collect::<StringArray>()),
            Read::Number(read) => Arc::new(rows.iter().map(read).collect::<Int64Array>()),
            Read::Decimal(read) => Arc::new(rows.iter().map(read).collect::<Float64Array>()),
            Read::Money(read) => {
                let cents = rows.iter().map(|row| read(row).map(i128::from));
                let amounts = cents.collect::<Decimal128Array>();
                Arc::new(amounts.with_precision_and_scale(MONEY.0, MONEY.1)?)
            }
            Read::Time(read) => {
                let micros = rows.iter().map(|row| read(row).map(|at| at.0));
                let times = micros.collect::<TimestampMicrosecondArray>();
                Arc::new(times.with_timezone(UTC))
            }
            Read::Date(read) => {
                let days = rows.iter().map(|row| read(row).map(|day| day.0));
                Arc::new(days.collect::<Date32Array>())
            }
            Read::YesNo(read) => Arc::new(rows.iter().map(read).collect::<BooleanArray>()),
        })
    }
}
