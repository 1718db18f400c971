//! A release from its opening to its withdrawal.
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, GetReleaseRequest, ListReleasesRequest, OpenReleaseRequest, Release, ReleaseState,
    SourceFile, Table, WithdrawReleaseRequest,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::Metadata;
use orewatch_ingestion::client::Options;

use crate::harness::{BACI, Service, file, gzip, trade};

const ROWS: &str = "t,i,j,k,v,q\n2020,36,360,250410,26.628,40.261\n2021,156,842,250410,5,NA\n";

fn kinds(events: &[orewatch_eventlog::Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.trim_start_matches("orewatch.ingestion.v1.")).collect()
}

fn withdrawal(release: &str, reason: &str) -> WithdrawReleaseRequest {
    let [release, reason, actor] = [release, reason, "me"].map(str::to_owned);
    WithdrawReleaseRequest { release, reason, actor }
}

#[tokio::test]
async fn ingesting_the_same_content_again_changes_nothing() {
    let service = Service::start().await;
    let first = service.take(BACI, ROWS).await.unwrap();
    assert!(first.is_committed() && !first.known);
    let release = first.release.release.clone().unwrap();
    assert!(release.id.starts_with("baci-hs92/202401b-"), "{}", release.id);
    assert_eq!((&*release.parser, &*release.hs_revision), ("baci/2", "HS92"));
    let report = first.release.report.clone().unwrap();
    assert_eq!((&*report.first_period, &*report.last_period, &*report.restates), ("2020", "2021", ""));
    let log = service.events().await;
    assert_eq!(kinds(&log), ["ReleaseOpened", "ObservationsRecorded", "ReleaseCommitted"]);
    assert_eq!(first.release.committed_position, Some(3));

    // Compressed or under another name: it is the content that counts.
    for again in [file(BACI, ROWS), file(BACI, gzip(ROWS.as_bytes()))] {
        let again = service.ingest(vec![again], Options::default()).await.unwrap();
        assert!(again.known && again.is_committed());
        assert_eq!(again.release, first.release);
    }
    assert_eq!(service.events().await, log);
    service.stop().await;
}

#[tokio::test]
async fn a_new_release_restates_the_one_before() {
    let service = Service::start().await;
    let rows = ["2020,CHN,DEU,250410,1,1", "2020,MOZ,DEU,250410,1,1"];
    let old = service.take("a.csv", trade("2024", &rows)).await.unwrap().release.release.unwrap();
    let rows = ["2020,CHN,DEU,250410,2,2", "2020,MOZ,DEU,250410,1,1"];
    let new = service.take("a.csv", trade("2025", &rows)).await.unwrap();
    assert!(new.is_committed(), "{new:?}");
    assert_eq!(new.release.report.unwrap().restates, old.id);
    service.stop().await;
}

#[tokio::test]
async fn a_withdrawal_is_final_and_needs_a_reason() {
    let service = Service::start().await;
    let id = service.take(BACI, ROWS).await.unwrap().release.release.unwrap().id;
    let mut client = service.client();
    let failure = client.withdraw_release(withdrawal(&id, " ")).await.unwrap_err();
    assert_eq!(Failure::from(failure).code, "missing-field");
    for _ in 0..2 {
        let answer =
            client.withdraw_release(withdrawal("202401b", "wrong units")).await.unwrap().into_inner();
        let release = answer.release.unwrap();
        assert_eq!((release.state(), &*release.reason), (ReleaseState::Withdrawn, "wrong units"));
        assert_eq!(release.committed_position, Some(3), "it was committed once");
    }
    assert_eq!(kinds(&service.events().await).last(), Some(&"ReleaseWithdrawn"));

    let again = service.take(BACI, ROWS).await.unwrap();
    assert_eq!(
        (again.release.state(), again.known),
        (ReleaseState::Withdrawn, true),
        "judged content stays judged"
    );
    let metadata = Metadata { vintage: Some("202401b-2".to_owned()), ..Metadata::default() };
    let renamed =
        service.ingest(vec![file(BACI, ROWS)], Options { metadata, ..Options::default() }).await.unwrap();
    assert!(renamed.is_committed(), "{renamed:?}");
    assert_eq!(renamed.release.report.unwrap().restates, "", "a withdrawn release is not restated");
    service.stop().await;
}

fn release() -> Release {
    Release {
        dataset: "d".to_owned(),
        vintage: "1".to_owned(),
        table: Table::Trade.into(),
        files: vec![SourceFile {
            name: "f".to_owned(),
            bytes: 1,
            sha256: "0".repeat(64),
            ..SourceFile::default()
        }],
        parser: "test/1".to_owned(),
        hs_revision: "HS92".to_owned(),
        ..Release::default()
    }
}

