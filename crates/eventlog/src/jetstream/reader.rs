//! A reader of a JetStream log, with a cursor of its own.
//!
//! The server delivers messages to a *consumer*, a cursor that it keeps for us. That cursor cannot be trusted
//! with a log that is folded into state, because it is lost without a sign in three ways:
//!
//! - The client's ordered consumers start from the beginning again if the server restarts before the first
//!   message was delivered.
//! - A message that was on its way when a connection broke is counted as delivered and never comes again.
//! - A consumer ends when nobody asks for `CONSUMER_IDLE`, or when its server loses it: it is kept in memory.
//!
//! So the only cursor that counts is [`Reader::position`], the position of the last event that was passed on.
//! The consumer is disposable: after any error, on every new connection and at any gap in the consumer's own
//! count of messages it is dropped, and another one is made that starts at `position + 1`
//! ([`Reader::start`]). The invariant is that everything that matches up to `position` was passed on or waits
//! in `ready`; whatever a new consumer repeats is at or before `position`, and is dropped.
//!
//! A consumer that starts after position 2, and loses a message on the way:
//!
//! ```text
//! position of the message       3   4   5   6
//! count of the consumer         1   2   3   4
//! messages that arrive          x   x       x
//! messages received             1   2       3     4 was expected to be 3: 6 is dropped,
//! position of the reader    2   3   4   4   4     and a new consumer starts at 5
//! ```
//!
//! A gap in the *positions* is something else: the consumer's count is right, but events between are gone
//! from the log. Only a reader of all of the log can see that, since a filter leaves gaps too. It happens
//! once by chance, when events are removed while a consumer delivers, so the reader starts again and the
//! check in [`consumer`] reports what was removed. If the same gap comes again the log is damaged
//! ([`Reader::missing`]).
//!
//! [`Item::CaughtUp`] must not come too early, or a service would answer from half of its history. The server
//! says with each message how many are still `pending` for the consumer, but none if nothing matches. So
//! before a consumer is made, the last matching position is looked up (`target`): without anything after
//! `position` the reader is up to date at once; otherwise it is when the message at `target` was passed on,
//! or later whenever nothing is pending.
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{ConsumerInfoError, ConsumerInfoErrorKind};
use async_nats::jetstream::stream::{self, ConsumerErrorKind};
use async_nats::jetstream::{ErrorCode, Message};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::names::{Name, Names};
use super::refusals::{Asked, Listener};
use super::{JetStream, Trouble, envelope, lookup, options};
use crate::{Error, Filter, Item, Position, limits};

/// Time after which the server drops a consumer whose reader is gone or asks for nothing.
const CONSUMER_IDLE: Duration = Duration::from_secs(60);

/// Lifetime of one request for messages, and how often the server confirms that it still holds it.
const REQUEST_EXPIRY: Duration = Duration::from_secs(10);
const REQUEST_HEARTBEAT: Duration = Duration::from_secs(2);

/// Questions of the API that a reader asks.
const QUESTIONS: [&str; 6] = [
    "STREAM.INFO",
    "STREAM.MSG.GET",
    "CONSUMER.CREATE",
    "CONSUMER.INFO",
    "CONSUMER.DELETE",
    "CONSUMER.MSG.NEXT",
];

/// Key of the process in the metadata of a consumer.
const PROCESS: &str = "orewatch-process";

/// Upper bounds on one request, in messages and in bytes. Together they bound the memory of each reader, of
/// which there may be many. One event of the largest size fits, headers included.
const MAX_REQUESTED_MESSAGES: usize = 1_000;
const MAX_REQUESTED_BYTES: usize = 1_280 * 1024;

/// What every reader of a log needs.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) log: Arc<str>,
    pub(super) nats: JetStream,
    pub(super) stream: stream::Stream<()>,
    /// Names for the consumers. `None`: they have random names.
    pub(super) names: Option<Arc<Names>>,
}

impl Source {
    /// A reader of what matches after a position.
    pub(super) fn reader(&self, filter: Filter, after: Position) -> Reader {
        Reader::new(self.clone(), filter, after)
    }
}

