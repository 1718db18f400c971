//! Rows of alerts and their transitions.
use std::borrow::Cow;
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertRestated, AlertState, AlertTransition, Certainty, Contributor, Reason, Restatement,
    RuleChange, TransitionFigure,
};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{MarketSize, ProductInfo, Subject};
use orewatch_rules::wording;

use super::market;
use super::market::InMarket;
use crate::render::{Cell, Column, Record, Row, column, status_word};
use crate::words::{by_word, enum_word};

/// The state of an alert as a word.
pub(crate) fn state_word(state: AlertState) -> String {
    enum_word(state.as_str_name(), "ALERT_STATE_")
}

/// Why an alert is in its state, as a word.
pub(crate) fn reason_word(reason: Reason) -> String {
    enum_word(reason.as_str_name(), "REASON_")
}

/// Cause of the change of the figure, as a word. Empty if the rule changed.
fn cause_word(alert: &Alert) -> String {
    alert
        .cause
        .as_ref()
        .map_or_else(String::new, |cause| enum_word(cause.kind().as_str_name(), "CAUSE_KIND_"))
}

/// The release that changed the figure. Empty without one.
fn cause_release(alert: &Alert) -> String {
    alert.cause.as_ref().map(|cause| cause.release.clone()).unwrap_or_default()
}

/// The figure of the last transition.
fn transition_figure(alert: &Alert) -> TransitionFigure {
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

impl InMarket for Alert {
    fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }
    fn products(&self) -> &[ProductInfo] {
        &self.products
    }
    fn size(&self) -> Option<&MarketSize> {
        self.size.as_ref()
    }
}

impl Row for Alert {
    fn columns() -> Vec<Column<Self>> {
        let groups =
            [identity_columns(), figure_columns(), state_columns(), context_columns(), transition_columns()];
        let groups = groups.into_iter().chain([spread_columns(), market::columns(), contract_columns()]);
        groups.flatten().collect()
    }
}

/// A field of the alert's subject.
fn subject_text(alert: &Alert, field: fn(&Subject) -> &String) -> Cell {
    Cell::text(alert.subject.as_ref().map(field).cloned().unwrap_or_default())
}

/// A number of an estimate, if there is one.
fn number(estimate: Option<&Estimate>, field: fn(&Estimate) -> Option<f64>) -> Cell {
    Cell::Number(estimate.and_then(field))
}

fn identity_columns() -> Vec<Column<Alert>> {
    vec![
        column("alert", |alert: &Alert| Cell::text(&alert.id)),
        column("state", |alert: &Alert| Cell::text(state_word(alert.state()))),
        column("severity", |alert: &Alert| Cell::text(&alert.severity)),
        column("stale", |alert: &Alert| Cell::Flag(alert.stale)),
        column("rule", |alert: &Alert| Cell::text(&alert.rule)),
        column("rule_revision", |alert: &Alert| Cell::count(alert.rule_revision)),
        column("title", |alert: &Alert| Cell::text(&alert.title)),
        column("consumer", |alert: &Alert| subject_text(alert, |subject| &subject.consumer)),
        column("material", |alert: &Alert| subject_text(alert, |subject| &subject.material)),
        column("stage", |alert: &Alert| subject_text(alert, |subject| &subject.stage)),
        column("supplier", |alert: &Alert| subject_text(alert, |subject| &subject.supplier)),
        column("measure", |alert: &Alert| subject_text(alert, |subject| &subject.measure)),
        column("by", |alert: &Alert| {
            let by = alert.subject.as_ref().map(Subject::by).unwrap_or_default();
            Cell::text(by_word(by))
        }),
        column("period", |alert: &Alert| Cell::text(&alert.period)),
    ]
}

fn figure_columns() -> Vec<Column<Alert>> {
    vec![
        column("value", |alert: &Alert| number(alert.estimate.as_ref(), |estimate| estimate.value)),
        column("low", |alert: &Alert| number(alert.estimate.as_ref(), |estimate| estimate.low)),
        column("high", |alert: &Alert| number(alert.estimate.as_ref(), |estimate| estimate.high)),
        column("status", |alert: &Alert| {
            let status = alert.estimate.as_ref().map(Estimate::status).unwrap_or_default();
            Cell::text(status_word(status))
        }),
        column("line", |alert: &Alert| Cell::Number(Some(alert.line))),
        column("above", |alert: &Alert| Cell::Flag(alert.above)),
        column("clear", |alert: &Alert| Cell::Number(alert.clear)),
        column("margin", |alert: &Alert| Cell::Number(alert.margin)),
        column("certainty", |alert: &Alert| Cell::text(certainty_word(alert.certainty()))),
    ]
}

