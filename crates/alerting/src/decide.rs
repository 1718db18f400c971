//! Command and state give the events to append.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason, Rule, RulePut, RuleRemoved};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

use crate::alert::{Case, Evidence, alert_id, alert_of, phase};
use crate::evolve::{Mark, Record, Revision, State};
use crate::figures::{Figures, Touched, Watched};
use crate::reconcile::{News, end_by_rule, reconcile};
use crate::rulebook::{Rulebook, Standing, standing};
use crate::rules::{Checked, check};
use crate::trajectory::Trajectory;

/// Creates or revises a rule. None: an equal rule stands.
///
/// # Errors
/// What [`check`] says about the rule.
pub fn put_rule(state: &State, rule: &Rule, actor: &str) -> Result<Option<RulePut>, Failure> {
    let rule = check(rule)?.rule;
    let last = state.rules().get(&rule.id).and_then(|revisions| revisions.last());
    if last.is_some_and(|last| last.rule.as_ref() == Some(&rule)) {
        return Ok(None);
    }
    let revision = last.map_or(0, |last| last.number).saturating_add(1);
    Ok(Some(RulePut { rule: Some(rule), revision, actor: actor.to_owned() }))
}

/// Removes a rule. None: there is no such rule.
#[must_use]
pub fn remove_rule(state: &State, rule: &str, actor: &str) -> Option<RuleRemoved> {
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    let standing = last.filter(|last| last.rule.is_some())?;
    Some(RuleRemoved { rule: rule.to_owned(), revision: standing.number, actor: actor.to_owned() })
}

/// Position that an append to a rule's stream expects.
#[must_use]
pub fn rule_expectation(state: &State, rule: &str) -> Position {
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    last.map_or(0, |last| last.position)
}

/// The rule as it stands.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn rule_of<'a>(state: &'a State, rule: &str) -> Result<(&'a Revision, &'a Rule), Failure> {
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    last.and_then(|last| last.rule.as_ref().map(|rule| (last, rule))).ok_or_else(|| {
        let missing = Failure::new(Class::NotFound, "unknown-rule", format!("there is no rule {rule:?}"));
        missing.at("rule", rule).with_hint("list the rules to see which there are")
    })
}

/// What an evaluator does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Fold the exposures log on: another replica has evaluated more than is folded here.
    Advance,
    /// Begin an evaluation.
    Begin(Mark),
    /// Go on with the evaluation that has begun.
    Finish(Mark),
    /// There is nothing to do.
    Wait,
}

/// What an evaluator does next, given how far it has folded the exposures log and the position of the next release there
/// that it has read in full. Rules come first, one by one; then releases, one by one, so that no correction hides in a batch.
#[must_use]
pub fn next(state: &State, folded: Position, ready: Option<Position>) -> Next {
    let evaluated = state.evaluated();
    if folded < evaluated.exposures {
        Next::Advance
    } else if let Some(mark) = state.begun() {
        Next::Finish(mark)
    } else if let Some(rules) = state.next_rule() {
        Next::Begin(Mark { rules, ..evaluated })
    } else if let Some(exposures) = ready {
        Next::Begin(Mark { exposures, ..evaluated })
    } else {
        Next::Wait
    }
}

/// How rules stand in a material now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Present {
    /// How many subjects each rule watches.
    pub subjects: BTreeMap<String, u32>,
    /// What the newest figure tells about each alert that is open, or was when it was looked at last.
    pub newest: BTreeMap<String, Evidence>,
}

impl Present {
    /// How rules stand in a material, all of them looked at.
    #[must_use]
    pub fn of(state: &State, rules: &Rulebook, figures: &Figures, material: &str) -> Self {
        let mut present = Self::default();
        for standing in rules.of_material(material) {
            present.look_at(state, standing, figures, material);
        }
        present
    }

    /// Looks at a rule anew: how many subjects it watches, and its open alerts.
    pub fn look_at(&mut self, state: &State, standing: &Standing, figures: &Figures, material: &str) {
        let Standing { rule, .. } = standing;
        let id = &rule.rule.id;
        let figures = figures.material(material);
        self.subjects.insert(id.clone(), u32::try_from(figures.count(material, rule)).unwrap_or(u32::MAX));
        let alerts = state.alerts_of(id).filter_map(|(_, record)| record.alert.as_deref());
        for alert in alerts.filter(|alert| phase(Some(alert)).is_open()) {
            let subject = alert.subject.as_ref().filter(|subject| subject.material == material);
            let series =
                subject.filter(|subject| rule.watches(subject)).and_then(|subject| figures.series(subject));
            if let Some((period, figure)) = series.as_ref().and_then(|series| series.last()) {
                self.newest.insert(alert.id.clone(), Evidence::of(rule, *period, figure));
            }
        }
    }

