//! How long a file, a line and a function may be, and the list of those that may be longer.
//!
//! The list only shrinks: an exception that is not needed, or allows more than it must, is itself
//! a violation.

use super::{SourceFile, Violation};
use crate::rust_text::{blank_non_code, closing_brace, line_of, word_positions};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};

const FILE_LINES_MAX: usize = 500;
const TEST_FILE_LINES_MAX: usize = 900;
const LINE_COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;

const FILE_LINES: &str = "file-lines";
const LINE_COLUMNS: &str = "line-columns";
const FUNCTION_LINES: &str = "function-lines";
const RULES: [&str; 3] = [FILE_LINES, LINE_COLUMNS, FUNCTION_LINES];

/// What may be longer than the rule says: the number by path and rule.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Exceptions(BTreeMap<(String, String), usize>);

impl Exceptions {
    /// Reads lines of `path rule number`; a `#` begins a comment.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut exceptions = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            let (path, rule, number) = match words.as_slice() {
                [] => continue,
                [path, rule, number] if RULES.contains(rule) => (path, rule, number),
                _ => bail!("line {}: expected `path rule number`, rule in {RULES:?}", index + 1),
            };
            let number =
                number.parse().with_context(|| format!("line {}: the number", index + 1))?;
            let key = ((*path).to_owned(), (*rule).to_owned());
            if exceptions.insert(key, number).is_some() {
                bail!("line {}: {path} {rule} is listed twice", index + 1);
            }
        }
        Ok(Self(exceptions))
    }
}

/// One measured size. `line` is where it begins.
struct Measure {
    rule: &'static str,
    what: String,
    line: usize,
    size: usize,
    limit: usize,
}

/// What is too long and not excepted, and the exceptions that are too generous.
pub(crate) fn check(files: &[SourceFile], exceptions: &Exceptions) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut needed = BTreeSet::new();
    for file in files.iter().filter(|file| file.rust()) {
        let measures = measure(file);
        for rule in RULES {
            let too_long = measures.iter().filter(|one| one.rule == rule && one.size > one.limit);
            let key = (file.path.clone(), rule.to_owned());
            let allowed = exceptions.0.get(&key).copied();
            let mut longest = 0;
            for one in too_long {
                longest = longest.max(one.size);
                if allowed.is_none_or(|allowed| one.size > allowed) {
                    let place = format!("{}:{}", file.path, one.line);
                    let limit = allowed.unwrap_or(one.limit);
                    let detail = format!("{} has {}, the limit is {limit}", one.what, one.size);
                    violations.push(Violation::new(rule, place, detail));
                }
            }
            if longest > 0 {
                needed.insert(key);
            }
            if let Some(allowed) = allowed.filter(|allowed| longest > 0 && *allowed > longest) {
                let detail = format!("the exception allows {allowed}, lower it to {longest}");
                violations.push(Violation::new(rule, file.path.clone(), detail));
            }
        }
    }
    for (path, rule) in exceptions.0.keys() {
        if !needed.contains(&(path.clone(), rule.clone())) {
            let detail = format!("the exception for {rule} is no longer needed: remove it");
            violations.push(Violation::new("exceptions", path.clone(), detail));
        }
    }
    violations
}

fn measure(file: &SourceFile) -> Vec<Measure> {
    let code = blank_non_code(&file.text);
    let limit = if for_tests(&file.path) { TEST_FILE_LINES_MAX } else { FILE_LINES_MAX };
    let size = match trailing_tests(&code) {
        Some(start) => line_of(&code, start) - 1,
        None => file.text.lines().count(),
    };
    let what = "the file without its tests".to_owned();
    let mut measures = vec![Measure { rule: FILE_LINES, what, line: 1, size, limit }];
    for (index, line) in file.text.lines().enumerate() {
        measures.push(Measure {
            rule: LINE_COLUMNS,
            what: "the line".to_owned(),
            line: index + 1,
            size: line.chars().count(),
            limit: LINE_COLUMNS_MAX,
        });
    }
    for function in functions(&code) {
        measures.push(Measure {
            rule: FUNCTION_LINES,
            what: format!("fn {}", function.name),
            line: function.line,
            size: function.lines,
            limit: FUNCTION_LINES_MAX,
        });
    }
    measures
}

fn for_tests(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    parts.next() == Some("tests.rs") || parts.any(|folder| folder == "tests")
}

