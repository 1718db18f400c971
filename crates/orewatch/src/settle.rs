//! Waits until a change has reached the end of the pipeline: figures published, rules evaluated.
use std::time::Duration;

use orewatch_contracts::alerting::v1::ListAlertsRequest;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::{ExposureFilter, QueryExposuresRequest};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::client;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;

use crate::session::Client;

/// Interval between two queries of the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// A year without statistics: a query for it returns log positions and computes nothing.
const YEAR_WITHOUT_DATA: &str = "1900";

/// Waits until figures and alerts include everything up to a position of the observations log.
///
/// # Errors
/// [`Class::Unavailable`] if it takes longer than the command may wait.
pub(crate) async fn settle(client: &Client, observations: u64) -> Result<(), Failure> {
    let exposures = wait_for_exposures(&mut client.exposure().await?, observations, client.timeout).await?;
    wait_for_alerts(&mut client.alerting().await?, exposures, client.timeout).await
}

/// Waits until all events up to a position of the observations log are published as exposures. Returns the
/// position of the exposures log that this takes in.
///
/// # Errors
/// [`Class::Unavailable`] if it takes longer than `deadline`.
pub(crate) async fn wait_for_exposures(
    client: &mut ExposureServiceClient<Channel>,
    observations: u64,
    deadline: Duration,
) -> Result<u64, Failure> {
    let wait = async {
        loop {
            let filter = ExposureFilter { as_of: YEAR_WITHOUT_DATA.to_owned(), ..ExposureFilter::default() };
            let request = QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() };
            let response = match client.query_exposures(client::within(deadline, request)).await {
                Ok(response) => response.into_inner(),
                Err(status) => {
                    wait_or_fail(status.into()).await?;
                    continue;
                }
            };
            if let Some(position) =
                response.exposures_position.filter(|_| response.as_at_position >= observations)
            {
                return Ok(position);
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    timeout(deadline, wait)
        .await
        .unwrap_or_else(|_| Err(not_caught_up("the figures are not computed yet", deadline)))
}

/// Waits until all rules are evaluated up to a position of the exposures log.
///
/// # Errors
/// [`Class::Unavailable`] if it takes longer than `deadline`.
pub(crate) async fn wait_for_alerts(
    client: &mut AlertingServiceClient<Channel>,
    exposures: u64,
    deadline: Duration,
) -> Result<(), Failure> {
    let wait = async {
        loop {
            let request = ListAlertsRequest { page_size: 1, ..ListAlertsRequest::default() };
            let response = match client.list_alerts(client::within(deadline, request)).await {
                Ok(response) => response.into_inner(),
                Err(status) => {
                    wait_or_fail(status.into()).await?;
                    continue;
                }
            };
            if response.evaluated_position >= exposures {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    timeout(deadline, wait)
        .await
        .unwrap_or_else(|_| Err(not_caught_up("the rules are not evaluated yet", deadline)))
}

/// Waits for the delay that a busy service names. Other failures are returned.
async fn wait_or_fail(failure: Failure) -> Result<(), Failure> {
    let Some(delay) = failure.retry_after else { return Err(failure) };
    sleep(delay).await;
    Ok(())
}

fn not_caught_up(what: &str, deadline: Duration) -> Failure {
    Failure::new(
        Class::Unavailable,
        "not-caught-up",
        format!("the change is recorded, but {what} after {} s", deadline.as_secs()),
    )
    .with_hint(
        "wait longer with --timeout, or query again later; if the service's disk is full, its log says so",
    )
}
