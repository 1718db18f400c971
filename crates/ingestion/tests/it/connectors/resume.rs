//! An interrupted poll continues where it stopped, and requests nothing twice.
use orewatch_ingestion::connectors::PollResult;

use super::bench::Bench;
use super::server::{PollReason, Publisher, ok, status};

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'wgi'\nkind = 'world-bank'\nbase-url = '{base}'\nindicators = ['PV.EST']\ncap = 2\n"
    )
}

fn page(asked: &PollReason) -> String {
    let number: usize = asked.parameter("page").parse().unwrap();
    format!("[{{\"page\":{number},\"pages\":6,\"total\":12}},[{{\"row\":{number}}},{{\"row\":-{number}}}]]")
}

#[tokio::test]
async fn a_crash_after_any_call_repeats_at_most_that_call() {
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
        let failed = bench.is_sole_writer("first").poll("wgi", false, &mut silent).await;
        assert_eq!(failed.unwrap_err().code, "archive-full");
        assert_eq!(publisher.count(), survives + 1, "the body that was lost was asked for");
        bench.keep.breaks_after(usize::MAX);

        let ended = bench.to_the_end(&bench.is_sole_writer("second"), "wgi", false).await.0;
        assert_eq!(ended.problem, "");
        assert_eq!(publisher.count(), 6 + 1, "what came is not asked for again");
        assert_eq!(bench.bodies(0), whole);
        let numbers: Vec<_> = bench.fetches("wgi").await.iter().map(|fetch| fetch.number).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }
}

#[tokio::test]
async fn a_crash_between_two_attempts_keeps_their_count() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    publisher.first((0..9).map(|_| status(503)));
    let bench = Bench::new(&section(&publisher.base()));
    let mut holders = 0;
    loop {
        holders += 1;
        let mut silent = |_| {};
        // Each process lives until its first long wait.
        match bench
            .is_sole_writer(&format!("process-{holders}"))
            .poll("wgi", false, &mut silent)
            .await
            .unwrap()
        {
            PollResult::Paused(until, _) => bench.clock.reach(until),
            PollResult::Ended(ended) => {
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
async fn a_changed_configuration_starts_over() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.keep.breaks_after(2);
    let mut silent = |_| {};
    bench.is_sole_writer("first").poll("wgi", false, &mut silent).await.unwrap_err();
    bench.keep.breaks_after(usize::MAX);
    let changed = bench.with(&section(&publisher.base()).replace("PV.EST", "RL.EST"));
    assert_eq!(changed.poll("wgi").await.problem, "");
    assert_eq!(publisher.count(), 3 + 6);
    assert!(publisher.asked()[3..].iter().all(|asked| asked.line.contains("RL.EST")));
}

#[tokio::test]
async fn a_poll_that_was_open_for_too_long_starts_over() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.keep.breaks_after(2);
    let mut silent = |_| {};
    bench.is_sole_writer("first").poll("wgi", false, &mut silent).await.unwrap_err();
    bench.keep.breaks_after(usize::MAX);
    bench.clock.pass(jiff::SignedDuration::from_hours(8 * 24));
    assert_eq!(bench.poll("wgi").await.problem, "");
    assert_eq!(publisher.count(), 3 + 6);
    let first = bench.taken.0.lock().unwrap()[0].files[0].retrieved_at.unwrap().seconds;
    assert!(first >= 1_772_359_200 + 8 * 86_400, "nothing of the old poll is in it");
}

#[tokio::test]
async fn fetches_are_listed_newest_first_page_by_page() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.poll("wgi").await;
    let connectors = bench.is_sole_writer("reader");
    let first = connectors.fetches("", u64::MAX, 4).await.unwrap();
    assert_eq!(first.iter().map(|(_, fetch)| fetch.number).collect::<Vec<_>>(), [5, 4, 3, 2]);
    let rest = connectors.fetches("wgi", first[3].0, 4).await.unwrap();
    assert_eq!(rest.iter().map(|(_, fetch)| fetch.number).collect::<Vec<_>>(), [1, 0]);
    assert!(connectors.fetches("other", u64::MAX, 4).await.unwrap().is_empty());
}
