//! The floor plan as a heat map: each zone a rectangle in its true place.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::palette::{LEVELS, PLAIN, Palette, STRONG};
use super::{FloorMode, WatchView};
use crate::floor_plan::{Bounds, FLOOR_PLAN};
use crate::style::symbol;
use crate::table::columns;
use crate::wording::{count, sentence_case};
use crate::zones::ZoneRow;

/// Draws the zones, or a list of them where none has a place on the plan.
pub(crate) fn draw(canvas: &mut Canvas<'_>, view: &WatchView, mode: FloorMode, palette: Palette) {
    let (name, unit) = match mode {
        FloorMode::Fill => ("Floor: fill", "% of capacity"),
        FloorMode::Alerts => ("Floor: alerts", "alerts that stand"),
        FloorMode::Expiry => ("Floor: expiry", "units on the floor that expire soon"),
        FloorMode::Sales => ("Floor: sales", "units sold today"),
    };
    let x = canvas.text(0, 0, name, STRONG) + 1;
    canvas.text(x, 0, unit, palette.faint());
    let stocked = || view.zones.zones.iter().filter(|zone| zone.shelves > 0);
    let best = view.zones.zones.iter().map(|zone| zone.sold_today_units).max().unwrap_or(0);
    let plan = Rect { x: 0, y: 1, width: canvas.width(), height: canvas.height() - 1 };
    if stocked().next().is_none() {
        canvas.text(0, 2, "No shelf has stock yet.", PLAIN);
        canvas.text(0, 3, "See a shop live with: shelf run --demo", palette.faint());
    } else if stocked().all(|zone| zone.bounds.is_none()) {
        for (zone, row) in stocked().zip(0..plan.height) {
            let place = Rect { y: plan.y + row, height: 1, ..plan };
            draw_zone(canvas, place, zone, mode, best, palette);
        }
    } else {
        for zone in &view.zones.zones {
            if let Some(bounds) = zone.bounds {
                let place = rect(bounds, plan);
                draw_zone(canvas, place, zone, mode, best, palette);
            }
        }
    }
}

/// Where a zone lies inside `plan`: the plan's outermost zones touch its sides, and one column
/// stays free to the right of each, and one line below those that can spare it.
fn rect(bounds: Bounds, plan: Rect) -> Rect {
    let outer = outer_bounds();
    let place = |value: f64, from: f64, to: f64, length: u16| {
        ((value - from) / (to - from) * f64::from(length)).round() as u16
    };
    let x0 = place(bounds.x0, outer.x0, outer.x1, plan.width);
    let x1 = place(bounds.x1, outer.x0, outer.x1, plan.width);
    let y0 = place(bounds.y0, outer.y0, outer.y1, plan.height);
    let y1 = place(bounds.y1, outer.y0, outer.y1, plan.height);
    let y0 = y0.min(plan.height.saturating_sub(1));
    Rect {
        x: plan.x + x0,
        y: plan.y + y0,
        width: (x1 - x0).saturating_sub(1).max(1),
        height: match y1.saturating_sub(y0) {
            tall @ 4.. => tall - 1,
            low => low.max(1),
        },
    }
}

fn outer_bounds() -> Bounds {
    let start = Bounds { x0: 1.0, y0: 1.0, x1: 0.0, y1: 0.0 };
    FLOOR_PLAN.iter().map(|zone| zone.bounds).fold(start, |outer, zone| Bounds {
        x0: outer.x0.min(zone.x0),
        y0: outer.y0.min(zone.y0),
        x1: outer.x1.max(zone.x1),
        y1: outer.y1.max(zone.y1),
    })
}

/// The figure of a zone, and its heat from 0 to 4; `None` where nothing is known.
fn figure(zone: &ZoneRow, mode: FloorMode, best: u64) -> (String, Option<usize>) {
    if zone.shelves == 0 {
        return ("-".to_owned(), None);
    }
    let top = LEVELS - 1;
    let share = |part: u64, whole: u64| (part as f64 / whole.max(1) as f64 * 100.0) as usize;
    match mode {
        FloorMode::Fill => match zone.fill_percent {
            Some(fill) => (format!("{fill:.0}%"), Some(fill_level(fill))),
            None => ("-".to_owned(), None),
        },
        FloorMode::Alerts => {
            let level = match zone.worst() {
                None => 0,
                Some(shelf_domain::Severity::Info) => 1,
                Some(shelf_domain::Severity::Warning) => 3,
                Some(shelf_domain::Severity::Critical) => top,
            };
            (count(zone.alerts.total()), Some(level))
        }
        FloorMode::Expiry => {
            let level = match share(zone.near_expiry_units, zone.floor_units) {
                _ if zone.near_expiry_units == 0 => 0,
                0..2 => 1,
                2..10 => 2,
                10..30 => 3,
                _ => top,
            };
            (count(zone.near_expiry_units), Some(level))
        }
        FloorMode::Sales => {
            let level = match share(zone.sold_today_units, best) {
                _ if zone.sold_today_units == 0 => 0,
                percent => (1 + percent / 25).min(top),
            };
            (count(zone.sold_today_units), Some(level))
        }
    }
}

