//! Folds the events of the alerts log into the state of rules and alerts.
//!
//! Each event is folded by one arm of [`RulesState::fold`], which lists all events, so that a new one cannot
//! be forgotten. Receivers, subscriptions and messages are folded by the alerting service beside this state.
mod alerts;
mod held;
mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    Alert, AlertEvent, EvaluationBegun, ExposuresEvaluated, Rule, RuleChange, RuleSteps, RuleSuspended,
};
use orewatch_contracts::common::v1::Frequency;
use orewatch_contracts::log::{Error, Event, Position};

use crate::rules::MAX_OPEN_ALERTS;
use crate::shared::SharedMap;

pub use held::RuleTotals;

/// Extent of an evaluation: up to where it covers the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Position of the exposures log up to which figures count.
    pub exposures: Position,
    /// Position of the alerts log up to which rules count.
    pub rules: Position,
    /// Time as at which the age of data is assessed, in seconds since 1970. `None`: no rule depends on it.
    pub as_at: Option<i64>,
}

impl From<&EvaluationBegun> for Mark {
    fn from(begun: &EvaluationBegun) -> Self {
        let as_at = begun.as_at.map(|time| time.seconds);
        Self { exposures: begun.exposures_position, rules: begun.rules_position, as_at }
    }
}

impl From<Mark> for EvaluationBegun {
    fn from(mark: Mark) -> Self {
        let as_at = mark.as_at.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        Self { exposures_position: mark.exposures, rules_position: mark.rules, as_at }
    }
}

/// A revision of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Position at which it was put or removed.
    pub position: Position,
    /// Number, from 1. A removal has the number of the revision that it removes.
    pub number: u32,
    /// Time at which it was put or removed.
    pub time: Timestamp,
    /// The rule. `None`: it was removed.
    pub rule: Option<Rule>,
    /// Who put or removed it. Empty: not known.
    pub actor: String,
    /// Reason. Empty: none given.
    pub reason: String,
    /// Whether open episodes end and all subjects are evaluated again.
    pub re_evaluate: bool,
}

impl Revision {
    /// The revision as alerts show it.
    #[must_use]
    pub fn change(&self) -> RuleChange {
        RuleChange { revision: self.number, actor: self.actor.clone(), reason: self.reason.clone() }
    }
}

/// A recorded alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertRecord {
    /// The alert. `None`: only its history was restated; it never changed itself.
    pub alert: Option<Arc<Alert>>,
    /// Position of the last event on its stream.
    pub position: Position,
}

/// Why a revision of a rule is not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// The suspended revision; later ones are evaluated.
    pub revision: u32,
    /// Steps that its evaluation would have taken.
    pub steps: u64,
    /// Limit that they exceed.
    pub limit: u64,
    /// Time of the suspension.
    pub time: Timestamp,
    /// Reason, for people.
    pub reason: String,
}

/// Rules, alerts and evaluations, folded from the alerts log. Copies share unchanged parts, so that an
/// evaluation can work on the state at its beginning while the log is folded further.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulesState {
    rules: SharedMap<String, Arc<Vec<Revision>>>,
    /// Number and size of the current rules of each tenant.
    held: SharedMap<String, RuleTotals>,
    /// Removed rules whose revisions are still kept, by the positions of their removals.
    removed: SharedMap<Position, String>,
    alerts: SharedMap<String, AlertRecord>,
    evaluated: Mark,
    evaluations: Position,
    open: Option<OpenEvaluation>,
    /// Changes of rules that are not evaluated yet: rules by the positions at which they were put or removed.
    changes: SharedMap<Position, String>,
    /// Number of open alerts of each rule.
    counts: SharedMap<String, u32>,
    /// Rules that reached their limit in some evaluation, so that alerts may be held back.
    limited: Arc<BTreeSet<String>>,
    /// Suspensions by rule. A rule that was revised since is still among them.
    suspended: Arc<BTreeMap<String, Suspension>>,
    /// Steps of the last costly evaluation of each rule.
    steps: SharedMap<String, u64>,
    /// Position of the exposures log from which on each rule has seen figures. Figures that went missing
    /// before that do not concern it.
    since: Arc<BTreeMap<String, Position>>,
    /// Alerts on a figure of another frequency than their rule's. An earlier version did not separate years
    /// and months.
    mismatched: Arc<BTreeSet<String>>,
}

