//! CSV with a mapping: small files, and the events that they become.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use shelf_domain::{Body, Event, Sku, StoreId, Timestamp};
use shelf_events::Defaults;
use shelf_sources::{MappedOptions, MappedSource, Mapping, Source, SourceError};

const TILL: &str = r#"
format_version = 1
description = "a till"

[event]
cancelled_prefix = "C"
price = "positive"

[time]
column = "when"
zone = "Europe/Rome"

[store]
id = "shop"

[product]
name = "what"
category = { value = "All" }

[fields]
receipt = "ticket"
sku = "item"
customer = "card"
quantity = "qty"
unit_price = "price"
"#;

const HEADER: &str = "shop,ticket,when,item,what,qty,price,card\n";

fn options() -> MappedOptions {
    let received_at = Timestamp(1_800_000_000_000_000);
    MappedOptions::new(Defaults { store: None, received_at })
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.put(name, text.as_bytes());
        }
        folder
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn events(
    paths: &[PathBuf],
    mapping: &str,
    options: &MappedOptions,
) -> Result<Vec<Event>, SourceError> {
    let mapping = Mapping::parse("test", mapping)?;
    let mut all = Vec::new();
    for max_events in [1, 5, 1_000] {
        let mut source = MappedSource::open(paths.to_vec(), mapping.clone(), options.clone())?;
        let mut events = Vec::new();
        while source.next_batch(max_events, &mut events)? {}
        let counts = source.counts();
        let rejected = events.iter().filter(|e| matches!(e.body, Body::Rejected(_))).count() as u64;
        assert_eq!(counts.rejected_lines, rejected);
        let good = counts.sale_lines + counts.return_lines + counts.other_lines;
        assert_eq!(counts.lines, good + rejected);
        assert!(all.is_empty() || all == events, "the size of batches changes nothing");
        all = events;
    }
    Ok(all)
}

/// The events as words, without stores, products and shelves.
fn story(events: &[Event]) -> Vec<String> {
    let words = events.iter().filter_map(|event| {
        let Event { store, at, body, .. } = event;
        let at = jiff::Timestamp::from_microsecond(at.0).unwrap();
        match body {
            Body::Store(_) | Body::Product(_) | Body::Shelf(_) => None,
            Body::Rejected(r) => Some(format!("{store} {}:{} {}", r.source, r.line, r.reason)),
            Body::Receipt(receipt) => {
                let lines = receipt.lines.iter().map(|line| {
                    let off = line.discount.0;
                    let price = line.unit_price_cents;
                    format!("{} {}x{price}-{off}={}", line.sku, line.units, line.total_cents)
                });
                let lines: Vec<String> = lines.collect();
                Some(format!("{store} {at} {} [{}]", receipt.receipt, lines.join(", ")))
            }
            other => Some(format!("{store} {at} {other:?}")),
        }
    });
    words.collect()
}

fn till(rows: &str) -> Vec<Event> {
    let folder = Folder::with(&[("till.csv", &[HEADER, rows].concat())]);
    events(&[folder.path("till.csv")], TILL, &options()).unwrap()
}

#[track_caller]
fn check(rows: &str, expected: &[&str]) {
    assert_eq!(story(&till(rows)), expected);
}

#[test]
fn rows_of_a_ticket_become_one_receipt_in_the_zone_of_the_shop() {
    check(
        "S1,T1,2026-01-05 09:00:00,A,\"Apples, red\",3,0.335,\n\
         S1,T1,2026-01-05 09:00:00,B,Bread,1,2.50,\n\
         S1,T2,2026-07-05 09:00:00,A,Apples,2,0.30,K7\n\
         S2,T2,2026-07-05 09:00:00,A,Apples,2,0.30,K7\n",
        &[
            "S1 2026-01-05T08:00:00Z T1 [A 3x34-0=101, B 1x250-0=250]",
            "S1 2026-07-05T07:00:00Z T2 [A 2x30-0=60]",
            "S2 2026-07-05T07:00:00Z T2 [A 2x30-0=60]",
        ],
    );
}

#[test]
fn negative_quantities_and_cancellations_are_returns() {
    check(
        "S1,T1,2026-01-05,A,x,-3,0.335,\nS1,C2,2026-01-05,A,x,-1,1,\nS1,C3,2026-01-05,A,x,1,1,\n",
        &[
            "S1 2026-01-04T23:00:00Z T1 [A -3x34-0=-101]",
            "S1 2026-01-04T23:00:00Z C2 [A -1x100-0=-100]",
            "S1 2026-01-04T23:00:00Z C3 [A -1x100-0=-100]",
        ],
    );
}

