//! Our topics: those of the published reference system, the two that our log is made of, one for
//! what is no event, and one for what takers remember; and those of other systems.

use shelf_domain::Body;
use shelf_events::StateKind;

/// The events of the log, in their binary form: one partition for each of the chain's.
pub const LOG_EVENTS: &str = "log_events";
/// What followed from them, in its binary form.
pub const LOG_EFFECTS: &str = "log_effects";
/// Alerts as messages.
pub const ALERTS: &str = "alerts";
/// What is no event, as `rejected` events with its bytes: nobody else has to read past it.
pub const REJECTED: &str = "rejected_events";
/// What those who take messages of others remember, compacted: one partition.
pub const SOURCE_BOOK: &str = "source_book";
/// Who enters and leaves. The published reference system names the customer in the key of such a
/// message alone.
pub const VISITS: &str = "foot_traffic_realistic";
/// What others send us as messages.
pub const SOURCES: [&str; 6] =
    ["shelf_events", "pos_transactions", "foot_traffic", VISITS, "wh_events", REJECTED];

/// A topic that another system sends to, by the name that it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignTopic {
    /// Its name.
    pub name: &'static str,
    /// Whose messages it holds: the name of the format.
    pub format: &'static str,
    /// How many partitions that system gives it.
    pub partitions: u32,
}

/// The topics of other systems whose messages are read. Where two have messages of the same
/// millisecond, those of the first come first: a sale before the change of stock that it led to.
pub const FOREIGN: [ForeignTopic; 8] = [
    foreign("retail-sales-transactions", "retail-stream", 3),
    foreign("retail-inventory-updates", "retail-stream", 3),
    foreign("retail-restock-alerts", "retail-stream", 1),
    foreign("retail-price-changes", "retail-stream", 2),
    foreign("retail-customer-events", "retail-stream", 2),
    foreign("retail-transactions", "basket", 1),
    foreign("inventory-updates", "basket", 1),
    foreign("customer-events", "basket", 1),
];

const fn foreign(name: &'static str, format: &'static str, partitions: u32) -> ForeignTopic {
    ForeignTopic { name, format, partitions }
}

/// Which of [`SOURCES`] an event of this kind goes to.
pub fn topic_of(body: &Body) -> &'static str {
    match body {
        Body::Receipt(_) => "pos_transactions",
        Body::Session(_) => "foot_traffic",
        Body::Entry(_) | Body::Exit(_) => VISITS,
        Body::Delivery(_) | Body::WarehouseOut(_) => "wh_events",
        Body::Rejected(_) => REJECTED,
        // The published system has no topic for the rest; its readers pass over what they do not
        // know.
        _ => "shelf_events",
    }
}

/// How topics are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicOptions {
    /// Partitions of the log and of what follows from it. Fixed when the topics are made.
    pub partitions: u32,
    /// Partitions of the topics that others send to.
    pub source_partitions: u32,
    /// How many brokers keep each record.
    pub replication: u32,
    /// How long messages are kept, in milliseconds; -1 for ever.
    pub retention_ms: i64,
    /// How long the log is kept, in milliseconds; -1 for ever. Snapshots have to be younger.
    pub log_retention_ms: i64,
    /// How many bytes a file of a topic may have.
    pub segment_bytes: u64,
    /// After how long a file of a compacted topic is closed, in milliseconds: only what is closed
    /// is compacted.
    pub compacted_segment_ms: u64,
    /// Which part of a compacted topic may be out of date before it is compacted, in hundredths.
    pub dirty_percent: u32,
    /// How long a deleted key of a compacted topic can still be seen, in milliseconds.
    pub delete_retention_ms: u64,
    /// How large a batch of records may be, in bytes.
    pub max_message_bytes: u64,
    /// Topics of other systems, by their full names, with the partitions that they are made with
    /// where they are not there. One that is there is that system's own matter.
    pub foreign: Vec<(String, u32)>,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            partitions: 16,
            source_partitions: 3,
            replication: 1,
            retention_ms: 7 * 24 * 3_600_000,
            log_retention_ms: -1,
            segment_bytes: 256 << 20,
            compacted_segment_ms: 3_600_000,
            dirty_percent: 1,
            delete_retention_ms: 24 * 3_600_000,
            max_message_bytes: 4 << 20,
            foreign: Vec::new(),
        }
    }
}

