//! Ownership of data: a tenant's releases, rejections and files exist for those who may see them, and for
//! nobody else.
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, DownloadFileRequest, GetReleaseRequest, IngestFilesRequest,
    ListRejectionsRequest, ListReleasesRequest, OpenReleaseRequest, Release, ReleaseWithdrawn, SourceFile,
    Table, UploadFileRequest, WithdrawReleaseRequest,
};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::Access;
use prost::Message as _;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::harness::{Service, hex, output};

const TOKENS: &str = r#"
[[token]]
name = "acme"
token = "token-of-acme-0001"
write = ["acme"]

[[token]]
name = "brown"
token = "token-of-brown-001"
write = ["brown"]
datasets = ["test-output"]

[[token]]
name = "keeper"
token = "token-of-keeper-01"
read = ["*"]
write = ["everyone"]
"#;

#[derive(Clone)]
struct Shows(AsciiMetadataValue);

impl Interceptor for Shows {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Client = IngestionServiceClient<InterceptedService<Channel, Shows>>;

fn client(service: &Service, token: &str) -> Client {
    let shows = Shows(format!("Bearer {token}").parse().unwrap());
    IngestionServiceClient::with_interceptor(service.channel.clone(), shows)
}

/// Uploads and ingests a file. Returns the identifier of the release, and the digest of the file.
async fn ingest(client: &mut Client, tenant: &str, content: &str) -> Result<(String, String), Failure> {
    let sha256 = digest(content);
    upload(client, content, content).await?;
    let id = read(client, tenant, &sha256, false).await?;
    Ok((id, sha256))
}

fn digest(content: &str) -> String {
    hex(&<sha2::Sha256 as sha2::Digest>::digest(content))
}

/// Uploads a file, or only names its digest. Returns whether it was known.
async fn upload(client: &mut Client, content: &str, sent: &str) -> Result<bool, Failure> {
    let size = u64::try_from(content.len()).unwrap();
    let (data, sha256) = (sent.to_owned().into(), digest(content));
    let piece = UploadFileRequest { size, data, sha256, ..UploadFileRequest::default() };
    Ok(client.upload_file(futures_util::stream::iter([piece])).await?.into_inner().known)
}

/// Ingests a file of the archive. Returns the identifier of the release.
async fn read(client: &mut Client, tenant: &str, sha256: &str, dry_run: bool) -> Result<String, Failure> {
    let file =
        ArchivedFile { sha256: sha256.to_owned(), name: "p.csv".to_owned(), ..ArchivedFile::default() };
    let request = IngestFilesRequest {
        files: vec![file],
        description: Some(Description { tenant: tenant.to_owned(), ..Description::default() }),
        max_rejects: Some(1),
        dry_run,
        ..IngestFilesRequest::default()
    };
    let mut answers = client.ingest_files(request).await?.into_inner();
    let mut id = String::new();
    while let Some(answer) = answers.message().await? {
        if let Some(orewatch_contracts::ingestion::v1::ingest_files_response::Said::Outcome(outcome)) =
            answer.said
        {
            id = outcome.release.unwrap().release.unwrap().id;
        }
    }
    Ok(id)
}

async fn listed(client: &mut Client) -> Vec<String> {
    let answer = client.list_releases(ListReleasesRequest::default()).await.unwrap().into_inner();
    answer.releases.into_iter().map(|info| info.release.unwrap().id).collect()
}

async fn sees(client: &mut Client, release: &str, sha256: &str) -> [bool; 3] {
    let get = client.get_release(GetReleaseRequest { release: release.to_owned() }).await;
    let request = ListRejectionsRequest { release: release.to_owned(), ..ListRejectionsRequest::default() };
    let rejections = client.list_rejections(request).await;
    let file = client.download_file(DownloadFileRequest { sha256: sha256.to_owned(), own_use: false }).await;
    [get.is_ok(), rejections.is_ok(), file.is_ok()]
}

fn refused<T>(answer: Result<T, Status>) -> String {
    let Err(status) = answer else { panic!("it was permitted") };
    Failure::from(status).code
}

#[tokio::test]
async fn tenants_are_kept_apart() {
    let service = Service::guarded(Access::parse(TOKENS).unwrap()).await;
    let content = output(&["2023,COD,cobalt,mined,1,t,content", "2023,XXX,cobalt,mined,1,t,content"]);
    let [mut acme, mut brown, mut keeper] =
        ["token-of-acme-0001", "token-of-brown-001", "token-of-keeper-01"]
            .map(|token| client(&service, token));

    let (own, file) = ingest(&mut acme, "acme", &content).await.unwrap();
    assert_eq!(listed(&mut acme).await, [own.as_str()]);
    assert_eq!(listed(&mut brown).await, [""; 0]);
    assert_eq!(listed(&mut keeper).await, [own.as_str()], "the keeper reads everything");
    assert_eq!(sees(&mut acme, &own, &file).await, [true; 3]);
    assert_eq!(sees(&mut brown, &own, &file).await, [false; 3]);
    assert_eq!(sees(&mut keeper, &own, &file).await, [true; 3]);

    // The same content of two tenants is two releases, and neither restates the other.
    let (other, _) = ingest(&mut brown, "brown", &content).await.unwrap();
    assert_ne!(own, other);
    assert_eq!(sees(&mut brown, &other, &file).await, [true; 3]);
    let get = brown.get_release(GetReleaseRequest { release: other.clone() }).await.unwrap().into_inner();
    assert_eq!(get.release.unwrap().report.unwrap().restates, "");
    assert_eq!(
        refused(brown.get_release(GetReleaseRequest { release: own.clone() }).await),
        "unknown-release"
    );

    let withdraw = |release: &str| WithdrawReleaseRequest {
        release: release.to_owned(),
        reason: "test".to_owned(),
        ..WithdrawReleaseRequest::default()
    };
    assert_eq!(refused(brown.withdraw_release(withdraw(&own)).await), "unknown-release");
    assert_eq!(refused(keeper.withdraw_release(withdraw(&own)).await), "not-permitted", "it only reads");
    for (mut client, tenant) in [(acme.clone(), ""), (acme.clone(), "brown"), (keeper.clone(), "acme")] {
        let failure = ingest(&mut client, tenant, &content).await.unwrap_err();
        assert_eq!((failure.class, &*failure.code), (Class::Refused, "not-permitted"), "{failure}");
    }
    let elsewhere = content.replace("test-output", "other-output");
    assert_eq!(ingest(&mut brown, "brown", &elsewhere).await.unwrap_err().code, "not-permitted");
    let release = Release { dataset: "d".to_owned(), tenant: "brown".to_owned(), ..Release::default() };
    assert_eq!(
        refused(acme.open_release(OpenReleaseRequest { release: Some(release) }).await),
        "not-permitted"
    );
    service.stop().await;
}

#[tokio::test]
async fn no_caller_is_admitted_without_a_token() {
    let service = Service::guarded(Access::parse(TOKENS).unwrap()).await;
    let status = service.client().list_releases(ListReleasesRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    assert_eq!(Failure::from(status).code, "unauthenticated");
    let wrong = client(&service, "token-of-acme-0002").list_releases(ListReleasesRequest::default()).await;
    assert_eq!(refused(wrong), "unauthenticated");
    service.stop().await;
}

/// A message without the digest in it.
fn text_without_digest(failure: &Failure, sha256: &str) -> String {
    format!("{:?}", failure).replace(sha256, "DIGEST")
}

#[tokio::test]
async fn knowing_a_digest_gives_no_access_to_the_file() {
    let service = Service::guarded(Access::parse(TOKENS).unwrap()).await;
    let content = output(&["2023,COD,cobalt,mined,1,t,content"]);
    let [mut acme, mut brown] =
        ["token-of-acme-0001", "token-of-brown-001"].map(|token| client(&service, token));
    let (release, file) = ingest(&mut acme, "acme", &content).await.unwrap();
    // What is nowhere is answered alike, whatever is asked.
    let nowhere = content.replace("cobalt", "copper");
    let missing = digest(&nowhere);

    let files = |sha256: &str| {
        let stored_sha256 = sha256.to_owned();
        vec![SourceFile { sha256: sha256.to_owned(), stored_sha256, ..SourceFile::default() }]
    };
    let mut answers = Vec::new();
    for (content, sha256) in [(&content, &file), (&nowhere, &missing)] {
        let mut said_of = Vec::new();
        for dry_run in [true, false] {
            said_of.push(read(&mut brown, "brown", sha256, dry_run).await.unwrap_err());
        }
        said_of.push(upload(&mut brown, content, "").await.unwrap_err());
        let download =
            brown.download_file(DownloadFileRequest { sha256: sha256.clone(), own_use: false }).await;
        said_of.push(download.map(drop).unwrap_err().into());
        let release = Release {
            dataset: "test-output".to_owned(),
            vintage: "v1".to_owned(),
            table: Table::Production.into(),
            tenant: "brown".to_owned(),
            files: files(sha256),
            ..Release::default()
        };
        let open = brown.open_release(OpenReleaseRequest { release: Some(release) }).await;
        said_of.push(open.map(drop).unwrap_err().into());
        answers.push(said_of.iter().map(|failure| text_without_digest(failure, sha256)).collect::<Vec<_>>());
    }
    assert_eq!(answers[0], answers[1], "no answer tells whether the content is there");
    assert_eq!(listed(&mut brown).await, [""; 0]);

    // Who brings the bytes has the file, and is not told that somebody had it before.
    assert!(!upload(&mut brown, &content, &content).await.unwrap());
    assert!(upload(&mut brown, &content, "").await.unwrap(), "now it need not be sent again");
    let own = read(&mut brown, "brown", &file, false).await.unwrap();
    assert_ne!(own, release);
    assert_eq!(sees(&mut brown, &own, &file).await, [true; 3]);
    // Who may read a release of a file may use it as well.
    assert!(upload(&mut acme, &content, "").await.unwrap());
    assert!(read(&mut acme, "acme", &file, true).await.is_ok());
    service.stop().await;
}

#[tokio::test]
async fn no_release_replaces_one_of_another_tenant() {
    let service = Service::guarded(Access::parse(TOKENS).unwrap()).await;
    let [mut acme, mut keeper] =
        ["token-of-acme-0001", "token-of-keeper-01"].map(|token| client(&service, token));
    let (everyones, file) =
        ingest(&mut keeper, "", &output(&["2023,COD,cobalt,mined,1,t,content"])).await.unwrap();
    let release = Release {
        dataset: "test-output".to_owned(),
        vintage: "v2".to_owned(),
        table: Table::Production.into(),
        tenant: "acme".to_owned(),
        in_place_of: everyones,
        files: vec![SourceFile { sha256: file, ..SourceFile::default() }],
        ..Release::default()
    };
    let open = acme.open_release(OpenReleaseRequest { release: Some(release) }).await;
    assert_eq!(refused(open), "unknown-release");
    service.stop().await;
}

#[tokio::test]
async fn the_recorded_actor_is_the_owner_of_the_token() {
    let service = Service::guarded(Access::parse(TOKENS).unwrap()).await;
    let mut acme = client(&service, "token-of-acme-0001");
    let content = output(&["2023,COD,cobalt,mined,1,t,content"]);
    let (release, _) = ingest(&mut acme, "acme", &content).await.unwrap();
    let request =
        WithdrawReleaseRequest { release, reason: "test".to_owned(), actor: "somebody else".to_owned() };
    acme.withdraw_release(request).await.unwrap();
    let withdrawn = service.events().await.pop().unwrap();
    let withdrawn = ReleaseWithdrawn::decode(withdrawn.data).unwrap();
    assert_eq!(withdrawn.actor, "acme");
    service.stop().await;
}
