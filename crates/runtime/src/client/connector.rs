//! Opens the connections of a client, in plain text or with TLS, and notes why TLS ended one.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::Uri;
use tower::Service;

use crate::ClientTls;

/// First bytes of a record of TLS that is an alert: its type, and the first byte of the version.
const ALERT_RECORD: [u8; 2] = [0x15, 0x03];

/// Opens connections to the host and port of an address, with TLS if it begins with `https`.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) tls: ClientTls,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let tls = self.tls.clone();
        async move { open(&address, tls).await.map(TokioIo::new) }.boxed()
    }
}

async fn open(address: &Uri, tls: ClientTls) -> io::Result<Wire> {
    let host = address.host().unwrap_or_default().to_owned();
    let is_secure = address.scheme_str() == Some("https");
    let port = address.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    tls.forget_refusal();
    let bare_host = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = TcpStream::connect((bare_host, port)).await?;
    // Requests are written at once: waiting for more data to send along helps nobody.
    let _unsupported = tcp.set_nodelay(true);
    let stream: Box<dyn Stream> =
        if is_secure { Box::new(tls.connect(&host, tcp).await?) } else { Box::new(tcp) };
    Ok(Wire { stream, host, tls, is_unread: !is_secure })
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection of a client.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    host: String,
    tls: ClientTls,
    /// Nothing has been read yet from a connection in plain text.
    is_unread: bool,
}

impl Wire {
    /// Notes the error of a connection before it is passed on.
    fn noted<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &outcome {
            self.tls.note_error(error, &self.host);
        }
        outcome
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(context, buffer);
        let read = buffer.filled().get(before..).unwrap_or_default();
        if this.is_unread && !read.is_empty() {
            this.is_unread = false;
            if read.starts_with(&ALERT_RECORD) {
                this.tls.note_tls_server(&this.host);
            }
        }
        this.noted(outcome)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, data);
        this.noted(outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(context, data);
        this.noted(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(context);
        this.noted(outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
