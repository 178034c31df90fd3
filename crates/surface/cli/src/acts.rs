//! How a command changes anything: as an event, sent to the running process, or appended to the log
//! of a stopped one.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use shelf_domain::{
    Actor, Body, Event, EventId, Note, Origin, Sku, SkuIndex, Store, StoreId, Timestamp,
};
use shelf_events::Defaults;
use shelf_host::{
    Ack, AckStatus, ChainReader, ChainWriter, Follow, SourceName, Sources, send_events,
};
use shelf_sources::{Format, Known, LineError, LineReader, may_be_another_systems, read_event};
use shelf_views::Chain;

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// The exit code where something was not accepted.
pub(crate) const NOT_ALL: u8 = 6;

/// The present, in microseconds since 1970.
pub(crate) fn wall_now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// An id that no other event has: of this moment, process and event.
pub(crate) fn fresh_id() -> EventId {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let moment = jiff::Timestamp::now().as_nanosecond().unsigned_abs() << 64;
    let process = u128::from(std::process::id()) << 32;
    EventId(moment | process | u128::from(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// The stores of a data folder, as its log has them on disk.
pub(crate) fn read(settings: &Settings) -> Result<ChainReader, Failure> {
    Ok(ChainReader::open(&settings.folder(), Follow::FromSnapshot)?)
}

/// What these stores have, and no foreign file need make.
pub(crate) fn known_of<'a>(stores: impl IntoIterator<Item = &'a Store>) -> Known {
    let mut known = Known::default();
    for store in stores {
        known.stores.insert(store.id());
        let skus = store.skus().filter_map(|index| store.shelf(index));
        known.skus.extend(skus.map(|shelf| (store.id(), shelf.sku)));
    }
    known
}

/// The events of lines that come one by one, as the folder's settings read them.
pub(crate) struct LineEvents<'a> {
    settings: &'a Settings,
    /// Made by the first line that is not this program's own: it must know the stores.
    reader: Option<LineReader>,
}

impl<'a> LineEvents<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self { settings, reader: None }
    }

    pub(crate) fn of(
        &mut self,
        line: &[u8],
        defaults: &Defaults,
    ) -> Result<Result<Vec<Event>, LineError>, Failure> {
        if self.reader.is_none() {
            match read_event(line, defaults) {
                Ok(event) => return Ok(Ok(vec![event])),
                Err(error) if !may_be_another_systems(&error) => {
                    return Ok(Err(LineError::Json(error)));
                }
                Err(_) => {}
            }
            let known = known_of(read(self.settings)?.stores());
            let foreign = self.settings.foreign(Format::Auto)?;
            self.reader = Some(LineReader::new(foreign, known));
        }
        let Some(reader) = &mut self.reader else { return Ok(Ok(Vec::new())) };
        let events = reader.read(line, defaults).map(|mut lines| {
            lines.declarations.append(&mut lines.events);
            lines.declarations
        });
        Ok(events)
    }
}

/// The named store, or the only one.
pub(crate) fn one_store<'a>(
    chain: &Chain<'a>,
    named: Option<&String>,
) -> Result<&'a Store, Failure> {
    match (named, chain.stores()) {
        (Some(name), _) => StoreId::new(name)
            .ok()
            .and_then(|id| chain.store(id))
            .ok_or_else(|| unknown_store(chain, name)),
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::new(
            "unknown_store",
            "there is no store yet",
            "see one live with `shelf run --demo`, or take events in with `shelf import`",
        )),
        (None, stores) => Err(Failure::usage(
            format!("there are {} stores", stores.len()),
            format!("name one with --store: {}", names(stores)),
        )),
    }
}

/// The id of a named store that is there; none where none is named.
pub(crate) fn maybe_store(
    chain: &Chain<'_>,
    named: Option<&String>,
) -> Result<Option<StoreId>, Failure> {
    named.map(|_| one_store(chain, named).map(Store::id)).transpose()
}

/// The id that a person gives to a store that need not be there yet.
pub(crate) fn new_store(named: Option<&String>) -> Result<Option<StoreId>, Failure> {
    let id = |name: &String| match StoreId::new(name) {
        Ok(id) if !id.is_empty() => Ok(id),
        _ => Err(Failure::usage(
            format!("{name:?} cannot be the id of a store"),
            format!("give one of 1 to {} bytes", StoreId::LIMIT),
        )),
    };
    named.map(id).transpose()
}

fn unknown_store(chain: &Chain<'_>, asked: &str) -> Failure {
    let hint = match chain.stores() {
        [] => "there is no store yet: see `shelf status`".to_owned(),
        stores => format!("the stores are {}", names(stores)),
    };
    Failure::new("unknown_store", format!("there is no store {asked}"), hint)
}

