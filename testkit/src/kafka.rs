//! Real brokers of Apache Kafka for a test: on free ports, in fresh folders, gone with the test.
//!
//! The jars come with `cargo xtask services fetch`, which `cargo xtask test` does as well.

mod cluster;
mod proxy;

pub use cluster::Cluster;
pub use proxy::{Kept, Proxy};

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Names another folder with the jars.
pub const JARS_VARIABLE: &str = "SHELF_KAFKA_JARS";
/// Names the release of brokers of which no test asks for another one: `4.1`, or `3.9`.
pub const RELEASE_VARIABLE: &str = "SHELF_KAFKA_RELEASE";
/// The user that the broker knows, by PLAIN and by SCRAM with either hash.
pub const USER: &str = "shelf";
/// The password of that user.
pub const PASSWORD: &str = "secret";

const PROPERTIES: &str = include_str!("kafka/server.properties");
/// The same in every test: a folder is never shared.
const CLUSTER_ID: &str = "c2hlbGYtdGVzdC1jbHVzdA";
const STARTS_WITHIN: Duration = Duration::from_mins(3);
/// Small, and without the compiler that pays off after minutes only.
const JAVA_OPTIONS: [&str; 3] = ["-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const HEAP: &str = "-Xmx640m";
const LOOPBACK: &str = "127.0.0.1";
/// Where ports are looked for. The system gives those above to whoever connects to somebody: a
/// broker that is away for a moment could find its own taken.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
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
    host: String,
    ports: Ports,
    java: Java,
    keeper: Option<Child>,
}

/// How a broker is run.
#[derive(Clone, Copy, Debug)]
struct Java {
    release: Release,
    heap: &'static str,
}

/// Where a broker listens.
#[derive(Clone, Copy, Debug)]
struct Ports {
    plain: u16,
    sasl: u16,
    tls: u16,
    controller: u16,
}

impl Ports {
    /// Ports that nobody listens to at this moment.
    fn free() -> Self {
        let [plain, sasl, tls, controller] = [(); 4].map(|()| free_port());
        Self { plain, sasl, tls, controller }
    }
}

/// A port that nobody listens to at this moment, and that this process is given once.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let length = PORTS.end - PORTS.start;
    // Processes that run side by side begin elsewhere.
    let begin = (std::process::id() % u32::from(length)) as u16;
    for _ in 0..length {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % length;
        let port = PORTS.start + (begin + step) % length;
        if TcpListener::bind((LOOPBACK, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free")
}

/// What is said to one broker and not to another.
struct Plan<'a> {
    node: usize,
    voters: &'a str,
    ports: Ports,
    replication: usize,
    host: &'a str,
    java: Java,
    /// Lines behind those of the file, which they overrule.
    more: &'a str,
}

/// Which Apache Kafka a broker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// The newest that the product is tested with.
    #[default]
    Newest,
    /// The last one before 4.0.
    Before4,
}

impl Release {
    /// The one that the environment names, else the newest.
    fn asked() -> Self {
        match std::env::var(RELEASE_VARIABLE).as_deref() {
            Err(_) | Ok("4.1") => Self::Newest,
            Ok("3.9") => Self::Before4,
            Ok(other) => panic!("{RELEASE_VARIABLE} is 4.1 or 3.9, not {other:?}"),
        }
    }
}

