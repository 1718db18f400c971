//! Connectors on a log, with a simulated clock, an archive in memory, and an ingest that remembers its
//! requests.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    FetchRecorded, IngestFilesRequest, IngestOutcome, Release, ReleaseInfo, ReleaseState,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, embedded};
use orewatch_ingestion::connectors::{
    BodyStore, Connectors, ConnectorsSetup, EndedPoll, FileIngest, OnProgress, PollResult, PollSection,
    parse_connectors,
};
use orewatch_runtime::{Clock, Context};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The key of all tests.
pub(super) const KEY: &str = "s3cret-0123456789abcdef";

/// A clock that stands still until somebody waits, and then jumps to the end of the wait.
#[derive(Debug)]
pub(super) struct Jumping(Mutex<Timestamp>);

impl Jumping {
    pub(super) fn at(time: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(time.parse().unwrap())))
    }

    pub(super) fn pass(&self, wait: SignedDuration) {
        *self.0.lock().unwrap() += wait;
    }

    /// Moves to a time, if it is not there yet.
    pub(super) fn reach(&self, time: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = (*now).max(time);
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep_until(&self, time: Timestamp) -> BoxFuture<'_, ()> {
        self.reach(time);
        tokio::task::yield_now().boxed()
    }
}

/// Bodies by their SHA-256. It may fail after a number of bodies.
#[derive(Debug)]
pub(super) struct Memory {
    bodies: Mutex<BTreeMap<String, Bytes>>,
    left: AtomicUsize,
}

impl Memory {
    /// From now on it takes so many more bodies.
    pub(super) fn breaks_after(&self, bodies: usize) {
        self.left.store(bodies, Ordering::SeqCst);
    }

    pub(super) fn body(&self, sha256: &str) -> Bytes {
        self.bodies.lock().unwrap()[sha256].clone()
    }
}

impl BodyStore for Memory {
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<(), Failure>> {
        let room = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        async move {
            room.map_err(|_| Failure::new(Class::Exhausted, "archive-full", "no room is left"))?;
            let name = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
            self.bodies.lock().unwrap().insert(name, body);
            Ok(())
        }
        .boxed()
    }

    fn get<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Failure>> {
        let found = self.bodies.lock().unwrap().get(sha256).cloned();
        async move { Ok(found) }.boxed()
    }
}

/// An ingest that accepts everything and remembers it.
#[derive(Debug, Default)]
pub(super) struct Taken(pub(super) Mutex<Vec<IngestFilesRequest>>);

impl FileIngest for Taken {
    fn ingest<'a>(
        &'a self,
        request: IngestFilesRequest,
        _tell: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<Vec<IngestOutcome>, Failure>> {
        let id = format!("test/{}", request.description.clone().unwrap_or_default().vintage);
        self.0.lock().unwrap().push(request);
        let release = Some(Release { id, ..Release::default() });
        let info = ReleaseInfo { release, state: ReleaseState::Committed.into(), ..ReleaseInfo::default() };
        async move { Ok(vec![IngestOutcome { release: Some(info), ..IngestOutcome::default() }]) }.boxed()
    }
}

/// Everything around connectors that outlives a process.
pub(super) struct Bench {
    pub(super) clock: Arc<Jumping>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) keep: Arc<Memory>,
    pub(super) taken: Arc<Taken>,
    pub(super) directory: TempDir,
    sections: String,
}

impl Bench {
    /// Connectors with these `poll` sections.
    pub(super) fn new(sections: &str) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("key"), format!("{KEY}\n")).unwrap();
        Self {
            clock: Jumping::at("2026-03-01T10:00:00Z"),
            log: embedded::open(&directory.path().join("log"), "observations").unwrap(),
            keep: Arc::new(Memory { bodies: Mutex::default(), left: AtomicUsize::new(usize::MAX) }),
            taken: Arc::default(),
            sections: sections.replace("KEYFILE", directory.path().join("key").to_str().unwrap()),
            directory,
        }
    }

    /// The same with another configuration.
    pub(super) fn with(self, sections: &str) -> Self {
        Self { sections: sections.to_owned(), ..self }
    }

    /// A process of its own.
    pub(super) fn process(&self, holder: &str) -> Arc<Connectors> {
        self.set_up(holder, false)
    }

    /// The only process that can write the log.
    pub(super) fn is_sole_writer(&self, holder: &str) -> Arc<Connectors> {
        self.set_up(holder, true)
    }

    fn set_up(&self, holder: &str, is_sole_writer: bool) -> Arc<Connectors> {
        self.on(Arc::clone(&self.log), holder, is_sole_writer)
    }

    /// A process with a connection of its own to a log.
    pub(super) fn on(&self, log: Arc<dyn EventLog>, holder: &str, is_sole_writer: bool) -> Arc<Connectors> {
        let (health, _) = tonic_health::server::health_reporter();
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        Connectors::new(ConnectorsSetup {
            context: Context::new(clock, health),
            log,
            keep: Arc::clone(&self.keep) as _,
            take: Arc::clone(&self.taken) as _,
            connectors: parse_connectors(sections(&self.sections), &BTreeMap::new()).unwrap(),
            holder: holder.to_owned(),
            is_sole_writer,
        })
    }

    /// Polls and goes on at the times that it says, until it is over.
    pub(super) async fn poll(&self, name: &str) -> EndedPoll {
        self.to_the_end(&self.is_sole_writer("one"), name, false).await.0
    }

    /// The same, with what it said on the way.
    pub(super) async fn to_the_end(
        &self,
        connectors: &Connectors,
        name: &str,
        mut force: bool,
    ) -> (EndedPoll, Vec<String>) {
        let mut notes = Vec::new();
        for _ in 0..100 {
            let mut tell = |said: orewatch_contracts::ingestion::v1::IngestFilesResponse| {
                if let Some(Said::Note(note)) = said.said {
                    notes.push(note);
                }
            };
            match connectors.poll(name, force, &mut tell).await.unwrap() {
                PollResult::Ended(ended) => return (ended, notes),
                PollResult::Paused(until, _) => self.clock.reach(until),
            }
            force = false;
        }
        panic!("the poll does not end");
    }

    /// All requests on the log, the oldest first.
    pub(super) async fn fetches(&self, name: &str) -> Vec<FetchRecorded> {
        let connectors = self.is_sole_writer("reader");
        let mut found = connectors.fetches(name, u64::MAX, 10_000).await.unwrap();
        found.reverse();
        found.into_iter().map(|(_, fetch)| fetch).collect()
    }

    /// Files of the ingestions so far.
    pub(super) fn files(&self) -> Vec<Vec<String>> {
        let taken = self.taken.0.lock().unwrap();
        taken.iter().map(|request| request.files.iter().map(|file| file.sha256.clone()).collect()).collect()
    }

    /// The bodies of the ingestion with this number.
    pub(super) fn bodies(&self, ingestion: usize) -> Vec<String> {
        let files = self.files()[ingestion].clone();
        files.iter().map(|sha256| String::from_utf8(self.keep.body(sha256).to_vec()).unwrap()).collect()
    }
}

/// `poll` sections of a configuration.
pub(super) fn sections(text: &str) -> Vec<PollSection> {
    try_sections(text).unwrap()
}

pub(super) fn try_sections(text: &str) -> Result<Vec<PollSection>, Failure> {
    let keys = [orewatch_runtime::Key::section("poll")];
    let path = std::path::Path::new("orewatch.toml");
    let settings = orewatch_runtime::Settings::new(&keys, [], [], Some((path, text)))?;
    Ok(settings.section("poll")?.unwrap_or_default())
}
