//! Which topics are taken, and in which way: all who take messages of one chain go by the same
//! lists.
//!
//! Two that go by different ones would both take what they have. So the lists are in the book:
//! whoever takes anything compares his own with them when he has claimed it, and who writes others
//! there fences those that went by the old ones before anybody goes by the new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use serde_json::{Value, json};

use crate::book::{place_named, place_of, read_book, read_committed};
use crate::client::{ANSWER_WITHIN, Consumer, consumer, locked};
use crate::transaction::{Delivery, Origin, Transactions};
use crate::{Connection, KafkaError, Message, Place, SOURCE_BOOK, SOURCES_GROUP};

/// The key of the lists.
const LISTS: &str = r#"["lists"]"#;
const ASK: &str = "ask who takes messages";
/// How long those who begin at the same time have, all in all, to write what they agree on.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
/// How long one of them waits who came in between.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The topics that are taken, by their full names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Those whose messages are taken in the order of writing; of messages that were written in the
    /// same millisecond, those of the first topic come first.
    pub in_order: Vec<String>,
    /// Those whose partitions are each taken by itself.
    pub keyed_by_store: BTreeSet<String>,
}

/// The lists as they are in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    lists: Lists,
    /// Topics that were keyed by store before, and whose takers are not fenced yet: until then
    /// nobody takes anything.
    leaving: BTreeSet<String>,
}

/// What all takers of a chain go by.
pub struct Agreed {
    lists: Lists,
    /// What stood in the book when it was last read.
    read: Mutex<Option<Read>>,
}

/// What those who take messages read of the book: its lists, and up to where partitions were taken.
#[derive(Debug)]
pub(crate) struct Read {
    begun: Instant,
    pub(crate) kept: Option<Kept>,
    pub(crate) places: BTreeMap<(String, u32), Place>,
}

impl Agreed {
    /// Goes by these lists. Where the book has none yet, or others and nobody takes messages, it is
    /// given these; where somebody does, that is [`KafkaError::Lists`], and nothing has changed.
    pub fn settle(connection: &Connection, lists: Lists) -> Result<Self, KafkaError> {
        let agreed = Self { lists, read: Mutex::default() };
        let started = Instant::now();
        while let Err(error) = agreed.agree(connection) {
            // Others who begin at the same time write lists too.
            let again = matches!(error, KafkaError::Fenced { .. });
            if !again || started.elapsed() > SETTLED_WITHIN {
                return Err(error);
            }
            std::thread::sleep(AGAIN_AFTER);
        }
        Ok(agreed)
    }

    /// The lists.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    fn agree(&self, connection: &Connection) -> Result<(), KafkaError> {
        // Whoever takes messages at this moment is not disturbed for a look.
        let found = lists_by(|show| read_committed(connection, show))?;
        let Err(differs) = self.judge(found.as_ref()) else { return Ok(()) };
        let same = found.is_some_and(|kept| kept.lists == self.lists);
        if !same && anybody_takes(connection)? {
            return Err(differs);
        }
        let (topic, group) = (connection.name(SOURCE_BOOK), connection.name(SOURCES_GROUP));
        let origin = Origin { topic, partition: 0, group };
        let (mut claim, asking) = Transactions::claim(connection, origin, Delivery::ExactlyOnce)?;
        // Who takes messages in one order, or writes lists, is fenced: what is read now stays.
        let found = lists_by(|show| read_book(connection, show))?;
        if self.judge(found.as_ref()).is_ok() {
            return Ok(());
        }
        let leaving = self.leaving(found);
        if !leaving.is_empty() {
            self.keep(&mut claim, &leaving)?;
            for topic in &leaving {
                fence(connection, &asking, topic)?;
            }
        }
        self.keep(&mut claim, &BTreeSet::new())
    }

    /// The topics that were keyed by store before and are no longer.
    fn leaving(&self, found: Option<Kept>) -> BTreeSet<String> {
        let before = found
            .into_iter()
            .flat_map(|kept| kept.lists.keyed_by_store.into_iter().chain(kept.leaving));
        before.filter(|topic| !self.lists.keyed_by_store.contains(topic)).collect()
    }

    /// Writes the lists into the book.
    fn keep(&self, claim: &mut Transactions, leaving: &BTreeSet<String>) -> Result<(), KafkaError> {
        let book = claim.origin().topic.clone();
        let kept = Kept { lists: self.lists.clone(), leaving: leaving.clone() };
        claim.write(&book, 0, LISTS, Some(kept.value().as_bytes()))?;
        claim.commit(claim.committed().place)
    }

    /// Up to where a partition was taken, where the book has the same lists and had them at `since`
    /// or later: whoever has claimed something before that is fenced before anybody goes by others.
    pub(crate) fn place(
        &self,
        connection: &Connection,
        of: &(String, u32),
        since: Instant,
    ) -> Result<Option<Place>, KafkaError> {
        let mut last = locked(&self.read);
        // Many claim at once: one reads for all.
        let read = match last.take() {
            Some(read) if read.begun >= since => read,
            _ => Read::book(connection, |_, _| {})?,
        };
        let read = last.insert(read);
        self.judge(read.kept.as_ref())?;
        Ok(read.places.get(of).copied())
    }

    /// Whether this, which was found in the book, says the same.
    pub(crate) fn judge(&self, found: Option<&Kept>) -> Result<(), KafkaError> {
        let what = match found {
            Some(kept) if kept.lists != self.lists => differences(&kept.lists, &self.lists),
            Some(kept) if kept.leaving.is_empty() => return Ok(()),
            Some(_) => "they are being changed".to_owned(),
            None => "source_book has none".to_owned(),
        };
        Err(KafkaError::Lists { what })
    }
}

