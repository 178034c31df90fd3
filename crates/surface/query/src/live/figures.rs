//! How it goes: stores, key figures, windows, visits, the pipeline of events.

use shelf_domain::{Counts, Day, FACT_DAYS, Kpi, Stats, Store, StoreId, Timestamp, Unit, Visits};
use shelf_views::{
    Chain, KpiBy, KpiFilter, KpiRow, KpisView, StoreStatus, WindowFilter, WindowKindsView,
    WindowLine, WindowsView,
};

use super::column::{Column, date, decimal, money, number, text, time, yes_no};
use super::table::{Rows, Seen, TableOf};

pub(super) fn tables() -> Vec<Box<dyn Rows>> {
    vec![
        Box::new(stores()),
        Box::new(kpis()),
        Box::new(windows()),
        Box::new(visits()),
        Box::new(pipeline()),
    ]
}

fn stores() -> TableOf<StoreStatus> {
    TableOf {
        name: "stores",
        comment: "The stores: how each stands.",
        columns: units_of_store().into_iter().chain(work_of_store()).collect(),
        rows: |seen| seen.stores.iter().map(|store| StoreStatus::new(store)).collect(),
    }
}

fn units_of_store() -> Vec<Column<StoreStatus>> {
    vec![
        text("store_id", "The store.", |r: &StoreStatus| r.store.as_str().to_owned()),
        text("name", "Its name.", |r: &StoreStatus| r.name.clone()),
        time("now_at", "Its present: the highest event time that it has seen.", {
            |r: &StoreStatus| r.now
        }),
        date("today", "The local date of that.", |r: &StoreStatus| r.day),
        text("time_zone", "Its time zone.", |r: &StoreStatus| r.time_zone.clone()),
        number("floor_units", "Units on the shelves.", |r: &StoreStatus| {
            r.totals.units.floor as i64
        }),
        number("cart_units", "Units picked and not paid.", |r: &StoreStatus| {
            r.totals.units.carts as i64
        }),
        number("warehouse_units", "Units in the warehouse.", |r: &StoreStatus| {
            r.totals.units.warehouse as i64
        }),
        number("transit_units", "Units between warehouse and shelf.", |r: &StoreStatus| {
            r.totals.units.in_transit as i64
        }),
        number("received_units", "Units that came into the shop ever.", |r: &StoreStatus| {
            r.totals.units.received as i64
        }),
        number("sold_units", "Units sold ever, returns taken off.", |r: &StoreStatus| {
            r.totals.units.sold
        }),
        number("removed_units", "Units taken out other than by a sale.", |r: &StoreStatus| {
            r.totals.units.removed as i64
        }),
        number("unexplained_units", "Units that left the books unexplained.", {
            |r: &StoreStatus| r.totals.units.unexplained
        }),
    ]
}

fn work_of_store() -> Vec<Column<StoreStatus>> {
    vec![
        money("revenue", "What receipts came to ever.", |r: &StoreStatus| r.totals.revenue_cents),
        money("waste_cost", "What removed units had cost, where known.", |r: &StoreStatus| {
            r.totals.waste_cents
        }),
        number("receipts", "Receipts ever.", |r: &StoreStatus| r.totals.receipts as i64),
        number("critical_alerts", "Critical alerts that stand.", |r: &StoreStatus| {
            r.totals.alerts_standing.critical as i64
        }),
        number("warning_alerts", "Warnings that stand.", |r: &StoreStatus| {
            r.totals.alerts_standing.warning as i64
        }),
        number("info_alerts", "Notices that stand.", |r: &StoreStatus| {
            r.totals.alerts_standing.info as i64
        }),
        number("tasks", "Restock tasks that stand.", |r: &StoreStatus| {
            r.totals.tasks.standing() as i64
        }),
        number("orders", "Supplier orders that stand.", |r: &StoreStatus| {
            r.totals.orders.standing() as i64
        }),
        number("customers_present", "Customers in the store.", |r: &StoreStatus| {
            r.totals.customers_present as i64
        }),
        decimal(
            "on_shelf_availability_percent",
            "The part of open shelf time in which shelves were not empty.",
            |r: &StoreStatus| r.totals.on_shelf_availability_percent,
        ),
        number("shelves", "Shelves that have ever been given stock.", |r: &StoreStatus| {
            r.totals.shelves as i64
        }),
        number("empty_shelves", "Of these, those that are empty.", |r: &StoreStatus| {
            r.totals.empty_shelves as i64
        }),
        number("low_shelves", "Of these, those that are low.", |r: &StoreStatus| {
            r.totals.low_shelves as i64
        }),
        number("near_expiry_floor_units", "Units on the floor that expire soon.", {
            |r: &StoreStatus| r.totals.near_expiry.floor_units as i64
        }),
        number("accepted_events", "Events applied.", |r: &StoreStatus| r.events.accepted as i64),
        number("late_events", "Of these, applied late.", |r: &StoreStatus| r.events.late as i64),
        number("quarantined_events", "Events in quarantine.", |r: &StoreStatus| {
            r.events.quarantined as i64
        }),
    ]
}

