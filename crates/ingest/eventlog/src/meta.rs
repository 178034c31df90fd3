//! The file `meta`: the format version and the number of partitions, written once at creation.
//!
//! It is written last, so a log with a `meta` has all its partitions, and one without it has never
//! held a record.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use shelf_ports::LogError;

use crate::disk::{Disk, damaged, failed};
use crate::format::{self, HeaderFault};
use crate::options::PARTITIONS_MAX;

/// Where the `meta` of a log is.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("meta")
}

/// The folder of one partition.
pub(crate) fn partition_dir(dir: &Path, partition: u32) -> PathBuf {
    dir.join(format!("p{partition:02}"))
}

/// The number of partitions of the log in `dir`; nothing where no log was created.
pub(crate) fn read(dir: &Path) -> Result<Option<u32>, LogError> {
    let path = path(dir);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", &path)(error)),
    };
    let partitions = format::decode_meta(&bytes).map_err(|fault| header_error(fault, &path))?;
    if partitions == 0 || partitions > PARTITIONS_MAX {
        return Err(damaged(&path, 0, "the number of partitions is impossible"));
    }
    Ok(Some(partitions))
}

/// Writes `meta` whole or not at all.
pub(crate) fn write(disk: &Disk, dir: &Path, partitions: u32) -> Result<(), LogError> {
    let path = path(dir);
    let temporary = path.with_extension("tmp");
    let file = disk.create(&temporary)?;
    file.write_all_at(&format::encode_meta(partitions), 0)?;
    file.sync()?;
    fs::rename(&temporary, &path).map_err(failed("create", &path))?;
    disk.sync_dir(dir)
}

/// The error for a `meta` or a segment header that cannot be used.
pub(crate) fn header_error(fault: HeaderFault, path: &Path) -> LogError {
    match fault {
        HeaderFault::Bad(what) => damaged(path, 0, what),
        HeaderFault::Newer(found) => {
            LogError::Format { path: path.to_path_buf(), found, known: format::VERSION }
        }
    }
}
