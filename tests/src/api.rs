//! The services over gRPC, as a client meets them: wait for the pipeline, read everything back.
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

/// How long the pipeline may take to follow a commit, in a debug build on a busy machine.
const SETTLE: Duration = Duration::from_secs(240);

/// Clients of the three services, wherever each of them listens.
#[derive(Clone, Debug)]
pub struct Api {
    /// Service 1.
    pub ingestion: IngestionServiceClient<Channel>,
    /// Service 2.
    pub exposure: ExposureServiceClient<Channel>,
    /// Service 3.
    pub alerting: AlertingServiceClient<Channel>,
}

impl Api {
    /// Clients of services that share one address.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self::at_each([address; 3])
    }

    /// Clients of ingestion, exposure and alerting, each at its own address.
    #[must_use]
    pub fn at_each(addresses: [&str; 3]) -> Self {
        let [ingestion, exposure, alerting] = addresses.map(channel);
        Self {
            ingestion: IngestionServiceClient::new(ingestion),
            exposure: ExposureServiceClient::new(exposure),
            alerting: AlertingServiceClient::new(alerting),
        }
    }

    /// Waits until exposures and alerts have followed everything that is committed.
    ///
    /// # Errors
    /// The last answer, where that takes longer than four minutes.
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

    /// Waits until all exposures that follow from the observations log up to a position are published; where that is in
    /// the exposures log.
    ///
    /// # Errors
    /// The last answer, where that takes longer than four minutes.
    pub async fn published(&self, position: u64) -> Result<u64, Status> {
        let mut api = self.clone();
        eventually("the exposures follow the observations", async || {
            let request = QueryExposuresRequest { page_size: 1, ..QueryExposuresRequest::default() };
            let QueryExposuresResponse { as_at_position, exposures_position, .. } =
                api.exposure.query_exposures(request).await?.into_inner();
            Ok(exposures_position.filter(|_| as_at_position >= position))
        })
        .await
    }

    /// Waits until answers know the observations log up to a position, whatever is published of it by then.
    ///
    /// # Errors
    /// The last answer, where that takes longer than four minutes.
    pub async fn answered(&self, position: u64) -> Result<(), Status> {
        let mut api = self.clone();
        eventually("answers follow the observations", async || {
            let request = QueryExposuresRequest { page_size: 1, ..QueryExposuresRequest::default() };
            let answer = api.exposure.query_exposures(request).await?.into_inner();
            Ok((answer.as_at_position >= position).then_some(()))
        })
        .await
    }

    /// Every release, in the order they were opened.
    ///
    /// # Errors
    /// The service's.
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

    /// Every exposure that matches, in the service's order.
    ///
    /// # Errors
    /// The service's.
    pub async fn exposures(&self, filter: ExposureFilter) -> Result<Vec<Exposure>, Status> {
        let request = StreamExposuresRequest { filter: Some(filter), ..StreamExposuresRequest::default() };
        let mut stream = self.exposure.clone().stream_exposures(request).await?.into_inner();
        let mut all = Vec::new();
        while let Some(message) = stream.message().await? {
            all.extend(message.exposures);
        }
        Ok(all)
    }

    /// Every alert in whatever state, by identifier.
    ///
    /// # Errors
    /// The service's.
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

pub(crate) fn channel(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .expect("an address makes an endpoint")
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(120))
        .connect_lazy()
}

/// Asks until there is an answer. A service that is still starting is asked again.
///
/// # Errors
/// Any other error of the service; `DeadlineExceeded` with the goal after four minutes.
pub async fn eventually<T>(
    goal: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>, Status>,
) -> Result<T, Status> {
    let deadline = Instant::now() + SETTLE;
    while Instant::now() < deadline {
        match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Err(status) if status.code() != Code::Unavailable => return Err(status),
            Ok(None) | Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
    Err(Status::deadline_exceeded(format!("waited {SETTLE:?} until {goal}")))
}
