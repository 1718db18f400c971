//! Single reads, always answered by the stream's leader, so that they see every acknowledged append.
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageError, RawMessageErrorKind, Stream};

use super::Trouble;
use crate::{Extent, NewEvent, Position};

/// What can be read.
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

/// The positions of these events, if exactly they follow `expected` on the subject.
pub(super) async fn known(
    stream: &Stream<()>,
    subject: &str,
    expected: Position,
    events: &[NewEvent],
) -> Result<Option<Vec<Position>>, Trouble> {
    let mut positions = Vec::with_capacity(events.len());
    let mut after = expected;
    for event in events {
        let Some(from) = after.checked_add(1) else { return Ok(None) };
        let next = found(stream.get_first_raw_message_by_subject(subject, from).await)?;
        match next {
            Some(message) if is(&message, event) => {
                after = message.sequence;
                positions.push(message.sequence);
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(positions))
}

fn is(message: &StreamMessage, event: &NewEvent) -> bool {
    message.headers.get(NATS_MESSAGE_ID).is_some_and(|id| id.as_str() == event.id.to_string())
}

fn found(answer: Result<StreamMessage, RawMessageError>) -> Result<Option<StreamMessage>, Trouble> {
    match answer {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Trouble::Passing(error.to_string())),
    }
}