/// One reader of the log.
pub(super) struct Reader {
    source: Source,
    subjects: Vec<String>,
    /// The questions that it asks the server.
    asked: Asked,
    /// What the server refuses since the consumer was made.
    refusals: Listener,
    /// The reader has no filter, so that a gap in the positions means that events are missing.
    is_unfiltered: bool,
    /// Position after the gap that was seen last, before the consumer was made again. The same gap twice is
    /// damage.
    gap: Option<Position>,
    /// What is wrong with the filter, reported by the first call of [`next`](Self::next).
    refused: Option<Error>,
    connections: watch::Receiver<u64>,
    /// Everything that matches up to here was passed on or is in `ready`.
    position: Position,
    consumer: Option<Consumer>,
    /// Consumers made since the last message; the pause before the next one grows with them.
    attempts: usize,
    ready: VecDeque<Item>,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

/// A consumer on the server, as long as it can be trusted.
struct Consumer {
    /// The right to its name. `None`: it has a random one.
    name: Option<Name>,
    messages: pull::Stream,
    /// Messages received from the consumer. If its own count is ahead, a message was lost on the way.
    delivered: u64,
    /// Position of the last message that matched when the consumer was made.
    target: Position,
    /// End of the log just before `target` was looked up: up to there the reader is up to date at `target`.
    head: Position,
}

impl Reader {
    fn new(source: Source, filter: Filter, after: Position) -> Self {
        let refused = limits::check_filter(&source.log, &filter).err();
        Self {
            subjects: subjects(&source.log, &filter),
            asked: source.nats.asked(&source.log, &QUESTIONS),
            refusals: source.nats.refusals.listen(),
            is_unfiltered: filter == Filter::All,
            gap: None,
            refused,
            connections: source.nats.connections.clone(),
            position: after,
            consumer: None,
            source,
            attempts: 0,
            ready: VecDeque::new(),
            has_caught_up: false,
            ended: false,
        }
    }

    /// The next item. `None` after an error.
    pub(super) async fn next(&mut self) -> Option<Result<Item, Error>> {
        while !self.ended {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            if let Err(error) = self.advance().await {
                self.ended = true;
                return Some(Err(error));
            }
        }
        None
    }

    /// Waits for the next message, or makes a consumer if there is none.
    async fn advance(&mut self) -> Result<(), Error> {
        let next = match &mut self.consumer {
            None => return self.start().await,
            Some(consumer) if !consumer.has_name() => Err("another reader has taken its name".to_owned()),
            Some(consumer) => tokio::select! {
                // A message may have been lost with the old connection, and the new one would not show it
                // before another message comes.
                _changed = self.connections.changed() => Err("the connection is new".to_owned()),
                what = self.refusals.refusal_of(&self.asked) => {
                    return Err(Error::NotPermitted { log: self.source.log.to_string(), what });
                }
                message = consumer.messages.next() => match message {
                    Some(message) => message.map_err(|error| error.to_string()),
                    None => Err("the server ended it".to_owned()),
                },
            },
        };
        match next {
            Ok(message) => self.take(message),
            Err(reason) => {
                self.renew(&reason);
                Ok(())
            }
        }
    }

    /// Drops the consumer; the next step makes another one, after the cursor.
    fn renew(&mut self, reason: &str) {
        tracing::debug!(log = %self.source.log, position = self.position, reason, "making the consumer again");
        self.consumer = None;
    }

    /// Makes a consumer that starts after the cursor.
    async fn start(&mut self) -> Result<(), Error> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        if self.attempts > 0 {
            tokio::time::sleep(options::pause(self.attempts)).await;
        }
        self.attempts += 1;
        self.connections.mark_unchanged();
        let Source { log, nats, .. } = &self.source;
        let deadline = Instant::now() + nats.options.reader_patience;
        let attempt =
            |wait| nats.ask(wait, &self.asked, consumer(&self.source, &self.subjects, self.position));
        let consumer = super::patiently(log, deadline, attempt).await?;
        if consumer.target <= self.position {
            self.caught_up(consumer.head.max(self.position));
        }
        self.consumer = Some(consumer);
        Ok(())
    }

    /// Passes a message on as an event, if it is the one that comes next.
    fn take(&mut self, message: Message) -> Result<(), Error> {
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        let Ok(info) = message.info() else {
            self.renew("a message does not say where it is from");
            return Ok(());
        };
        let (position, pending) = (info.stream_sequence, info.pending);
        consumer.delivered += 1;
        if info.consumer_sequence != consumer.delivered {
            self.renew("a message was lost on the way");
            return Ok(());
        }
        let (target, head) = (consumer.target, consumer.head);
        self.attempts = 0;
        // Delivered before the consumer was made again.
        if position <= self.position {
            return Ok(());
        }
        if self.is_unfiltered && position != self.position + 1 {
            return self.missing(position);
        }
        let message = message.message;
        // An append is seen whole: a reader is never up to date in the middle of a batch.
        let is_whole = !envelope::has_more_in_batch(message.headers.as_ref());
        let event = envelope::event(position, &message.subject, message.headers.as_ref(), message.payload)
            .map_err(|reason| Error::Corrupt { log: self.source.log.to_string(), position, reason })?;
        self.position = position;
        self.has_caught_up = false;
        self.ready.push_back(Item::Event(event));
        if is_whole && position >= target && (pending == 0 || position == target) {
            self.caught_up(position.max(head));
        }
        Ok(())
    }

