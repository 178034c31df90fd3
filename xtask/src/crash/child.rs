//! One child process whose output goes to files, so that it never waits for a reader. It does not
//! outlive its owner.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const POLL_MAX: Duration = Duration::from_millis(2);
const SIGKILL: i32 = 9;
/// How much of its stderr is repeated in an error.
const STDERR_LINES_MAX: usize = 10;

/// How a child ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By our kill.
    Killed,
    /// By itself, with this stdout.
    Finished(String),
}

pub(crate) struct RunningChild {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl RunningChild {
    /// Starts the program; its output goes to `<output>.stdout` and `<output>.stderr`.
    pub(crate) fn start(program: &Path, arguments: &[OsString], output: &Path) -> Result<Self> {
        let file = |extension: &str| -> Result<(PathBuf, File)> {
            let path = output.with_extension(extension);
            let file =
                File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
            Ok((path, file))
        };
        let (stdout, stdout_file) = file("stdout")?;
        let (stderr, stderr_file) = file("stderr")?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(stdout_file)
            .stderr(stderr_file)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, stdout, stderr })
    }

    /// The stdout of a child that ends well within `delay`; none if it still runs then.
    pub(crate) fn ended_within(&mut self, delay: Duration) -> Result<Option<String>> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().context("cannot watch the child")? {
                return self.success(status).map(Some);
            }
            let left = delay.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            thread::sleep(left.min(POLL_MAX));
        }
    }

    /// Sends SIGKILL. A child that ended just before has finished all the same.
    pub(crate) fn kill(&mut self) -> Result<End> {
        self.child.kill().context("cannot kill the child")?;
        let status = self.child.wait().context("cannot wait for the child")?;
        if status.signal() == Some(SIGKILL) {
            return Ok(End::Killed);
        }
        self.success(status).map(End::Finished)
    }

    fn success(&self, status: ExitStatus) -> Result<String> {
        if !status.success() {
            let stderr = fs::read(&self.stderr).unwrap_or_default();
            let stderr = String::from_utf8_lossy(&stderr).into_owned();
            let mut lines: Vec<&str> = stderr.lines().rev().take(STDERR_LINES_MAX).collect();
            lines.reverse();
            bail!("the run ended with {status}:\n{}", lines.join("\n"));
        }
        fs::read_to_string(&self.stdout)
            .with_context(|| format!("cannot read {}", self.stdout.display()))
    }
}

impl Drop for RunningChild {
    fn drop(&mut self) {
        // After a wait the standard library sends no signal to the old process number.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}
