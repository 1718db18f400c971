//! A reader of a JetStream log, with a cursor of its own.
//!
//! The server delivers messages to a *consumer*, a cursor that it keeps for us. That cursor cannot be trusted
//! with a log that is folded into state, because it is lost without a sign in three ways:
//!
//! - The client's ordered consumers start from the beginning again if the server restarts before the first
//!   message was delivered.
//! - A message that was on its way when a connection broke is counted as delivered and never comes again.
//! - A consumer ends when nobody asks for a minute, or when its server loses it: it is kept in memory.
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
//! check in [`consumer::make`] reports what was removed. If the same gap comes again the log is damaged
//! ([`Reader::missing`]).
//!
//! [`Item::CaughtUp`] must not come too early, or a service would answer from half of its history. The server
//! says with each message how many are still `pending` for the consumer, but none if nothing matches. So
//! before a consumer is made, the last matching position is looked up (`target`): without anything after
//! `position` the reader is up to date at once; otherwise it is when the message at `target` was passed on,
//! or later whenever nothing is pending.
use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::Message;
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::consumer::{self, Consumer, Known, Start};
use super::refusals::{Asked, Listener};
use super::source::Source;
use super::{Trouble, envelope, options};
use crate::{Error, Filter, Item, Position, limits};

/// Questions of the API that a reader asks.
const QUESTIONS: [&str; 6] = [
    "STREAM.INFO",
    "STREAM.MSG.GET",
    "CONSUMER.CREATE",
    "CONSUMER.INFO",
    "CONSUMER.DELETE",
    "CONSUMER.MSG.NEXT",
];

/// How often a reader checks that its stream is still the one that it reads, whether messages come or not.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

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
    known: Known,
    /// When the stream is checked next.
    check_at: Instant,
    consumer: Option<Consumer>,
    /// Consumers made since the last message; the pause before the next one grows with them.
    attempts: usize,
    ready: VecDeque<Item>,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

/// What a reader comes to.
#[expect(clippy::large_enum_variant, reason = "nearly all are messages, and a box for each would cost more")]
enum Next {
    Message(Message),
    /// The consumer cannot be trusted any more, and why.
    Renew(String),
    /// It is time to check the stream.
    Check,
}

impl Reader {
    /// A reader of what matches after a position, on the stream of which something is known.
    pub(super) fn new(source: Source, filter: Filter, after: Position, known: Known) -> Self {
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
            known,
            check_at: Instant::now() + CHECK_INTERVAL,
            consumer: None,
            source,
            attempts: 0,
            ready: VecDeque::new(),
            has_caught_up: false,
            ended: false,
        }
    }

    /// What is known of the stream.
    pub(super) fn known(&self) -> Known {
        self.known
    }

    /// What a consumer would start from now.
    fn begin(&self) -> Start<'_> {
        Start { subjects: &self.subjects, after: self.position, known: self.known }
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
            Some(consumer) if !consumer.has_name() => {
                Next::Renew("another reader has taken its name".to_owned())
            }
            Some(consumer) => tokio::select! {
                // A message may have been lost with the old connection, and the new one would not show it
                // before another message comes.
                _changed = self.connections.changed() => Next::Renew("the connection is new".to_owned()),
                what = self.refusals.refusal_of(&self.asked) => {
                    return Err(Error::NotPermitted { log: self.source.log.to_string(), what });
                }
                () = tokio::time::sleep_until(self.check_at) => Next::Check,
                message = consumer.messages.next() => match message {
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
        let Self { source, position, .. } = &*self;
        tracing::debug!(log = %source.log, position, reason, "making the consumer again");
        self.consumer = None;
    }

    /// Checks that the stream is still the one that is read.
    async fn check(&mut self) -> Result<(), Error> {
        self.check_at = Instant::now() + CHECK_INTERVAL;
        let (nats, start) = (&self.source.nats, self.begin());
        let question = consumer::check(&self.source, &start);
        match nats.ask(super::ATTEMPT_TIMEOUT, &self.asked, question).await {
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
        let (nats, start) = (&self.source.nats, self.begin());
        let deadline = Instant::now() + nats.options.reader_patience;
        let attempt = |wait| nats.ask(wait, &self.asked, consumer::make(&self.source, &start));
        let consumer = super::patiently(&self.source.log, deadline, attempt).await?;
        (self.known.created, self.check_at) = (Some(consumer.created), Instant::now() + CHECK_INTERVAL);
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
        let is_whole = !envelope::has_more_in_append(message.headers.as_ref());
        let headers = message.headers.as_ref();
        if headers.is_some_and(|headers| envelope::is_ours(&self.source.log, headers)) {
            let event = envelope::event(position, &message.subject, headers, message.payload)
                .map_err(|reason| Error::Corrupt { log: self.source.log.to_string(), position, reason })?;
            self.known.last = Some((position, event.id));
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
        if self.source.passed.add(position) {
            tracing::warn!(
                log = %self.source.log,
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
