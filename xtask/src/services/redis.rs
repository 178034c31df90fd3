//! Redis for a person: with its append-only file on.

use anyhow::Result;
use std::path::Path;
use std::process::Command;

const PORT: u16 = 6_379;

/// Starts it on its usual port, and waits until it answers.
pub(super) fn start(folder: &Path) -> Result<()> {
    super::ensure_free(PORT)?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &PORT.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--appendonly", "yes", "--save", "", "--dir"]).arg(folder);
    // By its command's words it is known again.
    command.args(["--set-proc-title", "no"]);
    super::start(&mut command, folder)?;
    super::wait_for(PORT, folder)?;
    println!("Redis: redis://127.0.0.1:{PORT}");
    Ok(())
}
