//! From rows of `config` to events.

use shelf_domain::{Body, Event, EventId, Origin, Product, ShelfPlan, Sku, StoreId};
use shelf_events::{Defaults, ErrorCode, JsonError, rejected_event, write_event};
use tokio_postgres::{Error, Row, Transaction};
use xxhash_rust::xxh3::Xxh3;

use super::{ReadEvent, Shop};

/// The time that a row's JSON says, which its event does not keep: a change counts as made at the
/// store's present.
const ANY_TIME: &str = "2026-01-01T00:00:00Z";

/// Tables whose rows say all that their events do: the table, its key, and the event.
const WHOLE: [(&str, &str, &str); 5] = [
    ("stores", "store_id", "store"),
    ("suppliers", "supplier_id", "supplier"),
    ("shelf_policies", "policy_id", "policy"),
    ("wh_policies", "policy_id", "policy"),
    (REMOVED, "policy_id", "policy"),
];

/// The table of policies that no longer count: told where no row of that id holds for the store.
const REMOVED: &str = "removed_policies";
const UNLESS_HELD: &str = "AND NOT EXISTS (SELECT FROM config.shelf_policies h WHERE \
    h.policy_id = t.policy_id AND (h.store_id = $2 OR h.store_id IS NULL)) \
    AND NOT EXISTS (SELECT FROM config.wh_policies h WHERE \
    h.policy_id = t.policy_id AND (h.store_id = $2 OR h.store_id IS NULL))";

/// Reading the changes of one store.
pub(super) struct Reading<'a, S> {
    pub(super) store: StoreId,
    pub(super) noted: i64,
    pub(super) read: ReadEvent,
    pub(super) shop: &'a S,
}

/// A row that has changed.
struct Changed<'a> {
    table: &'a str,
    key: &'a str,
    revision: i64,
    json: &'a str,
}

/// A part of a product or shelf that a row says, where it says it.
#[derive(Clone, Copy)]
struct Parts {
    weight_g: Option<i64>,
    pack_units: Option<i64>,
    capacity_units: Option<i64>,
    warehouse_capacity_units: Option<i64>,
}