#[tokio::test]
async fn an_abandoned_release_may_be_opened_again() {
    let service = Service::start().await;
    let mut client = service.client();
    let mut states = Vec::new();
    for _ in 0..2 {
        let request = OpenReleaseRequest { release: Some(release()) };
        let opened = client.open_release(request).await.unwrap().into_inner().release.unwrap();
        states.push(opened.state());
        let id = opened.release.unwrap().id;
        client.withdraw_release(withdrawal(&id, "mistake")).await.unwrap();
        let request = CommitReleaseRequest { release: id, ..CommitReleaseRequest::default() };
        let failure = Failure::from(client.commit_release(request).await.unwrap_err());
        assert_eq!((failure.class, &*failure.code), (Class::Refused, "release-closed"));
    }
    assert_eq!(states, [ReleaseState::Open; 2]);
    let expected = ["ReleaseOpened", "ReleaseWithdrawn", "ReleaseOpened", "ReleaseWithdrawn"];
    assert_eq!(kinds(&service.events().await), expected);
    service.stop().await;
}

#[tokio::test]
async fn releases_are_listed_and_found() {
    let service = Service::start().await;
    for vintage in ["2023", "2024", "2025"] {
        let rows = ["2020,CHN,DEU,250410,1,1"];
        service.take("a.csv", trade(vintage, &rows)).await.unwrap();
    }
    let mut client = service.client();
    let vintage =
        |info: &orewatch_contracts::ingestion::v1::ReleaseInfo| info.release.clone().unwrap().vintage;
    let mut request = ListReleasesRequest { page_size: 2, ..ListReleasesRequest::default() };
    let first = client.list_releases(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token.clone();
    let second = client.list_releases(request).await.unwrap().into_inner();
    let found: Vec<_> = first.releases.iter().chain(&second.releases).map(vintage).collect();
    assert_eq!(
        (found, second.next_page_token),
        (["2023", "2024", "2025"].map(str::to_owned).to_vec(), String::new())
    );
    for (field, request) in [
        ("page_size", ListReleasesRequest { page_size: 1001, ..ListReleasesRequest::default() }),
        ("page_token", ListReleasesRequest { page_token: "x".to_owned(), ..ListReleasesRequest::default() }),
    ] {
        assert_eq!(Failure::from(client.list_releases(request).await.unwrap_err()).field, field);
    }

    let mut get = async |name: &str| {
        let request = GetReleaseRequest { release: name.to_owned() };
        client.get_release(request).await.map(|found| vintage(&found.into_inner().release.unwrap()))
    };
    assert_eq!(get("2024").await.unwrap(), "2024");
    assert_eq!(get("test-trade/2025").await.unwrap(), "2025");
    assert_eq!(Failure::from(get("2026").await.unwrap_err()).class, Class::NotFound);
    service.take("b.csv", trade("2024", &["2021,CHN,FRA,250410,1,1"])).await.unwrap();
    let failure = Failure::from(get("2024").await.unwrap_err());
    assert_eq!(failure.code, "ambiguous-release");
    assert!(failure.hint.contains("test-trade/2024-"), "{failure}");
    service.stop().await;
}

#[tokio::test]
async fn files_of_one_release_belong_together() {
    let service = Service::start().await;
    let other = "t,i,j,k,v,q\n2022,36,360,250410,1,1\n2020,36,360,250410,9,9\n";
    let both = vec![file("BACI_HS92_Y2020_V1234.csv", ROWS), file("BACI_HS92_Y2022_V1234.csv", other)];
    let options = Options { max_rejects: 1, ..Options::default() };
    let outcome = service.ingest(both, options).await.unwrap();
    assert_eq!(outcome.release.report.unwrap().rows_recorded, 3);
    let rejection = &service.rejections("1234").await[0];
    assert_eq!((&*rejection.file, rejection.line), ("BACI_HS92_Y2022_V1234.csv", 3));
    assert!(
        rejection.reason.contains("BACI_HS92_Y2020_V1234.csv, line 2, with other figures"),
        "{}",
        rejection.reason
    );

    let mixed = vec![file("BACI_HS92_Y2020_V1234.csv", ROWS), file("BACI_HS92_Y2022_V1235.csv", other)];
    let failure = service.ingest(mixed, Options::default()).await.unwrap_err();
    assert_eq!(failure.code, "mixed-releases");
    service.stop().await;
}
