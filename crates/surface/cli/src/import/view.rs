//! What an import tells when it is done.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_host::Tally;
use shelf_sources::LineCounts;

/// What an import came to.
#[derive(Debug, Serialize)]
pub(super) struct ImportView {
    lines: u64,
    sale_lines: u64,
    return_lines: u64,
    other_lines: u64,
    rejected_lines: u64,
    ignored_lines: u64,
    events: u64,
    accepted: u64,
    late: u64,
    duplicates: u64,
    quarantined: u64,
    quarantined_by_reason: BTreeMap<String, u64>,
    wall_s: f64,
    events_per_s: f64,
}

pub(super) fn view(counts: &LineCounts, tally: &Tally, stepped: u64, wall_s: f64) -> ImportView {
    ImportView {
        lines: counts.lines,
        sale_lines: counts.sale_lines,
        return_lines: counts.return_lines,
        other_lines: counts.other_lines,
        rejected_lines: counts.rejected_lines,
        ignored_lines: counts.ignored_lines,
        events: tally.total(),
        accepted: tally.accepted,
        late: tally.late,
        duplicates: tally.duplicates,
        quarantined: tally.quarantined_total(),
        quarantined_by_reason: tally.quarantined.clone(),
        wall_s,
        events_per_s: (stepped as f64 / wall_s.max(1e-9)).round(),
    }
}

pub(super) fn render(view: &ImportView) -> String {
    let mut lines = vec![
        format!("{} lines in {:.2} s, {} events/s", view.lines, view.wall_s, view.events_per_s),
        format!("  accepted     {:>12}   of these late {}", view.accepted, view.late),
        format!("  duplicate    {:>12}", view.duplicates),
        format!("  quarantined  {:>12}", view.quarantined),
    ];
    let reasons = view.quarantined_by_reason.iter();
    lines.extend(reasons.map(|(reason, count)| format!("    {reason:<18} {count:>8}")));
    if view.sale_lines + view.return_lines > 0 {
        lines.push(format!(
            "lines: {} sales + {} returns + {} other + {} rejected",
            view.sale_lines, view.return_lines, view.other_lines, view.rejected_lines
        ));
    }
    if view.ignored_lines > 0 {
        lines.push(format!(
            "  of no use    {:>12}   lines that tell their time alone",
            view.ignored_lines
        ));
    }
    if view.quarantined > 0 {
        lines.push("see them with: shelf quarantine list".to_owned());
    }
    lines.join("\n")
}
