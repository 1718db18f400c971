//! Health of the services, and the clocks of their machines.
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use orewatch_contracts::Failure;
use orewatch_runtime::{ANSWERS_STALE, LOG_STATE, client};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Response};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::super::check::Check;
use super::super::found::{Answer, Found, Health};
use super::super::judge;
use super::Means;
use crate::services::Service;

/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is found where no setting names a server and none is.
const NONE: &str = "no server answers there";

/// Asks a server for the health of services. If no setting names it, services that it does not have are none
/// of its business.
pub(super) async fn check(address: &str, services: &[Service], is_named: bool, means: &Means) -> Found {
    let channel = match client::connect_with(address, &means.tls).await {
        Ok(channel) => channel,
        Err(failure) if is_named => return Check::of_failure("service", address, &failure).into(),
        Err(_) => {
            let remedy =
                "nothing, if none runs here; name one with --server, or start one with `orewatch up`";
            return Check::warn("service", address, NONE, remedy).into();
        }
    };
    let mut found = Found::default();
    for service in services {
        match ask(channel.clone(), *service, address).await {
            Ok((health, date)) => {
                if health.answer == Answer::Absent && !is_named {
                    continue;
                }
                if found.health.is_empty() {
                    let subject = format!("clock of {address}");
                    found.checks.extend(date.map(|date| judge::clock(subject, date, means.clock.now())));
                }
                found.checks.push(judge::health(&health));
                found.health.push(health);
            }
            Err(failure) => {
                let subject = format!("{} at {address}", service.short());
                found.checks.push(Check::of_failure("service", subject, &failure));
            }
        }
    }
    found
}

/// The health of a service, and the date of the answer if there is one.
async fn ask(
    channel: Channel,
    service: Service,
    address: &str,
) -> Result<(Health, Option<Timestamp>), Failure> {
    let request = HealthCheckRequest { service: service.name().to_owned() };
    let answered = HealthClient::new(channel).check(client::within(PATIENCE, request)).await;
    let (answer, lines, date) = match answered {
        Ok(response) => (answer(&response), lines(response.metadata()), date(response.metadata())),
        Err(status) if matches!(status.code(), Code::NotFound | Code::Unimplemented) => {
            (Answer::Absent, Vec::new(), None)
        }
        Err(status) => return Err(status.into()),
    };
    Ok((Health { service: service.short(), address: address.to_owned(), answer, lines }, date))
}

fn answer(response: &Response<HealthCheckResponse>) -> Answer {
    match response.get_ref().status() {
        ServingStatus::Serving => Answer::Serving,
        _ if response.metadata().contains_key(ANSWERS_STALE) => Answer::Stale,
        _ => Answer::NotServing,
    }
}

fn lines(metadata: &MetadataMap) -> Vec<String> {
    let all = metadata.get_all(LOG_STATE).iter();
    all.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
}

/// The date that a server puts on an answer, to the second.
fn date(metadata: &MetadataMap) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(metadata.get("date")?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        let mut metadata = MetadataMap::new();
        assert_eq!(date(&metadata), None);
        metadata.insert("date", "Mon, 30 Nov 2026 21:34:06 GMT".parse().unwrap());
        assert_eq!(date(&metadata), Some("2026-11-30T21:34:06Z".parse().unwrap()));
        metadata.insert("date", "soon".parse().unwrap());
        assert_eq!(date(&metadata), None);
    }
}
