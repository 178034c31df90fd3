//! Rules that look at one file or one name at a time: headers, vague names, evasive tests, paths
//! of one machine, and the form of decision records.

use super::{SourceFile, Violation};
use crate::rust_text::{blank_non_code, line_of, word_positions};

const VAGUE_NAMES: [&str; 7] =
    ["mod.rs", "utils.rs", "helpers.rs", "common.rs", "misc.rs", "manager.rs", "processor.rs"];
/// Written in pieces, so that this file keeps its own rule.
const MACHINE_PATHS: [&str; 3] =
    [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];
const PLACEHOLDER: &str = "@@";
const RECORDS: &str = "docs/adr/";
const RECORD_HEADINGS: [&str; 4] =
    ["Context", "Decision", "Consequences", "What would change our mind"];

/// Every Rust file begins by saying what it is for.
pub(crate) fn headers(files: &[SourceFile]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.rust() && !file.text.starts_with("//!"))
        .map(|file| Violation::new("header", file.path.clone(), "does not start with `//!`"))
        .collect()
}

/// No file has a name that any code would fit into.
pub(crate) fn vague_names(paths: &[String]) -> Vec<Violation> {
    paths
        .iter()
        .filter(|path| path.rsplit('/').next().is_some_and(|name| VAGUE_NAMES.contains(&name)))
        .map(|path| Violation::new("name", path.clone(), "says nothing about its content"))
        .collect()
}

/// No test is skipped, and none passes because of a panic from anywhere.
pub(crate) fn evasive_tests(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.rust()) {
        let code = blank_non_code(&file.text);
        for at in word_positions(&code, "ignore").into_iter().filter(|at| in_attribute(&code, *at))
        {
            let place = format!("{}:{}", file.path, line_of(&code, at));
            violations.push(Violation::new("tests", place, "a test is not skipped"));
        }
        for at in word_positions(&code, "should_panic") {
            let place = format!("{}:{}", file.path, line_of(&code, at));
            violations.push(Violation::new("tests", place, "a panic is not an expected outcome"));
        }
    }
    violations
}

/// No file names a folder of the machine on which it was written.
pub(crate) fn machine_paths(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            for word in MACHINE_PATHS.into_iter().filter(|word| names_root_folder(line, word)) {
                let place = format!("{}:{}", file.path, index + 1);
                violations.push(Violation::new("machine-path", place, format!("contains {word}")));
            }
        }
    }
    violations
}

/// No page holds a mark that something was to be put in its place.
pub(crate) fn placeholders(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.name().strip_suffix(".md").is_some()) {
        for (index, line) in file.text.lines().enumerate() {
            if line.contains(PLACEHOLDER) {
                let place = format!("{}:{}", file.path, index + 1);
                let detail = format!("contains {PLACEHOLDER}");
                violations.push(Violation::new("placeholder", place, detail));
            }
        }
    }
    violations
}

/// Decision records are numbered without gaps from 001 and answer the same four questions.
pub(crate) fn decision_records(files: &[SourceFile], paths: &[String]) -> Vec<Violation> {
    const RULE: &str = "decision-record";
    let mut violations = Vec::new();
    let mut expected = 1;
    for path in paths {
        let Some(name) = path.strip_prefix(RECORDS) else { continue };
        match record_number(name) {
            Some(number) => {
                if number != expected {
                    let detail = format!("the next number is {expected:03}");
                    violations.push(Violation::new(RULE, path.clone(), detail));
                }
                expected = number + 1;
            }
            None => {
                violations.push(Violation::new(RULE, path.clone(), "is not named NNN-title.md"));
            }
        }
    }
    for file in files.iter().filter(|file| file.path.starts_with(RECORDS)) {
        let headings: Vec<&str> = file
            .text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.trim_start_matches('#').trim())
            .collect();
        for heading in RECORD_HEADINGS.into_iter().filter(|heading| !headings.contains(heading)) {
            let detail = format!("has no heading `{heading}`");
            violations.push(Violation::new(RULE, file.path.clone(), detail));
        }
    }
    violations
}

/// The number of `NNN-title.md`, with a title of lower-case letters, digits and hyphens.
fn record_number(name: &str) -> Option<u32> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let title_fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let fits = number.len() == 3
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !title.is_empty()
        && title.chars().all(title_fits);
    if fits { number.parse().ok() } else { None }
}

