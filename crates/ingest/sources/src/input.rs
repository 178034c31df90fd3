//! Files found, opened, unpacked and counted. It never looks at what is in them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::error::SourceError;

/// The name that stands for standard input.
pub const STDIN: &str = "-";

/// The ends of file names that are read, before `.gz`.
const LINES: [&str; 3] = ["ndjson", "jsonl", "json"];
const TABLES: [&str; 3] = ["csv", "tsv", "txt"];

/// What kind of file a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// One JSON object a line.
    Ndjson,
    /// Columns of text.
    Csv,
    /// Columns of Apache Parquet.
    Parquet,
}

impl FileKind {
    /// The kind that the name of a file says; standard input is NDJSON.
    pub fn of(path: &Path) -> Result<Self, SourceError> {
        if path.as_os_str() == STDIN {
            return Ok(Self::Ndjson);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if [".tar", ".tar.gz", ".tar.xz", ".tgz", ".xz", ".zip", ".bz2", ".zst", ".7z"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            return Err(SourceError::Archive { path: path.into() });
        }
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        match plain.rsplit_once('.').map(|(_, end)| end) {
            Some(end) if LINES.contains(&end) => Ok(Self::Ndjson),
            Some(end) if TABLES.contains(&end) => Ok(Self::Csv),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(SourceError::UnknownKind { path: path.into() }),
        }
    }
}

/// The files that a person means: one file, `-` for standard input, the files of a folder whose
/// names say their kind, or those that match a pattern (`*` and `?` in the last part). In order of
/// their names.
pub fn find_files(wanted: &str) -> Result<Vec<PathBuf>, SourceError> {
    let path = Path::new(wanted);
    if wanted == STDIN || path.is_file() {
        return Ok(vec![path.into()]);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (folder, pattern) = match path.parent() {
        _ if path.is_dir() => (path, None),
        Some(folder) if name.contains(['*', '?']) => (folder, Some(name.as_str())),
        _ => return Err(SourceError::io(path, io::Error::from(io::ErrorKind::NotFound))),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| SourceError::io(folder, error))? {
        let path = entry.map_err(|error| SourceError::io(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let wanted = match pattern {
            Some(pattern) => matches(pattern.as_bytes(), name.as_bytes()),
            None => !name.starts_with('.') && FileKind::of(&path).is_ok(),
        };
        if wanted && path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(SourceError::NoMatch { pattern: wanted.into() });
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern of `*` (any characters) and `?` (one byte).
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            (0..=name.len()).any(|at| matches(rest, name.get(at..).unwrap_or(&[])))
        }
        (Some((b'?', rest)), Some((_, name))) => matches(rest, name),
        (Some((p, rest)), Some((n, name))) => p == n && matches(rest, name),
        _ => false,
    }
}

/// How far the reading is, in bytes as they lie in the files (packed ones as packed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of all files; `None` where that is not known, as for standard input.
    pub bytes_total: Option<u64>,
}

/// What counts the bytes that several readers, on several threads, have read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteCount {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl ByteCount {
    /// Checks that each file is there, and adds up their sizes.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, SourceError> {
        let mut total = Some(0);
        for path in paths {
            if path.as_os_str() == STDIN {
                total = None;
                continue;
            }
            let size = std::fs::metadata(path).map_err(|error| SourceError::io(path, error))?.len();
            total = total.map(|total| total + size);
        }
        Ok(Self { read: Arc::default(), total })
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { bytes_read: self.read.load(Ordering::Relaxed), bytes_total: self.total }
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }
}

struct Counted<R> {
    inner: R,
    count: ByteCount,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.count.add(read as u64);
        Ok(read)
    }
}

/// Whether a reader waits until its buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Yes: the rest is on a disk.
    Full,
    /// No: what has come is given on, since nobody knows when more will.
    AsItComes,
}

