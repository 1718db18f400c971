//! The log on NATS JetStream: one stream of the server for each log.
//!
//! - **Durable when acknowledged**, if the server flushes before it acknowledges: `sync_interval: always` on a single
//!   server, or three replicas on separate machines. That setting is the server's; a client cannot see it.
//! - An append of one event is a message with an expectation; one of several is an atomic batch, whose first message carries
//!   the expectation. A lost answer makes the outcome unknown: the same bytes are sent again, and whatever the server then
//!   says is settled by reading the stream from its leader. So an append is recognised for the log's lifetime.
//! - A reader keeps its own cursor. Its consumer is made again from there after any error, a new connection or a gap in the
//!   consumer's count: the client's own ordered consumers start from the beginning if the server restarts before the first
//!   message, and a message can be lost between two connections.
//! - The server must be 2.12 or later, and the stream exactly as [`JetStreamOptions`] says: the server drops options that it
//!   does not know without a word.
//! - An id that is on the log already is refused within the duplicate window; after that only where it follows the same
//!   expectation is it recognised.
//! - Positions are the stream's sequence numbers: growing, and without gaps as long as nothing is removed.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{Client, ConnectErrorKind, jetstream::stream};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::port::Items;
use crate::{Error, EventLog, Extent, Filter, LARGEST_APPEND, NewEvent, Position, StreamName, limits};

mod append;
mod config;
mod envelope;
mod lookup;
mod options;
mod publish;
mod reader;

pub use options::JetStreamOptions;
use reader::Reader;

/// How long a question to the server may take before it is repeated: short, since an answer that went under with a
/// connection is noticed by nothing else.
const QUESTION: Duration = Duration::from_secs(2);

/// How long an append, or several questions that belong together, may take before they are repeated.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Most appends that wait for an acknowledgement. The server takes 50 atomic batches at a time, from all clients.
const MOST_IN_FLIGHT: usize = 32;

/// Most data that waits for an acknowledgement, in KiB.
const LARGEST_IN_FLIGHT_KIB: usize = 4 * LARGEST_APPEND / 1024;

/// The oldest server that has atomic batches.
const OLDEST_SERVER: (i64, i64, i64) = (2, 12, 0);

/// A message of 1 MiB, which holds the largest event and its headers.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// What stands in the way of a request.
#[derive(Clone, Debug)]
enum Trouble {
    /// It may pass: try again.
    Passing(String),
    /// It may pass, and what was asked may have been done all the same.
    Unknown(String),
    /// There was no answer in time.
    Silence,
    /// The log or the connection is not set up as it must be.
    Setup(String),
    /// It will not pass.
    Final(Error),
}

/// A connection to NATS, from which logs are opened.
#[derive(Clone)]
pub struct JetStream {
    client: Client,
    context: Context,
    options: Arc<JetStreamOptions>,
    /// Counts the connections that were made.
    connections: watch::Receiver<u64>,
}

/// Connects to `nats://HOST:PORT` (or `tls://`, or several, joined by commas), waiting for a server that is not there yet.
///
/// # Errors
/// [`Error::Unavailable`] if no server can be reached within the patience; [`Error::Misconfigured`] for an address or a
/// credentials file that cannot be used. The errors name `nats` as the log.
pub async fn connect(url: &str, options: JetStreamOptions) -> Result<JetStream, Error> {
    let addresses = options::addresses(url).map_err(|reason| misconfigured("nats", reason))?;
    let deadline = Instant::now() + options.patience;
    let (sender, connections) = watch::channel(0);
    let attempt = || async {
        let client = options::client(&options, sender.clone()).await?;
        client.connect(addresses.as_slice()).await.map_err(|error| match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Trouble::Setup(format!("{} refuses our credentials: {error}", options::shown(&addresses)))
            }
            _ => Trouble::Passing(format!("no NATS server at {}: {error}", options::shown(&addresses))),
        })
    };
    let client = patiently("nats", deadline, |wait| bounded(wait, attempt())).await?;
    let context = jetstream::ContextBuilder::new().timeout(QUESTION).build(client.clone());
    Ok(JetStream { client, context, options: Arc::new(options), connections })
}

impl JetStream {
    /// Opens a log, with its stream if there is none.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] if the server is too old or the stream is not as it must be, naming each field;
    /// [`Error::Unavailable`] if the server cannot be reached within the patience.
    pub async fn open(&self, log: &str) -> Result<Arc<dyn EventLog>, Error> {
        let deadline = Instant::now() + self.options.patience;
        self.check_server().map_err(|reason| misconfigured(log, reason))?;
        let stream = patiently(log, deadline, |wait| bounded(wait, self.stream(log))).await?;
        Ok(Arc::new(JetStreamLog {
            log: log.into(),
            stream,
            nats: self.clone(),
            in_flight: Semaphore::new(MOST_IN_FLIGHT),
            room: Semaphore::new(LARGEST_IN_FLIGHT_KIB),
        }))
    }

