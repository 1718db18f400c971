//! The way to a server.
use std::time::Duration;

use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::{Class, Failure};

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Longest time until a call answers, where the caller sets none.
const CALL_PATIENCE: Duration = Duration::from_secs(1_800);

/// Connects to a server, now: one that is not there is an error here, not at the first call.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no address, [`Class::Unavailable`] if nobody answers there.
pub async fn connect(address: &str) -> Result<Channel, Failure> {
    let endpoint = Endpoint::from_shared(address.to_owned())
        .ok()
        .filter(|endpoint| matches!(endpoint.uri().scheme_str(), Some("http" | "https")))
        .ok_or_else(|| {
            Failure::new(Class::Invalid, "bad-address", "this is no address of a server")
                .at("server", address)
                .with_hint("write http://HOST:PORT")
        })?
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(CALL_PATIENCE)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .user_agent(concat!("orewatch/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| Failure::internal(format!("the user agent is refused: {error}")))?;
    let connected = tokio::time::timeout(CONNECT_PATIENCE, endpoint.connect()).await;
    let reason = match connected {
        Ok(Ok(channel)) => return Ok(channel),
        Ok(Err(error)) => root_cause(&error),
        Err(_) => format!("no answer in {} s", CONNECT_PATIENCE.as_secs()),
    };
    Err(Failure::new(Class::Unavailable, "no-server", format!("no server at {address} ({reason})"))
        .with_hint("start one with `orewatch up`, or name a directory with --data DIR"))
}

/// A request that has to be answered within a time.
pub fn within<T>(deadline: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
