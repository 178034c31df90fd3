//! The direction of dependencies: core, ingest, process, store, surface, from left to right.
//!
//! The folder of a package decides its layer. Dependencies of tests may go against the direction,
//! because nothing that ships is built from them.

use super::Violation;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const RULE: &str = "layers";

/// Where a package stands, by its folder below the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// `crates/core/<name>`.
    Core(String),
    Ingest,
    Process,
    Store,
    Surface,
    Testkit,
    Xtask,
    /// A folder that the design does not know.
    Elsewhere(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
}

/// One package of the workspace that depends on another one of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: (String, Layer),
    pub(crate) to: (String, Layer),
    pub(crate) kind: Kind,
}

/// The edges between members, from the answer of `cargo metadata --no-deps`. A build dependency
/// counts as a normal one.
pub(crate) fn edges(metadata: &Value) -> Result<Vec<Edge>> {
    let root = text(metadata, "workspace_root")?;
    let packages = list(metadata, "packages")?;
    let mut layers = BTreeMap::new();
    for package in packages {
        let manifest = Path::new(text(package, "manifest_path")?);
        let folder = manifest
            .parent()
            .and_then(|folder| folder.strip_prefix(root).ok())
            .with_context(|| format!("{} is outside {root}", manifest.display()))?;
        layers.insert(text(package, "name")?, layer_of(folder));
    }
    let mut edges = Vec::new();
    for package in packages {
        let name = text(package, "name")?;
        let Some(from) = layers.get(name) else { continue };
        for dependency in list(package, "dependencies")? {
            let to_name = text(dependency, "name")?;
            let foreign = dependency.get("path").is_none_or(Value::is_null);
            let Some(to) = layers.get(to_name).filter(|_| !foreign) else { continue };
            let dev = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            edges.push(Edge {
                from: (name.to_owned(), from.clone()),
                to: (to_name.to_owned(), to.clone()),
                kind: if dev { Kind::Dev } else { Kind::Normal },
            });
        }
    }
    Ok(edges)
}

/// The edges that go against the direction.
pub(crate) fn check(edges: &[Edge]) -> Vec<Violation> {
    edges.iter().filter_map(objection).collect()
}

fn objection(edge: &Edge) -> Option<Violation> {
    let (from, to) = (&edge.from.1, &edge.to.1);
    let reason = match (edge.kind, from, to) {
        (_, Layer::Elsewhere(folder), _) | (_, _, Layer::Elsewhere(folder)) => {
            format!("the design knows no folder {folder}")
        }
        (_, Layer::Xtask, _) => "xtask starts programs and links none of ours".to_owned(),
        (_, _, Layer::Xtask) => "nobody links xtask".to_owned(),
        (Kind::Dev, _, _) | (Kind::Normal, Layer::Testkit, _) => return None,
        (Kind::Normal, _, Layer::Testkit) => "the testkit is for dev-dependencies".to_owned(),
        (Kind::Normal, Layer::Core(name), to) => core_objection(name, to)?,
        (Kind::Normal, _, Layer::Core(_)) | (Kind::Normal, Layer::Surface, _) => return None,
        (Kind::Normal, _, Layer::Surface) => {
            "a stage never depends on a stage to its right".to_owned()
        }
        (Kind::Normal, _, _) => {
            "ingest, process and store use only core, and meet through its ports".to_owned()
        }
    };
    let detail = format!("depends on {}, but {reason}", edge.to.0);
    Some(Violation::new(RULE, edge.from.0.clone(), detail))
}

fn core_objection(name: &str, to: &Layer) -> Option<String> {
    match (name, to) {
        ("events", Layer::Core(used)) if used == "domain" => None,
        ("events", Layer::Core(_)) => Some("within core, events may use domain only".to_owned()),
        ("domain" | "ports", _) => Some(format!("core/{name} uses nothing of ours")),
        (_, Layer::Core(_)) => Some(format!("the rule knows no core/{name}: add it there")),
        _ => Some("a stage never depends on a stage to its right".to_owned()),
    }
}