struct DayFigures {
    store: StoreId,
    day: Day,
    row: KpiRow,
}

fn kpis() -> TableOf<DayFigures> {
    let mut columns: Vec<Column<DayFigures>> = vec![
        text("store_id", "The store.", |r: &DayFigures| r.store.as_str().to_owned()),
        date("date", "The store's day; the last one has not ended.", |r: &DayFigures| r.day),
    ];
    columns.extend(Kpi::ALL.iter().map(|kpi| {
        let code = kpi.code();
        let figure = move |r: &DayFigures| r.row.figures.get(code).copied().flatten();
        let comment = format!("{}: {}", kpi.unit().code(), kpi.formula());
        match kpi.unit() {
            Unit::Money => money(code, &comment, move |r: &DayFigures| {
                figure(r).map(|amount| (amount * 100.0).round() as i64)
            }),
            _ => decimal(code, &comment, figure),
        }
    }));
    TableOf {
        name: "kpis",
        comment: "The key figures of each store and day that is kept.",
        columns,
        rows: |seen| {
            let chain = Chain::new(seen.partitions.iter().copied());
            let mut rows = Vec::new();
            for store in &seen.stores {
                let first = store.day().plus(-FACT_DAYS);
                let mut days: Vec<Day> = store.store_days().map(|(day, _)| day).collect();
                days.push(store.day());
                days.dedup();
                for day in days.into_iter().filter(|day| *day > first) {
                    let filter = KpiFilter {
                        store: Some(store.id()),
                        by: KpiBy::Store,
                        from_day: day,
                        to_day: day,
                        sort: None,
                        limit: None,
                    };
                    let figures = KpisView::new(&chain, &filter).rows.into_iter();
                    rows.extend(figures.map(|row| DayFigures { store: store.id(), day, row }));
                }
            }
            rows
        },
    }
}

struct Told {
    window: String,
    line: WindowLine,
}

fn windows() -> TableOf<Told> {
    TableOf {
        name: "windows",
        comment: "The latest windows of each kind: a dozen of a store, the last of each product.",
        columns: vec![
            text("store_id", "The store.", |r: &Told| {
                r.line.store.map(|store| store.as_str().to_owned())
            }),
            text("window_name", "The kind of window.", |r: &Told| r.window.clone()),
            text("sku", "The product, where it is of one.", |r: &Told| {
                r.line.sku.map(|sku| sku.as_str().to_owned())
            }),
            text("name", "The product's name.", |r: &Told| r.line.name.clone()),
            time("start_at", "Its start.", |r: &Told| r.line.start),
            time("end_at", "Its end, which it does not hold.", |r: &Told| r.line.end),
            text("stage", "Whether it is open, has ended, or was corrected since.", |r: &Told| {
                r.line.stage.code().to_owned()
            }),
            number("receipts", "Receipts.", |r: &Told| r.line.transactions.map(i64::from)),
            number("units", "Units sold.", |r: &Told| r.line.units.map(i64::from)),
            number("returned_units", "Units brought back.", |r: &Told| {
                r.line.returned_units.map(i64::from)
            }),
            money("gross", "Unit price times units.", |r: &Told| r.line.gross_cents),
            money("net", "What the lines come to.", |r: &Told| r.line.net_cents),
            money("discount", "What the discounts come to.", |r: &Told| r.line.discount_cents),
            number("customers", "Different customers.", |r: &Told| {
                r.line.customers.map(|customers| customers as i64)
            }),
            yes_no("customers_exact", "Whether they were counted one by one.", |r: &Told| {
                r.line.customers_exact
            }),
            number("last_units", "Units on the shelf after the last change.", |r: &Told| {
                r.line.last_units
            }),
            number("min_units", "The fewest after a change.", |r: &Told| r.line.min_units),
            number("max_units", "The most after a change.", |r: &Told| r.line.max_units),
            decimal("mean_units", "The mean after a change.", |r: &Told| r.line.mean_units),
            decimal("volatility_units", "The standard deviation after a change.", |r: &Told| {
                r.line.volatility_units
            }),
            decimal("turnover", "Units sold by mean units on the shelf.", |r: &Told| {
                r.line.turnover
            }),
        ],
        rows: told,
    }
}

