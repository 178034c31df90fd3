//! Reading streams in a consumer group, and acknowledging what was taken.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use redis::{Connection, Pipeline, Value, cmd, pipe};

use crate::RedisError;
use crate::connect::Redis;
use crate::entry::{Entry, EntryId, of_claim, of_streams};

/// Why a sink did not take entries.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// What takes entries.
///
/// What an implementation guarantees: when `answer` returns, every entry of the batch that it
/// answers with [`Took`] other than [`Took::Later`] is durable, and taking it again changes
/// nothing. An error stands for all batches that have no answer: none of their entries is
/// acknowledged, and they come again.
pub trait Sink {
    /// Begins to take a batch, in order.
    fn begin(&mut self, entries: &[Entry]) -> Result<(), SinkError>;

    /// Waits for the earliest batch without an answer, and answers for each of its entries.
    fn answer(&mut self) -> Result<Vec<Took>, SinkError>;

    /// How many batches may be begun before the first has its answer.
    fn depth(&self) -> usize {
        1
    }

    /// Forgets the batches without an answer: after a failure they come again.
    fn forget(&mut self);
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// Durable.
    Kept,
    /// Known already.
    Known,
    /// Durable, in quarantine.
    Quarantined,
    /// Not taken: it is not acknowledged, and comes again once it has waited.
    Later,
}

/// How streams are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The names of the streams.
    pub streams: Vec<String>,
    /// The consumer group; made at the beginning of each stream where there is none.
    pub group: String,
    /// This consumer's name; the same name again goes on with what it had not acknowledged.
    pub consumer: String,
    /// The most entries of a batch.
    pub batch: usize,
    /// How long to wait for entries where there are none.
    pub block: Duration,
    /// After so long without an acknowledgement an entry of another consumer is claimed.
    pub claim_after: Duration,
    /// How often entries that all groups have acknowledged are removed; `None`: never.
    pub trim_every: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            streams: ["shelf_events", "pos_transactions", "foot_traffic", "wh_events"]
                .map(str::to_owned)
                .to_vec(),
            group: "shelf".to_owned(),
            consumer: "shelf-1".to_owned(),
            batch: 2_048,
            block: Duration::from_millis(500),
            claim_after: Duration::from_secs(30),
            trim_every: None,
        }
    }
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Entries read.
    pub read: u64,
    /// Of these, durable and new.
    pub kept: u64,
    /// Of these, known already.
    pub known: u64,
    /// Of these, in quarantine.
    pub quarantined: u64,
    /// Of these, deleted from the stream before anybody took them; and, none of these, entries that
    /// were removed before they could be read.
    pub lost: u64,
    /// Of these, claimed from consumers that did not acknowledge them.
    pub claimed: u64,
}

/// Where entries are read from next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// What this consumer had been given and had not acknowledged, behind this id of each stream.
    Own,
    /// What nobody was given.
    Fresh,
}

