//! The gRPC service: requests become commands, and state becomes responses. It decides nothing.

mod connectors;
mod files;
mod gates;
mod intake;
mod policy;
mod repair;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use orewatch_contracts::ingestion::v1::ingestion_service_server;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, CommitReleaseResponse, DownloadFileRequest, DownloadFileResponse,
    EraseTenantRequest, EraseTenantResponse, GetReleaseRequest, GetReleaseResponse, GetSourcePolicyRequest,
    GetSourcePolicyResponse, IngestFilesRequest, IngestFilesResponse, ListConnectorsRequest,
    ListConnectorsResponse, ListFetchesRequest, ListFetchesResponse, ListGatesRequest, ListGatesResponse,
    ListRejectionsRequest, ListRejectionsResponse, ListReleasesRequest, ListReleasesResponse,
    ObservationEvent, OpenReleaseRequest, OpenReleaseResponse, PollRequest, PollResponse,
    PutSourcePolicyRequest, PutSourcePolicyResponse, RecordObservationsRequest, RecordObservationsResponse,
    Rejection, Release, ReleaseInfo, ReleaseState, RepairRowsRequest, RepairRowsResponse, UploadFileRequest,
    UploadFileResponse, WithdrawReleaseRequest, WithdrawReleaseResponse,
};
use orewatch_contracts::page::{PageSize, invalid_token};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::StreamName;
use orewatch_runtime::Identity;
use tonic::{Request, Response, Status, Streaming};

use crate::archive::{Archive, ContentId};
use crate::commands;
use crate::connectors::Connectors;
use crate::erase::Eraser;
use crate::evolve::{IngestionState, ReleaseRecord, unknown_release};
use crate::intake::Intake;
use crate::record::Recording;
use crate::work::Repository;
use crate::{possession, rejection_codes, validate};

/// Time within which the next chunk of a stream has to come.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(120);

/// Entries of a page.
const PAGE_SIZE: PageSize = PageSize::new(100, 1_000, "entries");

/// The gRPC service of ingestion.
#[derive(Debug)]
pub(crate) struct IngestionService {
    pub(crate) repository: Arc<Repository>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) intake: Arc<Intake>,
    /// Time within which the next piece of a file has to come.
    pub(crate) stall: Duration,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) eraser: Eraser,
}

