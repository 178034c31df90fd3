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

    /// The answer to a request, with its head.
    fn answer(&self, path: &str, token: Option<&str>) -> String {
        let mut stream = TcpStream::connect(self.0.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let bearer = bearer.unwrap_or_default();
        let host = self.0.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\n{bearer}connection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The status of an answer.
    fn status(&self, path: &str, token: Option<&str>) -> u16 {
        let answer = self.answer(path, token);
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
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
fn what_is_done_to_users_is_noted_with_who_did_it() {
    let place = Place::simulated();
    assert_eq!(place.feed("user add vera --store S001", PASSWORD).code, 0);
    place.ok("user add robot --no-password --role operator --actor root");
    let token = place.json("user token robot --label till --days 2")["token"].clone();
    for words in ["user token robot --remove till", "user remove robot"] {
        place.ok(&format!("{words} --dry-run"));
        place.ok(&format!("{words} --yes"));
        place.fails(&format!("{words} --yes"), 5, "not_found");
    }
    // Nobody does anything without a name.
    let nameless = place.command("user add eve --no-password --actor").arg("").output().unwrap();
    assert_eq!(nameless.status.code(), Some(2), "{nameless:?}");
    assert!(!place.ok("user list").contains("eve"));
    let served = Served::start(&place, &[]);
    let acts = |query: &str| {
        let answer = served.answer(&format!("/api/v1/audit{query}"), None);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let told: serde_json::Value = serde_json::from_str(body).unwrap();
        told["host_acts"].as_array().unwrap().clone()
    };
    let all = acts("");
    let texts = |name: &str| -> Vec<String> {
        all.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    };
    let done = ["user_removed", "token_removed", "token_made", "user_set", "user_set"];
    assert_eq!(texts("act"), done);
    assert_eq!(texts("actor"), ["ada", "ada", "ada", "root", "ada"]);
    let details = [
        "robot",
        "robot: till",
        "robot: till, 2 days",
        "robot: operator, all stores",
        "vera: viewer, S001",
    ];
    assert_eq!(texts("detail"), details);
    assert!(texts("at").iter().all(|at| at.starts_with("2026-01-0")), "in the stores: {all:?}");
    assert_eq!(acts("?about=robot"), all[..4]);
    assert_eq!(acts("?type=token_made").len(), 1);
    let page = served.answer("/audit?type=user_set", None);
    assert!(page.contains("robot: operator, all stores"), "{page}");
    let file = std::fs::read_to_string(place.path("data/audit.ndjson")).unwrap();
    assert!(!file.contains(token.as_str().unwrap()) && !file.contains(PASSWORD.trim()), "{file}");
}

#[test]
fn nobody_listens_for_other_machines_without_a_user() {
    let place = Place::simulated();
    let words = "run --plain --no-lake --warmup-days 0 --for-seconds 1 --listen 0.0.0.0:0";
    place.fails(words, 2, "http_no_user");
    place.feed("user add ada --role admin", PASSWORD);
    assert_eq!(place.run(words).code, 0);
}

#[test]
fn a_doctor_finds_fault_with_the_access_that_a_start_refuses() {
    let place = Place::simulated();
    // What both say with the same settings, and a listener that none of them gets to.
    let found = |settings: &[(&str, &str)]| {
        let with = |words: &str| {
            let mut command = place.command(words);
            command.env("SHELF_HTTP__LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
            Ran::of(&mut command, b"")
        };
        let doctor = with("doctor --json");
        let access = doctor.jsons().into_iter().find(|check| check["check"] == "access").unwrap();
        let state = access["state"].as_str().unwrap().to_owned();
        assert_eq!(doctor.code == 1, state == "fail", "{doctor:?}");
        let ran = with("run --plain --no-lake --warmup-days 0 --speed 1 --for-seconds 1");
        assert_eq!(ran.code == 0, state == "ok", "{access}: {ran:?}");
        if state == "fail" {
            let (said, hint) =
                (access["found"].as_str().unwrap(), access["hint"].as_str().unwrap());
            // The one that starts has a port by then.
            let said = said.trim_start_matches("0.0.0.0:0");
            assert!(ran.err.contains(said) && ran.err.contains(hint), "{access}: {ran:?}");
        }
        (state, ran.err)
    };
    let refused = |settings: &[(&str, &str)], code: &str| {
        let (state, err) = found(settings);
        assert_eq!(state, "fail", "{settings:?}");
        assert!(err.contains(&format!("error[{code}]: ")), "{settings:?}: {err}");
    };
    assert_eq!(found(&[]).0, "ok");
    refused(&[("SHELF_HTTP__LISTEN", "0.0.0.0:0")], "http_no_user");
    let files = [("SHELF_HTTP__TLS_CERTIFICATE", "no.pem"), ("SHELF_HTTP__TLS_KEY", "no.pem")];
    refused(&files, "http_server");
    refused(&[("SHELF_SQL__LISTEN", "0.0.0.0:0")], "sql_no_password");
    let files = [
        ("SHELF_SQL__LISTEN", "127.0.0.1:0"),
        ("SHELF_SQL__TLS_CERTIFICATE", "no.pem"),
        ("SHELF_SQL__TLS_KEY", "no.pem"),
    ];
    refused(&files, "sql_server");
    assert_eq!(place.feed("user add ada --role admin", PASSWORD).code, 0);
    assert_eq!(found(&[("SHELF_HTTP__LISTEN", "0.0.0.0:0")]).0, "ok");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(place.path("data/users.json"), open).unwrap();
    refused(&[], "users");
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