impl Read {
    /// Shows what is neither a place nor the lists to `other`, where it says something.
    pub(crate) fn book(
        connection: &Connection,
        mut other: impl FnMut(&Message<'_>, &[u8]),
    ) -> Result<Self, KafkaError> {
        let mut read = Self { begun: Instant::now(), kept: None, places: BTreeMap::new() };
        read_book(connection, |message| {
            if lists_named(message.key) {
                read.kept = Kept::of(message);
            } else if let Some((topic, partition, place)) = place_of(message) {
                read.places.insert((topic, partition), place);
            } else if let Some(value) = message.payload {
                other(message, value);
            } else if let Some(of) = place_named(message.key) {
                // It was taken out: that partition begins at its beginning.
                read.places.remove(&of);
            }
        })?;
        Ok(read)
    }
}

impl Lists {
    /// How a topic is taken, in words.
    fn way(&self, topic: &str) -> &'static str {
        if self.keyed_by_store.contains(topic) {
            "keyed by store"
        } else if self.in_order.iter().any(|one| one == topic) {
            "taken in one order"
        } else {
            "not taken"
        }
    }
}

impl Kept {
    fn value(&self) -> String {
        let Lists { in_order, keyed_by_store } = &self.lists;
        json!({
            "in_order": in_order, "keyed_by_store": keyed_by_store, "leaving": self.leaving,
        })
        .to_string()
    }

    /// What a record of the lists says; `None` where it deletes them, or cannot be read.
    pub(crate) fn of(message: &Message<'_>) -> Option<Self> {
        let value: Value = serde_json::from_slice(message.payload?).ok()?;
        let names = |name: &str| -> Option<Vec<String>> {
            let names = value.get(name)?.as_array()?.iter();
            names.map(|topic| topic.as_str().map(str::to_owned)).collect()
        };
        let keyed_by_store = names("keyed_by_store")?.into_iter().collect();
        let lists = Lists { in_order: names("in_order")?, keyed_by_store };
        Some(Self { lists, leaving: names("leaving")?.into_iter().collect() })
    }
}

/// Whether a key of the book is that of the lists.
pub(crate) fn lists_named(key: &[u8]) -> bool {
    key == LISTS.as_bytes()
}

