//! Comtrade: responses that are cut off at the cap, and quotas.
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use orewatch_ingestion::connectors::PollResult;

use super::bench::Bench;
use super::server::{PollReason, Publisher, ok};

/// Makes each response differ, as its elapsed time does.
static SERIAL: AtomicUsize = AtomicUsize::new(0);

/// Rows that exist: every reporter has so many partners in every period, product and flow.
fn rows(asked: &PollReason, partners: u32) -> String {
    let cap: usize = asked.parameter("maxRecords").parse().unwrap();
    let named = asked.list("partnerCode");
    let mut rows = Vec::new();
    for period in asked.list("period") {
        for reporter in asked.list("reporterCode") {
            for product in asked.list("cmdCode") {
                for flow in asked.list("flowCode") {
                    for partner in [0, 4, 8, 12, 24, 28, 31, 32].into_iter().take(partners as usize) {
                        let partner = partner.to_string();
                        if named.is_empty() || named.contains(&partner) {
                            rows.push(format!("\"{period}/{reporter}/{product}/{flow}/{partner}\""));
                        }
                    }
                }
            }
        }
    }
    rows.truncate(cap);
    format!(
        "{{\"elapsedTime\":\"{} secs\",\"count\":{},\"data\":[{}],\"error\":\"\"}}",
        SERIAL.fetch_add(1, Ordering::SeqCst),
        rows.len(),
        rows.join(",")
    )
}

fn section(base: &str, cap: usize) -> String {
    format!(
        "[[poll]]\nname = 'trade'\nkind = 'comtrade'\nbase-url = '{base}'\ncap = {cap}\nreporters = ['USA', \
         'CHN', '251']\n\
         periods = ['2022', '2023']\nproducts = ['260400', '750210']\n"
    )
}

/// Every row of the kept bodies, once or more.
fn kept(bench: &Bench) -> Vec<String> {
    let rows = |body: &String| {
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        let rows = value["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    bench.bodies(0).iter().flat_map(rows).collect()
}

#[tokio::test]
async fn a_complete_response_is_archived_unchanged() {
    let publisher = Publisher::new(|asked| ok(rows(asked, 2))).await;
    let bench = Bench::new(&section(&publisher.base(), 500));
    let ended = bench.poll("trade").await;
    assert_eq!(ended.problem, "");
    assert_eq!(ended.releases, ["test/2026-03-01"]);
    let asked = publisher.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].line.starts_with("GET /public/v1/preview/C/A/HS?"), "{}", asked[0].line);
    assert_eq!(asked[0].list("reporterCode"), ["842", "156", "251"]);
    for (parameter, value) in [("customsCode", "C00"), ("motCode", "0"), ("partner2Code", "0")] {
        assert_eq!(asked[0].parameter(parameter), value);
    }
    let request = bench.taken.0.lock().unwrap()[0].clone();
    let description = request.description.unwrap();
    assert_eq!(description.vintage, "2026-03-01");
    assert_eq!(description.scope.unwrap().products, ["260400", "750210"], "what was asked for is covered");
    assert!(request.files[0].url.starts_with(&publisher.base()));
    assert_eq!(request.files[0].retrieved_at.unwrap().seconds, 1_772_359_200);
}

#[tokio::test]
async fn a_call_at_the_cap_is_split_down_to_partners() {
    // Two levels for the periods and reporters alone, and down to partners: five of them at a cap of four.
    let publisher = Publisher::new(|asked| ok(rows(asked, 5))).await;
    let bench = Bench::new(&section(&publisher.base(), 4));
    let ended = bench.poll("trade").await;
    assert_eq!(ended.problem, "");
    let rows = kept(&bench);
    let distinct: BTreeSet<_> = rows.iter().collect();
    assert_eq!((rows.len(), distinct.len()), (2 * 3 * 2 * 2 * 5, 2 * 3 * 2 * 2 * 5));
    let fetches = bench.fetches("trade").await;
    assert_eq!(fetches.len(), publisher.count());
    assert!(fetches.iter().any(|fetch| fetch.consequence.contains("split into 2")));
}

