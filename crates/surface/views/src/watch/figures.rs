//! Key figures and the quality of the events, below the windows of the live screen.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_domain::{StoreId, Stores};

use super::canvas::Canvas;
use super::palette::{PLAIN, Palette, STRONG};
use crate::chain::Chain;
use crate::kpis::{KpiFilter, KpisView};
use crate::quality::{QualityFacts, QualityView, StateTally};

/// So many days, the present one included, are what the figures are of.
const DAYS: i32 = 7;
/// The figures that are shown, with their words.
const SHOWN: [(&str, &str, &str); 5] = [
    ("on_shelf_availability", "available", " %"),
    ("average_basket", "basket", ""),
    ("conversion", "conversion", " %"),
    ("revenue_per_hour", "an hour", ""),
    ("waste_share", "waste", " %"),
];
/// Lines that they take.
pub(super) const LINES: u16 = 3;

/// Key figures of the last days, and how many checks of quality stand where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LiveFigures {
    /// Each key figure by its code; `null` where it is not known.
    #[schema(value_type = Object)]
    pub kpis: BTreeMap<&'static str, Option<f64>>,
    /// The checks of quality by their states.
    pub quality: StateTally,
}

impl LiveFigures {
    /// Those of a store, or of all together.
    pub fn new(partitions: &[&Stores], facts: &QualityFacts, store: Option<StoreId>) -> Self {
        let chain = Chain::new(partitions.iter().copied());
        let to_day = chain.today(store);
        let from_day = to_day.plus(1 - DAYS);
        let by = crate::kpis::KpiBy::Chain;
        let filter = KpiFilter { store, by, from_day, to_day, sort: None, limit: None };
        let row = KpisView::new(&chain, &filter).rows.into_iter().next();
        let quality = QualityView::new(partitions, facts).states;
        Self { kpis: row.map(|row| row.figures).unwrap_or_default(), quality }
    }
}

/// Draws them at the bottom.
pub(super) fn draw(canvas: &mut Canvas<'_>, figures: &LiveFigures, palette: Palette) {
    let y = canvas.height().saturating_sub(LINES - 1);
    let mut x = canvas.text(0, y, &format!("{DAYS} days"), STRONG);
    for (code, word, unit) in SHOWN {
        let value = figures.kpis.get(code).copied().flatten();
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}{unit}"));
        x = canvas.text(x + 2, y, word, palette.faint());
        x = canvas.text(x + 1, y, &value, PLAIN);
    }
    let tally = &figures.quality;
    let x = canvas.text(0, y + 1, "quality", STRONG) + 2;
    let text = format!(
        "{} ok, {} warn, {} fail, {} not known; see shelf quality",
        tally.ok, tally.warn, tally.fail, tally.unknown
    );
    canvas.text(x, y + 1, &text, PLAIN);
}
