//! Erasing a tenant: what it has is sealed, then nobody reads it any more, and nothing else is lost.
use std::path::Path;

use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{
    DownloadFileRequest, EraseTenantRequest, EraseTenantResponse, ListRejectionsRequest, ListReleasesRequest,
    ReleaseInfo, ReleaseState, TenantErased, WithdrawReleaseRequest,
};
use orewatch_eventlog::Event;
use orewatch_ingestion::Config;
use orewatch_ingestion::archive::ArchiveLocation;
use orewatch_ingestion::client::Options;
use orewatch_store::keys::TenantKeys;
use orewatch_store::sealed::sealed_with;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::harness::{Service, events, file, hex, lenient, output};

const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// A service with a key file beside its archive.
fn with_keys(config: Config) -> Config {
    let ArchiveLocation::Folder(archive) = &config.archive else { panic!("the archive is a folder") };
    let file = archive.with_file_name("keys.txt");
    std::fs::write(&file, KEY).unwrap();
    let keys = TenantKeys::new(file, &config.archive.join("keys")).unwrap();
    Config { keys, ..config }
}

/// A dataset of an economy, with one good row and one that cannot be read.
fn table(economy: &str) -> String {
    let good = format!("2023,{economy},cobalt,mined,4711,t,content");
    let dataset = format!("test-{}", economy.to_lowercase());
    output(&[&good, "2023,XXX,cobalt,mined,2,t,content"]).replace("test-output", &dataset)
}

fn digest(content: &str) -> String {
    hex(&Sha256::digest(content))
}

impl Service {
    /// Ingests a table as a tenant. Returns the identifier of the release.
    async fn ingest_as(&self, tenant: &str, content: &str) -> String {
        let options = Options { tenant: tenant.to_owned(), ..lenient() };
        let outcome = self.ingest(vec![file("p.csv", content)], options).await.unwrap();
        assert_eq!(outcome.release.state(), ReleaseState::Committed);
        outcome.release.release.unwrap().id
    }

    async fn erase(&self, tenant: &str) -> Result<EraseTenantResponse, Failure> {
        let request = EraseTenantRequest {
            tenant: tenant.to_owned(),
            reason: "the contract ended".to_owned(),
            actor: "ann".to_owned(),
        };
        Ok(self.client().erase_tenant(request).await?.into_inner())
    }

    async fn download(&self, content: &str) -> Result<String, Failure> {
        let request = DownloadFileRequest { sha256: digest(content), own_use: true };
        let mut pieces = self.client().download_file(request).await?.into_inner();
        let mut data = Vec::new();
        while let Some(piece) = pieces.message().await? {
            data.extend_from_slice(&piece.data);
        }
        Ok(String::from_utf8(data).unwrap())
    }

    async fn rejected(&self, release: &str) -> Result<usize, Failure> {
        let request =
            ListRejectionsRequest { release: release.to_owned(), ..ListRejectionsRequest::default() };
        Ok(self.client().list_rejections(request).await?.into_inner().rejections.len())
    }

    async fn withdraw(&self, release: &str) -> Result<(), Failure> {
        let request = WithdrawReleaseRequest {
            release: release.to_owned(),
            reason: "wrong".to_owned(),
            ..WithdrawReleaseRequest::default()
        };
        self.client().withdraw_release(request).await?;
        Ok(())
    }

    async fn in_state(&self, state: ReleaseState) -> Vec<String> {
        let request = ListReleasesRequest { state: state.into(), ..ListReleasesRequest::default() };
        let found = self.client().list_releases(request).await.unwrap().into_inner().releases;
        found.into_iter().map(|info| info.release.unwrap().id).collect()
    }

    /// Checks that nothing of a release and its file can be read any more.
    async fn assert_erased(&self, release: &str, content: &str) {
        let info = self.find(release).await;
        assert_eq!((info.state(), info.report.is_some()), (ReleaseState::Erased, false), "{info:?}");
        assert!(info.erased_at.is_some() && info.reason.contains("erased"), "{info:?}");
        assert_eq!(info.release.unwrap().tenant, "acme", "what is known of it stays");
        assert_eq!(self.in_state(ReleaseState::Erased).await, [release]);
        assert_eq!(self.download(content).await.unwrap_err().code, "erased");
        assert_eq!(self.rejected(release).await.unwrap_err().code, "erased");
        assert_eq!(self.withdraw(release).await.unwrap_err().code, "erased");
    }

    /// Checks that a release and its file are as if nothing had been erased.
    async fn assert_whole(&self, release: &str, content: &str) {
        let ReleaseInfo { report, .. } = self.find(release).await;
        assert_eq!(report.unwrap().rows_recorded, 1);
        assert_eq!(
            self.in_state(ReleaseState::Committed).await.iter().filter(|id| *id == release).count(),
            1
        );
        assert_eq!(self.download(content).await.unwrap(), content);
        assert_eq!(self.rejected(release).await.unwrap(), 1);
    }
}

/// Whether a file below a folder contains a text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => holds(&path, text),
            false => {
                let content = std::fs::read(&path).unwrap();
                content.windows(text.len()).any(|window| window == text.as_bytes())
            }
        }
    })
}

