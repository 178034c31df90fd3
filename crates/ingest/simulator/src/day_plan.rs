//! A day of the store: opening hours, the shift, the rounds of the staff.

use serde::{Deserialize, Serialize};
use shelf_domain::{Day, HOUR, MINUTE, SECOND, Timestamp};

use crate::agenda::Action;
use crate::calendar::closed;
use crate::town::StoreTown;

/// Staff come this long before opening and leave this long after closing.
const SHIFT_MARGIN_US: i64 = HOUR;
/// The most by which a sensor's scale may be off, in millionths.
const WORST_SCALE_PPM: i32 = 20_000;
/// When the next week's promotions are announced: Friday noon.
const ANNOUNCEMENT: (u8, u16) = (4, 12 * 60);

/// What the present day looks like. Before the first day, a day that never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DayPlan {
    pub(crate) day: Day,
    pub(crate) closes_at: Timestamp,
    /// When staff are there; an empty span where the store is closed.
    pub(crate) shift: (Timestamp, Timestamp),
}

impl Default for DayPlan {
    fn default() -> Self {
        let never = Timestamp::EARLIEST;
        Self { day: Day::NEVER, closes_at: never, shift: (never, never) }
    }
}

impl StoreTown {
    /// The opening hours of a day; `None` where the store stays closed.
    fn hours(&self, day: Day) -> Option<(u16, u16)> {
        let hours = self.world.opening.get(usize::from(day.weekday())).copied()?;
        (!closed(day) && hours.0 < hours.1).then_some(hours)
    }

    fn shift_of(&self, day: Day) -> Option<(Timestamp, Timestamp)> {
        let (opens, closes) = self.hours(day)?;
        let clock = &self.state.options.clock;
        let from = clock.at(day, opens).plus(-SHIFT_MARGIN_US);
        Some((from, clock.at(day, closes).plus(SHIFT_MARGIN_US)))
    }

    /// `at`, or some minutes into the next shift where nobody is there then.
    pub(crate) fn in_shift(&mut self, at: Timestamp) -> Timestamp {
        let today = self.day(at);
        let shifts = (0..=7).filter_map(|ahead| self.shift_of(today.plus(ahead)));
        let next = shifts.into_iter().find(|&(_, until)| at < until.plus(-10 * MINUTE));
        match next {
            Some((from, _)) if at < from => {
                from.plus(self.state.dice.staff.between(5 * MINUTE, 90 * MINUTE))
            }
            _ => at,
        }
    }

    /// Plans a day: its customers, the rounds of the staff, and what chance has in store.
    pub(crate) fn plan_day(&mut self, day: Day, now: Timestamp) {
        self.state.today = DayPlan { day, ..DayPlan::default() };
        self.look_at_prices();
        self.drift_sensors();
        let clock = &self.state.options.clock;
        if day.weekday() == ANNOUNCEMENT.0 {
            let noon = clock.at(day, ANNOUNCEMENT.1);
            self.plan_from(now, noon, Action::Announce);
        }
        let Some((opens, closes)) = self.hours(day) else { return };
        let clock = &self.state.options.clock;
        let (opens_at, closes_at) = (clock.at(day, opens), clock.at(day, closes));
        let shift = (opens_at.plus(-SHIFT_MARGIN_US), closes_at.plus(SHIFT_MARGIN_US));
        self.state.today = DayPlan { day, closes_at, shift };
        self.plan_from(now, shift.0.plus(30 * MINUTE), Action::ExpiryRound);
        for hours in [2, 6, 10] {
            self.plan_from(now, opens_at.plus(hours * HOUR), Action::GapRound);
        }
        self.plan_from(now, closes_at.plus(5 * MINUTE), Action::Tidy);
        self.plan_from(now, closes_at.plus(15 * MINUTE), Action::CycleCount);
        self.plan_breakage(opens_at, closes_at, now);
        self.plan_traffic(day, opens, closes, now);
    }

    fn plan_from(&mut self, now: Timestamp, at: Timestamp, action: Action) {
        if at >= now {
            self.state.agenda.plan(at, action);
        }
    }

    fn plan_breakage(&mut self, opens_at: Timestamp, closes_at: Timestamp, now: Timestamp) {
        let daily = self.state.options.realism.broken_daily.clamp(0.0, 1_000.0);
        // Twice as many chances as units, each of which comes true half of the time.
        let quirks = &mut self.state.dice.quirks;
        let mut chances = (2.0 * daily) as u32;
        chances += u32::from(quirks.chance(2.0 * daily - f64::from(chances)));
        let mut times = Vec::new();
        for _ in 0..chances {
            let at =
                Timestamp(quirks.between(opens_at.0 / SECOND, closes_at.0 / SECOND - 1) * SECOND);
            if quirks.chance(0.5) {
                times.push(at);
            }
        }
        for at in times {
            self.plan_from(now, at, Action::Break);
        }
    }

    fn drift_sensors(&mut self) {
        let most = i64::from(self.state.options.realism.drift_ppm_daily);
        if most == 0 {
            return;
        }
        let dice = &mut self.state.dice.sensors;
        for stock in &mut self.state.stock {
            let moved = stock.scale_ppm + dice.between(-most, most) as i32;
            stock.scale_ppm = moved.clamp(-WORST_SCALE_PPM, WORST_SCALE_PPM);
        }
    }
}
