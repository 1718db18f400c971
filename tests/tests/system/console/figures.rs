//! Figures by URL: the same as by command, tied to a point of knowledge, and not sent twice.
use std::collections::BTreeSet;

use serde_json::Value;

use super::Desk;

/// Shares of output, of every producer.
const SHARES: &str = "measure=production-share&as-of=2022..2024";

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_what_the_command_prints() {
    let desk = Desk::with_figures().await;
    for (path, command) in [
        (
            format!("/api/v1/exposures.csv?{SHARES}"),
            vec!["exposure", "--measure", "production-share", "--as-of", "2022..2024"],
        ),
        ("/api/v1/targets.csv".to_owned(), vec!["targets"]),
        ("/api/v1/claims.csv".to_owned(), vec!["claims"]),
        ("/api/v1/releases.csv".to_owned(), vec!["releases"]),
        ("/api/v1/measures.csv".to_owned(), vec!["measures"]),
    ] {
        let answer = desk.get(&path);
        assert_eq!((answer.status, answer.is_whole), (200, true), "{path}: {}", answer.text());
        let printed = desk.command(&[command.as_slice(), &["--format", "csv"]].concat());
        assert_eq!(answer.text(), printed, "{path}");
        assert!(printed.lines().count() > 3, "{path}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_asked_for_again_after_others_were_committed() {
    let desk = Desk::with_figures().await;
    let path = "/api/v1/exposures?consumer=WLD&material=antimony&measure=production-top1";
    let first = desk.get(path);
    assert_eq!(first.status, 200, "{}", first.text());
    let before: Value = first.json();
    let as_at = before["asAt"].as_str().expect("a point of knowledge").to_owned();
    assert!(as_at.starts_with('@'), "{as_at}");
    assert_eq!(
        (first.header("orewatch-as-at"), first.header("cache-control")),
        (&*as_at, "private, no-cache")
    );
    let permalink = before["permalink"].as_str().expect("an address").to_owned();
    assert_eq!(first.header("content-location"), permalink);

    desk.ingest("production-usgs-mcs-MCS2026").await;
    let now: Value = desk.get(path).json();
    assert_ne!(list(&now, "exposures"), list(&before, "exposures"), "a later edition has other figures");
    let again: Value = desk.get(&permalink).json();
    assert_eq!(list(&again, "exposures"), list(&before, "exposures"));
    let day = desk.get(&format!("{path}&as-at=2000-01-01"));
    assert_eq!((day.status, list(&day.json(), "exposures").len()), (200, 0), "nothing was known then");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again() {
    let desk = Desk::with_figures().await;
    let path = "/api/v1/exposures?consumer=WLD&material=antimony&measure=production-top1&as-of=2023";
    let file = path.replace("exposures?", "exposures.csv?");
    let [tag, file_tag] = [path, &file].map(|path| desk.get(path).header("etag").to_owned());
    let status = |path: &str, tag: &str| desk.get_with(path, &[("If-None-Match", tag)]).status;
    assert_eq!((status(path, &tag), status(&file, &file_tag)), (304, 304));
    assert_eq!(status(path, "W/\"another\""), 200);

    // A commit that touches nothing of the answer: the entries are the same.
    desk.ingest("projections-iea-cm").await;
    assert_eq!(status(path, &tag), 304);
    // An edition that does.
    desk.ingest("production-usgs-mcs-MCS2026").await;
    let latest = path.replace("&as-of=2023", "");
    assert_eq!(status(&latest, &tag), 200);

    for path in ["/api/v1/alerts", "/api/v1/rules", "/api/v1/releases", "/api/v1/economies"] {
        let tag = desk.get(path).header("etag").to_owned();
        assert_eq!(status(path, &tag), 304, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_linked_and_have_every_row_once() {
    let desk = Desk::with_figures().await;
    let whole = desk.get(&format!("/api/v1/exposures.json?{SHARES}"));
    let whole: Vec<Value> = whole.json();
    let mut path = format!("/api/v1/exposures.json?{SHARES}&page-size=100");
    let mut rows: Vec<Value> = Vec::new();
    let mut as_at = BTreeSet::new();
    loop {
        let page = desk.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        rows.extend(page.json::<Vec<Value>>());
        as_at.insert(page.header("orewatch-as-at").to_owned());
        let Some(next) = page.header("link").strip_prefix('<').and_then(|link| link.split_once('>')) else {
            break;
        };
        path = next.0.to_owned();
    }
    assert!(whole.len() > 200, "{}", whole.len());
    assert_eq!(rows, whole);
    assert_eq!(as_at.len(), 1, "all pages rest on one point of knowledge");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_listed_is_answered_in_every_format() {
    let desk = Desk::with_figures().await;
    let index: Value = desk.get("/api/v1").json();
    let listings = list(&index, "listings");
    assert!(listings.len() > 12, "{index}");
    for listing in listings {
        let name = listing["name"].as_str().expect("a name");
        let query = match name {
            "rows" => "?consumer=WLD&material=antimony&stage=mined&measure=production-top1",
            "exposures" => "?consumer=WLD&material=antimony",
            _ => "",
        };
        let json = desk.get(&format!("/api/v1/{name}{query}"));
        assert_eq!(json.status, 200, "{name}: {}", json.text());
        assert!(json.json::<Value>().is_object(), "{name}");
        let files = list(listing, "files").iter().filter_map(Value::as_str);
        for ending in files.filter(|ending| !(name == "episodes" && *ending == "md")) {
            let file = desk.get(&format!("/api/v1/{name}.{ending}{query}"));
            assert_eq!((file.status, file.is_whole), (200, true), "{name}.{ending}: {}", file.text());
            assert!(!file.body.is_empty() && !file.header("content-type").is_empty(), "{name}.{ending}");
        }
    }
    let document: Value = desk.get("/api/v1/openapi.json").json();
    let paths = document["paths"].as_object().expect("paths");
    for listing in listings {
        let address = listing["address"].as_str().expect("an address");
        assert!(paths.contains_key(address), "{address} is not in the OpenAPI document");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citation_names_the_sources_with_their_licences() {
    let desk = Desk::with_figures().await;
    let answer =
        desk.get("/api/v1/exposures.md?consumer=WLD&material=antimony&measure=production-top1&as-of=2023");
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    for part in
        ["U.S. Geological Survey", "May the data be passed on: yes", "`production-top1/1`", "as-at=%40"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
