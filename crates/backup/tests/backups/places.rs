//! What a place takes: further events of the same log, and nothing of another.
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Filter, embedded};
use orewatch_testkit::FaultyLog;

use crate::kit::{LOG, backup, contents, fill, folder, open, place, restore, segments, verify};

/// Head digest of the first three events of the tests. It must never change: backups have it.
const HEAD: &str = "890a9d5b1a813fe5433d1bad531562b337e994270d31c42e575a9fc1a630e1cd";

#[tokio::test]
async fn a_further_run_adds_only_what_is_new() {
    let (data, copies, restored) = (folder(), folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    fill(log.as_ref(), 0..10).await;
    let first = backup(log.as_ref(), &place).await.unwrap();
    assert_eq!((first.position, first.added), (10, 10));
    let before = segments(copies.path());
    let again = backup(log.as_ref(), &place).await.unwrap();
    assert_eq!((again.position, again.added, again.head), (10, 0, first.head));
    assert_eq!(segments(copies.path()), before, "nothing was written");
    fill(log.as_ref(), 10..15).await;
    let more = backup(log.as_ref(), &place).await.unwrap();
    assert_eq!((more.position, more.added, more.identity), (15, 5, first.identity));
    assert_eq!(verify(&place).await.unwrap().head, more.head);
    let copy = open(restored.path());
    restore(&place, copy.as_ref()).await.unwrap();
    assert_eq!(contents(copy.as_ref()).await, contents(log.as_ref()).await);
}

/// Takes so many bytes from the front.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Later versions have to read what this one writes, and so does anyone by the description in docs/backup.md.
#[tokio::test]
async fn a_segment_can_be_read_without_this_program() {
    let (data, copies) = (folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    fill(log.as_ref(), 0..3).await;
    let report = backup(log.as_ref(), &place).await.unwrap();
    let file = std::fs::read(&segments(copies.path())[0]).unwrap();
    let mut rest = &file[..];
    assert_eq!(take(&mut rest, 8), b"OREWSEG\x01");
    let length = usize::try_from(number(take(&mut rest, 4))).unwrap();
    let header = String::from_utf8(take(&mut rest, length).to_vec()).unwrap();
    let identity = report.identity.unwrap();
    let start = format!("{{\"log\":\"alerts\",\"identity\":\"{identity}\",\"first\":1,\"previous\":\"");
    assert!(header.starts_with(&start) && header.ends_with("\"}\n"), "{header}");
    let mut events = 0;
    let mut link: &[u8] = &[];
    loop {
        let length = usize::try_from(number(take(&mut rest, 4))).unwrap();
        if length == 0 {
            break;
        }
        let _record = take(&mut rest, length);
        link = take(&mut rest, 32);
        events += 1;
    }
    assert_eq!((events, number(take(&mut rest, 8)), number(take(&mut rest, 8))), (3, 3, 3));
    assert_eq!(take(&mut rest, 32), link);
    assert_eq!(link.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), report.head.to_string());
    assert_eq!((rest.len(), report.head.to_string().as_str()), (0, HEAD));
}

#[tokio::test]
async fn an_empty_log_has_no_backup() {
    let (data, copies) = (folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    let report = backup(log.as_ref(), &place).await.unwrap();
    assert_eq!((report.identity, report.position), (None, 0));
    assert!(!place.has_backup(LOG).await.unwrap());
    let failure = verify(&place).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (Class::NotFound, "no-backup"));
}

fn is_other_log(outcome: Result<orewatch_backup::BackupReport, Failure>) -> bool {
    let failure = outcome.unwrap_err();
    (failure.class, failure.code.as_str()) == (Class::Refused, "backup-mismatch")
}

#[tokio::test]
async fn another_log_is_refused() {
    let (data, other, shorter, branched, copies) = (folder(), folder(), folder(), folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    fill(log.as_ref(), 0..10).await;
    let first = backup(log.as_ref(), &place).await.unwrap();
    let other = open(other.path());
    fill(other.as_ref(), 100..120).await;
    assert!(is_other_log(backup(other.as_ref(), &place).await), "other events");
    let shorter = open(shorter.path());
    fill(shorter.as_ref(), 0..5).await;
    assert!(is_other_log(backup(shorter.as_ref(), &place).await), "an earlier state of the log");
    let branched = open(branched.path());
    fill(branched.as_ref(), 0..7).await;
    fill(branched.as_ref(), 50..60).await;
    assert!(is_other_log(backup(branched.as_ref(), &place).await), "the same beginning");
    assert_eq!(verify(&place).await.unwrap().head, first.head, "the backup is as it was");
}

#[tokio::test]
async fn what_comes_before_a_damaged_event_is_backed_up() {
    let (data, copies) = (folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    fill(log.as_ref(), 0..10).await;
    let damage = Error::Corrupt { log: LOG.to_owned(), position: 7, reason: "test".to_owned() };
    let damaged = FaultyLog::new(log)
        .on_read(move |filter, after| (*filter == Filter::All && after == 0).then(|| (6, damage.clone())))
        .shared();
    let failure = backup(damaged.as_ref(), &place).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (Class::Damaged, "log-corrupt"));
    assert_eq!(verify(&place).await.unwrap().position, 6);
}

#[tokio::test]
async fn a_log_that_is_open_elsewhere_can_be_backed_up() {
    let (data, copies) = (folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    fill(log.as_ref(), 0..10).await;
    let view = embedded::open_to_read(data.path(), LOG).unwrap().expect("it is there");
    assert_eq!(backup(view.as_ref(), &place).await.unwrap().position, 10);
    fill(log.as_ref(), 10..12).await;
    assert_eq!(backup(view.as_ref(), &place).await.unwrap().position, 12);
    assert!(embedded::open_to_read(data.path(), "exposures").unwrap().is_none(), "none is made");
}
