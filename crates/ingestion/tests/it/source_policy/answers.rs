//! Which dataset answers where several could, and what the gates say of it.
use orewatch_contracts::ingestion::v1::{DatasetKind, Preference, Table, Verdict};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::Options;

use super::{GRAPHITE, LITHIUM, asking, declare, declaring, list, prefer, preferring, put, stocked};
use crate::harness::{Service, file};
use crate::policy::gate;
use crate::units::{flows, mines, supplementing};

/// The declaration of a dataset comes before what its releases say, and decides what they restate.
#[tokio::test]
async fn a_declaration_decides_what_is_restated() {
    let service = Service::start().await;
    let take = async |vintage: &str, row: &str| {
        service.take("f.csv", flows("customs", vintage, &[row])).await.unwrap()
    };
    assert!(take("1", "2022,CHL,DEU,283691,9,3,importer").await.is_committed());
    let refused = take("2", "2022,CHL,FRA,283691,9,3,importer").await;
    assert!(!refused.is_committed(), "the market of a dataset of which nothing is known is restated");
    let policy = declaring(vec![declare("customs", DatasetKind::Declarations, "")]);
    put(&service, asking(&policy)).await.unwrap();
    let stands = take("2", "2022,CHL,FRA,283691,9,3,importer").await;
    assert!(stands.is_committed());
    assert_eq!(gate(&stands, "scope-jump").message, "nothing is restated");
    service.stop().await;
}

/// A dataset that answers nowhere gets a warning with what to do.
#[tokio::test]
async fn a_release_that_answers_nowhere_is_warned_of() {
    let service = Service::start().await;
    let first = service.take("f.csv", mines("usgs-mcs", "1", &[GRAPHITE])).await.unwrap();
    assert_eq!(gate(&first, "outranked").message, "it answers in 1 market");
    let survey = || mines("our-survey", "1", &["2024,MOZ,graphite,mined,75,kt,gross"]);
    let outcome = service.take("f.csv", survey()).await.unwrap();
    let found = gate(&outcome, "outranked");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert_eq!(
        found.message,
        "it answers nowhere; first comes usgs-mcs in 1 market. If it fills missing cells of usgs-mcs, \
         declare it with \
         --supplements usgs-mcs; else say with --kind what it is, or prefer it with `orewatch policy apply`"
    );
    // Elsewhere it answers; where it is preferred as well.
    let wider = mines(
        "our-survey",
        "2",
        &["2024,MOZ,graphite,mined,75,kt,gross", "2023,MOZ,graphite,mined,75,kt,gross"],
    );
    let outcome = service.take("f.csv", wider).await.unwrap();
    assert_eq!(
        gate(&outcome, "outranked").message,
        "it answers in 1 of 2 markets; elsewhere first comes usgs-mcs in 1 market"
    );
    put(&service, asking(&preferring(vec![prefer(Table::Production, &["our-survey"])]))).await.unwrap();
    let outcome = service
        .take("f.csv", mines("our-survey", "3", &["2024,MOZ,graphite,mined,76,kt,gross"]))
        .await
        .unwrap();
    assert_eq!(gate(&outcome, "outranked").verdict(), Verdict::Pass);

    // Trade is decided for each importer: a preference may be about some of them.
    service.take("f.csv", flows("baci-hs22", "1", &[LITHIUM, "2022,CHL,JPN,283691,9,3,"])).await.unwrap();
    let rows = ["2022,CHL,DEU,283691,9,3,importer", "2022,CHL,JPN,283691,9,3,importer"];
    let outcome = service.take("f.csv", flows("comtrade-hs22", "1", &rows)).await.unwrap();
    assert!(
        gate(&outcome, "outranked")
            .message
            .starts_with("it answers nowhere; first comes baci-hs22 in 2 markets of 2 importers.")
    );
    let europe = Preference {
        economies: list(&["EU27"]),
        materials: list(&["lithium"]),
        from: "2022".to_owned(),
        ..prefer(Table::Trade, &["comtrade-hs22"])
    };
    put(&service, asking(&preferring(vec![europe]))).await.unwrap();
    let rows = ["2022,CHL,DEU,283691,8,3,importer", "2022,CHL,JPN,283691,9,3,importer"];
    let outcome = service.take("f.csv", flows("comtrade-hs22", "2", &rows)).await.unwrap();
    assert_eq!(
        gate(&outcome, "outranked").message,
        "it answers in 1 of 2 markets of 2 importers; elsewhere first comes baci-hs22 in 1 market of 1 \
         importer"
    );
    service.stop().await;
}

/// Markets are counted, one for each importer, material, stage and period: four months of one importer are
/// not four importers.
#[tokio::test]
async fn markets_and_importers_are_counted_separately() {
    let service = Service::start().await;
    let months: Vec<_> = (1..=4).map(|month| format!("2022-{month:02},CHL,DEU,283691,9,3,")).collect();
    let months: Vec<_> = months.iter().map(String::as_str).collect();
    service.take("f.csv", flows("baci-hs22", "1", &months)).await.unwrap();
    let ours: Vec<_> = months.iter().map(|row| format!("{row}importer")).collect();
    let ours: Vec<_> = ours.iter().map(String::as_str).collect();
    let outcome = service.take("f.csv", flows("our-customs", "1", &ours)).await.unwrap();
    let message = &gate(&outcome, "outranked").message;
    assert!(
        message.starts_with("it answers nowhere; first comes baci-hs22 in 4 markets of 1 importer."),
        "{message}"
    );
    service.stop().await;
}

