//! `shelf report`: a day as one HTML file, to be mailed, printed, kept, or as JSON.

use jiff::civil;
use shelf_domain::Day;
use shelf_views::Chain;

use crate::acts::{maybe_store, read};
use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::output::{Output, lines_of};
use crate::settings::Settings;

pub(crate) fn run(args: &ReportArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let reader = read(settings)?;
    let store = maybe_store(&Chain::new(reader.partitions()), args.store.as_ref())?;
    drop(reader);
    let day = args.date.as_deref().map(day).transpose()?;
    let report = shelf_web::day_report(&settings.folder(), store, day)?;
    let whole = if output.json {
        lines_of(std::iter::once(&report))?
    } else {
        shelf_web::report_page(&report)?.into_bytes()
    };
    let Some(file) = &args.output else { return output.bytes(&whole) };
    std::fs::write(file, whole).map_err(|error| {
        let message = format!("cannot write {}: {error}", file.display());
        Failure::new("io", message, "check the folder, and whether it may be written")
    })?;
    output.say(&format!("the report is in {}", file.display()));
    Ok(())
}

/// A day as 2026-01-31.
pub(crate) fn day(text: &str) -> Result<Day, Failure> {
    let wrong = || Failure::usage(format!("{text:?} is no date"), "write it as 2026-01-31");
    let date: civil::Date = text.parse().map_err(|_| wrong())?;
    let epoch = civil::date(1970, 1, 1);
    let days = date.since((jiff::Unit::Day, epoch)).map_err(|_| wrong())?.get_days();
    Ok(Day(days))
}
