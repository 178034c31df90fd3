//! How another process acts on a running one: a socket in the data folder that takes events as JSON
//! lines and answers each when it is on disk.
//!
//! A line `{"origin":{"source":3,"line":2}}` says where the events of the lines behind it come
//! from, by a number of the folder's sources; it is no event and is not answered. Without one, or
//! where the folder has no such number, they come from the socket.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shelf_domain::{Event, Origin, Outcome, Timestamp};
use shelf_events::{Defaults, MAX_LINE_BYTES, write_event};
use shelf_sources::read_event;

use crate::HostError;
use crate::folder::Folder;
use crate::sources::{SourceName, Sources};

/// The most requests that wait for the running process; a sender beyond that waits too.
const WAITING_REQUESTS: usize = 256;
/// The most connections at once; one more is closed.
const CONNECTIONS: usize = 64;
/// A socket's path may be no longer than this, in bytes; a longer one is reached through its
/// folder.
const SOCKET_PATH: usize = 100;
/// How long a sender may be silent before its connection ends.
const IDLE: Duration = Duration::from_mins(1);

/// How a line begins that says where those behind it come from.
const ORIGIN: &[u8] = b"{\"origin\":";

/// Says where the events of the lines behind it come from.
#[derive(Serialize, Deserialize)]
struct OriginLine {
    origin: Origin,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// In one word.
    pub status: AckStatus,
    /// The reason's stable code, where it was not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the sender can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What became of one event, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    /// On disk and applied.
    Accepted,
    /// Known already.
    Duplicate,
    /// On disk and in quarantine.
    Quarantined,
    /// Not an event: not taken.
    Rejected,
}

impl Ack {
    /// What an outcome says to its sender.
    pub fn of(outcome: Outcome) -> Self {
        let (status, reason) = match outcome {
            Outcome::Accepted | Outcome::Late => (AckStatus::Accepted, None),
            Outcome::Duplicate => (AckStatus::Duplicate, None),
            Outcome::Quarantined(reason) => (AckStatus::Quarantined, Some(reason)),
        };
        Self {
            status,
            code: reason.map(|reason| reason.code().to_owned()),
            hint: reason.map(|reason| reason.hint().to_owned()),
        }
    }
}

/// An event that another process wants in the log.
#[derive(Debug)]
pub struct Request {
    /// The event.
    pub event: Event,
    /// Where its outcome goes, once it is on disk.
    pub reply: Sender<Outcome>,
}

/// The socket of a running process.
#[derive(Debug)]
pub struct Control {
    requests: Receiver<Request>,
    path: PathBuf,
}

impl Control {
    /// Listens in the data folder. Only the process that has the folder's log open may call it.
    pub fn listen(
        folder: &Folder,
        now: impl Fn() -> Timestamp + Clone + Send + 'static,
    ) -> Result<Self, HostError> {
        let path = folder.socket();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HostError::io("remove", path)(error));
            }
            _ => {}
        }
        // None gets a number while this process has the folder.
        let sources = Arc::new(Sources::open(folder)?);
        let listener = through_short_path(folder, UnixListener::bind)
            .map_err(HostError::io("listen at", &path))?;
        let (sender, requests) = sync_channel(WAITING_REQUESTS);
        std::thread::spawn(move || {
            let open = Arc::new(());
            for stream in listener.incoming().flatten() {
                if Arc::strong_count(&open) > CONNECTIONS {
                    continue;
                }
                let (sender, now, open) = (sender.clone(), now.clone(), open.clone());
                let sources = Arc::clone(&sources);
                std::thread::spawn(move || {
                    serve(stream, &sender, &sources, now);
                    drop(open);
                });
            }
        });
        Ok(Self { requests, path })
    }

    /// The first request that comes within `wait`.
    pub fn next(&self, wait: Duration) -> Option<Request> {
        self.requests.recv_timeout(wait).ok()
    }

    /// A request that has come already.
    pub fn waiting(&self) -> Option<Request> {
        self.requests.try_recv().ok()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Nobody listens any more; a leftover would only say so later.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Does `act` with a path of the socket that is short enough for the system.
fn through_short_path<T>(
    folder: &Folder,
    act: impl FnOnce(PathBuf) -> std::io::Result<T>,
) -> std::io::Result<T> {
    let path = folder.socket();
    if path.as_os_str().len() <= SOCKET_PATH {
        return act(path);
    }
    let root = File::open(folder.root())?;
    let name = path.file_name().unwrap_or_default();
    act(PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd())).join(name))
}

