//! Faults that tests inject into the calls of [`crate::disk`]. Each fires once and is counted.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create,
    Write,
    Truncate,
    Sync,
}

/// The next `call` on a file whose name ends in `name` fails with `kind`. A write first writes
/// `part` bytes for real.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    pub(crate) name: &'static str,
    pub(crate) kind: io::ErrorKind,
    pub(crate) part: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Mutex<Vec<Fault>>,
    fired: AtomicUsize,
}

impl Faults {
    pub(crate) fn arm(&self, fault: Fault) {
        self.armed.lock().unwrap().push(fault);
    }

    /// How many faults have fired.
    pub(crate) fn fired(&self) -> usize {
        self.fired.load(Ordering::SeqCst)
    }

    pub(crate) fn check(&self, call: Call, path: &Path) -> io::Result<()> {
        self.take(call, path).map_or(Ok(()), |fault| Err(fault.kind.into()))
    }

    pub(crate) fn check_write(&self, path: &Path, len: usize) -> Result<(), (usize, io::Error)> {
        self.take(Call::Write, path)
            .map_or(Ok(()), |fault| Err((fault.part.min(len), fault.kind.into())))
    }

    fn take(&self, call: Call, path: &Path) -> Option<Fault> {
        let mut armed = self.armed.lock().unwrap();
        let name = path.file_name()?.to_str()?;
        let at = armed.iter().position(|f| f.call == call && name.ends_with(f.name))?;
        self.fired.fetch_add(1, Ordering::SeqCst);
        Some(armed.remove(at))
    }
}
