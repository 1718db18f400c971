//! Command and state give the events to append.
mod present;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason, Rule, RuleChange, RulePut, RuleRemoved};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::Position;
use orewatch_measures::Measure;
use orewatch_runtime::{Class, Failure};

use crate::alert::{Case, alert_id, alert_of, phase};
use crate::episode::Span;
use crate::evolve::{Mark, Record, Revision, State};
use crate::figures::{Figures, Touched, Watched};
use crate::reconcile::{News, end_by_rule, end_separated, reconcile};
use crate::rulebook::{Rulebook, Standing, standing as standing_of};
use crate::rules::{Checked, LONGEST_LINE, LONGEST_TEXT, at_most, check, is_timed};
use crate::trajectory::Trajectory;

use present::is_at_limit;
pub use present::{Look, Present, Untold};

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
    last.and_then(|last| last.rule.as_ref().map(|rule| (last, rule))).ok_or_else(|| unknown_rule(rule))
}

/// A rule that is not there.
pub(crate) fn unknown_rule(rule: &str) -> Failure {
    let missing = Failure::new(Class::NotFound, "unknown-rule", format!("there is no rule {rule:?}"));
    missing.at("rule", rule).with_hint("list the rules to see which there are")
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
pub fn due(state: &State, rules: &Rulebook, figures: &Figures) -> Option<i64> {
    let seen = state.evaluated().as_at.unwrap_or(i64::MIN);
    let timed = rules.rules().map(|standing| &standing.rule).filter(|rule| rule.is_timed());
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
    /// What the release touches. None: all may read otherwise than before.
    pub touched: Option<&'a Touched>,
}

/// What follows from an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The transitions to record.
    pub planned: Vec<Planned>,
    /// What was seen in the material of a release.
    pub seen: Seen,
    /// Rules that have to be looked at anew to tell how they stand.
    pub anew: BTreeSet<String>,
}

/// What the evaluation of a release has seen of how rules stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// How many more subjects a rule watches.
    pub more: BTreeMap<String, u32>,
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
    let outcome = Outcome::default();
    let mut plan = Plan { state, figures, as_at: mark.as_at, outcome, open: BTreeMap::new() };
    let since = state.evaluated().rules;
    if let Some(restated) = restated {
        plan.evaluate_release(rules, restated);
    }
    let unchanged = |standing: &&Arc<Standing>| standing.position <= since;
    for standing in rules.rules().filter(|standing| standing.rule.is_timed()).filter(unchanged) {
        let evaluated = restated.map(|restated| restated.material);
        plan.evaluate_time(&standing.rule, standing.revision, evaluated);
    }
    if mark.rules > since {
        plan.evaluate_rules(since, mark.rules, rules);
    }
    plan.evaluate_misfits(rules);
    plan.outcome
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
    outcome: Outcome,
    /// Open alerts by rule, as far as rules have been looked at.
    open: BTreeMap<String, u32>,
}

