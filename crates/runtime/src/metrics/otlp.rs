//! Metrics over OTLP (gRPC), for a collector.
//!
//! The metrics have the names, units and labels that Prometheus scrapes, and counts since the process
//! started. The message is built here, from the same gathering as the page for Prometheus, so that the two
//! cannot differ; the SDK of OpenTelemetry would keep every number a second time.
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValueKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1 as proto;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::Channel;

use super::definition::{Kind, Label};
use super::family::Series;
use super::{Gathered, Metrics};
use crate::Context;

/// Interval between two exports.
const INTERVAL: Duration = Duration::from_secs(15);

/// Time for one export: a silent collector must not delay the end of the process.
const PATIENCE: Duration = Duration::from_secs(3);

/// Variable with the headers that a collector asks for, `NAME=VALUE,...`, as traces use it.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// Name of the instrumentation.
const SCOPE: &str = "orewatch";

/// Exports the metrics of a process.
pub(crate) struct Exporter {
    client: MetricsServiceClient<Channel>,
    headers: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
    resource: Resource,
    context: Context,
    started: Timestamp,
}

impl Exporter {
    /// An exporter to a collector.
    pub(crate) fn new(collector: Channel, resource: &opentelemetry_sdk::Resource, context: &Context) -> Self {
        let attributes = resource.iter().map(|(key, value)| attribute(key.as_str(), &value.to_string()));
        let resource = Resource { attributes: attributes.collect(), ..Resource::default() };
        let headers = std::env::var(HEADERS).map(|text| parse_headers(&text)).unwrap_or_default();
        let (client, started) = (MetricsServiceClient::new(collector), context.clock.now());
        Self { client, headers, resource, context: context.clone(), started }
    }

    /// Exports at intervals until `end`, and once more then. A collector that does not answer is reported
    /// once.
    pub(crate) async fn run(mut self, end: CancellationToken) {
        let mut was_refused = false;
        loop {
            let is_last = tokio::select! {
                biased;
                () = end.cancelled() => true,
                () = tokio::time::sleep(INTERVAL) => false,
            };
            let outcome = tokio::time::timeout(PATIENCE, self.export()).await;
            let refused = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(reason)) => Some(reason),
                Err(_) => Some(format!("the collector did not answer in {} s", PATIENCE.as_secs())),
            };
            if let Some(reason) = refused.as_ref().filter(|_| !was_refused) {
                tracing::warn!(reason, "metrics are not exported; trying again");
            }
            if was_refused && refused.is_none() {
                tracing::info!("metrics are exported again");
            }
            was_refused = refused.is_some();
            if is_last {
                return;
            }
        }
    }

    async fn export(&mut self) -> Result<(), String> {
        let message = self.message(&self.context.metrics, self.context.clock.now());
        let mut request = tonic::Request::new(message);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        let response = self.client.export(request).await.map_err(|status| status.message().to_owned())?;
        let partial = response.into_inner().partial_success;
        let refused = partial.filter(|partial| partial.rejected_data_points > 0);
        refused.map_or(Ok(()), |partial| Err(partial.error_message))
    }

    fn message(&self, metrics: &Metrics, now: Timestamp) -> ExportMetricsServiceRequest {
        let times = Times { started: nanoseconds(self.started), now: nanoseconds(now) };
        let gathered = metrics.gather(now);
        let metrics = gathered.iter().filter(|gathered| !gathered.series.is_empty());
        let scope = InstrumentationScope {
            name: SCOPE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_metrics = proto::ScopeMetrics {
            scope: Some(scope),
            metrics: metrics.map(|gathered| metric(gathered, times)).collect(),
            ..proto::ScopeMetrics::default()
        };
        let resource_metrics = proto::ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scope_metrics],
            ..proto::ResourceMetrics::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
    }
}

/// When the process started, and the present, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Times {
    started: u64,
    now: u64,
}

fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}

