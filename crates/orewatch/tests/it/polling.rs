//! Polls of publishers: on demand, recorded, and continued after the process was killed.
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::run::{command, err, json, ok, run};

const KEY: &str = "k-0123456789-abcdef";
const PAGES: usize = 5;

/// A local server in place of the World Bank. Each page has one row; one page may never be answered.
struct Bank {
    address: String,
    asked: Arc<Mutex<Vec<usize>>>,
    /// The page that is never answered, if there is one.
    hangs: Arc<Mutex<Option<usize>>>,
}

impl Bank {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, hangs) = (Arc::<Mutex<Vec<usize>>>::default(), Arc::<Mutex<Option<usize>>>::default());
        let (log, hang) = (Arc::clone(&asked), Arc::clone(&hangs));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, hang) = (Arc::clone(&log), Arc::clone(&hang));
                thread::spawn(move || answer(stream, &log, &hang));
            }
        });
        Self { address, asked, hangs }
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, log: &Mutex<Vec<usize>>, hangs: &Mutex<Option<usize>>) {
    let mut head = [0; 4_096];
    let count = stream.read(&mut head).unwrap_or(0);
    let text = String::from_utf8_lossy(head.get(..count).unwrap()).into_owned();
    let page = text.split("&page=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
    log.lock().unwrap().push(page);
    if *hangs.lock().unwrap() == Some(page) {
        // Waits until the client disconnects.
        let _gone = stream.read(&mut head);
        return;
    }
    let iso3 = ["CHL", "COD", "DEU", "ZAF", "AUS"].get(page - 1).unwrap();
    let body = format!(
        r#"[{{"page":{page},"pages":{PAGES},"per_page":"1","total":{PAGES},"lastupdated":"2025-11-05"}},
        [{{"indicator":{{"id":"PV.EST"}},"country":{{"id":"x"}},"countryiso3code":"{iso3}",
        "date":"2024","value":0.{page}}}]]"#
    );
    let _told = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// A configuration that polls the local server.
fn configured(bank: &Bank, more: &str) -> (TempDir, String, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("key"), KEY).unwrap();
    let config = dir.path().join("orewatch.toml");
    let text = format!(
        "[[poll]]\nname = 'wgi'\nkind = 'world-bank'\nbase-url = 'http://{}'\nindicators = ['PV.EST']\n\
         cap = 1\ninterval = '1ms'\nkey-file = '{}'\n{more}",
        bank.address,
        dir.path().join("key").display()
    );
    fs::write(&config, text).unwrap();
    let (data, config) = (dir.path().join("data").display().to_string(), config.display().to_string());
    (dir, data, config)
}

#[test]
fn a_poll_on_demand_works_in_every_format() {
    let bank = Bank::new();
    let (_dir, data, config) = configured(&bank, "");
    let at = ["--data", &data, "--config", &config];
    let polled = json(&[&["poll", "wgi"][..], &at].concat());
    assert_eq!(polled["releases"][0]["state"], "committed", "{polled}");
    assert_eq!(polled["releases"][0]["rows_recorded"], 5);
    let again = json(&[&["poll", "wgi"][..], &at].concat());
    assert_eq!(again["releases"], serde_json::json!([]));
    assert!(again["notes"][0].as_str().unwrap().contains("nothing new"), "{again}");

    let listed = json(&[&["connectors"][..], &at].concat());
    assert_eq!((&listed[0]["connector"], &listed[0]["kind"]), (&"wgi".into(), &"world-bank".into()));
    assert!(listed[0]["succeeded_at"].is_string() && listed[0]["problem"].is_null(), "{listed}");
    let table = ok(&[&["connectors"][..], &at].concat());
    assert!(table.contains("on demand"), "{table}");

    let requests = json(&[&["fetches", "--last", "100"][..], &at].concat());
    assert_eq!(requests.as_array().unwrap().len(), 10);
    assert!(requests[0]["request"].as_str().unwrap().starts_with("GET http://127.0.0.1:"), "{requests}");
    let csv = ok(&[&["fetches", "--connector", "wgi", "--last", "3", "--format", "csv"][..], &at].concat());
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(ok(&[&["fetches"][..], &at].concat()).contains("200"));
    // The earlier name of `fetches` still works, but is not listed.
    assert!(ok(&[&["requests"][..], &at].concat()).contains("200"));
    let help = ok(&["--help"]);
    assert!(help.contains("\n  fetches ") && !help.contains("\n  requests "), "{help}");

    let unknown = run(&[&["poll", "who"][..], &at].concat());
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("one of wgi"), "{}", err(&unknown));
}

#[test]
fn an_invalid_poll_section_stops_the_service_before_it_starts() {
    let bank = Bank::new();
    let (_dir, data, config) = configured(&bank, "evry = '24h'\n");
    let output = run(&["up", "--data", &data, "--config", &config, "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("evry") && err(&output).contains("key poll in"), "{}", err(&output));

    let (dir, data, config) = configured(&bank, "");
    fs::remove_file(dir.path().join("key")).unwrap();
    let output = run(&["up", "--data", &data, "--config", &config, "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("key-file") && err(&output).contains("cannot be read"), "{}", err(&output));
}

/// `orewatch up` that polls by itself.
fn up(data: &str, config: &str) -> Child {
    let mut command: Command =
        command(&["up", "--data", data, "--config", config, "--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_poll_continues_where_a_killed_service_stopped() {
    let bank = Bank::new();
    let (_dir, data, config) = configured(&bank, "every = '24h'\n");
    *bank.hangs.lock().unwrap() = Some(4);
    let mut first = up(&data, &config);
    wait_for("it does not poll", || bank.asked().contains(&4));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(bank.asked(), [1, 2, 3, 4]);

    *bank.hangs.lock().unwrap() = None;
    let mut second = up(&data, &config);
    let (mut stderr, log) = (second.stderr.take().unwrap(), Arc::<Mutex<String>>::default());
    let heard = Arc::clone(&log);
    let listener = thread::spawn(move || {
        let mut piece = [0; 4_096];
        while let Ok(count @ 1..) = stderr.read(&mut piece) {
            heard.lock().unwrap().push_str(&String::from_utf8_lossy(piece.get(..count).unwrap()));
        }
    });
    wait_for("the poll does not continue", || log.lock().unwrap().contains("\"polled\""));
    // The embedded log has one user: the next command asks it when this one has ended.
    assert!(Command::new("kill").arg(second.id().to_string()).status().unwrap().success());
    second.wait().unwrap();
    listener.join().unwrap();
    let log = log.lock().unwrap().clone();
    assert_eq!(bank.asked(), [1, 2, 3, 4, 4, 5], "{log}");

    let at = ["--data", &data, "--config", &config];
    let releases = json(&[&["releases"][..], &at].concat());
    assert_eq!(releases.as_array().unwrap().len(), 1, "{releases}\n{log}");
    assert_eq!(releases[0]["rows_recorded"], 5);
    assert!(!log.contains(KEY));
}
