//! The words of one line, read from left to right. It knows the forms of words, never the story.

use shelf_domain::Day;

use crate::builders::{parse_date, parse_expiry, parse_time};

/// What is wrong with a line.
pub(super) type Complaint = String;

/// The words of one line that are not yet read; a comma is a word.
pub(super) struct Words {
    words: Vec<String>,
    next: usize,
}

impl Words {
    pub(super) fn new(line: &str) -> Self {
        let line = line.replace(',', " , ");
        Self { words: line.split_whitespace().map(str::to_owned).collect(), next: 0 }
    }

    pub(super) fn done(&self) -> bool {
        self.next >= self.words.len()
    }

    pub(super) fn end(&self) -> Result<(), Complaint> {
        match self.peek() {
            Some(word) => Err(format!("nothing should follow before `{word}`")),
            None => Ok(()),
        }
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.words.get(self.next).map(String::as_str)
    }

    /// The next word, whatever it is.
    pub(super) fn any(&mut self, what: &str) -> Result<String, Complaint> {
        let word = self.words.get(self.next).cloned();
        self.next += 1;
        word.ok_or_else(|| format!("the {what} is missing"))
    }

    /// Whether the next word is `word`, which is then read.
    pub(super) fn maybe(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.next += usize::from(found);
        found
    }

    /// Reads `word` and no other.
    pub(super) fn expect(&mut self, word: &str) -> Result<(), Complaint> {
        if self.maybe(word) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(other) => format!("`{word}` should stand before `{other}`"),
            None => format!("`{word}` is missing"),
        })
    }

    pub(super) fn units(&mut self) -> Result<u32, Complaint> {
        let word = self.any("number of units")?;
        word.parse().map_err(|_| format!("`{word}` is no number of units"))
    }

    /// Reads `8d`, `1000g`, `90s`: a number with its unit, which may be left out.
    pub(super) fn number(&mut self, unit: &str) -> Result<i64, Complaint> {
        let word = self.any("number")?;
        let number = word.strip_suffix(unit).unwrap_or(&word);
        number.parse().map_err(|_| format!("`{word}` is no number with the unit `{unit}`"))
    }

    /// Reads `1.99` as 199.
    pub(super) fn cents(&mut self) -> Result<i64, Complaint> {
        let word = self.any("amount")?;
        let wrong = || format!("`{word}` is no amount like `1.99`");
        let (whole, part) = word.split_once('.').ok_or_else(wrong)?;
        if part.len() != 2 {
            return Err(wrong());
        }
        format!("{whole}{part}").parse().map_err(|_| wrong())
    }

    pub(super) fn date(&mut self) -> Result<Day, Complaint> {
        let word = self.any("date")?;
        parse_date(&word).ok_or_else(|| format!("`{word}` is no date"))
    }

    pub(super) fn expiry(&mut self) -> Result<Day, Complaint> {
        let word = self.any("date")?;
        parse_expiry(&word).ok_or_else(|| format!("`{word}` is no date"))
    }

    /// Reads `08:00`, and returns it as it is written.
    pub(super) fn time(&mut self) -> Result<String, Complaint> {
        let word = self.any("time")?;
        if parse_time(&word).is_some() { Ok(word) } else { Err(format!("`{word}` is no time")) }
    }

    /// Reads the time that an event begins with: `08:00` or `2026-01-01 08:00`.
    pub(super) fn moment(&mut self) -> Result<Option<String>, Complaint> {
        let Some(word) = self.peek() else { return Ok(None) };
        if parse_time(word).is_some() {
            return self.time().map(Some);
        }
        if parse_date(word).is_none() {
            return Ok(None);
        }
        let date = self.any("date")?;
        Ok(Some(format!("{date} {}", self.time()?)))
    }
}
