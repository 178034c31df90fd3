//! What a town is made from. All of it has a default; every switch of realism and fault can be 0.

use serde::{Deserialize, Serialize};
use shelf_domain::{HOUR, LocalClock, Note, Timestamp};

use crate::calendar::{central_european_clock, start_of_2026};

/// What a town is made from: the same options and store index give the same events, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TownOptions {
    /// From which all chance follows.
    pub seed: u64,
    /// When the town begins. The default is 2026-01-01T06:00:00Z.
    pub start: Timestamp,
    /// How local time follows from UTC. The default is that of Rome.
    pub clock: LocalClock,
    /// The name of that time zone, for display.
    pub time_zone: Note,
    /// Customers on a mean day; `None` for the reference's traffic, about 800. Weekdays, holidays
    /// and chance vary it in both cases.
    pub customers_per_day: Option<u32>,
    /// What the shelf plan says about expected sales.
    pub estimate: PlannerEstimate,
    /// Staff on a shift.
    pub crew: u8,
    /// How the world departs from the books.
    pub realism: Realism,
    /// What goes wrong between the devices and the log.
    pub faults: Faults,
}

impl Default for TownOptions {
    fn default() -> Self {
        Self {
            seed: 42,
            start: Timestamp(start_of_2026().0 + 6 * HOUR),
            clock: central_european_clock(),
            time_zone: Note::cut("Europe/Rome"),
            customers_per_day: None,
            estimate: PlannerEstimate::default(),
            crew: 6,
            realism: Realism::default(),
            faults: Faults::NONE,
        }
    }
}

/// What the shelf plan says about the expected daily sales of a sku.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlannerEstimate {
    /// Nothing.
    Unknown,
    /// The true mean times an error: lognormal with a deviation of 0.3.
    #[default]
    Rough,
    /// The true mean.
    Exact,
}

/// How the world departs from the books. Parts of a whole are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Realism {
    /// Part of the picked units that leave without being paid. Default 0.003.
    pub unscanned: f64,
    /// Part of the putbacks that go to another shelf of the category. Default 0.02.
    pub misplaced: f64,
    /// Part of the visits that the door tells in one message, at the entry and with the time of the
    /// exit, instead of one at each. Default 0.05.
    pub sessions: f64,
    /// Part of the shelf acts that the sensor does not see at all. Default 0.001.
    pub sensor_miss: f64,
    /// The most by which one weight is off, in grams. Default 1.
    pub weight_noise_g: u32,
    /// The most by which a sensor's scale moves a day, in millionths. Default 200; 20,000 at most
    /// in all.
    pub drift_ppm_daily: u32,
    /// Part of the supplier orders that come a day late. Default 0.03.
    pub late_order: f64,
    /// Part of the delivered lines that come short. Default 0.02.
    pub short_line: f64,
    /// Part of the delivered lines that bring a pack too many. Default 0.005.
    pub over_line: f64,
    /// Units broken on the floor on a mean day. Default 3.
    pub broken_daily: f64,
    /// Part of the shelves whose sensor tells weights only. Default 0.05.
    pub weight_only: f64,
}

impl Realism {
    /// A world that agrees with its books.
    pub const NONE: Self = Self {
        unscanned: 0.0,
        misplaced: 0.0,
        sessions: 0.0,
        sensor_miss: 0.0,
        weight_noise_g: 0,
        drift_ppm_daily: 0,
        late_order: 0.0,
        short_line: 0.0,
        over_line: 0.0,
        broken_daily: 0.0,
        weight_only: 0.0,
    };
}

impl Default for Realism {
    fn default() -> Self {
        Self {
            unscanned: 0.003,
            misplaced: 0.02,
            sessions: 0.05,
            sensor_miss: 0.001,
            weight_noise_g: 1,
            drift_ppm_daily: 200,
            late_order: 0.03,
            short_line: 0.02,
            over_line: 0.005,
            broken_daily: 3.0,
            weight_only: 0.05,
        }
    }
}

/// What goes wrong between the devices and the log: parts of the messages, from 0 to 1. At most
/// one of them happens to a message. Reference data, acts of people and the clock are spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Sent twice: again after one second to two hours.
    pub duplicate: f64,
    /// Late: up to 8 minutes, one in ten up to 3 hours.
    pub late: f64,
    /// Out of order: up to 10 seconds late.
    pub out_of_order: f64,
    /// Damaged on the way: bytes that are not JSON. Half of them come again, whole, under the same
    /// id.
    pub malformed: f64,
    /// Cut on the way. Half of them come again, whole, under the same id.
    pub truncated: f64,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self =
        Self { duplicate: 0.0, late: 0.0, out_of_order: 0.0, malformed: 0.0, truncated: 0.0 };
    /// Everything goes wrong at times, for tests.
    pub const ALL: Self = Self {
        duplicate: 0.01,
        late: 0.01,
        out_of_order: 0.02,
        malformed: 0.002,
        truncated: 0.002,
    };

    pub(crate) fn any(&self) -> bool {
        *self != Self::NONE
    }
}
