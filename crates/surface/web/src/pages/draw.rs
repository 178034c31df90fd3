//! Pictures as SVG, drawn from figures: lines beside tiles, the floor plan, bars in tables. What
//! has a colour has it from a class, for the style of a page may not stand in the page.

use std::fmt::Write as _;

use shelf_domain::Severity;
use shelf_views::{Bounds, ZoneRow, symbol, wording};

/// A line through values of equal distance, the last one marked; empty where there are too few.
pub(crate) fn sparkline(values: &[Option<f64>]) -> String {
    const WIDTH: f64 = 76.0;
    const HEIGHT: f64 = 24.0;
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    if known.len() < 2 {
        return String::new();
    }
    let least = known.iter().copied().fold(f64::INFINITY, f64::min);
    let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if most > least { most - least } else { 1.0 };
    let step = (WIDTH - 6.0) / (values.len() - 1) as f64;
    let (mut path, mut last, mut pen) = (String::new(), (0.0, 0.0), 'M');
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        let x = 2.0 + step * at as f64;
        let y = 3.0 + (HEIGHT - 6.0) * (1.0 - (value - least) / span);
        let _ = write!(path, "{pen}{x:.1} {y:.1}");
        (last, pen) = ((x, y), 'L');
    }
    let (x, y) = last;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\">\
         <path class=\"spark\" d=\"{path}\"/>\
         <circle class=\"spark-end\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.4\"/></svg>"
    )
}

/// A bar that is full up to a part of it.
pub(crate) fn bar(percent: Option<f64>, class: &str) -> String {
    let Some(percent) = percent else { return String::new() };
    let width = percent.clamp(0.0, 100.0);
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\">\
         <rect width=\"100\" height=\"8\" rx=\"3\"/>\
         <rect class=\"part {class}\" width=\"{width:.1}\" height=\"8\" rx=\"3\"/></svg>"
    )
}

/// What the floor plan shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Map {
    /// How full the shelves are.
    #[default]
    Fill,
    /// The alerts that stand.
    Alerts,
    /// Units that expire soon.
    Expiry,
    /// Units that customers hold in their carts.
    Traffic,
    /// Units sold an hour.
    Sales,
}

impl Map {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Fill, Self::Alerts, Self::Expiry, Self::Traffic, Self::Sales];

    /// Its stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Alerts => "alerts",
            Self::Expiry => "expiry",
            Self::Traffic => "traffic",
            Self::Sales => "sales",
        }
    }

    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fill => "Fill",
            Self::Alerts => "Alerts",
            Self::Expiry => "Expiry risk",
            Self::Traffic => "Traffic",
            Self::Sales => "Sales speed",
        }
    }

    /// What its figures are.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Fill => "% of capacity on the shelves",
            Self::Alerts => "open alerts",
            Self::Expiry => "units on the floor that expire soon",
            Self::Traffic => "units in customers' carts",
            Self::Sales => "units sold an hour, today",
        }
    }

    /// The classes of its levels, with their words.
    pub(crate) fn legend(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Fill => vec![
                ("heat-4", "under 30 %"),
                ("heat-3", "30 to 45 %"),
                ("heat-2", "45 to 55 %"),
                ("heat-1", "55 % and more"),
            ],
            Self::Alerts => vec![
                ("heat-0", "none"),
                ("cool-2", "○ info"),
                ("heat-3", "◆ warning"),
                ("heat-4", "▲ critical"),
            ],
            Self::Expiry => vec![
                ("heat-0", "none"),
                ("heat-2", "under 10 % of the units"),
                ("heat-3", "under 30 %"),
                ("heat-4", "30 % and more"),
            ],
            Self::Traffic | Self::Sales => {
                vec![("cool-0", "none"), ("cool-1", "less"), ("cool-4", "most")]
            }
        }
    }

    /// The map of a code; the first where there is none of it.
    pub(crate) fn of(code: Option<&str>) -> Self {
        let known = Self::ALL.into_iter().find(|map| Some(map.code()) == code);
        known.unwrap_or_default()
    }

    fn value(self, zone: &ZoneRow) -> f64 {
        match self {
            Self::Fill => zone.fill_percent.unwrap_or(0.0),
            Self::Alerts => zone.alerts.total() as f64,
            Self::Expiry => zone.near_expiry_units as f64,
            Self::Traffic => zone.cart_units as f64,
            Self::Sales => zone.sold_per_hour.unwrap_or(0.0),
        }
    }

    /// The figure of a zone as people read it.
    pub(crate) fn text(self, zone: &ZoneRow) -> String {
        let known = match self {
            Self::Fill => zone.fill_percent.is_some(),
            Self::Sales => zone.sold_per_hour.is_some(),
            _ => zone.shelves > 0,
        };
        match self {
            _ if !known => "–".to_owned(),
            Self::Fill => format!("{:.0} %", self.value(zone)),
            _ => wording::count(self.value(zone).round() as i64),
        }
    }

    /// The class of a zone; `most` is the highest figure of all.
    pub(crate) fn class(self, zone: &ZoneRow, most: f64) -> &'static str {
        if zone.shelves == 0 {
            return "heat-none";
        }
        let value = self.value(zone);
        match self {
            Self::Fill => match value {
                _ if zone.fill_percent.is_none() => "heat-none",
                ..30.0 => "heat-4",
                ..45.0 => "heat-3",
                ..55.0 => "heat-2",
                _ => "heat-1",
            },
            Self::Alerts => match zone.worst() {
                None => "heat-0",
                Some(Severity::Info) => "cool-2",
                Some(Severity::Warning) => "heat-3",
                Some(Severity::Critical) => "heat-4",
            },
            Self::Expiry => match value / (zone.floor_units.max(1) as f64) {
                _ if value == 0.0 => "heat-0",
                ..0.1 => "heat-2",
                ..0.3 => "heat-3",
                _ => "heat-4",
            },
            Self::Traffic | Self::Sales => match value / most.max(1.0) {
                _ if value == 0.0 => "cool-0",
                ..0.25 => "cool-1",
                ..0.5 => "cool-2",
                ..0.75 => "cool-3",
                _ => "cool-4",
            },
        }
    }

    /// The highest figure.
    pub(crate) fn most(self, zones: &[ZoneRow]) -> f64 {
        zones.iter().map(|zone| self.value(zone)).fold(0.0, f64::max)
    }
}

