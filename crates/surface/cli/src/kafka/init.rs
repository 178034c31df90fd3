//! `shelf kafka init`: the topics.

use std::process::ExitCode;

use serde_json::json;
use shelf_host::HostError;

use crate::acts::NOT_ALL;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

pub(super) fn run(settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let connection = settings.kafka.connection()?;
    let mut topics = settings.kafka.topics(settings.log.partitions);
    topics.foreign = settings.kafka.topics_of_others()?;
    let done = shelf_kafka::init(&connection, &topics).map_err(HostError::from)?;
    let differences = done.differences.iter().map(|one| {
        json!({
            "topic": one.topic, "setting": one.setting, "found": one.found, "wanted": one.wanted,
        })
    });
    let view = json!({
        "created": done.created, "present": done.present,
        "differences": differences.collect::<Vec<_>>(),
    });
    output.view(&view, |_| {
        let (created, present) = (done.created.len(), done.present.len());
        let mut text = format!("{created} topics made, {present} were there\n");
        let lines = done.differences.iter().map(|one| {
            let (topic, setting) = (&one.topic, &one.setting);
            format!("{topic}: {setting} is {}, and not {}\n", one.found, one.wanted)
        });
        text.extend(lines);
        text
    })?;
    if done.differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output.say("what is there was not changed: `kafka-configs.sh` of Kafka does that");
    Ok(ExitCode::from(NOT_ALL))
}
