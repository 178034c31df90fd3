//! What plans of statements are made better by, beside the rules of DataFusion.

mod early_sums;
mod join_filters;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

use early_sums::EarlySums;
use join_filters::JoinFilters;

/// Adds the rules to a state that has those of DataFusion.
pub(crate) fn with_rules(state: SessionStateBuilder) -> SessionStateBuilder {
    let physical = PhysicalOptimizer::new().rules.into_iter().map(|rule| {
        let rule: Arc<dyn PhysicalOptimizerRule + Send + Sync> = match JoinFilters::around(&rule) {
            Some(around) => Arc::new(around),
            None => rule,
        };
        rule
    });
    let physical = physical.collect();
    state.with_optimizer_rule(Arc::new(EarlySums)).with_physical_optimizer_rules(physical)
}

#[cfg(test)]
mod tests;
