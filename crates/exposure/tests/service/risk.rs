//! GeoPolRisk, the supply risk of the US Geological Survey, and the share under restriction, over gRPC.
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{ExplainExposureRequest, ExplainExposureResponse, Subject};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    GovernanceColumns, Parameter, ParameterColumns, Product, RestrictionColumns,
};

use crate::kit::{Api, House, Output, Trade, subject};

const TRADE: &[Trade<'_>] = &[
    ("2023", "CHN", "DEU", "250410", 60.0, Some(60.0)),
    ("2023", "BRA", "DEU", "250410", 30.0, Some(20.0)),
    ("2023", "BEL", "DEU", "250410", 10.0, Some(20.0)),
    ("2024", "CHN", "DEU", "250410", 60.0, Some(60.0)),
];
const OUTPUT: &[Output<'_>] = &[
    ("2023", "CHN", "graphite", "mined", Some(80.0), "gross"),
    ("2023", "BRA", "graphite", "mined", Some(20.0), "gross"),
    ("2024", "CHN", "graphite", "mined", Some(80.0), "gross"),
];

fn position_of(all: &mut Vec<String>, text: &str) -> u32 {
    let found = all.iter().position(|known| known == text).unwrap_or_else(|| {
        all.push(text.to_owned());
        all.len() - 1
    });
    u32::try_from(found).unwrap()
}

fn stability(rows: &[(&str, f64)]) -> Columns {
    let mut columns = GovernanceColumns {
        periods: vec!["2023".to_owned()],
        indicators: vec!["political-stability".to_owned()],
        ..GovernanceColumns::default()
    };
    for (line, (economy, value)) in (2..).zip(rows) {
        columns.period.push(0);
        columns.indicator.push(0);
        columns.economy.push(position_of(&mut columns.economies, economy));
        columns.value.push(*value);
        columns.line.push(line);
    }
    Columns::Governance(columns)
}

/// Exporter, evaluation: 1 red, 2 amber, 3 green. In force since 2022.
fn restrictions(rows: &[(&str, i32)]) -> Columns {
    let product = Product {
        code: "250410".to_owned(),
        material: "graphite".to_owned(),
        stage: "mined".to_owned(),
        proxy: false,
        ..Product::default()
    };
    let mut columns = RestrictionColumns {
        products: vec![product],
        kinds: vec!["licensing".to_owned()],
        days: vec!["2022-03-01".to_owned(), String::new()],
        partners: vec![String::new()],
        ..RestrictionColumns::default()
    };
    for (line, (economy, evaluation)) in (2..).zip(rows) {
        columns.economy.push(position_of(&mut columns.economies, economy));
        columns.product.push(0);
        columns.kind.push(0);
        columns.from.push(0);
        columns.until.push(1);
        columns.partner.push(0);
        columns.evaluation.push(*evaluation);
        columns.line.push(line);
    }
    Columns::Restrictions(columns)
}

/// Name, item, economy, partner, value; of graphite where the parameter has a material.
fn parameters(rows: &[(&str, &str, &str, &str, f64)]) -> Columns {
    let mut columns = ParameterColumns {
        periods: vec!["2023".to_owned()],
        economies: vec![String::new()],
        ..ParameterColumns::default()
    };
    for (line, (name, item, economy, partner, value)) in (2..).zip(rows) {
        let of_material = *name == "sector-expenditure";
        columns.parameter.push(u32::try_from(columns.parameters.len()).unwrap());
        columns.parameters.push(Parameter {
            name: (*name).to_owned(),
            material: if of_material { "graphite" } else { "" }.to_owned(),
            item: (*item).to_owned(),
            ..Parameter::default()
        });
        columns.period.push(0);
        columns.economy.push(position_of(&mut columns.economies, economy));
        columns.partner.push(position_of(&mut columns.economies, partner));
        columns.value.push(*value);
        columns.line.push(line);
    }
    Columns::Parameters(columns)
}

fn graphite_subject(consumer: &str, measure: &str) -> Subject {
    subject([consumer, "graphite", "mined", measure, ""])
}

