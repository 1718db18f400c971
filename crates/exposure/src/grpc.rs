//! The interface: requests in, answers out of a snapshot of the book. No rule of the subject lives here.

use std::sync::Arc;

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
use orewatch_runtime::{Class, Failure, Identity};
use prost::Message as _;
use tokio::sync::watch::Receiver;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::book::Knowledge;
use crate::compare::compare;
use crate::explain::{Most, explain};
use crate::query::{Cursor, exposure_of, exposures, page, parts};
use crate::request::{Asked, Selection, knowledge};
use crate::snapshot::Snapshot;
use crate::watch::{Start, Watcher};

/// Exposures in one message of a stream.
const IN_MESSAGE: usize = 1000;

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
    shutdown: CancellationToken,
}

impl Service {
    pub(crate) fn new(
        known: Receiver<Snapshot>,
        exposures: Arc<dyn EventLog>,
        shutdown: CancellationToken,
    ) -> Self {
        Self { known, exposures, shutdown }
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

    /// Computes an answer beside the asynchronous work.
    async fn answer<T: Send + 'static>(
        &self,
        compute: impl FnOnce(Snapshot) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Status> {
        let snapshot = self.snapshot()?;
        let done = spawn_blocking(move || compute(snapshot)).await;
        Ok(done.map_err(|error| Failure::internal(format!("a computation ended early: {error}")))??)
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
        let request = permitted(request, |request| request.reading.as_ref())?;
        let get = move |known: Snapshot| {
            let asked = Asked::parse(request.subject.as_ref(), &request.as_of)?;
            let book = known.read(request.reading.as_ref())?;
            asked.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            Ok(exposure_of(&book, at, &asked, request.trend))
        };
        let exposure = self.answer(get).await?;
        Ok(Response::new(GetExposureResponse { exposure: Some(exposure) }))
    }

    async fn query_exposures(
        &self,
        request: Request<QueryExposuresRequest>,
    ) -> Result<Response<QueryExposuresResponse>, Status> {
        let request = permitted(request, |request| request.reading.as_ref())?;
        let response = self.answer(move |known| query(&known, &request)).await?;
        Ok(Response::new(response))
    }

    async fn stream_exposures(
        &self,
        request: Request<StreamExposuresRequest>,
    ) -> Result<Response<Self::StreamExposuresStream>, Status> {
        let request = permitted(request, |request| request.reading.as_ref())?;
        let StreamExposuresRequest { filter, as_at, trend, reading } = request;
        let begin = move |known: Snapshot| {
            let selection = Selection::parse(&filter.unwrap_or_default())?;
            let book = known.read(reading.as_ref())?;
            let at = knowledge(&book, known.position, as_at.as_ref())?;
            let parts = parts(&book, at, &selection);
            Ok((book, at, Arc::new(selection), parts))
        };
        let (book, at, selection, parts) = self.answer(begin).await?;
        let market = move |part| {
            let (book, selection) = (Arc::clone(&book), Arc::clone(&selection));
            let computed = spawn_blocking(move || messages(exposures(&book, at, &selection, part, trend)));
            async move { computed.await.map_err(|error| Status::internal(error.to_string())) }
        };
        // One market ahead of what the client has taken.
        let messages = stream::iter(parts).map(market).buffered(2);
        let messages = messages.map_ok(|messages| stream::iter(messages.into_iter().map(Ok))).try_flatten();
        Ok(Response::new(messages.take_until(self.shutdown.clone().cancelled_owned()).boxed()))
    }

    async fn watch_exposures(
        &self,
        request: Request<WatchExposuresRequest>,
    ) -> Result<Response<Self::WatchExposuresStream>, Status> {
        let WatchExposuresRequest { filter, resume_token } = request.into_inner();
        let selection = Selection::watch(&filter.unwrap_or_default())?;
        let head = self.exposures.extent().await.map_err(Failure::from)?.head;
        let after = Start::parse(&resume_token)?.within(head, &resume_token)?;
        let mut watcher = Watcher::new(selection);
        let items = self.exposures.read(Filter::All, after);
        let messages = items.map(move |item| watcher.next(&item.map_err(Failure::from)?));
        let messages = messages.filter_map(async |message| message.map_err(Status::from).transpose());
        let end = Failure::new(Class::Unavailable, "stopping", "the service stops")
            .with_hint("resume from the last token at another replica, or later");
        let messages = messages.take_until(self.shutdown.clone().cancelled_owned());
        Ok(Response::new(messages.chain(stream::once(async { Err(end.into()) })).boxed()))
    }

    async fn compare_sources(
        &self,
        request: Request<CompareSourcesRequest>,
    ) -> Result<Response<CompareSourcesResponse>, Status> {
        let request = permitted(request, |request| request.reading.as_ref())?;
        let compare = move |known: Snapshot| {
            let asked = Asked::parse(request.subject.as_ref(), &request.as_of)?;
            check_no_dataset(request.reading.as_ref())?;
            let book = known.read(request.reading.as_ref())?;
            asked.check_stage(&book)?;
            let at = knowledge(&book, known.position, request.as_at.as_ref())?;
            Ok(compare(&book, at, &asked))
        };
        Ok(Response::new(self.answer(compare).await?))
    }

    async fn explain_exposure(
        &self,
        request: Request<ExplainExposureRequest>,
    ) -> Result<Response<ExplainExposureResponse>, Status> {
        let request = permitted(request, |request| request.reading.as_ref())?;
        let compute = move |known: Snapshot| {
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
        Ok(Response::new(self.answer(compute).await?))
    }
}

/// What is asked for, if who asks may read whose figures it wants.
fn permitted<T>(request: Request<T>, reading: impl FnOnce(&T) -> Option<&Reading>) -> Result<T, Failure> {
    let who = Identity::of(&request);
    let request = request.into_inner();
    who.check_read(reading(&request).map_or("", |reading| &reading.tenant))?;
    Ok(request)
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

/// The exposures of one market as messages of a stream.
fn messages(exposures: Vec<Exposure>) -> Vec<StreamExposuresResponse> {
    let message = |chunk: &[Exposure]| StreamExposuresResponse { exposures: chunk.to_vec() };
    exposures.chunks(IN_MESSAGE).map(message).collect()
}

fn query(known: &Snapshot, request: &QueryExposuresRequest) -> Result<QueryExposuresResponse, Failure> {
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
    let (exposures, next) = page(&book, at, &selection, cursor, most, request.trend);
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
