//! The settings: defaults, then a file, then the environment (`SHELF_SECTION__KEY`), then flags.

mod alerts;
mod http;
mod kafka;
mod lake;
mod links;
mod otlp;
mod secret;
mod sql;
mod windows;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use shelf_domain::WindowPlan;
use shelf_engine::Options;
use shelf_eventlog::{LogOptions, TailDamage};
use shelf_host::{Folder, WriterOptions};
use shelf_sources::Foreign;
use shelf_views::QualityLimits;

use crate::args::{Args, Command, KafkaCommand, SqlCommand};
use crate::failure::Failure;
pub(crate) use alerts::{AlertSettings, Route};
use http::HttpSettings;
use kafka::KafkaSettings;
pub(crate) use lake::LakeSettings;
use links::{PostgresSettings, RedisSettings};
use otlp::OtlpSettings;
use sql::SqlSettings;
use windows::WindowSettings;

/// The settings file that is read where no other is named.
const FILE: &str = "shelf.toml";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The data folder.
    pub(crate) data: PathBuf,
    pub(crate) log: LogSettings,
    pub(crate) engine: EngineSettings,
    pub(crate) demo: DemoSettings,
    pub(crate) foreign: ForeignSettings,
    pub(crate) quality: QualitySettings,
    pub(crate) kafka: KafkaSettings,
    pub(crate) lake: LakeSettings,
    pub(crate) sql: SqlSettings,
    pub(crate) http: HttpSettings,
    pub(crate) otlp: OtlpSettings,
    pub(crate) alerts: AlertSettings,
    pub(crate) postgres: PostgresSettings,
    pub(crate) redis: RedisSettings,
    /// The windows that stores keep; without it each keeps those that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) windows: Option<WindowSettings>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForeignSettings {
    /// The time zone of other systems' times without an offset, and of the stores that they name.
    pub(crate) time_zone: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// Partitions of a new log.
    pub(crate) partitions: u32,
    /// The size of a segment, in megabytes.
    pub(crate) segment_mb: u64,
    /// The largest record, in kilobytes.
    pub(crate) max_record_kb: usize,
    /// Keep at least so many of the newest events of each partition.
    pub(crate) retention_events: u64,
    /// Whether a damaged record above what is known to be durable is cut off, with all after it,
    /// when the log is opened. After a loss of power only a person can tell that nothing
    /// acknowledged is lost.
    pub(crate) cut_damaged_tail: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineSettings {
    /// A state is saved after so many events of a partition.
    pub(crate) snapshot_events: u64,
    /// The most events that are submitted at once.
    pub(crate) batch_events: usize,
    /// Threads; 0 means one for each core.
    pub(crate) threads: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoSettings {
    /// Stores of a new demo.
    pub(crate) stores: u32,
    /// The seed of a new demo.
    pub(crate) seed: u64,
    /// Days that a new demo lives through before it goes live.
    pub(crate) warmup_days: u32,
    /// Simulated seconds in a second, or `max`.
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) speed: String,
}

/// From when on the checks of quality warn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QualitySettings {
    /// The age of the last event of a stream.
    pub(crate) freshness_seconds: u32,
    /// How long an open store may be silent.
    pub(crate) silent_store_seconds: u32,
    /// How long nothing may be heard of a product.
    pub(crate) silent_product_days: u32,
    /// Events of a source that were known already, in per cent.
    pub(crate) duplicates_percent: f64,
    /// Events of a source that were late, in per cent.
    pub(crate) late_percent: f64,
    /// Events of a source that went to quarantine, in per cent.
    pub(crate) quarantined_percent: f64,
    /// From arrival to applied, in milliseconds.
    pub(crate) applied_ms: u32,
}

impl Default for QualitySettings {
    fn default() -> Self {
        let limits = QualityLimits::default();
        Self {
            freshness_seconds: limits.freshness_s as u32,
            silent_store_seconds: limits.silent_store_s as u32,
            silent_product_days: limits.silent_product_days as u32,
            duplicates_percent: limits.duplicates_percent,
            late_percent: limits.late_percent,
            quarantined_percent: limits.quarantined_percent,
            applied_ms: limits.applied_ms as u32,
        }
    }
}

