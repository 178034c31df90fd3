//! `shelf import`: events as JSON lines, or a foreign file with a mapping, into the log.

use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;
use shelf_domain::{Event, Reason, StoreId, Stores};
use shelf_events::Defaults;
use shelf_host::{ChainWriter, Tally};
use shelf_sources::{Known, LineCounts, MappedOptions, Mapping, Progress, Source, open};

use crate::acts::{NOT_ALL, new_store, wall_now};
use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::settings::Settings;

/// Events that are read before they are appended.
const BATCH_EVENTS: usize = 4_096;
/// Events after which the log is asked to become durable.
const SYNC_EVENTS: u64 = 65_536;

/// The files of one import, whatever their kind.
pub(crate) struct Feed {
    sources: Vec<Box<dyn Source>>,
    next: usize,
}

impl Feed {
    /// What a person names: files, folders or patterns. One thread steps; those beyond it read.
    pub(crate) fn open(
        wanted: &[String],
        mapping: Option<&Mapping>,
        store: Option<StoreId>,
        threads: usize,
        known: Known,
    ) -> Result<Self, Failure> {
        let defaults = Defaults { store, received_at: wall_now() };
        let options = MappedOptions { known, ..MappedOptions::new(defaults) };
        let readers = threads.saturating_sub(1);
        let mut sources = Vec::new();
        for wanted in wanted {
            sources.push(open(wanted, mapping.cloned(), options.clone(), readers)?);
        }
        Ok(Self { sources, next: 0 })
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<bool, Failure> {
        while let Some(source) = self.sources.get_mut(self.next) {
            batch.clear();
            let more = source.next_batch(BATCH_EVENTS, batch)?;
            if !more {
                self.next += 1;
            }
            if !batch.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn progress(&self) -> Option<Progress> {
        self.sources.get(self.next).map(|source| source.progress())
    }

    fn counts(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        for source in &self.sources {
            counts += source.counts();
        }
        counts
    }
}

/// Appends everything that a feed gives, and counts what it comes to.
pub(crate) fn feed(
    chain: &mut ChainWriter,
    feed: &mut Feed,
    tally: &mut Tally,
    mut seen: impl FnMut(Option<Progress>),
) -> Result<(), Failure> {
    let mut batch = Vec::new();
    let mut synced = 0;
    while feed.next_batch(&mut batch)? {
        chain.append(&mut batch, tally)?;
        if tally.total() - synced >= SYNC_EVENTS {
            synced = tally.total();
            chain.request_commit()?;
        }
        seen(feed.progress());
    }
    chain.commit()?;
    Ok(())
}

/// What the log has already, and a mapping need not make.
fn known(chain: &mut ChainWriter) -> Result<Known, Failure> {
    let mut known = Known::default();
    for store in chain.partitions()?.into_iter().flat_map(Stores::iter) {
        known.stores.insert(store.id());
        let skus = store.skus().filter_map(|index| store.shelf(index));
        known.skus.extend(skus.map(|shelf| (store.id(), shelf.sku)));
    }
    Ok(known)
}

/// What an import came to.
#[derive(Debug, Serialize)]
struct ImportView {
    lines: u64,
    sale_lines: u64,
    return_lines: u64,
    other_lines: u64,
    rejected_lines: u64,
    events: u64,
    accepted: u64,
    late: u64,
    duplicates: u64,
    quarantined: u64,
    quarantined_by_reason: Vec<(&'static str, u64)>,
    wall_s: f64,
    events_per_s: f64,
}

pub(crate) fn run(
    args: &ImportArgs,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let options = settings.writer_options();
    let threads = args.threads.unwrap_or(options.threads);
    let mapping = args.mapping.as_deref().map(Mapping::load).transpose()?;
    let store = new_store(args.store.as_ref())?;
    let folder = settings.folder();
    let open = |known| Feed::open(&args.files, mapping.as_ref(), store, threads, known);
    // A folder is not made for files that cannot be read.
    let new = if folder.meta_path().exists() { None } else { Some(open(Known::default())?) };
    let mut chain = ChainWriter::open(&folder, &options)?;
    let mut source = match new {
        Some(source) => source,
        None => open(known(&mut chain)?)?,
    };
    let begun = Instant::now();
    let total = source.progress().and_then(|progress| progress.bytes_total).unwrap_or(0);
    let bar = progress::bar(output, total, "{bar:40} {percent}%  {bytes_per_sec}  {eta} left");
    let mut tally = Tally::default();
    feed(&mut chain, &mut source, &mut tally, |progress| {
        if let Some(progress) = progress {
            bar.set_position(progress.bytes_read);
        }
    })?;
    bar.finish_and_clear();
    let wall_s = begun.elapsed().as_secs_f64();
    chain.close()?;
    let view = view(&source.counts(), &tally, wall_s);
    output.view(&view, render)?;
    Ok(if tally.quarantined_total() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

fn view(counts: &LineCounts, tally: &Tally, wall_s: f64) -> ImportView {
    let by_reason = Reason::ALL.iter().zip(tally.quarantined);
    ImportView {
        lines: counts.lines,
        sale_lines: counts.sale_lines,
        return_lines: counts.return_lines,
        other_lines: counts.other_lines,
        rejected_lines: counts.rejected_lines,
        events: tally.total(),
        accepted: tally.accepted,
        late: tally.late,
        duplicates: tally.duplicates,
        quarantined: tally.quarantined_total(),
        quarantined_by_reason: by_reason
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.code(), count))
            .collect(),
        wall_s,
        events_per_s: (tally.total() as f64 / wall_s.max(1e-9)).round(),
    }
}

fn render(view: &ImportView) -> String {
    let mut lines = vec![
        format!("{} lines in {:.2} s, {} events/s", view.lines, view.wall_s, view.events_per_s),
        format!("  accepted     {:>12}   of these late {}", view.accepted, view.late),
        format!("  duplicate    {:>12}", view.duplicates),
        format!("  quarantined  {:>12}", view.quarantined),
    ];
    let reasons = view.quarantined_by_reason.iter();
    lines.extend(reasons.map(|(reason, count)| format!("    {reason:<18} {count:>8}")));
    if view.sale_lines + view.return_lines > 0 {
        lines.push(format!(
            "lines: {} sales + {} returns + {} other + {} rejected",
            view.sale_lines, view.return_lines, view.other_lines, view.rejected_lines
        ));
    }
    if view.quarantined > 0 {
        lines.push("see them with: shelf quarantine list".to_owned());
    }
    lines.join("\n")
}
