//! Single lines as events: this program's own, and those of other systems.

use std::fmt;

use shelf_domain::Origin;
use shelf_events::{Defaults, ErrorCode, JsonError};

pub use super::book::Lines;
use super::book::{Book, Place};
use super::fact::Fact;
pub use super::kept::Remembered;
use super::values::{Look, Raw};
use super::{Broken, Foreign, Format, kind_of};
use crate::first_sight::Known;
use crate::ndjson::read_event;

/// Why a line is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineError {
    /// It is no event of this program, nor of a system that it knows.
    Json(JsonError),
    /// It is an event of another system that breaks a rule.
    Foreign(Broken),
}

impl LineError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code.code(),
            Self::Foreign(broken) => broken.code(),
        }
    }

    /// What the sender can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Json(error) => error.hint().to_string(),
            Self::Foreign(_) => "see docs/foreign-events.md for the fields of its kind".to_owned(),
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Foreign(broken) => f.write_str(broken.sentence()),
        }
    }
}

/// A foreign line that can be read.
pub(super) struct Found {
    pub(super) fact: Fact,
    /// What names it.
    pub(super) key: Vec<u8>,
    pub(super) lines_of_a_receipt: bool,
}

/// Reads lines one by one, and remembers what they have named.
pub struct LineReader {
    foreign: Foreign,
    pub(super) book: Book,
}

impl LineReader {
    /// A reader that need not make what is known.
    pub fn new(foreign: Foreign, known: Known) -> Self {
        let book = Book::new(known, &foreign.zone_name, foreign.clock.clone());
        Self { foreign, book }
    }

    /// A reader whose memory is kept elsewhere: it tells what changes in it, and names no more
    /// products than so many.
    pub fn keeping(foreign: Foreign, most_products: usize) -> Self {
        let mut reader = Self::new(foreign, Known::default());
        reader.book.keep(most_products);
        reader
    }

    /// What has changed in memory since the last call.
    pub fn changes(&mut self) -> Vec<Remembered> {
        self.book.changes()
    }

    /// Takes in what another reader has told. Of what is told twice, the later counts.
    pub fn restore(&mut self, remembered: Remembered) {
        self.book.restore(remembered);
    }

    /// The events of a line. Each basket line is a receipt of its own: what follows is not known.
    pub fn read(&mut self, line: &[u8], defaults: &Defaults) -> Result<Lines, LineError> {
        self.read_as(self.foreign.format, line, defaults)
    }

    /// The same of a line of which it is known whose it is.
    pub fn read_as(
        &mut self,
        format: Format,
        line: &[u8],
        defaults: &Defaults,
    ) -> Result<Lines, LineError> {
        let error = match read_event(line, defaults) {
            Ok(event) => {
                self.book.note(&event);
                return Ok(Lines { declarations: Vec::new(), events: vec![event] });
            }
            Err(error) => error,
        };
        if !may_be_another_systems(&error) {
            return Err(LineError::Json(error));
        }
        let found = self.find_as(format, line, defaults);
        let Some(found) = found else { return Err(LineError::Json(error)) };
        let Found { fact, key, .. } = found.map_err(LineError::Foreign)?;
        let place = Place { received_at: defaults.received_at, origin: Origin::default() };
        self.book.events(fact, &key, place).map_err(LineError::Foreign)
    }

    /// What a line says in another system's words; `None` where it is of none.
    pub(super) fn find(&self, line: &[u8], defaults: &Defaults) -> Option<Result<Found, Broken>> {
        self.find_as(self.foreign.format, line, defaults)
    }

    fn find_as(
        &self,
        format: Format,
        line: &[u8],
        defaults: &Defaults,
    ) -> Option<Result<Found, Broken>> {
        if format == Format::Shelf {
            return None;
        }
        let text = str::from_utf8(line).ok()?.trim();
        let raw = Raw::read(text)?;
        let kind = match kind_of(&raw, format)? {
            Ok(kind) => kind,
            Err(broken) => return Some(Err(broken)),
        };
        let version = raw.text("event_version").unwrap_or(None);
        if version.is_some_and(|version| version != "1.0" && version != "1") {
            return Some(Err(Broken::UNKNOWN_VERSION));
        }
        let look = Look { zone: &self.foreign.zone, store: defaults.store };
        let mut key = Vec::with_capacity(128);
        for part in [kind.system.name(), kind.name] {
            key.extend_from_slice(part.as_bytes());
            key.push(0);
        }
        let named = kind.key.iter().all(|name| raw.has(name) || *name == "store_id");
        if named {
            for name in kind.key {
                let part = raw.text(name).ok().flatten().unwrap_or_default();
                key.extend_from_slice(&(part.len() as u64).to_le_bytes());
                key.extend_from_slice(part.as_bytes());
            }
        } else {
            key.extend_from_slice(text.as_bytes());
        }
        let found = |fact| Found { fact, key, lines_of_a_receipt: kind.lines_of_a_receipt };
        Some((kind.read)(&raw, &look).map(found))
    }
}

/// Whether a line that [`read_event`] refuses may still be another system's.
pub fn may_be_another_systems(error: &JsonError) -> bool {
    may_be_foreign(error.code.code())
}

/// Whether a line that was refused with this code may be another system's.
pub(super) fn may_be_foreign(code: &str) -> bool {
    [ErrorCode::UnknownEventType, ErrorCode::MissingField].iter().any(|one| one.code() == code)
}
