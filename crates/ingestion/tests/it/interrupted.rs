//! Whatever is interrupted, and wherever: the same files ingested again lead to the same log.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orewatch_contracts::ingestion::v1::{CommitReleaseRequest, ReleaseState};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, NewEvent, StreamName, embedded};
use orewatch_ingestion::client::Options;
use orewatch_testkit::{Fault, FaultyLog};

use crate::harness::{BACI, Service, events, file, lenient, timeless, trade};
use crate::repair::{ROWS, mended, repair};

/// A log that loses its connection after some appends: before it stores the next one, or after.
fn failing_after(log: Arc<dyn EventLog>, appends: u64, stored: bool) -> Arc<dyn EventLog> {
    let left = AtomicU64::new(appends);
    let fault = move |_: &StreamName, _: &[NewEvent]| {
        let left = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() { Fault::Lost { stored } } else { Fault::None }
    };
    FaultyLog::new(log).on_append(fault).shared()
}

/// Some chunks of rows and one of rejections.
fn content() -> String {
    let mut text = "t,i,j,k,v,q\n2020,36,842,250410,-,1\n".to_owned();
    let economies = [4, 8, 12, 24, 31, 32, 36, 40, 44, 48, 50, 51, 52, 56, 60, 64, 68, 70, 72, 76];
    for year in 1995..2018 {
        for exporter in economies {
            for importer in economies.iter().filter(|importer| **importer != exporter) {
                for product in ["250410", "280530"] {
                    text.push_str(&format!("{year},{exporter},{importer},{product},1.5,NA\n"));
                }
            }
        }
    }
    text
}

async fn undisturbed(content: &str) -> Vec<(u64, String, String, bytes::Bytes)> {
    let service = Service::start().await;
    assert!(service.ingest(vec![file(BACI, content)], lenient()).await.unwrap().is_committed());
    let log = timeless(&service.events().await);
    service.stop().await;
    log
}

/// The service loses its log at each append in turn. A restarted service that gets the same file ends with
/// the very same log, event by event, and until the commit nothing is visible.
#[tokio::test]
async fn a_crash_between_any_two_appends_leads_to_the_same_log() {
    let content = content();
    let whole = undisturbed(&content).await;
    assert!(whole.len() >= 6, "opened, some chunks, rejections, committed: {}", whole.len());
    // Waiting chunks are appended together, so there are at most as many appends as events.
    let mut crashed = [0, 0];
    for crash_after in 0..=u64::try_from(whole.len()).unwrap() {
        for stored in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let log = embedded::open(directory.path(), "observations").unwrap();
            let service = Service::on(failing_after(Arc::clone(&log), crash_after, stored)).await;
            let outcome = service.ingest(vec![file(BACI, &content)], lenient()).await;
            service.stop().await;
            let kept = timeless(&events(&*log).await);
            assert_eq!(kept, whole[..kept.len()], "what is there is a beginning of the whole");
            match outcome {
                Ok(outcome) => assert!(outcome.is_committed()),
                Err(failure) => {
                    assert_eq!(failure.class, Class::Unavailable, "{failure}");
                    assert!(kept.len() >= usize::try_from(crash_after).unwrap() + usize::from(stored));
                    crashed[usize::from(stored)] += 1;
                }
            }

            let service = Service::on(Arc::clone(&log)).await;
            let outcome = service.ingest(vec![file(BACI, &content)], lenient()).await.unwrap();
            assert!(outcome.is_committed());
            assert_eq!(outcome.known, kept.len() == whole.len());
            assert_eq!(timeless(&service.events().await), whole);
            service.stop().await;
        }
    }
    assert!(crashed.iter().all(|crashed| (3..=whole.len()).contains(crashed)), "{crashed:?}");
}

/// Repairs the rows of a release, and commits it if it was held.
async fn mend(service: &Service, id: &str, held: bool) -> Result<(), Failure> {
    let rows = ["0,2020,CHN,ITA,250410,2,2", "1,2020,CHN,FRA,250410,3,3"];
    repair(service, id, &mended(&rows)).await?;
    if held {
        let request = CommitReleaseRequest { release: id.to_owned(), ..CommitReleaseRequest::default() };
        service.client().commit_release(request).await?;
    }
    Ok(())
}

