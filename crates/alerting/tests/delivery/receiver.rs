//! A real receiver over HTTP, with the manners that receivers have.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Answers with a status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Answers a byte at a time and never ends; with a status first, or not even that.
    Drip,
    DripBody,
    /// Answers with a body that does not end.
    Huge(u16),
    /// Takes the request and closes.
    Cut,
    /// Takes the request and says nothing.
    Silent,
}

/// Answers with a status and nothing else.
pub(crate) fn status(status: u16) -> Manner {
    Manner::Answer(status, Vec::new(), String::new())
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Arrived {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Manners = Arc<dyn Fn(usize) -> Manner + Send + Sync>;

/// A receiver.
pub(crate) struct Server {
    pub(crate) port: u16,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    task: JoinHandle<()>,
    scheme: &'static str,
}

impl Server {
    /// A receiver that treats the n-th request, from 0, by its manners.
    pub(crate) async fn start(manners: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Self {
        Self::listen(0, Arc::new(manners), None).await
    }

    pub(crate) async fn healthy() -> Self {
        Self::start(|_| status(204)).await
    }

    pub(crate) async fn secured(acceptor: TlsAcceptor) -> Self {
        Self::listen(0, Arc::new(|_| status(204)), Some(acceptor)).await
    }

    async fn listen(port: u16, manners: Manners, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&arrived);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, manners, tls) = (Arc::clone(&seen), Arc::clone(&manners), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &seen, &manners).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &seen, &manners).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, arrived, task, scheme }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port)
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// How often each identifier arrived.
    pub(crate) fn by_id(&self) -> BTreeMap<String, usize> {
        self.arrived().iter().fold(BTreeMap::new(), |mut counts, arrived| {
            *counts.entry(arrived.id().to_owned()).or_default() += 1;
            counts
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port that nobody listens on.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Vec<Arrived>>,
    manners: &Manners,
) {
    let Some(arrived) = read(&mut stream).await else { return };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(arrived);
        seen.len() - 1
    };
    // A sender that has gone is none of the receiver's business.
    let _gone = answer(&mut stream, manners(number)).await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(k, v)| (k.to_lowercase(), v.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head + 4..].to_vec()).unwrap();
    Some(Arrived { path, headers, body })
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), manner: Manner) -> std::io::Result<()> {
    match manner {
        Manner::Answer(status, headers, body) => {
            let mut text = format!("HTTP/1.1 {status} Told\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str(&format!("\r\n{body}"));
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await
        }
        Manner::Drip => drip(stream, b"HTTP/1.1 200 OK\r\nx-slow: ").await,
        Manner::DripBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await?;
            drip(stream, b"thanks").await
        }
        Manner::Huge(status) => {
            stream
                .write_all(format!("HTTP/1.1 {status} Huge\r\nconnection: close\r\n\r\n").as_bytes())
                .await?;
            loop {
                stream.write_all(&[b'x'; 8192]).await?;
            }
        }
        Manner::Cut => Ok(()),
        Manner::Silent => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok(())
        }
    }
}

async fn drip(stream: &mut (impl AsyncWrite + Unpin), first: &[u8]) -> std::io::Result<()> {
    stream.write_all(first).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"a").await?;
        stream.flush().await?;
    }
}
