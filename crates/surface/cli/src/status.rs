//! `shelf status`: how the chain stands.

use shelf_host::{ChainReader, Follow};
use shelf_views::{Chain, StatusView, render_status};
use shelf_web::host_facts;

use crate::acts::maybe_store;
use crate::args::StatusArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

pub(crate) fn run(args: &StatusArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let reader = ChainReader::open(&settings.folder(), Follow::FromSnapshot)?;
    let mut chain = Chain::new(reader.partitions());
    if let Some(store) = maybe_store(&chain, args.store.as_ref())? {
        chain = chain.only(store);
    }
    let view = StatusView::new(&chain, &host_facts(&settings.folder(), &reader)?);
    output.view(&view, |view| render_status(view, &output.style(), output.width()))
}
