//! Lines that are not events, kept with their reason: the codes of this crate beside those of
//! `shelf-events`.

use shelf_domain::{Body, Event, Note};
use shelf_events::{Defaults, ErrorCode, JsonError, rejected_event};

use crate::source::origin;

/// Why a row of a table, or the end of a file, is not an event. The codes never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// As the reader of JSON has it.
    Event(ErrorCode),
    /// The file was cut or damaged here.
    TruncatedInput,
    /// More or fewer fields than the header has.
    WrongColumnCount,
    /// A quote that opens a field and is never closed.
    UnclosedQuote,
    /// A number that does not read as one.
    BadNumber,
    /// A quantity of nothing.
    ZeroQuantity,
    /// A quantity that is not whole.
    FractionalQuantity,
    /// A price of zero or less where the mapping wants more.
    PriceNotPositive,
    /// An amount below zero where none can be.
    NegativeAmount,
    /// More discount than the amount that it is taken from.
    BadDiscount,
}

impl Fault {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Event(code) => code.code(),
            Self::TruncatedInput => "truncated_input",
            Self::WrongColumnCount => "wrong_column_count",
            Self::UnclosedQuote => "unclosed_quote",
            Self::BadNumber => "bad_number",
            Self::ZeroQuantity => "zero_quantity",
            Self::FractionalQuantity => "fractional_quantity",
            Self::PriceNotPositive => "price_not_positive",
            Self::NegativeAmount => "negative_amount",
            Self::BadDiscount => "bad_discount",
        }
    }
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Self::Event(code)
    }
}

/// Bytes that are not an event, with their place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadLine<'a> {
    pub(crate) fault: Fault,
    pub(crate) line: u64,
    pub(crate) raw: &'a [u8],
    /// The length of the line, where `raw` is only its start.
    pub(crate) raw_len: u64,
}

impl BadLine<'_> {
    pub(crate) fn event(&self, file: u32, source: &str, defaults: &Defaults) -> Event {
        let code = ErrorCode::MalformedJson;
        let stand_in = JsonError { code, field: "", detail: String::new() };
        let mut event = rejected_event(&stand_in, self.raw, source, self.line, defaults);
        if let Body::Rejected(rejected) = &mut event.body {
            rejected.reason = Note::cut(self.fault.code());
            rejected.raw_len = self.raw_len;
        }
        event.origin = origin(file, self.line);
        event
    }
}
