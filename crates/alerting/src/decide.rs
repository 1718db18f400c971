//! Command and state give the events to append.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason, Rule, RuleChange, RulePut, RuleRemoved};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::Position;
use orewatch_measures::Measure;
use orewatch_runtime::{Class, Failure};

use crate::alert::{Case, Evidence, alert_id, alert_of, phase};
use crate::condition::{Gap, Sight};
use crate::episode::Span;
use crate::evolve::{Mark, Record, Revision, State};
use crate::figures::{Figures, Kept, Watched};
use crate::reconcile::{News, end_by_rule, reconcile};
use crate::rules::{Checked, LONGEST_LINE, LONGEST_TEXT, at_most, check, is_timed};
use crate::trajectory::Trajectory;

/// Who changes a rule, and why.
#[derive(Clone, Copy, Debug, Default)]
pub struct Author<'a> {
    /// Who. Empty: not known.
    pub actor: &'a str,
    /// Why. Empty: nothing said.
    pub reason: &'a str,
}

/// Creates or revises a rule. None: an equal rule stands, and its subjects are not to be judged anew.
///
/// # Errors
/// What [`check`] says about the rule, and a reason that is too long.
pub fn put_rule(
    state: &State,
    rule: &Rule,
    author: Author<'_>,
    re_evaluate: bool,
) -> Result<Option<RulePut>, Failure> {
    let rule = check(rule)?.rule;
    signed(author)?;
    let last = state.rules().get(&rule.id).and_then(|revisions| revisions.last());
    if !re_evaluate && last.is_some_and(|last| last.rule.as_ref() == Some(&rule)) {
        return Ok(None);
    }
    let revision = last.map_or(0, |last| last.number).saturating_add(1);
    let (actor, reason) = (author.actor.to_owned(), author.reason.to_owned());
    Ok(Some(RulePut { rule: Some(rule), revision, actor, reason, re_evaluate }))
}

/// Removes a rule. None: there is no such rule.
///
/// # Errors
/// A reason that is too long.
pub fn remove_rule(state: &State, rule: &str, author: Author<'_>) -> Result<Option<RuleRemoved>, Failure> {
    signed(author)?;
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    let standing = last.filter(|last| last.rule.is_some());
    let (actor, reason) = (author.actor.to_owned(), author.reason.to_owned());
    Ok(standing.map(|last| RuleRemoved { rule: rule.to_owned(), revision: last.number, actor, reason }))
}

/// Who and why are a line and a text like those of rules.
fn signed(author: Author<'_>) -> Result<(), Failure> {
    at_most("actor", author.actor, LONGEST_LINE)?;
    at_most("reason", author.reason, LONGEST_TEXT)
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

/// What an evaluation takes in, if it begins now (seconds since 1970): the time is part of it only where a rule looks at it.
#[must_use]
pub fn as_at(state: &State, mark: Mark, now: i64) -> Mark {
    let is_timed = state.rules_at(mark.rules).any(|(_, rule)| is_timed(rule.when.as_ref()));
    Mark { as_at: is_timed.then_some(now), ..mark }
}

/// The next instant at which time alone changes what a rule says, in seconds since 1970. None: there is none.
#[must_use]
pub fn due(state: &State, figures: &Figures) -> Option<i64> {
    let mark = state.evaluated();
    let seen = mark.as_at.unwrap_or(i64::MIN);
    let rules = checked_at(state, mark.rules);
    let timed = rules.values().flatten().map(|(_, rule)| rule).filter(|rule| rule.is_timed());
    let mut next = None;
    for rule in timed {
        for material in figures.materials() {
            for watched in figures.material(material).watched(material, rule) {
                next = turns(rule, &watched).filter(|turn| *turn > seen).chain(next).min();
            }
        }
    }
    next
}

/// The instants at which time alone changes what a rule says of a subject: its condition turns, or its hold has run out.
fn turns(rule: &Checked, watched: &Watched<'_>) -> impl Iterator<Item = i64> + use<> {
    let hold = match rule.terms.hold {
        Span::Seconds(seconds) => i64::try_from(seconds).unwrap_or(i64::MAX),
        Span::Periods(_) => 0,
    };
    rule.condition.turns(watched).into_iter().flat_map(move |turn| [turn, turn.saturating_add(hold)])
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
    /// What of each rule's subjects is not told; a rule of which all is told is not among them.
    pub untold: BTreeMap<String, Untold>,
}

/// What of a rule's subjects is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// Subjects beyond the line that the limit holds back.
    pub held_back: u32,
    /// Subjects whose evaluation failed.
    pub failed: u32,
    /// Why, of the first of them.
    pub why: Option<Arc<str>>,
}

