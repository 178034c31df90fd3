//! Golden records of format 1: what they decode to must never change.
//!
//! `SHELF_WRITE_GOLDEN=1 cargo test -p shelf-events --test golden` adds files that are missing. It
//! never changes one that is there.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by it what must be")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Once;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use shelf_domain::{Effect, Timestamp};
use shelf_events::testing::outputs;
use shelf_events::{
    Defaults, decode_effect, decode_event, effect_json, encode_effect, encode_event, parse_event,
    write_event,
};

/// Canonical lines, at least one for each kind of event; those of one kind are numbered in their
/// order.
const LINES: &str = include_str!("golden/events.ndjson");

const EVENT_KINDS: usize = 28;
const EFFECT_KINDS: usize = 9;

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn no_defaults() -> Defaults {
    Defaults { store: None, received_at: Timestamp(0) }
}

fn event_text(bytes: &[u8]) -> String {
    let mut line = Vec::new();
    write_event(&decode_event(bytes).unwrap(), &mut line);
    line.push(b'\n');
    String::from_utf8(line).unwrap()
}

fn effect_text(bytes: &[u8]) -> String {
    format!("{:#}\n", effect_json(&decode_effect(bytes).unwrap()))
}

#[test]
fn golden_records_decode_to_what_they_always_did() {
    add_missing_if_asked();
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "bin") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let expected = std::fs::read_to_string(path.with_extension("json")).unwrap();
        if stem.starts_with("event.") {
            assert_eq!(event_text(&bytes), expected, "{stem}");
        } else {
            // The order of fields says nothing, and hangs on what else a build holds.
            let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
            assert_eq!(effect_json(&decode_effect(&bytes).unwrap()), expected, "{stem}");
        }
        kinds.insert(stem.rsplit_once('-').unwrap().0.to_owned());
    }
    let events = kinds.iter().filter(|kind| kind.starts_with("event.")).count();
    assert_eq!((events, kinds.len() - events), (EVENT_KINDS, EFFECT_KINDS), "{kinds:?}");
}

#[test]
fn the_lines_are_canonical_and_their_records_are_the_golden_ones() {
    add_missing_if_asked();
    for (name, line) in named_lines() {
        let event = parse_event(line.as_bytes(), &no_defaults()).unwrap();
        let mut bytes = Vec::new();
        encode_event(&event, &mut bytes);
        assert_eq!(event_text(&bytes).trim_end(), line, "{name}");
        assert_eq!(bytes, std::fs::read(dir().join(format!("{name}.bin"))).unwrap(), "{name}");
    }
}

fn named_lines() -> Vec<(String, &'static str)> {
    let mut seen: Vec<String> = Vec::new();
    let mut named = Vec::new();
    for line in LINES.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = value["event_type"].as_str().unwrap().to_owned();
        let number = seen.iter().filter(|known| **known == kind).count() + 1;
        named.push((format!("event.{kind}-{number}"), line));
        seen.push(kind);
    }
    named
}

fn add_missing_if_asked() {
    static ONCE: Once = Once::new();
    if std::env::var_os("SHELF_WRITE_GOLDEN").is_some_and(|flag| flag == "1") {
        ONCE.call_once(|| add_missing(&dir()));
    }
}

fn add_missing(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    for (name, line) in named_lines() {
        let event = parse_event(line.as_bytes(), &no_defaults()).unwrap();
        let mut bytes = Vec::new();
        encode_event(&event, &mut bytes);
        add(dir, &name, &bytes, &event_text(&bytes));
    }
    let mut runner = TestRunner::deterministic();
    let outputs = outputs();
    for _ in 0..200 {
        let record = outputs.new_tree(&mut runner).unwrap().current();
        let kind = match record.effect {
            Effect::Duplicate => "duplicate",
            Effect::Quarantined(_) => "quarantined",
            Effect::Alert(_) => "alert",
            Effect::Task(_) => "restock_task",
            Effect::Order(_) => "supplier_order",
            Effect::Price(_) => "price",
            Effect::Removed(_) => "removal",
            Effect::Explained(_) => "explanation",
            Effect::Window(_) => "window",
        };
        let mut bytes = Vec::new();
        encode_effect(&record, &mut bytes);
        let free = (1..=2).map(|number| format!("effect.{kind}-{number}"));
        let missing = free.into_iter().find(|name| !dir.join(format!("{name}.bin")).exists());
        if let Some(name) = missing {
            add(dir, &name, &bytes, &effect_text(&bytes));
        }
    }
}

fn add(dir: &Path, name: &str, bytes: &[u8], text: &str) {
    let path = dir.join(format!("{name}.bin"));
    if !path.exists() {
        std::fs::write(&path, bytes).unwrap();
        std::fs::write(path.with_extension("json"), text).unwrap();
    }
}
