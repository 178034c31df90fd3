//! A chain on Apache Kafka: making its topics, feeding its log, working on its partitions, and the
//! bridge from Redis Streams.
//!
//! It is built with the feature `kafka`; without it the commands are there and say so.

#[cfg(feature = "kafka")]
mod bridge;
#[cfg(feature = "kafka")]
mod feed;
#[cfg(feature = "kafka")]
mod init;
#[cfg(feature = "kafka")]
mod work;

use std::process::ExitCode;

use crate::args::{BridgeArgs, KafkaCommand, RunArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

#[cfg(feature = "kafka")]
pub(crate) fn run(
    command: &KafkaCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    match command {
        KafkaCommand::Init(_) => init::run(settings, output),
        KafkaCommand::Feed(args) => feed::run(args, settings, output),
    }
}

/// `shelf run` where the log is on Kafka.
#[cfg(feature = "kafka")]
pub(crate) fn work(args: &RunArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    work::run(args, settings, output)
}

/// `shelf bridge`.
#[cfg(feature = "kafka")]
pub(crate) fn bridge(
    args: &BridgeArgs,
    settings: &Settings,
    output: Output,
) -> Result<(), Failure> {
    bridge::run(args, settings, output)
}

#[cfg(not(feature = "kafka"))]
pub(crate) fn run(_: &KafkaCommand, _: &Settings, _: Output) -> Result<ExitCode, Failure> {
    Err(not_built())
}

/// `shelf run` where the log is on Kafka.
#[cfg(not(feature = "kafka"))]
pub(crate) fn work(_: &RunArgs, _: &Settings, _: Output) -> Result<(), Failure> {
    Err(not_built())
}

/// `shelf bridge`.
#[cfg(not(feature = "kafka"))]
pub(crate) fn bridge(_: &BridgeArgs, _: &Settings, _: Output) -> Result<(), Failure> {
    Err(not_built())
}

#[cfg(not(feature = "kafka"))]
fn not_built() -> Failure {
    let message = "this program was built without Apache Kafka";
    Failure::new("kafka_not_built", message, "build it with `cargo build --release -F kafka`")
}
