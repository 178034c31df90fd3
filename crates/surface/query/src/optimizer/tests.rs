//! Statements are answered alike with the rules and without them, and the rules do something.

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

use super::*;

/// A table that knows how many rows it has.
#[derive(Debug)]
struct Counted {
    table: MemTable,
    rows: usize,
}

#[async_trait::async_trait]
impl TableProvider for Counted {
    fn schema(&self) -> datafusion::arrow::datatypes::SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        let num_rows = Precision::Exact(self.rows);
        Some(Statistics { num_rows, ..Statistics::new_unknown(&self.table.schema()) })
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        self.table.scan(state, projection, filters, limit).await
    }
}

/// Numbers that are the same in each run.
fn chance(at: i64, of: i64) -> i64 {
    (at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33)
        .rem_euclid(of)
}

/// Lines of receipts: some have no key, some a key that nobody knows, some no amount.
fn lines() -> RecordBatch {
    let rows = 0..5_000_i64;
    let keys = rows.clone().map(|at| (chance(at, 13) > 0).then(|| chance(at, 50) as i32));
    let cents = rows.clone().map(|at| (chance(at, 7) > 0).then(|| i128::from(chance(at, 10_000))));
    let units = rows.clone().map(|at| chance(at, 9) - 2);
    let cents: Decimal128Array = cents.collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("day", Arc::new(keys.collect::<Int32Array>())),
        ("revenue", Arc::new(cents.with_precision_and_scale(18, 2).unwrap())),
        ("units", Arc::new(units.collect::<Int64Array>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

/// Days: one stands twice, one has no month, and some have no line.
fn days() -> RecordBatch {
    let keys = (5..60).chain([7]);
    let names = keys.clone().map(|key| (key != 9).then(|| format!("month {}", key / 10)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("day", Arc::new(keys.clone().collect::<Int32Array>())),
        ("month", Arc::new(names.collect::<StringArray>())),
        ("holidays", Arc::new(keys.map(|key| i64::from(key % 3)).collect::<Int64Array>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn context(rules: bool) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(2);
    let state = SessionStateBuilder::new().with_config(config).with_default_features();
    let state = if rules { with_rules(state, 96 << 20) } else { state };
    let context = SessionContext::new_with_state(state.build());
    for (name, batch) in [("lines", lines()), ("days", days())] {
        let rows = batch.num_rows();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        context.register_table(name, Arc::new(Counted { table, rows })).unwrap();
    }
    context
}

async fn answer(context: &SessionContext, statement: &str) -> (String, String) {
    let frame = context.sql(statement).await.unwrap();
    let plan = frame.clone().into_optimized_plan().unwrap().display_indent().to_string();
    let batches = frame.collect().await.unwrap();
    let types = batches.first().map(RecordBatch::schema).unwrap();
    let types: Vec<String> =
        types.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    (plan, format!("{types:?}\n{}", pretty_format_batches(&batches).unwrap()))
}

#[tokio::test]
async fn sums_come_before_the_join_and_are_the_same() {
    let statements = [
        "SELECT d.month, sum(l.revenue) AS revenue, sum(l.units) FROM lines l \
         JOIN days d ON l.day = d.day GROUP BY d.month ORDER BY d.month",
        "SELECT month, count(*), count(revenue) AS n, min(units), max(revenue), max(month) AS m \
         FROM days d JOIN lines l ON d.day = l.day GROUP BY month ORDER BY month",
        "SELECT upper(d.month) AS month, d.holidays, sum(l.units * 2 + 1), min(d.holidays) \
         FROM lines l JOIN days d ON l.day = d.day WHERE l.units > 0 AND d.holidays < 2 \
         GROUP BY upper(d.month), d.holidays HAVING count(*) > 3 ORDER BY 1, 2",
        "SELECT d.month, sum(l.units) + count(*) AS both FROM \
         (SELECT day, units FROM lines WHERE units < 5) l \
         JOIN (SELECT day, month FROM days WHERE day > 10) d ON l.day = d.day \
         GROUP BY d.month ORDER BY both DESC, d.month",
    ];
    let (plain, ruled) = (context(false), context(true));
    for statement in statements {
        let (before, expected) = answer(&plain, statement).await;
        let (after, told) = answer(&ruled, statement).await;
        assert_eq!(told, expected, "{statement}");
        assert_eq!(before.matches("Aggregate:").count(), 1, "{before}");
        assert_eq!(after.matches("Aggregate:").count(), 2, "{after}");
    }
}

#[tokio::test]
async fn what_cannot_be_summed_up_early_stays_as_it_is() {
    let statements = [
        // What is counted once, what is an average, what is of both sides, what is of a group.
        "SELECT d.month, count(DISTINCT l.units) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, avg(l.units) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, sum(l.units * d.holidays) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, sum(d.holidays) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, sum(l.units) FILTER (WHERE l.units > 3) FROM lines l \
         JOIN days d ON l.day = d.day GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, l.units, count(*) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY d.month, l.units ORDER BY d.month, l.units",
        // Other joins, other groups, none at all.
        "SELECT d.month, sum(l.units) FROM lines l LEFT JOIN days d ON l.day = d.day \
         GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, sum(l.units) FROM lines l JOIN days d ON l.day = d.day AND \
         l.units > d.holidays GROUP BY d.month ORDER BY d.month",
        "SELECT d.month, sum(l.units) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY ROLLUP (d.month) ORDER BY d.month",
        "SELECT sum(l.units), count(*) FROM lines l JOIN days d ON l.day = d.day",
        // What is another for each row.
        "SELECT d.month, count(*) FROM lines l JOIN days d ON l.day = d.day \
         GROUP BY d.month, random() < 2 ORDER BY d.month",
        // A key that is a text.
        "SELECT d.month, count(*) FROM lines l JOIN days d ON \
         CAST(l.day AS VARCHAR) = CAST(d.day AS VARCHAR) GROUP BY d.month ORDER BY d.month",
        // A table that is not much larger than the other.
        "SELECT a.month, sum(b.holidays) FROM days a JOIN days b ON a.day = b.day \
         GROUP BY a.month ORDER BY a.month",
    ];
    let (plain, ruled) = (context(false), context(true));
    for statement in statements {
        let (before, expected) = answer(&plain, statement).await;
        let (after, told) = answer(&ruled, statement).await;
        assert_eq!(told, expected, "{statement}");
        assert_eq!(after, before, "{statement}");
    }
}

/// Whether a join tells the scan of its other side which keys there are.
async fn tells(context: &SessionContext, statement: &str) -> bool {
    let plan = context.sql(statement).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string().contains("DynamicFilter")
}

#[tokio::test]
async fn a_join_with_a_whole_table_tells_the_scan_nothing() {
    let (plain, ruled) = (context(false), context(true));
    let folder = tempfile::tempdir().unwrap();
    for context in [&plain, &ruled] {
        for (name, batch) in [("sold", lines()), ("dates", days())] {
            let path = folder.path().join(format!("{name}.parquet"));
            let file = std::fs::File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let options = ParquetReadOptions::default();
            context.register_parquet(name, path.to_str().unwrap(), options).await.unwrap();
        }
    }
    let all = "SELECT d.month, s.units FROM sold s JOIN dates d ON s.day = d.day";
    let some = "SELECT d.month, s.units FROM sold s JOIN dates d ON s.day = d.day \
                WHERE d.month = 'month 3'";
    let groups = "SELECT d.month, s.units FROM (SELECT day, sum(units) AS units FROM sold \
                  GROUP BY day) s JOIN dates d ON s.day = d.day";
    assert!(tells(&plain, all).await && tells(&plain, groups).await);
    assert!(!tells(&ruled, all).await && !tells(&ruled, groups).await);
    assert!(tells(&ruled, some).await);
    let (_, expected) = answer(&plain, &format!("{some} ORDER BY 1, 2")).await;
    assert_eq!(answer(&ruled, &format!("{some} ORDER BY 1, 2")).await.1, expected);
}
