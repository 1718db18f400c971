//! The gRPC interface: answers requests from a snapshot of the book. It contains no rules about figures.

mod outlook;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use orewatch_contracts::common::v1::{AsAt, EventSkipped};
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_contracts::exposure::v1::exposure_service_server as server;
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, CompareSourcesResponse, ExplainExposureRequest, ExplainExposureResponse, Exposure,
    ExposureFilter, GetExposureRequest, GetExposureResponse, QueryExposuresRequest, QueryExposuresResponse,
    Reading, StreamExposuresRequest, StreamExposuresResponse, WatchExposuresRequest, WatchExposuresResponse,
};
use orewatch_contracts::ingestion::v1::Release;
use orewatch_contracts::stale::Answer;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Filter};
use orewatch_runtime::{Budget, Context, FollowedLog, Identity, Seat, Share, Stop, Work, WorkLimits};
use prost::Message as _;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::Logs;
use crate::book::{Book, Knowledge};
use crate::claims::check_claims;
use crate::compare::compare;
use crate::explain::{ExplainLimits, explain};
use crate::page_token::{PageToken, limit};
use crate::query::{Cursor, ExposureQuery, SelectedMarket, exposure_of, page, selected_markets};
use crate::request::{ExposureRequest, Selection, knowledge};
use crate::revisions::{Band, KnownFirmness, WantedBands, bands};
use crate::scenarios;
use crate::snapshot::Snapshot;
use crate::targets::list_targets;
use crate::vintages::compare_vintages;
use crate::watch::{DecodedEvents, WatchStart, Watcher};

/// Exposures in one message of a stream.
const EXPOSURES_PER_MESSAGE: usize = 250;

/// Upper bounds on concurrent watches, in total and for each identity. On JetStream each watch reads ahead.
const MAX_WATCHES: usize = 1_024;
const MAX_WATCHES_PER_IDENTITY: usize = 256;

/// How long a watch waits to compute a message: all other watches may be ahead of it.
const WATCH_PATIENCE: Duration = Duration::from_secs(60);

/// Retry hint for callers while too much data waits to be read.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Exposures in a page: upper bound, and default.
const MAX_PAGE_SIZE: u32 = 10_000;
const DEFAULT_PAGE_SIZE: u32 = 1000;

/// Source rows in an explanation: upper bound, and default.
const MAX_ROWS: u32 = 10_000;
const DEFAULT_ROWS: u32 = 50;

/// Routes in an explanation: upper bound, and default.
const MAX_ROUTES: u32 = 1000;
const DEFAULT_ROUTES: u32 = 10;

/// The gRPC service.
#[derive(Clone, Debug)]
pub(crate) struct ExposureService {
    known: Receiver<Snapshot>,
    observations: Arc<dyn EventLog>,
    exposures: Arc<dyn EventLog>,
    /// What is known of the log that answers rest on.
    followed: FollowedLog,
    events: Arc<DecodedEvents>,
    watches: Work,
    work: Work,
    memory: Budget,
    shutdown: CancellationToken,
}

impl ExposureService {
    pub(crate) fn new(
        known: Receiver<Snapshot>,
        logs: &Logs,
        followed: FollowedLog,
        context: &Context,
    ) -> Self {
        let Logs { observations, exposures } = logs.clone();
        let Context { work, memory, shutdown, .. } = context.clone();
        let limits = WorkLimits {
            seats: MAX_WATCHES,
            seats_per_identity: MAX_WATCHES_PER_IDENTITY,
            patience: WATCH_PATIENCE,
            ..WorkLimits::default()
        };
        let watches = work.with_own_limits("watches of exposures", limits);
        let events = Arc::default();
        Self { known, observations, exposures, followed, events, watches, work, memory, shutdown }
    }

