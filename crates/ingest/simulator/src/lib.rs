//! A seeded town: the environment of the system. Customers, staff, suppliers, sensors, tills, and
//! their faults.
//!
//! One [`StoreTown`] is the town around one store. It keeps the physical truth (which units of
//! which lot lie on which shelf, in the warehouse, in a cart, in a hand), apart from the records
//! of the core, and answers what the core decides with events. Nothing here does I/O, reads a
//! clock or starts a thread: the same options give the same events, byte for byte, however stores
//! share processes.

mod agenda;
mod alerts;
mod calendar;
mod catalogue;
mod chance;
mod choice;
mod crew;
mod customer;
mod day_plan;
mod floor_care;
mod options;
mod promotions;
mod restock;
mod sensor;
mod setup;
mod stock;
mod supply;
mod town;
mod traffic;
mod truth;
mod wire;

pub use calendar::central_european_clock;
pub use options::{Faults, PlannerEstimate, Realism, TownOptions};
pub use stock::{ShelfStock, WholeStock};
pub use town::{Message, StoreTown, TICK_US, store_id};
pub use truth::{FaultCounts, Truth};
