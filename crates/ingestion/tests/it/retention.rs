//! Quotas of the archive, and the removal of unneeded files.
use std::time::{Duration, SystemTime};

use futures_util::stream;
use orewatch_contracts::ingestion::v1::{
    ReleaseState, RepairRowsRequest, UploadFileRequest, WithdrawReleaseRequest,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::Metadata;
use orewatch_ingestion::Config;
use orewatch_ingestion::archive::Quota;
use orewatch_ingestion::client::Options;
use sha2::{Digest as _, Sha256};

use crate::harness::{Service, file, hex, trade};

/// Time for which an unneeded file is kept. A sweep runs every second.
const KEEP: Duration = Duration::from_secs(2);

fn brief(config: Config) -> Config {
    Config { keep_refused: KEEP, ..config }
}

fn sha256(content: &str) -> String {
    hex(&Sha256::digest(content))
}

impl Service {
    fn place(&self, content: &str) -> std::path::PathBuf {
        let digest = sha256(content);
        self.archive().join("sha256").join(&digest[..2]).join(&digest[2..])
    }

    fn has(&self, content: &str) -> bool {
        self.place(content).exists()
    }

    /// Waits until a file is gone.
    async fn gone(&self, what: &str, content: &str) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while self.has(content) {
            assert!(tokio::time::Instant::now() < deadline, "{what} stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn upload(service: &Service, content: &str) -> Result<bool, Failure> {
    let size = u64::try_from(content.len()).unwrap();
    let data = content.as_bytes().to_vec().into();
    let request = UploadFileRequest { size, data, ..UploadFileRequest::default() };
    let answer = service.client().upload_file(stream::iter([request])).await;
    answer.map(|answer| answer.into_inner().known).map_err(Failure::from)
}

/// A file with a row that cannot be read, so that a release may be held or refused.
fn torn(vintage: &str) -> String {
    trade(vintage, &["2020,CHN,DEU,250410,1,1", "2020,CHN,XXX,250410,2,2"])
}

#[tokio::test(flavor = "multi_thread")]
async fn unneeded_files_are_removed_and_needed_ones_kept() {
    let service = Service::configured(brief).await;
    let committed = trade("v1", &["2020,CHN,DEU,250410,1,1"]);
    service.take("committed.csv", &committed).await.unwrap();
    let withdrawn = trade("v2", &["2020,CHN,DEU,250410,2,2"]);
    let taken = service.take("withdrawn.csv", &withdrawn).await.unwrap();
    let release = taken.release.release.unwrap().id;
    let request =
        WithdrawReleaseRequest { release, reason: "it was wrong".to_owned(), actor: "ann".to_owned() };
    service.client().withdraw_release(request).await.unwrap();
    let held = torn("v3");
    let options = Options { hold: true, ..Options::default() };
    let outcome = service.ingest(vec![file("held.csv", &held)], options).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Open);
    let id = outcome.release.release.unwrap().id;
    let mended =
        "rejection,period,exporter,importer,product,value_kusd,quantity_t\n0,2020,CHN,FRA,250410,2,2\n";
    let request = RepairRowsRequest {
        release: id.clone(),
        content: mended.as_bytes().to_vec().into(),
        ..RepairRowsRequest::default()
    };
    assert_eq!(service.client().repair_rows(request).await.unwrap().into_inner().recorded, 1);

    let refused = torn("v4");
    let outcome = service.ingest(vec![file("refused.csv", &refused)], Options::default()).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Refused);
    let tried = trade("v5", &["2020,CHN,DEU,250410,5,5"]);
    let options = Options { dry_run: true, ..Options::default() };
    service.ingest(vec![file("tried.csv", &tried)], options).await.unwrap();
    let unused = trade("v6", &["2020,CHN,DEU,250410,6,6"]);
    assert!(!upload(&service, &unused).await.unwrap());
    for (what, content) in [("refused", &refused), ("tried", &tried), ("unused", &unused)] {
        assert!(service.has(content), "{what}: not at once");
    }
    for (what, content) in [("refused", &refused), ("tried", &tried), ("unused", &unused)] {
        service.gone(what, content).await;
    }
    for (what, content) in
        [("committed", &*committed), ("withdrawn", &withdrawn), ("held", &held), ("its mended rows", mended)]
    {
        assert!(service.has(content), "{what} is needed");
    }
    // A release that was refused can be tried again: its file is handed in again.
    let options = Options { max_rejects: 1, ..Options::default() };
    let outcome = service.ingest(vec![file("refused.csv", &refused)], options).await.unwrap();
    assert_eq!(outcome.release.state(), ReleaseState::Committed);
    assert!(service.has(&refused));
    service.stop().await;
}

/// Old and unneeded files are uploaded and ingested over and over while they are swept. Each is either
/// ingested, or was removed before and is then uploaded again. What was committed is there in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_uploaded_again_during_its_removal_is_kept() {
    let service = Service::configured(brief).await;
    let files: Vec<String> =
        (0..40).map(|number| trade(&format!("w{number}"), &["2020,CHN,DEU,250410,1,1"])).collect();
    for content in &files {
        upload(&service, content).await.unwrap();
        let old = std::fs::File::open(service.place(content)).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    // Nobody has used them for so long that the next sweep takes them.
    tokio::time::sleep(KEEP).await;
    for (number, content) in files.iter().enumerate() {
        let taken = service.take(&format!("{number}.csv"), content).await.unwrap();
        assert_eq!(taken.release.state(), ReleaseState::Committed);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(KEEP * 2).await;
    for (number, content) in files.iter().enumerate() {
        assert!(service.has(content), "{number} is of a committed release");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_stays_within_its_quota() {
    let quota = Quota { in_all: 4_000, tenant: 4_000 };
    let service = Service::configured(|config| Config { quota, keep_refused: KEEP, ..config }).await;
    let kept = trade("v1", &["2020,CHN,DEU,250410,1,1"]);
    service.take("kept.csv", &kept).await.unwrap();
    let large = "x".repeat(3_500);
    assert!(!upload(&service, &large).await.unwrap());
    let failure = upload(&service, &"y".repeat(1_000)).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Exhausted, "archive-quota"));
    let used = kept.len() + large.len();
    let said =
        format!("the quota of the archive is 4000 bytes, {used} are used: a file of 1000 bytes does not fit");
    assert_eq!(failure.message, said);
    assert!(failure.hint.contains("--archive-quota"), "{failure}");
    assert!(upload(&service, &kept).await.unwrap(), "what is there needs no room");
    // What nothing needs makes room.
    service.gone("the large file", &large).await;
    assert!(!upload(&service, &"y".repeat(1_000)).await.unwrap());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_stays_within_its_quota() {
    let rows = |count: usize| -> Vec<String> {
        (0..count).map(|at| format!("{},CHN,DEU,250410,1,1", 1990 + at)).collect()
    };
    let content = |vintage: &str, count: usize| {
        let rows = rows(count);
        trade(vintage, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (first, second) = (content("v1", 10), content("v2", 20));
    let tenant = u64::try_from(first.len() + second.len() - 1).unwrap();
    let quota = Quota { in_all: 1 << 20, tenant };
    let service = Service::configured(|config| Config { quota, ..config }).await;
    let of = |tenant: &str| Options {
        tenant: tenant.to_owned(),
        metadata: Metadata::default(),
        ..Options::default()
    };
    service.ingest(vec![file("first.csv", &first)], of("acme")).await.unwrap();
    service.ingest(vec![file("first.csv", &first)], of("acme")).await.unwrap();
    let failure = service.ingest(vec![file("second.csv", &second)], of("acme")).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Exhausted, "archive-quota"));
    assert!(failure.message.starts_with(&format!("the quota of tenant acme is {tenant} bytes")), "{failure}");
    assert!(failure.hint.contains("--tenant-quota"), "{failure}");
    service.ingest(vec![file("second.csv", &second)], of("zinc")).await.unwrap();
    service.ingest(vec![file("second.csv", &second)], of("")).await.unwrap();
    service.stop().await;
}
