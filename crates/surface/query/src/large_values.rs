//! Functions that make large values of small ones: they are refused beyond a size.
//!
//! DataFusion accounts for what sorts, groups and joins keep, and not for what a function makes: a
//! few words could ask for a list of a billion numbers, and get it while the statement is planned.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// The functions, by their names.
const GROWING: [(&str, Grows); 10] = [
    ("array_repeat", Grows::RepeatedItems),
    ("array_resize", Grows::Resized),
    ("array_to_string", Grows::Joined),
    ("generate_series", Grows::Series),
    ("lpad", Grows::Padded),
    ("range", Grows::Series),
    ("regexp_replace", Grows::ReplacedPattern),
    ("repeat", Grows::RepeatedText),
    ("replace", Grows::Replaced),
    ("rpad", Grows::Padded),
];

/// The most bytes of a letter.
const LETTER_BYTES: i64 = 4;
/// The bytes of an item of a list, where nothing else is known.
const ITEM_BYTES: i64 = 8;
/// The fewest bytes that a text in a list takes.
const LISTED_TEXT_BYTES: i64 = 4;
/// The fewest days of a month.
const MONTH_DAYS: i64 = 28;
/// Nanoseconds of a day.
const DAY_NANOS: i64 = 86_400_000_000_000;
/// Stands for a step of which nobody knows whether it goes on or back.
const EITHER_WAY: i64 = i64::MIN;

/// Registers the functions again, with a limit on what they make.
pub(crate) fn register(context: &SessionContext, memory_bytes: usize) {
    // Half of the memory for a batch, and of that a small part for one value: joins copy it.
    let batch_bytes = memory_bytes as u64 / 2;
    let value_bytes = batch_bytes / 64;
    let state = context.state();
    for (name, grows) in GROWING {
        let Some(function) = state.scalar_functions().get(name) else { continue };
        let function = function.as_ref().clone();
        let limited = Limited { function, grows, value_bytes, batch_bytes };
        context.register_udf(ScalarUDF::from(limited));
    }
}

/// How the size of a value follows from the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Grows {
    RepeatedText,
    Padded,
    Replaced,
    ReplacedPattern,
    Series,
    RepeatedItems,
    Resized,
    Joined,
}

/// What of an argument the size follows from.
#[derive(Clone, Copy)]
enum Measure {
    /// The bytes of a text.
    Text,
    /// The bytes of any value.
    Width,
    /// A number itself.
    Number,
    /// A number, or how many days or nanoseconds a time is away from another.
    Position,
    /// The same of a step from one position to the next.
    Step,
    /// Nothing.
    Nothing,
}

impl Grows {
    /// What of the first arguments, in order.
    fn measures(self) -> &'static [Measure] {
        match self {
            Self::RepeatedText => &[Measure::Text, Measure::Number],
            Self::Padded => &[Measure::Nothing, Measure::Number],
            Self::Replaced => &[Measure::Text, Measure::Text, Measure::Text],
            Self::ReplacedPattern => &[Measure::Text, Measure::Nothing, Measure::Text],
            Self::Series => &[Measure::Position, Measure::Position, Measure::Step],
            Self::RepeatedItems => &[Measure::Width, Measure::Number],
            Self::Resized => &[Measure::Nothing, Measure::Number, Measure::Width],
            Self::Joined => &[Measure::Width, Measure::Text, Measure::Text],
        }
    }

    /// The bytes that a value may have at the most, of what was measured; 0 where there is none.
    fn bytes(self, of: &[Option<i64>]) -> u64 {
        match (self, of) {
            (Self::RepeatedText | Self::RepeatedItems, &[Some(bytes), Some(times)]) => {
                product(bytes, times)
            }
            (Self::Padded, &[_, Some(letters)]) => product(letters, LETTER_BYTES),
            (Self::Replaced, &[Some(text), Some(from), Some(to)]) => {
                // An empty text is found nowhere, as in Postgres.
                let places = text.checked_div(from).unwrap_or(0);
                product(places, to - from).saturating_add(product(text, 1))
            }
            (Self::ReplacedPattern, &[Some(text), _, Some(to)]) => {
                product(text + 1, to).saturating_add(product(text, 1))
            }
            (Self::Resized, &[_, Some(items)]) => product(items, ITEM_BYTES),
            (Self::Resized, &[_, Some(items), width]) => {
                product(items, width.unwrap_or(ITEM_BYTES))
            }
            (Self::Joined, &[Some(width), ref between @ ..]) => {
                let longest = between.iter().flatten().copied().max().unwrap_or(0);
                product(width / LISTED_TEXT_BYTES + 1, longest).saturating_add(product(width, 1))
            }
            (Self::Series, &[Some(stop)]) => series(0, stop, 1),
            (Self::Series, &[Some(start), Some(stop)]) => series(start, stop, 1),
            (Self::Series, &[Some(start), Some(stop), Some(step)]) => series(start, stop, step),
            _ => 0,
        }
    }
}

