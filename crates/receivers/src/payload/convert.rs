//! Converts messages to their JSON form for programs.
use orewatch_contracts::alerting::v1 as wired;
use orewatch_contracts::alerting::v1::{
    Acknowledgement, Alert, AlertTold, Notification, Restatement, SeriesPoint, TransitionFigure, Verdict,
};
use orewatch_contracts::common::v1::{By, Cause, Estimate};
use orewatch_contracts::exposure::v1::{MarketSize, ProductInfo};
use orewatch_contracts::market::proxy_caveat;
use orewatch_contracts::time::instant;

use super::schema::{
    AcknowledgementData, AlertData, Contributor, Data, EVENT_SOURCE, EVENT_TYPE, Figure, Payload, Point,
    ProductData, RestatedData, SizeData, SourcesData, TransitionData,
};
use crate::message::RenderedMessage;

/// Converts a message to an event.
#[must_use]
pub fn cloud_event(message: &Notification, rendered: &RenderedMessage) -> Payload {
    Payload {
        specversion: "1.0",
        id: message.id.clone(),
        source: EVENT_SOURCE,
        kind: EVENT_TYPE,
        subject: event_subject(message),
        time: rfc3339(message.planned_at.as_ref()),
        datacontenttype: "application/json",
        data: message_data(message, rendered),
    }
}

/// Subject of the event of a message.
#[must_use]
pub fn event_subject(message: &Notification) -> String {
    match (message.subscription.as_str(), message.group.as_str()) {
        ("", _) => message.receiver.clone(),
        (subscription, "") => subscription.to_owned(),
        (subscription, group) => format!("{subscription}/{group}"),
    }
}

/// A time by RFC 3339. Empty if there is none.
#[must_use]
pub fn rfc3339(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(instant).map(|time| time.to_string()).unwrap_or_default()
}

/// Converts a message to the data of an event.
#[must_use]
pub fn message_data(message: &Notification, rendered: &RenderedMessage) -> Data {
    let alerts = message.alerts.iter().zip(&rendered.alerts);
    Data {
        drill: message.drill,
        reason: enum_word(message.reason().as_str_name(), "NOTIFICATION_REASON_"),
        title: rendered.title.clone(),
        lines: rendered.lines.clone(),
        receiver: message.receiver.clone(),
        subscription: message.subscription.clone(),
        group: message.group.clone(),
        sequence: message.sequence,
        firing: message.firing,
        resolved: message.resolved,
        omitted: message.omitted,
        alerts: alerts
            .map(|(entry, summary)| alert(entry, &summary.headline, summary.link.url().map(str::to_owned)))
            .collect(),
    }
}

fn alert(entry: &AlertTold, headline: &str, explain_url: Option<String>) -> AlertData {
    let empty = Alert::default();
    let alert = entry.alert.as_ref().unwrap_or(&empty);
    let subject = alert.subject.clone().unwrap_or_default();
    let by = by_word(subject.by()).to_owned();
    AlertData {
        id: alert.id.clone(),
        episode: alert.episode.clone(),
        state: enum_word(alert.state().as_str_name(), "ALERT_STATE_"),
        severity: alert.severity.clone(),
        headline: headline.to_owned(),
        title: alert.title.clone(),
        rule: alert.rule.clone(),
        rule_revision: alert.rule_revision,
        consumer: subject.consumer,
        stage: subject.stage,
        by,
        supplier: subject.supplier,
        measure: subject.measure,
        period: alert.period.clone(),
        figure: figure(alert.estimate.as_ref()),
        at_transition: alert.at_transition.as_ref().map(at_transition),
        reason: enum_word(alert.reason().as_str_name(), "REASON_"),
        restated: entry.restated.as_ref().map(restated),
        fired_with: entry.fired_with.as_ref().map(|fired| figure(Some(fired))),
        fired_period: entry.fired_period.clone(),
        line: alert.line,
        above: alert.above,
        condition: alert.condition.clone(),
        finding: alert.finding.clone(),
        margin: alert.margin,
        certainty: enum_word(alert.certainty().as_str_name(), "CERTAINTY_"),
        stale: alert.stale,
        pending_since: alert.pending_since.clone(),
        since: alert.pending_since.clone(),
        cause_release: release(alert.cause.as_ref()),
        cause: release(alert.cause.as_ref()),
        cause_kind: alert.cause.as_ref().map_or_else(String::new, cause_kind),
        sources: sources(alert),
        fired_cause: release(entry.fired_cause.as_ref()),
        contributors: alert.contributors.iter().map(contributor).collect(),
        series: alert.series.iter().map(point).collect(),
        acknowledgement: entry.acknowledgement.as_ref().map(acknowledgement),
        labels: alert.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        owner: alert.owner.clone(),
        pack: alert.pack.clone(),
        text: alert.text.clone(),
        explain_url,
        event_id: entry.event_id.clone(),
        time: rfc3339(entry.time.as_ref()),
        caveat: proxy_caveat(&subject.material, &alert.products),
        products: alert.products.iter().map(product).collect(),
        size: alert.size.as_ref().map(size),
        material: subject.material,
    }
}

