//! Connections of clients to a server, and the token that they show.
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use tonic::Request;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};

use orewatch_contracts::{Class, Failure};

/// Time to make a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Time until a call is answered, where its caller sets none.
const CALL_PATIENCE: Duration = Duration::from_secs(1_800);

/// Connects to a server now, so that a server that is not there is an error here and not at the first call.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no address, [`Class::Unavailable`] if no server answers there.
pub async fn connect(address: &str) -> Result<Channel, Failure> {
    let endpoint = Endpoint::from_shared(address.to_owned())
        .ok()
        .filter(|endpoint| matches!(endpoint.uri().scheme_str(), Some("http" | "https")))
        .ok_or_else(|| {
            Failure::new(Class::Invalid, "invalid-address", "this is no address of a server")
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

/// The token of this process: it has one user, and so one token.
static TOKEN: OnceLock<AsciiMetadataValue> = OnceLock::new();

/// Reads a token from a file, and shows it with every call of this process from now on.
///
/// # Errors
/// [`Class::Invalid`] for a file that cannot be read or holds no token. No error repeats it.
pub fn show_token(file: &Path) -> Result<(), Failure> {
    let wrong = |message: String| {
        Failure::new(Class::Invalid, "invalid-token-file", message)
            .at("token-file", file.display().to_string())
    };
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| wrong(format!("the file of the token cannot be read: {error}")))?;
    let value = AsciiMetadataValue::try_from(format!("Bearer {}", text.trim()));
    let mut value = value.ok().filter(|_| !text.trim().is_empty()).ok_or_else(|| {
        wrong("the file holds no token".to_owned())
            .with_hint("it holds the token in one line, and nothing else")
    })?;
    value.set_sensitive(true);
    // The first one stays: a process reads its settings once.
    let _first = TOKEN.set(value);
    Ok(())
}

/// Makes a request that shows the token and has to be answered within `deadline`.
pub fn within<T>(deadline: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = TOKEN.get() {
        request.metadata_mut().insert("authorization", token.clone());
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
