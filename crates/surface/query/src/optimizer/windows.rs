//! What windows keep is reserved in the memory of statements.
//!
//! DataFusion reserves nothing for them. `count(*) OVER ()` keeps all rows until the last has come,
//! puts them together and works out a value for each: a short statement could take all memory there
//! is. Rows are counted as they go into a window and as they come out of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::SortColumn;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::utils::evaluate_partition_ranges;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::window::{
    PlainAggregateWindowExpr, SlidingAggregateWindowExpr, StandardWindowExpr, WindowExpr,
};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::expressions::Literal;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode,
    PhysicalExpr, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

use super::as_a;
use crate::large_values::own_bytes;

/// How often rows are there: as they came, and put together.
const COPIES: u64 = 2;
/// The bytes of a result: in its column, and while columns are put together.
const RESULT_BYTES: u64 = 16;
/// The bytes of a value that is not in a column yet.
const VALUE_BYTES: u64 = 64;
/// The bytes of a column of its own for each group of rows.
const COLUMN_BYTES: u64 = 400;
/// The aggregates whose state does not grow with what they have seen.
const FIXED: [&str; 17] = [
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "count",
    "first_value",
    "last_value",
    "max",
    "min",
    "nth_value",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];
/// The aggregates whose result holds all that they have seen.
const LISTS: [&str; 2] = ["array_agg", "string_agg"];
/// The function that shows values of rows before.
const LAG: &str = "lag";

/// The rule that has windows counted.
#[derive(Debug)]
pub(super) struct WindowMemory;

impl PhysicalOptimizerRule for WindowMemory {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let counted = plan.transform_up(|node| match Keeps::of(node.as_ref()) {
            Some(keeps) => Ok(Transformed::yes(between(node, keeps)?)),
            None => Ok(Transformed::no(node)),
        });
        counted.data()
    }

    fn name(&self) -> &'static str {
        "window_memory"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A window between two nodes that count.
fn between(window: Arc<dyn ExecutionPlan>, keeps: Keeps) -> Result<Arc<dyn ExecutionPlan>> {
    let inputs = window.children().into_iter().map(|input| {
        let plan = Arc::clone(input);
        Arc::new(Counted { plan, side: Side::Input }) as Arc<dyn ExecutionPlan>
    });
    let inputs = inputs.collect();
    let same = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    let plan = window.replace_children(inputs, same)?;
    Ok(Arc::new(Counted { plan, side: Side::Window(Arc::new(keeps)) }))
}

/// What a window keeps.
#[derive(Debug)]
struct Keeps {
    /// Whether it keeps all rows until the last has come.
    all: bool,
    /// How many rows it keeps after their results are out; `None` for all of their group.
    behind: Option<u64>,
    /// What makes groups of rows.
    partition_by: Vec<Arc<dyn PhysicalExpr>>,
    /// How many values it works out for each row.
    values: u64,
    /// How many of them come from a state that grows with its group.
    growing: u64,
    /// How many of them are lists of the rows of their frames.
    lists: u64,
    /// The most rows of a frame; `None` for as many as the group has.
    frame: Option<u64>,
}

impl Keeps {
    /// What a node keeps, where it is a window.
    fn of(node: &dyn ExecutionPlan) -> Option<Self> {
        let (all, exprs) = if let Some(window) = as_a::<WindowAggExec>(node) {
            (true, window.window_expr())
        } else {
            let window = as_a::<BoundedWindowAggExec>(node)?;
            (window.input_order_mode != InputOrderMode::Sorted, window.window_expr())
        };
        let most = |of: fn(&dyn WindowExpr) -> Option<u64>| {
            let each = exprs.iter().map(|expr| of(expr.as_ref()));
            each.collect::<Option<Vec<u64>>>().map(|each| each.into_iter().max().unwrap_or(0))
        };
        let aggregates = || exprs.iter().filter_map(|expr| aggregate(expr.as_ref()));
        let growing = aggregates().filter(|of| of.is_distinct() || !is_among(of, &FIXED));
        let lists = aggregates().filter(|of| is_among(of, &LISTS));
        Some(Self {
            all,
            behind: most(rows_behind),
            partition_by: exprs.first()?.partition_by().to_vec(),
            values: exprs.len() as u64,
            growing: growing.count() as u64,
            lists: lists.count() as u64,
            frame: most(frame_rows),
        })
    }
}

fn aggregate(expr: &dyn WindowExpr) -> Option<&AggregateFunctionExpr> {
    let any = expr.as_any();
    if let Some(plain) = any.downcast_ref::<PlainAggregateWindowExpr>() {
        return Some(plain.get_aggregate_expr());
    }
    let sliding = any.downcast_ref::<SlidingAggregateWindowExpr>();
    sliding.map(SlidingAggregateWindowExpr::get_aggregate_expr)
}

