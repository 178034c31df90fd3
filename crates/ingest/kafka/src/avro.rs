//! Messages in Avro, as clients of a registry of schemas write them: a zero, the number of the
//! schema in four bytes, and the value.
//!
//! What we write has the schemas that `shelf-events` publishes. What others write is read by the
//! schema that they wrote it with, and becomes the line of JSON that says the same.

mod json;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{fmt, io};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde_json::Value;
use shelf_events::{ErrorCode, JsonError, avro_schemas};

use self::json::{line_of, names_of, value_of};
use crate::client::locked;
use crate::registry::{Found, Registry, RegistryOptions};
use crate::{ALERTS, KafkaError};

/// The first byte of a message in Avro. No JSON begins with it.
const MAGIC: u8 = 0;
const HEADER_BYTES: usize = 5;
/// How long a number is taken for unknown before the registry is asked again.
const UNKNOWN_FOR: Duration = Duration::from_secs(30);
/// How many schemas of others are held; beyond it they are asked for again.
const MAX_KNOWN: usize = 10_000;
/// No value of a message is larger.
const MAX_VALUE_BYTES: usize = 16 << 20;

/// Writes and reads messages in Avro. Clones share what they know.
#[derive(Clone)]
pub struct Avro(Arc<Inner>);

struct Inner {
    registry: Registry,
    /// The schemas of others, by number.
    known: Mutex<HashMap<u32, Known>>,
    /// The numbers of our schemas, by topic.
    numbers: Mutex<HashMap<String, u32>>,
}

#[derive(Clone)]
enum Known {
    Schema(Arc<Read>),
    None(String, Instant),
}

/// A schema of others, ready to be read by.
struct Read {
    schema: Schema,
    names: HashMap<String, Schema>,
}

/// Why a message is not read.
#[derive(Debug)]
pub enum Unread {
    /// It is no message that can be read; this will not change.
    Message(JsonError),
    /// The registry does not say what its schema is. Nothing is known of the message yet.
    Registry(KafkaError),
}

impl fmt::Debug for Avro {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Avro").field(&self.0.registry.url()).finish()
    }
}

impl PartialEq for Avro {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Avro {}

/// Our schema of a topic's messages.
struct Ours {
    text: String,
    schema: &'static Schema,
    writer: GenericDatumWriter<'static>,
}

/// Ours, by the name of the topic without its prefix.
fn ours() -> &'static BTreeMap<String, Ours> {
    static SCHEMAS: OnceLock<Vec<(String, Schema)>> = OnceLock::new();
    static OURS: OnceLock<BTreeMap<String, Ours>> = OnceLock::new();
    OURS.get_or_init(|| {
        apache_avro::util::max_allocation_bytes(MAX_VALUE_BYTES);
        let schemas = SCHEMAS.get_or_init(|| {
            let of = |(name, schema): (String, Value)| {
                let topic = match name.strip_prefix("state.") {
                    Some(topic) => topic,
                    None if name == "effect.alert" => ALERTS,
                    None => return None,
                };
                Some((topic.to_owned(), Schema::parse(&schema).ok()?))
            };
            avro_schemas().into_iter().filter_map(of).collect()
        });
        let texts: BTreeMap<String, String> =
            avro_schemas().into_iter().map(|(name, schema)| (name, schema.to_string())).collect();
        let of = |(topic, schema): &'static (String, Schema)| {
            let name = if topic == ALERTS { "effect.alert" } else { &format!("state.{topic}") };
            let writer = GenericDatumWriter::builder(schema).validate(false).build().ok()?;
            let text = texts.get(name)?.clone();
            Some((topic.clone(), Ours { text, schema, writer }))
        };
        schemas.iter().filter_map(of).collect()
    })
}

