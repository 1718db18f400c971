//! Connections of clients to a server, and the token that they show.
mod connector;
mod token;

use std::sync::Arc;
use std::time::Duration;

use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use orewatch_contracts::{Class, Failure};

use crate::{ClientTls, SystemClock};
use connector::Connector;
pub use token::show_token;

/// Time to make a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Time to make a connection to another process of the same service.
const PEER_CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// Time until a call is answered, where its caller sets none.
const CALL_PATIENCE: Duration = Duration::from_secs(1_800);

/// Connects to a server now, so that a server that is not there is an error here and not at the first call.
/// An address with `https` trusts the authorities of the system.
///
/// # Errors
/// Those of [`connect_with`].
pub async fn connect(address: &str) -> Result<Channel, Failure> {
    connect_with(address, &ClientTls::new(None, None, Arc::new(SystemClock))).await
}

/// Connects to a server as [`connect`] does, with these authorities and this certificate if the address
/// begins with `https`. Later connections of the channel read the files again.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no address, [`Class::Refused`] if one side does not accept the
/// other's certificate, [`Class::Unavailable`] if no server answers there.
pub async fn connect_with(address: &str, tls: &ClientTls) -> Result<Channel, Failure> {
    let endpoint = endpoint(address)?
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(CALL_PATIENCE)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    let connecting = endpoint.connect_with_connector(Connector { tls: tls.clone() });
    let reason = match tokio::time::timeout(CONNECT_PATIENCE, connecting).await {
        Ok(Ok(channel)) => return Ok(channel),
        Ok(Err(error)) => root_cause(&error),
        Err(_) => format!("no answer in {} s", CONNECT_PATIENCE.as_secs()),
    };
    if let Some(refusal) = tls.refusal() {
        return Err(refusal);
    }
    Err(Failure::new(Class::Unavailable, "no-server", format!("no server at {address} ({reason})"))
        .with_hint("start one with `orewatch up`, or name a directory with --data DIR"))
}

/// A channel to another process of the same service, which is connected when it is first used and again after
/// each loss. Its calls set their own deadlines. TLS as in [`connect_with`].
///
/// # Errors
/// [`Class::Invalid`] for a text that is no address.
pub fn connect_lazily(address: &str, tls: &ClientTls) -> Result<Channel, Failure> {
    let endpoint = endpoint(address)?
        .connect_timeout(PEER_CONNECT_PATIENCE)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5));
    Ok(endpoint.connect_with_connector_lazy(Connector { tls: tls.clone() }))
}

/// A channel that is connected when it is first used, and whose calls have to be answered within `patience`.
/// TLS as in [`connect_with`].
///
/// # Errors
/// [`Class::Invalid`] for a text that is no address.
pub(crate) fn connect_later(address: &str, tls: ClientTls, patience: Duration) -> Result<Channel, Failure> {
    let endpoint = endpoint(address)?.connect_timeout(patience).timeout(patience);
    Ok(endpoint.connect_with_connector_lazy(Connector { tls }))
}

fn endpoint(address: &str) -> Result<Endpoint, Failure> {
    let endpoint = Endpoint::from_shared(address.to_owned())
        .ok()
        .filter(|endpoint| matches!(endpoint.uri().scheme_str(), Some("http" | "https")));
    let endpoint = endpoint.ok_or_else(|| {
        Failure::new(Class::Invalid, "invalid-address", "this is no address of a server")
            .at("server", address)
            .with_hint("write https://HOST:PORT or http://HOST:PORT")
    })?;
    endpoint
        .user_agent(concat!("orewatch/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| Failure::internal(format!("the user agent is refused: {error}")))
}

/// Makes a request that shows the token and has to be answered within `deadline`.
pub fn within<T>(deadline: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token::token() {
        request.metadata_mut().insert("authorization", token);
    }
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
