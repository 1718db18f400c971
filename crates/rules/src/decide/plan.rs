//! Carries out an evaluation, rule by rule.
//!
//! A rule has one task, for up to three reasons: a release touched what it reads, time changed its result, or
//! it was put or removed itself. Before a task is carried out its cost is estimated from the rule and the
//! figures alone, so that every replica suspends the same rules.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason, RuleChange, RuleSuspended};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::log::Position;

use super::status::is_at_limit;
use super::{EvaluationInput, MaterialChange, PlannedTransitions, RuleOutcome, change_times};
use crate::alert::{RuleOnSubject, alert_id, alert_of, phase};
use crate::cost::{COST_HINT, Cost, SpentSteps};
use crate::evolve::{AlertRecord, Revision, RulesState};
use crate::figures::WatchedSubject;
use crate::reconcile::{Trigger, end_by_rule, end_separated, reconcile, suspend};
use crate::rulebook::{ActiveRule, active_rule};
use crate::rules::CheckedRule;
use crate::trajectory::Trajectory;

/// What to evaluate of one rule.
pub(super) struct Task<'a> {
    pub(super) id: &'a str,
    /// The rule. `None`: it was removed, or the catalogue no longer supports it.
    pub(super) active: Option<&'a ActiveRule>,
    /// Whether a release may have changed the figures that it reads.
    is_touched: bool,
    /// Whether time may have changed its result.
    is_timed: bool,
    /// Set if it was put or removed.
    change: Option<&'a Revision>,
    /// The rule at its last evaluation.
    old: Option<ActiveRule>,
}

/// An evaluation in progress.
pub(super) struct Plan<'a> {
    input: EvaluationInput<'a>,
    /// Estimated steps of the rules so far.
    spent: SpentSteps,
    /// Steps that the current rule has taken.
    taken: u64,
    /// Outcome of the current rule so far.
    outcome: RuleOutcome,
    /// Number of open alerts of the current rule, with those that it opens.
    open: Option<u32>,
    /// Alerts on figures of another frequency for which transitions are planned already.
    mismatched: BTreeSet<String>,
}

/// Returns whether to continue; called from time to time.
type ShouldContinue<'a> = &'a dyn Fn() -> bool;

impl<'a> Plan<'a> {
    pub(super) fn new(input: EvaluationInput<'a>) -> Self {
        let (outcome, mismatched) = (RuleOutcome::default(), BTreeSet::new());
        Self { input, spent: SpentSteps::default(), taken: 0, outcome, open: None, mismatched }
    }

    /// The tasks, by rule.
    pub(super) fn tasks(&self) -> BTreeMap<&'a str, Task<'a>> {
        let mut tasks: BTreeMap<&'a str, Task<'a>> = BTreeMap::new();
        let EvaluationInput { state, mark, rules, change, .. } = self.input;
        for active in change.into_iter().flat_map(|change| self.touched(change)) {
            self.task(&mut tasks, active, |task| task.is_touched = true);
        }
        let since = state.evaluated().rules;
        let timed = rules.timed().filter(|active| active.position <= since);
        for active in timed.filter(|_| mark.as_at.is_some()) {
            self.task(&mut tasks, active, |task| task.is_timed = true);
        }
        for (_, id) in state.changes().take_while(|(position, _)| *position <= mark.rules) {
            self.add_change(&mut tasks, id);
        }
        tasks
    }

