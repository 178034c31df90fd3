//! `cargo xtask crash --kafka`: the test that kills workers and the broker of a chain on Apache
//! Kafka, with as many kills as asked for. It compares what a client reads that is none of ours
//! with what the embedded log comes to.

use crate::tools;
use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result};

/// With the features of everything, like the suite, so that nothing is built twice.
const TEST: [&str; 8] = [
    "test",
    "--workspace",
    "--all-features",
    "--test=kafka_faults",
    "kills_of_workers_and_of_the_broker_change_nothing",
    "--",
    "--exact",
    "--nocapture",
];

pub(super) fn run(workspace: &Workspace, cycles: u64, seed: u64) -> Result<()> {
    tools::ensure(workspace)?;
    let mut test = workspace.cargo();
    test.args(TEST);
    test.env("SHELF_KAFKA_KILLS", cycles.to_string());
    test.env("SHELF_KAFKA_SEED", seed.to_string());
    run_to_success(&mut test).with_context(|| {
        format!("repeat it with: cargo xtask crash --kafka --cycles {cycles} --seed {seed}")
    })
}
