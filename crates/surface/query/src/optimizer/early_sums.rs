//! Sums before joins. A statement that joins the lines of receipts with the dates, to learn the
//! month of each, and sums them up by month, has few sums to join where lines are summed up by date
//! first.
//!
//! Both come to the same: a key has the same partners, whether its rows come one by one or as their
//! sum ("eager aggregation", Yan and Larson, VLDB 1995).

use std::sync::Arc;

use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, ExprSchema as _, NullEquality, Result};
use datafusion::functions::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, Expr, Join, JoinType, LogicalPlan, Projection, cast, lit,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The most rows that a table may have whose key the other side is summed up by. Keys are numbers,
/// as those of dimensions are: the other side hardly has any that this one lacks, and so many sums
/// are few.
const FEW_ROWS: usize = 1 << 16;
/// How many times as many rows the other side must have.
const TIMES: usize = 16;

/// The rule.
#[derive(Debug)]
pub(super) struct EarlySums;

impl OptimizerRule for EarlySums {
    fn name(&self) -> &'static str {
        "early_sums"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let early = match &plan {
            // A plan that cannot be made is as good as one that would not pay.
            LogicalPlan::Aggregate(aggregate) => early(aggregate).unwrap_or_default(),
            _ => None,
        };
        Ok(early.map_or_else(|| Transformed::no(plan), Transformed::yes))
    }
}

/// The plan with its sums before its join; `None` where that cannot be, or would not pay.
fn early(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let Some(join) = join_below(&aggregate.input) else { return Ok(None) };
    let plain = join.join_type == JoinType::Inner
        && join.filter.is_none()
        && join.null_equality == NullEquality::NullEqualsNothing;
    let ([(Expr::Column(left), Expr::Column(right))], true) = (join.on.as_slice(), plain) else {
        return Ok(None);
    };
    let sides = [(&join.left, left, &join.right), (&join.right, right, &join.left)];
    let side = sides.into_iter().find(|(large, key, small)| {
        let rows = (few_rows(small), many_rows(large));
        let pays = matches!(rows, (Some(few), Some(many))
            if few <= FEW_ROWS && few.saturating_mul(TIMES) <= many);
        let number = |key: &Column| {
            let field = join.schema.field_from_column(key);
            field.is_ok_and(|field| field.data_type().is_integer())
        };
        pays && number(key) && aggregate.group_expr.iter().all(|group| is_of(group, small.schema()))
    });
    let Some((large, key, small)) = side.filter(|_| !aggregate.group_expr.is_empty()) else {
        return Ok(None);
    };
    let calls: Option<Vec<Call>> =
        aggregate.aggr_expr.iter().map(|call| Call::of(call, large, small)).collect();
    let Some(calls) = calls else { return Ok(None) };
    let inner: Vec<Expr> = calls.iter().filter_map(|call| call.inner.clone()).collect();
    if inner.is_empty() {
        return Ok(None);
    }
    let inner = Aggregate::try_new(Arc::clone(large), vec![Expr::Column(key.clone())], inner)?;
    let mut sums = inner.schema.fields().iter().skip(1).map(|field| field.name().clone());
    let outer: Option<Vec<Expr>> = calls.iter().map(|call| call.outer(&mut sums)).collect();
    let Some(outer) = outer else { return Ok(None) };
    let joined = joined(join, Arc::ptr_eq(large, &join.left), inner)?;
    let outer = Aggregate::try_new(Arc::new(joined), aggregate.group_expr.clone(), outer)?;
    Ok(Some(named_as(aggregate, &calls, outer)?))
}

/// The join that an aggregate is of, columns that are left out aside.
fn join_below(input: &LogicalPlan) -> Option<&Join> {
    match input {
        LogicalPlan::Join(join) => Some(join),
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let only_columns = expr.iter().all(|expr| matches!(expr, Expr::Column(_)));
            if only_columns { join_below(input) } else { None }
        }
        _ => None,
    }
}

/// Whether an expression follows from the columns of a plan with this schema alone.
fn is_of(expr: &Expr, schema: &DFSchema) -> bool {
    !matches!(expr, Expr::GroupingSet(_))
        && !expr.is_volatile()
        && expr.column_refs().into_iter().all(|column| schema.has_column(column))
}

/// The most rows that a plan can have, where that is known.
fn few_rows(plan: &LogicalPlan) -> Option<usize> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => few_rows(&aggregate.input),
        _ => many_rows(plan),
    }
}