fn serve(
    stream: UnixStream,
    requests: &SyncSender<Request>,
    sources: &Sources,
    now: impl Fn() -> Timestamp,
) {
    let Ok(mut answers) = stream.try_clone() else { return };
    if stream.set_read_timeout(Some(IDLE)).is_err() {
        return;
    }
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    let socket = Origin { source: sources.find(&SourceName::socket()), line: 0 };
    let mut origin = socket;
    loop {
        line.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        match lines.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let Some(told) = told_origin(&line) {
            let known = sources.get(told.source).is_some();
            origin = if known { told } else { socket };
            continue;
        }
        let Some(ack) = answer(&line, origin, requests, now()) else { return };
        let Ok(mut text) = serde_json::to_vec(&ack) else { return };
        text.push(b'\n');
        // What follows the limit of a line that is too long is not a line of its own.
        if answers.write_all(&text).is_err() || line.len() > MAX_LINE_BYTES {
            return;
        }
    }
}

/// The origin that a line says, where it is such a line.
fn told_origin(line: &[u8]) -> Option<Origin> {
    let told = line.starts_with(ORIGIN).then(|| serde_json::from_slice::<OriginLine>(line).ok());
    told.flatten().map(|told| told.origin)
}

fn answer(
    line: &[u8],
    origin: Origin,
    requests: &SyncSender<Request>,
    now: Timestamp,
) -> Option<Ack> {
    match read_event(line, &Defaults { store: None, received_at: now }) {
        Ok(mut event) => {
            event.received_at = now;
            event.origin = origin;
            let (reply, outcome) = channel();
            requests.send(Request { event, reply }).ok()?;
            outcome.recv().ok().map(Ack::of)
        }
        Err(error) => Some(Ack {
            status: AckStatus::Rejected,
            code: Some(error.code.code().to_owned()),
            hint: Some(error.to_string()),
        }),
    }
}

/// Sends lines to the process that runs on a data folder, and waits for each to be on disk. `None`
/// where no process listens.
pub fn send(folder: &Folder, lines: &[Vec<u8>]) -> Result<Option<Vec<Ack>>, HostError> {
    send_lines(folder, lines.iter().map(|line| (None, line.clone())))
}

/// [`send`] for events, with their origins.
pub fn send_events(folder: &Folder, events: &[Event]) -> Result<Option<Vec<Ack>>, HostError> {
    let lines = events.iter().map(|event| {
        let mut line = Vec::new();
        write_event(event, &mut line);
        (Some(event.origin), line)
    });
    send_lines(folder, lines)
}

fn send_lines(
    folder: &Folder,
    lines: impl Iterator<Item = (Option<Origin>, Vec<u8>)>,
) -> Result<Option<Vec<Ack>>, HostError> {
    let path = folder.socket();
    let connected = through_short_path(folder, UnixStream::connect);
    let Ok(mut stream) = connected else { return Ok(None) };
    let lost = |source| HostError::Io { action: "talk to", path: path.clone(), source };
    let mut answers = BufReader::new(stream.try_clone().map_err(lost)?);
    let (mut acks, mut told) = (Vec::new(), None);
    for (origin, mut line) in lines {
        if let Some(origin) = origin.filter(|_| origin != told) {
            let mut first =
                serde_json::to_vec(&OriginLine { origin }).map_err(|_| HostError::Answer)?;
            first.push(b'\n');
            stream.write_all(&first).map_err(lost)?;
            told = Some(origin);
        }
        line.push(b'\n');
        stream.write_all(&line).map_err(lost)?;
        let mut answer = String::new();
        if answers.read_line(&mut answer).map_err(lost)? == 0 {
            return Err(HostError::Gone);
        }
        acks.push(serde_json::from_str(&answer).map_err(|_| HostError::Answer)?);
    }
    Ok(Some(acks))
}
