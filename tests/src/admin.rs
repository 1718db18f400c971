//! The admin port of a process under test, and other ports that speak plain HTTP.
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::Server;

/// Maximum time to wait for anything, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends a GET request. Returns the status and the body.
///
/// # Panics
/// If nobody answers with HTTP.
#[track_caller]
#[must_use]
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the request is taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// Waits until a condition holds.
///
/// # Panics
/// If it does not hold in time. The message says what was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The address of the admin port, which the log of a process names.
///
/// # Panics
/// If the process was started without `--admin 127.0.0.1:0`.
#[track_caller]
#[must_use]
pub fn address(server: &Server) -> String {
    let find = || {
        let output = server.process_output();
        let line = output.lines().find(|line| line.contains("the admin port is open"))?;
        let (_, rest) = line.split_once("127.0.0.1:")?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("127.0.0.1:{port}"))
    };
    wait_until("the log names the admin port", || find().is_some());
    find().expect("it was found")
}

/// The samples of a page in the text format of Prometheus, by name and labels as they are written.
#[must_use]
pub fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let parsed = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    });
    parsed.collect()
}

/// The status of a process, from its admin port.
///
/// # Panics
/// If it is not JSON.
#[track_caller]
#[must_use]
pub fn status(address: &str) -> Value {
    serde_json::from_str(&get(address, "/status").1).expect("the status is JSON")
}

/// Waits until all services of a process are ready.
///
/// # Panics
/// If they are not in time.
#[track_caller]
pub fn wait_until_ready(address: &str) {
    wait_until("the services are ready", || get(address, "/readyz").0 == 200);
}