/// Declarations do not become a reconciled set by their dataset's name.
#[tokio::test]
async fn the_format_of_a_publisher_comes_before_the_name() {
    let service = Service::start().await;
    let content = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode\n\
                   2022,276,152,M,283691,9000,3000,H6\n";
    let named = |dataset: &str| Metadata { dataset: Some(dataset.to_owned()), ..Metadata::default() };
    let options = |metadata| Options { metadata, ..Options::default() };
    let outcome = service.ingest(vec![file("f.csv", content)], options(named("baci-hs22"))).await.unwrap();
    assert_eq!(outcome.release.release.as_ref().unwrap().kind(), DatasetKind::Declarations);
    let found = gate(&outcome, "dataset-kind");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert_eq!(
        found.message,
        "declarations, although baci-hs22 is the name of a dataset that is reconciled: is --dataset right?"
    );
    // A table of nobody's format is what its name says, and what is said of it counts before both.
    let tidy = service.take("f.csv", flows("baci-hs17", "1", &[LITHIUM])).await.unwrap();
    assert_eq!(tidy.release.release.as_ref().unwrap().kind(), DatasetKind::Reconciled);
    let said = Metadata { kind: Some("tables".to_owned()), ..named("baci-hs12") };
    let outcome = service.ingest(vec![file("f.csv", content)], options(said)).await.unwrap();
    assert_eq!(outcome.release.release.as_ref().unwrap().kind(), DatasetKind::Tables);
    assert_eq!(gate(&outcome, "dataset-kind").verdict(), Verdict::Pass);
    service.stop().await;
}

/// Of two reconciled sets the one with more of a market's codes answers, at a tie the older. Reports of the
/// importer come before those of exporters.
#[tokio::test]
async fn completeness_and_own_reports_come_first() {
    let service = Service::start().await;
    let rows = ["2022,CHL,DEU,283691,9,3,", "2022,CHL,DEU,282520,9,3,"];
    service.take("f.csv", flows("baci-one", "1", &rows[..1])).await.unwrap();
    let more = service.take("f.csv", flows("baci-two", "1", &rows)).await.unwrap();
    assert_eq!(gate(&more, "outranked").message, "it answers in 1 market of 1 importer");
    let tie = service.take("f.csv", flows("baci-three", "1", &rows)).await.unwrap();
    assert!(
        gate(&tie, "outranked").message.starts_with("it answers nowhere; first comes baci-two"),
        "{tie:?}"
    );

    let mirrored = ["2023,CHL,FRA,283691,9,3,exporter"];
    service.take("f.csv", flows("comtrade-one", "1", &mirrored)).await.unwrap();
    let own = service
        .take("f.csv", flows("our-customs", "1", &["2023,CHL,FRA,283691,8,3,importer"]))
        .await
        .unwrap();
    assert_eq!(
        gate(&own, "outranked").message,
        "it answers in 1 market of 1 importer",
        "before what exporters say"
    );
    let mirror = service.take("f.csv", flows("our-mirror", "1", &mirrored)).await.unwrap();
    assert!(
        gate(&mirror, "outranked").message.starts_with("it answers nowhere; first comes our-customs"),
        "{mirror:?}"
    );
    service.stop().await;
}

/// The policy does not cover tenants' datasets: they answer before public ones.
#[tokio::test]
async fn a_tenants_datasets_answer_before_public_ones() {
    let service = stocked().await;
    let ours = |tenant: &str| Options { tenant: tenant.to_owned(), ..Options::default() };
    let inputs =
        |dataset: &str| vec![file("f.csv", mines(dataset, "1", &["2024,MOZ,graphite,mined,75,kt,gross"]))];
    let own = service.ingest(inputs("acme-mines"), ours("acme")).await.unwrap();
    assert_eq!(gate(&own, "outranked").message, "it answers in 1 market", "whatever everyone's say");
    let failure = put(&service, asking(&preferring(vec![prefer(Table::Production, &["acme-mines"])])))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "unknown-dataset");
    let metadata = Metadata { kind: Some("tables".to_owned()), ..Metadata::default() };
    let second = service.ingest(inputs("acme-tables"), Options { metadata, ..ours("acme") }).await.unwrap();
    assert_eq!(
        gate(&second, "outranked").message,
        "it answers in 1 market",
        "tables come before the undeclared"
    );
    let inputs = vec![file("f.csv", mines("acme-filler", "1", &["2024,BRA,graphite,mined,75,kt,gross"]))];
    let options = Options { tenant: "acme".to_owned(), ..supplementing("usgs-mcs") };
    let filler = service.ingest(inputs, options).await.unwrap();
    assert_eq!(
        gate(&filler, "supplement").message,
        "it fills missing cells of usgs-mcs",
        "a tenant may fill everyone's"
    );
    service.stop().await;
}