fn told(seen: &Seen<'_>) -> Vec<Told> {
    let chain = Chain::new(seen.partitions.iter().copied());
    let mut rows = Vec::new();
    for store in &seen.stores {
        for kind in WindowKindsView::new(&chain, Some(store.id())).kinds {
            let filter = WindowFilter { store: Some(store.id()), ..WindowFilter::default() };
            let view = WindowsView::recent(&chain, kind.name, &filter).unwrap_or_default();
            let lines = view.rows.into_iter();
            rows.extend(lines.map(|line| Told { window: kind.name.as_str().to_owned(), line }));
        }
    }
    rows
}

struct Door {
    store: StoreId,
    visits: Visits,
    stats: Stats,
}

fn visits() -> TableOf<Door> {
    TableOf {
        name: "visits",
        comment: "Who is in each store.",
        columns: vec![
            text("store_id", "The store.", |r: &Door| r.store.as_str().to_owned()),
            number("present", "Customers in the store.", |r: &Door| i64::from(r.visits.present)),
            number("peak_today", "The most at once today.", |r: &Door| {
                i64::from(r.visits.peak_today)
            }),
            number("entries_today", "Entries today.", |r: &Door| i64::from(r.visits.entries_today)),
            number("entries", "Entries ever.", |r: &Door| r.stats.entries as i64),
            number("exits", "Exits ever.", |r: &Door| r.stats.exits as i64),
            number("exits_missed", "Customers whose exit was not seen.", |r: &Door| {
                r.stats.exits_missed as i64
            }),
        ],
        rows: |seen| {
            let row = |store: &&shelf_domain::Store| Door {
                store: store.id(),
                visits: *store.visits(),
                stats: *store.stats(),
            };
            seen.stores.iter().map(row).collect()
        },
    }
}

struct Partition {
    number: u32,
    position: u64,
    stores: usize,
    now: Option<Timestamp>,
    counts: Counts,
}

fn pipeline() -> TableOf<Partition> {
    TableOf {
        name: "pipeline",
        comment: "The partitions of the log, and what became of their events.",
        columns: vec![
            number("partition", "Its number.", |r: &Partition| i64::from(r.number)),
            number("position", "The offset of the next event.", |r: &Partition| r.position as i64),
            number("stores", "Its stores.", |r: &Partition| r.stores as i64),
            time("now_at", "The latest event time of any of them.", |r: &Partition| r.now),
            number("stepped", "Events stepped.", |r: &Partition| r.counts.stepped as i64),
            number("accepted", "Of these, applied.", |r: &Partition| r.counts.accepted as i64),
            number("late", "Of these, applied late.", |r: &Partition| r.counts.late as i64),
            number("duplicates", "Events that were known already.", |r: &Partition| {
                r.counts.duplicates as i64
            }),
            number("quarantined", "Events that went to quarantine.", |r: &Partition| {
                r.counts.quarantined.total() as i64
            }),
            number("invariant_violations", "Invariants found broken.", |r: &Partition| {
                r.counts.invariant_violations as i64
            }),
        ],
        rows: |seen| {
            let rows = seen.positions.iter().zip(&seen.partitions);
            let row =
                |(&(number, position), stores): (&(u32, u64), &&shelf_domain::Stores)| Partition {
                    number,
                    position,
                    stores: stores.iter().count(),
                    now: stores.iter().map(Store::now).max(),
                    counts: *stores.counts(),
                };
            rows.map(row).collect()
        },
    }
}
