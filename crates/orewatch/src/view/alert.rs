//! Alerts and their transitions.
use orewatch_alerting::wording;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertState, AlertTransition, Certainty, Reason, TransitionFigure,
};
use orewatch_contracts::exposure::v1::Subject;

use crate::render::{Cell, Row, status_word};
use crate::words::{by_word, instant, word};

/// An alert as it stands.
#[derive(Debug)]
pub(crate) struct AlertRow<'a>(pub(crate) &'a Alert);

/// The state of an alert as a word.
pub(crate) fn state_word(state: AlertState) -> String {
    word(state.as_str_name(), "ALERT_STATE_")
}

/// Why an alert is in its state, as a word.
pub(crate) fn reason_word(reason: Reason) -> String {
    word(reason.as_str_name(), "REASON_")
}

/// What made the figure change, as a word; empty: the rule changed.
fn cause_word(alert: &Alert) -> String {
    alert.cause.as_ref().map_or_else(String::new, |cause| word(cause.kind().as_str_name(), "CAUSE_KIND_"))
}

/// The figure of the last transition, whether a newer one is shown or not.
fn decided(alert: &Alert) -> TransitionFigure {
    let as_shown = || TransitionFigure {
        period: alert.period.clone(),
        estimate: alert.estimate.clone(),
        margin: alert.margin,
        ..TransitionFigure::default()
    };
    alert.at_transition.clone().unwrap_or_else(as_shown)
}

fn certainty_word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Unspecified => "",
        Certainty::Confirmed => "confirmed",
        Certainty::NotConfirmed => "not-confirmed",
    }
}

impl Row for AlertRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "alert",
        "state",
        "severity",
        "stale",
        "rule",
        "rule_revision",
        "title",
        "consumer",
        "material",
        "stage",
        "supplier",
        "measure",
        "by",
        "period",
        "value",
        "low",
        "high",
        "status",
        "line",
        "above",
        "clear",
        "margin",
        "certainty",
        "since",
        "fired_at",
        "resolved_at",
        "reason",
        "previous",
        "names",
        "cause_release",
        "releases",
        "episode",
        "owner",
        "labels",
        "pack",
        "condition",
        "judged",
        "finding",
        "contributors",
        "changed_by",
        "changed_because",
        "text",
        "cause_kind",
        "because",
        "transition_period",
        "transition_value",
        "transition_low",
        "transition_high",
        "transition_margin",
        "sources",
        "lowest",
        "lowest_dataset",
        "highest",
        "highest_dataset",
        "sources_disagree",
    ];

    fn cells(&self) -> Vec<Cell> {
        let alert = self.0;
        let empty = Subject::default();
        let subject = alert.subject.as_ref().unwrap_or(&empty);
        let estimate = alert.estimate.clone().unwrap_or_default();
        let then = decided(alert);
        let figure = then.estimate.clone().unwrap_or_default();
        vec![
            Cell::text(&alert.id),
            Cell::text(state_word(alert.state())),
            Cell::text(&alert.severity),
            Cell::Flag(alert.stale),
            Cell::text(&alert.rule),
            Cell::Count(Some(alert.rule_revision.into())),
            Cell::text(&alert.title),
            Cell::text(&subject.consumer),
            Cell::text(&subject.material),
            Cell::text(&subject.stage),
            Cell::text(&subject.supplier),
            Cell::text(&subject.measure),
            Cell::text(by_word(subject.by())),
            Cell::text(&alert.period),
            Cell::Number(estimate.value),
            Cell::Number(estimate.low),
            Cell::Number(estimate.high),
            Cell::text(status_word(estimate.status())),
            Cell::Number(Some(alert.line)),
            Cell::Flag(alert.above),
            Cell::Number(alert.clear),
            Cell::Number(alert.margin),
            Cell::text(certainty_word(alert.certainty())),
            Cell::text(&alert.pending_since),
            Cell::text(&alert.fired_at),
            Cell::text(&alert.resolved_at),
            Cell::text(reason_word(alert.reason())),
            Cell::Number(alert.previous),
            Cell::List(alert.names.clone()),
            Cell::text(alert.cause.as_ref().map(|cause| cause.release.clone()).unwrap_or_default()),
            Cell::List(alert.releases.clone()),
            Cell::text(&alert.episode),
            Cell::text(&alert.owner),
            Cell::List(alert.labels.iter().map(|(key, value)| format!("{key}={value}")).collect()),
            Cell::text(&alert.pack),
            Cell::text(&alert.condition),
            Cell::Number(alert.judged),
            Cell::text(&alert.finding),
            Cell::List(
                alert.contributors.iter().map(|one| format!("{} {}", one.supplier, one.share)).collect(),
            ),
            Cell::text(alert.rule_change.as_ref().map(|change| change.actor.as_str()).unwrap_or_default()),
            Cell::text(alert.rule_change.as_ref().map(|change| change.reason.as_str()).unwrap_or_default()),
            Cell::text(alert.text.trim()),
            Cell::text(cause_word(alert)),
            Cell::text(wording::why(alert.reason())),
            Cell::text(&then.period),
            Cell::Number(figure.value),
            Cell::Number(figure.low),
            Cell::Number(figure.high),
            Cell::Number(then.margin),
            Cell::Count(Some(alert.sources.into())),
            Cell::Number(alert.lowest),
            Cell::text(&alert.lowest_dataset),
            Cell::Number(alert.highest),
            Cell::text(&alert.highest_dataset),
            Cell::Flag(alert.sources_disagree),
        ]
    }
}

