//! Moments of the past: how a statement names one, and how it reaches the catalogue.
//!
//! People write `FROM live.shelves AS OF '2026-01-05 12:00'`. The parser of SQL does not know
//! those words, so they become part of the name of the table before it reads the statement, and the
//! catalogue takes them off again.

use datafusion::sql::sqlparser::keywords::{Keyword, RESERVED_FOR_TABLE_ALIAS};
use datafusion::sql::sqlparser::tokenizer::Token;
use jiff::civil::{Date, DateTime};
use shelf_domain::Timestamp;

use crate::QueryError;
use crate::tokens::written_tokens;

/// Between the name of a table and the moment, in the names that the catalogue is asked for.
const MARK: char = '@';
/// Before the number of a version.
const VERSION: &str = "version ";

/// A moment of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// A time.
    Time(Timestamp),
    /// A version: one number for a table of the lake, and for the state the position of each
    /// partition of the log.
    Version(Vec<u64>),
}

impl Past {
    /// Takes a name of the catalogue apart: the table, and the moment where it names one.
    pub(crate) fn split(name: &str) -> Result<(&str, Option<Self>), QueryError> {
        let Some((table, past)) = name.split_once(MARK) else { return Ok((name, None)) };
        let past = match past.strip_prefix(VERSION) {
            Some(numbers) => numbers_of(numbers).map(Self::Version),
            None => time_of(past).map(Self::Time),
        };
        let unread = || QueryError::NoMoment(format!("`{name}` names no moment of a table"));
        past.map(|past| (table, Some(past))).ok_or_else(unread)
    }
}

/// The numbers of a version, with commas between them.
fn numbers_of(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|number| number.trim().parse().ok()).collect()
}

/// A time as people write it: RFC 3339, or a date with or without a time of day, in UTC.
fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => {
            let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(Into::into));
            civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        }
    };
    Some(Timestamp(at.as_microsecond()))
}

/// The statement with each `table AS OF moment` as one name that the catalogue understands.
pub(crate) fn name_moments(sql: &str) -> Result<String, QueryError> {
    if !sql.to_ascii_lowercase().contains("of") {
        return Ok(sql.to_owned());
    }
    // What is no SQL at all is told by the parser, in its own words.
    let Some(tokens) = written_tokens(sql) else { return Ok(sql.to_owned()) };
    let mut words = Words { tokens, at: 0 };
    let mut written = String::with_capacity(sql.len());
    while let Some(name) = words.next_name(&mut written) {
        match words.moment()? {
            Some(past) => {
                written.push_str(&name.with(&past));
                if !words.alias_follows() {
                    written.push_str(" AS ");
                    written.push_str(&name.last);
                }
            }
            None => written.push_str(&name.whole),
        }
    }
    Ok(written)
}

/// The tokens of a statement, read from the front.
struct Words<'a> {
    tokens: Vec<(Token, &'a str)>,
    at: usize,
}

/// A name with its schema, as it is written.
struct Name {
    whole: String,
    last: String,
}

impl Name {
    fn with(&self, past: &str) -> String {
        let before = self.whole.strip_suffix(&self.last).unwrap_or_default();
        let last = match self.last.strip_prefix('"').and_then(|last| last.strip_suffix('"')) {
            Some(quoted) => quoted.to_owned(),
            None => self.last.to_lowercase(),
        };
        format!("{before}\"{last}{MARK}{past}\"")
    }
}

