//! What lies in the shop: shelves, lots, products, zones.

use shelf_domain::{Product, StoreId};
use shelf_views::{LotRow, ShelfDetail, ShelfRow, ZoneRow, ZonesView};

use super::column::{date, decimal, money, number, text, time};
use super::table::{Rows, Seen, TableOf};

pub(super) fn tables() -> Vec<Box<dyn Rows>> {
    vec![Box::new(shelves()), Box::new(lots()), Box::new(products()), Box::new(zones())]
}

fn shelves() -> TableOf<ShelfRow> {
    TableOf {
        name: "shelves",
        comment: "The shelves: one row for each sku of each store.",
        columns: vec![
            text("store_id", "The store.", |r: &ShelfRow| r.store.as_str().to_owned()),
            text("sku", "The sku that lies on it.", |r: &ShelfRow| r.sku.as_str().to_owned()),
            text("name", "The product's name.", |r: &ShelfRow| r.name.clone()),
            text("category", "The product's category, which names its zone.", |r: &ShelfRow| {
                r.category.clone()
            }),
            text("subcategory", "The product's subcategory.", |r: &ShelfRow| r.subcategory.clone()),
            text("state", "untracked, empty, low or stocked.", |r: &ShelfRow| {
                r.state.code().to_owned()
            }),
            number("floor_units", "Units on it.", |r: &ShelfRow| i64::from(r.floor_units)),
            number(
                "capacity_units",
                "What it holds at most, where that is known.",
                |r: &ShelfRow| r.capacity_units.map(i64::from),
            ),
            decimal("fill_percent", "How full it is.", |r: &ShelfRow| r.fill_percent),
            number("warehouse_units", "Units in the warehouse.", |r: &ShelfRow| {
                i64::from(r.warehouse_units)
            }),
            number("transit_units", "Units between warehouse and shelf.", |r: &ShelfRow| {
                i64::from(r.transit_units)
            }),
            number("cart_units", "Units picked and not paid.", |r: &ShelfRow| {
                i64::from(r.cart_units)
            }),
            number("refill_below_units", "Refill when fewer units are on it.", |r: &ShelfRow| {
                i64::from(r.refill_below_units)
            }),
            money("list_price", "The list price of a unit.", |r: &ShelfRow| r.list_cents),
            money(
                "price",
                "What a unit costs the customer, markdowns of lots aside.",
                |r: &ShelfRow| r.price_cents,
            ),
            decimal("promotion_percent", "The cut by plan.", |r: &ShelfRow| r.promotion_percent),
            number("sold_today_units", "Units sold today.", |r: &ShelfRow| {
                i64::from(r.sold_today_units)
            }),
            decimal(
                "expected_daily_units",
                "Expected sales a day; null before the first full day.",
                |r: &ShelfRow| r.expected_daily_units,
            ),
            time("empty_since", "Since when it is empty.", |r: &ShelfRow| r.empty_since),
            money("lost_today", "Sales lost today while empty, at list price.", |r: &ShelfRow| {
                r.lost_today_cents
            }),
            number("alerts", "Alerts that stand for it.", |r: &ShelfRow| r.alerts.len() as i64),
            text("worst_severity", "The worst of them.", |r: &ShelfRow| {
                r.worst.map(|worst| worst.code().to_owned())
            }),
            text("task_id", "The restock task that stands for it.", |r: &ShelfRow| {
                r.task.map(|task| task.to_string())
            }),
        ],
        rows: |seen| {
            let rows = |store: &&shelf_domain::Store| {
                let store = *store;
                store.skus().filter_map(|index| ShelfRow::new(store, index)).collect::<Vec<_>>()
            };
            seen.stores.iter().flat_map(rows).collect()
        },
    }
}

struct Lot {
    store: StoreId,
    sku: String,
    name: String,
    category: String,
    lot: LotRow,
}

fn lots() -> TableOf<Lot> {
    TableOf {
        name: "lots",
        comment: "The lots that have units: batches of one sku received together.",
        columns: vec![
            text("store_id", "The store.", |r: &Lot| r.store.as_str().to_owned()),
            text("sku", "The sku.", |r: &Lot| r.sku.clone()),
            text("name", "The product's name.", |r: &Lot| r.name.clone()),
            text("category", "The product's category.", |r: &Lot| r.category.clone()),
            text("lot_code", "Its code.", |r: &Lot| r.lot.lot.as_str().to_owned()),
            date("received_date", "When it was received.", |r: &Lot| r.lot.received_day),
            date("expiry_date", "When it expires; null where it does not.", |r: &Lot| {
                r.lot.expiry_day
            }),
            number("days_left", "Days to that: 0 is today, negative is past.", |r: &Lot| {
                r.lot.days_left.map(i64::from)
            }),
            number("floor_units", "Units on the floor, those in carts included.", |r: &Lot| {
                i64::from(r.lot.floor_units)
            }),
            number("warehouse_units", "Units in the warehouse.", |r: &Lot| {
                i64::from(r.lot.warehouse_units)
            }),
            number(
                "reserved_units",
                "Of these, units that a restock task will take.",
                |r: &Lot| i64::from(r.lot.reserved_units),
            ),
            number("transit_units", "Units between warehouse and shelf.", |r: &Lot| {
                i64::from(r.lot.transit_units)
            }),
            decimal("markdown_percent", "The cut because it expires soon.", |r: &Lot| {
                r.lot.markdown_percent
            }),
            money("price", "What a unit of it costs the customer.", |r: &Lot| r.lot.price_cents),
        ],
        rows: |seen| {
            let mut rows = Vec::new();
            for store in &seen.stores {
                for shelf in store.skus().filter_map(|index| ShelfDetail::new(store, index)) {
                    let (store, of) = (store.id(), shelf.shelf);
                    rows.extend(shelf.lots.into_iter().map(|lot| Lot {
                        store,
                        sku: of.sku.as_str().to_owned(),
                        name: of.name.clone(),
                        category: of.category.clone(),
                        lot,
                    }));
                }
            }
            rows
        },
    }
}

