//! Alerts as they are recorded: a rule on a subject, with its evidence.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFired, AlertPending, AlertResolved, AlertSeverityChanged, AlertStale, AlertState, Certainty,
    Reason,
};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::Subject;

use crate::episode::{Change, DEFAULT_SEVERITY, Phase};
use crate::figures::{Figure, Ground, unavailable};
use crate::rules::Checked;
use crate::trajectory::{Point, Trajectory};

/// Stands for the supplier in identifiers where there is none.
const NO_SUPPLIER: &str = "-";

/// Identifier of the alert of a rule on a subject: `RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER`.
#[must_use]
pub fn alert_id(rule: &str, subject: &Subject) -> String {
    let supplier = if subject.supplier.is_empty() { NO_SUPPLIER } else { &subject.supplier };
    format!("{rule}/{}/{}/{}/{supplier}", subject.consumer, subject.material, subject.stage)
}

/// What a transition event says about the alert.
#[must_use]
pub fn alert_of(event: &Event) -> Option<&Alert> {
    match event {
        Event::Pending(event) => event.alert.as_ref(),
        Event::Fired(event) => event.alert.as_ref(),
        Event::Resolved(event) => event.alert.as_ref(),
        Event::Stale(event) => event.alert.as_ref(),
        Event::SeverityChanged(event) => event.alert.as_ref(),
        Event::Restated(event) => event.alert.as_ref(),
    }
}

/// The alert that a transition event carries.
#[must_use]
pub fn into_alert(event: Event) -> Option<Alert> {
    match event {
        Event::Pending(event) => event.alert,
        Event::Fired(event) => event.alert,
        Event::Resolved(event) => event.alert,
        Event::Stale(event) => event.alert,
        Event::SeverityChanged(event) => event.alert,
        Event::Restated(event) => event.alert,
    }
}

/// The event of a change, with the alert after it.
#[must_use]
pub fn event(change: &Change, alert: Alert) -> Event {
    let alert = Some(alert);
    match change {
        Change::Pending => Event::Pending(AlertPending { alert }),
        Change::Fired => Event::Fired(AlertFired { alert }),
        Change::Resolved => Event::Resolved(AlertResolved { alert }),
        Change::Stale => Event::Stale(AlertStale { alert }),
        Change::Severity { from } => {
            Event::SeverityChanged(AlertSeverityChanged { alert, from: from.to_string() })
        }
    }
}

/// Phase that a recorded alert is in; one that was never recorded is inactive.
#[must_use]
pub fn phase(alert: Option<&Alert>) -> Phase {
    match alert.map(Alert::state) {
        Some(AlertState::Pending) => Phase::Pending,
        Some(AlertState::Firing) => Phase::Firing,
        Some(AlertState::Resolved) => Phase::Resolved,
        Some(AlertState::Inactive | AlertState::Unspecified) | None => Phase::Inactive,
    }
}

/// What the text of an alert ends with where its line lies inside the figure's bounds.
const NOT_CONFIRMED: &str =
    "Not confirmed: the line lies inside the bounds of the figure, so that it may not be crossed.";

/// What a figure tells about an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    text: String,
    period: String,
    estimate: Estimate,
    margin: Option<f64>,
    certainty: Certainty,
    names: Vec<String>,
    ground: Arc<Ground>,
}

impl Evidence {
    /// What the figure of a period tells under a rule.
    #[must_use]
    pub fn of(rule: &Checked, period: Period, figure: &Figure) -> Self {
        let line = rule.terms.line;
        let estimate = figure.estimate.clone();
        let names = figure.names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let certainty = estimate.value.map(|value| line.certainty(value, estimate.low, estimate.high));
        let certainty = certainty.unwrap_or(Certainty::Unspecified);
        Self {
            text: text(&rule.rule.text, certainty),
            period: period.to_string(),
            margin: estimate.value.map(|value| line.margin(value)),
            certainty,
            names,
            ground: Arc::clone(&figure.ground),
            estimate,
        }
    }

