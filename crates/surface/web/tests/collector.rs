//! A collector is told of requests and of what is counted, in the messages of OTLP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers")]

#[path = "fixture/shop.rs"]
mod shop;

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use shelf_web::{HttpOptions, LogFormat, Otlp, OtlpOptions, install_log};
use shop::Shop;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// What a collector was sent: path, headers, body. It refuses the first metrics.
type Sent = (String, HeaderMap, Bytes);

fn collector() -> (String, Receiver<Sent>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let refused = std::sync::atomic::AtomicBool::new(false);
        let refused = std::sync::Arc::new(refused);
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let tell = tell.clone();
            let measured = uri.path() == "/v1/metrics";
            let first = measured && !refused.swap(true, std::sync::atomic::Ordering::Relaxed);
            async move {
                if first {
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
                // The test may have seen enough.
                let _ = tell.send((uri.path().to_owned(), headers, body));
                StatusCode::OK
            }
        };
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().fallback(take)).await.unwrap();
        });
    });
    (format!("http://{address}/"), told)
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let known = attributes.iter().find(|known| known.key == key)?;
    known.value.as_ref()?.value.as_ref()
}

fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

/// The spans of what was sent.
fn spans(body: &Bytes) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let service = request.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(attribute(&service.attributes, "service.name"), Some(&text("chain-7")));
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

/// How many requests of one route were counted, and how many lie in the buckets of their times.
fn counted(body: &Bytes, route: &str) -> (f64, u64) {
    let request = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
    let resource = &request.resource_metrics[0];
    let service = &resource.resource.as_ref().unwrap().attributes;
    assert_eq!(attribute(service, "service.name"), Some(&text("chain-7")));
    let (mut requests, mut timed) = (0.0, 0);
    for metric in &resource.scope_metrics[0].metrics {
        match (metric.name.as_str(), metric.data.as_ref().unwrap()) {
            ("shelf_http_requests_total", Data::Sum(sum)) => {
                assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
                for point in &sum.data_points {
                    if attribute(&point.attributes, "route") == Some(&text(route))
                        && let Some(Number::AsDouble(value)) = point.value
                    {
                        requests += value;
                    }
                }
            }
            ("shelf_http_request_seconds", Data::Histogram(histogram)) => {
                assert_eq!(metric.unit, "s");
                for point in &histogram.data_points {
                    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    if attribute(&point.attributes, "route") == Some(&text(route)) {
                        timed += point.count;
                    }
                }
            }
            ("shelf_stores", Data::Gauge(gauge)) => {
                assert_eq!(gauge.data_points[0].value, Some(Number::AsDouble(2.0)));
            }
            _ => {}
        }
    }
    (requests, timed)
}

#[test]
fn a_collector_is_told_of_requests_and_of_what_is_counted() {
    let (endpoint, told) = collector();
    let mut otlp = Otlp::start(OtlpOptions {
        endpoint,
        headers: vec![("x-key".to_owned(), "open sesame".to_owned())],
        service: "chain-7".to_owned(),
        interval: Duration::from_millis(300),
    })
    .unwrap();
    let nowhere: Option<fn() -> std::io::Sink> = None;
    assert!(install_log(LogFormat::Json, "warn", nowhere, Some(&otlp)));
    let mut shop = Shop::with(HttpOptions::default(), |_| {});
    otlp.follow(shop.serving.as_ref().unwrap().app());
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    shop.ask("GET", "/api/v1/alerts?limit=7", &[("traceparent", &parent)], b"");
    shop.get("/api/v1/alerts/nowhere/A-1");
    let begun = Instant::now();
    let (mut seen, mut figures) = (Vec::new(), (0.0, 0));
    let names = ["GET /api/v1/alerts", "GET /api/v1/alerts/{store}/{alert}"];
    let all = |seen: &[Span]| names.iter().all(|name| seen.iter().any(|span| span.name == *name));
    while !(all(&seen) && figures.0 >= 1.0) && begun.elapsed() < Duration::from_mins(1) {
        let Ok((path, headers, body)) = told.recv_timeout(Duration::from_secs(20)) else { break };
        assert_eq!(headers["x-key"], "open sesame");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        match path.as_str() {
            "/v1/traces" => seen.extend(spans(&body)),
            "/v1/metrics" => figures = counted(&body, "/api/v1/alerts"),
            other => panic!("nothing belongs at {other}"),
        }
    }
    assert_eq!(figures, (1.0, 1));
    let named = |name: &str| seen.iter().find(|span| span.name == name).expect(name);
    let list = named(names[0]);
    assert_eq!(list.trace_id, u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes());
    assert_eq!(list.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    let status = attribute(&list.attributes, "http.response.status_code");
    assert_eq!(status, Some(&Value::IntValue(200)));
    assert!(list.end_time_unix_nano > list.start_time_unix_nano);
    assert!(!format!("{list:?}").contains("limit"));
    let missing = named(names[1]);
    assert_eq!(attribute(&missing.attributes, "error.type"), Some(&text("unknown_store")));
    // When the server stops, its last requests are told too.
    shop.get("/livez");
    shop.serving.take().unwrap().stop();
    drop(otlp);
    let last: Vec<Sent> = told.try_iter().collect();
    let mut lived =
        last.iter().filter(|sent| sent.0 == "/v1/traces").flat_map(|sent| spans(&sent.2));
    assert!(lived.any(|span| span.name == "GET /livez"));
    let measured = last.iter().rev().find(|sent| sent.0 == "/v1/metrics").unwrap();
    assert!(counted(&measured.2, "/livez").0 >= 1.0);
}

#[test]
fn an_address_that_makes_no_sense_is_refused_and_one_that_is_silent_holds_nobody_up() {
    let options = |endpoint: &str, name: &str| OtlpOptions {
        endpoint: endpoint.to_owned(),
        headers: vec![(name.to_owned(), "value".to_owned())],
        service: "shelf".to_owned(),
        interval: Duration::from_secs(1),
    };
    for (endpoint, name) in [("nowhere", "a"), ("ftp://host", "a"), ("http://host", "no name")] {
        let error = Otlp::start(options(endpoint, name)).err().expect("a refusal");
        assert_eq!(error.code(), "otlp");
    }
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let mut otlp = Otlp::start(options(&address, "a")).unwrap();
    let shop = Shop::open();
    otlp.follow(shop.serving.as_ref().unwrap().app());
    assert_eq!(shop.get("/livez").status, 200);
    drop(shop);
    let begun = Instant::now();
    drop(otlp);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}
