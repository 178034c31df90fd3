//! How fast lines are read and records written: `cargo run --profile dist -p shelf-events --example
//! parse_rate`.
//!
//! It prints nanoseconds a line on one core, the best of several rounds, beside a bare `serde_json`
//! read of the same lines into a flat borrowed struct, which has no times, no amounts and no ids to
//! make yet.

#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to report")]

use std::hint::black_box;
use std::time::Instant;

use serde::Deserialize;
use shelf_domain::{Event, StoreId, Timestamp};
use shelf_events::{
    Defaults, decode_event, encode_event, parse_event, parse_event_general, peek, write_event,
};

const LINES: usize = 20_000;
const ROUNDS: usize = 15;

#[derive(Deserialize)]
#[expect(dead_code, reason = "what a bare reader would fill")]
struct Flat<'a> {
    event_type: &'a str,
    customer_id: Option<&'a str>,
    item_id: Option<&'a str>,
    quantity: Option<i64>,
    weight: Option<f64>,
    delta_weight: Option<f64>,
    timestamp: &'a str,
    transaction_id: Option<&'a str>,
    #[serde(borrow)]
    items: Option<Vec<FlatLine<'a>>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what a bare reader would fill")]
struct FlatLine<'a> {
    item_id: &'a str,
    quantity: i64,
    unit_price: f64,
    discount: f64,
    total_price: f64,
    batch_code: Option<&'a str>,
    expiry_date: Option<&'a str>,
}

fn main() {
    let defaults =
        Defaults { store: Some(StoreId::cut("S1")), received_at: Timestamp(1_767_254_400_000_000) };
    println!("{:<14} {:<28} {:>9} {:>12}", "lines", "work", "ns/line", "bytes/line");
    for (name, make) in [
        ("pickup", pickup as fn(usize) -> String),
        ("weight_change", weight_change),
        ("receipt of 5", receipt),
    ] {
        let lines: Vec<String> = (0..LINES).map(make).collect();
        let bytes = lines.iter().map(String::len).sum::<usize>() / LINES;
        let report = |work: &str, ns: f64, bytes: usize| {
            println!("{name:<14} {work:<28} {ns:>9.0} {bytes:>12}");
        };
        let parse = |line: &String| parse_event(line.as_bytes(), &defaults).expect("an event");
        report("parse_event", best(&lines, parse), bytes);
        let general = |line: &String| parse_event_general(line.as_bytes(), &defaults);
        report("parse_event_general", best(&lines, general), bytes);
        let flat =
            |line: &String| serde_json::from_str::<Flat<'_>>(line).map(|f| f.event_type.len());
        report("serde_json flat, bare", best(&lines, flat), bytes);

        let events: Vec<Event> = lines.iter().map(parse).collect();
        let mut out = Vec::with_capacity(1 << 12);
        let json = best(&events, |event| {
            out.clear();
            write_event(event, &mut out);
            out.len()
        });
        report("write_event", json, out.len());
        let encode = best(&events, |event| {
            out.clear();
            encode_event(event, &mut out);
            out.len()
        });
        report("encode_event", encode, out.len());
        let records: Vec<Vec<u8>> = events.iter().map(record).collect();
        report("decode_event", best(&records, |record| decode_event(record)), out.len());
        report("peek", best(&records, |record| peek(record)), out.len());
    }
}

fn record(event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    encode_event(event, &mut out);
    out
}

/// Nanoseconds an item, in the best round.
fn best<T, R>(items: &[T], mut work: impl FnMut(&T) -> R) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for item in items {
            black_box(work(black_box(item)));
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / items.len() as f64
}

fn customer(n: usize) -> String {
    format!("{:08x}-89ab-4def-8123-{:012x}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff, n)
}

fn sku(n: usize) -> String {
    format!("BEVWAT{:04}", n % 1_142)
}

fn time(n: usize) -> String {
    format!("2026-01-{:02}T{:02}:{:02}:{:02}+00:00", n % 28 + 1, n % 24, n % 60, n / 7 % 60)
}

fn pickup(n: usize) -> String {
    format!(
        "{{\"event_type\": \"pickup\", \"customer_id\": \"{}\", \"item_id\": \"{}\", \
         \"quantity\": {}, \"weight\": {}.5, \"timestamp\": \"{}\"}}",
        customer(n),
        sku(n),
        n % 5 + 1,
        n % 900 + 100,
        time(n)
    )
}

fn weight_change(n: usize) -> String {
    format!(
        "{{\"event_type\": \"weight_change\", \"customer_id\": \"{}\", \"item_id\": \"{}\", \
         \"delta_weight\": -{}.5, \"timestamp\": \"{}\"}}",
        customer(n),
        sku(n),
        n % 900 + 100,
        time(n)
    )
}

fn receipt(n: usize) -> String {
    let item = |k: usize| {
        format!(
            "{{\"item_id\": \"{}\", \"quantity\": {}, \"unit_price\": {}.49, \"discount\": 0.1, \
             \"total_price\": {}.34, \"batch_code\": \"B-{:04}\", \
             \"expiry_date\": \"2026-03-01\"}}",
            sku(n + k),
            k + 1,
            k + 1,
            k + 1,
            n % 5_000
        )
    };
    let items: Vec<String> = (0..5).map(item).collect();
    format!(
        "{{\"event_type\": \"pos_transaction\", \"transaction_id\": \"{}\", \
         \"customer_id\": \"{}\", \"timestamp\": \"{}\", \"items\": [{}]}}",
        customer(n + 1),
        customer(n),
        time(n),
        items.join(", ")
    )
}
