//! `sources.json`: the names of the sources whose numbers the events carry.
//!
//! A number is on disk with its name before the first event that carries it, and is never given to
//! anything else: the same source has the same number in every run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use shelf_domain::{SourceId, Timestamp};

use crate::HostError;
use crate::folder::Folder;

/// The version of the file.
const SOURCES_FORMAT: u32 = 1;

/// How events of a source come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// From a file.
    Import,
    /// Sent to the running process, or in its stead to the log.
    Send,
    /// From the standard input of an import.
    Stdin,
    /// From the simulated environment.
    Simulated,
    /// From a person at the command line.
    Cli,
    /// From a page or a client of the HTTP API.
    Http,
    /// From streams of Redis.
    Redis,
    /// From tables of PostgreSQL that people set.
    Postgres,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceName {
    /// The name of the file without its folder, or what stands for it.
    pub name: String,
    /// How its events come in.
    pub kind: SourceKind,
    /// How its columns are read, where it is a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
}

impl SourceName {
    /// A source without a mapping.
    pub fn new(kind: SourceKind, name: &str) -> Self {
        Self { name: name.to_owned(), kind, mapping: None }
    }

    /// Who sends events to the running process.
    pub fn socket() -> Self {
        Self::new(SourceKind::Send, "socket")
    }

    /// People who act at the command line.
    pub fn cli() -> Self {
        Self::new(SourceKind::Cli, "cli")
    }

    /// People at the pages, and clients of the HTTP API.
    pub fn http() -> Self {
        Self::new(SourceKind::Http, "http")
    }

    /// The streams of Redis that a running process reads.
    pub fn redis() -> Self {
        Self::new(SourceKind::Redis, "redis")
    }

    /// The tables of PostgreSQL that a running process follows.
    pub fn postgres() -> Self {
        Self::new(SourceKind::Postgres, "postgres")
    }

    /// The simulated environment.
    pub fn simulated() -> Self {
        Self::new(SourceKind::Simulated, "simulated")
    }
}

/// A source that has a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredSource {
    /// What it is.
    #[serde(flatten)]
    pub source: SourceName,
    /// When it got its number, by the clock.
    pub registered_at: Timestamp,
}

/// The sources of a data folder by their numbers, from 1.
#[derive(Clone, Debug)]
pub struct Sources {
    folder: Folder,
    file: SourcesFile,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SourcesFile {
    format: u32,
    sources: BTreeMap<u32, RegisteredSource>,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Sources {
    /// Those of a folder; none where it has no such file.
    pub fn open(folder: &Folder) -> Result<Self, HostError> {
        let (folder, path) = (folder.clone(), folder.sources_path());
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let file = SourcesFile { format: SOURCES_FORMAT, sources: BTreeMap::new() };
                return Ok(Self { folder, file });
            }
            Err(error) => return Err(HostError::io("read", path)(error)),
        };
        let unread = |source| HostError::Meta { path: path.clone(), source };
        let version: Version = serde_json::from_slice(&text).map_err(unread)?;
        if version.format > SOURCES_FORMAT {
            let (found, known) = (version.format, SOURCES_FORMAT);
            return Err(HostError::Format { path, found, known });
        }
        Ok(Self { folder, file: serde_json::from_slice(&text).map_err(unread)? })
    }

    /// The source with this number.
    pub fn get(&self, source: SourceId) -> Option<&RegisteredSource> {
        self.file.sources.get(&source.0)
    }

    /// All of them, in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &RegisteredSource)> {
        self.file.sources.iter().map(|(&number, source)| (SourceId(number), source))
    }

    /// The number of a source; 0, which is none, where it has none.
    pub fn find(&self, source: &SourceName) -> SourceId {
        let found = self.iter().find(|(_, known)| known.source == *source);
        found.map(|(number, _)| number).unwrap_or_default()
    }

    /// The numbers of these sources; those that have none get one, durably. Only the folder's one
    /// writer may call it.
    pub(crate) fn register(&mut self, wanted: &[SourceName]) -> Result<Vec<SourceId>, HostError> {
        let before = self.file.sources.len();
        for source in wanted {
            if self.find(source) == SourceId::default() {
                let number = self.file.sources.keys().last().map_or(1, |last| last + 1);
                let known = RegisteredSource { source: source.clone(), registered_at: wall_now() };
                self.file.sources.insert(number, known);
            }
        }
        if self.file.sources.len() > before {
            self.save()?;
        }
        Ok(wanted.iter().map(|source| self.find(source)).collect())
    }

    fn save(&self) -> Result<(), HostError> {
        let path = self.folder.sources_path();
        let temporary = path.with_extension("json.tmp");
        let text = serde_json::to_vec_pretty(&self.file)
            .map_err(|source| HostError::Meta { path: path.clone(), source })?;
        let mut file = File::create(&temporary).map_err(HostError::io("create", &temporary))?;
        file.write_all(&text).map_err(HostError::io("write", &temporary))?;
        file.sync_all().map_err(HostError::io("sync", &temporary))?;
        fs::rename(&temporary, &path).map_err(HostError::io("rename", &temporary))?;
        let root = self.folder.root();
        let folder = File::open(root).map_err(HostError::io("open", root))?;
        folder.sync_all().map_err(HostError::io("sync", root))
    }
}

/// The time on the clock of this machine.
pub fn wall_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_keeps_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let file = SourceName::new(SourceKind::Import, "till.csv");
        let mapped = SourceName { mapping: Some("uci".to_owned()), ..file.clone() };
        let mut sources = Sources::open(&folder).unwrap();
        let first = sources.register(&[SourceName::socket(), file.clone()]).unwrap();
        assert_eq!(first, [SourceId(1), SourceId(2)]);
        let mut sources = Sources::open(&folder).unwrap();
        let second = sources.register(&[file.clone(), mapped.clone(), file.clone()]).unwrap();
        assert_eq!(second, [SourceId(2), SourceId(3), SourceId(2)]);
        let sources = Sources::open(&folder).unwrap();
        assert_eq!(sources.get(SourceId(3)).map(|known| &known.source), Some(&mapped));
        assert_eq!(sources.find(&SourceName::cli()), SourceId(0));
        assert_eq!(sources.iter().count(), 3);
    }

    #[test]
    fn a_file_of_the_future_or_of_nothing_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        fs::write(folder.sources_path(), r#"{"format":99,"colour":"blue"}"#).unwrap();
        assert_eq!(Sources::open(&folder).unwrap_err().code(), "newer_format");
        fs::write(folder.sources_path(), "{").unwrap();
        assert_eq!(Sources::open(&folder).unwrap_err().code(), "meta_unreadable");
    }
}
