//! `shelf shelves`: list them, look at one with its lots.

use shelf_views::{
    Chain, ShelfDetail, ShelfFilter, ShelfState, ShelvesView, render_shelf, render_shelves,
};

const STATES: [ShelfState; 4] =
    [ShelfState::Empty, ShelfState::Low, ShelfState::Stocked, ShelfState::Untracked];

use crate::acts::{maybe_store, one_shelf, one_store, read, unknown_shelf};
use crate::alerts::choice;
use crate::args::ShelvesCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

pub(crate) fn run(
    command: &ShelvesCommand,
    settings: &Settings,
    output: Output,
) -> Result<(), Failure> {
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    match command {
        ShelvesCommand::List { list, sku } => {
            let filter = ShelfFilter {
                store: maybe_store(&chain, list.store.as_ref())?,
                category: None,
                state: choice("status", list.status.as_ref(), &STATES, ShelfState::code)?,
                text: sku.clone(),
                limit: Some(list.limit),
            };
            let view = ShelvesView::new(&chain, &filter);
            output.view(&view, |view| render_shelves(view, &output.style(), output.width()))
        }
        ShelvesCommand::Show { sku, store } => {
            let store = one_store(&chain, store.as_ref())?;
            let (_, index) = one_shelf(store, sku)?;
            let view = ShelfDetail::new(store, index);
            let view = view.ok_or_else(|| unknown_shelf(sku))?;
            output.view(&view, |view| render_shelf(view, &output.style(), output.width()))
        }
    }
}