impl<S: Shop> Reading<'_, S> {
    /// Appends the events of all rows above the noted number: the store first, then suppliers,
    /// products with their shelves, policies.
    pub(super) async fn all(
        &self,
        snapshot: &Transaction<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        for (number, (table, key, kind)) in WHOLE.into_iter().enumerate() {
            if number == 2 {
                self.products(snapshot, events).await?;
            }
            let unless = if table == REMOVED { UNLESS_HELD } else { "" };
            let statement = format!(
                "SELECT {key}, revision, jsonb_strip_nulls(to_jsonb(t) - ARRAY['revision', \
                 'created_at', 'updated_at', 'store_id'])::text FROM config.{table} t \
                 WHERE revision > $1 AND (store_id = $2 OR store_id IS NULL) {unless} \
                 ORDER BY revision"
            );
            let store = self.store.as_str();
            for row in snapshot.query(&statement, &[&self.noted, &store]).await? {
                let (key, revision, json): (&str, i64, &str) = (row.get(0), row.get(1), row.get(2));
                let changed = Changed { table, key, revision, json };
                events.push(self.event(&changed, self.body(kind, json)));
            }
        }
        Ok(())
    }

    /// The events of products and shelves about which any of three tables says something new.
    async fn products(
        &self,
        snapshot: &Transaction<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        const CHANGED: &str = "
            WITH mine AS (
                SELECT shelf_id, revision, store_id FROM config.products
                UNION ALL SELECT shelf_id, revision, store_id FROM config.shelf_profiles
                UNION ALL SELECT shelf_id, revision, store_id FROM config.batch_catalog
            ), changed AS (
                SELECT shelf_id, max(revision) AS revision FROM mine
                WHERE revision > $1 AND (store_id = $2 OR store_id IS NULL) GROUP BY shelf_id
            )
            SELECT c.shelf_id, c.revision, p.json, f.json, round(f.item_weight)::bigint,
                   b.standard_batch_size::bigint, f.capacity_units::bigint,
                   f.warehouse_capacity_units::bigint
            FROM changed c
            LEFT JOIN LATERAL (
                SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['revision', 'created_at',
                       'updated_at', 'store_id'])::text AS json
                FROM config.products t
                WHERE t.shelf_id = c.shelf_id AND (store_id = $2 OR store_id IS NULL)
                ORDER BY store_id NULLS LAST LIMIT 1) p ON true
            LEFT JOIN LATERAL (
                SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['revision', 'created_at',
                       'updated_at', 'store_id', 'item_weight'])::text AS json, t.*
                FROM config.shelf_profiles t
                WHERE t.shelf_id = c.shelf_id AND (store_id = $2 OR store_id IS NULL)
                ORDER BY store_id NULLS LAST LIMIT 1) f ON true
            LEFT JOIN LATERAL (
                SELECT t.standard_batch_size FROM config.batch_catalog t
                WHERE t.shelf_id = c.shelf_id AND (store_id = $2 OR store_id IS NULL)
                  AND t.standard_batch_size IS NOT NULL
                ORDER BY t.revision DESC LIMIT 1) b ON true
            ORDER BY c.revision";
        for row in snapshot.query(CHANGED, &[&self.noted, &self.store.as_str()]).await? {
            self.product(&row, events);
        }
        Ok(())
    }

    fn product(&self, row: &Row, events: &mut Vec<Event>) {
        let (key, revision): (&str, i64) = (row.get(0), row.get(1));
        let (product, profile): (Option<&str>, Option<&str>) = (row.get(2), row.get(3));
        let parts = Parts {
            weight_g: row.get(4),
            pack_units: row.get(5),
            capacity_units: row.get(6),
            warehouse_capacity_units: row.get(7),
        };
        let json = product.or(profile).unwrap_or("{}");
        let changed = Changed { table: "products", key, revision, json };
        if product.is_some() || parts.weight_g.is_some() || parts.pack_units.is_some() {
            let body = self.whole_product(key, product, parts);
            events.push(self.event(&changed, body));
        }
        let Some(json) = profile else { return };
        if parts.capacity_units.is_some() || parts.warehouse_capacity_units.is_some() {
            let changed = Changed { table: "shelf_profiles", json, ..changed };
            let body = self.body("shelf", json).map(|body| self.whole_shelf(body, parts));
            events.push(self.event(&changed, body));
        }
    }

    /// A product by its own row, or else as it is known, with what other rows lay over it.
    fn whole_product(&self, sku: &str, row: Option<&str>, parts: Parts) -> Result<Body, JsonError> {
        let mut product: Product = match row {
            Some(json) => match self.body("product", json)? {
                Body::Product(product) => *product,
                _ => Product::default(),
            },
            None => {
                let known = Sku::new(sku).ok().and_then(|sku| self.shop.product(self.store, sku));
                known.ok_or_else(|| JsonError {
                    code: ErrorCode::MissingField,
                    field: "item_category",
                    detail: format!("nothing else is known of {sku}"),
                })?
            }
        };
        if let Some(weight) = parts.weight_g.and_then(|weight| u32::try_from(weight).ok()) {
            product.unit_weight_g = weight;
        }
        if let Some(units) = parts.pack_units.and_then(|units| u32::try_from(units).ok()) {
            product.pack_units = units;
        }
        Ok(Body::Product(Box::new(product)))
    }

    /// A shelf with what its row does not say as it is known.
    fn whole_shelf(&self, body: Body, parts: Parts) -> Body {
        let Body::Shelf(said) = body else { return body };
        let known = self.shop.shelf(self.store, said.sku).unwrap_or_default();
        let capacity_units =
            if parts.capacity_units.is_some() { said.capacity_units } else { known.capacity_units };
        let warehouse_capacity_units = match parts.warehouse_capacity_units {
            Some(_) => said.warehouse_capacity_units,
            None => known.warehouse_capacity_units,
        };
        Body::Shelf(ShelfPlan { capacity_units, warehouse_capacity_units, ..said })
    }

    /// The body that a row's JSON says.
    fn body(&self, kind: &str, json: &str) -> Result<Body, JsonError> {
        let rest = json.strip_prefix('{').unwrap_or(json);
        let comma = if rest.starts_with('}') { "" } else { "," };
        // The id of a store has no escapes here: it was read by a store's rules, and is written
        // by those of JSON.
        let store = serde_json::Value::from(self.store.as_str());
        let line = format!(
            "{{\"event_type\":\"{kind}\",\"store_id\":{store},\"timestamp\":\"{ANY_TIME}\"\
             {comma}{rest}"
        );
        let received_at = self.shop.now(self.store);
        let defaults = Defaults { store: Some(self.store), received_at };
        (self.read)(line.as_bytes(), &defaults).map(|event| event.body)
    }

    /// The event of a changed row; what is no event is kept with its reason.
    fn event(&self, changed: &Changed<'_>, body: Result<Body, JsonError>) -> Event {
        let (store, at) = (self.store, self.shop.now(self.store));
        let source = format!("config.{} {} {}", changed.table, changed.key, changed.revision);
        match body {
            Ok(body) => {
                let origin = Origin::default();
                let mut event = Event { id: EventId(0), store, at, received_at: at, origin, body };
                event.id = id_of(changed, &event);
                event
            }
            Err(error) => {
                let defaults = Defaults { store: Some(store), received_at: at };
                rejected_event(&error, changed.json.as_bytes(), &source, 0, &defaults)
            }
        }
    }
}

/// The id of a change: the same row, read again, is the same event; the same content set again
/// later is another one.
fn id_of(changed: &Changed<'_>, event: &Event) -> EventId {
    let mut content = Vec::new();
    // When the change counts as made is no part of what it is.
    let timeless = Event {
        at: shelf_domain::Timestamp(0),
        received_at: shelf_domain::Timestamp(0),
        ..event.clone()
    };
    write_event(&timeless, &mut content);
    let mut hasher = Xxh3::new();
    for part in [changed.table.as_bytes(), changed.key.as_bytes(), event.store.as_bytes(), &content]
    {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(&changed.revision.to_le_bytes());
    EventId(hasher.digest128())
}
