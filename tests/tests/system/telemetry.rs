//! Metrics and traces over OTLP: a collector of the test receives them, and every trace from the evaluation
//! to the message is linked to the upload.
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use orewatch_runtime::metrics::{Kind, catalogue};
use orewatch_tests::admin::wait_until;
use orewatch_tests::process::{STOP, Server};
use orewatch_tests::system::{client, file, run};
use orewatch_tests::tools::text;
use tempfile::TempDir;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::metrics::{RULE, TRADE};

/// What a collector has received.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    /// The last state of each metric, by name.
    metrics: BTreeMap<String, Metric>,
    /// Attributes of the process that sent the metrics.
    process: Vec<KeyValue>,
    spans: Vec<Span>,
}

impl Collector {
    /// Starts a collector. Returns its address.
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tonic::transport::Server::builder()
            .add_service(MetricsServiceServer::new(collector.clone()))
            .add_service(TraceServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (collector, address)
    }

    fn look<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.0.lock().expect("no thread has failed"))
    }

    /// The spans of a name.
    fn spans(&self, name: &str) -> Vec<Span> {
        self.look(|received| received.spans.iter().filter(|span| span.name == name).cloned().collect())
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut received = self.0.lock().expect("no thread has failed");
        for of_process in request.into_inner().resource_metrics {
            received.process = of_process.resource.map(|resource| resource.attributes).unwrap_or_default();
            for metric in of_process.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                received.metrics.insert(metric.name.clone(), metric);
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let of_processes = request.into_inner().resource_spans.into_iter();
        let spans = of_processes.flat_map(|spans| spans.scope_spans).flat_map(|scope| scope.spans);
        self.0.lock().expect("no thread has failed").spans.extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// The value of an attribute that is a text.
fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// A receiver of webhooks, which accepts everything.
fn start_receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                // The request is small, and nobody looks at it.
                let _read = stream.read(&mut [0; 64 << 10]);
                let _sent =
                    stream.write_all(b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            });
        }
    });
    url
}

/// Applies a rule, a receiver and a subscription, then ingests trade on which the rule fires. Waits until the
/// message is delivered.
fn fire(server: &Server, folder: &TempDir) {
    let key = file(folder, "key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let url = start_receiver();
    let receiver = format!("id: hook\nwebhook: {{url: '{url}', keys: [{{file: '{key}'}}]}}\n");
    let subscription = "subscriptions:\n  - id: all\n    receiver: hook\n    \
        select: {material: [graphite]}\n    cadence: {wait: 1s}\n";
    let address = format!("http://{}", server.address());
    run(client(&address, &["rules", "apply", &file(folder, "rule.yaml", RULE)]));
    run(client(&address, &["receivers", "apply", &file(folder, "receivers.yaml", &receiver)]));
    run(client(&address, &["subscriptions", "apply", &file(folder, "all.yaml", subscription)]));
    run(client(&address, &["ingest", &file(folder, "trade.csv", TRADE), "--max-rejects", "1"]));
    wait_until("the message is delivered", || {
        let listed = run(client(&address, &["deliveries", "--format", "csv"]));
        text(&listed.stdout).contains(",delivered,")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_receives_metrics_and_traces_that_lead_from_the_upload_to_the_message() {
    let (collector, collector_address) = Collector::start().await;
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data").display().to_string();
    let secrets = folder.path().display().to_string();
    let endpoint = format!("http://{collector_address}");
    let mut server = Server::start(&[
        "up",
        "--data",
        &data,
        "--secrets-dir",
        &secrets,
        "--allow-private",
        "127.0.0.0/8",
        "--otlp-endpoint",
        &endpoint,
    ]);
    // Commands wait for their answers: not on a thread that the collector needs.
    tokio::task::block_in_place(|| {
        fire(&server, &folder);
        server.signal("TERM");
        assert!(server.wait(STOP).success(), "{}", server.process_output());
    });
    check_metrics(&collector);
    check_traces(&collector);
}

/// Checks that what the process recorded has arrived, with the names and kinds of the catalogue.
fn check_metrics(collector: &Collector) {
    let received = collector.look(|received| received.metrics.clone());
    for name in [
        "orewatch_build_info",
        "orewatch_rpc_calls_total",
        "orewatch_log_append_seconds",
        "orewatch_release_rows_total",
        "orewatch_evaluation_seconds",
        "orewatch_delivery_attempts_total",
    ] {
        assert!(received.contains_key(name), "{name} is missing: {:?}", received.keys());
    }
    for metric in received.values() {
        let defined = catalogue::ALL.iter().find(|defined| defined.name == metric.name);
        let defined = defined.unwrap_or_else(|| panic!("{} is in no catalogue", metric.name));
        assert_eq!(metric.description, defined.help());
        let is_of_kind = match metric.data.as_ref().expect("data") {
            Data::Sum(sum) => defined.kind == Kind::Counter && sum.is_monotonic,
            Data::Gauge(_) => defined.kind.type_name() == "gauge",
            Data::Histogram(_) => matches!(defined.kind, Kind::Histogram(_)),
            _ => false,
        };
        assert!(is_of_kind, "{metric:?}");
    }
    let process = collector.look(|received| received.process.clone());
    assert_eq!(attribute(&process, "service.name"), Some("orewatch"));
    assert!(attribute(&process, "service.instance.id").is_some_and(|id| !id.is_empty()));
}

/// Checks that what follows from the upload is in traces of its own that link to it.
fn check_traces(collector: &Collector) {
    let calls = collector.spans("call");
    let upload = calls.iter().find(|call| {
        attribute(&call.attributes, "method").is_some_and(|method| method.ends_with("/IngestFiles"))
    });
    let upload = upload.expect("the call of the upload");
    let mut traces = BTreeSet::from([upload.trace_id.clone()]);
    for name in ["apply", "evaluate", "notify", "deliver"] {
        let spans = collector.spans(name);
        let linked = spans.iter().find(|span| span.links.iter().any(|link| link.trace_id == upload.trace_id));
        let linked = linked.unwrap_or_else(|| panic!("no trace {name} is linked to the upload: {spans:#?}"));
        assert!(traces.insert(linked.trace_id.clone()), "{name} is no trace of its own");
    }
}
