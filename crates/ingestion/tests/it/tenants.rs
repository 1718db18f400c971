//! Whose data is whose: a tenant's releases, rejections and files are there for those who may see them, and for nobody else.
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, DownloadFileRequest, GetReleaseRequest, IngestFilesRequest,
    ListRejectionsRequest, ListReleasesRequest, OpenReleaseRequest, Release, UploadFileRequest,
    WithdrawReleaseRequest,
};
use orewatch_runtime::{Access, Class, Failure};
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

/// Hands a file in and has it read; the identifier of the release, and the digest of the file.
async fn ingest(client: &mut Client, tenant: &str, content: &str) -> Result<(String, String), Failure> {
    let sha256 = hex(&<sha2::Sha256 as sha2::Digest>::digest(content));
    let size = u64::try_from(content.len()).unwrap();
    let piece = UploadFileRequest { size, data: content.to_owned().into(), sha256: sha256.clone() };
    client.upload_file(futures_util::stream::iter([piece])).await?;
    let request = IngestFilesRequest {
        files: vec![ArchivedFile {
            sha256: sha256.clone(),
            name: "p.csv".to_owned(),
            ..ArchivedFile::default()
        }],
        description: Some(Description { tenant: tenant.to_owned(), ..Description::default() }),
        max_rejects: Some(1),
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
    Ok((id, sha256))
}

async fn listed(client: &mut Client) -> Vec<String> {
    let answer = client.list_releases(ListReleasesRequest::default()).await.unwrap().into_inner();
    answer.releases.into_iter().map(|info| info.release.unwrap().id).collect()
}

async fn sees(client: &mut Client, release: &str, sha256: &str) -> [bool; 3] {
    let get = client.get_release(GetReleaseRequest { release: release.to_owned() }).await;
    let request = ListRejectionsRequest { release: release.to_owned(), ..ListRejectionsRequest::default() };
    let rejections = client.list_rejections(request).await;
    let file = client.download_file(DownloadFileRequest { sha256: sha256.to_owned() }).await;
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
async fn nobody_comes_in_without_a_token() {
    let service = Service::guarded(Access::parse(TOKENS).unwrap()).await;
    let status = service.client().list_releases(ListReleasesRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    assert_eq!(Failure::from(status).code, "unauthenticated");
    let wrong = client(&service, "token-of-acme-0002").list_releases(ListReleasesRequest::default()).await;
    assert_eq!(refused(wrong), "unauthenticated");
    service.stop().await;
}
