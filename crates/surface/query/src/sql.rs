//! The SQL of one data folder: its catalogue, its memory, its runtime.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::config::Dialect;
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::{
    PgCatalogContextProvider, Role,
};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::setup_pg_catalog;
use shelf_host::{Folder, step_behind_engine};
use shelf_lake::Lake;
use tokio::runtime::{Builder, Runtime};

use crate::comments::{CommentedCatalog, Comments, live_notes};
use crate::lake::{Planning, mount};
use crate::live::{Follower, LIVE, LiveSchema};
use crate::{Limits, QueryError, Session, clients, functions, large_values, optimizer};

/// The name of the catalogue; clients of Postgres call it the database.
pub(crate) const CATALOG: &str = "shelf";
/// The schema in which clients of Postgres look for its own tables.
const PG_CATALOG: &str = "pg_catalog";
/// What clients of Postgres are told of the version: they look for the words of Postgres in it.
const VERSION: &str =
    concat!("PostgreSQL 16.6 (shelf ", env!("CARGO_PKG_VERSION"), ", a read-only SQL server)");
/// The role that owns all tables, by the name that the catalogue gives to their owner.
const ROLE: &str = "postgres";
/// So long a thread that reads files waits for more to read; each keeps memory of its own. Their
/// number must not be bounded: reading a table's log waits in one of them for another.
const IDLE: Duration = Duration::from_secs(1);
/// How often a server looks at the log while no statement does.
const LOOK: Duration = Duration::from_millis(100);

/// The SQL of one data folder.
#[derive(Debug)]
pub struct Sql {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) follower: Arc<Follower>,
    pub(crate) live: Arc<LiveSchema>,
    pub(crate) comments: Arc<Comments>,
    pub(crate) limits: Limits,
    context: SessionContext,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The only role there is: whoever may connect may read.
#[derive(Clone, Debug)]
struct Roles;

#[async_trait::async_trait]
impl PgCatalogContextProvider for Roles {
    async fn roles(&self) -> Vec<String> {
        vec![ROLE.to_owned()]
    }

    async fn role(&self, name: &str) -> Option<Role> {
        (name == ROLE).then(|| Role {
            name: ROLE.to_owned(),
            is_superuser: false,
            can_login: true,
            can_create_db: false,
            can_create_role: false,
            can_create_user: false,
            can_replication: false,
            grants: Vec::new(),
            inherited_roles: Vec::new(),
        })
    }
}

impl Sql {
    /// Opens a data folder, whether a process writes it or not.
    pub fn open(folder: &Folder, lake: &Lake, limits: Limits) -> Result<Self, QueryError> {
        let follower = Arc::new(Follower::open(folder)?);
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.threads.max(1))
            .thread_keep_alive(IDLE)
            .on_thread_start(step_behind_engine)
            .thread_name("shelf-sql")
            .enable_all()
            .build()
            .map_err(|error| QueryError::Failed(format!("no threads for SQL: {error}")))?;
        let shared = runtime.block_on(Shared::new(follower, lake, limits))?;
        Ok(Self { runtime: Some(runtime), shared: Arc::new(shared) })
    }

    /// A session: what one person or client asks one after the other.
    pub fn session(&self) -> Session {
        Session::new(&self.shared)
    }

    /// Waits for something that statements do. Must not be called from a worker of the runtime.
    pub fn block_on<F: Future>(&self, work: F) -> Result<F::Output, QueryError> {
        Ok(self.handle()?.block_on(work))
    }

    /// Follows the log from here on, so that a statement has little to catch up with, until the
    /// returned value is dropped.
    pub fn follow(&self) -> Following {
        let (follower, stop) =
            (Arc::clone(&self.shared.follower), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            step_behind_engine();
            // What cannot be read is told to the next statement, which reads it too.
            let _ = follower.leap();
            while !stopped.load(Ordering::Relaxed) {
                let _ = follower.catch_up();
                std::thread::sleep(LOOK);
            }
        });
        Following { stop, thread: Some(thread) }
    }

    pub(crate) fn handle(&self) -> Result<tokio::runtime::Handle, QueryError> {
        let gone = || QueryError::Failed("the threads for SQL have ended".to_owned());
        Ok(self.runtime.as_ref().ok_or_else(gone)?.handle().clone())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn live(&self) -> &LiveSchema {
        &self.shared.live
    }
}