/// Reads streams in a consumer group.
pub struct Source {
    pub(crate) connection: Connection,
    pub(crate) options: Options,
    reading: Reading,
    own_after: Vec<EntryId>,
    /// The group's count of entries read of each stream, as Redis told it last; -1 where unknown.
    pub(crate) read_counts: Vec<i64>,
    acknowledge: BTreeMap<usize, Vec<EntryId>>,
    /// The batches that a sink has begun and not answered.
    begun: VecDeque<Vec<(usize, EntryId)>>,
    claimed_at: Option<Instant>,
    trimmed_at: Instant,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Source {
    /// Connects, and makes groups and streams where there are none.
    pub fn open(redis: &Redis, options: Options) -> Result<Self, RedisError> {
        let mut source = Self {
            connection: redis.connect(options.block)?,
            own_after: vec![EntryId::default(); options.streams.len()],
            read_counts: vec![-1; options.streams.len()],
            options,
            reading: Reading::Own,
            acknowledge: BTreeMap::new(),
            begun: VecDeque::new(),
            claimed_at: None,
            trimmed_at: Instant::now(),
        };
        source.make_groups()?;
        Ok(source)
    }

    fn make_groups(&mut self) -> Result<(), RedisError> {
        for stream in &self.options.streams {
            let mut create = cmd("XGROUP");
            create.arg("CREATE").arg(stream).arg(&self.options.group).arg("0").arg("MKSTREAM");
            match create.query::<Value>(&mut self.connection) {
                Err(error) if error.code() != Some("BUSYGROUP") => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a batch, has `sink` begin to take it, and notes what to acknowledge of those that it
    /// answers: that goes with the next read. Returns what was read and answered; nothing, where
    /// nothing came in time and no answer was due.
    pub fn step(&mut self, sink: &mut impl Sink) -> Result<Taken, RedisError> {
        let mut taken = Taken::default();
        if self.claimed_at.is_none_or(|at| at.elapsed() >= self.options.claim_after / 2) {
            // Waiting here must not make an entry look like that of a dead consumer.
            self.settle(sink, 0, &mut taken)?;
            let claimed = self.claim(sink, &mut taken)?;
            if claimed > 0 {
                return Ok(taken);
            }
            self.claimed_at = Some(Instant::now());
        }
        if let Some(every) = self.options.trim_every
            && self.trimmed_at.elapsed() >= every
        {
            self.settle(sink, 0, &mut taken)?;
            self.flush()?;
            self.trim()?;
            self.trimmed_at = Instant::now();
        }
        let mut entries = self.read()?;
        if self.reading == Reading::Own && entries.is_empty() {
            self.reading = Reading::Fresh;
            entries = self.read()?;
        }
        if self.reading == Reading::Own {
            for entry in &entries {
                if let Some(after) = self.own_after.get_mut(entry.stream) {
                    *after = (*after).max(entry.id);
                }
            }
        }
        let open = if entries.is_empty() {
            self.begun.len().saturating_sub(1)
        } else {
            sink.depth().saturating_sub(1)
        };
        self.hand_over(entries, sink, &mut taken)?;
        self.settle(sink, open, &mut taken)?;
        Ok(taken)
    }

    /// Waits until the sink has answered for everything, and acknowledges it.
    pub fn finish(&mut self, sink: &mut impl Sink) -> Result<Taken, RedisError> {
        let mut taken = Taken::default();
        self.settle(sink, 0, &mut taken)?;
        self.flush()?;
        Ok(taken)
    }

    /// Takes the sink's answers until so many batches are without one.
    fn settle(
        &mut self,
        sink: &mut impl Sink,
        open: usize,
        taken: &mut Taken,
    ) -> Result<(), RedisError> {
        while self.begun.len() > open {
            let answers = sink.answer().map_err(RedisError::Sink)?;
            let batch = self.begun.pop_front().unwrap_or_default();
            for ((stream, id), took) in batch.into_iter().zip(answers) {
                match took {
                    Took::Kept => taken.kept += 1,
                    Took::Known => taken.known += 1,
                    Took::Quarantined => taken.quarantined += 1,
                    Took::Later => continue,
                }
                self.acknowledge.entry(stream).or_default().push(id);
            }
        }
        Ok(())
    }

    /// Sends the acknowledgements that wait.
    pub fn flush(&mut self) -> Result<(), RedisError> {
        let pipeline = self.acknowledgements();
        if pipeline.is_empty() {
            return Ok(());
        }
        pipeline.query::<Value>(&mut self.connection)?;
        self.acknowledge.clear();
        Ok(())
    }

    fn acknowledgements(&self) -> Pipeline {
        let mut pipeline = pipe();
        for (stream, ids) in &self.acknowledge {
            let Some(name) = self.options.streams.get(*stream) else { continue };
            pipeline.cmd("XACK").arg(name).arg(&self.options.group);
            for id in ids {
                pipeline.arg(id.to_string());
            }
            pipeline.ignore();
        }
        pipeline
    }

    /// One way to the server and back: what waits is acknowledged, then the next batch is read.
    fn read(&mut self) -> Result<Vec<Entry>, RedisError> {
        let mut pipeline = self.acknowledgements();
        let Options { group, consumer, streams, .. } = &self.options;
        pipeline.cmd("XREADGROUP").arg("GROUP").arg(group).arg(consumer);
        pipeline.arg("COUNT").arg(self.options.batch);
        // While answers are due, there is something better to do than to wait for entries.
        if self.reading == Reading::Fresh && self.begun.is_empty() {
            pipeline.arg("BLOCK").arg(self.options.block.as_millis().max(1) as u64);
        }
        pipeline.arg("STREAMS").arg(streams);
        for after in &self.own_after {
            match self.reading {
                Reading::Fresh => pipeline.arg(">"),
                Reading::Own => pipeline.arg(after.to_string()),
            };
        }
        match pipeline.query::<(Value,)>(&mut self.connection) {
            Ok((answer,)) => {
                self.acknowledge.clear();
                of_streams(answer, &self.options.streams)
            }
            Err(error) if no_group(&error) => {
                // The stream was deleted, and with it what could have been acknowledged.
                self.acknowledge.clear();
                self.make_groups()?;
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what other consumers were given and have not acknowledged for long. Returns how many
    /// entries that were.
    fn claim(&mut self, sink: &mut impl Sink, taken: &mut Taken) -> Result<u64, RedisError> {
        self.flush()?;
        let idle = self.options.claim_after.as_millis() as u64;
        let mut entries = Vec::new();
        for (number, stream) in self.options.streams.iter().enumerate() {
            let mut from = EntryId::default();
            loop {
                let mut claim = cmd("XAUTOCLAIM");
                claim.arg(stream).arg(&self.options.group).arg(&self.options.consumer);
                claim.arg(idle).arg(from.to_string()).arg("COUNT").arg(self.options.batch);
                let answer = match claim.query::<Value>(&mut self.connection) {
                    Err(error) if no_group(&error) => break,
                    answer => answer?,
                };
                let (next, found) = of_claim(answer, number)?;
                entries.extend(found);
                if next == EntryId::default() || entries.len() >= self.options.batch {
                    break;
                }
                from = next;
            }
        }
        let claimed = entries.iter().filter(|entry| entry.fields.is_some()).count() as u64;
        self.hand_over(entries, sink, taken)?;
        self.settle(sink, 0, taken)?;
        taken.claimed += claimed;
        Ok(claimed)
    }

    /// Has the sink begin to take entries.
    fn hand_over(
        &mut self,
        entries: Vec<Entry>,
        sink: &mut impl Sink,
        taken: &mut Taken,
    ) -> Result<(), RedisError> {
        taken.read += entries.len() as u64;
        let (there, gone): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.fields.is_some());
        // Nothing is left of them that could be kept.
        for entry in &gone {
            taken.lost += 1;
            self.acknowledge.entry(entry.stream).or_default().push(entry.id);
        }
        if there.is_empty() {
            return Ok(());
        }
        sink.begin(&there).map_err(RedisError::Sink)?;
        self.begun.push_back(there.iter().map(|entry| (entry.stream, entry.id)).collect());
        Ok(())
    }
}

/// Whether a stream or its group is not there.
fn no_group(error: &redis::RedisError) -> bool {
    // An error within a pipeline has its code in its words alone.
    let words = error.to_string();
    words.contains("NOGROUP") || words.contains("UNBLOCKED")
}
