//! Several datasets of one table: which answers, what the others say, what is of unknown origin, who has not reported.

use orewatch_contracts::common::v1::{CauseKind, Estimate, Frequency, Status};
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, CompareSourcesResponse, ExplainExposureRequest, Exposure, ExposureFilter,
    ExposuresChanged, Reading,
};
use orewatch_contracts::ingestion::v1::SourceFile;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, Preference, SourcePolicy, SourcePolicyRevised, Table, TradeColumns,
};
use orewatch_eventlog::Position;
use prost::Message as _;

use crate::kit::{Api, House, Trade, production, reported, subject, trade};

const IMPORTER: i32 = 1;

fn share(consumer: &str, supplier: &str) -> orewatch_contracts::exposure::v1::Subject {
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

fn declared(rows: &[Trade<'_>]) -> Columns {
    let rows: Vec<_> = rows.iter().map(|row| (*row, IMPORTER)).collect();
    reported(&rows)
}

/// Rows of trade whose exporter may be no economy.
fn unknown(rows: &[Trade<'_>]) -> Columns {
    let known: Vec<_> = rows.iter().map(|row| (row.0, "ATA", row.2, row.3, row.4, row.5)).collect();
    let Columns::Trade(columns) = declared(&known) else { unreachable!("rows of trade") };
    let mut economies = columns.economies.clone();
    let exporter = rows.iter().map(|row| {
        let place = economies.iter().position(|code| code == row.1).unwrap_or_else(|| {
            economies.push(row.1.to_owned());
            economies.len() - 1
        });
        u32::try_from(place).unwrap()
    });
    let exporter = exporter.collect();
    Columns::Trade(TradeColumns { economies, exporter, ..columns })
}

/// The same of rows that say who reports them.
pub(crate) fn unknown_of(rows: &[(Trade<'_>, i32)]) -> Columns {
    unknown(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())
}

async fn policy(house: &House, policy: SourcePolicy) -> Position {
    let revised = SourcePolicyRevised { policy: Some(policy), revision: 1, ..Default::default() };
    house.append("_policy", "SourcePolicyRevised", &revised).await
}

async fn exposure(
    api: &mut Api,
    subject: orewatch_contracts::exposure::v1::Subject,
    as_of: &str,
) -> Exposure {
    api.get(subject, as_of, None).await.unwrap()
}

fn band(estimate: &Estimate) -> [Option<f64>; 3] {
    [estimate.value, estimate.low, estimate.high]
}

async fn compare(
    api: &mut Api,
    subject: orewatch_contracts::exposure::v1::Subject,
) -> CompareSourcesResponse {
    let request =
        CompareSourcesRequest { subject: Some(subject), as_of: "2022".to_owned(), ..Default::default() };
    api.client.compare_sources(request).await.unwrap().into_inner()
}

/// One reporter's declarations beside a reconciled set: everyone's figures stay, and what the declarations say is beside them.
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

/// A survey of one mine does not make a country the world's only producer, until it is declared to fill cells.
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

/// What is of unknown origin stays in the sum, under its name.
#[tokio::test]
async fn imports_of_unknown_origin_bound_the_share() {
    let house = House::new();
    let rows = [
        ("2024", "CHN", "NLD", "811000", 40.0, Some(40.0)),
        ("2024", "VNM", "NLD", "811000", 10.0, Some(10.0)),
        ("2024", "OTHER:unspecified", "NLD", "811000", 30.0, Some(30.0)),
        ("2024", "OTHER:confidential", "NLD", "811000", 20.0, Some(20.0)),
    ];
    let last = house.release("comtrade-h6/1-aaaaaaaaaaaa", unknown(&rows)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let of = |measure, supplier| subject(["NLD", "antimony", "refined", measure, supplier]);
    let found = api.estimate(of("import-share", "CHN"), "2024").await;
    assert_eq!(band(&found), [Some(0.4), Some(0.4), Some(0.9)]);
    assert_eq!((found.status(), found.coverage), (Status::Partial, Some(0.5)));
    let hhi = api.estimate(of("import-hhi", ""), "2024").await;
    assert_eq!(hhi.low.map(f64::round), Some(1700.0), "spread thinly it adds nothing");
    assert_eq!(hhi.high.map(f64::round), Some(8200.0), "all of it China's");

    let request = ExplainExposureRequest {
        subject: Some(of("import-share", "CHN")),
        as_of: "2024".to_owned(),
        ..Default::default()
    };
    let why = api.client.explain_exposure(request).await.unwrap().into_inner();
    let unknown: Vec<_> = why
        .contributions
        .iter()
        .filter(|one| one.supplier.starts_with("OTHER"))
        .map(|one| (&*one.supplier, one.amount.as_ref().unwrap().value))
        .collect();
    assert_eq!(unknown, [("OTHER:confidential", Some(20.0)), ("OTHER:unspecified", Some(30.0))]);
    assert!(why.rows.iter().any(|row| row.economy == "OTHER:unspecified" && row.quantity == Some(30.0)));
    api.stop().await;
}

/// A bloc of which one member has reported is not that member.
#[tokio::test]
async fn a_bloc_knows_who_has_not_reported() {
    let house = House::new();
    let all = ["DEU", "FRA", "ITA", "JPN", "GBR", "USA", "CAN"];
    let before: Vec<_> = all.iter().map(|to| ("2021", "CHN", *to, "283691", 4.0, Some(4000.0))).collect();
    let now = [
        ("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)),
        ("2022", "CHN", "DEU", "283691", 3.0, Some(1000.0)),
    ];
    let first = house.release("comtrade-h6/1-aaaaaaaaaaaa", declared(&now)).await;
    let mut api = house.serve().await;
    api.published(first).await;
    let alone = exposure(&mut api, share("G7", "CHL"), "2022").await;
    let estimate = alone.estimate.unwrap();
    assert_eq!(alone.missing_members, ["CAN", "FRA", "GBR", "ITA", "JPN", "USA"]);
    assert_eq!((estimate.low, estimate.high, estimate.status()), (Some(0.0), Some(1.0), Status::Partial));
    assert!(estimate.coverage.unwrap() < 1.0);
    api.stop().await;

    // What the others imported the year before bounds what they may import now.
    let last = house.release("comtrade-h6/2-bbbbbbbbbbbb", declared(&before)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let bounded = exposure(&mut api, share("G7", "CHL"), "2022").await.estimate.unwrap();
    let most = 24_000.0 + 4000.0;
    assert_eq!((bounded.low, bounded.high), (Some(3000.0 / most), Some(27_000.0 / most)));
    api.stop().await;

    let everyone: Vec<_> =
        all[1..].iter().map(|to| ("2022", "CHN", *to, "283691", 4.0, Some(4000.0))).collect();
    let last = house.release("comtrade-h6/3-cccccccccccc", declared(&everyone)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let whole = exposure(&mut api, share("G7", "CHL"), "2022").await;
    let estimate = whole.estimate.unwrap();
    assert_eq!((estimate.value, estimate.status()), (Some(3000.0 / most), Status::Known));
    assert!(whole.missing_members.is_empty());
    api.stop().await;
}

/// Weights that are known for next to nothing of the value give no best estimate.
#[tokio::test]
async fn weights_of_next_to_nothing_give_no_best_estimate() {
    let house = House::new();
    let rows = [
        ("2019", "CAN", "FIN", "260400", 1_000_000.0, None),
        ("2019", "NOR", "FIN", "260400", 2_500.0, None),
        ("2019", "IDN", "FIN", "260400", 0.04, Some(0.066)),
        ("2019", "AUS", "FIN", "260400", 0.03, Some(0.047)),
    ];
    let last = house.release("comtrade-h4/1-aaaaaaaaaaaa", declared(&rows)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found = api.estimate(subject(["FIN", "nickel", "mined", "import-share", "IDN"]), "2019").await;
    assert_eq!((found.value, found.status()), (None, Status::Partial));
    assert!(found.low.is_some_and(|low| low < 0.001) && found.high.is_some());
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

/// A market is a set of codes: those that the answering dataset does not hold are named, and lower its coverage.
#[tokio::test]
async fn codes_that_a_dataset_does_not_hold_are_named() {
    let house = House::new();
    let id = "baci-hs92/202601-aaaaaaaaaaaa";
    house.open_with(id, Table::Trade, |release| release.hs_revision = "HS92".to_owned()).await;
    house.record(id, 0, trade(&[("2022", "CHN", "DEU", "284690", 1.0, Some(1.0))], 2)).await;
    let last = house.commit(id).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let found =
        exposure(&mut api, subject(["DEU", "rare-earths", "refined", "import-share", "CHN"]), "2022").await;
    assert!(found.missing_codes.contains(&"280530".to_owned()), "{:?}", found.missing_codes);
    let estimate = found.estimate.unwrap();
    assert_eq!((estimate.value, estimate.status()), (Some(1.0), Status::Partial));
    assert!(estimate.coverage.unwrap() < 1.0);
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

/// What is withdrawn leaves the answer to another dataset: no figure of the consumer's was corrected, also none of a supplier that
/// one of the two does not list.
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

/// What members have not reported is not known, and is not nothing; and what an exporter alone reports is not said twice.
#[tokio::test]
async fn differences_say_what_is_known() {
    let house = House::new();
    let rows = [(("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)), IMPORTER)];
    house.release("comtrade-h6/1-aaaaaaaaaaaa", reported(&rows)).await;
    let exporters = [
        (("2022", "CHL", "DEU", "283691", 9.0, Some(3000.0)), 2),
        (("2022", "FRA", "DEU", "283691", 9.0, Some(1000.0)), 2),
    ];
    let last = house.release("comtrade-h6/2-bbbbbbbbbbbb", reported(&exporters)).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let g7 = compare(&mut api, share("G7", "CHL")).await.answers[0].differences.clone();
    assert!(
        g7.contains(&"an unknown amount of unknown origin: members that have not reported".to_owned()),
        "{g7:?}"
    );
    let germany = compare(&mut api, share("DEU", "CHL")).await.answers[0].differences.clone();
    for told in ["1 flow also as the exporter reports it", "1 flow as the exporter alone reports it"] {
        assert!(germany.iter().any(|one| one == told), "{told}: {germany:?}");
    }
    api.stop().await;
}
