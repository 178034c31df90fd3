//! `shelf config`: the effective settings, and where each comes from.

use std::process::ExitCode;

use figment::Figment;
use serde_json::Value;

use crate::args::ConfigCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Loaded;

pub(crate) fn run(
    command: &ConfigCommand,
    loaded: Result<Loaded, Failure>,
    output: Output,
) -> Result<ExitCode, Failure> {
    let loaded = loaded?;
    match command {
        ConfigCommand::Check => {
            let view = serde_json::json!({ "valid": true });
            output.view(&view, |_| "the settings are valid".to_owned())?;
        }
        ConfigCommand::Show { origin } => {
            let rows = rows(&loaded)?;
            let with_origin = |key: &String| origin.then(|| origin_of(&loaded.figment, key));
            let view: Vec<Value> = rows
                .iter()
                .map(|(key, value)| match with_origin(key) {
                    Some(from) => serde_json::json!({"key": key, "value": value, "origin": from}),
                    None => serde_json::json!({"key": key, "value": value}),
                })
                .collect();
            output.view(&view, |_| {
                let line = |(key, value): &(String, Value)| match with_origin(key) {
                    Some(from) => format!("{key:<24} = {value:<16} # {from}"),
                    None => format!("{key:<24} = {value}"),
                };
                rows.iter().map(line).collect::<Vec<_>>().join("\n")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every setting by its full name.
fn rows(loaded: &Loaded) -> Result<Vec<(String, Value)>, Failure> {
    let value = serde_json::to_value(&loaded.settings)
        .map_err(|error| Failure::new("json", error.to_string(), "report this as a defect"))?;
    let mut rows = Vec::new();
    flatten(String::new(), &value, &mut rows);
    Ok(rows)
}

/// Every setting with where it comes from, for others than who may read the settings themselves:
/// options of an object store may be secrets.
pub(crate) fn for_others(loaded: &Loaded) -> Result<Value, Failure> {
    let row = |(key, value): (String, Value)| {
        let secret = ["lake.storage.", "kafka.storage."].iter().any(|free| key.starts_with(free));
        let value = if secret { "(hidden)".into() } else { value };
        serde_json::json!({"key": key, "value": value, "origin": origin_of(&loaded.figment, &key)})
    };
    Ok(rows(loaded)?.into_iter().map(row).collect())
}

fn flatten(prefix: String, value: &Value, rows: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(key, value, rows);
            }
        }
        value => rows.push((prefix, value.clone())),
    }
}

fn origin_of(figment: &Figment, key: &str) -> String {
    let Some(metadata) = figment.find_metadata(key) else { return "default".to_owned() };
    match &metadata.source {
        Some(figment::Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => {
            format!("environment SHELF_{}", key.replace('.', "__").to_uppercase())
        }
        _ if figment.find_value(key).is_ok() && metadata.name.contains("Settings") => {
            "default".to_owned()
        }
        _ => "command line".to_owned(),
    }
}
