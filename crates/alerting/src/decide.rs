//! Command and state give the events to append.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason, Rule, RulePut, RuleRemoved};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::Position;
use orewatch_measures::Measure;
use orewatch_runtime::{Class, Failure};

use crate::alert::{Case, Evidence, alert_id, alert_of, phase};
use crate::evolve::{Mark, Record, Revision, State};
use crate::figures::{Figures, Kept, Watched};
use crate::reconcile::{News, end_by_rule, reconcile};
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
pub fn standing<'a>(state: &'a State, rule: &str) -> Result<(&'a Revision, &'a Rule), Failure> {
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

/// The figures that the rules of an evaluation watch.
#[must_use]
pub fn wanted(state: &State, mark: Mark) -> Kept {
    let rules = checked_at(state, mark.rules);
    Kept::by(rules.values().flatten().map(|(_, rule)| rule))
}

/// How rules stand in a material now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Present {
    /// How many subjects each rule watches.
    pub subjects: BTreeMap<String, u32>,
    /// What the newest figure tells about each alert that is open, or about to be changed.
    pub newest: BTreeMap<String, Evidence>,
}

/// How the rules of an evaluation stand in a material, given what it is about to record.
#[must_use]
pub fn present(state: &State, mark: Mark, figures: &Figures, material: &str, planned: &[Planned]) -> Present {
    let changing: BTreeSet<&str> = planned.iter().map(|planned| planned.alert.as_str()).collect();
    let is_open = |id: &str| {
        let record = state.alerts().get(id);
        record.is_some_and(|record| phase(record.alert.as_deref()).is_open())
    };
    let figures = figures.material(material);
    let mut present = Present::default();
    for (_, rule) in checked_at(state, mark.rules).values().flatten() {
        let watched = figures.watched(material, rule);
        let count = u32::try_from(watched.len()).unwrap_or(u32::MAX);
        present.subjects.insert(rule.rule.id.clone(), count);
        for Watched { subject, figures } in watched {
            let id = alert_id(&rule.rule.id, &subject);
            if let Some((period, figure)) = figures.last().filter(|_| is_open(&id) || changing.contains(&*id))
            {
                present.newest.insert(id, Evidence::of(rule, *period, figure));
            }
        }
    }
    present
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
}

/// Carries out an evaluation: of the rules that were put or removed, on all figures, or of all rules on the figures that a
/// release has changed. A rule that the catalogue no longer supports is left alone, and so are its alerts.
#[must_use]
pub fn evaluate(
    state: &State,
    mark: Mark,
    figures: &Figures,
    restated: Option<Restated<'_>>,
) -> Vec<Planned> {
    let mut plan = Plan { state, figures, planned: Vec::new(), open: BTreeMap::new() };
    let then = checked_at(state, state.evaluated().rules);
    let now = checked_at(state, mark.rules);
    if let Some(restated) = restated {
        for (revision, rule) in now.values().flatten() {
            plan.evaluate_figures(rule, revision.number, restated);
        }
    }
    let since = state.evaluated().rules;
    for (id, revisions) in state.rules() {
        let changed = |revision: &&Revision| revision.position > since && revision.position <= mark.rules;
        if let Some(revision) = revisions.iter().rev().find(changed) {
            let old = then.get(id.as_str()).and_then(Option::as_ref).map(|(_, rule)| rule);
            match now.get(id.as_str()) {
                Some(Some((_, rule))) => plan.evaluate_rule(rule, revision.number, old),
                Some(None) => {}
                None => plan.end_others(id, revision.number, Reason::RuleRemoved, &BTreeSet::new()),
            }
        }
    }
    plan.planned
}

/// The rules at a position; None for one that the catalogue no longer supports.
fn checked_at(state: &State, position: Position) -> BTreeMap<&str, Option<(&Revision, Checked)>> {
    let checked = |(revision, rule)| check(&on_newest_version(rule)).ok().map(|checked| (revision, checked));
    state.rules_at(position).map(|entry| (entry.1.id.as_str(), checked(entry))).collect()
}

/// A rule that was put on an earlier version of its measure goes on watching the measure: figures of that version come no
/// more, and a rule that falls silent would look like a line that is not crossed.
fn on_newest_version(rule: &Rule) -> Rule {
    let name = rule.measure.split('/').next().unwrap_or_default();
    let measure = name.parse::<Measure>().map_or_else(|_| rule.measure.clone(), |newest| newest.to_string());
    Rule { measure, ..rule.clone() }
}

struct Plan<'a> {
    state: &'a State,
    figures: &'a Figures,
    planned: Vec<Planned>,
    /// Open alerts by rule, as far as rules have been looked at.
    open: BTreeMap<String, u32>,
}

impl Plan<'_> {
    fn evaluate_figures(&mut self, rule: &Checked, revision: u32, restated: Restated<'_>) {
        let watched =
            |figures: &Figures| figures.material(restated.material).watched(restated.material, rule);
        let old = watched(restated.before).into_iter();
        let mut old: BTreeMap<String, Watched> =
            old.map(|watched| (alert_id(&rule.rule.id, &watched.subject), watched)).collect();
        for Watched { subject, figures } in watched(self.figures) {
            let before = old.remove(&alert_id(&rule.rule.id, &subject)).map(|watched| watched.figures);
            let before = Trajectory::fold(&rule.terms, before.unwrap_or_default());
            let now = Trajectory::fold(&rule.terms, figures);
            let news = News::Figures { before: &before, cause: restated.cause };
            self.reconcile(Case { rule, revision, subject: &subject }, &now, &news);
        }
    }

    fn evaluate_rule(&mut self, rule: &Checked, revision: u32, old: Option<&Checked>) {
        let mut watched = BTreeSet::new();
        for material in self.figures.materials() {
            for Watched { subject, figures } in self.figures.material(material).watched(material, rule) {
                let id = alert_id(&rule.rule.id, &subject);
                let now = Trajectory::fold(&rule.terms, figures);
                let news = if self.is_known(old, &subject, &id) { News::Revision } else { News::Rule };
                self.reconcile(Case { rule, revision, subject: &subject }, &now, &news);
                watched.insert(id);
            }
        }
        self.end_others(&rule.rule.id, revision, Reason::RuleRevised, &watched);
    }

    /// Whether the revision before this one has told of the subject.
    fn is_known(&self, old: Option<&Checked>, subject: &Subject, alert: &str) -> bool {
        old.is_some_and(|old| old.watches(subject) || self.state.recorded(alert).is_some())
    }

    fn reconcile(&mut self, case: Case<'_>, now: &Trajectory, news: &News<'_>) {
        let id = alert_id(&case.rule.rule.id, case.subject);
        let record = self.state.recorded(&id);
        let recorded: Option<&Alert> = record.and_then(|record| record.alert.as_deref());
        let events = reconcile(case, recorded, now, news);
        if self.admit(case.rule, recorded, &events) {
            self.plan(id, record, events);
        }
    }

    /// Whether a rule's limit lets the events of an alert pass: only those that would leave one more open are held back.
    fn admit(&mut self, rule: &Checked, recorded: Option<&Alert>, events: &[Event]) -> bool {
        let last = events.iter().rev().find(|event| !matches!(event, Event::Restated(_))).and_then(alert_of);
        let opens = !phase(recorded).is_open() && phase(last).is_open();
        let state = self.state;
        let open = self.open.entry(rule.rule.id.clone()).or_insert_with(|| state.open_alerts(&rule.rule.id));
        let passes = !opens || *open < rule.limit();
        *open = open.saturating_add(u32::from(opens && passes));
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
            self.planned.push(Planned { alert, expected, events });
        }
    }
}
