//! One alert, order or shelf in full.

use super::heading;
use crate::alert_detail::{AlertDetail, Arrival};
use crate::lots::LotRow;
use crate::orders::OrderDetail;
use crate::sentence::{brings, by};
use crate::shelf_detail::ShelfDetail;
use crate::shelves::ShelfRow;
use crate::style::{Style, Tone, severity_words, symbol};
use crate::table::{Cell, Column, Table, wrap};
use crate::tasks::TaskRow;
use crate::wording::{count, counted, date, minute_utc, money, percent, place, span, units};

/// Names and values, one a line.
fn facts(style: Style, width: usize, facts: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let name = style.paint(Tone::Faint, &format!("{name:widest$}"));
        text += &["  ", &name, "  ", &wrap(value, widest + 4, width), "\n"].concat();
    }
    text
}

/// One alert: why, what to do, and what it stands on.
pub fn render_alert(view: &AlertDetail, style: &Style, width: usize) -> String {
    let alert = &view.alert;
    let severity = style.paint(Tone::Of(alert.severity), &severity_words(alert.severity));
    let title =
        format!("{} {} on {} {}", alert.alert, alert.rule.code(), alert.subject(), alert.name);
    let mut text = format!("{severity}  {}", heading(*style, &title));
    let by = by(alert.actor, alert.owner);
    let until = alert.snoozed_until.map(|until| format!(" until {} UTC", minute_utc(until)));
    let status = format!("{}{by}{}", alert.status.code(), until.unwrap_or_default());
    let opened = minute_utc(alert.opened_at);
    let seen = format!("{} ago, {opened} UTC, seen {}", span(alert.age_s), times(alert.count));
    text += &facts(
        *style,
        width,
        &[
            ("why", alert.why.clone()),
            ("do", alert.action.clone()),
            ("store", alert.store.to_string()),
            ("zone", format!("{}, {}", alert.category, place(alert.place))),
            ("status", status),
            ("note", view.note.clone()),
            ("opened", seen),
        ],
    );
    if let Some(shelf) = &view.shelf {
        text += &shelf_facts(shelf, *style, width);
    }
    text += &lots(&view.lots, *style, width);
    text += &under_way(view.restock.as_ref(), &view.arriving, *style, width);
    text
}

fn times(count: u32) -> String {
    counted(count, "time")
}

fn shelf_facts(shelf: &ShelfRow, style: Style, width: usize) -> String {
    let of = shelf.capacity_units.map(|units| format!(" of {}", count(units)));
    let floor = format!("{}{}", count(shelf.floor_units), of.unwrap_or_default());
    let expected = match shelf.expected_daily_units {
        Some(daily) => format!("{daily:.1} a day expected"),
        None => "nothing known yet".to_owned(),
    };
    let price = match shelf.promotion_percent {
        0.0 => money(shelf.price_cents),
        cut => format!("{}, {cut:.0} % off {}", money(shelf.price_cents), money(shelf.list_cents)),
    };
    let state = format!("{}, {} full", shelf.state.code(), percent(shelf.fill_percent));
    let sales = format!("{} today, {expected}", count(shelf.sold_today_units));
    heading(style, "Shelf")
        + &facts(
            style,
            width,
            &[
                ("state", state),
                ("floor", format!("{floor}, refill below {}", shelf.refill_below_units)),
                ("warehouse", units(shelf.warehouse_units)),
                ("on the way", units(shelf.transit_units)),
                ("in carts", units(shelf.cart_units)),
                ("sales", sales),
                ("price", price),
            ],
        )
}

fn lots(lots: &[LotRow], style: Style, width: usize) -> String {
    if lots.is_empty() {
        return heading(style, "Lots") + "  none with units\n";
    }
    let mut table = Table::new([
        Column::cut("  lot", 10),
        Column::words("received"),
        Column::words("expires"),
        Column::number("days left"),
        Column::number("floor"),
        Column::number("warehouse"),
        Column::number("reserved"),
        Column::number("on the way"),
        Column::number("cut"),
        Column::number("price"),
    ]);
    for lot in lots {
        table.row([
            format!("  {}", lot.lot).into(),
            date(lot.received_day).into(),
            Cell::from(lot.expiry_day.map_or_else(|| "never".to_owned(), date)),
            Cell::from(lot.days_left.map_or_else(|| "-".to_owned(), count)),
            count(lot.floor_units).into(),
            count(lot.warehouse_units).into(),
            count(lot.reserved_units).into(),
            count(lot.transit_units).into(),
            format!("{:.0} %", lot.markdown_percent).into(),
            Cell::from(money(lot.price_cents)),
        ]);
    }
    heading(style, "Lots") + &table.render(style, width)
}