    /// The rules whose result may change with a release.
    fn touched(&self, change: MaterialChange<'a>) -> Vec<&'a Arc<ActiveRule>> {
        let EvaluationInput { state, rules, .. } = self.input;
        let timed = rules.timed().map(|active| active.rule.rule.id.as_str());
        // A rule that may have held back alerts is evaluated whatever is touched: there may be room now.
        let full = rules.limited().chain(state.limited_rules()).filter(move |id| {
            let active = rules.get(id).flatten();
            active.is_some_and(|active| state.may_hold_back(id, active.rule.limit()))
        });
        let due: Vec<&str> = timed.chain(full).collect();
        let touched = |material: &&str| rules.touched(material, change.touched, due.iter().copied());
        change.materials.iter().flat_map(touched).collect()
    }

    /// Adds a reason to the task of a rule, unless the rule is suspended.
    fn task(
        &self,
        tasks: &mut BTreeMap<&'a str, Task<'a>>,
        active: &'a ActiveRule,
        add: impl FnOnce(&mut Task<'a>),
    ) {
        let id = active.rule.rule.id.as_str();
        if self.input.state.suspension(id, active.revision).is_none() {
            let active = Some(active);
            let new = || Task { id, active, is_touched: false, is_timed: false, change: None, old: None };
            add(tasks.entry(id).or_insert_with(new));
        }
    }

    fn add_change(&self, tasks: &mut BTreeMap<&'a str, Task<'a>>, id: &'a str) {
        let EvaluationInput { state, mark, rules, .. } = self.input;
        let since = state.evaluated().rules;
        let Some(revisions) = state.rules().get(id) else { return };
        let upto = revisions.partition_point(|revision| revision.position <= mark.rules);
        let Some(change) = upto.checked_sub(1).and_then(|last| revisions.get(last)) else { return };
        let old = revisions.iter().rev().find(|revision| revision.position <= since).and_then(active_rule);
        let active = match rules.get(id) {
            Some(Some(active)) => Some(&**active),
            // The catalogue no longer supports it.
            Some(None) => return,
            None => None,
        };
        let new = || Task { id, active, is_touched: false, is_timed: false, change: None, old: None };
        let task = tasks.entry(id).or_insert_with(new);
        (task.change, task.old) = (Some(change), old);
    }

    /// Upper bound on the cost of a task: all figures of a material that a release touches are counted. It
    /// follows from the rules and the figures alone, before anything is assessed.
    pub(super) fn cost(&self, task: &Task<'_>) -> Cost {
        let Some(active) = task.active else { return Cost::default() };
        let EvaluationInput { figures, change, .. } = self.input;
        let everywhere = task.is_timed || task.change.is_some();
        let released = change.filter(|_| task.is_touched).map_or(&[][..], |change| change.materials);
        let materials = figures.materials().filter(|material| everywhere || released.contains(material));
        let costs = materials.map(|material| figures.material(material).cost(material, &active.rule));
        costs.fold(Cost::default(), Cost::and)
    }

    /// Evaluates a rule, or suspends it if it exceeds a limit. `false`: the evaluation is to stop.
    pub(super) fn carry_out(
        &mut self,
        task: &Task<'_>,
        cost: Cost,
        should_continue: ShouldContinue<'_>,
    ) -> bool {
        self.outcome.rule = task.id.to_owned();
        if let Some(active) = task.active
            && let Some((limit, together)) = self.limit_passed(task.id, cost)
        {
            let reason = format!("{}{together}; {COST_HINT}", cost.excess(limit));
            self.record_suspension(active, cost.steps, limit, reason);
            return true;
        }
        self.spent.add(task.id, cost.steps);
        let has_ended = self.evaluate_task(task, should_continue);
        // The outcome is incomplete, so that none of it is recorded.
        if let (Some(active), true) = (task.active, self.is_over()) {
            self.outcome = RuleOutcome { rule: task.id.to_owned(), ..RuleOutcome::default() };
            self.suspend_running(active);
            return true;
        }
        has_ended
    }

    /// Evaluates a rule. `false`: it is to stop, or exceeded its steps.
    fn evaluate_task(&mut self, task: &Task<'_>, should_continue: ShouldContinue<'_>) -> bool {
        if let (Some(active), Some(change), true) = (task.active, self.input.change, task.is_touched)
            && !self.evaluate_figures(active, change, should_continue)
        {
            return false;
        }
        if let (Some(active), true) = (task.active, task.is_timed)
            && !self.evaluate_time(active, should_continue)
        {
            return false;
        }
        match (task.active, task.change) {
            (Some(now), Some(change)) => self.evaluate_rule(now, change, task.old.as_ref(), should_continue),
            (None, Some(change)) => {
                self.end_others(task.id, &change.change(), Reason::RuleRemoved, &BTreeSet::new());
                true
            }
            (_, None) => true,
        }
    }

    /// Takes the outcome of a rule after its evaluation.
    pub(super) fn finish(&mut self, rule: &str, cost: Cost) -> RuleOutcome {
        (self.open, self.taken) = (None, 0);
        let outcome = std::mem::take(&mut self.outcome);
        RuleOutcome { rule: rule.to_owned(), cost, ..outcome }
    }

    /// The limit that the cost of a rule exceeds, and a text that says whose limit it is if it is not the
    /// rule's own. `None`: the rule may be evaluated.
    fn limit_passed(&self, id: &str, cost: Cost) -> Option<(u64, String)> {
        let limits = self.input.limits;
        if cost.steps > limits.rule {
            return Some((limits.rule, String::new()));
        }
        let excess = self.spent.excess(id, cost.steps, limits)?;
        Some((excess.limit, format!(" for all rules {} together", excess.whose)))
    }

    /// Suspends a rule that took more steps than it may during its evaluation.
    fn suspend_running(&mut self, active: &ActiveRule) {
        let limit = self.input.limits.running();
        let reason = format!(
            "its evaluation was stopped after {} steps, the limit is {limit}; {COST_HINT}",
            self.taken
        );
        self.record_suspension(active, self.taken, limit, reason);
    }

    /// Suspends a rule. Its open alerts stay open and become stale, because their figures are no longer
    /// evaluated.
    fn record_suspension(&mut self, active: &ActiveRule, steps: u64, limit: u64, reason: String) {
        let id = &active.rule.rule.id;
        let state = self.input.state;
        for (alert, _) in state.alerts_of(id) {
            let record = state.recorded(alert);
            let recorded = record.and_then(|record| record.alert.as_deref());
            let event = recorded.and_then(|recorded| suspend(recorded, &reason));
            self.plan(alert.clone(), record, event.into_iter().collect());
        }
        self.outcome.needs_recheck = true;
        self.outcome.suspended =
            Some(RuleSuspended { rule: id.clone(), revision: active.revision, steps, limit, reason });
    }

    /// Whether the current rule has exceeded its steps.
    fn is_over(&self) -> bool {
        self.taken > self.input.limits.running()
    }

    /// Folds a trajectory and counts its steps.
    fn fold(&mut self, rule: &CheckedRule, watched: &WatchedSubject<'_>) -> Trajectory {
        let trajectory = Trajectory::fold(rule, watched, self.input.mark.as_at);
        self.taken = self.taken.saturating_add(trajectory.steps());
        trajectory
    }

    fn evaluate_figures(
        &mut self,
        active: &ActiveRule,
        change: MaterialChange<'_>,
        should_continue: ShouldContinue<'_>,
    ) -> bool {
        let (rule, revision) = (&active.rule, active.revision);
        let EvaluationInput { state, figures, .. } = self.input;
        // Alerts that are held back are recorded as soon as there is room, so that all subjects are
        // evaluated.
        let touched = change.touched.filter(|_| !state.may_hold_back(&rule.rule.id, rule.limit()));
        let MaterialChange { materials, cause, before, .. } = change;
        let (mut new_subjects, mut opens) = (0_u32, 0_usize);
        let since = self.seen_since(rule);
        for material in materials {
            let (then, now) = (before.material(material), figures.material(material));
            let mut then = then.finder();
            for watched in now.watched_if_touched(material, rule, touched) {
                if !should_continue() || self.is_over() {
                    return false;
                }
                let watched = watched.remembering(since);
                let before = then.find(rule, &watched.subject);
                new_subjects = new_subjects.saturating_add(u32::from(before.is_none()));
                let before = before.map(|before| before.remembering(since)).unwrap_or_default();
                let before = self.fold(rule, &before);
                let news = Trigger::Figures { before: &before, cause };
                let case = RuleOnSubject { rule, revision, watched: &watched };
                opens += usize::from(self.reconcile(case, &news));
            }
        }
        let must_look = !rule.reads_only_own() || rule.condition.can_fail();
        self.outcome.needs_recheck |= must_look || is_at_limit(state, rule, opens);
        self.outcome.new_subjects = new_subjects;
        true
    }

    /// Evaluates the subjects for which time alone changes the result of a rule, in all materials but that of
    /// the release, which is evaluated anyway.
    fn evaluate_time(&mut self, active: &ActiveRule, should_continue: ShouldContinue<'_>) -> bool {
        let (rule, revision) = (&active.rule, active.revision);
        let EvaluationInput { state, figures, mark, change, .. } = self.input;
        let Some(as_at) = mark.as_at else { return true };
        self.outcome.needs_recheck = true;
        let evaluated = change.map_or(&[][..], |change| change.materials);
        let before = state.evaluated().as_at.unwrap_or(i64::MIN);
        let since = self.seen_since(rule);
        for material in figures.materials().filter(|material| !evaluated.contains(material)) {
            for watched in figures.material(material).watched(material, rule) {
                if !should_continue() || self.is_over() {
                    return false;
                }
                let watched = watched.remembering(since);
                if change_times(rule, &watched).any(|turn| turn > before && turn <= as_at) {
                    self.reconcile(RuleOnSubject { rule, revision, watched: &watched }, &Trigger::Rule);
                }
            }
        }
        true
    }

    /// Evaluates a rule that was put, on all figures.
    fn evaluate_rule(
        &mut self,
        active: &ActiveRule,
        revision: &Revision,
        old: Option<&ActiveRule>,
        should_continue: ShouldContinue<'_>,
    ) -> bool {
        let (rule, old, figures) = (&active.rule, old.map(|old| &old.rule), self.input.figures);
        self.outcome.needs_recheck = true;
        let change = revision.change();
        // An episode in years cannot continue in months.
        let is_other = old.is_some_and(|old| old.frequency != rule.frequency);
        let re_evaluate = revision.re_evaluate || is_other;
        let revised = Trigger::Revision { change: &change, re_evaluate };
        let since = self.seen_since(rule);
        let mut seen = BTreeSet::new();
        for material in figures.materials() {
            for watched in figures.material(material).watched(material, rule) {
                if !should_continue() || self.is_over() {
                    return false;
                }
                let id = alert_id(&rule.rule.id, &watched.subject);
                let is_known = self.is_known(old, &watched.subject, &id);
                let news = if is_known { &revised } else { &Trigger::Rule };
                // A first evaluation, or a re-evaluation, does not remember figures that went missing before.
                let should_continue = is_known && !re_evaluate;
                let watched = if should_continue { watched.remembering(since) } else { watched.forgetting() };
                self.reconcile(RuleOnSubject { rule, revision: revision.number, watched: &watched }, news);
                seen.insert(id);
            }
        }
        self.end_others(&rule.rule.id, &change, Reason::RuleRevised, &seen);
        true
    }

    /// Ends alerts on figures of another frequency than their rule's, and evaluates them on those of the
    /// rule's.
    pub(super) fn evaluate_mismatched(&mut self) {
        let EvaluationInput { state, rules, figures, .. } = self.input;
        let planned = std::mem::take(&mut self.mismatched);
        for id in state.mismatched().filter(|id| !planned.contains(*id)) {
            let record = state.recorded(id);
            let Some(alert) = record.and_then(|record| record.alert.as_deref()) else { continue };
            let (Some(Some(active)), Some(subject)) = (rules.get(&alert.rule), alert.subject.as_ref()) else {
                continue;
            };
            let (rule, revision) = (&active.rule, active.revision);
            if state.suspension(&alert.rule, revision).is_some() {
                continue;
            }
            self.open = None;
            let material = figures.material(&subject.material);
            match material.subject(rule, &Arc::new(subject.clone())).map(WatchedSubject::forgetting) {
                Some(watched) => {
                    self.reconcile(RuleOnSubject { rule, revision, watched: &watched }, &Trigger::Separated);
                }
                None => self.plan(id.clone(), record, end_separated(alert).into_iter().collect()),
            }
        }
    }

    /// Position of the exposures log from which on the rule has seen figures. It remembers figures that went
    /// missing after that.
    fn seen_since(&self, rule: &CheckedRule) -> Position {
        self.input.state.seen_since(&rule.rule.id).unwrap_or(Position::MAX)
    }

    /// Whether the previous revision covered the subject.
    fn is_known(&self, old: Option<&CheckedRule>, subject: &Subject, alert: &str) -> bool {
        old.is_some_and(|old| old.watches(subject) || self.input.state.recorded(alert).is_some())
    }

    /// Plans the transitions that bring the recorded alert in line with the figures. Returns whether the
    /// alert is open or changes.
    fn reconcile(&mut self, case: RuleOnSubject<'_>, trigger: &Trigger<'_>) -> bool {
        let now = self.fold(case.rule, case.watched);
        let id = alert_id(&case.rule.rule.id, &case.watched.subject);
        let record = self.input.state.recorded(&id);
        let recorded: Option<&Alert> = record.and_then(|record| record.alert.as_deref());
        let events = reconcile(case, recorded, &now, trigger);
        let is_open = phase(recorded).is_open();
        if events.is_empty() || !self.admit(case.rule, recorded, &events) {
            return is_open;
        }
        self.plan(id, record, events);
        true
    }

    /// Whether the limit of a rule permits the events of an alert. Only events that would leave one more
    /// alert open are held back.
    fn admit(&mut self, rule: &CheckedRule, recorded: Option<&Alert>, events: &[Event]) -> bool {
        let last = events.iter().rev().find(|event| !matches!(event, Event::Restated(_))).and_then(alert_of);
        let opens = !phase(recorded).is_open() && phase(last).is_open();
        if !opens {
            return true;
        }
        let state: &RulesState = self.input.state;
        let open = self.open.get_or_insert_with(|| state.open_alerts(&rule.rule.id));
        let passes = *open < rule.limit();
        *open = open.saturating_add(u32::from(passes));
        passes
    }

    /// Ends the open alerts of a rule whose subjects it does not watch.
    fn end_others(&mut self, rule: &str, change: &RuleChange, reason: Reason, watched: &BTreeSet<String>) {
        let state = self.input.state;
        for (id, _) in state.alerts_of(rule).filter(|(id, _)| !watched.contains(*id)) {
            let record = state.recorded(id);
            if let Some(alert) = record.and_then(|record| record.alert.as_deref()) {
                let end = end_by_rule(alert, change, reason);
                self.plan(id.clone(), record, end.into_iter().collect());
            }
        }
    }

    fn plan(&mut self, alert: String, record: Option<&AlertRecord>, events: Vec<Event>) {
        if !events.is_empty() {
            let expected = record.map_or(0, |record| record.position);
            if self.input.state.is_mismatched(&alert) {
                self.mismatched.insert(alert.clone());
            }
            self.outcome.planned.push(PlannedTransitions { alert, expected, events });
        }
    }
}
