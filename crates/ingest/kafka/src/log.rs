//! The two logs of a partition as one type, as the engine takes them.

use shelf_ports::{LogError, Offset, PartitionLog, RecordBatch};

use crate::input::InputLog;
use crate::output::OutputLog;

/// A log of a partition that was claimed.
pub enum KafkaLog {
    /// What is read.
    Input(Box<InputLog>),
    /// What is written.
    Output(Box<OutputLog>),
}

impl KafkaLog {
    /// What is read, where it is that.
    pub fn input(&mut self) -> Option<&mut InputLog> {
        match self {
            Self::Input(log) => Some(log),
            Self::Output(_) => None,
        }
    }

    /// What is written, where it is that.
    pub fn output(&mut self) -> Option<&mut OutputLog> {
        match self {
            Self::Input(_) => None,
            Self::Output(log) => Some(log),
        }
    }

    fn log(&self) -> &dyn PartitionLog {
        match self {
            Self::Input(log) => &**log,
            Self::Output(log) => &**log,
        }
    }

    fn log_mut(&mut self) -> &mut dyn PartitionLog {
        match self {
            Self::Input(log) => &mut **log,
            Self::Output(log) => &mut **log,
        }
    }
}

impl PartitionLog for KafkaLog {
    fn start_offset(&self) -> Offset {
        self.log().start_offset()
    }

    fn end_offset(&self) -> Offset {
        self.log().end_offset()
    }

    fn durable_offset(&self) -> Offset {
        self.log().durable_offset()
    }

    fn append(&mut self, batch: &RecordBatch) -> Result<Offset, LogError> {
        self.log_mut().append(batch)
    }

    fn request_sync(&mut self) -> Result<(), LogError> {
        self.log_mut().request_sync()
    }

    fn sync(&mut self) -> Result<Offset, LogError> {
        self.log_mut().sync()
    }

    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        self.log_mut().read(from, max_bytes, into)
    }

    fn trim(&mut self, below: Offset) -> Result<Offset, LogError> {
        self.log_mut().trim(below)
    }
}
