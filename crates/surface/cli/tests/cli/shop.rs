//! A corner shop of one shelf of apples, and lines that happen in it.

use crate::program::Place;

/// The shop as JSON lines: 20 apples on the shelf, 100 in the warehouse.
pub(crate) const SHOP: &str = concat!(
    r#"{"event_type":"store","timestamp":"2026-03-02T08:00:00Z","store_id":"R1","name":"Corner"}"#,
    "\n",
    r#"{"event_type":"product","timestamp":"2026-03-02T08:00:00Z","store_id":"R1","#,
    r#""item_id":"APPLE","name":"Apple","category":"Fruit","price":1.2}"#,
    "\n",
    r#"{"event_type":"shelf","timestamp":"2026-03-02T08:00:00Z","store_id":"R1","#,
    r#""item_id":"APPLE","capacity_units":40}"#,
    "\n",
    r#"{"event_type":"opening_stock","timestamp":"2026-03-02T08:00:00Z","store_id":"R1","#,
    r#""item_id":"APPLE","batch_code":"L1","received_date":"2026-03-01","#,
    r#""expiry_date":"2026-04-01","floor_units":20,"warehouse_units":100}"#,
    "\n",
);

/// A customer takes units of a sku off its shelf at nine and so many minutes.
pub(crate) fn pickup(minute: u32, sku: &str, units: i64) -> String {
    format!(
        "{{\"event_type\":\"pickup\",\"timestamp\":\"2026-03-02T09:{minute:02}:00Z\",\
         \"store_id\":\"R1\",\"customer_id\":\"c1\",\"item_id\":\"{sku}\",\"quantity\":{units}}}\n"
    )
}

/// The product and the opening stock of another sku.
pub(crate) fn product(sku: &str) -> String {
    SHOP.lines()
        .filter(|line| line.contains("APPLE"))
        .fold(String::new(), |text, line| text + &line.replace("APPLE", sku) + "\n")
}

/// A place with the shop in its data folder.
pub(crate) fn open_shop() -> Place {
    let place = Place::new();
    let ran = place.feed("import -", SHOP);
    assert_eq!(ran.code, 0, "{ran:?}");
    place
}
