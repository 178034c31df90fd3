//! Where benches put their data: a folder on a disk. In memory a sync costs nothing, and every
//! figure with one in it would be a lie.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::failure::Failure;

/// File systems that hold their files in memory.
const IN_MEMORY: [&str; 3] = ["tmpfs", "ramfs", "devtmpfs"];

/// A folder on a disk.
pub(super) struct Place {
    dir: PathBuf,
}

impl Place {
    /// The folder for the data of benches, made where it is not there; refused where it is not on a
    /// disk.
    pub(super) fn at(dir: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir).map_err(io)?;
        let output = Command::new("df").arg("--output=fstype").arg(dir).output().map_err(io)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.lines().nth(1).unwrap_or_default().trim();
        if found.is_empty() {
            let message = format!("the file system of {} is not known", dir.display());
            return Err(Failure::new("bench", message, "see what `df --output=fstype` says"));
        }
        if IN_MEMORY.contains(&found) {
            let message = format!("{} is in memory ({found}), not on a disk", dir.display());
            return Err(Failure::new("bench", message, "name a folder on a disk with --dir"));
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// A folder of one measurement's own, removed with what is returned.
    pub(super) fn folder(&self) -> Result<TempDir, Failure> {
        tempfile::tempdir_in(&self.dir).map_err(io)
    }
}

/// This program with these words on a data folder.
pub(super) fn shelf(data: &Path, words: &[&str]) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe().map_err(io)?);
    command.args(words).arg("--data").arg(data);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// A child that is ended, whatever happens.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where `map_err` hands errors over")]
pub(super) fn io(error: std::io::Error) -> Failure {
    Failure::new("io", error.to_string(), "run `shelf doctor` for a look at the machine")
}
