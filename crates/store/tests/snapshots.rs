//! Snapshots in a folder and in a bucket: what is loaded, what is not, and who wins.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_eventlog::{
    EVENT_SKIPPED, Event, EventLog, NewEvent, SkippingLog, StreamName, embedded, skips_stream,
};
use orewatch_store::snapshots::{EventSnapshots, Header, Mark, Reached, Restored, Room, Settled};
use orewatch_store::snapshots::{Pointer, SnapshotWriter};
use orewatch_store::{Location, Store};
use prost::Message as _;
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// Data of an event: some of them are more than a stopping process leaves to the log.
const DATA: usize = 40_000;

/// A log, and a store of snapshots.
struct Desk {
    folder: TempDir,
    log: Arc<dyn EventLog>,
    other: Arc<dyn EventLog>,
    bucket: Option<Arc<dyn ObjectStore>>,
    events: Vec<Event>,
}

/// What a fold has taken in: positions and identifiers.
type State = Vec<(u64, Uuid)>;

impl Desk {
    fn new(bucket: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let log = embedded::open(&folder.path().join("logs"), "observations").unwrap();
        let other = embedded::open(&folder.path().join("logs"), "exposures").unwrap();
        let bucket = bucket.then(|| Arc::new(InMemory::new()) as Arc<dyn ObjectStore>);
        Self { folder, log, other, bucket, events: Vec::new() }
    }

    fn room(&self) -> Room {
        self.room_with(&self.folder.path().join("cache"))
    }

    /// The room of a replica with a cache of its own.
    fn room_with(&self, cache: &Path) -> Room {
        Room::in_store(self.store(), "exposure", cache)
    }

    fn store(&self) -> Store {
        match &self.bucket {
            Some(objects) => Store::in_bucket(Arc::clone(objects), "some/prefix"),
            None => Store::open(&Location::Folder(self.folder.path().join("store"))).unwrap(),
        }
    }

    fn snapshots(&self) -> EventSnapshots {
        EventSnapshots::new(
            self.room(),
            Arc::clone(&self.log),
            vec![Arc::clone(&self.other)],
            ["kept", "rare"],
        )
    }

    /// Appends events of alternating types.
    async fn append(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.events.len();
            let kind = if number.is_multiple_of(2) { "kept" } else { "dropped" };
            let event = append(&self.log, number, kind).await;
            self.events.push(event);
        }
    }

    /// The state after the first events.
    fn settled(&self, count: usize) -> Settled {
        let mut reached = Reached::default();
        self.events[..count].iter().for_each(|event| reached.count(event));
        Settled { reached, others: vec![0] }
    }

    fn state(&self, count: usize) -> State {
        let kept = self.events[..count].iter().filter(|event| event.kind == "kept");
        kept.map(|event| (event.position, event.id)).collect()
    }

    async fn list(&self) -> Pointer {
        let (json, _) = self.store().read("exposure/newest").await.unwrap().unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    async fn replace_list(&self, list: &str) {
        let version = self.store().read("exposure/newest").await.unwrap().map(|(_, version)| version);
        assert!(self.store().replace("exposure/newest", version, list.into()).await.unwrap());
    }
}

async fn append(log: &Arc<dyn EventLog>, number: usize, kind: &str) -> Event {
    let stream = StreamName::new(format!("{}.a", log.name())).unwrap();
    let new = NewEvent {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{number} {kind}").as_bytes()),
        kind: kind.to_owned(),
        time: NOW,
        data: vec![u8::try_from(number % 251).unwrap(); DATA].into(),
        traceparent: None,
    };
    let expected = log.last(&stream).await.unwrap();
    let positions = log.append(&stream, expected, vec![new.clone()]).await.unwrap();
    let NewEvent { id, kind, time, data, traceparent } = new;
    Event { position: positions[0], stream, id, kind, time, data, traceparent }
}

