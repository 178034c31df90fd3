//! The rules of the source tree that no compiler checks. Each rule is a function over the files
//! or the metadata that returns what breaks it; none of them changes a file.

mod layers;
mod links;
pub(crate) mod pictures;
mod rules;
mod sizes;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use sizes::Exceptions;
use std::fmt;
use std::fs;

const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    /// A file, with `:line` where the rule knows it, or a package.
    pub(crate) place: String,
    pub(crate) detail: String,
}

impl Violation {
    fn new(rule: &'static str, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { rule, place: place.into(), detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.rule, self.detail)
    }
}

/// A text file of the repository. `path` is relative to the root, with `/` between folders.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    #[cfg(test)]
    fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn rust(&self) -> bool {
        self.name().strip_suffix(".rs").is_some()
    }
}

/// Checks the whole tree, prints every violation, and fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = text_files(workspace)?;
    let exceptions = fs::read_to_string(workspace.root.join(EXCEPTIONS))
        .with_context(|| format!("cannot read {EXCEPTIONS}"))?;
    let exceptions = Exceptions::parse(&exceptions)
        .with_context(|| format!("cannot understand {EXCEPTIONS}"))?;
    let paths = workspace.tracked_files()?;
    let edges = layers::edges(&workspace.metadata()?)?;

    let mut violations = layers::check(&edges);
    violations.extend(rules::headers(&files));
    violations.extend(sizes::check(&files, &exceptions));
    violations.extend(rules::vague_names(&paths));
    violations.extend(rules::evasive_tests(&files));
    violations.extend(links::check(&files, &paths));
    violations.extend(pictures::check(&files, &paths));
    violations.extend(rules::machine_paths(&files));
    violations.extend(rules::placeholders(&files));
    violations.extend(rules::decision_records(&files, &paths));

    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} violations of the rules of the source tree", violations.len());
    }
    println!("{} files, {} dependencies: tidy", paths.len(), edges.len());
    Ok(())
}

/// The tracked files that are UTF-8 text; a picture breaks no rule of text.
fn text_files(workspace: &Workspace) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for path in workspace.tracked_files()? {
        let bytes =
            fs::read(workspace.root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(SourceFile { path, text });
        }
    }
    Ok(files)
}
