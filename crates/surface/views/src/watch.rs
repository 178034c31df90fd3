//! The live screen: what it shows, and what its keys do. Drawing is in the modules below.

mod canvas;
mod figures;
mod floor;
mod palette;
mod panels;
mod screen;
mod svg;
mod windows;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde::Serialize;
use shelf_domain::{Store, StoreId, Timestamp};

use crate::alerts::{AlertFilter, AlertsView};
use crate::chain::Chain;
use crate::effect_line::EffectLine;
use crate::status::ClockKind;
use crate::style::Colour;
use crate::tally::StockTotals;
use crate::zones::ZonesView;
use crate::{form, wording};

pub use figures::LiveFigures;
pub use screen::draw;
pub use svg::{render_svg, render_watch};
pub use windows::LiveWindows;

/// The most alerts that the screen has room for.
const ALERTS_MAX: usize = 64;
/// Data that is older than this is not live.
const STALE_MS: u64 = 5_000;

/// How fast things go. What is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Rates {
    /// Events stepped in a second.
    pub events_per_s: Option<f64>,
    /// Simulated seconds that pass in a real one.
    pub speed: Option<f64>,
    /// From an event's acceptance to its effect being visible, in milliseconds.
    pub lag_ms: Option<u64>,
    /// The age of the data that is shown, in milliseconds.
    pub data_age_ms: Option<u64>,
}

impl Rates {
    /// Whether the data shown is fresh.
    pub fn live(&self) -> bool {
        self.data_age_ms.is_some_and(|age| age <= STALE_MS)
    }
}

/// A line of the log, with the time as its store's clock showed it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TailLine {
    /// `14:32:05`.
    pub local_time: String,
    /// What happened.
    #[serde(flatten)]
    pub line: EffectLine,
}

/// What the live screen shows.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WatchView {
    /// The store; `None` where several are shown together.
    #[schema(value_type = Option<String>)]
    pub store: Option<StoreId>,
    /// Its name, or how many stores there are.
    pub title: String,
    /// What time the events carry.
    pub clock: ClockKind,
    /// The latest event time; `None` where there is no store.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub now: Option<Timestamp>,
    /// The same on the store's own clock, or in UTC for several stores: `Mon 2026-01-05 14:32:05`.
    pub local_time: String,
    /// The sums.
    pub totals: StockTotals,
    /// The floor.
    pub zones: ZonesView,
    /// The most urgent alerts.
    pub alerts: AlertsView,
    /// The windows of sales.
    pub windows: LiveWindows,
    /// Key figures and quality, where they have been worked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<LiveFigures>,
    /// The latest effects, the newest last.
    pub effects: Vec<TailLine>,
    /// How fast things go.
    pub rates: Rates,
}

impl WatchView {
    /// The screen of one store, or of all together. `effects` are the latest, the newest last.
    pub fn new(
        chain: &Chain<'_>,
        clock: ClockKind,
        store: Option<StoreId>,
        effects: &[EffectLine],
        rates: Rates,
    ) -> Self {
        let stores = chain.select(store);
        let only = match stores.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let now = stores.iter().map(|store| store.now()).max();
        let local_time = match (only, now) {
            (Some(store), Some(now)) => {
                let time = wording::local_time(&store.settings().clock, now);
                let day = store.day();
                format!("{} {} {time}", wording::weekday(day), wording::date(day))
            }
            (None, Some(now)) => format!("{} UTC", wording::minute_utc(now)),
            _ => String::new(),
        };
        let title = match only {
            Some(store) => store.settings().name.as_str().to_owned(),
            None => wording::counted(stores.len() as u64, "store"),
        };
        let filter = AlertFilter { store, limit: Some(ALERTS_MAX), ..AlertFilter::default() };
        let of_store = |line: &&EffectLine| store.is_none_or(|store| store == line.store);
        Self {
            store: only.map(Store::id),
            title,
            clock,
            now,
            local_time,
            totals: StockTotals::new(&stores),
            zones: ZonesView::new(&stores),
            alerts: AlertsView::new(chain, &filter),
            windows: LiveWindows::new(chain, store),
            figures: None,
            effects: effects.iter().filter(of_store).map(|line| tail_line(chain, line)).collect(),
            rates,
        }
    }
}

