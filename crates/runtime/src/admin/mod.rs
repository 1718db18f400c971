//! The admin port: what operators and their programs ask a process, apart from its callers.
//!
//! It is off unless an address is named. It changes nothing, asks for no token and shows no figures, but
//! names of datasets and receivers: whoever names an address that other machines reach decides who may read
//! those. It answers until the very end of the stop, because just then somebody wants to know what it waits
//! for.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /metrics` | all metrics, in the text format of Prometheus |
//! | `GET /healthz` | 200 as long as the process answers |
//! | `GET /readyz` | 200 if all services are ready for calls, otherwise 503; the status as JSON |
//! | `GET /status` | states, positions, workers, as JSON |
//! | `POST /dump` | the same, and writes it to the log, as SIGQUIT does |
mod status;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use orewatch_contracts::{Class, Failure};
use prost::bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::Context;
use crate::metrics::MEDIA_TYPE;
use status::Status;
pub(crate) use status::dump;

/// Upper bound on connections at a time. Each is for one request.
const MAX_CONNECTIONS: usize = 32;

/// Time for the head of a request, and for all of it with its answer.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Pause after an error of accepting, such as too many open files.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What is served.
const PATHS: &str = "GET /metrics, /healthz, /readyz, /status; POST /dump\n";

/// Listens on an address for as long as the process runs. Returns the address that it is bound to.
///
/// # Errors
/// [`Class::Unavailable`] if it cannot be bound.
pub async fn listen(context: &Context, address: SocketAddr) -> Result<SocketAddr, Failure> {
    let refused = |error: std::io::Error| {
        Failure::new(Class::Unavailable, "cannot-listen", format!("the admin port cannot listen: {error}"))
            .at("admin", address.to_string())
            .with_hint("another process may use the port: choose another with --admin")
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    tracing::info!(address = %bound, "the admin port is open");
    tokio::spawn(accept(listener, context.clone()));
    Ok(bound)
}

async fn accept(listener: TcpListener, context: Context) {
    let (ended, slots) = (context.ended(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    loop {
        let accepted = tokio::select! {
            () = ended.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ERROR_PAUSE).await;
            continue;
        };
        // Beyond the limit a connection is closed at once.
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
        let context = context.clone();
        tokio::spawn(async move {
            serve(stream, context).await;
            drop(slot);
        });
    }
}

/// Answers one request.
async fn serve(stream: TcpStream, context: Context) {
    let ended = context.ended();
    let service = service_fn(move |request: Request<Incoming>| {
        let (context, method) = (context.clone(), request.method().clone());
        let path = request.uri().path().to_owned();
        async move { Ok::<_, Infallible>(answer(&context, &method, &path).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = ended.cancelled() => {}
        // Whoever leaves or takes too long asks again.
        _ = timeout(REQUEST_TIMEOUT, connection) => {}
    }
}

async fn answer(context: &Context, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let allowed = match path {
        "/metrics" | "/healthz" | "/readyz" | "/status" => Method::GET,
        "/dump" => Method::POST,
        _ => return text(StatusCode::NOT_FOUND, format!("there is nothing here; {PATHS}")),
    };
    if *method != allowed {
        let refused = text(StatusCode::METHOD_NOT_ALLOWED, PATHS.to_owned());
        return with_header(refused, ALLOW, allowed.as_str());
    }
    match path {
        "/metrics" => metrics_page(context).await,
        "/healthz" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => {
            let status = Status::of(context);
            json(if status.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &status)
        }
        "/dump" => {
            dump(context);
            json(StatusCode::OK, &Status::of(context))
        }
        _ => json(StatusCode::OK, &Status::of(context)),
    }
}

/// The metrics. Gathering them may look at all alerts, so it is done on a thread for such work.
async fn metrics_page(context: &Context) -> Response<Full<Bytes>> {
    let (metrics, now) = (context.metrics.clone(), context.clock.now());
    match tokio::task::spawn_blocking(move || metrics.page(now)).await {
        Ok(page) => with_header(text(StatusCode::OK, page), CONTENT_TYPE, MEDIA_TYPE),
        Err(error) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("metrics were not gathered: {error}\n"))
        }
    }
}

fn json(status: StatusCode, value: &Status) -> Response<Full<Bytes>> {
    // Values of this type always have a JSON form.
    let body = serde_json::to_string_pretty(value).unwrap_or_default();
    with_header(text(status, format!("{body}\n")), CONTENT_TYPE, "application/json")
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    with_header(response, CONTENT_TYPE, "text/plain; charset=utf-8")
}

/// The response with a header, which takes the place of one of the same name.
fn with_header(mut response: Response<Full<Bytes>>, name: HeaderName, value: &str) -> Response<Full<Bytes>> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