impl Avro {
    /// Messages with the schemas of this registry. It is asked when a schema is needed.
    pub fn new(options: &RegistryOptions) -> Result<Self, KafkaError> {
        let registry = Registry::new(options)?;
        let (known, numbers) = (Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { registry, known, numbers })))
    }

    /// Has the schemas of all topics that we write to registered, so that nothing waits for it
    /// later. `name` makes the full name of a topic.
    pub fn register(&self, name: impl Fn(&str) -> String) -> Result<(), KafkaError> {
        for topic in ours().keys() {
            self.number(topic, &name(topic))?;
        }
        Ok(())
    }

    /// The number of our schema of a topic, under the subject that is named after it.
    fn number(&self, topic: &str, full: &str) -> Result<u32, KafkaError> {
        if let Some(number) = locked(&self.0.numbers).get(full) {
            return Ok(*number);
        }
        let Some(ours) = ours().get(topic) else {
            return Err(KafkaError::Setting { what: format!("topic {topic} has no schema") });
        };
        let number = self.0.registry.register(&format!("{full}-value"), &ours.text)?;
        locked(&self.0.numbers).insert(full.to_owned(), number);
        Ok(number)
    }

    /// Appends what a line of JSON of one of our topics is in Avro. `full` is the topic's full
    /// name.
    pub fn encode(
        &self,
        topic: &str,
        full: &str,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), KafkaError> {
        let number = self.number(topic, full)?;
        let unlike = || KafkaError::Forbidden {
            action: "write what its schema does not know",
            what: String::new(),
        };
        let ours = ours().get(topic).ok_or_else(unlike)?;
        let json: Value = serde_json::from_slice(line).map_err(|_| unlike())?;
        let value = value_of(ours.schema, &json).ok_or_else(unlike)?;
        out.push(MAGIC);
        out.extend_from_slice(&number.to_be_bytes());
        ours.writer.write_value_ref(out, &value).map_err(|_| unlike())?;
        Ok(())
    }

    /// Whether a message is in Avro.
    pub fn reads(message: &[u8]) -> bool {
        message.first() == Some(&MAGIC)
    }

    /// Appends the line of JSON that says the same as a message.
    pub fn decode(&self, message: &[u8], line: &mut Vec<u8>) -> Result<(), Unread> {
        let Some((header, rest)) = message.split_first_chunk::<HEADER_BYTES>() else {
            return Err(malformed(format!("{} bytes", message.len())));
        };
        let [MAGIC, number @ ..] = *header else {
            return Err(malformed(format!("it begins with {}", header[0])));
        };
        let read = self.known(u32::from_be_bytes(number))?;
        let reader = GenericDatumReader::builder(&read.schema).build();
        let mut bytes = Bytes { rest, short: false };
        let value = reader.and_then(|reader| reader.read_value(&mut bytes));
        let value = value.map_err(|error| malformed(error.to_string()))?;
        match bytes {
            Bytes { short: true, .. } => Err(malformed("it ends too early".to_owned()))?,
            Bytes { rest: [], .. } => {}
            Bytes { rest, .. } => {
                return Err(malformed(format!("{} bytes are left over", rest.len())));
            }
        }
        line_of(&read.schema, &read.names, &value, line).map_err(malformed)
    }

    fn known(&self, number: u32) -> Result<Arc<Read>, Unread> {
        let known = locked(&self.0.known).get(&number).cloned();
        match known {
            Some(Known::Schema(read)) => return Ok(read),
            Some(Known::None(why, since)) if since.elapsed() < UNKNOWN_FOR => {
                return Err(unknown(why));
            }
            _ => {}
        }
        let known = match self.0.registry.schema(number).map_err(Unread::Registry)? {
            Found::None(why) => Known::None(why, Instant::now()),
            Found::Schema(text) => match Read::parse(&text) {
                Ok(read) => Known::Schema(Arc::new(read)),
                Err(why) => Known::None(format!("schema {number}: {why}"), Instant::now()),
            },
        };
        let mut all = locked(&self.0.known);
        if all.len() >= MAX_KNOWN {
            all.clear();
        }
        all.insert(number, known.clone());
        match known {
            Known::Schema(read) => Ok(read),
            Known::None(why, _) => Err(unknown(why)),
        }
    }
}

/// The bytes of a message. The reader of Avro takes a choice that is cut off for one of nothing, so
/// whether there was enough is noted here.
struct Bytes<'a> {
    rest: &'a [u8],
    short: bool,
}

impl io::Read for Bytes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.short |= self.rest.is_empty() && !into.is_empty();
        self.rest.read(into)
    }
}

impl Read {
    fn parse(text: &str) -> Result<Self, String> {
        apache_avro::util::max_allocation_bytes(MAX_VALUE_BYTES);
        let schema = Schema::parse_str(text).map_err(|error| error.to_string())?;
        let names = names_of(&schema)?;
        Ok(Self { schema, names })
    }
}

fn malformed(detail: String) -> Unread {
    Unread::Message(JsonError { code: ErrorCode::MalformedAvro, field: "", detail })
}

fn unknown(detail: String) -> Unread {
    Unread::Message(JsonError { code: ErrorCode::UnknownSchema, field: "", detail })
}

#[cfg(test)]
mod tests;
