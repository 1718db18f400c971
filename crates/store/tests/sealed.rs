//! What a tenant's releases hold is sealed on the log, and open for readers as long as its key exists.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{
    ObservationEvent, ObservationEventKind, ObservationsRecorded, Release, ReleaseCommitted, ReleaseOpened,
    ReleaseWithdrawn, Report, TenantErased,
};
use orewatch_eventlog::{Error, Event, EventLog, Filter, NewEvent, StreamName, embedded, history};
use orewatch_store::Location;
use orewatch_store::keys::TenantKeys;
use orewatch_store::sealed::{SealedLog, plain_part, sealed_with};
use orewatch_store::snapshots::{EventSnapshots, Reached, Room, Settled, SnapshotPlace};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// A directory with a log, a key file and a table of keys.
struct Place {
    folder: TempDir,
    /// The log with its content as it is stored.
    stored: Arc<dyn EventLog>,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("keys.txt"), KEY).unwrap();
        let stored = embedded::open(folder.path(), "observations").unwrap();
        Self { folder, stored }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The keys, as another process has them.
    fn keys(&self) -> TenantKeys {
        let table = Location::Folder(self.path().join("keys"));
        TenantKeys::new(self.path().join("keys.txt"), &table).unwrap()
    }

    /// The log as another process reads and writes it.
    fn sealed(&self) -> Arc<SealedLog> {
        SealedLog::new(Arc::clone(&self.stored), self.keys())
    }

    async fn erase(&self, tenant: &str) {
        let destroyed = self.keys().erase(tenant, &BTreeSet::new(), Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(!destroyed.is_empty());
    }
}

fn stream_of(release: &str) -> StreamName {
    StreamName::new(format!("observations.{release}")).unwrap()
}

fn new(number: u128, event: impl Into<ObservationEvent>) -> NewEvent {
    let event = event.into();
    NewEvent {
        id: Uuid::from_u128(number),
        kind: event.kind().name().to_owned(),
        time: Timestamp::UNIX_EPOCH,
        data: event.encode(),
        traceparent: None,
    }
}

fn opened(tenant: &str) -> ReleaseOpened {
    let release = Release { id: "a/b".to_owned(), tenant: tenant.to_owned(), ..Release::default() };
    ReleaseOpened { release: Some(release), ..ReleaseOpened::default() }
}

fn committed() -> ReleaseCommitted {
    let report = Report { rows_recorded: 4711, ..Report::default() };
    ReleaseCommitted { report: Some(report), actor: "ann".to_owned() }
}

/// A chunk whose rows are any bytes.
fn chunk(number: u128, rows: &str) -> NewEvent {
    let event = new(number, ObservationsRecorded::default());
    // A field that no version knows: chunks are kept byte by byte.
    let mut data = b"\xa2\x06".to_vec();
    prost::encode_length_delimiter(rows.len(), &mut data).unwrap();
    data.extend_from_slice(rows.as_bytes());
    NewEvent { data: data.into(), ..event }
}

async fn all(log: &dyn EventLog) -> Vec<Event> {
    history(log, Filter::All, 0).try_collect().await.unwrap()
}

fn data(events: &[Event]) -> Vec<Bytes> {
    events.iter().map(|event| event.data.clone()).collect()
}

/// Records a release of a tenant with two chunks. Returns its events as they were given.
async fn record(log: &dyn EventLog, release: &str, tenant: &str, number: u128) -> Vec<NewEvent> {
    let stream = stream_of(release);
    let events = vec![
        new(number, opened(tenant)),
        chunk(number + 1, &format!("secret of {tenant}")),
        chunk(number + 2, "more"),
        new(number + 3, committed()),
    ];
    let first = log.append(&stream, 0, vec![events[0].clone()]).await.unwrap();
    let mut chunks = stream::iter(vec![events[1].clone(), events[2].clone()]);
    let last = log.append_in_order(&stream, first[0], &mut chunks).await.unwrap();
    log.append(&stream, last, vec![events[3].clone()]).await.unwrap();
    events
}

