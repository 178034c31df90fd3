//! What a simulation came to: the one JSON object of `shelf simulate --json`.

use serde::Serialize;
use shelf_domain::{Rule, StateError, Units, state_hash};

use crate::chain::Chain;
use crate::keyed::Keyed;
use crate::tally::{Intake, StockTotals, availability};

/// What the host measured of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RunMeasures {
    /// The seed of the town.
    pub seed: u64,
    /// Simulated days.
    pub days: u32,
    /// Events that had been stepped before this run, where it goes on with an earlier one.
    pub events_before: u64,
    /// How long it took, in seconds.
    pub wall_s: f64,
    /// The most memory that was resident, in bytes; `None` where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
    /// What really happened; `None` where nobody knows.
    pub town: Option<TownTruth>,
}

/// What really happened in the simulated town, against which the records can be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TownTruth {
    /// Customers who came in.
    pub visits: u64,
    /// Customers who paid.
    pub receipts: u64,
    /// What they paid, in cents.
    pub revenue_cents: i64,
    /// Units that customers wanted, as their first choice.
    pub demand_units: u64,
    /// Of these, units that the shelf did not hold: lost sales.
    pub lost_units: u64,
    /// Units taken as a substitute for lost ones.
    pub substitute_units: u64,
    /// Units paid.
    pub sold_units: u64,
    /// Units that left without being paid.
    pub stolen_units: u64,
    /// Units put back on a wrong shelf.
    pub misplaced_units: u64,
    /// Units that suppliers brought.
    pub delivered_units: u64,
    /// Units thrown away after their expiry date.
    pub expired_units: u64,
    /// Units that broke.
    pub broken_units: u64,
}

/// The alerts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AlertCounts {
    /// Opened.
    pub opened: u64,
    /// Ended.
    pub ended: u64,
    /// That stand at the end.
    pub standing: u64,
}

/// What a simulation came to.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SimulationReport {
    /// Simulated days.
    pub days: u32,
    /// Stores.
    pub stores: u64,
    /// The seed of the town.
    pub seed: u64,
    /// Events stepped, from the beginning of the simulation.
    pub events: u64,
    /// How long it took, in seconds.
    pub wall_s: f64,
    /// Events of this run in a second; `None` where no time passed.
    pub events_per_s: Option<f64>,
    /// The hash of the final state of all stores, in hexadecimal.
    pub state_hash: String,
    /// Invariants found broken.
    pub invariant_violations: u64,
    /// Units, by where they are and went.
    #[schema(value_type = Object)]
    pub units: Units,
    /// Alerts by rule.
    #[schema(value_type = Object)]
    pub alerts: Keyed<AlertCounts>,
    /// The part of open shelf time, over full days, in which shelves were not empty, 0 to 1; `None`
    /// before the first day has ended.
    pub on_shelf_availability: Option<f64>,
    /// The most memory that was resident, in bytes.
    pub peak_rss_bytes: Option<u64>,
    /// What receipts came to, in cents.
    pub revenue_cents: i64,
    /// What removed units had cost, in cents.
    pub waste_cents: i64,
    /// Receipts.
    pub receipts: u64,
    /// Restock tasks done.
    pub tasks_done: u64,
    /// Supplier orders sent.
    pub orders_sent: u64,
    /// Events applied.
    pub accepted: u64,
    /// Of these, applied late.
    pub late: u64,
    /// Events that were known already.
    pub duplicates: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// The same by reason; reasons that never came up are left out.
    #[schema(value_type = Object)]
    pub quarantined_by_reason: Keyed<u64>,
    /// What really happened in the town.
    pub town: Option<TownTruth>,
}

impl SimulationReport {
    /// The report of a run: what the host measured, and what the stores came to.
    pub fn new(chain: &Chain<'_>, run: &RunMeasures) -> Result<Self, StateError> {
        let totals = StockTotals::new(chain.stores());
        let intake = Intake::of_partitions(chain.counts());
        let events = chain.counts().stepped.saturating_sub(run.events_before);
        Ok(Self {
            days: run.days,
            stores: chain.stores().len() as u64,
            seed: run.seed,
            events: chain.counts().stepped,
            wall_s: run.wall_s,
            events_per_s: (run.wall_s > 0.0).then(|| (events as f64 / run.wall_s).round()),
            state_hash: format!("{:032x}", state_hash(chain.stores().iter().copied())?),
            invariant_violations: totals.invariant_violations + chain.counts().invariant_violations,
            units: totals.units,
            alerts: alerts(&totals),
            on_shelf_availability: on_shelf_availability(chain),
            peak_rss_bytes: run.peak_rss_bytes,
            revenue_cents: totals.revenue_cents,
            waste_cents: totals.waste_cents,
            receipts: totals.receipts,
            tasks_done: totals.tasks.done,
            orders_sent: totals.orders.sent_ever,
            accepted: intake.accepted,
            late: intake.late,
            duplicates: intake.duplicates.unwrap_or(0),
            quarantined: intake.quarantined,
            quarantined_by_reason: intake.quarantined_by_reason,
            town: run.town,
        })
    }
}

fn alerts(totals: &StockTotals) -> Keyed<AlertCounts> {
    let counts = Rule::ALL.iter().map(|rule| {
        let tally = totals.alerts.get(rule.code()).copied().unwrap_or_default();
        let counts =
            AlertCounts { opened: tally.opened, ended: tally.ended, standing: tally.standing };
        (rule.code(), counts)
    });
    Keyed(counts.collect())
}

fn on_shelf_availability(chain: &Chain<'_>) -> Option<f64> {
    let stats = chain.stores().iter().map(|store| store.stats());
    let (open_us, empty_us) = stats.fold((0, 0), |(open, empty), stats| {
        (open + stats.shelf_open_us, empty + stats.shelf_empty_us)
    });
    availability(open_us, empty_us).map(|part| f64::from(part.0) / 10_000.0)
}
