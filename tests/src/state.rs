//! The state of a system, without what may differ between two equal runs: identifiers of events, times,
//! positions.
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{Alert, AlertRestated, SubscribeAlertsRequest};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter};
use orewatch_contracts::ingestion::v1::ReleaseInfo;
use tonic::Status;

use crate::api::Api;

/// Releases, exposures, alerts, and all transitions of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Every release with its report.
    pub releases: Vec<ReleaseInfo>,
    /// Every exposure of every period.
    pub exposures: Vec<Exposure>,
    /// Every alert in its current state.
    pub alerts: Vec<Alert>,
    /// Transitions of all alerts: sorted by identifier of the alert, then in order.
    pub transitions: Vec<Event>,
}

impl State {
    /// Waits until the pipeline has followed all commits, and reads everything back.
    ///
    /// # Errors
    /// A status of a service.
    pub async fn read(api: &Api) -> Result<Self, Status> {
        api.settled().await?;
        let everything = ExposureFilter { as_of: "all".to_owned(), ..ExposureFilter::default() };
        Ok(Self {
            releases: api.releases().await?.into_iter().map(timeless_release).collect(),
            exposures: api.exposures(everything).await?,
            alerts: api.alerts().await?.into_iter().map(timeless_alert).collect(),
            transitions: transitions(api).await?,
        })
    }

    /// Describes the first difference between two states. `None` if they are equal.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        first_difference("release", &self.releases, &other.releases)
            .or_else(|| first_difference("exposure", &self.exposures, &other.exposures))
            .or_else(|| first_difference("alert", &self.alerts, &other.alerts))
            .or_else(|| first_difference("transition", &self.transitions, &other.transitions))
    }
}

fn first_difference<T: PartialEq + std::fmt::Debug>(what: &str, ours: &[T], theirs: &[T]) -> Option<String> {
    let longest = ours.len().max(theirs.len());
    let at = (0..longest).find(|at| ours.get(*at) != theirs.get(*at))?;
    let counts = (ours.len(), theirs.len());
    Some(format!("{what} {at} of {counts:?}:\n{:#?}\n{:#?}", ours.get(at), theirs.get(at)))
}

async fn transitions(api: &Api) -> Result<Vec<Event>, Status> {
    let request =
        SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..SubscribeAlertsRequest::default() };
    let mut stream = api.alerting.clone().subscribe_alerts(request).await?.into_inner();
    let mut all = Vec::new();
    while let Some(response) = stream.message().await? {
        match response.message {
            Some(Message::Transition(transition)) => all.extend(transition.event.map(timeless_event)),
            Some(Message::CaughtUp(_)) => break,
            Some(_) | None => {}
        }
    }
    // A stable sort: the transitions of an alert stay in order.
    all.sort_by_key(|event| alert(event).map(|alert| alert.id.clone()));
    Ok(all)
}

/// The alert that a transition carries.
#[must_use]
pub fn alert(event: &Event) -> Option<&Alert> {
    match event {
        Event::Pending(event) => event.alert.as_ref(),
        Event::Fired(event) => event.alert.as_ref(),
        Event::Resolved(event) => event.alert.as_ref(),
        Event::Stale(event) => event.alert.as_ref(),
        Event::SeverityChanged(event) => event.alert.as_ref(),
        Event::Restated(event) => event.alert.as_ref(),
    }
}

fn timeless_event(mut event: Event) -> Event {
    let alert = match &mut event {
        Event::Pending(event) => event.alert.as_mut(),
        Event::Fired(event) => event.alert.as_mut(),
        Event::Resolved(event) => event.alert.as_mut(),
        Event::Stale(event) => event.alert.as_mut(),
        Event::SeverityChanged(event) => event.alert.as_mut(),
        Event::Restated(event) => event.alert.as_mut(),
    };
    if let Some(alert) = alert {
        *alert = timeless_alert(std::mem::take(alert));
    }
    if let Event::Restated(AlertRestated { restatement: Some(past), .. }) = &mut event {
        past.cause = past.cause.take().map(timeless_cause);
    }
    event
}

/// Removes time and position of the cause from an alert.
#[must_use]
pub fn timeless_alert(mut alert: Alert) -> Alert {
    alert.cause = alert.cause.map(timeless_cause);
    if let Some(then) = &mut alert.at_transition {
        then.cause = then.cause.take().map(timeless_cause);
    }
    alert
}

fn timeless_cause(cause: Cause) -> Cause {
    Cause { position: 0, time: None, ..cause }
}

fn timeless_release(mut release: ReleaseInfo) -> ReleaseInfo {
    for file in release.release.iter_mut().flat_map(|release| &mut release.files) {
        file.retrieved_at = None;
    }
    ReleaseInfo { opened_at: None, closed_at: None, committed_position: None, ..release }
}
