//! Answers in flight: sent in small pieces, so that what is not read stays here and can be dropped.
//!
//! An answer that is dropped ends with an error. gRPC has trailers for that. Over HTTP alone the connection,
//! or the stream, is broken off, so that the client does not take what it has for the whole.
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as HttpBody, Frame, SizeHint};
use orewatch_contracts::{Class, Failure};
use prost::bytes::Bytes;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::HeaderMap;

use super::budget::Share;
use super::{Admitted, Flow};
use crate::admission::busy;
use crate::connections::Backlog;

/// Size of a piece, in bytes. HTTP/2 takes one more than the client has room for, and keeps it.
const PIECE_BYTES: usize = 16 << 10;

/// An answer that knows whether it is being read.
pub(super) trait Unread: Send + Sync + fmt::Debug {
    /// Ends the answer if nothing of it was taken for `patience`. Returns whether it did.
    fn end_if_unread(&self, now: Instant, patience: Duration) -> bool;
}

/// How an answer is sent.
pub(super) struct Sending {
    pub(super) flow: Flow,
    /// Bytes that wait on the connection. `None`: not known.
    pub(super) backlog: Option<Arc<Backlog>>,
    /// Its client speaks gRPC.
    pub(super) is_grpc: bool,
}

/// Wraps a body so that it is sent in pieces.
pub(super) fn paced(body: Body, sending: Sending, admitted: Option<Admitted>) -> Body {
    let Sending { flow, backlog, is_grpc } = sending;
    let state = State { body: Some(body), rest: Bytes::new(), share: None, since: None, end: None, is_grpc };
    let answer = Arc::new(Answer(Mutex::new(state)));
    Body::new(Paced {
        answer,
        flow,
        backlog,
        freed: None,
        is_watched: false,
        gave_way: true,
        _admitted: admitted,
    })
}

struct Paced {
    answer: Arc<Answer>,
    flow: Flow,
    /// Bytes that wait on the connection. `None`: not known.
    backlog: Option<Arc<Backlog>>,
    /// Resolves when the connection holds less.
    freed: Option<Pin<Box<OwnedNotified>>>,
    is_watched: bool,
    /// Whether it has yielded to other tasks since its last piece. It need not after the first.
    gave_way: bool,
    _admitted: Option<Admitted>,
}

struct Answer(Mutex<State>);

struct State {
    /// `None`: all of it was sent, or it was ended.
    body: Option<Body>,
    /// The rest of a frame that is sent in pieces.
    rest: Bytes,
    share: Option<Share>,
    /// When the last piece was sent, while no other was asked for. `None`: the next one is being waited for.
    since: Option<Instant>,
    /// What ends it, if it does not end by itself.
    end: Option<End>,
    is_grpc: bool,
}

/// The end of an answer that was dropped.
enum End {
    Trailers(HeaderMap),
    Broken(Status),
}

impl Answer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl Unread for Answer {
    fn end_if_unread(&self, now: Instant, patience: Duration) -> bool {
        // An answer that is locked is just being read.
        let Ok(mut state) = self.0.try_lock() else { return false };
        let is_unread = state.since.is_some_and(|since| now.duration_since(since) >= patience);
        let dropped = is_unread.then(|| state.end_with(unread(patience)));
        drop(state);
        // Dropped outside of the lock.
        dropped.is_some()
    }
}

impl State {
    /// Ends the answer, and returns what is left of it.
    fn end_with(&mut self, failure: Failure) -> (Option<Body>, Bytes) {
        let status = Status::from(failure);
        self.end = Some(if self.is_grpc {
            let mut trailers = HeaderMap::new();
            // Fails only for texts that cannot be headers, which ours can.
            let _written = status.add_header(&mut trailers);
            End::Trailers(trailers)
        } else {
            End::Broken(status)
        });
        self.since = None;
        self.share = None;
        (self.body.take(), std::mem::take(&mut self.rest))
    }

    /// The next piece. `Ready(None)`: there is none.
    fn poll(&mut self, context: &mut Context<'_>, flow: &Flow) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.since = None;
        match self.end.take() {
            Some(End::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(End::Broken(status)) => return Poll::Ready(Some(Err(status))),
            None => {}
        }
        if self.rest.is_empty() {
            self.share = None;
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            let next = std::task::ready!(Pin::new(body).poll_frame(context));
            let data = match next.map(|next| next.map(Frame::into_data)) {
                None => None,
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Ok(Ok(data))) => Some(data),
            };
            let Some(data) = data else {
                self.body = None;
                return Poll::Ready(None);
            };
            if data.len() > PIECE_BYTES {
                let Some(share) = flow.budget.take(data.len()) else {
                    drop(self.end_with(busy("too much waits to be read from this service at a time")));
                    return self.poll(context, flow);
                };
                self.share = Some(share);
            }
            self.rest = data;
        }
        self.since = Some(Instant::now());
        let length = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }
}