impl Plan<'_> {
    fn evaluate_release(&mut self, rules: &Rulebook, restated: Restated<'_>) {
        let state = self.state;
        let may_hold_back = |rule: &Checked| state.may_hold_back(&rule.rule.id, rule.limit());
        let is_due = |rule: &Checked| rule.is_timed() || may_hold_back(rule);
        for standing in rules.touched(restated.material, restated.touched, is_due) {
            let rule = &standing.rule;
            // What is held back is told as soon as there is room, whatever makes it.
            let touched = restated.touched.filter(|_| !may_hold_back(rule));
            self.evaluate_figures(rule, standing.revision, Restated { touched, ..restated });
        }
    }

    fn evaluate_figures(&mut self, rule: &Checked, revision: u32, restated: Restated<'_>) {
        let Restated { material, cause, before, touched } = restated;
        let (then, now) = (before.material(material), self.figures.material(material));
        let (mut more, mut opens) = (0_u32, 0_usize);
        let since = self.seen_since(rule);
        for watched in now.watched_of(material, rule, touched) {
            let watched = watched.remembering(since);
            let before = then.one(rule, &watched.subject);
            more = more.saturating_add(u32::from(before.is_none()));
            let before = before.map(|before| before.remembering(since)).unwrap_or_default();
            let before = Trajectory::fold(rule, &before, self.as_at);
            let news = News::Figures { before: &before, cause };
            opens += usize::from(self.reconcile(Case { rule, revision, watched: &watched }, &news));
        }
        if !rule.looks_at_own() || rule.condition.can_fail() || is_at_limit(self.state, rule, opens) {
            self.outcome.anew.insert(rule.rule.id.clone());
        } else if more > 0 {
            self.outcome.seen.more.insert(rule.rule.id.clone(), more);
        }
    }

    /// Subjects of which time alone changes what a rule says, in all materials but the one that is evaluated anyway.
    fn evaluate_time(&mut self, rule: &Checked, revision: u32, evaluated: Option<&str>) {
        let Some(as_at) = self.as_at else { return };
        self.outcome.anew.insert(rule.rule.id.clone());
        let before = self.state.evaluated().as_at.unwrap_or(i64::MIN);
        let since = self.seen_since(rule);
        for material in self.figures.materials().filter(|material| Some(*material) != evaluated) {
            for watched in self.figures.material(material).watched(material, rule) {
                let watched = watched.remembering(since);
                if turns(rule, &watched).any(|turn| turn > before && turn <= as_at) {
                    self.reconcile(Case { rule, revision, watched: &watched }, &News::Rule);
                }
            }
        }
    }

    /// The rules that were put or removed after a position, up to another.
    fn evaluate_rules(&mut self, since: Position, upto: Position, rules: &Rulebook) {
        let state = self.state;
        for (id, revisions) in state.rules() {
            let changed = |revision: &&Revision| revision.position > since && revision.position <= upto;
            let Some(revision) = revisions.iter().rev().find(changed) else { continue };
            let old =
                revisions.iter().rev().find(|revision| revision.position <= since).and_then(standing_of);
            match rules.get(id) {
                Some(Some(now)) => self.evaluate_rule(&now.rule, revision, old.as_ref().map(|old| &old.rule)),
                Some(None) => {}
                None => self.end_others(id, &revision.change(), Reason::RuleRemoved, &BTreeSet::new()),
            }
        }
    }

    fn evaluate_rule(&mut self, rule: &Checked, revision: &Revision, old: Option<&Checked>) {
        self.outcome.anew.insert(rule.rule.id.clone());
        let change = revision.change();
        // An episode in years is no episode in months.
        let is_other = old.is_some_and(|old| old.frequency != rule.frequency);
        let re_evaluate = revision.re_evaluate || is_other;
        let revised = News::Revision { change: &change, re_evaluate };
        let since = self.seen_since(rule);
        let mut seen = BTreeSet::new();
        for material in self.figures.materials() {
            for watched in self.figures.material(material).watched(material, rule) {
                let id = alert_id(&rule.rule.id, &watched.subject);
                let is_known = self.is_known(old, &watched.subject, &id);
                let news = if is_known { &revised } else { &News::Rule };
                // What judges anew, or for the first time, knows nothing of what went missing before.
                let goes_on = is_known && !re_evaluate;
                let watched = if goes_on { watched.remembering(since) } else { watched.forgetting() };
                self.reconcile(Case { rule, revision: revision.number, watched: &watched }, news);
                seen.insert(id);
            }
        }
        self.end_others(&rule.rule.id, &change, Reason::RuleRevised, &seen);
    }

    /// Alerts that stand on figures of another frequency: they end, and are told by those of their rule's.
    fn evaluate_misfits(&mut self, rules: &Rulebook) {
        let state = self.state;
        let planned: BTreeSet<String> =
            self.outcome.planned.iter().map(|planned| planned.alert.clone()).collect();
        for id in state.misfits().filter(|id| !planned.contains(*id)) {
            let record = state.recorded(id);
            let Some(alert) = record.and_then(|record| record.alert.as_deref()) else { continue };
            let (Some(Some(standing)), Some(subject)) = (rules.get(&alert.rule), alert.subject.as_ref())
            else {
                continue;
            };
            let (rule, revision) = (&standing.rule, standing.revision);
            let material = self.figures.material(&subject.material);
            match material.one(rule, &Arc::new(subject.clone())).map(Watched::forgetting) {
                Some(watched) => {
                    self.reconcile(Case { rule, revision, watched: &watched }, &News::Separated);
                }
                None => self.plan(id.clone(), record, end_separated(alert).into_iter().collect()),
            }
        }
    }

    /// Position of the exposures log from which on a rule has seen figures; it remembers what went missing after that.
    fn seen_since(&self, rule: &Checked) -> Position {
        self.state.seen_since(&rule.rule.id).unwrap_or(Position::MAX)
    }

    /// Whether the revision before this one has told of the subject.
    fn is_known(&self, old: Option<&Checked>, subject: &Subject, alert: &str) -> bool {
        old.is_some_and(|old| old.watches(subject) || self.state.recorded(alert).is_some())
    }

    /// Plans what brings the record in line with the figures. Returns whether the alert is open, or changes.
    fn reconcile(&mut self, case: Case<'_>, news: &News<'_>) -> bool {
        let now = Trajectory::fold(case.rule, case.watched, self.as_at);
        let id = alert_id(&case.rule.rule.id, &case.watched.subject);
        let record = self.state.recorded(&id);
        let recorded: Option<&Alert> = record.and_then(|record| record.alert.as_deref());
        let events = reconcile(case, recorded, &now, news);
        let is_open = phase(recorded).is_open();
        if events.is_empty() || !self.admit(case.rule, recorded, &events) {
            return is_open;
        }
        self.plan(id, record, events);
        true
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
    fn end_others(&mut self, rule: &str, change: &RuleChange, reason: Reason, watched: &BTreeSet<String>) {
        let state = self.state;
        for (id, _) in state.alerts_of(rule).filter(|(id, _)| !watched.contains(*id)) {
            let record = state.recorded(id);
            if let Some(alert) = record.and_then(|record| record.alert.as_deref()) {
                let end = end_by_rule(alert, change, reason);
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
