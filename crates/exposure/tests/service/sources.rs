//! Several datasets of one table: which of them answers, and what the others say.

use orewatch_contracts::common::v1::{By, CauseKind, Estimate, Frequency, Status};
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, CompareSourcesResponse, ExplainExposureRequest, Exposure, ExposureFilter,
    ExposuresChanged, Reading, Subject,
};
use orewatch_contracts::ingestion::v1::SourceFile;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, Preference, SourcePolicy, SourcePolicyRevised, Table,
};
use orewatch_eventlog::Position;
use prost::Message as _;

use crate::kit::{Api, House, Trade, production, reported, subject};

pub(crate) const IMPORTER: i32 = 1;

pub(crate) fn share(consumer: &str, supplier: &str) -> Subject {
    subject([consumer, "lithium", "refined", "import-share", supplier])
}

/// Lithium carbonate of 2022 as a reconciled set has it.
const RECONCILED: [Trade<'_>; 5] = [
    ("2022", "CHL", "DEU", "283691", 9000.0, Some(3000.0)),
    ("2022", "CHN", "DEU", "283691", 4000.0, Some(1000.0)),
    ("2022", "CHL", "FRA", "283691", 900.0, Some(300.0)),
    ("2022", "ARG", "USA", "283691", 900.0, Some(300.0)),
    ("2022", "CHN", "JPN", "283691", 900.0, Some(300.0)),
];