fn tail_line(chain: &Chain<'_>, line: &EffectLine) -> TailLine {
    let clock = chain.store(line.store).map(|store| &store.settings().clock);
    let local_time = clock.map(|clock| wording::local_time(clock, line.at));
    TailLine { local_time: local_time.unwrap_or_default(), line: line.clone() }
}

/// What the floor plan shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FloorMode {
    /// How full the shelves are.
    #[default]
    Fill,
    /// The alerts that stand.
    Alerts,
    /// Units that expire soon.
    Expiry,
    /// Units sold today.
    Sales,
}

impl FloorMode {
    /// The next one.
    pub fn next(self) -> Self {
        match self {
            Self::Fill => Self::Alerts,
            Self::Alerts => Self::Expiry,
            Self::Expiry => Self::Sales,
            Self::Sales => Self::Fill,
        }
    }
}

/// What a person has chosen on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UiState {
    /// What the floor plan shows.
    pub mode: FloorMode,
    /// The store shown; `None` for all together.
    pub store: Option<StoreId>,
    /// Whether the windows of sales are shown in the place of the floor plan.
    pub windows: bool,
    /// Whether the keys are explained.
    pub help: bool,
    /// Whether the screen is to end.
    pub quit: bool,
    /// Whether colour may be used.
    pub colour: Colour,
}

impl UiState {
    /// The state after a key. `stores` are those that there are, in order.
    pub fn on_key(self, key: KeyEvent, stores: &[StoreId]) -> Self {
        if key.kind == KeyEventKind::Release {
            return self;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => Self { quit: true, ..self },
            KeyCode::Char('?' | 'h') => Self { help: !self.help, ..self },
            KeyCode::Esc if self.help => Self { help: false, ..self },
            KeyCode::Char('q') | KeyCode::Esc => Self { quit: true, ..self },
            KeyCode::Char('w') => Self { windows: !self.windows, ..self },
            KeyCode::Char('m') if self.windows => Self { windows: false, ..self },
            KeyCode::Char('m') => Self { mode: self.mode.next(), ..self },
            KeyCode::Char('s') => Self { store: next_store(self.store, stores), ..self },
            _ => self,
        }
    }
}

/// All together, then each, then all together again.
fn next_store(store: Option<StoreId>, stores: &[StoreId]) -> Option<StoreId> {
    match store {
        None => stores.first().copied(),
        Some(store) => stores.iter().find(|&&other| other > store).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(keys: &str, stores: &[StoreId]) -> UiState {
        keys.chars().fold(UiState::default(), |state, key| {
            state.on_key(KeyEvent::from(KeyCode::Char(key)), stores)
        })
    }

    #[test]
    fn keys_change_the_state_and_nothing_else() {
        let stores = [StoreId::cut("S1"), StoreId::cut("S2")];
        assert_eq!(after("m", &stores).mode, FloorMode::Alerts);
        assert_eq!(after("mmmm", &stores), UiState::default());
        assert!(after("w", &stores).windows && !after("ww", &stores).windows);
        assert_eq!(after("wm", &stores), UiState::default());
        assert_eq!(after("s", &stores).store, Some(stores[0]));
        assert_eq!(after("ss", &stores).store, Some(stores[1]));
        assert_eq!(after("sss", &stores), UiState::default());
        assert_eq!(after("s", &[]), UiState::default());
        assert!(after("?", &stores).help && !after("??", &stores).help);
        assert!(after("q", &stores).quit && !after("xyz", &stores).quit);
        let escape = KeyEvent::from(KeyCode::Esc);
        assert_eq!(after("?", &stores).on_key(escape, &stores), UiState::default());
        assert!(UiState::default().on_key(escape, &stores).quit);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(UiState::default().on_key(interrupt, &stores).quit);
    }
}
