//! Snapshots: the state of a partition together with the positions that it stands for.
//!
//! A file is: magic, format version, partition, input position, length and checksum of the state,
//! length and checksum of the companion's bytes, then both. It is written under another name, made
//! durable, and renamed: a file with the right name is whole.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use shelf_domain::Stores;
use shelf_ports::Offset;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::EngineError;

/// The version of the format written here. Version 1 ended before what people can take back: it is
/// read as a state in which there is nothing to take back.
pub const SNAPSHOT_VERSION: u32 = 2;
/// The oldest version that is read.
const OLDEST_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"SHELFSNP";
const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 4 * 8;
/// How many snapshots of a partition are kept: one may turn out to be unreadable.
const KEPT: usize = 2;

/// A state and the position that it stands for.
#[derive(Debug)]
pub struct Snapshot {
    /// The offset of the next event to step.
    pub position: Offset,
    /// The stores.
    pub stores: Stores,
    /// What lives in lock-step with the stores, as its owner saved it.
    pub companion: Vec<u8>,
}

/// What looking for the newest snapshot came to.
#[derive(Debug, Default)]
pub struct Newest {
    /// The newest that is whole; `None` where there is none.
    pub snapshot: Option<Snapshot>,
    /// Newer ones that are damaged, the newest first.
    pub damaged: Vec<PathBuf>,
}

/// What reading one snapshot came to.
enum Read {
    Whole(Box<Snapshot>),
    Damaged,
    /// It was let go in the meantime.
    Gone,
}

/// The snapshots of one partition, in a folder of their own.
#[derive(Debug)]
pub struct SnapshotStore {
    dir: PathBuf,
    partition: u32,
    epoch: u64,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> EngineError {
    let path = path.to_owned();
    move |source| EngineError::Io { action, path, source }
}

impl SnapshotStore {
    /// The snapshots of `partition` below `root`. The folder is made by the first save.
    pub fn new(root: &Path, partition: u32) -> Self {
        Self::of_epoch(root, partition, 0)
    }

    /// The same as the writer of this epoch has them: of two processes that both take themselves
    /// for the one writer, the later one never loses to the earlier one what it is writing.
    pub fn of_epoch(root: &Path, partition: u32, epoch: u64) -> Self {
        Self { dir: root.join(format!("p{partition:02}")), partition, epoch }
    }

