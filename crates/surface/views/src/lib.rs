//! Read models in the words of the shop, for terminal, JSON and API alike.
//!
//! Each screen is a plain struct made from stores ([`Chain`]) and from what only the host knows
//! ([`HostFacts`]); `serde` writes it as JSON, [`render_status`] and its kin as text for a
//! terminal, [`draw`] as a live screen. Nothing here changes a store, decides anything about one,
//! reads a clock or invents a figure: what is not known is `null`, or says so.
//!
//! JSON: times are RFC 3339 in UTC, dates `2026-01-31`, money integer cents (`_cents`), parts of a
//! whole per cent (`_percent`), ids texts such as `A-12`.

mod alert_detail;
mod alerts;
mod chain;
mod comparison;
mod day_report;
mod effect_line;
mod floor_plan;
mod form;
mod keyed;
mod kpis;
mod lot_life;
mod lots;
mod markdowns;
mod now;
mod orders;
mod patterns;
mod products;
mod quality;
mod quality_history;
mod render;
mod report;
mod sentence;
mod shelf_detail;
mod shelves;
mod stages;
mod state;
mod status;
mod style;
mod suppliers;
mod table;
mod tally;
mod tasks;
mod watch;
mod windows;
pub mod wording;
mod zones;

pub use alert_detail::{AlertDetail, Arrival};
pub use alerts::{AlertFilter, AlertRow, AlertsView, StatusFilter};
pub use chain::Chain;
pub use comparison::{Compared, SalesRow, SalesView};
pub use day_report::{DayAlerts, DayCause, DayOrders, DayReport};
pub use effect_line::{EffectKind, EffectLine};
pub use floor_plan::{Bounds, FLOOR_PLAN, Zone, zone_of};
pub use keyed::Keyed;
pub use kpis::{KpiBy, KpiFilter, KpiNote, KpiRow, KpisView, best_products, kpi_notes};
pub use lot_life::{LotDay, LotLife, LotRemoval};
pub use lots::{LotFilter, LotRow, LotsView, StockedLot};
pub use markdowns::{MarkdownRow, MarkdownsView};
pub use now::{
    Better, Level, LevelHistory, NowView, Reading, ReadingHistory, StoreCard, Tile, TileKind,
    heading,
};
pub use orders::{OrderDetail, OrderFilter, OrderLineRow, OrderRow, OrdersView};
pub use patterns::{PatternRow, PatternsView};
pub use products::{ProductRow, ProductsView};
pub use quality::{
    AppliedFacts, CheckRow, CheckState, Figure, IntakeBy, IntakeRow, LatencyRow, LatencyTimes,
    MAX_NAMES, QualityFacts, QualityLimits, QualityView, StateTally,
};
pub use quality_history::{QualityChangeRow, QualityHistory};
pub use render::{
    render_alert, render_alerts, render_effects, render_ended_alerts, render_kpi_notes,
    render_kpis, render_order, render_orders, render_patterns, render_quality,
    render_quality_history, render_report, render_sales, render_shelf, render_shelves,
    render_state, render_state_counts, render_status, render_suppliers, render_tasks,
    render_window_kinds, render_windows, render_zones,
};
pub use report::{AlertCounts, RunMeasures, SimulationReport, TownTruth};
pub use shelf_detail::{PromotionRow, RulesRow, ShelfDetail};
pub use shelves::{ShelfFilter, ShelfRow, ShelfState, ShelvesView};
pub use stages::StageRow;
pub use state::{StateCount, state_counts, state_rows};
pub use status::{ClockKind, HostFacts, PartitionFacts, StatusView, StoreStatus};
pub use style::{Colour, Style, symbol};
pub use suppliers::{SupplierRow, SuppliersView};
pub use tally::{
    ExpiryTally, Intake, OrderTally, RuleTally, SeverityTally, StockTotals, TaskTally,
};
pub use tasks::{TaskFilter, TaskLot, TaskRow, TasksView};
pub use watch::{
    FloorMode, LiveFigures, LiveWindows, Rates, UiState, WatchView, draw, render_svg, render_watch,
};
pub use windows::{
    StageFilter, WindowFilter, WindowKind, WindowKindsView, WindowLine, WindowsView, csv_windows,
};
pub use zones::{ZoneRow, ZonesView};

#[cfg(test)]
mod tests;
