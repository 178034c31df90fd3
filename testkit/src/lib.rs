//! Scenario language, builders, oracles, fault injection. For tests only.
//!
//! [`Model`] is a second implementation of `docs/design/stock-rules.md`: slow, obvious and written
//! from that page alone. It must never use code of the core's state machine, only its types for
//! events and time.

// A test that is told something impossible stops there and says what: nothing of this crate ever
// runs in a shop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::missing_panics_doc)]

pub mod any;
pub mod both;
pub mod builders;
pub mod kafka;
pub mod life;
pub mod model;
pub mod scenario;
pub mod servers;
pub mod summary;
pub mod windows;

pub use both::{Both, check, compare, core_summary, run};
pub use builders::{ProductSpec, Shop};
pub use life::{check_life, check_lines, life};
pub use model::{Model, Models, check_conservation};
pub use scenario::{ScenarioError, check_model, parse, render_model, run_model};
pub use summary::{LotSummary, SkuSummary, Stock, StoreSummary};
pub use windows::{PlainWindows, ToldWindows};
