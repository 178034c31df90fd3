//! The lake read by other programs, and in an object store: what `cargo xtask test --only tools`
//! installs is called here.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use shelf_testkit::servers::python;

use crate::program::{Place, Ran, lines_of};

pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers").join(name)
}

/// Tables of every schema.
const READ: [&str; 8] = [
    "raw/pos_lines",
    "raw/shelf_events",
    "quarantine/events",
    "cleansed/product_total_state",
    "ops/alerts",
    "analytics/windows",
    "curated/fact_sales",
    "curated/fact_inventory",
];

#[test]
fn other_programs_read_the_same_rows_and_sums() {
    let place = Place::new();
    place.ok("simulate --days 2 --faults");
    place.ok("lake follow --until-caught-up");
    place.ok("lake build");
    let read = |place: &Place| {
        let mut command = Command::new(python());
        command.arg(script("read_lake.py")).arg(place.path("data/lake")).args(READ);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        lines_of(&String::from_utf8(output.stdout).unwrap())
    };
    let told = read(&place);
    assert_eq!(told.len(), 3 * READ.len());
    let tables = place.json("lake tables");
    for name in READ {
        let of_table: Vec<&Value> = told.iter().filter(|line| line["table"] == name).collect();
        let ours = tables["tables"].as_array().unwrap();
        let ours = ours.iter().find(|row| row["table"] == name.replace('/', ".")).unwrap();
        for line in &of_table {
            assert_eq!(line["rows"], ours["rows"], "{line}");
            assert_eq!(line["sums"], of_table[0]["sums"], "{line}");
        }
    }
    // Compacted, they read the same.
    place.ok("lake optimize");
    assert_eq!(read(&place), told);
}

/// An object store that fails now and then.
struct FlakyStore {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl FlakyStore {
    fn start() -> Self {
        let mut command = Command::new(python());
        command.arg(script("flaky_s3.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        Self { child, input, output, port: line.trim().parse().unwrap() }
    }

    /// Ends it. Returns how often it answered 500, 503, and late.
    fn stop(mut self) -> Vec<u32> {
        self.input.write_all(b"\n").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        self.child.wait().unwrap();
        line.split_whitespace().map(|count| count.parse().unwrap()).collect()
    }

    /// A command whose lake is in the store.
    fn command(&self, place: &Place, words: &str) -> Command {
        let settings = format!(
            "[lake]\nurl = \"s3://shelf/lake\"\n\n[lake.storage]\n\
             aws_endpoint_url = \"http://127.0.0.1:{}\"\n\
             aws_virtual_hosted_style_request = \"false\"\nallow_http = \"true\"\n",
            self.port
        );
        place.file("shelf.toml", settings);
        let mut command = place.command(words);
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_REGION", "us-east-1");
        command
    }

    fn make_bucket(&self) {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = "PUT /shelf/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\
                       Connection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(line.contains("200"), "{line}");
    }
}

#[test]
fn an_object_store_that_fails_now_and_then_loses_nothing() {
    let place = Place::new();
    place.ok("simulate --days 1");
    let store = FlakyStore::start();
    store.make_bucket();
    let ok = |words: &str| {
        let ran = Ran::of(&mut store.command(&place, words), b"");
        assert_eq!(ran.code, 0, "{words}: {ran:?}");
        ran
    };
    let mut dies = store.command(&place, "lake follow --until-caught-up");
    dies.env("SHELF_LAKE_FAULT", "after_commit:12");
    assert_eq!(Ran::of(&mut dies, b"").code, 128 + 6);
    ok("lake follow --until-caught-up");
    ok("lake build");
    ok("lake optimize raw.pos_lines");
    // SQL reads it there, and a running chain goes on into it.
    let sum = |what: &str| {
        let mut command = store.command(&place, "sql --format csv");
        let ran = Ran::of(command.arg(format!("SELECT {what}")), b"");
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        ran.out.lines().nth(1).unwrap().to_owned()
    };
    let sold = sum("sum(units), sum(total) FROM raw.pos_lines");
    assert_eq!(sum("sum(units), sum(revenue) FROM curated.fact_sales"), sold);
    ok("run --plain --for-seconds 2 --speed 3600");
    ok("lake follow --until-caught-up");
    assert_ne!(sum("sum(units), sum(total) FROM raw.pos_lines"), sold);
    ok("lake verify");
    assert!(!place.path("data/lake").exists());
    let faults = store.stop();
    assert!(faults.iter().all(|count| *count > 0), "{faults:?}");
}
