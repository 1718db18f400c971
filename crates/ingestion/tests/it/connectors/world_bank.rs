//! The World Bank: pages, totals that change, conditional requests.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bench::Bench;
use super::server::{Does, PollReason, Publisher, ok, status};

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'wgi'\nkind = 'world-bank'\nbase-url = '{base}'\nindicators = ['PV.EST', \
         'RL.EST']\ncap = 2\n"
    )
}

fn indicator(asked: &PollReason) -> &str {
    asked.line.split('/').nth(5).and_then(|rest| rest.split('?').next()).unwrap()
}

/// A page of an indicator with so many rows, two a page.
fn page(asked: &PollReason, total: usize) -> String {
    let number: usize = asked.parameter("page").parse().unwrap();
    let rows: Vec<_> = (1..=total)
        .skip((number - 1) * 2)
        .take(2)
        .map(|row| format!("{{\"indicator\":\"{}\",\"value\":{row}}}", indicator(asked)))
        .collect();
    // The World Bank writes `per_page` as text, sometimes.
    format!(
        "[{{\"page\":{number},\"pages\":{},\"per_page\":\"2\",\"total\":{total}}},[{}]]",
        total.div_ceil(2),
        rows.join(",")
    )
}

#[tokio::test]
async fn all_pages_of_all_indicators_are_requested_in_order() {
    let publisher = Publisher::new(|asked| ok(page(asked, 5))).await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("wgi").await.problem, "");
    let bodies = bench.bodies(0);
    assert_eq!(bodies.len(), 6);
    let pages: Vec<_> = publisher
        .asked()
        .iter()
        .map(|asked| (indicator(asked).to_owned(), asked.parameter("page")))
        .collect();
    let expected =
        ["PV.EST", "RL.EST"].map(|name| ["1", "2", "3"].map(|page| (name.to_owned(), page.to_owned())));
    assert_eq!(pages, expected.concat());
}

#[tokio::test]
async fn a_changed_total_starts_the_indicator_over_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let publisher = Publisher::new(move |asked| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        ok(page(asked, if call == 0 { 3 } else { 5 }))
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("wgi").await.problem, "");
    assert_eq!(bench.bodies(0).len(), 6, "nothing of the first begin is kept");
    let fetches = bench.fetches("wgi").await;
    assert_eq!(fetches[1].consequence, "begins again");
    assert!(fetches[1].problem.contains("3 rows on 2 pages became 5 on 3"), "{}", fetches[1].problem);
}

