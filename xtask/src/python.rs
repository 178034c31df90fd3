//! The Python packages that the tests call, in an environment of their own below `target`.

use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

/// Other programs that read Delta tables, an object store, and what they need.
const PACKAGES: [&str; 7] = [
    "deltalake==1.6.6",
    "duckdb==2.0.1",
    "moto[server]==5.2.5",
    "pyarrow==26.0.1",
    "pysail==0.7.2",
    "pyspark-client==4.2.0",
    "setuptools",
];
/// What it holds, written when it is whole.
const STAMP: &str = "packages.txt";

/// Sees to it that the environment is there, and holds these packages.
pub(crate) fn ensure(workspace: &Workspace, install_venv: impl Fn() -> Result<()>) -> Result<()> {
    let dir = workspace.root.join("target/python");
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
    run_to_success(Command::new(dir.join("bin/python")).args(pip).args(PACKAGES))?;
    fs::write(dir.join(STAMP), wanted).context("cannot note what was installed")
}
