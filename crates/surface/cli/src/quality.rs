//! `shelf quality`: how good the events are. Also what a running process and an import note of it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args as ClapArgs, ValueEnum};
use shelf_domain::{SourceId, Stores, Stream, Timestamp};
use shelf_host::{
    ChainWriter, CheckNote, Folder, FolderMeta, Latencies, LatencyFigures, Measured, QualityBook,
    QualityChange, Sources, quality_history,
};
use shelf_views::{
    AppliedFacts, Chain, CheckRow, CheckState, ClockKind, IntakeBy, LatencyTimes, QualityChangeRow,
    QualityFacts, QualityHistory, QualityLimits, QualityView, render_quality,
    render_quality_history,
};

use crate::acts::{maybe_store, read, wall_now};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// How often a running process looks at the quality of its events.
const LOOK: Duration = Duration::from_secs(10);
/// The exit code of `--strict` where a check warns or fails.
const NOT_FINE: u8 = 1;

/// Which quality to show.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct QualityArgs {
    /// Only this store, with each of its streams.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// Whose streams the rows of what came in are.
    #[arg(long, value_enum, default_value = "source")]
    pub(crate) by: IntakeArg,
    /// Show when checks changed their states instead.
    #[arg(long)]
    pub(crate) history: bool,
    /// At most so many of the newest changes.
    #[arg(long, value_name = "N", default_value_t = 50, requires = "history")]
    pub(crate) limit: usize,
    /// End with 1 where a check warns or fails.
    #[arg(long, conflicts_with = "history")]
    pub(crate) strict: bool,
}

/// Whose streams the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntakeArg {
    /// Each source.
    Source,
    /// All sources together.
    Stream,
    /// Each store.
    Store,
}

pub(crate) fn run(
    args: &QualityArgs,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let folder = settings.folder();
    if args.history {
        folder.meta()?;
        let view = history(&quality_history(&folder)?, args);
        let text = |view: &_| render_quality_history(view, &output.style(), output.width());
        output.view(&view, text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let reader = read(settings)?;
    let store = maybe_store(&Chain::new(reader.partitions()), args.store.as_ref())?;
    let partitions = reader.partitions();
    let book = QualityBook::open(&folder)?;
    let by = match args.by {
        IntakeArg::Source => IntakeBy::Source,
        IntakeArg::Stream => IntakeBy::Stream,
        IntakeArg::Store => IntakeBy::Store,
    };
    let applied = book.measured().map(applied);
    let known = facts(&folder, settings.limits(), reader.meta(), &partitions)?;
    let view = QualityView::new(&partitions, &QualityFacts { applied, store, by, ..known });
    output.view(&view, |view| render_quality(view, &output.style(), output.width()))?;
    let fine = view.states.warn + view.states.fail == 0;
    Ok(if args.strict && !fine { ExitCode::from(NOT_FINE) } else { ExitCode::SUCCESS })
}

/// What only the host knows of a chain, time from arrival to applied aside.
pub(crate) fn facts(
    folder: &Folder,
    limits: QualityLimits,
    meta: &FolderMeta,
    partitions: &[&Stores],
) -> Result<QualityFacts, Failure> {
    let simulated = Chain::new(partitions.iter().copied()).now();
    let (clock, now) = match &meta.town {
        Some(_) => (ClockKind::Simulated, simulated.unwrap_or_default()),
        None => (ClockKind::Real, wall_now()),
    };
    let sources = Sources::open(folder)?;
    let names: BTreeMap<SourceId, String> =
        sources.iter().map(|(number, known)| (number, known.source.name.clone())).collect();
    Ok(QualityFacts { clock, now, limits, sources: names, ..QualityFacts::default() })
}

fn applied(measured: &Measured) -> AppliedFacts {
    let times = |of: &LatencyFigures| LatencyTimes {
        count: of.count,
        p50_us: of.p50_us,
        p95_us: of.p95_us,
        p99_us: of.p99_us,
        max_us: of.max_us,
    };
    let streams = measured.applied.iter();
    let times = streams.map(|(stream, of)| (stream.clone(), times(of))).collect();
    AppliedFacts { since: measured.since, times }
}

fn history(changes: &[QualityChange], args: &QualityArgs) -> QualityHistory {
    let fits = |change: &&QualityChange| args.store.is_none() || change.check.store == args.store;
    let rows: Vec<QualityChangeRow> = changes
        .iter()
        .filter(fits)
        .map(|QualityChange { at, from, check }| QualityChangeRow {
            at: *at,
            check: check.check.clone(),
            store: check.store.clone(),
            stream: check.stream.clone(),
            source: check.source.clone(),
            window: check.window.clone(),
            from: from.clone(),
            to: check.state.clone(),
            value: check.value.as_f64(),
        })
        .collect();
    let (total, shown) = (rows.len() as u64, rows.len().saturating_sub(args.limit));
    QualityHistory { total, changes: rows.into_iter().skip(shown).collect() }
}

/// The quality of the events of a chain that this process writes.
pub(crate) struct Assessor {
    folder: Folder,
    limits: QualityLimits,
    book: QualityBook,
    latencies: Option<Latencies>,
    due: Instant,
}

impl Assessor {
    /// That of an import, which has no senders to wait for it.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let (folder, limits) = (settings.folder(), settings.limits());
        let book = QualityBook::open(&folder)?;
        Ok(Self { folder, limits, book, latencies: None, due: Instant::now() + LOOK })
    }

    /// That of a running process, which measures how long its senders wait.
    pub(crate) fn of_running(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self { latencies: Some(Latencies::since(wall_now())), ..Self::open(settings)? })
    }

    /// An event of this stream is on disk and applied so long after its arrival.
    pub(crate) fn applied(&mut self, stream: Stream, took: Duration) {
        if let Some(latencies) = &mut self.latencies {
            latencies.add(stream, took);
        }
    }

    /// Looks again, where that is due.
    pub(crate) fn look_when_due(&mut self, chain: &mut ChainWriter) -> Result<(), Failure> {
        if Instant::now() < self.due {
            return Ok(());
        }
        self.due = Instant::now() + LOOK;
        self.look(chain)
    }

    /// Looks, and notes what is found.
    pub(crate) fn look(&mut self, chain: &mut ChainWriter) -> Result<(), Failure> {
        let meta = chain.meta().clone();
        let partitions = chain.partitions()?;
        let facts = facts(&self.folder, self.limits, &meta, &partitions)?;
        // The time from arrival to applied is judged as the file will tell it.
        let measured = self.latencies.as_ref().map(Latencies::measured);
        let applied = measured.as_ref().or(self.book.measured()).map(applied);
        let view = QualityView::new(&partitions, &QualityFacts { applied, ..facts });
        let now: Timestamp = view.now;
        let checks = view.checks.into_iter().map(note).collect();
        self.book.note(now, wall_now(), checks, measured)?;
        Ok(())
    }
}

fn note(check: CheckRow) -> CheckNote {
    let value = serde_json::to_value(check.value).unwrap_or_default();
    CheckNote {
        check: check.check.to_owned(),
        store: check.store.map(|store| store.as_str().to_owned()),
        stream: check.stream.map(str::to_owned),
        source: check.source,
        window: check.window,
        state: check.state.map(CheckState::code).map(str::to_owned),
        value,
    }
}