impl Untold {
    /// Takes in what is not told of other subjects of the rule.
    pub fn add(&mut self, other: &Self) {
        self.held_back = self.held_back.saturating_add(other.held_back);
        self.failed = self.failed.saturating_add(other.failed);
        self.why = self.why.take().or_else(|| other.why.clone());
    }
}

/// How the rules of an evaluation stand in a material, given what it is about to record.
#[must_use]
pub fn present(state: &State, mark: Mark, figures: &Figures, material: &str, planned: &[Planned]) -> Present {
    let changing: BTreeMap<&str, bool> = planned
        .iter()
        .filter_map(|planned| planned.last().map(|alert| (&*planned.alert, phase(Some(alert)).is_open())))
        .collect();
    let is_open = |id: &str| {
        let recorded = || state.alerts().get(id).is_some_and(|record| phase(record.alert.as_ref()).is_open());
        changing.get(id).copied().unwrap_or_else(recorded)
    };
    let figures = figures.material(material);
    let mut present = Present::default();
    for (_, rule) in checked_at(state, mark.rules).values().flatten() {
        let watched = figures.watched(material, rule);
        let id = &rule.rule.id;
        let count = u32::try_from(watched.len()).unwrap_or(u32::MAX);
        present.subjects.insert(id.clone(), count);
        let is_limited = is_at_limit(state, rule, planned);
        let mut untold = Untold::default();
        for watched in watched {
            let alert = alert_id(id, &watched.subject);
            untold.add(&missed(rule, &watched, mark.as_at, is_limited && !is_open(&alert)));
            if is_open(&alert) || changing.contains_key(&*alert) {
                let newest = Evidence::newest(rule, &watched, mark.as_at);
                present.newest.extend(newest.map(|newest| (alert, newest)));
            }
        }
        if untold != Untold::default() {
            present.untold.insert(id.clone(), untold);
        }
    }
    present
}

/// Whether as many alerts of a rule are open as it may have, or may be with what is about to be recorded.
fn is_at_limit(state: &State, rule: &Checked, planned: &[Planned]) -> bool {
    let prefix = format!("{}/", rule.rule.id);
    let own = planned.iter().filter(|planned| planned.alert.starts_with(&prefix)).count();
    let may_open = u32::try_from(own).unwrap_or(u32::MAX);
    may_open >= rule.limit() || state.open_alerts(&rule.rule.id).saturating_add(may_open) >= rule.limit()
}

