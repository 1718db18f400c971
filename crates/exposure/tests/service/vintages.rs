//! What a release changed, and what differs between two points in knowledge time.

use std::collections::BTreeMap;

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, Status, as_at::At};
use orewatch_contracts::exposure::v1::{
    CompareVintagesRequest, CompareVintagesResponse, ExplainExposureRequest, Exposure, ExposureFilter,
    ReleaseNote, VintageChange,
};
use orewatch_contracts::ingestion::v1::{
    Preference, PublisherNote, ReleaseCommitted, Report, SourcePolicy, SourcePolicyRevised, Table,
};
use orewatch_eventlog::Position;

use crate::kit::{Api, House, Output, Trade, production, subject, trade};
use crate::reference::load_production;

const MCS2025: &str = "usgs-mcs/MCS2025-aaaaaaaaaaaa";
const MCS2026: &str = "usgs-mcs/MCS2026-bbbbbbbbbbbb";

fn as_at(at: At) -> Option<AsAt> {
    Some(AsAt { at: Some(at) })
}

fn release(id: &str) -> Option<AsAt> {
    as_at(At::Release(id.to_owned()))
}

fn filter_of(material: &str, measure: &str) -> ExposureFilter {
    ExposureFilter {
        materials: vec![material.to_owned()],
        measures: vec![measure.to_owned()],
        ..ExposureFilter::default()
    }
}

async fn compare(api: &mut Api, request: CompareVintagesRequest) -> CompareVintagesResponse {
    api.client.compare_vintages(request).await.unwrap().into_inner()
}

/// Supplier, old and new value of a change.
fn change_values(change: &VintageChange) -> (String, Option<f64>, Option<f64>) {
    let exposure = change.exposure.clone().unwrap();
    let value = |estimate: Option<orewatch_contracts::common::v1::Estimate>| estimate?.value;
    (exposure.subject.unwrap().supplier, value(change.old.clone()), value(exposure.estimate))
}