/// The same while rows are repaired, before and after the commit, and while a held release is committed: the
/// log is always a beginning of the whole, and the same commands again complete it.
#[tokio::test]
async fn a_crash_within_a_repair_or_a_commit_leads_to_the_same_log() {
    for held in [true, false] {
        let service = Service::start().await;
        let options = Options { hold: held, ..lenient() };
        let outcome = service.ingest(vec![file("a.csv", trade("v1", &ROWS))], options).await.unwrap();
        let id = outcome.release.release.unwrap().id;
        let before = service.events().await;
        mend(&service, &id, held).await.unwrap();
        let whole = timeless(&service.events().await);
        let steps = whole.len() - before.len();
        assert_eq!(steps, if held { 3 } else { 2 }, "rows, that they are mended, and the commit");
        let mut crashed = 0;
        for (crash_after, stored) in (0..=steps).flat_map(|after| [(after, false), (after, true)]) {
            let (log, _directory) = service.copy(before.clone()).await;
            let appends = u64::try_from(crash_after).unwrap();
            let one = Service::on(failing_after(Arc::clone(&log), appends, stored)).await;
            let mending = mend(&one, &id, held).await;
            one.stop().await;
            let kept = timeless(&events(&*log).await);
            assert_eq!(kept, whole[..kept.len()], "what is there is a beginning of the whole");
            if let Err(failure) = mending {
                assert_eq!(failure.class, Class::Unavailable, "{failure}");
                crashed += 1;
            }
            let other = Service::on(Arc::clone(&log)).await;
            let visible = other.find(&id).await;
            let is_whole = kept.len() == whole.len();
            assert_eq!(visible.state() == ReleaseState::Committed, is_whole || !held);
            assert_eq!(visible.report.unwrap().rows_recorded == 4, kept.len() >= before.len() + 2);
            mend(&other, &id, held).await.unwrap();
            assert_eq!(timeless(&other.events().await), whole);
            other.stop().await;
        }
        assert_eq!(
            crashed,
            if held { 4 } else { 2 },
            "mended rows come in one append, and the commit in another"
        );
        service.stop().await;
    }
}

/// Path of the only file in an archive.
fn only_file(archive: &Path) -> PathBuf {
    let only = |folder: &Path| std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    only(&only(&archive.join("sha256")))
}

/// A file that is damaged between its two readings: its release is withdrawn with the reason, and nothing is
/// visible. The whole file uploaded again replaces the damaged one and makes the release after all.
#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_read_makes_no_release() {
    let content = content();
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("archive");
    let log = embedded::open(directory.path(), "observations").unwrap();
    let cut = u64::try_from(content.len() / 2).unwrap();
    let hook = {
        let (archive, done) = (archive.clone(), std::sync::Once::new());
        move |_: &StreamName, events: &[NewEvent]| {
            if events.iter().any(|event| event.kind.ends_with("ReleaseOpened")) {
                done.call_once(|| {
                    let file = std::fs::File::options().write(true).open(only_file(&archive)).unwrap();
                    file.set_len(cut).unwrap();
                });
            }
            Fault::None
        }
    };
    let log = FaultyLog::new(log).on_append(hook).shared();
    let service = Service::with(log, directory, |config| config).await;
    let failure = service.ingest(vec![file(BACI, &content)], lenient()).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Invalid, "file-changed"), "{failure}");

    let request = orewatch_contracts::ingestion::v1::GetReleaseRequest { release: "202401b".to_owned() };
    let left = service.client().get_release(request).await.unwrap().into_inner().release.unwrap();
    assert_eq!((left.state(), left.committed_position), (ReleaseState::Withdrawn, None));
    assert!(left.reason.contains("the file changed while it was being read"), "{}", left.reason);

    let outcome = service.ingest(vec![file(BACI, &content)], lenient()).await.unwrap();
    assert!(outcome.is_committed() && !outcome.known, "{outcome:?}");
    assert_eq!(std::fs::read(only_file(&archive)).unwrap(), content.as_bytes());
    service.stop().await;
}

/// Two clients that ingest the same file at the same time end with one release.
#[tokio::test]
async fn two_ingests_of_one_file_make_one_release() {
    let content = content();
    let whole = undisturbed(&content).await;
    let service = Service::start().await;
    let (one, other) = tokio::join!(
        service.ingest(vec![file(BACI, &content)], lenient()),
        service.ingest(vec![file(BACI, &content)], lenient())
    );
    assert!(one.unwrap().is_committed() && other.unwrap().is_committed());
    let positions = |log: Vec<(u64, String, String, bytes::Bytes)>| {
        let mut log: Vec<_> = log.into_iter().map(|(_, stream, event, data)| (stream, event, data)).collect();
        log.sort();
        log
    };
    assert_eq!(positions(timeless(&service.events().await)), positions(whole));
    service.stop().await;
}

/// A service that starts on a log with many releases knows them all.
#[tokio::test]
async fn a_restarted_service_knows_all_releases() {
    let directory = tempfile::tempdir().unwrap();
    let log = embedded::open(directory.path(), "observations").unwrap();
    let service = Service::on(Arc::clone(&log)).await;
    let first = service.ingest(vec![file(BACI, content())], lenient()).await.unwrap();
    service.stop().await;
    let service = Service::on(log).await;
    let again = service.ingest(vec![file(BACI, content())], Options::default()).await.unwrap();
    assert!(again.known);
    assert_eq!(again.release, first.release);
    service.stop().await;
}
