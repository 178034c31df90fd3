//! What each hour of the last week sold, and how full its shelves were, by hour and weekday.

use serde::Serialize;
use shelf_domain::{Day, HOUR, StoreId, Timestamp};

use crate::chain::Chain;
use crate::now::{Reading, ReadingHistory, TileKind};
use crate::{form, wording};

/// So many hours patterns are of: each weekday comes once.
const HOURS: i64 = 7 * 24;

/// One hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PatternRow {
    /// When it began.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub start_at: Timestamp,
    /// The local date of that.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub date: Day,
    /// The local weekday of that: `Mon`.
    pub weekday: &'static str,
    /// The local hour of the day of that, 0 to 23.
    pub hour: u8,
    /// What its receipts come to, in cents.
    pub net_cents: i64,
    /// Of the shelves that have ever been given stock, those that were not empty at its end, in per
    /// cent; `None` where there was none.
    pub availability_percent: Option<f64>,
}

/// The hours of the last week.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PatternsView {
    /// By whose clock hours and dates are local: the time zone of the first store; `None` without a
    /// store.
    pub time_zone: Option<String>,
    /// The hours that have ended, the oldest first; one that is not known is left out.
    pub rows: Vec<PatternRow>,
    /// How many there are.
    pub total: u64,
}

impl PatternsView {
    /// The hours of one store, or of all of a chain together: known where all of them are.
    pub fn new(chain: &Chain<'_>, store: Option<StoreId>, history: &ReadingHistory) -> Self {
        let stores = chain.select(store);
        let Some(first) = stores.first() else { return Self::default() };
        let now = stores.iter().map(|store| store.now()).max().unwrap_or_default();
        let clock = &first.settings().clock;
        let ids: Vec<StoreId> = stores.iter().map(|store| store.id()).collect();
        let row = |back: i64| {
            let was = history.before(&ids, now, back + 1)?;
            let is = history.before(&ids, now, back)?;
            let start_at = Timestamp((now.0.div_euclid(HOUR) - back - 1) * HOUR);
            let date = clock.day(start_at);
            Some(PatternRow {
                start_at,
                date,
                weekday: wording::weekday(date),
                hour: (clock.minute_of_day(start_at) / 60) as u8,
                net_cents: sold_between(&was, &is),
                availability_percent: TileKind::Availability.value(&is),
            })
        };
        let rows: Vec<PatternRow> = (0..HOURS).rev().filter_map(row).collect();
        let time_zone = Some(first.settings().time_zone.as_str().to_owned());
        Self { time_zone, total: rows.len() as u64, rows }
    }
}

/// What was sold between two readings: today's sum begins anew at midnight.
fn sold_between(was: &Reading, is: &Reading) -> i64 {
    if is.net_today_cents >= was.net_today_cents {
        is.net_today_cents - was.net_today_cents
    } else {
        is.net_today_cents
    }
}
