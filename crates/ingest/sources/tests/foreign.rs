//! Events of other systems: every kind of each, what they come to in a store, and what is wrong
//! with those that are not taken.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

use proptest::prelude::*;
use shelf_domain::{
    Body, Effects, Event, EventId, FunnelStep, Outcome, Sku, Store, StoreId, Stores, Timestamp,
};
use shelf_events::Defaults;
use shelf_sources::{
    Broken, Foreign, Format, Known, LineCounts, LineError, LineReader, MappedOptions, open,
};

const RETAIL_STREAM: &str = include_str!("foreign/retail_stream.ndjson");
const BASKET_LINE: &str = include_str!("foreign/basket_line.ndjson");
const BASKET: &str = include_str!("foreign/basket.ndjson");

fn defaults() -> Defaults {
    Defaults { store: None, received_at: Timestamp(1_800_000_000_000_000) }
}

struct Read {
    events: Vec<Event>,
    counts: LineCounts,
}

fn read_with(text: &str, foreign: Foreign, workers: usize) -> Read {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.ndjson");
    std::fs::write(&path, text).unwrap();
    let options = MappedOptions { foreign: Some(foreign), ..MappedOptions::new(defaults()) };
    let mut source = open(path.to_str().unwrap(), None, options, workers).unwrap();
    let (mut events, mut batch) = (Vec::new(), Vec::new());
    let mut more = true;
    while more {
        more = source.next_batch(3, &mut batch).unwrap();
        assert!(!more || !batch.is_empty());
        events.append(&mut batch);
    }
    Read { events, counts: source.counts() }
}

fn read(text: &str) -> Read {
    read_with(text, Foreign::default(), 0)
}

/// Steps the events; whatever is read again is known.
fn live(events: &[Event]) -> Stores {
    let (mut stores, mut fx) = (Stores::default(), Effects::default());
    for event in events {
        let outcome = stores.step(event, &mut fx);
        assert!(matches!(outcome, Outcome::Accepted | Outcome::Late), "{outcome:?} {event:?}");
    }
    for event in events.iter().filter(|event| event.body != Body::Clock) {
        assert_eq!(stores.step(event, &mut fx), Outcome::Duplicate, "{event:?}");
    }
    stores
}

fn store<'a>(stores: &'a Stores, id: &str) -> &'a Store {
    stores.get(StoreId::cut(id)).unwrap()
}

/// Units on the floor, sold, returned, removed; list price; name and category.
fn shelf(store: &Store, sku: &str) -> String {
    let index = store.sku(Sku::cut(sku)).unwrap();
    let (shelf, product) = (store.shelf(index).unwrap(), store.product(index).unwrap());
    let ledger = &shelf.ledger;
    format!(
        "floor {} warehouse {} sold {} returned {} removed {} at {} {}/{}",
        shelf.floor_units,
        shelf.warehouse_units,
        ledger.sold,
        ledger.returned,
        ledger.removed,
        product.price_cents,
        product.name,
        product.category
    )
}

fn funnel(store: &Store) -> [u64; 6] {
    FunnelStep::ALL.map(|step| store.funnel_days().map(|day| day.count(step)).sum())
}

/// The reason of each line that was refused.
fn refused(read: &Read) -> Vec<String> {
    let reasons = read.events.iter().filter_map(|event| match &event.body {
        Body::Rejected(rejected) => Some(format!("{}:{}", rejected.line, rejected.reason)),
        _ => None,
    });
    reasons.collect()
}

