//! How much published figures were revised, and how firm that makes figures that rest on them.

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{AsAt, By, as_at::At};
use orewatch_contracts::exposure::v1::{
    DatasetRevision, ExplainExposureRequest, ExposureFilter, ExposuresChanged, Firmness, GetExposureRequest,
    ListRevisionsRequest, QueryExposuresRequest, RevisionBand, RevisionSize,
};
use orewatch_contracts::ingestion::v1::{DatasetKind, Scope, Table};
use orewatch_eventlog::Position;
use prost::Message as _;

use crate::kit::{Api, House, Trade, production, subject, trade};
use crate::reference::load_production;

const FIRST: &str = "baci-hs92/202501-aaaaaaaaaaaa";
const SECOND: &str = "baci-hs92/202601-bbbbbbbbbbbb";

/// Two editions of lithium carbonate: importers, exporters, value, tonnes.
const OLDER: [Trade<'_>; 4] = [
    ("2022", "CHL", "DEU", "283691", 100.0, Some(50.0)),
    ("2022", "CHN", "DEU", "283691", 100.0, Some(50.0)),
    ("2022", "CHL", "FRA", "283691", 40.0, Some(10.0)),
    ("2022", "CHL", "USA", "283691", 40.0, None),
];
const NEWER: [Trade<'_>; 4] = [
    ("2022", "CHL", "DEU", "283691", 110.0, Some(60.0)),
    ("2022", "CHN", "DEU", "283691", 100.0, Some(50.0)),
    ("2022", "CHL", "FRA", "283691", 40.0, Some(8.0)),
    ("2022", "CHL", "USA", "283691", 50.0, Some(20.0)),
];

async fn list(api: &mut Api, request: ListRevisionsRequest) -> Result<Vec<RevisionBand>, Failure> {
    Ok(api.client.list_revisions(request).await?.into_inner().bands)
}

/// Weight, economy, number of figures and median in thousandths of each band.
fn band_rows(bands: &[RevisionBand]) -> Vec<(By, &str, u32, f64)> {
    let thousandths = |band: &RevisionBand| (band.median.unwrap() * 1000.0).round();
    bands.iter().map(|band| (band.by(), &*band.economy, band.figures, thousandths(band))).collect()
}

#[tokio::test]
async fn the_survey_revised_antimony_of_2024_by_a_third() {
    let house = House::new();
    load_production(&house, "usgs-mcs/MCS2025-aaaaaaaaaaaa", "MCS2025").await;
    let last = load_production(&house, "usgs-mcs/MCS2026-bbbbbbbbbbbb", "MCS2026").await;
    let mut api = house.serve().await;
    api.published(last).await;
    let of = |material: &str| ListRevisionsRequest {
        materials: vec![material.to_owned()],
        ..ListRevisionsRequest::default()
    };
    let bands = list(&mut api, of("antimony")).await.unwrap();
    assert_eq!(band_rows(&bands), [(By::Quantity, "", 15, 333.0), (By::Quantity, "WLD", 1, 145.0)]);
    let [economies, world] = bands.as_slice() else { panic!("two bands") };
    assert_eq!((economies.dataset.as_str(), economies.stage.as_str()), ("usgs-mcs", "mined"));
    assert!((economies.p90.unwrap() - 12.230_769).abs() < 1e-6);
    assert_eq!([economies.firmness(), world.firmness()], [Firmness::Weak; 2]);
    let largest: Vec<_> =
        economies.largest.iter().map(|one| (&*one.period, &*one.economy, one.old, one.new)).collect();
    let expected = [
        ("2024", "KGZ", 20.0, 700.0),
        ("2024", "KAZ", 40.0, 800.0),
        ("2024", "RUS", 13_000.0, 40_000.0),
        ("2024", "TUR", 1600.0, 3000.0),
        ("2024", "IRN", 500.0, 90.0),
    ];
    assert_eq!(largest, expected);
    let [total] = world.largest.as_slice() else { panic!("one total") };
    assert_eq!((&*total.economy, total.old, total.new), ("WLD", 103_960.0, 118_990.0));
    assert!(total.old_release.contains("MCS2025") && total.new_release.contains("MCS2026"));

    // Lithium of the United States is withheld: the world's output has no revision.
    let lithium = list(&mut api, of("lithium")).await.unwrap();
    assert_eq!(band_rows(&lithium), [(By::Quantity, "", 8, 40.0)]);
    assert_eq!(lithium[0].firmness(), Firmness::Soft);
    // As at the older edition, nothing was revised yet.
    let as_at = Some(AsAt { at: Some(At::Release("MCS2025".to_owned())) });
    assert_eq!(list(&mut api, ListRevisionsRequest { as_at, ..of("antimony") }).await, Ok(Vec::new()));
    api.stop().await;
}

