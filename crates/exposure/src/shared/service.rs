//! The gRPC interface of a replica that shares the work: what it does not hold, it asks others for.
//!
//! A request about one material goes to whoever holds it, and the answer is passed through unchanged. A
//! request about many is divided, and the parts are put together in the documented order. All parts are as of
//! the position of the observations log that the first replica has read, so that the whole is the answer of a
//! single process that has read so far.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_contracts::exposure::v1::exposure_service_server as server;
use orewatch_contracts::exposure::v1::{
    CheckClaimsRequest, CheckClaimsResponse, CompareSourcesRequest, CompareSourcesResponse,
    CompareVintagesRequest, CompareVintagesResponse, ExplainExposureRequest, ExplainExposureResponse,
    GetExposureRequest, GetExposureResponse, ListRevisionsRequest, ListRevisionsResponse, ListTargetsRequest,
    ListTargetsResponse, QueryExposuresRequest, QueryExposuresResponse, Reading, StreamExposuresRequest,
    StreamExposuresResponse, Subject, WatchExposuresRequest, WatchExposuresResponse,
};
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Identity, Stop};
use tonic::{Request, Response, Status};

use super::call::{Call, is_unheld};
use super::peers::{PassedOn, Peers};
use super::question::Question;
use super::{lists, pages, published, vintages};
use crate::claims::{Elsewhere, check_claims, materials_of_request};
use crate::grpc::{ExposureService, permitted};
use crate::snapshot::Snapshot;

/// The interface of one replica of several.
#[derive(Clone, Debug)]
pub(crate) struct SharedExposureService {
    own: ExposureService,
    peers: Peers,
    exposures: Arc<dyn EventLog>,
}

/// Who answers a request.
enum Route {
    /// This replica alone, as of a position: another one passed it on.
    Own(ExposureService),
    /// Whoever holds what it is about, as of what this replica knows.
    Together(Box<Call>, Snapshot),
}

impl SharedExposureService {
    pub(crate) fn new(own: ExposureService, peers: Peers, exposures: Arc<dyn EventLog>) -> Self {
        Self { own, peers, exposures }
    }

    async fn route<T>(&self, request: &Request<T>) -> Result<Route, Status> {
        if let Some(passed_on) = PassedOn::read(request.metadata())? {
            self.own.reach(passed_on.position).await?;
            let own = self.own.as_of_position(passed_on.position)?;
            own.check_holds(&passed_on.materials)?;
            return Ok(Route::Own(own));
        }
        let known = self.own.snapshot()?;
        let call = Call::of_caller(self.peers.clone(), self.own.clone(), known.position, request);
        Ok(Route::Together(Box::new(call), known))
    }

    /// Answers a request about one material. `None`: it names none that this version knows, or every replica
    /// has what it is about.
    async fn about<Q: Question>(
        &self,
        request: Request<Q>,
        reading: impl FnOnce(&Q) -> Option<&Reading> + Send,
        material: impl FnOnce(&Q) -> Option<&'static str> + Send,
    ) -> Result<Response<Q::Answer>, Status> {
        let call = match self.route(&request).await? {
            Route::Own(own) => return Q::ask_own(&own, request).await,
            Route::Together(call, _) => call,
        };
        let (_, question) = permitted(request, reading)?;
        let answer = match material(&question) {
            Some(material) => call.ask(material, question).await,
            None => call.ask_own(question).await,
        };
        answer.map(Response::new)
    }

    /// Computes something about what this replica knows, for a caller.
    async fn compute<T: Send + 'static>(
        &self,
        identity: &Identity,
        known: &Snapshot,
        compute: impl FnOnce(&Snapshot) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Status> {
        Ok(self.own.compute(identity, known.clone(), compute).await?)
    }
}

#[tonic::async_trait]
impl server::ExposureService for SharedExposureService {
    type StreamExposuresStream = BoxStream<'static, Result<StreamExposuresResponse, Status>>;
    type WatchExposuresStream = BoxStream<'static, Result<WatchExposuresResponse, Status>>;

