//! Requests in flight: each message is counted until it is complete, and a request is ended if a message does
//! not complete in time.
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as HttpBody, Frame};
use orewatch_contracts::{Class, Failure};
use prost::bytes::Bytes;
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use super::budget::{Budget, Share};
use crate::admission::busy;

/// Time for a message to arrive. The largest takes this long on a line of 64 KiB a second.
const MAX_MESSAGE_TIME: Duration = Duration::from_secs(60);

/// Length of the prefix of each message: a flag and the message's length.
const PREFIX_BYTES: usize = 5;

/// Wraps a body so that its messages are counted.
pub(super) fn counted(body: Body, budget: Budget) -> Body {
    let deadline = Some(Box::pin(tokio::time::sleep(MAX_MESSAGE_TIME)));
    Body::new(Counted { body, budget, framing: Framing::default(), held: Vec::new(), deadline })
}

struct Counted {
    body: Body,
    budget: Budget,
    framing: Framing,
    /// Shares of the message that is not complete yet.
    held: Vec<Share>,
    /// When the message has to be complete. `None`: no message has begun.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// The place in a message that the body has reached.
#[derive(Debug, Default)]
struct Framing {
    prefix: [u8; PREFIX_BYTES],
    /// Bytes of the prefix that have arrived.
    known: usize,
    /// Bytes of the message that are missing.
    missing: usize,
}

impl Framing {
    /// Takes the next bytes. Returns whether a message ended in them.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        let mut ended = false;
        while !bytes.is_empty() {
            if self.missing > 0 {
                let taken = self.missing.min(bytes.len());
                bytes = bytes.get(taken..).unwrap_or_default();
                self.missing -= taken;
            } else {
                let [first, rest @ ..] = bytes else { break };
                bytes = rest;
                if let Some(byte) = self.prefix.get_mut(self.known) {
                    *byte = *first;
                }
                self.known += 1;
                if self.known < PREFIX_BYTES {
                    continue;
                }
                let [_, length @ ..] = self.prefix;
                self.missing = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.known = 0;
            }
            ended |= self.missing == 0;
        }
        ended
    }

    fn is_between(&self) -> bool {
        self.known == 0 && self.missing == 0
    }
}

impl Counted {
    fn take(&mut self, data: &Bytes) -> Result<(), Status> {
        if self.framing.take(data) {
            self.held.clear();
            self.deadline = None;
        }
        if self.framing.is_between() {
            return Ok(());
        }
        let share = self.budget.take(data.len());
        self.held.push(share.ok_or_else(|| busy("too much is being sent to this service at a time"))?);
        self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(MAX_MESSAGE_TIME)));
        Ok(())
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let next = match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                let is_late =
                    this.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready());
                return if is_late { Poll::Ready(Some(Err(late()))) } else { Poll::Pending };
            }
        };
        let taken = next.map(|frame| {
            let frame = frame?;
            frame.data_ref().map_or(Ok(()), |data| this.take(data)).map(|()| frame)
        });
        Poll::Ready(taken)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

fn late() -> Status {
    let message = format!("the request did not come whole within {} s", MAX_MESSAGE_TIME.as_secs());
    Failure::new(Class::Unavailable, "stalled", message).with_hint("send it again").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_tracked_in_pieces_of_any_size() {
        let message = |length: u8| [vec![0, 0, 0, 0, length], vec![7; usize::from(length)]].concat();
        let all = [message(3), message(0), message(9)].concat();
        for size in 1..all.len() {
            let mut framing = Framing::default();
            let ended = all.chunks(size).filter(|piece| framing.take(piece)).count();
            assert!(ended >= 1 && framing.is_between(), "{size}");
        }
        let mut framing = Framing::default();
        assert!(!framing.take(&all[..7]) && !framing.is_between());
    }
}