fn product(bytes: i64, times: i64) -> u64 {
    let counted = |number: i64| u64::try_from(number).unwrap_or(0);
    counted(bytes).saturating_mul(counted(times))
}

fn series(start: i64, stop: i64, step: i64) -> u64 {
    match step {
        EITHER_WAY => u64::MAX,
        // The function itself refuses it.
        0 => 0,
        _ => (start.abs_diff(stop) / step.unsigned_abs()).saturating_mul(ITEM_BYTES as u64),
    }
}

impl Measure {
    /// A number for each row, or one for all of them.
    fn of(self, value: &ColumnarValue, first: &DataType) -> Result<Vec<Option<i64>>> {
        let array = match value {
            ColumnarValue::Array(array) => Arc::clone(array),
            ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        };
        if *array.data_type() == DataType::Null {
            let unknown = matches!(self, Self::Width).then_some(ITEM_BYTES);
            return Ok(vec![unknown; array.len()]);
        }
        match (self, array.data_type()) {
            (Self::Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                integers(&length(array.as_ref())?)
            }
            (Self::Nothing | Self::Text, _) => Ok(Vec::new()),
            (Self::Width, _) => widths(&array),
            (Self::Position, DataType::Date32 | DataType::Date64) => {
                integers(&cast(&cast(&array, &DataType::Date32)?, &DataType::Int32)?)
            }
            (Self::Position, DataType::Timestamp(_, zone)) => {
                let nanos = DataType::Timestamp(TimeUnit::Nanosecond, zone.clone());
                integers(&cast(&array, &nanos)?)
            }
            (Self::Step, DataType::Interval(_)) => Ok(steps(&array, first)),
            (Self::Number | Self::Position | Self::Step, _) => integers(&array),
        }
    }
}

/// Whole numbers; those that are too large are as large as can be.
fn integers(array: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let numbers = cast(array, &DataType::Int64)?;
    let number = |(row, number): (usize, Option<i64>)| match number {
        None if array.is_valid(row) => Some(i64::MAX),
        number => number,
    };
    Ok(numbers.as_primitive::<Int64Type>().iter().enumerate().map(number).collect())
}

/// The bytes that each value takes in a list.
fn widths(array: &ArrayRef) -> Result<Vec<Option<i64>>> {
    if let Some(bytes) = array.data_type().primitive_width() {
        return Ok(vec![Some(bytes as i64); array.len()]);
    }
    (0..array.len()).map(|row| own_bytes(&array.slice(row, 1)).map(Some)).collect()
}

/// The bytes of the values of a column alone, which may be a part of a larger one: a part of a
/// column of lists has the items of all of it, and each text may lie among those of others.
pub(crate) fn own_bytes(array: &ArrayRef) -> Result<i64> {
    if let Some(lists) = array.as_list_opt::<i32>() {
        let offsets = lists.value_offsets();
        let first = offsets.first().map_or(0, |&offset| offset as usize);
        let last = offsets.last().map_or(0, |&offset| offset as usize);
        let items = lists.values().slice(first, last - first);
        return Ok(own_bytes(&items)?.saturating_add(size_of_val(offsets) as i64));
    }
    let fixed = array.to_data().get_slice_memory_size()?;
    let texts = array.as_string_view_opt().map_or(0, StringViewArray::total_buffer_bytes_used);
    Ok((fixed + texts) as i64)
}

