//! `shelf watch`: a running or stopped chain as a live screen, as text, or as a picture.

use shelf_domain::StoreId;
use shelf_views::{Chain, Colour, UiState, render_svg, render_watch};

use crate::acts::{maybe_store, read};
use crate::args::WatchArgs;
use crate::failure::Failure;
use crate::live::{self, Live};
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// The size of the picture, in characters.
const PICTURE: (u16, u16) = (132, 44);

pub(crate) fn run(args: &WatchArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let folder = settings.folder();
    folder.meta()?;
    let store = match &args.store {
        Some(_) => maybe_store(&Chain::new(read(settings)?.partitions()), args.store.as_ref())?,
        None => None,
    };
    if let Some(path) = &args.svg {
        let view = Live::open(&folder, settings.limits())?.view(store)?;
        let svg = render_svg(&view, PICTURE.0, PICTURE.1);
        return std::fs::write(path, svg).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new("io", message, "check that the folder is there and may be written")
        });
    }
    if args.once || output.json || !output.terminal {
        let view = Live::open(&folder, settings.limits())?.view(store)?;
        return output.view(&view, |view| render_watch(view, PICTURE.0, PICTURE.1));
    }
    live::show(&folder, settings.limits(), state(output, store), &Stop::on_signals()?)
}

/// What the screen begins with.
pub(crate) fn state(output: Output, store: Option<StoreId>) -> UiState {
    let colour: Colour = output.style().colour;
    UiState { store, colour, ..UiState::default() }
}