/// Where the `#[cfg(test)] mod tests { .. }` begins that ends with the file.
fn trailing_tests(code: &[u8]) -> Option<usize> {
    const MARK: &[u8] = b"#[cfg(test)]";
    let start = code.windows(MARK.len()).rposition(|window| window == MARK)?;
    let after = code.get(start + MARK.len()..)?;
    let open = after.iter().position(|byte| *byte == b'{')?;
    let between = String::from_utf8_lossy(after.get(..open)?).into_owned();
    // Attributes may stand between the mark and the module.
    let words: Vec<&str> =
        between.split_whitespace().skip_while(|word| !word.starts_with("mod")).collect();
    if words != ["mod", "tests"] {
        return None;
    }
    let close = closing_brace(after, open)?;
    let rest = after.get(close + 1..)?;
    rest.iter().all(u8::is_ascii_whitespace).then_some(start)
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// The functions with a body, from the line of `fn` to that of the closing brace.
fn functions(code: &[u8]) -> Vec<Function> {
    let mut found = Vec::new();
    for at in word_positions(code, "fn") {
        let after = code.get(at + 2..).unwrap_or_default();
        let name: String = String::from_utf8_lossy(after)
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '#')
            .collect();
        // A type such as `fn(u8)` has no name.
        if name.is_empty() {
            continue;
        }
        let Some(close) = body_start(code, at).and_then(|open| closing_brace(code, open)) else {
            continue;
        };
        let line = line_of(code, at);
        found.push(Function { name, line, lines: line_of(code, close) - line + 1 });
    }
    found
}

/// The `{` of the body of the function at `at`; none for one that is only declared.
fn body_start(code: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (position, byte) in code.iter().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return Some(position),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str, exceptions: &str) -> Vec<String> {
        let exceptions = Exceptions::parse(exceptions).unwrap();
        let file = SourceFile::new(path, text);
        check(&[file], &exceptions).iter().map(ToString::to_string).collect()
    }

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step(\"}\"); // {\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_file_is_found_without_its_tests() {
        let body = "x();\n".repeat(500);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "y();\n".repeat(300));
        assert!(check_one("a.rs", &format!("{body}{tests}"), "").is_empty());
        let found = check_one("a.rs", &format!("{body}x();\n{tests}"), "");
        assert_eq!(
            found,
            ["a.rs:1: file-lines: the file without its tests has 501, the limit is 500"]
        );
        assert_eq!(check_one("a.rs", &format!("{body}{tests}x();\n"), "").len(), 1);
    }

    #[test]
    fn a_file_of_tests_may_be_longer() {
        let body = "x();\n".repeat(900);
        for path in ["crates/a/src/tests.rs", "crates/a/tests/recovery.rs"] {
            assert!(check_one(path, &body, "").is_empty());
            assert_eq!(check_one(path, &format!("{body}x();\n"), "").len(), 1);
        }
    }

    #[test]
    fn a_long_line_is_found() {
        let text = format!("{}\n{}\n", "é".repeat(100), "é".repeat(101));
        assert_eq!(
            check_one("a.rs", &text, ""),
            ["a.rs:2: line-columns: the line has 101, the limit is 100"]
        );
        assert!(check_one("a.md", &text, "").is_empty());
    }

    #[test]
    fn a_long_function_is_found() {
        assert!(check_one("a.rs", &function(70), "").is_empty());
        assert_eq!(
            check_one("a.rs", &format!("\n{}", function(71)), ""),
            ["a.rs:2: function-lines: fn long has 71, the limit is 70"]
        );
    }

    #[test]
    fn a_function_begins_at_its_body() {
        let lines = |text: &str| -> Vec<(String, usize)> {
            let code = blank_non_code(text);
            functions(&code).into_iter().map(|one| (one.name, one.lines)).collect()
        };
        let text = "trait T { fn a(x: [u8; 4]); fn b(f: fn(u8) -> u8) -> [u8; 2] {\n [1, 2]\n} }";
        assert_eq!(lines(text), [("b".to_owned(), 3)]);
    }

    #[test]
    fn an_exception_allows_its_number_and_no_more() {
        let text = function(80);
        assert!(check_one("a.rs", &text, "a.rs function-lines 80 # why").is_empty());
        assert_eq!(
            check_one("a.rs", &text, "a.rs function-lines 79"),
            ["a.rs:1: function-lines: fn long has 80, the limit is 79"]
        );
        assert_eq!(
            check_one("a.rs", &text, "a.rs function-lines 81"),
            ["a.rs: function-lines: the exception allows 81, lower it to 80"]
        );
    }

    #[test]
    fn an_exception_that_is_not_needed_is_found() {
        for list in ["a.rs function-lines 80", "gone.rs file-lines 600"] {
            let found = check_one("a.rs", &function(70), list);
            assert_eq!(found.len(), 1, "{found:?}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_refused() {
        let bad = ["a.rs", "a.rs colour 3", "a.rs file-lines x", "a file-lines 1\na file-lines 1"];
        for list in bad {
            assert!(Exceptions::parse(list).is_err(), "{list}");
        }
    }
}
