//! `shelf sales`: what was sold beside a week earlier, and in which hours.

use shelf_domain::Kpi;
use shelf_views::{Chain, KpiBy, KpiFilter, SalesView, render_patterns, render_sales};

use crate::acts::{maybe_store, read};
use crate::alerts::choice;
use crate::args::{CompareArgs, SalesCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::day as day_of;
use crate::settings::Settings;

pub(crate) fn run(
    command: &SalesCommand,
    settings: &Settings,
    output: Output,
) -> Result<(), Failure> {
    match command {
        SalesCommand::Compare(args) => compare(args, settings, output),
        SalesCommand::Patterns { store } => patterns(store.as_ref(), settings, output),
    }
}

fn patterns(store: Option<&String>, settings: &Settings, output: Output) -> Result<(), Failure> {
    let store = maybe_store(&Chain::new(read(settings)?.partitions()), store)?;
    let view = shelf_web::patterns(&settings.folder(), store)?;
    output.view(&view, |view| render_patterns(view, &output.style(), output.width()))
}

fn compare(args: &CompareArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let by = choice("by", args.by.as_ref(), &SalesView::BY, KpiBy::code)?.unwrap_or_default();
    let sort = choice("sort", Some(&args.sort), Kpi::ALL, Kpi::code)?;
    let (from, to) = (args.from.as_deref(), args.to.as_deref());
    let (from, to) = (from.map(day_of).transpose()?, to.map(day_of).transpose()?);
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = maybe_store(&chain, args.store.as_ref())?;
    let to_day = to.unwrap_or_else(|| chain.today(store).plus(-1));
    let from_day = from.unwrap_or(to_day.plus(1 - i32::from(args.days.max(1))));
    if from_day > to_day {
        return Err(Failure::usage("--from is after --to", "give the earlier day first"));
    }
    let limit = Some(args.limit);
    let view = SalesView::new(&chain, &KpiFilter { store, by, from_day, to_day, sort, limit });
    output.view(&view, |view| render_sales(view, &output.style(), output.width()))
}
