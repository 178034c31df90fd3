//! A chart as a picture that needs no script, with its figures as a table. Where scripts run, an
//! interactive chart takes the place of the picture.

use std::fmt::Write as _;

use askama::Template;
use serde::Serialize;

/// One line of a chart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    name: &'static str,
    values: Vec<Option<f64>>,
}

impl Line {
    pub(crate) fn new(name: &'static str, values: Vec<Option<f64>>) -> Self {
        Self { name, values }
    }
}

/// Lines, or bars of the first line, over labels of equal distance.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) labels: Vec<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) bars: bool,
    /// Points of the first line at which something happened, and what.
    pub(crate) marks: Option<Line>,
}

#[derive(Template)]
#[template(path = "chart.html")]
struct Figure<'a> {
    chart: &'a Chart,
    data: String,
    most: String,
    paths: Vec<(String, &'static str)>,
    bars: Vec<[String; 4]>,
    marks: Vec<[String; 2]>,
    ends: [String; 2],
    rows: Vec<(String, Vec<String>)>,
}

const WIDTH: f64 = 800.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 216.0;
/// The most rows of the table of figures.
const ROWS: usize = 400;

impl Chart {
    /// The picture and the table; what will fill it, where there is nothing to draw.
    pub(crate) fn html(&self) -> String {
        let values = || self.lines.iter().flat_map(|line| line.values.iter().copied().flatten());
        if self.labels.len() < 2 || values().next().is_none() {
            let what = format!(
                "<p class=\"empty\"><strong>{}</strong>\
                 The first hours of the log will fill this.</p>",
                self.title
            );
            return what;
        }
        let most = values().fold(0.0, f64::max).max(1.0);
        let last = self.labels.len().saturating_sub(1);
        let figure = Figure {
            chart: self,
            data: serde_json::to_string(self).unwrap_or_default(),
            most: trimmed(most),
            paths: if self.bars { Vec::new() } else { self.paths(most) },
            bars: if self.bars { self.bar_rects(most) } else { Vec::new() },
            marks: self.mark_points(most),
            ends: [0, last].map(|at| self.labels.get(at).cloned().unwrap_or_default()),
            rows: self.rows(),
        };
        figure.render().unwrap_or_default()
    }

    fn paths(&self, most: f64) -> Vec<(String, &'static str)> {
        const CLASSES: [&str; 3] = ["line-1", "line-2", "line-3"];
        let step = WIDTH / (self.labels.len().saturating_sub(1).max(1)) as f64;
        let draw = |line: &Line| {
            let (mut path, mut pen) = (String::new(), 'M');
            for (at, value) in line.values.iter().enumerate() {
                match value {
                    Some(value) => {
                        let (x, y) = (step * at as f64, height(*value, most));
                        let _ = write!(path, "{pen}{x:.1} {y:.1}");
                        pen = 'L';
                    }
                    None => pen = 'M',
                }
            }
            path
        };
        self.lines.iter().map(draw).zip(CLASSES.into_iter().cycle()).collect()
    }

    fn mark_points(&self, most: f64) -> Vec<[String; 2]> {
        let step = WIDTH / (self.labels.len().saturating_sub(1).max(1)) as f64;
        let values = self.marks.as_ref().map(|marks| marks.values.as_slice()).unwrap_or_default();
        let point = |(at, value): (usize, &Option<f64>)| {
            let y = height((*value)?, most);
            Some([format!("{:.1}", step * at as f64), format!("{y:.1}")])
        };
        values.iter().enumerate().filter_map(point).collect()
    }

    fn bar_rects(&self, most: f64) -> Vec<[String; 4]> {
        let step = WIDTH / self.labels.len().max(1) as f64;
        let first = self.lines.first().map(|line| line.values.as_slice()).unwrap_or_default();
        let bar = |(at, value): (usize, &Option<f64>)| {
            let y = height(value.unwrap_or(0.0), most);
            let places = [step * at as f64 + step * 0.12, y, step * 0.76, BOTTOM - y];
            places.map(|place| format!("{place:.1}"))
        };
        first.iter().enumerate().map(bar).collect()
    }

    fn rows(&self) -> Vec<(String, Vec<String>)> {
        let row = |(at, label): (usize, &String)| {
            let value = |line: &Line| {
                let value = line.values.get(at).copied().flatten();
                value.map_or_else(|| "–".to_owned(), trimmed)
            };
            (label.clone(), self.lines.iter().map(value).collect())
        };
        self.labels.iter().enumerate().take(ROWS).map(row).collect()
    }
}

fn height(value: f64, most: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * (value / most).clamp(0.0, 1.0)
}

fn trimmed(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
