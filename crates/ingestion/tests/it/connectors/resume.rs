//! A poll that is interrupted goes on where it stopped, and asks for nothing twice.
use orewatch_ingestion::connectors::Run;

use super::bench::Bench;
use super::server::{Asked, Publisher, ok, status};

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'wgi'\nkind = 'world-bank'\nbase-url = '{base}'\nindicators = ['PV.EST']\ncap = 2\n"
    )
}

fn page(asked: &Asked) -> String {
    let number: usize = asked.one("page").parse().unwrap();
    format!("[{{\"page\":{number},\"pages\":6,\"total\":12}},[{{\"row\":{number}}},{{\"row\":-{number}}}]]")
}

#[tokio::test]
async fn a_crash_after_any_request_costs_at_most_that_request() {
    let whole = {
        let publisher = Publisher::new(|asked| ok(page(asked))).await;
        let bench = Bench::new(&section(&publisher.base()));
        bench.poll("wgi").await;
        bench.bodies(0)
    };
    for survives in 0..6 {
        let publisher = Publisher::new(|asked| ok(page(asked))).await;
        let bench = Bench::new(&section(&publisher.base()));
        bench.keep.breaks_after(survives);
        let mut silent = |_| {};
        let failed = bench.alone("first").poll("wgi", false, &mut silent).await;
        assert_eq!(failed.unwrap_err().code, "archive-full");
        assert_eq!(publisher.count(), survives + 1, "the body that was lost was asked for");
        bench.keep.breaks_after(usize::MAX);

        let ended = bench.to_the_end(&bench.alone("second"), "wgi", false).await.0;
        assert_eq!(ended.problem, "");
        assert_eq!(publisher.count(), 6 + 1, "what came is not asked for again");
        assert_eq!(bench.bodies(0), whole);
        let numbers: Vec<_> = bench.fetches("wgi").await.iter().map(|fetch| fetch.number).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }
}

#[tokio::test]
async fn a_process_that_is_killed_between_two_tries_leaves_the_count_of_tries() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    publisher.first((0..9).map(|_| status(503)));
    let bench = Bench::new(&section(&publisher.base()));
    let mut holders = 0;
    loop {
        holders += 1;
        let mut silent = |_| {};
        // Each process lives until its first long wait.
        match bench.alone(&format!("process-{holders}")).poll("wgi", false, &mut silent).await.unwrap() {
            Run::Paused(until, _) => bench.clock.reach(until),
            Run::Ended(ended) => {
                assert_eq!(ended.problem, "");
                break;
            }
        }
    }
    assert!(holders > 2);
    let attempts: Vec<_> = bench.fetches("wgi").await.iter().map(|fetch| fetch.attempt).collect();
    assert_eq!(attempts[..10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(publisher.count(), 9 + 6);
}

#[tokio::test]
async fn another_configuration_begins_anew() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.keep.breaks_after(2);
    let mut silent = |_| {};
    bench.alone("first").poll("wgi", false, &mut silent).await.unwrap_err();
    bench.keep.breaks_after(usize::MAX);
    let changed = bench.with(&section(&publisher.base()).replace("PV.EST", "RL.EST"));
    assert_eq!(changed.poll("wgi").await.problem, "");
    assert_eq!(publisher.count(), 3 + 6);
    assert!(publisher.asked()[3..].iter().all(|asked| asked.line.contains("RL.EST")));
}

#[tokio::test]
async fn a_poll_that_lay_too_long_begins_anew() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.keep.breaks_after(2);
    let mut silent = |_| {};
    bench.alone("first").poll("wgi", false, &mut silent).await.unwrap_err();
    bench.keep.breaks_after(usize::MAX);
    bench.clock.pass(jiff::SignedDuration::from_hours(8 * 24));
    assert_eq!(bench.poll("wgi").await.problem, "");
    assert_eq!(publisher.count(), 3 + 6);
    let first = bench.taken.0.lock().unwrap()[0].files[0].retrieved_at.unwrap().seconds;
    assert!(first >= 1_772_359_200 + 8 * 86_400, "nothing of the old poll is in it");
}

#[tokio::test]
async fn requests_are_listed_the_newest_first_page_by_page() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.poll("wgi").await;
    let connectors = bench.alone("reader");
    let first = connectors.fetches("", u64::MAX, 4).await.unwrap();
    assert_eq!(first.iter().map(|(_, fetch)| fetch.number).collect::<Vec<_>>(), [5, 4, 3, 2]);
    let rest = connectors.fetches("wgi", first[3].0, 4).await.unwrap();
    assert_eq!(rest.iter().map(|(_, fetch)| fetch.number).collect::<Vec<_>>(), [1, 0]);
    assert!(connectors.fetches("other", u64::MAX, 4).await.unwrap().is_empty());
}