#[test]
fn rows_that_break_a_rule_are_kept_and_the_rest_of_the_receipt_stands() {
    let long = "x".repeat(1 << 10);
    let rows = format!(
        "S1,T1,2026-01-05,A,x,1,1,\n\
         S1,T1,2026-01-05,A,x,0,1,\n\
         S1,T1,2026-01-05,A,x,1.5,1,\n\
         S1,T1,2026-01-05,A,x,1,0,\n\
         S1,T1,2026-01-05,A,x,1,-1,\n\
         S1,T1,2026-01-05,A,x,many,1,\n\
         S1,T1,2026-01-05,A,x,1,,\n\
         S1,T1,soon,A,x,1,1,\n\
         S1,,2026-01-05,A,x,1,1,\n\
         ,T1,2026-01-05,A,x,1,1,\n\
         S1,T1,2026-01-05,{long},x,1,1,\n\
         S1,T1,2026-01-05,A,x,1000001,1,\n\
         S1,T1,2026-01-05,A,x,1,99999999999,\n\
         S1,T1,2026-01-05,A\n\
         S1,T1,2026-01-05,B,x,1,1,\n"
    );
    check(
        &rows,
        &[
            "S1 till.csv:3 zero_quantity",
            "S1 till.csv:4 fractional_quantity",
            "S1 till.csv:5 price_not_positive",
            "S1 till.csv:6 price_not_positive",
            "S1 till.csv:7 bad_number",
            "S1 till.csv:8 missing_field",
            "S1 till.csv:9 bad_time",
            "S1 till.csv:10 missing_field",
            "unknown till.csv:11 missing_field",
            "S1 till.csv:12 text_too_long",
            "S1 till.csv:13 out_of_range",
            "S1 till.csv:14 out_of_range",
            "unknown till.csv:15 wrong_column_count",
            "S1 2026-01-04T23:00:00Z T1 [A 1x100-0=100, B 1x100-0=100]",
        ],
    );
}

#[test]
fn rejected_rows_keep_their_bytes() {
    let events = till("S1,T1,2026-01-05,A,\"a\nb\",0,1,\r\n");
    assert!(matches!(&events[..], [Event { body: Body::Rejected(rejected), .. }]
        if rejected.raw == b"S1,T1,2026-01-05,A,\"a\nb\",0,1,"));
}

#[test]
fn what_is_new_comes_right_before_what_needs_it() {
    let events = till(
        "S1,T0,2026-01-05,Z,bad,0,1,\n\
         S1,T1,2026-01-05,A,Apples,1,0.30,\n\
         S1,T2,2026-01-06,A,Renamed,1,0.40,\n\
         S1,T2,2026-01-06,B,Bread,1,2,\n",
    );
    let words: Vec<String> = events
        .iter()
        .map(|event| match &event.body {
            Body::Rejected(_) => "rejected".into(),
            Body::Store(s) => format!("store {} {} {}", s.name, s.time_zone, s.clock.offsets.len()),
            Body::Product(p) => {
                format!("product {} {} {} {}", p.sku, p.name, p.category, p.price_cents)
            }
            Body::Shelf(plan) => format!("shelf {} {}", plan.sku, plan.capacity_units),
            Body::Receipt(receipt) => format!("receipt {}", receipt.receipt),
            other => format!("{other:?}"),
        })
        .collect();
    let offsets = shelf_sources::local_clock("Europe/Rome").unwrap().offsets.len();
    assert_eq!(
        words,
        [
            "rejected",
            &format!("store S1 Europe/Rome {offsets}"),
            "product A Apples All 30",
            "shelf A 0",
            "receipt T1",
            "product B Bread All 200",
            "shelf B 0",
            "receipt T2",
        ]
    );
    assert!(events.iter().skip(1).is_sorted_by_key(|event| event.at));
}

#[test]
fn what_the_log_has_is_not_made_again() {
    let folder = Folder::with(&[("t.csv", &[HEADER, "S1,T1,2026-01-05,A,x,1,1,\n"].concat())]);
    let mut options = options();
    options.known.stores.insert(StoreId::cut("S1"));
    options.known.skus.insert((StoreId::cut("S1"), Sku::cut("A")));
    assert_eq!(events(&[folder.path("t.csv")], TILL, &options).unwrap().len(), 1);
}

