//! What is counted, in the messages of OTLP.

use std::time::{Duration, SystemTime};

use axum::http::header;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus::proto::{MetricFamily, MetricType};
use prost::Message as _;

use super::{OtlpOptions, signal};
use crate::app::App;
use crate::operation;

/// Sends every interval until the server stops. What a collector does not take is told in the log;
/// the next sending has everything, for counters go on from the start.
pub(super) async fn send(client: reqwest::Client, options: OtlpOptions, app: App) {
    let begun = nanos();
    let mut stopping = app.stopping();
    let mut well = true;
    loop {
        let last = tokio::time::timeout(options.interval, stopping.wait_for(|stop| *stop));
        let last = last.await.is_ok();
        let sent = once(&client, &options, &app, begun).await;
        match &sent {
            Err(error) if well => {
                tracing::warn!(%error, "the collector does not take what is counted");
            }
            Ok(()) if !well => tracing::info!("the collector takes what is counted again"),
            _ => {}
        }
        well = sent.is_ok();
        if last {
            return;
        }
    }
}

async fn once(
    client: &reqwest::Client,
    options: &OtlpOptions,
    app: &App,
    begun: u64,
) -> Result<(), String> {
    let families = operation::scrape(app).await.map_err(|problem| problem.detail.to_string())?;
    let body = request(&families, &options.service, begun, nanos()).encode_to_vec();
    let mut post = client
        .post(signal(&options.endpoint, "metrics"))
        .header(header::CONTENT_TYPE, "application/x-protobuf")
        .body(body);
    for (name, value) in &options.headers {
        post = post.header(name, value);
    }
    let answer = post.send().await.map_err(|error| error.without_url().to_string())?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answers {status}")),
    }
}

fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_nanos() as u64
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Everything that is counted, as one message.
fn request(
    families: &[MetricFamily],
    service: &str,
    begun: u64,
    now: u64,
) -> ExportMetricsServiceRequest {
    let scope = InstrumentationScope {
        name: "shelf".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let metrics = families.iter().map(|family| metric(family, begun, now)).collect();
    let scope = ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() };
    let resource =
        Resource { attributes: vec![text("service.name", service)], ..Resource::default() };
    let resource = ResourceMetrics {
        resource: Some(resource),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

fn metric(family: &MetricFamily, begun: u64, now: u64) -> Metric {
    let temporality = AggregationTemporality::Cumulative as i32;
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: points(family, begun, now, |metric| metric.get_counter().get_value()),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        MetricType::HISTOGRAM => Data::Histogram(Histogram {
            data_points: family.get_metric().iter().map(|one| spread(one, begun, now)).collect(),
            aggregation_temporality: temporality,
        }),
        _ => Data::Gauge(Gauge {
            data_points: points(family, begun, now, |metric| metric.get_gauge().get_value()),
        }),
    };
    Metric {
        name: family.name().to_owned(),
        description: family.help().to_owned(),
        unit: unit(family.name()).to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// The unit that the name of a metric ends with, as OTLP writes it.
fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    }
}

fn labels(metric: &prometheus::proto::Metric) -> Vec<KeyValue> {
    metric.get_label().iter().map(|label| text(label.name(), label.value())).collect()
}

fn points(
    family: &MetricFamily,
    begun: u64,
    now: u64,
    value: impl Fn(&prometheus::proto::Metric) -> f64,
) -> Vec<NumberDataPoint> {
    let point = |metric: &prometheus::proto::Metric| NumberDataPoint {
        attributes: labels(metric),
        start_time_unix_nano: begun,
        time_unix_nano: now,
        value: Some(Number::AsDouble(value(metric))),
        ..NumberDataPoint::default()
    };
    family.get_metric().iter().map(point).collect()
}

/// Prometheus counts what lies up to each bound; OTLP what lies between two of them.
fn spread(metric: &prometheus::proto::Metric, begun: u64, now: u64) -> HistogramDataPoint {
    let histogram = metric.get_histogram();
    let count = histogram.get_sample_count();
    let (mut bounds, mut counts, mut below) = (Vec::new(), Vec::new(), 0);
    for bucket in histogram.get_bucket() {
        if bucket.upper_bound().is_finite() {
            bounds.push(bucket.upper_bound());
            counts.push(bucket.cumulative_count().saturating_sub(below));
            below = bucket.cumulative_count();
        }
    }
    counts.push(count.saturating_sub(below));
    HistogramDataPoint {
        attributes: labels(metric),
        start_time_unix_nano: begun,
        time_unix_nano: now,
        count,
        sum: Some(histogram.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}
