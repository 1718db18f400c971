//! Connections: how many there may be, how long one may stay silent, and how much may wait on it.
mod accept;
mod slots;
mod transport;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

pub(crate) use accept::{accept, accept_inside};
use slots::Slot;
pub(crate) use slots::{Peer, UnderWay};
use transport::Transport;

/// Time for the first bytes of a connection, after the handshake if it has TLS. What comes after has
/// deadlines of its own: pings in HTTP/2, a time for the head of each request in HTTP/1.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that a connection has to send within that time: as many as the preface of HTTP/2 has.
const GREETING_BYTES: usize = 24;

/// Time that a connection may take nothing of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Upper bound on the bytes that wait on a connection for its peer.
const MAX_BACKLOG_BYTES: usize = 1 << 20;

/// Number of bytes that were handed to a connection and that it still holds.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    freed: Arc<Notify>,
}

impl Backlog {
    /// Counts data for as long as anything holds it: until it is written, or dropped because its call was
    /// reset. Subtracting what is written instead would never subtract the data of a reset call.
    pub(crate) fn hold(self: &Arc<Self>, data: Bytes) -> Bytes {
        self.bytes.fetch_add(data.len(), Ordering::Relaxed);
        Bytes::from_owner(Held { data, backlog: Arc::clone(self) })
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > MAX_BACKLOG_BYTES
    }

    /// Waits until some data is released.
    pub(crate) fn freed(&self) -> OwnedNotified {
        Arc::clone(&self.freed).notified_owned()
    }
}

/// Data that a connection holds.
struct Held {
    data: Bytes,
    backlog: Arc<Backlog>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.backlog.bytes.fetch_sub(self.data.len(), Ordering::Relaxed);
        self.backlog.freed.notify_waiters();
    }
}

/// A connection that ends if it stays silent for too long.
#[derive(Debug)]
pub(crate) struct Connection {
    transport: Transport,
    /// Deadline for the first bytes. `None`: they have arrived.
    greeting: Option<Pin<Box<Sleep>>>,
    /// Number of bytes read, up to those of a greeting.
    greeted: usize,
    /// Deadline for taking something. `None`: nothing waits.
    blocked: Option<Pin<Box<Sleep>>>,
    /// Resolves when it has to close for another.
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    slot: Slot,
}

impl Connection {
    fn new(transport: Transport, slot: Slot) -> Self {
        Self {
            transport,
            greeting: Some(Box::pin(tokio::time::sleep(GREETING_TIMEOUT))),
            greeted: 0,
            blocked: None,
            closed: Box::pin(slot.peer.closed()),
            slot,
        }
    }

    /// Updates the deadline by the outcome of a write or a flush.
    fn wrote<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &outcome {
            Poll::Ready(Ok(_)) => self.blocked = None,
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let blocked = self.blocked.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIMEOUT)));
                if blocked.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(silent("takes nothing")));
                }
            }
        }
        outcome
    }
}

fn silent(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the peer {what}"))
}

impl Connected for Connection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.slot.peer)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.slot.peer.is_closed() {
            return Poll::Ready(Err(silent("makes no call")));
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.transport).poll_read(context, buffer);
        if outcome.is_pending() && this.closed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(silent("makes no call")));
        }
        if let Some(greeting) = &mut this.greeting {
            this.greeted += buffer.filled().len() - before;
            if this.greeted >= GREETING_BYTES {
                this.greeting = None;
            } else if outcome.is_pending() && greeting.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(silent("says nothing")));
            }
        }
        outcome
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.transport).poll_write(context, buffer);
        this.wrote(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.transport).poll_write_vectored(context, buffers);
        this.wrote(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.transport).poll_flush(context);
        match this.transport {
            Transport::Plain(_) | Transport::Inside(_) => outcome,
            // What was written may still wait here for the peer.
            Transport::Tls(_) => this.wrote(context, outcome),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(context)
    }
}
