//! Thousands of requests that another program makes from the OpenAPI document: none has a defect of
//! the server as its answer.

#![allow(clippy::unwrap_used, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::path::Path;
use std::process::Command;

use shop::Shop;

/// Requests of each operation in each phase.
const EXAMPLES: &str = "15";

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
    let shop = Shop::open();
    let document = format!("http://{}/api/openapi.json", shop.address());
    let dir = tempfile::tempdir().unwrap();
    let run = Command::new(&program)
        .current_dir(dir.path())
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
    assert_eq!(shop.get("/livez").status, 200);
    let metrics = shop.get("/metrics").text();
    let counts = metrics.lines().filter(|line| line.starts_with("shelf_http_requests_total{"));
    let asked: f64 = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
    assert!(asked > 500.0, "only {asked} requests were made:\n{said}");
    assert!(!metrics.contains("code=\"defect\""), "{metrics}");
}
