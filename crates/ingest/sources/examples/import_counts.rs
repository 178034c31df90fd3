//! What files come to with a mapping:
//! `cargo run --release -p shelf-sources --example import_counts -- MAPPING FILE|FOLDER|PATTERN`.

#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to report")]

use std::collections::BTreeMap;
use std::time::Instant;

use shelf_domain::{Body, Timestamp};
use shelf_events::Defaults;
use shelf_sources::{MappedOptions, Mapping, SourceError, open};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mapping, wanted] = words.as_slice() else {
        println!("usage: import_counts MAPPING FILE|FOLDER|PATTERN");
        return;
    };
    if let Err(error) = run(mapping, wanted) {
        println!("{}: {error}\n  {}\n  hint: {}", error.code(), error.detail(), error.hint());
    }
}

fn run(mapping: &str, wanted: &str) -> Result<(), SourceError> {
    let defaults = Defaults { store: None, received_at: Timestamp(1_800_000_000_000_000) };
    let mapping = Mapping::load(mapping)?;
    let start = Instant::now();
    let mut source = open(wanted, Some(mapping), MappedOptions::new(defaults), 0)?;
    let (mut batch, mut reasons) = (Vec::new(), BTreeMap::<String, u64>::new());
    let (mut receipts, mut sold, mut returned) = (0_u64, 0_i64, 0_i64);
    let mut more = true;
    while more {
        more = source.next_batch(8_192, &mut batch)?;
        for event in batch.drain(..) {
            match event.body {
                Body::Receipt(receipt) => {
                    receipts += 1;
                    for line in &receipt.lines {
                        let sum = if line.units < 0 { &mut returned } else { &mut sold };
                        *sum += line.total_cents;
                    }
                }
                Body::Rejected(rejected) => {
                    *reasons.entry(rejected.reason.as_str().into()).or_default() += 1;
                }
                _ => {}
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let counts = source.counts();
    let progress = source.progress();
    println!("{counts:?}\n{progress:?}\nreceipts {receipts}, rejected {reasons:?}");
    println!("sold {sold}, returned {returned}, net {} cents", sold + returned);
    let lines = u32::try_from(counts.lines).expect("a file of this world");
    println!("{seconds:.2} s, {:.0} lines/s", f64::from(lines) / seconds);
    Ok(())
}
