//! The views as text for a terminal. Colour is for those who ask for it; nothing is told by it
//! alone. `width` is in columns; where even cut columns do not fit, lines are longer.

mod details;
mod kpis;
mod lists;
mod overview;
mod quality;
mod sales;
mod state;
mod suppliers;
mod windows;

use crate::style::{Style, Tone};

pub use details::{render_alert, render_order, render_shelf};
pub use kpis::{render_kpi_notes, render_kpis};
pub use lists::{
    render_alerts, render_effects, render_ended_alerts, render_orders, render_shelves,
    render_tasks, render_zones,
};
pub use overview::{render_report, render_status};
pub use quality::{render_quality, render_quality_history};
pub use sales::{render_patterns, render_sales};
pub use state::{render_state, render_state_counts};
pub use suppliers::render_suppliers;
pub use windows::{render_window_kinds, render_windows};

/// A heading, on a line of its own.
fn heading(style: Style, text: &str) -> String {
    format!("{}\n", style.paint(Tone::Strong, text))
}

/// What a list says when there is nothing in it: that, and what to do.
fn nothing(style: Style, fact: &str, hint: &str) -> String {
    format!("{fact}\n{}\n", style.paint(Tone::Faint, hint))
}

/// The line below a list that was cut.
fn more(style: Style, shown: usize, total: u64) -> String {
    if shown as u64 >= total {
        return String::new();
    }
    let line = format!("{shown} of {total} shown; see more with --limit");
    format!("{}\n", style.paint(Tone::Faint, &line))
}
