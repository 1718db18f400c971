//! Figures that rest on more than one table: mirrored trade, purities, parameters, trends.
use orewatch_contracts::common::v1::{By, Status};
use orewatch_contracts::exposure::v1::{
    ExplainExposureRequest, ExplainExposureResponse, ExposureFilter, ExposuresChanged, GetExposureRequest,
    StreamExposuresRequest, Subject,
};
use prost::Message as _;

use crate::kit::{Api, House, Trade, purities, reported, subject};

const BY_IMPORTER: i32 = 1;
const BY_EXPORTER: i32 = 2;

fn share(supplier: &str) -> Subject {
    subject(["DEU", "rare-earths", "refined", "import-share", supplier])
}

async fn explain(api: &mut Api, subject: Subject, as_of: &str) -> ExplainExposureResponse {
    let request = ExplainExposureRequest {
        subject: Some(subject),
        as_of: as_of.to_owned(),
        ..ExplainExposureRequest::default()
    };
    api.client.explain_exposure(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_both_sides_report_is_one_flow_between_two_figures() {
    let house = House::new();
    let rows: [(Trade<'_>, i32); 4] = [
        (("2024", "CHN", "DEU", "284690", 10.0, Some(60.0)), BY_IMPORTER),
        (("2024", "CHN", "DEU", "284690", 12.0, Some(40.0)), BY_EXPORTER),
        (("2024", "VNM", "DEU", "284690", 10.0, Some(40.0)), BY_IMPORTER),
        (("2024", "USA", "DEU", "280530", 5.0, Some(20.0)), BY_EXPORTER),
    ];
    let position = house.release("comtrade/202501-aaaaaaaaaaaa", reported(&rows)).await;
    let mut api = house.serve().await;
    api.published(position).await;

    let china = api.estimate(share("CHN"), "").await;
    assert_eq!((china.status(), china.value), (Status::Partial, Some(60.0 / 120.0)));
    assert_eq!((china.low, china.high), (Some(40.0 / 100.0), Some(60.0 / 120.0)));
    let vietnam = api.estimate(share("VNM"), "").await;
    assert_eq!((vietnam.low, vietnam.high), (Some(40.0 / 120.0), Some(40.0 / 100.0)), "one report stands");
    let by_value = api.estimate(Subject { by: By::Value.into(), ..share("CHN") }, "").await;
    assert_eq!((by_value.value, by_value.high), (Some(10.0 / 25.0), Some(12.0 / 27.0)));

    let why = explain(&mut api, share("CHN"), "2024").await;
    let notes: Vec<_> = why.rows.iter().map(|row| (&*row.note, row.quantity)).collect();
    let (importer, exporter) = ("reported by the importer", "reported by the exporter");
    assert_eq!(
        notes,
        [(importer, Some(60.0)), (exporter, Some(40.0)), (importer, Some(40.0)), (exporter, Some(20.0))]
    );
    api.stop().await;
}

/// Two years of imports of one product that is a basket, beside one that is not.
const BASKETS: &[Trade<'_>] = &[
    ("2023", "CHN", "DEU", "284690", 1.0, Some(60.0)),
    ("2023", "VNM", "DEU", "280530", 1.0, Some(40.0)),
    ("2024", "CHN", "DEU", "284690", 1.0, Some(60.0)),
    ("2024", "VNM", "DEU", "280530", 1.0, Some(40.0)),
    ("2024", "CHN", "JPN", "250410", 1.0, Some(60.0)),
];

#[tokio::test]
async fn a_purity_bounds_the_flows_of_its_code_from_its_period_on() {
    let house = House::new();
    house.trade("baci-hs92/202501-aaaaaaaaaaaa", BASKETS).await;
    let first = house.release("purity/1-aaaaaaaaaaaa", purities(&[("2024", "284690", 0.5)])).await;
    let second = house.release("purity/2-bbbbbbbbbbbb", purities(&[("2023", "284690", 0.25)])).await;
    let mut api = house.serve().await;
    api.published(second).await;

    let china = api.estimate(share("CHN"), "2024").await;
    assert_eq!((china.value, china.low, china.high), (Some(0.6), Some(30.0 / 70.0), Some(0.6)));
    assert_eq!(china.status(), Status::Partial);
    let before = api.estimate(share("CHN"), "2023").await;
    assert_eq!((before.value, before.low), (Some(0.6), Some(15.0 / 55.0)));
    let at = |position| Some(orewatch_contracts::common::v1::as_at::At::Position(position));
    let known_then = api.get(share("CHN"), "2023", at(first)).await.unwrap();
    assert_eq!(known_then.estimate.unwrap().status(), Status::Known);
    assert_eq!(known_then.releases, ["baci-hs92/202501-aaaaaaaaaaaa"]);

    let why = explain(&mut api, share("CHN"), "2024").await;
    let purity = why.rows.iter().find(|row| row.product == "basket-purity 284690").unwrap();
    assert_eq!((purity.figure, &*purity.period, purity.line), (Some(0.5), "2024", 2));
    assert_eq!(purity.release, "purity/1-aaaaaaaaaaaa");
    let releases: Vec<_> = why.releases.iter().map(|release| &*release.id).collect();
    assert_eq!(releases, ["baci-hs92/202501-aaaaaaaaaaaa", "purity/1-aaaaaaaaaaaa"]);
    assert_eq!(why.exposure.unwrap().releases, releases);
    api.stop().await;
}

#[tokio::test]
async fn a_release_of_parameters_alone_turns_the_figures_that_rest_on_it_and_no_others() {
    let house = House::new();
    let before = house.trade("baci-hs92/202501-aaaaaaaaaaaa", BASKETS).await;
    let last = house.release("purity/1-aaaaaaaaaaaa", purities(&[("2024", "284690", 0.5)])).await;
    let mut api = house.serve().await;
    api.published(last).await;
    api.stop().await;

    let events = house.published().await;
    let changed = events.iter().filter(|event| event.kind.ends_with(".ExposuresChanged"));
    let changed = changed.map(|event| ExposuresChanged::decode(event.data.clone()).unwrap());
    let by_purity: Vec<_> = changed.filter(|event| event.cause.as_ref().unwrap().position > before).collect();
    let markets: Vec<_> = by_purity.iter().map(|event| event.market.clone().unwrap()).collect();
    assert!(!markets.is_empty() && markets.iter().all(|market| market.material == "rare-earths"));
    assert!(markets.iter().all(|market| (&*market.stage, &*market.period) == ("refined", "2024")));
    assert_eq!(by_purity[0].releases, ["baci-hs92/202501-aaaaaaaaaaaa", "purity/1-aaaaaaaaaaaa"]);
    let applied = events.iter().filter(|event| event.kind.ends_with(".ReleaseApplied"));
    let streams: Vec<_> = applied.map(|event| event.stream.to_string()).collect();
    assert_eq!(streams, ["exposures.graphite", "exposures.rare-earths", "exposures.rare-earths"]);
}

#[tokio::test]
async fn a_trend_looks_at_the_periods_before_and_says_where_they_are_missing() {
    let house = House::new();
    let flow = |year, supplier, tonnes| (year, supplier, "DEU", "284690", 1.0, Some(tonnes));
    let rows = [
        flow("2022", "CHN", 50.0),
        flow("2022", "VNM", 50.0),
        flow("2023", "VNM", 10.0),
        flow("2024", "CHN", 75.0),
        flow("2024", "VNM", 25.0),
    ];
    let position = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows).await;
    let mut api = house.serve().await;
    api.published(position).await;

    let subject = Some(share("CHN"));
    let request = GetExposureRequest { subject, trend: true, ..GetExposureRequest::default() };
    let one = api.client.get_exposure(request).await.unwrap().into_inner().exposure.unwrap();
    let trend = one.trend.clone().unwrap();
    assert_eq!(trend.change.unwrap().value, Some(0.75), "nothing came from China the year before");
    let mean = trend.mean3.unwrap().value.unwrap();
    assert!((mean - 1.25 / 3.0).abs() < 1e-12, "{mean}");
    let missing = trend.mean5.unwrap();
    assert_eq!((missing.value, missing.status()), (None, Status::Unavailable));
    assert!(!missing.reason.is_empty());

    let filter = ExposureFilter { consumers: vec!["DEU".to_owned()], by: 1, ..ExposureFilter::default() };
    let request =
        StreamExposuresRequest { filter: Some(filter), trend: true, ..StreamExposuresRequest::default() };
    let mut stream = api.client.stream_exposures(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        all.extend(message.exposures);
    }
    assert!(all.iter().all(|exposure| exposure.trend.is_some()));
    assert!(all.contains(&one), "a list gives the same trend as a question");
    assert!(api.get(share("CHN"), "", None).await.unwrap().trend.is_none(), "it is not asked for");
    drop(stream);
    api.stop().await;
}