/// A stream of responses.
type ResponseStream<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl ingestion_service_server::IngestionService for IngestionService {
    type DownloadFileStream = ResponseStream<DownloadFileResponse>;
    type IngestFilesStream = ResponseStream<IngestFilesResponse>;
    type PollStream = ResponseStream<PollResponse>;

    async fn open_release(
        &self,
        request: Request<OpenReleaseRequest>,
    ) -> Result<Response<OpenReleaseResponse>, Status> {
        let identity = Identity::from_request(&request);
        let release = request.into_inner().release;
        let missing =
            || Failure::new(Class::Invalid, "invalid-request", "the release is missing").at("release", "");
        let release = release.ok_or_else(missing)?;
        identity.check_write(&release.tenant, &release.dataset)?;
        self.check_references(&identity, &release).await?;
        let actor = identity.actor(String::new());
        let release = commands::open_release(&self.repository, release, actor).await?;
        Ok(Response::new(OpenReleaseResponse { release: Some(release) }))
    }

    async fn record_observations(
        &self,
        request: Request<Streaming<RecordObservationsRequest>>,
    ) -> Result<Response<RecordObservationsResponse>, Status> {
        let identity = Identity::from_request(&request);
        let mut messages = request.into_inner();
        let mut recording: Option<Recording> = None;
        let mut answer = RecordObservationsResponse::default();
        while let Some(message) = next_message(&mut messages).await? {
            let recording = match &mut recording {
                Some(recording) => recording,
                none => {
                    self.writable_release(&identity, &message.release).await?;
                    none.insert(Recording::begin(&self.repository, &message.release).await?)
                }
            };
            if !message.release.is_empty() && message.release != recording.release() {
                return Err(Failure::new(Class::Invalid, "invalid-request", "a stream records one release")
                    .at("release", message.release)
                    .into());
            }
            let Some(rows) = message.rows else { continue };
            let count = recorded_rows(&rows);
            let known = recording.record(rows).await?;
            answer.rows = answer.rows.saturating_add(count);
            answer.chunks_known = answer.chunks_known.saturating_add(u32::from(known));
        }
        Ok(Response::new(answer))
    }

    async fn commit_release(
        &self,
        request: Request<CommitReleaseRequest>,
    ) -> Result<Response<CommitReleaseResponse>, Status> {
        let identity = Identity::from_request(&request);
        let mut request = request.into_inner();
        request.release = self.writable_release(&identity, &request.release).await?;
        let actor = identity.actor(String::new());
        let release = commands::commit_release(&self.repository, request, &actor).await?;
        Ok(Response::new(CommitReleaseResponse { release: Some(release) }))
    }

    async fn withdraw_release(
        &self,
        request: Request<WithdrawReleaseRequest>,
    ) -> Result<Response<WithdrawReleaseResponse>, Status> {
        let identity = Identity::from_request(&request);
        let WithdrawReleaseRequest { release, reason, actor } = request.into_inner();
        let actor = identity.actor(actor);
        let id = self.writable_release(&identity, &release).await?;
        let release = commands::withdraw_release(&self.repository, &id, reason, actor).await?;
        Ok(Response::new(WithdrawReleaseResponse { release: Some(release) }))
    }

    async fn list_releases(
        &self,
        request: Request<ListReleasesRequest>,
    ) -> Result<Response<ListReleasesResponse>, Status> {
        let identity = Identity::from_request(&request);
        let request = request.into_inner();
        let page = PageRange::requested(request.page_size, &request.page_token)?;
        let any = request.state() == ReleaseState::Unspecified;
        let wanted = |record: &&ReleaseRecord| {
            (request.dataset.is_empty() || record.head.release.dataset == request.dataset)
                && (any || record.head.state == request.state())
                && identity.may_read(&record.head.release.tenant)
        };
        self.repository.catch_up().await?;
        let (mut releases, more) = self.repository.view(|state| {
            let mut rest = state.iter().filter(wanted).skip(page.from);
            let releases: Vec<_> = rest.by_ref().take(page.size).map(listed).collect();
            (releases, rest.next().is_some())
        });
        for info in &mut releases {
            let id = info.release.as_ref().map_or("", |release| release.id.as_str());
            info.skipped = self.repository.skipped_events(id);
        }
        let next_page_token = page.next_token(more);
        Ok(Response::new(ListReleasesResponse { releases, next_page_token }))
    }

    async fn get_release(
        &self,
        request: Request<GetReleaseRequest>,
    ) -> Result<Response<GetReleaseResponse>, Status> {
        let identity = Identity::from_request(&request);
        let id = self.readable_release(&identity, &request.into_inner().release).await?;
        Ok(Response::new(GetReleaseResponse { release: Some(self.info(&id)?) }))
    }

    async fn list_rejections(
        &self,
        request: Request<ListRejectionsRequest>,
    ) -> Result<Response<ListRejectionsResponse>, Status> {
        let identity = Identity::from_request(&request);
        let request = request.into_inner();
        let page = PageRange::requested(request.page_size, &request.page_token)?;
        let id = self.readable_release(&identity, &request.release).await?;
        let chunks = self.repository.view(|state| {
            let record = state.find(&id)?;
            record.check_readable().map(|()| record.rejection_chunks.clone())
        })?;
        let rejections = self.rejections(&self.repository.stream(&id)?, &chunks, &page).await?;
        let all: usize = chunks.iter().map(|(_, count)| count).sum();
        let next_page_token = page.next_token(page.from.saturating_add(rejections.len()) < all);
        Ok(Response::new(ListRejectionsResponse { rejections, next_page_token }))
    }

    async fn upload_file(
        &self,
        request: Request<Streaming<UploadFileRequest>>,
    ) -> Result<Response<UploadFileResponse>, Status> {
        let identity = Identity::from_request(&request);
        if !identity.may_write_any() {
            let message = "this token may not upload files";
            return Err(Failure::new(Class::Refused, "not-permitted", message).into());
        }
        files::upload_file(self, &identity, request.into_inner()).await.map(Response::new)
    }

    async fn repair_rows(
        &self,
        request: Request<RepairRowsRequest>,
    ) -> Result<Response<RepairRowsResponse>, Status> {
        let identity = Identity::from_request(&request);
        let mut request = request.into_inner();
        request.release = self.writable_release(&identity, &request.release).await?;
        request.actor = identity.actor(request.actor);
        repair::repair_rows(self, request).await.map(Response::new)
    }

    async fn download_file(
        &self,
        request: Request<DownloadFileRequest>,
    ) -> Result<Response<Self::DownloadFileStream>, Status> {
        let identity = Identity::from_request(&request);
        files::download_file(self, &identity, request.into_inner()).await.map(Response::new)
    }

    async fn ingest_files(
        &self,
        request: Request<IngestFilesRequest>,
    ) -> Result<Response<Self::IngestFilesStream>, Status> {
        let identity = Identity::from_request(&request);
        intake::ingest_files(self, identity, request.into_inner()).await.map(Response::new)
    }

    async fn list_gates(
        &self,
        request: Request<ListGatesRequest>,
    ) -> Result<Response<ListGatesResponse>, Status> {
        gates::list_gates(self, request.into_inner()).await.map(Response::new)
    }

    async fn get_source_policy(
        &self,
        _: Request<GetSourcePolicyRequest>,
    ) -> Result<Response<GetSourcePolicyResponse>, Status> {
        policy::get_policy(self).await.map(Response::new)
    }

    async fn put_source_policy(
        &self,
        request: Request<PutSourcePolicyRequest>,
    ) -> Result<Response<PutSourcePolicyResponse>, Status> {
        let identity = Identity::from_request(&request);
        policy::put_policy(self, &identity, request.into_inner()).await.map(Response::new)
    }

    async fn poll(&self, request: Request<PollRequest>) -> Result<Response<Self::PollStream>, Status> {
        if !Identity::from_request(&request).may_write("") {
            let message = "this token may not poll publishers: their data is public";
            return Err(Failure::new(Class::Refused, "not-permitted", message).into());
        }
        let reading = connectors::start_poll(self, request.into_inner()).await?;
        let answer = |reading| PollResponse { reading: Some(reading) };
        Ok(Response::new(reading.map_ok(answer).boxed()))
    }

    async fn list_connectors(
        &self,
        request: Request<ListConnectorsRequest>,
    ) -> Result<Response<ListConnectorsResponse>, Status> {
        connectors::list_connectors(self, request.into_inner()).await.map(Response::new)
    }

    async fn list_fetches(
        &self,
        request: Request<ListFetchesRequest>,
    ) -> Result<Response<ListFetchesResponse>, Status> {
        connectors::list_fetches(self, request.into_inner()).await.map(Response::new)
    }

    async fn erase_tenant(
        &self,
        request: Request<EraseTenantRequest>,
    ) -> Result<Response<EraseTenantResponse>, Status> {
        let identity = Identity::from_request(&request);
        let mut request = request.into_inner();
        identity.check_change(&request.tenant)?;
        request.actor = identity.actor(request.actor);
        Ok(Response::new(self.eraser.erase(request).await?))
    }
}

