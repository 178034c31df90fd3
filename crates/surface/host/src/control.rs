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
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shelf_domain::{Event, Origin, Outcome, Timestamp};
use shelf_events::{Defaults, MAX_LINE_BYTES, write_event};
use shelf_sources::{Foreign, Known, LineError, LineReader};

use crate::HostError;
use crate::folder::Folder;
use crate::sources::{SourceName, Sources};

/// The most requests that wait for the running process; a sender beyond that waits too.
const WAITING_REQUESTS: usize = 1_024;
/// The most connections at once; one more is told so and closed.
const CONNECTIONS: usize = 64;
/// The most lines of one connection that share a wait for the disk.
const LINES_AT_ONCE: usize = 512;
/// How much of a connection is read at once, in bytes.
const READ_BYTES: usize = 64 << 10;
/// How long to wait for what the system lacks, such as file descriptors, before the next sender.
const SHORTAGE: Duration = Duration::from_millis(100);
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
    /// Whether it declares what may be there already, and is left out where it is.
    pub if_new: bool,
    /// When its line had been read.
    pub arrived: Instant,
    /// Where its outcome goes, once it is on disk.
    pub reply: Sender<Outcome>,
}

/// The socket of a running process.
#[derive(Debug)]
pub struct Control {
    requests: Receiver<Request>,
    sender: SyncSender<Request>,
    path: PathBuf,
}

impl Control {
    /// Listens in the data folder. Only the process that has the folder's log open may call it.
    pub fn listen(
        folder: &Folder,
        now: impl Fn() -> Timestamp + Clone + Send + 'static,
    ) -> Result<Self, HostError> {
        Self::listen_to(folder, Foreign::default(), now)
    }

    /// [`Control::listen`], with the lines of other systems read as `foreign` says.
    pub fn listen_to(
        folder: &Folder,
        foreign: Foreign,
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
        let lines = sender.clone();
        std::thread::spawn(move || accept(&listener, &lines, &sources, &foreign, &now));
        Ok(Self { requests, sender, path })
    }

