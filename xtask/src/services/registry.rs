//! A registry of schemas from its published archive: Apicurio Registry, which answers Confluent's
//! API and keeps its schemas in memory.

use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest that runs on Java 17.
const VERSION: &str = "2.6.13.Final";
const ARTIFACT: &str = "io.apicurio:apicurio-registry-app";
/// Which version is there, written when it is whole.
const STAMP: &str = "version.txt";
const PORT: u16 = 8_081;

fn jars(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target/services/registry")
}

/// Has Maven copy the archive, and unpacks it, where it is not there or of another version.
pub(super) fn fetch(workspace: &Workspace) -> Result<()> {
    let folder = jars(workspace);
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == VERSION) {
        return Ok(());
    }
    eprintln!("getting Apicurio Registry into target/services/registry");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove another version")?;
    }
    fs::create_dir_all(&folder).context("cannot make its folder")?;
    let artifact = format!("-Dartifact={ARTIFACT}:{VERSION}:tar.gz:all");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:copy", "-Dmdep.useBaseVersion=true"]).arg(artifact);
    maven.arg(format!("-DoutputDirectory={}", folder.display()));
    run_to_success(&mut maven)?;
    let archive = folder.join(format!("apicurio-registry-app-{VERSION}-all.tar.gz"));
    let mut tar = Command::new("tar");
    run_to_success(tar.arg("-xzf").arg(&archive).arg("-C").arg(&folder))?;
    fs::remove_file(&archive).context("cannot remove the archive")?;
    fs::write(folder.join(STAMP), VERSION).context("cannot note what was fetched")
}

/// Starts it on its usual port, and waits until it answers.
pub(super) fn start(workspace: &Workspace, folder: &Path) -> Result<()> {
    super::ensure_free(PORT)?;
    let runner = jars(workspace).join(format!("apicurio-registry-app-{VERSION}-runner.jar"));
    let mut java = Command::new("java");
    java.args(["-Xmx320m", "-XX:+UseSerialGC", "-Dquarkus.http.host=127.0.0.1"]);
    java.arg(format!("-Dquarkus.http.port={PORT}"));
    // By its command's words it is known again.
    java.arg(format!("-Duser.dir={}", folder.display())).arg("-jar").arg(runner);
    super::start(&mut java, folder)?;
    super::wait_for(PORT, folder)?;
    println!("Registry of schemas: http://127.0.0.1:{PORT}/apis/ccompat/v7");
    Ok(())
}
