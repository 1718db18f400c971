//! One HTTP request without TLS: to the admin port of a service, or to the monitoring port of NATS.
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time for the response.
const PATIENCE: Duration = Duration::from_secs(5);

/// Upper bound on the response, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// Sends a request to an address, `http://HOST:PORT`. The error says why there is no response.
pub(crate) async fn request(
    method: Method,
    address: &str,
    default_port: u16,
    path: &str,
) -> Result<(StatusCode, Bytes), String> {
    let uri: Uri = address.parse().map_err(|error| format!("{error}"))?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
    let host = host.ok_or("the address is not http://HOST:PORT")?;
    let response = respond(method, host, uri.port_u16().unwrap_or(default_port), path);
    timeout(PATIENCE, response).await.unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
}

async fn respond(method: Method, host: &str, port: u16, path: &str) -> Result<(StatusCode, Bytes), String> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, port)).await.map_err(|error| error.to_string())?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let request = Request::builder().method(method).uri(path).header("host", host);
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let response = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await;
        Ok::<_, String>((status, body.map_err(|error| error.to_string())?.to_bytes()))
    };
    let mut response = std::pin::pin!(response);
    tokio::select! {
        // What has arrived counts, also if the connection has been closed after it.
        biased;
        response = &mut response => response,
        ended = connection => match ended {
            Ok(()) => response.await,
            Err(error) => Err(error.to_string()),
        },
    }
}
