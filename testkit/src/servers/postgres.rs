//! A PostgreSQL server of a test.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Process, ending_with_us, free_port, wait_until};

/// The user of its database `postgres`, who may do everything.
pub const USER: &str = "shelf";
/// That user's password.
pub const PASSWORD: &str = "a-shelf-of-tests";

/// The user as whom it runs where the test is run by root.
const SYSTEM_USER: &str = "postgres";

/// A PostgreSQL server.
#[derive(Debug)]
pub struct PostgresServer {
    process: Option<Process>,
    folder: TempDir,
    port: u16,
    programs: PathBuf,
    tls: bool,
}

impl PostgresServer {
    /// Makes a fresh one and starts it.
    pub fn start() -> Self {
        Self::make(None)
    }

    /// The same with TLS: a certificate and its key, both as PEM.
    pub fn start_with_tls(certificate: &str, key: &str) -> Self {
        Self::make(Some((certificate, key)))
    }

    fn make(tls: Option<(&str, &str)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder of the server");
        let programs = programs();
        let server =
            Self { process: None, folder, port: free_port(), programs, tls: tls.is_some() };
        let password = server.folder.path().join("password");
        fs::write(&password, PASSWORD).expect("a file for the password");
        Self::own(&password);
        Self::own(server.folder.path());
        let mut initdb = server.command("initdb");
        initdb.args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", "--pwfile"]);
        initdb.arg(&password).arg("-D").arg(server.data());
        let made = initdb.stdout(Stdio::null()).status();
        assert!(made.expect("initdb").success(), "initdb fails");
        if let Some((certificate, key)) = tls {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                let file = server.data().join(name);
                fs::write(&file, text).expect("a file of the server");
                let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                fs::set_permissions(&file, only_owner).expect("rights of the file");
                Self::own(&file);
            }
        }
        let mut server = server;
        server.run();
        server
    }

    /// Its address, with user and password.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD)
    }

    /// Its address, with another password.
    pub fn url_with(&self, password: &str) -> String {
        format!("postgres://{USER}:{password}@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it on its folder and port.
    pub fn run(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let socket = format!("unix_socket_directories={}", self.folder.path().display());
        // A process that dies takes nothing with it that the system has; only a loss of power does.
        let ssl = if self.tls { "ssl=on" } else { "ssl=off" };
        let settings = ["listen_addresses=127.0.0.1", "fsync=off", ssl, &socket];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process(command.spawn().expect("postgres")));
        wait_until("postgres", || self.answers());
    }

    /// Stops it: sessions are cut off, and what they had not committed is undone.
    pub fn stop(&mut self) {
        self.process.take().expect("a running server").end("INT");
    }

    /// Has it die at once, as in a crash.
    pub fn crash(&mut self) {
        self.process.take().expect("a running server").end("QUIT");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn answers(&self) -> bool {
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        ready.status().expect("pg_isready").success()
    }

    /// One of its programs, as a user whom it accepts.
    fn command(&self, program: &str) -> Command {
        let mut command = ending_with_us("QUIT");
        if as_root() {
            let user = [SYSTEM_USER, "--clear-groups", "--inh-caps=-all", "--regid", SYSTEM_USER];
            command.arg("--reuid").args(user);
        }
        command.arg(self.programs.join(program)).current_dir(self.folder.path());
        command
    }

    /// Gives a file to the user as whom the server runs.
    fn own(path: &Path) {
        if !as_root() {
            return;
        }
        let asked = Command::new("id").args(["-u", SYSTEM_USER]).output().expect("id");
        let text = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        let user: u32 = text.parse().expect("the user postgres, whom its package makes");
        chown(path, Some(user), None).expect("a file to give away");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // A kill would leave its children behind.
            process.end("QUIT");
        }
    }
}

/// Whether this process is root's.
fn as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The folder of the newest version's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|version| version.path()).filter(|path| number(path).is_some());
    let newest = newest.max_by_key(number).expect("postgresql; `cargo xtask test` installs it");
    newest.join("bin")
}
