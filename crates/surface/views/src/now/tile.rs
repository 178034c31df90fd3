//! One figure with what it was a week ago and how it went since yesterday.

use serde::Serialize;
use shelf_domain::{DAY, StoreId};

use super::history::ReadingHistory;
use super::reading::Reading;
use crate::wording;

/// So many hours are drawn.
const DRAWN: i64 = 24;

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The more the better.
    Higher,
    /// The less the better.
    Lower,
    /// Neither.
    Neither,
}

macro_rules! kinds {
    (
        $($kind:ident = $code:literal, $name:literal, $unit:literal, $better:ident,
            $link:literal;)*
    ) => {
        /// A figure of the first page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TileKind {
            $(#[doc = $name] $kind,)*
        }

        impl TileKind {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            /// Its name for people.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What it is counted in.
            pub fn unit(self) -> &'static str {
                match self { $(Self::$kind => $unit,)* }
            }

            /// Which way it is better.
            pub fn better(self) -> Better {
                match self { $(Self::$kind => Better::$better,)* }
            }

            /// The page that says more.
            pub fn link(self) -> &'static str {
                match self { $(Self::$kind => $link,)* }
            }
        }
    };
}

kinds! {
    Availability = "availability", "On-shelf availability", "%", Higher, "/availability";
    EmptyShelves = "empty_shelves", "Empty shelves", "shelves", Lower, "/shelves?state=empty";
    LostSales = "lost_sales", "Lost sales, estimate", "", Lower, "/availability";
    FillRate = "fill_rate", "Supplier fill rate", "%", Higher, "/orders";
    Expiring = "expiring", "Expiring within 3 days", "units", Lower, "/waste";
    Waste = "waste", "Waste today", "", Lower, "/waste";
    Unexplained = "unexplained", "Unexplained units", "units", Neither,
        "/alerts?rule=stock_discrepancy";
    Restocks = "restocks", "Open restocks", "tasks", Lower, "/tasks";
    Cover = "cover", "Days of cover", "days", Neither, "/warehouse";
    Customers = "customers", "Customers in store", "people", Neither, "/sales";
    SalesPace = "sales_pace", "Sales per minute", "", Higher, "/sales";
    ForecastError = "forecast_error", "Forecast error", "%", Lower, "/orders";
}

impl TileKind {
    /// Its value in a reading; `None` where that is not known. Money is in currency units.
    pub fn value(self, reading: &Reading) -> Option<f64> {
        let part = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let cents = |cents: i64| cents as f64 / 100.0;
        match self {
            Self::Availability => {
                let stocked = reading.shelves.saturating_sub(reading.empty_shelves);
                part(stocked as f64 * 100.0, reading.shelves as f64)
            }
            Self::EmptyShelves => Some(reading.empty_shelves as f64),
            Self::LostSales => Some(cents(reading.lost_today_cents)),
            Self::FillRate => {
                part(reading.delivered_units as f64 * 100.0, reading.ordered_units as f64)
            }
            Self::Expiring => Some(reading.expiring_units as f64),
            Self::Waste => Some(cents(reading.waste_today_cents)),
            Self::Unexplained => Some(reading.unexplained_units as f64),
            Self::Restocks => Some(reading.restocks as f64),
            Self::Cover => {
                let days = reading.elapsed_us as f64 / DAY as f64;
                part(reading.on_hand_units as f64 * days, reading.sold_units.max(0) as f64)
            }
            Self::Customers => Some(reading.customers as f64),
            Self::SalesPace => part(cents(reading.pace_cents), reading.pace_minutes as f64),
            Self::ForecastError => None,
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Availability | Self::FillRate | Self::Cover => format!("{value:.1}"),
            Self::LostSales | Self::Waste | Self::SalesPace => {
                wording::money((value * 100.0).round() as i64)
            }
            _ => wording::count(value.round() as i64),
        }
    }