fn cause_kind(cause: &Cause) -> String {
    enum_word(cause.kind().as_str_name(), "CAUSE_KIND_")
}

fn contributor(contributor: &wired::Contributor) -> Contributor {
    Contributor { supplier: contributor.supplier.clone(), share: contributor.share }
}

fn by_word(by: By) -> &'static str {
    match by {
        By::Unspecified | By::Quantity => "quantity",
        By::Value => "value",
    }
}

fn product(product: &ProductInfo) -> ProductData {
    ProductData {
        code: product.code.clone(),
        name: product.name.clone(),
        proxy: product.proxy,
        purity: product.purity,
    }
}

fn size(size: &MarketSize) -> SizeData {
    SizeData { quantity_t: size.quantity_t, value_kusd: size.value_kusd }
}

fn at_transition(then: &TransitionFigure) -> TransitionData {
    TransitionData {
        period: then.period.clone(),
        figure: figure(then.estimate.as_ref()),
        margin: then.margin,
        certainty: enum_word(then.certainty().as_str_name(), "CERTAINTY_"),
        cause_release: release(then.cause.as_ref()),
        cause: release(then.cause.as_ref()),
    }
}

fn restated(restated: &Restatement) -> RestatedData {
    RestatedData {
        period: restated.period.clone(),
        was: enum_word(restated.was().as_str_name(), "ALERT_STATE_"),
        is: enum_word(restated.is().as_str_name(), "ALERT_STATE_"),
        figure: figure(restated.figure.as_ref()),
        previous: restated.previous,
        reason: enum_word(restated.reason().as_str_name(), "REASON_"),
        cause_release: release(restated.cause.as_ref()),
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
    let status = enum_word(estimate.status().as_str_name(), "STATUS_");
    Figure { value: estimate.value, low: estimate.low, high: estimate.high, status, reason: estimate.reason }
}

fn point(point: &SeriesPoint) -> Point {
    Point { period: point.period.clone(), value: point.value, low: point.low, high: point.high }
}

fn acknowledgement(acknowledgement: &Acknowledgement) -> AcknowledgementData {
    let verdict = match acknowledgement.verdict() {
        Verdict::Unspecified => String::new(),
        verdict => enum_word(verdict.as_str_name(), "VERDICT_"),
    };
    AcknowledgementData { owner: acknowledgement.owner.clone(), verdict, note: acknowledgement.note.clone() }
}

fn release(cause: Option<&Cause>) -> String {
    cause.map(|cause| cause.release.clone()).unwrap_or_default()
}

/// An enum value as a word, such as `not-confirmed`. Empty for an unspecified value.
fn enum_word(name: &str, prefix: &str) -> String {
    let word = name.trim_start_matches(prefix).to_lowercase().replace('_', "-");
    if word == "unspecified" { String::new() } else { word }
}
