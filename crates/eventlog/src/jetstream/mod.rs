//! The log on NATS JetStream: one stream of the server for each log.
//!
//! - **Durable when acknowledged**, if the server flushes before it acknowledges: `sync_interval: always` on
//!   a single server, or three replicas on separate machines. That setting is the server's; a client cannot
//!   see it.
//! - An append of one event is a message with an expectation; one of several is an atomic batch, whose first
//!   message carries the expectation. A lost answer makes the outcome unknown: the same bytes are sent again,
//!   and whatever the server then says is settled by reading the stream from its leader. So an append is
//!   recognised for the log's lifetime.
//! - A reader keeps its own cursor and makes its consumer anew from there after any error, on a new
//!   connection and at a gap in the consumer's count. `reader.rs` explains why.
//! - The server must be 2.12 or later, and the stream exactly as [`JetStreamOptions`] says: the server drops
//!   options that it does not know without a word.
//! - An id that is on the log already is refused within the duplicate window; after that only where it
//!   follows the same expectation is it recognised.
//! - Positions are the stream's sequence numbers: growing, and without gaps as long as nothing is removed.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{Client, ConnectErrorKind, jetstream::stream};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::port::Items;
use crate::{Error, EventLog, Extent, Filter, MAX_APPEND_BYTES, NewEvent, Position, StreamName, limits};

mod append;
mod config;
mod envelope;
mod existing;
mod lookup;
mod options;
mod publish;
mod reader;

pub use options::JetStreamOptions;
use reader::Reader;

/// Time for the answer to one question before it is asked again. It is short, because only this deadline
/// notices an answer that was lost with its connection.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Time for one attempt to append, or for several questions that belong together, before they are repeated.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Upper bound on appends that wait for an acknowledgement. The server takes 50 atomic batches at a time,
/// from all clients together.
const MAX_APPENDS_IN_FLIGHT: usize = 32;

/// Upper bound on the data that waits for an acknowledgement, in KiB.
const MAX_KIB_IN_FLIGHT: usize = 4 * MAX_APPEND_BYTES / 1024;

/// The first version of the server that has atomic batches.
const MIN_SERVER_VERSION: (i64, i64, i64) = (2, 12, 0);

/// The least `max_payload` of a server (1 MiB): it holds the largest event and its headers.
const MIN_MAX_PAYLOAD: usize = 1024 * 1024;

/// Why an attempt did not succeed, by what to do about it.
#[derive(Clone, Debug)]
enum Trouble {
    /// It may pass: try again. The request had no effect.
    Passing(String),
    /// It may pass: try again. The request may have been carried out all the same.
    Unknown(String),
    /// No answer came in time.
    Silence,
    /// The log or the connection is not set up as it must be: give up.
    Setup(String),
    /// It will not pass: give up with this error.
    Final(Error),
}

/// A connection to NATS, from which logs are opened.
#[derive(Clone)]
pub struct JetStream {
    client: Client,
    context: Context,
    options: Arc<JetStreamOptions>,
    /// Number of connections made so far: it changes when a new one is made.
    connections: watch::Receiver<u64>,
}

/// Connects to `nats://HOST:PORT` (or `tls://`, or several, joined by commas), waiting for a server that is
/// not there yet.
///
/// # Errors
/// [`Error::Unavailable`] if no server can be reached within the patience; [`Error::Misconfigured`] for an
/// address or a credentials file that cannot be used. The errors name `nats` as the log.
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
    let context = jetstream::ContextBuilder::new().timeout(QUESTION_TIMEOUT).build(client.clone());
    Ok(JetStream { client, context, options: Arc::new(options), connections })
}

impl JetStream {
    /// Opens a log. Makes its stream if there is none.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] if the server is too old or the stream is not as it must be, naming each
    /// field; [`Error::Unavailable`] if the server cannot be reached within the patience.
    pub async fn open(&self, log: &str) -> Result<Arc<dyn EventLog>, Error> {
        let deadline = Instant::now() + self.options.patience;
        self.check_server().map_err(|reason| misconfigured(log, reason))?;
        let stream = patiently(log, deadline, |wait| bounded(wait, self.stream(log))).await?;
        Ok(Arc::new(JetStreamLog {
            log: log.into(),
            stream,
            nats: self.clone(),
            in_flight: Semaphore::new(MAX_APPENDS_IN_FLIGHT),
            room: Semaphore::new(MAX_KIB_IN_FLIGHT),
        }))
    }

    fn check_server(&self) -> Result<(), String> {
        let info = self.client.server_info();
        let (major, minor, patch) = MIN_SERVER_VERSION;
        if !self.client.is_server_compatible(major, minor, patch) {
            return Err(format!(
                "the NATS server has version {}, but {major}.{minor} is needed",
                info.version
            ));
        }
        if info.max_payload < MIN_MAX_PAYLOAD {
            return Err(format!(
                "the NATS server takes messages of {} bytes, but {MIN_MAX_PAYLOAD} are needed: \
                 set max_payload",
                info.max_payload
            ));
        }
        Ok(())
    }

    /// Finds or makes the stream of a log, and checks that it is set up exactly as it must be.
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
            // Another process made it meanwhile, with other options: compare them on the next attempt.
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

/// An open log.
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

/// Repeats an attempt until it succeeds, until it fails in a way that does not pass, or until the deadline.
/// The attempt must be safe to repeat; its argument is the time that it may take.
async fn patiently<T, F: Future<Output = Result<T, Trouble>>>(
    log: &str,
    deadline: Instant,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<T, Error> {
    let (mut attempts, mut outcome_unknown) = (0, false);
    let mut reason = "no answer in time".to_owned();
    loop {
        match attempt(ATTEMPT_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()))).await {
            Ok(value) => return Ok(value),
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Setup(reason)) => return Err(misconfigured(log, reason)),
            Err(Trouble::Passing(why)) => reason = why,
            Err(Trouble::Unknown(why)) => (reason, outcome_unknown) = (why, true),
            // An earlier reason says more than that this attempt was cut short.
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

/// Limits the time of a question.
async fn bounded<T>(
    wait: Duration,
    question: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::time::timeout(wait, question).await.unwrap_or(Err(Trouble::Silence))
}

fn misconfigured(log: &str, reason: String) -> Error {
    Error::Misconfigured { log: log.to_owned(), reason }
}
