//! Rows as lines of the text that COPY reads, and the sets of rows that wait for a commit.

use std::collections::HashMap;
use std::fmt::Write as _;

use shelf_domain::{BasisPoints, DAY, Day, Timestamp};

/// One line in the making: columns in the order of their table.
#[derive(Debug, Default)]
pub(crate) struct Line {
    text: String,
    /// Where each column ends, behind its separator.
    ends: Vec<usize>,
}

impl Line {
    /// Begins a line anew.
    pub(crate) fn begin(&mut self) -> &mut Self {
        self.text.clear();
        self.ends.clear();
        self
    }

    /// The first columns, with a separator behind each.
    fn head(&self, columns: usize) -> &str {
        let end = columns.checked_sub(1).and_then(|last| self.ends.get(last)).copied();
        self.text.get(..end.unwrap_or(0)).unwrap_or("")
    }

    /// The columns, closed by a line's end.
    fn closed(&mut self) -> &str {
        self.text.pop();
        self.text.push('\n');
        &self.text
    }

    fn end(&mut self) -> &mut Self {
        self.text.push('\t');
        self.ends.push(self.text.len());
        self
    }

    // Writing to a string cannot fail.
    fn put(&mut self, value: impl std::fmt::Display) -> &mut Self {
        let _ = write!(self.text, "{value}");
        self.end()
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.text.push_str("\\N");
        self.end()
    }

    /// A text. PostgreSQL has no character of number 0: another one stands for it.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '\t' => self.text.push_str("\\t"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\0' => self.text.push('\u{fffd}'),
                letter => self.text.push(letter),
            }
        }
        self.end()
    }

    /// A text that is null where it is empty or missing.
    pub(crate) fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        match text.filter(|text| !text.is_empty()) {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    pub(crate) fn int(&mut self, number: impl Into<i64>) -> &mut Self {
        self.put(number.into())
    }

    /// A number that is null where it is 0, for that is how it says that it is not known.
    pub(crate) fn known(&mut self, number: impl Into<i64>) -> &mut Self {
        match number.into() {
            0 => self.null(),
            number => self.put(number),
        }
    }

    pub(crate) fn maybe_int(&mut self, number: Option<impl Into<i64>>) -> &mut Self {
        match number {
            Some(number) => self.int(number),
            None => self.null(),
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.put(if flag { 't' } else { 'f' })
    }

    /// A whole number of parts of a unit, as a decimal with so many digits behind the point.
    fn decimal(&mut self, number: i64, digits: u32) -> &mut Self {
        let one = 10_u64.pow(digits);
        let (whole, part) = (number.unsigned_abs() / one, number.unsigned_abs() % one);
        let sign = if number < 0 { "-" } else { "" };
        self.put(format_args!("{sign}{whole}.{part:0width$}", width = digits as usize))
    }

    pub(crate) fn cents(&mut self, cents: i64) -> &mut Self {
        self.decimal(cents, 2)
    }

    /// An amount that is null where it is 0, for that is how it says that it is not known.
    pub(crate) fn known_cents(&mut self, cents: i64) -> &mut Self {
        if cents == 0 { self.null() } else { self.cents(cents) }
    }

    pub(crate) fn milli(&mut self, milli: Option<i64>) -> &mut Self {
        match milli {
            Some(milli) => self.decimal(milli, 3),
            None => self.null(),
        }
    }

    /// A part of a whole, 0 to 1.
    pub(crate) fn part(&mut self, part: BasisPoints) -> &mut Self {
        self.decimal(part.0.into(), 4)
    }

    /// A part of a whole, 0 to 100.
    pub(crate) fn percent(&mut self, part: Option<BasisPoints>) -> &mut Self {
        match part {
            Some(part) => self.decimal(part.0.into(), 2),
            None => self.null(),
        }
    }

    /// A date; null where it is in no year that people write with four digits.
    pub(crate) fn day(&mut self, day: Option<Day>) -> &mut Self {
        let civil = day.map(Day::civil).filter(|(year, ..)| (1..=9_999).contains(year));
        match civil {
            Some((year, month, day)) => self.put(format_args!("{year:04}-{month:02}-{day:02}")),
            None => self.null(),
        }
    }

    /// A moment.
    pub(crate) fn time(&mut self, at: Timestamp) -> &mut Self {
        let (year, month, day) = Day(at.0.div_euclid(DAY) as i32).civil();
        let micros = at.0.rem_euclid(DAY);
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        self.put(format_args!(
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}+00"
        ))
    }

    pub(crate) fn maybe_time(&mut self, at: Option<Timestamp>) -> &mut Self {
        match at {
            Some(at) => self.time(at),
            None => self.null(),
        }
    }
}

