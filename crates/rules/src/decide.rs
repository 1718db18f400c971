//! Decisions: from a command or an evaluation, and the state, to the events to append.
//!
//! [`put_rule`] and [`remove_rule`] are commands. [`next`] says what an evaluator does next; [`evaluate`] and
//! [`evaluate_each`] carry out an evaluation. All of them are plain functions: times are arguments.
mod plan;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Rule, RulePut, RuleRemoved, RuleSuspended};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::log::Position;
use orewatch_contracts::{Class, Failure};

use crate::alert::alert_of;
use crate::cost::{Cost, Limits};
use crate::episode::Span;
use crate::evolve::{Mark, Revision, RulesState};
use crate::figures::{Figures, Touched, WatchedSubject};
use crate::rulebook::Rulebook;
use crate::rules::{CheckedRule, MAX_LINE_CHARS, MAX_TEXT_CHARS, check, check_length, is_timed};

use plan::{Plan, Task};
pub use status::{RuleStatuses, StatusView, Unreported};

/// Who changes a rule, and why.
#[derive(Clone, Copy, Debug, Default)]
pub struct Author<'a> {
    /// Name of the author. Empty: not known.
    pub actor: &'a str,
    /// Reason. Empty: none given.
    pub reason: &'a str,
}

/// Creates or revises a rule. `None`: nothing changes, because the current rule is equal, is not suspended,
/// and no re-evaluation was asked for.
///
/// # Errors
/// Those of [`check`], and a reason that is too long.
pub fn put_rule(
    state: &RulesState,
    rule: &Rule,
    author: Author<'_>,
    re_evaluate: bool,
) -> Result<Option<RulePut>, Failure> {
    put_checked(state, &check(rule)?, author, re_evaluate)
}

/// Like [`put_rule`], for a rule that is checked already. A check may take long; this never does.
///
/// # Errors
/// A reason that is too long.
pub fn put_checked(
    state: &RulesState,
    checked: &CheckedRule,
    author: Author<'_>,
    re_evaluate: bool,
) -> Result<Option<RulePut>, Failure> {
    let rule = &checked.rule;
    check_author(author)?;
    let last = state.rules().get(&rule.id).and_then(|revisions| revisions.last());
    // A suspended rule is tried again: there may be fewer figures now.
    let is_suspended = last.is_some_and(|last| state.suspension(&rule.id, last.number).is_some());
    if !re_evaluate && !is_suspended && last.is_some_and(|last| last.rule.as_ref() == Some(rule)) {
        return Ok(None);
    }
    let revision = last.map_or(0, |last| last.number).saturating_add(1);
    let (actor, reason) = (author.actor.to_owned(), author.reason.to_owned());
    Ok(Some(RulePut { rule: Some(rule.clone()), revision, actor, reason, re_evaluate }))
}

/// Removes a rule. `None`: there is no such rule.
///
/// # Errors
/// A reason that is too long.
pub fn remove_rule(
    state: &RulesState,
    rule: &str,
    author: Author<'_>,
) -> Result<Option<RuleRemoved>, Failure> {
    check_author(author)?;
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    let current = last.filter(|last| last.rule.is_some());
    let (actor, reason) = (author.actor.to_owned(), author.reason.to_owned());
    Ok(current.map(|last| RuleRemoved { rule: rule.to_owned(), revision: last.number, actor, reason }))
}

/// Checks the length of name and reason.
fn check_author(author: Author<'_>) -> Result<(), Failure> {
    check_length("actor", author.actor, MAX_LINE_CHARS)?;
    check_length("reason", author.reason, MAX_TEXT_CHARS)
}

/// Expected position for an append to the stream of a rule.
#[must_use]
pub fn rule_expectation(state: &RulesState, rule: &str) -> Position {
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    last.map_or(0, |last| last.position)
}

/// The current revision of a rule.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn current_rule<'a>(state: &'a RulesState, rule: &str) -> Result<(&'a Revision, &'a Rule), Failure> {
    let last = state.rules().get(rule).and_then(|revisions| revisions.last());
    last.and_then(|last| last.rule.as_ref().map(|rule| (last, rule))).ok_or_else(|| unknown_rule(rule))
}