async fn explain(api: &mut Api, subject: Subject) -> ExplainExposureResponse {
    let request = ExplainExposureRequest {
        subject: Some(subject),
        as_of: "2023".to_owned(),
        ..ExplainExposureRequest::default()
    };
    api.client.explain_exposure(request).await.unwrap().into_inner()
}

fn assert_near(estimate: &Estimate, expected: f64) {
    let value = estimate.value.unwrap_or_else(|| panic!("no value: {}", estimate.reason));
    assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    assert_eq!(estimate.status(), Status::Known, "{}", estimate.reason);
}

async fn house() -> House {
    let house = House::new();
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", TRADE).await;
    house.production("usgs-mcs/MCS2026-aaaaaaaaaaaa", OUTPUT).await;
    house
}

#[tokio::test]
async fn geopolrisk_follows_from_stability_output_and_trade() {
    let house = house().await;
    let rows = [("BEL", 0.5), ("BRA", 0.0), ("CHN", -0.5)];
    let position = house.release("wgi/2024-aaaaaaaaaaaa", stability(&rows)).await;
    let mut api = house.serve().await;
    api.published(position).await;

    let hhi = 0.8 * 0.8 + 0.2 * 0.2;
    let risk = (60.0 * 0.6 + 20.0 * 0.5 + 20.0 * 0.4) / 100.0;
    assert_near(&api.estimate(graphite_subject("DEU", "geopolrisk-import-risk"), "2023").await, risk);
    assert_near(&api.estimate(graphite_subject("DEU", "geopolrisk-score"), "2023").await, hhi * risk);
    assert_near(
        &api.estimate(graphite_subject("DEU", "geopolrisk-cf"), "2023").await,
        hhi * risk / 0.409_412_948,
    );
    assert_near(&api.estimate(graphite_subject("DEU", "import-price"), "2023").await, 1.0);

    // Inside the Union the flow from Belgium carries no risk, and stays in the denominator; the price of
    // imports leaves it out.
    let inside = (60.0 * 0.6 + 20.0 * 0.5) / 100.0;
    assert_near(&api.estimate(graphite_subject("EU27", "geopolrisk-import-risk"), "2023").await, inside);
    assert_near(&api.estimate(graphite_subject("EU27", "import-price"), "2023").await, 90.0 / 80.0);

    // The indicator of the year before stands in, and bounds nothing.
    let later = api.estimate(graphite_subject("DEU", "geopolrisk-import-risk"), "2024").await;
    assert_eq!((later.value, later.low, later.high), (Some(0.6), Some(0.0), Some(1.0)));
    assert_eq!(later.status(), Status::Partial);
    let world = api.estimate(graphite_subject("WLD", "geopolrisk-score"), "2023").await;
    assert_eq!(world.status(), Status::NotApplicable);

    let why = explain(&mut api, graphite_subject("DEU", "geopolrisk-score")).await;
    let symbols: Vec<_> = why.terms.iter().map(|term| &*term.symbol).collect();
    assert_eq!(symbols, ["HHI", "WTA", "sum(q_j * g_j)", "sum(q_j)", "P"]);
    assert_eq!(why.contributions.len(), 3);
    let releases: Vec<_> = why.releases.iter().map(|release| &*release.id).collect();
    assert_eq!(releases.len(), 3, "{releases:?}");
    assert_eq!(why.rows.len(), 3 + 2 + 3, "flows, output, indicators");
    api.stop().await;
}

#[tokio::test]
async fn geopolrisk_without_any_indicator_is_unavailable() {
    let house = House::new();
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", TRADE).await;
    let position = house.production("usgs-mcs/MCS2026-aaaaaaaaaaaa", OUTPUT).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let score = api.estimate(graphite_subject("DEU", "geopolrisk-score"), "2023").await;
    assert_eq!((score.value, score.status()), (None, Status::Unavailable));
    assert!(score.reason.contains("political stability"), "{}", score.reason);
    api.stop().await;
}

