//! `shelf state`: what the stores hold, as the state records of the reference system.

use shelf_events::StateKind;
use shelf_views::{Chain, render_state, render_state_counts, state_counts, state_rows};

use crate::acts::{maybe_store, read};
use crate::args::StateArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

pub(crate) fn run(args: &StateArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = maybe_store(&chain, args.store.as_ref())?;
    let (style, width) = (output.style(), output.width());
    let Some(name) = &args.name else {
        let counts = state_counts(&chain, store);
        if output.json {
            return output.json_lines(counts.iter());
        }
        return output.text(&render_state_counts(&counts, &style, width));
    };
    let kind = StateKind::of_name(name).ok_or_else(|| unknown(name))?;
    let rows = state_rows(&chain, kind, store);
    if output.json {
        return output.json_lines(rows.iter());
    }
    output.text(&render_state(kind, &rows, &style, width))
}

fn unknown(name: &str) -> Failure {
    let names = StateKind::ALL.map(StateKind::name).join(", ");
    Failure::new("unknown_state", format!("there is no state {name}"), format!("one of {names}"))
}