/// About how many rows a plan has that has not been summed up yet.
fn many_rows(plan: &LogicalPlan) -> Option<usize> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let provider = source_as_provider(&scan.source).ok()?;
            provider.statistics()?.num_rows.get_value().copied()
        }
        LogicalPlan::Projection(projection) => many_rows(&projection.input),
        LogicalPlan::Filter(filter) => many_rows(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => many_rows(&alias.input),
        LogicalPlan::Join(join) => many_rows(&join.left).max(many_rows(&join.right)),
        _ => None,
    }
}

/// One of the calls of an aggregate, taken apart.
struct Call {
    kind: Kind,
    /// What is worked out before the join; `None` for a call that is of the small side.
    inner: Option<Expr>,
    /// The call as it was.
    whole: Expr,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Count,
    Max,
    Min,
    Sum,
}

impl Call {
    fn of(call: &Expr, large: &LogicalPlan, small: &LogicalPlan) -> Option<Self> {
        let whole = call.clone().unalias();
        let Expr::AggregateFunction(AggregateFunction { func, params }) = &whole else {
            return None;
        };
        let plain = !params.distinct
            && params.filter.is_none()
            && params.order_by.is_empty()
            && params.null_treatment.is_none();
        let kind = match func.name() {
            "count" => Kind::Count,
            "max" => Kind::Max,
            "min" => Kind::Min,
            "sum" => Kind::Sum,
            _ => return None,
        };
        let of = |plan: &LogicalPlan| params.args.iter().all(|arg| is_of(arg, plan.schema()));
        // A greatest value of the small side is the same for any number of partners.
        let of_small = matches!(kind, Kind::Max | Kind::Min) && of(small);
        if !plain || !(of_small || of(large)) {
            return None;
        }
        let inner = (!of_small).then(|| whole.clone());
        Some(Self { kind, inner, whole })
    }

    /// What is worked out behind the join, of the next of the columns that were before it.
    fn outer(&self, sums: &mut impl Iterator<Item = String>) -> Option<Expr> {
        if self.inner.is_none() {
            return Some(self.whole.clone());
        }
        let before = Expr::Column(Column::new_unqualified(sums.next()?));
        Some(match self.kind {
            Kind::Count | Kind::Sum => sum(before),
            Kind::Max => max(before),
            Kind::Min => min(before),
        })
    }
}

/// The same join with one side summed up.
fn joined(join: &Join, large_is_left: bool, inner: Aggregate) -> Result<LogicalPlan> {
    let inner = Arc::new(LogicalPlan::Aggregate(inner));
    let (left, right) = if large_is_left {
        (inner, Arc::clone(&join.right))
    } else {
        (Arc::clone(&join.left), inner)
    };
    let (on, kind, constraint) = (join.on.clone(), join.join_type, join.join_constraint);
    let (nulls, null_aware) = (join.null_equality, join.null_aware);
    let join = Join::try_new(left, right, on, None, kind, constraint, nulls, null_aware)?;
    Ok(LogicalPlan::Join(join))
}

/// The columns of an aggregate, by the names and types that they had.
fn named_as(was: &Aggregate, calls: &[Call], outer: Aggregate) -> Result<LogicalPlan> {
    let groups = was.group_expr.len();
    let new: Vec<Column> = outer.schema.columns();
    let types = |schema: &DFSchema| -> Vec<_> {
        schema.fields().iter().map(|field| field.data_type().clone()).collect()
    };
    let (old_types, new_types) = (types(&was.schema), types(&outer.schema));
    let mut columns = Vec::with_capacity(new.len());
    for (at, ((column, old), new)) in new.into_iter().zip(old_types).zip(new_types).enumerate() {
        let mut expr = Expr::Column(column);
        let call = at.checked_sub(groups).and_then(|call| calls.get(call));
        if old != new {
            expr = cast(expr, old);
        }
        if call.is_some_and(|call| call.kind == Kind::Count) {
            // A count is never null.
            expr = coalesce(vec![expr, lit(0_i64)]);
        }
        if call.is_some() {
            expr = expr.alias(was.schema.field(at).name());
        }
        columns.push(expr);
    }
    let projection = Projection::try_new(columns, Arc::new(LogicalPlan::Aggregate(outer)))?;
    Ok(LogicalPlan::Projection(projection))
}
