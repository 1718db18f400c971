//! A key is in its configured location and in the request, and nowhere else.
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use orewatch_eventlog::{Filter, Item};
use tracing::instrument::WithSubscriber as _;

use super::bench::{Bench, KEY};
use super::server::{Does, PollReason, Publisher, ok};

fn section(base: &str, kind: &str) -> String {
    let rest = if kind == "comtrade" { "reporters = ['USA']\nperiods = ['2022']\n" } else { "" };
    format!(
        "[[poll]]\nname = 'keyed'\nkind = '{kind}'\nbase-url = '{base}'\nkey-file = 'KEYFILE'\nproducts = \
         ['260400']\n{rest}"
    )
}

/// Everything that is logged.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn holds_key(bytes: &[u8]) -> bool {
    bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes())
}

fn files_with_key(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with_key(&path));
        } else if holds_key(&std::fs::read(&path).unwrap()) {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

/// A publisher that repeats the key wherever it can.
fn echo(status: u16) -> Does {
    let headers = vec![("ETag", format!("\"{KEY}\"")), ("Location", format!("http://127.0.0.1:1/{KEY}"))];
    Does::PublisherResponse(status, headers, format!("no: {KEY}").into_bytes())
}

#[tokio::test]
async fn the_key_appears_in_no_event_note_error_or_log() {
    for kind in ["comtrade", "gta"] {
        let publisher = Publisher::new(move |asked: &PollReason| {
            assert!(asked.headers.contains(KEY), "the key is sent");
            assert!(!asked.line.contains(KEY) && !asked.body.contains(KEY), "in a header");
            ok(if kind == "gta" { "[]" } else { "{\"data\":[1]}" })
        })
        .await;
        let bench = Bench::new(&section(&publisher.base(), kind));
        let heard = Heard::default();
        let writer = heard.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        let mut said = Vec::new();
        async {
            for code in [401, 403, 404, 302, 200, 503] {
                publisher.first([echo(code), echo(code)]);
                let connectors = bench.is_sole_writer("one");
                let (ended, notes) = bench.to_the_end(&connectors, "keyed", true).await;
                said.push(format!("{ended:?} {notes:?} {connectors:?}"));
                tracing::info!(?connectors, problem = ended.problem, "polled");
            }
        }
        .with_subscriber(subscriber)
        .await;
        assert!(said[0].contains("the key is not accepted") && said[0].contains("key)"), "{}", said[0]);
        assert!(said[0].contains("file "), "it says where the key is: {}", said[0]);
        assert!(!said.iter().any(|text| holds_key(text.as_bytes())));
        assert!(!holds_key(&heard.0.lock().unwrap()));

        let mut items = bench.log.read(Filter::All, 0);
        let mut events = 0;
        while let Item::Event(event) = items.next().await.unwrap().unwrap() {
            assert!(!holds_key(&event.data), "{}", event.kind);
            events += 1;
        }
        assert!(events > 12);
        assert_eq!(files_with_key(bench.directory.path()), ["key"]);
    }
}

#[tokio::test]
async fn a_missing_key_file_is_named_and_nothing_is_called() {
    let publisher = Publisher::new(|_| ok("[]")).await;
    let bench = Bench::new(&section(&publisher.base(), "gta"));
    std::fs::remove_file(bench.directory.path().join("key")).unwrap();
    let ended = bench.poll("keyed").await;
    assert!(ended.problem.contains("/key cannot be read"), "{}", ended.problem);
    assert_eq!(publisher.count(), 0);
    // A key that is put there later is used.
    std::fs::write(bench.directory.path().join("key"), KEY).unwrap();
    assert_eq!(bench.poll("keyed").await.problem, "");
}
