//! How rules stand: what they watch, and what is not told of it.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Planned;
use crate::alert::{alert_id, phase};
use crate::condition::{Gap, Sight};
use crate::evolve::{Mark, State};
use crate::figures::{Figures, Watched};
use crate::rulebook::Rulebook;
use crate::rules::Checked;
use crate::trajectory::Trajectory;

/// How rules stand in a material now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Present {
    /// How many subjects each rule watches.
    pub subjects: BTreeMap<String, u32>,
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

/// What an evaluation knows when it looks at how rules stand.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The state before it.
    pub state: &'a State,
    /// What it takes in.
    pub mark: Mark,
    /// The figures that it rests on.
    pub figures: &'a Figures,
    /// What it is about to record.
    pub planned: &'a [Planned],
}

impl Look<'_> {
    /// How many subjects a rule watches in a material.
    #[must_use]
    pub fn count(self, rule: &Checked, material: &str) -> u32 {
        u32::try_from(self.figures.material(material).count(material, rule)).unwrap_or(u32::MAX)
    }

    /// How a rule stands in a material: its subjects, and what of them is not told. A rule that is suspended tells nothing.
    #[must_use]
    pub fn at(self, rule: &Checked, material: &str, goes_on: &dyn Fn() -> bool) -> (u32, Untold) {
        let Look { state, mark, figures, planned } = self;
        let subjects = self.count(rule, material);
        let id = &rule.rule.id;
        let prefix = format!("{id}/");
        let own = planned.iter().filter(|planned| planned.alert.starts_with(&prefix));
        let changing: BTreeMap<&str, bool> = own
            .filter_map(|planned| planned.last().map(|alert| (&*planned.alert, phase(Some(alert)).is_open())))
            .collect();
        let is_limited = is_at_limit(state, rule, changing.len());
        let mut untold = Untold::default();
        if !is_limited && !rule.condition.can_fail() {
            return (subjects, untold);
        }
        let figures = figures.material(material);
        for watched in figures.watched(material, rule) {
            if !goes_on() {
                break;
            }
            let alert = alert_id(id, &watched.subject);
            let recorded =
                || phase(state.alerts().get(&alert).and_then(|record| record.alert.as_deref())).is_open();
            let is_open = changing.get(&*alert).copied().unwrap_or_else(recorded);
            untold.add(&missed(rule, &watched, mark.as_at, is_limited && !is_open));
        }
        (subjects, untold)
    }
}

impl Present {
    /// How rules stand in a material: how many subjects each watches, and if `in_full` also what of them is not told.
    #[must_use]
    pub fn of(
        look: Look<'_>,
        rules: &Rulebook,
        material: &str,
        in_full: bool,
        goes_on: &dyn Fn() -> bool,
    ) -> Self {
        let mut present = Self::default();
        for standing in rules.of_material(material) {
            let rule = &standing.rule;
            let is_suspended = || look.state.suspension(&rule.rule.id, standing.revision).is_some();
            let (subjects, untold) = if in_full && !is_suspended() {
                look.at(rule, material, goes_on)
            } else {
                (look.count(rule, material), Untold::default())
            };
            present.set(&rule.rule.id, subjects, untold);
        }
        present
    }

    /// Looks at a rule anew.
    pub fn look_at(&mut self, look: Look<'_>, rule: &Checked, material: &str) {
        let (subjects, untold) = look.at(rule, material, &|| true);
        self.set(&rule.rule.id, subjects, untold);
    }

    /// Notes how a rule stands.
    pub fn set(&mut self, rule: &str, subjects: u32, untold: Untold) {
        self.subjects.insert(rule.to_owned(), subjects);
        if untold == Untold::default() {
            self.untold.remove(rule);
        } else {
            self.untold.insert(rule.to_owned(), untold);
        }
    }

    /// Takes in what the evaluation of a release has seen of the material.
    pub fn take_in(&mut self, more: impl IntoIterator<Item = (String, u32)>) {
        for (rule, more) in more {
            let subjects = self.subjects.entry(rule).or_default();
            *subjects = subjects.saturating_add(more);
        }
    }
}

/// Whether as many alerts of a rule are open as it may have, or may be with those that change.
pub(super) fn is_at_limit(state: &State, rule: &Checked, changing: usize) -> bool {
    let may_open = u32::try_from(changing).unwrap_or(u32::MAX);
    let id = &rule.rule.id;
    state.may_hold_back(id, rule.limit()) || state.open_alerts(id).saturating_add(may_open) >= rule.limit()
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
        let is_open = now.last().is_some_and(|point| point.judged.is_ok() && point.state.phase.is_open());
        untold.held_back = u32::from(is_open);
    }
    untold
}
