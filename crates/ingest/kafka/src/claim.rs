//! Taking a partition over: from then on nobody else writes for it.

use std::sync::{Arc, Mutex};

use crate::input::InputLog;
use crate::output::OutputLog;
use crate::transaction::{Origin, Transactions};
use crate::{Committed, Connection, Delivery, KafkaError, KafkaLog, LOG_EVENTS};

/// A partition that this process alone writes for, until somebody else claims it.
pub struct Claim {
    /// What is read. It has no place yet: [`crate::InputLog::begin_at`] gives it one.
    pub input: KafkaLog,
    /// What is written.
    pub output: KafkaLog,
    /// What was committed before.
    pub committed: Committed,
}

impl Claim {
    /// Claims a partition of the log. Whoever held it is fenced, and what it had not committed is
    /// gone.
    pub fn take(connection: &Connection, partition: u32) -> Result<Self, KafkaError> {
        Self::take_for(connection, partition, Delivery::ExactlyOnce)
    }

    /// The same, for writing in this way. Only [`Delivery::ExactlyOnce`] fences anybody.
    pub fn take_for(
        connection: &Connection,
        partition: u32,
        delivery: Delivery,
    ) -> Result<Self, KafkaError> {
        let (topic, group) = (connection.name(LOG_EVENTS), connection.name(delivery.group()));
        let origin = Origin { topic, partition, group };
        let (transactions, consumer) = Transactions::claim(connection, origin.clone(), delivery)?;
        let committed = transactions.committed();
        let read = Arc::new(Mutex::new(committed.place));
        let input = InputLog::new(consumer, origin, committed, Arc::clone(&read));
        let output = OutputLog::new(transactions, connection, read);
        let (input, output) =
            (KafkaLog::Input(Box::new(input)), KafkaLog::Output(Box::new(output)));
        Ok(Self { input, output, committed })
    }
}
