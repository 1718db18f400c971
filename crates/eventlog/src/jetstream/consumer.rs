//! Consumers on the server: how they are made, what they are called, and how a stream is recognised.
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{ConsumerInfoError, ConsumerInfoErrorKind};
use async_nats::jetstream::stream::{self, ConsumerErrorKind};
use tokio::time::Instant;
use uuid::Uuid;

use super::names::Name;
use super::source::Source;
use super::{Trouble, lookup};
use crate::{Error, Extent, Position};

/// Time after which the server drops a consumer whose reader is gone or asks for nothing.
const CONSUMER_IDLE: Duration = Duration::from_secs(60);

/// Lifetime of one request for messages, and how often the server confirms that it still holds it.
const REQUEST_EXPIRY: Duration = Duration::from_secs(10);
const REQUEST_HEARTBEAT: Duration = Duration::from_secs(2);

/// Key of the process in the metadata of a consumer.
const PROCESS: &str = "orewatch-process";

/// Upper bounds on one request, in messages and in bytes. Together they bound the memory of each reader, of
/// which there may be many. One event of the largest size fits, headers included.
const MAX_REQUESTED_MESSAGES: usize = 1_000;
const MAX_REQUESTED_BYTES: usize = 1_280 * 1024;

/// A consumer on the server, as long as it can be trusted.
pub(super) struct Consumer {
    /// The right to its name. `None`: it has a random one.
    name: Option<Name>,
    pub(super) messages: pull::Stream,
    /// Messages received from the consumer. If its own count is ahead, a message was lost on the way.
    pub(super) delivered: u64,
    /// Position of the last message that matched when the consumer was made.
    pub(super) target: Position,
    /// End of the log just before `target` was looked up: up to there the reader is up to date at `target`.
    pub(super) head: Position,
    /// When its stream was made, in nanoseconds since 1970.
    pub(super) created: i128,
}

/// What a reader knows of the stream that it reads. By this it notices another stream in its place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// When the stream was made, in nanoseconds since 1970. `None`: no consumer of it was made yet.
    pub(super) created: Option<i128>,
    /// The last event that was passed on.
    pub(super) last: Option<lookup::Mark>,
}

/// What a consumer starts from.
pub(super) struct Start<'a> {
    pub(super) subjects: &'a [String],
    /// Everything that matches up to here was passed on.
    pub(super) after: Position,
    pub(super) known: Known,
}

impl Consumer {
    /// Says that its name is in use. Returns false if it was taken away.
    pub(super) fn has_name(&self) -> bool {
        self.name.as_ref().is_none_or(|name| name.is_kept(Instant::now()))
    }
}

/// Makes a consumer that starts after a position, on the same stream as the consumer before. The order of
/// the questions matters: the end of the log is asked before the last match, so that everything that matches
/// up to `head` is at or before `target`.
pub(super) async fn make(source: &Source, start: &Start<'_>) -> Result<Consumer, Trouble> {
    let Source { log, stream, .. } = source;
    // Before the name is prepared: of a stream that is gone, this says so.
    let (created, extent) = check(source, start).await?;
    extent.check(log, start.after).map_err(Trouble::Final)?;
    let name = named(source).await?;
    let mut target = 0;
    for subject in start.subjects {
        target = lookup::last(stream, subject).await?.max(target);
    }
    let config = pull::Config {
        name: name.as_ref().map(Name::consumer),
        metadata: metadata(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: start.after + 1 },
        ack_policy: AckPolicy::None,
        filter_subjects: start.subjects.to_vec(),
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
    Ok(Consumer { name, messages, delivered: 0, target, head: extent.head, created })
}

/// Checks that the stream is the one that was read before. A reader that was given nothing yet takes any.
/// Returns when the stream was made, and its extent.
pub(super) async fn check(source: &Source, start: &Start<'_>) -> Result<(i128, Extent), Trouble> {
    let Source { log, stream, .. } = source;
    let info = lookup::info(stream).await?;
    let (created, extent) = (info.created.unix_timestamp_nanos(), lookup::extent_of(&info));
    let replaced = |reason| Trouble::Final(Error::Replaced { log: log.to_string(), reason });
    let Start { after, known, .. } = start;
    if *after > 0 && known.created.is_some_and(|before| before != created) {
        return Err(replaced("its stream was deleted and made anew".to_owned()));
    }
    if *after > 0 && extent.head > 0 && extent.oldest > extent.head {
        return Err(replaced(format!("it was emptied: nothing is left up to position {}", extent.head)));
    }
    // What was removed at the beginning cannot be compared.
    if let Some(mark) = known.last.filter(|(position, _)| (extent.oldest..=extent.head).contains(position)) {
        lookup::check_mark(stream, mark).await?.map_err(replaced)?;
    }
    Ok((created, extent))
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
