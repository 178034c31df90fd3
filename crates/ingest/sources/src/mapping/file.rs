//! The mapping file as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The version of the format that this program reads.
const FORMAT_VERSION: u32 = 1;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingFile {
    pub(crate) format_version: u32,
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) csv: CsvPart,
    #[serde(default)]
    pub(crate) event: EventPart,
    pub(crate) time: TimePart,
    #[serde(default)]
    pub(crate) numbers: NumbersPart,
    pub(crate) store: StorePart,
    #[serde(default)]
    pub(crate) product: ProductPart,
    pub(crate) fields: FieldsPart,
    #[serde(default)]
    pub(crate) lookup: BTreeMap<String, LookupPart>,
}

/// How the text file is built.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CsvPart {
    /// What separates fields: one ASCII character.
    pub(crate) delimiter: String,
    /// What encloses fields: one ASCII character.
    pub(crate) quote: String,
}

impl Default for CsvPart {
    fn default() -> Self {
        Self { delimiter: ",".into(), quote: "\"".into() }
    }
}

/// Which events the rows become.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EventPart {
    /// The kind of all rows.
    pub(crate) kind: String,
    /// The column that says the kind of each row.
    pub(crate) kind_column: Option<String>,
    /// What its texts mean; a text that is not here is a kind itself.
    pub(crate) kind_words: BTreeMap<String, String>,
    pub(crate) grouping: Grouping,
    pub(crate) order: Order,
    /// The most rows that wait in memory where rows are grouped by key or put in order.
    pub(crate) window_rows: usize,
    /// A receipt that starts so is a cancellation: its lines are returns.
    pub(crate) cancelled_prefix: Option<String>,
    /// What a price must be.
    pub(crate) price: PriceRule,
}

impl Default for EventPart {
    fn default() -> Self {
        Self {
            kind: "pos_transaction".into(),
            kind_column: None,
            kind_words: BTreeMap::new(),
            grouping: Grouping::default(),
            order: Order::default(),
            window_rows: 250_000,
            cancelled_prefix: None,
            price: PriceRule::default(),
        }
    }
}

/// Which rows are one receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grouping {
    /// Those that follow each other with the same store and receipt.
    #[default]
    Consecutive,
    /// Those of a file (of a window of it, where it is larger) with the same store and receipt.
    ByKeyWithinFile,
}

/// In which order the events of a file come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// That of the rows.
    #[default]
    File,
    /// That of their times.
    Time,
}

/// What a price must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PriceRule {
    /// Zero or more.
    #[default]
    NotNegative,
    /// More than zero.
    Positive,
}

/// When a row happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimePart {
    pub(crate) column: String,
    /// Directives of strftime, `iso`, or `unix_seconds` (`_millis`, `_micros`, `_nanos`).
    pub(crate) format: Option<String>,
    /// The zone of times without an offset, and of the stores.
    pub(crate) zone: String,
}

/// How numbers are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NumbersPart {
    pub(crate) decimal_point: String,
    pub(crate) thousands: String,
    /// How many digits of an amount of money are cents: 2 for pounds, 0 where the file has cents.
    pub(crate) money_decimals: i32,
    /// By what a quantity is multiplied to be units.
    pub(crate) quantity_factor: i64,
}

impl Default for NumbersPart {
    fn default() -> Self {
        let decimal_point = ".".into();
        Self { decimal_point, thousands: String::new(), money_decimals: 2, quantity_factor: 1 }
    }
}

/// The store of a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StorePart {
    pub(crate) id: FieldSpec,
    /// Its name; the id where there is none.
    pub(crate) name: Option<FieldSpec>,
    #[serde(default)]
    pub(crate) create: Creation,
}

/// The product of a row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProductPart {
    pub(crate) create: Creation,
    pub(crate) name: Option<FieldSpec>,
    pub(crate) brand: Option<FieldSpec>,
    pub(crate) category: Option<FieldSpec>,
    pub(crate) subcategory: Option<FieldSpec>,
}

/// Whether the first row with a store or a product makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Creation {
    /// Yes.
    #[default]
    OnFirstSight,
    /// No: it must be there.
    Never,
}

