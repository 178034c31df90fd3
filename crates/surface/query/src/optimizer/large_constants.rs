//! Large constants that would stand beside every row are refused.
//!
//! A constant is written out for each row of a batch, and nothing accounts for that: a text of a
//! megabyte beside a column becomes a batch of gigabytes.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::expressions::Literal;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::as_a;

/// The fewest bytes that a constant may have, however little memory there is.
const LEAST_BYTES: usize = 4 << 10;

/// The rule that refuses them.
#[derive(Debug)]
pub(super) struct LargeConstants {
    most_bytes: usize,
}

impl LargeConstants {
    /// For batches of so many rows, which must have a place in the memory.
    pub(super) fn new(memory_bytes: usize, batch_rows: usize) -> Self {
        Self { most_bytes: (memory_bytes / batch_rows.max(1)).max(LEAST_BYTES) }
    }

    fn check(&self, expr: &Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion> {
        expr.apply(|part| {
            let constant = part.downcast_ref::<Literal>().map(|literal| literal.value().size());
            if constant.is_some_and(|bytes| bytes > self.most_bytes) {
                let most = self.most_bytes >> 10;
                let text = format!("a constant of more than {most} KiB stands beside every row");
                return Err(DataFusionError::ResourcesExhausted(text));
            }
            Ok(TreeNodeRecursion::Continue)
        })
    }
}

impl PhysicalOptimizerRule for LargeConstants {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.apply(|node| {
            let inputs = node.children();
            let one_row = |input: &&Arc<dyn ExecutionPlan>| {
                as_a::<PlaceholderRowExec>(input.as_ref()).is_some()
            };
            if inputs.is_empty() || !inputs.iter().all(one_row) {
                node.apply_expressions(&mut |expr| self.check(expr))?;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "large_constants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
