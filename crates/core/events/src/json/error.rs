//! Why a line is not an event: a stable code, the field, a sentence, a hint.

use core::fmt;

/// Why a line is not an event. The codes are part of the product's interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// The line is over [`MAX_LINE_BYTES`](crate::MAX_LINE_BYTES).
    TooLarge,
    /// The line is not UTF-8.
    InvalidUtf8,
    /// The line is not JSON.
    MalformedJson,
    /// A value, or the line itself, is of another JSON type than it must be.
    WrongType,
    /// A field stands twice in one object.
    DuplicateField,
    /// A field that must be there is not, or is null.
    MissingField,
    /// No such `event_type`.
    UnknownEventType,
    /// A time that is not RFC 3339 with an offset.
    BadTime,
    /// A date that is not an existing `YYYY-MM-DD`.
    BadDate,
    /// A number of an alert, a task or an order that does not read as one.
    BadId,
    /// A word that is not one of the field's words.
    BadChoice,
    /// Fewer than no units.
    NegativeUnits,
    /// A number that does not fit its field.
    OutOfRange,
    /// A text over the limit of its field.
    TextTooLong,
    /// A time zone that no one knows, where its offsets are to follow from its name.
    UnknownTimeZone,
    /// The registry of schemas knows no readable schema of the number that a message names.
    UnknownSchema,
    /// The bytes are not Avro of the schema that they name.
    MalformedAvro,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::TooLarge,
        Self::InvalidUtf8,
        Self::MalformedJson,
        Self::WrongType,
        Self::DuplicateField,
        Self::MissingField,
        Self::UnknownEventType,
        Self::BadTime,
        Self::BadDate,
        Self::BadId,
        Self::BadChoice,
        Self::NegativeUnits,
        Self::OutOfRange,
        Self::TextTooLong,
        Self::UnknownTimeZone,
        Self::UnknownSchema,
        Self::MalformedAvro,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::MalformedJson => "malformed_json",
            Self::WrongType => "wrong_type",
            Self::DuplicateField => "duplicate_field",
            Self::MissingField => "missing_field",
            Self::UnknownEventType => "unknown_event_type",
            Self::BadTime => "bad_time",
            Self::BadDate => "bad_date",
            Self::BadId => "bad_id",
            Self::BadChoice => "bad_choice",
            Self::NegativeUnits => "negative_units",
            Self::OutOfRange => "out_of_range",
            Self::TextTooLong => "text_too_long",
            Self::UnknownTimeZone => "unknown_time_zone",
            Self::UnknownSchema => "unknown_schema",
            Self::MalformedAvro => "malformed_avro",
        }
    }

    /// What is wrong, in words that follow the name of the field.
    fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "is longer than a line may be",
            Self::InvalidUtf8 => "is not UTF-8",
            Self::MalformedJson => "is not JSON",
            Self::WrongType => "is of the wrong type",
            Self::DuplicateField => "stands there twice",
            Self::MissingField => "is missing",
            Self::UnknownEventType => "is not a known kind of event",
            Self::BadTime => "is not a time with an offset",
            Self::BadDate => "is not a date",
            Self::BadId => "is not an id of its kind",
            Self::BadChoice => "is not one of its words",
            Self::NegativeUnits => "is negative",
            Self::OutOfRange => "is a number out of range",
            Self::TextTooLong => "is too long a text",
            Self::UnknownTimeZone => "is not a known time zone",
            Self::UnknownSchema => "names a schema that cannot be read",
            Self::MalformedAvro => "is not Avro of its schema",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::TooLarge => "send one event a line, of at most 1 MiB",
            Self::InvalidUtf8 => "write the file in UTF-8, or convert it with iconv",
            Self::MalformedJson => "send one whole JSON object a line",
            Self::WrongType => "see the schema of the event in docs/schemas/v1",
            Self::DuplicateField => "send each field once",
            Self::MissingField => "add the field",
            Self::UnknownEventType => "see docs/schemas/v1 for the kinds of events",
            Self::BadTime => "write 2026-01-31T08:00:00Z or 2026-01-31T09:00:00+01:00",
            Self::BadDate => "write 2026-01-31",
            Self::BadId => "write it as the product shows it: A-12, T-12, O-12, or 12",
            Self::BadChoice => "see the schema of the event for the words",
            Self::NegativeUnits => {
                "send the other kind of event instead; only lines of receipts may be negative"
            }
            Self::OutOfRange => "check the number and its unit",
            Self::TextTooLong => "shorten the text",
            Self::UnknownTimeZone => {
                "write a name of the tz database such as Europe/Rome, or add utc_offsets"
            }
            Self::UnknownSchema => "register the schema, and send the message again",
            Self::MalformedAvro => "write the message with the schema whose number it names",
        }
    }
}

/// Why one line is not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Its kind.
    pub code: ErrorCode,
    /// The field, as the reference names it; empty where the line as a whole is wrong.
    pub field: &'static str,
    /// What was found, or where, cut to a readable length; empty where that says nothing.
    pub detail: String,
}

impl JsonError {
    #[cold]
    pub(crate) fn new(code: ErrorCode, field: &'static str) -> Self {
        Self { code, field, detail: String::new() }
    }

    #[cold]
    pub(crate) fn found(code: ErrorCode, field: &'static str, found: &str) -> Self {
        let mut detail: String = found.chars().take(60).collect();
        if detail.len() < found.len() {
            detail.push('…');
        }
        Self { code, field, detail }
    }

    /// What the sender can do about it, in one sentence.
    pub fn hint(&self) -> &'static str {
        if self.code == ErrorCode::BadTime && has_no_offset(&self.detail) {
            return "add the offset to the time: Z for UTC, or +01:00";
        }
        self.code.hint()
    }
}

/// Whether a text is a time that only lacks its offset.
fn has_no_offset(text: &str) -> bool {
    super::time::parse_time(text).is_none()
        && super::time::parse_time(&[text, "Z"].concat()).is_some()
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.field.is_empty() { "the line" } else { self.field };
        write!(f, "{subject} {}", self.code.sentence())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl core::error::Error for JsonError {}