/// The fields of the event of a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldsPart {
    pub(crate) receipt: Option<FieldSpec>,
    pub(crate) sku: Option<FieldSpec>,
    pub(crate) customer: Option<FieldSpec>,
    pub(crate) quantity: Option<FieldSpec>,
    /// The price of a unit before any discount.
    pub(crate) unit_price: Option<FieldSpec>,
    /// What the line came to, after the discounts.
    pub(crate) total: Option<FieldSpec>,
    /// Amounts that were taken off the line.
    #[serde(default)]
    pub(crate) discounts: Vec<FieldSpec>,
    pub(crate) lot: Option<FieldSpec>,
    /// A date `YYYY-MM-DD`.
    pub(crate) expiry: Option<FieldSpec>,
}

/// Another table, from which columns are taken by a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupPart {
    /// Its file, beside the file that is read: CSV, also `.gz`.
    pub(crate) file: String,
    /// Its key column.
    pub(crate) key: String,
    /// The column of the rows that holds the key.
    pub(crate) by: String,
}

/// Where the text of a field comes from. A bare text is a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldSpec {
    pub(crate) column: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) lookup: Option<String>,
    /// Set before it.
    pub(crate) prefix: String,
    /// Taken from its start, where it is there.
    pub(crate) strip_prefix: String,
    /// Taken from its end, where it is there.
    pub(crate) strip_suffix: String,
    /// What counts where it is empty or its lookup has no such key.
    pub(crate) otherwise: String,
}

impl<'de> Deserialize<'de> for FieldSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = FieldSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, or a table of column, value, lookup")
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<FieldSpec, E> {
        Ok(FieldSpec { column: Some(column.into()), ..FieldSpec::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldSpec, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            column: Option<String>,
            value: Option<String>,
            lookup: Option<String>,
            #[serde(default)]
            prefix: String,
            #[serde(default)]
            strip_prefix: String,
            #[serde(default)]
            strip_suffix: String,
            #[serde(default)]
            otherwise: String,
        }
        let long = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
        if long.column.is_some() == long.value.is_some() {
            return Err(de::Error::custom("give one of column and value"));
        }
        if long.lookup.is_some() && long.column.is_none() {
            return Err(de::Error::custom("a lookup needs the column of its table"));
        }
        Ok(FieldSpec {
            column: long.column,
            value: long.value,
            lookup: long.lookup,
            prefix: long.prefix,
            strip_prefix: long.strip_prefix,
            strip_suffix: long.strip_suffix,
            otherwise: long.otherwise,
        })
    }
}

impl MappingFile {
    /// What contradicts itself, as a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.format_version != FORMAT_VERSION {
            return Err(format!("format_version must be {FORMAT_VERSION}"));
        }
        for (name, text) in [("delimiter", &self.csv.delimiter), ("quote", &self.csv.quote)] {
            if text.len() != 1 {
                return Err(format!("csv.{name} must be one ASCII character"));
            }
        }
        if self.numbers.decimal_point.len() != 1 || self.numbers.thousands.len() > 1 {
            return Err("numbers.decimal_point and thousands must be one ASCII character".into());
        }
        if !(0..=6).contains(&self.numbers.money_decimals) || self.numbers.quantity_factor < 1 {
            return Err("numbers: money_decimals is 0 to 6, quantity_factor at least 1".into());
        }
        if self.event.window_rows == 0 {
            return Err("event.window_rows must be at least 1".into());
        }
        if self.event.kind_column.is_none() && self.event.kind == "pos_transaction" {
            self.check_receipts()?;
        }
        match self
            .specs()
            .filter_map(|spec| spec.lookup.as_ref())
            .find(|&name| !self.lookup.contains_key(name))
        {
            Some(name) => Err(format!("a field names lookup.{name}, which is not there")),
            None => Ok(()),
        }
    }

    fn check_receipts(&self) -> Result<(), String> {
        let fields = &self.fields;
        let lacking =
            [("receipt", &fields.receipt), ("sku", &fields.sku), ("quantity", &fields.quantity)];
        if let Some((name, _)) = lacking.iter().find(|(_, spec)| spec.is_none()) {
            return Err(format!("receipts need fields.{name}"));
        }
        if fields.unit_price.is_none() && fields.total.is_none() {
            return Err("receipts need fields.unit_price or total".into());
        }
        Ok(())
    }

    /// Every field.
    pub(crate) fn specs(&self) -> impl Iterator<Item = &FieldSpec> {
        let f = &self.fields;
        let p = &self.product;
        [&f.receipt, &f.sku, &f.customer, &f.quantity, &f.unit_price, &f.total, &f.lot, &f.expiry]
            .into_iter()
            .chain([&p.name, &p.brand, &p.category, &p.subcategory, &self.store.name])
            .flatten()
            .chain(&f.discounts)
            .chain([&self.store.id])
    }
}
