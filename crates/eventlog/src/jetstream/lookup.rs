//! Single reads. The stream's leader answers them, so that they see every acknowledged append.
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Info, RawMessageError, RawMessageErrorKind, Stream};

use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};

use super::{Trouble, envelope};
use crate::{Extent, NewEvent, Position, Usage};

/// Upper bound on questions asked at the same time.
const MAX_QUESTIONS: usize = 32;

/// What the server says of a stream that is not there.
const NOT_FOUND: &str = "stream not found";

/// Position and id of an event, by which a log is recognised.
pub(super) type Mark = (Position, uuid::Uuid);

/// The range of positions that can be read.
pub(super) async fn extent(stream: &Stream<()>) -> Result<Extent, Trouble> {
    Ok(extent_of(&info(stream).await?))
}

/// The room that a stream takes. Negative limits of NATS mean that there is none.
pub(super) async fn usage(stream: &Stream<()>) -> Result<Usage, Trouble> {
    let info = info(stream).await?;
    let max_bytes = u64::try_from(info.config.max_bytes).ok().filter(|max| *max > 0);
    Ok(Usage { bytes: info.state.bytes, max_bytes })
}

/// What the server says of a stream. A stream that was deleted may be restored: that may pass.
pub(super) async fn info(stream: &Stream<()>) -> Result<Info, Trouble> {
    stream.get_info().await.map_err(|error| match error.to_string() {
        text if text.contains(NOT_FOUND) => {
            Trouble::Passing(format!("its stream was deleted ({text}): restore it, or start a service anew"))
        }
        text => Trouble::Passing(text),
    })
}

/// The range of positions of a stream.
pub(super) fn extent_of(info: &Info) -> Extent {
    let head = info.state.last_sequence;
    let oldest = if info.state.messages == 0 { head + 1 } else { info.state.first_sequence };
    Extent { oldest, head }
}

/// Checks that the event that was read last is still there. The error says what is there instead.
pub(super) async fn check_mark(
    stream: &Stream<()>,
    (position, id): Mark,
) -> Result<Result<(), String>, Trouble> {
    let Some(message) = found(stream.get_raw_message(position).await)? else {
        return Ok(Err(format!("it has no event at position {position} any more")));
    };
    let is_same = message.headers.get(NATS_MESSAGE_ID).is_some_and(|found| found.as_str() == id.to_string());
    Ok(if is_same { Ok(()) } else { Err(format!("another event is at position {position}")) })
}

/// Position of the last message on a subject, which may have wildcards; 0 if there is none.
pub(super) async fn last(stream: &Stream<()>, subject: &str) -> Result<Position, Trouble> {
    let message = found(stream.get_last_raw_message_by_subject(subject).await)?;
    Ok(message.map_or(0, |message| message.sequence))
}

/// Position of the last event on the subject of a stream; 0 if there is none. Messages of others after it are
/// passed over: windows of doubling size before them are searched.
pub(super) async fn last_event(stream: &Stream<()>, log: &str, subject: &str) -> Result<Position, Trouble> {
    let Some(last) = found(stream.get_last_raw_message_by_subject(subject).await)? else { return Ok(0) };
    if envelope::is_ours(log, &last.headers) {
        return Ok(last.sequence);
    }
    let (mut end, mut size) = (last.sequence, 1_u64);
    while end > 1 {
        let start = end.saturating_sub(size).max(1);
        let mut newest = None;
        let mut next = next_event(stream, log, subject, start).await?;
        while let Some(event) = next.filter(|event| event.sequence < end) {
            newest = Some(event.sequence);
            next = next_event(stream, log, subject, event.sequence + 1).await?;
        }
        if let Some(position) = newest {
            return Ok(position);
        }
        (end, size) = (start, size.saturating_mul(2));
    }
    Ok(0)
}

/// The first event of ours on a subject, at a position or after it.
async fn next_event(
    stream: &Stream<()>,
    log: &str,
    subject: &str,
    mut from: Position,
) -> Result<Option<StreamMessage>, Trouble> {
    loop {
        match next_message(stream, subject, from).await? {
            Some(message) if !envelope::is_ours(log, &message.headers) => from = message.sequence + 1,
            message => return Ok(message),
        }
    }
}

/// The first message on a subject, which may have wildcards, at a position or after it.
pub(super) async fn next_message(
    stream: &Stream<()>,
    subject: &str,
    from: Position,
) -> Result<Option<StreamMessage>, Trouble> {
    found(stream.get_first_raw_message_by_subject(subject, from).await)
}

/// The positions of the events, if exactly they follow `expected` on the subject.
///
/// The events of an append are adjacent in the stream, so all but the first are asked for by position, many
/// at a time.
pub(super) async fn known(
    stream: &Stream<()>,
    log: &str,
    subject: &str,
    expected: Position,
    events: &[NewEvent],
) -> Result<Option<Vec<Position>>, Trouble> {
    let (Some(from), Some((first, rest))) = (expected.checked_add(1), events.split_first()) else {
        return Ok(None);
    };
    let next = next_event(stream, log, subject, from).await?;
    let Some(start) =
        next.filter(|message| is_event(message, subject, first)).map(|message| message.sequence)
    else {
        return Ok(None);
    };
    let questions =
        (start + 1..).zip(rest).map(|(position, event)| position_if_held(stream, subject, position, event));
    let mut answers = iter(questions.collect::<Vec<_>>()).buffered(MAX_QUESTIONS);
    let mut positions = vec![start];
    while let Some(position) = answers.try_next().await? {
        match position {
            Some(position) => positions.push(position),
            None => return Ok(None),
        }
    }
    Ok(Some(positions))
}

/// The positions of the events that follow `expected` on the subject, up to the first that does not.
pub(super) async fn beginning(
    stream: &Stream<()>,
    log: &str,
    subject: &str,
    expected: Position,
    events: &[NewEvent],
) -> Result<Vec<Position>, Trouble> {
    let (mut positions, mut last) = (Vec::new(), expected);
    for event in events {
        let Some(from) = last.checked_add(1) else { break };
        let next = next_event(stream, log, subject, from).await?;
        let same = next.filter(|message| is_event(message, subject, event) && message.payload == event.data);
        let Some(message) = same else { break };
        last = message.sequence;
        positions.push(last);
    }
    Ok(positions)
}

/// The position, if this event is there.
async fn position_if_held(
    stream: &Stream<()>,
    subject: &str,
    position: Position,
    event: &NewEvent,
) -> Result<Option<Position>, Trouble> {
    let message = found(stream.get_raw_message(position).await)?;
    Ok(message.is_some_and(|message| is_event(&message, subject, event)).then_some(position))
}

/// Whether a message is this event.
fn is_event(message: &StreamMessage, subject: &str, event: &NewEvent) -> bool {
    let id = message.headers.get(NATS_MESSAGE_ID);
    message.subject.as_str() == subject && id.is_some_and(|id| id.as_str() == event.id.to_string())
}

/// Turns the answer "no message found" into `None`.
fn found(answer: Result<StreamMessage, RawMessageError>) -> Result<Option<StreamMessage>, Trouble> {
    match answer {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Trouble::Passing(error.to_string())),
    }
}
