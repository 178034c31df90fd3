//! Many clients at once: all are answered, and the engine goes on.

#![allow(clippy::unwrap_used, reason = "helpers fail like tests")]

use shelf_host::Folder;
use shelf_web::{LoadPlan, http_load};

#[test]
fn streams_and_reads_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let plan = LoadPlan {
        streams: number("SHELF_LOAD_STREAMS", 40) as usize,
        reads_per_s: number("SHELF_LOAD_READS", 200),
        minutes: number("SHELF_LOAD_MINUTES", 30) as u32,
        ..LoadPlan::default()
    };
    let report = http_load(&Folder::at(dir.path().join("data")), plan).unwrap();
    println!("{report:#?}");
    assert_eq!(report.failed_reads, 0, "{report:?}");
    assert_eq!(report.streams, plan.streams as u64, "{report:?}");
    assert!(report.reads > 100 && report.lines > 0, "{report:?}");
}
