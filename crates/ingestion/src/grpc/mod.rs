//! The edge: requests become commands, state becomes answers. No rules here.

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
use orewatch_contracts::ingestion::v1::ingestion_service_server::IngestionService;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, CommitReleaseResponse, DownloadFileRequest, DownloadFileResponse,
    GetReleaseRequest, GetReleaseResponse, GetSourcePolicyRequest, GetSourcePolicyResponse,
    IngestFilesRequest, IngestFilesResponse, ListConnectorsRequest, ListConnectorsResponse,
    ListFetchesRequest, ListFetchesResponse, ListGatesRequest, ListGatesResponse, ListRejectionsRequest,
    ListRejectionsResponse, ListReleasesRequest, ListReleasesResponse, OpenReleaseRequest,
    OpenReleaseResponse, PollRequest, PollResponse, PutSourcePolicyRequest, PutSourcePolicyResponse,
    RecordObservationsRequest, RecordObservationsResponse, Rejection, Release, ReleaseInfo, ReleaseState,
    RepairRowsRequest, RepairRowsResponse, UploadFileRequest, UploadFileResponse, WithdrawReleaseRequest,
    WithdrawReleaseResponse,
};
use orewatch_eventlog::StreamName;
use orewatch_runtime::{Class, Failure, Identity};
use tonic::{Request, Response, Status, Streaming};

use crate::archive::{Archive, ContentId};
use crate::commands::{self, find, info};
use crate::connectors::Connectors;
use crate::evolve::{Book, Held};
use crate::fact::Fact;
use crate::intake::Intake;
use crate::record::Recording;
use crate::work::Keeper;
use crate::{possession, validate};

/// How long the next chunk of a stream may take.
const STALL: Duration = Duration::from_secs(120);

/// The service.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) intake: Arc<Intake>,
    /// How long the next piece of a file may take.
    pub(crate) stall: Duration,
    pub(crate) connectors: Arc<Connectors>,
}

