//! How the chain stands, and what a simulation came to.

use shelf_domain::{Severity, Units};

use super::{heading, nothing};
use crate::report::SimulationReport;
use crate::status::{ClockKind, StatusView};
use crate::style::{Style, Tone, symbol};
use crate::table::{Cell, Column, Table};
use crate::tally::{Intake, SeverityTally, StockTotals};
use crate::wording::{count, counted, minute_utc, money, percent, rate, span, units};

/// How the chain stands.
pub fn render_status(view: &StatusView, style: &Style, width: usize) -> String {
    let Some(now) = view.now else {
        let hint = "see one live with: shelf run --demo; or read a file with: shelf import FILE";
        return nothing(*style, "There is no store yet.", hint) + &intake(&view.events, *style);
    };
    let clock = match view.clock {
        ClockKind::Simulated => "simulated",
        ClockKind::Real => "real",
    };
    let stores = counted(view.stores.len() as u64, "store");
    let title = format!("{stores} at {} UTC ({clock} time)", minute_utc(now));
    let mut text = heading(*style, &title);
    text += &standing(&view.totals, *style);
    text += &heading(*style, "Alerts");
    text += &alerts(&view.totals, *style, width);
    text += &heading(*style, "Events");
    text += &intake(&view.events, *style);
    text += &heading(*style, "Stores");
    text += &stores_table(view, *style, width);
    if !view.partitions.is_empty() {
        text += &heading(*style, "Partitions");
        text += &partitions(view, *style, width);
    }
    text
}

fn line(style: Style, name: &str, value: &str) -> String {
    format!("  {}  {value}\n", style.paint(Tone::Faint, &format!("{name:14}")))
}

fn standing(totals: &StockTotals, style: Style) -> String {
    let shelves = format!(
        "{} with stock ever, {} empty, {} low",
        count(totals.shelves),
        count(totals.empty_shelves),
        count(totals.low_shelves)
    );
    let near = &totals.near_expiry;
    let expiry = format!(
        "{} on the floor, {} in the warehouse; {} within 3 days",
        units(near.floor_units),
        count(near.warehouse_units),
        count(near.within_3_days_units)
    );
    let oldest = totals.tasks.oldest_age_s.map(|age| format!("; the oldest for {}", span(age)));
    let tasks = format!(
        "{} pending, {} issued, {} in transit{}",
        count(totals.tasks.pending),
        count(totals.tasks.issued),
        count(totals.tasks.in_transit),
        oldest.unwrap_or_default()
    );
    let orders = format!(
        "{} draft, {} approved, {} sent",
        count(totals.orders.draft),
        count(totals.orders.approved),
        count(totals.orders.sent)
    );
    let customers = format!(
        "{} present, {} today; {} carts",
        count(totals.customers_present),
        count(totals.entries_today),
        count(totals.carts)
    );
    let availability = percent(totals.on_shelf_availability_percent);
    let violated = match totals.invariant_violations {
        0 => "none broken".to_owned(),
        broken => style.paint(Tone::Of(Severity::Critical), &format!("▲ {broken} broken")),
    };
    let money_in = format!(
        "{} revenue in {}, {} waste",
        money(totals.revenue_cents),
        counted(totals.receipts, "receipt"),
        money(totals.waste_cents)
    );
    line(style, "shelves", &shelves)
        + &line(style, "availability", &availability)
        + &units_lines(&totals.units, style)
        + &line(style, "near expiry", &expiry)
        + &line(style, "money", &money_in)
        + &line(style, "customers", &customers)
        + &line(style, "restock tasks", &tasks)
        + &line(style, "orders", &orders)
        + &line(style, "timers", &count(totals.timers))
        + &line(style, "invariants", &violated)
}

fn units_lines(units: &Units, style: Style) -> String {
    let there = format!(
        "{} floor, {} carts, {} warehouse, {} in transit",
        count(units.floor),
        count(units.carts),
        count(units.warehouse),
        count(units.in_transit)
    );
    let moved = format!(
        "{} received, {} sold, {} removed, {} unexplained",
        count(units.received),
        count(units.sold),
        count(units.removed),
        count(units.unexplained)
    );
    line(style, "units there", &there) + &line(style, "units moved", &moved)
}

fn severity_cell(severity: Severity, number: u64) -> Cell {
    match number {
        0 => "0".into(),
        number => Cell::toned(Tone::Of(severity), format!("{} {number}", symbol(severity))),
    }
}

fn severity_cells(tally: SeverityTally) -> [Cell; 3] {
    [
        severity_cell(Severity::Critical, tally.critical),
        severity_cell(Severity::Warning, tally.warning),
        severity_cell(Severity::Info, tally.info),
    ]
}

fn alerts(totals: &StockTotals, style: Style, width: usize) -> String {
    let mut table = Table::new([
        Column::words("  rule"),
        Column::number("critical"),
        Column::number("warning"),
        Column::number("info"),
        Column::number("standing"),
        Column::number("opened"),
        Column::number("ended"),
    ]);
    for (rule, tally) in &totals.alerts.0 {
        let [critical, warning, info] = severity_cells(tally.by_severity);
        table.row([
            Cell::from(format!("  {rule}")),
            critical,
            warning,
            info,
            count(tally.standing).into(),
            count(tally.opened).into(),
            count(tally.ended).into(),
        ]);
    }
    table.render(style, width)
}