    /// The positions of the snapshots, the newest first.
    pub fn positions(&self) -> Result<Vec<Offset>, EngineError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("read", &self.dir)(error)),
        };
        let mut positions = Vec::new();
        for entry in entries {
            let name = entry.map_err(io("read", &self.dir))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".snapshot"));
            positions.extend(number.and_then(|number| number.parse::<Offset>().ok()));
        }
        positions.sort_unstable_by(|a, b| b.cmp(a));
        Ok(positions)
    }

    /// Where the snapshot of a position is, or would be.
    pub fn path(&self, position: Offset) -> PathBuf {
        self.dir.join(format!("{position:020}.snapshot"))
    }

    /// When the snapshot of a position was saved, by the clock of the machine; `None` where it is
    /// not there.
    pub fn saved_at(&self, position: Offset) -> Result<Option<SystemTime>, EngineError> {
        let path = self.path(position);
        match fs::metadata(&path).and_then(|of| of.modified()) {
            Ok(at) => Ok(Some(at)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// Saves a state; older snapshots beyond those kept go. Returns its size in bytes.
    pub fn save(
        &self,
        position: Offset,
        stores: &Stores,
        companion: &[u8],
    ) -> Result<u64, EngineError> {
        self.make_folder()?;
        let path = self.path(position);
        let temporary = path.with_extension(format!("{}.tmp", self.epoch));
        let written = self.write(&temporary, position, stores, companion);
        let size = written.inspect_err(|_| {
            // What is half written would only keep a full disk full.
            let _ = fs::remove_file(&temporary);
        })?;
        fs::rename(&temporary, &path).map_err(io("rename", &temporary))?;
        let folder = File::open(&self.dir).map_err(io("open", &self.dir))?;
        folder.sync_all().map_err(io("sync", &self.dir))?;
        for old in self.positions()?.into_iter().skip(KEPT) {
            let path = self.path(old);
            fs::remove_file(&path).map_err(io("remove", &path))?;
        }
        Ok(size)
    }

    /// Writes a whole file, durably: the header comes last, when what it says of the parts is
    /// known. Returns its size in bytes.
    fn write(
        &self,
        path: &Path,
        position: Offset,
        stores: &Stores,
        companion: &[u8],
    ) -> Result<u64, EngineError> {
        let mut file = File::create(path).map_err(io("create", path))?;
        let mut written = file.seek(SeekFrom::Start(HEADER_BYTES as u64)).map(drop);
        let (mut sum, mut len) = (Xxh3::new(), 0);
        let encoded = stores.encode_to(|piece| {
            sum.update(piece);
            len += piece.len() as u64;
            if written.is_ok() {
                written = file.write_all(piece);
            }
        });
        encoded.map_err(|_| EngineError::State { partition: self.partition })?;
        written.map_err(io("write", path))?;
        file.write_all(companion).map_err(io("write", path))?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        header.extend_from_slice(&self.partition.to_le_bytes());
        header.extend_from_slice(&position.to_le_bytes());
        let companion_len = companion.len() as u64;
        for (len, sum) in [(len, sum.digest()), (companion_len, xxh3_64(companion))] {
            header.extend_from_slice(&len.to_le_bytes());
            header.extend_from_slice(&sum.to_le_bytes());
        }
        file.seek(SeekFrom::Start(0)).map_err(io("write", path))?;
        file.write_all(&header).map_err(io("write", path))?;
        file.sync_all().map_err(io("sync", path))?;
        Ok(HEADER_BYTES as u64 + len + companion_len)
    }

    /// Makes the folder, durably, and removes what a crash of this or an earlier writer left half
    /// written in it.
    fn make_folder(&self) -> Result<(), EngineError> {
        if !self.dir.is_dir() {
            fs::create_dir_all(&self.dir).map_err(io("create", &self.dir))?;
            for parent in self.dir.ancestors().skip(1).take(2) {
                let folder = File::open(parent).map_err(io("open", parent))?;
                folder.sync_all().map_err(io("sync", parent))?;
            }
        }
        for entry in fs::read_dir(&self.dir).map_err(io("read", &self.dir))? {
            let path = entry.map_err(io("read", &self.dir))?.path();
            let later = epoch_of(&path).is_some_and(|epoch| epoch > self.epoch);
            if path.extension().is_some_and(|ending| ending == "tmp") && !later {
                fs::remove_file(&path).map_err(io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// The oldest position that is kept.
    pub fn oldest(&self) -> Result<Option<Offset>, EngineError> {
        Ok(self.positions()?.last().copied())
    }

    /// The newest snapshot that can be read; a damaged one is passed over for the one before it.
    pub fn newest(&self) -> Result<Newest, EngineError> {
        self.newest_up_to(Offset::MAX)
    }

    /// [`SnapshotStore::newest`] among those that stand for no later position than this.
    pub fn newest_up_to(&self, latest: Offset) -> Result<Newest, EngineError> {
        let mut newest = Newest::default();
        for position in self.positions()?.into_iter().filter(|&position| position <= latest) {
            match self.read(position)? {
                Read::Whole(snapshot) => {
                    newest.snapshot = Some(*snapshot);
                    break;
                }
                Read::Damaged => newest.damaged.push(self.path(position)),
                Read::Gone => {}
            }
        }
        Ok(newest)
    }

    /// Reads every snapshot. Returns how many are whole, and those that are damaged.
    pub fn verify(&self) -> Result<(u64, Vec<PathBuf>), EngineError> {
        let (mut whole, mut damaged) = (0, Vec::new());
        for position in self.positions()? {
            match self.read(position)? {
                Read::Whole(_) => whole += 1,
                Read::Damaged => damaged.push(self.path(position)),
                Read::Gone => {}
            }
        }
        Ok((whole, damaged))
    }

    fn read(&self, position: Offset) -> Result<Read, EngineError> {
        let path = self.path(position);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => {}
            // A writer in another process has just let it go.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Read::Gone),
            Err(error) => return Err(io("read", &path)(error)),
        }
        Ok(self
            .parse(&bytes, &path, position)?
            .map_or(Read::Damaged, |whole| Read::Whole(Box::new(whole))))
    }

    /// The snapshot that is named by `named`; `None` where the bytes are not what was written.
    fn parse(
        &self,
        bytes: &[u8],
        path: &Path,
        named: Offset,
    ) -> Result<Option<Snapshot>, EngineError> {
        let mut rest = bytes;
        if take(&mut rest, 8) != Some(MAGIC) {
            return Ok(None);
        }
        let Some(version) = take_u32(&mut rest) else { return Ok(None) };
        if version > SNAPSHOT_VERSION {
            let path = path.to_owned();
            return Err(EngineError::Format { path, found: version, known: SNAPSHOT_VERSION });
        }
        if version < OLDEST_VERSION {
            return Ok(None);
        }
        let parsed = (|| {
            let partition = take_u32(&mut rest)?;
            let position = take_u64(&mut rest)?;
            let state_len = take_u64(&mut rest)? as usize;
            let state_sum = take_u64(&mut rest)?;
            let companion_len = take_u64(&mut rest)? as usize;
            let companion_sum = take_u64(&mut rest)?;
            let state = take(&mut rest, state_len)?;
            let companion = take(&mut rest, companion_len)?;
            // The checksums cover the two parts; what the header says is known from the name.
            let whole = partition == self.partition
                && position == named
                && rest.is_empty()
                && xxh3_64(state) == state_sum
                && xxh3_64(companion) == companion_sum;
            let stores = whole.then(|| Stores::decode(state).ok())??;
            Some(Snapshot { position, stores, companion: companion.to_vec() })
        })();
        Ok(parsed)
    }
}

/// The epoch of the writer of a half written snapshot.
fn epoch_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.rsplit_once('.')?.1.parse().ok()
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    take(rest, 8)?.try_into().ok().map(u64::from_le_bytes)
}
