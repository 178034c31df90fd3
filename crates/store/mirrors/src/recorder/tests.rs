//! The rows of a few events, without a database.

use shelf_domain::{
    Body, Category, DAY, Day, Delivery, Effects, Event, EventId, HOUR, LotCode, OpeningStock,
    Origin, Outcome, PriceChange, Product, Receipt, ReceiptId, ReceiptLine, ShelfPlan, Sku,
    StoreId, StoreSettings, Stores, Timestamp,
};

use super::{Gathered, Recorder, Step};
use crate::table::Name;

/// 2026-01-30.
const START: Timestamp = Timestamp(20_483 * DAY);

fn milk() -> Sku {
    Sku::cut("MILK")
}

/// A day of a store with one product.
fn bodies() -> Vec<Body> {
    let (sku, day) = (milk(), Day(20_483));
    let category = Category::cut("Dairy");
    let product = Product { sku, category, price_cents: 120, ..Product::default() };
    let lot = LotCode::cut("L0");
    let stock = OpeningStock {
        sku,
        lot,
        received_day: day,
        expiry_day: Some(Day(day.0 + 7)),
        floor_units: 3,
        warehouse_units: 10,
        ..OpeningStock::default()
    };
    let line = ReceiptLine {
        sku,
        units: 3,
        unit_price_cents: 120,
        total_cents: 360,
        lot: Some(lot),
        ..ReceiptLine::default()
    };
    let receipt = Receipt {
        receipt: ReceiptId::cut("r\t1"),
        lines: vec![line, ReceiptLine { units: -1, total_cents: -120, lot: None, ..line }],
        ..Receipt::default()
    };
    let delivery = Delivery { sku, lot: LotCode::cut("L1"), units: 5, ..Delivery::default() };
    vec![
        Body::Store(StoreSettings::default().into()),
        Body::Product(product.into()),
        Body::Shelf(ShelfPlan { sku, capacity_units: 40, ..ShelfPlan::default() }),
        Body::OpeningStock(stock),
        Body::Delivery(delivery),
        Body::Receipt(receipt.into()),
        Body::Price(PriceChange { sku, price_cents: 130, ..PriceChange::default() }),
    ]
}

/// Records all events for a mirror that holds those below an offset.
fn record(from: u64) -> Gathered {
    let mut recorder = Recorder::new(&[from]);
    let (mut stores, mut effects) = (Stores::default(), Effects::default());
    for (offset, body) in bodies().into_iter().enumerate() {
        let at = START.plus(offset as i64 * HOUR);
        let event = Event {
            id: EventId(offset as u128 + 1),
            store: StoreId::cut("S1"),
            at,
            received_at: at,
            origin: Origin::default(),
            body,
        };
        let outcome = stores.step(&event, &mut effects);
        assert_eq!(outcome, Outcome::Accepted, "{offset}");
        recorder.record(&Step {
            partition: 0,
            offset: offset as u64,
            event: &event,
            outcome,
            effects: &effects,
            store: stores.get(event.store),
        });
    }
    recorder.take(stores.iter())
}

#[test]
fn what_happened_is_added_and_what_stands_is_there_once() {
    let gathered = record(0);
    assert_eq!(
        gathered.text(Name::POS_TRANSACTIONS),
        "0\t5\tS1\tr\\t1\t\\N\t2026-01-30 05:00:00.000000+00\t2\t2.40\t\\N\n"
    );
    assert_eq!(
        gathered.text(Name::POS_TRANSACTION_ITEMS),
        "0\t5\t1\tS1\tr\\t1\tMILK\t3\t1.20\t0.0000\t3.60\tL0\t2026-02-06\n\
         0\t5\t2\tS1\tr\\t1\tMILK\t-1\t1.20\t0.0000\t-1.20\t\\N\t\\N\n"
    );
    let movements = gathered.text(Name::WH_EVENTS);
    assert!(movements.contains("\twh_in\tMILK\tL1\t5\t"), "{movements}");
    assert!(movements.ends_with("\tsupplier_delivery\t2026-01-30\t\\N\n"), "{movements}");
    let products = gathered.text(Name::PRODUCTS);
    assert_eq!(products.lines().count(), 1);
    assert!(products.contains("\t1.30\t"), "the price that holds: {products}");
    assert_eq!(gathered.text(Name::WH_BATCH_STATE).lines().count(), 2);
    assert_eq!(gathered.text(Name::STORES).lines().count(), 1);
}

#[test]
fn what_the_mirror_holds_is_left_out() {
    let gathered = record(6);
    assert_eq!(gathered.text(Name::POS_TRANSACTIONS), "");
    assert_eq!(gathered.text(Name::STORES), "");
    // The last event changed a price.
    assert_eq!(gathered.text(Name::SHELF_STATE).lines().count(), 1);
    assert_eq!(record(7).rows(), 0);
}
