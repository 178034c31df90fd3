//! `quality.json` and `quality-history.ndjson`: what only a running process can measure of the
//! quality of its events, and when a check changed its state.
//!
//! Both follow from what the process sees, and no event depends on them: they are written without
//! waiting for the disk. `quality.json` is replaced as a whole; the history is only added to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shelf_domain::{Stream, Timestamp};

use crate::HostError;
use crate::folder::Folder;

/// The version of `quality.json`.
const QUALITY_FORMAT: u32 = 1;
/// The size at which the history begins a new file, in bytes. The one before is kept.
const HISTORY_BYTES: u64 = 1_000_000;
/// The longest time that is told apart, in microseconds; longer ones count as this.
const LONGEST_US: u64 = 3_600_000_000;
/// Times are kept to so many digits.
const DIGITS: u8 = 3;

/// How long events took from their arrival until they were on disk and applied, by stream.
#[derive(Debug)]
pub struct Latencies {
    since: Timestamp,
    streams: [Option<Histogram<u64>>; Stream::ALL.len()],
}

impl Latencies {
    /// Nothing measured yet.
    pub fn since(since: Timestamp) -> Self {
        Self { since, streams: [const { None }; Stream::ALL.len()] }
    }

    /// An event of this stream took so long.
    pub fn add(&mut self, stream: Stream, took: Duration) {
        let Some(kept) = self.streams.get_mut(stream as usize) else { return };
        if kept.is_none() {
            *kept = Histogram::new_with_bounds(1, LONGEST_US, DIGITS).ok();
        }
        if let Some(times) = kept {
            times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST_US).max(1));
        }
    }

    /// What has been measured.
    pub fn measured(&self) -> Measured {
        let streams = Stream::ALL.into_iter().zip(&self.streams);
        let applied = streams.filter_map(|(stream, times)| {
            let times = times.as_ref()?;
            Some((stream.code().to_owned(), LatencyFigures::of(times)))
        });
        Measured { since: self.since, applied: applied.collect() }
    }
}

/// How long events took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyFigures {
    /// How many were measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// Of a hundred, 95 took no longer.
    pub p95_us: u64,
    /// Of a hundred, 99 took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl LatencyFigures {
    pub(crate) fn of(times: &Histogram<u64>) -> Self {
        let quantile = |part: f64| times.value_at_quantile(part).min(times.max());
        Self {
            count: times.len(),
            p50_us: quantile(0.5),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
            max_us: times.max(),
        }
    }
}

/// What a running process has measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// From when on, by the clock.
    pub since: Timestamp,
    /// From arrival to applied, by the code of the stream; streams without an event are not there.
    pub applied: BTreeMap<String, LatencyFigures>,
}

/// A check with its state at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckNote {
    /// Which check.
    pub check: String,
    /// Of which store, where it is of one.
    pub store: Option<String>,
    /// Of which stream.
    pub stream: Option<String>,
    /// Of which source.
    pub source: Option<String>,
    /// Of which window.
    pub window: Option<String>,
    /// Its state; `None` where it could not be judged.
    pub state: Option<String>,
    /// What was measured.
    pub value: Value,
}

impl CheckNote {
    fn key(&self) -> String {
        let parts = [&self.store, &self.stream, &self.source, &self.window];
        parts
            .into_iter()
            .fold(self.check.clone(), |key, part| key + "|" + part.as_deref().unwrap_or_default())
    }
}