impl QualitySettings {
    fn check(&self) -> Result<(), Failure> {
        let whole = [
            ("freshness_seconds", self.freshness_seconds, 1, 31_536_000),
            ("silent_store_seconds", self.silent_store_seconds, 1, 31_536_000),
            ("silent_product_days", self.silent_product_days, 1, 3_650),
            ("applied_ms", self.applied_ms, 1, 3_600_000),
        ];
        for (name, value, from, to) in whole {
            range(&format!("quality.{name}"), value.into(), from, to)?;
        }
        let parts = [
            ("duplicates_percent", self.duplicates_percent),
            ("late_percent", self.late_percent),
            ("quarantined_percent", self.quarantined_percent),
        ];
        for (name, value) in parts {
            if !(0.0..=100.0).contains(&value) {
                let message = format!("quality.{name} is {value}, and must lie between 0 and 100");
                let hint = "correct it, then run `shelf config check`";
                return Err(Failure::new("settings", message, hint));
            }
        }
        Ok(())
    }
}

fn range(name: &str, value: u64, from: u64, to: u64) -> Result<(), Failure> {
    if (from..=to).contains(&value) {
        return Ok(());
    }
    let message = format!("{name} is {value}, and must lie between {from} and {to}");
    Err(Failure::new("settings", message, "correct it, then run `shelf config check`"))
}

/// A number, or a word, as text.
fn number_or_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Text(String),
    }
    Ok(match Either::deserialize(from)? {
        Either::Number(number) => number.to_string(),
        Either::Text(text) => text,
    })
}

impl Default for Settings {
    fn default() -> Self {
        let (log, engine) = (LogOptions::default(), Options::default());
        Self {
            data: PathBuf::from("shelf-data"),
            log: LogSettings {
                partitions: log.partitions,
                segment_mb: log.segment_bytes >> 20,
                max_record_kb: log.max_record_bytes >> 10,
                retention_events: engine.retention_events,
                cut_damaged_tail: false,
            },
            engine: EngineSettings {
                snapshot_events: engine.snapshot_events,
                batch_events: WriterOptions::default().batch_events,
                threads: 0,
            },
            demo: DemoSettings { stores: 1, seed: 42, warmup_days: 28, speed: "60".to_owned() },
            foreign: ForeignSettings { time_zone: "UTC".to_owned() },
            quality: QualitySettings::default(),
            kafka: KafkaSettings::default(),
            lake: LakeSettings::default(),
            sql: SqlSettings::default(),
            http: HttpSettings::default(),
            otlp: OtlpSettings::default(),
            alerts: AlertSettings::default(),
            postgres: PostgresSettings::default(),
            redis: RedisSettings::default(),
            windows: None,
        }
    }
}

