//! The events of other systems, one JSON object a line: which system and kind a line is of, how its
//! fields become events, and which fields name it. Each kind declares that as data; the page
//! `docs/foreign-events.md` says the same in words.

mod basket;
mod basket_line;
mod book;
mod fact;
mod kept;
mod reader;
mod retail_stream;
mod source;
mod values;

use std::fmt;

pub use reader::{LineError, LineReader, Lines, Remembered, may_be_another_systems};
pub use source::ForeignSource;

use shelf_domain::Timestamp;

use crate::error::SourceError;
use crate::zone::{TimeReader, find_zone, local_clock};
use fact::Fact;
use values::{Look, Raw};

/// Whose events lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Found out line by line.
    #[default]
    Auto,
    /// This program's own and no others.
    Shelf,
    /// Its own, and those of a retail stream.
    RetailStream,
    /// Its own, and lines of baskets.
    BasketLine,
    /// Its own, and whole baskets.
    Basket,
}

impl Format {
    /// All of them, with the letters and words that name them.
    const NAMES: [(Self, &'static [&'static str]); 5] = [
        (Self::Auto, &["auto"]),
        (Self::Shelf, &["shelf"]),
        (Self::RetailStream, &["b", "retail-stream"]),
        (Self::BasketLine, &["c", "basket-line"]),
        (Self::Basket, &["d", "basket"]),
    ];

    /// The format of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(format, _)| *format)
    }

    /// The name that it goes by.
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(format, _)| *format == self);
        found.and_then(|(_, names)| names.last().copied()).unwrap_or_default()
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().flat_map(|(_, names)| names.iter().copied())
    }

    fn reads(self, system: Self) -> bool {
        self == Self::Auto || self == system
    }
}

/// How the events of other systems are read.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Whose they are.
    pub format: Format,
    zone_name: String,
    zone: TimeReader,
    clock: shelf_domain::LocalClock,
}

impl Foreign {
    /// Times without an offset are of `zone`, and so are the stores that such lines name first.
    pub fn new(format: Format, zone: &str) -> Result<Self, SourceError> {
        let time = TimeReader::iso(find_zone(zone)?);
        Ok(Self { format, zone_name: zone.into(), zone: time, clock: local_clock(zone)? })
    }
}

impl Default for Foreign {
    /// Whose they are is found out, and times without an offset are UTC.
    fn default() -> Self {
        Self {
            format: Format::Auto,
            zone_name: "UTC".into(),
            zone: TimeReader::iso(jiff::tz::TimeZone::UTC),
            clock: shelf_domain::LocalClock { offsets: vec![(Timestamp::EARLIEST, 0)] },
        }
    }
}

/// A kind of event of another system.
pub(crate) struct Kind {
    pub(crate) system: Format,
    pub(crate) name: &'static str,
    /// Its `event_type`s.
    pub(crate) types: &'static [&'static str],
    /// Where its types are common words: fields of which one must stand beside them.
    pub(crate) beside: &'static [&'static str],
    /// Without an `event_type`: fields of which one must be there.
    pub(crate) shape: &'static [&'static str],
    /// Without an `event_type`: fields that must not be there.
    pub(crate) without: &'static [&'static str],
    /// The fields that name one event of the kind; the whole line does where the last is not there.
    pub(crate) key: &'static [&'static str],
    /// Its fields as a fact.
    pub(crate) read: fn(&Raw<'_>, &Look<'_>) -> Result<Fact, Broken>,
    /// Whether lines of one transaction that follow each other are one receipt.
    pub(crate) lines_of_a_receipt: bool,
}

impl Kind {
    const fn new(system: Format, name: &'static str) -> Self {
        Self {
            system,
            name,
            types: &[],
            beside: &[],
            shape: &[],
            without: &[],
            key: &[],
            read: |_, _| Err(Broken::AMBIGUOUS),
            lines_of_a_receipt: false,
        }
    }

    fn fits(&self, raw: &Raw<'_>, kind: Option<&str>) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| raw.has(name));
        match kind {
            Some(kind) => {
                self.types.contains(&kind) && (self.beside.is_empty() || any(self.beside))
            }
            None => any(self.shape) && !any(self.without),
        }
    }
}

/// The kind that an object is of; `None` where it is of none that the format has.
fn kind_of(raw: &Raw<'_>, format: Format) -> Option<Result<&'static Kind, Broken>> {
    static KINDS: [&[Kind]; 3] = [&retail_stream::KINDS, &basket_line::KINDS, &basket::KINDS];
    let kind = raw.text("event_type").ok()?;
    let all = KINDS.iter().flat_map(|kinds| kinds.iter());
    let mut fitting = all.filter(|one| format.reads(one.system) && one.fits(raw, kind.as_deref()));
    let first = fitting.next()?;
    Some(if fitting.next().is_some() { Err(Broken::AMBIGUOUS) } else { Ok(first) })
}

/// Why a foreign line is not taken: a stable code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    code: &'static str,
    sentence: &'static str,
}

macro_rules! broken {
    ($($name:ident = $code:literal, $sentence:literal;)*) => {
        impl Broken {
            $(pub(crate) const $name: Self = Self { code: $code, sentence: $sentence };)*

            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

broken! {
    NULL_TRANSACTION = "null_transaction_id", "the line has no transaction_id";
    NULL_PRODUCT = "null_product_id", "the line, or one of its items, has no product_id";
    NULL_STORE = "null_store_id", "the line has no store_id, and no store is named for such lines";
    NULL_TIMESTAMP = "null_timestamp", "the line has no timestamp";
    NULL_ITEMS = "null_items", "the transaction has no items";
    NULL_RESTOCK = "null_restock_id", "the restocking has no restock_id, which names its lot";
    NULL_MOVEMENT = "null_movement_id", "the movement has no id, which names its lot or receipt";
    INVALID_QUANTITY = "invalid_quantity", "the quantity is no number of units that fits its kind";
    INVALID_UNIT_PRICE = "invalid_unit_price", "the price is no amount above zero";
    INVALID_TOTAL = "invalid_total_price", "the total is no amount above zero";
    INCONSISTENT_TOTAL = "inconsistent_total",
        "the total is more than a cent off price times quantity, or off the sum of the items";
    INVALID_STOCK = "invalid_stock", "a stock is no number of units, or is negative";
    INCONSISTENT_STOCK = "inconsistent_stock", "the stock after is not that before and the change";
    UNKNOWN_MOVEMENT = "unknown_movement", "the movement_type is none of in, out and adjustment";
    UNKNOWN_VERSION = "unknown_version", "the event_version is not 1.0";
    NOT_SOLD_HERE = "unknown_product", "no store is known to have the product whose price changes";
    AMBIGUOUS = "ambiguous_format",
        "the fields are those of several systems: name one with --format";
    CONFLICTING_LINE = "conflicting_line",
        "the transaction has another line of this product that says something else";
    BAD_TIME = "bad_time", "the timestamp is no time";
    TEXT_TOO_LONG = "text_too_long", "a text is over the limit of its field";
    BOOK_FULL = "book_full",
        "so many products are remembered that no line may name another one";
    WRONG_TYPE = "wrong_type", "a field is of another JSON type than it must be";
}

impl Broken {
    /// The stable code.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// What is wrong, and so what to change.
    pub fn sentence(self) -> &'static str {
        self.sentence
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}