/// How far each step goes: in days between dates, in nanoseconds between times.
fn steps(array: &ArrayRef, between: &DataType) -> Vec<Option<i64>> {
    let Some(intervals) = array.as_primitive_opt::<IntervalMonthDayNanoType>() else {
        return Vec::new();
    };
    let dates = matches!(between, DataType::Date32 | DataType::Date64);
    let steps = intervals.iter().map(|interval| {
        let interval = interval?;
        let (months, days) = (i64::from(interval.months), i64::from(interval.days));
        let parts = [months, days, interval.nanoseconds];
        if parts.iter().any(|&part| part < 0) && parts.iter().any(|&part| part > 0) {
            return Some(EITHER_WAY);
        }
        let days = months * MONTH_DAYS + days;
        let nanos = || days.saturating_mul(DAY_NANOS).saturating_add(interval.nanoseconds);
        Some(if dates { days } else { nanos().max(EITHER_WAY + 1) })
    });
    steps.collect()
}

/// A function that refuses to make what is too large.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Limited {
    function: ScalarUDF,
    grows: Grows,
    value_bytes: u64,
    batch_bytes: u64,
}

impl Limited {
    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let Some(first) = args.args.first().map(ColumnarValue::data_type) else { return Ok(()) };
        let measured = args.args.iter().zip(self.grows.measures());
        let columns = measured.map(|(value, measure)| measure.of(value, &first));
        let columns: Vec<Vec<Option<i64>>> = columns.collect::<Result<_>>()?;
        let (mut of, mut all) = (Vec::with_capacity(columns.len()), 0_u64);
        for row in 0..args.number_rows.max(1) {
            of.clear();
            of.extend(columns.iter().map(|column| {
                // What is the same for all rows stands there once.
                column.get(row).or(column.first()).copied().flatten()
            }));
            let bytes = self.grows.bytes(&of);
            all = all.saturating_add(bytes);
            if bytes > self.value_bytes {
                return Err(self.too_large("a value", self.value_bytes));
            }
            if all > self.batch_bytes {
                return Err(self.too_large("values", self.batch_bytes));
            }
        }
        Ok(())
    }

    fn too_large(&self, what: &str, bytes: u64) -> DataFusionError {
        let name = self.function.name();
        let text = format!("{name} would make {what} of more than {} KiB", bytes >> 10);
        DataFusionError::ResourcesExhausted(text)
    }
}

impl ScalarUDFImpl for Limited {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.inner().return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.inner().coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&args)?;
        self.function.inner().invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::ListArray;

    use super::*;

    #[test]
    fn a_part_of_a_column_has_its_own_bytes_alone() {
        let item = |number: i64| Some(vec![Some(number); 100]);
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>((0..1_000).map(item));
        let lists: ArrayRef = Arc::new(lists);
        // Two offsets and a hundred numbers.
        assert_eq!(own_bytes(&lists.slice(7, 1)).unwrap(), 8 + 800);
        assert_eq!(own_bytes(&lists.slice(7, 0)).unwrap(), 4);
        let long = "a text that does not fit into its view";
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![long, "short", long]));
        assert_eq!(own_bytes(&texts.slice(1, 1)).unwrap(), 16);
        assert_eq!(own_bytes(&texts.slice(1, 2)).unwrap(), 32 + long.len() as i64);
    }

    #[test]
    fn sizes_follow_from_the_arguments() {
        let of = |grows: Grows, of: &[i64]| {
            grows.bytes(&of.iter().copied().map(Some).collect::<Vec<_>>())
        };
        assert_eq!(of(Grows::RepeatedText, &[3, 7]), 21);
        assert_eq!(of(Grows::RepeatedText, &[3, -7]), 0);
        assert_eq!(of(Grows::RepeatedItems, &[i64::MAX, i64::MAX]), u64::MAX);
        assert_eq!(of(Grows::Padded, &[]), 0);
        assert_eq!(Grows::Padded.bytes(&[None, Some(10)]), 40);
        assert_eq!(of(Grows::Replaced, &[10, 2, 100]), 500);
        assert_eq!(of(Grows::Replaced, &[10, 2, 1]), 10);
        assert_eq!(of(Grows::Replaced, &[10, 0, 3]), 10);
        assert_eq!(of(Grows::Series, &[10]), 80);
        assert_eq!(of(Grows::Series, &[10, -10, -2]), 80);
        assert_eq!(of(Grows::Series, &[0, 1, EITHER_WAY]), u64::MAX);
        assert_eq!(of(Grows::Series, &[0, i64::MAX, 0]), 0);
        assert_eq!(of(Grows::Resized, &[0, 5]), 40);
        assert_eq!(of(Grows::Joined, &[40, 100]), 1_140);
        assert_eq!(Grows::RepeatedText.bytes(&[None, Some(7)]), 0);
    }
}
