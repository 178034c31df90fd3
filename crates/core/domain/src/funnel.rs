//! How far visits get: the steps that entrances, apps and web shops tell, counted by local day.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::effect::Effects;
use crate::event::{CustomerEvent, FunnelStep};
use crate::store::Store;
use crate::time::{Day, Timestamp};

/// The most days that the steps of visits are kept for, today included.
pub const KEPT_FUNNEL_DAYS: usize = 31;

/// The steps of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// The local day on which the store learnt of them.
    pub day: Day,
    steps: [u64; FunnelStep::ALL.len()],
}

impl Funnel {
    /// How often a step was told.
    pub fn count(&self, step: FunnelStep) -> u64 {
        self.steps.get(step as usize).copied().unwrap_or(0)
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.steps.iter().sum()
    }

    /// Adds another store's steps to these.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.steps.iter_mut().zip(other.steps) {
            *count += more;
        }
    }
}

/// The days that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunnelBook {
    today: Funnel,
    /// The days before today on which anything was told, the earliest first.
    past: Vec<Funnel>,
}

impl FunnelBook {
    pub(crate) fn change_day(&mut self, day: Day) {
        let ended = core::mem::replace(&mut self.today, Funnel { day, ..Funnel::default() });
        if ended.total() > 0 {
            self.past.push(ended);
        }
        let earliest = day.plus(1 - KEPT_FUNNEL_DAYS as i32);
        self.past.retain(|funnel| funnel.day >= earliest);
    }

    /// The store's clock begins, or changes, on this day.
    pub(crate) fn set_day(&mut self, day: Day) {
        self.today.day = day;
    }
}

impl Store {
    /// A step of a visit. The first and the last also tell of who is in the store.
    pub(crate) fn customer_event(
        &mut self,
        event: &CustomerEvent,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        if let Some(count) = self.funnel.today.steps.get_mut(event.step as usize) {
            *count += 1;
        }
        match event.step {
            FunnelStep::Entrance => self.customer_enters(event.customer, at),
            FunnelStep::Checkout | FunnelStep::Abandon => {
                self.customer_leaves(event.customer, at, fx);
            }
            FunnelStep::View | FunnelStep::CartAdd | FunnelStep::CartRemove => {}
        }
    }

    /// The steps of visits that were told today.
    pub fn funnel_today(&self) -> &Funnel {
        &self.funnel.today
    }

    /// The steps of visits of the last [`KEPT_FUNNEL_DAYS`] days, the earliest first: the days
    /// before today on which any were told, and today.
    pub fn funnel_days(&self) -> impl Iterator<Item = &Funnel> {
        self.funnel.past.iter().chain([&self.funnel.today])
    }
}