    /// What else is worth knowing, in a few words.
    fn detail(self, reading: &Reading) -> String {
        match self {
            Self::Availability => {
                let stocked = reading.shelves.saturating_sub(reading.empty_shelves);
                format!(
                    "{} of {} shelves",
                    wording::count(stocked),
                    wording::count(reading.shelves)
                )
            }
            Self::Waste => match reading.net_today_cents {
                net @ 1.. => {
                    let share = reading.waste_today_cents as f64 * 100.0 / net as f64;
                    format!("{share:.1} % of sales")
                }
                _ => "no sales yet today".to_owned(),
            },
            Self::Restocks => reading
                .oldest_restock_s
                .map_or_else(String::new, |age_s| format!("oldest {}", wording::span_about(age_s))),
            Self::SalesPace => {
                format!("{} today", wording::money(reading.net_today_cents))
            }
            Self::Cover => format!("{} units", wording::count(reading.on_hand_units)),
            Self::FillRate => format!(
                "{} of {} in 7 days",
                wording::count(reading.delivered_units),
                wording::units(reading.ordered_units)
            ),
            Self::LostSales => "today, while shelves stood empty".to_owned(),
            _ => String::new(),
        }
    }

    /// What will fill it, where it is not known.
    fn missing(self) -> &'static str {
        match self {
            Self::ForecastError => {
                "No forecaster runs yet: its model will fill this, beside the baseline."
            }
            Self::FillRate => "The first delivery of an order will fill this.",
            Self::Cover => "The first sales will fill this.",
            Self::SalesPace => "A window of sales for each store will fill this.",
            _ => "The first stock will fill this.",
        }
    }
}

/// One figure of the first page.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Tile {
    /// Its stable code.
    pub code: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its value; `None` where it is not known. Money is in currency units.
    pub value: Option<f64>,
    /// The value as people read it, without the unit.
    pub text: String,
    /// What it is counted in; empty for money.
    pub unit: &'static str,
    /// What else is worth knowing; what will fill it, where the value is not known.
    pub detail: String,
    /// The value less that of the same hour a week ago; `None` where that is not known.
    pub change: Option<f64>,
    /// The change as people read it, with its sign.
    pub change_text: String,
    /// Whether the change is for the better; `None` where it is neither.
    pub improved: Option<bool>,
    /// The values at the beginning of each of the last hours, the present one last.
    pub series: Vec<Option<f64>>,
    /// The page that says more.
    pub link: String,
}

pub(super) fn tiles(
    store: Option<StoreId>,
    stores: &[StoreId],
    reading: &Reading,
    history: &ReadingHistory,
) -> Vec<Tile> {
    let before = history.week_before(stores, reading.at);
    let hours: Vec<Option<Reading>> =
        (0..DRAWN).rev().map(|hours| history.before(stores, reading.at, hours)).collect();
    let tile = |&kind: &TileKind| tile(kind, store, reading, before.as_ref(), &hours);
    TileKind::ALL.iter().map(tile).collect()
}

fn tile(
    kind: TileKind,
    store: Option<StoreId>,
    reading: &Reading,
    before: Option<&Reading>,
    hours: &[Option<Reading>],
) -> Tile {
    let value = kind.value(reading);
    let was = before.and_then(|before| kind.value(before));
    let change = value.zip(was).map(|(value, was)| value - was);
    let change_text = change.map_or_else(String::new, |change| {
        let sign = if change > 0.0 { "+" } else { "" };
        let text = kind.text(change);
        if text.trim_start_matches('-').trim_matches(['0', '.', ',']).is_empty() {
            "±0".to_owned()
        } else {
            format!("{sign}{text}")
        }
    });
    let improved = change.filter(|_| change_text != "±0").and_then(|change| match kind.better() {
        Better::Higher => Some(change > 0.0),
        Better::Lower => Some(change < 0.0),
        Better::Neither => None,
    });
    let mut series: Vec<Option<f64>> =
        hours.iter().map(|hour| hour.as_ref().and_then(|hour| kind.value(hour))).collect();
    series.push(value);
    let detail = match value {
        Some(_) => kind.detail(reading),
        None => kind.missing().to_owned(),
    };
    Tile {
        code: kind.code(),
        name: kind.name(),
        value,
        text: value.map_or_else(|| "–".to_owned(), |value| kind.text(value)),
        unit: kind.unit(),
        detail,
        change,
        change_text,
        improved,
        series,
        link: with_store(kind.link(), store),
    }
}

/// A link that keeps the store.
fn with_store(link: &str, store: Option<StoreId>) -> String {
    let Some(store) = store else { return link.to_owned() };
    let sign = if link.contains('?') { '&' } else { '?' };
    format!("{link}{sign}store={}", wording::in_address(store.as_str()))
}
