//! Writes messages of the contracts as rows of answers: values, bounds, coverage, states, identifiers and
//! times, but no texts for people. An absent or empty field is `-`; an enumeration is its number.
use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{Exposure, Subject, Trend};
use prost_types::Timestamp;

use super::answers::bits;

/// Writes a text. `-` if it is empty.
pub(super) fn word(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// Writes texts in their order. `-` if there are none.
pub(super) fn list(texts: &[String]) -> String {
    word(&texts.join(",")).to_owned()
}

/// Writes a time as seconds and nanoseconds.
pub(super) fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{}.{:09}", time.seconds, time.nanos))
}

/// Writes value, bounds, coverage and status. A bound that equals the value to the bit is `=`.
pub(super) fn estimate(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return "-".to_owned() };
    let value = bits(estimate.value);
    let bound = |bound: Option<f64>| {
        let bound = bits(bound);
        if bound == value { "=".to_owned() } else { bound }
    };
    let (low, high, coverage) = (bound(estimate.low), bound(estimate.high), bits(estimate.coverage));
    format!("{value} {low} {high} {coverage} {}", estimate.status)
}

/// Writes the key of a figure: its subject and period.
pub(super) fn figure_key(subject: Option<&Subject>, period: &str) -> String {
    let Some(subject) = subject else { return format!("- {period}") };
    let Subject { consumer, material, stage, supplier, measure, by } = subject;
    format!("{material} {stage} {} {measure} {by} {consumer} {}", word(period), word(supplier))
}

/// Writes a figure as it is published: its estimate, and the suppliers that it names.
pub(super) fn figure(found: Option<&Estimate>, names: &[String]) -> String {
    format!("{} {}", estimate(found), list(names))
}

/// Writes a figure as it is answered: as published, then its verdicts, releases and trend.
pub(super) fn exposure(exposure: &Exposure) -> String {
    let published = figure(exposure.estimate.as_ref(), &exposure.names);
    let verdicts: Vec<_> = exposure.lines.iter().map(|line| line.standing.to_string()).collect();
    let trend = exposure.trend.as_ref().map(trend).unwrap_or_default();
    format!("{published}; {}; {}{trend}", list(&verdicts), list(&exposure.releases))
}

fn trend(trend: &Trend) -> String {
    let [change, mean3, mean5] =
        [&trend.change, &trend.mean3, &trend.mean5].map(|part| estimate(part.as_ref()));
    format!("; {change}; {mean3}; {mean5}")
}

/// Writes the cause of a change.
pub(super) fn cause(cause: Option<&Cause>) -> String {
    let Some(cause) = cause else { return "-".to_owned() };
    format!("{} {} {} {}", cause.kind, word(&cause.release), cause.position, time(cause.time))
}

/// Writes the state of an alert.
pub(super) fn alert_state(alert: &Alert) -> String {
    let Alert {
        episode,
        rule,
        rule_revision,
        state,
        severity,
        pending_since,
        fired_at,
        resolved_at,
        reason,
        ..
    } = alert;
    let periods = [pending_since, fired_at, resolved_at].map(|period| word(period)).join(" ");
    format!(
        "{} {rule} {rule_revision} {state} {severity} {periods} {reason} {}",
        word(episode),
        word(&alert.pack)
    )
}

/// Writes the figure of an alert: its key, the figure as published, then what the rule derives from it.
pub(super) fn alert_figure(alert: &Alert) -> String {
    let key = figure_key(alert.subject.as_ref(), &alert.period);
    let found = figure(alert.estimate.as_ref(), &alert.names);
    let judged = [alert.clear, alert.margin, alert.previous, alert.judged].map(bits).join(" ");
    format!(
        "{key}; {found}; {} {} {} {} {judged}; {}; {}; {}; {}",
        alert.stale,
        alert.certainty,
        bits(Some(alert.line)),
        alert.above,
        list(&alert.releases),
        cause(alert.cause.as_ref()),
        series(alert),
        contributors(alert)
    )
}

fn series(alert: &Alert) -> String {
    let points = alert.series.iter().map(|point| {
        let figures = [point.value, point.low, point.high].map(bits).join(" ");
        format!("{} {figures}", point.period)
    });
    word(&points.collect::<Vec<_>>().join(", ")).to_owned()
}

fn contributors(alert: &Alert) -> String {
    let all = alert.contributors.iter().map(|one| format!("{} {}", one.supplier, bits(Some(one.share))));
    word(&all.collect::<Vec<_>>().join(", ")).to_owned()
}
