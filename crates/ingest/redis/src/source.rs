//! Reading streams in a consumer group, and acknowledging what was taken.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis::{Connection, Pipeline, Value, cmd, pipe};

use crate::RedisError;
use crate::connect::Redis;
use crate::entry::{Entry, EntryId, bytes, list, of_claim, of_streams};

/// Why a sink did not take entries.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// What takes entries.
///
/// What an implementation guarantees: when `take` returns, every entry that it answers with
/// [`Took`] other than [`Took::Later`] is durable, and taking it again changes nothing. An error
/// stands for all entries of the batch: none of them is acknowledged, and they come again.
pub trait Sink {
    /// Takes a batch, in order, and answers for each entry.
    fn take(&mut self, entries: &[Entry]) -> Result<Vec<Took>, SinkError>;
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
    /// Of these, deleted from the stream before anybody took them.
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
    connection: Connection,
    options: Options,
    reading: Reading,
    own_after: Vec<EntryId>,
    acknowledge: BTreeMap<usize, Vec<EntryId>>,
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
            options,
            reading: Reading::Own,
            acknowledge: BTreeMap::new(),
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

    /// Reads a batch, has `sink` take it, and notes what to acknowledge: that goes with the next
    /// read. Returns what the batch came to; nothing, where none came in time.
    pub fn step(&mut self, sink: &mut impl Sink) -> Result<Taken, RedisError> {
        if self.claimed_at.is_none_or(|at| at.elapsed() >= self.options.claim_after / 2) {
            let claimed = self.claim(sink)?;
            if claimed.read > 0 {
                return Ok(claimed);
            }
            self.claimed_at = Some(Instant::now());
        }
        if let Some(every) = self.options.trim_every
            && self.trimmed_at.elapsed() >= every
        {
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
        self.hand_over(entries, sink)
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
        if self.reading == Reading::Fresh {
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

    /// Takes what other consumers were given and have not acknowledged for long.
    fn claim(&mut self, sink: &mut impl Sink) -> Result<Taken, RedisError> {
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
        let mut taken = self.hand_over(entries, sink)?;
        taken.claimed = taken.read;
        Ok(taken)
    }

    fn hand_over(
        &mut self,
        entries: Vec<Entry>,
        sink: &mut impl Sink,
    ) -> Result<Taken, RedisError> {
        let mut taken = Taken { read: entries.len() as u64, ..Taken::default() };
        let (there, gone): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.fields.is_some());
        // Nothing is left of them that could be kept.
        for entry in &gone {
            taken.lost += 1;
            self.acknowledge.entry(entry.stream).or_default().push(entry.id);
        }
        if there.is_empty() {
            return Ok(taken);
        }
        let answers = sink.take(&there).map_err(RedisError::Sink)?;
        for (entry, took) in there.iter().zip(answers) {
            match took {
                Took::Kept => taken.kept += 1,
                Took::Known => taken.known += 1,
                Took::Quarantined => taken.quarantined += 1,
                Took::Later => continue,
            }
            self.acknowledge.entry(entry.stream).or_default().push(entry.id);
        }
        Ok(taken)
    }

    /// Removes entries below the first one that some group has not acknowledged.
    fn trim(&mut self) -> Result<(), RedisError> {
        for stream in self.options.streams.clone() {
            let answer: Value =
                cmd("XINFO").arg("GROUPS").arg(&stream).query(&mut self.connection)?;
            let mut lowest: Option<EntryId> = None;
            for group in list(answer)? {
                let needed = self.first_needed(&stream, group)?;
                lowest = Some(lowest.map_or(needed, |other| other.min(needed)));
            }
            // A stream that no group reads is nobody's to trim.
            let Some(lowest) = lowest.filter(|id| *id > EntryId::default()) else { continue };
            let mut trim = cmd("XTRIM");
            trim.arg(&stream).arg("MINID").arg("~").arg(lowest.to_string());
            trim.query::<Value>(&mut self.connection)?;
        }
        Ok(())
    }

    /// The first entry of a stream that a group needs, as its information says it.
    fn first_needed(&mut self, stream: &str, group: Value) -> Result<EntryId, RedisError> {
        let pairs = match group {
            Value::Map(pairs) => pairs,
            flat => {
                let mut values = list(flat)?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(name), Some(value)) = (values.next(), values.next()) {
                    pairs.push((name, value));
                }
                pairs
            }
        };
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            // What Redis does not know of a group is no text.
            if let (Ok(name), Ok(value)) = (bytes(name), bytes(value)) {
                fields.insert(name, value);
            }
        }
        let field = |name: &str| fields.get(name.as_bytes()).cloned().unwrap_or_default();
        if field("pending") == b"0" {
            return Ok(EntryId::parse(&field("last-delivered-id")).map_or(
                EntryId::default(),
                |id| {
                    if id == EntryId::default() { id } else { id.next() }
                },
            ));
        }
        let summary: Value =
            cmd("XPENDING").arg(stream).arg(field("name")).query(&mut self.connection)?;
        let first = bytes(list(summary)?.into_iter().nth(1).unwrap_or_default()).ok();
        Ok(first.and_then(|first| EntryId::parse(&first)).unwrap_or_default())
    }
}

/// Whether a stream or its group is not there.
fn no_group(error: &redis::RedisError) -> bool {
    // An error within a pipeline has its code in its words alone.
    let words = error.to_string();
    words.contains("NOGROUP") || words.contains("UNBLOCKED")
}