/// Marks an event that must not count, and opens the log anew.
async fn skip(log: &Arc<dyn EventLog>, position: u64) -> Arc<dyn EventLog> {
    let stream = skips_stream(log.name()).unwrap();
    let (reason, actor) = ("wrong".to_owned(), "ops".to_owned());
    let mark = EventSkipped { position, reason, actor, ..EventSkipped::default() };
    let new = NewEvent {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("skip {position}").as_bytes()),
        kind: EVENT_SKIPPED.to_owned(),
        time: NOW,
        data: mark.encode_to_vec().into(),
        traceparent: None,
    };
    let expected = log.last(&stream).await.unwrap();
    log.append(&stream, expected, vec![new]).await.unwrap();
    SkippingLog::open(Arc::clone(log)).await.unwrap()
}

/// A process that reaches a state and stops.
async fn stop_at(snapshots: EventSnapshots, settled: Settled, now: Timestamp) {
    let (sender, known) = watch::channel(Settled::default());
    sender.send_replace(settled);
    drop(sender);
    snapshots.keep(std::future::pending(), || now, known, |settled| Some(settled.clone())).await;
}

async fn restore(snapshots: &mut EventSnapshots) -> Option<Restored<State>> {
    let evolve = |state: &mut State, event: &Event| {
        state.push((event.position, event.id));
        Ok(())
    };
    snapshots.restore(evolve).await
}

#[tokio::test]
async fn a_start_from_a_snapshot_has_the_state_and_goes_on_from_there() {
    for bucket in [false, true] {
        let mut desk = Desk::new(bucket);
        assert!(restore(&mut desk.snapshots()).await.is_none(), "there is none yet");
        desk.append(7).await;
        stop_at(desk.snapshots(), desk.settled(5), NOW).await;

        let mut second = desk.snapshots();
        let restored = restore(&mut second).await.unwrap();
        assert_eq!((restored.state, restored.reached), (desk.state(5), desk.settled(5).reached));
        desk.append(4).await;
        // It continues the file of the first one.
        stop_at(second, desk.settled(11), NOW).await;
        let restored = restore(&mut desk.snapshots()).await.unwrap();
        assert_eq!((restored.state, restored.reached), (desk.state(11), desk.settled(11).reached));

        // A replica on another machine, with an empty cache.
        let cache = TempDir::new().unwrap();
        let kinds = ["kept"];
        let others = vec![Arc::clone(&desk.other)];
        let mut third =
            EventSnapshots::new(desk.room_with(cache.path()), Arc::clone(&desk.log), others, kinds);
        assert_eq!(restore(&mut third).await.unwrap().state, desk.state(11));
    }
}

#[tokio::test]
async fn a_lower_position_never_replaces_a_higher_one() {
    for bucket in [false, true] {
        let mut desk = Desk::new(bucket);
        desk.append(9).await;
        stop_at(desk.snapshots(), desk.settled(9), NOW).await;
        let before = desk.list().await;
        stop_at(desk.snapshots(), desk.settled(6), NOW).await;
        stop_at(desk.snapshots(), desk.settled(9), NOW).await;
        assert_eq!(desk.list().await, before);
    }
}

#[tokio::test]
async fn of_replicas_that_write_at_the_same_time_the_furthest_wins() {
    for bucket in [false, true] {
        let mut desk = Desk::new(bucket);
        desk.append(12).await;
        let counts = [5, 11, 8, 12, 6, 9, 7, 10];
        let tasks = counts.map(|count| stop_at(desk.snapshots(), desk.settled(count), NOW));
        futures_util::future::join_all(tasks).await;
        assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(12));
        let list = desk.list().await;
        assert!(list.snapshots.len() <= 3);
        assert!(list.snapshots.is_sorted_by_key(|entry| std::cmp::Reverse(entry.header.progress())));
    }
}

