//! How fast sources give events:
//! `cargo run --profile dist -p shelf-sources --example source_rates -- [FILE] [MAPPING]`.
//!
//! Without a file it writes 2 million lines of pickups, weight changes and receipts to a temporary
//! one. It prints lines a second on the caller's thread alone, and with 1 and 2 parsing threads.

#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to report")]

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use shelf_domain::{StoreId, Timestamp};
use shelf_events::Defaults;
use shelf_sources::{NdjsonSource, ParallelParser, Source};

const LINES: usize = 2_000_000;

fn main() {
    let mut words = std::env::args().skip(1);
    let path = words.next().map_or_else(write_lines, PathBuf::from);
    let received_at = Timestamp(1_800_000_000_000_000);
    let defaults = Defaults { store: Some(StoreId::cut("S1")), received_at };
    let paths = || vec![path.clone()];
    for _ in 0..2 {
        let source = NdjsonSource::open(paths(), defaults).expect("a file");
        drain("caller's thread", Box::new(source));
        for workers in [1, 2] {
            let source = ParallelParser::open(paths(), defaults, workers).expect("a file");
            drain(&format!("{workers} parsing"), Box::new(source));
        }
    }
}

fn drain(name: &str, mut source: Box<dyn Source>) {
    let start = Instant::now();
    let mut batch = Vec::new();
    let mut events = 0_usize;
    while source.next_batch(8_192, &mut batch).expect("a readable file") {
        events += batch.len();
        batch.clear();
    }
    events += batch.len();
    let seconds = start.elapsed().as_secs_f64();
    let rate = events as f64 / seconds;
    println!("{name:<16} {events} events in {seconds:.2} s: {rate:.0}/s {:?}", source.counts());
}

fn write_lines() -> PathBuf {
    let path = std::env::temp_dir().join("source_rates.ndjson");
    let file = std::fs::File::create(&path).expect("a temporary file");
    let mut out = std::io::BufWriter::new(file);
    for n in 0..LINES {
        let (sku, customer) = (n % 1_142, n / 40);
        let time = format!("2026-01-{:02}T{:02}:{:02}:00Z", n / 80_000 + 1, n / 3_600 % 24, n % 60);
        match n % 20 {
            0 => writeln!(
                out,
                "{{\"event_type\":\"pos_transaction\",\"transaction_id\":\"R{n}\",\
                 \"customer_id\":\"C{customer}\",\"timestamp\":\"{time}\",\"items\":[{{\"item_id\":\
                 \"SKU{sku:05}\",\"quantity\":1,\"unit_price\":2.49,\"discount\":0.0,\
                 \"total_price\":2.49}}]}}"
            ),
            1..=9 => writeln!(
                out,
                "{{\"event_type\":\"weight_change\",\"customer_id\":\"C{customer}\",\"item_id\":\
                 \"SKU{sku:05}\",\"delta_weight\":-250.5,\"timestamp\":\"{time}\"}}"
            ),
            _ => writeln!(
                out,
                "{{\"event_type\":\"pickup\",\"customer_id\":\"C{customer}\",\"item_id\":\
                 \"SKU{sku:05}\",\"quantity\":1,\"weight\":250.5,\"timestamp\":\"{time}\"}}"
            ),
        }
        .expect("room on the disk");
    }
    out.flush().expect("room on the disk");
    path
}
