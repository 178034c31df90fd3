//! Who may reach the server of a running chain, and who is told what it does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::program::{Place, Ran, Running, Serving, until};

const PASSWORD: &str = "correct horse battery\n";

/// A running chain and its server.
struct Served(Serving);

impl Served {
    fn start(place: &Place, settings: &[(&str, &str)]) -> Self {
        let words = "run --plain --warmup-days 0 --no-lake --speed 1 --listen 127.0.0.1:0";
        Self(Serving::start(place, words, settings, |line| {
            let (_, url) = line.split_once("the dashboard is at http://")?;
            url.strip_suffix('/')
        }))
    }

    /// The status of an answer.
    fn status(&self, path: &str, token: Option<&str>) -> u16 {
        let mut stream = TcpStream::connect(self.0.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let bearer = bearer.unwrap_or_default();
        let host = self.0.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\n{bearer}connection: close\r\n\r\n")
            .unwrap();
        let mut head = String::new();
        BufReader::new(stream).read_line(&mut head).unwrap();
        head.split(' ').nth(1).unwrap_or_else(|| panic!("{head:?}")).parse().unwrap()
    }
}

#[test]
fn users_and_tokens_come_and_go() {
    let place = Place::simulated();
    let added = place.feed("user add ada --role operator --store S001 --json", PASSWORD);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(added.jsons()[0]["stores"], serde_json::json!(["S001"]));
    place.feed("user add ben", "short\n").failed(2, "users");
    // Another password is no other role, and no other scope.
    let ada = |words: &str| {
        let ran = place.feed(&format!("user add ada --json {words}"), PASSWORD);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.jsons()[0].clone()
    };
    let same = ada("");
    assert_eq!((&same["role"], &same["stores"][0]), (&"operator".into(), &"S001".into()));
    assert_eq!(ada("--role planner")["stores"][0], "S001");
    let all = ada("--all-stores");
    assert_eq!((&all["role"], &all["stores"]), (&"planner".into(), &serde_json::Value::Null));
    ada("--role operator --store S001");
    assert_eq!(place.feed("user add robot --no-password", "").code, 0);
    let token = place.json("user token robot --label till --days 2")["token"].clone();
    let token = token.as_str().unwrap();
    let listed = place.ok("user list --json");
    let file = std::fs::read_to_string(place.path("data/users.json")).unwrap();
    for secret in ["correct horse", token] {
        assert!(!listed.contains(secret) && !file.contains(secret), "{secret}");
    }
    assert!(!listed.contains("argon2") && file.contains("argon2id"));
    let users = &place.jsons("user list")[0];
    assert_eq!(users[1]["tokens"][0]["label"], "till");
    let served = Served::start(&place, &[("SHELF_HTTP__LOGIN", "true")]);
    assert_eq!(served.status("/api/v1/alerts", None), 401);
    assert_eq!(served.status("/api/v1/alerts", Some("shelf_wrong")), 401);
    assert_eq!(served.status("/api/v1/alerts", Some(token)), 200);
    // A running server looks at the file again.
    place.fails("user token robot --remove till", 1, "not_agreed");
    place.ok("user token robot --remove till --dry-run");
    assert_eq!(served.status("/api/v1/alerts", Some(token)), 200);
    place.ok("user token robot --remove till --yes");
    until("the token is good for nothing", || {
        (served.status("/api/v1/alerts", Some(token)) == 401).then_some(())
    });
    place.fails("user token robot --remove till --yes", 5, "not_found");
    place.fails("user token nobody", 5, "not_found");
    place.fails("user remove robot", 1, "not_agreed");
    place.ok("user remove robot --dry-run");
    assert!(place.ok("user list").contains("robot"));
    // At a terminal it asks.
    let answered = |answer: &str| {
        let line = format!("echo {answer} | script -qec '\"$SHELF\" user remove robot' /dev/null");
        Ran::of(&mut place.shell(&line), b"").out
    };
    assert!(answered("n").contains("[y/N]"));
    assert!(place.ok("user list").contains("robot"));
    assert!(answered("y").contains("may not log in any more"));
    assert!(!place.ok("user list").contains("robot"));
    place.fails("user remove robot --yes", 5, "not_found");
    assert_eq!(place.jsons("user list")[0].as_array().unwrap().len(), 1);
}

#[test]
fn nobody_listens_for_other_machines_without_a_user() {
    let place = Place::simulated();
    let words = "run --plain --no-lake --warmup-days 0 --for-seconds 1 --listen 0.0.0.0:0";
    place.fails(words, 2, "http_no_user");
    place.feed("user add ada --role admin", PASSWORD);
    assert_eq!(place.run(words).code, 0);
}

/// Takes requests, answers them with nothing, and tells their heads.
fn collector() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut lines = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).unwrap() > 0 {}
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
            });
            let mut body = vec![0; length.unwrap_or(0)];
            lines.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            lines.get_mut().write_all(answer).unwrap();
            if tell.send(head).is_err() {
                return;
            }
        }
    });
    (endpoint, told)
}

