//! The settings of the lake.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::range;
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LakeSettings {
    /// Whether `shelf run` follows its log into the lake.
    pub(crate) enabled: bool,
    /// A folder, or an address such as `s3://bucket/lake`; empty: `lake` in the data folder.
    pub(crate) url: String,
    /// At most so long an event waits for its commit.
    pub(crate) commit_seconds: u32,
    /// At most so much is gathered for a commit, in megabytes.
    pub(crate) commit_mb: u32,
    /// Small files are looked for every so many minutes, and compacted where there are enough.
    pub(crate) compact_minutes: u32,
    /// The star schema is brought up to date every so many minutes; 0: only by command.
    pub(crate) build_minutes: u32,
    /// Files that nothing needs are removed every so many hours.
    pub(crate) vacuum_hours: u32,
    /// Versions of tables are kept for so many hours.
    pub(crate) retention_hours: u32,
    /// Options of the object store under its own names. Secrets belong into the environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) storage: BTreeMap<String, String>,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            url: String::new(),
            commit_seconds: 10,
            commit_mb: 64,
            compact_minutes: 5,
            build_minutes: 15,
            vacuum_hours: 24,
            retention_hours: 168,
            storage: BTreeMap::new(),
        }
    }
}

impl LakeSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("lake.commit_seconds", self.commit_seconds.into(), 1, 3_600)?;
        range("lake.commit_mb", self.commit_mb.into(), 1, 1_024)?;
        range("lake.compact_minutes", self.compact_minutes.into(), 1, 1_440)?;
        range("lake.build_minutes", self.build_minutes.into(), 0, 10_080)?;
        range("lake.vacuum_hours", self.vacuum_hours.into(), 1, 8_760)?;
        range("lake.retention_hours", self.retention_hours.into(), 1, 87_600)
    }

    /// Where the lake of a data folder is.
    pub(crate) fn root(&self, data: &Path) -> String {
        if !self.url.is_empty() {
            return self.url.clone();
        }
        data.join("lake").to_string_lossy().into_owned()
    }

    pub(crate) fn commit_interval(&self) -> Duration {
        Duration::from_secs(self.commit_seconds.into())
    }

    pub(crate) fn commit_bytes(&self) -> usize {
        (self.commit_mb as usize) << 20
    }
}
