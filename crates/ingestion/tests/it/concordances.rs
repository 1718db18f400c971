//! Concordances are releases too, and a changed one restates the releases that were read by it.
use std::sync::Arc;

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, ReleaseState};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::{Options, Outcome};
use prost::Message as _;

use crate::harness::{Service, file};

/// Purchases by a private list of codes.
const PURCHASES: &str = "# dataset: acme-purchases\n# vintage: 1\n# hs: acme\n\
                         period,exporter,importer,product,value_kusd,quantity_t\n\
                         2024,CHN,DEU,A-1,1.5,2\n2024,AUS,DEU,A-2,3,4\n2024,BRA,DEU,A-3,5,6\n";

fn codes(vintage: &str, rows: &[&str]) -> String {
    let rows = rows.join("\n");
    format!("# dataset: acme-codes\n# vintage: {vintage}\nnomenclature,code,material,stage,purity\n{rows}\n")
}

fn with_concordance(concordance: &str) -> Options {
    Options { concordances: vec![concordance.to_owned()], ..Options::default() }
}

fn id(outcome: &Outcome) -> String {
    outcome.release.release.as_ref().unwrap().id.clone()
}

/// Material, code and purity of the rows of a release, as they are on the log.
async fn recorded(service: &Service, release: &str) -> Vec<(String, String, Option<f64>)> {
    let stream = format!("observations.{}", release.replacen('/', ".", 1));
    let mut found = Vec::new();
    for event in service.events().await {
        if event.stream.as_str() != stream || !event.kind.ends_with(".ObservationsRecorded") {
            continue;
        }
        let chunk = ObservationsRecorded::decode(event.data).unwrap();
        let Some(Columns::Trade(trade)) = chunk.columns else { panic!("rows of trade") };
        found.extend(
            trade.products.into_iter().map(|product| (product.material, product.code, product.purity)),
        );
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

fn row(material: &str, code: &str, purity: Option<f64>) -> (String, String, Option<f64>) {
    (material.to_owned(), code.to_owned(), purity)
}

#[tokio::test]
async fn a_dataset_brings_its_own_codes_and_a_new_release_of_them_restates_it() {
    let service = Service::start().await;
    let first =
        codes("1", &["acme,A-1,graphite,mined,0.5", "acme,A-2,cobalt,refined,", "HS92,250410,cobalt,mined,"]);
    let first = service.take("codes.csv", first).await.unwrap();
    assert!(first.is_committed() && first.restated.is_empty());

    let purchases =
        service.ingest(vec![file("p.csv", PURCHASES)], with_concordance("acme-codes")).await.unwrap();
    let release = purchases.release.release.clone().unwrap();
    assert_eq!(release.concordances, [id(&first)]);
    let report = purchases.release.report.clone().unwrap();
    assert_eq!((report.rows_recorded, report.rows_out_of_scope), (2, 1), "A-3 stands for nothing");
    let rows = recorded(&service, &release.id).await;
    assert_eq!(rows, [row("graphite", "A-1", Some(0.5)), row("cobalt", "A-2", None)]);

    // A code is left out, one moves, one comes.
    let second = codes("2", &["acme,A-1,lithium,mined,", "acme,A-3,graphite,mined,"]);
    let wide = Options { accept: vec!["scope-jump".to_owned()], ..Options::default() };
    let second = service.ingest(vec![file("codes.csv", second)], wide).await.unwrap();
    let [restated] = &second.restated[..] else { panic!("{second:?}") };
    assert_ne!(*restated, release.id);
    let rows = recorded(&service, restated).await;
    assert_eq!(rows, [row("lithium", "A-1", None), row("graphite", "A-3", None)]);
    let again = service.find(restated).await;
    assert_eq!(again.state(), ReleaseState::Committed);
    let anew = again.release.unwrap();
    assert_eq!((anew.in_place_of, anew.concordances), (release.id.clone(), vec![id(&second)]));
    assert_eq!(
        (anew.vintage, anew.files),
        (release.vintage, release.files),
        "the same files, the same vintage"
    );

    // Nothing is left to do: neither by the same codes again, nor after a start anew.
    let events = service.events().await.len();
    assert!(
        service
            .take("codes.csv", codes("2", &["acme,A-1,lithium,mined,", "acme,A-3,graphite,mined,"]))
            .await
            .unwrap()
            .known
    );
    assert_eq!(service.events().await.len(), events);
    service.stop().await;
}

#[tokio::test]
async fn an_interrupted_restatement_is_finished_at_the_next_start() {
    let service = Service::start().await;
    service.take("codes.csv", codes("1", &["acme,A-1,graphite,mined,"])).await.unwrap();
    let purchases =
        service.ingest(vec![file("p.csv", PURCHASES)], with_concordance("acme-codes")).await.unwrap();
    let restated = service.take("codes.csv", codes("2", &["acme,A-1,cobalt,mined,"])).await.unwrap().restated;
    // The log as a crash would have left it: with the new codes, and without what follows from them.
    let cut: Vec<_> = service
        .events()
        .await
        .into_iter()
        .filter(|event| !event.stream.as_str().ends_with(restated[0].split_once('/').unwrap().1))
        .collect();
    let (log, directory) = service.copy(cut).await;
    let later = Service::with(Arc::clone(&log), directory, |config| config).await;
    let found = later.eventually(&restated[0], ReleaseState::Committed).await;
    assert_eq!(found.release.unwrap().in_place_of, id(&purchases));
    later.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn an_unknown_concordance_is_named_in_the_error() {
    let service = Service::start().await;
    service.take("codes.csv", codes("1", &["acme,A-1,graphite,mined,"])).await.unwrap();
    let failure =
        service.ingest(vec![file("p.csv", PURCHASES)], with_concordance("acme-cods")).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::NotFound, "unknown-concordance"));
    assert!(failure.hint.contains("acme-codes"), "{failure}");
    let metadata = Metadata { hs: Some("acme".to_owned()), ..Metadata::default() };
    let outcome = service
        .ingest(vec![file("p.csv", PURCHASES)], Options { metadata, ..Options::default() })
        .await
        .unwrap();
    assert!(!outcome.is_committed(), "codes that nobody knows stand for nothing");
    service.stop().await;
}
