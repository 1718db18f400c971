//! Waiting until what was fed has come through: figures published, lines evaluated.
use std::time::Duration;

use orewatch_contracts::alerting::v1::ListAlertsRequest;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::exposure::v1::QueryExposuresRequest;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_runtime::{Class, Failure, client};
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;

/// How often the services are asked.
const ASK_AGAIN: Duration = Duration::from_millis(15);

/// Waits until everything up to a position of the observations log is published as exposures; returns the position of the
/// exposures log up to which it is.
///
/// # Errors
/// [`Class::Unavailable`] if it takes longer than `deadline`.
pub(crate) async fn exposures(
    client: &mut ExposureServiceClient<Channel>,
    observations: u64,
    deadline: Duration,
) -> Result<u64, Failure> {
    let wait = async {
        loop {
            let ask = QueryExposuresRequest { page_size: 1, ..QueryExposuresRequest::default() };
            let answer = client.query_exposures(client::within(deadline, ask)).await?.into_inner();
            if let Some(position) =
                answer.exposures_position.filter(|_| answer.as_at_position >= observations)
            {
                return Ok(position);
            }
            sleep(ASK_AGAIN).await;
        }
    };
    timeout(deadline, wait).await.unwrap_or_else(|_| Err(late("the figures are not computed", deadline)))
}

/// Waits until every rule is evaluated up to a position of the exposures log.
///
/// # Errors
/// [`Class::Unavailable`] if it takes longer than `deadline`.
pub(crate) async fn alerts(
    client: &mut AlertingServiceClient<Channel>,
    exposures: u64,
    deadline: Duration,
) -> Result<(), Failure> {
    let wait = async {
        loop {
            let ask = ListAlertsRequest { page_size: 1, ..ListAlertsRequest::default() };
            let answer = client.list_alerts(client::within(deadline, ask)).await?.into_inner();
            if answer.evaluated_position >= exposures {
                return Ok(());
            }
            sleep(ASK_AGAIN).await;
        }
    };
    timeout(deadline, wait).await.unwrap_or_else(|_| Err(late("the rules are not evaluated", deadline)))
}

fn late(what: &str, deadline: Duration) -> Failure {
    Failure::new(
        Class::Unavailable,
        "not-caught-up",
        format!("what was recorded is safe, but {what} after {} s", deadline.as_secs()),
    )
    .with_hint("wait longer with --timeout, or ask again later; if the service waits for room on its disk, its log says so")
}
