//! The bench of what other systems send: how many of their messages a second come from their topics
//! into the log, all through the one taker of a chain, in the order of writing. The broker runs
//! beside it, on the same cores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_domain::Body;
use shelf_events::decode_event;
use shelf_host::{ForeignOptions, IntakeOptions, KafkaIntake};
use shelf_kafka::{Connection, FOREIGN, LOG_EVENTS, Outbox, Reader, SOURCES, TopicOptions, init};
use shelf_sources::{Foreign, Format};

use super::Measured;
use super::kafka::{PARTITIONS, kafka, topics};
use super::steady::gave_up;
use crate::failure::Failure;

const MESSAGES: u64 = 600_000;
/// Messages that are sent before the brokers are waited for.
const CHUNK: u64 = 10_000;
/// Messages of a round, in which each kind comes as often as its system sends it, or about so.
const ROUND: u64 = 16;
/// What a store sells or is delivered in a round: two messages each.
const ACTS: u64 = 5;
const STORES: u64 = 6;
const SKUS: u64 = 12;
/// What a product has at first, what a sale takes of it, and after how many it is delivered anew.
const STOCK: u64 = 200;
const SOLD: u64 = 2;
const SALES: u64 = 49;
const CITIES: [&str; 3] = ["London-Central", "Edinburgh-Royal", "Leeds-West"];
const GOODS: [(&str, &str, &str, u64); 4] = [
    ("P001", "Organic Milk", "Dairy", 249),
    ("P002", "Whole Wheat Bread", "Bakery", 189),
    ("P003", "Free Range Eggs", "Dairy", 329),
    ("P007", "Coffee Beans", "Beverages", 899),
];
/// What is older flows: messages wait for those that may be under way.
const BACKLOG: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(3);

/// Messages a second from the topics of two other systems into the log, committed.
pub(super) fn messages(url: &str) -> Result<Measured, Failure> {
    let connection = topics(url)?;
    let names = FOREIGN.map(|of| (of.name, connection.name(of.name)));
    let of_names = || names.iter().map(|(_, full)| full.clone()).zip(&FOREIGN);
    let foreign = of_names().map(|(full, of)| (full, of.partitions)).collect();
    let options = TopicOptions { partitions: PARTITIONS, foreign, ..Default::default() };
    init(&connection, &options).map_err(kafka)?;
    fill(&connection, &names)?;
    std::thread::sleep(BACKLOG);
    let format = |name: &str| Format::of_name(name).ok_or_else(|| gave_up("no such format"));
    let mut formats = Vec::new();
    for (full, of) in of_names() {
        formats.push((full, format(of.format)?));
    }
    let options = IntakeOptions {
        foreign: Some(ForeignOptions::new(formats, Foreign::default())),
        ..IntakeOptions::new(&SOURCES, PARTITIONS)
    };
    let (intake, stop) = (KafkaIntake::join(&connection, options)?, AtomicBool::new(false));
    let (seconds, first) = std::thread::scope(|scope| -> Result<(f64, u64), Failure> {
        let running = scope.spawn(|| intake.run(&stop));
        let measured = measure(&intake);
        stop.store(true, Ordering::Release);
        running.join().map_err(|_| gave_up("the taker has stopped"))??;
        measured
    })?;
    let failures = intake.failures();
    intake.leave();
    let events = events(&connection)?;
    Ok(Measured {
        unit: "messages/s",
        value: (MESSAGES - first) as f64 / seconds,
        target: "at least 50,000",
        detail: json!({
            "messages": MESSAGES, "topics": FOREIGN.len(), "stores": STORES + 3,
            "seconds": seconds, "events": events, "failures": failures,
        }),
    })
}

