//! Who has not reported is unknown, and not nothing: no figure is known while part of what it sums is not
//! reported.

use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, ExplainExposureRequest, ExplainExposureResponse, Subject,
};
use orewatch_contracts::ingestion::v1::{
    DatasetDeclaration, DatasetKind, SourcePolicy, SourcePolicyRevised, Table,
};
use orewatch_eventlog::Position;

use crate::kit::{Api, House, Trade, production, reported, subject};

const M: i32 = 1;
const X: i32 = 2;

/// A row of a report: period, exporter, importer, product, tonnes; its value is as much in kUSD.
fn row<'a>(side: i32, [period, exporter, importer, product]: [&'a str; 4], tonnes: f64) -> (Trade<'a>, i32) {
    ((period, exporter, importer, product, tonnes, Some(tonnes)), side)
}

async fn report(house: &House, id: &str, rows: &[(Trade<'_>, i32)]) -> Position {
    house.release(id, reported(rows)).await
}

/// The same of a revision of the Harmonized System, so that product codes can be missing.
async fn report_of_codes(house: &House, id: &str, rows: &[(Trade<'_>, i32)]) -> Position {
    house.open_with(id, Table::Trade, |release| release.hs_revision = "HS92".to_owned()).await;
    house.record(id, 0, reported(rows)).await;
    house.commit(id).await
}

async fn served(house: &House, last: Position) -> Api {
    let mut api = house.serve().await;
    api.published(last).await;
    api
}

async fn explain(api: &mut Api, subject: Subject, as_of: &str) -> ExplainExposureResponse {
    let request = ExplainExposureRequest {
        subject: Some(subject),
        as_of: as_of.to_owned(),
        max_rows: 100,
        ..Default::default()
    };
    api.client.explain_exposure(request).await.unwrap().into_inner()
}

fn band(estimate: &Estimate) -> [Option<f64>; 3] {
    [estimate.value, estimate.low, estimate.high]
        .map(|number| number.map(|it| (it * 1000.0).round() / 1000.0))
}

fn is_open(estimate: &Estimate) -> bool {
    estimate.value.is_none()
        && matches!(estimate.status(), Status::Partial | Status::Unavailable)
        && estimate.low.is_none_or(|low| low <= 0.0)
        && estimate.high.is_none_or(|high| high >= 1.0)
}

fn graphite(consumer: &str, measure: &str) -> Subject {
    of_years(subject([consumer, "graphite", "mined", measure, ""]))
}

/// Tests of years are by value.
fn of_years(subject: Subject) -> Subject {
    let by = if subject.measure.ends_with("years") { By::Value } else { By::Quantity };
    Subject { by: by.into(), ..subject }
}

async fn graphite_of_japan() -> (House, Position) {
    let house = House::new();
    let output = [
        ("2025", "DEU", "graphite", "mined", Some(100.0), "gross"),
        ("2025", "CHN", "graphite", "mined", Some(900.0), "gross"),
        ("2025", "JPN", "graphite", "mined", Some(10.0), "gross"),
    ];
    house.production("geo/1-aaaaaaaaaaaa", &output).await;
    let rows =
        [row(M, ["2025", "MOZ", "JPN", "250410"], 0.1), row(M, ["2025", "MOZ", "JPN", "250490"], 90.0)];
    let last = report(&house, "comtrade-h6/1-aaaaaaaaaaaa", &rows).await;
    (house, last)
}

/// Japan's file says nothing of Germany's imports.
#[tokio::test]
async fn a_report_of_another_economy_makes_no_imports_nothing() {
    let (house, last) = graphite_of_japan().await;
    let mut api = served(&house, last).await;
    for measure in [
        "net-import-reliance",
        "eu-import-reliance",
        "usgs-trade-exposure",
        "crma-extraction",
        "crma-third-country",
        "import-hhi",
        "geodep-years",
        "ec-dependency-years",
    ] {
        for consumer in ["DEU", "EU27"] {
            let found = api.estimate(graphite(consumer, measure), "2025").await;
            assert!(is_open(&found), "{consumer} {measure}: {found:?}");
        }
    }
    let found = api.estimate(graphite("DEU", "import-hhi"), "2025").await;
    assert!(found.reason.contains("has not reported"), "{found:?}");
    let found = api.estimate(graphite("DEU", "net-import-reliance"), "2025").await;
    assert!(found.reason.contains("has not reported"), "{found:?}");
    api.stop().await;
}

/// Where a reconciled set has the market, no row is nothing.
#[tokio::test]
async fn no_row_of_a_reconciled_set_is_nothing() {
    let (house, _) = graphite_of_japan().await;
    let last =
        house.trade("baci-hs22/1-bbbbbbbbbbbb", &[("2025", "MOZ", "JPN", "250410", 9.0, Some(9.0))]).await;
    let mut api = served(&house, last).await;
    let found = api.estimate(graphite("DEU", "net-import-reliance"), "2025").await;
    assert_eq!((found.value, found.status()), (Some(0.0), Status::Known));
    let found = api.estimate(graphite("WLD", "import-hhi"), "2025").await;
    assert_eq!(found.status(), Status::Known);
    api.stop().await;
}

/// Exports that no report has are not nothing: there is no ratio to them.
#[tokio::test]
async fn exports_that_are_not_reported_are_unknown() {
    let (house, last) = graphite_of_japan().await;
    let mut api = served(&house, last).await;
    let found = api.estimate(graphite("JPN", "import-export-ratio"), "2025").await;
    assert!(found.value.is_none() && found.status() != Status::Known, "{found:?}");
    let why = explain(&mut api, graphite("JPN", "net-import-reliance"), "2025").await;
    let found = why.exposure.unwrap().estimate.unwrap();
    assert!(found.value.is_none() && found.low == Some(0.0), "{found:?}");
    let exports = why.terms.iter().find(|term| term.symbol == "E").unwrap().estimate.clone().unwrap();
    assert_eq!((exports.value, exports.status()), (None, Status::Unavailable));
    api.stop().await;

    // A report of exports without a row of the market says that there are none.
    let rows = [row(X, ["2025", "JPN", "USA", "380110"], 1.0), row(X, ["2024", "JPN", "USA", "250410"], 1.0)];
    let rows = [rows[0], rows[1], row(M, ["2025", "MOZ", "JPN", "250410"], 0.1)];
    let last = report(&house, "comtrade-h6/2-bbbbbbbbbbbb", &rows).await;
    let mut api = served(&house, last).await;
    let found = api.estimate(graphite("JPN", "import-export-ratio"), "2025").await;
    assert_eq!((found.value, found.status()), (Some(9999.0), Status::Known), "{found:?}");
    api.stop().await;
}

/// Of an importer that never reported, one exporter's file knows what that one ships, and no more.
#[tokio::test]
async fn an_exporters_file_does_not_know_the_other_suppliers() {
    let house = House::new();
    let rows =
        [row(X, ["2023", "CHN", "DEU", "811000"], 60.0), row(X, ["2023", "CHN", "DEU", "282580"], 10.0)];
    let last = report(&house, "comtrade-h6/1-aaaaaaaaaaaa", &rows).await;
    let mut api = served(&house, last).await;
    let of = |measure, supplier| subject(["DEU", "antimony", "refined", measure, supplier]);
    let found = api.estimate(of("import-share", "CHN"), "2023").await;
    assert_eq!((band(&found), found.status()), ([Some(1.0), Some(0.0), Some(1.0)], Status::Partial));
    let found = api.estimate(of("import-share", "VNM"), "2023").await;
    assert_eq!((found.low, found.high), (Some(0.0), Some(1.0)), "{found:?}");
    let found = api.estimate(of("import-top1", ""), "2023").await;
    assert_eq!((found.low, found.status()), (Some(0.0), Status::Partial), "{found:?}");
    api.stop().await;
}

/// What only the exporter reports of an importer that did report is a second report of the flow, and not an
/// addition.
#[tokio::test]
async fn a_flow_that_the_importer_does_not_list_widens_its_bounds() {
    let house = House::new();
    let rows = [
        row(M, ["2023", "VNM", "FRA", "811000"], 60.0),
        row(M, ["2023", "CHN", "FRA", "811000"], 20.0),
        row(M, ["2023", "CHN", "FRA", "282580"], 10.0),
    ];
    report(&house, "comtrade-h6/1-aaaaaaaaaaaa", &rows).await;
    let rows = [row(X, ["2023", "DEU", "FRA", "811000"], 30.0)];
    let last = report(&house, "comtrade-h6/2-bbbbbbbbbbbb", &rows).await;
    let mut api = served(&house, last).await;
    let of = |supplier| subject(["FRA", "antimony", "refined", "import-share", supplier]);
    let found = api.estimate(of("VNM"), "2023").await;
    assert_eq!((band(&found), found.status()), ([Some(0.667), Some(0.5), Some(0.667)], Status::Partial));
    let found = api.estimate(of("DEU"), "2023").await;
    assert_eq!(band(&found), [Some(0.0), Some(0.0), Some(0.25)]);
    let request =
        CompareSourcesRequest { subject: Some(of("VNM")), as_of: "2023".to_owned(), ..Default::default() };
    let told =
        api.client.compare_sources(request).await.unwrap().into_inner().answers[0].differences.join("; ");
    assert!(told.contains("1 flow is reported by the exporter only") && !told.contains("both"), "{told}");
    api.stop().await;
}

/// Codes are held or not report by report, and what a missing code may bring is in the bounds.
#[tokio::test]
async fn another_reporters_file_does_not_complete_the_codes_of_mine() {
    let house = House::new();
    let rows = [row(M, ["2023", "CHL", "JPN", "282520"], 10.0)];
    report_of_codes(&house, "comtrade-h0/1-aaaaaaaaaaaa", &rows).await;
    let rows = [row(M, ["2023", "CHL", "DEU", "283691"], 10.0)];
    let last = report_of_codes(&house, "comtrade-h0/2-bbbbbbbbbbbb", &rows).await;
    let mut api = served(&house, last).await;
    for (consumer, missing) in [("JPN", "283691"), ("DEU", "282520")] {
        let of = subject([consumer, "lithium", "refined", "import-share", "CHL"]);
        let found = api.get(of, "2023", None).await.unwrap();
        assert!(found.missing_codes.iter().any(|code| code == missing), "{:?}", found.missing_codes);
        let estimate = found.estimate.unwrap();
        assert_eq!(
            (band(&estimate), estimate.status()),
            ([Some(1.0), Some(0.0), Some(1.0)], Status::Partial)
        );
        assert!(estimate.coverage.unwrap() < 1.0);
    }
    api.stop().await;

    // A file of both with both codes holds both for either.
    let house = House::new();
    let rows =
        [row(M, ["2023", "CHL", "JPN", "282520"], 10.0), row(M, ["2023", "CHL", "DEU", "283691"], 10.0)];
    let last = report_of_codes(&house, "comtrade-h0/1-aaaaaaaaaaaa", &rows).await;
    let mut api = served(&house, last).await;
    let of = subject(["JPN", "lithium", "refined", "import-share", "CHL"]);
    let found = api.get(of, "2023", None).await.unwrap();
    assert!(!found.missing_codes.iter().any(|code| code == "283691"), "{:?}", found.missing_codes);
    api.stop().await;
}

/// Economies that have not reported are in the world's imports.
#[tokio::test]
async fn the_world_is_not_its_only_reporter() {
    let (house, last) = graphite_of_japan().await;
    let mut api = served(&house, last).await;
    for (measure, supplier) in
        [("import-share", "MOZ"), ("import-hhi", ""), ("export-hhi", ""), ("import-top1", "")]
    {
        let found = api.estimate(subject(["WLD", "graphite", "mined", measure, supplier]), "2025").await;
        assert_eq!((found.low, found.status()), (Some(0.0), Status::Partial), "{measure}: {found:?}");
    }
    api.stop().await;
}

/// An earlier year in which a member imported nothing bounds nothing.
#[tokio::test]
async fn a_last_known_weight_of_nothing_bounds_nothing() {
    let house = House::new();
    let rows =
        [row(M, ["2023", "ARG", "JPN", "282520"], 1000.0), row(M, ["2023", "ARG", "JPN", "283691"], 1000.0)];
    report(&house, "comtrade-h6/1-aaaaaaaaaaaa", &rows).await;
    let earlier = [
        ("2022", "CHL", "DEU", "283691", 30.0, Some(10.0)),
        ("2022", "CHN", "DEU", "282520", 30.0, Some(10.0)),
    ];
    let last = house.trade("baci-hs22/1-aaaaaaaaaaaa", &earlier).await;
    let mut api = served(&house, last).await;
    for bloc in ["G7", "QUAD"] {
        let found = api.estimate(subject([bloc, "lithium", "refined", "import-share", "ARG"]), "2023").await;
        assert_eq!(
            (found.low, found.high, found.status()),
            (Some(0.0), Some(1.0), Status::Partial),
            "{bloc}"
        );
    }
    api.stop().await;
}

/// A last known weight that is not known bounds nothing, and what was of unknown origin is part of it.
#[tokio::test]
async fn a_last_known_weight_holds_all_that_was_imported() {
    let house = House::new();
    let before =
        ["CAN", "DEU", "FRA", "GBR", "ITA", "USA"].map(|to| ("2022", "CHN", to, "283691", 4.0, Some(4.0)));
    let before: Vec<_> = before
        .into_iter()
        .map(|flow| if flow.2 == "FRA" { (flow.0, flow.1, flow.2, flow.3, 4.0, None) } else { flow })
        .map(|flow| (flow, M))
        .chain([row(M, ["2023", "ARG", "JPN", "283691"], 1000.0)])
        .collect();
    let last = report(&house, "comtrade-h6/1-aaaaaaaaaaaa", &before).await;
    let mut api = served(&house, last).await;
    let found = api.estimate(subject(["G7", "lithium", "refined", "import-share", "ARG"]), "2023").await;
    assert!(found.low.unwrap() > 0.9 && found.low.unwrap() < 1.0, "bounded by unit values: {found:?}");
    assert_eq!(found.status(), Status::Partial);
    api.stop().await;
}

async fn supplement(house: &House, of: &str) -> Position {
    let declaration = DatasetDeclaration {
        dataset: "survey".to_owned(),
        kind: DatasetKind::Supplement.into(),
        supplements: of.to_owned(),
    };
    let policy = Some(SourcePolicy { datasets: vec![declaration], ..Default::default() });
    let revised = SourcePolicyRevised { policy, revision: 1, ..Default::default() };
    house.append("_policy", "SourcePolicyRevised", &revised).await
}

/// A cell of a supplement whose table has nothing of the market is no world.
#[tokio::test]
async fn a_lone_cell_is_not_the_world() {
    let house = House::new();
    let cell = [("2024", "MOZ", "graphite", "mined", Some(75.0), "gross")];
    let first = house.release("survey/1-bbbbbbbbbbbb", production(&cell)).await;
    let of = |supplier| subject(["WLD", "graphite", "mined", "production-share", supplier]);
    let mut api = served(&house, first).await;
    let found = api.estimate(of("MOZ"), "2024").await;
    assert_eq!((found.value, found.status()), (Some(1.0), Status::Known), "undeclared it answers as a whole");
    api.stop().await;
    let last = supplement(&house, "usgs-mcs").await;
    let mut api = served(&house, last).await;
    let found = api.estimate(of("MOZ"), "2024").await;
    assert_eq!((found.low, found.high, found.status()), (Some(0.0), Some(1.0), Status::Partial), "{found:?}");
    let found = api.estimate(of("CHN"), "2024").await;
    assert_eq!((found.low, found.high), (Some(0.0), Some(1.0)), "{found:?}");
    api.stop().await;
}

/// The same of trade: one cell is not all that an importer buys.
#[tokio::test]
async fn a_lone_cell_of_trade_is_not_all_imports() {
    let house = House::new();
    report(&house, "survey/1-bbbbbbbbbbbb", &[row(M, ["2023", "VNM", "FRA", "811000"], 60.0)]).await;
    let last = supplement(&house, "comtrade-h6").await;
    let mut api = served(&house, last).await;
    let found = api.estimate(subject(["FRA", "antimony", "refined", "import-share", "VNM"]), "2023").await;
    assert_eq!((found.low, found.status()), (Some(0.0), Status::Partial), "{found:?}");
    api.stop().await;
}

/// A supplement's residual fills that of a table without one. Some of it may be of producers that the table
/// lists.
#[tokio::test]
async fn the_residual_of_a_supplement_stays_in_the_sum() {
    let house = House::new();
    let base = [
        ("2024", "CHN", "graphite", "mined", Some(600.0), "gross"),
        ("2024", "BRA", "graphite", "mined", Some(200.0), "gross"),
        ("2024", "MOZ", "graphite", "mined", None, "gross"),
    ];
    house.production("usgs-mcs/1-aaaaaaaaaaaa", &base).await;
    let more = [
        ("2024", "MOZ", "graphite", "mined", Some(200.0), "gross"),
        ("2024", "OTHER", "graphite", "mined", Some(100.0), "gross"),
    ];
    house.release("survey/1-bbbbbbbbbbbb", production(&more)).await;
    let last = supplement(&house, "usgs-mcs").await;
    let mut api = served(&house, last).await;
    let of = subject(["WLD", "graphite", "mined", "production-share", "CHN"]);
    let found = api.estimate(of.clone(), "2024").await;
    assert_eq!((band(&found), found.status()), ([Some(0.545), Some(0.545), Some(0.6)], Status::Partial));
    let why = explain(&mut api, of, "2024").await;
    let row = why.rows.iter().find(|row| row.economy == "OTHER").expect("the row is shown");
    assert_eq!((&*row.release, row.quantity), ("survey/1-bbbbbbbbbbbb", Some(100.0)));
    api.stop().await;
}

/// Months are no years.
#[tokio::test]
async fn tests_of_years_are_not_put_to_months() {
    let house = House::new();
    let rows = ["2023-04", "2023-05", "2023-06"].map(|month| row(M, [month, "CHN", "DEU", "283691"], 3.0));
    let last = report(&house, "comtrade-h6/1-aaaaaaaaaaaa", &rows).await;
    let mut api = served(&house, last).await;
    for measure in ["geodep-years", "ec-dependency-years"] {
        let found =
            api.estimate(of_years(subject(["DEU", "lithium", "refined", measure, ""])), "2023-06").await;
        assert_eq!((found.value, found.status()), (None, Status::NotApplicable), "{measure}: {found:?}");
    }
    api.stop().await;
}

/// The terms of an explanation give the figure.
#[tokio::test]
async fn the_terms_give_the_figure() {
    let house = House::new();
    let rows = [
        row(M, ["2024", "CHN", "NLD", "811000"], 40.0),
        row(M, ["2024", "VNM", "NLD", "811000"], 10.0),
        row(M, ["2024", "OTHER:unspecified", "NLD", "811000"], 50.0),
    ];
    let last = house.release("comtrade-h6/1-aaaaaaaaaaaa", crate::incomplete::unknown_of(&rows)).await;
    let mut api = served(&house, last).await;
    for consumer in ["NLD", "EU27"] {
        let why =
            explain(&mut api, subject([consumer, "antimony", "refined", "import-share", "CHN"]), "2024")
                .await;
        let term = |symbol: &str| {
            let term = why.terms.iter().find(|term| term.symbol == symbol).unwrap();
            term.estimate.as_ref().unwrap().value.unwrap()
        };
        let share = why.exposure.as_ref().unwrap().estimate.as_ref().unwrap().value.unwrap();
        assert_eq!((term("a_i"), term("sum(a)")), (40.0, 100.0), "{consumer}");
        assert!((term("a_i") / term("sum(a)") - share).abs() < 1e-12);
    }
    api.stop().await;
}