/// A stream of answers.
type Answers<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl IngestionService for Edge {
    type DownloadFileStream = Answers<DownloadFileResponse>;
    type IngestFilesStream = Answers<IngestFilesResponse>;
    type PollStream = Answers<PollResponse>;

    async fn open_release(
        &self,
        request: Request<OpenReleaseRequest>,
    ) -> Result<Response<OpenReleaseResponse>, Status> {
        let who = Identity::of(&request);
        let release = request.into_inner().release;
        let missing =
            || Failure::new(Class::Invalid, "invalid-request", "the release is missing").at("release", "");
        let release = release.ok_or_else(missing)?;
        who.check_write(&release.tenant, &release.dataset)?;
        self.check_named(&who, &release).await?;
        let release = commands::open(&self.keeper, release).await?;
        Ok(Response::new(OpenReleaseResponse { release: Some(release) }))
    }

    async fn record_observations(
        &self,
        request: Request<Streaming<RecordObservationsRequest>>,
    ) -> Result<Response<RecordObservationsResponse>, Status> {
        let who = Identity::of(&request);
        let mut messages = request.into_inner();
        let mut recording: Option<Recording> = None;
        let mut answer = RecordObservationsResponse::default();
        while let Some(message) = next(&mut messages).await? {
            let recording = match &mut recording {
                Some(recording) => recording,
                none => {
                    self.writable(&who, &message.release).await?;
                    none.insert(Recording::begin(&self.keeper, &message.release).await?)
                }
            };
            if !message.release.is_empty() && message.release != recording.release() {
                return Err(Failure::new(Class::Invalid, "invalid-request", "a stream records one release")
                    .at("release", message.release)
                    .into());
            }
            let Some(rows) = message.rows else { continue };
            let count = row_count(&rows);
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
        let who = Identity::of(&request);
        let mut request = request.into_inner();
        request.release = self.writable(&who, &request.release).await?;
        let release = commands::commit(&self.keeper, request).await?;
        Ok(Response::new(CommitReleaseResponse { release: Some(release) }))
    }

    async fn withdraw_release(
        &self,
        request: Request<WithdrawReleaseRequest>,
    ) -> Result<Response<WithdrawReleaseResponse>, Status> {
        let who = Identity::of(&request);
        let WithdrawReleaseRequest { release, reason, actor } = request.into_inner();
        let actor = who.actor(actor);
        let id = self.writable(&who, &release).await?;
        let release = commands::withdraw(&self.keeper, &id, reason, actor).await?;
        Ok(Response::new(WithdrawReleaseResponse { release: Some(release) }))
    }

    async fn list_releases(
        &self,
        request: Request<ListReleasesRequest>,
    ) -> Result<Response<ListReleasesResponse>, Status> {
        let who = Identity::of(&request);
        let request = request.into_inner();
        let page = Page::of(request.page_size, &request.page_token)?;
        let any = request.state() == ReleaseState::Unspecified;
        let wanted = |held: &&Held| {
            (request.dataset.is_empty() || held.head.release.dataset == request.dataset)
                && (any || held.head.state == request.state())
                && who.may_read(&held.head.release.tenant)
        };
        self.keeper.up_to_date().await?;
        let (releases, more) = self.keeper.view(|book| {
            let mut rest = book.iter().filter(wanted).skip(page.from);
            let releases: Vec<_> = rest.by_ref().take(page.size).map(info).collect();
            (releases, rest.next().is_some())
        });
        let next_page_token = page.next(more);
        Ok(Response::new(ListReleasesResponse { releases, next_page_token }))
    }

    async fn get_release(
        &self,
        request: Request<GetReleaseRequest>,
    ) -> Result<Response<GetReleaseResponse>, Status> {
        let who = Identity::of(&request);
        let id = self.readable(&who, &request.into_inner().release).await?;
        Ok(Response::new(GetReleaseResponse { release: Some(self.info(&id)?) }))
    }

    async fn list_rejections(
        &self,
        request: Request<ListRejectionsRequest>,
    ) -> Result<Response<ListRejectionsResponse>, Status> {
        let who = Identity::of(&request);
        let request = request.into_inner();
        let page = Page::of(request.page_size, &request.page_token)?;
        let id = self.readable(&who, &request.release).await?;
        let chunks = self.keeper.view(|book| find(book, &id).map(|held| held.listed.clone()))?;
        let rejections = self.rejections(&self.keeper.stream(&id)?, &chunks, &page).await?;
        let all: usize = chunks.iter().map(|(_, count)| count).sum();
        let next_page_token = page.next(page.from.saturating_add(rejections.len()) < all);
        Ok(Response::new(ListRejectionsResponse { rejections, next_page_token }))
    }

    async fn upload_file(
        &self,
        request: Request<Streaming<UploadFileRequest>>,
    ) -> Result<Response<UploadFileResponse>, Status> {
        let who = Identity::of(&request);
        if !who.may_write_any() {
            let message = "this token may not hand anything in";
            return Err(Failure::new(Class::Refused, "not-permitted", message).into());
        }
        files::upload(self, &who, request.into_inner()).await.map(Response::new)
    }

    async fn repair_rows(
        &self,
        request: Request<RepairRowsRequest>,
    ) -> Result<Response<RepairRowsResponse>, Status> {
        let who = Identity::of(&request);
        let mut request = request.into_inner();
        request.release = self.writable(&who, &request.release).await?;
        request.actor = who.actor(request.actor);
        repair::rows(self, request).await.map(Response::new)
    }

    async fn download_file(
        &self,
        request: Request<DownloadFileRequest>,
    ) -> Result<Response<Self::DownloadFileStream>, Status> {
        let who = Identity::of(&request);
        files::download(self, &who, request.into_inner()).await.map(Response::new)
    }

    async fn ingest_files(
        &self,
        request: Request<IngestFilesRequest>,
    ) -> Result<Response<Self::IngestFilesStream>, Status> {
        let who = Identity::of(&request);
        intake::ingest(self, who, request.into_inner()).await.map(Response::new)
    }

    async fn list_gates(
        &self,
        request: Request<ListGatesRequest>,
    ) -> Result<Response<ListGatesResponse>, Status> {
        gates::list(self, request.into_inner()).await.map(Response::new)
    }

    async fn get_source_policy(
        &self,
        _: Request<GetSourcePolicyRequest>,
    ) -> Result<Response<GetSourcePolicyResponse>, Status> {
        policy::get(self).await.map(Response::new)
    }

    async fn put_source_policy(
        &self,
        request: Request<PutSourcePolicyRequest>,
    ) -> Result<Response<PutSourcePolicyResponse>, Status> {
        let who = Identity::of(&request);
        policy::put(self, &who, request.into_inner()).await.map(Response::new)
    }

    async fn poll(&self, request: Request<PollRequest>) -> Result<Response<Self::PollStream>, Status> {
        if !Identity::of(&request).may_write("") {
            let message = "this token may not have publishers asked: what they answer is everyone's";
            return Err(Failure::new(Class::Refused, "not-permitted", message).into());
        }
        let reading = connectors::poll(self, request.into_inner()).await?;
        let answer = |reading| PollResponse { reading: Some(reading) };
        Ok(Response::new(reading.map_ok(answer).boxed()))
    }

    async fn list_connectors(
        &self,
        request: Request<ListConnectorsRequest>,
    ) -> Result<Response<ListConnectorsResponse>, Status> {
        connectors::list(self, request.into_inner()).await.map(Response::new)
    }

    async fn list_fetches(
        &self,
        request: Request<ListFetchesRequest>,
    ) -> Result<Response<ListFetchesResponse>, Status> {
        connectors::fetches(self, request.into_inner()).await.map(Response::new)
    }
}

impl Edge {
    async fn rejections(
        &self,
        stream: &StreamName,
        chunks: &[(u64, usize)],
        page: &Page,
    ) -> Result<Vec<Rejection>, Failure> {
        let mut found = Vec::new();
        let mut before = 0;
        for (position, count) in chunks {
            let skip = page.from.saturating_sub(before);
            before += count;
            if skip >= *count || found.len() >= page.size {
                continue;
            }
            if let Fact::Quarantined(chunk) = self.keeper.event(stream, *position).await? {
                let room = page.size.saturating_sub(found.len());
                found.extend(chunk.rejections.into_iter().skip(skip).take(room));
            }
        }
        Ok(found)
    }

    /// Sees to it that a release names as its own only what is the caller's: files that it may use, and no release of another to
    /// take the place of.
    async fn check_named(&self, who: &Identity, release: &Release) -> Result<(), Failure> {
        self.keeper.up_to_date().await?;
        let stored = release.files.iter().map(|file| file.stored_sha256.as_str());
        let contents = stored.filter(|sha256| !sha256.is_empty());
        let contents = contents.map(|sha256| ContentId::parse("files.stored_sha256", sha256));
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        possession::check(&self.keeper, &self.archive, who, contents).await?;
        if release.in_place_of.is_empty() {
            return Ok(());
        }
        let replaced = self
            .keeper
            .view(|book| find(book, &release.in_place_of).map(|held| Arc::clone(&held.head.release)))?;
        if (&replaced.tenant, &replaced.dataset) == (&release.tenant, &release.dataset) {
            return Ok(());
        }
        // As if it were not there: it is not the caller's.
        Err(commands::unknown(&release.in_place_of))
    }

    fn info(&self, id: &str) -> Result<ReleaseInfo, Failure> {
        commands::state(&self.keeper, id)
    }

    /// The identifier of the release that is meant, of all that the log holds now and the caller may see.
    async fn readable(&self, who: &Identity, name: &str) -> Result<String, Failure> {
        self.keeper.up_to_date().await?;
        self.keeper.view(|book| resolve(book, who, name))
    }

    /// The same, if the caller may change it.
    async fn writable(&self, who: &Identity, name: &str) -> Result<String, Failure> {
        let id = self.readable(who, name).await?;
        let release = self.keeper.view(|book| find(book, &id).map(|held| Arc::clone(&held.head.release)))?;
        who.check_write(&release.tenant, &release.dataset)?;
        Ok(id)
    }
}

/// The next message of a stream, which may not stall for ever.
async fn next(
    messages: &mut Streaming<RecordObservationsRequest>,
) -> Result<Option<RecordObservationsRequest>, Status> {
    match tokio::time::timeout(STALL, messages.message()).await {
        Ok(message) => message,
        Err(_) => {
            let message = format!("no chunk came for {} s", STALL.as_secs());
            Err(Failure::new(Class::Unavailable, "stalled", message)
                .with_hint("ingest the same files again: it goes on where it stopped")
                .into())
        }
    }
}

/// Rows of a chunk that are to be recorded.
fn row_count(rows: &Rows) -> u64 {
    match rows {
        Rows::Observations(chunk) => chunk.columns.as_ref().map_or(0, validate::row_count),
        Rows::Quarantine(_) => 0,
    }
}

/// A release by identifier, by `DATASET/VINTAGE`, or by vintage; of several the one that is committed, if only one is.
/// What the caller may not see is not there.
fn resolve(book: &Book, who: &Identity, name: &str) -> Result<String, Failure> {
    let seen = |held: &Held| who.may_read(&held.head.release.tenant);
    if book.get(name).is_some_and(seen) {
        return Ok(name.to_owned());
    }
    let named = |held: &&Held| {
        let release = &held.head.release;
        if !seen(held) {
            return false;
        }
        release.vintage == name || format!("{}/{}", release.dataset, release.vintage) == name
    };
    let all: Vec<_> = book.iter().filter(named).collect();
    let committed: Vec<_> =
        all.iter().copied().filter(|held| held.head.state == ReleaseState::Committed).collect();
    match (&all[..], &committed[..]) {
        ([only], _) | (_, [only]) => Ok(only.head.release.id.clone()),
        ([], _) => Err(commands::unknown(name)),
        _ => {
            let ids = all.iter().map(|held| held.head.release.id.as_str()).collect::<Vec<_>>();
            Err(Failure::new(Class::Invalid, "ambiguous-release", "several releases go by this name")
                .at("release", name)
                .with_hint(format!("one of {}", ids.join(", "))))
        }
    }
}

/// A page of a list: from which entry, and how many.
struct Page {
    from: usize,
    size: usize,
}

impl Page {
    /// Sizes are 1 to 1000, 0 means 100; tokens are those that [`Page::next`] gave.
    fn of(size: u32, token: &str) -> Result<Self, Failure> {
        let invalid = |field: &str, value: String, message: &str| {
            Failure::new(Class::Invalid, "invalid-request", message).at(field, value)
        };
        let size = match size {
            0 => 100,
            1..=1000 => usize::try_from(size).unwrap_or(1000),
            _ => return Err(invalid("page_size", size.to_string(), "a page has 1 to 1000 entries")),
        };
        let bad = |_| invalid("page_token", token.to_owned(), "this is not a token of a page");
        let from = if token.is_empty() { 0 } else { token.parse().map_err(bad)? };
        Ok(Self { from, size })
    }

    fn next(&self, more: bool) -> String {
        if more { self.from.saturating_add(self.size).to_string() } else { String::new() }
    }
}
