//! The output of a partition: what follows from its events, in transactions with its position.

use std::sync::{Arc, Mutex};

use shelf_domain::{Effect, StoreId, Timestamp};
use shelf_events::{OutputRecord, decode_effect, effect_json, encode_effect};
use shelf_ports::{LogError, Offset, PartitionLog, RecordBatch};

use crate::client::locked;
use crate::error::out_of_range;
use crate::transaction::Transactions;
use crate::{ALERTS, Committed, Connection, KafkaError, LOG_EFFECTS, Place};

/// The output of one partition.
///
/// Everything before the committed position has been written, so the last record that it shows is
/// one that stands for that position: replay writes nothing up to there, and all behind it.
pub struct OutputLog {
    transactions: Transactions,
    connection: Connection,
    effects_topic: String,
    read: Arc<Mutex<Place>>,
    /// What was committed when the partition was claimed.
    claimed: Committed,
    /// Effects written since then.
    written: Offset,
    /// The message that is being written.
    message: Vec<u8>,
}

impl OutputLog {
    pub(crate) fn new(
        transactions: Transactions,
        connection: &Connection,
        read: Arc<Mutex<Place>>,
    ) -> Self {
        let claimed = transactions.committed();
        Self {
            transactions,
            connection: connection.clone(),
            effects_topic: connection.name(LOG_EFFECTS),
            read,
            claimed,
            written: 0,
            message: Vec::new(),
        }
    }

    /// What has been committed.
    pub fn committed(&self) -> Committed {
        self.transactions.committed()
    }

    /// Whether there is anything to commit.
    pub fn settled(&self) -> bool {
        self.transactions.settled(*locked(&self.read))
    }

    /// Commits the committed position once more: brokers forget what was committed long ago for a
    /// group that has no members. Call it only when there is nothing else to commit.
    pub fn renew(&mut self) -> Result<(), KafkaError> {
        self.transactions.commit(self.transactions.committed().place)
    }

    /// Writes a message to one of our topics, into the next transaction; without a payload it
    /// deletes its key.
    pub fn publish(
        &mut self,
        topic: &str,
        key: &str,
        payload: Option<&[u8]>,
    ) -> Result<(), KafkaError> {
        let topic = self.connection.name(topic);
        let partition = self.transactions.origin().partition;
        self.transactions.write(&topic, partition, key, payload)
    }

    /// Writes a record, given as JSON, to one of our topics: as it is, or in Avro.
    pub fn publish_json(
        &mut self,
        topic: &str,
        key: &str,
        line: Option<&[u8]>,
    ) -> Result<(), KafkaError> {
        let (Some(avro), Some(line)) = (&self.connection.avro, line) else {
            return self.publish(topic, key, line);
        };
        let full = self.connection.name(topic);
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        let encoded = avro.encode(topic, &full, line, &mut message);
        let partition = self.transactions.origin().partition;
        let written =
            encoded.and_then(|()| self.transactions.write(&full, partition, key, Some(&message)));
        self.message = message;
        written
    }

    /// Writes one effect, and the message of an alert beside it.
    fn write(&mut self, record: &[u8]) -> Result<(), KafkaError> {
        let partition = self.transactions.origin().partition;
        let Ok(effect) = decode_effect(record) else {
            // The engine has just made it.
            return Err(KafkaError::Forbidden {
                action: "write what is no effect",
                what: String::new(),
            });
        };
        let key = effect.store;
        self.transactions.write(&self.effects_topic, partition, key.as_str(), Some(record))?;
        if matches!(effect.effect, Effect::Alert(_)) {
            let line = effect_json(&effect).to_string();
            self.publish_json(ALERTS, key.as_str(), Some(line.as_bytes()))?;
        }
        Ok(())
    }

    fn refused(&self, error: KafkaError) -> LogError {
        error.in_log("write to", &self.effects_topic, self.transactions.origin().partition)
    }

    /// The record that stands for all that was written up to the claimed position.
    fn last(&self) -> Option<OutputRecord> {
        let input_offset = self.claimed.place.position.checked_sub(1)?;
        let (store, effect) = (StoreId::default(), Effect::Duplicate);
        let at = Timestamp::default();
        Some(OutputRecord { store, input_offset, index: u32::MAX, at, effect })
    }
}

impl PartitionLog for OutputLog {
    fn start_offset(&self) -> Offset {
        0
    }

    fn end_offset(&self) -> Offset {
        Offset::from(self.claimed.place.position > 0) + self.written
    }

    fn durable_offset(&self) -> Offset {
        self.end_offset()
    }

    fn append(&mut self, batch: &RecordBatch) -> Result<Offset, LogError> {
        let first = self.end_offset();
        for record in batch.iter() {
            self.write(record).map_err(|error| self.refused(error))?;
        }
        self.written += batch.len() as Offset;
        self.transactions.hear();
        Ok(first)
    }

    fn request_sync(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    /// Commits what was written, together with how far the input has been read.
    fn sync(&mut self) -> Result<Offset, LogError> {
        let place = *locked(&self.read);
        // While a partition catches up with what was committed there is nothing to say.
        if place.position >= self.committed().place.position && !self.transactions.settled(place) {
            self.transactions.commit(place).map_err(|error| self.refused(error))?;
        }
        Ok(self.durable_offset())
    }

    fn read(&mut self, from: Offset, _: usize, into: &mut RecordBatch) -> Result<Offset, LogError> {
        into.clear();
        match self.last() {
            Some(last) if from == 0 => {
                into.push_with(|bytes| encode_effect(&last, bytes));
                Ok(1)
            }
            _ => Err(out_of_range(from, 0, self.end_offset())),
        }
    }

    fn trim(&mut self, _: Offset) -> Result<Offset, LogError> {
        // The topic's own settings say how long it is kept.
        Ok(0)
    }
}