#[tokio::test]
async fn content_of_tenants_is_sealed_and_comes_back_as_it_was() {
    let place = Place::new();
    let log = place.sealed();
    let everyones = record(&*log, "d.everyone", "", 10).await;
    let acme = record(&*log, "d.acme", "acme", 20).await;
    let withdrawn = ReleaseWithdrawn { reason: "wrong".to_owned(), actor: "ann".to_owned() };
    let last = log.last(&stream_of("d.acme")).await.unwrap();
    log.append(&stream_of("d.acme"), last, vec![new(30, withdrawn.clone())]).await.unwrap();

    let given: Vec<Bytes> = everyones.iter().chain(&acme).map(|event| event.data.clone()).collect();
    let read = all(&*place.sealed()).await;
    assert_eq!(data(&read[..3]), given[..3], "another process reads the same");
    assert_eq!(data(&read[4..7]), given[4..7]);
    assert_eq!(read[7].message::<ReleaseCommitted>().unwrap(), committed());
    assert_eq!(read[8].message::<ReleaseWithdrawn>().unwrap(), withdrawn);

    let stored = all(&*place.stored).await;
    assert_eq!(data(&stored[..4]), given[..4], "what is everyone's is as it was");
    for (sealed, open) in stored.iter().zip(&read) {
        assert_eq!(
            (&sealed.kind, &sealed.stream, sealed.position, sealed.id, sealed.time),
            (&open.kind, &open.stream, open.position, open.id, open.time)
        );
    }
    let keys: Vec<_> = stored.iter().map(|event| sealed_with(event).unwrap().is_some()).collect();
    assert_eq!(keys, [false, false, false, false, false, true, true, true, false]);
    let bytes: Vec<u8> = data(&stored).concat();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("secret of ") && !has("secret of acme"));
    let plain: ReleaseCommitted = plain_part(&stored[7]).unwrap().unwrap().message().unwrap();
    assert_eq!(plain, ReleaseCommitted { report: None, actor: "ann".to_owned() });
}

#[tokio::test]
async fn an_append_that_is_repeated_by_another_process_is_recognised() {
    let place = Place::new();
    let events = record(&*place.sealed(), "d.acme", "acme", 20).await;
    let again = place.sealed();
    let stream = stream_of("d.acme");
    assert_eq!(again.append(&stream, 0, vec![events[0].clone()]).await.unwrap(), [1]);
    let mut chunks = stream::iter(vec![events[1].clone(), events[2].clone()]);
    let last = again.append_in_order(&stream, 1, &mut chunks).await.unwrap();
    assert_eq!(again.append(&stream, last, vec![events[3].clone()]).await.unwrap(), [4]);
    assert_eq!(all(&*place.stored).await.len(), 4, "nothing was stored again");

    // What is left after a conflict is given back as it came.
    let mut others = stream::iter(vec![chunk(90, "other"), chunk(91, "rows")]);
    let unfinished = again.append_in_order(&stream, 2, &mut others).await.unwrap_err();
    assert!(matches!(unfinished.error, Error::Conflict { actual: 4, .. }), "{unfinished:?}");
    assert_eq!(unfinished.rest, [chunk(90, "other"), chunk(91, "rows")]);
}

#[tokio::test]
async fn what_is_erased_stays_sealed_and_everything_else_is_as_before() {
    let place = Place::new();
    let running = place.sealed();
    record(&*running, "d.acme", "acme", 20).await;
    record(&*running, "d.beta", "beta", 30).await;
    let before = all(&*running).await;
    place.erase("acme").await;
    let erased = TenantErased { tenant: "acme".to_owned(), ..TenantErased::default() };
    running.append(&stream_of("_tenants.acme"), 0, vec![new(40, erased)]).await.unwrap();

    // The running process forgets the key when it reads the event.
    let mut items = running.read(Filter::All, 8);
    items.next().await.unwrap().unwrap();
    for log in [&running, &place.sealed()] {
        let after = all(&**log).await;
        for (was, is) in before.iter().zip(&after).take(8) {
            let is_acme = was.stream == stream_of("d.acme");
            let is_content = !was.kind.ends_with("ReleaseOpened");
            assert_eq!(plain_part(is).unwrap().is_some(), is_acme && is_content, "{}", is.position);
            assert_eq!(was.data == is.data, !(is_acme && is_content), "{}", is.position);
        }
    }
    // A tenant that comes back has another key.
    record(&*place.sealed(), "d.again", "acme", 50).await;
    let again = all(&*running).await;
    assert!(again[10..].iter().all(|event| sealed_with(event).unwrap().is_none()), "they are opened");
}

#[tokio::test]
async fn an_append_ends_when_its_tenant_is_erased_meanwhile() {
    let place = Place::new();
    let keys = place.keys();
    let log = SealedLog::new(Arc::clone(&place.stored), keys.clone());
    let stream = stream_of("d.acme");
    let first = log.append(&stream, 0, vec![new(1, opened("acme"))]).await.unwrap()[0];
    let erasing = move |event: NewEvent| {
        let keys = keys.clone();
        async move {
            keys.erase("acme", &BTreeSet::new(), Timestamp::UNIX_EPOCH).await.unwrap();
            event
        }
    };
    let late = stream::iter([chunk(3, "two")]).then(erasing);
    let mut chunks = Box::pin(stream::iter([chunk(2, "one")]).chain(late));
    let unfinished = log.append_in_order(&stream, first, &mut chunks).await.unwrap_err();
    assert!(matches!(unfinished.error, Error::Unavailable { .. }), "{unfinished:?}");
    assert_eq!((unfinished.last, unfinished.rest), (2, vec![chunk(3, "two")]));
}

