//! The service polls: over gRPC, with its own archive and its own ingest.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    DownloadFileRequest, IngestOutcome, ListConnectorsRequest, ListFetchesRequest, ListReleasesRequest,
    PollRequest, ReleaseState,
};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::connectors::{Polling, parse_connectors};
use tonic::Status;

use super::bench::sections;
use super::server::{PollReason, Publisher, ok, status};
use crate::harness::Service;

fn section(base: &str) -> String {
    format!(
        "[[poll]]\nname = 'wgi'\nkind = 'world-bank'\nbase-url = '{base}'\nindicators = ['PV.EST']\ncap = 1\n"
    )
}

fn page(asked: &PollReason) -> String {
    let number: usize = asked.parameter("page").parse().unwrap();
    let (iso3, value) = [("CHL", "0.25"), ("COD", "-2.03")][number - 1];
    format!(
        r#"[{{"page":{number},"pages":2,"per_page":"1","total":2,"sourceid":"3","lastupdated":"2025-11-05"}},
        [{{"indicator":{{"id":"PV.EST","value":"x"}},"country":{{"id":"x","value":"x"}},"countryiso3code":"{iso3}","date":"2024","value":{value}}}]]"#
    )
}

async fn service(text: &str) -> Service {
    let connectors = parse_connectors(sections(text), &BTreeMap::new()).unwrap();
    Service::configured(|mut config| {
        config.polling = Polling { connectors, on_schedule: false, is_sole_writer: true };
        config
    })
    .await
}

async fn poll(service: &Service, name: &str) -> Result<(Vec<IngestOutcome>, Vec<String>), Status> {
    let request = PollRequest { connector: name.to_owned(), force: false };
    let mut answers = service.client().poll(request).await?.into_inner();
    let (mut outcomes, mut notes) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.message().await? {
        match answer.reading.and_then(|reading| reading.said) {
            Some(Said::Outcome(outcome)) => outcomes.push(outcome),
            Some(Said::Note(note)) => notes.push(note),
            _ => {}
        }
    }
    Ok((outcomes, notes))
}

#[tokio::test]
async fn a_polled_release_leads_back_to_the_original_responses() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let service = service(&section(&publisher.base())).await;
    let (outcomes, _) = poll(&service, "wgi").await.unwrap();
    let info = outcomes[0].release.clone().unwrap();
    let report = info.report.clone().unwrap();
    assert_eq!((info.state(), report.rows_recorded), (ReleaseState::Committed, 2), "{info:?}");
    let release = info.release.unwrap();
    assert_eq!(release.vintage, "2025-11-05", "the bank says itself which vintage it is");
    assert_eq!(release.files.len(), 2);

    let mut client = service.client();
    let fetches = client.list_fetches(ListFetchesRequest::default()).await.unwrap().into_inner().fetches;
    assert_eq!(fetches.len(), 2);
    for (file, fetch) in release.files.iter().zip(fetches.iter().rev()) {
        assert_eq!(file.stored_sha256, fetch.sha256);
        assert!(file.url.starts_with(&publisher.base()) && file.retrieved_at == fetch.time, "{file:?}");
        let ask = DownloadFileRequest { sha256: fetch.sha256.clone(), own_use: false };
        let mut pieces = client.download_file(ask).await.unwrap().into_inner();
        let piece = pieces.message().await.unwrap().unwrap();
        assert!(piece.data.starts_with(b"[{\"page\":"));
    }

    // The same again is nothing new.
    let (outcomes, notes) = poll(&service, "wgi").await.unwrap();
    assert_eq!((outcomes.len(), notes), (0, vec!["wgi: the publisher has nothing new".to_owned()]));
    let releases = client.list_releases(ListReleasesRequest::default()).await.unwrap().into_inner().releases;
    assert_eq!(releases.len(), 1);
    let listed = client.list_connectors(ListConnectorsRequest {}).await.unwrap().into_inner().connectors;
    assert!(listed[0].succeeded_at.is_some() && listed[0].problem.is_empty() && listed[0].next.is_none());
    service.stop().await;
}

#[tokio::test]
async fn new_fetches_do_not_shift_pages() {
    let publisher = Publisher::new(|asked| ok(page(asked))).await;
    let service = service(&section(&publisher.base())).await;
    poll(&service, "wgi").await.unwrap();
    let mut client = service.client();
    let ask = |page_token: &str| ListFetchesRequest {
        page_size: 1,
        page_token: page_token.to_owned(),
        ..ListFetchesRequest::default()
    };
    let first = client.list_fetches(ask("")).await.unwrap().into_inner();
    poll(&service, "wgi").await.unwrap();
    let second = client.list_fetches(ask(&first.next_page_token)).await.unwrap().into_inner();
    assert_eq!((first.fetches[0].number, second.fetches[0].number), (1, 0));
    assert_eq!(second.next_page_token, "");
    assert_eq!(first.fetches[0].poll, second.fetches[0].poll);
    service.stop().await;
}

#[tokio::test]
async fn a_failed_poll_says_who_has_to_act() {
    let publisher = Publisher::new(|_| status(404)).await;
    let service = service(&section(&publisher.base())).await;
    let failure = Failure::from(poll(&service, "wgi").await.unwrap_err());
    assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "poll-refused"));
    assert!(failure.message.contains("404") && failure.hint.contains("orewatch fetches"), "{failure}");
    let failure = Failure::from(poll(&service, "other").await.unwrap_err());
    assert_eq!((failure.class, failure.code.as_str()), (Class::NotFound, "unknown-connector"));
    service.stop().await;
}

#[tokio::test]
async fn a_refused_release_is_a_problem_of_its_connector() {
    let bad = |asked: &PollReason| ok(page(asked).replace("\"CHL\"", "\"QQQ\""));
    let publisher = Publisher::new(bad).await;
    let service = service(&section(&publisher.base())).await;
    let failure = Failure::from(poll(&service, "wgi").await.unwrap_err());
    assert_eq!(failure.class, Class::Refused);
    assert!(failure.message.contains("was refused"), "{failure}");
    let listed =
        service.client().list_connectors(ListConnectorsRequest {}).await.unwrap().into_inner().connectors;
    assert!(listed[0].problem.contains("was refused") && listed[0].succeeded_at.is_none());
    service.stop().await;
}
