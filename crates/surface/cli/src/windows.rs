//! `shelf windows`: the kinds of windows, and what those of one kind told.

use shelf_domain::{Effect, Sku, StoreId, Timestamp, WindowName, WindowResult};
use shelf_host::OutputTail;
use shelf_views::{
    Chain, StageFilter, WindowFilter, WindowKindsView, WindowsView, csv_windows,
    render_window_kinds, render_windows,
};

use crate::acts::{maybe_store, read, unknown_shelf};
use crate::args::{StageArg, WindowsArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

pub(crate) fn run(args: &WindowsArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = maybe_store(&chain, args.store.as_ref())?;
    let kinds = WindowKindsView::new(&chain, store);
    let Some(name) = &args.name else {
        let text = |view: &_| render_window_kinds(view, &output.style(), output.width());
        return output.view(&kinds, text);
    };
    let name = WindowName::new(name).map_err(|_| unknown_window(name, &kinds))?;
    let filter = WindowFilter {
        store,
        sku: args.item.as_ref().map(|sku| one_sku(&chain, sku)).transpose()?,
        last: args.last,
        stage: match args.stage {
            StageArg::All => StageFilter::All,
            StageArg::Final => StageFilter::Final,
        },
        together: false,
    };
    let view = match &Span::of(args)? {
        Some(span) => told(settings, &chain, name, span, &filter, &kinds)?,
        None => WindowsView::recent(&chain, name, &filter),
    };
    let view = view.ok_or_else(|| unknown_window(name.as_str(), &kinds))?;
    if args.csv {
        return output.bytes(csv_windows(&view).as_bytes());
    }
    output.view(&view, |view| render_windows(view, &output.style(), output.width(), args.limit))
}

/// The starts of the windows that are asked for.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    fn of(args: &WindowsArgs) -> Result<Option<Self>, Failure> {
        if args.from.is_none() && args.to.is_none() {
            return Ok(None);
        }
        let time = |text: &Option<String>, default: Timestamp| match text {
            Some(text) => time_of(text),
            None => Ok(default),
        };
        let from = time(&args.from, Timestamp::EARLIEST)?;
        Ok(Some(Self { from, to: time(&args.to, Timestamp::LATEST)? }))
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

fn time_of(text: &str) -> Result<Timestamp, Failure> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(|time| Timestamp(time.as_microsecond())).map_err(|_| {
        Failure::usage(format!("{text} is no time"), "write it as 2026-01-31T12:00:00Z")
    })
}

/// What the log of effects has of a window; `None` where neither it nor a store knows the name.
fn told(
    settings: &Settings,
    chain: &Chain<'_>,
    name: WindowName,
    span: &Span,
    filter: &WindowFilter,
    kinds: &WindowKindsView,
) -> Result<Option<WindowsView>, Failure> {
    let mut kept: Vec<(StoreId, Box<WindowResult>)> = Vec::new();
    let mut known = false;
    OutputTail::open(&settings.folder())?.catch_up(|_, record| match record.effect {
        Effect::Window(result) if result.window == name => {
            known = true;
            if span.holds(result.start) {
                kept.push((record.store, result));
            }
        }
        _ => {}
    })?;
    match kinds.kinds.iter().find(|kind| kind.name == name) {
        Some(kind) if !kind.kept && !known => {
            return Err(Failure::usage(
                format!("the windows {name} are not kept in the log"),
                "leave --from and --to out for the recent ones, or declare them with kept = true",
            ));
        }
        None if !known => return Ok(None),
        _ => {}
    }
    let results = kept.iter().map(|(store, result)| (*store, result.as_ref()));
    Ok(Some(WindowsView::told(chain, name, results, filter)))
}

/// A sku that any store has.
fn one_sku(chain: &Chain<'_>, sku: &str) -> Result<Sku, Failure> {
    let found = Sku::new(sku).ok();
    found
        .filter(|&id| chain.stores().iter().any(|store| store.sku(id).is_some()))
        .ok_or_else(|| unknown_shelf(sku))
}

fn unknown_window(name: &str, kinds: &WindowKindsView) -> Failure {
    let names: Vec<&str> = kinds.kinds.iter().map(|kind| kind.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "no store keeps windows yet: see `shelf status`".to_owned(),
        names => format!("the windows are {}", names.join(", ")),
    };
    Failure::new("unknown_window", format!("there is no window {name}"), hint)
}
