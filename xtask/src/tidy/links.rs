//! Links of the documentation to files of the repository lead somewhere. Links to other hosts and
//! anchors inside a page are not checked.

use super::{SourceFile, Violation};
use std::collections::BTreeSet;

const RULE: &str = "link";

/// The links in `README.md`, `ARCHITECTURE.md` and `docs/` that lead to no tracked file or folder.
pub(crate) fn check(files: &[SourceFile], paths: &[String]) -> Vec<Violation> {
    let known = with_folders(paths);
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| documentation(&file.path)) {
        for (line, target) in links(&file.text) {
            let found = resolve(&file.path, &target).is_some_and(|path| known.contains(&path));
            if !found {
                let place = format!("{}:{line}", file.path);
                violations.push(Violation::new(RULE, place, format!("{target} does not exist")));
            }
        }
    }
    violations
}

fn documentation(path: &str) -> bool {
    let page = path.strip_suffix(".md").is_some();
    page && (matches!(path, "README.md" | "ARCHITECTURE.md") || path.starts_with("docs/"))
}

/// Every file and every folder that holds one; the root is the empty path.
fn with_folders(paths: &[String]) -> BTreeSet<String> {
    let mut known = BTreeSet::from([String::new()]);
    for path in paths {
        known.insert(path.clone());
        known.extend(
            path.match_indices('/').filter_map(|(at, _)| path.get(..at)).map(str::to_owned),
        );
    }
    known
}

/// The local targets of a page, without anchors, with their lines. Code is left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let line = without_code(line);
        let definition = line
            .trim_start()
            .strip_prefix('[')
            .filter(|rest| !rest.starts_with('^'))
            .and_then(|rest| rest.split_once("]: "))
            .map(|(_, target)| target);
        let inline = [("](", ')'), ("src=\"", '"'), ("href=\"", '"')]
            .into_iter()
            .flat_map(|(open, close)| targets(&line, open, close));
        for target in definition.into_iter().chain(inline) {
            if let Some(path) = local_path(target) {
                found.push((index + 1, path));
            }
        }
    }
    found
}

fn targets<'a>(line: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    line.split(open).skip(1).filter_map(move |rest| rest.split_once(close)).map(|(one, _)| one)
}

/// The line without its spans between backticks.
fn without_code(line: &str) -> String {
    if line.matches('`').count() % 2 == 1 {
        return line.to_owned();
    }
    line.split('`').step_by(2).collect()
}

/// The path of a target; none for another host, a mail address or an anchor of the same page.
fn local_path(target: &str) -> Option<String> {
    let target = target.trim();
    // Angle brackets allow spaces in a target; without them a title may follow.
    let target = match target.strip_prefix('<') {
        Some(rest) => rest.split('>').next()?,
        None => target.split_whitespace().next()?,
    };
    let path = target.split('#').next().unwrap_or_default();
    let foreign = path.contains("://") || path.starts_with("mailto:");
    (!foreign && !path.is_empty()).then(|| path.to_owned())
}

/// The path from the root that a link on the page `page` means; none if it leaves the repository.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(page: &str, text: &str) -> Vec<String> {
        let paths = ["README.md", "docs/adr/001-a.md", "docs/pictures/floor.svg", "LICENSE-MIT"];
        let paths = paths.map(str::to_owned);
        check(&[SourceFile::new(page, text)], &paths).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "[a](docs/adr/001-a.md#x) [b](./docs) ![c](docs/pictures/floor.svg \"t\")
            [d](https://x.org/y) [e](#top) [f](mailto:a@b.c) <img src=\"docs/pictures/floor.svg\">
            `[g](none.md)`\n```\n[h](none.md)\n```\n[i]: LICENSE-MIT\n[^1]: a footnote\n";
        assert_eq!(broken("README.md", text), Vec::<String>::new());
        let back = "[a](../../README.md) [b](/docs/adr/)";
        assert_eq!(broken("docs/adr/001-a.md", back), Vec::<String>::new());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let dead = [
            "[a](docs/none.md)",
            "![a](none.svg)",
            "<img src=\"none.svg\">",
            "[a]: none.md",
            "[a](../outside.md)",
            "[a](<docs/no ne.md>)",
        ];
        for text in dead {
            let found = broken("README.md", &format!("first\n{text}\n"));
            assert_eq!(found.len(), 1, "{text}");
            assert!(found.iter().all(|one| one.starts_with("README.md:2: link: ")), "{found:?}");
        }
    }

    #[test]
    fn only_documentation_is_read() {
        assert!(broken("xtask/notes.md", "[a](none.md)").is_empty());
        assert_eq!(broken("docs/a.md", "[a](none.md)").len(), 1);
    }
}
