//! Options of a connection, and the client that they make.
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerAddr, ServerError};
use tokio::sync::watch;

use super::Trouble;
use super::refusals::Refusals;

/// Time for one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval of pings: a half-open connection is noticed after two of them.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// Shortest and longest pause between attempts, before jitter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Options to reach a JetStream log and to set it up.
#[derive(Clone)]
pub struct JetStreamOptions {
    /// Name of the connection, as the server shows it.
    pub name: String,
    /// File with the credentials (JWT and seed) to log in with.
    pub credentials: Option<PathBuf>,
    /// File with the seed of the nkey to log in with.
    pub nkey: Option<PathBuf>,
    /// Token to log in with. A user and password, or a token, may also stand in the URL.
    pub token: Option<String>,
    /// File with certificates to trust beside the system's, PEM.
    pub root_certificates: Option<PathBuf>,
    /// Files with the certificate and the key to show to the server, PEM.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// First part of the subjects on which answers arrive, such as `_INBOX_exposure`: the permissions of a
    /// server can then keep the answers of clients apart.
    pub inbox_prefix: Option<String>,
    /// Name of this process among those of its service, such as `exposure-0`. Its consumers are then called
    /// `exposure-0-0`, `exposure-0-1`, ..., so that the permissions of a server can list them. `None`:
    /// they have random names.
    pub instance: Option<String>,
    /// Makes streams that are not there. Otherwise they are made by whoever administers the server.
    pub makes_streams: bool,
    /// Copies of each message in the cluster: 1, 3 or 5.
    pub replicas: usize,
    /// Tags of the servers on which the copies are placed.
    pub placement_tags: Vec<String>,
    /// Time for which the server itself recognises a repeated id. Later repeats are recognised by reading the
    /// stream.
    pub duplicate_window: Duration,
    /// Upper bound on the size of a log in bytes, beyond which appends are refused. `None`: as much as the
    /// server has room for.
    pub max_log_bytes: Option<u64>,
    /// Time that connecting and opening wait for the server.
    pub opening_patience: Duration,
    /// Time that appending and single questions wait for the server.
    pub patience: Duration,
    /// Time that a reader waits for a server that is gone, before it says so. Who follows the log reads on.
    pub reader_patience: Duration,
}

