//! `shelf import`: events as JSON lines, or a foreign file with a mapping, into the log.

mod ledger;
mod view;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::ProgressBar;
use shelf_domain::{Event, EventId, Outcome, SourceId, StoreId, Stores, Timestamp};
use shelf_events::Defaults;
use shelf_host::{ChainReader, ChainWriter, Folder, HostError, SourceKind, SourceName, Tally};
use shelf_sources::{
    Foreign, Format, Known, LineCounts, MappedOptions, Mapping, Progress, STDIN, Source,
    find_files, open,
};

use crate::acts::{NOT_ALL, known_of, new_store, wall_now};
use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::quality::Assessor;
use crate::settings::Settings;
use ledger::{Entry, Input, Ledger};
use view::{render, view};

/// Events that are read before they are appended.
const BATCH_EVENTS: usize = 4_096;
/// Events after which the log is asked to become durable.
const SYNC_EVENTS: u64 = 32_768;
/// Events after which the ledger says again how far the log has them: at first few, then an eighth
/// of those before, so that a long import is not held up by its ledger. What the log holds beyond
/// is found by id after a crash; the most bounds how much that is.
const LEDGER_EVENTS: std::ops::RangeInclusive<u64> = SYNC_EVENTS..=262_144;

/// The files of one import, whatever their kind.
struct Feed {
    sources: Vec<Files>,
    next: usize,
    /// The time of the import: no event arrived later.
    present: Timestamp,
    /// Events that have been given, the skipped ones included.
    given: u64,
}

