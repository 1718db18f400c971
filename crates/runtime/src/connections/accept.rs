//! Accepts connections: takes a slot for each, and makes the handshake of TLS where there is one.
//!
//! Handshakes run beside each other and beside the listener, so that a peer that is slow in its own delays
//! nobody. There are never more of them than slots.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::slots::{Slot, Slots};
use super::{Connection, Transport};
use crate::ServerTls;
use crate::seldom::Seldom;
use crate::tls::CertificateNames;

/// Upper bound on connections. Beyond it a connection without a call is closed for a new one, or else the new
/// one itself.
const MAX_CONNECTIONS: usize = 1_024;

/// Upper bound on connections from the process itself.
const MAX_INSIDE_CONNECTIONS: usize = 64;

/// Time for a handshake of TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Time, and number of reads, in which a peer may take in why its handshake failed.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_READS: usize = 64;

/// Pause after an error of accepting, such as too many open files.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Accepts the connections of a listener. `tls`: `None` for plain text.
pub(crate) fn accept(
    listener: TcpListener,
    tls: Option<ServerTls>,
) -> impl Stream<Item = io::Result<Connection>> {
    let accepting = Accepting {
        listener,
        slots: Slots::new(MAX_CONNECTIONS),
        tls,
        handshakes: JoinSet::new(),
        failed: Seldom::default(),
    };
    stream::unfold(accepting, async |mut accepting: Accepting| {
        let connection = accepting.next().await;
        Some((Ok(connection), accepting))
    })
}

/// Accepts the connections that parts of this process make.
pub(crate) fn accept_inside(
    pipes: mpsc::Receiver<DuplexStream>,
) -> impl Stream<Item = io::Result<Connection>> {
    let accepting = (pipes, Slots::new(MAX_INSIDE_CONNECTIONS));
    stream::unfold(accepting, async |(mut pipes, slots): (mpsc::Receiver<DuplexStream>, Slots)| {
        loop {
            let pipe = pipes.recv().await?;
            // Without a slot the connection ends, and whoever made it makes another.
            if let Some(slot) = slots.take().await {
                let connection = Connection::new(Transport::Inside(pipe), slot);
                return Some((Ok(connection), (pipes, slots)));
            }
        }
    })
}

struct Accepting {
    listener: TcpListener,
    slots: Slots,
    tls: Option<ServerTls>,
    handshakes: JoinSet<Option<Connection>>,
    /// Lines about failed handshakes.
    failed: Seldom,
}

impl Accepting {
    /// The next connection on which calls can be made.
    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                Some(handshake) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = handshake {
                        return connection;
                    }
                }
                accepted = self.listener.accept() => {
                    let Ok((tcp, peer)) = accepted else {
                        sleep(ERROR_PAUSE).await;
                        continue;
                    };
                    if let Some(connection) = self.begin(tcp, peer).await {
                        return connection;
                    }
                }
            }
        }
    }

    /// Takes a slot for a connection. `None`: there is none, or a handshake comes first.
    async fn begin(&mut self, tcp: TcpStream, peer: SocketAddr) -> Option<Connection> {
        let Some(slot) = self.slots.take().await else {
            tracing::warn!(%peer, max = MAX_CONNECTIONS, "too many connections: one is closed");
            return None;
        };
        // Answers are written at once: waiting for more data to send along helps nobody.
        let _unsupported = tcp.set_nodelay(true);
        let Some(tls) = &self.tls else { return Some(Connection::new(Transport::Plain(tcp), slot)) };
        self.handshakes.spawn(make_handshake(tls.clone(), tcp, slot, peer, self.failed.clone()));
        None
    }
}

/// Makes the handshake of a connection, unless its slot is needed for another.
async fn make_handshake(
    tls: ServerTls,
    tcp: TcpStream,
    slot: Slot,
    peer: SocketAddr,
    failed: Seldom,
) -> Option<Connection> {
    let closed = slot.peer.closed();
    let handshake = timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(tcp).into_fallible());
    let outcome = tokio::select! {
        () = closed => return None,
        outcome = handshake => outcome,
    };
    match outcome {
        Ok(Ok(stream)) => {
            note_certificate(&stream, &slot);
            Some(Connection::new(Transport::Tls(Box::new(stream)), slot))
        }
        Ok(Err((error, tcp))) => {
            log_failure(&error, peer, &failed);
            linger(tcp).await;
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a handshake of TLS took too long");
            None
        }
    }
}

/// Notes the names of a client's certificate, for the calls on its connection.
fn note_certificate(stream: &TlsStream<TcpStream>, slot: &Slot) {
    let (_, session) = stream.get_ref();
    if let Some(certificate) = session.peer_certificates().and_then(|chain| chain.first()) {
        slot.peer.set_certificate(CertificateNames::of(certificate));
    }
}

fn log_failure(error: &io::Error, peer: SocketAddr, failed: &Seldom) {
    // Who only looks whether the port is open, as probes and balancers do, is no failure.
    if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) {
        tracing::debug!(%peer, %error, "a connection ended before its handshake");
    } else if let Some(left_out) = failed.may_write() {
        tracing::warn!(%peer, %error, left_out, "a handshake of TLS failed");
    }
}

/// Closes a connection so that its peer can read why. Closed with bytes that were not read it would be reset,
/// and the alert that says why be lost.
async fn linger(mut tcp: TcpStream) {
    let closing = async {
        tcp.shutdown().await?;
        let mut unread = [0; 1_024];
        for _ in 0..MAX_LINGER_READS {
            if tcp.read(&mut unread).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    let _closed_in_time = timeout(LINGER, closing).await;
}