/// What is not told of one subject.
fn missed(rule: &Checked, watched: &Watched<'_>, as_at: Option<i64>, is_held_back: bool) -> Untold {
    let mut untold = Untold::default();
    if rule.condition.can_fail() {
        let at = watched.figures.len().saturating_sub(1);
        if let Err(Gap::Failed(why)) = rule.condition.judge(&Sight { watched, at, time: 0 }) {
            untold.failed = 1;
            untold.why = Some(why);
        }
    }
    if is_held_back {
        let now = Trajectory::fold(rule, watched, as_at);
        untold.held_back = u32::from(now.last().is_some_and(|point| point.state.phase.is_open()));
    }
    untold
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

impl Planned {
    /// The alert after its transitions. None: only its past is told of.
    fn last(&self) -> Option<&Alert> {
        self.events.iter().rev().find(|event| !matches!(event, Event::Restated(_))).and_then(alert_of)
    }
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
    let mut plan = Plan { state, figures, as_at: mark.as_at, planned: Vec::new(), open: BTreeMap::new() };
    let then = checked_at(state, state.evaluated().rules);
    let now = checked_at(state, mark.rules);
    let since = state.evaluated().rules;
    if let Some(restated) = restated {
        for (revision, rule) in now.values().flatten() {
            plan.evaluate_figures(rule, revision.number, restated);
        }
    }
    let unchanged = |revision: &Revision| revision.position <= since;
    for (revision, rule) in now.values().flatten().filter(|(one, rule)| rule.is_timed() && unchanged(one)) {
        plan.evaluate_time(rule, revision.number, restated.map(|restated| restated.material));
    }
    for (id, revisions) in state.rules() {
        let changed = |revision: &&Revision| revision.position > since && revision.position <= mark.rules;
        if let Some(revision) = revisions.iter().rev().find(changed) {
            let old = then.get(id.as_str()).and_then(Option::as_ref).map(|(_, rule)| rule);
            match now.get(id.as_str()) {
                Some(Some((_, rule))) => plan.evaluate_rule(rule, revision, old),
                Some(None) => {}
                None => plan.end_others(id, &revision.change(), Reason::RuleRemoved, &BTreeSet::new()),
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
pub(crate) fn on_newest_version(rule: &Rule) -> Rule {
    let name = rule.measure.split('/').next().unwrap_or_default();
    let measure = name.parse::<Measure>().map_or_else(|_| rule.measure.clone(), |newest| newest.to_string());
    Rule { measure, ..rule.clone() }
}

struct Plan<'a> {
    state: &'a State,
    figures: &'a Figures,
    as_at: Option<i64>,
    planned: Vec<Planned>,
    /// Open alerts by rule, as far as rules have been looked at.
    open: BTreeMap<String, u32>,
}

impl Plan<'_> {
    fn evaluate_figures(&mut self, rule: &Checked, revision: u32, restated: Restated<'_>) {
        let (then, now) =
            (restated.before.material(restated.material), self.figures.material(restated.material));
        let old = then.watched(restated.material, rule).into_iter();
        let mut old: BTreeMap<String, Watched<'_>> =
            old.map(|watched| (alert_id(&rule.rule.id, &watched.subject), watched)).collect();
        for watched in now.watched(restated.material, rule) {
            let before = old.remove(&alert_id(&rule.rule.id, &watched.subject)).unwrap_or_default();
            let before = Trajectory::fold(rule, &before, self.as_at);
            let news = News::Figures { before: &before, cause: restated.cause };
            self.reconcile(Case { rule, revision, watched: &watched }, &news);
        }
    }

    /// Subjects of which time alone changes what a rule says, in all materials but the one that is evaluated anyway.
    fn evaluate_time(&mut self, rule: &Checked, revision: u32, evaluated: Option<&str>) {
        let Some(as_at) = self.as_at else { return };
        let before = self.state.evaluated().as_at.unwrap_or(i64::MIN);
        for material in self.figures.materials().filter(|material| Some(*material) != evaluated) {
            for watched in self.figures.material(material).watched(material, rule) {
                if turns(rule, &watched).any(|turn| turn > before && turn <= as_at) {
                    self.reconcile(Case { rule, revision, watched: &watched }, &News::Rule);
                }
            }
        }
    }

    fn evaluate_rule(&mut self, rule: &Checked, revision: &Revision, old: Option<&Checked>) {
        let change = revision.change();
        let revised = News::Revision { change: &change, re_evaluate: revision.re_evaluate };
        let mut seen = BTreeSet::new();
        for material in self.figures.materials() {
            for watched in self.figures.material(material).watched(material, rule) {
                let id = alert_id(&rule.rule.id, &watched.subject);
                let news = if self.is_known(old, &watched.subject, &id) { &revised } else { &News::Rule };
                self.reconcile(Case { rule, revision: revision.number, watched: &watched }, news);
                seen.insert(id);
            }
        }
        self.end_others(&rule.rule.id, &change, Reason::RuleRevised, &seen);
    }

    /// Whether the revision before this one has told of the subject.
    fn is_known(&self, old: Option<&Checked>, subject: &Subject, alert: &str) -> bool {
        old.is_some_and(|old| old.watches(subject) || self.state.recorded(alert).is_some())
    }

    fn reconcile(&mut self, case: Case<'_>, news: &News<'_>) {
        let now = Trajectory::fold(case.rule, case.watched, self.as_at);
        let id = alert_id(&case.rule.rule.id, &case.watched.subject);
        let record = self.state.recorded(&id);
        let recorded: Option<&Alert> = record.and_then(|record| record.alert.as_ref());
        let events = reconcile(case, recorded, &now, news);
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
    fn end_others(&mut self, rule: &str, change: &RuleChange, reason: Reason, watched: &BTreeSet<String>) {
        let state = self.state;
        for (id, _) in state.alerts_of(rule).filter(|(id, _)| !watched.contains(*id)) {
            let record = state.recorded(id);
            if let Some(alert) = record.and_then(|record| record.alert.as_ref()) {
                let end = end_by_rule(alert, change, reason);
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
