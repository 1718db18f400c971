//! The gRPC server of a process, from its start to its orderly stop.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use orewatch_contracts::{Class, Failure};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthReporter;
use tower::layer::layer_fn;

use crate::access::{Gate, Guarded};
use crate::connections::{self, Connection};
use crate::flow::{Bounded, Flow};
use crate::health::DetailedHealth;
use crate::logs::short_name;
use crate::metrics::calls::Counted;
use crate::metrics::{Metrics, catalogue};
use crate::{Access, Clock, Context, Signals, Telemetry, admin, observer, signal, trace};

/// Upper bound on the time of a call: a client may send a large file over a slow line.
const MAX_CALL: Duration = Duration::from_secs(30 * 60);

/// Age at which a connection is renewed, so that load spreads over replicas. Streams resume with their
/// tokens.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(30 * 60);

/// Time that calls may go on after their connection was asked to renew.
const CONNECTION_GRACE: Duration = Duration::from_secs(60);

/// Silence after which a peer is pinged, and the time that it has to answer.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_PATIENCE: Duration = Duration::from_secs(10);

/// Upper bound on calls at a time on one connection.
const MAX_CALLS_PER_CONNECTION: u32 = 256;

/// Flow-control windows: bytes that a peer may send on a call, and on a connection, before they are read.
const CALL_WINDOW_BYTES: u32 = 256 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 512 << 10;

/// Upper bound on the headers of a request, in bytes.
const MAX_HEAD_BYTES: u32 = 16 << 10;

/// Upper bound on a request for reflection, in bytes: it names a service or a type.
const MAX_REFLECTION_BYTES: usize = 4 << 10;

/// Upper bound on the part of the shutdown budget that is kept for the last traces.
const MAX_FLUSH: Duration = Duration::from_secs(3);

/// Configuration of a server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address to listen on. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Full gRPC names of its services. Each is NOT_SERVING until it reports otherwise.
    pub services: Vec<&'static str>,
    /// The source of the present time for its services.
    pub clock: Arc<dyn Clock>,
    /// Time for the orderly stop.
    pub shutdown_budget: Duration,
    /// Who may call, and on which connections.
    pub access: Access,
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    context: Context,
    address: SocketAddr,
    services: Vec<&'static str>,
    budget: Duration,
    close: CancellationToken,
    connections: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Server {
    /// Starts the server: binds the address, lets `build` add the services, then answers calls. Health and
    /// reflection of all contracts are always added.
    ///
    /// # Errors
    /// [`Class::Invalid`] for an address that other machines reach where no tokens are asked for or there is
    /// no TLS, [`Class::Unavailable`] if it cannot be bound or an issuer's keys cannot be read, and those of
    /// `build`.
    pub async fn start(
        self,
        build: impl AsyncFnOnce(Context, &mut RoutesBuilder) -> Result<(), Failure>,
    ) -> Result<Running, Failure> {
        self.access.check_address(self.listen)?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Failure::new(Class::Unavailable, "cannot-listen", format!("cannot listen: {error}"))
                .at("listen", self.listen.to_string())
                .with_hint(
                    "another process may use the port: choose another with --listen, or 127.0.0.1:0 for any",
                )
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::internal(format!("the listener has no address: {error}")))?;

        let reporter = HealthReporter::new();
        for service in &self.services {
            reporter.set_service_status(service, ServingStatus::NotServing).await;
        }
        let names: Vec<&str> = self.services.iter().map(|interface| short_name(interface)).collect();
        let metrics = Metrics::for_services(&names);
        let context = self.context(reporter.clone(), address).with_metrics(metrics.clone());
        let mut routes = Routes::builder();
        routes.add_service(HealthServer::new(DetailedHealth::new(reporter, context.clone())));
        add_reflection(&mut routes)?;
        let prepared = async {
            self.access.start(&context).await?;
            build(context.clone(), &mut routes).await?;
            self.access.load_names(&context).await
        };
        if let Err(failure) = prepared.await {
            // Some services may run already; they must not outlive the failed start.
            context.shutdown.cancel();
            context.tasks.close();
            let _hung = timeout(self.shutdown_budget, context.tasks.wait()).await;
            context.end();
            return Err(failure);
        }

        let (close, flow) = (CancellationToken::new(), Flow::new(context.memory.clone()));
        observe(&context, &flow);
        let tls = self.access.tls();
        let expires_at = tls.as_ref().map(|tls| tls.expires_at().to_string());
        let incoming = connections::accept(listener, tls);
        let gate = Gate::new(self.access, self.clock);
        let answering = answer_calls(incoming, routes.routes(), gate, flow, metrics, close.clone());
        let connections = tokio::spawn(answering);
        tracing::info!(%address, services = ?self.services, certificate_expires_at = expires_at, "listening");
        Ok(Running {
            context,
            address,
            services: self.services,
            budget: self.shutdown_budget,
            close,
            connections,
        })
    }

    /// The context of its services at an address.
    fn context(&self, reporter: HealthReporter, address: SocketAddr) -> Context {
        let context = Context::new(Arc::clone(&self.clock), reporter);
        context.with_address(address).with_actors(self.access.names().clone())
    }
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The context of its services.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Stops in order: reports not ready, takes no new connections, ends streams, lets workers finish what
    /// they hold, and closes the logs with the last of them. Connections that do not end within half of the
    /// budget are cut; a worker that does not end is an error.
    ///
    /// # Errors
    /// The failure that stopped the process, if there is one; [`Class::Unavailable`] naming the workers that
    /// did not end in time.
    pub async fn stop(mut self) -> Result<(), Failure> {
        let stopped = self.stop_in_order().await;
        self.context.end();
        stopped
    }

    async fn stop_in_order(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let (half, end) = (now + self.budget / 2, now + self.budget);
        for service in self.services.iter().copied().chain([""]) {
            self.context.health.set_service_status(service, ServingStatus::NotServing).await;
        }
        self.context.shutdown.cancel();
        self.context.tasks.close();
        // Ends the streams of those who watch the health of a service.
        for service in self.services.iter().copied().chain([""]) {
            self.context.health.clear_service_status(service).await;
        }
        self.close.cancel();
        if timeout_at(half, &mut self.connections).await.is_err() {
            tracing::warn!("some connections did not end in time; they are cut");
            self.connections.abort();
        }
        if timeout_at(end, self.context.tasks.wait()).await.is_err() {
            let names = self.context.running();
            let hung = if names.is_empty() { "a worker".to_owned() } else { names.join(", ") };
            return Err(Failure::new(
                Class::Unavailable,
                "shutdown-timeout",
                format!("not stopped within {} s: {hung}", self.budget.as_secs_f64()),
            )
            .with_hint("nothing that was acknowledged is lost; the rest is done again at the next start"));
        }
        self.context.failure().map_or(Ok(()), Err)
    }
}