/// What the flags of a command say of settings.
fn told_by(command: Command, mut flag: impl FnMut(&'static str, Option<figment::value::Value>)) {
    match command {
        Command::Run(run) => {
            flag("demo.stores", run.stores.map(Into::into));
            flag("demo.seed", run.seed.map(Into::into));
            flag("demo.warmup_days", run.warmup_days.map(Into::into));
            flag("demo.speed", run.speed.map(Into::into));
            flag("sql.listen", run.sql_listen.map(Into::into));
            flag("http.listen", run.listen.map(Into::into));
            flag("kafka.url", run.log.map(Into::into));
        }
        Command::Kafka(KafkaCommand::Init(init)) => {
            flag("kafka.url", init.log.map(Into::into));
            flag("log.partitions", init.partitions.map(Into::into));
        }
        Command::Kafka(KafkaCommand::Feed(feed)) => {
            flag("kafka.url", feed.log.map(Into::into));
        }
        Command::Bridge(bridge) => {
            flag("redis.url", Some(bridge.redis.into()));
            flag("kafka.url", Some(bridge.kafka.into()));
            let streams = Some(bridge.streams).filter(|streams| !streams.is_empty());
            flag("redis.streams", streams.map(Into::into));
            flag("redis.group", Some(bridge.group.into()));
            flag("redis.consumer", bridge.consumer.map(Into::into));
            flag("redis.store", bridge.store.map(Into::into));
        }
        Command::Import(import) => {
            flag("foreign.time_zone", import.time_zone.clone().map(Into::into));
        }
        Command::Sql(sql) => {
            flag("sql.max_rows", sql.max_rows.map(Into::into));
            flag("sql.timeout_seconds", sql.timeout.map(Into::into));
            if let Some(SqlCommand::Serve { listen }) = sql.command {
                flag("sql.listen", listen.map(Into::into));
            }
        }
        Command::Simulate(simulate) => {
            flag("demo.stores", simulate.stores.map(Into::into));
            flag("demo.seed", simulate.seed.map(Into::into));
            flag("log.partitions", simulate.partitions.map(Into::into));
            flag("engine.batch_events", simulate.batch.map(Into::into));
            flag("engine.threads", simulate.threads.map(Into::into));
            flag("engine.snapshot_events", simulate.snapshot_events.map(Into::into));
        }
        _ => {}
    }
}

/// Settings with the figment that knows where each comes from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) figment: Figment,
}

