//! Apache Kafka from its jars: one broker that is its own controller.

use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What the broker is told; the tests start theirs with the same file.
const PROPERTIES: &str = include_str!("../../../testkit/src/kafka/server.properties");
const POM: &str = "xtask/src/services/kafka-pom.xml";
/// Which version is there, written when it is whole.
const STAMP: &str = "version.txt";
/// Older releases that tests start beside that of the POM: the version, and its folder.
const OLDER: [(&str, &str); 1] = [("3.9.1", "target/services/kafka-3.9")];
const CLUSTER_ID: &str = "c2hlbGYtdGVzdC1jbHVzdA";
const PORTS: [(&str, u16); 4] =
    [("{plain}", 9092), ("{controller}", 9093), ("{sasl}", 9094), ("{tls}", 9095)];
const STARTS_WITHIN: Duration = Duration::from_mins(1);

fn jars(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target/services/kafka")
}

/// Has Maven copy the jars, where they are not there or of another version.
pub(super) fn fetch(workspace: &Workspace) -> Result<()> {
    let pom = fs::read_to_string(workspace.root.join(POM));
    let pom = pom.with_context(|| format!("cannot read {POM}"))?;
    fetch_into(workspace, &jars(workspace), &[], &pom)?;
    for (version, folder) in OLDER {
        let (asked, stamp) = (format!("-Dkafka.version={version}"), format!("{version}\n{pom}"));
        fetch_into(workspace, &workspace.root.join(folder), &[asked.as_str()], &stamp)?;
    }
    Ok(())
}

fn fetch_into(workspace: &Workspace, folder: &Path, asked: &[&str], wanted: &str) -> Result<()> {
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("getting the jars of Apache Kafka into {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove the jars of another version")?;
    }
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-f"]);
    maven.arg(workspace.root.join(POM)).args(asked);
    maven.arg(format!("-DoutputDirectory={}", folder.display()));
    run_to_success(&mut maven)?;
    fs::write(folder.join(STAMP), wanted).context("cannot note what was fetched")
}

fn java(workspace: &Workspace, class: &str) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xmx1g", "-XX:+UseSerialGC", "-cp"]);
    command.arg(format!("{}/*", jars(workspace).display())).arg(class);
    command
}

/// Makes a key and its certificate for a broker of this machine. Returns the file with both.
fn make_keys(folder: &Path) -> Result<String> {
    let keys = folder.join("keys.p12").display().to_string();
    let certificate = folder.join("certificate.pem").display().to_string();
    let store = ["-alias", "broker", "-storepass", "secret", "-keystore", keys.as_str()];
    let make = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "365"];
    let names = ["-ext", "san=dns:localhost,ip:127.0.0.1", "-storetype", "PKCS12"];
    let show = ["-exportcert", "-rfc", "-file", certificate.as_str()];
    for words in [[&make[..], &names[..]].concat(), show.to_vec()] {
        let mut tool = Command::new("keytool");
        tool.args(words).args(store).stdout(Stdio::null()).stderr(Stdio::null());
        run_to_success(&mut tool)?;
    }
    Ok(keys)
}

/// Starts a broker on its usual ports, and waits until it answers.
pub(super) fn start(workspace: &Workspace, folder: &Path) -> Result<()> {
    for (_, port) in PORTS {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            bail!("port {port} is taken: is another broker running?");
        }
    }
    let mut text = PROPERTIES.replace("{node}", "1").replace("{replication}", "1");
    text = text.replace("{voters}", "1@127.0.0.1:9093");
    text = text.replace("{data}", &folder.join("data").display().to_string());
    text = text.replace("{keys}", &make_keys(folder)?);
    for (word, port) in PORTS {
        text = text.replace(word, &port.to_string());
    }
    let file = folder.join("server.properties");
    fs::write(&file, text).context("cannot write server.properties")?;
    let mut format = java(workspace, "kafka.tools.StorageTool");
    let user = "SCRAM-SHA-256=[name=shelf,password=secret]";
    format.args(["format", "-t", CLUSTER_ID, "--add-scram", user, "-c"]).arg(&file);
    run_to_success(format.stdout(Stdio::null()).stderr(Stdio::null()))?;
    super::start(java(workspace, "kafka.Kafka").arg(&file), folder)?;
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", 9092)).is_err() {
        if started.elapsed() > STARTS_WITHIN {
            bail!("Kafka does not answer: see {}", folder.join("output.txt").display());
        }
        thread::sleep(Duration::from_millis(100));
    }
    println!("Kafka: kafka://127.0.0.1:9092");
    println!("Kafka with PLAIN or SCRAM-SHA-256, user shelf, password secret: 127.0.0.1:9094");
    println!("The same with TLS: 127.0.0.1:9095, certificate {}/certificate.pem", folder.display());
    Ok(())
}