/// The sealed events of the stream of a release.
fn sealed_of(all: &[Event], release: &str) -> usize {
    let stream = format!("observations.{}", release.replacen('/', ".", 1));
    let own = all.iter().filter(|event| event.stream.as_str() == stream);
    own.filter(|event| sealed_with(event).unwrap().is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_is_erased_and_all_else_stays_as_it_was() {
    let service = Service::configured(with_keys).await;
    let [own, others, public] = ["COD", "ZMB", "AUS"].map(table);
    let acme = service.ingest_as("acme", &own).await;
    let beta = service.ingest_as("beta", &others).await;
    let everyones = service.ingest_as("", &public).await;
    for (release, content) in [(&acme, &own), (&beta, &others), (&everyones, &public)] {
        service.assert_whole(release, content).await;
    }
    let stored = events(&*service.log).await;
    assert_eq!(sealed_of(&stored, &acme), 3, "chunk, rejections and report");
    assert_eq!((sealed_of(&stored, &beta), sealed_of(&stored, &everyones)), (3, 0));
    let [secret, open] = ["COD,cobalt", "AUS,cobalt"];
    assert!(!holds(&service.archive(), secret) && holds(&service.archive(), open));

    let erased = service.erase("acme").await.unwrap();
    let expected = EraseTenantResponse { releases: 1, keys: 1, files: 1, ..EraseTenantResponse::default() };
    assert_eq!(erased, expected);
    service.assert_erased(&acme, &own).await;
    service.assert_whole(&beta, &others).await;
    service.assert_whole(&everyones, &public).await;
    let last = service.events().await.pop().unwrap();
    let recorded = TenantErased::decode(last.data).unwrap();
    assert_eq!((&*recorded.tenant, recorded.keys.len(), &*recorded.actor), ("acme", 1, "ann"));
    assert_eq!(last.stream.as_str(), "observations._tenants.acme");

    let again = service.erase("acme").await.unwrap();
    assert!(again.unchanged && again.files == 0, "{again:?}");
    assert_eq!(service.erase("nobody").await.unwrap_err().code, "unknown-tenant");

    // Another process, on a copy of log and archive: nothing of it was in memory only.
    let (log, directory) = service.copy(events(&*service.log).await).await;
    service.stop().await;
    let service = Service::with(log, directory, with_keys).await;
    service.assert_erased(&acme, &own).await;
    service.assert_whole(&beta, &others).await;

    // Who still has the files may hand them in again: under another key.
    let again = service.ingest_as("acme", &own).await;
    assert_eq!(again, acme);
    service.assert_whole(&again, &own).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_before_does_not_bring_back_what_is_erased() {
    let service = Service::configured(with_keys).await;
    let [own, others] = ["COD", "ZMB"].map(table);
    let acme = service.ingest_as("acme", &own).await;
    let beta = service.ingest_as("beta", &others).await;
    let before = events(&*service.log).await;
    // The table of keys is no part of a backup: the copy is made before, and gets the table of now.
    let (log, directory) = service.copy(before).await;
    service.erase("acme").await.unwrap();
    let now = service.archive().join("keys/tenants.json");
    std::fs::copy(now, directory.path().join("archive/keys/tenants.json")).unwrap();
    service.stop().await;

    let service = Service::with(log, directory, with_keys).await;
    let info = service.find(&acme).await;
    assert_eq!((info.state(), info.report), (ReleaseState::Erased, None), "its rows do not open");
    for failure in [
        service.download(&own).await.unwrap_err(),
        service.rejected(&acme).await.unwrap_err(),
        service.withdraw(&acme).await.unwrap_err(),
    ] {
        assert_eq!(failure.code, "no-tenant-key", "{failure}");
    }
    service.assert_whole(&beta, &others).await;
    // Recorded on this log, too, it is erased as before.
    let erased = service.erase("acme").await.unwrap();
    assert_eq!((erased.releases, erased.keys, erased.unchanged), (1, 1, false));
    service.assert_erased(&acme, &own).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_without_keys_is_withheld_and_named_as_readable() {
    let service = Service::start().await;
    let content = table("COD");
    let release = service.ingest_as("acme", &content).await;
    assert_eq!(service.erase("acme").await.unwrap_err().code, "no-keys-file");
    service.assert_whole(&release, &content).await;
    let all = events(&*service.log).await;
    assert_eq!(sealed_of(&all, &release), 0, "without a key file nothing is sealed");
    assert!(!service.archive().join("keys").exists());

    let (log, directory) = service.copy(all).await;
    service.stop().await;
    let service = Service::with(log, directory, with_keys).await;
    service.assert_whole(&release, &content).await;
    let erased = service.erase("acme").await.unwrap();
    assert_eq!((erased.releases, erased.keys, erased.files), (1, 0, 1));
    assert_eq!(erased.readable, [release.as_str()]);
    service.assert_erased(&release, &content).await;
    assert!(!holds(&service.archive(), "COD,cobalt"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_file_sealed_releases_are_withheld_and_nothing_is_taken_for_empty() {
    let service = Service::configured(with_keys).await;
    let content = table("COD");
    let release = service.ingest_as("acme", &content).await;
    let (log, directory) = service.copy(events(&*service.log).await).await;
    service.stop().await;

    let service = Service::with(log, directory, |config| config).await;
    let info = service.find(&release).await;
    assert_eq!((info.state(), info.erased_at), (ReleaseState::Erased, None));
    assert_eq!(service.rejected(&release).await.unwrap_err().code, "no-tenant-key");
    assert_eq!(service.download(&content).await.unwrap_err().code, "no-tenant-key");
    let options = Options { tenant: "acme".to_owned(), ..lenient() };
    let more = service.ingest(vec![file("p.csv", table("ZMB"))], options).await;
    assert!(more.is_err(), "beside content that is sealed, nothing is recorded in the open");
    service.stop().await;
}