/// The bytes of one file, unpacked, without a byte order mark.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    pub(crate) path: PathBuf,
    /// The file's name without its folder.
    pub(crate) name: Arc<str>,
    fill: Fill,
    started: bool,
    damaged: bool,
}

/// Where a reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There may be more.
    More,
    /// The file has ended.
    End,
    /// What follows is damaged or missing: a packed file that was cut.
    Damaged,
}

impl Input {
    pub(crate) fn open(path: &Path, count: &ByteCount) -> Result<Self, SourceError> {
        if path.as_os_str() == STDIN {
            let reader = Counted { inner: io::stdin(), count: count.clone() };
            return Ok(Self::new(Box::new(reader), path, "stdin", Fill::AsItComes));
        }
        let failed = |error| SourceError::io(path, error);
        let file = File::open(path).map_err(failed)?;
        let reader = Counted { inner: file, count: count.clone() };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let packed = name.to_lowercase().ends_with(".gz");
        let reader: Box<dyn Read + Send> = if packed {
            Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 18, reader)))
        } else {
            Box::new(reader)
        };
        Ok(Self::new(reader, path, &name, Fill::Full))
    }

    pub(crate) fn new(reader: Box<dyn Read + Send>, path: &Path, name: &str, fill: Fill) -> Self {
        Self { reader, path: path.into(), name: name.into(), fill, started: false, damaged: false }
    }

    /// Reads into `buf` from `*len` on.
    pub(crate) fn fill(&mut self, buf: &mut [u8], len: &mut usize) -> Result<Filled, SourceError> {
        if self.damaged {
            return Ok(Filled::Damaged);
        }
        let before = *len;
        while let Some(room) = buf.get_mut(*len..).filter(|room| !room.is_empty()) {
            match self.reader.read(room) {
                Ok(0) => return Ok(Filled::End),
                Ok(read) => *len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if damaged(&error) => {
                    self.damaged = true;
                    return Ok(Filled::Damaged);
                }
                Err(error) => return Err(SourceError::io(&self.path, error)),
            }
            if !self.started && *len - before >= 3 {
                self.started = true;
                drop_mark(buf, before, len);
            }
            if self.fill == Fill::AsItComes && self.started {
                break;
            }
        }
        Ok(Filled::More)
    }
}

/// Takes a UTF-8 byte order mark away.
fn drop_mark(buf: &mut [u8], from: usize, len: &mut usize) {
    if buf.get(from..*len).is_some_and(|bytes| bytes.starts_with(b"\xEF\xBB\xBF")) {
        buf.copy_within(from + 3..*len, from);
        *len -= 3;
    }
}

fn damaged(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_from_the_name() {
        let kind = |name: &str| FileKind::of(Path::new(name)).map_err(|error| error.code());
        assert_eq!(kind("a/b.NDJSON.gz"), Ok(FileKind::Ndjson));
        assert_eq!(kind("-"), Ok(FileKind::Ndjson));
        assert_eq!(kind("b.csv.gz"), Ok(FileKind::Csv));
        assert_eq!(kind("b.parquet"), Ok(FileKind::Parquet));
        assert_eq!(kind("b.tar.xz"), Err("source_archive"));
        assert_eq!(kind("b"), Err("source_unknown_kind"));
    }

    #[test]
    fn files_are_found_in_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "c.jsonl", ".hidden.csv", "README"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let found = |wanted: &str| {
            find_files(wanted).map_err(|error| error.code()).map(|paths| {
                let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
                paths.iter().map(name).collect::<Vec<_>>()
            })
        };
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        assert_eq!(found(&at("")).unwrap(), ["a.csv", "b.csv", "c.jsonl"]);
        assert_eq!(found(&at("?.c*")).unwrap(), ["a.csv", "b.csv"]);
        assert_eq!(found(&at("README")).unwrap(), ["README"]);
        assert_eq!(found("-").unwrap(), ["-"]);
        assert_eq!(found(&at("z.csv")), Err("source_missing"));
        assert_eq!(found(&at("z*")), Err("source_no_match"));
    }
}
