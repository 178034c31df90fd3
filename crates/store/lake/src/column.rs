//! The types that columns have, and how a value of each is put into Arrow.

use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Int32Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use deltalake::arrow::datatypes::{DataType, TimeUnit};
use shelf_domain::{BasisPoints, Day, Timestamp};

/// Digits of the decimals that hold money: 16 before the point, 2 after it.
const MONEY: (u8, i8) = (18, 2);
/// Digits of the decimals that hold thousandths.
const THOUSANDTHS: (u8, i8) = (18, 3);
/// Digits of the decimals that hold per cent, to the basis point.
const PERCENT: (u8, i8) = (9, 2);
/// The largest number that a decimal of 18 digits holds.
const MOST_OF_18: i64 = 999_999_999_999_999_999;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Bytes,
    /// A whole number of 32 bits.
    Small,
    /// A whole number of 64 bits.
    Number,
    /// Money, to the cent.
    Money,
    /// A number to the thousandth.
    Milli,
    /// Per cent, to the hundredth.
    Percent,
    /// A moment in UTC, to the microsecond.
    Time,
    /// A date.
    Date,
    /// Yes or no.
    Flag,
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        let decimal = |(digits, scale)| DataType::Decimal128(digits, scale);
        match self {
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Small => DataType::Int32,
            Self::Number => DataType::Int64,
            Self::Money => decimal(MONEY),
            Self::Milli => decimal(THOUSANDTHS),
            Self::Percent => decimal(PERCENT),
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Date => DataType::Date32,
            Self::Flag => DataType::Boolean,
        }
    }

    /// Its name in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "VARCHAR",
            Self::Bytes => "BYTEA",
            Self::Small => "INTEGER",
            Self::Number => "BIGINT",
            Self::Money => "DECIMAL(18,2)",
            Self::Milli => "DECIMAL(18,3)",
            Self::Percent => "DECIMAL(9,2)",
            Self::Time => "TIMESTAMP",
            Self::Date => "DATE",
            Self::Flag => "BOOLEAN",
        }
    }
}

/// A column type at compile time: which values it takes, and what gathers them.
pub(crate) trait ColumnType {
    type Value<'a>;
    type Builder;
    const KIND: Kind;
    const NULLABLE: bool = false;

    fn builder() -> Self::Builder;
    /// Appends a value, and says about how many bytes that took.
    fn append(builder: &mut Self::Builder, value: Self::Value<'_>) -> usize;
    fn append_null(builder: &mut Self::Builder);
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
}

/// A column whose value may be missing.
pub(crate) struct Maybe<T>(std::marker::PhantomData<T>);

impl<T: ColumnType> ColumnType for Maybe<T> {
    type Value<'a> = Option<T::Value<'a>>;
    type Builder = T::Builder;
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    fn builder() -> Self::Builder {
        T::builder()
    }

    fn append(builder: &mut Self::Builder, value: Self::Value<'_>) -> usize {
        match value {
            Some(value) => T::append(builder, value),
            None => {
                T::append_null(builder);
                1
            }
        }
    }

    fn append_null(builder: &mut Self::Builder) {
        T::append_null(builder);
    }

    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        T::finish(builder)
    }
}

macro_rules! column_types {
    ($($name:ident($value:ty) = $builder:ident { $new:expr, $append:expr, $bytes:expr })*) => {$(
        /// A column type.
        pub(crate) struct $name;

        impl ColumnType for $name {
            type Value<'a> = $value;
            type Builder = $builder;
            const KIND: Kind = Kind::$name;

            fn builder() -> $builder {
                $new
            }

            fn append(builder: &mut $builder, value: $value) -> usize {
                let append: fn(&mut $builder, $value) = $append;
                let bytes: fn(&$value) -> usize = $bytes;
                let taken = bytes(&value);
                append(builder, value);
                taken
            }

            fn append_null(builder: &mut $builder) {
                builder.append_null();
            }

            fn finish(builder: &mut $builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    )*};
}

fn decimals() -> Decimal128Builder {
    Decimal128Builder::new().with_data_type(Kind::Money.data_type())
}

fn bounded(value: i64) -> i128 {
    i128::from(value.clamp(-MOST_OF_18, MOST_OF_18))
}

column_types! {
    Small(i32) = Int32Builder { Int32Builder::new(), |b, v| b.append_value(v), |_| 4 }
    Number(i64) = Int64Builder { Int64Builder::new(), |b, v| b.append_value(v), |_| 8 }
    Money(i64) = Decimal128Builder { decimals(), |b, v| b.append_value(bounded(v)), |_| 16 }
    Milli(i64) = Decimal128Builder {
        Decimal128Builder::new().with_data_type(Kind::Milli.data_type()),
        |b, v| b.append_value(bounded(v)),
        |_| 16
    }
    Percent(BasisPoints) = Decimal128Builder {
        Decimal128Builder::new().with_data_type(Kind::Percent.data_type()),
        |b, v| b.append_value(i128::from(v.0.min(999_999_999))),
        |_| 16
    }
    Time(Timestamp) = TimestampMicrosecondBuilder {
        TimestampMicrosecondBuilder::new().with_data_type(Kind::Time.data_type()),
        |b, v| b.append_value(v.0),
        |_| 8
    }
    Date(Day) = Date32Builder { Date32Builder::new(), |b, v| b.append_value(v.0), |_| 4 }
    Flag(bool) = BooleanBuilder { BooleanBuilder::new(), |b, v| b.append_value(v), |_| 1 }
}

/// A column of text.
pub(crate) struct Text;

impl ColumnType for Text {
    type Value<'a> = &'a str;
    type Builder = StringBuilder;
    const KIND: Kind = Kind::Text;

    fn builder() -> StringBuilder {
        StringBuilder::new()
    }

    fn append(builder: &mut StringBuilder, value: &str) -> usize {
        builder.append_value(value);
        value.len() + 4
    }

    fn append_null(builder: &mut StringBuilder) {
        builder.append_null();
    }

    fn finish(builder: &mut StringBuilder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

/// A column of bytes.
pub(crate) struct Bytes;

impl ColumnType for Bytes {
    type Value<'a> = &'a [u8];
    type Builder = BinaryBuilder;
    const KIND: Kind = Kind::Bytes;

    fn builder() -> BinaryBuilder {
        BinaryBuilder::new()
    }

    fn append(builder: &mut BinaryBuilder, value: &[u8]) -> usize {
        builder.append_value(value);
        value.len() + 4
    }

    fn append_null(builder: &mut BinaryBuilder) {
        builder.append_null();
    }

    fn finish(builder: &mut BinaryBuilder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}
