//! What plans of statements are made better by, beside the rules of DataFusion.

mod early_sums;
mod join_filters;
mod large_constants;
mod windows;

use std::any::Any;
use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;

use early_sums::EarlySums;
use join_filters::JoinFilters;
use large_constants::LargeConstants;
use windows::WindowMemory;

/// The rows of a batch, where nobody says anything else.
const BATCH_ROWS: usize = 8_192;

/// Adds the rules to a state that has those of DataFusion, for statements with so much memory.
pub(crate) fn with_rules(state: SessionStateBuilder, memory_bytes: usize) -> SessionStateBuilder {
    let mut physical: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = Vec::new();
    for rule in PhysicalOptimizer::new().rules {
        match JoinFilters::around(&rule) {
            Some(around) => {
                // Joins name scans to tell: from here on no plan may be built anew.
                physical.push(Arc::new(WindowMemory));
                physical.push(Arc::new(around));
            }
            None => physical.push(rule),
        }
    }
    physical.push(Arc::new(LargeConstants::new(memory_bytes, BATCH_ROWS)));
    state.with_optimizer_rule(Arc::new(EarlySums)).with_physical_optimizer_rules(physical)
}

/// A node as one of a kind.
fn as_a<T: Any>(node: &dyn ExecutionPlan) -> Option<&T> {
    (node as &dyn Any).downcast_ref()
}

#[cfg(test)]
mod tests;