fn broken(line: &str) -> String {
    let mut reader = LineReader::new(Foreign::default(), Known::default());
    match reader.read(line.as_bytes(), &defaults()) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// The line with this number of a text, with one part replaced.
fn with(text: &str, number: usize, from: &str, to: &str) -> String {
    let line = text.lines().nth(number - 1).unwrap();
    assert!(line.contains(from), "{from} in {line}");
    line.replacen(from, to, 1)
}

#[test]
fn a_retail_stream_comes_to_stock_revenue_prices_and_steps() {
    let found = read(RETAIL_STREAM);
    assert_eq!(refused(&found), [] as [String; 0]);
    let counts = found.counts;
    assert_eq!((counts.lines, counts.other_lines, counts.ignored_lines), (19, 19, 2));
    let stores = live(&found.events);
    let north = store(&stores, "STORE101");
    // 50 there, 2 sold, 30 received, 3 broken, 1 stolen, 1 brought back, counted as 74, 60 more
    // restocked, 4 moved in, 5 moved out, counted as 120.
    assert_eq!(
        shelf(north, "SKU10001"),
        "floor 120 warehouse 0 sold 2 returned 1 removed 9 at 1299 /Food & Beverages"
    );
    assert_eq!(north.revenue_cents(), 2_798);
    assert_eq!(funnel(north), [1, 2, 1, 1, 0, 0]);
    // One that has only been sold, and whose price has changed since.
    let south = store(&stores, "STORE102");
    assert_eq!(
        shelf(south, "SKU10001"),
        "floor 0 warehouse 0 sold 1 returned 0 removed 0 at 1299 /Food & Beverages"
    );
    let receipt = found.events.iter().find_map(|event| match &event.body {
        Body::Receipt(receipt) => Some(receipt),
        _ => None,
    });
    assert_eq!(receipt.unwrap().payment_method.as_str(), "credit_card");
}

#[test]
fn basket_lines_that_follow_each_other_are_one_receipt() {
    let found = read(BASKET_LINE);
    assert_eq!(refused(&found), ["7:conflicting_line"]);
    let receipts: Vec<_> = found
        .events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Receipt(receipt) => Some((
                receipt.receipt.as_str().to_owned(),
                receipt.lines.len(),
                receipt.customer_type.as_str().to_owned(),
            )),
            _ => None,
        })
        .collect();
    let told: Vec<_> = receipts.iter().map(|(id, lines, kind)| (&**id, *lines, &**kind)).collect();
    // The third line of T1 comes twice, word for word: its receipt comes again as itself.
    assert_eq!(
        told,
        [
            ("T1", 3, "Regular"),
            ("T1", 3, "Regular"),
            ("T2", 1, "New"),
            ("T1", 1, "Regular"),
            ("T3", 1, "Premium"),
        ]
    );
    let (mut stores, mut fx) = (Stores::default(), Effects::default());
    for event in &found.events {
        stores.step(event, &mut fx);
    }
    assert_eq!((stores.counts().duplicates, stores.counts().quarantined.total()), (1, 1));
    let toledo = store(&stores, "Toledo_01");
    assert_eq!(toledo.revenue_cents(), 240 + 85 + 250 + 390 + 420 + 120);
    assert!(shelf(toledo, "P001").ends_with("sold 3 returned 0 removed 0 at 120 Milk/Dairy"));
}

#[test]
fn a_basket_comes_to_what_was_paid_for_it() {
    let found = read(BASKET);
    assert_eq!(refused(&found), [] as [String; 0]);
    let stores = live(&found.events);
    let london = store(&stores, "London-Central");
    assert_eq!(london.revenue_cents(), 1_000 + 249);
    let first = found.events.iter().find_map(|event| match &event.body {
        Body::Receipt(receipt) => Some(receipt),
        _ => None,
    });
    // 4.98, 3.29 and 2.58 are 10.85, of which 10.00 was paid: 39.01, 25.77 and 20.21 cents off.
    let lines: Vec<_> = first.unwrap().lines.iter().map(|line| line.total_cents).collect();
    assert_eq!(lines, [459, 303, 238]);
    assert_eq!(first.unwrap().customer_type.as_str(), "member");
    // 40 there, 2 and 1 sold, 100 restocked, 4 broken, 2 brought back; then damage that adds.
    assert_eq!(
        shelf(london, "P001"),
        "floor 140 warehouse 0 sold 3 returned 2 removed 4 at 249 Organic Milk/Dairy"
    );
    assert_eq!(funnel(london), [1, 1, 1, 0, 1, 1]);
    assert_eq!(london.visits().entries_today, 1);
}

#[test]
fn one_file_may_hold_all_of_them() {
    let own = "{\"event_type\":\"store\",\"timestamp\":\"2026-03-02T07:00:00Z\",\
               \"store_id\":\"STORE101\",\"name\":\"North\"}\n";
    let text = [own, RETAIL_STREAM, BASKET_LINE, BASKET].concat();
    let found = read(&text);
    let names: Vec<_> = live_names(&found.events);
    assert_eq!(names, ["London-Central", "North", "STORE102", "Toledo_01"]);
    // Threads that parse change nothing.
    let again = read_with(&text, Foreign::default(), 2);
    assert_eq!(again.events, found.events);
    assert_eq!(again.counts, found.counts);
}

