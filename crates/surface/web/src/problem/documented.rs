//! Every code of the program with what it means and what to do, read from the page that documents
//! them: what one part says in an answer, and another one in its own words, is explained once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The page of all codes.
const PAGE: &str = include_str!("../../../../../docs/errors.md");

/// What the page says of a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Documented {
    /// Of which kind it is: the heading above its table.
    pub(crate) kind: String,
    /// When it is told.
    pub(crate) when: String,
    /// What to do next; empty where the page leaves that to the answer.
    pub(crate) hint: String,
}

/// The codes of the page.
static CODES: LazyLock<BTreeMap<String, Documented>> = LazyLock::new(|| read(PAGE));

/// What the page says of a code.
pub(crate) fn documented(code: &str) -> Option<&'static Documented> {
    CODES.get(code)
}

/// All codes of the page, in order.
pub(crate) fn all_documented() -> impl Iterator<Item = (&'static str, &'static Documented)> {
    CODES.iter().map(|(code, documented)| (code.as_str(), documented))
}

/// The tables of a page whose first column is called `code`.
fn read(page: &str) -> BTreeMap<String, Documented> {
    let mut codes: BTreeMap<String, Documented> = BTreeMap::new();
    let (mut kind, mut columns, mut above) = (String::new(), Vec::new(), String::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            kind = plain(heading);
            columns.clear();
        }
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if !row.starts_with('`') {
            columns = cells;
            continue;
        }
        let cell = |name: &str| {
            let at = columns.iter().position(|column| *column == name)?;
            cells.get(at).map(|cell| plain(cell))
        };
        let hint = cell("hint").or_else(|| cell("what to do")).unwrap_or_default();
        if hint != "the same" {
            above = hint;
        }
        let when = cell("when").unwrap_or_default();
        for code in cells.first().into_iter().flat_map(|cell| cell.split(", ")) {
            let documented =
                Documented { kind: kind.clone(), when: when.clone(), hint: above.clone() };
            codes.entry(code.trim_matches('`').to_owned()).or_insert(documented);
        }
    }
    codes
}

/// A cell without its links: of those the words are kept.
fn plain(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        text.push_str(before);
        let Some((words, behind)) = link.split_once("](") else {
            rest = link;
            continue;
        };
        text.push_str(words);
        rest = behind.split_once(')').map_or("", |(_, behind)| behind);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use shelf_domain::Reason;
    use shelf_events::ErrorCode;
    use shelf_sources::Broken;

    use super::*;
    use crate::problem::KINDS;

    /// Where other parts of the program name the codes that answers hand on.
    const SOURCES: [&str; 5] = [
        "ingest/kafka/src/error.rs",
        "surface/host/src/error.rs",
        "surface/host/src/kafka/depot.rs",
        "surface/query/src/error.rs",
        "store/lake/src/error.rs",
    ];

    /// The codes that a file names in its functions `code`.
    fn named_in(file: &str) -> Vec<String> {
        let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // A condition of the build names a part of the program, and no code.
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("cfg(")).collect();
        let text = lines.join("\n");
        let functions = text.split("fn code(").skip(1).chain(text.split("fn io_code(").skip(1));
        let bodies =
            functions.map(|rest| rest.split("\n}").next().unwrap().split("\n    }").next());
        let texts = bodies.flatten().flat_map(|body| body.split('"').skip(1).step_by(2));
        let code = |text: &&str| {
            let small = |letter: char| letter.is_ascii_lowercase() || letter == '_';
            !text.is_empty() && text.chars().all(small)
        };
        texts.filter(code).map(str::to_owned).collect()
    }

    #[test]
    fn every_code_that_the_server_can_send_is_documented() {
        let mut codes: Vec<String> = KINDS.iter().map(|kind| kind.code().to_owned()).collect();
        codes.extend(Reason::ALL.iter().map(|reason| reason.code().to_owned()));
        codes.extend(ErrorCode::ALL.iter().map(|error| error.code().to_owned()));
        codes.extend(Broken::ALL.iter().map(|broken| broken.code().to_owned()));
        for file in SOURCES {
            let named = named_in(file);
            assert!(!named.is_empty(), "{file}");
            codes.extend(named);
        }
        for code in codes {
            let known = documented(&code);
            assert!(known.is_some(), "docs/errors.md does not have {code}");
            assert!(known.is_some_and(|known| !known.when.is_empty()), "{code}");
        }
    }

    #[test]
    fn a_row_of_the_page_is_what_it_says() {
        let page = "## Of `things`\n\n| code | exit | when | hint |\n|---|---|---|---|\n\
            | `a`, `b` | 1 | there is none, see [limits](limits.md) | make `one` |\n\
            | `c` | 1 | | the same |\n";
        let codes = read(page);
        let one = &codes["b"];
        assert_eq!((one.kind.as_str(), one.hint.as_str()), ("Of `things`", "make `one`"));
        assert_eq!(one.when, "there is none, see limits");
        assert_eq!((codes["c"].when.as_str(), codes["c"].hint.as_str()), ("", "make `one`"));
        assert_eq!(codes.len(), 3);
    }
}
