//! `imports.json`: which inputs a data folder has, and how far it has them.
//!
//! A store recognises an event only among its last ones. The ledger makes an import of any length
//! exactly-once: what it says to be in the log is durable there before the ledger says so. It
//! knows inputs by their contents and never looks at events.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};

use serde::{Deserialize, Serialize};
use shelf_domain::{Sku, StoreId, Timestamp};
use shelf_host::{Folder, Tally};
use shelf_sources::{Known, LineCounts, STDIN, find_files};
use xxhash_rust::xxh3::Xxh3;

use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;

/// The version of the file.
const LEDGER_FORMAT: u32 = 1;
/// Bytes that are read at once to know a file by its contents.
const READ_BYTES: usize = 1 << 20;

/// Files to import, known by what is in them.
pub(super) struct Input {
    /// The hash of the contents and lengths of the files in their order.
    pub(super) key: String,
    pub(super) reading: Reading,
}

/// How files are read: with another name, mapping or store the same bytes are other events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reading {
    names: Vec<String>,
    mapping: Option<String>,
    store: Option<String>,
    format: String,
    time_zone: String,
}

/// One input that a folder has, or has begun with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) reading: Reading,
    /// When it began: the time of arrival of all its events.
    pub(super) present: Timestamp,
    /// Events of the input that are durable.
    pub(super) events: u64,
    /// Where each partition of the log stood then.
    pub(super) positions: Vec<u64>,
    pub(super) complete: bool,
    pub(super) tally: Tally,
    /// What its lines came to, once it is complete.
    lines: [u64; 7],
    /// The stores and skus that a mapping did not make, in order; none once it is complete.
    known: Vec<(String, Vec<String>)>,
}

/// The ledger of a data folder, whose one writer has it.
pub(super) struct Ledger {
    folder: Folder,
    file: LedgerFile,
}

#[derive(Serialize, Deserialize)]
struct LedgerFile {
    format: u32,
    imports: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Input {
    /// The files of an import; `None` where stdin is one of them, which cannot be read twice.
    pub(super) fn of(
        args: &ImportArgs,
        time_zone: &str,
        output: Output,
    ) -> Result<Option<Self>, Failure> {
        let mut paths = Vec::new();
        for wanted in &args.files {
            paths.extend(find_files(wanted)?);
        }
        if paths.iter().any(|path| path.as_os_str() == STDIN) {
            return Ok(None);
        }
        let sizes = paths.iter().map(|path| Some(fs::metadata(path).ok()?.len()));
        let bar = progress::of_bytes(output, sizes.sum(), "looking whether it is known");
        let (mut hash, mut names) = (Xxh3::new(), Vec::new());
        let mut buffer = vec![0; READ_BYTES];
        for path in paths {
            let failed = |error| io("read", &path, &error);
            let mut file = File::open(&path).map_err(failed)?;
            let mut len: u64 = 0;
            loop {
                let read = match file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(failed(error)),
                };
                hash.update(buffer.get(..read).unwrap_or_default());
                len += read as u64;
                bar.inc(read as u64);
            }
            hash.update(&len.to_le_bytes());
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        bar.finish_and_clear();
        let (mapping, store) = (args.mapping.clone(), args.store.clone());
        let (format, time_zone) = (args.format.clone(), time_zone.to_owned());
        let key = format!("{:032x}", hash.digest128());
        Ok(Some(Self { key, reading: Reading { names, mapping, store, format, time_zone } }))
    }
}

impl Entry {
    /// An input of which nothing is in the log.
    pub(super) fn new(
        reading: Reading,
        present: Timestamp,
        positions: Vec<u64>,
        known: &Known,
    ) -> Self {
        let mut by_store: BTreeMap<String, Vec<String>> = BTreeMap::new();
        by_store.extend(known.stores.iter().map(|store| (store.as_str().to_owned(), Vec::new())));
        for (store, sku) in &known.skus {
            let skus = by_store.entry(store.as_str().to_owned()).or_default();
            skus.push(sku.as_str().to_owned());
        }
        for skus in by_store.values_mut() {
            skus.sort_unstable();
        }
        let known = by_store.into_iter().collect();
        let (tally, lines) = (Tally::default(), [0; 7]);
        let (events, complete) = (0, false);
        Self { reading, present, events, positions, complete, tally, lines, known }
    }

