//! When a join tells the scan of its other side which keys there are.
//!
//! A join with the dates of one month leaves out nearly all lines of the receipts, and the scan
//! that knows these dates reads hardly anything. A join with all dates leaves out nothing, and to
//! look for each line whether its date is among them costs more than the join.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNode;
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;

use super::as_a;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The rule of DataFusion that has joins tell, for plans in which that leaves something out.
#[derive(Debug)]
pub(super) struct JoinFilters {
    rule: Rule,
}

impl JoinFilters {
    /// Around a rule, where it is the one.
    pub(super) fn around(rule: &Rule) -> Option<Self> {
        let known = FilterPushdown::new_post_optimization();
        (rule.name() == known.name()).then(|| Self { rule: Arc::clone(rule) })
    }
}

impl PhysicalOptimizerRule for JoinFilters {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let telling = |node: &Arc<dyn ExecutionPlan>| {
            let join = as_a::<HashJoinExec>(node.as_ref());
            Ok(join.is_some_and(|join| !is_whole_table(join.left())))
        };
        if plan.exists(telling)? {
            return self.rule.optimize(plan, config);
        }
        let mut config = config.clone();
        config.optimizer.enable_join_dynamic_filter_pushdown = false;
        self.rule.optimize(plan, &config)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}

/// Whether a plan is all rows of files, or their groups.
fn is_whole_table(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let node = plan.as_ref();
    if let Some(scan) = as_a::<DataSourceExec>(node) {
        let source = scan.data_source().as_ref() as &dyn Any;
        let files = source.downcast_ref::<FileScanConfig>();
        return files
            .is_some_and(|files| files.file_source().filter().is_none() && files.limit.is_none());
    }
    // Groups have all keys that their rows have.
    let hands_on = as_a::<ProjectionExec>(node).is_some()
        || as_a::<AggregateExec>(node).is_some()
        || as_a::<RepartitionExec>(node).is_some()
        || as_a::<CoalescePartitionsExec>(node).is_some();
    hands_on && plan.children().into_iter().all(is_whole_table)
}
