//! A reader with its own cursor.
use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{Message, stream};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{JetStream, Trouble, envelope, lookup, options};
use crate::{Error, Filter, Item, Position, limits};

/// How long the server keeps the consumer of a reader that has gone, or that does not ask.
const KEPT: Duration = Duration::from_secs(60);

/// How long a request for messages stands, and how often the server says that it does.
const EXPIRES: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Most that is asked for at a time, in messages and in bytes: memory is bounded by both, for each of many readers. One event of the
/// largest size fits with its headers.
const MOST_MESSAGES: usize = 1_000;
const MOST_BYTES: usize = 1_280 * 1024;

/// One reader of the log.
pub(super) struct Reader {
    log: Box<str>,
    stream: stream::Stream<()>,
    subjects: Vec<String>,
    /// Whether all of the log is read, so that a gap in the positions means that something was removed.
    whole: bool,
    /// Where a gap was seen, before the consumer was made again.
    gap: Option<Position>,
    /// What is wrong with the filter.
    refused: Option<Error>,
    connections: watch::Receiver<u64>,
    patience: Duration,
    /// Everything that matches up to here is given or in `ready`.
    position: Position,
    source: Option<Source>,
    /// Consumers made in vain since the last message.
    attempts: usize,
    ready: VecDeque<Item>,
    /// Whether the end of what is known was said since the last event.
    said: bool,
    ended: bool,
}

/// A consumer on the server.
struct Source {
    messages: pull::Stream,
    /// Messages that the consumer has delivered: a gap in its count is a message that was lost on the way.
    delivered: u64,
    /// The last message that matched when the consumer was made, and where the log ended just before.
    target: Position,
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
            whole: filter == Filter::All,
            gap: None,
            refused,
            connections: nats.connections.clone(),
            patience: nats.options.reader_patience,
            position: after,
            source: None,
            attempts: 0,
            ready: VecDeque::new(),
            said: false,
            ended: false,
        }
    }

    /// The next item; after an error none.
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

    async fn advance(&mut self) -> Result<(), Error> {
        let next = match &mut self.source {
            None => return self.start().await,
            Some(source) => tokio::select! {
                // A message may have been lost with the old connection, and the server would not tell.
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
        if position <= self.position {
            return Ok(());
        }
        if self.whole && position != self.position + 1 {
            return self.missing(position);
        }
        let message = message.message;
        // An append is seen whole: nobody is up to date in the middle of one.
        let whole = !envelope::batch_goes_on(message.headers.as_ref());
        let event = envelope::event(position, &message.subject, message.headers.as_ref(), message.payload)
            .map_err(|reason| Error::Corrupt { log: self.log.to_string(), position, reason })?;
        self.position = position;
        self.said = false;
        self.ready.push_back(Item::Event(event));
        if whole && position >= target && (pending == 0 || position == target) {
            self.caught_up(position.max(head));
        }
        Ok(())
    }

    /// Events before `position` did not come. If they were removed since the reader started, a new start says so.
    fn missing(&mut self, position: Position) -> Result<(), Error> {
        if self.gap == Some(position) {
            let reason = format!("it is missing, and all to position {}", position - 1);
            return Err(Error::Corrupt { log: self.log.to_string(), position: self.position + 1, reason });
        }
        self.gap = Some(position);
        self.renew("events are missing");
        Ok(())
    }

    /// Says once that nothing more is known.
    fn caught_up(&mut self, position: Position) {
        if !self.said {
            self.said = true;
            self.ready.push_back(Item::CaughtUp(position));
        }
    }
}

/// Subjects that a filter takes; none: all of the log.
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
        inactive_threshold: KEPT,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    let passing = |error: &dyn std::error::Error| Trouble::Passing(error.to_string());
    let consumer = stream.create_consumer(config).await.map_err(|error| passing(&error))?;
    let messages = consumer
        .stream()
        .max_messages_per_batch(MOST_MESSAGES)
        .max_bytes_per_batch(MOST_BYTES)
        .expires(EXPIRES)
        .heartbeat(HEARTBEAT)
        .messages()
        .await
        .map_err(|error| passing(&error))?;
    Ok(Source { messages, delivered: 0, target, head: extent.head })
}