fn is_among(aggregate: &AggregateFunctionExpr, names: &[&str]) -> bool {
    names.contains(&aggregate.fun().name())
}

/// How many rows before the present one are kept for a frame or for `lag`; `None` for all of their
/// group.
fn rows_behind(expr: &dyn WindowExpr) -> Option<u64> {
    let frame = expr.get_window_frame();
    let of_frame = match &frame.start_bound {
        WindowFrameBound::Preceding(rows) if !frame.start_bound.is_unbounded() => {
            count(frame.units, rows)?
        }
        // What was before is in the state of the aggregate, where it is in the frame at all.
        _ => 0,
    };
    Some(of_frame.max(rows_of_lag(expr).unwrap_or(0)))
}

fn rows_of_lag(expr: &dyn WindowExpr) -> Option<u64> {
    let standard = expr.as_any().downcast_ref::<StandardWindowExpr>()?;
    let call = standard.get_standard_func_expr().as_any().downcast_ref::<WindowUDFExpr>()?;
    let offset = call.args().get(1).filter(|_| call.fun().name() == LAG)?;
    match offset.downcast_ref::<Literal>()?.value() {
        ScalarValue::Int64(rows) => Some((*rows)?.unsigned_abs()),
        _ => None,
    }
}

/// The most rows of a frame; `None` for as many as its group has.
fn frame_rows(expr: &dyn WindowExpr) -> Option<u64> {
    let frame = expr.get_window_frame();
    let before = match &frame.start_bound {
        WindowFrameBound::Preceding(rows) => count(frame.units, rows)?,
        WindowFrameBound::CurrentRow | WindowFrameBound::Following(_) => 0,
    };
    let after = match &frame.end_bound {
        WindowFrameBound::Following(rows) => count(frame.units, rows)?,
        WindowFrameBound::CurrentRow if frame.units != WindowFrameUnits::Rows => return None,
        WindowFrameBound::CurrentRow | WindowFrameBound::Preceding(_) => 0,
    };
    Some(before.saturating_add(after).saturating_add(1))
}

/// A bound that is a number of rows.
fn count(units: WindowFrameUnits, bound: &ScalarValue) -> Option<u64> {
    match (units, bound) {
        (WindowFrameUnits::Rows, ScalarValue::UInt64(rows)) => *rows,
        _ => None,
    }
}

/// What is known of the rows that went into a window and came out of it.
#[derive(Debug)]
struct Books {
    keeps: Arc<Keeps>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    reservation: MemoryReservation,
    rows: u64,
    bytes: u64,
    out_rows: u64,
    groups: u64,
    /// The group that the last row is of.
    key: Option<Vec<ScalarValue>>,
    group_rows: u64,
    group_bytes: u64,
    /// The most rows of a group.
    longest: u64,
    /// The bytes of lists of all groups before the last one.
    listed: u64,
    /// The bytes of lists that stand at once.
    lists: u64,
}