#[test]
fn the_same_file_in_another_folder_gives_the_same_ids() {
    let rows = [HEADER, "S1,T1,2026-01-05,A,x,1,1,\nS1,T2,2026-01-05,A,x,0,1,\n"].concat();
    let ids = |name: &str, rows: &str| {
        let folder = Folder::with(&[(name, rows)]);
        let events = events(&[folder.path(name)], TILL, &options()).unwrap();
        events.iter().map(|event| event.id).collect::<Vec<_>>()
    };
    let first = ids("a.csv", &rows);
    assert_eq!(ids("a.csv", &rows), first);
    // Another file, or another content, is another receipt; the product is the same.
    for (name, rows) in [("b.csv", rows.clone()), ("a.csv", rows.replace("x,1,1", "x,2,1"))] {
        let other = ids(name, &rows);
        assert_eq!(other[1..4], first[1..4]);
        assert_ne!(other[4], first[4]);
    }
}

#[test]
fn files_come_in_order_and_a_receipt_ends_with_its_file() {
    let row = |ticket: &str| [HEADER, "S1,", ticket, ",2026-01-05,A,x,1,1,\n"].concat();
    let folder = Folder::with(&[("a.csv", &row("T1")), ("b.csv", &row("T1")), ("c.csv", "")]);
    let paths = ["a.csv", "b.csv", "c.csv"].map(|name| folder.path(name)).to_vec();
    let found = story(&events(&paths, TILL, &options()).unwrap());
    assert_eq!(found, ["S1 2026-01-04T23:00:00Z T1 [A 1x100-0=100]"; 2]);
}

#[test]
fn totals_and_discounts_make_the_price() {
    let mapping = TILL
        .replace("unit_price = \"price\"", "total = \"price\"\ndiscounts = [\"off\", \"coupon\"]")
        .replace("price = \"positive\"", "");
    let folder = Folder::with(&[(
        "t.csv",
        "shop,ticket,when,item,what,qty,price,off,coupon,card\n\
         S1,T1,2026-01-05,A,x,1,3.86,0.43,0.0,\n\
         S1,T1,2026-01-05,A,x,2,11.87,2.9,0.10,\n\
         S1,T1,2026-01-05,A,x,1,0.0,0.50,0,\n\
         S1,T1,2026-01-05,A,x,-1,-2,0,0,\n\
         S1,T1,2026-01-05,A,x,1,-2,0,0,\n\
         S1,T1,2026-01-05,A,x,1,2,-1,0,\n",
    )]);
    let found = story(&events(&[folder.path("t.csv")], &mapping, &options()).unwrap());
    assert_eq!(
        found,
        [
            "S1 t.csv:6 negative_amount",
            "S1 t.csv:7 negative_amount",
            "S1 2026-01-04T23:00:00Z T1 [A 1x429-1002=386, A 2x744-2017=1187, A 1x50-10000=0, \
         A -1x200-0=-200]",
        ]
    );
}

#[test]
fn discounts_come_off_quantity_times_price() {
    let mapping =
        TILL.replace("unit_price = \"price\"", "unit_price = \"price\"\ndiscounts = [\"what\"]");
    let rows = "S1,T1,2026-01-05,A,0.50,2,1,\nS1,T1,2026-01-05,A,2.50,2,1,\n";
    let folder = Folder::with(&[("t.csv", &[HEADER, rows].concat())]);
    let found = story(&events(&[folder.path("t.csv")], &mapping, &options()).unwrap());
    let sold = "S1 2026-01-04T23:00:00Z T1 [A 2x100-2500=150]";
    assert_eq!(found, ["S1 t.csv:3 bad_discount", sold]);
}

#[test]
fn rows_become_other_events_by_their_kind() {
    let mapping = r#"
        format_version = 1
        description = "a warehouse"
        csv = { delimiter = ";" }
        numbers = { decimal_point = ",", thousands = ".", quantity_factor = 6 }
        [event]
        kind_column = "type"
        kind_words = { IN = "wh_in", OUT = "wh_out" }
        [time]
        column = "date"
        format = "%d.%m.%Y"
        zone = "UTC"
        [store]
        id = { value = "S1" }
        [fields]
        sku = { column = "item", prefix = "X-", strip_prefix = "0" }
        quantity = "packs"
        lot = "lot"
        expiry = "best_before"
        customer = "who"
    "#;
    let folder = Folder::with(&[(
        "wh.csv",
        "type;date;item;packs;lot;best_before;who\n\
         IN;01.02.2026;0A;1.000,0;L1;2026-03-01;\n\
         OUT;02.02.2026;A;2;;;\n\
         IN;02.02.2026;A;2;;;\n\
         OUT;02.02.2026;A;-2;;;\n\
         IN;02.02.2026;A;2;L1;2026-02-30;\n\
         entry;03.02.2026;;;;;K1\n\
         GONE;03.02.2026;A;1;;;\n",
    )]);
    let events = events(&[folder.path("wh.csv")], mapping, &options()).unwrap();
    let words = story(&events);
    assert!(words[0].contains("Delivery") && words[0].contains("units: 6000"), "{}", words[0]);
    assert!(words[0].contains("sku: \"X-A\"") && words[0].contains("lot: \"L1\""), "{}", words[0]);
    assert!(words[1].contains("WarehouseOut") && words[1].contains("units: 12"), "{}", words[1]);
    assert_eq!(
        words[2..5],
        ["S1 wh.csv:4 missing_field", "S1 wh.csv:5 negative_units", "S1 wh.csv:6 bad_date",]
    );
    assert!(words[5].contains("Entry(Some(\"K1\"))"), "{}", words[5]);
    assert_eq!(words[6], "S1 wh.csv:8 unknown_event_type");
}