/// A failure about an unknown rule.
pub fn unknown_rule(rule: &str) -> Failure {
    let missing = Failure::new(Class::NotFound, "unknown-rule", format!("there is no rule {rule:?}"));
    missing.at("rule", rule).with_hint("list the rules: `orewatch rules list`")
}

/// Next step of an evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Fold more of the exposures log: another replica has evaluated more than is folded here.
    Advance,
    /// Begin an evaluation.
    Begin(Mark),
    /// Continue the evaluation that has begun.
    Finish(Mark),
    /// Nothing to do.
    Wait,
}

/// Upper bound on changes of rules that are evaluated together. An evaluation whose rules need figures that
/// are not kept yet reads all figures again, so that many small evaluations would spend most of their time
/// reading.
const MAX_RULES_AT_ONCE: usize = 10_000;

/// Chooses the next step of an evaluator. `folded` is the position up to which it has folded the exposures
/// log, `ready` that of the next release which it has read in full.
///
/// Changes of rules come first, all that were made by now together. Releases follow one by one, so that no
/// correction is hidden by a later one.
#[must_use]
pub fn next(state: &RulesState, folded: Position, ready: Option<Position>) -> Next {
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

/// Position up to which changes of rules are evaluated next. Two changes of one rule are evaluated
/// separately.
fn next_rules(state: &RulesState) -> Option<Position> {
    let mut seen = BTreeSet::new();
    let changes = state.changes().take(MAX_RULES_AT_ONCE);
    changes.take_while(|(_, rule)| seen.insert(*rule)).last().map(|(position, _)| position)
}

/// Adds the time to the mark of an evaluation that begins `now` (seconds since 1970). The time is part of it
/// only if the result of a rule depends on it.
#[must_use]
pub fn as_at(state: &RulesState, mark: Mark, now: i64) -> Mark {
    let is_timed = state.rules_at(mark.rules).any(|(_, rule)| is_timed(rule.when.as_ref()));
    Mark { as_at: is_timed.then_some(now), ..mark }
}

/// Next time at which the result of a rule changes by itself, in seconds since 1970. `None`: there is none.
#[must_use]
pub fn next_due_time(state: &RulesState, rules: &Rulebook, figures: &Figures) -> Option<i64> {
    let seen = state.evaluated().as_at.unwrap_or(i64::MIN);
    let timed =
        rules.timed().filter(|active| state.suspension(&active.rule.rule.id, active.revision).is_none());
    let timed = timed.map(|active| &active.rule);
    let mut next = None;
    for rule in timed {
        for material in figures.materials() {
            for watched in figures.material(material).watched(material, rule) {
                next = change_times(rule, &watched).filter(|time| *time > seen).chain(next).min();
            }
        }
    }
    next
}

/// Times at which the result of a rule for a subject changes by itself: its condition changes, or its hold
/// has elapsed.
fn change_times(rule: &CheckedRule, watched: &WatchedSubject<'_>) -> impl Iterator<Item = i64> + use<> {
    let hold = match rule.terms.hold {
        Span::Seconds(seconds) => i64::try_from(seconds).unwrap_or(i64::MAX),
        Span::Periods(_) => 0,
    };
    rule.condition.change_times(watched).into_iter().flat_map(move |time| [time, time.saturating_add(hold)])
}

/// Transitions of an alert to append to its stream.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTransitions {
    /// Identifier of the alert.
    pub alert: String,
    /// Position of the last event on its stream.
    pub expected: Position,
    /// The transitions, in order.
    pub events: Vec<Event>,
}

impl PlannedTransitions {
    /// The alert after its transitions. `None`: only its history is restated.
    fn last(&self) -> Option<&Alert> {
        self.events.iter().rev().find(|event| !matches!(event, Event::Restated(_))).and_then(alert_of)
    }
}

/// The figures of a material before and after a release, or the verdicts on a claim about several.
#[derive(Clone, Copy, Debug)]
pub struct MaterialChange<'a> {
    /// The materials.
    pub materials: &'a [&'a str],
    /// Cause of the change.
    pub cause: Option<&'a Cause>,
    /// All figures before.
    pub before: &'a Figures,
    /// What the release touches in them. `None`: any figure may have changed.
    pub touched: Option<&'a Touched>,
}

