//! A batch of log records in one flat buffer, so that a batch costs two allocations, not one a
//! record.

/// Records in order, back to back. Cleared and reused by its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordBatch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RecordBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one record.
    pub fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    /// Adds one record that `write` appends to the buffer. `write` must only append.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Adds one record that `write` appends to the buffer; when it fails, the batch is as it was.
    pub fn try_push_with<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.bytes.len();
        match write(&mut self.bytes) {
            Ok(()) => {
                self.ends.push(self.bytes.len());
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(before);
                Err(error)
            }
        }
    }

    /// The record at `index`.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.bytes.get(start..end)
    }

    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().filter_map(move |&end| {
            let record = self.bytes.get(start..end);
            start = end;
            record
        })
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all records together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Empties it and keeps its buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_and_a_failed_push_leaves_nothing() {
        let mut batch = RecordBatch::new();
        batch.push(b"one");
        batch.push(b"");
        let failed: Result<(), &str> = batch.try_push_with(|bytes| {
            bytes.extend_from_slice(b"half");
            Err("no")
        });
        assert_eq!(failed, Err("no"));
        batch.push_with(|bytes| bytes.extend_from_slice(b"three"));
        assert_eq!(batch.iter().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert_eq!((batch.len(), batch.byte_len()), (3, 8));
        assert_eq!((batch.get(2), batch.get(3)), (Some(&b"three"[..]), None));
        batch.clear();
        assert!(batch.is_empty());
    }
}