fn live_names(events: &[Event]) -> Vec<String> {
    let (mut stores, mut fx) = (Stores::default(), Effects::default());
    for event in events {
        stores.step(event, &mut fx);
    }
    let mut names: Vec<_> =
        stores.iter().map(|store| store.settings().name.as_str().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_first_rule_that_a_line_breaks_is_the_reason() {
    let line = |from: &str, to: &str| broken(&with(BASKET_LINE, 1, from, to));
    assert_eq!(line("{", "{"), "taken");
    assert_eq!(line("\"T1\"", "null"), "null_transaction_id");
    assert_eq!(line("\"P001\"", "\"  \""), "null_product_id");
    assert_eq!(line("\"Toledo_01\"", "null"), "null_store_id");
    assert_eq!(line("\"2026-03-02T09:00:00Z\"", "null"), "null_timestamp");
    assert_eq!(line("2026-03-02T09:00:00Z", "soon"), "bad_time");
    for wrong in ["0", "-1", "1.5", "null", "\"two\"", "true", "1000001"] {
        assert_eq!(line("\"quantity\":2", &format!("\"quantity\":{wrong}")), "invalid_quantity");
    }
    assert_eq!(line("\"unit_price\":1.2", "\"unit_price\":0"), "invalid_unit_price");
    assert_eq!(line("\"unit_price\":1.2", "\"unit_price\":1000000.01"), "invalid_unit_price");
    assert_eq!(line("\"total_price\":2.4", "\"total_price\":-2.4"), "invalid_total_price");
    assert_eq!(line("\"total_price\":2.4", "\"total_price\":2.42"), "inconsistent_total");
    // A cent off, and the digits of a binary fraction, are the source's rounding.
    assert_eq!(line("\"total_price\":2.4", "\"total_price\":2.41"), "taken");
    assert_eq!(line("\"total_price\":2.4", "\"total_price\":2.4000000000000004"), "taken");
    assert_eq!(line("\"P001\"", &format!("\"{}\"", "P".repeat(32))), "text_too_long");
    assert_eq!(line("\"P001\"", "[\"P001\"]"), "wrong_type");
    // Several at once: the first in the order of the rules.
    let many = with(BASKET_LINE, 1, "\"quantity\":2", "\"quantity\":0");
    assert_eq!(broken(&many.replace("\"P001\"", "null")), "null_product_id");
    assert_eq!(broken(&many.replace("2.4", "9.9")), "invalid_quantity");
}

#[test]
fn each_system_has_its_own_rules_too() {
    let stream = |number, from, to| broken(&with(RETAIL_STREAM, number, from, to));
    assert_eq!(stream(2, "27.98", "28"), "inconsistent_total");
    assert_eq!(
        stream(2, "\"event_version\":\"1.0\"", "\"event_version\":\"2.0\""),
        "unknown_version"
    );
    assert_eq!(stream(3, "\"new_quantity\":48", "\"new_quantity\":-1"), "invalid_stock");
    assert_eq!(stream(3, "\"new_quantity\":48", "\"new_quantity\":47"), "inconsistent_stock");
    let inventory = RETAIL_STREAM.lines().find(|line| line.contains("\"receipt\"")).unwrap();
    let nameless = inventory.replacen("\"inventory_id\":\"i-2\"", "\"inventory_id\":null", 1);
    assert_eq!(broken(&nameless), "null_movement_id");
    let price = RETAIL_STREAM.lines().find(|line| line.contains("price_change_id")).unwrap();
    assert_eq!(broken(price), "unknown_product");
    let movement = RETAIL_STREAM.lines().find(|line| line.contains("\"movement_type\":\"in\""));
    assert_eq!(broken(&movement.unwrap().replace("\"in\"", "\"up\"")), "unknown_movement");
    let basket = |from, to| broken(&with(BASKET, 2, from, to));
    assert_eq!(basket("\"final_amount\":10.0", "\"final_amount\":10.86"), "inconsistent_total");
    assert_eq!(basket("\"final_amount\":10.0", "\"final_amount\":null"), "invalid_total_price");
    assert_eq!(basket("\"total_amount\":10.85", "\"total_amount\":10.9"), "inconsistent_total");
    assert_eq!(basket("\"total\":4.98", "\"total\":5.98"), "inconsistent_total");
    assert_eq!(basket("\"product_id\":\"P003\"", "\"product_id\":null"), "null_product_id");
    assert_eq!(broken(r#"{"transaction_id":"x","final_amount":1,"items":[]}"#), "null_store_id");
    assert_eq!(broken(r#"{"transaction_id":"x","final_amount":1}"#), "null_items");
    let codes: std::collections::BTreeSet<_> = Broken::ALL.iter().map(|one| one.code()).collect();
    assert_eq!(codes.len(), Broken::ALL.len());
}

#[test]
fn what_could_be_of_two_systems_is_of_neither_until_one_is_named() {
    let line = r#"{"transaction_id":"T","product_id":"P","store_id":"S","quantity":1,
        "unit_price":1,"total_price":1,"discount_applied":0,"timestamp":"2026-03-02T09:00:00Z"}"#
        .replace('\n', "");
    assert_eq!(broken(&line), "ambiguous_format");
    let named = Foreign::new(Format::BasketLine, "UTC").unwrap();
    let found = read_with(&line, named, 0);
    assert_eq!(refused(&found), [] as [String; 0]);
    // A named system's reader leaves the others' lines where they are.
    let named = Foreign::new(Format::Basket, "UTC").unwrap();
    let found = read_with(BASKET_LINE, named, 0);
    assert_eq!(found.counts.rejected_lines, found.counts.lines);
    let own = read_with(BASKET, Foreign::new(Format::Shelf, "UTC").unwrap(), 0);
    assert_eq!(own.counts.rejected_lines, own.counts.lines);
    assert_eq!(broken(r#"{"event_type":"sale","timestamp":"x"}"#), "unknown_event_type");
    assert_eq!(broken(r#"{"event_type":"entry"}"#), "missing_field");
    for name in Format::names() {
        assert!(Format::of_name(name).is_some());
    }
    assert_eq!(Format::of_name("b"), Some(Format::RetailStream));
}

#[test]
fn local_times_are_those_of_the_named_zone() {
    let times = |zone: &str, time: &str| {
        let line = with(RETAIL_STREAM, 2, "2026-03-02T09:00:00.000001", time);
        let mut reader =
            LineReader::new(Foreign::new(Format::Auto, zone).unwrap(), Known::default());
        reader.read(line.as_bytes(), &defaults()).unwrap().events[0].at.0
    };
    let hour = shelf_domain::HOUR;
    let utc = times("UTC", "2026-03-02T09:00:00.5");
    assert_eq!(times("Europe/Madrid", "2026-03-02T09:00:00.5"), utc - hour);
    assert_eq!(times("Europe/Madrid", "2026-03-02T09:00:00.5Z"), utc);
    // Summer time; the hour that comes twice is the first, the one that never comes an hour later.
    let summer = times("UTC", "2026-07-02T09:00:00");
    assert_eq!(times("Europe/Madrid", "2026-07-02T09:00:00"), summer - 2 * hour);
    let twice = times("UTC", "2026-10-25T02:30:00");
    assert_eq!(times("Europe/Madrid", "2026-10-25T02:30:00"), twice - 2 * hour);
    let never = times("UTC", "2026-03-29T02:30:00");
    assert_eq!(times("Europe/Madrid", "2026-03-29T02:30:00"), never - hour);
    let error = Foreign::new(Format::Auto, "Europe/Madird").unwrap_err();
    assert_eq!(error.hint(), "did you mean Europe/Madrid?");
    // The stores that are made live by that zone.
    let foreign = Foreign::new(Format::Auto, "Europe/Madrid").unwrap();
    let stores = live(&read_with(BASKET, foreign, 0).events);
    let settings = store(&stores, "London-Central").settings();
    assert_eq!(settings.time_zone.as_str(), "Europe/Madrid");
}

#[test]
fn ids_follow_from_what_names_an_event() {
    let id = |line: &str| -> EventId {
        let mut reader = LineReader::new(Foreign::default(), Known::default());
        reader.read(line.as_bytes(), &defaults()).unwrap().events.last().unwrap().id
    };
    let line = RETAIL_STREAM.lines().nth(1).unwrap();
    assert_eq!(id(line), id(&line.replace("credit_card", "cash")));
    assert_ne!(id(line), id(&line.replace("s-1", "s-2")));
    // A generator of ids that repeats itself does not make one sale of two.
    let line = BASKET.lines().nth(1).unwrap();
    assert_ne!(id(line), id(&line.replace("T09:00:00", "T09:00:01")));
}

#[test]
fn lines_one_by_one_declare_what_is_not_known() {
    let mut reader = LineReader::new(Foreign::default(), Known::default());
    let line = BASKET_LINE.lines().next().unwrap();
    let first = reader.read(line.as_bytes(), &defaults()).unwrap();
    assert_eq!((first.declarations.len(), first.events.len()), (3, 1));
    let second = reader.read(line.as_bytes(), &defaults()).unwrap();
    assert_eq!((second.declarations.len(), second.events.len()), (0, 1));
    let error = reader.read(b"{\"event_type\":\"nothing\"}", &defaults()).unwrap_err();
    assert!(matches!(error, LineError::Json(_)), "{error}");
    assert!(!error.hint().is_empty());
}

/// Values that stand in foreign fields, and some that should not.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"2026-03-02T09:00:00\"".to_owned()),
        Just("\"x\\u0000\\ud83d\\ude00\"".to_owned()),
        Just("1e400".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("[{\"product_id\":\"P\",\"quantity\":1,\"unit_price\":1,\"total\":1}]".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        (0..100_u32, 0..1_000_u32).prop_map(|(whole, part)| format!("{whole}.{part}")),
        "[a-z_]{1,50}".prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(vec![
            "sale",
            "restock",
            "damage",
            "return",
            "receipt",
            "theft",
            "in",
            "out",
            "adjustment",
            "sales_transaction",
            "inventory_update",
            "price_change",
            "login",
            "1.0",
            "T1",
            "P001",
        ])
        .prop_map(|word| format!("\"{word}\"")),
    ]
}

fn object() -> impl Strategy<Value = String> {
    let names = vec![
        "event_type",
        "event_version",
        "event_id",
        "transaction_id",
        "inventory_id",
        "restock_id",
        "price_change_id",
        "store_id",
        "product_id",
        "quantity",
        "unit_price",
        "total_amount",
        "total_price",
        "final_amount",
        "discount_applied",
        "items",
        "timestamp",
        "customer_id",
        "quantity_change",
        "new_quantity",
        "previous_quantity",
        "current_stock",
        "reason",
        "restock_quantity",
        "movement_type",
        "new_price",
        "client_type",
        "payment_method",
    ];
    let field = (prop::sample::select(names), value());
    prop::collection::vec(field, 0..14).prop_map(|fields| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// A line of the examples with one value replaced.
fn changed() -> impl Strategy<Value = String> {
    let all: Vec<&str> =
        [RETAIL_STREAM, BASKET_LINE, BASKET].iter().flat_map(|text| text.lines()).collect();
    (prop::sample::select(all), any::<prop::sample::Index>(), value()).prop_map(
        |(line, place, value)| {
            let mut parts: Vec<String> = line.split(',').map(str::to_owned).collect();
            let part = place.get(&parts).clone();
            let at = parts.iter().position(|one| *one == part).unwrap();
            if let Some((name, _)) = part.split_once(':') {
                parts[at] = format!("{name}:{value}");
            }
            parts.join(",")
        },
    )
}

proptest! {
    /// Whatever is in them, every line becomes an event, and the core takes or refuses each.
    #[test]
    fn no_line_is_lost_and_none_breaks_anything(
        lines in prop::collection::vec(prop_oneof![object(), changed(), ".{0,40}"], 0..30),
    ) {
        let found = read(&lines.join("\n"));
        let counts = found.counts;
        prop_assert_eq!(counts.lines, counts.other_lines + counts.rejected_lines);
        let (mut stores, mut fx) = (Stores::default(), Effects::default());
        for event in &found.events {
            stores.step(event, &mut fx);
        }
        prop_assert!(stores.iter().all(|store| store.violations().is_empty()));
        // Once more they add nothing.
        let before: Vec<_> = stores.iter().map(Store::revenue_cents).collect();
        for event in &found.events {
            stores.step(event, &mut fx);
        }
        prop_assert_eq!(before, stores.iter().map(Store::revenue_cents).collect::<Vec<_>>());
    }
}