pub(crate) fn declared(rows: &[Trade<'_>]) -> Columns {
    let rows: Vec<_> = rows.iter().map(|row| (*row, IMPORTER)).collect();
    reported(&rows)
}

async fn policy(house: &House, policy: SourcePolicy) -> Position {
    let revised = SourcePolicyRevised { policy: Some(policy), revision: 1, ..Default::default() };
    house.append("_policy", "SourcePolicyRevised", &revised).await
}

pub(crate) async fn exposure(api: &mut Api, subject: Subject, as_of: &str) -> Exposure {
    api.get(subject, as_of, None).await.unwrap()
}

pub(crate) async fn compare(api: &mut Api, subject: Subject) -> CompareSourcesResponse {
    let request =
        CompareSourcesRequest { subject: Some(subject), as_of: "2022".to_owned(), ..Default::default() };
    api.client.compare_sources(request).await.unwrap().into_inner()
}

/// One reporter's declarations beside a reconciled set: everyone's figures stay, and what the declarations
/// say is beside them.
#[tokio::test]
async fn declarations_of_one_economy_leave_a_reconciled_set_standing() {
    let house = House::new();
    house.trade("baci-hs22/202501-aaaaaaaaaaaa", &RECONCILED).await;
    let rows = [
        ("2022", "CHN", "JPN", "283691", 16_000.0, Some(4000.0)),
        ("2022", "CHL", "JPN", "283691", 4000.0, Some(1000.0)),
    ];
    let last = house.release("comtrade-h6/1-bbbbbbbbbbbb", declared(&rows)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    for (consumer, supplier, expected) in
        [("DEU", "CHL", 0.75), ("FRA", "CHL", 1.0), ("USA", "ARG", 1.0), ("JPN", "CHN", 1.0)]
    {
        let found = exposure(&mut api, share(consumer, supplier), "2022").await;
        assert_eq!(found.estimate.unwrap().value, Some(expected), "{consumer}");
        assert_eq!(found.datasets, ["baci-hs22"], "{consumer}");
    }
    let found = exposure(&mut api, share("JPN", "CHN"), "2022").await;
    let spread = found.spread.expect("another dataset can give it");
    assert_eq!((spread.sources, spread.lowest, spread.highest), (2, Some(0.8), Some(1.0)));
    assert_eq!((&*spread.lowest_dataset, &*spread.highest_dataset), ("comtrade-h6", "baci-hs22"));
    let germany = exposure(&mut api, share("DEU", "CHL"), "2022").await;
    assert!(germany.spread.is_none(), "the declarations hold nothing of Germany");

    let sides = compare(&mut api, share("JPN", "CHN")).await;
    let told: Vec<_> = sides
        .answers
        .iter()
        .map(|side| {
            (&*side.dataset, side.answers, side.exposure.as_ref().unwrap().estimate.as_ref().unwrap().value)
        })
        .collect();
    assert_eq!(told, [("baci-hs22", true, Some(1.0)), ("comtrade-h6", false, Some(0.8))]);
    assert_eq!(sides.answers[1].vintages, ["1"]);
    assert_eq!(sides.answers[1].quantity, Some(5000.0));
    assert_eq!(sides.answers[1].kind(), DatasetKind::Declarations);

    let reading = Some(Reading { dataset: "comtrade-h6".to_owned(), ..Reading::default() });
    let request = orewatch_contracts::exposure::v1::GetExposureRequest {
        subject: Some(share("JPN", "CHN")),
        as_of: "2022".to_owned(),
        reading,
        ..Default::default()
    };
    let alone = api.client.get_exposure(request).await.unwrap().into_inner().exposure.unwrap();
    assert_eq!(alone.estimate.unwrap().value, Some(0.8));
    api.stop().await;
}

/// Two reporters' files of one dataset: the second restates nothing of the first.
#[tokio::test]
async fn a_second_reporter_stands_beside_the_first() {
    let house = House::new();
    let first = [
        ("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)),
        ("2022", "CHN", "DEU", "283691", 3.0, Some(1000.0)),
    ];
    house.release("comtrade-h6/1-aaaaaaaaaaaa", declared(&first)).await;
    let second = [("2022", "CHL", "FRA", "283691", 3.0, Some(1000.0))];
    let committed = house.release("comtrade-h6/2-bbbbbbbbbbbb", declared(&second)).await;
    let again = [("2022", "CHN", "DEU", "283691", 3.0, Some(1000.0))];
    let last = house.release("comtrade-h6/3-cccccccccccc", declared(&again)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    assert_eq!(api.estimate(share("FRA", "CHL"), "2022").await.value, Some(1.0));
    assert_eq!(
        api.estimate(share("DEU", "CHL"), "2022").await.value,
        Some(0.0),
        "Germany's report is restated"
    );
    let then = orewatch_contracts::common::v1::as_at::At::Position(committed);
    let then = api.get(share("DEU", "CHL"), "2022", Some(then)).await.unwrap();
    assert_eq!(then.estimate.unwrap().value, Some(0.75));
    api.stop().await;
}

/// A survey of one mine does not make a country the world's only producer, until it is declared to fill
/// cells.
#[tokio::test]
async fn a_survey_stays_behind_the_table_that_it_does_not_know() {
    let house = House::new();
    let world = [
        ("2024", "CHN", "graphite", "mined", Some(81.9), "gross"),
        ("2024", "MDG", "graphite", "mined", Some(8.1), "gross"),
        ("2024", "MOZ", "graphite", "mined", None, "gross"),
        ("2024", "OTHER", "graphite", "mined", Some(10.0), "gross"),
    ];
    house.production("usgs-mcs/MCS2026-aaaaaaaaaaaa", &world).await;
    let survey = [("2024", "MOZ", "graphite", "mined", Some(75.0), "gross")];
    let published = house.release("survey/1-bbbbbbbbbbbb", production(&survey)).await;
    let mut api = house.serve().await;
    api.published(published).await;
    let of = |supplier| subject(["WLD", "graphite", "mined", "production-share", supplier]);
    let close = |found: Estimate, expected: f64| (found.value.unwrap() - expected).abs() < 1e-12;
    assert!(close(api.estimate(of("CHN"), "2024").await, 0.819));
    api.stop().await;

    let declaration = DatasetDeclaration {
        dataset: "survey".to_owned(),
        kind: DatasetKind::Supplement.into(),
        supplements: "usgs-mcs".to_owned(),
    };
    let revised = policy(&house, SourcePolicy { datasets: vec![declaration], ..Default::default() }).await;
    let mut api = house.serve().await;
    api.published(revised).await;
    assert!(close(api.estimate(of("CHN"), "2024").await, 81.9 / 175.0));
    let request =
        ExplainExposureRequest { subject: Some(of("MOZ")), as_of: "2024".to_owned(), ..Default::default() };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner();
    let row = why.rows.iter().find(|row| row.economy == "MOZ").unwrap();
    assert_eq!(
        (&*row.release, row.quantity),
        ("survey/1-bbbbbbbbbbbb", Some(75.0)),
        "the cell names its source"
    );
    // Nobody's production has moved: the event says that other sources answer.
    let kinds: Vec<_> = house
        .published()
        .await
        .iter()
        .filter_map(|event| ExposuresChanged::decode(event.data.clone()).ok()?.cause)
        .filter(|cause| cause.position == revised)
        .map(|cause| cause.kind())
        .collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == CauseKind::SourceChanged), "{kinds:?}");
    api.stop().await;
}

/// Years and months never meet.
#[tokio::test]
async fn the_latest_is_the_latest_year() {
    let house = House::new();
    let rows = [
        ("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)),
        ("2023-06", "CHN", "DEU", "283691", 3.0, Some(1000.0)),
    ];
    let last = house.trade("baci-hs22/1-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(last).await;
    assert_eq!(exposure(&mut api, share("DEU", "CHL"), "").await.period, "2022");
    assert_eq!(exposure(&mut api, share("DEU", "CHN"), "2023-06").await.period, "2023-06");
    for (frequency, as_of, expected) in [
        (Frequency::Unspecified, "", vec!["2022"]),
        (Frequency::Unspecified, "all", vec!["2022", "2023-06"]),
        (Frequency::Annual, "all", vec!["2022"]),
        (Frequency::Monthly, "all", vec!["2023-06"]),
        (Frequency::Monthly, "", vec!["2023-06"]),
    ] {
        let filter =
            ExposureFilter { as_of: as_of.to_owned(), frequency: frequency.into(), ..Default::default() };
        let found = api.stream(filter, None).await.into_iter().map(|exposure| exposure.period);
        let periods: std::collections::BTreeSet<_> = found.collect();
        assert_eq!(periods.into_iter().collect::<Vec<_>>(), expected, "{frequency:?} {as_of}");
    }
    api.stop().await;
}

/// A preference for one economy: it is answered by another dataset, and told so; everyone else stays.
#[tokio::test]
async fn a_preference_moves_whom_it_names() {
    let house = House::new();
    house.trade("baci-hs22/202501-aaaaaaaaaaaa", &RECONCILED).await;
    let rows = [
        ("2022", "CHN", "JPN", "283691", 16_000.0, Some(4000.0)),
        ("2022", "CHL", "JPN", "283691", 4000.0, Some(1000.0)),
        ("2022", "CHN", "DEU", "283691", 4000.0, Some(1000.0)),
    ];
    let before = house.release("comtrade-h6/1-bbbbbbbbbbbb", declared(&rows)).await;
    let preference = Preference {
        table: Table::Trade.into(),
        materials: vec!["lithium".to_owned()],
        economies: vec!["JPN".to_owned()],
        datasets: vec!["comtrade-h6".to_owned()],
        ..Default::default()
    };
    let last = policy(&house, SourcePolicy { preferences: vec![preference], ..Default::default() }).await;
    let mut api = house.serve().await;
    api.published(last).await;
    assert_eq!(api.estimate(share("JPN", "CHN"), "2022").await.value, Some(0.8));
    assert_eq!(api.estimate(share("DEU", "CHL"), "2022").await.value, Some(0.75));
    let g7 = exposure(&mut api, share("G7", "CHN"), "2022").await;
    assert_eq!(g7.datasets, ["baci-hs22", "comtrade-h6"], "a bloc names the datasets of its members");
    let then = orewatch_contracts::common::v1::as_at::At::Position(before);
    let then = api.get(share("JPN", "CHN"), "2022", Some(then)).await.unwrap();
    assert_eq!(
        then.estimate.unwrap().value,
        Some(1.0),
        "answers of an earlier day follow the policy of that day"
    );
    api.stop().await;
}

/// A release of declarations that was read from a file.
async fn handed_in(house: &House, id: &str, digest: &str, rows: &[Trade<'_>]) -> Position {
    let file = SourceFile { name: "f.csv".to_owned(), sha256: digest.to_owned(), ..SourceFile::default() };
    house.open_file(file, id, Table::Trade).await;
    house.record(id, 0, declared(rows)).await;
    house.commit(id).await
}

/// A file does not confirm itself: the same bytes under another name are one source.
#[tokio::test]
async fn the_same_file_under_another_name_is_one_source() {
    let house = House::new();
    let rows = [
        ("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)),
        ("2022", "CHN", "DEU", "283691", 3.0, Some(1000.0)),
    ];
    handed_in(&house, "comtrade-hs22/1-aaaaaaaaaaaa", "d1", &rows).await;
    let copied = handed_in(&house, "copy/1-bbbbbbbbbbbb", "d1", &rows).await;
    let mut api = house.serve().await;
    api.published(copied).await;
    assert_eq!(exposure(&mut api, share("DEU", "CHL"), "2022").await.spread, None);
    let sides = compare(&mut api, share("DEU", "CHL")).await;
    assert_eq!((sides.answers.len(), sides.spread), (2, None), "it is shown, and not counted");
    assert!(
        sides.answers[1].differences.contains(&"was read from the same file as comtrade-hs22".to_owned()),
        "{:?}",
        sides.answers[1].differences
    );
    api.stop().await;

    let other = handed_in(&house, "customs/1-cccccccccccc", "d2", &rows).await;
    let mut api = house.serve().await;
    api.published(other).await;
    let spread = exposure(&mut api, share("DEU", "CHL"), "2022").await.spread.unwrap();
    assert_eq!((spread.sources, spread.lowest), (2, spread.highest), "another file is another source");
    api.stop().await;
}

/// A survey that lists one producer says nothing of the others.
#[tokio::test]
async fn a_survey_says_nothing_of_whom_it_does_not_list() {
    let house = House::new();
    let world = [
        ("2024", "CHN", "graphite", "mined", Some(80.0), "gross"),
        ("2024", "MOZ", "graphite", "mined", Some(20.0), "gross"),
    ];
    house.production("usgs-mcs/MCS2026-aaaaaaaaaaaa", &world).await;
    let survey = [("2024", "MOZ", "graphite", "mined", Some(75.0), "gross")];
    let last = house.release("survey/1-bbbbbbbbbbbb", production(&survey)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let of = |supplier| subject(["WLD", "graphite", "mined", "production-share", supplier]);
    assert_eq!(exposure(&mut api, of("CHN"), "2024").await.spread, None);
    let request =
        CompareSourcesRequest { subject: Some(of("CHN")), as_of: "2024".to_owned(), ..Default::default() };
    let sides = api.client.compare_sources(request).await.unwrap().into_inner();
    let survey = sides.answers.iter().find(|side| side.dataset == "survey").unwrap();
    let estimate = survey.exposure.as_ref().unwrap().estimate.clone().unwrap();
    assert_eq!((estimate.value, estimate.status()), (None, Status::Unavailable));
    assert!(estimate.reason.contains("lists no output"), "{}", estimate.reason);
    assert!(
        sides.answers.iter().all(|side| side.differences.is_empty()),
        "nothing of trade is said of output: {:?}",
        sides.answers
    );
    api.stop().await;
}

/// What is withdrawn leaves the answer to another dataset: no figure of the consumer's was corrected, also
/// none of a supplier that one of the two does not list.
#[tokio::test]
async fn a_withdrawal_that_changes_who_answers_is_told_as_such() {
    let house = House::new();
    let baci = [("2022", "CHN", "DEU", "283691", 100.0, Some(100.0))];
    house.trade("baci-hs22/1-aaaaaaaaaaaa", &baci).await;
    let customs = [("2022", "CHL", "DEU", "283691", 300.0, Some(300.0))];
    house.release("comtrade-hs22/1-bbbbbbbbbbbb", declared(&customs)).await;
    let preference = Preference {
        table: Table::Trade.into(),
        economies: vec!["EU27".to_owned()],
        datasets: vec!["comtrade-hs22".to_owned()],
        ..Default::default()
    };
    policy(&house, SourcePolicy { preferences: vec![preference], ..Default::default() }).await;
    let last = house.withdraw("comtrade-hs22/1-bbbbbbbbbbbb").await;
    let mut api = house.serve().await;
    api.published(last).await;
    let kinds: std::collections::BTreeSet<_> = house
        .published()
        .await
        .iter()
        .filter_map(|event| ExposuresChanged::decode(event.data.clone()).ok()?.cause)
        .filter(|cause| cause.position == last)
        .map(|cause| cause.kind().as_str_name())
        .collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [CauseKind::SourceChanged.as_str_name()]);
    api.stop().await;
}

/// A figure rests on the releases that have a row in it.
#[tokio::test]
async fn a_figure_rests_on_releases_with_a_row_of_it() {
    let house = House::new();
    let first = [("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0))];
    house.release("comtrade-h6/1-aaaaaaaaaaaa", declared(&first)).await;
    let second = [("2022", "CHL", "FRA", "283691", 3.0, Some(1000.0))];
    let last = house.release("comtrade-h6/2-bbbbbbbbbbbb", declared(&second)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found = exposure(&mut api, share("FRA", "CHL"), "2022").await;
    assert_eq!(found.releases, ["comtrade-h6/2-bbbbbbbbbbbb"]);
    let request = ExplainExposureRequest {
        subject: Some(share("FRA", "CHL")),
        as_of: "2022".to_owned(),
        ..Default::default()
    };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner();
    let ids: Vec<_> = why.releases.iter().map(|release| &*release.id).collect();
    assert_eq!(ids, ["comtrade-h6/2-bbbbbbbbbbbb"]);
    assert_eq!(compare(&mut api, share("FRA", "CHL")).await.answers[0].vintages, ["2"]);
    api.stop().await;
}

/// Tests of three years rest on what answers in each of them, and on no dataset that answers in none.
#[tokio::test]
async fn a_figure_of_several_years_rests_on_what_answers_in_each() {
    let house = House::new();
    house.trade("baci-hs22/202501-aaaaaaaaaaaa", &RECONCILED).await;
    let declared_in = |year| (year, "CHN", "JPN", "283691", 16_000.0, Some(4000.0));
    let last = house.release("comtrade-h6/1-bbbbbbbbbbbb", declared(&[declared_in("2022")])).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let years = |measure| subject(["JPN", "lithium", "refined", measure, ""]);
    for measure in ["ec-dependency-years", "geodep-years"] {
        let by_value = Subject { by: By::Value.into(), ..years(measure) };
        let found = exposure(&mut api, by_value, "2022").await;
        assert_eq!(found.releases, ["baci-hs22/202501-aaaaaaaaaaaa"], "{measure}");
        assert_eq!(found.datasets, ["baci-hs22"], "{measure}");
    }
    // One release of two years, of which the earlier answers.
    let both = [declared_in("2021"), declared_in("2022")];
    let last = house.release("comtrade-h6/2-cccccccccccc", declared(&both)).await;
    api.published(last).await;
    for measure in ["ec-dependency-years", "geodep-years"] {
        let by_value = Subject { by: By::Value.into(), ..years(measure) };
        let found = exposure(&mut api, by_value, "2022").await;
        let releases = ["baci-hs22/202501-aaaaaaaaaaaa", "comtrade-h6/2-cccccccccccc"];
        assert_eq!(found.releases, releases, "{measure}");
        assert_eq!(found.datasets, ["baci-hs22", "comtrade-h6"], "{measure}");
    }
    api.stop().await;
}