#[tokio::test]
async fn amber_restricts_green_does_not_and_no_inventory_is_no_answer() {
    let house = house().await;
    let before = house.release("wgi/2024-aaaaaaaaaaaa", stability(&[("CHN", -0.5)])).await;
    let rows = [("CHN", 2), ("CHN", 1), ("BRA", 3)];
    let position = house.release("oecd/2025-aaaaaaaaaaaa", restrictions(&rows)).await;
    let mut api = house.serve().await;
    api.published(position).await;

    let measure = || graphite_subject("DEU", "restricted-share");
    assert_near(&api.estimate(measure(), "2023").await, 0.6);
    assert_near(&api.estimate(Subject { by: By::Value.into(), ..measure() }, "2023").await, 0.6);
    assert_near(&api.estimate(graphite_subject("EU27", "restricted-share"), "2023").await, 60.0 / 80.0);
    let at = Some(orewatch_contracts::common::v1::as_at::At::Position(before));
    let unknown = api.get(measure(), "2023", at).await.unwrap().estimate.unwrap();
    assert_eq!((unknown.value, unknown.status()), (None, Status::Unavailable));

    let why = explain(&mut api, measure()).await;
    let terms: Vec<_> =
        why.terms.iter().map(|term| (&*term.symbol, term.estimate.as_ref().unwrap().value)).collect();
    assert_eq!(terms, [("sum(a_f * r_f)", Some(60.0)), ("sum(a_f)", Some(100.0))]);
    assert_eq!(why.rows.len(), 3 + 2, "flows, and both measures of the one exporter that counts");
    api.stop().await;
}

#[tokio::test]
async fn the_supply_risk_of_the_survey_is_the_geometric_mean_of_its_terms() {
    let house = house().await;
    let rows = [
        ("policy-perception-index", "", "CHN", "", 40.0),
        ("policy-perception-index", "", "BRA", "", 60.0),
        ("freedom-score", "", "DEU", "", 94.0),
        ("freedom-score", "", "CHN", "", 9.0),
        ("freedom-score", "", "BRA", "", 72.0),
        ("bilateral-trade", "", "DEU", "CHN", 200.0),
        ("bilateral-trade", "", "DEU", "BRA", 10.0),
        ("collective-defence", "", "DEU", "CHN", 0.0),
        ("collective-defence", "", "DEU", "BRA", 0.0),
        ("gross-domestic-product", "", "DEU", "", 400.0),
        ("gross-domestic-product", "", "CHN", "", 1000.0),
        ("gross-domestic-product", "", "BRA", "", 100.0),
        ("sector-value-added", "C24", "DEU", "", 40.0),
        ("sector-operating-profit", "C24", "DEU", "", 8.0),
        ("sector-expenditure", "C24", "DEU", "", 2.0),
    ];
    let position = house.release("methods/1-aaaaaaaaaaaa", parameters(&rows)).await;
    let mut api = house.serve().await;
    api.published(position).await;

    let china = 0.8 * 0.8 * 0.6 * (0.0 + 0.85) / 2.0;
    let brazil = 0.2 * 0.2 * 0.4 * (0.5 + 0.22) / 2.0;
    assert_near(
        &api.estimate(graphite_subject("DEU", "usgs-disruption-potential"), "2023").await,
        china + brazil,
    );
    assert_near(&api.estimate(graphite_subject("DEU", "usgs-trade-exposure"), "2023").await, 1.0);
    let vulnerability = 40.0 / 400.0 * 2.0 / 8.0;
    assert_near(
        &api.estimate(graphite_subject("DEU", "usgs-economic-vulnerability"), "2023").await,
        vulnerability,
    );
    let risk = ((china + brazil) * vulnerability).cbrt();
    assert_near(&api.estimate(graphite_subject("DEU", "usgs-supply-risk"), "2023").await, risk);
    let nobody = api.estimate(graphite_subject("EU27", "usgs-supply-risk"), "2023").await;
    assert_eq!((nobody.value, nobody.status()), (None, Status::Unavailable));

    let why = explain(&mut api, graphite_subject("DEU", "usgs-supply-risk")).await;
    let symbols: Vec<_> = why.terms.iter().map(|term| &*term.symbol).collect();
    assert_eq!(symbols, ["DP", "TE", "EV"]);
    let why = explain(&mut api, graphite_subject("DEU", "usgs-disruption-potential")).await;
    let suppliers: Vec<_> = why.contributions.iter().map(|one| &*one.supplier).collect();
    assert_eq!(suppliers, ["CHN", "BRA"]);
    api.stop().await;
}
