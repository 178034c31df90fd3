//! JSON at the edge: what is written reads back, the fast way reads as the general one, and errors
//! say what is wrong.

#![expect(clippy::unwrap_used, reason = "a test says by it what must be")]

use proptest::prelude::*;
use shelf_domain::{
    Body, Event, EventId, LotCode, OrderId, Origin, Scope, Sku, StoreId, TaskId, Timestamp,
};
use shelf_events::testing::events;
use shelf_events::{
    Defaults, ErrorCode, MAX_LINE_BYTES, parse_event, parse_event_general, rejected_event,
    write_event,
};

fn defaults() -> Defaults {
    Defaults { store: Some(StoreId::cut("S1")), received_at: Timestamp(1_767_254_400_000_000) }
}

fn body(line: &str) -> Body {
    parse_event(line.as_bytes(), &defaults()).unwrap().body
}

fn error(line: &str) -> (ErrorCode, &'static str) {
    let error = parse_event(line.as_bytes(), &defaults()).unwrap_err();
    assert!(!error.hint().is_empty());
    assert!(!error.to_string().ends_with('.'));
    (error.code, error.field)
}

fn written(event: &shelf_domain::Event) -> Vec<u8> {
    let mut out = Vec::new();
    write_event(event, &mut out);
    out
}

proptest! {
    #[test]
    fn an_event_comes_back(event in events()) {
        let line = written(&event);
        let event = Event { origin: Origin::default(), ..event };
        let bare = Defaults { store: None, received_at: Timestamp(0) };
        prop_assert_eq!(parse_event(&line, &bare), Ok(event.clone()));
        prop_assert_eq!(parse_event_general(&line, &bare), Ok(event));
    }

    #[test]
    fn the_fast_way_reads_as_the_general_one(
        event in events(),
        changes in prop::collection::vec(
            (
                any::<prop::sample::Index>(),
                prop::sample::select(&b"\"\\{}[],:0-9.eE \nnulltrue\x00\xc3_"[..]),
            ),
            0..4,
        ),
    ) {
        let mut line = written(&event);
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        prop_assert_eq!(parse_event(&line, &defaults()), parse_event_general(&line, &defaults()));
    }

    #[test]
    fn random_bytes_never_panic(line in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse_event(&line, &defaults());
    }

    #[test]
    fn numbers_and_words_of_any_form_read_alike_both_ways(
        number in "-?[0-9]{0,4}(\\.[0-9]{0,4})?([eE][+-]?[0-9]{0,3})?",
        space in "[ \t\r\n]{0,2}",
    ) {
        let line = format!(
            "{space}{{{space}\"event_type\"{space}:{space}\"pickup\",\"item_id\":\"A\",\
             \"quantity\":{number}{space},\"weight\":{number},\
             \"timestamp\":\"2026-01-01T08:00:00Z\"}}{space}"
        );
        let line = line.as_bytes();
        prop_assert_eq!(parse_event(line, &defaults()), parse_event_general(line, &defaults()));
    }
}

