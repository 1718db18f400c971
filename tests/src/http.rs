//! HTTP as a program without a library speaks it: what is sent and what arrives is plain to see, and an
//! answer that is broken off is told from a whole one.
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde::de::DeserializeOwned;

/// Maximum silence of a server, in a debug build on a busy machine.
const MAX_SILENCE: Duration = Duration::from_secs(240);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it arrived.
    pub body: Vec<u8>,
    /// The body arrived with its end.
    pub is_whole: bool,
}

impl Answer {
    /// The value of a header. Empty: there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// A request that was sent, and whose answer is to be read.
#[derive(Debug)]
pub struct Sent {
    tcp: TcpStream,
    read: Vec<u8>,
}

/// Sends a request.
///
/// # Panics
/// If nobody listens.
#[track_caller]
#[must_use]
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Sent {
    let mut tcp = TcpStream::connect(address).expect("the server listens");
    tcp.set_read_timeout(Some(MAX_SILENCE)).expect("a time limit");
    let has_host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = if has_host { String::new() } else { format!("Host: {address}\r\n") };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}{length}\r\n");
    tcp.write_all(head.as_bytes()).expect("it takes the request");
    tcp.write_all(body).expect("it takes the body");
    Sent { tcp, read: Vec::new() }
}

impl Sent {
    /// Reads at least this many bytes of the answer, and leaves the rest unread.
    ///
    /// # Panics
    /// If the answer is shorter.
    #[track_caller]
    pub fn read_beginning(&mut self, bytes: usize) {
        let mut buffer = [0; 4_096];
        while self.read.len() < bytes {
            let count = self.tcp.read(&mut buffer).expect("it answers");
            assert!(count > 0, "the answer has only {} bytes", self.read.len());
            self.read.extend_from_slice(&buffer[..count]);
        }
    }

    /// Reads the answer to its end, or to where it is broken off.
    ///
    /// # Panics
    /// If it has no head.
    #[track_caller]
    #[must_use]
    pub fn answer(mut self) -> Answer {
        // A connection that is reset is an answer that is broken off.
        let _end = self.tcp.read_to_end(&mut self.read);
        parse(&self.read)
    }
}

/// Requests a path.
///
/// # Panics
/// If there is no answer.
#[track_caller]
#[must_use]
pub fn get(address: &str, path: &str) -> Answer {
    get_with(address, path, &[])
}

/// Requests a path with more headers.
///
/// # Panics
/// If there is no answer.
#[track_caller]
#[must_use]
pub fn get_with(address: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, "GET", path, headers, &[]).answer()
}

/// Posts a body.
///
/// # Panics
/// If there is no answer.
#[track_caller]
#[must_use]
pub fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send(address, "POST", path, headers, body.as_bytes()).answer()
}

#[track_caller]
fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("the answer has a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let rest = &bytes[end + 4..];
    let find = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let (body, is_whole) = match (find("content-length"), find("transfer-encoding")) {
        (Some(length), _) => (rest.to_vec(), length.parse() == Ok(rest.len())),
        (None, Some(_)) => dechunked(rest),
        (None, None) => (rest.to_vec(), rest.is_empty()),
    };
    Answer { status: status.expect("a status"), headers, body, is_whole }
}

/// The content of chunks, and whether the last one is there.
fn dechunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]).into_owned();
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        let begin = end + 2;
        if size == 0 {
            return (body, true);
        }
        if rest.len() < begin + size + 2 {
            body.extend_from_slice(&rest[begin.min(rest.len())..]);
            break;
        }
        body.extend_from_slice(&rest[begin..begin + size]);
        rest = &rest[begin + size + 2..];
    }
    (body, false)
}
