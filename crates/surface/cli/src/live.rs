//! The live screen: follows a data folder from outside, whether this process writes it or another.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event};
use shelf_domain::{Effect, StoreId, Timestamp};
use shelf_host::{ChainReader, Folder, Follow, OutputTail};
use shelf_views::{
    Chain, ClockKind, EffectLine, LiveFigures, QualityFacts, QualityLimits, Rates, UiState,
    WatchView, draw,
};
use shelf_web::quality_facts;

use crate::acts::wall_now;
use crate::failure::Failure;
use crate::stop::Stop;

/// How often the screen is drawn while nothing is typed and nothing happens.
const FRAME: Duration = Duration::from_millis(200);
/// How often the log is looked at; what has happened is drawn at once.
const LOOK: Duration = Duration::from_millis(25);
/// How many of the latest effects are kept.
const LINES: usize = 200;
/// How long key figures and checks stand before they are worked out again.
const FIGURES: Duration = Duration::from_secs(1);
/// Over how long rates are measured.
const RATE_SPAN: Duration = Duration::from_secs(5);

/// What is followed.
#[derive(Debug)]
pub(crate) struct Live {
    reader: ChainReader,
    outputs: OutputTail,
    lines: VecDeque<EffectLine>,
    clock: ClockKind,
    /// When so many events had been seen, and what time it was in the stores.
    marks: VecDeque<(Instant, u64, Timestamp)>,
    events: u64,
    fresh: Instant,
    folder: Folder,
    limits: QualityLimits,
    /// The figures of a store, and when they were worked out.
    figures: Option<(Instant, Option<StoreId>, LiveFigures)>,
}

/// The lines of the effects that have come onto the disk. Windows are many, and have a screen of
/// their own.
pub(crate) fn new_lines(outputs: &mut OutputTail) -> Result<Vec<EffectLine>, Failure> {
    let mut lines = Vec::new();
    outputs.catch_up(|_, record| {
        if !matches!(record.effect, Effect::Window(_)) {
            lines.push(EffectLine::new(&record));
        }
    })?;
    Ok(lines)
}

impl Live {
    pub(crate) fn open(folder: &Folder, limits: QualityLimits) -> Result<Self, Failure> {
        let reader = ChainReader::open(folder, Follow::FromSnapshot)?;
        let mut outputs = OutputTail::open(folder)?;
        outputs.skip_to_last(LINES as u64)?;
        let clock = match reader.meta().town {
            Some(_) => ClockKind::Simulated,
            None => ClockKind::Real,
        };
        let (lines, marks) = (VecDeque::new(), VecDeque::new());
        let (events, fresh, folder, figures) = (0, Instant::now(), folder.clone(), None);
        let mut live =
            Self { reader, outputs, lines, clock, marks, events, fresh, folder, limits, figures };
        live.catch_up()?;
        Ok(live)
    }

    /// Reads what has come onto the disk. Returns the effects that are new.
    pub(crate) fn catch_up(&mut self) -> Result<Vec<EffectLine>, Failure> {
        let stepped = self.reader.catch_up(|_, _| {})?;
        let new = new_lines(&mut self.outputs)?;
        self.lines.extend(new.iter().cloned());
        while self.lines.len() > LINES {
            self.lines.pop_front();
        }
        self.events += stepped;
        let now = Instant::now();
        if stepped > 0 {
            self.fresh = now;
        }
        let time = self.reader.stores().iter().map(|store| store.now()).max().unwrap_or_default();
        self.marks.push_back((now, self.events, time));
        while self.marks.get(1).is_some_and(|mark| now - mark.0 > RATE_SPAN) {
            self.marks.pop_front();
        }
        Ok(new)
    }

    fn rates(&self) -> Rates {
        let data_age_ms = Some(self.fresh.elapsed().as_millis() as u64);
        let (Some(first), Some(last)) = (self.marks.front(), self.marks.back()) else {
            return Rates { data_age_ms, ..Rates::default() };
        };
        let seconds = (last.0 - first.0).as_secs_f64();
        if seconds < 0.5 {
            return Rates { data_age_ms, ..Rates::default() };
        }
        Rates {
            events_per_s: Some((last.1 - first.1) as f64 / seconds),
            speed: Some(last.2.since(first.2) as f64 / 1e6 / seconds),
            lag_ms: None,
            data_age_ms,
        }
    }

    /// The stores, in order.
    pub(crate) fn stores(&self) -> Vec<StoreId> {
        self.reader.stores().iter().map(|store| store.id()).collect()
    }

    pub(crate) fn view(&mut self, store: Option<StoreId>) -> Result<WatchView, Failure> {
        let fresh = |at: &Instant| at.elapsed() < FIGURES;
        if !self.figures.as_ref().is_some_and(|(at, of, _)| fresh(at) && *of == store) {
            let partitions = self.reader.partitions();
            let known = quality_facts(
                &self.folder,
                self.limits,
                self.reader.meta(),
                &partitions,
                wall_now(),
            )?;
            let known = QualityFacts { store, ..known };
            let figures = LiveFigures::new(&partitions, &known, store);
            self.figures = Some((Instant::now(), store, figures));
        }
        let lines: Vec<EffectLine> = self.lines.iter().cloned().collect();
        let chain = Chain::new(self.reader.partitions());
        let view = WatchView::new(&chain, self.clock, store, &lines, self.rates());
        let figures = self.figures.as_ref().map(|(_, _, figures)| figures.clone());
        Ok(WatchView { figures, ..view })
    }
}

/// Shows the live screen until a person ends it, or `stop` is asked for.
pub(crate) fn show(
    folder: &Folder,
    limits: QualityLimits,
    mut state: UiState,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut live = Live::open(folder, limits)?;
    let mut terminal = ratatui::init();
    let shown = (|| {
        let mut drawn: Option<Instant> = None;
        while !state.quit && !stop.asked() {
            let news = !live.catch_up()?.is_empty();
            if news || drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
                let view = live.view(state.store)?;
                terminal.draw(|frame| draw(frame, &view, &state)).map_err(Failure::stdout)?;
                drawn = Some(Instant::now());
            }
            let stores = live.stores();
            let mut wait = LOOK;
            while event::poll(wait).map_err(Failure::stdout)? {
                wait = Duration::ZERO;
                // What was typed is seen at once, and so is another size of the terminal.
                drawn = None;
                if let Event::Key(key) = event::read().map_err(Failure::stdout)? {
                    state = state.on_key(key, &stores);
                }
            }
        }
        Ok(())
    })();
    ratatui::restore();
    shown
}