/// Whether the `ignore` at `at` is the attribute of a test: bare, or behind a condition.
fn in_attribute(code: &[u8], at: usize) -> bool {
    let before = code.get(..at).unwrap_or_default();
    let Some(start) = before.windows(2).rposition(|window| window == b"#[") else { return false };
    let inside = before.get(start + 2..).unwrap_or_default();
    let closed = inside.contains(&b']');
    let conditional = inside.trim_ascii_start().starts_with(b"cfg_attr");
    !closed && (conditional || inside.trim_ascii().is_empty())
}

/// Whether `word` stands in the line as an absolute path, and not as the middle of a longer one.
fn names_root_folder(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(violations: &[Violation]) -> Vec<&str> {
        violations.iter().map(|violation| violation.place.as_str()).collect()
    }

    #[test]
    fn a_missing_header_is_found() {
        let files = [
            SourceFile::new("a.rs", "//! Why.\n"),
            SourceFile::new("b.rs", "// Why.\n//! Late.\n"),
            SourceFile::new("build.rs", ""),
            SourceFile::new("c.md", "text"),
        ];
        assert_eq!(places(&headers(&files)), ["b.rs", "build.rs"]);
    }

    #[test]
    fn a_vague_name_is_found() {
        let paths = ["crates/a/src/utils.rs", "mod.rs", "crates/a/src/stock_utils.rs", "mod.rs.md"];
        let paths = paths.map(str::to_owned);
        assert_eq!(places(&vague_names(&paths)), ["crates/a/src/utils.rs", "mod.rs"]);
    }

    #[test]
    fn an_evasive_test_is_found() {
        let bad = [
            "#[test]\n#[ignore]\nfn a() {}",
            "\n#[ignore = \"slow\"] fn a() {}",
            "\n#[cfg_attr(not(feature = \"x\"), ignore)]",
            "\n#[should_panic(expected = \"x\")]",
            "\n#[cfg_attr(a, should_panic)]",
        ];
        for text in bad {
            let found = evasive_tests(&[SourceFile::new("a.rs", text)]);
            assert_eq!(places(&found), ["a.rs:2"], "{text}");
        }
        let good = "// #[ignore]\nlet s = \"should_panic\"; #[serde(ignore)] x\n#[a] ignore(b[1]);";
        assert!(evasive_tests(&[SourceFile::new("a.rs", good)]).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for word in MACHINE_PATHS {
            let text = format!("first\ncd {word}main\n");
            let found = machine_paths(&[SourceFile::new("notes.md", text)]);
            assert_eq!(places(&found), ["notes.md:2"]);
            let relative = format!("crates{word}x ..{word}x $HOME{word}x");
            assert!(machine_paths(&[SourceFile::new("notes.md", relative)]).is_empty());
        }
    }

    #[test]
    fn a_placeholder_is_found_in_pages() {
        let files = ["README.md", "a.rs"].map(|path| SourceFile::new(path, "a\n@@figure@@\n"));
        assert_eq!(places(&placeholders(&files)), ["README.md:2"]);
        assert!(placeholders(&[SourceFile::new("b.md", "a@b.example @ c")]).is_empty());
    }

    const RECORD: &str =
        "# 1\n## Context\n## Decision\n## Consequences\n## What would change our mind\n";

    fn records(names: &[&str], text: &str) -> Vec<String> {
        let paths: Vec<String> = names.iter().map(|name| format!("docs/adr/{name}")).collect();
        let files: Vec<SourceFile> = paths.iter().map(|path| SourceFile::new(path, text)).collect();
        decision_records(&files, &paths).iter().map(|one| one.detail.clone()).collect()
    }

    #[test]
    fn decision_records_in_order_pass() {
        assert!(records(&["001-one-log.md", "002-delta-1.0.md"], RECORD).is_empty());
    }

    #[test]
    fn a_gap_a_double_and_a_wrong_name_are_found() {
        assert_eq!(records(&["001-a.md", "003-b.md"], RECORD), ["the next number is 002"]);
        assert_eq!(records(&["001-a.md", "001-b.md"], RECORD), ["the next number is 002"]);
        assert_eq!(records(&["1-a.md"], RECORD), ["is not named NNN-title.md"]);
        assert_eq!(records(&["001-A b.md"], RECORD), ["is not named NNN-title.md"]);
    }

    #[test]
    fn a_missing_heading_is_found() {
        let text = RECORD.replace("## Decision", "## Decided");
        assert_eq!(records(&["001-a.md"], &text), ["has no heading `Decision`"]);
    }
}
