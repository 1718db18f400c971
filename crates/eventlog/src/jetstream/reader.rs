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
use crate::passed::PassedCounter;
use crate::{Error, Extent, Filter, Item, Position, limits};

/// Time after which the server drops a consumer whose reader is gone or asks for nothing.
const CONSUMER_IDLE: Duration = Duration::from_secs(60);

/// Lifetime of one request for messages, and how often the server confirms that it still holds it.
const REQUEST_EXPIRY: Duration = Duration::from_secs(10);
const REQUEST_HEARTBEAT: Duration = Duration::from_secs(2);

/// How often a reader checks that its stream is still the one that it reads, whether messages come or not.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

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
    /// The last event that was passed on.
    last: Option<lookup::Mark>,
    /// When the stream was made, in seconds and nanoseconds since 1970, as the first consumer found it.
    created: Option<i128>,
    /// When the stream is checked next.
    check_at: Instant,
    /// Counts messages of other programs.
    passed: PassedCounter,
    source: Option<Source>,
    /// Consumers made since the last message; the pause before the next one grows with them.
    attempts: usize,
    ready: VecDeque<Item>,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

/// What a reader comes to.
enum Next {
    Message(Message),
    /// The consumer cannot be trusted any more, and why.
    Renew(String),
    /// It is time to check the stream.
    Check,
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
        passed: PassedCounter,
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
            last: None,
            created: None,
            check_at: Instant::now() + CHECK_INTERVAL,
            passed,
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
                _changed = self.connections.changed() => Next::Renew("the connection is new".to_owned()),
                () = tokio::time::sleep_until(self.check_at) => Next::Check,
                message = source.messages.next() => match message {
                    Some(Ok(message)) => Next::Message(message),
                    Some(Err(error)) => Next::Renew(error.to_string()),
                    None => Next::Renew("the server ended it".to_owned()),
                },
            },
        };
        match next {
            Next::Message(message) => self.take(message),
            Next::Renew(reason) => {
                self.renew(&reason);
                Ok(())
            }
            Next::Check => self.check().await,
        }
    }

    /// Drops the consumer; the next step makes another one, after the cursor.
    fn renew(&mut self, reason: &str) {
        tracing::debug!(log = %self.log, position = self.position, reason, "making the consumer again");
        self.source = None;
    }

    /// Checks that the stream is still the one that is read.
    async fn check(&mut self) -> Result<(), Error> {
        self.check_at = Instant::now() + CHECK_INTERVAL;
        let Self { log, stream, subjects, position, last, created, .. } = self;
        let start = Start { log, subjects, after: *position, last: *last, created: *created };
        let question = async { check_identity(stream, &start, &lookup::info(stream).await?).await };
        match super::bounded(super::ATTEMPT_TIMEOUT, question).await {
            Ok(_) => Ok(()),
            Err(Trouble::Final(error)) => Err(error),
            Err(_) => {
                self.renew("the stream cannot be checked");
                Ok(())
            }
        }
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
        let Self { log, stream, subjects, position, last, created, .. } = &mut *self;
        let start = Start { log, subjects, after: *position, last: *last, created: *created };
        let attempt = |wait| super::bounded(wait, source(stream, &start));
        let (source, created) = super::patiently(log, deadline, attempt).await?;
        (self.created, self.check_at) = (Some(created), Instant::now() + CHECK_INTERVAL);
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
        let headers = message.headers.as_ref();
        if headers.is_some_and(|headers| envelope::is_ours(&self.log, headers)) {
            let event = envelope::event(position, &message.subject, headers, message.payload)
                .map_err(|reason| Error::Corrupt { log: self.log.to_string(), position, reason })?;
            self.last = Some((position, event.id));
            self.ready.push_back(Item::Event(event));
        } else {
            self.pass_over(position, &message.subject);
        }
        self.position = position;
        self.has_caught_up = false;
        if is_whole && position >= target && (pending == 0 || position == target) {
            self.caught_up(position.max(head));
        }
        Ok(())
    }

    /// Counts a message of another program.
    fn pass_over(&self, position: Position, subject: &str) {
        if self.passed.add(position) {
            tracing::warn!(
                log = %self.log,
                position,
                subject,
                "a message of another program is passed over: let nobody else publish on these subjects"
            );
        }
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

/// What a consumer starts from.
struct Start<'a> {
    log: &'a str,
    subjects: &'a [String],
    /// Everything that matches up to here was passed on.
    after: Position,
    /// The last event that was passed on.
    last: Option<lookup::Mark>,
    /// When the stream was made, if a consumer of it was made before.
    created: Option<i128>,
}

/// Makes a consumer that starts after a position, on the same stream as the consumer before. Returns with it
/// when the stream was made. The order of the questions matters: the end of the log is asked before the last
/// match, so that everything that matches up to `head` is at or before `target`.
async fn source(stream: &stream::Stream<()>, start: &Start<'_>) -> Result<(Source, i128), Trouble> {
    let Start { log, subjects, after, .. } = *start;
    let info = lookup::info(stream).await?;
    let (created, extent) = check_identity(stream, start, &info).await?;
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
    Ok((Source { messages, delivered: 0, target, head: extent.head }, created))
}

/// Checks that the stream is the one that was read before. A reader that was given nothing yet takes any.
/// Returns when the stream was made, and its extent.
async fn check_identity(
    stream: &stream::Stream<()>,
    start: &Start<'_>,
    info: &stream::Info,
) -> Result<(i128, Extent), Trouble> {
    let (created, extent) = (info.created.unix_timestamp_nanos(), lookup::extent_of(info));
    let replaced = |reason| Trouble::Final(Error::Replaced { log: start.log.to_owned(), reason });
    if start.after > 0 && start.created.is_some_and(|before| before != created) {
        return Err(replaced("its stream was deleted and made anew".to_owned()));
    }
    if start.after > 0 && extent.head > 0 && extent.oldest > extent.head {
        return Err(replaced(format!("it was emptied: nothing is left up to position {}", extent.head)));
    }
    // What was removed at the beginning cannot be compared.
    if let Some(mark) = start.last.filter(|(position, _)| (extent.oldest..=extent.head).contains(position)) {
        lookup::check_mark(stream, mark).await?.map_err(replaced)?;
    }
    Ok((created, extent))
}