impl IngestionService {
    async fn rejections(
        &self,
        stream: &StreamName,
        chunks: &[(u64, usize)],
        page: &PageRange,
    ) -> Result<Vec<Rejection>, Failure> {
        let mut found = Vec::new();
        let mut before = 0;
        for (position, count) in chunks {
            let skip = page.from.saturating_sub(before);
            before += count;
            if skip >= *count || found.len() >= page.size {
                continue;
            }
            if let ObservationEvent::RowsQuarantined(chunk) =
                self.repository.event_at(stream, *position).await?
            {
                let room = page.size.saturating_sub(found.len());
                found.extend(
                    chunk
                        .rejections
                        .into_iter()
                        .skip(skip)
                        .take(room)
                        .map(rejection_codes::with_current_code),
                );
            }
        }
        Ok(found)
    }

    /// Checks that a release refers to what is the caller's only: files that it may use, and no release of
    /// another tenant or dataset to take the place of.
    async fn check_references(&self, identity: &Identity, release: &Release) -> Result<(), Failure> {
        self.repository.catch_up().await?;
        let stored = release.files.iter().map(|file| file.stored_sha256.as_str());
        let contents = stored.filter(|sha256| !sha256.is_empty());
        let contents = contents.map(|sha256| ContentId::parse("files.stored_sha256", sha256));
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        let tenant = &release.tenant;
        possession::check_may_use(&self.repository, &self.archive, identity, tenant, contents).await?;
        if release.in_place_of.is_empty() {
            return Ok(());
        }
        let replaced = self
            .repository
            .view(|state| state.find(&release.in_place_of).map(|record| Arc::clone(&record.head.release)))?;
        if (&replaced.tenant, &replaced.dataset) == (&release.tenant, &release.dataset) {
            return Ok(());
        }
        // It is not the caller's, so for the caller it does not exist.
        Err(unknown_release(&release.in_place_of))
    }