    /// Events of releases that do not count.
    fn skipped_events(&self, releases: &[Release]) -> Vec<EventSkipped> {
        let skipped = self.observations.skipped();
        // The stream of a release has the name of the release below that of the log.
        let stream =
            |release: &Release| format!("{}.{}", self.observations.name(), release.id.replacen('/', ".", 1));
        releases.iter().flat_map(|release| skipped.on_stream(&stream(release))).collect()
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// `starting` until the log has been read once.
    fn snapshot(&self) -> Result<Snapshot, Failure> {
        let snapshot = self.known.borrow().clone();
        if snapshot.ready {
            return Ok(snapshot);
        }
        let reason = self.followed.stale().map(|state| format!(": {}", state.reason));
        let message = format!("the service is still reading its log{}", reason.unwrap_or_default());
        Err(Failure::new(Class::Unavailable, "starting", message)
            .retry_after(RETRY_AFTER)
            .with_hint("try again soon"))
    }

    /// Sends an answer. It is marked if the log that it rests on cannot be followed.
    fn respond<T: Answer>(&self, mut answer: T) -> Response<T> {
        answer.set_stale(self.followed.stale());
        Response::new(answer)
    }

    /// Computes an answer for a caller on the threads for computation, within the caller's limits.
    async fn answer<T: Send + 'static>(
        &self,
        identity: &Identity,
        compute: impl FnOnce(&Snapshot, &Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Status> {
        let snapshot = self.snapshot()?;
        Ok(self.work.run(identity, move |stop| compute(&snapshot, stop)).await?)
    }
}

#[tonic::async_trait]
impl server::ExposureService for ExposureService {
    type StreamExposuresStream = BoxStream<'static, Result<StreamExposuresResponse, Status>>;
    type WatchExposuresStream = BoxStream<'static, Result<WatchExposuresResponse, Status>>;

    async fn get_exposure(
        &self,
        request: Request<GetExposureRequest>,
    ) -> Result<Response<GetExposureResponse>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let get = move |known: &Snapshot, stop: &Stop| {
            let wanted = ExposureRequest::parse(request.subject.as_ref(), &request.as_of)?;
            let book = known.read(request.reading.as_ref())?;
            wanted.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            let exposure = exposure_of(&book, at, &wanted, request.trend);
            if !request.firmness {
                return Ok(exposure);
            }
            KnownFirmness::new(&book, at, wanted.topic(), stop).add_to(exposure, wanted.key.by)
        };
        let exposure = self.answer(&identity, get).await?;
        Ok(self.respond(GetExposureResponse { exposure: Some(exposure), stale: None }))
    }

    async fn query_exposures(
        &self,
        request: Request<QueryExposuresRequest>,
    ) -> Result<Response<QueryExposuresResponse>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let response = self.answer(&identity, move |known, stop| query(known, &request, stop)).await?;
        Ok(self.respond(response))
    }