    /// Puts it into an alert.
    pub fn tell(&self, alert: &mut Alert) {
        alert.text.clone_from(&self.text);
        alert.period.clone_from(&self.period);
        alert.estimate = Some(self.estimate.clone());
        alert.margin = self.margin;
        alert.certainty = self.certainty.into();
        alert.names.clone_from(&self.names);
        alert.cause.clone_from(&self.ground.cause);
        alert.releases.clone_from(&self.ground.releases);
    }
}

/// The text of a rule, with what a reader must know about the figure.
fn text(rule: &str, certainty: Certainty) -> String {
    match (rule, certainty) {
        ("", Certainty::NotConfirmed) => NOT_CONFIRMED.to_owned(),
        (_, Certainty::NotConfirmed) => format!("{rule}\n\n{NOT_CONFIRMED}"),
        (_, Certainty::Confirmed | Certainty::Unspecified) => rule.to_owned(),
    }
}

/// A revision of a rule on one of its subjects.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The rule.
    pub rule: &'a Checked,
    /// Its revision.
    pub revision: u32,
    /// The subject.
    pub subject: &'a Subject,
}

impl Case<'_> {
    /// The alert at a point of a trajectory, as the fold alone tells it. `period` stands in where there is no point.
    #[must_use]
    pub fn at(&self, trajectory: &Trajectory, point: Option<&Point>, period: &str) -> Alert {
        let mut alert = self.blank();
        period.clone_into(&mut alert.period);
        let Some(point) = point else {
            alert.estimate = Some(unavailable("the figure no longer exists"));
            return alert;
        };
        alert.state = AlertState::from(point.state.phase).into();
        alert.stale = point.state.is_stale();
        if let Some(value) = point.figure.estimate.value {
            alert.severity = self.rule.terms.severity(value).to_string();
        }
        Evidence::of(self.rule, point.period, &point.figure).tell(&mut alert);
        self.tell_episode(&mut alert, trajectory, point);
        alert
    }

    /// The alert with all that the rule alone tells.
    fn blank(&self) -> Alert {
        let Checked { rule, terms, .. } = self.rule;
        Alert {
            id: alert_id(&rule.id, self.subject),
            rule: rule.id.clone(),
            rule_revision: self.revision,
            title: rule.title.clone(),
            subject: Some(self.subject.clone()),
            state: AlertState::Inactive.into(),
            severity: DEFAULT_SEVERITY.to_owned(),
            line: terms.line.at,
            above: terms.line.above,
            clear: terms.line.clear,
            labels: rule.labels.clone(),
            owner: rule.owner.clone(),
            pack: rule.pack.clone(),
            text: rule.text.clone(),
            ..Alert::default()
        }
    }

    fn tell_episode(&self, alert: &mut Alert, trajectory: &Trajectory, point: &Point) {
        let Some(episode) = &point.state.episode else { return };
        let name = |tick| trajectory.period_of(tick).map(|period| period.to_string()).unwrap_or_default();
        alert.severity = episode.severity.to_string();
        alert.pending_since = name(episode.since);
        alert.fired_at = episode.fired.map(name).unwrap_or_default();
        alert.resolved_at = episode.resolved.map(name).unwrap_or_default();
        alert.episode = format!("{}@{}", alert.id, alert.pending_since);
    }
}

/// The next alert of an open episode: what `next` tells, within the episode that `recorded` belongs to.
#[must_use]
pub fn within(recorded: &Alert, mut next: Alert) -> Alert {
    next.episode.clone_from(&recorded.episode);
    next.pending_since.clone_from(&recorded.pending_since);
    next.fired_at.clone_from(&recorded.fired_at);
    next
}

/// The alert at the end of its episode because of its rule, not of a figure.
#[must_use]
pub fn ended_by_rule(recorded: &Alert, revision: u32, reason: Reason) -> Alert {
    Alert {
        state: AlertState::Resolved.into(),
        stale: false,
        rule_revision: revision,
        resolved_at: recorded.period.clone(),
        reason: reason.into(),
        cause: None,
        previous: best(recorded),
        ..recorded.clone()
    }
}

/// Best estimate of a recorded alert.
#[must_use]
pub fn best(alert: &Alert) -> Option<f64> {
    alert.estimate.as_ref().and_then(|estimate: &Estimate| estimate.value)
}