impl Paced {
    /// Whether the connection has room for another piece.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(backlog) = &self.backlog else { return Poll::Ready(()) };
        while backlog.is_full() {
            let freed = self.freed.get_or_insert_with(|| Box::pin(backlog.freed()));
            // Checked again after the wait was registered, so that a change in between is not missed.
            if !freed.as_mut().enable() && backlog.is_full() {
                std::task::ready!(freed.as_mut().poll(context));
            }
            self.freed = None;
        }
        self.freed = None;
        Poll::Ready(())
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        std::task::ready!(this.poll_room(context));
        // A stream whose messages are all ready would keep its thread until the client has no room for more.
        if !std::mem::replace(&mut this.gave_way, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = std::task::ready!(this.answer.state().poll(context, &this.flow));
        let Some(Ok(frame)) = next else { return Poll::Ready(next) };
        this.gave_way = !(frame.is_data() && this.is_watched);
        // An answer of one piece, like most, holds nothing that could be dropped.
        if frame.is_data() && !std::mem::replace(&mut this.is_watched, true) && !this.is_end_stream() {
            let answer: Weak<dyn Unread> = Arc::downgrade(&(Arc::clone(&this.answer) as Arc<dyn Unread>));
            this.flow.watch(answer);
        }
        let frame = match &this.backlog {
            Some(backlog) => frame.map_data(|data| backlog.hold(data)),
            None => frame,
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        let state = self.answer.state();
        state.end.is_none() && state.rest.is_empty() && state.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.answer.state();
        let rest = u64::try_from(state.rest.len()).unwrap_or(u64::MAX);
        let body = state.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        // The lower bound first: it may not exceed the upper one.
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

fn unread(patience: Duration) -> Failure {
    let message = format!("nothing of the answer was read for {} s", patience.as_secs());
    Failure::new(Class::Unavailable, "reader-too-slow", message).with_hint("ask again, and read what comes")
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body_util::Full;

    use super::super::Budget;
    use super::*;

    const LARGE: usize = 1 << 20;

    fn answer(flow: &Flow, backlog: Option<Arc<Backlog>>, bytes: usize) -> Body {
        let sending = Sending { flow: flow.clone(), backlog, is_grpc: true };
        paced(Body::new(Full::new(Bytes::from(vec![7; bytes]))), sending, None)
    }

    async fn next(body: &mut Body) -> Option<Frame<Bytes>> {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await.map(Result::unwrap)
    }

    #[tokio::test]
    async fn an_answer_is_sent_whole_in_pieces() {
        let flow = Flow::new(Budget::new(2 * LARGE));
        let mut body = answer(&flow, None, LARGE + 1);
        assert_eq!(body.size_hint().exact(), Some(1 + LARGE as u64));
        let mut read = 0;
        while let Some(frame) = next(&mut body).await {
            let data = frame.into_data().unwrap();
            assert!(data.len() <= PIECE_BYTES);
            read += data.len();
        }
        assert_eq!((read, flow.budget.used()), (LARGE + 1, 0));
    }

    #[tokio::test]
    async fn an_unread_answer_is_dropped_and_ends_with_an_error() {
        let flow = Flow::new(Budget::new(2 * LARGE));
        let (mut read, mut unread) = (answer(&flow, None, LARGE), answer(&flow, None, LARGE));
        assert!(next(&mut unread).await.unwrap().is_data());
        flow.drop_unread(Duration::from_secs(60));
        assert_eq!(flow.budget.used(), LARGE, "it has some time");
        flow.drop_unread(Duration::ZERO);
        assert_eq!(flow.budget.used(), 0);
        let trailers = next(&mut unread).await.unwrap().into_trailers().unwrap();
        assert_eq!(trailers.get("grpc-status").unwrap(), "14");
        assert!(next(&mut unread).await.is_none());
        assert!(next(&mut read).await.unwrap().is_data(), "others go on");
    }

    #[tokio::test]
    async fn an_unread_answer_over_http_is_broken_off() {
        let flow = Flow::new(Budget::new(LARGE));
        let sending = Sending { flow: flow.clone(), backlog: None, is_grpc: false };
        let mut body = paced(Body::new(Full::new(Bytes::from(vec![7; LARGE]))), sending, None);
        assert!(next(&mut body).await.unwrap().is_data());
        flow.drop_unread(Duration::ZERO);
        let end = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        assert!(end.unwrap().is_err(), "it must not look whole");
    }

    #[tokio::test]
    async fn an_answer_beyond_the_budget_is_refused() {
        let flow = Flow::new(Budget::new(LARGE));
        let (mut first, mut second) = (answer(&flow, None, LARGE), answer(&flow, None, LARGE));
        assert!(next(&mut first).await.unwrap().is_data());
        let trailers = next(&mut second).await.unwrap().into_trailers().unwrap();
        assert_eq!(trailers.get("grpc-status").unwrap(), "8");
        assert!(trailers.contains_key("grpc-retry-pushback-ms"));
    }

    #[tokio::test]
    async fn a_connection_with_a_full_backlog_gets_no_more_until_it_holds_less() {
        let flow = Flow::new(Budget::new(8 * LARGE));
        let backlog = Arc::new(Backlog::default());
        let mut body = answer(&flow, Some(Arc::clone(&backlog)), 2 * LARGE);
        let mut held = Vec::new();
        while let Ok(frame) = tokio::time::timeout(Duration::from_millis(50), next(&mut body)).await {
            held.push(frame.unwrap().into_data().unwrap());
        }
        let given: usize = held.iter().map(Bytes::len).sum();
        assert!((LARGE..LARGE + 2 * PIECE_BYTES).contains(&given), "{given}");
        // Whether it was written or belonged to a call that was reset: it is held no more.
        let (more, ()) = tokio::join!(next(&mut body), async { held.truncate(1) });
        assert!(more.unwrap().is_data());
    }
}