#[test]
fn a_collector_is_told_by_setting() {
    let place = Place::simulated();
    let (endpoint, told) = collector();
    let served = Served::start(
        &place,
        &[
            ("SHELF_OTLP__ENDPOINT", &endpoint),
            ("SHELF_OTLP__HEADERS", "x-key=open sesame"),
            ("SHELF_OTLP__INTERVAL_SECONDS", "1"),
        ],
    );
    assert_eq!(served.status("/livez", None), 200);
    let (mut traces, mut metrics) = (false, false);
    while !(traces && metrics) {
        let head = told.recv_timeout(Duration::from_mins(1)).unwrap();
        assert!(head.contains("x-key: open sesame"), "{head}");
        traces |= head.starts_with("POST /v1/traces ");
        metrics |= head.starts_with("POST /v1/metrics ");
    }
    let shown = Ran::of(
        place.command("config show --json").env("SHELF_OTLP__HEADERS", "x-key=open sesame"),
        b"",
    );
    assert!(shown.out.contains("otlp.headers") && !shown.out.contains("sesame"), "{shown:?}");
    drop(served);
    let wrong = Ran::of(
        place
            .command("run --plain --no-lake --for-seconds 1 --listen 127.0.0.1:0")
            .env("SHELF_OTLP__ENDPOINT", "nowhere"),
        b"",
    );
    wrong.failed(2, "otlp");
}

/// A collector that is reached over TLS, with a certificate of its own. It tells what it was sent.
fn secret_collector(place: &Place) -> (Running, String, Receiver<String>) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"])
        // An authority is no server.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "ca.pem"])
        .current_dir(place.path("."))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-key", "key.pem", "-cert", "ca.pem", "-accept"]);
    command.arg(format!("127.0.0.1:{port}")).current_dir(place.path("."));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Running::beside(&mut command);
    let mut sent = server.stdout();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4_096];
        while let Ok(length @ 1..) = sent.read(&mut bytes) {
            if tell.send(String::from_utf8_lossy(&bytes[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    (server, format!("https://localhost:{port}"), told)
}

#[test]
fn a_collector_is_told_over_tls_where_its_certificate_is_trusted() {
    let place = Place::simulated();
    let (server, endpoint, told) = secret_collector(&place);
    let said = |trusted: &str, patience: Duration| {
        let settings = [
            ("SHELF_OTLP__ENDPOINT", endpoint.as_str()),
            ("SHELF_OTLP__INTERVAL_SECONDS", "1"),
            ("SSL_CERT_FILE", trusted),
        ];
        let served = Served::start(&place, &settings);
        assert_eq!(served.status("/livez", None), 200);
        let begun = Instant::now();
        let mut said = String::new();
        while !said.contains("POST /v1/") && begun.elapsed() < patience {
            said.push_str(&told.recv_timeout(Duration::from_millis(200)).unwrap_or_default());
        }
        said
    };
    // Nobody vouches for it.
    let said_to_stranger = said("/etc/ssl/certs/ca-certificates.crt", Duration::from_secs(4));
    assert_eq!(said_to_stranger, "");
    let own = place.path("ca.pem");
    let heard = said(own.to_str().unwrap(), Duration::from_mins(1));
    assert!(heard.contains("POST /v1/") && heard.contains("application/x-protobuf"), "{heard}");
    drop(server);
}
