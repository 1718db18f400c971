//! The JSON that programs are sent: a CloudEvent whose data are the message. Its schema is public and only grows.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::{
    Acknowledgement, Alert, AlertTold, Notification, Restatement, SeriesPoint, TransitionFigure, Verdict,
};
use orewatch_contracts::common::v1::{Cause, Estimate};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::evolve::instant;
use super::message::Telling;

/// Type of the event.
pub const KIND: &str = "orewatch.alerting.v1.Notification";

/// Source of the event.
pub const SOURCE: &str = "/orewatch/alerts";

/// A message as an event: attributes by CloudEvents 1.0, the message in `data`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Orewatch notification")]
pub struct Payload {
    /// Version of CloudEvents: `1.0`.
    pub specversion: &'static str,
    /// Identifier of the message, a UUID: the same at every attempt and in every replay. Act once on each.
    pub id: String,
    /// Where it comes from: `/orewatch/alerts`.
    pub source: &'static str,
    /// What it is: `orewatch.alerting.v1.Notification`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is about: `SUBSCRIPTION/GROUP`, or the receiver where no subscription planned it.
    pub subject: String,
    /// When it was planned, RFC 3339 in UTC.
    pub time: String,
    /// Form of `data`: `application/json`.
    pub datacontenttype: &'static str,
    /// The message.
    pub data: Data,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Data {
    /// True: an exercise; nothing has happened.
    pub drill: bool,
    /// Why it goes out: `first`, `new-alerts`, `resolved`, `all-resolved`, `repeat`, `changed`, `silence-over`,
    /// `inhibition-over`, `escalated`, `digest`, `heartbeat`, `drill` or `receiver-down`. More may come.
    pub reason: String,
    /// One line for people.
    pub title: String,
    /// Further lines for people.
    pub lines: Vec<String>,
    /// Identifier of the receiver.
    pub receiver: String,
    /// Identifier of the subscription. Empty: none.
    pub subscription: String,
    /// The group, as `KEY=VALUE` separated by commas. Empty: one group for all.
    pub group: String,
    /// Which message of the subscription's group it is, from 1: a later one says how things stand later.
    pub sequence: u32,
    /// Alerts of the group that fire.
    pub firing: u32,
    /// Alerts that are over since the message before.
    pub resolved: u32,
    /// Alerts that are not told for the message's length.
    pub omitted: u32,
    /// The alerts, those that fire first, the most severe first.
    pub alerts: Vec<AlertData>,
}

/// An alert as a message tells it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AlertData {
    /// Identifier, the same for every episode: `RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER`.
    pub id: String,
    /// Identifier of the episode.
    pub episode: String,
    /// `firing`, `resolved`, `pending` or `inactive`.
    pub state: String,
    /// Severity.
    pub severity: String,
    /// One line for people.
    pub headline: String,
    /// Title of the rule.
    pub title: String,
    /// Identifier of the rule.
    pub rule: String,
    /// Revision of the rule.
    pub rule_revision: u32,
    /// Who depends.
    pub consumer: String,
    /// On what.
    pub material: String,
    /// At which stage.
    pub stage: String,
    /// On whom. Empty: the measure has no supplier.
    pub supplier: String,
    /// The measure with its version.
    pub measure: String,
    /// Period of the figure.
    pub period: String,
    /// The figure: of an alert that fires the newest there is, of one that is over the one that ended the episode.
    pub figure: Figure,
    /// The figure of the last transition, where that is not `figure`. Null: it is.
    pub at_transition: Option<TransitionData>,
    /// Why it last changed: `crossed`, `held`, `cleared`, `restated`, `no-data`, `data-back`, `severity`, `source-changed`,
    /// `sources-separated`, `frequencies-separated`, `confirmed`, ... With the `source-changed` and the two that are `separated` the
    /// figure is another one and the world has not moved. More may come.
    pub reason: String,
    /// What corrected data say of a period in the past, where that is what the message tells. Null: it is not.
    pub restated: Option<RestatedData>,
    /// The figure with which the episode fired, for one that is over. Null: not known, or it fires.
    pub fired_with: Option<Figure>,
    /// Period of that figure. Empty: not known.
    pub fired_period: String,
    /// The line, in the measure's unit.
    pub line: f64,
    /// True: the alert is above the line.
    pub above: bool,
    /// How far the value is beyond the line. Null: no value.
    pub margin: Option<f64>,
    /// `confirmed`, `not-confirmed`, or empty: the line is not crossed.
    pub certainty: String,
    /// The figure of the newest period is missing.
    pub stale: bool,
    /// First period of the crossing. Empty: no episode.
    pub since: String,
    /// Release that made the figure change. Empty: the rule changed, or no release did.
    pub cause: String,
    /// How it made it change: `release-committed`, `release-restated`, `release-withdrawn`, `measures-added`, `source-changed` or
    /// `sources-separated`. Empty: the rule changed.
    pub cause_kind: String,
    /// What the datasets say that can give the figure. Null: only one can.
    pub sources: Option<SourcesData>,
    /// Release that made it fire, for one that is over. Empty: not known.
    pub fired_cause: String,
    /// The largest suppliers.
    pub contributors: Vec<Contributor>,
    /// The figure over its last periods, oldest first.
    pub series: Vec<Point>,
    /// The acknowledgement that stands. Null: none.
    pub acknowledgement: Option<AcknowledgementData>,
    /// Labels of the rule.
    pub labels: BTreeMap<String, String>,
    /// Owner of the rule.
    pub owner: String,
    /// Text of the rule.
    pub text: String,
    /// Where the explanation is. Null: no address is configured.
    pub explain_url: Option<String>,
    /// Identifier of the transition that it tells.
    pub event_id: String,
    /// When that was recorded, RFC 3339 in UTC. Empty: not known.
    pub time: String,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Figure {
    /// Best estimate, in the measure's unit. Null: there is none.
    pub value: Option<f64>,
    /// Lower bound. Null: none is known.
    pub low: Option<f64>,
    /// Upper bound. Null: none is known.
    pub high: Option<f64>,
    /// `known`, `partial`, `withheld`, `unavailable`, `not-applicable` or `stale`.
    pub status: String,
    /// Why it is not known. Empty: it is.
    pub reason: String,
}

/// The figure of a transition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TransitionData {
    /// Its period.
    pub period: String,
    /// The figure as it was then.
    pub figure: Figure,
    /// How far it was beyond the line. Null: no value.
    pub margin: Option<f64>,
    /// As of the alert.
    pub certainty: String,
    /// Release that made it what it was. Empty: not known.
    pub cause: String,
}

