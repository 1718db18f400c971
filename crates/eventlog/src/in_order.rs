//! Appending many events to one stream in their order.
use futures_util::{FutureExt as _, Stream, StreamExt as _};

use crate::limits::{GROUP_BYTES, GROUP_EVENTS};
use crate::{Error, EventLog, Filter, Item, NewEvent, Position, StreamName};

/// Events to append in their order, as they become ready.
pub type NewEvents<'a> = dyn Stream<Item = NewEvent> + Send + Unpin + 'a;

/// Why [`EventLog::append_in_order`] ended before the last event, and what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The error of the append that ended it. A conflict names the position that was expected: `last`.
    pub error: Error,
    /// Position of the last event that is known to be stored; what was expected at first, if none is.
    pub last: Position,
    /// The events that were taken and are not known to be stored, in their order. Some of the first may be on
    /// the log all the same if the error says that the outcome is unknown.
    pub rest: Vec<NewEvent>,
}

/// Whether a group of events has enough of them.
pub(crate) fn is_full(events: usize, bytes: usize) -> bool {
    events >= GROUP_EVENTS || bytes >= GROUP_BYTES
}

/// Appends what is ready, one group after another.
pub(crate) async fn append_groups<L: EventLog + ?Sized>(
    log: &L,
    stream: &StreamName,
    expected: Position,
    events: &mut NewEvents<'_>,
) -> Result<Position, Unfinished> {
    let mut last = expected;
    loop {
        let mut rest = ready_group(events).await;
        if rest.is_empty() {
            return Ok(last);
        }
        while !rest.is_empty() {
            match append_group(log, stream, last, &rest).await {
                Ok((count, position)) => {
                    rest.drain(..count.min(rest.len()));
                    last = position;
                }
                Err(error) => return Err(Unfinished { error, last, rest }),
            }
        }
    }
}

/// Waits for an event, and takes those with it that are ready as well. Empty: there are no more.
async fn ready_group(events: &mut NewEvents<'_>) -> Vec<NewEvent> {
    let (mut group, mut bytes) = (Vec::new(), 0_usize);
    let mut next = events.next().await;
    while let Some(event) = next {
        bytes = bytes.saturating_add(event.data.len());
        group.push(event);
        if is_full(group.len(), bytes) {
            break;
        }
        next = events.next().now_or_never().flatten();
    }
    group
}

/// Appends a group, or finds that its beginning is there. Returns the number of events that are stored, and
/// the position of the last of them.
async fn append_group<L: EventLog + ?Sized>(
    log: &L,
    stream: &StreamName,
    expected: Position,
    group: &[NewEvent],
) -> Result<(usize, Position), Error> {
    match log.append(stream, expected, group.to_vec()).await {
        Ok(positions) => Ok((group.len(), positions.last().copied().unwrap_or(expected))),
        Err(conflict @ Error::Conflict { actual, .. }) if actual > expected => {
            match stored_beginning(log, stream, expected, group).await? {
                (0, _) => Err(conflict),
                stored => Ok(stored),
            }
        }
        Err(error) => Err(error),
    }
}

/// How many of the events follow a position of the stream, and the position of the last of them.
async fn stored_beginning<L: EventLog + ?Sized>(
    log: &L,
    stream: &StreamName,
    after: Position,
    events: &[NewEvent],
) -> Result<(usize, Position), Error> {
    let mut items = log.read(Filter::Under(stream.clone()), after);
    let (mut count, mut last) = (0, after);
    while let Some(event) = events.get(count) {
        match items.next().await.transpose()? {
            // The filter also selects the streams below this one.
            Some(Item::Event(found)) if found.stream != *stream => {}
            Some(Item::Event(found)) if found.id == event.id && found.data == event.data => {
                count += 1;
                last = found.position;
            }
            Some(Item::Event(_) | Item::CaughtUp(_)) | None => break,
        }
    }
    Ok((count, last))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use uuid::Uuid;

    use super::*;

    fn event(size: usize) -> NewEvent {
        NewEvent {
            id: Uuid::nil(),
            kind: "kind".to_owned(),
            time: "2026-01-15T08:30:00Z".parse().unwrap(),
            data: Bytes::from(vec![0; size]),
            traceparent: None,
        }
    }

    /// Sizes of the groups in which events are appended.
    async fn groups(mut events: impl Stream<Item = NewEvent> + Send + Unpin) -> Vec<usize> {
        let mut sizes = Vec::new();
        loop {
            match ready_group(&mut events).await.len() {
                0 => return sizes,
                size => sizes.push(size),
            }
        }
    }

    #[tokio::test]
    async fn a_group_is_what_is_ready_up_to_its_bounds() {
        let small = |count| stream::iter(std::iter::repeat_with(|| event(1)).take(count));
        assert!(groups(small(0)).await.is_empty());
        assert_eq!(groups(small(2 * GROUP_EVENTS + 3)).await, [GROUP_EVENTS, GROUP_EVENTS, 3]);
        let large = stream::iter(std::iter::repeat_with(|| event(GROUP_BYTES / 2 - 1)).take(4));
        assert_eq!(groups(large).await, [3, 1], "the last event of a group may exceed its size");
        let paused = small(2).chain(stream::once(tokio::task::yield_now()).filter_map(async |()| None));
        assert_eq!(groups(Box::pin(paused.chain(small(3)))).await, [2, 3]);
    }
}
