//! Requests that one replica can pass on to another: each names the method that answers it.

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::exposure_service_server as server;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::grpc::ExposureService;

/// A client of another replica.
pub(crate) type Client = ExposureServiceClient<Channel>;

/// The answer of a method, on its way.
pub(crate) type Asked<'a, A> = BoxFuture<'a, Result<Response<A>, Status>>;

/// A request that several replicas can answer, each for the materials that it holds.
pub(crate) trait Question: Clone + Send + Sync + 'static {
    /// What it is answered with.
    type Answer: Send + 'static;

    /// Asks this replica.
    fn ask_own(service: &ExposureService, request: Request<Self>) -> Asked<'_, Self::Answer>;

    /// Asks another replica.
    fn ask_peer(client: &mut Client, request: Request<Self>) -> Asked<'_, Self::Answer>;
}

/// Implements [`Question`] for requests with one answer.
macro_rules! questions {
    ($($method:ident: $request:ident => $answer:ident,)+) => {$(
        impl Question for exposure::$request {
            type Answer = exposure::$answer;

            fn ask_own(service: &ExposureService, request: Request<Self>) -> Asked<'_, Self::Answer> {
                server::ExposureService::$method(service, request)
            }

            fn ask_peer(client: &mut Client, request: Request<Self>) -> Asked<'_, Self::Answer> {
                client.$method(request).boxed()
            }
        }
    )+};
}

questions! {
    get_exposure: GetExposureRequest => GetExposureResponse,
    query_exposures: QueryExposuresRequest => QueryExposuresResponse,
    explain_exposure: ExplainExposureRequest => ExplainExposureResponse,
    compare_sources: CompareSourcesRequest => CompareSourcesResponse,
    list_targets: ListTargetsRequest => ListTargetsResponse,
    list_revisions: ListRevisionsRequest => ListRevisionsResponse,
    check_claims: CheckClaimsRequest => CheckClaimsResponse,
    compare_vintages: CompareVintagesRequest => CompareVintagesResponse,
}

impl Question for exposure::StreamExposuresRequest {
    type Answer = BoxStream<'static, Result<exposure::StreamExposuresResponse, Status>>;

    fn ask_own(service: &ExposureService, request: Request<Self>) -> Asked<'_, Self::Answer> {
        server::ExposureService::stream_exposures(service, request)
    }

    fn ask_peer(client: &mut Client, request: Request<Self>) -> Asked<'_, Self::Answer> {
        let asked = client.stream_exposures(request);
        asked.map(|answer| answer.map(|answer| answer.map(|messages| messages.boxed()))).boxed()
    }
}