#[test]
fn the_records_of_the_reference_read() {
    let Body::Pickup(touch) = body(
        r#"{"event_type":"pickup","customer_id":"c","item_id":"BEV1","quantity":2,"weight":330.5,
            "timestamp":"2026-01-01T08:00:00+00:00"}"#,
    ) else {
        panic!("not a pickup")
    };
    assert_eq!((touch.units, touch.unit_weight_g), (2, 331));
    let Body::Refill(refill) = body(
        r#"{"event_type":"putback","customer_id":"restock_bot","item_id":"x","shelf_id":"BEV1",
            "quantity":9,"weight":1.0,"timestamp":"2026-01-01 08:00:00+00:00"}"#,
    ) else {
        panic!("not a refill")
    };
    assert_eq!((refill.sku, refill.units), (Sku::cut("BEV1"), 9));
    let Body::WeightChange(change) = body(
        r#"{"event_type":"weight_change","customer_id":null,"item_id":"BEV1",
            "delta_weight":-660.5,"timestamp":"2026-01-01T08:00:00.123456789Z"}"#,
    ) else {
        panic!("not a change of weight")
    };
    assert_eq!((change.delta_g, change.customer), (-661, None));
    let Body::Delivery(delivery) = body(
        r#"{"event_type":"wh_in","event_id":"9f","plan_id":"01234567-89ab-cdef-0123-456789abcdef",
            "shelf_id":"BEV1","batch_code":"B-1","qty":48,"unit":"ea","fifo":true,
            "timestamp":"2026-01-01T08:00:00Z","received_date":"2026-01-01",
            "expiry_date":"2026-03-01","batch_quantity_warehouse_after":null,
            "reason":"supplier_delivery"}"#,
    ) else {
        panic!("not a delivery")
    };
    assert_eq!((delivery.lot, delivery.units, delivery.order), (LotCode::cut("B-1"), 48, None));
    let Body::Policy(policy) = body(
        r#"{"policy_id":"p","shelf_id":"__GLOBAL__","item_category":null,"item_subcategory":null,
            "threshold_pct":30.0,"min_qty":1,"active":true,"updated_at":"2026-01-01T00:00:00Z"}"#,
    ) else {
        panic!("not a policy")
    };
    assert_eq!((policy.scope, policy.min_units, policy.active), (Scope::Global, Some(1), true));
    assert_eq!(policy.refill_below.map(|part| part.0), Some(3_000));
    let session = parse_event(
        r#"{"event_type":"foot_traffic","customer_id":"c","entry_time":"2026-01-01T08:00:00Z",
            "exit_time":"2026-01-01T08:30:00Z","trip_duration_minutes":30,"weekday":"Thursday",
            "time_slot":"08:00–09:00"}"#
            .as_bytes(),
        &defaults(),
    );
    assert_eq!(session.map(|event| event.at), Ok(Timestamp(1_767_254_400_000_000)));
}

#[test]
fn a_receipt_reads_to_the_cent() {
    let Body::Receipt(receipt) = body(
        r#"{"event_type":"pos_transaction","transaction_id":"r","customer_id":"c",
            "timestamp":"2026-01-01T08:00:00Z","items":[
            {"item_id":"A","quantity":3,"unit_price":1.99,"discount":0.3,"batch_code":"L"},
            {"sku":"B","qty":-1,"unit_price":0.29,"discount":0.125,"total_price":-0.25,
             "expiry_date":"2026-01-02"}]}"#,
    ) else {
        panic!("not a receipt")
    };
    let lines: Vec<_> = receipt
        .lines
        .iter()
        .map(|line| (line.units, line.unit_price_cents, line.discount.0, line.total_cents))
        .collect();
    assert_eq!(lines, [(3, 199, 3_000, 418), (-1, 29, 1_250, -25)]);
}

#[test]
fn tasks_and_orders_are_named_by_their_numbers() {
    let moved = |plan: &str| {
        body(&format!(
            r#"{{"event_type":"wh_out","plan_id":{plan},"shelf_id":"A","qty":1,
                "at":"2026-01-01T08:00:00Z"}}"#
        ))
    };
    for plan in [r#""T-12""#, r#""12""#, "12"] {
        assert!(matches!(moved(plan), Body::WarehouseOut(out) if out.task == Some(TaskId(12))));
    }
    let line = r#"{"event_type":"wh_in","order_id":"O-3","shelf_id":"A","qty":1,"batch_code":"L",
        "at":"2026-01-01T08:00:00Z"}"#;
    assert!(matches!(body(line), Body::Delivery(found) if found.order == Some(OrderId(3))));
    let line = r#"{"event_type":"wh_in","order_id":"X-3","shelf_id":"A","qty":1,"batch_code":"L",
        "at":"2026-01-01T08:00:00Z"}"#;
    assert_eq!(error(line), (ErrorCode::BadId, "order_id"));
}

#[test]
fn the_same_bytes_are_the_same_event() {
    let id = |line: &str| parse_event(line.as_bytes(), &defaults()).unwrap().id;
    let line = r#"{"event_type":"clock","timestamp":"2026-01-01T08:00:00Z"}"#;
    assert_eq!(id(line), id(&format!("{line}\r\n")));
    assert_ne!(id(line), id(&line.replace("08", "09")));
    let named = r#"{"event_type":"clock","event_id":"0000000000000000000000000000002a",
        "timestamp":"2026-01-01T08:00:00Z"}"#;
    assert_eq!(id(named), EventId(42));
}

