//! Builds alerts as they are recorded: a rule on a subject, with the evidence of its figures.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFired, AlertPending, AlertResolved, AlertSeverityChanged, AlertStale, AlertState, Certainty,
    Contributor, Reason, RuleChange, SeriesPoint, TransitionFigure,
};
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{ProductInfo, Subject};
use orewatch_measures::Table;

use crate::assessment::Assessment;
use crate::condition::{Gap, PeriodView, amount};
use crate::episode::{Change, Phase};
use crate::figures::{Figure, WatchedSubject, unavailable};
use crate::period::end_of_period;
use crate::rules::CheckedRule;
use crate::spread::Spread;
use crate::trajectory::{Point, Trajectory};

/// Stands for a missing supplier in identifiers.
const NO_SUPPLIER: &str = "-";

/// Identifier of the alert of a rule on a subject: `RULE/CONSUMER/MATERIAL/STAGE/SUPPLIER`.
#[must_use]
pub fn alert_id(rule: &str, subject: &Subject) -> String {
    let supplier = if subject.supplier.is_empty() { NO_SUPPLIER } else { &subject.supplier };
    [rule, &subject.consumer, &subject.material, &subject.stage, supplier].join("/")
}

/// The alert of a transition.
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

/// The transition of a change, with the alert after it.
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

/// Phase of a recorded alert. An alert that was never recorded is inactive.
#[must_use]
pub fn phase(alert: Option<&Alert>) -> Phase {
    match alert.map(Alert::state) {
        Some(AlertState::Pending) => Phase::Pending,
        Some(AlertState::Firing) => Phase::Firing,
        Some(AlertState::Resolved) => Phase::Resolved,
        Some(AlertState::Inactive | AlertState::Unspecified) | None => Phase::Inactive,
    }
}

/// End of the text of an alert whose line lies within the bounds of the figure. It is stored, so that its
/// words stay.
const NOT_CONFIRMED: &str =
    "Not confirmed: the line lies inside the bounds of the figure, so that it may not be crossed.";

/// End of the text of an alert for which fewer datasets are beyond the line than its rule requires. It is
/// stored, too.
const NOT_BY_SOURCES: &str = "Not confirmed: fewer datasets are beyond the line than the rule asks for.";

/// Upper bound on the periods of the series in an alert.
const MAX_SERIES_PERIODS: usize = 12;

/// What an alert shows of the figures of a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    text: String,
    period: String,
    figure: Arc<Figure>,
    margin: Option<f64>,
    judged: Option<f64>,
    finding: String,
    cause: Option<Cause>,
    certainty: Certainty,
    disagree: bool,
    series: Vec<SeriesPoint>,
    contributors: Vec<Contributor>,
    products: Vec<ProductInfo>,
}

impl Evidence {
    /// Evidence of the newest figure of a subject under a rule, as at a time. `None`: there is no figure.
    #[must_use]
    pub fn newest(rule: &CheckedRule, watched: &WatchedSubject<'_>, as_at: Option<i64>) -> Option<Self> {
        let at = watched.figures.len().checked_sub(1)?;
        let (period, figure) = watched.figures.last()?;
        let time = as_at.filter(|_| rule.is_timed()).unwrap_or_default().max(end_of_period(*period));
        let assessed = rule.condition.assess(&PeriodView { watched, index: at, time });
        Some(Self::new(rule, watched, at, time, figure, &assessed))
    }

    fn new(
        rule: &CheckedRule,
        watched: &WatchedSubject<'_>,
        at: usize,
        time: i64,
        figure: &Arc<Figure>,
        assessed: &Result<Assessment, Gap>,
    ) -> Self {
        let assessment = assessed.as_ref().ok();
        let certainty = assessment.map_or(Certainty::Unspecified, Assessment::certainty);
        let value = assessment.and_then(|assessment| assessment.value);
        let period = watched.figures.get(at).map(|(period, _)| *period);
        let contributors = period.zip(watched.suppliers.as_ref());
        let view = PeriodView { watched, index: at, time };
        let sides = figure.spread.as_ref().and_then(|_| rule.condition.sides(&view));
        let is_short = assessment.is_some_and(|assessment| !assessment.is_firm);
        let shortfall = rule.condition.firmness_shortfall(&view).filter(|_| is_short);
        let shortfall = shortfall.map(|shortfall| shortfall.to_string());
        Self {
            text: text(&rule.rule.text, assessment, shortfall.as_deref()),
            period: period.map(|period| period.to_string()).unwrap_or_default(),
            margin: rule.condition.line().zip(value).map(|(line, value)| line.margin(value)),
            judged: value.filter(|_| rule.condition.line().is_some() && !rule.condition.is_level()),
            finding: with_shortfall(finding(rule, &view), shortfall),
            cause: newest_cause(rule, &view, figure),
            certainty,
            disagree: sides.is_some_and(|sides| sides.disagree),
            series: series(watched.figures.get(..=at).unwrap_or_default()),
            contributors: contributors
                .map(|(period, suppliers)| suppliers.largest(period))
                .unwrap_or_default(),
            products: products(rule, figure),
            figure: Arc::clone(figure),
        }
    }