fn state_columns() -> Vec<Column<Alert>> {
    vec![
        column("since", |alert: &Alert| Cell::text(&alert.pending_since)),
        column("fired_at", |alert: &Alert| Cell::text(&alert.fired_at)),
        column("resolved_at", |alert: &Alert| Cell::text(&alert.resolved_at)),
        column("reason", |alert: &Alert| Cell::text(reason_word(alert.reason()))),
        column("previous", |alert: &Alert| Cell::Number(alert.previous)),
        column("names", |alert: &Alert| Cell::List(alert.names.clone())),
        column("cause_release", |alert: &Alert| Cell::text(cause_release(alert))),
        column("releases", |alert: &Alert| Cell::List(alert.releases.clone())),
        column("episode", |alert: &Alert| Cell::text(&alert.episode)),
    ]
}

/// A supplier with its share.
fn contributor(one: &Contributor) -> Record {
    Record {
        text: format!("{} {}", one.supplier, one.share),
        fields: vec![("supplier", Cell::text(&one.supplier)), ("share", Cell::Number(Some(one.share)))],
    }
}

fn context_columns() -> Vec<Column<Alert>> {
    let changed = |alert: &Alert, field: fn(&RuleChange) -> &String| {
        Cell::text(alert.rule_change.as_ref().map(field).cloned().unwrap_or_default())
    };
    vec![
        column("owner", |alert: &Alert| Cell::text(&alert.owner)),
        column("labels", |alert: &Alert| label_object(&alert.labels)),
        column("pack", |alert: &Alert| Cell::text(&alert.pack)),
        column("condition", |alert: &Alert| Cell::text(&alert.condition)),
        column("judged", |alert: &Alert| Cell::Number(alert.judged)),
        column("finding", |alert: &Alert| Cell::text(&alert.finding)),
        column("contributors", |alert: &Alert| {
            Cell::Records(alert.contributors.iter().map(contributor).collect())
        }),
        column("changed_by", move |alert: &Alert| changed(alert, |change| &change.actor)),
        column("changed_because", move |alert: &Alert| changed(alert, |change| &change.reason)),
        column("text", |alert: &Alert| Cell::text(alert.text.trim())),
        column("cause_kind", |alert: &Alert| Cell::text(cause_word(alert))),
        column("because", |alert: &Alert| Cell::text(wording::why(alert.reason()))),
    ]
}

fn transition_columns() -> Vec<Column<Alert>> {
    let figure = |alert: &Alert, field: fn(&Estimate) -> Option<f64>| {
        number(transition_figure(alert).estimate.as_ref(), field)
    };
    vec![
        column("transition_period", |alert: &Alert| Cell::text(transition_figure(alert).period)),
        column("transition_value", move |alert: &Alert| figure(alert, |estimate| estimate.value)),
        column("transition_low", move |alert: &Alert| figure(alert, |estimate| estimate.low)),
        column("transition_high", move |alert: &Alert| figure(alert, |estimate| estimate.high)),
        column("transition_margin", |alert: &Alert| Cell::Number(transition_figure(alert).margin)),
    ]
}

/// What the datasets that can answer say of the figure.
fn spread_columns() -> Vec<Column<Alert>> {
    vec![
        column("sources", |alert: &Alert| Cell::count(alert.sources)),
        column("lowest", |alert: &Alert| Cell::Number(alert.lowest)),
        column("lowest_dataset", |alert: &Alert| Cell::text(&alert.lowest_dataset)),
        column("highest", |alert: &Alert| Cell::Number(alert.highest)),
        column("highest_dataset", |alert: &Alert| Cell::text(&alert.highest_dataset)),
        column("sources_disagree", |alert: &Alert| Cell::Flag(alert.sources_disagree)),
    ]
}

/// Labels as an object; CSV joins them with semicolons.
pub(crate) fn label_object(labels: &BTreeMap<String, String>) -> Cell {
    Cell::Object(labels.iter().map(|(key, value)| (key.clone(), Cell::text(value))).collect())
}

/// Fields under the names that events and the API have for them, and single values where an older column has
/// several in one.
fn contract_columns() -> Vec<Column<Alert>> {
    let largest = |alert: &Alert| alert.contributors.first().cloned();
    vec![
        column("id", |alert: &Alert| Cell::text(&alert.id)),
        column("pending_since", |alert: &Alert| Cell::text(&alert.pending_since)),
        column("largest_contributor", move |alert: &Alert| {
            Cell::text(largest(alert).map(|one| one.supplier).unwrap_or_default())
        }),
        column("largest_contributor_share", move |alert: &Alert| {
            Cell::Number(largest(alert).map(|one| one.share))
        }),
    ]
}

/// The event of a transition as a word, and the alert after it.
pub(crate) fn event_and_alert(transition: &AlertTransition) -> (&'static str, Option<&Alert>) {
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

/// The alert after a transition. A transition without one counts as one of an empty alert.
fn alert_after(transition: &AlertTransition) -> Cow<'_, Alert> {
    event_and_alert(transition).1.map_or_else(|| Cow::Owned(Alert::default()), Cow::Borrowed)
}