/// The lists of the book, by what shows its records.
fn lists_by(
    read: impl FnOnce(&mut dyn FnMut(&Message<'_>)) -> Result<(), KafkaError>,
) -> Result<Option<Kept>, KafkaError> {
    let mut found = None;
    read(&mut |message| {
        if lists_named(message.key) {
            found = Kept::of(message);
        }
    })?;
    Ok(found)
}

/// What differs, topic by topic; where nothing does, the order.
fn differences(there: &Lists, here: &Lists) -> String {
    let named = |lists: &Lists| -> Vec<String> {
        lists.in_order.iter().chain(&lists.keyed_by_store).cloned().collect()
    };
    let all: BTreeSet<String> = named(there).into_iter().chain(named(here)).collect();
    let told: Vec<String> = all
        .iter()
        .filter(|topic| there.way(topic) != here.way(topic))
        .map(|topic| format!("{topic} is {} there and {} here", there.way(topic), here.way(topic)))
        .collect();
    if told.is_empty() {
        let order = |lists: &Lists| lists.in_order.join(", ");
        return format!("the order is {} there and {} here", order(there), order(here));
    }
    told.join("; ")
}

/// Whether any process is a member of those who take messages.
fn anybody_takes(connection: &Connection) -> Result<bool, KafkaError> {
    let (group, book) = (connection.name(SOURCES_GROUP), connection.name(SOURCE_BOOK));
    let failed = |source| KafkaError::of(ASK, &group, source);
    let asking = consumer(connection, &connection.name("shelf-reader"), &[])?;
    // The client knows the brokers then.
    asking.fetch_metadata(Some(&book), ANSWER_WITHIN).map_err(failed)?;
    let found = asking.fetch_group_list(Some(&group), ANSWER_WITHIN).map_err(failed)?;
    Ok(found.groups().iter().any(|found| found.name() == group && !found.members().is_empty()))
}

/// Takes the right to write away from whoever takes a partition of this topic by itself.
fn fence(connection: &Connection, asking: &Consumer, topic: &str) -> Result<(), KafkaError> {
    let failed = |source| KafkaError::of(ASK, topic, source);
    let metadata = asking.fetch_metadata(Some(topic), ANSWER_WITHIN).map_err(failed)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    for partition in 0..found.map_or(0, |found| found.partitions().len()) as u32 {
        let (topic, group) = (topic.to_owned(), connection.name(SOURCES_GROUP));
        Transactions::fence(connection, &Origin { topic, partition, group })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(in_order: &[&str], keyed: &[&str]) -> Lists {
        let names =
            |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.to_owned()).collect() };
        Lists { in_order: names(in_order), keyed_by_store: names(keyed).into_iter().collect() }
    }

    fn agreed(lists: Lists) -> Agreed {
        Agreed { lists, read: Mutex::default() }
    }

    fn settled(lists: Lists) -> Kept {
        Kept { lists, leaving: BTreeSet::new() }
    }

    #[test]
    fn lists_are_read_back_and_nothing_else_is_one() {
        let leaving = BTreeSet::from(["c".to_owned()]);
        let kept = Kept { lists: lists(&["b", "a"], &["d"]), leaving };
        let value = kept.value();
        let read = |payload: Option<&[u8]>| {
            let (topic, key) = ("source_book", LISTS.as_bytes());
            Kept::of(&Message { topic, partition: 0, offset: 0, written_ms: 0, key, payload })
        };
        assert_eq!(read(Some(value.as_bytes())), Some(kept));
        for other in [None, Some(&b"{}"[..]), Some(&b"lists"[..])] {
            assert_eq!(read(other), None);
        }
        assert!(lists_named(br#"["lists"]"#) && !lists_named(br#"["place","lists",0]"#));
    }

    #[test]
    fn what_differs_is_named_and_what_is_being_changed_is_not_gone_by() {
        let said = |found: Option<Kept>| {
            let judged = agreed(lists(&["a", "b"], &["c"])).judge(found.as_ref());
            judged.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(said(Some(settled(lists(&["a", "b"], &["c"])))), "");
        assert!(said(None).contains("source_book has none"));
        let leaving = BTreeSet::from(["d".to_owned()]);
        let changing = Kept { lists: lists(&["a", "b"], &["c"]), leaving };
        assert!(said(Some(changing)).contains("being changed"));
        let other = said(Some(settled(lists(&["a"], &["b", "c", "d"]))));
        assert!(other.contains("b is keyed by store there and taken in one order here"), "{other}");
        assert!(other.contains("d is keyed by store there and not taken here"), "{other}");
        assert!(!other.contains("a is") && !other.contains("c is"), "{other}");
        let order = said(Some(settled(lists(&["b", "a"], &["c"]))));
        assert!(order.contains("b, a there and a, b here"), "{order}");
    }

    #[test]
    fn those_who_took_a_topic_by_itself_that_is_no_longer_are_fenced_also_by_who_comes_next() {
        let leaving = BTreeSet::from(["a".to_owned(), "c".to_owned()]);
        let half_done = Kept { lists: lists(&[], &["b", "c"]), leaving };
        let next = agreed(lists(&["a", "b"], &["c"])).leaving(Some(half_done));
        assert_eq!(next, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert!(agreed(lists(&[], &["c"])).leaving(None).is_empty());
    }
}
