//! `shelf quality`: how good the events are. Also what a running process and an import note of it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args as ClapArgs, ValueEnum};
use shelf_domain::{Stream, Timestamp};
use shelf_host::{ChainWriter, CheckNote, Folder, Latencies, QualityBook, quality_history};
use shelf_views::{
    Chain, CheckRow, CheckState, IntakeBy, QualityFacts, QualityLimits, QualityView,
    render_quality, render_quality_history,
};
use shelf_web::{applied_facts, quality_facts, quality_history_view};

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
        let changes = quality_history(&folder)?;
        let view = quality_history_view(&changes, args.store.as_deref(), args.limit);
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
    let applied = book.measured().map(applied_facts);
    let known = quality_facts(&folder, settings.limits(), reader.meta(), &partitions, wall_now())?;
    let view = QualityView::new(&partitions, &QualityFacts { applied, store, by, ..known });
    output.view(&view, |view| render_quality(view, &output.style(), output.width()))?;
    let fine = view.states.warn + view.states.fail == 0;
    Ok(if args.strict && !fine { ExitCode::from(NOT_FINE) } else { ExitCode::SUCCESS })
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
        let facts = quality_facts(&self.folder, self.limits, &meta, &partitions, wall_now())?;
        // The time from arrival to applied is judged as the file will tell it.
        let measured = self.latencies.as_ref().map(Latencies::measured);
        let applied = measured.as_ref().or(self.book.measured()).map(applied_facts);
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