/// A transition: when, what, and the alert after it.
#[derive(Debug)]
pub(crate) struct TransitionRow<'a>(pub(crate) &'a AlertTransition);

/// What happened, and the alert after it.
pub(crate) fn alert_of(transition: &AlertTransition) -> (&'static str, Option<&Alert>) {
    match &transition.event {
        Some(Event::Pending(event)) => ("pending", event.alert.as_ref()),
        Some(Event::Fired(event)) => ("fired", event.alert.as_ref()),
        Some(Event::Resolved(event)) => ("resolved", event.alert.as_ref()),
        Some(Event::Stale(event)) => {
            let stale = event.alert.as_ref().is_some_and(|alert| alert.stale);
            (if stale { "stale" } else { "data-back" }, event.alert.as_ref())
        }
        Some(Event::SeverityChanged(event)) => ("severity-changed", event.alert.as_ref()),
        Some(Event::Restated(event)) => ("restated", event.alert.as_ref()),
        None => ("unknown", None),
    }
}

impl Row for TransitionRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "event_id",
        "time",
        "event",
        "alert",
        "state",
        "severity",
        "period",
        "value",
        "low",
        "high",
        "line",
        "margin",
        "certainty",
        "since",
        "reason",
        "previous",
        "restated_period",
        "was",
        "is",
        "cause_release",
        "title",
        "cause_kind",
        "because",
        "restated_value",
        "restated_previous",
        "sources_disagree",
    ];

    fn cells(&self) -> Vec<Cell> {
        let (event, alert) = alert_of(self.0);
        let restated = match &self.0.event {
            Some(Event::Restated(restated)) => Some(restated),
            _ => None,
        };
        let empty = Alert::default();
        let alert = alert.unwrap_or(&empty);
        let estimate = alert.estimate.clone().unwrap_or_default();
        let past = restated.and_then(|restated| restated.restatement.as_ref());
        // An earlier version wrote the state of the period that it restates, which is none of the alert's.
        let is_own = restated.is_none() || past.is_some();
        let corrected = past.and_then(|past| past.figure.as_ref()).and_then(|figure| figure.value);
        vec![
            Cell::text(&self.0.event_id),
            Cell::text(self.0.time.map(|time| instant(time.seconds)).unwrap_or_default()),
            Cell::text(event),
            Cell::text(&alert.id),
            Cell::text(if is_own { state_word(alert.state()) } else { String::new() }),
            Cell::text(&alert.severity),
            Cell::text(&alert.period),
            Cell::Number(estimate.value),
            Cell::Number(estimate.low),
            Cell::Number(estimate.high),
            Cell::Number(Some(alert.line)),
            Cell::Number(alert.margin),
            Cell::text(certainty_word(alert.certainty())),
            Cell::text(&alert.pending_since),
            Cell::text(reason_word(alert.reason())),
            Cell::Number(alert.previous),
            Cell::text(restated.map(|restated| restated.period.clone()).unwrap_or_default()),
            Cell::text(restated.map(|restated| state_word(restated.was())).unwrap_or_default()),
            Cell::text(restated.map(|restated| state_word(restated.is())).unwrap_or_default()),
            Cell::text(alert.cause.as_ref().map(|cause| cause.release.clone()).unwrap_or_default()),
            Cell::text(&alert.title),
            Cell::text(cause_word(alert)),
            Cell::text(wording::why(alert.reason())),
            Cell::Number(corrected),
            Cell::Number(past.and_then(|past| past.previous)),
            Cell::Flag(alert.sources_disagree),
        ]
    }
}
