//! The log on NATS JetStream: one stream of the server for each log.
//!
//! - **Durable when acknowledged**, if the server flushes before it acknowledges: `sync_interval: always` on
//!   a single server, or three replicas on separate machines. That setting is the server's; a client cannot
//!   see it.
//! - An append of one event is a message with an expectation; one of several is an atomic batch, whose first
//!   message carries the expectation. A lost answer makes the outcome unknown: the same bytes are sent again,
//!   and whatever the server then says is settled by reading the stream from its leader. So an append is
//!   recognised for the log's lifetime.
//! - Events in order are pipelined: while the server stores one batch, the next is on its way to it, all but
//!   its last message (`in_order.rs` explains why).
//! - A reader keeps its own cursor and makes its consumer anew from there after any error, on a new
//!   connection and at a gap in the consumer's count. `reader.rs` explains why.
//! - The server must be 2.12 or later, and the stream exactly as [`JetStreamOptions`] says: the server drops
//!   options that it does not know without a word. Since 2.15.1 what is acknowledged survives a loss of
//!   power.
//! - Readers that are up to date share one consumer (`tail.rs`); the names of consumers can be fixed, so that
//!   the server's permissions can list them (`names.rs`). What the server refuses fails at once
//!   (`refusals.rs`).
//! - An id that is on the log already is refused within the duplicate window; after that only where it
//!   follows the same expectation is it recognised.
//! - Positions are the stream's sequence numbers: growing, and without gaps as long as nothing is removed.
//! - A message that does not claim to be one of our events was published by another program. Readers pass
//!   over it, expectations too, and it is counted. One that claims to be ours and cannot be read is damage.
//! - A reader that makes its consumer anew checks that the stream was not made anew, does not end before what
//!   was read, and still has the last event that was read (`consumer.rs`). While it waits it checks that now
//!   and then. What it knows of the stream goes along when it begins to follow the tail, and back.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{Client, ConnectErrorKind, jetstream::stream};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::passed::PassedCounter;
use crate::port::Items;
use crate::{
    Error, EventLog, Extent, Filter, MAX_APPEND_BYTES, NewEvent, NewEvents, PassedOver, Position, StreamName,
    Unfinished, Usage, limits,
};

mod append;
mod config;
mod consumer;
mod envelope;
mod existing;
mod grants;
mod in_order;
mod leases;
mod lookup;
mod names;
mod options;
mod permitted;
mod publish;
mod reader;
mod refusals;
mod setup;
mod source;
mod tail;
mod together;

pub use config::{LEASES, StreamSettings, stream_settings};
pub use grants::{Grants, Identity};
pub use names::MAX_NAMES;
use names::Names;
pub use options::JetStreamOptions;
use refusals::{Asked, Refusals};
pub use setup::{Finding, Made, Verdict};
use source::Source;
use tail::{LogReader, SharedTail};
use together::Together;

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

/// The first version of the server of which "acknowledged" means "on the disk" whenever `sync_interval` is
/// `always`: earlier ones could lose acknowledged messages if the power failed while they compacted a file.
const DURABLE_SERVER_VERSION: (i64, i64, i64) = (2, 15, 1);

/// Beginning of the subjects of the server's API.
const API: &str = "$JS.API";

/// Beginning of the subjects on which answers arrive, unless the options say another.
const INBOX: &str = "_INBOX";

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
    /// The server's permissions forbid this: give up.
    NotPermitted(String),
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
    /// What the server refuses.
    refusals: Refusals,
}

/// Connects to `nats://HOST:PORT` (or `tls://`, or several, joined by commas), waiting for a server that is
/// not there yet.
///
/// # Errors
/// [`Error::Unavailable`] if no server can be reached within the patience; [`Error::Misconfigured`] for an
/// address or a credentials file that cannot be used. The errors name `nats` as the log.
pub async fn connect(url: &str, options: JetStreamOptions) -> Result<JetStream, Error> {
    let addresses = options::addresses(url).map_err(|reason| misconfigured("nats", reason))?;
    let deadline = Instant::now() + options.opening_patience;
    let (sender, connections) = watch::channel(0);
    let refusals = Refusals::default();
    let attempt = || async {
        let client = options::client(&options, &addresses, sender.clone(), refusals.clone()).await?;
        client.connect(addresses.as_slice()).await.map_err(|error| match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Trouble::Setup(format!("{} refuses our credentials: {error}", options::shown(&addresses)))
            }
            _ => Trouble::Passing(format!("no NATS server at {}: {error}", options::shown(&addresses))),
        })
    };
    let client = patiently("nats", deadline, |wait| bounded(wait, attempt())).await?;
    let context = jetstream::ContextBuilder::new().timeout(QUESTION_TIMEOUT).build(client.clone());
    Ok(JetStream { client, context, options: Arc::new(options), connections, refusals })
}

