//! Single reads. The stream's leader answers them, so that they see every acknowledged append.
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageError, RawMessageErrorKind, Stream};

use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};

use super::Trouble;
use crate::{Extent, NewEvent, Position};

/// Upper bound on questions asked at the same time.
const MAX_QUESTIONS: usize = 32;

/// The range of positions that can be read.
pub(super) async fn extent(stream: &Stream<()>) -> Result<Extent, Trouble> {
    let state = stream.get_info().await.map_err(|error| Trouble::Passing(error.to_string()))?.state;
    let head = state.last_sequence;
    let oldest = if state.messages == 0 { head + 1 } else { state.first_sequence };
    Ok(Extent { oldest, head })
}

/// Position of the last message on a subject, which may have wildcards; 0 if there is none.
pub(super) async fn last(stream: &Stream<()>, subject: &str) -> Result<Position, Trouble> {
    let message = found(stream.get_last_raw_message_by_subject(subject).await)?;
    Ok(message.map_or(0, |message| message.sequence))
}

/// The positions of the events, if exactly they follow `expected` on the subject.
///
/// The events of an append are adjacent in the stream, so all but the first are asked for by position, many
/// at a time.
pub(super) async fn known(
    stream: &Stream<()>,
    subject: &str,
    expected: Position,
    events: &[NewEvent],
) -> Result<Option<Vec<Position>>, Trouble> {
    let (Some(from), Some((first, rest))) = (expected.checked_add(1), events.split_first()) else {
        return Ok(None);
    };
    let next = found(stream.get_first_raw_message_by_subject(subject, from).await)?;
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
