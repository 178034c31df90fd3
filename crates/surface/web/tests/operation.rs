//! What those who run the server see: probes, metrics, the log, headers, limits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shelf_web::{HttpLimits, HttpOptions, LogFormat, Metric, Role, Users, install_log};
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
        // Rates are absent until they are known, figures of a worker where none works.
        let absent = *metric == Metric::EventRate || metric.name().starts_with("shelf_kafka_");
        assert!(seen || absent, "{}", metric.name());
    }
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
fn every_code_is_documented() {
    let shop = Shop::open();
    let page = std::fs::read_to_string(format!("{DOCS}/errors.md")).unwrap();
    let problems = shop.get("/problems").text();
    let codes = problems.split("/problems/").skip(1).filter_map(|part| part.split('"').next());
    let codes: Vec<&str> = codes.collect();
    assert!(codes.len() > 30);
    for code in codes {
        assert!(page.contains(&format!("`{code}`")), "docs/errors.md does not have {code}");
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
    std::io::Read::read_to_end(&mut slow, &mut answer).unwrap();
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
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    // Other tests of this process are in the log too; nobody is called ada there.
    let asked =
        |line: &serde_json::Value| line["path"] == "/api/v1/alerts" && line["user"] == "ada";
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    assert_eq!(lines.filter(asked).count(), 2, "{text}");
    let secrets = [token.as_str(), &cookie, "correct", "secret-in-a-query", "another"];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