/// A check changed its state: one line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualityChange {
    /// When that was found, by the time that the check goes by.
    pub at: Timestamp,
    /// The state before; `None` where there was none yet.
    pub from: Option<String>,
    /// The check, with its state from then on.
    #[serde(flatten)]
    pub check: CheckNote,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct QualityFile {
    format: u32,
    written_at: Timestamp,
    measured: Option<Measured>,
    states: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The quality files of a data folder. Only the folder's one writer may note anything in them.
#[derive(Debug)]
pub struct QualityBook {
    folder: Folder,
    measured: Option<Measured>,
    states: BTreeMap<String, String>,
}

impl QualityBook {
    /// That of a folder; empty where it has none yet, or a loss of power has torn it: what it says
    /// is measured again.
    pub fn open(folder: &Folder) -> Result<Self, HostError> {
        let path = folder.quality_path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(HostError::io("read", path)(error)),
        };
        let version = serde_json::from_slice(&text).map(|version: Version| version.format);
        if let Some(found) = version.ok().filter(|found| *found > QUALITY_FORMAT) {
            return Err(HostError::Format { path, found, known: QUALITY_FORMAT });
        }
        let file = serde_json::from_slice(&text).ok();
        let (measured, states) =
            file.map(|file: QualityFile| (file.measured, file.states)).unwrap_or_default();
        Ok(Self { folder: folder.clone(), measured, states })
    }

    /// What the process that ran last has measured; `None` where none has.
    pub fn measured(&self) -> Option<&Measured> {
        self.measured.as_ref()
    }

    /// Notes what the checks say at `now`, and a line in the history for each that changed its
    /// state. A check that cannot be judged keeps the state that it had. Returns how many changed.
    pub fn note(
        &mut self,
        now: Timestamp,
        written_at: Timestamp,
        checks: Vec<CheckNote>,
        measured: Option<Measured>,
    ) -> Result<usize, HostError> {
        let mut states = BTreeMap::new();
        let mut changes = Vec::new();
        for check in checks {
            let key = check.key();
            let from = self.states.get(&key).cloned();
            let Some(to) = check.state.clone() else {
                states.extend(from.map(|from| (key, from)));
                continue;
            };
            // That a check is fine when it is first judged is no news.
            if from.as_deref().unwrap_or("ok") != to {
                changes.push(QualityChange { at: now, from, check });
            }
            states.insert(key, to);
        }
        self.add_history(&changes)?;
        self.states = states;
        self.measured = measured.or(self.measured.take());
        self.save(written_at)?;
        Ok(changes.len())
    }

    fn save(&self, written_at: Timestamp) -> Result<(), HostError> {
        let path = self.folder.quality_path();
        let temporary = path.with_extension("json.tmp");
        let (measured, states) = (self.measured.clone(), self.states.clone());
        let file = QualityFile { format: QUALITY_FORMAT, written_at, measured, states };
        let text = serde_json::to_vec_pretty(&file)
            .map_err(|source| HostError::Meta { path: path.clone(), source })?;
        fs::write(&temporary, text).map_err(HostError::io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(HostError::io("rename", &temporary))
    }

    fn add_history(&self, changes: &[QualityChange]) -> Result<(), HostError> {
        if changes.is_empty() {
            return Ok(());
        }
        let path = self.folder.quality_history_path();
        let size = fs::metadata(&path).map_or(0, |meta| meta.len());
        if size >= HISTORY_BYTES {
            let older = self.folder.older_quality_history_path();
            fs::rename(&path, older).map_err(HostError::io("rename", &path))?;
        }
        let mut text = Vec::new();
        for change in changes {
            serde_json::to_writer(&mut text, change)
                .map_err(|source| HostError::Meta { path: path.clone(), source })?;
            text.push(b'\n');
        }
        let file = File::options().append(true).create(true).open(&path);
        let mut file = file.map_err(HostError::io("open", &path))?;
        file.write_all(&text).map_err(HostError::io("write", &path))
    }
}

/// The changes that a folder remembers, the oldest first. A line that was cut off by a crash is
/// passed over.
pub fn quality_history(folder: &Folder) -> Result<Vec<QualityChange>, HostError> {
    let mut changes = Vec::new();
    for path in [folder.older_quality_history_path(), folder.quality_history_path()] {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(HostError::io("read", path)(error)),
        };
        let lines = text.split(|byte| *byte == b'\n');
        changes.extend(lines.filter_map(|line| serde_json::from_slice(line).ok()));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(state: Option<&str>) -> CheckNote {
        CheckNote {
            check: "freshness".to_owned(),
            store: Some("S1".to_owned()),
            stream: Some("pos".to_owned()),
            source: None,
            window: None,
            state: state.map(str::to_owned),
            value: 400.into(),
        }
    }

    #[test]
    fn a_change_is_one_line_and_what_is_not_judged_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let states = [Some("ok"), Some("warn"), None, Some("warn"), Some("fail"), None, Some("ok")];
        for (at, state) in (1..).zip(states) {
            // Each process begins with what the one before has left.
            let mut book = QualityBook::open(&folder).unwrap();
            book.note(Timestamp(at), Timestamp(at), vec![note(state)], None).unwrap();
        }
        let told = quality_history(&folder).unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|change| (change.at.0, change.from.as_deref(), change.check.state.as_deref()))
            .collect();
        let (warn, fail) = (Some("warn"), Some("fail"));
        assert_eq!(told, [(2, Some("ok"), warn), (5, warn, fail), (7, fail, Some("ok"))]);
    }

    #[test]
    fn the_history_is_bounded_and_bears_a_cut_line() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let mut book = QualityBook::open(&folder).unwrap();
        fs::write(folder.quality_history_path(), vec![b'x'; HISTORY_BYTES as usize]).unwrap();
        book.note(Timestamp(1), Timestamp(1), vec![note(Some("warn"))], None).unwrap();
        assert!(fs::metadata(folder.quality_history_path()).unwrap().len() < 1_000);
        let cut = File::options().append(true).open(folder.quality_history_path());
        cut.unwrap().write_all(b"{\"at\":2,\"from\"").unwrap();
        assert_eq!(quality_history(&folder).unwrap().len(), 1);
    }

    #[test]
    fn what_was_measured_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let mut latencies = Latencies::since(Timestamp(7));
        for ms in 1..=100 {
            latencies.add(Stream::Pos, Duration::from_millis(ms));
        }
        latencies.add(Stream::Pos, Duration::from_hours(3));
        let mut book = QualityBook::open(&folder).unwrap();
        assert_eq!(book.measured(), None);
        book.note(Timestamp(9), Timestamp(9), Vec::new(), Some(latencies.measured())).unwrap();
        // An import measures nothing, and leaves what is there.
        let mut book = QualityBook::open(&folder).unwrap();
        book.note(Timestamp(10), Timestamp(10), Vec::new(), None).unwrap();
        let measured = QualityBook::open(&folder).unwrap().measured().cloned().unwrap();
        let pos = measured.applied["pos"];
        assert_eq!((measured.since, pos.count), (Timestamp(7), 101));
        assert!((51_000..=51_100).contains(&pos.p50_us), "{pos:?}");
        assert!(pos.max_us >= LONGEST_US && pos.p99_us < 101_000, "{pos:?}");
        assert_eq!(measured.applied.len(), 1);
    }

    #[test]
    fn a_file_of_the_future_is_refused_and_a_torn_one_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        fs::write(folder.quality_path(), r#"{"format":99,"colour":"blue"}"#).unwrap();
        assert_eq!(QualityBook::open(&folder).unwrap_err().code(), "newer_format");
        fs::write(folder.quality_path(), "{").unwrap();
        assert_eq!(QualityBook::open(&folder).unwrap().states, BTreeMap::new());
    }
}
