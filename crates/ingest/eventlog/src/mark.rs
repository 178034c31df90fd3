//! The file `durable` of a partition: the offset below which everything is on disk.
//!
//! It is written after each sync of the records and not synced itself, so after a loss of power it
//! can be too low, never too high. A reader in another process goes by it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use shelf_ports::{LogError, Offset};

use crate::disk::{Disk, DiskFile, failed};
use crate::format::{self, MARK_BYTES};

/// How often a mark is read again when its check fails, because it is being written.
const READ_ATTEMPTS: usize = 3;

/// The mark as its one writer holds it.
#[derive(Debug)]
pub(crate) struct Mark(DiskFile);

impl Mark {
    pub(crate) fn open(disk: &Disk, dir: &Path) -> Result<Self, LogError> {
        disk.open(&path(dir)).map(Self)
    }

    pub(crate) fn write(&self, durable: Offset) -> Result<(), LogError> {
        self.0.write_all_at(&format::encode_mark(durable), 0)
    }
}

/// The mark as a follower sees it.
#[derive(Debug)]
pub(crate) struct MarkReader {
    file: File,
    path: PathBuf,
}

impl MarkReader {
    /// Opens the mark of a partition; nothing if it has none yet.
    pub(crate) fn open(dir: &Path) -> Result<Option<Self>, LogError> {
        let path = path(dir);
        match File::open(&path) {
            Ok(file) => Ok(Some(Self { file, path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("open", &path)(error)),
        }
    }

    /// The durable offset; nothing if the file does not pass its check.
    pub(crate) fn read(&self) -> Result<Option<Offset>, LogError> {
        for _ in 0..READ_ATTEMPTS {
            let mut bytes = [0; MARK_BYTES];
            match self.file.read_exact_at(&mut bytes, 0) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(failed("read", &self.path)(error)),
            }
            if let Some(durable) = format::decode_mark(&bytes) {
                return Ok(Some(durable));
            }
        }
        Ok(None)
    }
}

/// The durable offset in the partition folder `dir`; nothing if it is not known.
pub(crate) fn read(dir: &Path) -> Result<Option<Offset>, LogError> {
    MarkReader::open(dir)?.map_or(Ok(None), |mark| mark.read())
}

fn path(dir: &Path) -> PathBuf {
    dir.join("durable")
}
