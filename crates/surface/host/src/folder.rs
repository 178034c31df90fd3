//! The data folder: what lies where, and the small file that says what it was made with.
//!
//! `shelf.json` describes it, `sources.json` names where its events come from, `quality.json` and
//! `quality-history.ndjson` how good they were; `log/` holds the events, `outputs/` what followed
//! from them, `snapshots/` the states, `shelf.sock` is where the running process listens.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shelf_domain::Timestamp;
use shelf_eventlog::LogReader;
use shelf_ports::Offset;
use shelf_simulator::TownOptions;

use crate::HostError;
use crate::quarantine::event_at;

/// The version of the layout of a data folder.
pub const DATA_FORMAT: u32 = 1;

/// What a data folder was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FolderMeta {
    /// The version of the layout.
    pub format: u32,
    /// How many partitions its log has.
    pub partitions: u32,
    /// The simulated environment of its stores, where it has one.
    pub town: Option<TownPlan>,
    /// What tells this chain from every other: whoever follows its log elsewhere can say whose it
    /// is. A copy of the folder is the same chain.
    #[serde(default)]
    pub chain: Option<ChainId>,
}

/// The name that a chain was given when its folder was made: 32 random hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(String);

impl ChainId {
    /// One that no other chain has.
    pub fn random() -> Result<Self, HostError> {
        let mut bytes = [0; 16];
        let path = "a random number";
        getrandom::fill(&mut bytes).map_err(|error| {
            HostError::io("get", path)(std::io::Error::other(error.to_string()))
        })?;
        Ok(Self(format!("{:032x}", u128::from_le_bytes(bytes))))
    }

    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A simulated environment: so many stores, made from these options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TownPlan {
    /// How many stores.
    pub stores: u32,
    /// What they are made from.
    pub options: TownOptions,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// A data folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`, whether it is there or not.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The end of the log on disk, by partition.
    pub fn log_ends(&self) -> Result<Vec<Offset>, HostError> {
        let tails = LogReader::open(self.log())?.into_partitions();
        tails.into_iter().map(|mut tail| Ok(tail.end_offset()?)).collect()
    }

    /// When the newest event had been received, of the last ones that the partitions have on disk;
    /// `None` where there is none.
    pub fn newest_event_at(&self) -> Result<Option<Timestamp>, HostError> {
        let mut log = LogReader::open(self.log())?;
        let mut newest: Option<Timestamp> = None;
        for partition in 0..log.partition_count() {
            let end = log.end_offset(partition)?;
            if end > log.start_offset(partition)? {
                newest = newest.max(Some(event_at(&mut log, (partition, end - 1))?.received_at));
            }
        }
        Ok(newest)
    }

    /// The events.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What followed from them.
    pub fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// The states.
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Where the running process listens.
    pub fn socket(&self) -> PathBuf {
        self.root.join("shelf.sock")
    }

    /// The file that describes it.
    pub fn meta_path(&self) -> PathBuf {
        self.root.join("shelf.json")
    }

    /// The names of the sources of its events.
    pub fn sources_path(&self) -> PathBuf {
        self.root.join("sources.json")
    }

    /// What the running process measures of the quality of its events.
    pub fn quality_path(&self) -> PathBuf {
        self.root.join("quality.json")
    }

    /// When checks of quality changed their states.
    pub fn quality_history_path(&self) -> PathBuf {
        self.root.join("quality-history.ndjson")
    }

    /// The older part of that.
    pub fn older_quality_history_path(&self) -> PathBuf {
        self.root.join("quality-history.1.ndjson")
    }

    /// Who logged in, and who held or sped up the simulation.
    pub fn audit_path(&self) -> PathBuf {
        self.root.join("audit.ndjson")
    }

    /// The older part of that.
    pub fn older_audit_path(&self) -> PathBuf {
        self.root.join("audit.1.ndjson")
    }

    /// What it was made with; an error where there is none.
    pub fn meta(&self) -> Result<FolderMeta, HostError> {
        self.find_meta()?.ok_or_else(|| HostError::NoData { path: self.root.clone() })
    }

    fn find_meta(&self) -> Result<Option<FolderMeta>, HostError> {
        let path = self.meta_path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(HostError::io("read", path)(error)),
        };
        // The version first: a newer file may hold what this program cannot know.
        let unread = |source| HostError::Meta { path: self.meta_path(), source };
        let version: Version = serde_json::from_slice(&text).map_err(unread)?;
        if version.format > DATA_FORMAT {
            let (found, known) = (version.format, DATA_FORMAT);
            return Err(HostError::Format { path, found, known });
        }
        serde_json::from_slice(&text).map_err(unread).map(Some)
    }