fn layer_of(folder: &Path) -> Layer {
    let parts: Vec<String> =
        folder.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["crates", "core", name] => Layer::Core((*name).to_owned()),
        ["crates", "ingest", _] => Layer::Ingest,
        ["crates", "process", _] => Layer::Process,
        ["crates", "store", _] => Layer::Store,
        ["crates", "surface", _] => Layer::Surface,
        ["testkit"] => Layer::Testkit,
        ["xtask"] => Layer::Xtask,
        _ => Layer::Elsewhere(folder.display().to_string()),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .with_context(|| format!("cargo metadata has no text `{key}`"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value
        .get(key)
        .and_then(Value::as_array)
        .with_context(|| format!("cargo metadata has no list `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// One line per dependency: `folder -> folder`, with ` (dev)` behind it for a test's one.
    fn violations(lines: &str) -> Vec<String> {
        let edge = |line: &str| {
            let (line, kind) = match line.strip_suffix(" (dev)") {
                Some(line) => (line, Kind::Dev),
                None => (line, Kind::Normal),
            };
            let (from, to) = line.split_once(" -> ").unwrap();
            let end = |folder: &str| (folder.to_owned(), layer_of(Path::new(folder)));
            Edge { from: end(from), to: end(to), kind }
        };
        let edges: Vec<Edge> = lines.lines().map(|line| edge(line.trim())).collect();
        check(&edges).iter().map(|violation| violation.place.clone()).collect()
    }

    #[test]
    fn the_direction_of_the_design_is_allowed() {
        let allowed = "crates/core/events -> crates/core/domain
            crates/ingest/eventlog -> crates/core/ports
            crates/process/engine -> crates/core/domain
            crates/store/lake -> crates/core/events
            crates/surface/views -> crates/process/engine
            crates/surface/cli -> crates/surface/views
            crates/core/domain -> testkit (dev)
            crates/process/engine -> crates/ingest/eventlog (dev)
            testkit -> crates/core/domain";
        assert_eq!(violations(allowed), Vec::<String>::new());
    }

    #[test]
    fn every_other_direction_is_found() {
        let forbidden = [
            "crates/core/domain -> crates/core/events",
            "crates/core/ports -> crates/core/domain",
            "crates/core/events -> crates/core/ports",
            "crates/core/domain -> crates/process/engine",
            "crates/core/clock -> crates/core/domain",
            "crates/process/engine -> crates/ingest/eventlog",
            "crates/ingest/sources -> crates/store/lake",
            "crates/ingest/sources -> crates/ingest/eventlog",
            "crates/store/lake -> crates/surface/views",
            "crates/surface/cli -> testkit",
            "xtask -> crates/core/domain",
            "crates/core/domain -> xtask (dev)",
            "tools/x -> crates/core/domain",
        ];
        for line in forbidden {
            assert_eq!(violations(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn edges_come_from_cargo_metadata() {
        let metadata = json!({"workspace_root": "/r", "packages": [
            {"name": "a", "manifest_path": "/r/crates/core/events/Cargo.toml", "dependencies": [
                {"name": "b", "path": "/r/crates/core/domain", "kind": null},
                {"name": "t", "path": "/r/testkit", "kind": "dev"},
                {"name": "serde", "kind": null}]},
            {"name": "b", "manifest_path": "/r/crates/core/domain/Cargo.toml", "dependencies": []},
            {"name": "t", "manifest_path": "/r/testkit/Cargo.toml", "dependencies": [
                {"name": "a", "path": "/r/crates/core/events", "kind": "build"}]}]});
        let found: Vec<(String, Kind, String)> = edges(&metadata)
            .unwrap()
            .into_iter()
            .map(|edge| (edge.from.0, edge.kind, edge.to.0))
            .collect();
        let expected = [("a", Kind::Normal, "b"), ("a", Kind::Dev, "t"), ("t", Kind::Normal, "a")];
        let expected = expected.map(|(from, kind, to)| (from.to_owned(), kind, to.to_owned()));
        assert_eq!(found, expected);
        assert!(edges(&json!({})).is_err());
    }
}
