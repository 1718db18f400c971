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
//! check in [`source`] reports what was removed. If the same gap comes again the log is damaged
//! ([`Reader::missing`]).
//!
//! [`Item::CaughtUp`] must not come too early, or a service would answer from half of its history. The server
//! says with each message how many are still `pending` for the consumer, but none if nothing matches. So
//! before a consumer is made, the last matching position is looked up (`target`): without anything after
//! `position` the reader is up to date at once; otherwise it is when the message at `target` was passed on,
//! or later whenever nothing is pending.
use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{Message, stream};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{JetStream, Trouble, envelope, lookup, options};
use crate::{Error, Filter, Item, Position, limits};

/// Time after which the server drops a consumer whose reader is gone or asks for nothing.
const CONSUMER_IDLE: Duration = Duration::from_secs(60);

/// Lifetime of one request for messages, and how often the server confirms that it still holds it.
const REQUEST_EXPIRY: Duration = Duration::from_secs(10);
const REQUEST_HEARTBEAT: Duration = Duration::from_secs(2);

/// Upper bounds on one request, in messages and in bytes. Together they bound the memory of each reader, of
/// which there may be many. One event of the largest size fits, headers included.
const MAX_REQUESTED_MESSAGES: usize = 1_000;
const MAX_REQUESTED_BYTES: usize = 1_280 * 1024;

/// One reader of the log.
pub(super) struct Reader {
    log: Box<str>,
    stream: stream::Stream<()>,
    subjects: Vec<String>,
    /// The reader has no filter, so that a gap in the positions means that events are missing.
    is_unfiltered: bool,
    /// Position after the gap that was seen last, before the consumer was made again. The same gap twice is
    /// damage.
    gap: Option<Position>,
    /// What is wrong with the filter, reported by the first call of [`next`](Self::next).
    refused: Option<Error>,
    connections: watch::Receiver<u64>,
    patience: Duration,
    /// Everything that matches up to here was passed on or is in `ready`.
    position: Position,
    source: Option<Source>,
    /// Consumers made since the last message; the pause before the next one grows with them.
    attempts: usize,
    ready: VecDeque<Item>,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

/// A consumer on the server, as long as it can be trusted.
struct Source {
    messages: pull::Stream,
    /// Messages received from the consumer. If its own count is ahead, a message was lost on the way.
    delivered: u64,
    /// Position of the last message that matched when the consumer was made.
    target: Position,
    /// End of the log just before `target` was looked up: up to there the reader is up to date at `target`.
    head: Position,
}

impl Reader {
    pub(super) fn new(
        log: &str,
        nats: &JetStream,
        stream: stream::Stream<()>,
        filter: Filter,
        after: Position,
    ) -> Self {
        let refused = limits::check_filter(log, &filter).err();
        Self {
            log: log.into(),
            stream,
            subjects: subjects(log, &filter),
            is_unfiltered: filter == Filter::All,
            gap: None,
            refused,
            connections: nats.connections.clone(),
            patience: nats.options.reader_patience,
            position: after,
            source: None,
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
        let next = match &mut self.source {
            None => return self.start().await,
            Some(source) => tokio::select! {
                // A message may have been lost with the old connection, and the new one would not show it
                // before another message comes.
                _changed = self.connections.changed() => Err("the connection is new".to_owned()),
                message = source.messages.next() => match message {
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
        tracing::debug!(log = %self.log, position = self.position, reason, "making the consumer again");
        self.source = None;
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
        let deadline = Instant::now() + self.patience;
        let attempt =
            |wait| super::bounded(wait, source(&self.log, &self.stream, &self.subjects, self.position));
        let source = super::patiently(&self.log, deadline, attempt).await?;
        if source.target <= self.position {
            self.caught_up(source.head.max(self.position));
        }
        self.source = Some(source);
        Ok(())
    }

    /// Passes a message on as an event, if it is the one that comes next.
    fn take(&mut self, message: Message) -> Result<(), Error> {
        let Some(source) = &mut self.source else { return Ok(()) };
        let Ok(info) = message.info() else {
            self.renew("a message does not say where it is from");
            return Ok(());
        };
        let (position, pending) = (info.stream_sequence, info.pending);
        source.delivered += 1;
        if info.consumer_sequence != source.delivered {
            self.renew("a message was lost on the way");
            return Ok(());
        }
        let (target, head) = (source.target, source.head);
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
            .map_err(|reason| Error::Corrupt { log: self.log.to_string(), position, reason })?;
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
            return Err(Error::Corrupt { log: self.log.to_string(), position: self.position + 1, reason });
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
async fn source(
    log: &str,
    stream: &stream::Stream<()>,
    subjects: &[String],
    after: Position,
) -> Result<Source, Trouble> {
    let extent = lookup::extent(stream).await?;
    extent.check(log, after).map_err(Trouble::Final)?;
    let mut target = 0;
    for subject in subjects {
        target = lookup::last(stream, subject).await?.max(target);
    }
    let config = pull::Config {
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
    Ok(Source { messages, delivered: 0, target, head: extent.head })
}