/// Outcome of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvaluationOutcome {
    /// The transitions to record.
    pub planned: Vec<PlannedTransitions>,
    /// Number of new subjects in the material of a release, by rule.
    pub new_subjects: BTreeMap<String, u32>,
    /// Rules whose status has to be determined again.
    pub needs_recheck: BTreeSet<String>,
    /// Rules that are suspended because they exceed a limit on steps.
    pub suspended: Vec<RuleSuspended>,
}

/// Outcome of the evaluation of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: String,
    /// The transitions to record.
    pub planned: Vec<PlannedTransitions>,
    /// Number of new subjects in the material of a release.
    pub new_subjects: u32,
    /// Whether its status has to be determined again.
    pub needs_recheck: bool,
    /// Cost of its evaluation.
    pub cost: Cost,
    /// Set if the rule exceeds a limit on steps: it is suspended instead of evaluated.
    pub suspended: Option<RuleSuspended>,
}

/// Input of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct EvaluationInput<'a> {
    /// The state at its beginning.
    pub state: &'a RulesState,
    /// Positions up to which it covers the logs.
    pub mark: Mark,
    /// The rules at the position of the evaluation.
    pub rules: &'a Rulebook,
    /// The figures.
    pub figures: &'a Figures,
    /// What a release has changed. `None`: it is not about a release.
    pub change: Option<MaterialChange<'a>>,
    /// Limits on its steps, the same in all replicas.
    pub limits: Limits,
}

/// Receives the outcome of an evaluation, rule by rule.
pub trait OutcomeSink {
    /// Called before a rule of this cost is evaluated. `false` stops the evaluation.
    fn start_rule(&mut self, _cost: Cost) -> bool {
        true
    }

    /// Called from time to time during the evaluation of a rule. `false` stops it.
    fn should_continue(&self) -> bool {
        true
    }

    /// Receives the outcome of a rule.
    fn accept(&mut self, outcome: RuleOutcome);
}

impl OutcomeSink for EvaluationOutcome {
    fn accept(&mut self, outcome: RuleOutcome) {
        let RuleOutcome { rule, planned, new_subjects, needs_recheck, suspended, .. } = outcome;
        self.planned.extend(planned);
        self.suspended.extend(suspended);
        if needs_recheck {
            self.needs_recheck.insert(rule);
        } else if new_subjects > 0 {
            self.new_subjects.insert(rule, new_subjects);
        }
    }
}

/// Carries out an evaluation: rules that were put or removed are evaluated on all figures, and all other
/// rules on the figures that a release has changed. A rule that the catalogue no longer supports, and its
/// alerts, stay as they are.
#[must_use]
pub fn evaluate(input: EvaluationInput<'_>) -> EvaluationOutcome {
    let mut outcome = EvaluationOutcome::default();
    evaluate_each(input, &mut outcome);
    outcome
}

/// Like [`evaluate`], but hands over the outcome rule by rule. Rules that read few figures come before those
/// that read many, so that their transitions can be recorded while the others are evaluated. Returns `false`
/// if the sink stopped it.
pub fn evaluate_each(input: EvaluationInput<'_>, sink: &mut dyn OutcomeSink) -> bool {
    let mut plan = Plan::new(input);
    let mut tasks: Vec<Task<'_>> = plan.tasks().into_values().collect();
    // The sort is stable, so that rules of equal breadth stay in the order of their identifiers.
    tasks.sort_by_key(|task| task.active.map_or(0, |active| active.breadth));
    for task in &tasks {
        let cost = plan.cost(task);
        if !sink.start_rule(cost) || !plan.carry_out(task, cost, &|| sink.should_continue()) {
            return false;
        }
        sink.accept(plan.finish(task.id, cost));
    }
    plan.evaluate_mismatched();
    let outcome = plan.finish("", Cost::default());
    if !outcome.planned.is_empty() {
        sink.accept(outcome);
    }
    true
}