/// A release of output with notes of its publisher.
async fn noted(house: &House, id: &str, rows: &[Output<'_>], notes: &[PublisherNote]) -> Position {
    house.open(id, Table::Production).await;
    house.record(id, 0, production(rows)).await;
    let report = Report { notes: notes.to_vec(), ..Report::default() };
    house
        .append(
            id,
            "ReleaseCommitted",
            &ReleaseCommitted { report: Some(report), ..ReleaseCommitted::default() },
        )
        .await
}

#[tokio::test]
async fn a_release_shows_the_shares_that_it_restated_the_largest_first() {
    let house = House::new();
    load_production(&house, MCS2025, "MCS2025").await;
    let last = load_production(&house, MCS2026, "MCS2026").await;
    let mut api = house.serve().await;
    api.published(last).await;
    let filter = ExposureFilter { as_of: "2024".to_owned(), ..filter_of("antimony", "production-share") };
    let request = CompareVintagesRequest {
        filter: Some(filter),
        to: release("MCS2026"),
        ..CompareVintagesRequest::default()
    };
    let found = compare(&mut api, request.clone()).await;
    assert_eq!((found.releases.as_slice(), found.removed_releases.len()), (&[MCS2026.to_owned()][..], 0));
    assert_eq!(found.changes_total, u64::try_from(found.changes.len()).unwrap());
    let near = |actual: Option<f64>, expected: f64| (actual.unwrap() - expected).abs() < 1e-12;
    let (supplier, old, new) = change_values(&found.changes[0]);
    assert!(supplier == "CHN" && near(old, 60_000.0 / 103_960.0) && near(new, 40_000.0 / 118_990.0));
    let (supplier, old, new) = change_values(&found.changes[1]);
    assert!(supplier == "RUS" && near(old, 13_000.0 / 103_960.0) && near(new, 40_000.0 / 118_990.0));
    assert!(near(found.changes[1].difference, 40_000.0 / 118_990.0 - 13_000.0 / 103_960.0));
    assert_eq!(found.changes[0].old_releases, [MCS2025]);
    assert_eq!(found.changes[0].exposure.as_ref().unwrap().releases, [MCS2026]);
    let sizes: Vec<_> = found.changes.iter().filter_map(|change| change.difference).map(f64::abs).collect();
    assert!(sizes.is_sorted_by(|one, next| one >= next), "{sizes:?}");
    // Two points in time give the same.
    let request = CompareVintagesRequest { from: release("MCS2025"), ..request };
    assert_eq!(compare(&mut api, request).await, found);
    api.stop().await;
}

const OLDER: [Trade<'_>; 4] = [
    ("2022", "CHL", "DEU", "283691", 100.0, Some(50.0)),
    ("2022", "CHN", "DEU", "283691", 100.0, Some(50.0)),
    ("2022", "CHL", "FRA", "283691", 40.0, Some(10.0)),
    ("2021", "CHL", "DEU", "283691", 40.0, Some(9.0)),
];
const NEWER: [Trade<'_>; 4] = [
    ("2022", "CHL", "DEU", "283691", 110.0, Some(60.0)),
    ("2022", "CHN", "DEU", "283691", 100.0, Some(50.0)),
    ("2022", "CHL", "USA", "283691", 50.0, None),
    ("2023", "CHL", "USA", "283691", 50.0, Some(20.0)),
];

/// A log with a restatement, another dataset, a change of the policy and a withdrawal; and its positions.
async fn eventful() -> (House, Vec<Position>) {
    let house = House::new();
    let mut positions = vec![house.trade("baci-hs92/202501-aaaaaaaaaaaa", &OLDER).await];
    positions.push(house.trade("baci-hs92/202601-bbbbbbbbbbbb", &NEWER).await);
    let output = [
        ("2022", "CHL", "lithium", "refined", Some(40.0), "content"),
        ("2022", "CHN", "lithium", "refined", Some(60.0), "content"),
    ];
    positions.push(house.production(MCS2025, &output).await);
    positions
        .push(house.trade("own/1-cccccccccccc", &[("2022", "AUS", "DEU", "283691", 7.0, Some(3.0))]).await);
    let preference = Preference {
        table: Table::Trade.into(),
        datasets: vec!["own".to_owned(), "baci-hs92".to_owned()],
        ..Preference::default()
    };
    let policy = SourcePolicy { preferences: vec![preference], ..SourcePolicy::default() };
    let revised = SourcePolicyRevised { policy: Some(policy), revision: 1, ..Default::default() };
    positions.push(house.append("_policy", "SourcePolicyRevised", &revised).await);
    positions.push(house.withdraw("baci-hs92/202601-bbbbbbbbbbbb").await);
    (house, positions)
}

type Key = (String, String, String, String, i32, String, String);

fn key(exposure: &Exposure) -> Key {
    let subject = exposure.subject.clone().unwrap();
    let period = exposure.period.clone();
    let (by, supplier, measure) = (subject.by, subject.supplier, subject.measure);
    (subject.consumer, subject.material, subject.stage, measure, by, supplier, period)
}

async fn known_at(api: &mut Api, position: Position) -> BTreeMap<Key, Exposure> {
    let filter = ExposureFilter { as_of: "all".to_owned(), ..ExposureFilter::default() };
    let all = api.stream(filter, Some(At::Position(position))).await;
    all.into_iter().map(|exposure| (key(&exposure), exposure)).collect()
}

fn sourceless(exposure: &Exposure) -> Exposure {
    assert!(!exposure.releases.is_empty());
    Exposure { releases: Vec::new(), ..exposure.clone() }
}

/// The differences are those between two queries: none is missing, and none is made up.
#[tokio::test]
async fn the_changes_are_what_two_queries_differ_in() {
    let (house, positions) = eventful().await;
    let mut api = house.serve().await;
    api.published(*positions.last().unwrap()).await;
    for (index, from) in positions.iter().enumerate() {
        for to in positions.iter().skip(index) {
            let request = CompareVintagesRequest {
                from: as_at(At::Position(*from)),
                to: as_at(At::Position(*to)),
                page_size: 10_000,
                ..CompareVintagesRequest::default()
            };
            let found = compare(&mut api, request).await;
            let (old, new) = (known_at(&mut api, *from).await, known_at(&mut api, *to).await);
            let told: BTreeMap<_, _> =
                found.changes.iter().map(|change| (key(change.exposure.as_ref().unwrap()), change)).collect();
            assert_eq!(told.len(), found.changes.len(), "each figure once");
            for (key, change) in &told {
                let exposure = change.exposure.as_ref().unwrap();
                let (before, after) = (old.get(key), new.get(key));
                assert_eq!(change.old, before.and_then(|before| before.estimate.clone()), "{key:?}");
                assert_eq!(change.old_releases.is_empty(), before.is_none(), "{key:?}");
                match after {
                    // A query of all consumers may look at more releases.
                    Some(after) => assert_eq!(sourceless(exposure), sourceless(after), "{key:?}"),
                    None => {
                        let gone = exposure.estimate.as_ref().unwrap().status();
                        assert_eq!(gone, Status::NotApplicable, "{key:?}");
                    }
                }
            }
            let both = old.keys().chain(new.keys()).collect::<std::collections::BTreeSet<_>>();
            for key in both {
                let estimate = |side: &BTreeMap<Key, Exposure>| {
                    side.get(key).map(|exposure| (exposure.estimate.clone(), exposure.names.clone()))
                };
                if estimate(&old) != estimate(&new) {
                    assert!(told.contains_key(key), "{from} to {to} lacks {key:?}");
                }
            }
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn without_an_earlier_time_the_last_change_counts() {
    let (house, positions) = eventful().await;
    let mut api = house.serve().await;
    api.published(*positions.last().unwrap()).await;
    let now = compare(&mut api, CompareVintagesRequest::default()).await;
    assert_eq!(now.removed_releases, ["baci-hs92/202601-bbbbbbbbbbbb"], "the withdrawal");
    assert!(now.releases.is_empty() && now.changes_total > 0);
    let policy = CompareVintagesRequest {
        to: as_at(At::Position(positions[4])),
        filter: Some(filter_of("lithium", "import-share")),
        ..CompareVintagesRequest::default()
    };
    let policy = compare(&mut api, policy).await;
    assert!(policy.releases.is_empty() && policy.removed_releases.is_empty(), "no release came or went");
    let germany = policy.changes.iter().find(|change| {
        let subject = change.exposure.as_ref().unwrap().subject.clone().unwrap();
        subject.consumer == "DEU" && subject.supplier == "AUS" && subject.by == 1
    });
    let (_, old, new) = change_values(germany.expect("another dataset answers"));
    assert_eq!((old, new), (None, Some(1.0)));
    api.stop().await;
}

#[tokio::test]
async fn pages_together_are_the_whole_whatever_comes_meanwhile() {
    let (house, positions) = eventful().await;
    let mut api = house.serve().await;
    api.published(*positions.last().unwrap()).await;
    let request = CompareVintagesRequest {
        from: as_at(At::Position(positions[0])),
        ..CompareVintagesRequest::default()
    };
    let whole = compare(&mut api, request.clone()).await;
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let page = CompareVintagesRequest { page_size: 9, page_token: token, ..request.clone() };
        let page = compare(&mut api, page).await;
        assert!(page.changes.len() <= 9 && page.changes_total == whole.changes_total);
        if paged.is_empty() {
            let rows = [("2022", "BOL", "DEU", "283691", 900.0, Some(900.0))];
            let later = house.trade("own/2-dddddddddddd", &rows).await;
            api.published(later).await;
        }
        paged.extend(page.changes);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert!(paged.len() > 20, "{}", paged.len());
    assert_eq!(paged, whole.changes);
    let foreign = CompareVintagesRequest { page_token: "x".to_owned(), ..request };
    let failure = Failure::from(api.client.compare_vintages(foreign).await.unwrap_err());
    assert_eq!((&*failure.code, &*failure.field), ("invalid-token", "page_token"));
    api.stop().await;
}

fn note(text: &str, stage: &str, period: &str) -> PublisherNote {
    PublisherNote {
        text: text.to_owned(),
        material: "graphite".to_owned(),
        stage: stage.to_owned(),
        economy: "CHN".to_owned(),
        period: period.to_owned(),
        ..PublisherNote::default()
    }
}

#[tokio::test]
async fn what_the_publisher_says_stands_beside_the_figures_that_it_is_about() {
    let rows = |tonnes: f64| {
        [
            ("2024", "CHN", "graphite", "mined", Some(tonnes), "gross"),
            ("2024", "MDG", "graphite", "mined", Some(10.0), "gross"),
            ("2025", "CHN", "graphite", "mined", Some(50.0), "gross"),
        ]
    };
    let house = House::new();
    noted(&house, MCS2025, &rows(90.0), &[note("an older note", "mined", "")]).await;
    let revised = note("revised from company reports", "mined", "2024");
    let others = [note("about another period", "mined", "2023"), note("about another stage", "refined", "")];
    let last = noted(&house, MCS2026, &rows(40.0), &[vec![revised.clone()], others.to_vec()].concat()).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let expected = ReleaseNote { release: MCS2026.to_owned(), note: Some(revised) };
    let request = ExplainExposureRequest {
        subject: Some(subject(["WLD", "graphite", "mined", "production-share", "CHN"])),
        as_of: "2024".to_owned(),
        ..ExplainExposureRequest::default()
    };
    let explained = api.client.explain_exposure(request.clone()).await.unwrap().into_inner();
    assert_eq!(explained.notes, std::slice::from_ref(&expected));
    let older = ExplainExposureRequest { as_at: release("MCS2025"), ..request };
    let older = api.client.explain_exposure(older).await.unwrap().into_inner().notes;
    assert_eq!(older[0].note.as_ref().unwrap().text, "an older note");

    let filter =
        ExposureFilter { stages: vec!["mined".to_owned()], ..filter_of("graphite", "production-share") };
    let filter = ExposureFilter { as_of: "2024".to_owned(), ..filter };
    let request = CompareVintagesRequest {
        filter: Some(filter),
        to: release("MCS2026"),
        ..CompareVintagesRequest::default()
    };
    assert_eq!(compare(&mut api, request).await.notes, [expected]);
    api.stop().await;
}

#[tokio::test]
async fn a_time_or_release_that_is_not_there_is_refused() {
    let house = House::new();
    house.open("baci-hs92/202501-aaaaaaaaaaaa", Table::Trade).await;
    house.record("baci-hs92/202501-aaaaaaaaaaaa", 0, trade(&OLDER, 2)).await;
    let last = house.commit("baci-hs92/202501-aaaaaaaaaaaa").await;
    let mut api = house.serve().await;
    api.published(last).await;
    let request = CompareVintagesRequest { to: release("202701"), ..CompareVintagesRequest::default() };
    let failure = Failure::from(api.client.compare_vintages(request).await.unwrap_err());
    assert_eq!(&*failure.code, "unknown-release");
    let filter = ExposureFilter { as_of: "soon".to_owned(), ..ExposureFilter::default() };
    let request = CompareVintagesRequest { filter: Some(filter), ..CompareVintagesRequest::default() };
    let failure = Failure::from(api.client.compare_vintages(request).await.unwrap_err());
    assert_eq!((&*failure.code, &*failure.field), ("invalid-period", "as_of"));
    let request = CompareVintagesRequest { page_size: 10_001, ..CompareVintagesRequest::default() };
    let failure = Failure::from(api.client.compare_vintages(request).await.unwrap_err());
    assert_eq!((&*failure.code, &*failure.field), ("too-many", "page_size"));
    // Before the first release there was nothing.
    let first = compare(&mut api, CompareVintagesRequest::default()).await;
    assert!(first.changes_total > 0 && first.changes.iter().all(|change| change.old.is_none()));
    api.stop().await;
}