#[tokio::test]
async fn imports_are_compared_by_importer_and_code() {
    let house = House::new();
    house.trade(FIRST, &OLDER).await;
    let last = house.trade(SECOND, &NEWER).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let bands = list(&mut api, ListRevisionsRequest::default()).await.unwrap();
    let expected = [
        // Germany 100 to 110 t, France 10 to 8 t; the United States and so the world were not known.
        (By::Quantity, "", 2, 150.0),
        // Germany 200 to 210, France 40 to 40, the United States 40 to 50 kUSD.
        (By::Value, "", 3, 50.0),
        (By::Value, "WLD", 1, 71.0),
    ];
    assert_eq!(band_rows(&bands), expected);
    assert_eq!(bands[0].largest[0].product, "283691");
    assert_eq!(bands[1].firmness(), Firmness::Soft, "5 % is soft");
    api.stop().await;
}

/// What a later edition lacks was not revised to nothing, and an extract is no edition.
#[tokio::test]
async fn only_figures_that_two_editions_have_count() {
    let house = House::new();
    house.trade(FIRST, &OLDER).await;
    house
        .open_with("baci-hs92/202602-cccccccccccc", Table::Trade, |release| {
            release.scope = Some(Scope { partners: vec!["CHL".to_owned()], ..Scope::default() });
        })
        .await;
    let extract = [("2022", "CHL", "DEU", "283691", 1.0, Some(1.0))];
    house.record("baci-hs92/202602-cccccccccccc", 0, trade(&extract, 2)).await;
    house.commit("baci-hs92/202602-cccccccccccc").await;
    let last = house.trade(SECOND, &NEWER[2..3]).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let bands = list(&mut api, ListRevisionsRequest::default()).await.unwrap();
    let of_economies: Vec<_> = bands.iter().filter(|band| band.economy.is_empty()).cloned().collect();
    assert_eq!(
        band_rows(&of_economies),
        [(By::Quantity, "", 1, 200.0), (By::Value, "", 1, 0.0)],
        "France alone"
    );
    api.stop().await;
}

/// A withdrawn edition is none, and a third edition does not add revisions to a figure that has one.
#[tokio::test]
async fn a_figure_has_one_revision_from_the_first_edition_to_the_next() {
    let rows = |tonnes: f64| [("2024", "CHN", "graphite", "mined", Some(tonnes), "gross")];
    let house = House::new();
    house.production("usgs-mcs/MCS2024-aaaaaaaaaaaa", &rows(100.0)).await;
    house.production("usgs-mcs/MCS2025-bbbbbbbbbbbb", &rows(110.0)).await;
    let third = house.production("usgs-mcs/MCS2026-cccccccccccc", &rows(220.0)).await;
    let mut api = house.serve().await;
    api.published(third).await;
    let all = ListRevisionsRequest::default;
    let bands = list(&mut api, all()).await.unwrap();
    assert_eq!(band_rows(&bands), [(By::Quantity, "", 1, 100.0), (By::Quantity, "WLD", 1, 100.0)]);
    let withdrawn = house.withdraw("usgs-mcs/MCS2025-bbbbbbbbbbbb").await;
    api.published(withdrawn).await;
    let bands = list(&mut api, all()).await.unwrap();
    assert_eq!(band_rows(&bands), [(By::Quantity, "", 1, 1200.0), (By::Quantity, "WLD", 1, 1200.0)]);
    api.stop().await;
}