    /// Where a part of this process hands in requests of its own, among those of the socket. It is
    /// full when as many wait as may.
    pub fn sender(&self) -> SyncSender<Request> {
        self.sender.clone()
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

fn accept(
    listener: &UnixListener,
    requests: &SyncSender<Request>,
    sources: &Arc<Sources>,
    foreign: &Foreign,
    now: &(impl Fn() -> Timestamp + Clone + Send + 'static),
) {
    let open = Arc::new(());
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // The next try would fail at once, and the one after it.
            std::thread::sleep(SHORTAGE);
            continue;
        };
        if Arc::strong_count(&open) > CONNECTIONS {
            refuse(&stream);
            continue;
        }
        let (requests, now, open) = (requests.clone(), now.clone(), open.clone());
        let sources = Arc::clone(sources);
        let reader = LineReader::new(foreign.clone(), Known::default());
        let served = std::thread::Builder::new().spawn(move || {
            serve(&stream, &requests, &sources, reader, now);
            drop(open);
        });
        if served.is_err() {
            std::thread::sleep(SHORTAGE);
        }
    }
}

/// The origin that a line says, where it is such a line.
fn told_origin(line: &[u8]) -> Option<Origin> {
    let told = line.starts_with(ORIGIN).then(|| serde_json::from_slice::<OriginLine>(line).ok());
    told.flatten().map(|told| told.origin)
}

/// Tells a sender that there are too many.
fn refuse(mut stream: &UnixStream) {
    let ack = Ack {
        status: AckStatus::Rejected,
        code: Some(HostError::Busy.code().to_owned()),
        hint: Some(HostError::Busy.hint().to_owned()),
    };
    let Ok(mut text) = serde_json::to_vec(&ack) else { return };
    text.push(b'\n');
    // A sender that has gone needs no answer.
    let _ = stream.write_all(&text);
}

/// An answer, or where it will come from.
enum Answer {
    Told(Ack),
    Awaited(Receiver<Outcome>),
}

impl Answer {
    /// `None` where the running process ends before it answers.
    fn wait(self) -> Option<Ack> {
        match self {
            Self::Told(ack) => Some(ack),
            Self::Awaited(outcome) => outcome.recv().ok().map(Ack::of),
        }
    }
}

fn serve(
    stream: &UnixStream,
    requests: &SyncSender<Request>,
    sources: &Sources,
    mut reader: LineReader,
    now: impl Fn() -> Timestamp,
) {
    if stream.set_read_timeout(Some(IDLE)).is_err() {
        return;
    }
    let (mut lines, mut line) = (BufReader::with_capacity(READ_BYTES, stream), Vec::new());
    let socket = Origin { source: sources.find(&SourceName::socket()), line: 0 };
    let (mut origin, mut open) = (socket, true);
    while open {
        let mut answers = Vec::new();
        // Lines that have come together share one wait for the disk.
        while open && (answers.is_empty() || more_has_come(&lines, answers.len())) {
            line.clear();
            let limit = MAX_LINE_BYTES as u64 + 1;
            let read = lines.by_ref().take(limit).read_until(b'\n', &mut line);
            if let Some(told) = told_origin(&line) {
                let known = sources.get(told.source).is_some();
                origin = if known { told } else { socket };
                continue;
            }
            let asked = read.is_ok_and(|n| n > 0);
            let answer = asked.then(|| ask(&line, origin, &mut reader, requests, now())).flatten();
            // What follows the limit of a line that is too long is not a line of its own.
            open = answer.is_some() && line.len() <= MAX_LINE_BYTES;
            answers.extend(answer);
        }
        let (asked, mut text) = (answers.len(), Vec::new());
        let acks = answers.into_iter().map_while(Answer::wait);
        let told = acks.map_while(|ack| tell(&ack, &mut text)).count();
        let mut stream = stream;
        open &= stream.write_all(&text).is_ok() && told == asked;
    }
}

/// Whether another whole line is there already, and may share the wait of so many.
fn more_has_come(lines: &BufReader<&UnixStream>, asked: usize) -> bool {
    asked < LINES_AT_ONCE && lines.buffer().contains(&b'\n')
}

fn tell(ack: &Ack, text: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(&mut *text, ack).ok()?;
    text.push(b'\n');
    Some(())
}

/// Hands a line's events to the running process; `None` where it takes no more.
fn ask(
    line: &[u8],
    origin: Origin,
    reader: &mut LineReader,
    requests: &SyncSender<Request>,
    now: Timestamp,
) -> Option<Answer> {
    let lines = match reader.read(line, &Defaults { store: None, received_at: now }) {
        Ok(lines) => lines,
        Err(error) => return Some(Answer::Told(refused(&error))),
    };
    let arrived = Instant::now();
    let declared = lines.declarations.into_iter().map(|event| (event, true));
    let mut answer = None;
    for (event, if_new) in declared.chain(lines.events.into_iter().map(|event| (event, false))) {
        let (reply, outcome) = channel();
        let event = Event { received_at: now, origin, ..event };
        requests.send(Request { event, if_new, arrived, reply }).ok()?;
        answer = Some(Answer::Awaited(outcome));
    }
    answer
}

fn refused(error: &LineError) -> Ack {
    Ack {
        status: AckStatus::Rejected,
        code: Some(error.code().to_owned()),
        hint: Some(error.to_string()),
    }
}

/// A connection to the process that runs on a data folder; `None` where none listens.
pub fn connect(folder: &Folder) -> Option<UnixStream> {
    through_short_path(folder, UnixStream::connect).ok()
}

/// Sends lines to the process that runs on a data folder, and waits for each to be on disk. `None`
/// where no process listens.
pub fn send(folder: &Folder, lines: &[Vec<u8>]) -> Result<Option<Vec<Ack>>, HostError> {
    let lines: Vec<_> = lines.iter().map(|line| (None, line.clone())).collect();
    send_lines(folder, &lines)
}

/// [`send`] for events, with their origins.
pub fn send_events(folder: &Folder, events: &[Event]) -> Result<Option<Vec<Ack>>, HostError> {
    let lines = events.iter().map(|event| {
        let mut line = Vec::new();
        write_event(event, &mut line);
        (Some(event.origin), line)
    });
    send_lines(folder, &lines.collect::<Vec<_>>())
}

fn send_lines(
    folder: &Folder,
    lines: &[(Option<Origin>, Vec<u8>)],
) -> Result<Option<Vec<Ack>>, HostError> {
    let Some(stream) = connect(folder) else { return Ok(None) };
    let mut answers = BufReader::new(&stream);
    let (mut acks, mut told) = (Vec::new(), None);
    for lines in lines.chunks(LINES_AT_ONCE) {
        let mut text = Vec::new();
        for (origin, line) in lines {
            if let Some(origin) = origin.filter(|_| *origin != told) {
                serde_json::to_writer(&mut text, &OriginLine { origin })
                    .map_err(|_| HostError::Answer)?;
                text.push(b'\n');
                told = Some(origin);
            }
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let mut writer = &stream;
        let written = writer.write_all(&text);
        for _ in lines {
            let ack = next_ack(&mut answers, folder)?;
            if ack.code.as_deref() == Some(HostError::Busy.code()) {
                return Err(HostError::Busy);
            }
            acks.push(ack);
        }
        written.map_err(HostError::io("talk to", folder.socket()))?;
    }
    Ok(Some(acks))
}

fn next_ack(answers: &mut impl BufRead, folder: &Folder) -> Result<Ack, HostError> {
    let mut answer = String::new();
    match answers.read_line(&mut answer) {
        Ok(0) => Err(HostError::Gone),
        Ok(_) => serde_json::from_str(&answer).map_err(|_| HostError::Answer),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Err(HostError::Gone),
        Err(error) => Err(HostError::io("talk to", folder.socket())(error)),
    }
}
