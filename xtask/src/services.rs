//! `cargo xtask services`: the servers that the product joins, on free or usual ports of this
//! machine. Tests start their own; `up` and `down` are for a person.

mod kafka;
mod postgres;
mod redis;
mod registry;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use std::env;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const STARTS_WITHIN: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Get what the servers consist of.
    Fetch,
    /// Start servers, and say where they listen.
    Up {
        /// Start these only, separated by commas.
        #[arg(value_enum, value_delimiter = ',', value_name = "SERVER")]
        servers: Vec<Server>,
    },
    /// Stop servers and remove what they have kept.
    Down {
        /// Stop these only, separated by commas.
        #[arg(value_enum, value_delimiter = ',', value_name = "SERVER")]
        servers: Vec<Server>,
    },
}

/// A server that can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// A broker of Apache Kafka that is its own controller.
    Kafka,
    /// PostgreSQL, with one user who needs no password on this machine.
    Postgres,
    /// Redis, with its append-only file on.
    Redis,
    /// A registry of schemas, which keeps them in memory.
    Registry,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Registry => "registry",
        }
    }

    /// Sees to it that what it consists of is there, where no package of the system has it.
    fn fetch(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Kafka => kafka::fetch(workspace),
            Self::Registry => registry::fetch(workspace),
            Self::Postgres | Self::Redis => Ok(()),
        }
    }

    fn start(self, workspace: &Workspace, folder: &Path) -> Result<()> {
        match self {
            Self::Kafka => kafka::start(workspace, folder),
            Self::Postgres => postgres::start(folder),
            Self::Redis => redis::start(folder),
            Self::Registry => registry::start(workspace, folder),
        }
    }

    /// Where it keeps its data and its process number while it runs.
    fn folder(self, workspace: &Workspace) -> PathBuf {
        match self {
            Self::Kafka | Self::Redis | Self::Registry => {
                workspace.root.join("target/services/run").join(self.name())
            }
            // It may run as another user, who may not look into this one's folders.
            Self::Postgres => env::temp_dir().join("shelf-services").join(self.name()),
        }
    }
}

/// A server that is stopped when this is dropped.
pub(crate) struct Started<'a> {
    workspace: &'a Workspace,
    server: Server,
}

impl<'a> Started<'a> {
    /// Starts a server on its usual port.
    pub(crate) fn new(workspace: &'a Workspace, server: Server) -> Result<Self> {
        let started = Self { workspace, server };
        up(workspace, server)?;
        Ok(started)
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if let Err(error) = down(self.workspace, self.server) {
            eprintln!("{} was not stopped: {error:#}", self.server.name());
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match &args.what {
        What::Fetch => fetch(workspace),
        What::Up { servers } => asked(servers).try_for_each(|server| up(workspace, server)),
        What::Down { servers } => asked(servers).try_for_each(|server| down(workspace, server)),
    }
}

/// Sees to it that what the servers consist of is there.
pub(crate) fn fetch(workspace: &Workspace) -> Result<()> {
    Server::value_variants().iter().try_for_each(|server| server.fetch(workspace))
}

/// The asked servers; all of them if none is asked.
fn asked(servers: &[Server]) -> impl Iterator<Item = Server> {
    let all = if servers.is_empty() { Server::value_variants() } else { servers };
    all.iter().copied()
}

fn up(workspace: &Workspace, server: Server) -> Result<()> {
    server.fetch(workspace)?;
    down(workspace, server)?;
    let folder = server.folder(workspace);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    server.start(workspace, &folder)
}

/// Stops a server, where it was started, and removes its folder.
fn down(workspace: &Workspace, server: Server) -> Result<()> {
    let folder = server.folder(workspace);
    if let Ok(pid) = fs::read_to_string(folder.join("pid"))
        && is_of(pid.trim(), &folder)
    {
        // It may end by itself meanwhile.
        let quiet = Stdio::null();
        let _ = Command::new("kill").args(["-9", pid.trim()]).stderr(quiet).status();
        eprintln!("stopped {}", server.name());
    }
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Whether the process of a number was started with this folder: after a restart of the machine the
/// number may be that of any other.
fn is_of(pid: &str, folder: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command).contains(&*folder.to_string_lossy())
}

/// Starts a program that goes on when this one has ended; what it says goes into the folder.
fn start(command: &mut Command, folder: &Path) -> Result<()> {
    let output = File::create(folder.join("output.txt")).context("cannot make output.txt")?;
    let errors = output.try_clone().context("cannot write output.txt")?;
    let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
    let child =
        child.with_context(|| format!("cannot start {}", command.get_program().display()))?;
    fs::write(folder.join("pid"), child.id().to_string()).context("cannot note its number")
}

/// Waits until somebody listens at a port.
fn wait_for(port: u16, folder: &Path) -> Result<()> {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if started.elapsed() > STARTS_WITHIN {
            bail!("nobody answers at port {port}: see {}", folder.join("output.txt").display());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Says where a port is taken already.
fn ensure_free(port: u16) -> Result<()> {
    if TcpStream::connect(("127.0.0.1", port)).is_ok() {
        bail!("port {port} is taken: is another server running?");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn down_stops_what_was_started_and_nobody_else() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: root.path().to_path_buf() };
        let folder = Server::Redis.folder(&workspace);
        fs::create_dir_all(&folder).unwrap();
        // It stands still until it is killed.
        let mut still = Command::new("sh");
        start(still.args(["-c", "kill -STOP $$"]).arg(&folder), &folder).unwrap();
        let pid = fs::read_to_string(folder.join("pid")).unwrap();
        // A program that begins shows its arguments a moment later than its number.
        let started = Instant::now();
        while !is_of(&pid, &folder) {
            assert!(started.elapsed() < STARTS_WITHIN, "it does not show its arguments");
            thread::sleep(Duration::from_millis(1));
        }
        down(&workspace, Server::Redis).unwrap();
        let asked = Instant::now();
        while is_of(&pid, &folder) {
            assert!(asked.elapsed() < STARTS_WITHIN, "it is still there");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(!folder.exists());
        // Another program has got the number since.
        let mut other = Command::new("sh");
        other.args(["-c", "read line; exit 7"]).stdin(Stdio::piped());
        let mut other = other.spawn().unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("pid"), other.id().to_string()).unwrap();
        down(&workspace, Server::Redis).unwrap();
        drop(other.stdin.take());
        assert_eq!(other.wait().unwrap().code(), Some(7));
        assert!(!folder.exists());
        // Where nothing was started there is nothing to stop.
        down(&workspace, Server::Redis).unwrap();
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        wait_for(port, folder.path()).unwrap();
        let taken = ensure_free(port).unwrap_err().to_string();
        assert!(taken.contains(&format!("port {port} is taken")), "{taken}");
        drop(listener);
        ensure_free(port).unwrap();
    }

    #[test]
    fn all_servers_are_meant_where_none_is_named() {
        let all: Vec<Server> = asked(&[]).collect();
        assert_eq!(all, Server::value_variants());
        assert_eq!(asked(&[Server::Redis]).collect::<Vec<_>>(), [Server::Redis]);
    }
}
