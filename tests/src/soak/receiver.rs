//! A receiver of webhooks, which notes the identifier of every message.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Answer that accepts a message.
const ACCEPTED: &[u8] = b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A receiver on a port of 127.0.0.1, until the test ends.
#[derive(Debug)]
pub(super) struct Receiver {
    port: u16,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let messages = Arc::default();
        let noted = Arc::clone(&messages);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                // `None`: the connection broke.
                thread::spawn(move || accept(stream, &noted));
            }
        });
        Self { port, messages }
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Identifiers of the messages, in the order in which they came, with repetitions.
    pub(super) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads a message whole, notes its identifier, and accepts it.
fn accept(stream: TcpStream, messages: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("webhook-id") => id = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            _ if line.trim().is_empty() => break,
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    messages.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    reader.get_mut().write_all(ACCEPTED).ok()
}