fn under_way(task: Option<&TaskRow>, arriving: &[Arrival], style: Style, width: usize) -> String {
    let mut lines = Vec::new();
    if let Some(task) = task {
        let wanted = units(task.wanted_units);
        let parts = [
            (task.backorder_units, "wait for stock"),
            (task.reserved_units, "reserved"),
            (task.transit_units, "on the way"),
            (task.arrived_units, "arrived"),
        ];
        let parts = parts.iter().filter(|(units, _)| *units > 0);
        let parts: Vec<String> = parts.map(|(units, what)| format!("{units} {what}")).collect();
        let (status, age) = (task.status.code(), span(task.age_s));
        let shares = parts.join(", ");
        lines.push(("task", format!("{} {status} for {age}: {wanted} ({shares})", task.task)));
    }
    for arrival in arriving {
        lines.push(("order", brings(arrival)));
    }
    if lines.is_empty() {
        lines.push(("task", "none, and no delivery is to come".to_owned()));
    }
    heading(style, "Under way") + &facts(style, width, &lines)
}

/// One order: its lines and why each is what it is.
pub fn render_order(view: &OrderDetail, style: &Style, width: usize) -> String {
    let order = &view.order;
    let from = format!("{} from {} {}", order.order, order.supplier, order.supplier_name);
    let mut text = heading(*style, from.trim_end());
    let cutoff = match order.cutoff_in_s {
        Some(seconds) => format!("{} UTC, in {}", minute_utc(order.cutoff_at), span(seconds)),
        None => format!("{} UTC, past", minute_utc(order.cutoff_at)),
    };
    let received = format!("{} of {}", count(order.received_units), units(order.units));
    text += &facts(
        *style,
        width,
        &[
            ("store", order.store.to_string()),
            ("status", order.status.code().to_owned()),
            ("cut-off", cutoff),
            ("delivery", format!("{} UTC", minute_utc(order.delivery_at))),
            ("cost", money(order.cost_cents)),
            ("received", received),
        ],
    );
    text += &heading(*style, "Lines");
    let mut lines = Vec::new();
    for line in &view.lines {
        let cost = line.cost_cents.map_or_else(|| "cost unknown".to_owned(), money);
        let packs = counted(line.packs, "pack");
        let came = match line.received_units {
            0 => String::new(),
            came => format!(", {} received", count(came)),
        };
        let name = format!("{} {}", line.sku, line.name);
        let ordered = units(line.units);
        let why = style.paint(Tone::Faint, &wrap(&line.why, 4, width));
        lines.push(format!("  {name}: {ordered} in {packs}, {cost}{came}\n    {why}\n"));
    }
    text + &lines.concat()
}

/// One shelf: its books, rules, lots and alerts.
pub fn render_shelf(view: &ShelfDetail, style: &Style, width: usize) -> String {
    let shelf = &view.shelf;
    let mut text = heading(*style, &format!("{} {}", shelf.sku, shelf.name));
    let zone = format!("{}, {}", shelf.category, shelf.subcategory);
    let supplier = view.supplier.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    let pack = units(view.pack_units);
    text += &facts(
        *style,
        width,
        &[
            ("store", shelf.store.to_string()),
            ("zone", zone),
            ("brand", view.brand.clone()),
            ("supplier", format!("{supplier}, packs of {pack}")),
        ],
    );
    text += &shelf_facts(shelf, *style, width);
    text += &books(view, *style, width);
    text += &lots(&view.lots, *style, width);
    text += &under_way(view.restock.as_ref(), &view.arriving, *style, width);
    text += &heading(*style, "Alerts");
    if view.open_alerts.is_empty() {
        text += "  none\n";
    }
    for alert in &view.open_alerts {
        let line = format!("{} {} {}", symbol(alert.severity), alert.alert, alert.rule.code());
        let line = style.paint(Tone::Of(alert.severity), &line);
        let advice = format!("{} → {}", alert.why, alert.action);
        text += &["  ", &line, "\n    ", &wrap(&advice, 4, width), "\n"].concat();
    }
    text
}

fn books(view: &ShelfDetail, style: Style, width: usize) -> String {
    let ledger = &view.ledger;
    let came = format!(
        "{} received, {} returned by customers",
        count(ledger.received),
        count(ledger.returned)
    );
    let went = format!(
        "{} sold, {} removed, {} unexplained",
        count(ledger.sold),
        count(ledger.removed),
        count(ledger.unexplained)
    );
    let gap = match view.lot_gap_units {
        0 => String::new(),
        gap => format!("{gap} units that the lots do not know"),
    };
    let to_count = [
        (view.disputed_floor_units, "the shelf"),
        (view.disputed_warehouse_units, "the warehouse"),
    ];
    let disputed: Vec<String> = to_count
        .into_iter()
        .filter(|&(disputed, _)| disputed > 0)
        .map(|(disputed, place)| format!("{}: count {place}", units(disputed)))
        .collect();
    let rules = &view.rules;
    let order = format!(
        "below {} in the warehouse, for {} beyond the next delivery",
        rules.reorder_point_units,
        counted(rules.cover_days, "day")
    );
    let money =
        format!("{} revenue, {} waste", money(ledger.revenue_cents), money(ledger.waste_cents));
    heading(style, "Books and rules")
        + &facts(
            style,
            width,
            &[
                ("came", came),
                ("went", went),
                ("money", money),
                ("lot gap", gap),
                ("disputed", disputed.join(", ")),
                ("refill to", units(rules.target_units)),
                ("order", order),
            ],
        )
}