    /// What it was made with; where there is nothing yet, makes it with `new`. One that has no
    /// name of its chain takes that of `new`.
    pub fn open_or_create(&self, new: &FolderMeta) -> Result<FolderMeta, HostError> {
        if let Some(meta) = self.find_meta()? {
            return self.named(meta, new);
        }
        self.make_root()?;
        if self.holds_something_else()? {
            // Perhaps another process has made it just now.
            return self.find_meta()?.ok_or_else(|| HostError::Foreign { path: self.root.clone() });
        }
        // Of two first starts one makes the folder, and the other takes it as it was made.
        let _alone = self.lock()?;
        if let Some(meta) = self.find_meta()? {
            return Ok(meta);
        }
        self.keep_meta(new)?;
        Ok(new.clone())
    }

    /// The same with a name of its chain.
    fn named(&self, meta: FolderMeta, new: &FolderMeta) -> Result<FolderMeta, HostError> {
        if meta.chain.is_some() || new.chain.is_none() {
            return Ok(meta);
        }
        let _alone = self.lock()?;
        let meta = self.meta()?;
        if meta.chain.is_some() {
            return Ok(meta);
        }
        let named = FolderMeta { chain: new.chain.clone(), ..meta };
        self.keep_meta(&named)?;
        Ok(named)
    }

    /// Writes the file that describes it, as a whole or not at all.
    fn keep_meta(&self, meta: &FolderMeta) -> Result<(), HostError> {
        let (path, temporary) = (self.meta_path(), self.temporary_path());
        let text = serde_json::to_vec_pretty(meta)
            .map_err(|source| HostError::Meta { path: path.clone(), source })?;
        let mut file = File::create(&temporary).map_err(HostError::io("create", &temporary))?;
        file.write_all(&text).map_err(HostError::io("write", &temporary))?;
        file.sync_all().map_err(HostError::io("sync", &temporary))?;
        fs::rename(&temporary, &path).map_err(HostError::io("rename", &temporary))?;
        let root = File::open(&self.root).map_err(HostError::io("open", &self.root))?;
        root.sync_all().map_err(HostError::io("sync", &self.root))
    }

