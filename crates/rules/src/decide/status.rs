//! Status of rules: how many subjects they watch, and what is not reported of them.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::PlannedTransitions;
use crate::alert::{alert_id, phase};
use crate::condition::{Gap, PeriodView};
use crate::evolve::{Mark, RulesState};
use crate::figures::{Figures, WatchedSubject};
use crate::rulebook::Rulebook;
use crate::rules::CheckedRule;
use crate::trajectory::Trajectory;

/// Status of the rules in one material.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleStatuses {
    /// Number of subjects that each rule watches.
    pub subjects: BTreeMap<String, u32>,
    /// What is not reported, by rule. A rule of which everything is reported is not in it.
    pub unreported: BTreeMap<String, Unreported>,
}

/// Subjects of a rule that are not reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreported {
    /// Number of subjects beyond the line that the limit holds back.
    pub held_back: u32,
    /// Number of subjects whose evaluation failed.
    pub failed: u32,
    /// Why the first of them failed.
    pub why: Option<Arc<str>>,
}

impl Unreported {
    /// Adds other subjects of the rule.
    pub fn add(&mut self, other: &Self) {
        self.held_back = self.held_back.saturating_add(other.held_back);
        self.failed = self.failed.saturating_add(other.failed);
        self.why = self.why.take().or_else(|| other.why.clone());
    }
}

/// What the status of rules is determined from.
#[derive(Clone, Copy, Debug)]
pub struct StatusView<'a> {
    /// The state before the evaluation.
    pub state: &'a RulesState,
    /// Mark of the evaluation.
    pub mark: Mark,
    /// The figures.
    pub figures: &'a Figures,
    /// The transitions that the evaluation is about to record.
    pub planned: &'a [PlannedTransitions],
}

impl StatusView<'_> {
    /// Number of subjects that a rule watches in a material.
    #[must_use]
    pub fn count(self, rule: &CheckedRule, material: &str) -> u32 {
        u32::try_from(self.figures.material(material).count(material, rule)).unwrap_or(u32::MAX)
    }

    /// Status of a rule in a material: the number of its subjects, and those that are not reported.
    #[must_use]
    pub fn status_of(
        self,
        rule: &CheckedRule,
        material: &str,
        should_continue: &dyn Fn() -> bool,
    ) -> (u32, Unreported) {
        let StatusView { state, mark, figures, planned } = self;
        let subjects = self.count(rule, material);
        let id = &rule.rule.id;
        let prefix = format!("{id}/");
        let own = planned.iter().filter(|planned| planned.alert.starts_with(&prefix));
        let changing: BTreeMap<&str, bool> = own
            .filter_map(|planned| planned.last().map(|alert| (&*planned.alert, phase(Some(alert)).is_open())))
            .collect();
        let is_limited = is_at_limit(state, rule, changing.len());
        let mut unreported = Unreported::default();
        if !is_limited && !rule.condition.can_fail() {
            return (subjects, unreported);
        }
        let figures = figures.material(material);
        for watched in figures.watched(material, rule) {
            if !should_continue() {
                break;
            }
            let alert = alert_id(id, &watched.subject);
            let recorded =
                || phase(state.alerts().get(&alert).and_then(|record| record.alert.as_deref())).is_open();
            let is_open = changing.get(&*alert).copied().unwrap_or_else(recorded);
            unreported.add(&unreported_of(rule, &watched, mark.as_at, is_limited && !is_open));
        }
        (subjects, unreported)
    }
}

impl RuleStatuses {
    /// Status of all rules in a material: the number of subjects of each and, if `in_full`, what is not
    /// reported. A suspended rule reports nothing.
    #[must_use]
    pub fn new(
        view: StatusView<'_>,
        rules: &Rulebook,
        material: &str,
        in_full: bool,
        should_continue: &dyn Fn() -> bool,
    ) -> Self {
        let mut present = Self::default();
        for active in rules.for_material(material) {
            let rule = &active.rule;
            let is_suspended = || view.state.suspension(&rule.rule.id, active.revision).is_some();
            let (subjects, unreported) = if in_full && !is_suspended() {
                view.status_of(rule, material, should_continue)
            } else {
                (view.count(rule, material), Unreported::default())
            };
            present.set(&rule.rule.id, subjects, unreported);
        }
        present
    }

    /// Determines the status of a rule again.
    pub fn update(&mut self, view: StatusView<'_>, rule: &CheckedRule, material: &str) {
        let (subjects, unreported) = view.status_of(rule, material, &|| true);
        self.set(&rule.rule.id, subjects, unreported);
    }

    /// Sets the status of a rule.
    pub fn set(&mut self, rule: &str, subjects: u32, unreported: Unreported) {
        self.subjects.insert(rule.to_owned(), subjects);
        if unreported == Unreported::default() {
            self.unreported.remove(rule);
        } else {
            self.unreported.insert(rule.to_owned(), unreported);
        }
    }

    /// Adds new subjects, by rule.
    pub fn add_subjects(&mut self, added: impl IntoIterator<Item = (String, u32)>) {
        for (rule, added) in added {
            let subjects = self.subjects.entry(rule).or_default();
            *subjects = subjects.saturating_add(added);
        }
    }
}

/// Whether the open alerts of a rule reach its limit, or may reach it with those that change.
pub(super) fn is_at_limit(state: &RulesState, rule: &CheckedRule, changing: usize) -> bool {
    let may_open = u32::try_from(changing).unwrap_or(u32::MAX);
    let id = &rule.rule.id;
    state.may_hold_back(id, rule.limit()) || state.open_alerts(id).saturating_add(may_open) >= rule.limit()
}

/// What is not reported of one subject.
fn unreported_of(
    rule: &CheckedRule,
    watched: &WatchedSubject<'_>,
    as_at: Option<i64>,
    is_held_back: bool,
) -> Unreported {
    let mut unreported = Unreported::default();
    if rule.condition.can_fail() {
        let at = watched.figures.len().saturating_sub(1);
        if let Err(Gap::Failed(why)) = rule.condition.assess(&PeriodView { watched, index: at, time: 0 }) {
            unreported.failed = 1;
            unreported.why = Some(why);
        }
    }
    if is_held_back {
        let now = Trajectory::fold(rule, watched, as_at);
        let is_open = now.last().is_some_and(|point| point.assessed.is_ok() && point.state.phase.is_open());
        unreported.held_back = u32::from(is_open);
    }
    unreported
}
