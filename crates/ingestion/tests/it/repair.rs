//! Rejected rows are repaired: before the commit, after a refusal, as a correction.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, ListRejectionsRequest, ReleaseInfo, ReleaseState, RepairRowsRequest,
    RepairRowsResponse, Report, RowsRepaired, Verdict,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, embedded};
use orewatch_ingestion::client::Options;
use prost::Message as _;
use tempfile::TempDir;

use crate::harness::{BACI, Service, file, lenient, trade};

/// Trade whose second and third row are rejected.
pub(crate) const ROWS: [&str; 4] = [
    "2020,CHN,DEU,250410,1,1",
    "2020,CHN,ZZZ,250410,2,2",
    "2020,CHN,FRA,250410,x,3",
    "2020,MOZ,DEU,250410,4,4",
];

const HEADER: &str = "rejection,period,exporter,importer,product,value_kusd,quantity_t";

pub(crate) fn mended(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

pub(crate) async fn repair(
    service: &Service,
    release: &str,
    content: &str,
) -> Result<RepairRowsResponse, Failure> {
    let request = RepairRowsRequest {
        release: release.to_owned(),
        content: content.to_owned().into(),
        reason: "typing errors".to_owned(),
        ..RepairRowsRequest::default()
    };
    Ok(service.client().repair_rows(request).await?.into_inner())
}

async fn commit(service: &Service, request: CommitReleaseRequest) -> ReleaseInfo {
    service.client().commit_release(request).await.unwrap().into_inner().release.unwrap()
}

fn commit_of(release: &str) -> CommitReleaseRequest {
    CommitReleaseRequest { release: release.to_owned(), ..CommitReleaseRequest::default() }
}

fn counts(report: &Report) -> [u64; 4] {
    [report.rows_read, report.rows_recorded, report.rows_out_of_scope, report.rows_rejected]
}

async fn kinds(service: &Service) -> Vec<String> {
    let events = service.events().await;
    events.iter().map(|event| event.kind.rsplit('.').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_held_release_is_repaired_and_committed_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let log: Arc<dyn EventLog> = embedded::open(directory.path(), "observations").unwrap();
    let service = Service::on(Arc::clone(&log)).await;
    let options = Options { hold: true, ..Options::default() };
    let outcome = service.ingest(vec![file("a.csv", trade("v1", &ROWS))], options).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Open);
    let report = outcome.release.report.unwrap();
    assert_eq!(counts(&report), [4, 2, 0, 2]);
    assert!(report.gates.iter().any(|gate| gate.gate == "rejects" && gate.verdict() == Verdict::Block));
    let id = outcome.release.release.unwrap().id;
    assert_eq!(service.rejections(&id).await[0].text, ROWS[1]);

    let half = repair(&service, &id, &mended(&["0,2020,CHN,ITA,250410,2,2"])).await.unwrap();
    assert_eq!(
        (half.recorded, half.release.unwrap().report.map(|report| counts(&report))),
        (1, Some([4, 3, 0, 1]))
    );
    service.stop().await;
    let service = Service::on(Arc::clone(&log)).await;

    let rest = repair(&service, "v1", &mended(&["1,2020,CHN,FRA,250410,3,3"])).await.unwrap();
    assert_eq!(rest.recorded, 1);
    service.stop().await;
    let service = Service::on(Arc::clone(&log)).await;
    let release = commit(&service, commit_of(&id)).await;
    assert_eq!(release.state(), ReleaseState::Committed);
    let report = release.report.unwrap();
    assert_eq!(counts(&report), [4, 4, 0, 0]);
    assert!(report.gates.iter().all(|gate| gate.verdict() == Verdict::Pass), "{:?}", report.gates);
    assert_eq!(
        kinds(&service).await,
        [
            "ReleaseOpened",
            "ObservationsRecorded",
            "RowsQuarantined",
            "ReleaseHeld",
            "ObservationsRecorded",
            "RowsRepaired",
            "ObservationsRecorded",
            "RowsRepaired",
            "ReleaseCommitted"
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn a_refused_release_continues_once_its_rejections_are_repaired() {
    let service = Service::start().await;
    let outcome = service.take("a.csv", trade("v1", &ROWS)).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Refused);
    let id = outcome.release.release.unwrap().id;
    let rows = ["0,2020,CHN,ITA,250410,2,2", "1,2020,CHN,FRA,010121,3,3"];
    let answer = repair(&service, &id, &mended(&rows)).await.unwrap();
    assert_eq!((answer.recorded, answer.release.unwrap().state()), (1, ReleaseState::Open));
    let release = commit(&service, commit_of(&id)).await;
    assert_eq!(release.state(), ReleaseState::Committed, "{}", release.reason);
    assert_eq!(counts(&release.report.unwrap()), [4, 3, 1, 0], "horses are out of scope");
    service.stop().await;
}

/// Half of the rows are repaired, the release is refused again, and then the rest is accepted: the repairs
/// stay.
#[tokio::test]
async fn repairs_survive_another_refusal() {
    let service = Service::start().await;
    let outcome = service.take("a.csv", trade("v1", &ROWS)).await.unwrap();
    let id = outcome.release.release.unwrap().id;
    repair(&service, &id, &mended(&["0,2020,CHN,ITA,250410,2,2"])).await.unwrap();
    let release = commit(&service, commit_of(&id)).await;
    assert_eq!((release.state(), counts(&release.report.unwrap())), (ReleaseState::Refused, [4, 3, 0, 1]));
    let release = commit(&service, CommitReleaseRequest { max_rejects: Some(1), ..commit_of(&id) }).await;
    assert_eq!((release.state(), counts(&release.report.unwrap())), (ReleaseState::Committed, [4, 3, 0, 1]));
    let again = service.ingest(vec![file("a.csv", trade("v1", &ROWS))], lenient()).await.unwrap();
    assert!(again.known && again.is_committed());
    service.stop().await;
}

#[tokio::test]
async fn rows_can_be_repaired_after_the_commit() {
    let service = Service::start().await;
    let content = trade("v1", &ROWS);
    let outcome = service.ingest(vec![file("a.csv", &content)], lenient()).await.unwrap();
    assert!(outcome.is_committed());
    let id = outcome.release.release.unwrap().id;
    let rows = mended(&["0,2020,CHN,ITA,250410,2,2"]);
    let answer = repair(&service, &id, &rows).await.unwrap();
    let release = answer.release.unwrap();
    assert_eq!((answer.recorded, release.state()), (1, ReleaseState::Committed));
    assert_eq!(counts(release.report.as_ref().unwrap()), [4, 3, 0, 1]);

    let events = service.events().await;
    let event = events.last().unwrap();
    let repaired = RowsRepaired::decode(event.data.clone()).unwrap();
    assert_eq!((repaired.rejections, &*repaired.reason), (vec![0], "typing errors"));
    assert_eq!(repaired.report, release.report);
    assert_eq!(repaired.file.unwrap().stored_sha256.len(), 64);

    let again = repair(&service, &id, &rows).await.unwrap();
    assert_eq!(again.recorded, 1, "the same repair is recognised");
    assert_eq!(service.events().await.len(), events.len());

    let failure = repair(&service, &id, &mended(&["0,2020,CHN,ITA,250410,2,9"])).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Refused, "already-repaired"));
    let failure = repair(&service, &id, &mended(&["7,2020,CHN,ITA,250410,2,9"])).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Invalid, "unknown-rejection"));
    service.stop().await;
}

