//! Supplements: whether they fit the dataset whose missing cells they fill.
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{DatasetKind, ObservationsRecorded, Verdict};
use orewatch_ingestion::client::Options;
use prost::Message as _;

use super::{GRAPHITE, asking, declare, declaring, put, stocked};
use crate::harness::{Service, file};
use crate::policy::gate;
use crate::units::{flows, mines, supplementing};

/// A supplement has to fit what it supplements.
#[tokio::test]
async fn a_supplement_that_does_not_fit_is_refused() {
    let service = stocked().await;
    let take = async |base: &str, content: String| {
        service.ingest(vec![file("f.csv", content)], supplementing(base)).await.unwrap()
    };
    let rows = ["2024,BRA,graphite,mined,75,kt,gross"];
    let early = take("usgs-mc", mines("filler", "0", &rows)).await;
    assert!(early.is_committed(), "what it supplements may come later");
    assert_eq!(
        gate(&early, "supplement").message,
        "usgs-mc has no release yet, so there is nothing to fill (did you mean usgs-mcs?)"
    );
    let trade = take("usgs-mcs", flows("fillers", "1", &["2022,ARG,DEU,283691,1,1,"])).await;
    assert!(!trade.is_committed());
    assert!(gate(&trade, "supplement").message.contains("same table"), "{trade:?}");
    let chained = take("filler", mines("filler-too", "1", &rows)).await;
    assert!(gate(&chained, "supplement").message.contains("a supplement of usgs-mc itself"), "{chained:?}");
    let forced = Options { accept: vec!["supplement".to_owned()], ..supplementing("filler") };
    let inputs = vec![file("f.csv", mines("filler-too", "1", &rows))];
    assert_eq!(service.ingest(inputs, forced).await.unwrap_err().code, "invalid-gate", "it is final");
    // A release that stops saying that it is one is told so.
    let silent = service.take("f.csv", mines("filler", "2", &rows)).await.unwrap();
    assert_eq!(gate(&silent, "dataset-kind").verdict(), Verdict::Warn);
    assert!(
        gate(&silent, "dataset-kind").message.starts_with("undeclared, but filler was supplement before")
    );
    service.stop().await;
}

/// A log of another catalogue may keep a series on another basis: no sum is made of both.
#[tokio::test]
async fn a_supplement_on_another_basis_is_refused() {
    let service = Service::start().await;
    service.take("f.csv", mines("usgs-mcs", "1", &[GRAPHITE])).await.unwrap();
    let mut recorded = service.events().await;
    for event in recorded.iter_mut().filter(|event| event.kind.ends_with("ObservationsRecorded")) {
        let mut chunk = ObservationsRecorded::decode(event.data.clone()).unwrap();
        let Some(Columns::Production(columns)) = &mut chunk.columns else { panic!("output") };
        columns.series[0].basis = "content".to_owned();
        event.data = chunk.encode_to_vec().into();
    }
    let (log, directory) = service.copy(recorded).await;
    let later = Service::with(log, directory, |config| config).await;
    let rows = ["2024,MOZ,graphite,mined,75,kt,gross"];
    let inputs = vec![file("f.csv", mines("our-survey", "1", &rows))];
    let outcome = later.ingest(inputs, supplementing("usgs-mcs")).await.unwrap();
    assert!(!outcome.is_committed());
    let difference = "graphite mined is in t of gross in our-survey, and in t of content in usgs-mcs";
    assert!(gate(&outcome, "supplement").message.starts_with(difference), "{outcome:?}");
    assert!(later.take("f.csv", mines("our-survey", "2", &rows)).await.unwrap().is_committed());
    let policy = declaring(vec![declare("our-survey", DatasetKind::Supplement, "usgs-mcs")]);
    let failure = put(&later, asking(&policy)).await.unwrap_err();
    assert!(failure.message.contains(difference), "{failure}");
    later.stop().await;
    service.stop().await;
}
