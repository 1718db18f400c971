//! Reads a small document over HTTPS: one connection, one request, one response, all bounded.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls::read_in_background;
use crate::{ClientTls, Clock};

/// Time for the whole of it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Upper bound on the document, in bytes.
const MAX_DOCUMENT_BYTES: usize = 256 << 10;

/// A document that is read over HTTPS.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    address: Uri,
    tls: ClientTls,
    /// File with a token to show. `None`: none is shown.
    token_file: Option<PathBuf>,
}

impl Remote {
    /// A document at an address. `ca`: authorities to trust in the place of the system's. Plain HTTP is for
    /// this machine only.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn new(
        address: &str,
        ca: Option<&Path>,
        token_file: Option<&Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let wrong = || format!("{address} is not an https address");
        let address: Uri = address.parse().map_err(|_| wrong())?;
        let host = address.host().ok_or_else(wrong)?;
        let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match address.scheme_str() {
            Some("https") => {}
            Some("http") if is_local => {}
            _ => return Err(wrong()),
        }
        let tls = ClientTls::for_http(ca.map(Path::to_owned), clock);
        Ok(Self { address, tls, token_file: token_file.map(Path::to_owned) })
    }

    /// The address, for people.
    pub(super) fn address(&self) -> &Uri {
        &self.address
    }

    /// Reads the document.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn read(&self) -> Result<Bytes, String> {
        let read = tokio::time::timeout(FETCH_TIMEOUT, self.exchange()).await;
        read.unwrap_or_else(|_| Err(format!("no answer within {} s", FETCH_TIMEOUT.as_secs())))
    }

    async fn exchange(&self) -> Result<Bytes, String> {
        let host = self.address.host().unwrap_or_default();
        let is_secure = self.address.scheme_str() == Some("https");
        let port = self.address.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let request = self.request(host, port).await?;
        let bare_host = host.trim_start_matches('[').trim_end_matches(']');
        let tcp = TcpStream::connect((bare_host, port)).await;
        let tcp = tcp.map_err(|error| format!("no connection to {host}:{port}: {error}"))?;
        if is_secure {
            let secured = self.tls.connect(host, tcp).await;
            send(secured.map_err(|error| format!("TLS: {error}"))?, request).await
        } else {
            send(tcp, request).await
        }
    }

    async fn request(&self, host: &str, port: u16) -> Result<Request<Empty<Bytes>>, String> {
        let target = self.address.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::get(target)
            .header(HOST, format!("{host}:{port}"))
            .header(ACCEPT, "application/jwk-set+json, application/json")
            .header(USER_AGENT, concat!("orewatch/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &self.token_file {
            let contents = read_in_background(vec![file.clone()]).await;
            let contents = contents.map_err(|failure| failure.to_string())?;
            let token = String::from_utf8_lossy(contents.file(0)).trim().to_owned();
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        // The error could repeat the token.
        request.body(Empty::new()).map_err(|_| "the request cannot be made: look at token-file".to_owned())
    }
}

async fn send<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<Bytes, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| format!("the exchange broke: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let asked = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status() != StatusCode::OK {
            return Err(format!("the answer is {}", response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_DOCUMENT_BYTES).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| format!("the answer cannot be read: {error}"))
    };
    // The connection is driven here, so that it ends with the exchange.
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        ended = connection => {
            ended.map_err(broken)?;
            asked.await
        }
    }
}
