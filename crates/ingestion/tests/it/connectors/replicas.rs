//! Several processes on one log, of which one polls at a time; and the schedule.
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_ingestion::connectors::Connectors;
use orewatch_testkit::NatsServer;
use tokio::sync::Barrier;

use super::bench::Bench;
use super::server::{Publisher, ok};

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'trade'\nkind = 'comtrade'\nevery = '24h'\nbase-url = '{base}'\nreporters = \
         ['USA']\nperiods = ['2022']\n\
         products = ['260400']\n"
    )
}

#[tokio::test]
async fn only_one_of_two_processes_polls() {
    let publisher = Publisher::new(|_| ok("{\"data\":[1]}")).await;
    let bench = Bench::new(&section(&publisher.base()));
    let start = Arc::new(Barrier::new(2));
    let ask = |connectors: Arc<Connectors>| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            let mut silent = |_| {};
            connectors.poll("trade", false, &mut silent).await
        })
    };
    let both = [ask(bench.process("one")), ask(bench.process("two"))];
    let mut refused = 0;
    for outcome in both {
        match outcome.await.unwrap() {
            Ok(_) => {}
            Err(failure) => {
                assert_eq!(failure.code, "poll-under-way");
                refused += 1;
            }
        }
    }
    // They may also have come one after the other; never did both ask in one poll.
    let fetches = bench.fetches("trade").await;
    assert_eq!((fetches.len(), publisher.count()), (2 - refused, 2 - refused));
    assert!(fetches.iter().all(|fetch| fetch.number == 0));
}

#[tokio::test]
async fn replicas_on_nats_poll_once_a_day_between_them() {
    let nats = NatsServer::start();
    let open = async || {
        let connected = jetstream::connect(&nats.url(), JetStreamOptions::default()).await.unwrap();
        connected.open("observations").await.unwrap()
    };
    let publisher = Publisher::new(|_| ok("{\"data\":[1]}")).await;
    let bench = Bench::new(&section(&publisher.base()));
    let (one, two) = (open().await, open().await);
    let replicas = [bench.on(one, "one", false), bench.on(two, "two", false)];
    replicas.iter().for_each(Connectors::start);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while publisher.count() < 5 {
        assert!(tokio::time::Instant::now() < deadline, "they do not ask");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    replicas.iter().for_each(|replica| replica.stop());
    let fetches = bench.on(open().await, "reader", false).fetches("trade", u64::MAX, 1_000).await.unwrap();
    let mut times: Vec<_> = fetches.iter().map(|(_, fetch)| fetch.time.unwrap().seconds).collect();
    times.reverse();
    assert!(times.len() >= 4, "{times:?}");
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 24 * 3_600), "two polls in a day: {times:?}");
}

#[tokio::test]
async fn the_poll_of_a_dead_process_is_taken_over_after_its_lease() {
    let publisher = Publisher::new(|_| ok("{\"data\":[1]}")).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.keep.breaks_after(0);
    let mut silent = |_| {};
    bench.process("dead").poll("trade", false, &mut silent).await.unwrap_err();
    bench.keep.breaks_after(usize::MAX);

    let other = bench.process("other");
    let refused = other.poll("trade", false, &mut silent).await.unwrap_err();
    assert_eq!(refused.code, "poll-under-way");
    assert!(refused.hint.contains("2026-03-01T10:10:00Z"), "{}", refused.hint);
    bench.clock.pass(SignedDuration::from_mins(10));
    assert_eq!(bench.to_the_end(&other, "trade", false).await.0.problem, "");
    assert_eq!(bench.files().len(), 1);
}

#[tokio::test]
async fn the_service_polls_once_a_day_on_schedule() {
    let publisher = Publisher::new(|_| ok("{\"data\":[1]}")).await;
    let bench = Bench::new(&section(&publisher.base()));
    let connectors = bench.is_sole_writer("one");
    connectors.start();
    // The clock jumps whenever somebody waits: days pass in no time.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while publisher.count() < 4 {
        assert!(tokio::time::Instant::now() < deadline, "it does not ask");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    connectors.stop();
    let times: Vec<_> =
        bench.fetches("trade").await.iter().map(|fetch| fetch.time.unwrap().seconds).collect();
    for two in times.windows(2) {
        let hours = (two[1] - two[0]) as f64 / 3_600.0;
        assert!((24.0..24.6).contains(&hours), "{hours} h between two polls");
    }
    let info = connectors.list().await.unwrap().connectors.remove(0);
    assert_eq!((info.name.as_str(), info.kind.as_str(), info.every.as_str()), ("trade", "comtrade", "24h"));
    assert!(info.next.unwrap().seconds > *times.last().unwrap());
}

#[tokio::test]
async fn an_unknown_connector_is_refused_with_the_known_names() {
    let bench = Bench::new(&section("http://127.0.0.1:1"));
    let mut silent = |_| {};
    let failure = bench.is_sole_writer("one").poll("trades", false, &mut silent).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.hint.as_str()), ("unknown-connector", "one of trade"));
}
