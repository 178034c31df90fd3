//! `shelf shelves`: list them, look at one with its lots.

use shelf_domain::{Sku, StoreId};
use shelf_views::{
    Chain, ShelfDetail, ShelfFilter, ShelfState, ShelvesView, render_shelf, render_shelves,
};

const STATES: [ShelfState; 4] =
    [ShelfState::Empty, ShelfState::Low, ShelfState::Stocked, ShelfState::Untracked];

use crate::acts::{one_store, read};
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
        ShelvesCommand::List(list) => {
            let filter = ShelfFilter {
                store: list.store.as_deref().map(StoreId::cut),
                category: None,
                state: choice("status", list.status.as_ref(), &STATES, ShelfState::code)?,
                text: list.sku.clone(),
                limit: Some(list.limit),
            };
            let view = ShelvesView::new(&chain, &filter);
            output.view(&view, |view| render_shelves(view, &output.style(), output.width()))
        }
        ShelvesCommand::Show { sku, store } => {
            let store = one_store(&chain, store.as_ref())?;
            let found = store.sku(Sku::cut(sku)).and_then(|index| ShelfDetail::new(store, index));
            let view = found.ok_or_else(|| {
                let hint = "list them with `shelf shelves list`";
                Failure::new("unknown_product", format!("there is no shelf {sku}"), hint)
            })?;
            output.view(&view, |view| render_shelf(view, &output.style(), output.width()))
        }
    }
}
