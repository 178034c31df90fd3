//! Checks of one store: whether its streams are fresh, its products heard of, its receipts
//! consistent, its sums in agreement.

use shelf_domain::{DAY, SECOND, Store, StoreStreams, Stream, Timestamp, WindowName};

use super::{CheckRow, CheckState, Figure, QualityFacts};
use crate::wording;

/// The streams that never rest while a store is open.
const STEADY: [Stream; 3] = [Stream::Shelf, Stream::Pos, Stream::Traffic];
/// Units that the lots do not know of, in per cent of those on shelves and in carts.
const LOT_GAP_PERCENT: f64 = 1.0;
/// Units in dispute, in per cent of those on shelves and in the warehouse.
const DISPUTED_PERCENT: f64 = 1.0;
/// One of so many lines, or products, that is wrong or silent makes a check fail.
const FAILING_PART: u64 = 100;

pub(super) fn checks(
    store: &Store,
    streams: &StoreStreams,
    facts: &QualityFacts,
    checks: &mut Vec<CheckRow>,
) {
    let of_store = checks.len();
    checks.extend(STEADY.map(|stream| freshness(store, streams, stream, facts)));
    checks.push(silent_products(store, facts));
    receipts(store, checks);
    stock(store, checks);
    windows(store, checks);
    for check in checks.iter_mut().skip(of_store) {
        *check = check.clone().of_store(store.id());
    }
}

fn freshness(
    store: &Store,
    streams: &StoreStreams,
    stream: Stream,
    facts: &QualityFacts,
) -> CheckRow {
    let limit = Figure::Whole(facts.limits.freshness_s);
    let says = "the last event of the stream is so old";
    let row = CheckRow::new("freshness", says, limit, "s");
    let row = CheckRow { stream: Some(stream.code()), ..row };
    let Some(last) = streams.get(stream).and_then(|row| row.counts.last_at) else {
        return CheckRow { says: "nothing has ever come in the stream".to_owned(), ..row };
    };
    let age_s = |since: Timestamp| facts.now.since(since).max(0) / SECOND;
    let value = Figure::Whole(age_s(last));
    match store.open_since(facts.now) {
        // Before the store opened nothing had to come.
        Some(since) => {
            let state = Figure::Whole(age_s(last.max(since))).judge(limit);
            let row = row.stated(value, state);
            if last >= since {
                return row;
            }
            let open = wording::span(age_s(since));
            let says = format!("the store has been open for {open}, and nothing has come since");
            CheckRow { says, ..row }
        }
        None => CheckRow { says: "the store is closed".to_owned(), value: Some(value), ..row },
    }
}

/// Tracked products of which neither a sale nor a sensor told anything for days.
fn silent_products(store: &Store, facts: &QualityFacts) -> CheckRow {
    let days = facts.limits.silent_product_days;
    let before = facts.now.plus(-days * DAY);
    let (mut tracked, mut silent) = (0, Vec::new());
    for shelf in store.skus().filter_map(|index| store.shelf(index)) {
        if shelf.tracked {
            tracked += 1;
            // What was never heard of counts from when its stock last changed.
            let last = shelf.heard_at.or(shelf.changed_at);
            if last.is_some_and(|last| last < before) {
                silent.push(shelf.sku.as_str().to_owned());
            }
        }
    }
    let says = format!(
        "of {tracked} products with stock so many had no sale and no sensor message for {days} days"
    );
    let row = CheckRow::new("silent_products", says, Figure::Whole(0), "products");
    let state = few_or_many(silent.len() as u64, tracked);
    row.stated(Figure::Whole(silent.len() as i64), state).named(silent)
}

/// Nothing is fine, a few are to be looked at, more than one in a hundred are a failure.
fn few_or_many(wrong: u64, of: u64) -> CheckState {
    match wrong {
        0 => CheckState::Ok,
        wrong if wrong * FAILING_PART > of => CheckState::Fail,
        _ => CheckState::Warn,
    }
}

fn receipts(store: &Store, checks: &mut Vec<CheckRow>) {
    let counts = store.stats().consistency;
    let rows = [
        ("line_totals", "unit price x units less discount, to the cent", counts.wrong_totals),
        ("negative_totals", "of the sign of its units", counts.negative_totals),
    ];
    for (check, what, wrong) in rows {
        let lines = counts.lines;
        let says = format!("of {lines} receipt lines so many have a total that is not {what}");
        let row = CheckRow::new(check, says, Figure::Whole(0), "lines");
        checks.push(row.stated(Figure::Whole(wrong as i64), few_or_many(wrong, lines)));
    }
}

/// The stock by sensors and tills against that by lots.
fn stock(store: &Store, checks: &mut Vec<CheckRow>) {
    let (mut floor, mut stock, mut gap, mut disputed, mut off) = (0_u64, 0_u64, 0_u64, 0_u64, 0);
    for index in store.skus() {
        let Some(shelf) = store.shelf(index) else { continue };
        let on_floor = u64::from(shelf.floor_units) + u64::from(shelf.cart_units);
        floor += on_floor;
        stock += u64::from(shelf.floor_units) + u64::from(shelf.warehouse_units);
        gap += u64::from(shelf.lot_gap_units);
        disputed += u64::from(shelf.disputed_floor_units);
        disputed += u64::from(shelf.disputed_warehouse_units);
        let lots: u64 = store.lots(index).map(|lot| u64::from(lot.floor_units)).sum();
        off += (lots + u64::from(shelf.lot_gap_units)).abs_diff(on_floor);
    }
    let says =
        "shelf and cart units differ by so many from the lots and what they are known to lack";
    let row = CheckRow::new("lots_add_up", says, Figure::Whole(0), "units");
    let state = if off == 0 { CheckState::Ok } else { CheckState::Fail };
    checks.push(row.stated(Figure::Whole(off as i64), state));
    let says = format!("of {floor} units on shelves and in carts so many are in no known lot");
    let row = CheckRow::new("lot_gap", says, Figure::Percent(LOT_GAP_PERCENT), "percent");
    checks.push(row.measured(Figure::part(gap, floor)));
    let says = format!("of {stock} units in stock so many are in dispute until somebody counts");
    let row = CheckRow::new("disputed", says, Figure::Percent(DISPUTED_PERCENT), "percent");
    checks.push(row.measured(Figure::part(disputed, stock)));
}

/// The revenue of the receipts against that of the windows of the whole store's sales.
fn windows(store: &Store, checks: &mut Vec<CheckRow>) {
    let names: Vec<WindowName> = store.window_plan().windows.iter().map(|spec| spec.name).collect();
    for name in names {
        let Some(balance) = store.window_balance(name) else { continue };
        let lost = balance.lost_cents();
        let says = "receipts less windows that ended, are open or missed something leave so much";
        let row = CheckRow::new("window_revenue", says, Figure::Whole(0), "cents");
        let row = CheckRow { window: Some(name.as_str().to_owned()), ..row };
        let state = if lost == 0 { CheckState::Ok } else { CheckState::Fail };
        checks.push(row.stated(Figure::Whole(lost), state));
    }
}