    /// Writes the evidence to an alert.
    pub fn apply_to(self, alert: &mut Alert) {
        (alert.text, alert.period, alert.finding) = (self.text, self.period, self.finding);
        alert.estimate = Some(self.figure.estimate.clone());
        alert.margin = self.margin;
        alert.judged = self.judged;
        alert.certainty = self.certainty.into();
        let names = self.figure.names.split(',').filter(|name| !name.is_empty());
        alert.names = names.map(str::to_owned).collect();
        alert.cause = self.cause;
        alert.releases.clone_from(&self.figure.provenance.releases);
        (alert.series, alert.contributors) = (self.series, self.contributors);
        alert.sources_disagree = self.disagree;
        alert.size = self.figure.size.as_deref().copied();
        alert.products = self.products;
        set_spread(self.figure.spread.as_deref(), alert);
    }

    /// Writes the evidence to an alert that was recorded with an earlier figure. If they differ, the earlier
    /// one stays as the figure at the transition.
    pub fn apply_beside(self, alert: &mut Alert) {
        let then = TransitionFigure {
            period: alert.period.clone(),
            estimate: alert.estimate.take(),
            judged: alert.judged,
            margin: alert.margin,
            certainty: alert.certainty,
            cause: alert.cause.take(),
            releases: std::mem::take(&mut alert.releases),
        };
        self.apply_to(alert);
        if then.period != alert.period || then.estimate != alert.estimate {
            alert.at_transition = Some(then);
        }
    }
}

/// What the condition found, or the last figure if it went missing.
fn finding(rule: &CheckedRule, view: &PeriodView<'_>) -> String {
    let unit = rule.measure.method().unit;
    let period = view.period();
    let lost = view.watched.lost.iter().find(|lost| Some(lost.period) == period);
    match lost.and_then(|lost| Some((lost.period, lost.figure.estimate.value?))) {
        Some((period, value)) => format!("the last figure of {period} was {}", amount(value, unit)),
        None => rule.condition.finding(view, unit),
    }
}

/// What changed the figure or, if that is newer, the verdict that the condition found.
fn newest_cause(rule: &CheckedRule, view: &PeriodView<'_>, figure: &Figure) -> Option<Cause> {
    let of_figure = figure.provenance.cause.as_ref();
    let of_verdict = if rule.reads_claims() { rule.condition.verdict_cause(view) } else { None };
    let since = of_figure.map(|cause| cause.position);
    of_verdict.filter(|cause| Some(cause.position) > since).or(of_figure).cloned()
}

/// A finding, followed by why the published figures are not firm enough.
fn with_shortfall(finding: String, shortfall: Option<String>) -> String {
    match shortfall {
        Some(shortfall) if finding.is_empty() => shortfall,
        Some(shortfall) => format!("{finding}; {shortfall}"),
        None => finding,
    }
}

/// The products that a figure is about. Output is about the material itself.
fn products(rule: &CheckedRule, figure: &Figure) -> Vec<ProductInfo> {
    let is_about_trade = rule.measure.method().table != Table::Production;
    if is_about_trade { figure.provenance.products.clone() } else { Vec::new() }
}

/// Writes what the datasets that provide the figure say.
fn set_spread(spread: Option<&Spread>, alert: &mut Alert) {
    let nothing = Spread::default();
    let spread = spread.unwrap_or(&nothing);
    (alert.sources, alert.lowest, alert.highest) = (spread.sources, spread.lowest, spread.highest);
    alert.lowest_dataset = spread.lowest_dataset.to_string();
    alert.highest_dataset = spread.highest_dataset.to_string();
}

/// The last periods of a series, oldest first.
fn series(figures: &[(Period, Arc<Figure>)]) -> Vec<SeriesPoint> {
    let last = figures.get(figures.len().saturating_sub(MAX_SERIES_PERIODS)..).unwrap_or_default();
    let point = |(period, figure): &(Period, Arc<Figure>)| SeriesPoint {
        period: period.to_string(),
        value: figure.estimate.value,
        low: figure.estimate.low,
        high: figure.estimate.high,
    };
    last.iter().map(point).collect()
}