/// The restatement of a transition, if it is one.
fn restated(transition: &AlertTransition) -> Option<&AlertRestated> {
    match &transition.event {
        Some(Event::Restated(restated)) => Some(restated),
        _ => None,
    }
}

/// State of the alert after the transition. Restatements of earlier versions have the state of the restated
/// period in its place, which is not shown.
fn own_state(transition: &AlertTransition) -> String {
    let has_own = restated(transition).is_none_or(|restated| restated.restatement.is_some());
    if has_own { state_word(alert_after(transition).state()) } else { String::new() }
}

impl Row for AlertTransition {
    fn columns() -> Vec<Column<Self>> {
        let after = |transition: &Self, cell: fn(&Alert) -> Cell| cell(&alert_after(transition));
        let mut columns: Vec<Column<Self>> = vec![
            column("event_id", |transition: &Self| Cell::text(&transition.event_id)),
            column("time", |transition: &Self| Cell::time(transition.time)),
            column("event", |transition: &Self| Cell::text(event_and_alert(transition).0)),
            column("alert", move |transition: &Self| after(transition, |alert| Cell::text(&alert.id))),
            column("state", |transition: &Self| Cell::text(own_state(transition))),
            column("severity", move |transition: &Self| {
                after(transition, |alert| Cell::text(&alert.severity))
            }),
            column("period", move |transition: &Self| after(transition, |alert| Cell::text(&alert.period))),
            column("value", move |transition: &Self| {
                after(transition, |alert| number(alert.estimate.as_ref(), |estimate| estimate.value))
            }),
            column("low", move |transition: &Self| {
                after(transition, |alert| number(alert.estimate.as_ref(), |estimate| estimate.low))
            }),
            column("high", move |transition: &Self| {
                after(transition, |alert| number(alert.estimate.as_ref(), |estimate| estimate.high))
            }),
            column("line", move |transition: &Self| {
                after(transition, |alert| Cell::Number(Some(alert.line)))
            }),
            column("margin", move |transition: &Self| after(transition, |alert| Cell::Number(alert.margin))),
            column("certainty", move |transition: &Self| {
                after(transition, |alert| Cell::text(certainty_word(alert.certainty())))
            }),
            column("since", move |transition: &Self| {
                after(transition, |alert| Cell::text(&alert.pending_since))
            }),
            column("reason", move |transition: &Self| {
                after(transition, |alert| Cell::text(reason_word(alert.reason())))
            }),
            column("previous", move |transition: &Self| {
                after(transition, |alert| Cell::Number(alert.previous))
            }),
        ];
        columns.extend(restatement_columns());
        columns
    }
}

fn restatement_columns() -> Vec<Column<AlertTransition>> {
    let past = |transition: &AlertTransition, field: fn(&Restatement) -> Option<f64>| {
        let past = restated(transition).and_then(|restated| restated.restatement.as_ref());
        Cell::Number(past.and_then(field))
    };
    let state = |transition: &AlertTransition, field: fn(&AlertRestated) -> AlertState| {
        Cell::text(restated(transition).map(|restated| state_word(field(restated))).unwrap_or_default())
    };
    vec![
        column("restated_period", |transition: &AlertTransition| {
            Cell::text(restated(transition).map(|restated| restated.period.clone()).unwrap_or_default())
        }),
        column("was", move |transition: &AlertTransition| state(transition, AlertRestated::was)),
        column("is", move |transition: &AlertTransition| state(transition, AlertRestated::is)),
        column("cause_release", |transition: &AlertTransition| {
            Cell::text(cause_release(&alert_after(transition)))
        }),
        column("title", |transition: &AlertTransition| Cell::text(&alert_after(transition).title)),
        column("cause_kind", |transition: &AlertTransition| Cell::text(cause_word(&alert_after(transition)))),
        column("because", |transition: &AlertTransition| {
            Cell::text(wording::why(alert_after(transition).reason()))
        }),
        column("restated_value", move |transition: &AlertTransition| {
            past(transition, |past| past.figure.as_ref()?.value)
        }),
        column("restated_previous", move |transition: &AlertTransition| {
            past(transition, |past| past.previous)
        }),
        column("sources_disagree", |transition: &AlertTransition| {
            Cell::Flag(alert_after(transition).sources_disagree)
        }),
        column("id", |transition: &AlertTransition| Cell::text(&alert_after(transition).id)),
        column("pending_since", |transition: &AlertTransition| {
            Cell::text(&alert_after(transition).pending_since)
        }),
        column("labels", |transition: &AlertTransition| label_object(&alert_after(transition).labels)),
    ]
}
