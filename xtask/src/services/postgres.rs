//! PostgreSQL for a person: one user, who needs no password on this machine alone.

use crate::workspace::run_to_success;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PORT: u16 = 5_432;
/// The user of the database.
const USER: &str = "shelf";
/// The user as whom it runs where this program is run by root, whom it refuses.
const SYSTEM_USER: &str = "postgres";

/// Starts it on its usual port, and waits until it answers.
pub(super) fn start(folder: &Path) -> Result<()> {
    super::ensure_free(PORT)?;
    if as_root() {
        let owner = format!("{SYSTEM_USER}:");
        run_to_success(Command::new("chown").arg("-R").arg(owner).arg(folder))?;
    }
    let data = folder.join("data");
    let mut initdb = command("initdb")?;
    initdb.args(["-U", USER, "-A", "trust", "-E", "UTF8", "-D"]).arg(&data);
    run_to_success(initdb.current_dir(folder).stdout(Stdio::null()))?;
    let mut server = command("postgres")?;
    let socket = format!("unix_socket_directories={}", folder.display());
    server.arg("-D").arg(&data).args(["-p", &PORT.to_string()]);
    server.args(["-c", "listen_addresses=127.0.0.1", "-c", &socket]).current_dir(folder);
    super::start(&mut server, folder)?;
    super::wait_for(PORT, folder)?;
    println!("PostgreSQL: postgres://{USER}@127.0.0.1:{PORT}/postgres");
    Ok(())
}

/// One of its programs, as a user whom it accepts.
fn command(program: &str) -> Result<Command> {
    let program = programs()?.join(program);
    if !as_root() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--clear-groups"]).arg(program);
    Ok(command)
}

fn as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The folder of the newest version's programs.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|version| version.path()).max_by_key(number);
    let newest = newest.context("PostgreSQL is missing; `cargo xtask test` installs it")?;
    Ok(newest.join("bin"))
}