    /// Whether a server is connected at present.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    fn check_server(&self) -> Result<(), String> {
        let info = self.client.server_info();
        let (major, minor, patch) = OLDEST_SERVER;
        if !self.client.is_server_compatible(major, minor, patch) {
            return Err(format!(
                "the NATS server has version {}, but {major}.{minor} is needed",
                info.version
            ));
        }
        if info.max_payload < LARGEST_MESSAGE {
            return Err(format!(
                "the NATS server takes messages of {} bytes, but {LARGEST_MESSAGE} are needed: set max_payload",
                info.max_payload
            ));
        }
        Ok(())
    }

    /// The stream of a log, made if there is none, and exactly as it must be.
    async fn stream(&self, log: &str) -> Result<stream::Stream<()>, Trouble> {
        let wanted = config::wanted(log, &self.options);
        let info = match self.context.get_stream(&wanted.name).await {
            Ok(stream) => stream.cached_info().clone(),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    self.create(wanted.clone()).await?
                }
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED =>
                {
                    return Err(Trouble::Setup(
                        "the NATS server runs without JetStream: enable it".to_owned(),
                    ));
                }
                _ => return Err(Trouble::Passing(error.to_string())),
            },
        };
        let drift = config::drift(&wanted, &info.config);
        if !drift.is_empty() {
            let reason = format!("stream {} is not as it must be: {}", wanted.name, drift.join("; "));
            return Err(Trouble::Setup(reason));
        }
        let found = self.context.get_stream_no_info(&wanted.name).await;
        found.map_err(|error| Trouble::Passing(error.to_string()))
    }

    async fn create(&self, wanted: stream::Config) -> Result<stream::Info, Trouble> {
        tracing::info!(stream = wanted.name, replicas = wanted.num_replicas, "making the stream");
        let created = self.context.create_stream(wanted).await;
        created.map(|stream| stream.cached_info().clone()).map_err(|error| match error.kind() {
            // Somebody else made it meanwhile, with other options: compare them on the next attempt.
            CreateStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST => {
                Trouble::Passing(error.to_string())
            }
            // The request itself is refused: other subjects overlap, too many replicas for the cluster, ...
            CreateStreamErrorKind::JetStream(error) if error.code() == 400 || error.code() == 500 => {
                Trouble::Setup(format!("the NATS server does not make its stream: {error}"))
            }
            _ => Trouble::Passing(error.to_string()),
        })
    }
}

impl fmt::Debug for JetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStream").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A log, open.
struct JetStreamLog {
    log: Box<str>,
    stream: stream::Stream<()>,
    nats: JetStream,
    in_flight: Semaphore,
    /// One permit for each KiB that may wait for an acknowledgement.
    room: Semaphore,
}

impl EventLog for JetStreamLog {
    fn name(&self) -> &str {
        &self.log
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move {
            limits::check_append(&self.log, stream, &events)?;
            self.append_checked(stream, expected, &events).await
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let reader = Reader::new(&self.log, &self.nats, self.stream.clone(), filter, after);
        futures_util::stream::unfold(reader, |mut reader| async move {
            reader.next().await.map(|item| (item, reader))
        })
        .boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        async move {
            let subject = envelope::subject(stream);
            let question = |wait| bounded(wait, lookup::last(&self.stream, &subject));
            patiently(&self.log, self.deadline(), question).await
        }
        .boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        patiently(&self.log, self.deadline(), |wait| bounded(wait, lookup::extent(&self.stream))).boxed()
    }
}

impl JetStreamLog {
    fn deadline(&self) -> Instant {
        Instant::now() + self.nats.options.patience
    }
}

impl fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamLog")
            .field("log", &self.log)
            .field("nats", &self.nats)
            .finish_non_exhaustive()
    }
}

/// Tries until it works, until trouble that does not pass, or until the deadline. What is tried changes nothing, or the
/// same thing again. An attempt is told how long it may take.
async fn patiently<T, F: Future<Output = Result<T, Trouble>>>(
    log: &str,
    deadline: Instant,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<T, Error> {
    let (mut attempts, mut outcome_unknown) = (0, false);
    let mut reason = "no answer in time".to_owned();
    loop {
        match attempt(ATTEMPT.min(deadline.saturating_duration_since(Instant::now()))).await {
            Ok(value) => return Ok(value),
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Setup(reason)) => return Err(misconfigured(log, reason)),
            Err(Trouble::Passing(why)) => reason = why,
            Err(Trouble::Unknown(why)) => (reason, outcome_unknown) = (why, true),
            // What was said before tells more than that this attempt was cut short.
            Err(Trouble::Silence) => {}
        }
        let pause = options::pause(attempts);
        attempts += 1;
        if Instant::now() + pause >= deadline {
            return Err(Error::Unavailable { log: log.to_owned(), reason, outcome_unknown });
        }
        tracing::debug!(log, reason, "trying again");
        tokio::time::sleep(pause).await;
    }
}

/// Gives a question up after a while.
async fn bounded<T>(
    wait: Duration,
    question: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::time::timeout(wait, question).await.unwrap_or(Err(Trouble::Silence))
}

fn misconfigured(log: &str, reason: String) -> Error {
    Error::Misconfigured { log: log.to_owned(), reason }
}