/// A topic as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// How many partitions it has.
    pub partitions: u32,
    /// Its settings, by Kafka's names.
    pub settings: Vec<(&'static str, String)>,
}

/// All of our topics.
pub fn topics(options: &TopicOptions) -> Vec<Topic> {
    // A record counts as written when so many brokers have it: with three, one may be lost at any
    // moment, and nothing that was acknowledged goes with it.
    let in_sync = options.replication.saturating_sub(1).max(1).to_string();
    let dirty = (f64::from(options.dirty_percent) / 100.0).to_string();
    let appended = |name, partitions, retention_ms: i64| Topic {
        name,
        partitions,
        settings: vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", retention_ms.to_string()),
            ("segment.bytes", options.segment_bytes.to_string()),
            ("max.message.bytes", options.max_message_bytes.to_string()),
            ("min.insync.replicas", in_sync.clone()),
        ],
    };
    let compacted = |name, partitions| Topic {
        name,
        partitions,
        settings: vec![
            ("cleanup.policy", "compact".to_owned()),
            ("min.cleanable.dirty.ratio", dirty.clone()),
            ("segment.ms", options.compacted_segment_ms.to_string()),
            ("delete.retention.ms", options.delete_retention_ms.to_string()),
            ("segment.bytes", options.segment_bytes.to_string()),
            ("max.message.bytes", options.max_message_bytes.to_string()),
            ("min.insync.replicas", in_sync.clone()),
        ],
    };
    let mut all = vec![
        appended(LOG_EVENTS, options.partitions, options.log_retention_ms),
        appended(LOG_EFFECTS, options.partitions, options.log_retention_ms),
        appended(ALERTS, options.partitions, options.retention_ms),
    ];
    all.extend(SOURCES.map(|name| appended(name, options.source_partitions, options.retention_ms)));
    all.extend(StateKind::ALL.map(|kind| compacted(kind.name(), options.partitions)));
    all.push(compacted(SOURCE_BOOK, 1));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topics_are_those_of_the_reference_and_four_of_ours() {
        let all = topics(&TopicOptions::default());
        assert_eq!(all.len(), 6 + 11 + 4);
        let compacted =
            |topic: &&Topic| topic.settings.contains(&("cleanup.policy", "compact".to_owned()));
        assert_eq!(all.iter().filter(compacted).count(), 11 + 1);
        let mut names: Vec<&str> = all.iter().map(|topic| topic.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(SOURCES.contains(&topic_of(&Body::Clock)));
        assert_eq!(topic_of(&Body::Exit(None)), "foot_traffic_realistic");
    }

    #[test]
    fn compaction_is_as_it_is_set() {
        let of = |options: &TopicOptions, setting: &str| -> Vec<String> {
            let all = topics(options);
            let found = all.iter().flat_map(|topic| &topic.settings);
            let found = found.filter(|(name, _)| *name == setting);
            found.map(|(_, value)| value.clone()).collect()
        };
        let usual = TopicOptions::default();
        assert_eq!(of(&usual, "min.cleanable.dirty.ratio"), ["0.01"; 12]);
        assert_eq!(of(&usual, "segment.ms"), ["3600000"; 12]);
        let set = TopicOptions { dirty_percent: 50, compacted_segment_ms: 60_000, ..usual };
        assert_eq!(of(&set, "min.cleanable.dirty.ratio"), ["0.5"; 12]);
        assert_eq!(of(&set, "segment.ms"), ["60000"; 12]);
    }

    #[test]
    fn a_record_counts_as_written_when_all_brokers_but_one_have_it() {
        for (replication, in_sync) in [(1, "1"), (2, "1"), (3, "2"), (5, "4")] {
            let wanted = ("min.insync.replicas", in_sync.to_owned());
            let all = topics(&TopicOptions { replication, ..TopicOptions::default() });
            assert!(all.iter().all(|topic| topic.settings.contains(&wanted)), "{replication}");
        }
    }
}
