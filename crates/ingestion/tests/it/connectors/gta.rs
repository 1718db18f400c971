//! Global Trade Alert: posted queries, pages by offset.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orewatch_contracts::Class;
use serde_json::{Value, json};

use super::bench::{Bench, KEY};
use super::server::{PollReason, Publisher, ok, status};

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'policy'\nkind = 'gta'\nbase_url = '{base}'\nkey_file = 'KEYFILE'\ncap = \
         3\nproducts = ['051191', '250410']\n"
    )
}

fn records(asked: &PollReason, total: u64) -> String {
    let query: Value = serde_json::from_str(&asked.body).unwrap();
    let (limit, offset) = (query["limit"].as_u64().unwrap(), query["offset"].as_u64().unwrap());
    let records: Vec<_> =
        (offset..total.min(offset + limit)).map(|id| json!({"intervention_id": id})).collect();
    Value::from(records).to_string()
}

#[tokio::test]
async fn pages_are_requested_until_one_is_not_full() {
    let publisher = Publisher::new(|asked| ok(records(asked, 7))).await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("policy").await.problem, "");
    let asked = publisher.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].line, "POST /api/v2/gta/data/");
    assert!(asked[0].headers.contains(&format!("authorization: APIKey {KEY}")));
    let query: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(query["request_data"]["affected_products"], json!([51191, 250410]));
    assert_eq!(bench.bodies(0).len(), 3);
    assert_eq!(
        bench.taken.0.lock().unwrap()[0].files[0].url,
        format!("{}/api/v2/gta/data/", publisher.base())
    );
}

/// Version 1 is called if configured. If it is switched off the poll ends, and says that version 2 is
/// available.
#[tokio::test]
async fn version_1_is_used_if_configured_and_its_removal_is_reported() {
    let publisher = Publisher::new(|asked| ok(records(asked, 2))).await;
    let bench = Bench::new(&format!("{}api-version = 1\n", section(&publisher.base())));
    assert_eq!(bench.poll("policy").await.problem, "");
    assert_eq!(publisher.asked()[0].line, "POST /api/v1/data/");
    let publisher = Publisher::new(|_| status(410)).await;
    for (version, advice) in [(1, "version 2 is available"), (2, "later version")] {
        let bench = Bench::new(&format!("{}api-version = {version}\n", section(&publisher.base())));
        let ended = bench.poll("policy").await;
        let told = ended.problem.contains("status 410") && ended.problem.contains(advice);
        assert!(told && ended.class == Class::Invalid, "{}", ended.problem);
    }
    assert_eq!(publisher.count(), 2, "what is gone is not asked for again");
}

#[tokio::test]
async fn a_last_page_that_is_full_is_followed_by_an_empty_one() {
    let publisher = Publisher::new(|asked| ok(records(asked, 6))).await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("policy").await.problem, "");
    assert_eq!((publisher.count(), bench.bodies(0).len()), (3, 2));
}

#[tokio::test]
async fn a_repeated_page_is_kept_once() {
    let repeated = Arc::new(AtomicUsize::new(0));
    let publisher = Publisher::new(move |asked| {
        let query: Value = serde_json::from_str(&asked.body).unwrap();
        if query["offset"] == 3 && repeated.fetch_add(1, Ordering::SeqCst) == 0 {
            let first = PollReason { body: json!({"limit": 3, "offset": 0}).to_string(), ..asked.clone() };
            return ok(records(&first, 7));
        }
        ok(records(asked, 7))
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    assert_eq!(bench.poll("policy").await.problem, "");
    assert_eq!(publisher.count(), 4);
    let ids: Vec<u64> = bench
        .bodies(0)
        .iter()
        .flat_map(|body| serde_json::from_str::<Vec<Value>>(body).unwrap())
        .map(|record| record["intervention_id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, (0..7).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_publisher_that_keeps_repeating_a_page_is_given_up_soon() {
    let publisher = Publisher::new(|asked| {
        let first = PollReason { body: json!({"limit": 3, "offset": 0}).to_string(), ..asked.clone() };
        ok(records(&first, 7))
    })
    .await;
    let bench = Bench::new(&section(&publisher.base()));
    let ended = bench.poll("policy").await;
    assert!(ended.problem.contains("from 3 on came before"), "{}", ended.problem);
    assert_eq!(publisher.count(), 3);
    assert!(bench.files().is_empty());
}