#[tokio::test]
async fn a_poll_ends_with_the_reason_if_the_total_keeps_changing() {
    let calls = Arc::new(AtomicUsize::new(2));
    let publisher =
        Publisher::new(move |asked| ok(page(asked, calls.fetch_add(1, Ordering::SeqCst) + 1))).await;
    let bench = Bench::new(&section(&publisher.base()));
    let ended = bench.poll("wgi").await;
    assert!(
        ended.problem.contains("changed while it was read") && ended.problem.contains("twice"),
        "{}",
        ended.problem
    );
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn a_repeated_page_is_kept_once_and_the_right_one_requested_again() {
    let repeated = Arc::new(AtomicUsize::new(0));
    let publisher = Publisher::new(move |asked| {
        let wrong = asked.parameter("page") == "2" && repeated.fetch_add(1, Ordering::SeqCst) == 0;
        if wrong {
            let first = PollReason { line: asked.line.replace("&page=2", "&page=1"), ..asked.clone() };
            return ok(page(&first, 5));
        }
        ok(page(asked, 5))
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("wgi").await.problem, "");
    let files = bench.files().remove(0);
    let distinct: std::collections::BTreeSet<_> = files.iter().collect();
    assert_eq!((files.len(), distinct.len()), (6, 6));
}

#[tokio::test]
async fn a_wrong_indicator_is_the_users_error_and_not_retried() {
    let said = r#"[{"message":[{"id":"175","key":"Invalid format","value":"The indicator was not found. It may have been deleted or archived."}]}]"#;
    let publisher = Publisher::new(move |_| ok(said)).await;
    let bench = Bench::new(&section(&publisher.base()));
    let ended = bench.poll("wgi").await;
    let told = |text: &str| ended.problem.contains(text);
    assert!(told("The indicator was not found"), "{}", ended.problem);
    assert!(told("PV.EST") && told("its name is now GOV_WGI_PV.EST"), "{}", ended.problem);
    assert_eq!(publisher.count(), 1);
    let other = section(&publisher.base()).replace("PV.EST", "NY.GDP.MKTP.CD");
    let ended = Bench::new(&other).poll("wgi").await;
    assert!(!ended.problem.contains("its name is now"), "{}", ended.problem);
}

/// Six estimates are requested by default, by their current names.
#[tokio::test]
async fn estimates_are_requested_by_their_current_names() {
    let publisher = Publisher::new(|asked| ok(page(asked, 1))).await;
    let bench = Bench::new(&format!(
        "[[poll]]\nname = 'wgi'\nkind = 'world-bank'\nbase-url = '{}'\n",
        publisher.base()
    ));
    assert_eq!(bench.poll("wgi").await.problem, "");
    let asked: Vec<_> = publisher.asked().iter().map(|asked| indicator(asked).to_owned()).collect();
    let names = ["CC", "GE", "PV", "RL", "RQ", "VA"].map(|letters| format!("GOV_WGI_{letters}.EST"));
    assert_eq!(asked, names);
}

const NOTHING: &str =
    r#"[{"page":0,"pages":0,"per_page":0,"total":0,"sourceid":null,"lastupdated":null},null]"#;

/// A response without rows ends an indicator; a poll of only such responses is done.
#[tokio::test]
async fn an_indicator_without_rows_is_skipped() {
    let publisher = Publisher::new(|_| ok(NOTHING)).await;
    let bench = Bench::new(&section(&publisher.base()));
    let ended = bench.poll("wgi").await;
    assert_eq!((&*ended.problem, ended.unchanged), ("", false));
    assert_eq!((publisher.count(), bench.files().len()), (2, 0), "each indicator once, and no release");
    let publisher = Publisher::new(|asked| match indicator(asked) {
        "PV.EST" => ok(NOTHING),
        _ => ok(page(asked, 3)),
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("wgi").await.problem, "");
    assert_eq!((publisher.count(), bench.bodies(0).len()), (3, 2));
}

#[tokio::test]
async fn unchanged_responses_are_not_sent_again() {
    let publisher = Publisher::new(|asked| {
        if asked.headers.to_lowercase().contains("if-none-match: \"v1\"") {
            return status(304);
        }
        Does::PublisherResponse(200, vec![("ETag", "\"v1\"".to_owned())], page(asked, 5).into())
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    assert!(!bench.poll("wgi").await.unchanged);
    bench.clock.pass(jiff::SignedDuration::from_hours(24));
    let ended = bench.poll("wgi").await;
    assert!(ended.unchanged && ended.problem.is_empty());
    assert_eq!(bench.files().len(), 1, "nothing new is ingested");
    let fetches = bench.fetches("wgi").await;
    assert_eq!(fetches.iter().map(|fetch| fetch.status).collect::<Vec<_>>(), [[200; 6], [304; 6]].concat());
    assert_eq!(fetches[6].sha256, fetches[0].sha256);
    // By force everything comes again, and is handed over again.
    let forced = bench.to_the_end(&bench.is_sole_writer("one"), "wgi", true).await.0;
    assert!(!forced.unchanged);
    assert_eq!(bench.fetches("wgi").await.last().unwrap().status, 200);
    assert_eq!(bench.files().len(), 2);
}

#[tokio::test]
async fn one_changed_page_makes_a_release_with_the_unchanged_ones() {
    let version = Arc::new(AtomicUsize::new(1));
    let now = Arc::clone(&version);
    let publisher = Publisher::new(move |asked| {
        let changed = indicator(asked) == "RL.EST" && asked.parameter("page") == "3";
        let version = if changed { now.load(Ordering::SeqCst) } else { 1 };
        let tag = format!("\"v{version}\"");
        if asked.headers.to_lowercase().contains(&format!("if-none-match: {tag}")) {
            return status(304);
        }
        let body = page(asked, 5).replace("\"value\":5", &format!("\"value\":{}", 4 + version));
        Does::PublisherResponse(200, vec![("ETag", tag)], body.into())
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    bench.poll("wgi").await;
    version.store(2, Ordering::SeqCst);
    bench.clock.pass(jiff::SignedDuration::from_hours(24));
    assert!(!bench.poll("wgi").await.unchanged);
    let files = bench.files();
    assert_eq!(files[0][..5], files[1][..5]);
    assert_ne!(files[0][5], files[1][5]);
    let vintage = bench.taken.0.lock().unwrap()[1].description.clone().unwrap().vintage;
    assert_eq!(vintage, "", "the answers say it");
}
