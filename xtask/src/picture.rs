//! `cargo xtask picture`: the README's picture of the floor, drawn by the product itself from a
//! fresh demo, so that it shows what a reader will see.

use crate::workspace::{Profile, Workspace, run_to_success};
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

const PICTURE: &str = "docs/pictures/floor.svg";
/// Thirteen days of a past, then eleven hours at an hour a second: a Wednesday before closing time.
const RUN: [&str; 10] = [
    "run",
    "--plain",
    "--seed",
    "7",
    "--warmup-days",
    "13",
    "--speed",
    "3600",
    "--for-seconds",
    "11",
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let shelf = workspace.build_shelf(Profile::Release)?;
    let scratch = tempfile::tempdir().context("cannot create a temporary folder")?;
    let data = scratch.path().join("data");
    let picture = workspace.root.join(PICTURE);
    if let Some(folder) = picture.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut run = Command::new(&shelf);
    run.args(RUN).arg("--data").arg(&data);
    run_to_success(&mut run)?;
    let mut watch = Command::new(&shelf);
    watch.args(["watch", "--data"]).arg(&data).arg("--svg").arg(&picture);
    run_to_success(&mut watch)?;
    println!("drew {PICTURE}");
    Ok(())
}
