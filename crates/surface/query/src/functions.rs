//! The shop's own functions: a store's calendar, expiry, money.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use shelf_domain::{Day, LocalClock, Timestamp};

use crate::live::{MONEY, StoreClocks, UTC};

/// Minutes of an hour.
const HOUR_MINUTES: u16 = 60;

/// A function, as the documentation lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionNote {
    /// How it is called.
    pub call: &'static str,
    /// What it gives.
    pub gives: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The shop's functions.
pub fn function_notes() -> [FunctionNote; 6] {
    let note = |call, gives, meaning| FunctionNote { call, gives, meaning };
    [
        note("store_day(at, store_id)", "date", "the day of a time, in the store's time zone"),
        note("store_hour(at, store_id)", "integer", "the hour of that day, 0 to 23"),
        note("store_time(at, store_id)", "timestamp", "the time that the store's own clocks show"),
        note("store_day_start(day, store_id)", "timestamp with time zone", "when the day begins"),
        note(
            "days_to_expiry(expiry, day)",
            "integer",
            "days from a day to an expiry date: 0 is today, negative is past",
        ),
        note("money(cents)", "numeric(18,2)", "an amount of money from whole cents"),
    ]
}

pub(crate) fn register(context: &SessionContext, clocks: &StoreClocks) {
    let at = || DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
    let of_time = |name: &str, gives: DataType, read: fn(&LocalClock, Timestamp) -> i64| {
        let clocks = clocks.clone();
        let of = gives.clone();
        function(name, vec![at(), DataType::Utf8], gives, move |arrays| {
            let [times, stores] = arrays else { return Err(arguments()) };
            let (times, stores) = (times.as_primitive::<TimestampMicrosecondType>(), texts(stores));
            let values = times.iter().zip(stores.iter()).map(|(time, store)| {
                clocks.with(store?, |clock| Some(read(clock, Timestamp(time?)))).flatten()
            });
            Ok(integers(values, &of))
        })
    };
    context
        .register_udf(of_time("store_day", DataType::Date32, |clock, at| clock.day(at).0.into()));
    context.register_udf(of_time("store_hour", DataType::Int32, |clock, at| {
        (clock.minute_of_day(at) / HOUR_MINUTES).into()
    }));
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    context.register_udf(of_time("store_time", local, |clock, at| {
        at.0 + i64::from(clock.offset_seconds(at)) * shelf_domain::SECOND
    }));
    let clocks = clocks.clone();
    let arguments_of = vec![DataType::Date32, DataType::Utf8];
    context.register_udf(function("store_day_start", arguments_of, at(), move |arrays| {
        let [days, stores] = arrays else { return Err(arguments()) };
        let (days, stores) = (days.as_primitive::<Date32Type>(), texts(stores));
        let starts = days.iter().zip(stores.iter()).map(|(day, store)| {
            clocks.with(store?, |clock| Some(clock.at(Day(day?), 0).0)).flatten()
        });
        Ok(Arc::new(starts.collect::<TimestampMicrosecondArray>().with_timezone(UTC)))
    }));
    let two_days = vec![DataType::Date32, DataType::Date32];
    context.register_udf(function("days_to_expiry", two_days, DataType::Int32, |arrays| {
        let [expiry, from] = arrays else { return Err(arguments()) };
        let (expiry, from) =
            (expiry.as_primitive::<Date32Type>(), from.as_primitive::<Date32Type>());
        let pairs = expiry.iter().zip(from.iter());
        let days = pairs.map(|(expiry, from)| expiry?.checked_sub(from?));
        Ok(Arc::new(days.collect::<Int32Array>()))
    }));
    let amount = DataType::Decimal128(MONEY.0, MONEY.1);
    context.register_udf(function("money", vec![DataType::Int64], amount, |arrays| {
        let [cents] = arrays else { return Err(arguments()) };
        let cents = cents.as_primitive::<Int64Type>().iter().map(|cents| cents.map(i128::from));
        let amounts = cents.collect::<Decimal128Array>();
        Ok(Arc::new(amounts.with_precision_and_scale(MONEY.0, MONEY.1)?))
    }));
}

fn function(
    name: &str,
    takes: Vec<DataType>,
    gives: DataType,
    work: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    // A store may move to another time zone while statements run: nothing is folded for ever.
    create_udf(
        name,
        takes,
        gives,
        Volatility::Stable,
        Arc::new(move |values: &[ColumnarValue]| {
            let one = values.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
            let given = work(&ColumnarValue::values_to_arrays(values)?)?;
            Ok(if one {
                ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&given, 0)?)
            } else {
                ColumnarValue::Array(given)
            })
        }),
    )
}

fn texts(array: &ArrayRef) -> &StringArray {
    array.as_string::<i32>()
}

fn integers(values: impl Iterator<Item = Option<i64>>, of: &DataType) -> ArrayRef {
    let small = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
    match of {
        DataType::Date32 => Arc::new(values.map(small).collect::<Date32Array>()),
        DataType::Int32 => Arc::new(values.map(small).collect::<Int32Array>()),
        _ => Arc::new(values.collect::<TimestampMicrosecondArray>()),
    }
}

fn arguments() -> DataFusionError {
    DataFusionError::Internal("a function got other arguments than it takes".to_owned())
}
