//! The gRPC interface of outlooks.

use orewatch_contracts::exposure::v1::outlook_service_server::OutlookService;
use orewatch_contracts::exposure::v1::{
    GetOutlookRequest, GetOutlookResponse, ScoreForecastsRequest, ScoreForecastsResponse,
};
use orewatch_runtime::{Identity, Stop};
use tonic::{Request, Response, Status};

use super::{ExposureService, permitted};
use crate::outlook::{get_outlook, score_forecasts};
use crate::snapshot::Snapshot;

#[tonic::async_trait]
impl OutlookService for ExposureService {
    async fn get_outlook(
        &self,
        request: Request<GetOutlookRequest>,
    ) -> Result<Response<GetOutlookResponse>, Status> {
        let (identity, request) = permitted(request, |request| request.reading.as_ref())?;
        let get = move |known: &Snapshot, stop: &Stop| get_outlook(known, &request, stop);
        Ok(self.respond(self.answer(&identity, get).await?))
    }

    async fn score_forecasts(
        &self,
        request: Request<ScoreForecastsRequest>,
    ) -> Result<Response<ScoreForecastsResponse>, Status> {
        let (identity, request) = (Identity::from_request(&request), request.into_inner());
        // The reference series are part of the program: no log makes this answer old.
        let score = move |_: &Snapshot, stop: &Stop| score_forecasts(&request, stop);
        Ok(Response::new(self.answer(&identity, score).await?))
    }
}
