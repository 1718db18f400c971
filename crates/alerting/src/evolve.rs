//! State and event give the next state.
mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{self, Alert, EvaluationBegun, Rule, RuleChange};
use orewatch_contracts::common::v1::Frequency;
use orewatch_eventlog::{Error, Event, Position};

use crate::alert::{into_alert, phase};
use crate::facts::{Fact, corrupt};
use crate::rules::{MAX_OPEN, limit};
use crate::shared::SharedMap;

/// What an evaluation takes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Position in the exposures log up to which figures count.
    pub exposures: Position,
    /// Position in the alerts log up to which rules count.
    pub rules: Position,
    /// The time as at which the age of data is judged, in seconds since 1970. None: no rule looks at it.
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

/// A rule at one of its revisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Where it was put or removed.
    pub position: Position,
    /// Number of the revision, from 1; a removal keeps the number that it removes.
    pub number: u32,
    /// When it was put or removed.
    pub time: Timestamp,
    /// The rule. None: it was removed.
    pub rule: Option<Rule>,
    /// Who put or removed it. Empty: not known.
    pub actor: String,
    /// Why. Empty: nobody said.
    pub reason: String,
    /// Open episodes end, and the rule's subjects are judged anew.
    pub re_evaluate: bool,
}

impl Revision {
    /// As alerts tell of it.
    #[must_use]
    pub fn change(&self) -> RuleChange {
        RuleChange { revision: self.number, actor: self.actor.clone(), reason: self.reason.clone() }
    }
}

/// An alert as it is recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The alert. None: its history was restated, it itself never changed.
    pub alert: Option<Arc<Alert>>,
    /// Position of the last event on its stream.
    pub position: Position,
}

/// Why a revision of a rule is not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// The revision; a later one is evaluated.
    pub revision: u32,
    /// Steps that its evaluation would have taken.
    pub steps: u64,
    /// Steps that it could have taken.
    pub limit: u64,
    /// Since when.
    pub time: Timestamp,
    /// Why, for people.
    pub reason: String,
}

/// All that the alerts log says. A copy shares what neither changes, so that an evaluation can work on the state as it was when it
/// began while the log is folded on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    rules: SharedMap<String, Arc<Vec<Revision>>>,
    alerts: SharedMap<String, Record>,
    evaluated: Mark,
    evaluations: Position,
    open: Option<Open>,
    /// Rules by the positions after the evaluated ones at which they were put or removed.
    changes: SharedMap<Position, String>,
    /// How many alerts of each rule are open.
    counts: SharedMap<String, u32>,
    /// Rules that were at their limit in some evaluation, so that alerts may be held back.
    limited: Arc<BTreeSet<String>>,
    /// Revisions that are not evaluated, by rule. One that was revised since is still among them.
    suspended: Arc<BTreeMap<String, Suspension>>,
    /// Steps of the last evaluation of each rule that took many.
    steps: SharedMap<String, u64>,
    /// Position of the exposures log from which on each rule has seen the figures that it watches: what went missing before that it
    /// has never seen.
    since: Arc<BTreeMap<String, Position>>,
    /// Alerts that stand on a figure of another frequency than their rule's, by a version that let years and months meet.
    misfits: Arc<BTreeSet<String>>,
}

/// An evaluation that has begun and not ended.
#[derive(Clone, Debug, PartialEq)]
struct Open {
    mark: Mark,
    /// Alerts that it has changed so far, as they were before.
    before: SharedMap<String, Record>,
    /// By rule, how many alerts were open before its first change, and how many it has opened since.
    opened: SharedMap<String, (u32, u32)>,
    /// Alerts on figures of another frequency, as it began.
    misfits: Arc<BTreeSet<String>>,
    /// Rules that had been at their limit, as it began.
    limited: Arc<BTreeSet<String>>,
}

impl State {
    /// Folds an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be read or cannot follow.
    pub fn evolve(&mut self, event: &Event) -> Result<(), Error> {
        self.evolve_read(event, Fact::read(event)?)
    }

