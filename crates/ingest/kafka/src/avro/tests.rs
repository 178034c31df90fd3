//! What we write reads back as the same, and no bytes stop us.

use apache_avro::Schema;
use serde_json::json;
use shelf_domain::Timestamp;
use shelf_events::{Defaults, parse_event};

use super::*;
use crate::Secret;

const NONE: Defaults = Defaults { store: None, received_at: Timestamp(0) };

/// A registry that nobody needs to ask, because these schemas are known.
fn with(schemas: &[(u32, &str)]) -> Avro {
    let options = RegistryOptions { url: "http://127.0.0.1:1".to_owned(), ..Default::default() };
    let avro = Avro::new(&options).unwrap();
    for (number, text) in schemas {
        let known = Known::Schema(Arc::new(Read::parse(text).unwrap()));
        locked(&avro.0.known).insert(*number, known);
    }
    avro
}

fn message(number: u32, schema: &str, value: &Value) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let value = value_of(&schema, value).unwrap();
    let mut message = vec![MAGIC];
    message.extend_from_slice(&number.to_be_bytes());
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    writer.write_value_ref(&mut message, &value).unwrap();
    message
}

fn schema(name: &str) -> String {
    let found = avro_schemas().into_iter().find(|(known, _)| known == name);
    found.unwrap().1.to_string()
}

#[test]
fn every_topic_that_we_write_json_to_has_a_schema() {
    assert_eq!(ours().len(), 1 + 11);
    for (name, schema) in avro_schemas() {
        Schema::parse(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_message_is_the_event_that_its_json_is() {
    let text = schema("event.pos_transaction");
    let line = json!({
        "store_id": "S001", "timestamp": "2026-01-31T08:00:00Z", "transaction_id": "T1",
        "items": [{ "item_id": "MILK", "quantity": 2, "unit_price": 1.29, "discount": 0.1 }],
    });
    let avro = with(&[(7, &text)]);
    let mut read = Vec::new();
    avro.decode(&message(7, &text, &line), &mut read).unwrap();
    let shown = String::from_utf8(read.clone()).unwrap();
    assert!(shown.contains("\"unit_price\":1.29"), "{shown}");
    let event = parse_event(&read, &NONE).unwrap();
    let mut line = line;
    line["event_type"] = json!("pos_transaction");
    let told = parse_event(line.to_string().as_bytes(), &NONE).unwrap();
    assert_eq!((event.body, event.at, event.store), (told.body, told.at, told.store));
}

#[test]
fn a_union_of_all_kinds_names_the_kind_by_its_record() {
    let text = r#"[{"type":"record","name":"entry","fields":[
        {"name":"store_id","type":"string"},{"name":"time","type":
        {"type":"long","logicalType":"timestamp-millis"}}]},
        {"type":"record","name":"exit","fields":[]}]"#;
    let mut bytes = vec![0, 0, 0, 0, 3, 0, 8];
    bytes.extend_from_slice(b"S001");
    // 1,000 ms as a zigzag number.
    bytes.extend_from_slice(&[0xd0, 0x0f]);
    let mut line = Vec::new();
    with(&[(3, text)]).decode(&bytes, &mut line).unwrap();
    let expected = r#"{"event_type":"entry","store_id":"S001","time":"1970-01-01T00:00:01Z"}"#;
    assert_eq!(String::from_utf8(line).unwrap(), expected);
}

#[test]
fn decimals_keep_their_digits() {
    let text = |bytes: &[u8], scale| decimal_of(bytes, scale);
    assert_eq!(text(&[0], 2), "0.00");
    assert_eq!(text(&[0xff], 2), "-0.01");
    assert_eq!(text(&(-12_345_i64).to_be_bytes(), 2), "-123.45");
    assert_eq!(text(&[0x30, 0x39], 0), "12345");
    assert_eq!(text(&(i64::MAX).to_be_bytes(), 2), "92233720368547758.07");
}

fn decimal_of(bytes: &[u8], scale: usize) -> String {
    json::decimal_text(bytes, scale).unwrap()
}

#[test]
fn what_cannot_be_read_says_why_and_a_silent_registry_says_nothing() {
    let text = schema("event.entry");
    let avro = with(&[(7, &text)]);
    let mut line = Vec::new();
    let whole = message(7, &text, &json!({ "timestamp": "2026-01-31T08:00:00Z" }));
    let mut code = |bytes: &[u8]| match avro.decode(bytes, &mut line) {
        Err(Unread::Message(error)) => error.code.code(),
        Err(Unread::Registry(error)) => error.code(),
        Ok(()) => "read",
    };
    assert_eq!(code(&whole), "read");
    for cut in 0..whole.len() {
        assert_eq!(code(&whole[..cut]), "malformed_avro", "{cut} bytes");
    }
    assert_eq!(code(&[&whole[..], &[0]].concat()), "malformed_avro");
    assert_eq!(code(b"{\"a\": 1}"), "malformed_avro");
    assert_eq!(code(&[0, 0, 0, 0, 8, 0]), "registry_unreachable");
    // Every byte changed in every way ends, whatever it comes to.
    for at in HEADER_BYTES..whole.len() {
        for byte in 0..=255 {
            let mut other = whole.clone();
            other[at] = byte;
            code(&other);
        }
    }
}

#[test]
fn a_schema_that_holds_itself_is_refused() {
    let list = r#"{"type":"record","name":"l","fields":[{"name":"next","type":["null","l"]}]}"#;
    let error = Read::parse(list).err().unwrap();
    assert_eq!(error, "l holds itself");
}

#[test]
fn an_address_and_a_file_are_checked_at_once() {
    let code = |url: &str, file: Option<&str>| {
        let (url, ca_file) = (url.to_owned(), file.map(Into::into));
        let user = Some(("u".to_owned(), Secret::new("hunter2")));
        Avro::new(&RegistryOptions { url, user, ca_file }).err().map(|error| error.to_string())
    };
    assert_eq!(code("http://a:1", None), None);
    assert!(code("a:1", None).unwrap().contains("http://"));
    assert!(code("https://a", Some("/no/such")).unwrap().contains("/no/such"));
}