/// What corrected data say of a period in the past. The alert itself stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RestatedData {
    /// The period.
    pub period: String,
    /// State in that period by the data of then.
    pub was: String,
    /// State in that period by the corrected data.
    pub is: String,
    /// The corrected figure.
    pub figure: Figure,
    /// The figure before. Null: there was none.
    pub previous: Option<f64>,
    /// `restated`, `source-changed` or `sources-separated`.
    pub reason: String,
    /// Release that made it another one. Empty: none did.
    pub cause: String,
}

/// What several datasets say of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SourcesData {
    /// How many can give it.
    pub count: u32,
    /// The lowest. Null: not known.
    pub lowest: Option<f64>,
    /// Dataset of the lowest.
    pub lowest_dataset: String,
    /// The highest. Null: not known.
    pub highest: Option<f64>,
    /// Dataset of the highest.
    pub highest_dataset: String,
    /// They lie on different sides of the line.
    pub disagree: bool,
}

/// A supplier behind a figure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Contributor {
    /// ISO 3166-1 alpha-3.
    pub supplier: String,
    /// Its share, 0 to 1.
    pub share: f64,
}

/// A figure of one period.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// The period.
    pub period: String,
    /// Best estimate. Null: there is none.
    pub value: Option<f64>,
    /// Lower bound. Null: none is known.
    pub low: Option<f64>,
    /// Upper bound. Null: none is known.
    pub high: Option<f64>,
}

/// Somebody has taken the alert on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AcknowledgementData {
    /// Who.
    pub owner: String,
    /// `potential`, `confirmed`, `no-impact`, or empty: no verdict yet.
    pub verdict: String,
    /// Note for people.
    pub note: String,
}

/// The JSON Schema of what programs are sent.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Payload)
}

/// A message as an event.
#[must_use]
pub fn payload(message: &Notification, telling: &Telling) -> Payload {
    Payload {
        specversion: "1.0",
        id: message.id.clone(),
        source: SOURCE,
        kind: KIND,
        subject: subject(message),
        time: time(message.planned_at.as_ref()),
        datacontenttype: "application/json",
        data: data(message, telling),
    }
}

/// What a message is about.
#[must_use]
pub fn subject(message: &Notification) -> String {
    match (message.subscription.as_str(), message.group.as_str()) {
        ("", _) => message.receiver.clone(),
        (subscription, "") => subscription.to_owned(),
        (subscription, group) => format!("{subscription}/{group}"),
    }
}

/// A time by RFC 3339. Empty: none.
#[must_use]
pub fn time(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(instant).map(|time| time.to_string()).unwrap_or_default()
}

/// A message as data.
#[must_use]
pub fn data(message: &Notification, telling: &Telling) -> Data {
    let alerts = message.alerts.iter().zip(&telling.stories);
    Data {
        drill: message.drill,
        reason: word(message.reason().as_str_name(), "NOTIFICATION_REASON_"),
        title: telling.title.clone(),
        lines: telling.lines.clone(),
        receiver: message.receiver.clone(),
        subscription: message.subscription.clone(),
        group: message.group.clone(),
        sequence: message.sequence,
        firing: message.firing,
        resolved: message.resolved,
        omitted: message.omitted,
        alerts: alerts
            .map(|(told, story)| alert(told, &story.headline, story.link.url().map(str::to_owned)))
            .collect(),
    }
}

