//! What those who run the server see: probes, metrics, the log, headers, limits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shelf_host::Folder;
use shelf_web::{
    HttpLimits, HttpOptions, LogFormat, Metric, Parts, Role, Server, Users, install_log,
};
use shop::Shop;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs");
const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../deploy");

#[test]
fn probes_and_metrics() {
    let shop = Shop::open();
    assert_eq!(shop.get("/livez").json()["status"], "ok");
    assert_eq!(shop.get("/readyz").json()["status"], "ok");
    assert_eq!(shop.get("/version").json()["version"], env!("CARGO_PKG_VERSION"));
    shop.get("/no/such/path");
    shop.get("/api/v1/alerts/nowhere/A-1");
    let metrics = shop.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = metrics.text();
    for line in [
        "shelf_stores 2",
        "shelf_http_streams 0",
        "shelf_feed_trouble 0",
        "shelf_link_up{link=\"mirror\"} 0",
        "shelf_link_up{link=\"streams\"} 1",
        "shelf_link_lag{link=\"streams\"} 7",
        "shelf_link_rows{link=\"mirror\"} 1234",
        "shelf_link_failures{link=\"mirror\"} 2",
        "shelf_http_requests_total{method=\"GET\",route=\"/livez\",status=\"200\"} 1",
        "shelf_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "shelf_http_problems_total{code=\"unknown_store\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let links = shop.get("/api/v1/pipeline").json()["links"].clone();
    let mirror = &links[0];
    assert_eq!((&mirror["name"], &mirror["state"]), (&"mirror".into(), &"waiting".into()));
    assert_eq!(mirror["error_code"], "mirror_unreachable");
    assert!(mirror["lag"].as_u64().unwrap() > 0, "what the log has and the mirror has not");
    let stores = shop.get("/api/v1/status").json();
    let accepted = format!("shelf_events{{outcome=\"accepted\"}} {}", stores["events"]["accepted"]);
    assert!(text.lines().any(|line| line == accepted), "{accepted}\n{text}");
    for metric in Metric::ALL {
        let kind = format!("# TYPE {} {}", metric.name(), metric.kind());
        let seen = text.contains(&kind) || text.contains(&format!("# TYPE {} ", metric.name()));
        // Rates are absent until they are known, figures of a worker where none works, stages
        // where another process runs the chain, and the age of a snapshot that is not there.
        let absent = matches!(metric, Metric::EventRate | Metric::SnapshotAge)
            || ["shelf_kafka_", "shelf_stage_"].iter().any(|of| metric.name().starts_with(of));
        assert!(seen || absent, "{}", metric.name());
    }
}

/// Copies the files below a folder that have this name, or all of them.
fn copy(from: &Path, to: &Path, named: Option<&str>) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type().unwrap())).unwrap();
        let name = path.file_name().unwrap();
        if kind.is_dir() {
            copy(&path, &to.join(name), named);
        } else if kind.is_file() && named.is_none_or(|named| named == name) {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn what_is_in_the_way_of_serving_is_told() {
    let shop = Shop::open();
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    copy(shop.folder.root(), folder.root(), None);
    let listen = ([127, 0, 0, 1], 0).into();
    let options = HttpOptions { listen, ..HttpOptions::default() };
    let parts = Parts { folder: folder.clone(), ..shop.parts() };
    let serving = Server::start(options, parts).unwrap();
    let address = serving.address();
    let ready = || shop::ask(address, "GET", "/readyz", &[], b"");
    let until = |status: u16| {
        let begun = std::time::Instant::now();
        loop {
            let answer = ready();
            if answer.status == status {
                return answer.json();
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", answer.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(until(200)["status"], "ok");
    // Records are said to be on disk that are not there.
    let before = shop.get("/api/v1/status").json()["events"]["accepted"].clone();
    shop.pace.set_speed(Some(600.0));
    shop.pace.set_paused(false);
    while shop.get("/api/v1/status").json()["events"]["accepted"] == before {}
    shop.pace.set_paused(true);
    std::thread::sleep(Duration::from_millis(200));
    copy(&shop.folder.log(), &folder.log(), Some("durable"));
    let told = until(503);
    assert_eq!(told["status"], "the log cannot be followed");
    let code = told["code"].as_str().unwrap();
    assert_eq!(told["type"], format!("/problems/{code}"));
    assert_eq!(shop::ask(address, "GET", &format!("/problems/{code}"), &[], b"").status, 200);
    assert!(!told.to_string().contains(dir.path().to_str().unwrap()), "{told}");
    // It lives, answers with what it has, and is ready again when the records are there.
    for path in ["/livez", "/api/v1/alerts"] {
        assert_eq!(shop::ask(address, "GET", path, &[], b"").status, 200, "{path}");
    }
    copy(&shop.folder.log(), &folder.log(), None);
    assert_eq!(until(200)["status"], "ok");
    // Whoever asks while it stops is told so.
    let mut asked = std::net::TcpStream::connect(address).unwrap();
    asked.write_all(b"GET /readyz HTTP/1.1\r\n").unwrap();
    // The server has a moment to begin with it.
    std::thread::sleep(Duration::from_millis(300));
    let stopping = serving.app().stopping();
    let stopped = std::thread::spawn(move || serving.stop());
    while !*stopping.borrow() {
        std::thread::sleep(Duration::from_millis(1));
    }
    // Where it had not begun, a busy machine may have cut the connection: never is it told "ok".
    let sent = asked.write_all(format!("host: {address}\r\n\r\n").as_bytes());
    let mut answer = String::new();
    if sent.and_then(|()| asked.read_to_string(&mut answer)).is_ok_and(|read| read > 0) {
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"stopping\""), "{answer}");
    }
    stopped.join().unwrap();
}

#[test]
fn every_metric_is_documented_and_what_is_deployed_knows_no_other() {
    let page = std::fs::read_to_string(format!("{DOCS}/metrics.md")).unwrap();
    for metric in Metric::ALL {
        let labels = metric.labels().join(", ");
        let row =
            format!("| `{}` | {} | {labels} | {} |", metric.name(), metric.kind(), metric.help());
        assert!(page.contains(&row), "docs/metrics.md has no row\n{row}");
    }
    for file in ["grafana/shelf.json", "prometheus/shelf.rules.yml"] {
        let text = std::fs::read_to_string(format!("{DEPLOY}/{file}")).unwrap();
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        for word in words.filter(|word| word.starts_with("shelf_")) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
            let known = |name: &str| Metric::ALL.iter().any(|metric| metric.name() == name);
            assert!(known(word) || base.is_some_and(known), "{file} names {word}");
        }
    }
}

#[test]
fn every_documented_code_has_its_page() {
    let shop = Shop::open();
    let page = std::fs::read_to_string(format!("{DOCS}/errors.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let first = rows.filter_map(|row| row.split(" | ").next());
    let codes: Vec<&str> =
        first.flat_map(|cell| cell.split(", ")).map(|code| code.trim_matches('`')).collect();
    assert!(codes.len() > 150, "{}", codes.len());
    let list = shop.get("/problems").text();
    for code in codes {
        assert!(list.contains(&format!("href=\"/problems/{code}\"")), "{code} is not in the list");
        let answer = shop.get(&format!("/problems/{code}"));
        assert_eq!(answer.status, 200, "{code}");
        assert!(answer.text().contains(&format!("<h1><code>{code}</code></h1>")), "{code}");
    }
    for code in ["sql_syntax", "malformed_json", "disk_full", "lake_unreachable", "unknown_lot"] {
        assert!(list.contains(&format!("<code>{code}</code>")), "{code}");
    }
}

#[test]
fn every_answer_is_strict_with_browsers() {
    let shop = Shop::open();
    for path in ["/api", "/api/v1/alerts", "/no/such/path", "/login"] {
        let answer = shop.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
    }
    let packed = shop.ask("GET", "/api/v1/shelves", &[("accept-encoding", "gzip")], b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
}

#[test]
fn no_request_goes_beyond_its_limits() {
    let limits = HttpLimits {
        requests: 0,
        head_timeout: Duration::from_millis(300),
        ..HttpLimits::default()
    };
    let shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
    let busy = shop.get("/api/v1/alerts");
    assert_eq!((busy.status, busy.code().as_str()), (503, "busy"));
    assert!(busy.header("retry-after").is_some());
    // Half a head, and nothing more: the server does not wait for ever.
    let mut slow = std::net::TcpStream::connect(shop.address()).unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost: local").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_says_who_did_what_and_no_secret() {
    let kept = Kept::default();
    let writer = kept.clone();
    assert!(install_log(LogFormat::Json, "trace", Some(move || writer.clone()), None));
    let mut token = String::new();
    let options = HttpOptions { login: true, ..HttpOptions::default() };
    let shop = Shop::with(options, |folder| {
        let mut users = Users::open(folder).unwrap();
        users.set("ada", Role::Admin, None, Some("correct horse battery")).unwrap();
        token = users.add_token("ada", "t", 1).unwrap();
    });
    let bearer = format!("Bearer {token}");
    shop.ask("GET", "/api/v1/alerts?text=secret-in-a-query", &[("authorization", &bearer)], b"");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let body = b"name=ada&password=correct+horse+battery";
    let done = shop.ask("POST", "/login", &[kind], body);
    let cookie = done.header("set-cookie").unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    shop.ask("GET", "/api/v1/alerts", &[("cookie", &format!("shelf_session={cookie}"))], b"");
    shop.ask("POST", "/login", &[kind], b"name=ada&password=another+wrong+guess");
    // A password where the name belongs.
    shop.ask("POST", "/login", &[kind], b"name=typed-too-early&password=x");
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    // Other tests of this process are in the log too; nobody is called ada there.
    let asked =
        |line: &serde_json::Value| line["path"] == "/api/v1/alerts" && line["user"] == "ada";
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    assert_eq!(lines.filter(asked).count(), 2, "{text}");
    let secrets =
        [token.as_str(), &cookie, "correct", "secret-in-a-query", "another", "typed-too-early"];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
