//! Errors of publishers, and what follows from them.
use std::io::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_ingestion::connectors::PollResult;
use orewatch_runtime::Clock as _;
use tokio::net::TcpListener;

use super::bench::Bench;
use super::server::{Does, Publisher, ok, status};

const BODY: &str = "{\"data\":[1,2,3],\"error\":\"\"}";

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'trade'\nkind = 'comtrade'\nbase-url = '{base}'\nreporters = ['USA']\nperiods = \
         ['2022']\n\
         products = ['260400']\nstall-timeout = '200ms'\ntimeout = '600ms'\nlargest-body = 100000\n"
    )
}

async fn publisher() -> Publisher {
    Publisher::new(|_| ok(BODY)).await
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap().seconds
}

#[tokio::test]
async fn temporary_errors_are_retried_with_growing_waits() {
    let publisher = publisher().await;
    publisher.first([500, 502, 503, 504, 429, 408].map(status));
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("trade").await.problem, "");
    let fetches = bench.fetches("trade").await;
    assert_eq!(fetches.iter().map(|fetch| fetch.attempt).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(fetches.len(), publisher.count());
    for (attempt, two) in fetches.windows(2).enumerate() {
        let [before, after] = [seconds(two[0].time), seconds(two[1].time)];
        let (least, most) = (1 << attempt, (2 << attempt) + 1);
        assert!((least..=most).contains(&(after - before)), "try {attempt}: {} s", after - before);
        assert!(two[0].consequence.starts_with("retry in "), "{}", two[0].consequence);
        assert!(seconds(two[0].resume_at) <= after);
    }
    assert_eq!((fetches[6].status, fetches[6].problem.as_str()), (200, ""));
}

#[tokio::test]
async fn retry_after_is_obeyed_in_seconds_and_as_a_date() {
    let publisher = publisher().await;
    let after = |text: &str| Does::PublisherResponse(429, vec![("Retry-After", text.to_owned())], Vec::new());
    publisher.first([after("1000"), after("Sun, 01 Mar 2026 12:00:00 GMT")]);
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("trade").await.problem, "");
    let fetches = bench.fetches("trade").await;
    assert!(seconds(fetches[1].time) - seconds(fetches[0].time) >= 1_000);
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    assert_eq!(seconds(fetches[2].time), noon.as_second());
}

#[tokio::test]
async fn a_poll_ends_if_the_publisher_asks_for_too_long_a_wait() {
    let publisher = publisher().await;
    publisher.first([Does::PublisherResponse(
        503,
        vec![("Retry-After", "999999999".to_owned())],
        Vec::new(),
    )]);
    let bench = Bench::new(&section(&publisher.base()));
    assert!(bench.poll("trade").await.problem.contains("given up after 1 tries"));
    assert_eq!(publisher.count(), 1);
}

#[tokio::test]
async fn cut_off_slow_and_missing_responses_are_retried() {
    let publisher = publisher().await;
    publisher.first([Does::Cut(BODY.into()), Does::Drip, Does::Close]);
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("trade").await.problem, "");
    let fetches = bench.fetches("trade").await;
    let problems: Vec<_> = fetches.iter().map(|fetch| fetch.problem.as_str()).collect();
    assert!(problems[0].contains("cut off after"), "{problems:?}");
    assert!(problems[1].contains("within"), "{problems:?}");
    assert!(!problems[2].is_empty(), "{problems:?}");
    assert_eq!(bench.files(), [[fetches[3].sha256.clone()]]);
}

#[tokio::test]
async fn an_endless_response_is_ended() {
    let publisher = publisher().await;
    publisher.first([Does::Flood]);
    let bench = Bench::new(&section(&publisher.base()));
    // One reporter, product and period: the flows are what can be asked for apart.
    assert_eq!(bench.poll("trade").await.problem, "");
    let fetches = bench.fetches("trade").await;
    assert!(fetches[0].problem.contains("more than 100000 bytes"), "{}", fetches[0].problem);
    assert_eq!((publisher.count(), fetches[1].status, fetches[2].status), (3, 200, 200));
}

#[tokio::test]
async fn a_small_response_that_decompresses_to_a_huge_one_is_too_large() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b' '; 10_000_000]).unwrap();
    let bomb = packed.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let publisher = publisher().await;
    publisher.first([Does::PublisherResponse(200, vec![("Content-Encoding", "gzip".to_owned())], bomb)]);
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("trade").await.problem, "");
    assert!(bench.fetches("trade").await[0].problem.contains("more than 100000 bytes"));
}

#[tokio::test]
async fn a_compressed_response_is_archived_decompressed() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(BODY.as_bytes()).unwrap();
    let publisher = publisher().await;
    let packed = packed.finish().unwrap();
    publisher.first([Does::PublisherResponse(200, vec![("Content-Encoding", "gzip".to_owned())], packed)]);
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("trade").await.problem, "");
    assert_eq!(bench.bodies(0), [BODY]);
}

