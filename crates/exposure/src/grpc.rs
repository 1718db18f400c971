//! The interface: requests in, answers out of a snapshot of the book. No rule of the subject lives here.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::exposure::v1::exposure_service_server::ExposureService;
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, CompareSourcesResponse, ExplainExposureRequest, ExplainExposureResponse, Exposure,
    ExposureFilter, GetExposureRequest, GetExposureResponse, QueryExposuresRequest, QueryExposuresResponse,
    Reading, StreamExposuresRequest, StreamExposuresResponse, WatchExposuresRequest, WatchExposuresResponse,
};
use orewatch_eventlog::{EventLog, Filter};
use orewatch_runtime::{Admission, Budget, Class, Context, Failure, Identity, Seat, Share, Stop, Work};
use prost::Message as _;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::book::{Book, Knowledge};
use crate::compare::compare;
use crate::explain::{Most, explain};
use crate::query::{Asking, Cursor, Part, exposure_of, page, parts};
use crate::request::{Asked, Selection, knowledge};
use crate::snapshot::Snapshot;
use crate::watch::{Events, Start, Watcher};

/// Exposures in one message of a stream.
const IN_MESSAGE: usize = 1000;

/// Watches at a time, in all and of each identity: on JetStream each reads ahead.
const WATCHES: usize = 1_024;
const WATCHES_PER_IDENTITY: usize = 256;

/// When to try again where too much waits.
const RETRY: Duration = Duration::from_secs(2);

/// Exposures in a page, at most and where the request does not say.
const MOST_IN_PAGE: u32 = 10_000;
const IN_PAGE: u32 = 1000;

/// Source rows in an explanation, at most and where the request does not say.
const MOST_ROWS: u32 = 10_000;
const ROWS: u32 = 50;

/// Routes in an explanation, at most and where the request does not say.
const MOST_ROUTES: u32 = 1000;
const ROUTES: u32 = 10;

/// The service as gRPC sees it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    known: Receiver<Snapshot>,
    exposures: Arc<dyn EventLog>,
    events: Arc<Events>,
    watches: Admission,
    work: Work,
    memory: Budget,
    shutdown: CancellationToken,
}

impl Service {
    pub(crate) fn new(known: Receiver<Snapshot>, exposures: Arc<dyn EventLog>, context: &Context) -> Self {
        let Context { work, memory, shutdown, .. } = context.clone();
        let watches = Admission::new("watches of exposures", WATCHES, WATCHES_PER_IDENTITY);
        Self { known, exposures, events: Arc::default(), watches, work, memory, shutdown }
    }

    /// What is known now.
    fn snapshot(&self) -> Result<Snapshot, Failure> {
        let snapshot = self.known.borrow().clone();
        if snapshot.ready {
            return Ok(snapshot);
        }
        Err(Failure::new(Class::Unavailable, "starting", "the service is still reading its log")
            .with_hint("try again soon"))
    }

    /// Computes an answer for a caller, beside the asynchronous work and within its bounds.
    async fn answer<T: Send + 'static>(
        &self,
        who: &Identity,
        compute: impl FnOnce(&Snapshot, &Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Status> {
        let snapshot = self.snapshot()?;
        Ok(self.work.run(who, move |stop| compute(&snapshot, stop)).await?)
    }
}

#[tonic::async_trait]
impl ExposureService for Service {
    type StreamExposuresStream = BoxStream<'static, Result<StreamExposuresResponse, Status>>;
    type WatchExposuresStream = BoxStream<'static, Result<WatchExposuresResponse, Status>>;

    async fn get_exposure(
        &self,
        request: Request<GetExposureRequest>,
    ) -> Result<Response<GetExposureResponse>, Status> {
        let (who, request) = permitted(request, |request| request.reading.as_ref())?;
        let get = move |known: &Snapshot, _: &Stop| {
            let asked = Asked::parse(request.subject.as_ref(), &request.as_of)?;
            let book = known.read(request.reading.as_ref())?;
            asked.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            Ok(exposure_of(&book, at, &asked, request.trend))
        };
        let exposure = self.answer(&who, get).await?;
        Ok(Response::new(GetExposureResponse { exposure: Some(exposure) }))
    }

    async fn query_exposures(
        &self,
        request: Request<QueryExposuresRequest>,
    ) -> Result<Response<QueryExposuresResponse>, Status> {
        let (who, request) = permitted(request, |request| request.reading.as_ref())?;
        let response = self.answer(&who, move |known, stop| query(known, &request, stop)).await?;
        Ok(Response::new(response))
    }

