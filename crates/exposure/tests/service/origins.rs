//! True origins behind re-exports, and a supplier's hand through the stages.

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::exposure::v1::{
    ExplainExposureRequest, ExplainExposureResponse, ExposureFilter, Route, Subject,
};
use orewatch_eventlog::Position;

use crate::kit::{Api, House, subject};

/// Cobalt of one year, a tonne out of a tonne. All ore is Congo's; Finland buys its own from a trader. China
/// and Finland refine, Germany buys from both.
async fn cobalt() -> (House, Position) {
    let house = House::new();
    let flows = [
        ("2024", "COD", "CHN", "260500", 1.0, Some(60.0)),
        ("2024", "COD", "NLD", "260500", 1.0, Some(30.0)),
        ("2024", "NLD", "FIN", "260500", 1.0, Some(20.0)),
        ("2024", "CHN", "DEU", "282200", 1.0, Some(30.0)),
        ("2024", "FIN", "DEU", "282200", 1.0, Some(10.0)),
    ];
    house.trade("baci-hs92/202601-aaaaaaaaaaaa", &flows).await;
    let output = [
        ("2024", "COD", "cobalt", "mined", Some(100.0), "gross"),
        ("2024", "CHN", "cobalt", "refined", Some(60.0), "gross"),
        ("2024", "FIN", "cobalt", "refined", Some(10.0), "gross"),
    ];
    house.production("survey/2024-aaaaaaaaaaaa", &output).await;
    let yields = [("2024", "conversion-yield", Some(1.0), ["", "", "cobalt", "refined", ""])];
    let position = house.parameters("yields/2023-aaaaaaaaaaaa", &yields).await;
    (house, position)
}

fn cobalt_subject(consumer: &str, stage: &str, measure: &str, supplier: &str) -> Subject {
    subject([consumer, "cobalt", stage, measure, supplier])
}

async fn value(api: &mut Api, subject: Subject) -> f64 {
    let estimate = api.estimate(subject, "2024").await;
    assert_eq!(estimate.status(), Status::Known, "{estimate:?}");
    estimate.value.unwrap()
}

async fn explain(api: &mut Api, subject: Subject, max_routes: u32) -> ExplainExposureResponse {
    let request = ExplainExposureRequest {
        subject: Some(subject),
        as_of: "2024".to_owned(),
        as_at: None,
        max_rows: 100,
        max_routes,
        ..ExplainExposureRequest::default()
    };
    api.client.explain_exposure(request).await.unwrap().into_inner()
}

fn drawn(route: &Route) -> String {
    let stops: Vec<_> = route.stops.iter().map(|stop| format!("{} {}", stop.economy, stop.what)).collect();
    stops.join(" > ")
}

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-12
}

#[tokio::test]
async fn the_true_origin_is_the_mine_and_not_the_trader() {
    let (house, position) = cobalt().await;
    let mut api = house.serve().await;
    api.published(position).await;
    assert!(near(value(&mut api, cobalt_subject("FIN", "mined", "import-share", "NLD")).await, 1.0));
    assert!(near(value(&mut api, cobalt_subject("FIN", "mined", "lookthrough-share", "COD")).await, 1.0));
    assert!(near(value(&mut api, cobalt_subject("FIN", "mined", "lookthrough-share", "NLD")).await, 0.0));
    assert!(near(value(&mut api, cobalt_subject("FIN", "mined", "lookthrough-quantity", "COD")).await, 20.0));
    assert!(near(
        value(&mut api, cobalt_subject("EU27", "mined", "lookthrough-quantity", "COD")).await,
        30.0
    ));
    assert!(near(value(&mut api, cobalt_subject("FIN", "mined", "lookthrough-hhi", "")).await, 10_000.0));
    let why = explain(&mut api, cobalt_subject("FIN", "mined", "lookthrough-share", "COD"), 10).await;
    let routes: Vec<_> = why.routes.iter().map(drawn).collect();
    assert_eq!(routes, ["COD mined > NLD traded > FIN used"]);
    assert!(near(why.routes[0].share + why.other_routes.unwrap(), 1.0));
    assert!(why.balances.is_empty(), "{:?}", why.balances);
    api.stop().await;
}