    /// Takes in what an evaluation has seen of the material.
    pub fn take_in(&mut self, seen: Seen) {
        self.subjects.extend(seen.subjects);
        for (rule, more) in seen.more {
            let subjects = self.subjects.entry(rule).or_default();
            *subjects = subjects.saturating_add(more);
        }
        self.newest.extend(seen.newest);
    }
}

/// What an evaluation has seen of how rules stand in a material.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// How many subjects a rule watches that was put.
    pub subjects: BTreeMap<String, u32>,
    /// How many more subjects a rule watches.
    pub more: BTreeMap<String, u32>,
    /// What the newest figure tells about alerts that are open or change.
    pub newest: Vec<(String, Evidence)>,
}

/// Transitions of an alert, to be appended to its stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Identifier of the alert.
    pub alert: String,
    /// Position of the last event on its stream.
    pub expected: Position,
    /// The transitions, in order.
    pub events: Vec<Event>,
}

/// The figures of one material before and after a release.
#[derive(Clone, Copy, Debug)]
pub struct Restated<'a> {
    /// The material.
    pub material: &'a str,
    /// What made the figures change.
    pub cause: Option<&'a Cause>,
    /// All figures before.
    pub before: &'a Figures,
    /// What the release touches. None: all may read otherwise than before.
    pub touched: Option<&'a Touched>,
}

/// What follows from an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The transitions to append.
    pub planned: Vec<Planned>,
    /// What was seen, by material.
    pub seen: BTreeMap<String, Seen>,
}

/// Carries out an evaluation: of the rules that were put or removed, on all figures, or of all rules on the figures that a
/// release has changed. A rule that the catalogue no longer supports is left alone, and so are its alerts. `rules` are those
/// at the position of the evaluation.
#[must_use]
pub fn evaluate(
    state: &State,
    mark: Mark,
    rules: &Rulebook,
    figures: &Figures,
    restated: Option<Restated<'_>>,
) -> Outcome {
    let mut plan = Plan { state, figures, outcome: Outcome::default(), open: BTreeMap::new() };
    if let Some(restated) = restated {
        for standing in rules.touched(restated.material, restated.touched) {
            plan.evaluate_figures(standing, restated);
        }
    }
    let since = state.evaluated().rules;
    if mark.rules > since {
        plan.evaluate_rules(since, mark.rules, rules);
    }
    plan.outcome
}

struct Plan<'a> {
    state: &'a State,
    figures: &'a Figures,
    outcome: Outcome,
    /// Open alerts by rule, as far as rules have been looked at.
    open: BTreeMap<String, u32>,
}

