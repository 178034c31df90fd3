//! Real servers for tests: PostgreSQL and Redis as Debian has them, a registry of schemas, each on
//! a free port of the loopback in a folder of its own, stopped when the test drops it.
//!
//! `cargo xtask test` installs both. PostgreSQL refuses to be run by root, so there it runs as the
//! user `postgres` that its package makes.

mod postgres;
mod redis;
mod registry;

pub use postgres::{PASSWORD, PostgresServer, USER};
pub use redis::RedisServer;
pub use registry::RegistryServer;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);

/// The beginning of a command whose program gets this signal when the thread that starts it ends,
/// however that comes: a test that is killed leaves no server behind.
fn ending_with_us(signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]);
    command
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Waits until `there` says so.
fn wait_until(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come");
        sleep(LOOK);
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Sends a signal such as `INT`, and waits for the end.
    fn end(&mut self, signal: &str) {
        self.signal(signal);
        let mut ended = || self.0.try_wait().expect("a process to wait for").is_some();
        wait_until("the end of a server", &mut ended);
    }

    fn signal(&self, signal: &str) {
        let word = format!("-{signal}");
        let sent = Command::new("kill").args([&word, &self.0.id().to_string()]).status();
        assert!(sent.expect("kill").success(), "no {signal} to the server");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Python that `cargo xtask test` sets up, or the one that is named.
pub fn python() -> PathBuf {
    let named = std::env::var_os("SHELF_PYTHON").map(PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = named.unwrap_or_else(|| root.join("target/python/bin/python"));
    assert!(python.exists(), "{}: `cargo xtask test` makes it", python.display());
    python
}