fn intake(events: &Intake, style: Style) -> String {
    let duplicates = events.duplicates.map(|n| format!(", {} duplicate", count(n)));
    let accepted = format!(
        "{} accepted, of these {} late{}",
        count(events.accepted),
        count(events.late),
        duplicates.unwrap_or_default()
    );
    let mut reasons = Vec::new();
    for (reason, number) in &events.quarantined_by_reason.0 {
        reasons.push(format!("{} {reason}", count(*number)));
    }
    let quarantined = match events.quarantined {
        0 => "none".to_owned(),
        all => format!("{}: {}", count(all), reasons.join(", ")),
    };
    line(style, "events", &accepted) + &line(style, "quarantine", &quarantined)
}

fn stores_table(view: &StatusView, style: Style, width: usize) -> String {
    let mut table = Table::new([
        Column::words("  store"),
        Column::cut("name", 6),
        Column::words("local time"),
        Column::number("availability"),
        Column::number("empty"),
        Column::number("low"),
        Column::number("critical"),
        Column::number("warning"),
        Column::number("info"),
        Column::number("customers"),
        Column::number("revenue"),
    ]);
    for store in &view.stores {
        let totals = &store.totals;
        let [critical, warning, info] = severity_cells(totals.alerts_standing);
        table.row([
            format!("  {}", store.store).into(),
            store.name.as_str().into(),
            Cell::from(store.local_time.as_str()),
            percent(totals.on_shelf_availability_percent).into(),
            count(totals.empty_shelves).into(),
            count(totals.low_shelves).into(),
            critical,
            warning,
            info,
            count(totals.customers_present).into(),
            money(totals.revenue_cents).into(),
        ]);
    }
    table.render(style, width)
}

fn partitions(view: &StatusView, style: Style, width: usize) -> String {
    let mut table = Table::new([
        Column::number("  partition"),
        Column::number("log end"),
        Column::number("position"),
        Column::number("behind"),
        Column::number("snapshot"),
        Column::words("saved (UTC)"),
    ]);
    for facts in &view.partitions {
        let snapshot = facts.snapshot_position.map_or_else(|| "none".to_owned(), count);
        table.row([
            Cell::from(facts.partition.to_string()),
            count(facts.log_end_offset).into(),
            count(facts.position).into(),
            count(facts.log_end_offset.saturating_sub(facts.position)).into(),
            snapshot.into(),
            facts.snapshot_saved_at.map_or_else(String::new, minute_utc).into(),
        ]);
    }
    table.render(style, width)
}

/// What a simulation came to.
pub fn render_report(report: &SimulationReport, style: &Style, width: usize) -> String {
    let style = *style;
    let days = counted(report.days, "day");
    let stores = counted(report.stores, "store");
    let mut text = heading(style, &format!("{days}, {stores}, seed {}", report.seed));
    let speed = report.events_per_s.map(|speed| format!(", {} events/s", rate(speed)));
    let run = format!(
        "{} events in {:.2} s{}",
        count(report.events),
        report.wall_s,
        speed.unwrap_or_default()
    );
    let memory = match report.peak_rss_bytes {
        Some(bytes) => format!("{} MiB at most", count(bytes / (1 << 20))),
        None => "unknown".to_owned(),
    };
    let availability = percent(report.on_shelf_availability.map(|part| part * 100.0));
    let money_in = format!(
        "{} revenue in {}, {} waste",
        money(report.revenue_cents),
        counted(report.receipts, "receipt"),
        money(report.waste_cents)
    );
    let violated = match report.invariant_violations {
        0 => "none broken".to_owned(),
        broken => style.paint(Tone::Of(Severity::Critical), &format!("▲ {broken} broken")),
    };
    let did = format!(
        "{} done, {} sent",
        counted(report.tasks_done, "restock task"),
        counted(report.orders_sent, "order")
    );
    text += &line(style, "run", &run);
    text += &line(style, "memory", &memory);
    text += &line(style, "availability", &availability);
    text += &units_lines(&report.units, style);
    text += &line(style, "money", &money_in);
    text += &line(style, "work", &did);
    text += &intake(&report_intake(report), style);
    text += &town(report, style);
    text += &line(style, "invariants", &violated);
    text += &line(style, "state hash", &report.state_hash);
    let mut table = Table::new([
        Column::words("  alerts"),
        Column::number("opened"),
        Column::number("ended"),
        Column::number("standing"),
    ]);
    for (rule, counts) in &report.alerts.0 {
        table.row([
            Cell::from(format!("  {rule}")),
            count(counts.opened).into(),
            count(counts.ended).into(),
            count(counts.standing).into(),
        ]);
    }
    text + &table.render(style, width)
}

fn report_intake(report: &SimulationReport) -> Intake {
    Intake {
        accepted: report.accepted,
        late: report.late,
        duplicates: Some(report.duplicates),
        quarantined: report.quarantined,
        quarantined_by_reason: report.quarantined_by_reason.clone(),
    }
}

fn town(report: &SimulationReport, style: Style) -> String {
    let Some(town) = report.town else { return String::new() };
    let demand = format!(
        "{} wanted, {} lost, {} replaced by another",
        units(town.demand_units),
        count(town.lost_units),
        count(town.substitute_units)
    );
    let lost = format!(
        "{} stolen, {} misplaced, {} expired, {} broken",
        units(town.stolen_units),
        count(town.misplaced_units),
        count(town.expired_units),
        count(town.broken_units)
    );
    line(style, "town: demand", &demand) + &line(style, "town: losses", &lost)
}
