//! `shelf kpi`: key figures of some days.

use clap::Args as ClapArgs;
use shelf_domain::{Day, Kpi};
use shelf_views::{Chain, KpiBy, KpiFilter, KpisView, kpi_notes, render_kpi_notes, render_kpis};

use crate::acts::{maybe_store, read};
use crate::alerts::choice;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct KpiArgs {
    /// Only this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// A row for all (chain), or for each store, category, product or day.
    #[arg(long, value_name = "WHAT")]
    pub(crate) by: Option<String>,
    /// So many days, the last one included.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) days: u16,
    /// From this date, as 2026-01-31, instead of so many days.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// To this date; the stores' present without it.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    /// Order by this figure, the highest first.
    #[arg(long, value_name = "FIGURE")]
    pub(crate) sort: Option<String>,
    /// At most so many rows.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Say how each figure is worked out, and from what.
    #[arg(long)]
    pub(crate) explain: bool,
}

pub(crate) fn run(args: &KpiArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let sort = choice("sort", args.sort.as_ref(), Kpi::ALL, Kpi::code)?;
    let by = choice("by", args.by.as_ref(), &KpiBy::ALL, KpiBy::code)?.unwrap_or_default();
    if args.explain {
        let notes = kpi_notes();
        let text = |notes: &Vec<_>| render_kpi_notes(notes, &output.style(), output.width());
        return output.view(&notes, text);
    }
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let to_day = day("to", args.to.as_ref())?.unwrap_or_else(|| chain.today(None));
    let back = i32::from(args.days.max(1)) - 1;
    let filter = KpiFilter {
        store: maybe_store(&chain, args.store.as_ref())?,
        by,
        from_day: day("from", args.from.as_ref())?.unwrap_or(to_day.plus(-back)),
        to_day,
        sort,
        limit: Some(args.limit),
    };
    let view = KpisView::new(&chain, &filter);
    output.view(&view, |view| render_kpis(view, &output.style(), output.width()))
}

fn day(flag: &str, text: Option<&String>) -> Result<Option<Day>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let mut parts = text.splitn(3, '-').map(str::parse::<i32>);
    let date = match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) => {
            Day::from_civil(year, month.unsigned_abs(), day.unsigned_abs())
        }
        _ => None,
    };
    let no_date =
        || Failure::usage(format!("--{flag}: `{text}` is no date"), "write it as 2026-01-31");
    date.map(Some).ok_or_else(no_date)
}