/// The text of a rule, followed by a note if the alert is not confirmed. `shortfall` says why the published
/// figures are not firm enough.
fn text(rule: &str, assessment: Option<&Assessment>, shortfall: Option<&str>) -> String {
    let Some(assessment) = assessment.filter(|assessment| assessment.certainty() == Certainty::NotConfirmed)
    else {
        return rule.to_owned();
    };
    let why = match shortfall {
        _ if !assessment.is_confirmed => NOT_BY_SOURCES.to_owned(),
        Some(shortfall) => format!("Not confirmed: {shortfall}."),
        None => NOT_CONFIRMED.to_owned(),
    };
    if rule.is_empty() { why } else { format!("{rule}\n\n{why}") }
}

/// A revision of a rule, applied to one of its subjects.
#[derive(Clone, Copy, Debug)]
pub struct RuleOnSubject<'a> {
    /// The rule.
    pub rule: &'a CheckedRule,
    /// Its revision.
    pub revision: u32,
    /// The subject with its figures.
    pub watched: &'a WatchedSubject<'a>,
}

impl RuleOnSubject<'_> {
    /// The alert at a point of a trajectory, from the trajectory alone. Without a point it is an alert in
    /// `period` without a figure.
    #[must_use]
    pub fn alert_at(&self, trajectory: &Trajectory, point: Option<&Point>, period: &str) -> Alert {
        let mut alert = self.new_alert();
        let Some(point) = point else {
            (alert.text, alert.period) = (self.rule.rule.text.clone(), period.to_owned());
            alert.estimate = Some(unavailable("the figure no longer exists"));
            return alert;
        };
        alert.state = AlertState::from(point.state.phase).into();
        alert.stale = point.state.is_stale();
        if let Some(value) = point.assessed.as_ref().ok().and_then(|assessment| assessment.value) {
            alert.severity = self.rule.terms.severities.severity_of(value).to_string();
        }
        let at = trajectory.periods_up_to(point.period).len().saturating_sub(1);
        Evidence::new(self.rule, self.watched, at, point.time, &point.figure, &point.assessed)
            .apply_to(&mut alert);
        self.set_episode(&mut alert, trajectory, point);
        alert
    }

    /// The current alert with the newest figure: the recorded one, or an inactive one if none is recorded. An
    /// alert whose episode has ended keeps its figure.
    #[must_use]
    pub fn current_alert(&self, recorded: Option<&Alert>, now: &Trajectory) -> Alert {
        let mut alert = recorded.cloned().unwrap_or_else(|| self.new_alert());
        let is_over = recorded.is_some() && !phase(recorded).is_open();
        if let Some(point) = now.last().filter(|_| !is_over) {
            let at = now.periods_up_to(point.period).len().saturating_sub(1);
            let Point { time, figure, assessed, .. } = point;
            Evidence::new(self.rule, self.watched, at, *time, figure, assessed).apply_beside(&mut alert);
        }
        if recorded.is_none() {
            alert.at_transition = None;
        }
        alert
    }

    /// An inactive alert with the fields that follow from the rule and the subject alone.
    fn new_alert(&self) -> Alert {
        let CheckedRule { rule, terms, condition, .. } = self.rule;
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
            condition: condition.describe(self.rule.measure.method().unit),
            labels: rule.labels.clone(),
            owner: rule.owner.clone(),
            pack: rule.pack.clone(),
            ..Alert::default()
        }
    }

    fn set_episode(&self, alert: &mut Alert, trajectory: &Trajectory, point: &Point) {
        let Some(episode) = &point.state.episode else { return };
        let name = |tick| trajectory.period_of(tick).map(|period| period.to_string()).unwrap_or_default();
        alert.severity = episode.severity.to_string();
        alert.pending_since = name(episode.since);
        alert.fired_at = episode.fired.map(name).unwrap_or_default();
        alert.resolved_at = episode.resolved.map(name).unwrap_or_default();
        alert.episode = [alert.id.as_str(), alert.pending_since.as_str()].join("@");
    }
}

/// Moves an alert into the open episode of the recorded one.
#[must_use]
pub fn continue_episode(recorded: &Alert, mut next: Alert) -> Alert {
    next.episode.clone_from(&recorded.episode);
    next.pending_since.clone_from(&recorded.pending_since);
    next.fired_at.clone_from(&recorded.fired_at);
    next
}

/// The alert after its episode was ended by a change of its rule.
#[must_use]
pub fn ended_by_rule(recorded: &Alert, change: &RuleChange, reason: Reason) -> Alert {
    Alert { rule_revision: change.revision, rule_change: Some(change.clone()), ..ended(recorded, reason) }
}

/// The alert after its episode was ended for a reason other than a figure.
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
