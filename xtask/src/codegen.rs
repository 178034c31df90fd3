//! `cargo xtask codegen`: files that are written by a program and committed, so that a reader
//! sees them and a change of them is reviewed. A generated folder holds nothing else.

use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail if a file is not what its generator writes.
    #[arg(long)]
    check: bool,
}

/// An example of a crate that takes a folder as its only argument and writes files into it.
struct Generator {
    package: &'static str,
    example: &'static str,
    /// Where its files are committed, relative to the root.
    folder: &'static str,
}

const GENERATORS: [Generator; 2] = [
    Generator { package: "shelf-events", example: "schemas", folder: "docs/schemas/v1" },
    Generator { package: "shelf-events", example: "avro_schemas", folder: "docs/schemas/avro" },
];

/// The files of one folder, by name.
type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, PartialEq, Eq)]
enum Difference {
    Missing(String),
    Changed(String),
    Stale(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Changed(name) => write!(f, "{name} differs from what its generator writes"),
            Self::Stale(name) => write!(f, "{name} is written by no generator any more"),
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.check { check(workspace) } else { write(workspace) }
}

/// Fails if a committed file is not what its generator writes.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut count = 0;
    for generator in &GENERATORS {
        let committed = read_files(&workspace.root.join(generator.folder))?;
        for difference in differences(&committed, &generate(workspace, generator)?) {
            println!("{}: {difference}", generator.folder);
            count += 1;
        }
    }
    if count > 0 {
        bail!("{count} generated files are not current\n  renew them with: cargo xtask codegen");
    }
    println!("the generated files are current");
    Ok(())
}

fn write(workspace: &Workspace) -> Result<()> {
    for generator in &GENERATORS {
        let folder = workspace.root.join(generator.folder);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let generated = generate(workspace, generator)?;
        for difference in differences(&read_files(&folder)?, &generated) {
            println!("{}: renewed, {difference}", generator.folder);
            let (Difference::Missing(name) | Difference::Changed(name) | Difference::Stale(name)) =
                difference;
            let path = folder.join(&name);
            match generated.get(&name) {
                Some(bytes) => fs::write(&path, bytes),
                None => fs::remove_file(&path),
            }
            .with_context(|| format!("cannot renew {}", path.display()))?;
        }
        println!("{}: {} files", generator.folder, generated.len());
    }
    Ok(())
}

/// What the generator writes today.
fn generate(workspace: &Workspace, generator: &Generator) -> Result<Files> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--package", generator.package]);
    command.args(["--example", generator.example, "--"]).arg(folder.path());
    run_to_success(&mut command)?;
    let files = read_files(folder.path())?;
    if files.is_empty() {
        bail!("the generator {} of {} wrote no file", generator.example, generator.package);
    }
    Ok(files)
}

/// The files of a folder without its subfolders; a folder that does not exist is empty.
fn read_files(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    if !folder.exists() {
        return Ok(files);
    }
    let shown = folder.display();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {shown}"))? {
        let path = entry.with_context(|| format!("cannot list {shown}"))?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(files)
}

fn differences(committed: &Files, generated: &Files) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, bytes) in generated {
        match committed.get(name) {
            None => found.push(Difference::Missing(name.clone())),
            Some(old) if old != bytes => found.push(Difference::Changed(name.clone())),
            Some(_) => {}
        }
    }
    let stale = committed.keys().filter(|name| !generated.contains_key(*name));
    found.extend(stale.map(|name| Difference::Stale(name.clone())));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> Files {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let committed = files(&[("a", "1"), ("b", "1"), ("d", "1")]);
        let generated = files(&[("a", "1"), ("b", "2"), ("c", "1")]);
        let expected = [
            Difference::Changed("b".to_owned()),
            Difference::Missing("c".to_owned()),
            Difference::Stale("d".to_owned()),
        ];
        assert_eq!(differences(&committed, &generated), expected);
        assert_eq!(differences(&generated, &generated), []);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), "{}").unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        assert_eq!(read_files(folder.path()).unwrap(), files(&[("a.json", "{}")]));
        assert!(read_files(&folder.path().join("none")).unwrap().is_empty());
    }
}
