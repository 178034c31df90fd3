//! NDJSON from files as they are in the world: whole, packed, cut, dirty, many.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use shelf_domain::{Body, Event, StoreId, Timestamp};
use shelf_events::{Defaults, MAX_LINE_BYTES, MAX_RAW_BYTES};
use shelf_sources::{LineCounts, MappedOptions, NdjsonSource, ParallelParser, Source, open};

fn defaults() -> Defaults {
    Defaults { store: Some(StoreId::cut("S1")), received_at: Timestamp(1_800_000_000_000_000) }
}

fn pickup(n: usize) -> String {
    format!(
        "{{\"event_type\":\"pickup\",\"item_id\":\"SKU{n}\",\"quantity\":1,\
         \"timestamp\":\"2026-01-01T08:00:00Z\"}}"
    )
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| format!("{}\n", pickup(n)).into_bytes()).collect()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn drain(mut source: impl Source, max_events: usize) -> (Vec<Event>, LineCounts) {
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    let mut more = true;
    while more {
        more = source.next_batch(max_events, &mut batch).unwrap();
        assert!(batch.len() <= max_events);
        assert!(!more || !batch.is_empty());
        all.append(&mut batch);
    }
    let progress = source.progress();
    assert_eq!(Some(progress.bytes_read), progress.bytes_total);
    (all, source.counts())
}

/// Reads on the caller's thread and on one, two and three others, in batches of several sizes, and
/// sees that all give the same.
fn read_paths(paths: &[&Path]) -> (Vec<Event>, LineCounts) {
    let paths: Vec<PathBuf> = paths.iter().map(|&path| path.into()).collect();
    let first = drain(NdjsonSource::open(paths.clone(), defaults()).unwrap(), usize::MAX);
    for max_events in [1, 7, 4_096] {
        let source = NdjsonSource::open(paths.clone(), defaults()).unwrap();
        assert_eq!(drain(source, max_events), first);
    }
    for workers in 1..=3 {
        for max_events in [3, 100_000] {
            let source = ParallelParser::open(paths.clone(), defaults(), workers).unwrap();
            assert_eq!(drain(source, max_events), first);
        }
    }
    first
}

fn read(name: &str, bytes: &[u8]) -> (Vec<Event>, LineCounts) {
    let folder = Folder::new();
    read_paths(&[&folder.put(name, bytes)])
}

/// `line reason length` of what was rejected.
fn rejected(events: &[Event]) -> Vec<String> {
    let words = events.iter().filter_map(|event| match &event.body {
        Body::Rejected(r) => Some(format!("{}:{} {} {}", r.source, r.line, r.reason, r.raw_len)),
        _ => None,
    });
    words.collect()
}