/// One zone as it is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) link: String,
    pub(crate) title: String,
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    pub(crate) texts: Vec<Text>,
}

/// A text in the plan.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) text: String,
}

/// The width and depth of the floor in the units of the picture.
const FLOOR: (f64, f64) = (1_000.0, 640.0);

/// The zones that have a place on the floor.
pub(crate) fn floor(zones: &[ZoneRow], map: Map, link: impl Fn(&str) -> String) -> Vec<Drawn> {
    let most = map.most(zones);
    let drawn = zones.iter().filter_map(|zone| {
        let bounds = zone.bounds?;
        let (x, y) = (bounds.x0 * FLOOR.0, bounds.y0 * FLOOR.1);
        let (width, height) = size(bounds);
        let figure = map.text(zone);
        let alerts = match zone.alerts.total() {
            0 => "no alert".to_owned(),
            number => wording::counted(number, "alert"),
        };
        let name = wording::sentence_case(&zone.category);
        Some(Drawn {
            link: link(&format!("/zones/{}", zone.zone)),
            title: format!("{name}: {figure} {}, {alerts}", map.unit().trim_start_matches("% ")),
            class: map.class(zone, most),
            x: format!("{x:.1}"),
            y: format!("{y:.1}"),
            width: format!("{width:.1}"),
            height: format!("{height:.1}"),
            texts: texts(zone, &figure, bounds),
        })
    });
    drawn.collect()
}

fn size(bounds: Bounds) -> (f64, f64) {
    ((bounds.x1 - bounds.x0) * FLOOR.0, (bounds.y1 - bounds.y0) * FLOOR.1)
}

fn texts(zone: &ZoneRow, figure: &str, bounds: Bounds) -> Vec<Text> {
    let (width, height) = size(bounds);
    let middle = bounds.x0 * FLOOR.0 + width / 2.0;
    let top = bounds.y0 * FLOOR.1;
    let text = |class, x: f64, y: f64, text: &str| Text {
        class,
        x: format!("{x:.1}"),
        y: format!("{y:.1}"),
        text: text.to_owned(),
    };
    let mark = zone.worst().map(|worst| (sign_class(worst), symbol(worst)));
    let full = wording::sentence_case(&zone.category);
    let wide = width > full.len() as f64 * 7.2 + 90.0;
    let name = if wide { full } else { zone.label.clone() };
    if height < 60.0 {
        let y = top + height / 2.0 + 5.0;
        if wide {
            let mut line = vec![text("name", middle - 30.0, y, &name)];
            line.push(text("big", middle + name.len() as f64 * 3.6 + 14.0, y, figure));
            let x = bounds.x1 * FLOOR.0 - 16.0;
            line.extend(mark.map(|(class, mark)| text(class, x, y, mark)));
            return line;
        }
        let aside = if mark.is_some() { 7.0 } else { 0.0 };
        let mut lines = vec![
            text("name", middle, top + height / 2.0 - 3.0, &name),
            text("big", middle - aside, top + height / 2.0 + 14.0, figure),
        ];
        let x = bounds.x1 * FLOOR.0 - 9.0;
        lines.extend(mark.map(|(class, mark)| text(class, x, top + height - 6.0, mark)));
        return lines;
    }
    let centre = top + height / 2.0;
    let mut lines = vec![
        text("name", middle, centre - 10.0, &name),
        text("big", middle, centre + 10.0, figure),
    ];
    lines.extend(mark.map(|(class, mark)| text(class, middle, centre + 29.0, mark)));
    lines
}

fn sign_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "sign sign-critical",
        Severity::Warning => "sign sign-warning",
        Severity::Info => "sign sign-info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_two_values_and_breaks_where_one_is_missing() {
        assert_eq!(sparkline(&[None, Some(1.0)]), "");
        let line = sparkline(&[Some(1.0), None, Some(3.0), Some(2.0)]);
        assert_eq!(line.matches('M').count(), 2, "{line}");
        assert_eq!(line.matches("style").count(), 0);
    }

    #[test]
    fn a_zone_without_shelves_has_no_level() {
        let zone = ZoneRow::default();
        for map in Map::ALL {
            assert_eq!((map.class(&zone, 0.0), map.text(&zone).as_str()), ("heat-none", "–"));
            assert!(!map.legend().is_empty());
        }
        assert_eq!(Map::of(Some("x")), Map::Fill);
    }
}