#[tokio::test]
async fn a_hand_counts_at_every_stage_and_once() {
    let (house, position) = cobalt().await;
    let mut api = house.serve().await;
    api.published(position).await;
    let shares = [
        ("chain-refined-share", "CHN", 0.75),
        ("chain-refined-share", "FIN", 0.25),
        ("chain-mined-share", "COD", 1.0),
        ("chain-mined-share", "CHN", 0.0),
        ("chain-any-share", "CHN", 0.75),
        ("chain-any-share", "COD", 1.0),
        ("chain-any-share", "NLD", 0.0),
    ];
    for (measure, supplier, expected) in shares {
        let share = value(&mut api, cobalt_subject("DEU", "refined", measure, supplier)).await;
        assert!(near(share, expected), "{measure} {supplier}: {share}");
    }
    let later = api.estimate(cobalt_subject("DEU", "refined", "chain-made-share", "CHN"), "2024").await;
    assert_eq!((later.status(), later.value), (Status::NotApplicable, None), "{later:?}");

    let why = explain(&mut api, cobalt_subject("DEU", "refined", "chain-mined-share", "COD"), 1).await;
    let routes: Vec<_> = why.routes.iter().map(drawn).collect();
    assert_eq!(routes, ["COD mined > CHN refined > DEU used"]);
    assert!(near(why.routes[0].share, 0.75) && near(why.other_routes.unwrap(), 0.25));
    let any = explain(&mut api, cobalt_subject("DEU", "refined", "chain-any-share", "CHN"), 1).await;
    let each: Vec<_> = any
        .terms
        .iter()
        .map(|term| (&*term.symbol, term.estimate.as_ref().unwrap().value.unwrap()))
        .collect();
    assert_eq!(each, [("R_S", 0.75), ("O_S", 0.0)], "each stage up to the market's, beside any");
    let makers: Vec<_> = any.contributions.iter().map(|one| &*one.supplier).collect();
    assert_eq!(makers, ["CHN", "FIN"]);
    let all = explain(&mut api, cobalt_subject("DEU", "refined", "chain-mined-share", "COD"), 10).await;
    assert_eq!(drawn(&all.routes[1]), "COD mined > NLD traded > FIN refined > DEU used");
    api.stop().await;
}

#[tokio::test]
async fn ore_that_a_refiner_cannot_have_had_is_of_unknown_origin() {
    let (house, _) = cobalt().await;
    // China's 60 t take 120 t of ore, and its figures show 60 t of it.
    let rows = [("2024", "conversion-yield", Some(0.5), ["CHN", "", "cobalt", "refined", ""])];
    let position = house.parameters("yields/2024-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let mined = api.estimate(cobalt_subject("DEU", "refined", "chain-mined-share", "COD"), "2024").await;
    assert_eq!(mined.status(), Status::Partial, "{mined:?}");
    assert!(near(mined.low.unwrap(), 0.625) && near(mined.high.unwrap(), 1.0), "{mined:?}");
    assert!(near(
        value(&mut api, cobalt_subject("DEU", "refined", "chain-refined-share", "CHN")).await,
        0.75
    ));
    api.stop().await;
}

#[tokio::test]
async fn a_mine_that_is_restated_moves_the_chain_above_it() {
    let (house, position) = cobalt().await;
    let mut api = house.serve().await;
    api.published(position).await;
    let flows = [
        ("2024", "COD", "CHN", "260500", 1.0, Some(30.0)),
        ("2024", "ZMB", "CHN", "260500", 1.0, Some(30.0)),
        ("2024", "COD", "NLD", "260500", 1.0, Some(30.0)),
        ("2024", "NLD", "FIN", "260500", 1.0, Some(20.0)),
    ];
    house.trade("baci-hs92/202602-bbbbbbbbbbbb", &flows).await;
    let output = [
        ("2024", "COD", "cobalt", "mined", Some(100.0), "gross"),
        ("2024", "ZMB", "cobalt", "mined", Some(30.0), "gross"),
    ];
    let position = house.production("survey/2025-bbbbbbbbbbbb", &output).await;
    api.published(position).await;
    let filter = ExposureFilter {
        consumers: vec!["DEU".to_owned()],
        stages: vec!["refined".to_owned()],
        measures: vec!["chain-mined-share".to_owned()],
        ..ExposureFilter::default()
    };
    let found = api.stream(filter, None).await;
    let found: Vec<_> = found
        .iter()
        .map(|exposure| {
            (exposure.subject.as_ref().unwrap().supplier.as_str(), exposure.estimate.as_ref().unwrap())
        })
        .map(|(supplier, estimate)| (supplier, estimate.value.unwrap()))
        .collect();
    assert_eq!(found, [("COD", 0.625), ("ZMB", 0.375)]);
    api.stop().await;
}