/// A metric as OTLP has it.
fn metric(gathered: &Gathered, times: Times) -> proto::Metric {
    let Gathered { metric, series } = gathered;
    let cumulative = proto::AggregationTemporality::Cumulative.into();
    let numbers = || series.iter().filter_map(|(key, series)| number(metric.labels, key, series, times));
    let data = match metric.kind {
        Kind::Counter => Data::Sum(proto::Sum {
            data_points: numbers().collect(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Kind::Gauge | Kind::Age | Kind::Countdown => {
            Data::Gauge(proto::Gauge { data_points: numbers().collect() })
        }
        Kind::Histogram(bounds) => {
            let points = series
                .iter()
                .filter_map(|(key, series)| histogram(metric.labels, key, series, bounds, times));
            Data::Histogram(proto::Histogram {
                data_points: points.collect(),
                aggregation_temporality: cumulative,
            })
        }
    };
    proto::Metric {
        name: metric.name.to_owned(),
        description: metric.help().to_owned(),
        unit: metric.unit.ucum(),
        data: Some(data),
        ..proto::Metric::default()
    }
}

fn number(
    labels: &[Label],
    values: &[String],
    series: &Series,
    times: Times,
) -> Option<proto::NumberDataPoint> {
    let (value, start) = match series {
        Series::Total(total) => (Value::AsInt(i64::try_from(*total).unwrap_or(i64::MAX)), times.started),
        Series::Value(value) => (Value::AsDouble(*value), 0),
        Series::Distribution(_) => return None,
    };
    Some(proto::NumberDataPoint {
        attributes: attributes(labels, values),
        start_time_unix_nano: start,
        time_unix_nano: times.now,
        value: Some(value),
        ..proto::NumberDataPoint::default()
    })
}

fn histogram(
    labels: &[Label],
    values: &[String],
    series: &Series,
    bounds: &[f64],
    times: Times,
) -> Option<proto::HistogramDataPoint> {
    let Series::Distribution(observed) = series else { return None };
    Some(proto::HistogramDataPoint {
        attributes: attributes(labels, values),
        start_time_unix_nano: times.started,
        time_unix_nano: times.now,
        count: observed.count(),
        sum: Some(observed.sum),
        bucket_counts: observed.counts.clone(),
        explicit_bounds: bounds.to_vec(),
        ..proto::HistogramDataPoint::default()
    })
}

fn attributes(labels: &[Label], values: &[String]) -> Vec<KeyValue> {
    labels.iter().zip(values).map(|(label, value)| attribute(label.name, value)).collect()
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(AnyValueKind::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// Reads `NAME=VALUE,...`. What cannot be a header is left out.
fn parse_headers(text: &str) -> Vec<(AsciiMetadataKey, AsciiMetadataValue)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let parse = |(name, value): (&str, &str)| {
        let name = AsciiMetadataKey::from_bytes(name.trim().to_ascii_lowercase().as_bytes()).ok()?;
        let mut value = AsciiMetadataValue::try_from(value.trim().to_owned()).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    pairs.filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalogue;
    use super::*;

    #[test]
    fn headers_are_read_and_what_is_none_is_left_out() {
        let parsed = parse_headers("Api-Key=secret, x-team = ops,nonsense,b\u{e4}d=1");
        let names: Vec<&str> = parsed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["api-key", "x-team"]);
    }

    #[test]
    fn each_kind_has_its_form() {
        let metrics = Metrics::for_services(&["alerting"]);
        metrics.add(&catalogue::DELIVERY_ATTEMPTS, ["mail", "delivered"], 3);
        metrics.observe(&catalogue::EVALUATION_SECONDS, [], Duration::from_millis(20));
        let now = Timestamp::from_second(100).unwrap();
        metrics.set_deadline(&catalogue::CERTIFICATE_EXPIRY, ["a"], Timestamp::from_second(160).unwrap());
        let times = Times { started: 1, now: 2 };
        let all: Vec<proto::Metric> =
            metrics.gather(now).iter().map(|gathered| metric(gathered, times)).collect();
        let find = |name: &str| all.iter().find(|metric| metric.name == name).unwrap().data.clone().unwrap();
        let Data::Sum(sum) = find("orewatch_delivery_attempts_total") else { panic!("a counter is a sum") };
        assert!(sum.is_monotonic && sum.data_points[0].value == Some(Value::AsInt(3)));
        let Data::Gauge(gauge) = find("orewatch_certificate_expiry_seconds") else { panic!("a gauge") };
        assert_eq!(gauge.data_points[0].value, Some(Value::AsDouble(60.0)));
        let Data::Histogram(histogram) = find("orewatch_evaluation_seconds") else { panic!("a histogram") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.bucket_counts.len()), (1, point.explicit_bounds.len() + 1));
        assert_eq!(point.bucket_counts[1], 1, "0.02 s is above 0.01 s and not above 0.05 s");
    }
}