impl Plan<'_> {
    fn evaluate_figures(&mut self, standing: &Standing, restated: Restated<'_>) {
        let Standing { rule, revision } = standing;
        let Restated { material, cause, .. } = restated;
        let old = restated.before.material(material);
        let (mut more, mut told) = (0_u32, Vec::new());
        for Watched { subject, figures } in
            self.figures.material(material).watched_of(material, rule, restated.touched)
        {
            let before = old.series(&subject);
            more = more.saturating_add(u32::from(before.is_none()));
            let newest = figures.last().map(|(period, figure)| (*period, Arc::clone(figure)));
            let before = Trajectory::fold(&rule.terms, before.unwrap_or_default());
            let now = Trajectory::fold(&rule.terms, figures);
            let news = News::Figures { before: &before, cause };
            let case = Case { rule, revision: *revision, subject: &subject };
            if let Some(id) = self.reconcile(case, &now, &news)
                && let Some((period, figure)) = newest
            {
                told.push((id, Evidence::of(rule, period, &figure)));
            }
        }
        if more > 0 || !told.is_empty() {
            let seen = self.outcome.seen.entry(material.to_owned()).or_default();
            seen.more.insert(rule.rule.id.clone(), more);
            seen.newest.extend(told);
        }
    }

    /// The rules that were put or removed after a position, up to another.
    fn evaluate_rules(&mut self, since: Position, upto: Position, rules: &Rulebook) {
        let state = self.state;
        for (id, revisions) in state.rules() {
            let changed = |revision: &&Revision| revision.position > since && revision.position <= upto;
            let Some(revision) = revisions.iter().rev().find(changed) else { continue };
            let old = revisions.iter().rev().find(|revision| revision.position <= since).and_then(standing);
            match rules.get(id) {
                Some(Some(now)) => {
                    self.evaluate_rule(&now.rule, revision.number, old.as_ref().map(|old| &old.rule))
                }
                Some(None) => {}
                None => self.end_others(id, revision.number, Reason::RuleRemoved, &BTreeSet::new()),
            }
        }
    }

    fn evaluate_rule(&mut self, rule: &Checked, revision: u32, old: Option<&Checked>) {
        let mut watched = BTreeSet::new();
        let figures = self.figures;
        for material in figures.materials() {
            let subjects = figures.material(material).watched(material, rule);
            let mut seen = Seen::default();
            seen.subjects.insert(rule.rule.id.clone(), u32::try_from(subjects.len()).unwrap_or(u32::MAX));
            for Watched { subject, figures } in subjects {
                let id = alert_id(&rule.rule.id, &subject);
                let newest = figures.last().map(|(period, figure)| (*period, Arc::clone(figure)));
                let now = Trajectory::fold(&rule.terms, figures);
                let news = if self.is_known(old, &subject, &id) { News::Revision } else { News::Rule };
                let told = self.reconcile(Case { rule, revision, subject: &subject }, &now, &news);
                if let Some((id, (period, figure))) = told.zip(newest) {
                    seen.newest.push((id, Evidence::of(rule, period, &figure)));
                }
                watched.insert(id);
            }
            self.outcome.seen.insert(material.to_owned(), seen);
        }
        self.end_others(&rule.rule.id, revision, Reason::RuleRevised, &watched);
    }

    /// Whether the revision before this one has told of the subject.
    fn is_known(&self, old: Option<&Checked>, subject: &Subject, alert: &str) -> bool {
        old.is_some_and(|old| old.watches(subject) || self.state.recorded(alert).is_some())
    }

    /// Plans what brings the record in line with the figures. Returns the alert if it is open, or changes.
    fn reconcile(&mut self, case: Case<'_>, now: &Trajectory, news: &News<'_>) -> Option<String> {
        let id = alert_id(&case.rule.rule.id, case.subject);
        let record = self.state.recorded(&id);
        let recorded: Option<&Alert> = record.and_then(|record| record.alert.as_deref());
        let events = reconcile(case, recorded, now, news);
        let is_open = phase(recorded).is_open();
        if events.is_empty() || !self.admit(case.rule, recorded, &events) {
            return is_open.then_some(id);
        }
        self.plan(id.clone(), record, events);
        Some(id)
    }

    /// Whether a rule's limit lets the events of an alert pass: only those that would leave one more open are held back.
    fn admit(&mut self, rule: &Checked, recorded: Option<&Alert>, events: &[Event]) -> bool {
        let last = events.iter().rev().find(|event| !matches!(event, Event::Restated(_))).and_then(alert_of);
        let opens = !phase(recorded).is_open() && phase(last).is_open();
        if !opens {
            return true;
        }
        let state = self.state;
        let open = self.open.entry(rule.rule.id.clone()).or_insert_with(|| state.open_alerts(&rule.rule.id));
        let passes = *open < rule.limit();
        *open = open.saturating_add(u32::from(passes));
        passes
    }

    /// Ends the open alerts of a rule that are not among those that it watches.
    fn end_others(&mut self, rule: &str, revision: u32, reason: Reason, watched: &BTreeSet<String>) {
        let state = self.state;
        for (id, _) in state.alerts_of(rule).filter(|(id, _)| !watched.contains(*id)) {
            let record = state.recorded(id);
            if let Some(alert) = record.and_then(|record| record.alert.as_deref()) {
                let end = end_by_rule(alert, revision, reason);
                self.plan(id.clone(), record, end.into_iter().collect());
            }
        }
    }

    fn plan(&mut self, alert: String, record: Option<&Record>, events: Vec<Event>) {
        if !events.is_empty() {
            let expected = record.map_or(0, |record| record.position);
            self.outcome.planned.push(Planned { alert, expected, events });
        }
    }
}