    /// Folds an event that was read.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot follow.
    pub(crate) fn evolve_read(&mut self, event: &Event, fact: Option<Fact>) -> Result<(), Error> {
        match fact {
            Some(fact) => {
                self.fold(event.position, event.time, fact).map_err(|reason| corrupt(event, reason))
            }
            None => Ok(()),
        }
    }

    /// Folds a fact of a position, recorded at a time.
    ///
    /// # Errors
    /// Why it cannot follow.
    pub fn fold(&mut self, position: Position, time: Timestamp, fact: Fact) -> Result<(), &'static str> {
        match fact {
            Fact::RulePut(put) => {
                let rule = put.rule.ok_or("the rule is missing")?;
                self.revise(
                    rule.id.clone(),
                    Revision {
                        position,
                        number: put.revision,
                        time,
                        rule: Some(rule),
                        actor: put.actor,
                        reason: put.reason,
                        re_evaluate: put.re_evaluate,
                    },
                );
            }
            Fact::RuleRemoved(removed) => self.revise(
                removed.rule,
                Revision {
                    position,
                    number: removed.revision,
                    time,
                    rule: None,
                    actor: removed.actor,
                    reason: removed.reason,
                    re_evaluate: false,
                },
            ),
            Fact::Begun(begun) => {
                self.evaluations = position;
                let (misfits, limited) = (Arc::clone(&self.misfits), Arc::clone(&self.limited));
                let (before, opened) = (SharedMap::default(), SharedMap::default());
                self.open = Some(Open { mark: Mark::from(&begun), before, opened, misfits, limited });
            }
            Fact::Alert(transition) => self.change(position, transition)?,
            Fact::Evaluated(evaluated) => {
                self.evaluations = position;
                for one in evaluated.costly {
                    self.steps.insert(one.rule, one.steps);
                }
                let open = self.open.take().ok_or("no evaluation has begun")?;
                self.begin_to_see(open.mark);
                self.evaluated = open.mark;
                self.forget_changes();
            }
            Fact::RuleSuspended(suspended) => {
                self.evaluations = position;
                let v1::RuleSuspended { rule, revision, steps, limit, reason } = suspended;
                let suspension = Suspension { revision, steps, limit, time, reason };
                Arc::make_mut(&mut self.suspended).insert(rule, suspension);
            }
            // Who is told is folded beside this state.
            _ => {}
        }
        Ok(())
    }

    fn revise(&mut self, rule: String, revision: Revision) {
        self.changes.insert(revision.position, rule.clone());
        match self.rules.get_mut(&rule) {
            Some(revisions) => Arc::make_mut(revisions).push(revision),
            None => drop(self.rules.insert(rule, Arc::new(vec![revision]))),
        }
    }

    /// Forgets the changes of rules that are evaluated.
    fn forget_changes(&mut self) {
        let evaluated = self.changes.keys().copied().take_while(|position| *position <= self.evaluated.rules);
        for position in evaluated.collect::<Vec<_>>() {
            self.changes.remove(&position);
        }
    }

    fn change(&mut self, position: Position, transition: Transition) -> Result<(), &'static str> {
        let is_restated = matches!(transition, Transition::Restated(_));
        let alert = into_alert(transition).ok_or("the alert is missing")?;
        if !is_restated {
            self.count(&alert);
            self.note_frequency(&alert);
        }
        let id = alert.id.clone();
        let is_open = self.open.is_some();
        let alert = (!is_restated).then(|| Arc::new(alert));
        let before = match self.alerts.get_mut(&id) {
            Some(record) => {
                let before = is_open.then(|| record.clone());
                record.position = position;
                // A restatement tells of the past; the present alert changes by the transition that follows it, if one does.
                record.alert = alert.or_else(|| record.alert.take());
                before
            }
            None => {
                self.alerts.insert(id.clone(), Record { alert, position });
                is_open.then(Record::default)
            }
        };
        if let Some((open, before)) = self.open.as_mut().zip(before)
            && !open.before.contains_key(&id)
        {
            open.before.insert(id, before);
        }
        Ok(())
    }

    /// Counts an alert among the open ones of its rule, or no longer.
    fn count(&mut self, alert: &Alert) {
        let was = phase(self.alerts.get(&alert.id).and_then(|record| record.alert.as_deref())).is_open();
        let is = phase(Some(alert)).is_open();
        let before = self.counts.get(&alert.rule).copied().unwrap_or_default();
        let count = if was { before.saturating_sub(1) } else { before }.saturating_add(u32::from(is));
        match (self.counts.get_mut(&alert.rule), count) {
            (_, 0) => drop(self.counts.remove(&alert.rule)),
            (Some(place), count) => *place = count,
            (None, count) => drop(self.counts.insert(alert.rule.clone(), count)),
        }
        let Some(open) = &mut self.open else { return };
        let opens = u32::from(!was && is);
        let (begun, opened) = match open.opened.get_mut(&alert.rule) {
            Some((begun, opened)) => {
                *opened = opened.saturating_add(opens);
                (*begun, *opened)
            }
            None => {
                open.opened.insert(alert.rule.clone(), (before, opens));
                (before, opens)
            }
        };
        let last = self.rules.get(&alert.rule).and_then(|revisions| revisions.last());
        let limit = last.and_then(|revision| revision.rule.as_ref()).map(limit);
        if limit.is_some_and(|limit| begun.saturating_add(opened) >= limit)
            && !self.limited.contains(&alert.rule)
        {
            Arc::make_mut(&mut self.limited).insert(alert.rule.clone());
        }
    }

    /// Notes from where on the rules have seen figures that an evaluation took in for the first time.
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

    /// Notes whether an alert stands on a figure of its rule's frequency.
    fn note_frequency(&mut self, alert: &Alert) {
        let last = self.rules.get(&alert.rule).and_then(|revisions| revisions.last());
        let rule = last.and_then(|revision| revision.rule.as_ref());
        let is_monthly = rule.is_some_and(|rule| rule.frequency() == Frequency::Monthly);
        let period = alert.period.parse::<Period>().ok();
        if rule.is_some() && period.is_some_and(|period| period.is_month() != is_monthly) {
            Arc::make_mut(&mut self.misfits).insert(alert.id.clone());
        } else if self.misfits.contains(&alert.id) {
            Arc::make_mut(&mut self.misfits).remove(&alert.id);
        }
    }

    /// Position of the exposures log from which on a rule has seen the figures that it watches. None: it has seen none yet.
    #[must_use]
    pub fn seen_since(&self, rule: &str) -> Option<Position> {
        self.since.get(rule).copied()
    }

    /// The same of all rules, to be kept.
    pub(crate) fn all_seen_since(&self) -> Arc<BTreeMap<String, Position>> {
        Arc::clone(&self.since)
    }

    /// The revisions that are not evaluated, by rule.
    pub(crate) fn suspensions(&self) -> impl Iterator<Item = (&str, &Suspension)> {
        self.suspended.iter().map(|(rule, suspension)| (rule.as_str(), suspension))
    }

    /// Alerts that stood on a figure of another frequency than their rule's when the open evaluation began, or do if none is open.
    pub fn misfits(&self) -> impl Iterator<Item = &String> {
        self.open.as_ref().map_or(&self.misfits, |open| &open.misfits).iter()
    }

    /// Whether an alert is among [`misfits`](Self::misfits).
    #[must_use]
    pub fn is_misfit(&self, alert: &str) -> bool {
        self.open.as_ref().map_or(&self.misfits, |open| &open.misfits).contains(alert)
    }

    /// Whether alerts of a rule may be held back at its limit, or were and are told as soon as there is room: as it was when the open
    /// evaluation began, or as it is if none is open.
    #[must_use]
    pub fn may_hold_back(&self, rule: &str, limit: u32) -> bool {
        let limited = self.open.as_ref().map_or(&self.limited, |open| &open.limited);
        limited.contains(rule) || self.open_alerts(rule) >= limit
    }

    /// Rules among which are those without a limit of their own that may hold alerts back: see [`may_hold_back`](Self::may_hold_back).
    pub fn limited_rules(&self) -> impl Iterator<Item = &str> {
        let full = self.counts.iter().filter(|(_, open)| **open >= MAX_OPEN).map(|(rule, _)| rule);
        let changed = self.open.iter().flat_map(|open| open.opened.keys());
        self.limited.iter().chain(full).chain(changed).map(String::as_str)
    }

    /// The rules that ever were, each with its revisions, oldest first.
    #[must_use]
    pub fn rules(&self) -> &SharedMap<String, Arc<Vec<Revision>>> {
        &self.rules
    }

    /// The rules as they stand.
    pub fn standing(&self) -> impl Iterator<Item = (&Revision, &Rule)> {
        self.rules_at(Position::MAX)
    }

    /// The rules as they stood at a position of this log, by identifier.
    pub fn rules_at(&self, position: Position) -> impl Iterator<Item = (&Revision, &Rule)> {
        let then = move |revisions: &'_ [Revision]| {
            revisions.partition_point(|revision| revision.position <= position).checked_sub(1)
        };
        self.rules.values().filter_map(move |revisions| {
            let revision = revisions.get(then(revisions)?)?;
            revision.rule.as_ref().map(|rule| (revision, rule))
        })
    }

    /// The alerts as they stand, by identifier.
    #[must_use]
    pub fn alerts(&self) -> &SharedMap<String, Record> {
        &self.alerts
    }

    /// An alert as it was when the open evaluation began, or as it stands if none is open.
    #[must_use]
    pub fn recorded(&self, alert: &str) -> Option<&Record> {
        let before = self.open.as_ref().and_then(|open| open.before.get(alert));
        before.or_else(|| self.alerts.get(alert))
    }

    /// How many alerts of a rule were open when the open evaluation began, or are if none is.
    #[must_use]
    pub fn open_alerts(&self, rule: &str) -> u32 {
        let begun = self.open.as_ref().and_then(|open| open.opened.get(rule)).map(|(begun, _)| *begun);
        begun.or_else(|| self.counts.get(rule).copied()).unwrap_or_default()
    }

    /// The alerts of a rule as they stand, by identifier.
    pub fn alerts_of(&self, rule: &str) -> impl Iterator<Item = (&String, &Record)> {
        let prefix = format!("{rule}/");
        let records = self.alerts.range_from(Bound::Included(prefix.as_str()));
        records.take_while(move |(id, _)| id.starts_with(&prefix))
    }

    /// What the last complete evaluation took in.
    #[must_use]
    pub fn evaluated(&self) -> Mark {
        self.evaluated
    }

    /// The evaluation that has begun and not ended.
    #[must_use]
    pub fn begun(&self) -> Option<Mark> {
        self.open.as_ref().map(|open| open.mark)
    }

    /// Position of the last event on the stream of evaluations.
    #[must_use]
    pub fn evaluations(&self) -> Position {
        self.evaluations
    }

    /// Steps of the last evaluation of a rule that took a million or more. None: none did.
    #[must_use]
    pub fn last_steps(&self, rule: &str) -> Option<u64> {
        self.steps.get(rule).copied()
    }

    /// The rules by the positions after the evaluated ones at which they were put or removed, in order.
    pub fn changes(&self) -> impl Iterator<Item = (Position, &str)> {
        self.changes.iter().map(|(position, rule)| (*position, rule.as_str()))
    }

    /// Whether all rules that were put or removed have been evaluated.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty()
    }

    /// Why a revision of a rule is not evaluated. None: it is.
    #[must_use]
    pub fn suspension(&self, rule: &str, revision: u32) -> Option<&Suspension> {
        self.suspended.get(rule).filter(|suspension| suspension.revision == revision)
    }
}

/// Whether two revisions of a rule watch the same kind of figures.
fn watches_same(old: &Rule, new: &Rule) -> bool {
    let name = |rule: &Rule| rule.measure.split('/').next().unwrap_or_default().to_owned();
    let is_monthly = |rule: &Rule| rule.frequency() == Frequency::Monthly;
    name(old) == name(new) && old.by == new.by && is_monthly(old) == is_monthly(new)
}