/// Shelves are refilled long before they are empty, so that a zone in order is about half full:
/// the levels are finest there.
fn fill_level(fill_percent: f64) -> usize {
    [30.0, 45.0, 55.0, 70.0].iter().filter(|&&step| fill_percent >= step).count()
}

fn draw_zone(
    canvas: &mut Canvas<'_>,
    place: Rect,
    zone: &ZoneRow,
    mode: FloorMode,
    best: u64,
    palette: Palette,
) {
    let (figure, level) = figure(zone, mode, best);
    let (ground, shade) = palette.heat(mode, level);
    canvas.fill(place, shade, ground);
    let style = palette.on_zone(ground);
    let mark = zone.worst().map_or("", symbol);
    let lines = zone_lines(zone, &figure, mark, place);
    for (line, y) in lines.iter().zip(place.y..place.y + place.height) {
        let style = if y == place.y { style.patch(STRONG) } else { style };
        canvas.part(Rect { y, height: 1, ..place }).text(0, 0, line, style);
    }
}

/// What stands in a zone of this size: its name or its three letters, its figure, and the sign of
/// its worst alert.
fn zone_lines(zone: &ZoneRow, figure: &str, mark: &str, place: Rect) -> Vec<String> {
    let width = usize::from(place.width);
    let names = [sentence_case(&zone.category), zone.label.clone()];
    let mut fitting = names.into_iter().filter(|name| columns(name) <= width);
    let name = fitting.next().unwrap_or_else(|| zone.code.clone());
    let short = figure.trim_end_matches('%');
    let brief = if columns(short) <= width { short.to_owned() } else { thousands(short) };
    let figure = if columns(figure) <= width { figure } else { brief.as_str() };
    let together = |parts: &[&str]| {
        let shown: Vec<&str> = parts.iter().filter(|part| !part.is_empty()).copied().collect();
        Some(shown.join(" ")).filter(|line| columns(line) <= width)
    };
    if place.height == 1 {
        let line = together(&[&name, figure, mark])
            .or_else(|| together(&[&zone.label, figure, mark]))
            .or_else(|| together(&[&zone.code, figure, mark]))
            .or_else(|| together(&[&name, mark]))
            .unwrap_or_else(|| marked(&name, mark, width));
        return vec![line];
    }
    if place.height == 2 {
        let second = together(&[figure, mark]);
        let first = if second.is_some() { name } else { marked(&name, mark, width) };
        return vec![first, second.unwrap_or_else(|| figure.to_owned())];
    }
    let alerts = match (mark, zone.alerts.total()) {
        ("", _) => String::new(),
        (mark, number) => {
            let text = format!("{mark}{}", count(number));
            if columns(&text) <= width { text } else { mark.to_owned() }
        }
    };
    vec![name, figure.to_owned(), alerts]
}

/// `1k` for `1,204`.
fn thousands(figure: &str) -> String {
    let groups: Vec<&str> = figure.split(',').collect();
    match groups.as_slice() {
        [first, _] => format!("{first}k"),
        [first, _, _] => format!("{first}M"),
        _ => figure.to_owned(),
    }
}

/// A name with a sign at the end, cut to the width.
fn marked(name: &str, mark: &str, width: usize) -> String {
    let room = width.saturating_sub(columns(mark));
    name.chars().take(room).collect::<String>() + mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_keep_apart_at_every_size() {
        for (width, height) in [(52, 14), (52, 15), (65, 20), (78, 26), (104, 40), (195, 60)] {
            let plan = Rect { x: 0, y: 0, width, height };
            let rects: Vec<Rect> = FLOOR_PLAN.iter().map(|z| rect(z.bounds, plan)).collect();
            for (at, one) in rects.iter().enumerate() {
                assert!(plan.contains(one.as_position()), "{width}x{height} {one:?}");
                assert_eq!(plan.intersection(*one), *one, "{width}x{height} {one:?}");
                for (other_at, other) in rects.iter().enumerate().skip(at + 1) {
                    let names = (FLOOR_PLAN[at].zone, FLOOR_PLAN[other_at].zone);
                    assert!(!one.intersects(*other), "{width}x{height} {names:?}");
                }
            }
        }
    }
}
