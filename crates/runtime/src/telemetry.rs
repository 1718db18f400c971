//! Logs to stderr, and traces and metrics to a collector where one is configured.
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use orewatch_contracts::{Class, Failure};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::client::connect_later;
use crate::json_lines::{TraceFinder, TracedLines};
use crate::metrics::otlp::Exporter;
use crate::{ClientTls, Context, SystemClock, stderr};

/// Time for one export of traces: a silent collector must not delay the end of the process.
const EXPORT_PATIENCE: Duration = Duration::from_secs(3);

/// Upper bound on lines that wait to be written; beyond it, they are dropped and counted.
const MAX_QUEUED_LINES: usize = 8192;

/// Filter for libraries that log too much below warnings. The configured filter comes after it.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,async_nats=warn,\
    opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry_otlp=warn";

/// Options of logs and traces.
#[derive(Clone, Debug)]
pub struct TelemetryOptions {
    /// Name under which its traces appear, such as `orewatch-exposure`.
    pub service: String,
    /// Which logs are written: a level, or directives such as `info,orewatch_exposure=debug`.
    pub filter: String,
    /// Address of an OTLP collector (gRPC), with http or https. `None`: traces and metrics are not exported.
    pub otlp_endpoint: Option<String>,
    /// Authorities to trust at an address with https (PEM file). `None`: those of the system.
    pub otlp_ca: Option<PathBuf>,
}

/// The telemetry of the process. [`Telemetry::flush`] ends it.
pub struct Telemetry {
    tracer: SdkTracerProvider,
    resource: Resource,
    collector: Option<Channel>,
    /// Lines that are not written yet.
    queued: Option<Queued>,
}

/// The thread that writes the lines of a service, which ends when the first part is dropped, and the number
/// of lines that it had no room for.
type Queued = (WorkerGuard, ErrorCounter);

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Starts the telemetry of the process. Must be called inside the runtime, which the exporter uses. The
    /// format of the lines is that of [`stderr`].
    ///
    /// # Errors
    /// [`Class::Invalid`] for a filter that does not parse or an endpoint that is no address.
    pub fn start(options: &TelemetryOptions) -> Result<Self, Failure> {
        let invalid = |what: &str, value: &str, error: &dyn fmt::Display| {
            Failure::new(Class::Invalid, "invalid-setting", format!("{what} is wrong: {error}"))
                .at(what, value)
        };
        let directives = format!("{QUIET},{}", options.filter);
        let filter = EnvFilter::builder()
            .parse(&directives)
            .map_err(|error| invalid("log-level", &options.filter, &error))?;
        let resource = resource(&options.service);
        let collector = options.otlp_endpoint.as_deref().map(|endpoint| collector(endpoint, options));
        let collector = collector.transpose()?;
        let tracer = tracer(&resource, collector.clone()).map_err(|error| {
            invalid("otlp-endpoint", options.otlp_endpoint.as_deref().unwrap_or_default(), &error)
        })?;

        let finder = TraceFinder::default();
        let lines = tracing_subscriber::fmt::layer();
        let (lines, queued) = if stderr::is_json() {
            log_panics();
            let (queue, queued) = queue();
            let json = lines.with_writer(queue).json().flatten_event(true);
            let json = json.with_current_span(true).with_span_list(false);
            let traced = json.map_event_format(|format| TracedLines { format, finder: finder.clone() });
            (traced.boxed(), Some(queued))
        } else {
            let in_color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            (lines.with_writer(io::stderr).with_ansi(in_color).boxed(), None)
        };
        // Spans carry trace ids whether or not they are exported: events take them along.
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer.tracer("orewatch"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let all = tracing_subscriber::registry().with(filter).with(lines).with(spans).with(finder);
        all.try_init().map_err(|error| {
            Failure::internal(format!("telemetry was started twice in one process: {error}"))
        })?;
        Ok(Self { tracer, resource, collector, queued })
    }

    /// Exports the metrics of a process until it has stopped, and once more then. `None`: no collector is
    /// configured.
    pub(crate) fn export_metrics(&self, context: &Context) -> Option<JoinHandle<()>> {
        let exporter = Exporter::new(self.collector.clone()?, &self.resource, context);
        Some(tokio::spawn(exporter.run(context.ended())))
    }

    /// Sends the traces that were not sent yet, and ends. It is the last thing that a process does. The
    /// exporter blocks its thread, so it runs on a thread of its own; a collector that does not answer costs
    /// `deadline`, and is no error.
    pub async fn flush(self, deadline: Duration) {
        let tracer = self.tracer;
        let flushed = tokio::task::spawn_blocking(move || tracer.shutdown_with_timeout(deadline));
        match tokio::time::timeout(deadline, flushed).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last traces were not exported"),
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not exported"),
            Err(_) => tracing::warn!("the last traces were not exported in time"),
        }
        let dropped = self.queued.as_ref().map_or(0, |(_, dropped)| dropped.dropped_lines());
        if dropped > 0 {
            tracing::warn!(dropped, "lines of the log were dropped, because standard error was not read");
        }
    }
}

/// A writer that never waits for whoever reads standard error: a pipe that nobody reads would stop the
/// service.
fn queue() -> (NonBlocking, Queued) {
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(MAX_QUEUED_LINES);
    let (queue, guard) = builder.thread_name("log").finish(io::stderr());
    let dropped = queue.error_counter();
    (queue, (guard, dropped))
}

/// What is known of the process. Its identifier keeps the metrics of replicas apart.
fn resource(service: &str) -> Resource {
    let attributes = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::now_v7().to_string()),
    ];
    Resource::builder().with_service_name(service.to_owned()).with_attributes(attributes).build()
}

/// The connection to a collector, which is made when there is something to export. Connections of the library
/// itself would read certificates in another way.
fn collector(endpoint: &str, options: &TelemetryOptions) -> Result<Channel, Failure> {
    let tls = ClientTls::new(options.otlp_ca.clone(), None, Arc::new(SystemClock));
    connect_later(endpoint, tls, EXPORT_PATIENCE).map_err(|failure| {
        let message = format!("otlp-endpoint is wrong: {}", failure.message);
        Failure::new(Class::Invalid, "invalid-setting", message)
            .at("otlp-endpoint", endpoint)
            .with_hint("write https://HOST:PORT or http://HOST:PORT")
    })
}

fn tracer(
    resource: &Resource,
    collector: Option<Channel>,
) -> Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    let provider = SdkTracerProvider::builder().with_resource(resource.clone());
    let Some(collector) = collector else { return Ok(provider.build()) };
    let exporter =
        SpanExporter::builder().with_tonic().with_channel(collector).with_timeout(EXPORT_PATIENCE).build()?;
    Ok(provider.with_batch_exporter(exporter).build())
}

/// Writes panics to the log: their usual form would stand between the lines of JSON.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a thread panicked: this is a defect")));
}