    fn info(&self, id: &str) -> Result<ReleaseInfo, Failure> {
        commands::release_info(&self.repository, id)
    }

    /// Resolves the name of a release that the caller may see, after catching up with the log.
    async fn readable_release(&self, identity: &Identity, name: &str) -> Result<String, Failure> {
        self.repository.catch_up().await?;
        self.repository.view(|state| resolve_release(state, identity, name))
    }

    /// Resolves the name of a release that the caller may change.
    async fn writable_release(&self, identity: &Identity, name: &str) -> Result<String, Failure> {
        let id = self.readable_release(identity, name).await?;
        let release =
            self.repository.view(|state| state.find(&id).map(|record| Arc::clone(&record.head.release)))?;
        identity.check_write(&release.tenant, &release.dataset)?;
        Ok(id)
    }
}

/// The next message of a stream, within [`CHUNK_TIMEOUT`].
async fn next_message(
    messages: &mut Streaming<RecordObservationsRequest>,
) -> Result<Option<RecordObservationsRequest>, Status> {
    match tokio::time::timeout(CHUNK_TIMEOUT, messages.message()).await {
        Ok(message) => message,
        Err(_) => {
            let message = format!("no chunk came for {} s", CHUNK_TIMEOUT.as_secs());
            Err(Failure::new(Class::Unavailable, "stalled", message)
                .with_hint("ingest the same files again: it continues where it stopped")
                .into())
        }
    }
}

/// Number of rows in a message.
fn recorded_rows(rows: &Rows) -> u64 {
    match rows {
        Rows::Observations(chunk) => chunk.columns.as_ref().map_or(0, validate::row_count),
        Rows::Quarantine(_) => 0,
    }
}

/// Resolves a release by identifier, by `DATASET/VINTAGE`, or by vintage. Of several, the committed one is
/// meant if there is only one. Releases that the caller may not see do not exist for it.
fn resolve_release(state: &IngestionState, identity: &Identity, name: &str) -> Result<String, Failure> {
    let seen = |record: &ReleaseRecord| identity.may_read(&record.head.release.tenant);
    if state.get(name).is_some_and(seen) {
        return Ok(name.to_owned());
    }
    let named = |record: &&ReleaseRecord| {
        let release = &record.head.release;
        if !seen(record) {
            return false;
        }
        release.vintage == name || format!("{}/{}", release.dataset, release.vintage) == name
    };
    let all: Vec<_> = state.iter().filter(named).collect();
    let committed: Vec<_> =
        all.iter().copied().filter(|record| record.head.state == ReleaseState::Committed).collect();
    match (&all[..], &committed[..]) {
        ([only], _) | (_, [only]) => Ok(only.head.release.id.clone()),
        ([], _) => Err(unknown_release(name)),
        _ => {
            let ids = all.iter().map(|record| record.head.release.id.as_str()).collect::<Vec<_>>();
            Err(Failure::new(Class::Invalid, "ambiguous-release", "several releases have this name")
                .at("release", name)
                .with_hint(format!("one of {}", ids.join(", "))))
        }
    }
}

/// A page of a list: index of its first entry, and its length.
///
/// Tokens are indices: entries are only ever added at the end of these lists.
struct PageRange {
    from: usize,
    size: usize,
}

impl PageRange {
    /// The page that a request asks for.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a size out of range, or a token that [`PageRange::next_token`] did not give.
    fn requested(size: u32, token: &str) -> Result<Self, Failure> {
        let size = PAGE_SIZE.resolve(size)?;
        let from = match token {
            "" => 0,
            token => token.parse().map_err(|_| invalid_token("page_token", token))?,
        };
        Ok(Self { from, size })
    }

    fn next_token(&self, has_more: bool) -> String {
        if has_more { self.from.saturating_add(self.size).to_string() } else { String::new() }
    }
}

/// A release in a list: without the notes of its publisher, which would make pages long.
fn listed(record: &ReleaseRecord) -> ReleaseInfo {
    let mut info = record.info();
    info.report.iter_mut().for_each(|report| report.notes.clear());
    info
}