#[tokio::test]
async fn the_last_three_are_kept_and_older_ones_are_removed_after_a_while() {
    for bucket in [false, true] {
        let mut desk = Desk::new(bucket);
        for count in [2, 4, 6, 8, 10] {
            desk.append(2).await;
            stop_at(desk.snapshots(), desk.settled(count), NOW).await;
        }
        let files = |desk: &Desk| {
            let store = desk.store();
            async move {
                store.list("exposure").await.unwrap().into_iter().filter(|file| file.name.len() == 64).count()
            }
        };
        assert_eq!(files(&desk).await, 5, "somebody may still read them");
        desk.append(2).await;
        let listed = desk.store().list("exposure").await.unwrap();
        let newest = listed.iter().map(|file| file.modified).max().unwrap();
        let later = newest.checked_add(SignedDuration::from_hours(2)).unwrap();
        stop_at(desk.snapshots(), desk.settled(12), later).await;
        assert_eq!(files(&desk).await, 3);
        assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(12));
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_not_used_and_the_one_before_it_is() {
    let mut desk = Desk::new(false);
    desk.append(8).await;
    stop_at(desk.snapshots(), desk.settled(4), NOW).await;
    stop_at(desk.snapshots(), desk.settled(8), NOW).await;
    let path = desk.room().folder().join(&desk.list().await.snapshots[0].digest);
    let good = std::fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [flipped, good[..good.len() - 1].to_vec(), Vec::new()] {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(4));
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(4));
    std::fs::write(&path, good).unwrap();
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(8));
}

#[tokio::test]
async fn a_damaged_copy_of_an_object_is_fetched_anew() {
    let mut desk = Desk::new(true);
    desk.append(4).await;
    stop_at(desk.snapshots(), desk.settled(4), NOW).await;
    let copy = desk.room().folder().join(&desk.list().await.snapshots[0].digest);
    std::fs::write(&copy, "damaged").unwrap();
    assert!(restore(&mut desk.snapshots()).await.is_none());
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(4));
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_not_used() {
    let mut desk = Desk::new(false);
    desk.append(4).await;
    let event = append(&desk.other, 0, "published").await;
    let settled = Settled { others: vec![event.position], ..desk.settled(4) };
    stop_at(desk.snapshots(), settled, NOW).await;
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().others, [event.position]);

    // As far as the snapshot, but with other events: the log itself, or the one beside it.
    let mut stranger = Desk::new(false);
    append(&stranger.log, 99, "kept").await;
    stranger.append(3).await;
    let same_room = |log: &Arc<dyn EventLog>, other: &Arc<dyn EventLog>| {
        EventSnapshots::new(desk.room(), Arc::clone(log), vec![Arc::clone(other)], ["kept"])
    };
    assert!(restore(&mut same_room(&stranger.log, &desk.other)).await.is_none());
    assert!(restore(&mut same_room(&desk.log, &stranger.other)).await.is_none(), "it has no event at all");
    append(&stranger.other, 1, "published").await;
    assert!(restore(&mut same_room(&desk.log, &stranger.other)).await.is_none());
    assert!(restore(&mut same_room(&Desk::new(false).log, &desk.other)).await.is_none(), "an empty log");
    assert!(restore(&mut same_room(&desk.log, &desk.other)).await.is_some());

    // A new log in the same place begins its own list, at a lower position.
    let mut snapshots = same_room(&stranger.log, &desk.other);
    assert!(restore(&mut snapshots).await.is_none());
    stop_at(snapshots, Settled { others: vec![0], ..stranger.settled_at_end().await }, NOW).await;
    assert!(restore(&mut same_room(&stranger.log, &desk.other)).await.is_some());
}

impl Desk {
    /// The end of the log, with events of others before ours.
    async fn settled_at_end(&self) -> Settled {
        let last = self.events.last().unwrap();
        let bytes = u64::try_from(DATA * (self.events.len() + 1)).unwrap();
        let reached = Reached { position: last.position, event: last.id, bytes };
        Settled { reached, others: vec![0] }
    }
}