    /// Handles a gap before `position` in the positions. If the events were removed since the consumer was
    /// made, making another one reports it; if the same gap comes again, the log is damaged.
    fn missing(&mut self, position: Position) -> Result<(), Error> {
        if self.gap == Some(position) {
            let reason = format!("it is missing, and all to position {}", position - 1);
            let log = self.source.log.to_string();
            return Err(Error::Corrupt { log, position: self.position + 1, reason });
        }
        self.gap = Some(position);
        self.renew("events are missing");
        Ok(())
    }

    /// Yields [`Item::CaughtUp`], once after each event.
    fn caught_up(&mut self, position: Position) {
        if !self.has_caught_up {
            self.has_caught_up = true;
            self.ready.push_back(Item::CaughtUp(position));
        }
    }
}

/// NATS subjects that a filter selects.
fn subjects(log: &str, filter: &Filter) -> Vec<String> {
    match filter {
        Filter::All => vec![envelope::subjects(log)],
        Filter::Under(prefix) if prefix.as_str() == log => vec![envelope::subjects(log)],
        Filter::Under(prefix) => {
            let exact = envelope::subject(prefix);
            vec![format!("{exact}.>"), exact]
        }
    }
}

/// Makes a consumer that starts after a position. The order of the questions matters: the end of the log is
/// asked before the last match, so that everything that matches up to `head` is at or before `target`.
async fn consumer(source: &Source, subjects: &[String], after: Position) -> Result<Consumer, Trouble> {
    let Source { log, stream, .. } = source;
    let name = named(source).await?;
    let extent = lookup::extent(stream).await?;
    extent.check(log, after).map_err(Trouble::Final)?;
    let mut target = 0;
    for subject in subjects {
        target = lookup::last(stream, subject).await?.max(target);
    }
    let config = pull::Config {
        name: name.as_ref().map(Name::consumer),
        metadata: metadata(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
        ack_policy: AckPolicy::None,
        filter_subjects: subjects.to_vec(),
        inactive_threshold: CONSUMER_IDLE,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    let passing = |error: &dyn std::error::Error| Trouble::Passing(error.to_string());
    let consumer = stream.create_consumer(config).await.map_err(|error| passing(&error))?;
    let messages = consumer
        .stream()
        .max_messages_per_batch(MAX_REQUESTED_MESSAGES)
        .max_bytes_per_batch(MAX_REQUESTED_BYTES)
        .expires(REQUEST_EXPIRY)
        .heartbeat(REQUEST_HEARTBEAT)
        .messages()
        .await
        .map_err(|error| passing(&error))?;
    Ok(Consumer { name, messages, delivered: 0, target, head: extent.head })
}

/// A name for a consumer, free on the server as well. `None`: the client makes a random one.
async fn named(source: &Source) -> Result<Option<Name>, Trouble> {
    let Some(names) = &source.names else { return Ok(None) };
    let busy = || Trouble::Passing("all consumers that this process may have are in use".to_owned());
    let name = names.take(Instant::now()).ok_or_else(busy)?;
    release(&source.stream, &name.consumer()).await?;
    Ok(Some(name))
}

/// Deletes the consumer that an earlier reader of this name has left, unless another process reads with it.
async fn release(stream: &stream::Stream<()>, name: &str) -> Result<(), Trouble> {
    let found = match stream.consumer_info(name).await {
        Ok(info) => info,
        Err(error) if is_unknown(&error) => return Ok(()),
        Err(error) => return Err(Trouble::Passing(error.to_string())),
    };
    let is_ours = found.config.metadata.get(PROCESS).is_some_and(|process| *process == process_id());
    if !is_ours && found.num_waiting > 0 {
        return Err(Trouble::Passing(format!(
            "another process reads with consumer {name}: is its ordinal used twice?"
        )));
    }
    match stream.delete_consumer(name).await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            // It has gone meanwhile.
            ConsumerErrorKind::JetStream(error) if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND => {
                Ok(())
            }
            _ => Err(Trouble::Passing(error.to_string())),
        },
    }
}

fn is_unknown(error: &ConsumerInfoError) -> bool {
    match error.kind() {
        ConsumerInfoErrorKind::NotFound => true,
        ConsumerInfoErrorKind::JetStream(error) => error.error_code() == ErrorCode::CONSUMER_NOT_FOUND,
        _ => false,
    }
}

/// What the server keeps with a consumer: which process made it.
fn metadata() -> HashMap<String, String> {
    HashMap::from([(PROCESS.to_owned(), process_id())])
}

/// Name of this process, different for each that ever runs.
fn process_id() -> String {
    static PROCESS_ID: LazyLock<Uuid> = LazyLock::new(Uuid::now_v7);
    PROCESS_ID.to_string()
}

impl Consumer {
    /// Says that its name is in use. Returns false if it was taken away.
    fn has_name(&self) -> bool {
        self.name.as_ref().is_none_or(|name| name.is_kept(Instant::now()))
    }
}
