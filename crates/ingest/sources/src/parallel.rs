//! NDJSON parsed by several threads while the caller works: blocks go round the workers in turn,
//! and their events come back in the same turn, so the order is that of the lines.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use shelf_domain::Event;
use shelf_events::Defaults;

use crate::blocks::{Block, Cursor, LineBlocks};
use crate::error::SourceError;
use crate::input::{ByteCount, Progress};
use crate::ndjson::parse_lines;
use crate::source::{LineCounts, Source};

/// The most threads that parse.
pub const MAX_WORKERS: usize = 64;
/// Blocks and batches that may wait at each worker.
const WAITING: usize = 2;

/// What [`NdjsonSource`](crate::NdjsonSource) gives, parsed on other threads: the same events in
/// the same order.
///
/// One thread reads, `workers` parse; the caller's thread only takes. Each holds a few blocks of a
/// mebibyte, so memory is bounded. Dropping it ends the threads at their next block.
pub struct ParallelParser {
    lanes: Vec<Lane>,
    /// The lane whose batch is next.
    turn: usize,
    /// The rest of a batch that was larger than the caller's.
    rest: std::vec::IntoIter<Event>,
    ended: bool,
    count: ByteCount,
    counts: LineCounts,
}

/// The caller's side of one worker.
struct Lane {
    parsed: Receiver<Parsed>,
    /// Where emptied batches go back, so that their memory is used again.
    emptied: SyncSender<Vec<Event>>,
}

/// What a worker sends.
enum Parsed {
    Batch(Vec<Event>, LineCounts),
    End,
    Failed(SourceError),
}

/// What the reader sends a worker.
enum Task {
    Parse(Block),
    End,
    Fail(SourceError),
}

impl ParallelParser {
    /// Starts reading `paths` in their order, with 1 to [`MAX_WORKERS`] parsing threads.
    pub fn open(
        paths: Vec<PathBuf>,
        defaults: Defaults,
        workers: usize,
    ) -> Result<Self, SourceError> {
        let count = ByteCount::of(&paths)?;
        let blocks = LineBlocks::new(paths, count.clone());
        let mut lanes = Vec::new();
        let mut ports = Vec::new();
        for _ in 0..workers.clamp(1, MAX_WORKERS) {
            let (lane, port) = start_worker(defaults)?;
            lanes.push(lane);
            ports.push(port);
        }
        spawn("shelf-read", move || read(blocks, &ports))?;
        Ok(Self {
            lanes,
            turn: 0,
            rest: Vec::new().into_iter(),
            ended: false,
            count,
            counts: LineCounts::default(),
        })
    }

    /// The batch of the next block; `None` at the end.
    fn receive(&mut self) -> Result<Option<Vec<Event>>, SourceError> {
        if self.ended {
            return Ok(None);
        }
        let lane = self.lanes.get(self.turn).ok_or(SourceError::Stopped)?;
        self.turn = (self.turn + 1) % self.lanes.len();
        let parsed = lane.parsed.recv().unwrap_or(Parsed::Failed(SourceError::Stopped));
        self.ended = !matches!(parsed, Parsed::Batch(..));
        match parsed {
            Parsed::Batch(events, counts) => {
                self.counts += counts;
                Ok(Some(events))
            }
            Parsed::End => Ok(None),
            Parsed::Failed(error) => Err(error),
        }
    }

    /// Gives the memory of an emptied batch to the worker whose turn was last.
    fn give_back(&self, mut events: Vec<Event>) {
        events.clear();
        let last = (self.turn + self.lanes.len() - 1) % self.lanes.len();
        if let Some(lane) = self.lanes.get(last) {
            // A worker that has enough, or has ended, needs none.
            drop(lane.emptied.try_send(events));
        }
    }
}

impl Source for ParallelParser {
    /// Cheapest with an empty batch and a `max_events` above the lines of a mebibyte: then nothing
    /// is copied.
    fn next_batch(
        &mut self,
        max_events: usize,
        batch: &mut Vec<Event>,
    ) -> Result<bool, SourceError> {
        let had = batch.len();
        batch.extend(self.rest.by_ref().take(max_events));
        if batch.len() > had || max_events == 0 {
            return Ok(true);
        }
        let Some(mut events) = self.receive()? else { return Ok(false) };
        if events.len() > max_events {
            self.rest = events.into_iter();
            batch.extend(self.rest.by_ref().take(max_events));
        } else if batch.is_empty() {
            std::mem::swap(batch, &mut events);
            self.give_back(events);
        } else {
            batch.append(&mut events);
            self.give_back(events);
        }
        Ok(true)
    }

    fn progress(&self) -> Progress {
        self.count.progress()
    }

    /// What the blocks have come to that the caller has begun to take.
    fn counts(&self) -> LineCounts {
        self.counts
    }
}

/// The reader's side of one worker.
struct Port {
    tasks: SyncSender<Task>,
    /// Blocks whose lines are parsed.
    emptied: Receiver<Block>,
}

fn start_worker(defaults: Defaults) -> Result<(Lane, Port), SourceError> {
    let (tasks, to_do) = sync_channel(WAITING);
    let (used, emptied_blocks) = sync_channel(WAITING + 1);
    let (done, parsed) = sync_channel(WAITING);
    let (emptied, batches) = sync_channel(WAITING + 1);
    spawn("shelf-parse", move || {
        for task in to_do {
            let answer = match task {
                Task::Parse(mut block) => {
                    let mut events = batches.try_recv().unwrap_or_default();
                    let mut cursor = Cursor::default();
                    let counts =
                        parse_lines(&mut block, &mut cursor, &defaults, usize::MAX, &mut events);
                    drop(used.try_send(block));
                    Parsed::Batch(events, counts)
                }
                Task::End => Parsed::End,
                Task::Fail(error) => Parsed::Failed(error),
            };
            if done.send(answer).is_err() {
                return;
            }
        }
    })?;
    Ok((Lane { parsed, emptied }, Port { tasks, emptied: emptied_blocks }))
}

/// Reads to the end, and deals the blocks out. A worker that is gone means that the caller is too.
fn read(mut blocks: LineBlocks, ports: &[Port]) {
    for port in ports.iter().cycle() {
        let mut block = port.emptied.try_recv().unwrap_or_else(|_| Block::new());
        let task = match blocks.next(&mut block) {
            Ok(true) => Task::Parse(block),
            Ok(false) => Task::End,
            Err(error) => Task::Fail(error),
        };
        let last = !matches!(task, Task::Parse(_));
        if port.tasks.send(task).is_err() || last {
            return;
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), SourceError> {
    thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map(drop)
        .map_err(|error| SourceError::Unreadable { path: name.into(), error })
}
