//! Files that the service reads itself: dry runs, held releases, and many at once.
use orewatch_contracts::ingestion::v1::{
    ArchivedFile, IngestFilesRequest, ReleaseState, SampleField, Verdict,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::Options;

use crate::harness::{Service, file, output, trade};

const ROWS: [&str; 3] = [
    "2023,COD,cobalt,mined,1.5,kt,content",
    "2023,CHN,cobalt,mined,W,t,content",
    "2023,XXX,cobalt,mined,4,t,content",
];

#[tokio::test]
async fn a_dry_run_records_nothing() {
    let service = Service::start().await;
    let options = Options { dry_run: true, ..Options::default() };
    let tried = service.ingest(vec![file("p.csv", output(&ROWS))], options.clone()).await.unwrap();
    assert_eq!(service.events().await, []);
    assert!(!tried.known);
    assert_eq!(tried.release.state(), ReleaseState::Open);
    assert_eq!(tried.rejections.len(), 1);
    let field = |name: &str, value: &str| SampleField { name: name.to_owned(), value: value.to_owned() };
    assert_eq!(tried.sample.len(), 2);
    assert_eq!((&*tried.sample[0].file, tried.sample[0].line), ("p.csv", 4));
    assert!(tried.sample[0].fields.contains(&field("quantity", "1500")), "{:?}", tried.sample);
    assert!(tried.sample[1].fields.contains(&field("quantity", "W")), "{:?}", tried.sample);

    // What it says is what comes of it.
    let done = service.ingest(vec![file("p.csv", output(&ROWS))], Options::default()).await.unwrap();
    assert_eq!(done.release.state(), ReleaseState::Refused);
    let blocks = |outcome: &orewatch_ingestion::client::Outcome| {
        let report = outcome.release.report.clone().unwrap();
        report.gates.into_iter().filter(|gate| gate.verdict() == Verdict::Block).collect::<Vec<_>>()
    };
    assert_eq!(blocks(&tried), blocks(&done));
    assert_eq!(tried.release.report, done.release.report);
    let again = service.ingest(vec![file("p.csv", output(&ROWS))], options).await.unwrap();
    assert!(again.known);
    service.stop().await;
}

#[tokio::test]
async fn a_held_release_is_not_visible() {
    let service = Service::start().await;
    let options = Options { hold: true, max_rejects: 1, ..Options::default() };
    let held = service.ingest(vec![file("p.csv", output(&ROWS))], options).await.unwrap();
    assert_eq!((held.release.state(), held.release.committed_position), (ReleaseState::Open, None));
    assert!(held.release.chunks > 0);
    let options = Options { max_rejects: 1, ..Options::default() };
    let done = service.ingest(vec![file("p.csv", output(&ROWS))], options).await.unwrap();
    assert!(done.is_committed() && done.chunks_known > 0, "{done:?}");
    service.stop().await;
}

#[tokio::test]
async fn many_releases_are_ingested_at_once() {
    let service = Service::start().await;
    let each = (0..24).map(|vintage| {
        let rows = ["2020,CHN,DEU,250410,1,1", "2020,MOZ,DEU,250410,1,1"];
        service.take("a.csv", trade(&vintage.to_string(), &rows))
    });
    let done = futures_util::future::join_all(each).await;
    assert!(
        done.iter().all(|outcome| outcome.as_ref().is_ok_and(|outcome| outcome.is_committed())),
        "{done:?}"
    );
    assert_eq!(service.events().await.len(), 3 * 24);
    service.stop().await;
}

/// A client that goes away at once does not change the result.
#[tokio::test]
async fn an_ingest_is_finished_after_its_client_is_gone() {
    let service = Service::start().await;
    let content = trade("1", &["2020,CHN,DEU,250410,1,1"]);
    let tried = Options { dry_run: true, ..Options::default() };
    service.ingest(vec![file("a.csv", &content)], tried).await.unwrap();
    let sha256 = crate::harness::hex(&<sha2::Sha256 as sha2::Digest>::digest(&content));
    let files = vec![ArchivedFile { sha256, name: "a.csv".to_owned(), ..ArchivedFile::default() }];
    let request = IngestFilesRequest { files, ..IngestFilesRequest::default() };
    drop(service.client().ingest_files(request).await.unwrap());
    let log = std::sync::Arc::clone(&service.log);
    let committed = async {
        while crate::harness::events(&*log).await.len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), committed).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let service = Service::start().await;
    let archived = |sha256: String, name: &str| ArchivedFile {
        sha256,
        name: name.to_owned(),
        ..ArchivedFile::default()
    };
    for (file, class, field) in [
        (archived("x".to_owned(), "a.csv"), Class::Invalid, "files.sha256"),
        (archived("0".repeat(64), "../a.csv"), Class::Invalid, "files.name"),
        (archived("0".repeat(64), ""), Class::Invalid, "files.name"),
        (archived("0".repeat(64), "a.csv"), Class::NotFound, "sha256"),
    ] {
        let request = IngestFilesRequest { files: vec![file], ..IngestFilesRequest::default() };
        let mut answers = service.client().ingest_files(request).await.unwrap().into_inner();
        let failure = loop {
            match answers.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error for {field}"),
                Err(status) => break Failure::from(status),
            }
        };
        assert_eq!((failure.class, &*failure.field), (class, field), "{failure}");
    }
    let options = Options { tenant: "A b".to_owned(), ..Options::default() };
    let failure = service.ingest(vec![file("p.csv", output(&ROWS))], options).await.unwrap_err();
    assert_eq!(failure.field, "description.tenant");
    let options = Options { concordances: vec!["none".to_owned()], ..Options::default() };
    let failure = service.ingest(vec![file("p.csv", output(&ROWS))], options).await.unwrap_err();
    assert_eq!(failure.code, "unknown-concordance");
    let metadata = Metadata { table: Some("trade".to_owned()), ..Metadata::default() };
    let options = Options { metadata, ..Options::default() };
    let failure = service.ingest(vec![file("p.csv", output(&ROWS))], options).await.unwrap_err();
    assert_eq!(failure.code, "table-mismatch");
    assert_eq!(service.events().await, []);
    service.stop().await;
}