#[test]
fn texts_are_looked_up_in_another_table() {
    let mapping = TILL.replace(
        "name = \"what\"\ncategory = { value = \"All\" }",
        "name = { lookup = \"goods\", column = \"label\", otherwise = \"?\" }\n\
         [lookup.goods]\nfile = \"goods.csv\"\nkey = \"id\"\nby = \"item\"",
    );
    let rows = "S1,T1,2026-01-05,A,x,1,1,\nS1,T1,2026-01-05,B,x,1,1,\n";
    let folder = Folder::with(&[
        ("t.csv", &[HEADER, rows].concat()),
        ("goods.csv", "id,label\nA,Apples\nbroken\n"),
    ]);
    let names = |mapping: &str, options: &MappedOptions| {
        let events = events(&[folder.path("t.csv")], mapping, options)?;
        let names = events.iter().filter_map(|event| match &event.body {
            Body::Product(product) => Some(product.name.as_str().to_owned()),
            _ => None,
        });
        Ok::<_, SourceError>(names.collect::<Vec<_>>())
    };
    assert_eq!(names(&mapping, &options()).unwrap(), ["Apples", "?"]);

    let elsewhere = mapping.replace("goods.csv", "gone.csv");
    let error = names(&elsewhere, &options()).unwrap_err();
    assert_eq!(error.code(), "source_missing");
    assert!(error.hint().contains("gone.csv"), "{}", error.hint());
    let mut options = options();
    options.lookups.insert("goods".into(), folder.path("goods.csv"));
    assert_eq!(names(&elsewhere, &options).unwrap(), ["Apples", "?"]);
    let wrong = mapping.replace("\"label\"", "\"lable\"");
    let error = names(&wrong, &options).unwrap_err();
    assert_eq!(error.hint(), "did you mean label? change it in the mapping");
}

#[test]
fn a_packed_table_that_was_cut_says_so() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(HEADER.as_bytes()).unwrap();
    for n in 0..20_000_u32 {
        let n = n.wrapping_mul(2_654_435_761);
        writeln!(encoder, "S1,T{n},2026-01-05,A,x,1,{},", n % 1_000 + 1).unwrap();
    }
    let whole = encoder.finish().unwrap();
    let folder = Folder::with(&[]);
    folder.put("whole.csv.gz", &whole);
    folder.put("cut.csv.gz", whole.get(..whole.len() / 2).unwrap());
    let read = |name: &str| story(&events(&[folder.path(name)], TILL, &options()).unwrap());
    assert_eq!(read("whole.csv.gz").len(), 20_000);
    let cut = read("cut.csv.gz");
    assert!(cut.len() > 5_000);
    let truncated = cut.iter().filter(|words| words.ends_with("truncated_input")).count();
    assert_eq!(truncated, 1, "{:?}", cut.last());
}

#[test]
fn a_file_without_the_columns_is_an_error_before_anything_is_read() {
    let good = [HEADER, "S1,T1,2026-01-05,A,x,1,1,\n"].concat();
    let folder = Folder::with(&[("a.csv", &good), ("b.csv", &good.replace("qty", "quantity"))]);
    let paths = ["a.csv", "b.csv"].map(|name| folder.path(name)).to_vec();
    let error = events(&paths, TILL, &options()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} has no column qty", folder.path("b.csv").display()));
    assert!(error.detail().contains("quantity"), "{}", error.detail());
    let error = events(&[Path::new("no.csv").into()], TILL, &options()).unwrap_err();
    assert_eq!(error.code(), "source_missing");
    let error = events(&[folder.path("a.csv")], "x", &options()).unwrap_err();
    assert_eq!(error.code(), "mapping_bad");
}