/// Runs a server until SIGTERM, SIGINT or a failure of one of its services, then stops it in order and
/// flushes telemetry last. A second signal ends the process at once. `ready` is called with the address once
/// the server listens.
///
/// # Errors
/// Those of [`Server::start`] and [`Running::stop`].
pub async fn serve(
    server: Server,
    telemetry: Telemetry,
    build: impl AsyncFnOnce(Context, &mut RoutesBuilder) -> Result<(), Failure>,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let flush = (server.shutdown_budget / 4).min(MAX_FLUSH);
    let server = Server { shutdown_budget: server.shutdown_budget.saturating_sub(flush), ..server };
    let started = tokio::select! {
        started = server.start(build) => started,
        (signal, _) = signals.next() => {
            tracing::info!(signal, "stopped before everything had started");
            telemetry.flush(flush).await;
            return Ok(());
        }
    };
    let outcome = match started {
        Ok(running) => {
            let exporting = report_on(running.context(), &telemetry)?;
            ready(running.address());
            let failed = running.context().shutdown.clone();
            tokio::select! {
                (signal, _) = signals.next() => tracing::info!(signal, "stopping"),
                () = failed.cancelled() => tracing::info!("stopping: a service cannot go on"),
            }
            signals.exit_on_next();
            let stopped = running.stop().await;
            if let Err(failure) = &stopped {
                // The last line of the log names the first cause.
                tracing::error!(%failure, code = failure.code, "stopped");
            }
            if let Some(exporting) = exporting {
                // What the process did last is exported, if the collector answers.
                let _late = timeout(flush, exporting).await;
            }
            stopped
        }
        Err(failure) => Err(failure),
    };
    if outcome.is_ok() {
        tracing::info!("stopped");
    }
    telemetry.flush(flush).await;
    outcome
}

/// Exports the metrics of a process if a collector is configured, and lets SIGQUIT write its state to the
/// log.
fn report_on(context: &Context, telemetry: &Telemetry) -> Result<Option<JoinHandle<()>>, Failure> {
    let dumped = context.clone();
    signal::answer_quit(move || admin::dump(&dumped))?;
    Ok(telemetry.export_metrics(context))
}

/// Lets metrics be gathered with the state of a process, and looks at its logs at intervals.
fn observe(context: &Context, flow: &Flow) {
    let calls = flow.calls();
    context.metrics.collect_with(move |metrics| {
        metrics.set_count(&catalogue::RPC_ACTIVE, [], calls.count());
    });
    observer::collect(context);
    tokio::spawn(observer::observe(context.clone()));
}

/// Answers calls until `close` is cancelled.
async fn answer_calls(
    incoming: impl Stream<Item = io::Result<Connection>> + Send + 'static,
    routes: Routes,
    gate: Gate,
    flow: Flow,
    metrics: Metrics,
    close: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let bounds = flow.clone();
    let server = tonic::transport::Server::builder()
        // For programs that do not speak gRPC, such as readers of feeds.
        .accept_http1(true)
        .timeout(MAX_CALL)
        .max_concurrent_streams(MAX_CALLS_PER_CONNECTION)
        .max_connection_age(MAX_CONNECTION_AGE)
        .max_connection_age_grace(CONNECTION_GRACE)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_PATIENCE))
        .initial_stream_window_size(CALL_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(MAX_HEAD_BYTES)
        .trace_fn(trace::call_span)
        .layer(layer_fn(move |inner| Counted::new(metrics.clone(), inner)))
        .layer(layer_fn(move |inner| Guarded::new(gate.clone(), inner)))
        .layer(layer_fn(move |inner| Bounded::new(bounds.clone(), inner)))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, close.cancelled_owned());
    tokio::select! {
        ended = server => ended,
        () = flow.sweep() => Ok(()),
    }
}

fn add_reflection(routes: &mut RoutesBuilder) -> Result<(), Failure> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(orewatch_contracts::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let broken = |error| Failure::internal(format!("the contracts cannot be reflected: {error}"));
    let v1 = builder().build_v1().map_err(broken)?;
    routes.add_service(v1.max_decoding_message_size(MAX_REFLECTION_BYTES));
    let v1alpha = builder().build_v1alpha().map_err(broken)?;
    routes.add_service(v1alpha.max_decoding_message_size(MAX_REFLECTION_BYTES));
    Ok(())
}