#[tokio::test]
async fn a_response_exactly_at_the_cap_counts_as_cut_off() {
    let publisher = Publisher::new(|asked| ok(rows(asked, 1))).await;
    let bench = Bench::new(&section(&publisher.base(), 24));
    bench.poll("trade").await;
    assert_eq!(publisher.count(), 3, "the whole, and its halves");
    assert_eq!(kept(&bench).len(), 24);
}

#[tokio::test]
async fn equal_rows_in_a_different_response_are_unchanged() {
    let publisher = Publisher::new(|asked| ok(rows(asked, 2))).await;
    let bench = Bench::new(&section(&publisher.base(), 500));
    assert!(!bench.poll("trade").await.unchanged);
    bench.clock.pass(jiff::SignedDuration::from_hours(24));
    assert!(bench.poll("trade").await.unchanged);
    assert_eq!(bench.files().len(), 1);
    let forced = bench.to_the_end(&bench.is_sole_writer("one"), "trade", true).await.0;
    assert!(!forced.unchanged);
    assert_eq!(bench.files().len(), 2);
}

#[tokio::test]
async fn the_daily_quota_survives_restarts_and_the_poll_continues_the_next_day() {
    let publisher = Publisher::new(|asked| ok(rows(asked, 1))).await;
    let bench = Bench::new(&format!("{}quota = 2\n", section(&publisher.base(), 8)));
    // 24 rows at a cap of 8 need eleven requests: two a day, each day by another process.
    let mut days = Vec::new();
    for process in 0..9 {
        let mut silent = |_| {};
        match bench
            .is_sole_writer(&format!("process-{process}"))
            .poll("trade", false, &mut silent)
            .await
            .unwrap()
        {
            PollResult::Ended(ended) => {
                assert_eq!(ended.problem, "");
                break;
            }
            PollResult::Paused(until, why) => {
                assert!(why.contains("quota"), "{why}");
                days.push((until.to_string(), publisher.count()));
                // Too early is too early for another process as well.
                let early = bench.is_sole_writer("early").poll("trade", false, &mut silent).await.unwrap();
                assert!(matches!(early, PollResult::Paused(..)));
                bench.clock.reach(until);
            }
        }
    }
    assert!(days.len() >= 2, "{days:?}");
    for (day, (until, asked)) in days.iter().enumerate() {
        assert_eq!(*until, format!("2026-03-0{}T00:00:00Z", day + 2));
        assert_eq!(*asked, 2 * (day + 1));
    }
    assert_eq!(kept(&bench).len(), 24);
    assert_eq!(bench.fetches("trade").await.len(), publisher.count());
}

#[tokio::test]
async fn calls_are_paced() {
    let publisher = Publisher::new(|asked| ok(rows(asked, 1))).await;
    let bench = Bench::new(&format!("{}interval = '3s'\n", section(&publisher.base(), 8)));
    bench.poll("trade").await;
    let times: Vec<_> =
        bench.fetches("trade").await.iter().map(|fetch| fetch.time.unwrap().seconds).collect();
    assert!(times.len() > 3);
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 3), "{times:?}");
}

#[tokio::test]
async fn a_call_with_too_large_a_body_is_split() {
    let padding = "x".repeat(1_500);
    let publisher = Publisher::new(move |asked| {
        let one = asked.list("period").len() == 1;
        let pad = if one { "" } else { &padding };
        ok(rows(asked, 1).replace("\"error\":\"\"", &format!("\"error\":\"\",\"pad\":\"{pad}\"")))
    })
    .await;
    let bench = Bench::new(&format!("{}largest-body = 1400\n", section(&publisher.base(), 500)));
    let ended = bench.poll("trade").await;
    assert_eq!(ended.problem, "");
    assert_eq!(kept(&bench).len(), 24);
    assert_eq!(publisher.count(), 3);
}
