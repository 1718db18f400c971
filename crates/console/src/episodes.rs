//! Episodes of alerts: each continuous time from pending or firing to resolved, folded from the transitions
//! of the alerts of a page. An alert has its last thousand transitions, so that an alert with more of them
//! lacks its first episodes.
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertState, AlertTransition, GetAlertRequest, GetAlertResponse, ListAlertsResponse,
};
use orewatch_contracts::common::v1::By;
use orewatch_query::Cell;
use orewatch_query::files::{ColumnKind, FileFormat, Heading};
use prost::Message as _;
use prost_reflect::Value as Field;
use serde_json::{Value, json};

use crate::Console;
use crate::answer::{json_body, object};
use crate::contract::{ALERT, EPISODES};
use crate::entries::decoded;
use crate::export::{chosen, form, whole_file};
use crate::message::{encoded, set};
use crate::question::in_terms_of;
use crate::refused::Refused;
use crate::services::Caller;
use crate::validator::{Validator, digest};

/// Alerts of a page, if the address does not say how many, and at most.
const USUAL_ALERTS: u32 = 100;
const MAX_ALERTS: u32 = 500;

/// Alerts whose transitions are asked for at a time.
const ASKED_AT_A_TIME: usize = 8;

const fn text(name: &'static str) -> Heading {
    Heading { name, kind: ColumnKind::Text }
}

/// Columns of episodes.
pub(crate) const HEADINGS: &[Heading] = &[
    text("episode"),
    text("alert"),
    text("rule"),
    text("consumer"),
    text("material"),
    text("stage"),
    text("supplier"),
    text("measure"),
    text("by"),
    text("state"),
    text("severity"),
    text("since"),
    text("fired_at"),
    text("resolved_at"),
    text("reason"),
    text("began_at"),
    text("changed_at"),
    Heading { name: "transitions", kind: ColumnKind::Count },
];

/// An episode as its transitions tell it.
#[derive(Clone, Debug, PartialEq)]
struct Episode {
    /// The alert after the last transition.
    alert: Alert,
    began_at: Option<prost_types::Timestamp>,
    changed_at: Option<prost_types::Timestamp>,
    transitions: u64,
}

/// The alert after a transition of its own. `None`: the event tells of another period, and the alert itself
/// is as before.
fn alert_of(transition: &AlertTransition) -> Option<&Alert> {
    match transition.event.as_ref()? {
        Event::Pending(event) => event.alert.as_ref(),
        Event::Fired(event) => event.alert.as_ref(),
        Event::Resolved(event) => event.alert.as_ref(),
        Event::Stale(event) => event.alert.as_ref(),
        Event::SeverityChanged(event) => event.alert.as_ref(),
        Event::Restated(_) => None,
    }
}

/// The episodes of an alert, in the order in which they began.
fn episodes(transitions: &[AlertTransition]) -> Vec<Episode> {
    let mut order: Vec<String> = Vec::new();
    let mut found: BTreeMap<String, Episode> = BTreeMap::new();
    for transition in transitions {
        let Some(alert) = alert_of(transition).filter(|alert| !alert.episode.is_empty()) else { continue };
        let episode = found.entry(alert.episode.clone()).or_insert_with(|| {
            order.push(alert.episode.clone());
            Episode { alert: alert.clone(), began_at: transition.time, changed_at: None, transitions: 0 }
        });
        episode.alert = alert.clone();
        episode.changed_at = transition.time;
        episode.transitions += 1;
    }
    order.into_iter().filter_map(|id| found.remove(&id)).collect()
}

/// A value of an enumeration as a word, without the prefix that all of them have.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', "-")
}

fn row(episode: &Episode) -> Vec<Cell> {
    let Episode { alert, began_at, changed_at, transitions } = episode;
    let subject = alert.subject.clone().unwrap_or_default();
    let by = if subject.by() == By::Value { "value" } else { "quantity" };
    vec![
        Cell::text(&alert.episode),
        Cell::text(&alert.id),
        Cell::text(&alert.rule),
        Cell::text(subject.consumer),
        Cell::text(subject.material),
        Cell::text(subject.stage),
        Cell::text(subject.supplier),
        Cell::text(subject.measure),
        Cell::text(by),
        Cell::text(word(alert.state().as_str_name(), "ALERT_STATE_")),
        Cell::text(&alert.severity),
        Cell::text(&alert.pending_since),
        Cell::text(&alert.fired_at),
        Cell::text(&alert.resolved_at),
        Cell::text(word(alert.reason().as_str_name(), "REASON_")),
        Cell::time(*began_at),
        Cell::time(*changed_at),
        Cell::Count(Some(*transitions)),
    ]
}