/// Rows of one table that wait for a commit.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Each is added.
    Added {
        /// Lines.
        lines: String,
        /// How many.
        rows: u64,
    },
    /// Rows of one key stand for what was there under it.
    Standing {
        /// The number of columns that the key has.
        key: usize,
        /// Lines by their key's columns.
        lines: HashMap<String, String>,
        /// How many lines.
        rows: u64,
    },
}

impl Waiting {
    pub(crate) fn added() -> Self {
        Self::Added { lines: String::new(), rows: 0 }
    }

    pub(crate) fn standing(key: usize) -> Self {
        Self::Standing { key, lines: HashMap::new(), rows: 0 }
    }

    /// Says that under a key, which must be all columns that `line` has, nothing stands but what
    /// is put there from here on.
    pub(crate) fn clear(&mut self, line: &Line) {
        if let Self::Standing { key, lines, rows } = self {
            let there = lines.entry(line.head(*key).to_owned()).or_default();
            *rows -= there.bytes().filter(|byte| *byte == b'\n').count() as u64;
            there.clear();
        }
    }

    /// Takes a row; under the same key it comes to those that are there.
    pub(crate) fn add(&mut self, line: &mut Line) {
        match self {
            Self::Added { lines, rows } => {
                lines.push_str(line.closed());
                *rows += 1;
            }
            Self::Standing { key, lines, rows } => {
                let key = line.head(*key).to_owned();
                lines.entry(key).or_default().push_str(line.closed());
                *rows += 1;
            }
        }
    }

    /// Takes a row; under the same key it stands for all that are there.
    pub(crate) fn set(&mut self, line: &mut Line) {
        self.clear(line);
        self.add(line);
    }

    pub(crate) fn rows(&self) -> u64 {
        match self {
            Self::Added { rows, .. } | Self::Standing { rows, .. } => *rows,
        }
    }

    /// Whether nothing waits, not even a key under which nothing stands.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Added { rows, .. } => *rows == 0,
            Self::Standing { lines, .. } => lines.is_empty(),
        }
    }

    /// The lines of all rows.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Added { lines, .. } => lines.clone(),
            Self::Standing { lines, .. } => lines.values().map(String::as_str).collect(),
        }
    }

    /// The keys, a line each; none where rows are only added.
    pub(crate) fn keys(&self) -> String {
        let Self::Standing { lines, .. } = self else { return String::new() };
        let key = |key: &String| format!("{}\n", key.strip_suffix('\t').unwrap_or(key));
        lines.keys().map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(write: impl FnOnce(&mut Line)) -> String {
        let mut line = Line::default();
        write(line.begin());
        line.closed().to_owned()
    }

    #[test]
    fn a_line_is_what_copy_reads() {
        let day = Day::from_civil(2026, 1, 5);
        let at = Timestamp(i64::from(day.unwrap().0) * DAY + 3_661_000_007);
        let line = closed(|line| {
            line.text("a\tb\\c\nd\re\0").maybe(Some("")).maybe(None).int(-3_i64).known(0_i64);
            line.flag(true).cents(-1_205).milli(Some(7)).part(BasisPoints(2_550));
            line.percent(Some(BasisPoints(3_000))).day(day).time(at);
        });
        let expected = "a\\tb\\\\c\\nd\\re\u{fffd}\t\\N\t\\N\t-3\t\\N\tt\t-12.05\t0.007\t0.2550\t\
                        30.00\t2026-01-05\t2026-01-05 01:01:01.000007+00\n";
        assert_eq!(line, expected);
        let never = closed(|line| {
            line.day(Some(Day::NEVER));
        });
        assert_eq!(never, "\\N\n");
    }

    #[test]
    fn the_last_row_of_a_key_stands() {
        let mut waiting = Waiting::standing(2);
        let mut line = Line::default();
        for (key, value) in [("a", 1_i64), ("b", 2), ("a", 3)] {
            line.begin().text("S").text(key).int(value);
            waiting.set(&mut line);
        }
        assert_eq!(waiting.rows(), 2);
        let text = waiting.text();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["S\ta\t3", "S\tb\t2"]);
        line.begin().text("S").text("b");
        waiting.clear(&line);
        assert_eq!((waiting.rows(), waiting.is_empty()), (1, false));
        let keys = waiting.keys();
        let mut keys: Vec<&str> = keys.lines().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["S\ta", "S\tb"]);
    }
}