#[tokio::test]
async fn a_response_that_is_not_json_is_requested_once_more() {
    for nonsense in
        ["<html><body>Maintenance</body></html>", "{\"data\": 7}", "{\"rows\":[]}", "", "{\"data\":[1"]
    {
        let publisher = publisher().await;
        publisher.first([ok(nonsense)]);
        let bench = Bench::new(&section(&publisher.base()));
        assert_eq!(bench.poll("trade").await.problem, "", "{nonsense}");
        assert_eq!(publisher.count(), 2);

        publisher.first([ok(nonsense), ok(nonsense)]);
        let ended = bench.to_the_end(&bench.is_sole_writer("one"), "trade", true).await.0;
        assert!(ended.problem.contains("it was requested 2 times"), "{}", ended.problem);
        assert_eq!(publisher.count(), 4);
    }
}

#[tokio::test]
async fn an_unexpected_body_is_reported_by_its_first_200_characters() {
    let publisher = publisher().await;
    let page = format!("<html>{}END", "é".repeat(400));
    publisher.first([ok(page.clone()), ok(page)]);
    let bench = Bench::new(&section(&publisher.base()));
    let problem = bench.poll("trade").await.problem;
    assert!(problem.contains("HTML") && problem.contains(&"é".repeat(194)), "{problem}");
    assert!(!problem.contains(&"é".repeat(195)) && !problem.contains("END"), "{problem}");
}

#[tokio::test]
async fn errors_that_the_user_has_to_correct_are_not_retried() {
    for (code, words) in [
        (400, "status 400"),
        (401, "set key-env or key-file of poll trade"),
        (403, "key"),
        (404, "404"),
        (410, "410"),
    ] {
        let publisher = publisher().await;
        publisher.first([status(code)]);
        let bench = Bench::new(&section(&publisher.base()));
        let ended = bench.poll("trade").await;
        assert!(ended.problem.contains(words) && ended.problem.contains("out of order"), "{}", ended.problem);
        assert_eq!(publisher.count(), 1, "{code}");
        let listed = bench.is_sole_writer("one").list().await.unwrap().connectors.remove(0);
        assert_eq!(listed.problem, ended.problem);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = publisher().await;
    let publisher = publisher().await;
    let to = format!("{}/data?token=abc", elsewhere.base());
    publisher.first([Does::PublisherResponse(302, vec![("Location", to)], Vec::new())]);
    let bench = Bench::new(&section(&publisher.base()));
    let ended = bench.poll("trade").await;
    assert!(
        ended.problem.contains(&elsewhere.base()) && !ended.problem.contains("token"),
        "{}",
        ended.problem
    );
    assert_eq!((publisher.count(), elsewhere.count()), (1, 0));
}

#[tokio::test]
async fn a_poll_waits_for_a_publisher_that_is_down_for_a_while() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bench = Bench::new(&section(&format!("http://{address}")));
    let connectors = bench.is_sole_writer("one");
    let mut silent = |_| {};
    // Waits of more than two minutes leave the poll open: by then it has tried for a while.
    let paused = connectors.poll("trade", false, &mut silent).await.unwrap();
    let PollResult::Paused(until, why) = paused else { panic!("nobody is there") };
    assert!(why.contains("connect"), "{why}");
    let listed = connectors.list().await.unwrap().connectors.remove(0);
    assert_eq!((seconds(listed.next), listed.problem.contains("connect")), (until.as_second(), true));

    let publisher = Publisher::on(TcpListener::bind(address).await.unwrap(), |_| ok(BODY));
    bench.clock.reach(until);
    assert_eq!(bench.to_the_end(&connectors, "trade", false).await.0.problem, "");
    assert_eq!(publisher.count(), 1);
}

#[tokio::test]
async fn a_publisher_that_stays_down_is_given_up_within_hours() {
    let publisher = Publisher::new(|_| status(503)).await;
    let bench = Bench::new(&section(&publisher.base()));
    let began = bench.clock.now();
    let ended = bench.poll("trade").await;
    assert!(ended.problem.contains("given up after 12 tries"), "{}", ended.problem);
    assert_eq!(publisher.count(), 12);
    assert!(bench.clock.now() - began < jiff::SignedDuration::from_hours(3));
}

#[tokio::test]
async fn the_gateways_text_about_the_quota_is_understood() {
    let publisher = publisher().await;
    let said = "{\"statusCode\":403,\"message\":\"Out of call volume quota. Quota will be replenished in 04:01:13.\"}";
    publisher.first([Does::PublisherResponse(403, Vec::new(), said.into())]);
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("trade").await.problem, "");
    let fetches = bench.fetches("trade").await;
    assert!(seconds(fetches[1].time) - seconds(fetches[0].time) >= 4 * 3_600 + 73);
}

#[tokio::test]
async fn a_failed_poll_ingests_nothing() {
    let publisher =
        Publisher::new(|asked| if asked.parameter("flowCode") == "X" { status(404) } else { ok(BODY) }).await;
    let base = section(&publisher.base());
    let bench = Arc::new(Bench::new(&base.replace("products", "cap = 2\nproducts")));
    let ended = bench.poll("trade").await;
    assert!(!ended.problem.is_empty());
    assert!(bench.files().is_empty());
}
