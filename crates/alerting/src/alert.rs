//! Alerts as they are recorded: a rule on a subject, with its evidence.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFired, AlertPending, AlertResolved, AlertSeverityChanged, AlertStale, AlertState, Certainty,
    Contributor, Reason, RuleChange, SeriesPoint, TransitionFigure,
};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::Subject;

use crate::condition::{Gap, Sight, amount};
use crate::episode::{Change, Phase};
use crate::figures::{Figure, Spread, Watched, unavailable};
use crate::judgement::Judgement;
use crate::rules::Checked;
use crate::trajectory::{Point, Trajectory, end};

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

/// The same where fewer datasets are beyond the line than its rule asks for.
const NOT_BY_SOURCES: &str = "Not confirmed: fewer datasets are beyond the line than the rule asks for.";

/// Most periods of the series in an alert.
const MOST_PERIODS: usize = 12;

/// What the figures of a period tell about an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    text: String,
    period: String,
    figure: Arc<Figure>,
    margin: Option<f64>,
    judged: Option<f64>,
    finding: String,
    certainty: Certainty,
    disagree: bool,
    series: Vec<SeriesPoint>,
    contributors: Vec<Contributor>,
}

impl Evidence {
    /// What the newest figure of a subject tells under a rule, as at a time. None: there is no figure at all.
    #[must_use]
    pub fn newest(rule: &Checked, watched: &Watched<'_>, as_at: Option<i64>) -> Option<Self> {
        let at = watched.figures.len().checked_sub(1)?;
        let (period, figure) = watched.figures.last()?;
        let time = as_at.filter(|_| rule.is_timed()).unwrap_or_default().max(end(*period));
        let judged = rule.condition.judge(&Sight { watched, at, time });
        Some(Self::of(rule, watched, at, time, figure, &judged))
    }

    fn of(
        rule: &Checked,
        watched: &Watched<'_>,
        at: usize,
        time: i64,
        figure: &Arc<Figure>,
        judged: &Result<Judgement, Gap>,
    ) -> Self {
        let judgement = judged.as_ref().ok();
        let certainty = judgement.map_or(Certainty::Unspecified, Judgement::certainty);
        let value = judgement.and_then(|judgement| judgement.value);
        let period = watched.figures.get(at).map(|(period, _)| *period);
        let contributors = period.zip(watched.suppliers.as_ref());
        let sight = Sight { watched, at, time };
        let sides = figure.spread.as_ref().and_then(|_| rule.condition.sides(&sight));
        Self {
            text: text(&rule.rule.text, judgement),
            period: period.map(|period| period.to_string()).unwrap_or_default(),
            margin: rule.condition.line().zip(value).map(|(line, value)| line.margin(value)),
            judged: value.filter(|_| rule.condition.line().is_some() && !rule.condition.is_level()),
            finding: finding(rule, &sight),
            certainty,
            disagree: sides.is_some_and(|sides| sides.disagree),
            series: series(watched.figures.get(..=at).unwrap_or_default()),
            contributors: contributors
                .map(|(period, suppliers)| suppliers.largest(period))
                .unwrap_or_default(),
            figure: Arc::clone(figure),
        }
    }

    /// Puts it into an alert.
    pub fn tell(self, alert: &mut Alert) {
        (alert.text, alert.period, alert.finding) = (self.text, self.period, self.finding);
        alert.estimate = Some(self.figure.estimate.clone());
        alert.margin = self.margin;
        alert.judged = self.judged;
        alert.certainty = self.certainty.into();
        let names = self.figure.names.split(',').filter(|name| !name.is_empty());
        alert.names = names.map(str::to_owned).collect();
        alert.cause.clone_from(&self.figure.ground.cause);
        alert.releases.clone_from(&self.figure.ground.releases);
        (alert.series, alert.contributors) = (self.series, self.contributors);
        alert.sources_disagree = self.disagree;
        tell_spread(self.figure.spread.as_deref(), alert);
    }

    /// Puts it into an alert that was recorded with an earlier figure, which stays beside it.
    pub fn tell_beside(self, alert: &mut Alert) {
        let then = TransitionFigure {
            period: alert.period.clone(),
            estimate: alert.estimate.take(),
            judged: alert.judged,
            margin: alert.margin,
            certainty: alert.certainty,
            cause: alert.cause.take(),
            releases: std::mem::take(&mut alert.releases),
        };
        self.tell(alert);
        if then.period != alert.period || then.estimate != alert.estimate {
            alert.at_transition = Some(then);
        }
    }
}

/// What was found: by the condition, or where its figure went missing the last one that there was.
fn finding(rule: &Checked, sight: &Sight<'_>) -> String {
    let unit = rule.measure.method().unit;
    let period = sight.period();
    let lost = sight.watched.lost.iter().find(|lost| Some(lost.period) == period);
    match lost.and_then(|lost| Some((lost.period, lost.figure.estimate.value?))) {
        Some((period, value)) => format!("the last figure of {period} was {}", amount(value, unit)),
        None => rule.condition.finding(sight, unit),
    }
}

