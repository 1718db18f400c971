//! Messages to tell.
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::{By, Cause, CauseKind, Estimate, Status};
use orewatch_contracts::exposure::v1::Subject;

pub(crate) fn known(value: f64) -> Option<Estimate> {
    let status = Status::Known.into();
    Some(Estimate { value: Some(value), low: Some(value), high: Some(value), status, ..Estimate::default() })
}

pub(crate) fn cause(release: &str) -> Option<Cause> {
    let kind = CauseKind::ReleaseCommitted.into();
    Some(Cause { kind, release: release.to_owned(), position: 7, time: None })
}

/// An alert that fires.
pub(crate) fn firing(rule: &str, consumer: &str) -> Alert {
    let subject = Subject {
        consumer: consumer.to_owned(),
        material: "bismuth".to_owned(),
        stage: "refined".to_owned(),
        supplier: "CHN".to_owned(),
        measure: "import-share/1".to_owned(),
        by: By::Quantity.into(),
    };
    let partial = Estimate {
        value: Some(0.876),
        low: Some(0.71),
        high: Some(0.92),
        status: Status::Partial.into(),
        reason: "a flow has no quantity".to_owned(),
        ..Estimate::default()
    };
    let point =
        |period: &str, value| SeriesPoint { period: period.to_owned(), value, low: value, high: value };
    Alert {
        id: format!("{rule}/{consumer}/bismuth/refined/CHN"),
        episode: format!("{rule}/{consumer}/bismuth/refined/CHN@2023"),
        rule: rule.to_owned(),
        rule_revision: 3,
        title: "China's share of imports is above 65 %".to_owned(),
        subject: Some(subject),
        state: AlertState::Firing.into(),
        severity: "critical".to_owned(),
        period: "2024".to_owned(),
        estimate: Some(partial),
        line: 0.65,
        above: true,
        margin: Some(0.226),
        certainty: Certainty::Confirmed.into(),
        pending_since: "2023".to_owned(),
        fired_at: "2023".to_owned(),
        reason: Reason::Crossed.into(),
        labels: [("team".to_owned(), "metals".to_owned())].into(),
        owner: "desk".to_owned(),
        text: "Ask the desk & <check> *stocks*.".to_owned(),
        cause: cause("baci-hs92/202601-0a1b"),
        series: vec![
            point("2021", Some(0.5)),
            point("2022", None),
            point("2023", Some(0.7)),
            point("2024", Some(0.876)),
        ],
        contributors: vec![
            Contributor { supplier: "CHN".to_owned(), share: 0.876 },
            Contributor { supplier: "LAO".to_owned(), share: 0.1 },
        ],
        ..Alert::default()
    }
}

/// The same alert, over.
pub(crate) fn resolved(rule: &str, consumer: &str) -> AlertTold {
    let fired = firing(rule, consumer);
    let alert = Alert {
        state: AlertState::Resolved.into(),
        period: "2025".to_owned(),
        estimate: known(0.41),
        margin: Some(-0.24),
        certainty: Certainty::Unspecified.into(),
        resolved_at: "2025".to_owned(),
        reason: Reason::Cleared.into(),
        cause: cause("baci-hs92/202701-9f9f"),
        previous: Some(0.876),
        ..fired.clone()
    };
    AlertTold {
        alert: Some(alert),
        fired_with: fired.estimate,
        fired_period: "2024".to_owned(),
        fired_cause: fired.cause,
        ..alert_told(Alert::default())
    }
}

pub(crate) fn alert_told(alert: Alert) -> AlertTold {
    AlertTold {
        alert: Some(alert),
        event_id: "1f0c9a52-0000-5000-8000-000000000001".to_owned(),
        time: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
        ..AlertTold::default()
    }
}

/// A message about an alert that fires.
pub(crate) fn message(receiver: &str, group: &str, sequence: u32) -> Notification {
    Notification {
        receiver: receiver.to_owned(),
        subscription: "all".to_owned(),
        group: group.to_owned(),
        sequence,
        reason: NotificationReason::First.into(),
        alerts: vec![alert_told(firing("g7-china", "EU27"))],
        firing: 1,
        position: 3,
        ..Notification::default()
    }
}
