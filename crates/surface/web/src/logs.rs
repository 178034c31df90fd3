//! The log of the server on stderr, for people or for machines.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

use crate::otlp::Otlp;

/// The target of spans. They are of no interest to who reads lines: their level is the lowest.
pub(crate) const SPANS: &str = "shelf_web::span";

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The format of a code.
    pub fn of_code(code: &str) -> Option<Self> {
        match code {
            "pretty" => Some(Self::Pretty),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Writes the log of this process from then on, and sends spans where there is a collector.
/// `filter` is a level such as `info`, or parts with theirs: `warn,shelf_web::access=info`. Without
/// a writer nothing is written. Whether that could be done: once in a process.
pub fn install_log<W>(
    format: LogFormat,
    filter: &str,
    writer: Option<W>,
    otlp: Option<&Otlp>,
) -> bool
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = writer.map(|writer| {
        let lines = fmt::layer().with_writer(writer).with_ansi(false);
        match format {
            LogFormat::Pretty => lines.with_filter(filter).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        }
    });
    let spans = otlp.map(|otlp| {
        let ours = Targets::new().with_target(SPANS, LevelFilter::TRACE);
        let layer = tracing_opentelemetry::layer().with_location(false).with_threads(false);
        layer.with_tracer(otlp.tracer()).with_filter(ours)
    });
    Registry::default().with(lines).with(spans).try_init().is_ok()
}