/// The jars, as a search path of Java; those of the newest have the JDBC driver of PostgreSQL too.
pub fn jars(release: Release) -> String {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services");
    let folder = match release {
        Release::Newest => {
            let named = std::env::var_os(JARS_VARIABLE).map(PathBuf::from);
            named.unwrap_or_else(|| services.join("kafka"))
        }
        Release::Before4 => services.join("kafka-3.9"),
    };
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

impl Java {
    fn words(self, class: &str) -> Vec<String> {
        let mut words = vec!["java".to_owned(), self.heap.to_owned()];
        words.extend(JAVA_OPTIONS.map(str::to_owned));
        words.extend(["-cp".to_owned(), jars(self.release), class.to_owned()]);
        words
    }
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
        Self::start_on(LOOPBACK, Release::asked())
    }

    /// The same of this release.
    pub fn start_release(release: Release) -> Self {
        Self::start_on(LOOPBACK, release)
    }

    /// The same at another address of this machine.
    pub fn start_at(host: &str) -> Self {
        Self::start_on(host, Release::asked())
    }

    fn start_on(host: &str, release: Release) -> Self {
        let ports = Ports::free();
        let voters = format!("1@{host}:{}", ports.controller);
        let java = Java { release, heap: HEAP };
        let plan = Plan { node: 1, voters: &voters, ports, replication: 1, host, java, more: "" };
        let mut broker = Self::make(&plan);
        broker.resume();
        broker
    }

    /// Starts one that tells its clients to come to another port of this machine, behind which it
    /// is.
    pub fn start_behind(proxy: &Proxy) -> Self {
        let ports = Ports::free();
        let voters = format!("1@{LOOPBACK}:{}", ports.controller);
        let more = format!(
            "\nadvertised.listeners=PLAIN://{},SASL://{LOOPBACK}:{},TLS://{LOOPBACK}:{}\n",
            proxy.address(),
            ports.sasl,
            ports.tls
        );
        let java = Java { release: Release::Newest, heap: HEAP };
        let (host, replication) = (LOOPBACK, 1);
        let plan = Plan { node: 1, voters: &voters, ports, replication, host, java, more: &more };
        let mut broker = Self::make(&plan);
        proxy.forward(&broker.address());
        broker.resume();
        broker
    }

    /// Makes the folder of a broker that does not run yet.
    fn make(plan: &Plan<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let Ports { plain, sasl, tls, controller } = plan.ports;
        let keys = make_keys(folder.path());
        let data = folder.path().join("data");
        let properties = PROPERTIES
            .replace("127.0.0.1", plan.host)
            .replace("{node}", &plan.node.to_string())
            .replace("{voters}", plan.voters)
            .replace("{plain}", &plain.to_string())
            .replace("{sasl}", &sasl.to_string())
            .replace("{tls}", &tls.to_string())
            .replace("{keys}", &keys)
            .replace("{controller}", &controller.to_string())
            .replace("{replication}", &plan.replication.to_string())
            .replace("{data}", &data.display().to_string());
        let file = folder.path().join("server.properties");
        // Of two lines about the same, the last one counts.
        fs::write(&file, format!("{properties}{}", plan.more)).expect("a file");
        let mut format = command(&plan.java.words("kafka.tools.StorageTool"));
        format.args(["format", "-t", CLUSTER_ID]);
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            format.arg("--add-scram");
            format.arg(format!("{mechanism}=[name={USER},password={PASSWORD}]"));
        }
        format.arg("-c").arg(&file);
        let output = format.output().expect("java");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (host, ports, java) = (plan.host.to_owned(), plan.ports, plan.java);
        Self { folder, host, ports, java, keeper: None }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it again on what it has kept, and waits until it answers.
    pub fn resume(&mut self) {
        self.begin();
        self.wait();
    }

    /// Starts it.
    fn begin(&mut self) {
        assert!(self.keeper.is_none(), "it runs");
        let mut words = self.java.words("kafka.Kafka");
        words.push(self.file("server.properties").display().to_string());
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).args(&words);
        keeper.env("OUT", self.file("out.txt")).env("PID", self.file("pid"));
        let _ = fs::remove_file(self.file("pid"));
        self.keeper = Some(keeper.stdin(Stdio::piped()).spawn().expect("a shell"));
    }

    /// Waits until it answers.
    fn wait(&self) {
        let started = Instant::now();
        while TcpStream::connect((self.host.as_str(), self.ports.plain)).is_err() {
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
        format!("{}:{}", self.host, self.ports.plain)
    }

    /// Its address that asks for a user.
    pub fn sasl_address(&self) -> String {
        format!("{}:{}", self.host, self.ports.sasl)
    }

    /// Its address that speaks TLS and asks for a user.
    pub fn tls_address(&self) -> String {
        format!("{}:{}", self.host, self.ports.tls)
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