impl Drop for Sql {
    fn drop(&mut self) {
        // A replay of the past that nobody waits for any more must not hold the end up.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The thread that follows the log.
#[derive(Debug)]
pub struct Following {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    async fn new(follower: Arc<Follower>, lake: &Lake, limits: Limits) -> Result<Self, QueryError> {
        let catalog: Arc<dyn CatalogProvider> = Arc::new(MemoryCatalogProvider::new());
        let weak: Weak<dyn CatalogProvider> = Arc::downgrade(&catalog);
        let live = Arc::new(LiveSchema::new(&follower, weak));
        catalog.register_schema(LIVE, Arc::<LiveSchema>::clone(&live))?;
        let planning = Planning::default();
        mount(lake, catalog.as_ref(), &planning)?;
        let notes = live_notes(&live).into_iter().chain(crate::lake::notes());
        let comments = Arc::new(Comments::new(notes.collect()));
        let context = context(&limits)?;
        let types = Arc::new(std::sync::OnceLock::new());
        context.register_catalog(CATALOG, Arc::clone(&catalog));
        setup_pg_catalog(&context, CATALOG, Roles).map_err(|error| QueryError::of(&error))?;
        if let Some(bare) = catalog.schema(PG_CATALOG) {
            let (comments, types) = (Arc::clone(&comments), Arc::clone(&types));
            let commented = CommentedCatalog { bare, comments, types };
            catalog.register_schema(PG_CATALOG, Arc::new(commented))?;
        }
        functions::register(&context, follower.clocks());
        comments.register(&context);
        context.register_udf(version());
        clients::register(&context);
        large_values::register(&context, limits.memory_bytes);
        let state = Arc::downgrade(&context.state_ref());
        let _ = planning.set(Box::new(move || state.upgrade().map(|state| state.read().clone())));
        comments.number(&context).await?;
        let _ = types.set(clients::types(&context).await?);
        Ok(Self { follower, live, comments, limits, context })
    }

    /// A context of its own: what a session sets is its own, what it reads is everybody's.
    pub(crate) fn context(&self) -> SessionContext {
        let state = SessionStateBuilder::new_from_existing(self.context.state()).build();
        SessionContext::new_with_state(state)
    }

    /// Where the numbers of tables are found out.
    pub(crate) fn numbering(&self) -> &SessionContext {
        &self.context
    }
}

fn context(limits: &Limits) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, LIVE)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_target_partitions(limits.threads.max(1));
    let options = config.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.sql_parser.map_string_types_to_utf8view = false;
    // A TIMESTAMPTZ that a client names has a zone, as the columns of tables do.
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.schema_force_view_types = false;
    options.execution.parquet.pushdown_filters = true;
    // Keys of dates are numbers close together: a join by a table of them in place of hashes. Of
    // so many the table takes 4 MB.
    options.execution.perfect_hash_join_small_build_threshold = 1 << 20;
    let mode = match limits.spill_bytes {
        0 => DiskManagerMode::Disabled,
        _ => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default()
        .with_mode(mode)
        .with_max_temp_directory_size(limits.spill_bytes);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features();
    Ok(SessionContext::new_with_state(optimizer::with_rules(state, limits.memory_bytes).build()))
}

fn version() -> datafusion::logical_expr::ScalarUDF {
    let told = |values: &[ColumnarValue]| {
        let _ = values;
        let text: ArrayRef = Arc::new(StringArray::from(vec![VERSION]));
        Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&text, 0)?))
    };
    create_udf("version", vec![], DataType::Utf8, Volatility::Immutable, Arc::new(told))
}
