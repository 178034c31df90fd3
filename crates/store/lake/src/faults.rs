//! Places in a round of commits at which tests have the process die, or the round fail. Each fires
//! once, and whoever armed it sees that it did: by the death, or by the error.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use deltalake::DeltaTableError;
use deltalake::logstore::LogStoreRef;
use deltalake::operations::CustomExecuteHandler;
use uuid::Uuid;

use crate::LakeError;

/// A place in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// Before a table's data files are written.
    BeforeWrite,
    /// After its data files are there, before the commit that makes them count.
    BeforeCommit,
    /// After the commit of one table, before the next table's.
    AfterCommit,
    /// After a commit counts, before the checkpoint that is due behind every fiftieth.
    BeforeCheckpoint,
    /// After a compaction has written its files, before the commit that makes them count.
    InOptimize,
    /// Before a built table's files are written and the commit that makes them count.
    InBuild,
    /// Behind the commit that announces a removal of files, or the one that ends it.
    InVacuum,
}

impl FaultPoint {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::BeforeWrite,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeCheckpoint,
        Self::InOptimize,
        Self::InBuild,
        Self::InVacuum,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeWrite => "before_write",
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
            Self::BeforeCheckpoint => "before_checkpoint",
            Self::InOptimize => "in_optimize",
            Self::InBuild => "in_build",
            Self::InVacuum => "in_vacuum",
        }
    }
}

/// What happens at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The process dies at once, as by `kill -9`.
    Die,
    /// The round ends with an error.
    Fail,
}

/// The fault of a lake, where a test armed one.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Option<(FaultPoint, FaultKind)>,
    /// How often the place must still be reached until it fires; 0 when it has.
    left: AtomicU32,
}

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// A fault at the `nth` time that a place is reached, from 1.
    pub fn at(point: FaultPoint, nth: u32, kind: FaultKind) -> Self {
        Self { armed: Some((point, kind)), left: AtomicU32::new(nth) }
    }

    /// Reads `point:nth`, such as `before_commit:3`: the process dies there.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, nth) = text.split_once(':')?;
        let point = FaultPoint::ALL.into_iter().find(|point| point.name() == name)?;
        Some(Self::at(point, nth.parse().ok()?, FaultKind::Die))
    }

    /// Whether it has fired.
    pub fn fired(&self) -> bool {
        self.armed.is_some() && self.left.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn reach(&self, point: FaultPoint) -> Result<(), LakeError> {
        let Some((armed, kind)) = self.armed else { return Ok(()) };
        if armed != point {
            return Ok(());
        }
        let counted =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match (counted, kind) {
            (Ok(1), FaultKind::Die) => std::process::abort(),
            (Ok(1), FaultKind::Fail) => Err(LakeError::Injected { point: point.name() }),
            _ => Ok(()),
        }
    }
}

/// Reaches a place behind a commit, before Delta goes on by itself.
struct BehindCommit {
    faults: Arc<Faults>,
    point: FaultPoint,
}

/// What Delta is to call so that a place behind a commit is reached.
pub(crate) fn behind_commit(
    faults: &Arc<Faults>,
    point: FaultPoint,
) -> Arc<dyn CustomExecuteHandler> {
    Arc::new(BehindCommit { faults: Arc::clone(faults), point })
}

#[async_trait]
impl CustomExecuteHandler for BehindCommit {
    async fn pre_execute(&self, _: &LogStoreRef, _: Uuid) -> Result<(), DeltaTableError> {
        Ok(())
    }

    async fn post_execute(&self, _: &LogStoreRef, _: Uuid) -> Result<(), DeltaTableError> {
        Ok(())
    }

    async fn before_post_commit_hook(
        &self,
        _: &LogStoreRef,
        _: bool,
        _: Uuid,
    ) -> Result<(), DeltaTableError> {
        self.faults.reach(self.point).map_err(DeltaTableError::generic)
    }

    async fn after_post_commit_hook(
        &self,
        _: &LogStoreRef,
        _: bool,
        _: Uuid,
    ) -> Result<(), DeltaTableError> {
        Ok(())
    }
}
