//! Thousands of requests that another program makes from the OpenAPI document of a running chain,
//! with its SQL and its lake: none has a defect of the server as its answer.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::program::{Place, Serving};

/// Requests of each operation in each phase.
const EXAMPLES: &str = "15";

/// A chain of two stores after a day, with a lake that has come as far.
fn serve(place: &Place) -> Serving {
    place.ok("simulate --days 1 --stores 2");
    place.ok("lake follow --until-caught-up");
    place.ok("lake build");
    let words = "run --plain --warmup-days 0 --speed 1 --listen 127.0.0.1:0";
    Serving::start(place, words, &[], |line| {
        let (_, url) = line.split_once("the dashboard is at http://")?;
        url.strip_suffix('/')
    })
}

/// The answer to a request, with its head.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn no_request_of_the_document_finds_a_defect() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let program = std::env::var_os("SHELF_SCHEMATHESIS")
        .map_or_else(|| root.join("target/python/bin/schemathesis"), Into::into);
    assert!(
        program.exists(),
        "{} is not there: run `cargo xtask test --only tools`",
        program.display()
    );
    let place = Place::new();
    let served = serve(&place);
    let document = format!("http://{}/api/openapi.json", served.address);
    let run = Command::new(&program)
        .current_dir(place.path("."))
        .args(["run", &document, "--checks", "not_a_server_error", "--max-examples", EXAMPLES])
        // The same requests in every run.
        .args(["--seed", "7", "--no-color", "--request-timeout", "30"])
        // A stream has no end, and a simulation at full speed no time for others.
        .args(["--exclude-path", "/api/v1/stream", "--exclude-operation-id", "post_simulation"])
        .output()
        .unwrap();
    let (said, wrong) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}\n{wrong}");
    assert!(get(served.address, "/livez").starts_with("HTTP/1.1 200 "));
    let metrics = get(served.address, "/metrics");
    let count = |route: &str, status: &str| -> f64 {
        let of_route = metrics.lines().filter(|line| {
            line.starts_with("shelf_http_requests_total{")
                && line.contains(route)
                && line.contains(status)
        });
        of_route.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    let asked = count("", "");
    assert!(asked > 500.0, "only {asked} requests were made:\n{said}");
    // Statements that are none, and the one of the document; the tables as they are.
    for (route, status) in [
        ("route=\"/api/v1/sql\"", "status=\"422\""),
        ("route=\"/api/v1/sql\"", "status=\"200\""),
        ("route=\"/api/v1/sql/objects\"", "status=\"200\""),
        ("route=\"/api/v1/lake\"", "status=\"200\""),
    ] {
        assert!(count(route, status) > 0.0, "no {status} of {route}: {metrics}");
    }
    assert!(!metrics.contains("code=\"defect\""), "{metrics}");
}
