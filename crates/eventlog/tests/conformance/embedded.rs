//! Faults that only a log in a file can have.
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use orewatch_eventlog::embedded::{self, Options};
use orewatch_eventlog::{Error, Filter, Item};

use crate::harness::{Embedded, Harness as _, next, next_event, read_now};
use crate::samples::{LOG, event, events, stream};

/// Names the directory to the child of a test.
const CHILD_DIR: &str = "OREWATCH_TEST_CHILD_DIR";

/// Why a log cannot be opened.
fn refusal(dir: &Path) -> Error {
    embedded::open(dir, LOG).expect_err("this log should be refused")
}

/// Checks that the error is about the configuration and names the file.
fn names_the_file(error: &Error, words: &str) {
    let Error::Misconfigured { reason, .. } = error else { panic!("{error:?}") };
    assert!(reason.contains("observations.db") && reason.contains(words), "{reason}");
}

/// Checks that the error says that somebody else has the log, and names the file.
fn is_open_elsewhere(error: &Error) {
    let Error::Unavailable { reason, .. } = error else { panic!("{error:?}") };
    assert!(reason.contains("observations.db is open already"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_open_once() {
    let harness = Embedded::start().await;
    let log = harness.open().await;
    is_open_elsewhere(&refusal(harness.0.path()));
    let other = embedded::open(harness.0.path(), "alerts").unwrap();
    assert_eq!((log.name(), other.name()), (LOG, "alerts"));
    drop(log);
    harness.open().await;
}

/// Appends as fast as it can, saying what is acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs as the child of a_killed_process_keeps_what_was_acknowledged"]
async fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let log = embedded::open(Path::new(&dir), LOG).unwrap();
    let writers = (0..4_u128).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let name = stream(&format!("w{writer}"));
            let mut expected = log.last(&name).await.unwrap();
            loop {
                // The seed of an append is decided by what it follows, so that a new child repeats none.
                let seed = (u128::from(expected) + 1) * 1_000 + writer * 10;
                let positions = log.append(&name, expected, events(seed..seed + 3)).await.unwrap();
                expected = *positions.last().unwrap();
                println!("acknowledged {expected}");
            }
        })
    });
    futures_util::future::join_all(writers.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_keeps_what_was_acknowledged() {
    let harness = Embedded::start().await;
    let mut acknowledged = Vec::new();
    for lines_before_death in [1, 10, 37, 100, 250] {
        acknowledged.extend(run_and_kill_child(harness.0.path(), lines_before_death));
        let log = harness.open().await;
        let stored = read_now(&log, Filter::All, 0).await;
        let positions: Vec<_> = stored.iter().map(|event| event.position).collect();
        assert_eq!(positions, Vec::from_iter(1..=log.extent().await.unwrap().head), "contiguous");
        for three in stored.chunks(3) {
            let first = three[0].id.as_u128();
            assert!(three.iter().map(|event| event.id.as_u128()).eq(first..first + 3), "appends are whole");
        }
        assert!(acknowledged.iter().max() <= positions.last(), "what was acknowledged is there");
        for last in &acknowledged {
            assert_eq!(
                stored[usize::try_from(*last).unwrap() - 1].id.as_u128() % 10,
                2,
                "and is what was appended"
            );
        }
    }
}

/// Positions that a child acknowledged before it was killed.
fn run_and_kill_child(dir: &Path, lines: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::child", "--ignored", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let said = output
        .lines()
        .map(Result::unwrap)
        .filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
    let mut said = said.fuse();
    let mut acknowledged: Vec<u64> = said.by_ref().take(lines).collect();
    is_open_elsewhere(&refusal(dir));
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(said);
    assert!(acknowledged.len() >= lines, "the child ended by itself");
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_program_is_refused_and_left_alone() {
    let harness = Embedded::start().await;
    let path = harness.0.path().join("observations.db");
    let sql = |text: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(text).unwrap();

    sql("CREATE TABLE photos (name TEXT)");
    names_the_file(&refusal(harness.0.path()), "something else");
    fs::remove_file(&path).unwrap();

    drop(harness.open().await);
    sql("PRAGMA user_version = 2");
    names_the_file(&refusal(harness.0.path()), "has format 2");
    fs::remove_file(&path).unwrap();

    drop(embedded::open(harness.0.path(), "alerts").unwrap());
    fs::write(&path, "this is a text, not a database, and long enough to have been taken for one").unwrap();
    let Error::Corrupt { reason, .. } = refusal(harness.0.path()) else { panic!("a text should be refused") };
    assert!(reason.contains("observations.db"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_made_is_named() {
    let harness = Embedded::start().await;
    let file = harness.0.path().join("file");
    fs::write(&file, "").unwrap();
    for (dir, log) in [(file.as_path(), LOG), (harness.0.path(), "../escape"), (harness.0.path(), "a.b")] {
        let refused = embedded::open(dir, log);
        assert!(matches!(&refused, Err(Error::Misconfigured { .. })), "{refused:?}");
    }
    fs::create_dir(harness.0.path().join("observations.db")).unwrap();
    names_the_file(&refusal(harness.0.path()), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_event_is_reported_after_those_before_it() {
    let harness = Embedded::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..11)).await.unwrap();
    drop(log);
    let path = harness.0.path().join("observations.db");
    for (change, last_whole, position) in [
        ("UPDATE event SET data = zeroblob(64) WHERE position = 9", 8, 9),
        ("UPDATE event SET stream = 'observations.b' WHERE position = 7", 6, 7),
        ("DELETE FROM event WHERE position = 4", 3, 4),
    ] {
        rusqlite::Connection::open(&path).unwrap().execute_batch(change).unwrap();
        let log = harness.open().await;
        let mut items = log.read(Filter::All, 0);
        let mut given = 0;
        let mut last = next(&mut items).await;
        while let Ok(Item::Event(event)) = last {
            given = event.position;
            last = next(&mut items).await;
        }
        let Err(Error::Corrupt { position: found, reason, .. }) = last else { panic!("{change}: {last:?}") };
        assert_eq!((given, found), (last_whole, position), "{change}");
        assert!(reason.contains("observations.db"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overwritten_pages_are_found() {
    let harness = Embedded::start().await;
    let log = harness.open().await;
    for thousand in 0..4 {
        let first = 1_000 * thousand + 1;
        log.append(&stream("a"), first - 1, events(first.into()..(first + 1_000).into())).await.unwrap();
    }
    drop(log);
    let path = harness.0.path().join("observations.db");
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    // The size of a page is in the header of the file.
    let size = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    // Every page of the file in turn; those of the indexes are not read here.
    for page in 1..whole.len() / size {
        let mut damaged = whole.clone();
        damaged[page * size..(page + 1) * size].fill(0xA5);
        fs::write(&path, &damaged).unwrap();
        let mut events = 0;
        let outcome = match embedded::open(harness.0.path(), LOG) {
            Err(error) => Err(error),
            Ok(log) => {
                let mut items = log.read(Filter::All, 0);
                loop {
                    match next(&mut items).await {
                        Ok(Item::Event(_)) => events += 1,
                        Ok(Item::CaughtUp(_)) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                }
            }
        };
        match outcome {
            Ok(()) => assert_eq!(events, 4_000, "page {page}: nothing may be missing without a word"),
            Err(Error::Corrupt { reason, .. }) => {
                found += 1;
                assert!(reason.contains("observations.db"), "{reason}");
            }
            Err(other) => panic!("page {page}: {other:?}"),
        }
    }
    assert!(found > 10, "only {found} damaged pages were found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_refuses_and_stays_usable() {
    let harness = Embedded::start().await;
    let options = Options { max_file_bytes: Some(180_000), ..Options::default() };
    let log = embedded::open_with(harness.0.path(), LOG, options).unwrap();
    let large = |seed| orewatch_eventlog::NewEvent { data: vec![1; 60_000].into(), ..event(seed) };
    assert_eq!(log.append(&stream("a"), 0, vec![large(1)]).await, Ok(vec![1]));
    // Those that fit are stored even if they wait together with some that do not.
    let names: Vec<_> = (0..20_u128).map(|n| stream(&format!("s{n}"))).collect();
    let appends = names.iter().zip(0..).map(|(name, n)| {
        let batch = if n % 2 == 0 { vec![event(100 + n)] } else { vec![event(100 + n), large(200 + n)] };
        log.append(name, 0, batch)
    });
    let outcomes = futures_util::future::join_all(appends).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(_) => assert_eq!(n % 2, 0),
            Err(Error::Full { reason, .. }) => {
                assert!(n % 2 == 1 && reason.contains("observations.db"), "{reason}")
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(log.extent().await.unwrap().head, 11);
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), 11);
    drop(log);
    let log = harness.open().await;
    assert_eq!(log.append(&stream("a"), 1, vec![large(2)]).await, Ok(vec![12]), "with more room it goes on");
}

/// On one thread, so that nothing happens between the readers' first steps.
#[tokio::test]
async fn readers_that_are_not_polled_block_no_others() {
    let harness = Embedded::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..11)).await.unwrap();
    let mut resting: Vec<_> = (0..64).map(|_| log.read(Filter::All, 0)).collect();
    for items in &mut resting {
        assert!(items.next().now_or_never().is_none(), "it waits for the disk, and is not asked again");
    }
    let extent = tokio::time::timeout(Duration::from_secs(10), log.extent()).await;
    assert_eq!(extent.expect("the log answers").unwrap().head, 10);
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_a_closed_log_gets_an_error() {
    let harness = Embedded::start().await;
    let log = harness.open().await;
    let mut items = log.read(Filter::All, 0);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(0)));
    drop(log);
    assert!(matches!(next(&mut items).await, Err(Error::Unavailable { .. })));
    harness.open().await;
}

/// Open handles of files under a directory; none where the system does not tell.
fn handles(dir: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    links.filter_map(|link| fs::read_link(link.path()).ok()).filter(|file| file.starts_with(dir)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_readers_share_a_few_connections_and_yield_the_same() {
    let harness = Embedded::start().await;
    let log = harness.open().await;
    for seed in 0..40_u128 {
        let name = stream(&format!("s{seed}"));
        log.append(&name, 0, events(seed * 10 + 1..seed * 10 + 4)).await.unwrap();
    }
    drop(log);
    // Opened anew, nothing of it is in memory.
    let log = harness.open().await;
    let mut readers: Vec<_> = (0..1_000).map(|number| log.read(Filter::All, number % 100)).collect();
    for (number, reader) in (0..1_000_u64).zip(&mut readers) {
        assert_eq!(next_event(reader).await.position, number % 100 + 1);
    }
    assert!(handles(harness.0.path()) < 40, "{} files are open", handles(harness.0.path()));
    for (number, reader) in (0..1_000_u64).zip(&mut readers) {
        for position in number % 100 + 2..=120 {
            assert_eq!(next_event(reader).await.position, position);
        }
    }
}
