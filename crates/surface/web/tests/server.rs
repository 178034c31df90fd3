//! The server as a client sees it: it starts, says what is not there, and stops in order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shelf_web::{HttpLimits, HttpOptions, TlsFiles};
use shop::Shop;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

#[test]
fn it_serves_and_stops() {
    let mut shop = Shop::open();
    let answer = shop.get("/no/such/thing");
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    let address = shop.address();
    shop.serving.take().expect("a server").stop();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_is_being_answered_when_it_stops_is_answered_to_the_end() {
    let mut shop = Shop::open();
    let address = shop.address();
    let slow = std::thread::spawn(move || {
        let headers = [("content-type", "application/json")];
        shop::ask(address, "POST", "/api/v1/sql", &headers, br#"{"sql":"slow"}"#)
    });
    shop.sql.until_slow();
    shop.serving.take().expect("a server").stop();
    let answer = slow.join().unwrap();
    assert_eq!((answer.status, answer.json()["rows"].clone()), (200, serde_json::json!([[1]])));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn half_a_body_holds_no_place_for_long() {
    let timeout = Duration::from_secs(2);
    for path in ["/sql", "/api/v1/sql"] {
        let limits = HttpLimits { requests: 1, timeout, ..HttpLimits::default() };
        let shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
        let mut half = TcpStream::connect(shop.address()).unwrap();
        half.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{\"sql\":"
        );
        half.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        half.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408", "{path}");
        // Its place is free, though its end of the connection is still open.
        let begun = Instant::now();
        while shop.get("/api/v1/status").status != 200 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{path}: the place is never free");
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_as_a_problem() {
    let shop = Shop::open();
    for path in ["/stores/%ff", "/sql/%ff", "/api/v1/windows/%ff", "/api/v1/lots/S001/%ff/x"] {
        let answer = shop.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{path}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for path in ["/do/alerts", "/do/%ff", "/simulation", "/sql"] {
        let answer = shop.ask("POST", path, &form, b"back=\xff\xfe");
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{path}");
    }
    let bodies = [vec![b'x'; 3 << 20], vec![b'x'; 11 << 20]];
    for path in ["/do/alerts", "/simulation", "/sql", "/logout"] {
        for body in &bodies {
            let answer = shop.ask("POST", path, &form, body);
            assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"), "{path}");
        }
    }
    let json = [("content-type", "application/json")];
    let other = shop.ask("POST", "/logout", &json, b"{}");
    assert_eq!((other.status, other.code().as_str()), (415, "wrong_media_type"));
}

#[test]
fn traffic_is_encrypted_where_there_is_a_certificate() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        certificate: dir.path().join("certificate.pem"),
        key: dir.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let shop = Shop::with(HttpOptions { tls: Some(files), ..HttpOptions::default() }, |_| {});
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(shop.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut client = StreamOwned::new(client, socket);
    client
        .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security"), "{answer}");
    // Who speaks plainly is not answered, and holds nobody up.
    let mut plain = TcpStream::connect(shop.address()).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("200"));
    let files = TlsFiles { certificate: dir.path().join("none"), key: dir.path().join("none") };
    let refused = shelf_web::Server::start(
        HttpOptions { tls: Some(files), listen: shop.address(), ..HttpOptions::default() },
        shop.parts(),
    );
    assert_eq!(refused.err().unwrap().code(), "http_server");
    let taken = HttpOptions { listen: shop.address(), ..HttpOptions::default() };
    let refused = shelf_web::Server::start(taken, shop.parts());
    assert_eq!(refused.err().unwrap().code(), "http_port_taken");
}
