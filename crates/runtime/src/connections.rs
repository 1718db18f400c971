//! Connections: how many there are, how long one may stay silent, and what waits on it.
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::transport::server::Connected;

/// Connections at a time; more are closed as soon as they are made.
const CONNECTIONS: usize = 1_024;

/// How long a connection may take to say what it is. What comes after has deadlines of its own: pings in HTTP/2, a time for the
/// head of each request in HTTP/1.
const GREETING: Duration = Duration::from_secs(10);

/// Bytes after which a connection has said what it is: those of the greeting of HTTP/2.
const GREETING_BYTES: usize = 24;

/// How long a connection may take nothing of what is written to it.
const BLOCKED: Duration = Duration::from_secs(60);

/// Bytes that may wait on a connection for its peer.
const BACKLOG: usize = 1 << 20;

/// How long accepting rests after an error, such as too many open files.
const REST: Duration = Duration::from_millis(100);

/// The connections of a listener.
pub(crate) fn accept(listener: TcpListener) -> impl Stream<Item = io::Result<Connection>> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    stream::unfold((listener, places), async |(listener, places)| {
        loop {
            let accepted = listener.accept().await;
            let Ok((tcp, peer)) = accepted else {
                tokio::time::sleep(REST).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!(%peer, most = CONNECTIONS, "too many connections: one is closed");
                continue;
            };
            // Answers are written when they are whole; waiting for more to send with them helps nobody.
            let _unsupported = tcp.set_nodelay(true);
            return Some((Ok(Connection::new(tcp, place)), (listener, places)));
        }
    })
}

/// Bytes that were given to a connection and that it has not written yet.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    written: Arc<Notify>,
}

impl Backlog {
    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > BACKLOG
    }

    /// Waits until something is written.
    pub(crate) fn written(&self) -> OwnedNotified {
        Arc::clone(&self.written).notified_owned()
    }

    /// Counts what was written: heads and frames as well, so that it may be more than was given.
    pub(crate) fn note_written(&self, bytes: usize) {
        let less = |waiting: usize| Some(waiting.saturating_sub(bytes));
        let _always = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.written.notify_waiters();
    }
}

/// A connection that does not stay silent.
#[derive(Debug)]
pub(crate) struct Connection {
    tcp: TcpStream,
    /// Until when it has to say what it is. None: it has.
    greeting: Option<Pin<Box<Sleep>>>,
    /// Bytes that were read, up to those of a greeting.
    greeted: usize,
    /// Until when it has to take something. None: nothing waits.
    blocked: Option<Pin<Box<Sleep>>>,
    backlog: Arc<Backlog>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(tcp: TcpStream, place: OwnedSemaphorePermit) -> Self {
        Self {
            tcp,
            greeting: Some(Box::pin(tokio::time::sleep(GREETING))),
            greeted: 0,
            blocked: None,
            backlog: Arc::default(),
            _place: place,
        }
    }

    /// Notes the outcome of a write.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(Ok(bytes)) => {
                self.backlog.note_written(*bytes);
                self.blocked = None;
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let blocked = self.blocked.get_or_insert_with(|| Box::pin(tokio::time::sleep(BLOCKED)));
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
    type ConnectInfo = Arc<Backlog>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.backlog)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.tcp).poll_read(context, buffer);
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
        let outcome = Pin::new(&mut this.tcp).poll_write(context, buffer);
        this.wrote(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.tcp).poll_write_vectored(context, buffers);
        this.wrote(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}