impl JetStream {
    /// Opens a log. Makes its stream if there is none and the options allow it.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] if the server is too old, there is no stream, or it is not as it must be,
    /// naming each field; [`Error::NotPermitted`]; [`Error::Unavailable`] if the server cannot be reached
    /// within the patience.
    pub async fn open(&self, log: &str) -> Result<Arc<dyn EventLog>, Error> {
        let deadline = Instant::now() + self.options.opening_patience;
        self.check_server().map_err(|reason| misconfigured(log, reason))?;
        let asked = self.asked(log, &["STREAM.INFO", "STREAM.CREATE"]);
        let stream = patiently(log, deadline, |wait| self.ask(wait, &asked, self.stream(log))).await?;
        let names = self.options.instance.as_deref().map(Names::new);
        Ok(Arc::new(JetStreamLog {
            source: Source {
                log: log.into(),
                nats: self.clone(),
                stream,
                names,
                passed: PassedCounter::default(),
            },
            tail: Arc::default(),
            newest: AtomicU64::new(0),
            in_flight: Semaphore::new(MAX_APPENDS_IN_FLIGHT),
            together: Together::default(),
            room: Semaphore::new(MAX_KIB_IN_FLIGHT),
        }))
    }

    /// Why an acknowledgement of this server may not survive a loss of power, if its version is the reason.
    #[must_use]
    pub fn weakness(&self) -> Option<String> {
        let (major, minor, patch) = DURABLE_SERVER_VERSION;
        let version = self.client.server_info().version;
        (!self.client.is_server_compatible(major, minor, patch)).then(|| {
            format!(
                "the NATS server has version {version}: before {major}.{minor}.{patch} it may lose \
                 acknowledged events if the power fails"
            )
        })
    }

    /// What refusals of some questions of the API about a log are recognised by.
    fn asked(&self, log: &str, questions: &[&str]) -> Asked {
        let stream = config::stream_name(log);
        let publishes = questions.iter().map(|question| format!("{API}.{question}.{stream}")).collect();
        Asked { publishes, inbox: self.inbox().to_owned() }
    }

    fn inbox(&self) -> &str {
        self.options.inbox_prefix.as_deref().unwrap_or(INBOX)
    }

    /// Limits the time of a question, and ends it when the server refuses what it asks.
    fn ask<T>(
        &self,
        wait: Duration,
        asked: &Asked,
        question: impl Future<Output = Result<T, Trouble>>,
    ) -> impl Future<Output = Result<T, Trouble>> {
        // The client's futures take tens of kilobytes, and every caller would carry them.
        let question = Box::pin(question);
        async move {
            let mut refusals = self.refusals.listen();
            tokio::select! {
                biased;
                answer = bounded(wait, question) => answer,
                what = refusals.refusal_of(asked) => Err(Trouble::NotPermitted(what)),
            }
        }
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
                    if !self.options.makes_streams {
                        return Err(Trouble::Passing(format!(
                            "there is no stream {}: make it with `orewatch setup`",
                            wanted.name
                        )));
                    }
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
        let wanted = match self.options.makes_streams {
            true => wanted,
            false => config::tolerated(wanted, &info.config),
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
    source: Source,
    tail: Arc<SharedTail>,
    /// Position of the newest event that was appended from here: where the log ends if nobody else appends.
    newest: AtomicU64,
    in_flight: Semaphore,
    /// Appends that wait for others to be stored with.
    together: Together,
    /// One permit for each KiB that may wait for an acknowledgement.
    room: Semaphore,
}

impl EventLog for JetStreamLog {
    fn name(&self) -> &str {
        &self.source.log
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move {
            limits::check_append(self.name(), stream, &events)?;
            if together::is_small(&events) {
                return self.append_together(stream, expected, &events).await;
            }
            self.append_checked(stream, expected, &events).await
        }
        .boxed()
    }

    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        self.append_pipelined(stream, expected, events).boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let reader = LogReader::new(self.source.clone(), Arc::clone(&self.tail), filter, after);
        futures_util::stream::unfold(reader, |mut reader| async move {
            reader.next().await.map(|item| (item, reader))
        })
        .boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        async move {
            let (Source { nats, stream: own, .. }, subject) = (&self.source, envelope::subject(stream));
            let asked = nats.asked(self.name(), &["STREAM.MSG.GET"]);
            let question = |wait| nats.ask(wait, &asked, lookup::last_event(own, self.name(), &subject));
            patiently(self.name(), self.deadline(), question).await
        }
        .boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        async move {
            let Source { nats, stream, .. } = &self.source;
            let asked = nats.asked(self.name(), &["STREAM.INFO"]);
            let question = |wait| nats.ask(wait, &asked, lookup::extent(stream));
            patiently(self.name(), self.deadline(), question).await
        }
        .boxed()
    }

    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        async move {
            let Source { nats, stream, .. } = &self.source;
            let asked = nats.asked(self.name(), &["STREAM.INFO"]);
            let question = |wait| nats.ask(wait, &asked, lookup::usage(stream));
            patiently(self.name(), self.deadline(), question).await.map(Some)
        }
        .boxed()
    }

    fn passed_over(&self) -> PassedOver {
        self.source.passed.total()
    }
}

impl JetStreamLog {
    fn deadline(&self) -> Instant {
        Instant::now() + self.source.nats.options.patience
    }
}

impl fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamLog")
            .field("log", &self.source.log)
            .field("nats", &self.source.nats)
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
            Err(Trouble::NotPermitted(what)) => {
                return Err(Error::NotPermitted { log: log.to_owned(), what });
            }
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