/// Cells of a supplement have no total.
#[tokio::test]
async fn a_supplement_has_no_world() {
    let house = House::new();
    let mut last = 0;
    for (id, tonnes) in [("survey/1-aaaaaaaaaaaa", 10.0), ("survey/2-bbbbbbbbbbbb", 11.0)] {
        house
            .open_with(id, Table::Production, |release| {
                release.set_kind(DatasetKind::Supplement);
                release.supplements = "usgs-mcs".to_owned();
            })
            .await;
        house.record(id, 0, production(&[("2024", "MOZ", "graphite", "mined", Some(tonnes), "gross")])).await;
        last = house.commit(id).await;
    }
    let mut api = house.serve().await;
    api.published(last).await;
    let bands = list(&mut api, ListRevisionsRequest::default()).await.unwrap();
    assert_eq!(band_rows(&bands), [(By::Quantity, "", 1, 100.0)]);
    api.stop().await;
}

#[tokio::test]
async fn an_exposure_says_how_firm_it_is_when_asked() {
    let house = House::new();
    house.trade(FIRST, &OLDER).await;
    let last = house.trade(SECOND, &NEWER).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let share = subject(["DEU", "lithium", "refined", "import-share", "CHL"]);
    let get = |firmness| GetExposureRequest {
        subject: Some(share.clone()),
        as_of: "2022".to_owned(),
        firmness,
        ..GetExposureRequest::default()
    };
    let asked = api.client.get_exposure(get(true)).await.unwrap().into_inner().exposure.unwrap();
    let near = |actual: Option<f64>, expected: f64| (actual.unwrap() - expected).abs() < 1e-12;
    assert!(asked.firmness() == Firmness::Weak && near(asked.revision, 0.15));
    assert!(near(asked.revision_p90, 0.19));
    let silent = api.client.get_exposure(get(false)).await.unwrap().into_inner().exposure.unwrap();
    assert_eq!(
        (silent.firmness(), silent.revision, silent.revision_p90),
        (Firmness::Unspecified, None, None)
    );

    let filter = ExposureFilter {
        consumers: vec!["DEU".to_owned()],
        measures: vec!["import-share".to_owned()],
        ..ExposureFilter::default()
    };
    let query =
        QueryExposuresRequest { filter: Some(filter), firmness: true, ..QueryExposuresRequest::default() };
    let page = api.client.query_exposures(query).await.unwrap().into_inner();
    assert!(page.exposures.contains(&asked), "a query says the same");
    let by_value = |one: &&orewatch_contracts::exposure::v1::Exposure| {
        one.subject.as_ref().is_some_and(|subject| subject.by() == By::Value)
    };
    assert!(page.exposures.iter().any(|one| by_value(&one)));
    assert!(page.exposures.iter().filter(by_value).all(|one| one.firmness() == Firmness::Soft));

    let request = ExplainExposureRequest {
        subject: Some(share),
        as_of: "2022".to_owned(),
        ..ExplainExposureRequest::default()
    };
    let explained = api.client.explain_exposure(request).await.unwrap().into_inner().exposure.unwrap();
    assert_eq!((explained.firmness(), explained.revision), (Firmness::Weak, asked.revision));
    api.stop().await;
}

#[tokio::test]
async fn unknown_names_are_refused_with_what_may_be_meant() {
    let house = House::new();
    let last = house.trade(FIRST, &OLDER).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let request =
        ListRevisionsRequest { datasets: vec!["baci-hs29".to_owned()], ..ListRevisionsRequest::default() };
    let failure = list(&mut api, request).await.unwrap_err();
    assert_eq!((&*failure.code, &*failure.field), ("unknown-dataset", "datasets"));
    assert!(failure.hint.contains("baci-hs92"), "{}", failure.hint);
    let request =
        ListRevisionsRequest { materials: vec!["antimoni".to_owned()], ..ListRevisionsRequest::default() };
    let failure = list(&mut api, request).await.unwrap_err();
    assert_eq!(&*failure.field, "material");
    assert!(failure.hint.contains("antimony"), "{}", failure.hint);
    api.stop().await;
}