impl Books {
    fn new(keeps: &Arc<Keeps>, reservation: MemoryReservation) -> Self {
        let kept = Kept {
            reservation,
            rows: 0,
            bytes: 0,
            out_rows: 0,
            groups: 0,
            key: None,
            group_rows: 0,
            group_bytes: 0,
            longest: 0,
            listed: 0,
            lists: 0,
        };
        Self { keeps: Arc::clone(keeps), kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows go in: memory is reserved before the window gets them.
    fn take(&self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let Some(last) = rows.checked_sub(1) else { return Ok(()) };
        let bytes = bytes_of(batch)?;
        let key = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(rows);
        let keys: Vec<ArrayRef> = self.keeps.partition_by.iter().map(key).collect::<Result<_>>()?;
        let columns: Vec<SortColumn> = keys
            .iter()
            .map(|values| SortColumn { values: Arc::clone(values), options: None })
            .collect();
        let mut kept = self.kept();
        if !self.keeps.all {
            kept.lists = 0;
        }
        for range in evaluate_partition_ranges(rows, &columns)? {
            let goes_on = range.start == 0 && kept.key == Some(key_at(&keys, 0)?);
            let own_rows = range.len() as u64;
            let own_bytes = bytes.saturating_mul(own_rows) / rows as u64;
            kept.count(&self.keeps, goes_on, own_rows, own_bytes);
        }
        kept.key = Some(key_at(&keys, last)?);
        kept.rows += rows as u64;
        kept.bytes += bytes;
        kept.reserve(&self.keeps)
    }

    /// Rows come out, and what is kept for them alone is free.
    fn give(&self, rows: usize) -> Result<()> {
        let mut kept = self.kept();
        kept.out_rows += rows as u64;
        kept.reserve(&self.keeps)
    }
}

impl Kept {
    /// Rows of one group, which goes on or begins.
    fn count(&mut self, keeps: &Keeps, goes_on: bool, rows: u64, bytes: u64) {
        if !goes_on {
            self.listed = self.listed.saturating_add(self.lists);
            self.groups += 1;
            (self.group_rows, self.group_bytes) = (0, 0);
        }
        self.group_rows += rows;
        self.group_bytes += bytes;
        self.longest = self.longest.max(self.group_rows);
        let frame_rows = keeps.frame.unwrap_or(self.group_rows).min(self.group_rows);
        let frame_bytes = self.group_bytes.div_ceil(self.group_rows).saturating_mul(frame_rows);
        if keeps.all {
            self.lists = self.group_rows.saturating_mul(frame_bytes);
        } else {
            self.lists = self.lists.saturating_add(rows.saturating_mul(frame_bytes));
        }
    }

    fn reserve(&self, keeps: &Keeps) -> Result<()> {
        let row_bytes = self.bytes.div_ceil(self.rows.max(1));
        let inside = self.rows.saturating_sub(self.out_rows);
        // What has ended is left: a window holds on to rows of the present group alone.
        let behind = keeps.behind.unwrap_or(self.longest).min(self.longest);
        let rows = if keeps.all { self.rows } else { inside.saturating_add(behind).min(self.rows) };
        let of_rows = rows * (row_bytes * COPIES + keeps.values * RESULT_BYTES);
        let of_states = keeps.growing * self.longest * (row_bytes + VALUE_BYTES);
        let (of_groups, lists) = if keeps.all {
            let group = self.longest * VALUE_BYTES + self.groups * COLUMN_BYTES;
            (group * keeps.values, self.listed.saturating_add(self.lists))
        } else {
            (0, self.lists)
        };
        let of_lists = lists.saturating_mul(keeps.lists);
        let bytes = (of_rows + of_states + of_groups).saturating_add(of_lists);
        self.reservation.try_resize(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

fn key_at(keys: &[ArrayRef], row: usize) -> Result<Vec<ScalarValue>> {
    keys.iter().map(|values| ScalarValue::try_from_array(values, row)).collect()
}

/// The bytes of the rows themselves.
fn bytes_of(batch: &RecordBatch) -> Result<u64> {
    let bytes = batch.columns().iter().map(own_bytes).sum::<Result<i64>>()?;
    Ok(bytes.unsigned_abs())
}

/// Counts the rows of a plan: those of a window, or those that go into one.
#[derive(Clone, Debug)]
struct Counted {
    plan: Arc<dyn ExecutionPlan>,
    side: Side,
}

#[derive(Clone, Debug)]
enum Side {
    Window(Arc<Keeps>),
    Input,
}

impl DisplayAs for Counted {
    fn fmt_as(
        &self,
        _form: DisplayFormatType,
        f: &mut std::fmt::Formatter<'_>,
    ) -> std::fmt::Result {
        f.write_str(match self.side {
            Side::Window(_) => "WindowMemoryExec: out",
            Side::Input => "WindowMemoryExec: in",
        })
    }
}

impl ExecutionPlan for Counted {
    fn name(&self) -> &'static str {
        "WindowMemoryExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.plan]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _work: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(plan), true) => Ok(Arc::new(Self { plan, side: self.side.clone() })),
            _ => Err(DataFusionError::Internal("a counted plan is one plan".to_owned())),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        match &self.side {
            Side::Window(keeps) => {
                let consumer = MemoryConsumer::new(format!("Window[{partition}]"));
                let reservation = consumer.register(context.memory_pool());
                let books = Arc::new(Books::new(keeps, reservation));
                let inside = Arc::new(with_books(&context, &books));
                let rows = self.plan.execute(partition, inside)?;
                Ok(counting(rows, move |batch| books.give(batch.num_rows())))
            }
            Side::Input => {
                let books = context.session_config().get_extension::<Books>();
                let rows = self.plan.execute(partition, context)?;
                Ok(counting(rows, move |batch| {
                    books.as_ref().map_or(Ok(()), |books| books.take(batch))
                }))
            }
        }
    }
}

/// By which the input of a window finds the books of its window.
fn with_books(context: &TaskContext, books: &Arc<Books>) -> TaskContext {
    TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone().with_extension(Arc::clone(books)),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        context.runtime_env(),
    )
}

fn counting(
    rows: SendableRecordBatchStream,
    count: impl Fn(&RecordBatch) -> Result<()> + Send + 'static,
) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let counted = rows.map(move |batch: Result<RecordBatch>| -> Result<RecordBatch> {
        let batch = batch?;
        count(&batch)?;
        Ok(batch)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, counted))
}
