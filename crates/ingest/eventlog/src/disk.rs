//! The few calls that change files, in one place, so that tests can make each of them fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use shelf_ports::LogError;

use crate::SyncMode;
#[cfg(test)]
use crate::faults::{Call, Faults};

/// How files are changed: with or without waiting for the disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    mode: SyncMode,
    #[cfg(test)]
    pub(crate) faults: std::sync::Arc<Faults>,
}

impl Disk {
    pub(crate) fn new(mode: SyncMode) -> Self {
        Self {
            mode,
            #[cfg(test)]
            faults: std::sync::Arc::default(),
        }
    }

    /// Whether durable means on disk.
    pub(crate) fn mode(&self) -> SyncMode {
        self.mode
    }

    /// Creates a file, or empties the one that is there.
    pub(crate) fn create(&self, path: &Path) -> Result<DiskFile, LogError> {
        #[cfg(test)]
        self.faults.check(Call::Create, path).map_err(failed("create", path))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        self.open_with(&options, path, "create")
    }

    /// Opens a file to read and write, and creates it where there is none.
    pub(crate) fn open(&self, path: &Path) -> Result<DiskFile, LogError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        self.open_with(&options, path, "open")
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_dir(&self, dir: &Path) -> Result<(), LogError> {
        match self.mode {
            SyncMode::None => Ok(()),
            SyncMode::Fsync => {
                File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))
            }
        }
    }

    fn open_with(
        &self,
        options: &OpenOptions,
        path: &Path,
        action: &'static str,
    ) -> Result<DiskFile, LogError> {
        let file = options.open(path).map_err(failed(action, path))?;
        Ok(DiskFile { file, path: path.to_path_buf(), disk: self.clone() })
    }
}

/// A file that is written.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to be read only.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Writes all bytes. After an error, some of them may be in the file.
    pub(crate) fn write_all_at(&self, bytes: &[u8], at: u64) -> Result<(), LogError> {
        #[cfg(test)]
        if let Err((part, error)) = self.disk.faults.check_write(&self.path, bytes.len()) {
            self.file.write_all_at(&bytes[..part], at).map_err(failed("write", &self.path))?;
            return Err(failed("write", &self.path)(error));
        }
        self.file.write_all_at(bytes, at).map_err(failed("write", &self.path))
    }

    /// Cuts the file to `bytes`.
    pub(crate) fn truncate(&self, bytes: u64) -> Result<(), LogError> {
        #[cfg(test)]
        self.disk.faults.check(Call::Truncate, &self.path).map_err(failed("cut", &self.path))?;
        self.file.set_len(bytes).map_err(failed("cut", &self.path))
    }

    /// Makes the content durable.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        #[cfg(test)]
        self.disk.faults.check(Call::Sync, &self.path).map_err(failed("sync", &self.path))?;
        match self.disk.mode {
            SyncMode::None => Ok(()),
            SyncMode::Fsync => self.file.sync_data().map_err(failed("sync", &self.path)),
        }
    }
}

/// Turns what the system said into the error that names what was tried and where.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    move |source| LogError::Io { action, path: path.to_path_buf(), source }
}

/// The error for bytes that are not what was written.
pub(crate) fn damaged(path: &Path, at: u64, what: &'static str) -> LogError {
    LogError::Damaged { path: path.to_path_buf(), at, what }
}