/// What events of a market carry of the datasets that answer, by the position of their cause. Events of one
/// cause carry the same.
async fn carried(house: &House, market: [&str; 3]) -> Vec<(Position, Vec<DatasetRevision>)> {
    let mut all = Vec::new();
    for event in house.published().await {
        if !event.kind.ends_with(".ExposuresChanged") {
            continue;
        }
        let changed = ExposuresChanged::decode(event.data).unwrap();
        let about = changed.market.unwrap();
        if [&*about.material, &*about.stage, &*about.period] == market {
            all.push((changed.cause.unwrap().position, changed.revisions));
        }
    }
    all.dedup();
    all
}

#[tokio::test]
async fn figures_carry_the_revisions_of_their_datasets_from_the_second_edition_on() {
    let house = House::new();
    let first = load_production(&house, "usgs-mcs/MCS2025-aaaaaaaaaaaa", "MCS2025").await;
    let last = load_production(&house, "usgs-mcs/MCS2026-bbbbbbbbbbbb", "MCS2026").await;
    let mut api = house.serve().await;
    api.published(last).await;
    let request = ListRevisionsRequest { materials: vec!["antimony".to_owned()], ..Default::default() };
    let bands = list(&mut api, request).await.unwrap();
    let revised = DatasetRevision {
        dataset: "usgs-mcs".to_owned(),
        output: true,
        editions: 2,
        by_quantity: Some(RevisionSize { median: bands[0].median.unwrap(), p90: bands[0].p90.unwrap() }),
        ..DatasetRevision::default()
    };
    let of_2024 = carried(&house, ["antimony", "mined", "2024"]).await;
    assert_eq!(of_2024, [(first, Vec::new()), (last, vec![revised.clone()])]);
    assert_eq!(carried(&house, ["antimony", "mined", "2025"]).await, [(last, vec![revised])]);

    // Without its second edition nothing is known again.
    let withdrawn = house.withdraw("usgs-mcs/MCS2026-bbbbbbbbbbbb").await;
    api.published(withdrawn).await;
    let of_2024 = carried(&house, ["antimony", "mined", "2024"]).await;
    assert_eq!(of_2024.last(), Some(&(withdrawn, Vec::new())));
    api.stop().await;
}

#[tokio::test]
async fn figures_of_trade_carry_revisions_by_both_weights_and_name_datasets_without_any() {
    let house = House::new();
    house.trade(FIRST, &OLDER).await;
    house
        .production(
            "usgs-mcs/MCS2025-aaaaaaaaaaaa",
            &[("2022", "CHL", "lithium", "refined", Some(9.0), "Li")],
        )
        .await;
    let last = house.trade(SECOND, &NEWER).await;
    let mut api = house.serve().await;
    api.published(last).await;
    let all = carried(&house, ["lithium", "refined", "2022"]).await;
    let (position, datasets) = all.last().unwrap();
    let [trade, output] = datasets.as_slice() else { panic!("{datasets:?}") };
    assert_eq!((*position, trade.dataset.as_str(), trade.editions), (last, "baci-hs92", 2));
    assert!(trade.trade && !trade.output && output.output && !output.trade);
    let near = |size: Option<RevisionSize>, median: f64| (size.unwrap().median - median).abs() < 1e-12;
    assert!(near(trade.by_quantity, 0.15) && near(trade.by_value, 0.05), "{trade:?}");
    assert_eq!((output.dataset.as_str(), output.editions, output.by_quantity), ("usgs-mcs", 1, None));
    api.stop().await;
}
