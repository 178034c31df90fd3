//! `cargo xtask schemas`: the schemas as they are, against those that were published last.
//!
//! Who reads and who writes our messages goes by the published ones, so a change that breaks either
//! of them is not made by accident.

mod compare;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use compare::{Schemas, breaks};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The schemas that the code makes.
const CURRENT: &str = "docs/schemas/v1";
/// Those that were published last, and the breaks that were meant.
const PUBLISHED: &str = "docs/schemas/published.json";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Fail if a change since the last publication breaks those who read or those who write.
    Check,
    /// Publish the schemas as they are. A break needs a reason, which is noted with it.
    Publish {
        /// Why the break has to be.
        #[arg(long, value_name = "REASON")]
        because: Option<String>,
    },
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match &args.task {
        Task::Check => check(workspace),
        Task::Publish { because } => publish(&workspace.root, because.as_deref()),
    }
}

/// Fails if the committed schemas break those who know the published ones.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let published = Published::read(&workspace.root)?;
    let found = breaks(&published.schemas, &current(&workspace.root)?)?;
    for one in &found {
        println!("{one}");
    }
    if !found.is_empty() {
        bail!(
            "{} changes of schemas break who reads or who writes\n  take them back, or publish \
             them with: cargo xtask schemas publish --because REASON",
            found.len()
        );
    }
    println!("{} published schemas: readers and writers go on", published.schemas.len());
    Ok(())
}

/// The schemas that were published, and each break that was meant.
struct Published {
    schemas: Schemas,
    /// Objects of `why` and `breaks`, the oldest first.
    meant: Vec<Value>,
}

impl Published {
    fn read(root: &Path) -> Result<Self> {
        let unlike = || format!("{PUBLISHED} is not what `cargo xtask schemas publish` writes");
        let text = fs::read_to_string(root.join(PUBLISHED))
            .with_context(|| format!("cannot read {PUBLISHED}"))?;
        let mut value: Value = serde_json::from_str(&text).with_context(unlike)?;
        let schemas = value.get_mut("schemas").and_then(Value::as_object_mut);
        let schemas = std::mem::take(schemas.with_context(unlike)?).into_iter().collect();
        let meant = value.get_mut("meant").and_then(Value::as_array_mut).with_context(unlike)?;
        Ok(Self { schemas, meant: std::mem::take(meant) })
    }

    /// One schema a line, so that a change of it is one of its line.
    fn text(&self) -> String {
        let lines = |all: Vec<String>| all.join(",\n");
        let schemas = self.schemas.iter().map(|(name, schema)| format!("\"{name}\": {schema}"));
        let mut text = "{\n\"meant\": [".to_owned();
        let meant: Vec<String> = self.meant.iter().map(Value::to_string).collect();
        if !meant.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{}\n", lines(meant));
        }
        let _ = write!(text, "],\n\"schemas\": {{\n{}\n}}\n}}\n", lines(schemas.collect()));
        text
    }
}

fn publish(root: &Path, because: Option<&str>) -> Result<()> {
    let schemas = current(root)?;
    let mut published = if root.join(PUBLISHED).exists() {
        Published::read(root)?
    } else {
        Published { schemas: Schemas::new(), meant: Vec::new() }
    };
    let found = breaks(&published.schemas, &schemas)?;
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    match because.map(str::trim).filter(|why| !why.is_empty()) {
        _ if told.is_empty() => {}
        Some(why) => published.meant.push(json!({ "why": why, "breaks": told })),
        None => bail!("this needs --because REASON:\n  {}", told.join("\n  ")),
    }
    published.schemas = schemas;
    fs::write(root.join(PUBLISHED), published.text())
        .with_context(|| format!("cannot write {PUBLISHED}"))?;
    println!("{PUBLISHED}: {} schemas, {} breaks", published.schemas.len(), told.len());
    Ok(())
}

/// The schemas that are committed.
fn current(root: &Path) -> Result<Schemas> {
    let folder = root.join(CURRENT);
    let mut schemas = Schemas::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {CURRENT}"))? {
        let path = entry.with_context(|| format!("cannot list {CURRENT}"))?.path();
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
        let schema = serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        schemas.insert(name, schema);
    }
    Ok(schemas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schemas_break_nobody_who_knows_the_published_ones() {
        let workspace = Workspace::find().unwrap();
        check(&workspace).unwrap();
    }

    #[test]
    fn a_break_is_published_with_its_reason_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |kind: &str| {
            fs::create_dir_all(root.join(CURRENT)).unwrap();
            let schema = json!({ "type": "object", "properties": { "at": { "type": kind } } });
            let schema = schema.to_string();
            fs::write(root.join(CURRENT).join("event.sale.json"), schema).unwrap();
        };
        write("string");
        publish(root, None).unwrap();
        write("integer");
        let error = publish(root, None).unwrap_err().to_string();
        assert!(error.contains("event.sale: at: it may no longer be of type string"), "{error}");
        publish(root, Some("tills count in whole seconds")).unwrap();
        let published = Published::read(root).unwrap();
        assert_eq!(published.meant[0]["why"], "tills count in whole seconds");
        assert_eq!(published.meant[0]["breaks"].as_array().unwrap().len(), 2);
        publish(root, None).unwrap();
        assert_eq!(Published::read(root).unwrap().meant.len(), 1, "what was meant stays");
    }
}
