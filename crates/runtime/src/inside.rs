//! Calls within a process: a part of it calls the services of its own server, over memory in the place of a
//! network. They pass the same layers as calls from outside, so that a caller has no other rights there.
use std::io;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::Service;

/// Bytes that one side may write before the other side reads them.
const PIPE_BYTES: usize = 256 << 10;

/// Connections that wait to be accepted.
const MAX_WAITING: usize = 16;

/// Stands for the server in the addresses of calls. Nothing looks it up.
const ADDRESS: &str = "http://inside";

/// The way to the services of the own server. Clones are the same way.
#[derive(Clone, Debug)]
pub struct Inside {
    connections: mpsc::Sender<DuplexStream>,
}

impl Inside {
    /// A way to a server, and the connections that the server has to accept.
    pub(crate) fn new() -> (Self, mpsc::Receiver<DuplexStream>) {
        let (connections, accepted) = mpsc::channel(MAX_WAITING);
        (Self { connections }, accepted)
    }

    /// A way that leads nowhere: calls fail as if the server had stopped.
    pub(crate) fn nowhere() -> Self {
        Self::new().0
    }

    /// A channel to the services. It connects with its first call, and again if the connection ends.
    #[must_use]
    pub fn channel(&self) -> Channel {
        let connector = Connector { connections: self.connections.clone() };
        Endpoint::from_static(ADDRESS).connect_with_connector_lazy(connector)
    }
}

/// Opens connections.
#[derive(Clone, Debug)]
struct Connector {
    connections: mpsc::Sender<DuplexStream>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<DuplexStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _address: Uri) -> Self::Future {
        let connections = self.connections.clone();
        async move {
            let (own, accepted) = duplex(PIPE_BYTES);
            let sent = connections.send(accepted).await;
            sent.map_err(|_| io::Error::new(io::ErrorKind::NotConnected, "the server has stopped"))?;
            Ok(TokioIo::new(own))
        }
        .boxed()
    }
}