    async fn stream_exposures(
        &self,
        request: Request<StreamExposuresRequest>,
    ) -> Result<Response<Self::StreamExposuresStream>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let StreamExposuresRequest { filter, as_at, trend, reading, firmness } = request;
        let (seat, known) = (self.work.admit(&identity)?, self.snapshot()?);
        let stale = self.followed.stale();
        let begin = move |_: &Stop| {
            let selection = Selection::parse(&filter.unwrap_or_default())?;
            let book = known.read(reading.as_ref())?;
            let at = knowledge(&book, known.position, as_at.as_ref())?;
            let markets = selected_markets(&book, at, &selection);
            Ok((Streaming { book, at, selection: Arc::new(selection), trend, firmness }, markets))
        };
        let (streaming, markets) = seat.run(begin).await?;
        let memory = self.memory.clone();
        // The next market is computed when the client has read this one.
        let messages = stream::iter(markets)
            .then(move |market| streaming.clone().market(market, seat.clone(), memory.clone()))
            .map_ok(|pieces| stream::iter(pieces).map(Piece::read))
            .try_flatten()
            .map_ok(move |mut message| {
                message.set_stale(stale.clone());
                message
            });
        Ok(Response::new(messages.take_until(self.shutdown.clone().cancelled_owned()).boxed()))
    }

    async fn watch_exposures(
        &self,
        request: Request<WatchExposuresRequest>,
    ) -> Result<Response<Self::WatchExposuresStream>, Status> {
        let seat = self.watches.admit(&Identity::from_request(&request))?;
        let WatchExposuresRequest { filter, resume_token } = request.into_inner();
        let selection = Selection::parse_for_watch(&filter.unwrap_or_default())?;
        let head = self.exposures.extent().await.map_err(Failure::from)?.head;
        let after = WatchStart::parse(&resume_token)?.within(head, &resume_token)?;
        let watcher = Watcher::new(selection, Arc::clone(&self.events));
        let items = self.exposures.read(Filter::All, after);
        let messages = watcher.watch(items, seat).map_err(Status::from);
        let end = Failure::new(Class::Unavailable, "stopping", "the service stops")
            .with_hint("resume from the last token at another replica, or later");
        let messages = messages.take_until(self.shutdown.clone().cancelled_owned());
        let messages = messages.chain(stream::once(async { Err(end.into()) }));
        Ok(Response::new(messages.boxed()))
    }

    async fn compare_sources(
        &self,
        request: Request<CompareSourcesRequest>,
    ) -> Result<Response<CompareSourcesResponse>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let compare = move |known: &Snapshot, stop: &Stop| {
            let wanted = ExposureRequest::parse(request.subject.as_ref(), &request.as_of)?;
            check_comparable(request.reading.as_ref())?;
            let book = known.read(request.reading.as_ref())?;
            wanted.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            compare(&book, at, &wanted, stop)
        };
        Ok(self.respond(self.answer(&identity, compare).await?))
    }

    async fn explain_exposure(
        &self,
        request: Request<ExplainExposureRequest>,
    ) -> Result<Response<ExplainExposureResponse>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let compute = move |known: &Snapshot, stop: &Stop| {
            let wanted = ExposureRequest::parse(request.subject.as_ref(), &request.as_of)?;
            let book = known.read(request.reading.as_ref())?;
            wanted.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            let limits = ExplainLimits {
                rows: limit(request.max_rows, DEFAULT_ROWS, MAX_ROWS, "max_rows")?,
                routes: limit(request.max_routes, DEFAULT_ROUTES, MAX_ROUTES, "max_routes")?,
            };
            explain(&book, at, &wanted, limits, stop)
        };
        let mut explained = self.answer(&identity, compute).await?;
        explained.skipped = self.skipped_events(&explained.releases);
        Ok(self.respond(explained))
    }

    async fn list_scenarios(
        &self,
        request: Request<exposure::ListScenariosRequest>,
    ) -> Result<Response<exposure::ListScenariosResponse>, Status> {
        let (identity, request) = permitted(request, |_| None)?;
        let list = move |known: &Snapshot, _: &Stop| scenarios::list(known, request.as_at.as_ref());
        Ok(self.respond(self.answer(&identity, list).await?))
    }

    async fn list_targets(
        &self,
        request: Request<exposure::ListTargetsRequest>,
    ) -> Result<Response<exposure::ListTargetsResponse>, Status> {
        let (identity, request) = (Identity::from_request(&request), request.into_inner());
        let list = move |known: &Snapshot, stop: &Stop| list_targets(known, &request, stop);
        Ok(self.respond(self.answer(&identity, list).await?))
    }

    async fn check_claims(
        &self,
        request: Request<exposure::CheckClaimsRequest>,
    ) -> Result<Response<exposure::CheckClaimsResponse>, Status> {
        let (identity, request) = (Identity::from_request(&request), request.into_inner());
        let check = move |known: &Snapshot, stop: &Stop| check_claims(known, &request, stop);
        Ok(self.respond(self.answer(&identity, check).await?))
    }

    async fn list_revisions(
        &self,
        request: Request<exposure::ListRevisionsRequest>,
    ) -> Result<Response<exposure::ListRevisionsResponse>, Status> {
        let (identity, request) = permitted(request, |_| None)?;
        let list = move |known: &Snapshot, stop: &Stop| {
            let book = known.read(None)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            let wanted = WantedBands::parse(&book, &request)?;
            let bands = bands(&book, at, &wanted, stop)?;
            let bands = bands.iter().map(Band::message).collect();
            Ok(exposure::ListRevisionsResponse { bands, stale: None })
        };
        Ok(self.respond(self.answer(&identity, list).await?))
    }

    async fn compare_vintages(
        &self,
        request: Request<exposure::CompareVintagesRequest>,
    ) -> Result<Response<exposure::CompareVintagesResponse>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let compare = move |known: &Snapshot, stop: &Stop| compare_vintages(known, &request, stop);
        Ok(self.respond(self.answer(&identity, compare).await?))
    }
}

/// The caller and its request, if the caller may read the figures of the tenant that it names.
fn permitted<T>(
    request: Request<T>,
    reading: impl FnOnce(&T) -> Option<&Reading>,
) -> Result<(Arc<Identity>, T), Failure> {
    let identity = Identity::from_request(&request);
    let request = request.into_inner();
    identity.check_read(reading(&request).map_or("", |reading| &reading.tenant))?;
    Ok((identity, request))
}

/// Refuses a reading by one dataset, which would leave nothing to compare, and one under a scenario, which
/// has no other source.
fn check_comparable(reading: Option<&Reading>) -> Result<(), Failure> {
    let dataset = reading.map_or("", |reading| &reading.dataset);
    if !dataset.is_empty() {
        let message = "sources are compared over all datasets";
        return Err(Failure::new(Class::Invalid, "unexpected-dataset", message)
            .with_hint("leave the dataset out, or ask for the exposure by it alone")
            .at("reading.dataset", dataset));
    }
    match reading.map_or("", |reading| &reading.scenario) {
        "" => Ok(()),
        scenario => {
            Err(Failure::new(Class::Invalid, "unexpected-scenario", "only observations are compared")
                .with_hint("leave the scenario out, or ask for the exposure under each scenario")
                .at("reading.scenario", scenario))
        }
    }
}

