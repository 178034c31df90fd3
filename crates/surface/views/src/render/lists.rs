//! Lists of alerts, tasks, orders, shelves, zones and effects.

use shelf_domain::Severity;

use super::{more, nothing};
use crate::alerts::AlertsView;
use crate::effect_line::EffectLine;
use crate::orders::OrdersView;
use crate::shelves::{ShelfState, ShelvesView};
use crate::style::{Style, Tone, severity_words, symbol};
use crate::table::{Cell, Column, Table};
use crate::tasks::TasksView;
use crate::wording::{count, minute_utc, money, percent, rfc3339, span};
use crate::zones::{ZoneRow, ZonesView};

/// A severity as a cell: symbol, word and colour.
fn severity_cell(severity: Severity) -> Cell {
    Cell::toned(Tone::Of(severity), severity_words(severity))
}

/// The alerts that stand: the facts in one line, why and what to do in the next.
pub fn render_alerts(view: &AlertsView, style: &Style, width: usize) -> String {
    if view.alerts.is_empty() {
        let hint =
            "if you expected some, widen the filter, or see that events come in: shelf status";
        return nothing(*style, "No alert stands.", hint);
    }
    alert_table(view, *style, width)
}

/// The alerts that people ended and can bring back, in the same way.
pub fn render_ended_alerts(view: &AlertsView, style: &Style, width: usize) -> String {
    if view.alerts.is_empty() {
        let hint = "an end is final where nobody ended it, its problem has passed, or a newer \
                    alert stands for it: shelf alerts list";
        return nothing(*style, "No alert that has ended can be brought back.", hint);
    }
    alert_table(view, *style, width)
}

fn alert_table(view: &AlertsView, style: Style, width: usize) -> String {
    let mut table = Table::new([
        Column::words("severity"),
        Column::words("alert"),
        Column::words("store"),
        Column::words("rule"),
        Column::words("sku"),
        Column::cut("name", 8),
        Column::words("status"),
        Column::number("age"),
    ]);
    for alert in &view.alerts {
        table.row([
            severity_cell(alert.severity),
            alert.alert.to_string().into(),
            alert.store.as_str().into(),
            alert.rule.code().into(),
            alert.subject().into(),
            alert.name.as_str().into(),
            alert.status.code().into(),
            Cell::from(span(alert.age_s)),
        ]);
        table.note(format!("{} → {}", alert.why, alert.action));
    }
    table.render(style, width) + &more(style, view.alerts.len(), view.total)
}

/// The restock tasks that stand, one a line.
pub fn render_tasks(view: &TasksView, style: &Style, width: usize) -> String {
    if view.tasks.is_empty() {
        let hint = "one is made when a shelf falls below its threshold: shelf alerts list";
        return nothing(*style, "No restock task stands.", hint);
    }
    let mut table = Table::new([
        Column::words("task"),
        Column::words("store"),
        Column::words("status"),
        Column::words("sku"),
        Column::cut("name", 8),
        Column::number("wanted"),
        Column::number("back-order"),
        Column::number("reserved"),
        Column::number("on the way"),
        Column::number("arrived"),
        Column::number("age"),
    ]);
    for task in &view.tasks {
        table.row([
            task.task.to_string().into(),
            task.store.as_str().into(),
            task.status.code().into(),
            task.sku.as_str().into(),
            task.name.as_str().into(),
            count(task.wanted_units).into(),
            count(task.backorder_units).into(),
            count(task.reserved_units).into(),
            count(task.transit_units).into(),
            count(task.arrived_units).into(),
            Cell::from(span(task.age_s)),
        ]);
    }
    table.render(*style, width) + &more(*style, view.tasks.len(), view.total)
}

/// The supplier orders that stand, one a line. Times are in UTC.
pub fn render_orders(view: &OrdersView, style: &Style, width: usize) -> String {
    if view.orders.is_empty() {
        let hint =
            "drafts appear an hour before a cut-off; see the calendar: shelf orders suppliers";
        return nothing(*style, "No supplier order stands.", hint);
    }
    let mut table = Table::new([
        Column::words("order"),
        Column::words("store"),
        Column::words("status"),
        Column::cut("supplier", 8),
        Column::words("cut-off UTC"),
        Column::number("in"),
        Column::words("delivery UTC"),
        Column::number("lines"),
        Column::number("units"),
        Column::number("received"),
        Column::number("cost"),
    ]);
    for order in &view.orders {
        let name = if order.supplier_name.is_empty() {
            order.supplier.as_str()
        } else {
            order.supplier_name.as_str()
        };
        table.row([
            order.order.to_string().into(),
            order.store.as_str().into(),
            order.status.code().into(),
            name.into(),
            minute_utc(order.cutoff_at).into(),
            Cell::from(order.cutoff_in_s.map_or_else(|| "past".to_owned(), span)),
            minute_utc(order.delivery_at).into(),
            count(order.line_count).into(),
            count(order.units).into(),
            count(order.received_units).into(),
            Cell::from(money(order.cost_cents)),
        ]);
    }
    table.render(*style, width) + &more(*style, view.orders.len(), view.total)
}