#[test]
fn lines_become_events_in_their_order() {
    let mut text = b"\xEF\xBB\xBF".to_vec();
    text.extend_from_slice(pickup(0).as_bytes());
    text.extend_from_slice(b"\r\n\r\n   \n");
    text.extend_from_slice(pickup(1).as_bytes());
    let (events, counts) = read("a.ndjson", &text);
    let skus: Vec<&str> = events
        .iter()
        .map(|event| match &event.body {
            Body::Pickup(touch) => touch.sku.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(skus, ["SKU0", "SKU1"]);
    assert_eq!(events[0].received_at, defaults().received_at);
    assert_eq!(counts, LineCounts { lines: 2, other_lines: 2, ..LineCounts::default() });
}

#[test]
fn an_empty_file_has_no_events() {
    assert_eq!(read("a.ndjson", b""), (Vec::new(), LineCounts::default()));
    assert_eq!(read("a.ndjson.gz", &packed(b"")), (Vec::new(), LineCounts::default()));
}

#[test]
fn bad_lines_are_kept_with_their_place_and_reason() {
    let good = pickup(1);
    let text: Vec<u8> = [
        good.as_bytes(),
        b"{\"event_type\":\"pickup\",",
        b"{\"event_type\":\"pickup\",\"item_id\":{},\"quantity\":1,\
          \"timestamp\":\"2026-01-01T08:00:00Z\"}",
        b"{\"event_type\":\"teleport\",\"timestamp\":\"2026-01-01T08:00:00Z\"}",
        b"\xFF\xFE",
        b"{\"event_type\":\"pickup\",\"item_id\":\"A\",\"quantity\":-1,\
          \"timestamp\":\"2026-01-01T08:00:00Z\"}",
        good.as_bytes(),
        b"{\"event_type\":\"pic",
    ]
    .join(&b'\n');
    let (events, counts) = read("dirty.jsonl", &text);
    let reasons: Vec<String> = rejected(&events)
        .iter()
        .map(|words| words.rsplit_once(' ').unwrap().0.replace("dirty.jsonl:", ""))
        .collect();
    assert_eq!(
        reasons,
        [
            "2 malformed_json",
            "3 wrong_type",
            "4 unknown_event_type",
            "5 invalid_utf8",
            "6 negative_units",
            "8 malformed_json",
        ]
    );
    let expected = LineCounts { lines: 8, other_lines: 2, rejected_lines: 6, ..counts };
    assert_eq!(counts, expected);
}

#[test]
fn texts_of_a_mebibyte_are_kept_whole_or_in_part() {
    let long = "x".repeat(MAX_LINE_BYTES / 2);
    let longer = "x".repeat(3 * MAX_LINE_BYTES);
    let text = format!("{0}\n\"{long}\"\n\"{longer}\"\n{0}\n", pickup(1));
    let (events, _) = read("a.json", text.as_bytes());
    assert_eq!(
        rejected(&events),
        [
            format!("a.json:2 wrong_type {}", long.len() + 2),
            format!("a.json:3 too_large {}", longer.len() + 2),
        ]
    );
    assert_eq!(events.len(), 4);
    match &events[2].body {
        Body::Rejected(rejected) => assert_eq!(rejected.raw.len(), MAX_RAW_BYTES),
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_of_many_blocks_come_whole() {
    let text = lines(40_000);
    assert!(text.len() > 3 << 20);
    let (events, counts) = read("a.ndjson", &text);
    assert_eq!((events.len(), counts.other_lines), (40_000, 40_000));
    assert_eq!(read("a.ndjson.gz", &packed(&text)).0, events);
}

#[test]
fn a_packed_file_that_was_cut_says_so() {
    let whole = packed(&lines(20_000));
    let (events, counts) = read("a.ndjson.gz", &whole[..whole.len() / 2]);
    let last = events.last().unwrap();
    assert!(matches!(&last.body, Body::Rejected(r) if r.reason.as_str() == "truncated_input"));
    assert_eq!(counts.rejected_lines, 1);
    assert!(counts.other_lines > 5_000, "{counts:?}");
    let (events, _) = read("a.ndjson.gz", b"this is not gzip");
    assert_eq!(rejected(&events), ["a.ndjson.gz:1 truncated_input 0"]);
}

#[test]
fn files_of_a_folder_come_in_order_of_their_names_and_twice_the_same() {
    let folder = Folder::new();
    folder.put("b.ndjson", b"not json\n");
    folder.put("a.ndjson", b"nor this\n");
    let read = || {
        let path = folder.0.path().to_str().unwrap();
        let mut source = open(path, None, MappedOptions::new(defaults()), 2).unwrap();
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        while source.next_batch(100, &mut batch).unwrap() {
            all.append(&mut batch);
        }
        all
    };
    let first = read();
    assert_eq!(rejected(&first), ["a.ndjson:1 malformed_json 8", "b.ndjson:1 malformed_json 8"]);
    assert_eq!(read(), first);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_at_once() {
    let folder = Folder::new();
    let missing = folder.0.path().join("none.ndjson");
    let codes = [
        NdjsonSource::open(vec![missing.clone()], defaults()).err().unwrap().code(),
        ParallelParser::open(vec![missing], defaults(), 2).err().unwrap().code(),
    ];
    assert_eq!(codes, ["source_missing"; 2]);
    let table = folder.put("a.csv", b"a,b\n");
    let error = open(table.to_str().unwrap(), None, MappedOptions::new(defaults()), 0);
    let error = error.err().unwrap();
    assert_eq!(error.code(), "source_no_mapping");
    assert!(error.hint().contains("uci"), "{}", error.hint());
}

#[test]
fn a_parser_may_be_dropped_at_any_time() {
    let folder = Folder::new();
    let path = folder.put("a.ndjson", &lines(100_000));
    for batches in 0..3 {
        let mut source = ParallelParser::open(vec![path.clone()], defaults(), 2).unwrap();
        for _ in 0..batches {
            assert!(source.next_batch(100, &mut Vec::new()).unwrap());
        }
    }
}
