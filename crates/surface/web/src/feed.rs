//! What every reader of this process sees: one thread follows the durable log, requests read what
//! it has under a lock, and streams are woken when there is more.
//!
//! The thread never waits for a reader of a stream: it keeps the latest lines in a ring with fixed
//! room, and each reader remembers how far it is. Who is slower than the ring is told so.

mod lives;
mod ring;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use shelf_domain::{Effect, Stores, Timestamp};
use shelf_eventlog::LogReader;
use shelf_events::OutputRecord;
use shelf_host::{ChainReader, Folder, Follow, HostError, OutputTail};
use shelf_views::{Chain, ClockKind, EffectLine, Rates};
use tokio::sync::watch;

use lives::Lives;
pub use ring::FeedLine;
use ring::{Place, Ring};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How often it is noted how fast things go where nothing comes.
const MARK: Duration = Duration::from_millis(100);
/// How often streams are woken at most: twenty times in a second.
const WAKE: Duration = Duration::from_millis(50);
/// How long to wait for the disk after it refused.
const AGAIN: Duration = Duration::from_secs(1);
/// Of each partition at least so many lines are read at the start.
const LEAST_LINES: u64 = 256;
/// Over how long rates are measured.
const RATE_SPAN: Duration = Duration::from_secs(5);
/// A rate over less than this says nothing, in seconds.
const RATE_LEAST_S: f64 = 0.5;

/// That there is something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// Grows with every change of the state that is shown.
    pub version: u64,
    /// The number of the latest line; lines are numbered from 1 by each process.
    pub line: u64,
    /// Events that this process has seen.
    pub events: u64,
}

/// Follows a data folder for as long as it lives.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    folder: Folder,
    state: RwLock<State>,
    ring: RwLock<Ring>,
    changes: watch::Sender<Tick>,
    /// Why the log cannot be followed at the moment.
    trouble: Mutex<Option<String>>,
    stop: AtomicBool,
}

/// What the thread follows on disk.
#[derive(Debug)]
struct Tails {
    /// The ends of the log.
    log: LogReader,
    outputs: OutputTail,
}

#[derive(Debug)]
struct State {
    reader: ChainReader,
    lives: Lives,
    clock: ClockKind,
    /// When so many events had been seen, and what time it was in the stores.
    marks: VecDeque<(Instant, u64, Timestamp)>,
    events: u64,
    fresh: Instant,
}

/// What is known at one moment: that of the feed, or a past one.
#[derive(Debug)]
pub struct Present<'a> {
    reader: &'a ChainReader,
    chain: Chain<'a>,
    /// What time the events carry.
    pub clock: ClockKind,
    /// How fast things go; nothing of it is known of the past.
    pub rates: Rates,
    /// The time that was asked for, where it is a past one.
    pub as_of: Option<Timestamp>,
}

impl<'a> Present<'a> {
    pub(crate) fn past(reader: &'a ChainReader, as_of: Timestamp) -> Self {
        let (chain, clock) = (Chain::new(reader.partitions()), clock_of(reader));
        Self { reader, chain, clock, rates: Rates::default(), as_of: Some(as_of) }
    }

    /// The stores.
    pub fn chain(&self) -> &Chain<'a> {
        &self.chain
    }

    /// The stores of each partition.
    pub fn partitions(&self) -> Vec<&'a Stores> {
        self.reader.partitions()
    }

    /// How many events have been read of the log.
    pub(crate) fn log_end(&self) -> u64 {
        self.reader.positions().into_iter().map(|(_, position)| position).sum()
    }

    /// All that was read of the data folder.
    pub fn reader(&self) -> &'a ChainReader {
        self.reader
    }
}

fn clock_of(reader: &ChainReader) -> ClockKind {
    match reader.meta().town {
        Some(_) => ClockKind::Simulated,
        None => ClockKind::Real,
    }
}