    async fn stream_exposures(
        &self,
        request: Request<StreamExposuresRequest>,
    ) -> Result<Response<Self::StreamExposuresStream>, Status> {
        let (who, request) = permitted(request, |request| request.reading.as_ref())?;
        let StreamExposuresRequest { filter, as_at, trend, reading } = request;
        let (seat, known) = (self.work.admit(&who)?, self.snapshot()?);
        let begin = move |_: &Stop| {
            let selection = Selection::parse(&filter.unwrap_or_default())?;
            let book = known.read(reading.as_ref())?;
            let at = knowledge(&book, known.position, as_at.as_ref())?;
            let parts = parts(&book, at, &selection);
            Ok((Streaming { book, at, selection: Arc::new(selection), trend }, parts))
        };
        let (streaming, parts) = seat.run(begin).await?;
        let memory = self.memory.clone();
        // The next market is computed when the client has taken this one.
        let messages = stream::iter(parts)
            .then(move |part| streaming.clone().market(part, seat.clone(), memory.clone()))
            .map_ok(|pieces| stream::iter(pieces).map(Piece::read))
            .try_flatten();
        Ok(Response::new(messages.take_until(self.shutdown.clone().cancelled_owned()).boxed()))
    }

    async fn watch_exposures(
        &self,
        request: Request<WatchExposuresRequest>,
    ) -> Result<Response<Self::WatchExposuresStream>, Status> {
        let place = self.watches.admit(&Identity::of(&request))?;
        let WatchExposuresRequest { filter, resume_token } = request.into_inner();
        let selection = Selection::watch(&filter.unwrap_or_default())?;
        let head = self.exposures.extent().await.map_err(Failure::from)?.head;
        let after = Start::parse(&resume_token)?.within(head, &resume_token)?;
        let watcher = Watcher::new(selection, Arc::clone(&self.events));
        let items = self.exposures.read(Filter::All, after);
        let messages = watcher.watch(items).map_err(Status::from);
        let end = Failure::new(Class::Unavailable, "stopping", "the service stops")
            .with_hint("resume from the last token at another replica, or later");
        let messages = messages.take_until(self.shutdown.clone().cancelled_owned());
        let messages = messages.chain(stream::once(async { Err(end.into()) }));
        // The place is free when the stream goes.
        let messages = messages.map(move |message| {
            let _held = &place;
            message
        });
        Ok(Response::new(messages.boxed()))
    }

    async fn compare_sources(
        &self,
        request: Request<CompareSourcesRequest>,
    ) -> Result<Response<CompareSourcesResponse>, Status> {
        let (who, request) = permitted(request, |request| request.reading.as_ref())?;
        let compare = move |known: &Snapshot, stop: &Stop| {
            let asked = Asked::parse(request.subject.as_ref(), &request.as_of)?;
            check_no_dataset(request.reading.as_ref())?;
            let book = known.read(request.reading.as_ref())?;
            asked.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            compare(&book, at, &asked, stop)
        };
        Ok(Response::new(self.answer(&who, compare).await?))
    }

    async fn explain_exposure(
        &self,
        request: Request<ExplainExposureRequest>,
    ) -> Result<Response<ExplainExposureResponse>, Status> {
        let (who, request) = permitted(request, |request| request.reading.as_ref())?;
        let compute = move |known: &Snapshot, _: &Stop| {
            let asked = Asked::parse(request.subject.as_ref(), &request.as_of)?;
            let book = known.read(request.reading.as_ref())?;
            asked.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            let most = Most {
                rows: limit(request.max_rows, ROWS, MOST_ROWS, "max_rows")?,
                routes: limit(request.max_routes, ROUTES, MOST_ROUTES, "max_routes")?,
            };
            Ok(explain(&book, at, &asked, most))
        };
        Ok(Response::new(self.answer(&who, compute).await?))
    }
}

/// What is asked for, if who asks may read whose figures it wants.
fn permitted<T>(
    request: Request<T>,
    reading: impl FnOnce(&T) -> Option<&Reading>,
) -> Result<(Arc<Identity>, T), Failure> {
    let who = Identity::of(&request);
    let request = request.into_inner();
    who.check_read(reading(&request).map_or("", |reading| &reading.tenant))?;
    Ok((who, request))
}

/// Datasets are compared with each other: a reading by one of them leaves nothing to compare.
fn check_no_dataset(reading: Option<&Reading>) -> Result<(), Failure> {
    let dataset = reading.map_or("", |reading| &reading.dataset);
    if dataset.is_empty() {
        return Ok(());
    }
    let message = "sources are compared over all datasets";
    Err(Failure::new(Class::Invalid, "unexpected-dataset", message)
        .with_hint("leave the dataset out, or ask for the exposure by it alone")
        .at("reading.dataset", dataset))
}

/// What a stream of exposures is computed from.
#[derive(Clone)]
struct Streaming {
    book: Arc<Book>,
    at: Knowledge,
    selection: Arc<Selection>,
    trend: bool,
}

/// A message of a stream that waits to be taken. As bytes it takes a tenth of what it does as exposures.
struct Piece {
    bytes: Bytes,
    /// What it takes of the memory for all calls.
    share: Share,
}

impl Streaming {
    /// The exposures of one market as messages.
    async fn market(self, part: Part, seat: Seat, memory: Budget) -> Result<Vec<Piece>, Status> {
        Ok(seat.run(move |stop| self.pieces(part, &memory, stop)).await?)
    }