impl Feed {
    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<bool, Failure> {
        while let Some(source) = self.sources.get_mut(self.next) {
            batch.clear();
            let Files { source, numbers, .. } = source;
            let more = source.next_batch(BATCH_EVENTS, batch)?;
            if !more {
                self.next += 1;
            }
            if !batch.is_empty() {
                self.given += batch.len() as u64;
                for event in batch.iter_mut() {
                    // A file cannot say when it arrives: it would carry a store into the future.
                    event.received_at = event.received_at.min(self.present);
                    let file = (event.origin.source.0 as usize).wrapping_sub(1);
                    event.origin.source = numbers.get(file).copied().unwrap_or_default();
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Passes over so many events; leaves in `batch` those that came with them and are beyond.
    fn skip(
        &mut self,
        events: u64,
        batch: &mut Vec<Event>,
        mut seen: impl FnMut(Progress),
    ) -> Result<(), Failure> {
        while self.given < events && self.next_batch(batch)? {
            seen(self.progress());
            let beyond = self.given.saturating_sub(events) as usize;
            batch.drain(..batch.len().saturating_sub(beyond));
        }
        Ok(())
    }

    /// Whether one of its files is this source.
    fn knows(&self, source: SourceId) -> bool {
        self.sources.iter().any(|files| files.numbers.contains(&source))
    }

    /// Has each file known by its name before anything of it is in the log.
    fn register(&mut self, chain: &mut ChainWriter) -> Result<(), Failure> {
        for files in &mut self.sources {
            files.numbers = chain.register(&files.names)?;
        }
        Ok(())
    }

    /// How far it is in all its files.
    fn progress(&self) -> Progress {
        let mut all = Progress { bytes_read: 0, bytes_total: Some(0) };
        for files in &self.sources {
            let Progress { bytes_read, bytes_total } = files.source.progress();
            all.bytes_read += bytes_read;
            all.bytes_total = all.bytes_total.zip(bytes_total).map(|(all, more)| all + more);
        }
        all
    }

    fn counts(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        for files in &self.sources {
            counts += files.source.counts();
        }
        counts
    }
}

/// Files that a person has named at once.
struct Files {
    source: Box<dyn Source>,
    names: Vec<SourceName>,
    /// The numbers that the data folder has for them; none until there is one.
    numbers: Vec<SourceId>,
}

/// How files are read.
struct How {
    mapping: Option<Mapping>,
    mapping_name: Option<String>,
    store: Option<StoreId>,
    /// How lines of other systems are read where there is no mapping.
    foreign: Option<Foreign>,
    threads: usize,
}

impl How {
    fn open(&self, wanted: &[String], known: Known, present: Timestamp) -> Result<Feed, Failure> {
        let defaults = Defaults { store: self.store, received_at: present };
        let foreign = self.foreign.clone();
        let options = MappedOptions { known, foreign, ..MappedOptions::new(defaults) };
        let readers = self.threads.saturating_sub(1);
        let mut sources = Vec::new();
        for wanted in wanted {
            let names = find_files(wanted)?.iter().map(|path| self.name(path)).collect();
            let source = open(wanted, self.mapping.clone(), options.clone(), readers)?;
            sources.push(Files { source, names, numbers: Vec::new() });
        }
        Ok(Feed { sources, next: 0, present, given: 0 })
    }

    /// What a file is known by as a source.
    fn name(&self, path: &Path) -> SourceName {
        let stdin = path.as_os_str() == STDIN;
        let (kind, name) = if stdin {
            (SourceKind::Stdin, "stdin".into())
        } else {
            (SourceKind::Import, path.file_name().unwrap_or_default().to_string_lossy())
        };
        SourceName { mapping: self.mapping_name.clone(), ..SourceName::new(kind, &name) }
    }
}

/// Appends everything that a feed gives, and counts what it comes to.
fn feed(
    chain: &mut ChainWriter,
    feed: &mut Feed,
    tally: &mut Tally,
    mut seen: impl FnMut(Progress),
) -> Result<(), Failure> {
    feed.register(chain)?;
    let mut batch = Vec::new();
    let mut synced = 0;
    while feed.next_batch(&mut batch)? {
        chain.append(&mut batch, tally)?;
        chain.save_where_due()?;
        if feed.given - synced >= SYNC_EVENTS {
            synced = feed.given;
            chain.request_commit()?;
        }
        seen(feed.progress());
    }
    chain.commit()?;
    Ok(())
}

/// An input of files with its entry in the ledger.
struct Booked {
    ledger: Ledger,
    key: String,
    entry: Entry,
    /// What the ledger says next.
    marked: Option<Mark>,
}

impl Booked {
    /// Appends what the log has not, and keeps the ledger right behind it.
    fn feed(
        &mut self,
        chain: &mut ChainWriter,
        feed: &mut Feed,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let mut batch = Vec::new();
        feed.register(chain)?;
        let mut written = written_since(self.ledger.folder(), &self.entry.positions, feed)?;
        bar.set_message("passing over what is there");
        feed.skip(self.entry.events, &mut batch, |progress| bar.set_position(progress.bytes_read))?;
        bar.set_message("importing");
        let mut synced = self.entry.events;
        loop {
            if !written.is_empty() {
                drop_written(&mut batch, &mut written, &mut self.entry.tally);
            }
            chain.append(&mut batch, &mut self.entry.tally)?;
            if feed.given >= synced + SYNC_EVENTS {
                synced = feed.given;
                chain.request_commit()?;
                self.mark(chain, feed.given)?;
            }
            self.keep_durable(chain)?;
            bar.set_position(feed.progress().bytes_read);
            if !feed.next_batch(&mut batch)? {
                break;
            }
        }
        chain.commit()?;
        self.entry.events = feed.given;
        self.entry.finish(&feed.counts());
        self.ledger.keep(&self.key, &self.entry)
    }
}

/// How far an import is, to be said once the log has it on disk.
struct Mark {
    events: u64,
    positions: Vec<u64>,
    tally: Tally,
}

impl Booked {
    /// Notes how far the import is, where the ledger is to say so.
    fn mark(&mut self, chain: &mut ChainWriter, events: u64) -> Result<(), Failure> {
        let (least, most) = LEDGER_EVENTS.into_inner();
        let before = self.marked.as_ref().map_or(self.entry.events, |mark| mark.events);
        if events < before + (before / 8).clamp(least, most) {
            return Ok(());
        }
        if self.marked.is_some() {
            // The disk is behind: it is waited for here, not in memory.
            chain.commit()?;
            self.keep_durable(chain)?;
        }
        let (positions, tally) = (positions(chain)?, self.entry.tally.clone());
        self.marked = Some(Mark { events, positions, tally });
        Ok(())
    }

    /// Has the ledger say what was marked, if the log has it on disk.
    fn keep_durable(&mut self, chain: &mut ChainWriter) -> Result<(), Failure> {
        let durable = |mark: &Mark| chain.durable_to(&mark.positions);
        if !self.marked.as_ref().map_or(Ok(false), durable)? {
            return Ok(());
        }
        let Some(Mark { events, positions, tally }) = self.marked.take() else { return Ok(()) };
        let now = std::mem::replace(&mut self.entry.tally, tally);
        (self.entry.events, self.entry.positions) = (events, positions);
        let kept = self.ledger.keep(&self.key, &self.entry);
        self.entry.tally = now;
        kept?;
        // Only behind a mark: what became of the events beyond it is found out by stepping them
        // again from a snapshot before it.
        Ok(chain.save_where_due()?)
    }
}

/// Where each partition of the log stands.
fn positions(chain: &mut ChainWriter) -> Result<Vec<u64>, Failure> {
    Ok(chain.positions()?.into_iter().map(|(_, position, _)| position).collect())
}

/// What became of the feed's events that the log holds beyond these positions, by id and in order:
/// an import that was ended in its midst wrote them after its last mark.
fn written_since(
    folder: &Folder,
    positions: &[u64],
    feed: &Feed,
) -> Result<HashMap<EventId, VecDeque<Outcome>>, Failure> {
    let mut written: HashMap<EventId, VecDeque<Outcome>> = HashMap::new();
    ChainReader::outcomes_since(folder, positions, |_, stepped| {
        if feed.knows(stepped.event.origin.source) {
            written.entry(stepped.event.id).or_default().push_back(stepped.outcome);
        }
    })?;
    Ok(written)
}

/// Takes out of a batch what the log holds, and counts what it came to there.
fn drop_written(
    batch: &mut Vec<Event>,
    written: &mut HashMap<EventId, VecDeque<Outcome>>,
    tally: &mut Tally,
) {
    batch.retain(|event| {
        let outcome = written.get_mut(&event.id).and_then(VecDeque::pop_front);
        if let Some(outcome) = outcome {
            tally.add(event, outcome);
        }
        outcome.is_none()
    });
}

/// The name of a mapping: that of a shipped one, or that of its file without the folder.
fn name_of(mapping: &str) -> String {
    Path::new(mapping).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The present of a folder: that of its simulated environment, else the clock's.
fn present(chain: &mut ChainWriter) -> Timestamp {
    let town = chain.meta().town.is_some();
    chain.town_now().filter(|_| town).unwrap_or_else(wall_now)
}

/// What the log has already, and a mapping need not make.
fn known(chain: &mut ChainWriter) -> Result<Known, Failure> {
    Ok(known_of(chain.partitions()?.into_iter().flat_map(Stores::iter)))
}

pub(crate) fn run(
    args: &ImportArgs,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let mut options = settings.planned_options()?;
    let threads = args.threads.unwrap_or(options.threads);
    options.threads = threads;
    let mapping = args.mapping.as_deref().map(Mapping::load).transpose()?;
    let mapping_name = args.mapping.as_deref().map(name_of);
    let store = new_store(args.store.as_ref())?;
    let foreign = foreign(args, settings)?;
    let how = How { mapping, mapping_name, store, foreign, threads };
    let folder = settings.folder();
    // A folder is not made for files that cannot be read.
    let new = if folder.meta_path().exists() {
        None
    } else {
        Some(how.open(&args.files, Known::default(), wall_now())?)
    };
    // Opening waits for the disk: meanwhile the files are read to be known again.
    let (chain, input) = std::thread::scope(|scope| {
        let input = scope.spawn(|| Input::of(args, &settings.foreign.time_zone, output));
        (ChainWriter::open(&folder, &options), input.join())
    });
    let mut chain = chain?;
    let input = input.map_err(|_| Failure::from(HostError::Worker))??;
    let mut booked = None;
    if let Some(input) = input {
        let ledger = Ledger::open(&folder)?;
        let found = found(&ledger, &input, args)?;
        if let Some(entry) = found.as_ref().filter(|entry| entry.complete) {
            return already(entry, output);
        }
        booked = Some(book(ledger, input, found, &how, &mut chain, new.as_ref(), output)?);
    }
    let mut source = match (new, &booked) {
        (Some(source), _) => source,
        (None, Some(Booked { entry, .. })) => {
            how.open(&args.files, entry.known(), entry.present)?
        }
        (None, None) => how.open(&args.files, known(&mut chain)?, present(&mut chain))?,
    };
    let begun = Instant::now();
    let before = booked.as_ref().map_or(0, |booked| booked.entry.events);
    let bar = progress::of_bytes(output, source.progress().bytes_total, "importing");
    let mut tally = Tally::default();
    match &mut booked {
        Some(booked) => booked.feed(&mut chain, &mut source, &bar)?,
        None => {
            let seen = |progress: Progress| bar.set_position(progress.bytes_read);
            feed(&mut chain, &mut source, &mut tally, seen)?;
        }
    }
    bar.finish_and_clear();
    let wall_s = begun.elapsed().as_secs_f64();
    Assessor::open(settings)?.look(&mut chain)?;
    chain.close()?;
    let tally = booked.map_or(tally, |booked| booked.entry.tally);
    output.view(&view(&source.counts(), &tally, source.given - before, wall_s), render)?;
    Ok(if tally.quarantined_total() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

/// How lines of other systems are read; `None` where they are not.
fn foreign(args: &ImportArgs, settings: &Settings) -> Result<Option<Foreign>, Failure> {
    let format = Format::of_name(&args.format).unwrap_or_default();
    if args.mapping.is_some() && format != Format::Auto {
        return Err(Failure::usage(
            "a mapping reads tables, and --format lines of JSON",
            "leave one of them out",
        ));
    }
    Ok(Some(settings.foreign(format)?).filter(|_| format != Format::Shelf))
}

/// The entry that an import has to mind: none where it begins.
fn found(ledger: &Ledger, input: &Input, args: &ImportArgs) -> Result<Option<Entry>, Failure> {
    let Some(entry) = ledger.find(&input.key) else { return Ok(None) };
    let same = entry.reading == input.reading;
    // What `--again` has begun goes on like any other import.
    if args.again && (entry.complete || !same) {
        return Ok(None);
    }
    if !entry.complete && !same {
        return Err(Failure::usage(
            "an import of these contents was begun with other names, another mapping or store",
            "import it as it was begun, or take it anew with --again",
        ));
    }
    Ok(Some(entry.clone()))
}

/// An input goes on where it was, or begins; the ledger knows of it before the log does.
fn book(
    mut ledger: Ledger,
    input: Input,
    found: Option<Entry>,
    how: &How,
    chain: &mut ChainWriter,
    new: Option<&Feed>,
    output: Output,
) -> Result<Booked, Failure> {
    let entry = if let Some(entry) = found {
        output.say(&format!("goes on behind {} events that an import began with", entry.events));
        entry
    } else {
        let known = if how.mapping.is_some() || how.foreign.is_some() {
            known(chain)?
        } else {
            Known::default()
        };
        let present = new.map_or_else(|| present(chain), |feed| feed.present);
        Entry::new(input.reading, present, positions(chain)?, &known)
    };
    ledger.keep(&input.key, &entry)?;
    Ok(Booked { ledger, key: input.key, entry, marked: None })
}

/// Nothing of an input that the log has is appended: all of it is duplicates.
fn already(entry: &Entry, output: Output) -> Result<ExitCode, Failure> {
    output.say("this was imported before, nothing is appended; --again takes it anew");
    let tally = Tally { duplicates: entry.events, ..Tally::default() };
    output.view(&view(&entry.line_counts(), &tally, 0, 0.0), render)?;
    Ok(ExitCode::SUCCESS)
}