impl Feed {
    /// Opens a data folder, reads what it has on disk, and follows it from then on.
    pub fn start(folder: &Folder) -> Result<Self, HostError> {
        let reader = ChainReader::open(folder, Follow::FromSnapshot)?;
        let mut outputs = OutputTail::open(folder)?;
        // Together the partitions fill the ring about twice: which of their lines are the latest is
        // not known before they are read.
        let partitions = reader.partitions().len().max(1) as u64;
        outputs.skip_to_last((2 * ring::LINES as u64 / partitions).max(LEAST_LINES))?;
        let mut tails = Tails { log: LogReader::open(folder.log())?, outputs };
        let clock = clock_of(&reader);
        let (marks, fresh) = (VecDeque::new(), Instant::now());
        let shared = Arc::new(Shared {
            folder: folder.clone(),
            state: RwLock::new(State {
                reader,
                lives: Lives::default(),
                clock,
                marks,
                events: 0,
                fresh,
            }),
            ring: RwLock::new(Ring::default()),
            changes: watch::Sender::new(Tick::default()),
            trouble: Mutex::new(None),
            stop: AtomicBool::new(false),
        });
        shared.look(&mut tails)?;
        let followed = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("web-feed".to_owned())
            .spawn(move || followed.follow(tails))
            .map_err(|_| HostError::Worker)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The data folder.
    pub fn folder(&self) -> &Folder {
        &self.shared.folder
    }

    /// Hands the present to `look`, which must be quick: the feed waits for it.
    pub fn read<T>(&self, look: impl FnOnce(&Present<'_>) -> T) -> T {
        let state = self.shared.state();
        let (reader, clock) = (&state.reader, state.clock);
        let chain = Chain::new(reader.partitions());
        look(&Present { reader, chain, clock, rates: state.rates(), as_of: None })
    }

    /// Is told of changes, at most twenty times a second, as long as it looks.
    pub fn changes(&self) -> watch::Receiver<Tick> {
        self.shared.changes.subscribe()
    }

    /// The latest change.
    pub fn tick(&self) -> Tick {
        *self.shared.changes.borrow()
    }

    /// The number of the latest line.
    pub fn newest_line(&self) -> u64 {
        self.shared.ring.read().unwrap_or_else(PoisonError::into_inner).newest()
    }

    /// The lines behind the one with this number, the oldest first, up to `most`. The flag says
    /// whether lines between are gone.
    pub fn lines_after(&self, line: u64, most: usize) -> (Vec<Arc<FeedLine>>, bool) {
        self.shared.ring.read().unwrap_or_else(PoisonError::into_inner).after(line, most)
    }

    /// The latest lines that `keep` wants, the newest first, up to `most`.
    pub fn latest_lines(
        &self,
        most: usize,
        keep: impl Fn(&FeedLine) -> bool,
    ) -> Vec<Arc<FeedLine>> {
        self.shared.ring.read().unwrap_or_else(PoisonError::into_inner).latest(most, keep)
    }

    /// Where a stream goes on that has seen what `id` says; `None` where that is not known any
    /// more, or the id is none of ours.
    pub fn resume_at(&self, id: &str) -> Option<u64> {
        self.shared.ring.read().unwrap_or_else(PoisonError::into_inner).resume_at(id)
    }

    /// Why the log cannot be followed at the moment.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it had to say of its end stands in `trouble`.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, mut tails: Tails) {
        let (mut told, mut pending) = (Instant::now(), false);
        while !self.stop.load(Ordering::Relaxed) {
            match self.look(&mut tails) {
                Ok(news) => {
                    pending |= news;
                    self.set_trouble(None);
                }
                Err(error) => {
                    self.set_trouble(Some(format!("{}: {error}", error.code())));
                    std::thread::sleep(AGAIN);
                }
            }
            if pending && told.elapsed() >= WAKE {
                (told, pending) = (Instant::now(), false);
                self.wake();
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Reads what has come onto the disk. Whether there was anything.
    fn look(&self, tails: &mut Tails) -> Result<bool, HostError> {
        let mut news = false;
        // Those who read are held up only where there is something to step.
        if self.due(&mut tails.log)? {
            // A part at a time, so that those who read can in between.
            while self.step()? > 0 && !self.stop.load(Ordering::Relaxed) {
                news = true;
            }
        }
        let mut latest = Latest::default();
        tails.outputs.catch_up(|partition, record| {
            // Windows are many; they have lists of their own.
            if !matches!(record.effect, Effect::Window(_)) {
                latest.add(partition, record);
            }
        })?;
        let mut lines = latest.lines();
        if !lines.is_empty() {
            news = true;
            in_order_of_time(&mut lines);
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            ring.pass_over(latest.passed, &latest.last_passed);
            for (partition, line) in lines {
                ring.push(partition, line);
            }
        }
        Ok(news)
    }

    /// Whether the log has more than was stepped, or it is time to note that it has not.
    fn due(&self, log: &mut LogReader) -> Result<bool, HostError> {
        let (positions, marked) = {
            let state = self.state();
            (state.reader.positions(), state.marks.back().map(|mark| mark.0))
        };
        if marked.is_none_or(|marked| marked.elapsed() >= MARK) {
            return Ok(true);
        }
        for (partition, position) in positions {
            if position < log.end_offset(partition)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn step(&self) -> Result<u64, HostError> {
        let mut state = self.state_mut();
        let State { reader, lives, .. } = &mut *state;
        let stepped = reader.follow(|_, stepped| lives.step(&stepped))?;
        let now = Instant::now();
        state.events += stepped;
        if stepped > 0 {
            state.fresh = now;
        }
        let time = state.reader.stores().iter().map(|store| store.now()).max().unwrap_or_default();
        let events = state.events;
        state.marks.push_back((now, events, time));
        while state.marks.get(1).is_some_and(|mark| now - mark.0 > RATE_SPAN) {
            state.marks.pop_front();
        }
        Ok(stepped)
    }

    fn wake(&self) {
        let line = self.ring.read().unwrap_or_else(PoisonError::into_inner).newest();
        let events = self.state().events;
        self.changes.send_modify(|tick| {
            *tick = Tick { version: tick.version + 1, line, events };
        });
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// What was read of the output log at once: of each partition no more than the ring can hold.
#[derive(Default)]
struct Latest {
    partitions: BTreeMap<u32, VecDeque<OutputRecord>>,
    /// So many were read besides.
    passed: u64,
    /// The last of these of each partition.
    last_passed: BTreeMap<u32, Place>,
}

impl Latest {
    fn add(&mut self, partition: u32, record: OutputRecord) {
        let records = self.partitions.entry(partition).or_default();
        if records.len() == ring::LINES
            && let Some(passed) = records.pop_front()
        {
            self.passed += 1;
            self.last_passed.insert(partition, (passed.input_offset, passed.index));
        }
        records.push_back(record);
    }

    /// The lines of what is left, partition by partition.
    fn lines(&self) -> Vec<(u32, EffectLine)> {
        let all = self.partitions.iter();
        let lines = all.flat_map(|(partition, records)| {
            records.iter().map(|record| (*partition, EffectLine::new(record)))
        });
        lines.collect()
    }
}

/// Brings lines that were read partition by partition into the order of their times; those of one
/// partition stay in theirs.
fn in_order_of_time(lines: &mut [(u32, EffectLine)]) {
    let (mut partition, mut latest) = (None, Timestamp::EARLIEST);
    let mut times = HashMap::new();
    for (of, line) in lines.iter() {
        latest = if partition == Some(*of) { latest.max(line.at) } else { line.at };
        partition = Some(*of);
        times.insert((*of, line.input_offset, line.index), latest);
    }
    lines.sort_by_key(|(of, line)| times.get(&(*of, line.input_offset, line.index)).copied());
}

impl State {
    fn rates(&self) -> Rates {
        let data_age_ms = Some(self.fresh.elapsed().as_millis() as u64);
        let unknown = Rates { data_age_ms, ..Rates::default() };
        let (Some(first), Some(last)) = (self.marks.front(), self.marks.back()) else {
            return unknown;
        };
        let seconds = (last.0 - first.0).as_secs_f64();
        if seconds < RATE_LEAST_S {
            return unknown;
        }
        Rates {
            events_per_s: Some((last.1 - first.1) as f64 / seconds),
            speed: Some(last.2.since(first.2) as f64 / 1e6 / seconds),
            lag_ms: None,
            data_age_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use shelf_domain::StoreId;
    use shelf_views::EffectKind;

    use super::*;

    #[test]
    fn partitions_are_merged_by_time_and_keep_their_order() {
        let line = |at: i64, input_offset: u64| EffectLine {
            at: Timestamp(at),
            store: StoreId::cut("S1"),
            input_offset,
            index: 0,
            kind: EffectKind::Price,
            severity: None,
            sku: None,
            text: String::new(),
        };
        // The second line of partition 0 tells of an earlier time than the first.
        let mut lines = vec![
            (0, line(10, 1)),
            (0, line(5, 2)),
            (0, line(30, 3)),
            (1, line(7, 1)),
            (1, line(20, 2)),
        ];
        in_order_of_time(&mut lines);
        let order: Vec<_> = lines.iter().map(|(of, line)| (*of, line.input_offset)).collect();
        assert_eq!(order, [(1, 1), (0, 1), (0, 2), (1, 2), (0, 3)]);
    }
}
