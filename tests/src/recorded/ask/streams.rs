//! Streams from the beginning, and from a token that was issued when the record was made.
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message as AlertMessage;
use orewatch_contracts::alerting::v1::{AlertFilter, SubscribeAlertsRequest};
use orewatch_contracts::exposure::v1::watch_exposures_response::Message as ExposureMessage;
use orewatch_contracts::exposure::v1::{ExposureChange, ExposureFilter, WatchExposuresRequest};
use tonic::Status;

use super::alerts::transition;
use crate::api::Api;
use crate::recorded::answers::{Answers, bits, numbered};
use crate::recorded::compare::STREAMS;
use crate::recorded::questions::Questions;
use crate::recorded::rows;

/// The token that starts with the whole history.
pub const BEGINNING: &str = "beginning";

/// Adds a section for each stream: its messages until it has caught up.
pub(super) async fn ask(api: &Api, questions: &Questions, into: &mut Answers) -> Result<(), Status> {
    for question in &questions.alerts {
        let received = alerts(api, &question.filter(), &question.resume_token).await?;
        let rows = received.into_iter().map(|(_, row)| row).collect();
        into.add(&format!("{STREAMS}alerts, {}", question.name), numbered(rows));
    }
    for question in &questions.exposures {
        let received = exposures(api, &question.filter(&questions.measures), &question.resume_token).await?;
        let rows = received.into_iter().flat_map(|(_, rows)| rows).collect();
        into.add(&format!("{STREAMS}exposures, {}", question.name), numbered(rows));
    }
    Ok(())
}

/// Reads transitions after a token, each with its own token.
///
/// # Errors
/// A status of the service.
pub async fn alerts(
    api: &Api,
    filter: &AlertFilter,
    resume_token: &str,
) -> Result<Vec<(String, String)>, Status> {
    let request = SubscribeAlertsRequest {
        filter: Some(filter.clone()),
        resume_token: resume_token.to_owned(),
        ..SubscribeAlertsRequest::default()
    };
    let mut stream = api.alerting.clone().subscribe_alerts(request).await?.into_inner();
    let mut received = Vec::new();
    while let Some(response) = stream.message().await? {
        match response.message {
            Some(AlertMessage::Transition(found)) => {
                received.push((response.resume_token, transition(&found)))
            }
            Some(AlertMessage::CaughtUp(_)) => break,
            Some(_) | None => {}
        }
    }
    Ok(received)
}

/// Reads changes of figures after a token, message by message, each with its own token.
///
/// # Errors
/// A status of the service.
pub async fn exposures(
    api: &Api,
    filter: &ExposureFilter,
    resume_token: &str,
) -> Result<Vec<(String, Vec<String>)>, Status> {
    let request =
        WatchExposuresRequest { filter: Some(filter.clone()), resume_token: resume_token.to_owned() };
    let mut stream = api.exposure.clone().watch_exposures(request).await?.into_inner();
    let mut received = Vec::new();
    while let Some(response) = stream.message().await? {
        match response.message {
            Some(ExposureMessage::Changes(found)) => {
                let cause = rows::cause(found.cause.as_ref());
                let changes = found.changes.iter().map(|found| format!("{}; {cause}", change(found)));
                received.push((response.resume_token, changes.collect()));
            }
            Some(ExposureMessage::CaughtUp(_)) => break,
            Some(_) | None => {}
        }
    }
    Ok(received)
}

fn change(change: &ExposureChange) -> String {
    let exposure = change.exposure.clone().unwrap_or_default();
    let key = rows::figure_key(exposure.subject.as_ref(), &exposure.period);
    let before = format!("{} {} {}", bits(change.old_value), change.old_status, change.gone);
    format!("{key}; {}; {before}", rows::exposure(&exposure))
}