    fn pieces(&self, part: Part, memory: &Budget, stop: &Stop) -> Result<Vec<Piece>, Failure> {
        let Self { book, at, selection, trend } = self;
        let asking = Asking { book, at: *at, selection, trend: *trend, stop };
        let (mut pieces, mut exposures) = (Vec::new(), Vec::new());
        let refused = asking.visit(part, 0, |exposure| {
            exposures.push(exposure);
            if exposures.len() < IN_MESSAGE {
                return ControlFlow::Continue(());
            }
            match Piece::of(std::mem::take(&mut exposures), memory) {
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
            pieces.push(Piece::of(exposures, memory)?);
        }
        Ok(pieces)
    }
}

impl Piece {
    fn of(exposures: Vec<Exposure>, memory: &Budget) -> Result<Self, Failure> {
        let bytes = Bytes::from(StreamExposuresResponse { exposures }.encode_to_vec());
        let share = memory.take(bytes.len()).ok_or_else(|| {
            Failure::new(
                Class::Exhausted,
                "too-busy",
                "too much waits to be read from this service at a time",
            )
            .with_hint("try again after some seconds, and read what comes")
            .retry_after(RETRY)
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
    let most = limit(request.page_size, IN_PAGE, MOST_IN_PAGE, "page_size")?;
    let binding = binding(&filter, request.as_at.as_ref(), request.reading.as_ref());
    let book = known.read(request.reading.as_ref())?;
    let (at, cursor) = match Token::parse(&request.page_token, binding)? {
        // Later pages see what the first saw, whatever was committed since.
        Some(token) => {
            let at = knowledge(&book, token.position, request.as_at.as_ref())?;
            (Knowledge { position: at.position.min(token.position), ..at }, token.cursor)
        }
        None => (knowledge(&book, known.position, request.as_at.as_ref())?, Cursor::default()),
    };
    let asking = Asking { book: &book, at, selection: &selection, trend: request.trend, stop };
    let (exposures, next) = page(&asking, cursor, most)?;
    let token = |cursor| Token { binding, position: at.position, cursor }.text();
    Ok(QueryExposuresResponse {
        exposures,
        next_page_token: next.map(token).unwrap_or_default(),
        as_at_position: at.position.min(known.position),
        exposures_position: known.published,
    })
}

fn limit(asked: u32, usual: u32, most: u32, field: &str) -> Result<usize, Failure> {
    let limit = if asked == 0 { usual } else { asked };
    if limit > most {
        let message = format!("at most {most} can be asked for at a time");
        return Err(Failure::new(Class::Invalid, "limit", message).at(field, limit.to_string()));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// A digest of what a page token belongs to.
fn binding(filter: &ExposureFilter, as_at: Option<&AsAt>, reading: Option<&Reading>) -> Uuid {
    let mut bytes = filter.encode_length_delimited_to_vec();
    bytes.extend(as_at.map(prost::Message::encode_length_delimited_to_vec).unwrap_or_default());
    bytes.extend(reading.map(prost::Message::encode_to_vec).unwrap_or_default());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &bytes)
}

/// Where the next page begins, and which question it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    binding: Uuid,
    position: u64,
    cursor: Cursor,
}

impl Token {
    fn text(self) -> String {
        let Self { binding, position, cursor } = self;
        format!("{}.{position}.{}.{}", binding.simple(), cursor.part, cursor.offset)
    }

    /// None: the first page.
    fn parse(text: &str, binding: Uuid) -> Result<Option<Self>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let invalid = |message: &str| {
            Failure::new(Class::Invalid, "invalid-token", message)
                .with_hint(
                    "repeat the request of the first page with its `next_page_token`, or begin without one",
                )
                .at("page_token", text)
        };
        let token = Self::read(text).ok_or_else(|| invalid("this is no page token"))?;
        if token.binding != binding {
            return Err(invalid("this page token belongs to another filter or time"));
        }
        Ok(Some(token))
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let binding = Uuid::try_parse(parts.next()?).ok()?;
        let position = parts.next()?.parse().ok()?;
        let cursor = Cursor { part: parts.next()?.parse().ok()?, offset: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(Self { binding, position, cursor })
    }
}
