//! Files of a lake in a file system are on disk before the commit that names them.

use std::fs::File;
use std::path::Path;

use crate::LakeError;
use crate::lake::Lake;
use crate::table::Table;

/// Has these files of a table, named relative to its folder, written to disk with their folders.
/// An object store does that before it answers.
pub(crate) fn make_durable<'a>(
    lake: &Lake,
    table: &Table,
    files: impl Iterator<Item = &'a str>,
) -> Result<(), LakeError> {
    let Some(folder) = lake.local_folder(table) else { return Ok(()) };
    let mut last = None;
    for file in files {
        let path = folder.join(file);
        sync(&path)?;
        let parent = path.parent().map(Path::to_path_buf);
        if parent != last
            && let Some(parent) = &parent
        {
            sync(parent)?;
        }
        last = parent;
    }
    Ok(())
}

fn sync(path: &Path) -> Result<(), LakeError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| LakeError::Io { action: "sync", path: path.to_owned(), source })
}