/// An evaluation in progress.
#[derive(Clone, Debug, PartialEq)]
struct OpenEvaluation {
    mark: Mark,
    /// Records of the alerts that it has changed so far, as they were before.
    before: SharedMap<String, AlertRecord>,
    /// By rule, the number of alerts that were open before its first change, and the number that it has
    /// opened.
    opened: SharedMap<String, (u32, u32)>,
    /// Alerts on figures of another frequency at its beginning.
    mismatched: Arc<BTreeSet<String>>,
    /// Rules that had reached their limit at its beginning.
    limited: Arc<BTreeSet<String>>,
}

impl RulesState {
    /// Folds an event of the log.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be read or cannot follow.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_read(event, AlertEvent::read(event)?)
    }

    /// Folds an event that was read already.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot follow.
    pub fn evolve_read(&mut self, event: &Event, read: Option<AlertEvent>) -> Result<(), Error> {
        let Some(read) = read else { return Ok(()) };
        self.fold(event.position, event.time, read).map_err(|reason| Error::corrupt(event, reason))
    }

    /// Folds an event, given its position and its time.
    ///
    /// # Errors
    /// Why it cannot follow.
    pub fn fold(
        &mut self,
        position: Position,
        time: Timestamp,
        event: AlertEvent,
    ) -> Result<(), &'static str> {
        match event {
            AlertEvent::RulePut(put) => self.revise_to(position, time, put)?,
            AlertEvent::RuleRemoved(removed) => self.revise_to_none(position, time, removed),
            AlertEvent::EvaluationBegun(begun) => self.begin(position, &begun),
            AlertEvent::ExposuresEvaluated(evaluated) => self.end(position, evaluated)?,
            AlertEvent::RuleSuspended(suspended) => self.suspend(position, time, suspended),
            AlertEvent::AlertPending(event) => self.record(position, event.alert)?,
            AlertEvent::AlertFired(event) => self.record(position, event.alert)?,
            AlertEvent::AlertResolved(event) => self.record(position, event.alert)?,
            AlertEvent::AlertStale(event) => self.record(position, event.alert)?,
            AlertEvent::AlertSeverityChanged(event) => self.record(position, event.alert)?,
            AlertEvent::AlertRestated(event) => self.record_restatement(position, event.alert)?,
            // Notification state is folded beside this state.
            AlertEvent::ReceiverPut(_)
            | AlertEvent::ReceiverRemoved(_)
            | AlertEvent::ReceiverDisabled(_)
            | AlertEvent::ReceiverEnabled(_)
            | AlertEvent::SubscriptionPut(_)
            | AlertEvent::SubscriptionRemoved(_)
            | AlertEvent::SilencePut(_)
            | AlertEvent::SilenceEnded(_)
            | AlertEvent::InhibitionPut(_)
            | AlertEvent::InhibitionRemoved(_)
            | AlertEvent::AlertAcknowledged(_)
            | AlertEvent::AlertUnacknowledged(_)
            | AlertEvent::NotificationPlanned(_)
            | AlertEvent::DeliveryAttempted(_)
            | AlertEvent::DeliverySucceeded(_)
            | AlertEvent::DeliveryFailed(_)
            | AlertEvent::DeliveryGivenUp(_)
            | AlertEvent::DeliveryRequested(_) => {}
        }
        Ok(())
    }

    fn begin(&mut self, position: Position, begun: &EvaluationBegun) {
        self.evaluations = position;
        let (mismatched, limited) = (Arc::clone(&self.mismatched), Arc::clone(&self.limited));
        let (before, opened) = (SharedMap::default(), SharedMap::default());
        self.open = Some(OpenEvaluation { mark: Mark::from(begun), before, opened, mismatched, limited });
    }

    fn end(&mut self, position: Position, evaluated: ExposuresEvaluated) -> Result<(), &'static str> {
        self.evaluations = position;
        for RuleSteps { rule, steps } in evaluated.costly {
            self.steps.insert(rule, steps);
        }
        let open = self.open.take().ok_or("no evaluation has begun")?;
        self.begin_to_see(open.mark);
        self.evaluated = open.mark;
        self.forget_changes();
        Ok(())
    }

    fn suspend(&mut self, position: Position, time: Timestamp, suspended: RuleSuspended) {
        self.evaluations = position;
        let RuleSuspended { rule, revision, steps, limit, reason } = suspended;
        let suspension = Suspension { revision, steps, limit, time, reason };
        Arc::make_mut(&mut self.suspended).insert(rule, suspension);
    }

    /// Forgets the changes of rules that are evaluated now.
    fn forget_changes(&mut self) {
        let evaluated = self.changes.keys().copied().take_while(|position| *position <= self.evaluated.rules);
        for position in evaluated.collect::<Vec<_>>() {
            self.changes.remove(&position);
        }
    }

    /// Notes from which position on rules have seen figures, if an evaluation covered them for the first
    /// time.
    fn begin_to_see(&mut self, mark: Mark) {
        let seen = self.evaluated.rules;
        let changed = self.changes.iter().take_while(|(position, _)| **position <= mark.rules);
        let changed: BTreeSet<&String> = changed.map(|(_, rule)| rule).collect();
        for id in changed {
            let Some(revisions) = self.rules.get(id) else { continue };
            let upto = revisions.partition_point(|revision| revision.position <= mark.rules);
            let from = revisions.partition_point(|revision| revision.position <= seen);
            let Some(news) = revisions.get(from..upto).filter(|news| !news.is_empty()) else { continue };
            let before = from.checked_sub(1).and_then(|last| revisions.get(last));
            let watches = before.and_then(|before| before.rule.as_ref());
            let goes_on = |revision: &Revision| {
                let both = watches.zip(revision.rule.as_ref());
                !revision.re_evaluate && both.is_some_and(|(old, new)| watches_same(old, new))
            };
            match news.last().map(|last| last.rule.is_some()) {
                Some(true) if news.iter().all(goes_on) => {}
                Some(true) => drop(Arc::make_mut(&mut self.since).insert(id.clone(), mark.exposures)),
                Some(false) | None => drop(Arc::make_mut(&mut self.since).remove(id)),
            }
        }
    }

    /// Position of the exposures log from which on a rule has seen the figures that it watches. `None`: it
    /// has seen none yet.
    #[must_use]
    pub fn seen_since(&self, rule: &str) -> Option<Position> {
        self.since.get(rule).copied()
    }

    /// [`seen_since`](Self::seen_since) of all rules, shared.
    pub fn all_seen_since(&self) -> Arc<BTreeMap<String, Position>> {
        Arc::clone(&self.since)
    }

    /// The suspensions, by rule.
    pub fn suspensions(&self) -> impl Iterator<Item = (&str, &Suspension)> {
        self.suspended.iter().map(|(rule, suspension)| (rule.as_str(), suspension))
    }

    /// Alerts on a figure of another frequency than their rule's, at the beginning of the evaluation in
    /// progress or now if there is none.
    pub fn mismatched(&self) -> impl Iterator<Item = &String> {
        self.open.as_ref().map_or(&self.mismatched, |open| &open.mismatched).iter()
    }

    /// Whether an alert is among [`mismatched`](Self::mismatched).
    #[must_use]
    pub fn is_mismatched(&self, alert: &str) -> bool {
        self.open.as_ref().map_or(&self.mismatched, |open| &open.mismatched).contains(alert)
    }

    /// Whether alerts of a rule may be held back at its limit, at the beginning of the evaluation in progress
    /// or now if there is none.
    #[must_use]
    pub fn may_hold_back(&self, rule: &str, limit: u32) -> bool {
        let limited = self.open.as_ref().map_or(&self.limited, |open| &open.limited);
        limited.contains(rule) || self.open_alerts(rule) >= limit
    }

    /// Rules among which are all those without a limit of their own for which
    /// [`may_hold_back`](Self::may_hold_back) may be true.
    pub fn limited_rules(&self) -> impl Iterator<Item = &str> {
        let full = self.counts.iter().filter(|(_, open)| **open >= MAX_OPEN_ALERTS).map(|(rule, _)| rule);
        let changed = self.open.iter().flat_map(|open| open.opened.keys());
        self.limited.iter().chain(full).chain(changed).map(String::as_str)
    }

    /// All rules that ever existed, each with its last revisions, oldest first.
    #[must_use]
    pub fn rules(&self) -> &SharedMap<String, Arc<Vec<Revision>>> {
        &self.rules
    }

    /// The current rules.
    pub fn current_rules(&self) -> impl Iterator<Item = (&Revision, &Rule)> {
        self.rules_at(Position::MAX)
    }

    /// The current rules from an identifier on.
    pub fn current_rules_from<'a>(
        &'a self,
        from: Bound<&str>,
    ) -> impl Iterator<Item = (&'a Revision, &'a Rule)> + use<'a> {
        let last = |(_, revisions): (&'a String, &'a Arc<Vec<Revision>>)| {
            let revision = revisions.last()?;
            revision.rule.as_ref().map(|rule| (revision, rule))
        };
        self.rules.range_from(from).filter_map(last)
    }

    /// The rules in force at a position of the alerts log, by identifier.
    pub fn rules_at(&self, position: Position) -> impl Iterator<Item = (&Revision, &Rule)> {
        let then = move |revisions: &'_ [Revision]| {
            revisions.partition_point(|revision| revision.position <= position).checked_sub(1)
        };
        self.rules.values().filter_map(move |revisions| {
            let revision = revisions.get(then(revisions)?)?;
            revision.rule.as_ref().map(|rule| (revision, rule))
        })
    }

    /// The recorded alerts, by identifier.
    #[must_use]
    pub fn alerts(&self) -> &SharedMap<String, AlertRecord> {
        &self.alerts
    }

    /// The record of an alert at the beginning of the evaluation in progress, or now if there is none.
    #[must_use]
    pub fn recorded(&self, alert: &str) -> Option<&AlertRecord> {
        let before = self.open.as_ref().and_then(|open| open.before.get(alert));
        before.or_else(|| self.alerts.get(alert))
    }

    /// Number of open alerts of a rule at the beginning of the evaluation in progress, or now if there is
    /// none.
    #[must_use]
    pub fn open_alerts(&self, rule: &str) -> u32 {
        let begun = self.open.as_ref().and_then(|open| open.opened.get(rule)).map(|(begun, _)| *begun);
        begun.or_else(|| self.counts.get(rule).copied()).unwrap_or_default()
    }

    /// The recorded alerts of a rule, by identifier.
    pub fn alerts_of(&self, rule: &str) -> impl Iterator<Item = (&String, &AlertRecord)> {
        let prefix = format!("{rule}/");
        let records = self.alerts.range_from(Bound::Included(prefix.as_str()));
        records.take_while(move |(id, _)| id.starts_with(&prefix))
    }

    /// Mark of the last complete evaluation.
    #[must_use]
    pub fn evaluated(&self) -> Mark {
        self.evaluated
    }

    /// Mark of the evaluation in progress.
    #[must_use]
    pub fn begun(&self) -> Option<Mark> {
        self.open.as_ref().map(|open| open.mark)
    }

    /// Position of the last event on the stream of evaluations.
    #[must_use]
    pub fn evaluations(&self) -> Position {
        self.evaluations
    }

    /// Steps of the last evaluation of a rule that took a million or more. `None`: there was none.
    #[must_use]
    pub fn last_steps(&self, rule: &str) -> Option<u64> {
        self.steps.get(rule).copied()
    }

    /// Changes of rules that are not evaluated yet: position and rule, in order.
    pub fn changes(&self) -> impl Iterator<Item = (Position, &str)> {
        self.changes.iter().map(|(position, rule)| (*position, rule.as_str()))
    }

    /// Whether all rules that were put or removed have been evaluated.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty()
    }

    /// Suspension of a revision of a rule. `None`: it is evaluated.
    #[must_use]
    pub fn suspension(&self, rule: &str, revision: u32) -> Option<&Suspension> {
        self.suspended.get(rule).filter(|suspension| suspension.revision == revision)
    }
}

/// Whether two revisions of a rule watch the same measure, weight and frequency.
fn watches_same(old: &Rule, new: &Rule) -> bool {
    let name = |rule: &Rule| rule.measure.split('/').next().unwrap_or_default().to_owned();
    let is_monthly = |rule: &Rule| rule.frequency() == Frequency::Monthly;
    name(old) == name(new) && old.by == new.by && is_monthly(old) == is_monthly(new)
}
