//! Taking a partition over: from then on nobody else writes for it.

use std::sync::{Arc, Mutex};

use crate::input::InputLog;
use crate::output::OutputLog;
use crate::transaction::{Origin, Transactions};
use crate::{Committed, Connection, Delivery, KafkaError, KafkaLog, LOG_EVENTS, Place};

/// A partition that this process alone writes for, until somebody else claims it.
pub struct Claim {
    /// What is read. It has no place yet: [`crate::InputLog::begin_at`] gives it one.
    pub input: KafkaLog,
    /// What is written.
    pub output: KafkaLog,
    /// What was committed before; where the brokers have forgotten it, what was committed at least,
    /// with an offset of -1.
    pub committed: Committed,
    origin: Origin,
    delivery: Delivery,
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
        let input = InputLog::new(consumer, origin.clone(), committed, Arc::clone(&read));
        let output = OutputLog::new(transactions, connection, read);
        let (input, output) =
            (KafkaLog::Input(Box::new(input)), KafkaLog::Output(Box::new(output)));
        Ok(Self { input, output, committed, origin, delivery })
    }

    /// Whether more may have been committed than it knows. Then [`Claim::begin_behind`] is to hear
    /// of the newest snapshot.
    pub fn may_be_behind(&self) -> bool {
        self.delivery == Delivery::AtLeastOnce || !self.committed.place.is_known()
    }

    /// Takes what a snapshot stands for as committed, where that is further: one is saved only of
    /// what was. Without transactions, somebody who was frozen may have committed an old position
    /// once more. It is an error where neither says how far the partition had come.
    pub fn begin_behind(&mut self, saved: Option<Place>) -> Result<(), KafkaError> {
        let known = self.committed.place;
        match saved {
            Some(saved) if self.may_be_behind() && saved.position > known.position => {
                self.committed.place = saved;
                if let Some(input) = self.input.input() {
                    input.ends_at(self.committed);
                }
                Ok(())
            }
            None if self.delivery == Delivery::AtLeastOnce && !known.is_known() => {
                let Origin { group, partition, .. } = self.origin.clone();
                Err(KafkaError::Lost { group, partition })
            }
            _ => Ok(()),
        }
    }
}