/// What the datasets say that can give the figure.
fn tell_spread(spread: Option<&Spread>, alert: &mut Alert) {
    let nothing = Spread::default();
    let spread = spread.unwrap_or(&nothing);
    (alert.sources, alert.lowest, alert.highest) = (spread.sources, spread.lowest, spread.highest);
    alert.lowest_dataset = spread.lowest_dataset.to_string();
    alert.highest_dataset = spread.highest_dataset.to_string();
}

/// The last periods of a series, oldest first.
fn series(figures: &[(Period, Arc<Figure>)]) -> Vec<SeriesPoint> {
    let last = figures.get(figures.len().saturating_sub(MOST_PERIODS)..).unwrap_or_default();
    let point = |(period, figure): &(Period, Arc<Figure>)| SeriesPoint {
        period: period.to_string(),
        value: figure.estimate.value,
        low: figure.estimate.low,
        high: figure.estimate.high,
    };
    last.iter().map(point).collect()
}

/// The text of a rule, with what a reader must know about the figure.
fn text(rule: &str, judgement: Option<&Judgement>) -> String {
    let Some(judgement) = judgement.filter(|one| one.certainty() == Certainty::NotConfirmed) else {
        return rule.to_owned();
    };
    let why = if judgement.is_confirmed { NOT_CONFIRMED } else { NOT_BY_SOURCES };
    if rule.is_empty() { why.to_owned() } else { format!("{rule}\n\n{why}") }
}

/// A revision of a rule on one of its subjects.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The rule.
    pub rule: &'a Checked,
    /// Its revision.
    pub revision: u32,
    /// The subject with its figures.
    pub watched: &'a Watched<'a>,
}

impl Case<'_> {
    /// The alert at a point of a trajectory, as the fold alone tells it. `period` stands in where there is no point.
    #[must_use]
    pub fn at(&self, trajectory: &Trajectory, point: Option<&Point>, period: &str) -> Alert {
        let mut alert = self.blank();
        let Some(point) = point else {
            (alert.text, alert.period) = (self.rule.rule.text.clone(), period.to_owned());
            alert.estimate = Some(unavailable("the figure no longer exists"));
            return alert;
        };
        alert.state = AlertState::from(point.state.phase).into();
        alert.stale = point.state.is_stale();
        if let Some(value) = point.judged.as_ref().ok().and_then(|judgement| judgement.value) {
            alert.severity = self.rule.terms.severities.of(value).to_string();
        }
        let at = trajectory.upto(point.period).len().saturating_sub(1);
        Evidence::of(self.rule, self.watched, at, point.time, &point.figure, &point.judged).tell(&mut alert);
        self.tell_episode(&mut alert, trajectory, point);
        alert
    }

    /// The alert as it stands, with the newest figure: the recorded one while it is open, and one that is inactive where none is.
    #[must_use]
    pub fn standing(&self, recorded: Option<&Alert>, now: &Trajectory) -> Alert {
        let mut alert = recorded.cloned().unwrap_or_else(|| self.blank());
        let is_over = recorded.is_some() && !phase(recorded).is_open();
        if let Some(point) = now.last().filter(|_| !is_over) {
            let at = now.upto(point.period).len().saturating_sub(1);
            let Point { time, figure, judged, .. } = point;
            Evidence::of(self.rule, self.watched, at, *time, figure, judged).tell_beside(&mut alert);
        }
        if recorded.is_none() {
            alert.at_transition = None;
        }
        alert
    }

    /// The alert with all that the rule alone tells.
    fn blank(&self) -> Alert {
        let Checked { rule, terms, condition, .. } = self.rule;
        let line = condition.line();
        Alert {
            id: alert_id(&rule.id, &self.watched.subject),
            rule: rule.id.clone(),
            rule_revision: self.revision,
            title: rule.title.clone(),
            subject: Some(Subject::clone(&self.watched.subject)),
            state: AlertState::Inactive.into(),
            severity: terms.severities.mildest().to_string(),
            line: line.map_or(0.0, |line| line.at),
            above: line.is_some_and(|line| line.above),
            clear: line.and_then(|line| line.clear),
            condition: condition.words(self.rule.measure.method().unit),
            labels: rule.labels.clone(),
            owner: rule.owner.clone(),
            pack: rule.pack.clone(),
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
pub fn ended_by_rule(recorded: &Alert, change: &RuleChange, reason: Reason) -> Alert {
    Alert { rule_revision: change.revision, rule_change: Some(change.clone()), ..ended(recorded, reason) }
}

/// The alert at the end of its episode for a reason that is no figure.
#[must_use]
pub fn ended(recorded: &Alert, reason: Reason) -> Alert {
    Alert {
        state: AlertState::Resolved.into(),
        stale: false,
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
