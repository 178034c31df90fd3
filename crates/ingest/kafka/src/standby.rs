//! Reading a partition of the log along with whoever works for it: what they have committed, and
//! nothing beyond it. It takes part in nothing.

use std::sync::{Arc, Mutex};

use shelf_ports::{LogError, Offset, PartitionLog as _, PartitionTail, RecordBatch};

use crate::client::consumer;
use crate::input::InputLog;
use crate::transaction::Origin;
use crate::{Committed, Connection, Delivery, KafkaError, LOG_EVENTS, Place};

/// A partition of the log up to what was committed of it.
pub struct StandbyLog(InputLog);

impl StandbyLog {
    /// Opens a partition at a place. It ends there until [`StandbyLog::ends_at`] says otherwise.
    pub fn open(
        connection: &Connection,
        partition: u32,
        delivery: Delivery,
        place: Place,
    ) -> Result<Self, KafkaError> {
        let (topic, group) = (connection.name(LOG_EVENTS), connection.name(delivery.group()));
        // Nobody waits for it, and there is one for each partition.
        let few = [("queued.max.messages.kbytes", "1024")];
        let consumer = consumer(connection, &group, &few)?;
        let origin = Origin { topic, partition, group };
        let committed = Committed { place, epoch: 0 };
        let read = Arc::new(Mutex::new(place));
        let mut input = InputLog::new(consumer, origin, committed, read);
        input.begin_at(place)?;
        Ok(Self(input))
    }

    /// Notes what has been committed, as [`crate::committed_of`] finds it: the log ends there.
    pub fn ends_at(&mut self, committed: Committed) {
        self.0.ends_at(committed);
    }

    /// The first offset that the topic still keeps.
    pub fn kept_from(&self) -> Result<i64, KafkaError> {
        self.0.kept_from()
    }

    /// What is known to have been committed and was not read.
    pub fn unread(&self) -> u64 {
        self.0.end_offset().saturating_sub(self.0.place().position)
    }

    /// Up to where it was read.
    pub fn place(&self) -> Place {
        self.0.place()
    }
}

impl PartitionTail for StandbyLog {
    fn start_offset(&mut self) -> Result<Offset, LogError> {
        Ok(self.0.start_offset())
    }

    fn end_offset(&mut self) -> Result<Offset, LogError> {
        Ok(self.0.end_offset())
    }

    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        self.0.read(from, max_bytes, into)
    }
}
