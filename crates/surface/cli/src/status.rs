//! `shelf status`: how the chain stands.

use shelf_host::{ChainReader, Follow};
use shelf_views::{Chain, ClockKind, HostFacts, PartitionFacts, StatusView, render_status};

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
    let view = StatusView::new(&chain, &facts(&reader, settings)?);
    output.view(&view, |view| render_status(view, &output.style(), output.width()))
}

/// What only the host of the core knows.
pub(crate) fn facts(reader: &ChainReader, settings: &Settings) -> Result<HostFacts, Failure> {
    let clock = match reader.meta().town {
        Some(_) => ClockKind::Simulated,
        None => ClockKind::Real,
    };
    let mut partitions = Vec::new();
    for (partition, position) in reader.positions() {
        let snapshots = settings.folder().snapshots();
        let saved = shelf_engine::SnapshotStore::new(&snapshots, partition).positions()?;
        partitions.push(PartitionFacts {
            partition,
            log_end_offset: position,
            position,
            snapshot_position: saved.first().copied(),
        });
    }
    Ok(HostFacts { clock, partitions })
}