struct Stocked {
    store: StoreId,
    product: Product,
}

fn products() -> TableOf<Stocked> {
    let known = |value: i64| (value > 0).then_some(value);
    TableOf {
        name: "products",
        comment: "The products of each store.",
        columns: vec![
            text("store_id", "The store.", |r: &Stocked| r.store.as_str().to_owned()),
            text("sku", "Its sku.", |r: &Stocked| r.product.sku.as_str().to_owned()),
            text("name", "Its name.", |r: &Stocked| r.product.name.as_str().to_owned()),
            text("brand", "Its brand.", |r: &Stocked| r.product.brand.as_str().to_owned()),
            text("category", "Its category, which names its zone.", |r: &Stocked| {
                r.product.category.as_str().to_owned()
            }),
            text("subcategory", "Its subcategory.", |r: &Stocked| {
                r.product.subcategory.as_str().to_owned()
            }),
            money("list_price", "The list price of a unit.", |r: &Stocked| r.product.price_cents),
            money(
                "cost",
                "What a unit costs the shop, where that is known.",
                move |r: &Stocked| known(r.product.cost_cents),
            ),
            number("unit_weight_g", "The weight of a unit, in grams or millilitres.", {
                move |r: &Stocked| known(r.product.unit_weight_g.into())
            }),
            number("pack_units", "Units in the supplier's pack.", |r: &Stocked| {
                i64::from(r.product.pack_units.max(1))
            }),
            number(
                "shelf_life_days",
                "Days from delivery to expiry; null where it does not expire.",
                move |r: &Stocked| known(r.product.shelf_life_days.into()),
            ),
            text("supplier_id", "Who delivers it.", |r: &Stocked| {
                r.product.supplier.map(|supplier| supplier.as_str().to_owned())
            }),
        ],
        rows: |seen| {
            let rows = |store: &&shelf_domain::Store| {
                let store = *store;
                let products = store.skus().filter_map(|index| store.product(index));
                let of =
                    |product: &Product| Stocked { store: store.id(), product: product.clone() };
                products.map(of).collect::<Vec<_>>()
            };
            seen.stores.iter().flat_map(rows).collect()
        },
    }
}

struct ZoneOf {
    store: StoreId,
    zone: ZoneRow,
}

fn zones() -> TableOf<ZoneOf> {
    TableOf {
        name: "zones",
        comment: "The zones of each store's floor plan, one for each category.",
        columns: vec![
            text("store_id", "The store.", |r: &ZoneOf| r.store.as_str().to_owned()),
            text("zone", "Its name.", |r: &ZoneOf| r.zone.zone.clone()),
            text("category", "The category that lies in it.", |r: &ZoneOf| r.zone.category.clone()),
            text("label", "A word for people.", |r: &ZoneOf| r.zone.label.clone()),
            number("shelves", "Its shelves that have ever been given stock.", |r: &ZoneOf| {
                r.zone.shelves as i64
            }),
            number("empty_shelves", "Of these, those that are empty.", |r: &ZoneOf| {
                r.zone.empty_shelves as i64
            }),
            number(
                "low_shelves",
                "Of these, those below their refill threshold and not empty.",
                |r: &ZoneOf| r.zone.low_shelves as i64,
            ),
            number("floor_units", "Units on its shelves.", |r: &ZoneOf| r.zone.floor_units as i64),
            decimal("fill_percent", "How full its shelves are together.", |r: &ZoneOf| {
                r.zone.fill_percent
            }),
            number("critical_alerts", "Critical alerts that stand in it.", |r: &ZoneOf| {
                r.zone.alerts.critical as i64
            }),
            number("warning_alerts", "Warnings that stand in it.", |r: &ZoneOf| {
                r.zone.alerts.warning as i64
            }),
            number("info_alerts", "Notices that stand in it.", |r: &ZoneOf| {
                r.zone.alerts.info as i64
            }),
            number(
                "near_expiry_units",
                "Units on the floor that expire within the days of each shelf's policy.",
                |r: &ZoneOf| r.zone.near_expiry_units as i64,
            ),
            number("sold_today_units", "Units sold today.", |r: &ZoneOf| {
                r.zone.sold_today_units as i64
            }),
        ],
        rows: |seen: &Seen<'_>| {
            let rows = |store: &&shelf_domain::Store| {
                let (id, zones) = (store.id(), ZonesView::new(&[*store]).zones);
                zones.into_iter().map(move |zone| ZoneOf { store: id, zone })
            };
            seen.stores.iter().flat_map(rows).collect()
        },
    }
}
