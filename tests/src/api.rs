//! Clients of the services over gRPC: they wait for the pipeline, and read everything back.
use std::time::{Duration, Instant};

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertState, ListAlertsRequest};
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::{
    Exposure, ExposureFilter, QueryExposuresRequest, QueryExposuresResponse, StreamExposuresRequest,
};
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{ListReleasesRequest, ReleaseInfo};
use tokio::time::sleep;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Maximum time for the pipeline to follow a commit, in a debug build on a busy machine.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(240);

/// A query whose response has positions but no figures: there are no statistics of that year, so that nothing
/// is computed.
fn positions_query() -> QueryExposuresRequest {
    let filter = ExposureFilter { as_of: "1900".to_owned(), ..ExposureFilter::default() };
    QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() }
}

/// Clients of the three services.
#[derive(Clone, Debug)]
pub struct Api {
    /// Client of the ingestion service.
    pub ingestion: IngestionServiceClient<Channel>,
    /// Client of the exposure service.
    pub exposure: ExposureServiceClient<Channel>,
    /// Client of the alerting service.
    pub alerting: AlertingServiceClient<Channel>,
}

impl Api {
    /// Creates clients of services that share one address.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self::at_each([address; 3])
    }

    /// Creates clients of ingestion, exposure and alerting, each with its own address.
    #[must_use]
    pub fn at_each(addresses: [&str; 3]) -> Self {
        let [ingestion, exposure, alerting] = addresses.map(channel);
        Self {
            ingestion: IngestionServiceClient::new(ingestion),
            exposure: ExposureServiceClient::new(exposure),
            alerting: AlertingServiceClient::new(alerting),
        }
    }

    /// Waits until exposures and alerts include everything that is committed.
    ///
    /// # Errors
    /// A status of a service; `DeadlineExceeded` if it takes longer than four minutes.
    pub async fn settled(&self) -> Result<(), Status> {
        let committed = self.releases().await?.iter().filter_map(|release| release.committed_position).max();
        let published = self.published(committed.unwrap_or_default()).await?;
        let mut api = self.clone();
        eventually("the alerts follow the exposures", async || {
            let answer = api.alerting.list_alerts(ListAlertsRequest::default()).await?.into_inner();
            Ok((answer.evaluated_position >= published).then_some(()))
        })
        .await
    }

    /// Waits until all exposures that follow from the observations log up to a position are published.
    /// Returns the position of the exposures log.
    ///
    /// # Errors
    /// As [`settled`](Self::settled).
    pub async fn published(&self, position: u64) -> Result<u64, Status> {
        let mut api = self.clone();
        eventually("the exposures follow the observations", async || {
            let QueryExposuresResponse { as_at_position, exposures_position, .. } =
                api.exposure.query_exposures(positions_query()).await?.into_inner();
            Ok(exposures_position.filter(|_| as_at_position >= position))
        })
        .await
    }

    /// Waits until responses include the observations log up to a position, whether figures of it are
    /// published or not.
    ///
    /// # Errors
    /// As [`settled`](Self::settled).
    pub async fn answered(&self, position: u64) -> Result<(), Status> {
        let mut api = self.clone();
        eventually("answers follow the observations", async || {
            let answer = api.exposure.query_exposures(positions_query()).await?.into_inner();
            Ok((answer.as_at_position >= position).then_some(()))
        })
        .await
    }

    /// Lists every release, in the order in which they were opened.
    ///
    /// # Errors
    /// A status of the service.
    pub async fn releases(&self) -> Result<Vec<ReleaseInfo>, Status> {
        let mut client = self.ingestion.clone();
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                ListReleasesRequest { page_size: 1000, page_token, ..ListReleasesRequest::default() };
            let page = client.list_releases(request).await?.into_inner();
            all.extend(page.releases);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Lists every exposure that matches, in the order of the service.
    ///
    /// # Errors
    /// A status of the service.
    pub async fn exposures(&self, filter: ExposureFilter) -> Result<Vec<Exposure>, Status> {
        let request = StreamExposuresRequest { filter: Some(filter), ..StreamExposuresRequest::default() };
        let mut stream = self.exposure.clone().stream_exposures(request).await?.into_inner();
        let mut all = Vec::new();
        while let Some(message) = stream.message().await? {
            all.extend(message.exposures);
        }
        Ok(all)
    }

    /// Lists every alert in any state, by identifier.
    ///
    /// # Errors
    /// A status of the service.
    pub async fn alerts(&self) -> Result<Vec<Alert>, Status> {
        let states = [AlertState::Inactive, AlertState::Pending, AlertState::Firing, AlertState::Resolved]
            .map(i32::from);
        let filter = AlertFilter { states: states.to_vec(), ..AlertFilter::default() };
        let mut client = self.alerting.clone();
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListAlertsRequest { filter: Some(filter.clone()), page_size: 1000, page_token };
            let page = client.list_alerts(request).await?.into_inner();
            all.extend(page.alerts);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// Creates a channel to an address, which connects when it is first used.
pub(crate) fn channel(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .expect("an address makes an endpoint")
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(120))
        .connect_lazy()
}

/// Calls `ask` until it returns a value. Errors of a service that is still starting are ignored.
///
/// # Errors
/// Any other error of the service; `DeadlineExceeded` with the goal after four minutes.
pub async fn eventually<T>(
    goal: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>, Status>,
) -> Result<T, Status> {
    let deadline = Instant::now() + MAX_SETTLE_TIME;
    while Instant::now() < deadline {
        match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Err(status) if status.code() != Code::Unavailable => return Err(status),
            Ok(None) | Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
    Err(Status::deadline_exceeded(format!("waited {MAX_SETTLE_TIME:?} until {goal}")))
}