    /// What was known when it began.
    pub(super) fn known(&self) -> Known {
        let mut known = Known::default();
        for (store, skus) in &self.known {
            let store = StoreId::cut(store);
            known.stores.insert(store);
            known.skus.extend(skus.iter().map(|sku| (store, Sku::cut(sku))));
        }
        known
    }

    /// Everything is in the log.
    pub(super) fn finish(&mut self, counts: &LineCounts) {
        self.complete = true;
        self.known.clear();
        self.lines = [
            counts.lines,
            counts.sale_lines,
            counts.return_lines,
            counts.other_lines,
            counts.rejected_lines,
            counts.reference_events,
            counts.ignored_lines,
        ];
    }

    /// What its lines came to, once it is complete.
    pub(super) fn line_counts(&self) -> LineCounts {
        let [
            lines,
            sale_lines,
            return_lines,
            other_lines,
            rejected_lines,
            reference_events,
            ignored_lines,
        ] = self.lines;
        LineCounts {
            lines,
            sale_lines,
            return_lines,
            other_lines,
            rejected_lines,
            reference_events,
            ignored_lines,
        }
    }
}

impl Ledger {
    /// The ledger of a folder; an empty one where there is none.
    pub(super) fn open(folder: &Folder) -> Result<Self, Failure> {
        let (folder, path) = (folder.clone(), folder.root().join("imports.json"));
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let file = LedgerFile { format: LEDGER_FORMAT, imports: BTreeMap::new() };
                return Ok(Self { folder, file });
            }
            Err(error) => return Err(io("read", &path, &error)),
        };
        let unread = |error: serde_json::Error| {
            let message = format!("{} cannot be understood: {error}", path.display());
            Failure::new("meta_unreadable", message, "restore it from a copy of the data folder")
        };
        let version: Version = serde_json::from_slice(&text).map_err(unread)?;
        if version.format > LEDGER_FORMAT {
            let (found, known) = (version.format, LEDGER_FORMAT);
            let message =
                format!("{} has format {found}, this program reads up to {known}", path.display());
            let hint = "use the version of shelf that wrote it, or a newer one";
            return Err(Failure::new("newer_format", message, hint));
        }
        Ok(Self { folder, file: serde_json::from_slice(&text).map_err(unread)? })
    }

    /// The data folder that it is of.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn find(&self, key: &str) -> Option<&Entry> {
        self.file.imports.get(key)
    }

    /// Keeps an entry, in place of the one before, and makes it durable.
    pub(super) fn keep(&mut self, key: &str, entry: &Entry) -> Result<(), Failure> {
        self.file.imports.insert(key.to_owned(), entry.clone());
        let root = self.folder.root();
        let (path, temporary) = (root.join("imports.json"), root.join("imports.json.tmp"));
        let text = serde_json::to_vec(&self.file)
            .map_err(|error| Failure::new("json", error.to_string(), "report this as a defect"))?;
        let mut file =
            File::create(&temporary).map_err(|error| io("create", &temporary, &error))?;
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        written.map_err(|error| io("write", &temporary, &error))?;
        fs::rename(&temporary, &path).map_err(|error| io("rename", &temporary, &error))?;
        let synced = File::open(root).and_then(|root| root.sync_all());
        synced.map_err(|error| io("sync", root, &error))
    }
}

fn io(action: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot {action} {}: {error}", path.display());
    let code = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "disk_full",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "permission_denied",
        _ => "io",
    };
    Failure::new(code, message, "run `shelf doctor` for a look at the machine and the data")
}