fn alert(told: &AlertTold, headline: &str, explain_url: Option<String>) -> AlertData {
    let empty = Alert::default();
    let alert = told.alert.as_ref().unwrap_or(&empty);
    let subject = alert.subject.clone().unwrap_or_default();
    let contributors = alert.contributors.iter();
    AlertData {
        id: alert.id.clone(),
        episode: alert.episode.clone(),
        state: word(alert.state().as_str_name(), "ALERT_STATE_"),
        severity: alert.severity.clone(),
        headline: headline.to_owned(),
        title: alert.title.clone(),
        rule: alert.rule.clone(),
        rule_revision: alert.rule_revision,
        consumer: subject.consumer,
        material: subject.material,
        stage: subject.stage,
        supplier: subject.supplier,
        measure: subject.measure,
        period: alert.period.clone(),
        figure: figure(alert.estimate.as_ref()),
        at_transition: alert.at_transition.as_ref().map(at_transition),
        reason: word(alert.reason().as_str_name(), "REASON_"),
        restated: told.restated.as_ref().map(restated),
        fired_with: told.fired_with.as_ref().map(|fired| figure(Some(fired))),
        fired_period: told.fired_period.clone(),
        line: alert.line,
        above: alert.above,
        margin: alert.margin,
        certainty: word(alert.certainty().as_str_name(), "CERTAINTY_"),
        stale: alert.stale,
        since: alert.pending_since.clone(),
        cause: release(alert.cause.as_ref()),
        cause_kind: alert
            .cause
            .as_ref()
            .map_or_else(String::new, |cause| word(cause.kind().as_str_name(), "CAUSE_KIND_")),
        sources: sources(alert),
        fired_cause: release(told.fired_cause.as_ref()),
        contributors: contributors
            .map(|one| Contributor { supplier: one.supplier.clone(), share: one.share })
            .collect(),
        series: alert.series.iter().map(point).collect(),
        acknowledgement: told.acknowledgement.as_ref().map(acknowledgement),
        labels: alert.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        owner: alert.owner.clone(),
        text: alert.text.clone(),
        explain_url,
        event_id: told.event_id.clone(),
        time: time(told.time.as_ref()),
    }
}

fn at_transition(then: &TransitionFigure) -> TransitionData {
    TransitionData {
        period: then.period.clone(),
        figure: figure(then.estimate.as_ref()),
        margin: then.margin,
        certainty: word(then.certainty().as_str_name(), "CERTAINTY_"),
        cause: release(then.cause.as_ref()),
    }
}

fn restated(restated: &Restatement) -> RestatedData {
    RestatedData {
        period: restated.period.clone(),
        was: word(restated.was().as_str_name(), "ALERT_STATE_"),
        is: word(restated.is().as_str_name(), "ALERT_STATE_"),
        figure: figure(restated.figure.as_ref()),
        previous: restated.previous,
        reason: word(restated.reason().as_str_name(), "REASON_"),
        cause: release(restated.cause.as_ref()),
    }
}

fn sources(alert: &Alert) -> Option<SourcesData> {
    let sources = SourcesData {
        count: alert.sources,
        lowest: alert.lowest,
        lowest_dataset: alert.lowest_dataset.clone(),
        highest: alert.highest,
        highest_dataset: alert.highest_dataset.clone(),
        disagree: alert.sources_disagree,
    };
    (alert.sources > 1).then_some(sources)
}

fn figure(estimate: Option<&Estimate>) -> Figure {
    let estimate = estimate.cloned().unwrap_or_default();
    let status = word(estimate.status().as_str_name(), "STATUS_");
    Figure { value: estimate.value, low: estimate.low, high: estimate.high, status, reason: estimate.reason }
}

fn point(point: &SeriesPoint) -> Point {
    Point { period: point.period.clone(), value: point.value, low: point.low, high: point.high }
}

fn acknowledgement(acknowledgement: &Acknowledgement) -> AcknowledgementData {
    let verdict = match acknowledgement.verdict() {
        Verdict::Unspecified => String::new(),
        verdict => word(verdict.as_str_name(), "VERDICT_"),
    };
    AcknowledgementData { owner: acknowledgement.owner.clone(), verdict, note: acknowledgement.note.clone() }
}

fn release(cause: Option<&Cause>) -> String {
    cause.map(|cause| cause.release.clone()).unwrap_or_default()
}

/// A value of an enumeration as a word: `not-confirmed`. Nothing for one that was never written.
fn word(name: &str, prefix: &str) -> String {
    let word = name.trim_start_matches(prefix).to_lowercase().replace('_', "-");
    if word == "unspecified" { String::new() } else { word }
}