/// The first stores by name, as many as are readable in a message.
fn names(stores: &[&Store]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> =
        stores.iter().take(SHOWN).map(|store| store.id().to_string()).collect();
    match stores.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The shelf of a sku that the store has.
pub(crate) fn one_shelf(store: &Store, sku: &str) -> Result<(Sku, SkuIndex), Failure> {
    let found = Sku::new(sku).ok().and_then(|id| Some((id, store.sku(id)?)));
    found.ok_or_else(|| unknown_shelf(sku))
}

pub(crate) fn unknown_shelf(sku: &str) -> Failure {
    let hint = "list them with `shelf shelves list`";
    Failure::new("unknown_product", format!("there is no shelf {sku}"), hint)
}

/// Who acts.
pub(crate) fn actor(text: &str) -> Result<Actor, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage("nobody is named as who acts", "name who acts with --actor"));
    }
    Actor::new(text).map_err(|long| {
        let message = format!("the name of who acts has {} bytes", long.len);
        Failure::usage(message, format!("use at most {}", long.limit))
    })
}

/// A note for those who read it later.
pub(crate) fn note(text: &str) -> Result<Note, Failure> {
    Note::new(text).map_err(|long| {
        let message = format!("the note has {} bytes", long.len);
        Failure::usage(message, format!("use at most {}", long.limit))
    })
}

/// An event of a person at a store, at the store's present.
pub(crate) fn event_at(store: &Store, body: Body) -> Event {
    let at = store.now();
    let (id, origin) = (fresh_id(), Origin::default());
    Event { id, store: store.id(), at, received_at: at, origin, body }
}

/// Has the event of a person at the command line applied, as [`submit`] does.
pub(crate) fn submit_act(event: Event, settings: &Settings) -> Result<Vec<Ack>, Failure> {
    submit_from(&SourceName::cli(), settings, vec![event])
}

/// Has events of this source applied, as [`submit`] does.
pub(crate) fn submit_from(
    source: &SourceName,
    settings: &Settings,
    mut events: Vec<Event>,
) -> Result<Vec<Ack>, Failure> {
    let source = Sources::open(&settings.folder())?.find(source);
    for event in &mut events {
        event.origin = Origin { source, line: 0 };
    }
    submit(settings, &events)
}

/// Has events applied: by the running process where there is one, else by appending to the log.
pub(crate) fn submit(settings: &Settings, events: &[Event]) -> Result<Vec<Ack>, Failure> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let folder = settings.folder();
    folder.meta()?;
    if let Some(acks) = send_events(&folder, events)? {
        return Ok(acks);
    }
    let mut chain = match ChainWriter::open(&folder, &settings.writer_options()) {
        Ok(chain) => chain,
        Err(error) if error.code() == "data_in_use" => {
            // It has just started: it listens once it has caught up.
            return send_events(&folder, events)?.ok_or_else(|| error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let submitted = chain.submit(events)?;
    chain.close()?;
    Ok(submitted.outcomes.into_iter().map(Ack::of).collect())
}

/// Prints what became of one act; the exit code says whether it was accepted.
pub(crate) fn report(acks: &[Ack], done: &str, output: Output) -> Result<ExitCode, Failure> {
    report_each(acks, &[done.to_owned()], output)
}

/// Prints what became of each act, in the words for it; the exit code says whether all were
/// accepted.
pub(crate) fn report_each(
    acks: &[Ack],
    done: &[String],
    output: Output,
) -> Result<ExitCode, Failure> {
    let accepted = acks.iter().all(|ack| ack.status == AckStatus::Accepted);
    match tell(acks, done, output) {
        // What is done stays done, whether somebody reads of it or not.
        Err(failure) if !failure.reader_gone() => Err(failure),
        _ => Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) }),
    }
}

fn tell(acks: &[Ack], done: &[String], output: Output) -> Result<(), Failure> {
    if output.json {
        return output.json_lines(acks.iter());
    }
    for (ack, done) in acks.iter().zip(done) {
        match (ack.status, &ack.code) {
            (AckStatus::Accepted, _) => output.text(done)?,
            (AckStatus::Duplicate, _) => output.text("known already: nothing changed")?,
            (_, code) => {
                let code = code.as_deref().unwrap_or("rejected");
                let hint = ack.hint.as_deref().unwrap_or("");
                output.say(&format!("error[{code}]: the event was not accepted\n  hint: {hint}"));
            }
        }
    }
    Ok(())
}
