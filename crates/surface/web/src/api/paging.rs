//! Lists in pages, and whole lists as CSV or NDJSON.
//!
//! A token names the last row that was seen and where it stood: where rows have come or gone since,
//! the next page goes on behind that row, if it is there, and else at its place.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;
use xxhash_rust::xxh3::xxh3_64;

use super::asked::Asked;
use super::csv;
use crate::problem::{Kind, Problem};

/// The most rows of an export.
const EXPORT_ROWS: usize = 100_000;
/// How far a row may have moved between two pages to be found again.
const MOVED: usize = 200;

/// The most rows of a page that is written where it is asked for.
const SHORT: usize = 100;
/// The most rows that are made for such a page.
const SHORT_MADE: usize = 5 * SHORT;

/// Where a list goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Paging {
    /// The token of the next page; `null` where there is none.
    pub(super) next_page: Option<String>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
    Ndjson,
}

/// A part of a list that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    from: usize,
    rows: usize,
    after: Option<String>,
    filter_hash: u64,
    pub(super) format: Format,
}

/// A list with its rows.
pub(super) trait Listed: Serialize {
    type Row: Serialize;

    fn rows(&mut self) -> &mut Vec<Self::Row>;

    /// What tells a row from all others.
    fn key(row: &Self::Row) -> String;
}

#[derive(Serialize)]
struct Page<'a, T> {
    #[serde(flatten)]
    view: &'a T,
    #[serde(flatten)]
    paging: Paging,
}

impl Slice {
    pub(super) fn of<T>(asked: &Asked<T>) -> Result<Self, Problem> {
        let filter_hash = xxh3_64(asked.filter.as_bytes());
        let format = format_of(asked.common.format.as_deref(), &asked.accept)?;
        let (from, after) = match &asked.common.page {
            None => (0, None),
            Some(token) => read(token, filter_hash)?,
        };
        let rows = match format {
            Format::Json => asked.common.rows()?,
            Format::Csv | Format::Ndjson => EXPORT_ROWS,
        };
        Ok(Self { from, rows, after, filter_hash, format })
    }

    /// How many rows to make: those up to the end of the page, and one that says whether there is
    /// more.
    pub(super) fn wanted(&self) -> usize {
        let moved = if self.after.is_some() { MOVED } else { 0 };
        self.from.saturating_add(self.rows).saturating_add(moved).saturating_add(1)
    }

    /// Whether the answer takes so little time that no other thread need write it.
    pub(super) fn short<T: Listed>(&self, view: &mut T) -> bool {
        self.rows <= SHORT && view.rows().len() <= SHORT_MADE
    }

    /// The answer with the rows of the page; `name` is that of the file of an export.
    pub(super) fn answer<T: Listed>(&self, mut view: T, name: &str) -> Result<Response, Problem> {
        let rows = view.rows();
        let from = match &self.after {
            None => self.from,
            Some(key) => {
                let near = self.from.saturating_sub(MOVED);
                let found = rows.iter().skip(near).position(|row| T::key(row) == *key);
                found.map_or(self.from, |at| near + at + 1)
            }
        };
        rows.drain(..from.min(rows.len()));
        let more = rows.len() > self.rows;
        rows.truncate(self.rows);
        let next_page = rows
            .last()
            .filter(|_| more)
            .map(|last| written(from + self.rows, &T::key(last), self.filter_hash));
        match self.format {
            Format::Json => {
                let page = Page { view: &view, paging: Paging { next_page } };
                Ok(axum::Json(page).into_response())
            }
            Format::Csv => comma_separated(view.rows(), name),
            Format::Ndjson => lines(view.rows(), name),
        }
    }
}

/// Rows as a file of CSV with this name.
pub(super) fn comma_separated<T: Serialize>(rows: &[T], name: &str) -> Result<Response, Problem> {
    file(csv::write(rows)?, "text/csv; charset=utf-8", name, "csv")
}

/// Rows as a file of NDJSON with this name.
pub(super) fn lines<T: Serialize>(rows: &[T], name: &str) -> Result<Response, Problem> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row).map_err(|_| unwritten())?;
        text.push(b'\n');
    }
    file(text, "application/x-ndjson", name, "ndjson")
}

fn unwritten() -> Problem {
    Problem::new(Kind::Defect, "a row cannot be written")
}

fn file(body: Vec<u8>, kind: &'static str, name: &str, ending: &str) -> Result<Response, Problem> {
    let mut response = body.into_response();
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    let disposition = HeaderValue::try_from(disposition).map_err(|_| unwritten())?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// How a list is to be written: what its parameter says, and without it what `Accept` says.
pub(super) fn format_of(format: Option<&str>, accept: &str) -> Result<Format, Problem> {
    match format {
        Some("json") => Ok(Format::Json),
        Some("csv") => Ok(Format::Csv),
        Some("ndjson") => Ok(Format::Ndjson),
        Some(other) => {
            let detail = format!("there is no format {other:?}; there are json, csv, ndjson");
            Err(Problem::new(Kind::BadRequest, detail))
        }
        None if accept.starts_with("text/csv") => Ok(Format::Csv),
        None if accept.starts_with("application/x-ndjson") => Ok(Format::Ndjson),
        None => Ok(Format::Json),
    }
}

fn written(from: usize, key: &str, filter_hash: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("1|{from}|{filter_hash:x}|{key}"))
}

fn read(token: &str, filter_hash: u64) -> Result<(usize, Option<String>), Problem> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_deref().and_then(|text| {
        let mut parts = text.splitn(4, '|');
        let version = parts.next()?;
        let from: usize = parts.next()?.parse().ok()?;
        let hash = u64::from_str_radix(parts.next()?, 16).ok()?;
        (version == "1" && from <= EXPORT_ROWS).then_some((from, hash, parts.next()?.to_owned()))
    });
    match parts {
        Some((from, hash, key)) if hash == filter_hash => Ok((from, Some(key))),
        Some(_) => Err(Problem::new(Kind::BadPage, "the token is of another list or filter")),
        None => Err(Problem::new(Kind::BadPage, "this is no token of a page")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Numbers(Vec<usize>);

    impl Listed for Numbers {
        type Row = usize;

        fn rows(&mut self) -> &mut Vec<usize> {
            &mut self.0
        }

        fn key(row: &usize) -> String {
            row.to_string()
        }
    }

    #[test]
    fn only_pages_of_few_rows_are_short() {
        let short = |rows: usize, made: usize| {
            let slice = Slice { from: 0, rows, after: None, filter_hash: 0, format: Format::Json };
            slice.short(&mut Numbers((0..made).collect()))
        };
        assert!(short(100, 101) && short(1, 500) && short(100, 0));
        assert!(!short(101, 0) && !short(EXPORT_ROWS, 3) && !short(1, 501));
    }
}