impl Settings {
    pub(crate) fn load(args: &Args) -> Result<Loaded, Failure> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        match &args.config {
            Some(path) if !path.is_file() => {
                let message = format!("there is no settings file {}", path.display());
                return Err(Failure::new("settings", message, "check the path after --config"));
            }
            Some(path) => figment = figment.merge(Toml::file_exact(path)),
            None if Path::new(FILE).is_file() => figment = figment.merge(Toml::file_exact(FILE)),
            None => {}
        }
        // A variable without a section is not a setting, but for the data folder.
        figment = figment.merge(
            Env::prefixed("SHELF_")
                .filter(|key| key == "data" || key.as_str().contains("__"))
                .split("__"),
        );
        let mut flag = |key: &'static str, value: Option<figment::value::Value>| {
            if let Some(value) = value {
                let given = figment::util::nest(key, value);
                figment = std::mem::take(&mut figment).merge(Serialized::globals(given));
            }
        };
        flag("data", args.data.as_deref().map(text));
        told_by(args.chosen(), flag);
        let settings: Self = figment.extract().map_err(|error| wrong(&error))?;
        settings.check()?;
        Ok(Loaded { settings, figment })
    }

    fn check(&self) -> Result<(), Failure> {
        if self.data.as_os_str().is_empty() {
            let message = "data is empty, and must name a folder";
            return Err(Failure::new(
                "settings",
                message,
                "correct it, then run `shelf config check`",
            ));
        }
        range("log.partitions", self.log.partitions.into(), 1, 1_024)?;
        range("log.segment_mb", self.log.segment_mb, 1, 4_096)?;
        range("log.max_record_kb", self.log.max_record_kb as u64, 2_048, 65_536)?;
        range("log.retention_events", self.log.retention_events, 1_000, u64::MAX)?;
        range("engine.snapshot_events", self.engine.snapshot_events, 100, 1_000_000_000)?;
        range("engine.batch_events", self.engine.batch_events as u64, 1, 1_000_000)?;
        range("engine.threads", self.engine.threads as u64, 0, 1_024)?;
        range("demo.stores", self.demo.stores.into(), 1, 10_000)?;
        range("demo.warmup_days", self.demo.warmup_days.into(), 0, 3_650)?;
        self.foreign(shelf_sources::Format::Auto)?;
        self.quality.check()?;
        self.kafka.check()?;
        self.lake.check()?;
        self.sql.check()?;
        self.http.check()?;
        self.otlp.check()?;
        self.alerts.check()?;
        self.postgres.check()?;
        self.redis.check()?;
        self.window_plan()?;
        self.speed().map(|_| ())
    }

    /// Simulated seconds in a second; `None` for as fast as it goes.
    pub(crate) fn speed(&self) -> Result<Option<f64>, Failure> {
        if self.demo.speed == "max" {
            return Ok(None);
        }
        let speed = self.demo.speed.parse().ok();
        match speed.filter(|speed: &f64| (0.01..=100_000.0).contains(speed)) {
            Some(speed) => Ok(Some(speed)),
            None => Err(Failure::new(
                "settings",
                format!("demo.speed is {:?}", self.demo.speed),
                "give a number from 0.01 to 100000, or `max`",
            )),
        }
    }

    /// How lines of other systems are read.
    pub(crate) fn foreign(&self, format: shelf_sources::Format) -> Result<Foreign, Failure> {
        Foreign::new(format, &self.foreign.time_zone).map_err(|error| {
            let hint = error.hint();
            Failure::new("settings", format!("foreign.time_zone: {error}"), hint)
        })
    }

    /// From when on the checks of quality warn.
    pub(crate) fn limits(&self) -> QualityLimits {
        let quality = &self.quality;
        QualityLimits {
            freshness_s: quality.freshness_seconds.into(),
            silent_store_s: quality.silent_store_seconds.into(),
            silent_product_days: quality.silent_product_days.into(),
            duplicates_percent: quality.duplicates_percent,
            late_percent: quality.late_percent,
            quarantined_percent: quality.quarantined_percent,
            applied_ms: quality.applied_ms.into(),
        }
    }

    /// The windows that every store is to keep, where the settings declare any.
    pub(crate) fn window_plan(&self) -> Result<Option<WindowPlan>, Failure> {
        self.windows.as_ref().map(WindowSettings::plan).transpose()
    }

    /// How a chain is opened that brings its stores to the windows of the settings.
    pub(crate) fn planned_options(&self) -> Result<WriterOptions, Failure> {
        Ok(WriterOptions { windows: self.window_plan()?, ..self.writer_options() })
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::at(&self.data)
    }

    pub(crate) fn writer_options(&self) -> WriterOptions {
        let defaults = WriterOptions::default();
        WriterOptions {
            log: LogOptions {
                partitions: self.log.partitions,
                segment_bytes: self.log.segment_mb << 20,
                max_record_bytes: self.log.max_record_kb << 10,
                tail_damage: if self.log.cut_damaged_tail {
                    TailDamage::Cut
                } else {
                    TailDamage::Refuse
                },
                ..defaults.log
            },
            engine: Options {
                snapshot_events: self.engine.snapshot_events,
                retention_events: self.log.retention_events,
                ..defaults.engine
            },
            batch_events: self.engine.batch_events,
            threads: match self.engine.threads {
                0 => defaults.threads,
                threads => threads,
            },
            town: None,
            windows: None,
        }
    }
}

/// What is wrong with a setting, and where it stands.
fn wrong(error: &figment::Error) -> Failure {
    let source = error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref());
    let environment =
        error.metadata.as_ref().is_some_and(|metadata| metadata.name.contains("environment"));
    let place = match source {
        Some(figment::Source::File(path)) => path.display().to_string(),
        _ if environment => "the environment".to_owned(),
        _ => "the command line".to_owned(),
    };
    let key = error.path.join(".").to_lowercase();
    let hint = format!("correct it in {place}, then run `shelf config check`");
    match &error.kind {
        Kind::UnknownField(_, known) => {
            let hint = format!("the settings at that place are {}", known.join(", "));
            Failure::new("settings", format!("there is no setting {key}, as in {place}"), hint)
        }
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            Failure::new("settings", format!("{key} is {found}, and must be {wanted}"), hint)
        }
        other => Failure {
            causes: vec![other.to_string().trim_end().to_owned()],
            ..Failure::new("settings", format!("the settings of {place} cannot be read"), hint)
        },
    }
}

fn text(path: &Path) -> figment::value::Value {
    path.to_string_lossy().into_owned().into()
}
