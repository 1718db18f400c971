//! Command and state give the events to append.
mod plan;
mod present;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Rule, RulePut, RuleRemoved, RuleSuspended};
use orewatch_contracts::common::v1::Cause;
use orewatch_eventlog::Position;
use orewatch_measures::Measure;
use orewatch_runtime::{Class, Failure};

use crate::alert::alert_of;
use crate::cost::{Cost, Limits};
use crate::episode::Span;
use crate::evolve::{Mark, Revision, State};
use crate::figures::{Figures, Touched, Watched};
use crate::rulebook::Rulebook;
use crate::rules::{Checked, LONGEST_LINE, LONGEST_TEXT, at_most, check, is_timed};

use plan::{Plan, Task};
pub use present::{Look, Present, Untold};

/// Who changes a rule, and why.
#[derive(Clone, Copy, Debug, Default)]
pub struct Author<'a> {
    /// Who. Empty: not known.
    pub actor: &'a str,
    /// Why. Empty: nothing said.
    pub reason: &'a str,
}

/// Creates or revises a rule. None: an equal rule stands and is evaluated, and its subjects are not to be judged anew.
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
    // One that is suspended is tried again: there may be fewer figures now.
    let is_suspended = last.is_some_and(|last| state.suspension(&rule.id, last.number).is_some());
    if !re_evaluate && !is_suspended && last.is_some_and(|last| last.rule.as_ref() == Some(&rule)) {
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

/// Most changes of rules that are evaluated together.
const MAX_RULES_AT_ONCE: usize = 1000;

/// What an evaluator does next, given how far it has folded the exposures log and the position of the next release there
/// that it has read in full. Rules come first, those together that were put by now; then releases, one by one, so that no correction
/// hides in a batch.
#[must_use]
pub fn next(state: &State, folded: Position, ready: Option<Position>) -> Next {
    let evaluated = state.evaluated();
    if folded < evaluated.exposures {
        Next::Advance
    } else if let Some(mark) = state.begun() {
        Next::Finish(mark)
    } else if let Some(rules) = next_rules(state) {
        Next::Begin(Mark { rules, ..evaluated })
    } else if let Some(exposures) = ready {
        Next::Begin(Mark { exposures, ..evaluated })
    } else {
        Next::Wait
    }
}

/// The position up to which rules are evaluated next. Of two changes of one rule each has an evaluation of its own.
fn next_rules(state: &State) -> Option<Position> {
    let mut seen = BTreeSet::new();
    let changes = state.changes().take(MAX_RULES_AT_ONCE);
    changes.take_while(|(_, rule)| seen.insert(*rule)).last().map(|(position, _)| position)
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
    let timed = rules.timed().filter(|one| state.suspension(&one.rule.rule.id, one.revision).is_none());
    let timed = timed.map(|standing| &standing.rule);
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
    /// Rules that cost more than they may, and are evaluated no more.
    pub suspended: Vec<RuleSuspended>,
}

/// What the evaluation of a release has seen of how rules stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// How many more subjects a rule watches.
    pub more: BTreeMap<String, u32>,
}

/// What follows from the evaluation of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: String,
    /// The transitions to record.
    pub planned: Vec<Planned>,
    /// How many more subjects it watches in the material of a release.
    pub more: u32,
    /// It has to be looked at anew to tell how it stands.
    pub anew: bool,
    /// What its evaluation cost.
    pub cost: Cost,
    /// It costs more than it may: it was not evaluated, and is evaluated no more.
    pub suspended: Option<RuleSuspended>,
}

/// What an evaluation takes in.
#[derive(Clone, Copy, Debug)]
pub struct Intake<'a> {
    /// The state as it began.
    pub state: &'a State,
    /// Up to where it takes in what.
    pub mark: Mark,
    /// The rules at the position of the evaluation.
    pub rules: &'a Rulebook,
    /// The figures.
    pub figures: &'a Figures,
    /// What a release has changed. None: none has.
    pub restated: Option<Restated<'a>>,
    /// How many steps it may take. All replicas have the same.
    pub limits: Limits,
}

/// Takes what an evaluation comes to, a rule after another.
pub trait Take {
    /// A rule is evaluated next that costs so much. False: the evaluation shall not go on.
    fn begins(&mut self, _cost: Cost) -> bool {
        true
    }

    /// Whether the evaluation of a rule shall go on, asked now and then.
    fn goes_on(&self) -> bool {
        true
    }

    /// A rule is evaluated.
    fn take(&mut self, outcome: RuleOutcome);
}

impl Take for Outcome {
    fn take(&mut self, outcome: RuleOutcome) {
        let RuleOutcome { rule, planned, more, anew, suspended, .. } = outcome;
        self.planned.extend(planned);
        self.suspended.extend(suspended);
        if anew {
            self.anew.insert(rule);
        } else if more > 0 {
            self.seen.more.insert(rule, more);
        }
    }
}

/// Carries out an evaluation: of the rules that were put or removed, on all figures, or of all rules on the figures that a
/// release has changed. A rule that the catalogue no longer supports is left alone, and so are its alerts.
#[must_use]
pub fn evaluate(intake: Intake<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    evaluate_each(intake, &mut outcome);
    outcome
}

/// The same, told rule by rule: those that look at little come before those that look at much, so that their transitions can be
/// recorded while the others are evaluated. False: it did not go on to its end.
pub fn evaluate_each(intake: Intake<'_>, taker: &mut dyn Take) -> bool {
    let mut plan = Plan::new(intake);
    let mut tasks: Vec<Task<'_>> = plan.tasks().into_values().collect();
    // A stable sort: equals stay in the order of their identifiers.
    tasks.sort_by_key(|task| task.standing.map_or(0, |standing| standing.breadth));
    for task in &tasks {
        let cost = plan.cost(task);
        if !taker.begins(cost) || !plan.carry_out(task, cost, &|| taker.goes_on()) {
            return false;
        }
        taker.take(plan.finish(task.id, cost));
    }
    plan.evaluate_misfits();
    let outcome = plan.finish("", Cost::default());
    if !outcome.planned.is_empty() {
        taker.take(outcome);
    }
    true
}

/// A rule that was put on an earlier version of its measure goes on watching the measure: figures of that version come no
/// more, and a rule that falls silent would look like a line that is not crossed.
pub(crate) fn on_newest_version(rule: &Rule) -> Rule {
    let name = rule.measure.split('/').next().unwrap_or_default();
    let measure = name.parse::<Measure>().map_or_else(|_| rule.measure.clone(), |newest| newest.to_string());
    Rule { measure, ..rule.clone() }
}