/// A restatement is compared with all rows of its predecessor, repaired ones included.
#[tokio::test]
async fn gates_see_repaired_rows() {
    let service = Service::start().await;
    let outcome = service.ingest(vec![file("a.csv", trade("v1", &ROWS))], lenient()).await.unwrap();
    let id = outcome.release.release.unwrap().id;
    let rows = ["0,2020,CHN,ITA,250410,2,2", "1,2020,CHN,FRA,250410,3,3"];
    repair(&service, &id, &mended(&rows)).await.unwrap();
    let next = service.take("b.csv", trade("v2", &[ROWS[0], ROWS[3]])).await.unwrap();
    let gates = next.release.report.unwrap().gates;
    let jump = gates.iter().find(|gate| gate.gate == "scope-jump").unwrap();
    assert!(jump.message.starts_with("of 4 keys in 1 restated market 2 vanish"), "{}", jump.message);
    service.stop().await;
}

#[tokio::test]
async fn rows_that_are_still_wrong_are_returned_and_nothing_is_recorded() {
    let service = Service::start().await;
    let outcome = service.ingest(vec![file("a.csv", trade("v1", &ROWS))], lenient()).await.unwrap();
    let id = outcome.release.release.unwrap().id;
    let before = service.events().await.len();
    for (rows, line, code) in [
        (["0,2020,CHN,ITA,250410,2,2", "1,2020,CHN,YYY,250410,3,3"], 3, "unknown-economy"),
        (["0,2020,CHN,ITA,250410,2,2", "1,2020,CHN,DEU,250410,3,3"], 3, "duplicate-key"),
        (["0,2020,CHN,ITA,250410,2,2", "1,2020,CHN,ITA,250410,3,3"], 3, "duplicate-key"),
    ] {
        let answer = repair(&service, &id, &mended(&rows)).await.unwrap();
        let wrong: Vec<_> = answer.rejections.iter().map(|row| (row.line, row.code.as_str())).collect();
        assert_eq!((answer.recorded, wrong), (0, vec![(line, code)]));
    }
    for (content, code) in [
        ("period,exporter\n2020,CHN\n".to_owned(), "missing-column"),
        (format!("{HEADER}\n"), "no-rows"),
        (format!("{HEADER}\nfirst,2020,CHN,ITA,250410,2,2\n"), "invalid-rejection"),
        (mended(&["0,2020,CHN,ITA,250410,2,2", "0,2020,CHN,ESP,250410,2,2"]), "duplicate-rejection"),
        (
            "rejection,period,economy,indicator,value\n0,2020,CHN,political-stability,1\n".to_owned(),
            "table-mismatch",
        ),
    ] {
        let failure = repair(&service, &id, &content).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
    }
    assert_eq!(service.events().await.len(), before);
    service.stop().await;
}

