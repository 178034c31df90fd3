//! Positions: the dense one of our log, and Kafka's offset.
//!
//! Kafka's offsets have gaps, because the mark that ends a transaction takes one. Ours count
//! records, so that the id of an effect is that of a run on the embedded log. The pair is kept
//! wherever a position is: with the group's committed offset, and in snapshots.

use shelf_ports::Offset;

/// The first word of the text that is committed with an offset.
const FORMAT: &str = "shelf1";

/// A place between two records of a partition of the input topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How many records lie before it.
    pub position: Offset,
    /// Kafka's offset of the next record, or of a mark before it.
    pub offset: i64,
}

/// What a partition's transactions have committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// All before it has been stepped, and what followed has been written.
    pub place: Place,
    /// How often the partition has been claimed.
    pub epoch: u64,
}

impl Place {
    /// What stands for an offset that nobody knows.
    const NO_OFFSET: i64 = -1;

    /// The place behind so many records, wherever that is in the topic.
    pub(crate) fn behind(position: Offset) -> Self {
        Self { position, offset: Self::NO_OFFSET }
    }

    /// Whether its offset is known.
    pub(crate) fn is_known(self) -> bool {
        self.offset != Self::NO_OFFSET
    }
}

impl Committed {
    /// The text that is committed with the offset.
    pub(crate) fn metadata(&self) -> String {
        format!("{FORMAT} {} {}", self.place.position, self.epoch)
    }

    /// Reads that text back; `None` where somebody else has written it.
    pub(crate) fn read(offset: i64, metadata: &str) -> Option<Self> {
        let mut words = metadata.split(' ');
        if words.next()? != FORMAT {
            return None;
        }
        let position = words.next()?.parse().ok()?;
        let epoch = words.next()?.parse().ok()?;
        let place = Place { position, offset };
        words.next().is_none().then_some(Self { place, epoch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_read_back() {
        let committed = Committed { place: Place { position: 12, offset: 17 }, epoch: 3 };
        assert_eq!(Committed::read(17, &committed.metadata()), Some(committed));
        for foreign in ["", "shelf1 12", "shelf1 x 3", "shelf1 12 3 4", "other 12 3"] {
            assert_eq!(Committed::read(17, foreign), None, "{foreign}");
        }
    }
}
