//! The Python packages that the tests call, in an environment of their own below `target`.

use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Other programs that read Delta tables and Avro, an object store, clients of Kafka and of
/// Postgres, one that makes requests from an OpenAPI document, and what they need.
const PACKAGES: [&str; 12] = [
    "confluent-kafka==2.16.1",
    "deltalake==1.6.6",
    "duckdb==2.0.1",
    "fastavro==1.13.1",
    "moto[server]==5.2.5",
    "psycopg[binary]==3.3.9",
    "pyarrow==26.0.1",
    "pysail==0.7.2",
    "pyspark-client==4.2.0",
    "schemathesis==4.32.5",
    "setuptools",
    "sqlalchemy==2.1.9",
];
/// What it holds, written when it is whole.
const STAMP: &str = "packages.txt";

/// Where it is.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target/python")
}

/// The Python that has the packages.
pub(crate) fn program(workspace: &Workspace) -> PathBuf {
    folder(workspace).join("bin/python")
}

/// Sees to it that the environment is there, and holds these packages.
pub(crate) fn ensure(workspace: &Workspace, install_venv: impl Fn() -> Result<()>) -> Result<()> {
    let dir = folder(workspace);
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(dir.join(STAMP)).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("installing the Python packages of the tests in target/python");
    let make = || run_to_success(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir));
    // Debian keeps the module in a package of its own.
    if make().is_err() {
        install_venv()?;
        make()?;
    }
    let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    run_to_success(Command::new(program(workspace)).args(pip).args(PACKAGES))?;
    fs::write(dir.join(STAMP), wanted).context("cannot note what was installed")
}