    async fn get_exposure(
        &self,
        request: Request<GetExposureRequest>,
    ) -> Result<Response<GetExposureResponse>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (_, request) = permitted(request, |request| request.reading.as_ref())?;
        let Some(material) = material_of(&request.subject, &request.reading) else {
            return call.ask_own(request).await.map(Response::new);
        };
        let answer = match call.ask(material, request.clone()).await {
            Err(status) if is_unheld(&status) => {
                let published = published::get(&known, &request, &*self.exposures).await?;
                published.ok_or(status)
            }
            answer => answer,
        };
        answer.map(Response::new)
    }

    async fn query_exposures(
        &self,
        request: Request<QueryExposuresRequest>,
    ) -> Result<Response<QueryExposuresResponse>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let asked = request.clone();
        let plan = move |known: &Snapshot| pages::PageQuery::new(known, &asked);
        let query = self.compute(&identity, &known, plan).await?;
        if query.is_of_projections() {
            return call.ask_own(request).await.map(Response::new);
        }
        let mut answer = query.answer(&call, &request, &known, &*self.exposures).await?;
        answer.stale = answer.stale.or_else(|| self.own.stale());
        Ok(Response::new(answer))
    }

    async fn stream_exposures(
        &self,
        request: Request<StreamExposuresRequest>,
    ) -> Result<Response<Self::StreamExposuresStream>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let asked = request.clone();
        let plan = move |known: &Snapshot| pages::plan_stream(known, &asked);
        match self.compute(&identity, &known, plan).await? {
            None => call.ask_own(request).await.map(Response::new),
            Some(plan) => {
                let stopped = self.own.stopped();
                Ok(Response::new(pages::stream_of_materials(call, request, plan, stopped)))
            }
        }
    }

    async fn watch_exposures(
        &self,
        request: Request<WatchExposuresRequest>,
    ) -> Result<Response<Self::WatchExposuresStream>, Status> {
        // All replicas read the log of exposures.
        server::ExposureService::watch_exposures(&self.own, request).await
    }

    async fn compare_sources(
        &self,
        request: Request<CompareSourcesRequest>,
    ) -> Result<Response<CompareSourcesResponse>, Status> {
        let material = |request: &CompareSourcesRequest| material_of(&request.subject, &request.reading);
        self.about(request, |request| request.reading.as_ref(), material).await
    }

    async fn explain_exposure(
        &self,
        request: Request<ExplainExposureRequest>,
    ) -> Result<Response<ExplainExposureResponse>, Status> {
        let material = |request: &ExplainExposureRequest| material_of(&request.subject, &request.reading);
        self.about(request, |request| request.reading.as_ref(), material).await
    }

    async fn list_scenarios(
        &self,
        request: Request<exposure::ListScenariosRequest>,
    ) -> Result<Response<exposure::ListScenariosResponse>, Status> {
        // Every replica has all projections.
        server::ExposureService::list_scenarios(&self.own, request).await
    }

    async fn list_targets(
        &self,
        request: Request<ListTargetsRequest>,
    ) -> Result<Response<ListTargetsResponse>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (identity, request) = permitted(request, |_| None)?;
        let asked = request.clone();
        let plan = move |known: &Snapshot| lists::targets_by_material(known, &asked);
        let by_material = self.compute(&identity, &known, plan).await?;
        let mut answer = lists::list_targets(&call, &request, &by_material).await?;
        answer.stale = answer.stale.or_else(|| self.own.stale());
        Ok(Response::new(answer))
    }

    async fn check_claims(
        &self,
        request: Request<CheckClaimsRequest>,
    ) -> Result<Response<CheckClaimsResponse>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (identity, request) = permitted(request, |_| None)?;
        let asked = request.clone();
        let plan = move |known: &Snapshot| materials_of_request(known, &asked);
        let mut materials = self.compute(&identity, &known, plan).await?;
        materials.retain(|material| !known.book.holds(material));
        let mut elsewhere = Elsewhere::default();
        for (materials, answer) in call.ask_all(materials, |_| request.clone()).await? {
            elsewhere.add(materials, answer);
        }
        let check = move |known: &Snapshot, stop: &Stop| check_claims(known, &request, &elsewhere, stop);
        let mut answer = self.own.compute_with(&identity, known, check).await?;
        answer.stale = self.own.stale();
        Ok(Response::new(answer))
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (identity, request) = permitted(request, |_| None)?;
        let asked = request.clone();
        let plan = move |known: &Snapshot| lists::materials_of_revisions(known, &asked);
        let materials = self.compute(&identity, &known, plan).await?;
        let mut answer = lists::list_revisions(&call, &request, materials).await?;
        answer.stale = answer.stale.or_else(|| self.own.stale());
        Ok(Response::new(answer))
    }

    async fn compare_vintages(
        &self,
        request: Request<CompareVintagesRequest>,
    ) -> Result<Response<CompareVintagesResponse>, Status> {
        let (call, known) = match self.route(&request).await? {
            Route::Own(own) => return Question::ask_own(&own, request).await,
            Route::Together(call, known) => (*call, known),
        };
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let asked = request.clone();
        let plan = move |known: &Snapshot| vintages::materials_of_request(known, &asked);
        let Some((materials, position)) = self.compute(&identity, &known, plan).await? else {
            return call.ask_own(request).await.map(Response::new);
        };
        let call = call.with_position(position);
        vintages::compare(&call, &known, &request, materials).await.map(Response::new)
    }
}

/// The material of a subject. `None`: this version does not know it, or the figure is a projection, which
/// every replica can compute.
fn material_of(subject: &Option<Subject>, reading: &Option<Reading>) -> Option<&'static str> {
    let is_projected = reading.as_ref().is_some_and(|reading| !reading.scenario.is_empty());
    let material = orewatch_catalog::material(&subject.as_ref()?.material).ok()?;
    (!is_projected).then_some(material.id)
}
