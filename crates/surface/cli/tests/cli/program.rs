//! Runs the built program and keeps what it printed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder of a test's own, with the data folder `data` in it.
pub(crate) struct Place {
    dir: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A run of the program that goes on.
pub(crate) struct Running {
    child: Child,
}

/// A run of the program that serves, which ends with its value.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Serving {
    /// Starts a command that serves, and waits until one of its lines says where, as `find` sees.
    pub(crate) fn start(
        place: &Place,
        words: &str,
        settings: &[(&str, &str)],
        find: impl Fn(&str) -> Option<&str>,
    ) -> Self {
        let mut command = place.command(words);
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said:?}")).unwrap();
            if let Some(address) = find(&line) {
                break address.parse().unwrap();
            }
            said.push(line);
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A place with a chain that has been simulated for a day.
    pub(crate) fn simulated() -> Self {
        let place = Self::new();
        place.ok("simulate --days 1");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the place.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The program with these words, in the place, with no settings from outside.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shelf"));
        command.args(words.split_whitespace());
        self.at_home(&mut command);
        command
    }

    /// A shell's line, in which `$SHELF` is the program.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env("SHELF", env!("CARGO_BIN_EXE_shelf"));
        self.at_home(&mut command);
        command
    }

    fn at_home(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SHELF_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.dir.path()).env("USER", "ada").env_remove("NO_COLOR");
        // Nobody reads what a running process says, and a pipe holds one backtrace at most.
        command.env_remove("RUST_BACKTRACE");
        command.env("SHELF_DATA", "data");
        // Tests run side by side, and there is one port of each by default.
        command.env("SHELF_SQL__LISTEN", "off").env("SHELF_HTTP__LISTEN", "off");
    }

    /// Runs the program with these words.
    pub(crate) fn run(&self, words: &str) -> Ran {
        Ran::of(&mut self.command(words), b"")
    }

    /// Runs the program with this input.
    pub(crate) fn feed(&self, words: &str, input: impl AsRef<[u8]>) -> Ran {
        Ran::of(&mut self.command(words), input.as_ref())
    }

    /// Runs the program, which must succeed; returns what it printed.
    pub(crate) fn ok(&self, words: &str) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "shelf {words}: {ran:?}");
        ran.out
    }

    /// Runs the program with `--json`, which must succeed; returns its one object.
    pub(crate) fn json(&self, words: &str) -> Value {
        let lines = lines_of(&self.ok(&format!("{words} --json")));
        assert_eq!(lines.len(), 1, "shelf {words}");
        lines.into_iter().next().unwrap()
    }

    /// Runs the program with `--json`, which must succeed; returns its objects.
    pub(crate) fn jsons(&self, words: &str) -> Vec<Value> {
        lines_of(&self.ok(&format!("{words} --json")))
    }

    /// Runs the program, which must end with this code and this kind of error, and say what next.
    pub(crate) fn fails(&self, words: &str, code: i32, error: &str) -> Ran {
        self.run(words).failed(code, error)
    }

    /// The sources of the data folder, by their numbers.
    pub(crate) fn sources(&self) -> BTreeMap<u32, Value> {
        let text = std::fs::read_to_string(self.path("data/sources.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let sources = file["sources"].as_object().unwrap().iter();
        sources.map(|(number, source)| (number.parse().unwrap(), source.clone())).collect()
    }

    /// Starts `shelf run` with these words and waits until it listens.
    pub(crate) fn start(&self, words: &str) -> Running {
        self.started(self.command(words).stdout(Stdio::null()))
    }

    /// Starts a command that runs the chain, and waits until it listens.
    pub(crate) fn started(&self, command: &mut Command) -> Running {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut running = Running { child: command.spawn().unwrap() };
        let socket = self.path("data/shelf.sock");
        until("somebody listens", || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", running.said());
            }
            UnixStream::connect(&socket).ok()
        });
        running
    }
}

impl Ran {
    /// Runs a command, which must never panic and never colour what is not a terminal.
    pub(crate) fn of(command: &mut Command, input: &[u8]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A program that needs no input may close it early.
        let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
        let done = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let ran = Self {
            code: code_of(done.status),
            out: String::from_utf8(done.stdout).expect("what is printed is text"),
            err: String::from_utf8(done.stderr).expect("what is said is text"),
        };
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
        ran
    }

    /// It ended with this code and this error, one lowercase sentence with a hint.
    pub(crate) fn failed(self, code: i32, error: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        let head = format!("error[{error}]: ");
        let message = self.err.lines().find_map(|line| line.strip_prefix(&head));
        let message = message.unwrap_or_else(|| panic!("no error {error} in {self:?}"));
        assert!(!message.ends_with('.'), "{message}");
        assert!(!message.starts_with(char::is_uppercase), "{message}");
        assert!(self.err.contains("\n  hint: "), "{self:?}");
        self
    }

    /// What it printed as JSON lines.
    pub(crate) fn jsons(&self) -> Vec<Value> {
        lines_of(&self.out)
    }
}

impl Running {
    /// Another program, which ends with its value.
    pub(crate) fn beside(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap() }
    }

    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }

    /// Asks it to stop, as a person does with Ctrl-C, and waits; it must end well. Returns what it
    /// has said.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let said = self.said();
        assert_eq!(code_of(status), 0, "{said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code; 128 and the signal where one ended it.
fn code_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// Every line as JSON.
pub(crate) fn lines_of(text: &str) -> Vec<Value> {
    let parse =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    text.lines().map(parse).collect()
}

/// Looks again and again until there is something.
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look)
}

/// The same for what takes longer.
pub(crate) fn until_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