/// Shelves, one a line.
pub fn render_shelves(view: &ShelvesView, style: &Style, width: usize) -> String {
    if view.shelves.is_empty() {
        let hint = "widen the filter, or declare products first: shelf import";
        return nothing(*style, "No shelf fits.", hint);
    }
    let mut table = Table::new([
        Column::words("state"),
        Column::words("store"),
        Column::words("sku"),
        Column::cut("name", 8),
        Column::cut("zone", 8),
        Column::number("fill"),
        Column::number("floor"),
        Column::number("of"),
        Column::number("refill below"),
        Column::number("warehouse"),
        Column::number("on the way"),
        Column::number("price"),
        Column::words("alerts"),
    ]);
    for shelf in &view.shelves {
        let tone = match shelf.state {
            ShelfState::Empty => Tone::Of(Severity::Critical),
            ShelfState::Low => Tone::Of(Severity::Warning),
            ShelfState::Stocked => Tone::Good,
            ShelfState::Untracked => Tone::Faint,
        };
        let alerts = match shelf.worst {
            Some(worst) => {
                let text = format!("{} {}", symbol(worst), shelf.alerts.len());
                Cell::toned(Tone::Of(worst), text)
            }
            None => "".into(),
        };
        table.row([
            Cell::toned(tone, shelf.state.code()),
            shelf.store.as_str().into(),
            shelf.sku.as_str().into(),
            shelf.name.as_str().into(),
            shelf.category.as_str().into(),
            percent(shelf.fill_percent).into(),
            count(shelf.floor_units).into(),
            Cell::from(shelf.capacity_units.map_or_else(|| "-".to_owned(), count)),
            count(shelf.refill_below_units).into(),
            count(shelf.warehouse_units).into(),
            count(shelf.transit_units).into(),
            money(shelf.price_cents).into(),
            alerts,
        ]);
    }
    table.render(*style, width) + &more(*style, view.shelves.len(), view.total)
}

/// The zones that have shelves, one a line.
pub fn render_zones(view: &ZonesView, style: &Style, width: usize) -> String {
    let stocked: Vec<&ZoneRow> = view.zones.iter().filter(|zone| zone.shelves > 0).collect();
    if stocked.is_empty() {
        let hint = "see a shop live with: shelf run --demo";
        return nothing(*style, "No zone has a shelf with stock.", hint);
    }
    let mut table = Table::new([
        Column::cut("zone", 10),
        Column::number("shelves"),
        Column::number("fill"),
        Column::number("empty"),
        Column::number("low"),
        Column::number("▲ critical"),
        Column::number("◆ warning"),
        Column::number("○ info"),
        Column::number("expiring"),
        Column::number("sold today"),
    ]);
    for zone in stocked {
        let alerts = zone.alerts;
        let of = |severity, number: u64| match number {
            0 => Cell::from("0"),
            number => Cell::toned(Tone::Of(severity), count(number)),
        };
        table.row([
            zone.category.as_str().into(),
            count(zone.shelves).into(),
            percent(zone.fill_percent).into(),
            of(Severity::Critical, zone.empty_shelves),
            of(Severity::Warning, zone.low_shelves),
            of(Severity::Critical, alerts.critical),
            of(Severity::Warning, alerts.warning),
            of(Severity::Info, alerts.info),
            count(zone.near_expiry_units).into(),
            Cell::from(count(zone.sold_today_units)),
        ]);
    }
    table.render(*style, width)
}

/// Effects as a log: time in UTC, store, sentence. Lines are not cut.
pub fn render_effects(lines: &[EffectLine], style: &Style) -> String {
    let mut text = String::new();
    for line in lines {
        let tone = line.severity.map_or(Tone::Plain, Tone::Of);
        let mark = line.severity.map_or(" ", symbol);
        let head = format!("{} {}", rfc3339(line.at), line.store);
        text.push_str(&style.paint(Tone::Faint, &head));
        text.push(' ');
        text.push_str(&style.paint(tone, &format!("{mark} {}", line.text)));
        text.push('\n');
    }
    text
}
