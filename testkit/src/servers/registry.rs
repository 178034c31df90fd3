//! A registry of schemas with Confluent's API: Apicurio Registry, which keeps its schemas in
//! memory.
//!
//! Its jars come with `cargo xtask services fetch`, which `cargo xtask test` does as well.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{LOOK, Process, ending_with_us, free_port};

/// It starts slower than the others, and slowest where other tests run.
const STARTS_WITHIN: Duration = Duration::from_mins(3);

/// Names another folder with the jars.
const JARS_VARIABLE: &str = "SHELF_REGISTRY_JARS";
/// Where the API is.
const PATH: &str = "/apis/ccompat/v7";

/// A running registry.
#[derive(Debug)]
pub struct RegistryServer {
    port: u16,
    folder: tempfile::TempDir,
    process: Option<Process>,
}

fn jars() -> PathBuf {
    let named = std::env::var_os(JARS_VARIABLE).map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/registry");
    let folder = named.unwrap_or(usual);
    let found = folder.join("lib").is_dir();
    assert!(
        found,
        "the jars of Apicurio Registry are not in {}: get them with `cargo xtask services fetch`",
        folder.display()
    );
    folder
}

impl RegistryServer {
    /// Starts a registry without schemas, and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self { port: free_port(), folder, process: None };
        server.resume();
        server
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Ends it, with all that it knows.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Has it stand still: who connects gets no answer. It keeps what it knows.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Has it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        self.process.as_ref().expect("a registry that runs").signal(signal);
    }

    /// Starts it once more at the same port.
    pub fn resume(&mut self) {
        let jars = jars();
        let entries = fs::read_dir(&jars).expect("a folder").flatten().map(|entry| entry.path());
        let runner = entries.filter(|path| path.to_string_lossy().ends_with("-runner.jar"));
        let runner = runner.last().expect("the jar that starts it");
        let output = File::create(self.folder.path().join("output.txt")).expect("a file");
        let mut command = ending_with_us("KILL");
        command.args(["java", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.arg("-Dquarkus.http.host=127.0.0.1");
        command.arg(format!("-Dquarkus.http.port={}", self.port)).arg("-jar").arg(runner);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(output).stderr(Stdio::null());
        self.process = Some(Process(command.spawn().expect("java")));
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < STARTS_WITHIN, "the registry of schemas does not answer");
            sleep(LOOK);
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let wait = Some(Duration::from_secs(10));
        let request = format!("GET {PATH}/subjects HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut answer = String::new();
        let said = stream
            .set_read_timeout(wait)
            .and_then(|()| stream.write_all(request.as_bytes()))
            .and_then(|()| stream.read_to_string(&mut answer));
        said.is_ok() && answer.contains(" 200 ")
    }
}