#[tokio::test]
async fn a_snapshot_that_lacks_events_of_this_version_or_is_of_another_format_or_service_is_not_used() {
    let mut desk = Desk::new(false);
    desk.append(4).await;
    stop_at(desk.snapshots(), desk.settled(4), NOW).await;
    let list = String::from_utf8(serde_json::to_vec(&desk.list().await).unwrap()).unwrap();

    let others = vec![Arc::clone(&desk.other)];
    let kinds = ["kept", "of-a-later-version"];
    let mut later = EventSnapshots::new(desk.room(), Arc::clone(&desk.log), others, kinds);
    assert!(restore(&mut later).await.is_none());

    for (from, to) in [
        ("\"format\":1", "\"format\":2"),
        ("\"service\":\"exposure\"", "\"service\":\"alerting\""),
        ("\"folded_bytes\":160000", "\"folded_bytes\":1"),
        ("\"log\":\"observations\"", "\"log\":\"alerts\""),
        ("\"position\":4", "\"position\":400"),
    ] {
        let changed = list.replace(from, to);
        assert_ne!(changed, list, "{from}");
        desk.replace_list(&changed).await;
        assert!(restore(&mut desk.snapshots()).await.is_none(), "{to}");
    }
    desk.replace_list("{").await;
    assert!(restore(&mut desk.snapshots()).await.is_none());
    desk.replace_list(&list).await;
    assert!(restore(&mut desk.snapshots()).await.is_some());
}

#[tokio::test]
async fn a_snapshot_is_used_only_while_the_same_events_count() {
    let mut desk = Desk::new(false);
    desk.append(6).await;
    stop_at(desk.snapshots(), desk.settled(4), NOW).await;
    let plain = Arc::clone(&desk.log);
    desk.log = skip(&plain, 5).await;
    let restored = restore(&mut desk.snapshots()).await.unwrap();
    assert_eq!(restored.state, desk.state(4), "the event is not in the snapshot");
    desk.log = skip(&plain, 3).await;
    assert!(restore(&mut desk.snapshots()).await.is_none());
    // The next one is of the same position as the one that cannot be used any more.
    desk.events.retain(|event| ![3, 5].contains(&event.position));
    stop_at(desk.snapshots(), desk.settled(3), NOW).await;
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(3));
}

#[tokio::test]
async fn a_snapshot_of_a_later_version_stays_beside_those_of_this_one() {
    let mut desk = Desk::new(false);
    desk.append(6).await;
    let last = &desk.events[5];
    let mark = Mark::new(&*desk.log, last.position, last.id).await.unwrap();
    let header = Header { service: "exposure".to_owned(), format: 9, marks: vec![mark], ..Header::default() };
    let room = desk.room();
    let file = SnapshotWriter::create(room.folder(), &header).unwrap().finish().unwrap();
    assert!(room.publish(&file, header, NOW).await.unwrap());
    assert!(restore(&mut desk.snapshots()).await.is_none());
    stop_at(desk.snapshots(), desk.settled(4), NOW).await;
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(4));
    assert!(desk.list().await.has(&file.digest));
}

#[tokio::test]
async fn a_snapshot_is_written_while_the_process_runs_once_enough_is_folded() {
    let mut desk = Desk::new(false);
    desk.append(4).await;
    let (sender, known) = watch::channel(Settled::default());
    let mut much = desk.settled(4);
    much.reached.bytes = 64 << 20;
    let keep = desk.snapshots().keep(
        std::future::pending(),
        || NOW,
        known,
        |settled: &Settled| Some(settled.clone()).filter(|settled| settled.reached.position > 0),
    );
    let running = tokio::spawn(keep);
    sender.send_replace(desk.settled(2));
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(desk.store().read("exposure/newest").await.unwrap().is_none(), "not yet");
    sender.send_replace(much);
    while desk.store().read("exposure/newest").await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(restore(&mut desk.snapshots()).await.unwrap().state, desk.state(4));
    drop(sender);
    running.await.unwrap();
}