/// Has the topics hold what the systems have sent.
fn fill(connection: &Connection, names: &[(&'static str, String)]) -> Result<(), Failure> {
    let mut outbox = Outbox::open_for(connection, names).map_err(kafka)?;
    for first in (0..MESSAGES).step_by(CHUNK as usize) {
        outbox.begin();
        for number in first..MESSAGES.min(first + CHUNK) {
            let (topic, key, message) = message(number);
            outbox.send(topic, &key, message.to_string().as_bytes()).map_err(kafka)?;
        }
        outbox.arrived().map_err(kafka)?;
    }
    Ok(())
}

/// The seconds from the first commit to the last, and how many messages the first had.
fn measure(intake: &KafkaIntake) -> Result<(f64, u64), Failure> {
    let begun = Instant::now();
    let committed = |least: u64| {
        while intake.committed() < least {
            if begun.elapsed() > PATIENCE {
                return Err(gave_up(&format!("the taker stands: {:?}", intake.trouble())));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Instant::now())
    };
    let from = committed(1)?;
    let first = intake.committed();
    Ok((committed(MESSAGES)?.duration_since(from).as_secs_f64(), first))
}

/// How many events the messages came to. None of them is one that could not be read.
fn events(connection: &Connection) -> Result<u64, Failure> {
    let mut reader = Reader::open(connection, LOG_EVENTS).map_err(kafka)?;
    let (mut events, mut rejected) = (0, 0_u64);
    while !reader.at_end() {
        let shown = reader.next(Duration::from_secs(1), |message| {
            let event = decode_event(message.payload.unwrap_or_default());
            let read = event.is_ok_and(|event| !matches!(event.body, Body::Rejected(_)));
            events += 1;
            rejected += u64::from(!read);
        });
        shown.map_err(kafka)?;
    }
    if rejected > 0 {
        return Err(gave_up(&format!("{rejected} messages could not be read")));
    }
    Ok(events)
}

/// A message of this number: its topic, its key, and what it says.
fn message(number: u64) -> (&'static str, String, Value) {
    let (round, slot) = (number / ROUND, number % ROUND);
    match slot {
        0..10 if slot.is_multiple_of(2) => act(round * ACTS + slot / 2, number),
        0..10 => change(round * ACTS + slot / 2, number),
        10 => price(round, number),
        11 => customer(number),
        12 | 13 => basket(number),
        14 => shelf_change(round, number),
        _ => visit(number),
    }
}

/// The store and the product of an act, and how many that product had before.
fn sold(act: u64) -> (String, String, u64) {
    let (pair, turn) = (act % (STORES * SKUS), act / (STORES * SKUS));
    let (store, sku) = (pair / SKUS, pair % SKUS);
    (format!("STORE{}", 100 + store), format!("SKU{}", 10_000 + sku), turn % (SALES + 1))
}

/// A sale; where the product is to be delivered, what the system says before that.
fn act(act: u64, number: u64) -> (&'static str, String, Value) {
    let (store, sku, sales) = sold(act);
    if sales == SALES {
        let alert = json!({
            "alert_id": id(number), "store_id": store, "product_id": sku,
            "current_quantity": STOCK - SALES * SOLD, "reorder_point": 110,
            "supplier": "Supplier 1", "alert_type": "low_stock", "severity": "high",
            "timestamp": stamp(number), "event_type": "restock_alert", "event_version": "1.0",
        });
        return ("retail-restock-alerts", store, alert);
    }
    let sale = json!({
        "transaction_id": id(number), "store_id": store, "product_id": sku, "quantity": SOLD,
        "unit_price": 2.49, "total_amount": 4.98, "timestamp": stamp(number),
        "customer_id": format!("CUST{}", 1_000 + number % 9_000), "payment_method": "cash",
        "store_region": "North", "product_category": "Electronics",
        "event_type": "sales_transaction", "event_version": "1.0",
    });
    ("retail-sales-transactions", id(number), sale)
}

/// The change of stock that an act leads to.
fn change(act: u64, number: u64) -> (&'static str, String, Value) {
    let (store, sku, sales) = sold(act);
    let before = STOCK - sales * SOLD;
    let (after, reason) = if sales == SALES { (STOCK, "receipt") } else { (before - SOLD, "sale") };
    let change = json!({
        "inventory_id": id(number), "store_id": store, "product_id": sku,
        "quantity_change": after as i64 - before as i64, "new_quantity": after,
        "previous_quantity": before, "reason": reason, "timestamp": stamp(number),
        "event_type": "inventory_update", "event_version": "1.0",
    });
    ("retail-inventory-updates", format!("{store}_{sku}"), change)
}

/// A price, which holds in all stores.
fn price(round: u64, number: u64) -> (&'static str, String, Value) {
    let (sku, turn) = (round % SKUS, round / SKUS);
    let cents = |turn: u64| (199 + 37 * sku + turn % 40) as f64 / 100.0;
    let price = json!({
        "price_change_id": id(number), "product_id": format!("SKU{}", 10_000 + sku),
        "old_price": cents(turn), "new_price": cents(turn + 1), "change_pct": 0.5,
        "reason": "promotion", "effective_date": stamp(number), "timestamp": stamp(number),
    });
    ("retail-price-changes", id(number), price)
}

fn customer(number: u64) -> (&'static str, String, Value) {
    let (store, sku, _) = sold(number);
    let step = json!({
        "event_id": id(number), "store_id": store, "customer_id": "CUST1000",
        "event_type": "cart_addition", "product_id": sku, "session_duration": 60,
        "timestamp": stamp(number),
    });
    ("retail-customer-events", id(number), step)
}

/// A whole basket of the second system.
fn basket(number: u64) -> (&'static str, String, Value) {
    let bought = GOODS.iter().cycle().skip(number as usize % GOODS.len()).take(2);
    let cents: u64 = bought.clone().map(|good| good.3).sum();
    let items: Vec<Value> = bought
        .map(|(sku, name, category, cents)| {
            let price = *cents as f64 / 100.0;
            json!({
                "product_id": sku, "product_name": name, "category": category, "quantity": 1,
                "unit_price": price, "total": price,
            })
        })
        .collect();
    let key = format!("TXN-{number}");
    let basket = json!({
        "transaction_id": key, "timestamp": stamp(number), "store_id": city(number),
        "customer_id": "CUST-10000", "customer_type": "member", "items": items,
        "total_amount": cents as f64 / 100.0, "payment_method": "card", "discount_applied": 0.5,
        "final_amount": (cents - 50) as f64 / 100.0,
    });
    ("retail-transactions", key, basket)
}

fn shelf_change(round: u64, number: u64) -> (&'static str, String, Value) {
    let (of, turn) = (round % 12, round / 12);
    let (kind, units, after) =
        if turn.is_multiple_of(2) { ("sale", -4, 246) } else { ("restock", 4, 250) };
    let (sku, name, _, _) = GOODS.get(of as usize % GOODS.len()).copied().unwrap_or_default();
    let key = format!("INV-{number}");
    let change = json!({
        "event_id": key, "timestamp": stamp(number), "store_id": city(of / 4), "product_id": sku,
        "product_name": name, "event_type": kind, "quantity_change": units,
        "current_stock": after, "reorder_level": 50, "alert": false,
    });
    ("inventory-updates", key, change)
}

fn visit(number: u64) -> (&'static str, String, Value) {
    let key = format!("CUST-{number}");
    let visit = json!({
        "event_id": key, "timestamp": stamp(number), "customer_id": "CUST-10001",
        "event_type": "login", "store_id": city(number), "session_duration": 30,
        "page_views": 2, "device": "mobile", "channel": "app",
    });
    ("customer-events", key, visit)
}

fn city(number: u64) -> &'static str {
    CITIES.get(number as usize % CITIES.len()).copied().unwrap_or_default()
}

/// An id as the first system makes them.
fn id(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-{number:012x}")
}

/// When the systems say that it happened: a tenth of a second after the one before.
fn stamp(number: u64) -> String {
    let (seconds, tenth) = (number / 10, number % 10);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    format!("2026-03-{:02}T{hours:02}:{minutes:02}:{seconds:02}.{tenth}00000", 2 + days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_events::Defaults;
    use shelf_sources::{Known, LineReader};

    #[test]
    fn every_message_is_one_of_its_system_and_every_topic_has_some() {
        let mut reader = LineReader::new(Foreign::default(), Known::default());
        let defaults = Defaults { store: None, received_at: shelf_domain::Timestamp(0) };
        let mut events = std::collections::BTreeMap::<&str, usize>::new();
        for number in 0..ROUND * (STORES * SKUS) * (SALES + 1) / ACTS {
            let (topic, key, message) = message(number);
            let of = FOREIGN.iter().find(|of| of.name == topic).expect("a topic");
            let format = Format::of_name(of.format).expect("a format");
            let text = message.to_string();
            let lines = reader.read_as(format, text.as_bytes(), &defaults);
            let lines = lines.unwrap_or_else(|error| panic!("{key} {text}: {error:?}"));
            *events.entry(topic).or_default() += lines.events.len();
        }
        assert_eq!(events.len(), FOREIGN.len(), "{events:?}");
        assert!(events["retail-sales-transactions"] > 0 && events["retail-transactions"] > 0);
    }
}