/// The inputs of a stream of exposures.
#[derive(Clone)]
struct Streaming {
    book: Arc<Book>,
    at: Knowledge,
    selection: Arc<Selection>,
    trend: bool,
    firmness: bool,
}

/// An encoded message of a stream that waits to be sent. As bytes it takes a tenth of the memory of
/// exposures.
struct Piece {
    bytes: Bytes,
    /// Its share of the memory budget of all calls.
    share: Share,
}

impl Streaming {
    /// The exposures of one market as messages.
    async fn market(self, part: SelectedMarket, seat: Seat, memory: Budget) -> Result<Vec<Piece>, Status> {
        Ok(seat.run(move |stop| self.pieces(part, &memory, stop)).await?)
    }

    fn pieces(&self, part: SelectedMarket, memory: &Budget, stop: &Stop) -> Result<Vec<Piece>, Failure> {
        let Self { book, at, selection, trend, firmness } = self;
        let query = ExposureQuery { book, at: *at, selection, trend: *trend, firmness: *firmness, stop };
        let (mut pieces, mut exposures) = (Vec::new(), Vec::new());
        let refused = query.visit(part, 0, |exposure| {
            exposures.push(exposure);
            if exposures.len() < EXPOSURES_PER_MESSAGE {
                return ControlFlow::Continue(());
            }
            match Piece::from_exposures(std::mem::take(&mut exposures), memory) {
                Ok(piece) => {
                    pieces.push(piece);
                    ControlFlow::Continue(())
                }
                Err(failure) => ControlFlow::Break(failure),
            }
        })?;
        if let Some(failure) = refused {
            return Err(failure);
        }
        if !exposures.is_empty() {
            pieces.push(Piece::from_exposures(exposures, memory)?);
        }
        Ok(pieces)
    }
}

impl Piece {
    fn from_exposures(exposures: Vec<Exposure>, memory: &Budget) -> Result<Self, Failure> {
        let bytes = Bytes::from(StreamExposuresResponse { exposures, stale: None }.encode_to_vec());
        let share = memory.take(bytes.len()).ok_or_else(|| {
            Failure::new(
                Class::Exhausted,
                "too-busy",
                "too much waits to be read from this service at a time",
            )
            .with_hint("try again after some seconds, and read what comes")
            .retry_after(RETRY_AFTER)
        })?;
        Ok(Self { bytes, share })
    }

    fn read(self) -> Result<StreamExposuresResponse, Status> {
        let Self { bytes, share } = self;
        let message =
            StreamExposuresResponse::decode(bytes).map_err(|error| Status::internal(error.to_string()));
        drop(share);
        message
    }
}

fn query(
    known: &Snapshot,
    request: &QueryExposuresRequest,
    stop: &Stop,
) -> Result<QueryExposuresResponse, Failure> {
    let filter = request.filter.clone().unwrap_or_default();
    let selection = Selection::parse(&filter)?;
    let page_size = limit(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, "page_size")?;
    let binding = binding(&filter, request.as_at.as_ref(), request.reading.as_ref());
    let book = known.read(request.reading.as_ref())?;
    let (at, cursor) = match PageToken::parse(&request.page_token, binding)? {
        // Later pages see what the first page saw, whatever was committed since.
        Some(token) => {
            let at = knowledge(&book, token.position, request.as_at.as_ref())?;
            (Knowledge { position: at.position.min(token.position), ..at }, token.cursor)
        }
        None => (knowledge(&book, known.position, request.as_at.as_ref())?, Cursor::default()),
    };
    let (trend, firmness) = (request.trend, request.firmness);
    let query = ExposureQuery { book: &book, at, selection: &selection, trend, firmness, stop };
    let (exposures, next) = page(&query, cursor, page_size)?;
    let token = |cursor| PageToken { binding, position: at.position, cursor }.text();
    Ok(QueryExposuresResponse {
        exposures,
        next_page_token: next.map(token).unwrap_or_default(),
        as_at_position: at.position.min(known.position),
        exposures_position: known.published,
        stale: None,
    })
}

/// Digest of the request that a page token belongs to.
fn binding(filter: &ExposureFilter, as_at: Option<&AsAt>, reading: Option<&Reading>) -> Uuid {
    let mut bytes = filter.encode_length_delimited_to_vec();
    bytes.extend(as_at.map(prost::Message::encode_length_delimited_to_vec).unwrap_or_default());
    bytes.extend(reading.map(prost::Message::encode_to_vec).unwrap_or_default());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &bytes)
}