    fn holds_something_else(&self) -> Result<bool, HostError> {
        let own = [self.temporary_path(), self.lock_path()];
        let entries = fs::read_dir(&self.root).map_err(HostError::io("read", &self.root))?;
        for entry in entries {
            let entry = entry.map_err(HostError::io("read", &self.root))?;
            if !own.contains(&entry.path()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn temporary_path(&self) -> PathBuf {
        self.root.join("shelf.json.tmp")
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("shelf.lock")
    }

    /// Waits until no other process makes the folder. The lock ends with the file.
    fn lock(&self) -> Result<File, HostError> {
        let path = self.lock_path();
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(HostError::io("open", &path))?;
        file.lock().map_err(HostError::io("lock", &path))?;
        Ok(file)
    }

    /// Makes the root and the folders above that are not there, and each durable in its own parent.
    fn make_root(&self) -> Result<(), HostError> {
        let made: Vec<&Path> = self.root.ancestors().take_while(|dir| !is_there(dir)).collect();
        fs::create_dir_all(&self.root).map_err(HostError::io("create", &self.root))?;
        for parent in made.into_iter().filter_map(parent_of) {
            let synced = File::open(parent).and_then(|parent| parent.sync_all());
            synced.map_err(HostError::io("sync", parent))?;
        }
        Ok(())
    }
}

fn is_there(dir: &Path) -> bool {
    // Above a relative path is the current folder, which has no name.
    dir.as_os_str().is_empty() || dir.exists()
}

fn parent_of(dir: &Path) -> Option<&Path> {
    let parent = dir.parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// A folder keeps the environment that it was made with.
pub(crate) fn check_town(
    found: Option<&TownPlan>,
    asked: Option<&TownPlan>,
) -> Result<(), HostError> {
    let Some(asked) = asked else { return Ok(()) };
    let other = |what, found: String, asked: String| Err(HostError::Other { what, found, asked });
    match found {
        None => other("an environment that is", "real".into(), "simulated".into()),
        Some(found) if found.stores != asked.stores => {
            other("--stores", found.stores.to_string(), asked.stores.to_string())
        }
        Some(found) if found.options.seed != asked.options.seed => {
            other("--seed", found.options.seed.to_string(), asked.options.seed.to_string())
        }
        Some(found) if found.options != asked.options => {
            other("an environment of", "other options".into(), "these".into())
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use shelf_domain::HOUR;

    use super::*;
    use crate::{ChainWriter, WriterOptions, events_between};

    fn meta() -> FolderMeta {
        FolderMeta { format: DATA_FORMAT, partitions: 4, town: None, chain: None }
    }

    #[test]
    fn a_folder_keeps_what_it_was_made_with() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("new"));
        assert_eq!(folder.meta().unwrap_err().code(), "no_data");
        folder.open_or_create(&meta()).unwrap();
        let again = folder.open_or_create(&FolderMeta { partitions: 9, ..meta() }).unwrap();
        assert_eq!(again, meta());
    }

    #[test]
    fn the_last_events_tell_how_late_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("new"));
        let town = TownOptions { customers_per_day: Some(50), ..TownOptions::default() };
        let until = town.start.plus(12 * HOUR);
        let town = Some(TownPlan { stores: 2, options: town });
        let options = WriterOptions { town, ..WriterOptions::default() };
        let mut chain = ChainWriter::open(&folder, &options).unwrap();
        chain.simulate(until, |_| {}).unwrap();
        chain.commit().unwrap();
        let mut log = LogReader::open(folder.log()).unwrap();
        let mut last = std::collections::BTreeMap::new();
        for (partition, end) in (0..).zip(folder.log_ends().unwrap()) {
            let watch = |_, event: shelf_domain::Event| {
                last.insert(partition, event.received_at);
            };
            events_between(&mut log, partition, 0, end, watch).unwrap();
        }
        assert!(!last.is_empty());
        assert_eq!(folder.newest_event_at().unwrap(), last.values().max().copied());
    }

    #[test]
    fn a_chain_has_one_name_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("new"));
        folder.open_or_create(&meta()).unwrap();
        let with = || FolderMeta { chain: Some(ChainId::random().unwrap()), ..meta() };
        let (first, second) = (with(), with());
        assert_ne!(first, second);
        assert_eq!(folder.open_or_create(&first).unwrap(), first);
        assert_eq!(folder.open_or_create(&second).unwrap(), first);
        assert_eq!(folder.open_or_create(&meta()).unwrap(), first);
        // A folder whose file says nothing of it can be read.
        std::fs::write(folder.meta_path(), r#"{"format":1,"partitions":4,"town":null}"#).unwrap();
        assert_eq!(folder.meta().unwrap(), meta());
    }

    #[test]
    fn of_many_first_starts_one_makes_the_folder() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let folder = Folder::at(dir.path().join("some/where/new"));
            let at_once = std::sync::Barrier::new(8);
            let start = &|partitions| {
                at_once.wait();
                folder.open_or_create(&FolderMeta { partitions, ..meta() }).unwrap()
            };
            let found: Vec<FolderMeta> = std::thread::scope(|scope| {
                let starts: Vec<_> = (1..=8).map(|n| scope.spawn(move || start(n))).collect();
                starts.into_iter().map(|start| start.join().unwrap()).collect()
            });
            let kept = folder.meta().unwrap();
            assert!(found.iter().all(|meta| *meta == kept), "{kept:?}: {found:?}");
        }
    }

    #[test]
    fn every_folder_that_is_made_has_its_parent() {
        assert_eq!(parent_of(Path::new("data")), Some(Path::new(".")));
        assert_eq!(parent_of(Path::new("a/b")), Some(Path::new("a")));
        assert!(is_there(Path::new("")) && is_there(Path::new("/")));
        assert!(!is_there(Path::new("no/such/folder")));
    }

    #[test]
    fn a_folder_of_something_else_or_of_the_future_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        let folder = Folder::at(dir.path());
        assert_eq!(folder.open_or_create(&meta()).unwrap_err().code(), "not_a_data_folder");
        std::fs::write(folder.meta_path(), r#"{"format":99,"colour":"blue"}"#).unwrap();
        assert_eq!(folder.meta().unwrap_err().code(), "newer_format");
        std::fs::write(folder.meta_path(), "{").unwrap();
        assert_eq!(folder.meta().unwrap_err().code(), "meta_unreadable");
    }
}