#[test]
fn each_wrong_line_has_its_code_and_field() {
    let pickup = |change: &str| {
        format!(
            r#"{{"event_type":"pickup","item_id":"A","timestamp":"2026-01-01T08:00:00Z",{change}}}"#
        )
    };
    for (line, code, field) in [
        ("", ErrorCode::MalformedJson, ""),
        (r#"{"event_type":"pickup""#, ErrorCode::MalformedJson, ""),
        (r#"{"event_type":"clock"} x"#, ErrorCode::MalformedJson, ""),
        ("[1]", ErrorCode::WrongType, ""),
        ("{}", ErrorCode::MissingField, "event_type"),
        (r#"{"event_type":"dance"}"#, ErrorCode::UnknownEventType, "event_type"),
        (r#"{"event_type":"clock"}"#, ErrorCode::MissingField, "timestamp"),
        (r#"{"event_type":"clock","time":"2026-01-01T08:00:00"}"#, ErrorCode::BadTime, "time"),
        (r#"{"event_type":"clock","time":17}"#, ErrorCode::WrongType, "time"),
        (&pickup(r#""quantity":-1"#), ErrorCode::NegativeUnits, "quantity"),
        (&pickup(r#""quantity":1.5"#), ErrorCode::WrongType, "quantity"),
        (&pickup(r#""quantity":"2""#), ErrorCode::WrongType, "quantity"),
        (&pickup(r#""quantity":1e30"#), ErrorCode::OutOfRange, "quantity"),
        (&pickup(r#""qty":1,"qty":2"#), ErrorCode::DuplicateField, "qty"),
        (&pickup(r#""customer_id":"c""#), ErrorCode::MissingField, "quantity"),
        (
            r#"{"event_type":"promotion","item_id":"A","discount":0.1,"from_date":"1.2.2026"}"#,
            ErrorCode::BadDate,
            "from_date",
        ),
        (
            r#"{"event_type":"count","item_id":"A","location":"attic"}"#,
            ErrorCode::BadChoice,
            "location",
        ),
    ] {
        assert_eq!(error(line), (code, field), "{line}");
    }
    let long = format!(r#""quantity":1,"customer_id":"{}""#, "x".repeat(40));
    assert_eq!(error(&pickup(&long)), (ErrorCode::TextTooLong, "customer_id"));
}

#[test]
fn huge_and_binary_lines_are_errors_and_are_kept() {
    let huge = vec![b'x'; MAX_LINE_BYTES + 5];
    let error = parse_event(&huge, &defaults()).unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
    let event = rejected_event(&error, &huge, "file.ndjson", 7, &defaults());
    let Body::Rejected(rejected) = &event.body else { panic!("not rejected") };
    assert_eq!((rejected.raw_len, rejected.raw.len()), (huge.len() as u64, MAX_LINE_BYTES));
    assert_eq!((rejected.reason.as_str(), rejected.line), ("too_large", 7));
    let again = |line_no| rejected_event(&error, &huge, "file.ndjson", line_no, &defaults()).id;
    assert!(again(7) == event.id && again(8) != event.id);

    let binary = b"{\"event_type\":\"\xff\"}";
    let error = parse_event(binary, &Defaults { store: None, ..defaults() }).unwrap_err();
    assert_eq!(
        (error.code, error.to_string().as_str()),
        (ErrorCode::InvalidUtf8, "the line is not UTF-8: at byte 16",)
    );
    let nobody = Defaults { store: None, ..defaults() };
    assert_eq!(rejected_event(&error, binary, "s", 1, &nobody).store.as_str(), "unknown");
}

#[test]
fn a_time_without_an_offset_says_so() {
    let line = br#"{"event_type":"clock","timestamp":"2026-01-01T08:00:00"}"#;
    let error = parse_event(line, &defaults()).unwrap_err();
    assert_eq!(error.to_string(), "timestamp is not a time with an offset: 2026-01-01T08:00:00");
    assert!(error.hint().contains("offset"));
}

#[test]
fn a_line_needs_a_store_from_somewhere() {
    let line = br#"{"event_type":"clock","timestamp":"2026-01-01T08:00:00Z"}"#;
    let error = parse_event(line, &Defaults { store: None, ..defaults() }).unwrap_err();
    assert_eq!((error.code, error.field), (ErrorCode::MissingField, "store_id"));
}