impl Words<'_> {
    /// Writes what comes before the next name, and takes the name; `None` at the end.
    fn next_name(&mut self, written: &mut String) -> Option<Name> {
        loop {
            let (token, text) = self.tokens.get(self.at)?;
            let Token::Word(_) = token else {
                written.push_str(text);
                self.at += 1;
                continue;
            };
            let mut name = Name { whole: (*text).to_owned(), last: (*text).to_owned() };
            self.at += 1;
            while let (Some((Token::Period, _)), Some((Token::Word(_), part))) =
                (self.tokens.get(self.at), self.tokens.get(self.at + 1))
            {
                (*part).clone_into(&mut name.last);
                name.whole = format!("{}.{}", name.whole, name.last);
                self.at += 2;
            }
            return Some(name);
        }
    }

    /// Takes the words that name a moment, where they follow.
    fn moment(&mut self) -> Result<Option<String>, QueryError> {
        let from = self.at;
        if self.takes("FOR") && !self.takes("SYSTEM_TIME") {
            self.at = from;
            return Ok(None);
        }
        if !(self.takes("AS") && self.takes("OF")) {
            self.at = from;
            return Ok(None);
        }
        let version = self.takes("VERSION");
        if !version {
            self.takes("TIMESTAMP");
        }
        self.skip_space();
        let past = match self.tokens.get(self.at).map(|(token, _)| token) {
            Some(Token::Number(number, _)) if version => format!("{VERSION}{number}"),
            Some(Token::SingleQuotedString(text)) if version => {
                if numbers_of(text).is_none() {
                    return Err(QueryError::NoMoment(format!("`{text}` is no version")));
                }
                format!("{VERSION}{text}")
            }
            Some(Token::SingleQuotedString(text)) => {
                if time_of(text).is_none() {
                    return Err(QueryError::NoMoment(format!("`{text}` is no time")));
                }
                text.clone()
            }
            // `of` is a name like any other: `SELECT units AS of FROM ..`.
            _ => {
                self.at = from;
                return Ok(None);
            }
        };
        self.at += 1;
        Ok(Some(past))
    }

    fn alias_follows(&mut self) -> bool {
        let from = self.at;
        self.skip_space();
        let next = self.tokens.get(self.at).map(|(token, _)| token);
        let follows = matches!(next, Some(Token::Word(word))
            if word.keyword == Keyword::AS
                || word.quote_style.is_some()
                || !RESERVED_FOR_TABLE_ALIAS.contains(&word.keyword));
        self.at = from;
        follows
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let from = self.at;
        self.skip_space();
        let found = matches!(self.tokens.get(self.at), Some((Token::Word(word), _))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted));
        self.at = if found { self.at + 1 } else { from };
        found
    }

    fn skip_space(&mut self) {
        while let Some((Token::Whitespace(_), _)) = self.tokens.get(self.at) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sql: &str) -> String {
        name_moments(sql).unwrap()
    }

    #[test]
    fn a_moment_becomes_part_of_the_name() {
        let at = "'2026-01-05 12:00'";
        let inside = "\"shelves@2026-01-05 12:00\"";
        assert_eq!(
            named(&format!("SELECT * FROM live.shelves AS OF {at}")),
            format!("SELECT * FROM live.{inside} AS shelves")
        );
        assert_eq!(
            named(&format!("select s.sku from live.Shelves as of timestamp {at} s where true")),
            format!("select s.sku from live.{inside} s where true")
        );
        assert_eq!(
            named(&format!("SELECT * FROM shelves FOR SYSTEM_TIME AS OF {at} AS s, lots")),
            format!("SELECT * FROM {inside} AS s, lots")
        );
        assert_eq!(
            named("SELECT * FROM raw.pos_lines AS OF VERSION 12 WHERE x = 'it''s'"),
            "SELECT * FROM raw.\"pos_lines@version 12\" AS pos_lines WHERE x = 'it''s'"
        );
        assert_eq!(
            named("SELECT * FROM live.lots AS OF VERSION '12, 7' l"),
            "SELECT * FROM live.\"lots@version 12, 7\" l"
        );
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for sql in [
            "SELECT units AS of FROM live.shelves",
            "SELECT 'as of ''1''' , E'\\n', $1 FROM \"As Of\" -- as of\n FOR UPDATE",
            "SELECT 1; SELECT $$ as of $$",
            "SELECT 'größe of', E'it\\'s', U&'\\0061' -- ünd\n, 'ä'\n\nFROM \"ö of\".\"ß\" ;\n",
        ] {
            assert_eq!(named(sql), sql);
        }
        for past in ["'yesterday'", "VERSION 'the last'", "VERSION '3,'", "VERSION '-1'"] {
            let error = name_moments(&format!("SELECT * FROM live.lots AS OF {past}"));
            assert_eq!(error.unwrap_err().code(), "sql_no_moment", "{past}");
        }
    }

    #[test]
    fn a_name_is_taken_apart() {
        assert_eq!(Past::split("shelves").unwrap(), ("shelves", None));
        assert_eq!(Past::split("a@version 3").unwrap(), ("a", Some(Past::Version(vec![3]))));
        assert_eq!(Past::split("a@version 3, 4").unwrap(), ("a", Some(Past::Version(vec![3, 4]))));
        let noon = Timestamp(1_767_614_400_000_000);
        for text in ["2026-01-05 12:00", "2026-01-05T12:00:00Z", "2026-01-05T13:00:00+01:00"] {
            let name = format!("a@{text}");
            assert_eq!(Past::split(&name).unwrap(), ("a", Some(Past::Time(noon))), "{text}");
        }
        assert_eq!(Past::split("a@never").unwrap_err().code(), "sql_no_moment");
    }
}