#[tokio::test]
async fn rows_are_repaired_in_their_own_or_the_tidy_form() {
    let service = Service::start().await;
    let content =
        "t,i,j,k,v,q\n2022,156,276,250410,1.0,2.0\n2022,156,9999,250410,3.0,4.0\n2022,156,251,25041,3,4\n";
    let outcome = service.ingest(vec![file(BACI, content)], lenient()).await.unwrap();
    let id = outcome.release.release.unwrap().id;
    assert_eq!(service.rejections(&id).await.len(), 2);
    let own = repair(&service, &id, "rejection,t,i,j,k,v,q\n0,2022,156,9998,250410,3.0,4.0\n").await.unwrap();
    assert_eq!((own.recorded, own.rejections.len()), (0, 1), "the economy is wrong still");
    let own = repair(&service, &id, "rejection,t,i,j,k,v,q\n0,2022,156,380,250410,3.0,4.0\n").await.unwrap();
    assert_eq!(own.recorded, 1);
    let tidy = repair(&service, &id, &mended(&["1,2022,CHN,FRA,250410,3,4"])).await.unwrap();
    assert_eq!(tidy.recorded, 1);
    let report = tidy.release.unwrap().report.unwrap();
    assert_eq!(counts(&report), [3, 3, 0, 0]);
    service.stop().await;
}

/// A row of a publisher's csv is one flow, and is repaired in its own form.
#[tokio::test]
async fn rows_of_comtrade_are_repaired_in_their_own_form() {
    let service = Service::start().await;
    let header = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode";
    let content =
        format!("{header}\n2023,276,156,M,811010,20000,20000,H6\n2023,276,704,M,811010,20000,20x00,H6\n");
    let outcome = service.ingest(vec![file("comtrade.csv", content)], lenient()).await.unwrap();
    let release = outcome.release.release.unwrap();
    let (columns, as_written) = orewatch_formats::repair_columns(&release);
    assert!(as_written);
    assert_eq!(columns.join(","), header);
    let set_aside = service.rejections(&release.id).await;
    assert_eq!(set_aside.len(), 1);
    assert_eq!(set_aside[0].text, "2023,276,704,M,811010,20000,20x00,H6");
    let row = set_aside[0].text.replace("20x00", "20500");
    let answer = repair(&service, &release.id, &format!("rejection,{header}\n0,{row}\n")).await.unwrap();
    assert_eq!((answer.recorded, answer.rejections.len()), (1, 0), "{answer:?}");
    service.stop().await;
}

/// Rejections may be named beside a file that has no column for them.
#[tokio::test]
async fn rejections_are_named_in_the_file_or_beside_it() {
    let service = Service::start().await;
    let outcome = service.ingest(vec![file("a.csv", trade("v1", &ROWS))], lenient()).await.unwrap();
    let release = outcome.release.release.unwrap().id;
    let content =
        b"period,exporter,importer,product,value_kusd,quantity_t\n2020,CHN,FRA,250410,3,3\n".to_vec();
    let request = |rejections| RepairRowsRequest {
        release: release.clone(),
        content: content.clone().into(),
        rejections,
        ..RepairRowsRequest::default()
    };
    let failure: Failure = service.client().repair_rows(request(vec![0, 1])).await.unwrap_err().into();
    assert_eq!(failure.code, "row-count-mismatch");
    let answer = service.client().repair_rows(request(vec![1])).await.unwrap().into_inner();
    assert_eq!(answer.recorded, 1);
    let request = ListRejectionsRequest { release, ..ListRejectionsRequest::default() };
    let listed = service.client().list_rejections(request).await.unwrap().into_inner().rejections;
    assert_eq!(listed.len(), 2, "what was quarantined stays listed");
    service.stop().await;
}
