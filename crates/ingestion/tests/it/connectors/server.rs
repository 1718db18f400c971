//! A publisher on this machine that responds as told, well or badly, and remembers its requests.
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request that it received.
#[derive(Clone, Debug)]
pub(super) struct PollReason {
    /// `GET /path?query`.
    pub(super) line: String,
    pub(super) headers: String,
    pub(super) body: String,
}

impl PollReason {
    /// A parameter of the query, as a list.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let query = self.line.split_once('?').map_or("", |(_, query)| query);
        let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default()
    }

    pub(super) fn parameter(&self, name: &str) -> String {
        self.list(name).join(",")
    }
}

/// A response.
#[derive(Clone, Debug)]
pub(super) enum Does {
    /// Answers with a status, further headers and a body.
    PublisherResponse(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Promises more than it sends.
    Cut(Vec<u8>),
    /// Sends a byte at a time and never ends.
    Drip,
    /// Closes without a word.
    Close,
    /// Sends without an end.
    Flood,
}

pub(super) fn ok(body: impl Into<Vec<u8>>) -> Does {
    Does::PublisherResponse(200, Vec::new(), body.into())
}

pub(super) fn status(status: u16) -> Does {
    Does::PublisherResponse(status, Vec::new(), b"out of order".to_vec())
}

type Behaviour = Arc<dyn Fn(&PollReason) -> Does + Send + Sync>;

/// The publisher.
pub(super) struct Publisher {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<PollReason>>>,
    mishaps: Arc<Mutex<VecDeque<Does>>>,
    task: JoinHandle<()>,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Publisher {
    /// A publisher that answers by a function of what it is asked.
    pub(super) async fn new(behaviour: impl Fn(&PollReason) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, behaviour)
    }

    pub(super) fn on(
        listener: TcpListener,
        behaviour: impl Fn(&PollReason) -> Does + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (asked, mishaps) =
            (Arc::<Mutex<Vec<PollReason>>>::default(), Arc::<Mutex<VecDeque<Does>>>::default());
        let behaviour: Behaviour = Arc::new(behaviour);
        let (log, bad) = (Arc::clone(&asked), Arc::clone(&mishaps));
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (log, bad, behaviour) = (Arc::clone(&log), Arc::clone(&bad), Arc::clone(&behaviour));
                tokio::spawn(async move { serve(stream, &log, &bad, &behaviour).await });
            }
        });
        Self { address, asked, mishaps, task }
    }

    /// What it does before it behaves, one a request.
    pub(super) fn first(&self, mishaps: impl IntoIterator<Item = Does>) {
        self.mishaps.lock().unwrap().extend(mishaps);
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn asked(&self) -> Vec<PollReason> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<PollReason>>,
    bad: &Mutex<VecDeque<Does>>,
    behaviour: &Behaviour,
) -> Option<()> {
    let asked = read(&mut stream).await?;
    let does = {
        log.lock().unwrap().push(asked.clone());
        let mishap = bad.lock().unwrap().pop_front();
        mishap.unwrap_or_else(|| behaviour(&asked))
    };
    match does {
        Does::PublisherResponse(status, headers, body) => {
            let mut head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            stream.write_all(format!("{head}\r\n").as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
        }
        Does::Cut(body) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len() + 100);
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
        }
        Does::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(b" ").await.ok()?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Does::Flood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(&[b' '; 8_192]).await.ok()?;
            }
        }
        Does::Close => {}
    }
    stream.shutdown().await.ok()
}

async fn read(stream: &mut TcpStream) -> Option<PollReason> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let length = headers.lines().find_map(|header| {
        let (name, value) = header.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    let body = String::from_utf8(bytes[end..].to_vec()).ok()?;
    Some(PollReason { line, headers: headers.to_owned(), body })
}
