//! Logs, places and events for the tests.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use orewatch_backup::{BackupPlace, BackupReport, Digest, Progress, Restore, RestoreReport, VerifyReport};
use orewatch_contracts::Failure;
use orewatch_eventlog::{Event, EventLog, Filter, NewEvent, StreamName, embedded, history};
use orewatch_store::Location;
use tempfile::TempDir;
use uuid::Uuid;

/// The log of most tests.
pub(crate) const LOG: &str = "alerts";

/// Size at which segments end: a few events.
pub(crate) const SEGMENT_BYTES: usize = 1_000;

/// A folder that is removed at the end.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The embedded log in a folder.
pub(crate) fn open(folder: &Path) -> Arc<dyn EventLog> {
    embedded::open(folder, LOG).unwrap()
}

/// The place in a folder.
pub(crate) fn place(folder: &Path) -> BackupPlace {
    BackupPlace::open(Location::Folder(folder.to_owned())).unwrap()
}

/// A stream of the log.
pub(crate) fn stream(name: &str) -> StreamName {
    StreamName::new(format!("{LOG}.{name}")).unwrap()
}

/// An event whose fields follow from a number.
pub(crate) fn event(number: u64) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(u128::from(number) + 1),
        kind: format!("orewatch.alerting.v1.Kind{}", number % 3),
        time: format!("2026-01-15T08:30:{:02}.{:09}Z", number % 60, number * 7 % 1_000_000_000)
            .parse()
            .unwrap(),
        data: Bytes::from(vec![
            u8::try_from(number % 256).unwrap();
            usize::try_from(number % 5).unwrap() * 50
        ]),
        traceparent: number.is_multiple_of(2).then(|| format!("00-{number:032x}-00f067aa0ba902b7-01")),
    }
}

/// Appends events to streams in turn, one or two at a time.
pub(crate) async fn fill(log: &dyn EventLog, numbers: std::ops::Range<u64>) {
    let mut rest: Vec<u64> = numbers.rev().collect();
    while let Some(number) = rest.pop() {
        let mut events = vec![event(number)];
        if number % 4 == 0 {
            events.extend(rest.pop().map(event));
        }
        let stream = stream(&format!("rules.r{}", number % 3));
        let expected = log.last(&stream).await.unwrap();
        log.append(&stream, expected, events).await.unwrap();
    }
}

/// Everything on a log.
pub(crate) async fn contents(log: &dyn EventLog) -> Vec<Event> {
    history(log, Filter::All, 0).try_collect().await.unwrap()
}

/// Backs a log up into small segments.
pub(crate) async fn backup(log: &dyn EventLog, place: &BackupPlace) -> Result<BackupReport, Failure> {
    let now = "2026-12-01T00:00:00Z".parse().unwrap();
    orewatch_backup::backup(log, place, now, Some(SEGMENT_BYTES), &mut no_progress).await
}

/// Verifies the backup of the log.
pub(crate) async fn verify(place: &BackupPlace) -> Result<VerifyReport, Failure> {
    orewatch_backup::verify(place, LOG, &mut no_progress).await
}

/// Restores a log.
pub(crate) async fn restore(place: &BackupPlace, log: &dyn EventLog) -> Result<RestoreReport, Failure> {
    Restore::prepare(place, log).await?.run(&mut no_progress).await
}

/// The head digest of a log.
pub(crate) async fn head(log: &dyn EventLog) -> Digest {
    orewatch_backup::digest_of_log(log, 0, &mut no_progress).await.unwrap().1
}

fn no_progress(_: Progress<'_>) {}

/// The segments of the log in a folder, in order.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join(LOG)).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "segment")).collect();
    segments.sort();
    segments
}

/// First and last position of a segment, by its name.
pub(crate) fn positions(segment: &Path) -> (u64, u64) {
    let name = segment.file_stem().unwrap().to_str().unwrap();
    let (first, last) = name.split_once('-').unwrap();
    (first.parse().unwrap(), last.parse().unwrap())
}
