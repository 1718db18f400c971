//! A process that is killed in the middle of telling a receiver: its attempts hold nobody up once another has its log.
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

/// Messages: more than may be under way to one receiver at a time.
const MESSAGES: usize = 6;

/// How long an attempt may take, and so its lease with what is added to it: three quarters of a minute.
const LEASE: Duration = Duration::from_secs(45);

/// A receiver that notes which messages come, and answers none of them until it is told to.
struct Receiver {
    url: String,
    answers: Arc<AtomicBool>,
    came: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let (answers, came) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let receiver = Self { url, answers: Arc::clone(&answers), came: Arc::clone(&came) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, came) = (Arc::clone(&answers), Arc::clone(&came));
                thread::spawn(move || take(stream, &answers, &came));
            }
        });
        receiver
    }

    /// Messages that came, each once.
    fn distinct(&self) -> usize {
        let mut ids = self.came.lock().expect("no thread has failed").clone();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }
}

fn take(stream: TcpStream, answers: &AtomicBool, came: &Mutex<Vec<String>>) -> Option<()> {
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
    came.lock().ok()?.push(id);
    if !answers.load(Ordering::Relaxed) {
        // Whoever asks is dead before this ends.
        thread::sleep(Duration::from_secs(600));
    }
    reader.get_mut().write_all(b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\n\r\n").ok()
}

fn start(data: &TempDir, secrets: &TempDir) -> Server {
    let [data, secrets] = [data, secrets].map(|folder| folder.path().to_str().expect("a UTF-8 path"));
    Server::start(&["up", "--data", data, "--allow-private", "127.0.0.0/8", "--secrets-dir", secrets])
}

fn wait(what: &str, within: Duration, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !is() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn after_a_kill_a_receiver_hears_long_before_the_leases_end() {
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
    wait("the receiver holds attempts", Duration::from_secs(60), || receiver.distinct() > 0);
    let held = receiver.distinct();
    server.kill();
    receiver.answers.store(true, Ordering::Relaxed);
    let killed = Instant::now();
    let server = start(&data, &secrets);
    wait("all messages arrive", LEASE / 3, || receiver.distinct() == MESSAGES);
    let waited = killed.elapsed();
    println!("{held} attempts were under way; all {MESSAGES} messages were there {waited:?} after the kill");
    let address = format!("http://{}", server.address());
    wait("all are delivered", LEASE / 3, || {
        let told = run(client(&address, &["deliveries", "--format", "json"]));
        let told: Vec<Value> = serde_json::from_slice(&told.stdout).expect("JSON");
        told.iter().filter(|delivery| delivery["state"] == "delivered").count() == MESSAGES
    });
}