#[tokio::test]
async fn a_process_without_the_key_withholds_or_waits() {
    let place = Place::new();
    record(&*place.sealed(), "d.acme", "acme", 20).await;
    // Without a key file, content stays sealed, and nothing of a tenant is recorded beside it.
    let keyless = SealedLog::new(Arc::clone(&place.stored), TenantKeys::default());
    let read = all(&*keyless).await;
    assert_eq!(data(&read), data(&all(&*place.stored).await));
    let refused = keyless.append(&stream_of("d.acme"), 4, vec![chunk(60, "plain")]).await;
    assert!(matches!(refused, Err(Error::Misconfigured { .. })), "{refused:?}");
    let everyones = vec![new(70, opened("")), chunk(71, "plain")];
    keyless.append(&stream_of("d.everyone"), 0, everyones).await.unwrap();

    // With another key file, or a table that is lost, the reader is one of a log that is away.
    let table = Location::Folder(place.path().join("elsewhere"));
    let lost = TenantKeys::new(place.path().join("keys.txt"), &table).unwrap();
    let lost = SealedLog::new(Arc::clone(&place.stored), lost);
    let read: Result<Vec<Event>, Error> = history(&*lost, Filter::All, 0).try_collect().await;
    assert!(matches!(read, Err(Error::Unavailable { .. })), "{read:?}");
}

#[tokio::test]
async fn without_a_key_file_nothing_is_sealed() {
    let place = Place::new();
    let log = SealedLog::new(Arc::clone(&place.stored), TenantKeys::default());
    let given = record(&*log, "d.acme", "acme", 20).await;
    let given: Vec<Bytes> = given.into_iter().map(|event| event.data).collect();
    assert_eq!(data(&all(&*place.stored).await), given);
    assert_eq!(data(&all(&*log).await), given);
    // What was recorded so stays readable when keys come.
    assert_eq!(data(&all(&*place.sealed()).await), given);
    assert!(!place.path().join("keys").exists(), "no table is made");
}

/// Snapshots of the log, as a service has them.
fn snapshots(place: &Place) -> EventSnapshots {
    let room = SnapshotPlace::folder(&place.path().join("snapshots"));
    let room = Room::open(&room, "ingestion").unwrap();
    let kinds = ObservationEventKind::ALL.iter().map(|kind| kind.name());
    EventSnapshots::new(room, Arc::clone(&place.stored), Vec::new(), kinds).with_keys(place.keys())
}

/// The data of the events that a start from a snapshot folds.
async fn restored(place: &Place) -> Option<Vec<Bytes>> {
    let evolve = |data: &mut Vec<Bytes>, event: &Event| {
        data.push(event.data.clone());
        Ok(())
    };
    snapshots(place).restore(evolve).await.map(|restored| restored.state)
}

#[tokio::test]
async fn snapshots_hold_content_as_it_is_stored() {
    let place = Place::new();
    let log = place.sealed();
    record(&*log, "d.acme", "acme", 20).await;
    record(&*log, "d.beta", "beta", 30).await;
    let last = log.last(&stream_of("d.beta")).await.unwrap();
    log.append(&stream_of("d.beta"), last, vec![chunk(40, &"many rows ".repeat(10_000))]).await.unwrap();
    let mut reached = Reached::default();
    all(&*log).await.iter().for_each(|event| reached.count(event));
    let (sender, known) = watch::channel(Reached::default());
    sender.send_replace(reached);
    drop(sender);
    let settled = |reached: &Reached| Some(Settled { reached: *reached, others: Vec::new() });
    snapshots(&place).keep(std::future::pending(), || Timestamp::UNIX_EPOCH, known, settled).await;

    let before = restored(&place).await.unwrap();
    assert_eq!(before, data(&all(&*log).await), "a start from it folds what is open");
    place.erase("acme").await;
    let after = restored(&place).await.unwrap();
    let stored = data(&all(&*place.stored).await);
    assert_eq!(after[1..4], stored[1..4], "acme's stays sealed");
    assert_eq!(after[4..], before[4..], "beta's is as before");
    // A snapshot with content for which no key is there is not used: the fold waits at the log instead.
    std::fs::remove_dir_all(place.path().join("keys")).unwrap();
    assert_eq!(restored(&place).await, None);
}
