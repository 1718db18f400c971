//! A process is killed while delivery attempts are under way. Its leases must not delay the process that
//! takes over its log.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use orewatch_tests::process::Server;
use orewatch_tests::system::{client, file, run};
use serde_json::Value;
use tempfile::TempDir;

/// Number of messages: more than may be under way to one receiver at the same time.
const MESSAGES: usize = 6;

/// Length of a lease: the timeout of an attempt and a margin.
const LEASE: Duration = Duration::from_secs(45);

/// A receiver that notes the messages that it gets, and responds to none of them until `responds` is set.
struct Receiver {
    url: String,
    responds: Arc<AtomicBool>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let (responds, received) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let receiver = Self { url, responds: Arc::clone(&responds), received: Arc::clone(&received) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (responds, received) = (Arc::clone(&responds), Arc::clone(&received));
                thread::spawn(move || respond(stream, &responds, &received));
            }
        });
        receiver
    }

    /// Number of distinct messages that it got.
    fn distinct_messages(&self) -> usize {
        let mut ids = self.received.lock().expect("no thread has failed").clone();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }
}

/// Reads one request and notes its identifier. Accepts it if `responds` is set, and is silent otherwise.
fn respond(stream: TcpStream, responds: &AtomicBool, received: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("webhook-id") => id = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?
            }
            _ if line.trim().is_empty() => break,
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    received.lock().ok()?.push(id);
    if !responds.load(Ordering::Relaxed) {
        // Longer than the sender lives.
        thread::sleep(Duration::from_secs(600));
    }
    reader.get_mut().write_all(b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\n\r\n").ok()
}

fn start(data: &TempDir, secrets: &TempDir) -> Server {
    let [data, secrets] = [data, secrets].map(|folder| folder.path().to_str().expect("a UTF-8 path"));
    Server::start(&["up", "--data", data, "--allow-private", "127.0.0.0/8", "--secrets-dir", secrets])
}

fn wait_until(what: &str, within: Duration, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !is_true() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn after_a_kill_messages_are_sent_long_before_the_leases_end() {
    let (data, secrets) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let key = file(&secrets, "key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let receiver = Receiver::start();
    let yaml = format!("id: hook\nwebhook: {{url: '{}', keys: [{{file: '{key}'}}]}}\n", receiver.url);
    let receivers = file(&secrets, "receivers.yaml", &yaml);
    let server = start(&data, &secrets);
    let address = format!("http://{}", server.address());
    run(client(&address, &["receivers", "apply", &receivers]));
    for _ in 0..MESSAGES {
        run(client(&address, &["drill", "--receiver", "hook"]));
    }
    wait_until("attempts are under way", Duration::from_secs(60), || receiver.distinct_messages() > 0);
    let held = receiver.distinct_messages();
    server.kill();
    receiver.responds.store(true, Ordering::Relaxed);
    let killed = Instant::now();
    let server = start(&data, &secrets);
    wait_until("all messages arrive", LEASE / 3, || receiver.distinct_messages() == MESSAGES);
    let waited = killed.elapsed();
    println!("{held} attempts were under way; all {MESSAGES} messages were there {waited:?} after the kill");
    let address = format!("http://{}", server.address());
    wait_until("all are delivered", LEASE / 3, || {
        let listed = run(client(&address, &["deliveries", "--format", "json"]));
        let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
        listed.iter().filter(|delivery| delivery["state"] == "delivered").count() == MESSAGES
    });
}