impl Default for JetStreamOptions {
    fn default() -> Self {
        Self {
            name: "orewatch".to_owned(),
            credentials: None,
            nkey: None,
            token: None,
            root_certificates: None,
            client_certificate: None,
            inbox_prefix: None,
            instance: None,
            makes_streams: true,
            replicas: 1,
            placement_tags: Vec::new(),
            duplicate_window: Duration::from_secs(3600),
            max_log_bytes: None,
            opening_patience: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            reader_patience: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for JetStreamOptions {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamOptions")
            .field("name", &self.name)
            .field("credentials", &self.credentials)
            .field("nkey", &self.nkey)
            .field("token", &self.token.as_ref().map(|_| "..."))
            .field("root_certificates", &self.root_certificates)
            .field("client_certificate", &self.client_certificate)
            .field("inbox_prefix", &self.inbox_prefix)
            .field("instance", &self.instance)
            .field("makes_streams", &self.makes_streams)
            .field("replicas", &self.replicas)
            .field("placement_tags", &self.placement_tags)
            .field("duplicate_window", &self.duplicate_window)
            .field("max_log_bytes", &self.max_log_bytes)
            .field("opening_patience", &self.opening_patience)
            .field("patience", &self.patience)
            .field("reader_patience", &self.reader_patience)
            .finish()
    }
}

/// Parses `nats://HOST:PORT[,nats://HOST:PORT...]`.
pub(super) fn addresses(urls: &str) -> Result<Vec<ServerAddr>, String> {
    // The text may hold a password, so the error does not repeat it.
    let parsed = urls.split(',').map(|url| url.trim().parse::<ServerAddr>());
    parsed.collect::<Result<_, _>>().map_err(|error| format!("its address is not nats://HOST:PORT: {error}"))
}

/// Hosts and ports of servers, without user, password or token, for messages.
pub(super) fn shown(addresses: &[ServerAddr]) -> String {
    let hosts: Vec<_> =
        addresses.iter().map(|address| format!("{}:{}", address.host(), address.port())).collect();
    hosts.join(", ")
}

/// Adds the user or token that an address names, unless the options name an identity.
fn signed_in(client: ConnectOptions, options: &JetStreamOptions, addresses: &[ServerAddr]) -> ConnectOptions {
    if options.token.is_some() || options.nkey.is_some() || options.credentials.is_some() {
        return client;
    }
    let login = addresses.iter().find_map(|address| Some((address.username()?, address.password())));
    match login {
        Some((user, Some(password))) => client.user_and_password(user.to_owned(), password.to_owned()),
        Some((token, None)) => client.token(token.to_owned()),
        None => client,
    }
}

/// Options of the NATS client. Each new connection increments `connections`; what the server refuses goes to
/// `refusals`.
pub(super) async fn client(
    options: &JetStreamOptions,
    addresses: &[ServerAddr],
    connections: watch::Sender<u64>,
    refusals: Refusals,
) -> Result<ConnectOptions, Trouble> {
    let mut client = signed_in(ConnectOptions::new(), options, addresses)
        .name(&options.name)
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .max_reconnects(None)
        .reconnect_delay_callback(pause)
        .event_callback(move |event| {
            let (connections, refusals) = (connections.clone(), refusals.clone());
            async move { observe(&event, &connections, &refusals) }
        });
    if let Some(prefix) = &options.inbox_prefix {
        client = client.custom_inbox_prefix(prefix);
    }
    if let Some(path) = &options.root_certificates {
        client = client.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &options.client_certificate {
        client = client.add_client_certificate(certificate.clone(), key.clone());
    }
    if let Some(token) = &options.token {
        client = client.token(token.clone());
    }
    if let Some(path) = &options.nkey {
        client = client.nkey(seed(path).await?);
    }
    match &options.credentials {
        Some(path) => {
            client.credentials_file(path).await.map_err(|error| unusable("credentials", path, &error))
        }
        None => Ok(client),
    }
}

/// Reads the seed of an nkey. The error does not repeat it.
async fn seed(path: &Path) -> Result<String, Trouble> {
    let text = tokio::fs::read_to_string(path).await.map_err(|error| unusable("nkey", path, &error))?;
    let seed = text.lines().map(str::trim).find(|line| line.starts_with("SU"));
    seed.map(str::to_owned)
        .ok_or_else(|| unusable("nkey", path, &"no line is the seed of a user, which begins with SU"))
}

fn unusable(what: &str, path: &Path, error: &dyn fmt::Display) -> Trouble {
    Trouble::Setup(format!("the {what} file {} cannot be used: {error}", path.display()))
}

/// Logs what happens to the connection, counts new ones, and passes on what the server refuses.
fn observe(event: &Event, connections: &watch::Sender<u64>, refusals: &Refusals) {
    match event {
        Event::ServerError(ServerError::Other(text)) if refusals.observe(text) => {
            tracing::warn!(error = text, "NATS refuses a request");
        }
        Event::Connected => {
            tracing::info!("connected to NATS");
            connections.send_modify(|count| *count += 1);
        }
        Event::Disconnected => tracing::warn!("lost the connection to NATS"),
        // One for each failed attempt to connect: too many for warnings.
        Event::ClientError(error) => tracing::debug!(%error, "NATS client"),
        other => tracing::warn!(event = %other, "NATS"),
    }
}

/// Pause before an attempt. It doubles up to a bound, and half of it is random, so that clients do not come
/// back in step.
pub(super) fn pause(attempt: usize) -> Duration {
    let (shortest, longest) = PAUSES;
    let doublings = u32::try_from(attempt).unwrap_or(u32::MAX).min(16);
    let full = shortest.saturating_mul(1 << doublings).min(longest);
    let half = full / 2;
    let random = RandomState::new().build_hasher().finish() % 1_000;
    half + half.mul_f64(f64::from(u32::try_from(random).unwrap_or(0)) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let addresses =
            addresses("nats://user:secret@127.0.0.1:4222, tls://token@nats.example:4333").unwrap();
        assert_eq!(shown(&addresses), "127.0.0.1:4222, nats.example:4333");
        let options = JetStreamOptions { token: Some("secret".to_owned()), ..JetStreamOptions::default() };
        assert!(!format!("{options:?}").contains("secret"));
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempt in [0, 1, 5, 100, usize::MAX] {
            assert!((PAUSES.0 / 2..=PAUSES.1).contains(&pause(attempt)));
        }
        assert!(pause(10) >= PAUSES.1 / 2);
    }
}