impl Console {
    /// Answers the episodes of a page of alerts, as JSON or as a file.
    ///
    /// # Errors
    /// Wrong parameters, and those of the alerting service.
    pub(crate) async fn episodes(
        self: &Arc<Self>,
        caller: &Caller,
        format: Option<FileFormat>,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let _permit = self.exports.admit(&caller.identity)?;
        let mut pinned = self.pin(caller, &EPISODES, query).await?;
        let alerts = pinned.question.page_size.unwrap_or(USUAL_ALERTS).clamp(1, MAX_ALERTS);
        let request = &mut pinned.question.request;
        set(request, "page_size", Field::U32(alerts))?;
        if !query.split('&').any(|pair| pair.starts_with("state=")) {
            set(request, "filter.states", every_state())?;
        }
        let page = self.services.ask(caller, EPISODES.method, encoded(request)).await;
        let page: ListAlertsResponse = decoded(&page.map_err(|failure| in_terms_of(&EPISODES, failure))?)?;
        let rows = self.episode_rows(caller, &page.alerts).await?;

        let ending = format.map(|format| format!(".{}", format.extension())).unwrap_or_default();
        let mut envelope = pinned.envelope(&EPISODES, &ending);
        envelope.stale = page.stale;
        envelope.next =
            (!page.next_page_token.is_empty()).then(|| pinned.question.query(Some(&page.next_page_token)));
        let (headings, columns) = chosen(HEADINGS, pinned.question.columns.clone());
        let pick = |row: Vec<Cell>| columns.iter().filter_map(|place| row.get(*place).cloned()).collect();
        let rows: Vec<Vec<Cell>> = rows.into_iter().map(pick).collect();
        let listed: Vec<Value> = rows.iter().map(|row| object(&headings, row)).collect();
        let listed = Value::Array(listed);
        let mark = digest(&[listed.to_string().as_bytes(), &[u8::from(envelope.next.is_some())]]);
        let validator = Validator::new(&self.version, None).with_digest(mark);
        envelope.validator = validator.text();
        if validator.is_known(headers) {
            return Ok(envelope.not_modified());
        }
        match format {
            None => {
                let document = json!({
                    "episodes": listed,
                    "nextPageToken": page.next_page_token,
                    "permalink": envelope.permalink(),
                });
                Ok(envelope.response("application/json", json_body(&document)))
            }
            Some(format) => {
                let form = form(format, pinned.question.is_for_excel, headings, &envelope);
                whole_file(&envelope, &form, rows)
            }
        }
    }

    /// The episodes of some alerts, alert by alert.
    async fn episode_rows(&self, caller: &Caller, alerts: &[Alert]) -> Result<Vec<Vec<Cell>>, Failure> {
        let transitions = alerts.iter().map(|alert| self.transitions(caller, alert.id.clone()));
        let all: Vec<Vec<AlertTransition>> =
            stream::iter(transitions).buffered(ASKED_AT_A_TIME).try_collect().await?;
        Ok(all.iter().flat_map(|transitions| episodes(transitions)).map(|one| row(&one)).collect())
    }

    async fn transitions(&self, caller: &Caller, alert: String) -> Result<Vec<AlertTransition>, Failure> {
        let request = GetAlertRequest { alert }.encode_to_vec();
        let answer = self.services.ask(caller, ALERT, request.into()).await?;
        Ok(decoded::<GetAlertResponse>(&answer)?.transitions)
    }
}

/// All states that an episode can be in.
fn every_state() -> Field {
    let states = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    Field::List(states.into_iter().map(|state| Field::EnumNumber(state.into())).collect())
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::alerting::v1::{AlertFired, AlertPending, AlertResolved, AlertRestated};

    use super::*;

    fn transition(seconds: i64, event: Event) -> AlertTransition {
        let time = Some(prost_types::Timestamp { seconds, nanos: 0 });
        AlertTransition { time, event: Some(event), ..AlertTransition::default() }
    }

    fn alert(episode: &str, state: AlertState) -> Option<Alert> {
        Some(Alert { episode: episode.to_owned(), state: state.into(), ..Alert::default() })
    }

    #[test]
    fn transitions_become_episodes() {
        let transitions = [
            transition(1, Event::Pending(AlertPending { alert: alert("a@2020", AlertState::Pending) })),
            transition(2, Event::Fired(AlertFired { alert: alert("a@2020", AlertState::Firing) })),
            transition(
                3,
                Event::Restated(AlertRestated {
                    alert: alert("a@2020", AlertState::Firing),
                    ..AlertRestated::default()
                }),
            ),
            transition(4, Event::Resolved(AlertResolved { alert: alert("a@2020", AlertState::Resolved) })),
            transition(5, Event::Fired(AlertFired { alert: alert("a@2023", AlertState::Firing) })),
        ];
        let found = episodes(&transitions);
        let told: Vec<_> = found.iter().map(|one| (one.alert.episode.as_str(), one.transitions)).collect();
        assert_eq!(told, [("a@2020", 3), ("a@2023", 1)]);
        let seconds = |time: Option<prost_types::Timestamp>| time.map(|time| time.seconds);
        assert_eq!((seconds(found[0].began_at), seconds(found[0].changed_at)), (Some(1), Some(4)));
        let row = row(&found[0]);
        let kinds: Vec<_> = row.iter().map(ColumnKind::of).collect();
        assert_eq!(kinds, HEADINGS.iter().map(|heading| heading.kind).collect::<Vec<_>>());
        assert_eq!(row[9], Cell::text("resolved"));
    }
}
