//! A real broker of Apache Kafka for a test: on a free port, in a fresh folder, gone with the test.
//!
//! The jars come with `cargo xtask services fetch`, which `cargo xtask test` does as well.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Names another folder with the jars.
pub const JARS_VARIABLE: &str = "SHELF_KAFKA_JARS";
/// The user that the broker knows, by PLAIN and by SCRAM.
pub const USER: &str = "shelf";
/// The password of that user.
pub const PASSWORD: &str = "secret";

const PROPERTIES: &str = include_str!("kafka/server.properties");
/// The same in every test: a folder is never shared.
const CLUSTER_ID: &str = "c2hlbGYtdGVzdC1jbHVzdA";
const STARTS_WITHIN: Duration = Duration::from_secs(90);
/// Small, and without the compiler that pays off after minutes only.
const JAVA_OPTIONS: [&str; 4] =
    ["-Xmx640m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
/// Kills the broker when its own input ends: that is when the test has ended, however it did.
const KEEPER: &str = r#"
"$@" </dev/null >>"$OUT" 2>&1 &
echo $! >"$PID"
cat >/dev/null
kill -9 $!
wait $!
"#;

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    folder: tempfile::TempDir,
    plain: u16,
    sasl: u16,
    tls: u16,
    keeper: Option<Child>,
}

/// Ports that nobody listens to at this moment.
fn free_ports() -> [u16; 4] {
    let held = [0; 4].map(|port| TcpListener::bind(("127.0.0.1", port)).expect("a port"));
    held.map(|listener| listener.local_addr().expect("an address").port())
}

/// The jars, as a search path of Java.
fn jars() -> String {
    let named = std::env::var_os(JARS_VARIABLE).map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/kafka");
    let folder = named.unwrap_or(usual);
    let found = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    assert!(
        found,
        "the jars of Apache Kafka are not in {}: get them with `cargo xtask services fetch`",
        folder.display()
    );
    format!("{}/*", folder.display())
}

/// Makes a key and its certificate for a broker of this machine. Returns the file with both.
fn make_keys(folder: &Path) -> String {
    let keys = folder.join("keys.p12").display().to_string();
    let certificate = folder.join("certificate.pem").display().to_string();
    let store = ["-alias", "broker", "-storepass", "secret", "-keystore", keys.as_str()];
    let make = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "2"];
    let names = ["-ext", "san=dns:localhost,ip:127.0.0.1", "-storetype", "PKCS12"];
    let show = ["-exportcert", "-rfc", "-file", certificate.as_str()];
    for words in [[&make[..], &names[..]].concat(), show.to_vec()] {
        let output = Command::new("keytool").args(words).args(store).output().expect("keytool");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    keys
}

fn java(class: &str) -> Vec<String> {
    let mut words = vec!["java".to_owned()];
    words.extend(JAVA_OPTIONS.map(str::to_owned));
    words.extend(["-cp".to_owned(), jars(), class.to_owned()]);
    words
}

fn command(words: &[String]) -> Command {
    let (program, arguments) = words.split_first().expect("a program");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

impl Broker {
    /// Starts a broker with a fresh folder, and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [plain, sasl, tls, controller] = free_ports();
        let keys = make_keys(folder.path());
        let data = folder.path().join("data");
        let properties = PROPERTIES
            .replace("{node}", "1")
            .replace("{voters}", &format!("1@127.0.0.1:{controller}"))
            .replace("{plain}", &plain.to_string())
            .replace("{sasl}", &sasl.to_string())
            .replace("{tls}", &tls.to_string())
            .replace("{keys}", &keys)
            .replace("{controller}", &controller.to_string())
            .replace("{replication}", "1")
            .replace("{data}", &data.display().to_string());
        let file = folder.path().join("server.properties");
        fs::write(&file, properties).expect("a file");
        let mut format = command(&java("kafka.tools.StorageTool"));
        let scram = format!("SCRAM-SHA-256=[name={USER},password={PASSWORD}]");
        format.args(["format", "-t", CLUSTER_ID, "--add-scram", &scram, "-c"]).arg(&file);
        let output = format.output().expect("java");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut broker = Self { folder, plain, sasl, tls, keeper: None };
        broker.resume();
        broker
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it again on what it has kept, and waits until it answers.
    pub fn resume(&mut self) {
        assert!(self.keeper.is_none(), "it runs");
        let mut words = java("kafka.Kafka");
        words.push(self.file("server.properties").display().to_string());
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).args(&words);
        keeper.env("OUT", self.file("out.txt")).env("PID", self.file("pid"));
        let _ = fs::remove_file(self.file("pid"));
        self.keeper = Some(keeper.stdin(Stdio::piped()).spawn().expect("a shell"));
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.plain)).is_err() {
            assert!(started.elapsed() < STARTS_WITHIN, "no broker:\n{}", self.said());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it has printed.
    pub fn said(&self) -> String {
        fs::read_to_string(self.file("out.txt")).unwrap_or_default()
    }

    /// Kills it with `kill -9`. [`Broker::resume`] starts it again.
    pub fn kill(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        let _ = keeper.wait();
    }

    /// Sends a signal to it, by name.
    pub fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.file("pid")).expect("its number");
        let sent = Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Its address without a password.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.plain)
    }

    /// Its address that asks for a user.
    pub fn sasl_address(&self) -> String {
        format!("127.0.0.1:{}", self.sasl)
    }

    /// Its address that speaks TLS and asks for a user.
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}", self.tls)
    }

    /// The certificate that it shows, as PEM.
    pub fn certificate(&self) -> PathBuf {
        self.file("certificate.pem")
    }

    /// Copies what it has printed to a file, for looking at after a failure.
    pub fn keep_output(&self, to: &Path) -> io::Result<()> {
        let mut from = File::open(self.file("out.txt"))?;
        io::copy(&mut from, &mut File::create(to)?).map(drop)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
