//! What an evaluation comes to, rule by rule.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason, RuleChange, RuleSuspended};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::Position;

use super::present::is_at_limit;
use super::{Intake, Planned, Restated, RuleOutcome, turns};
use crate::alert::{Case, alert_id, alert_of, phase};
use crate::cost::{Cost, HINT, Limits};
use crate::evolve::{Record, Revision, State};
use crate::figures::Watched;
use crate::reconcile::{News, end_by_rule, end_separated, reconcile, suspend};
use crate::rulebook::{Standing, standing as standing_of};
use crate::rules::Checked;
use crate::trajectory::Trajectory;

/// What there is to evaluate of one rule.
pub(super) struct Task<'a> {
    pub(super) id: &'a str,
    /// The rule. None: it was removed, or the catalogue no longer supports it.
    pub(super) standing: Option<&'a Standing>,
    /// A release may have changed what it looks at.
    is_touched: bool,
    /// Time may have changed what it says.
    is_timed: bool,
    /// It was put or removed.
    change: Option<&'a Revision>,
    /// As it stood when it was evaluated last.
    old: Option<Standing>,
}

/// An evaluation that is under way.
pub(super) struct Plan<'a> {
    intake: Intake<'a>,
    /// Steps of the rules so far.
    steps: u64,
    /// What the rule that is looked at has come to.
    outcome: RuleOutcome,
    /// Open alerts of that rule, with those that it opens.
    open: Option<u32>,
    /// Alerts on figures of another frequency that were told of.
    misfits: BTreeSet<String>,
}

/// Says now and then whether to go on.
type GoesOn<'a> = &'a dyn Fn() -> bool;

impl<'a> Plan<'a> {
    pub(super) fn new(intake: Intake<'a>) -> Self {
        Self { intake, steps: 0, outcome: RuleOutcome::default(), open: None, misfits: BTreeSet::new() }
    }

    /// What there is to evaluate, by rule.
    pub(super) fn tasks(&self) -> BTreeMap<&'a str, Task<'a>> {
        let mut tasks: BTreeMap<&'a str, Task<'a>> = BTreeMap::new();
        let Intake { state, mark, rules, restated, .. } = self.intake;
        for standing in restated.into_iter().flat_map(|restated| self.touched(restated)) {
            self.task(&mut tasks, standing, |task| task.is_touched = true);
        }
        let since = state.evaluated().rules;
        let timed = rules.timed().filter(|standing| standing.position <= since);
        for standing in timed.filter(|_| mark.as_at.is_some()) {
            self.task(&mut tasks, standing, |task| task.is_timed = true);
        }
        for (_, id) in state.changes().take_while(|(position, _)| *position <= mark.rules) {
            self.add_change(&mut tasks, id);
        }
        tasks
    }

    /// The rules that may say another thing by what a release has changed.
    fn touched(&self, restated: Restated<'a>) -> Vec<&'a Arc<Standing>> {
        let Intake { state, rules, .. } = self.intake;
        let timed = rules.timed().map(|standing| standing.rule.rule.id.as_str());
        // Whoever may have held something back is looked at whatever is touched.
        let full = rules.limited().chain(state.limited_rules()).filter(move |id| {
            let standing = rules.get(id).flatten();
            standing.is_some_and(|standing| state.may_hold_back(id, standing.rule.limit()))
        });
        rules.touched(restated.material, restated.touched, timed.chain(full))
    }

    /// Adds to the task of a rule, unless it is suspended.
    fn task(
        &self,
        tasks: &mut BTreeMap<&'a str, Task<'a>>,
        standing: &'a Standing,
        add: impl FnOnce(&mut Task<'a>),
    ) {
        let id = standing.rule.rule.id.as_str();
        if self.intake.state.suspension(id, standing.revision).is_none() {
            let standing = Some(standing);
            let new = || Task { id, standing, is_touched: false, is_timed: false, change: None, old: None };
            add(tasks.entry(id).or_insert_with(new));
        }
    }

    fn add_change(&self, tasks: &mut BTreeMap<&'a str, Task<'a>>, id: &'a str) {
        let Intake { state, mark, rules, .. } = self.intake;
        let since = state.evaluated().rules;
        let Some(revisions) = state.rules().get(id) else { return };
        let upto = revisions.partition_point(|revision| revision.position <= mark.rules);
        let Some(change) = upto.checked_sub(1).and_then(|last| revisions.get(last)) else { return };
        let old = revisions.iter().rev().find(|revision| revision.position <= since).and_then(standing_of);
        let standing = match rules.get(id) {
            Some(Some(standing)) => Some(&**standing),
            // The catalogue no longer supports it.
            Some(None) => return,
            None => None,
        };
        let new = || Task { id, standing, is_touched: false, is_timed: false, change: None, old: None };
        let task = tasks.entry(id).or_insert_with(new);
        (task.change, task.old) = (Some(change), old);
    }

    /// What a task costs at most: whatever a release touches of a material, all of it is counted. It follows from the rules and the
    /// figures alone, before anything is judged.
    pub(super) fn cost(&self, task: &Task<'_>) -> Cost {
        let Some(standing) = task.standing else { return Cost::default() };
        let Intake { figures, restated, .. } = self.intake;
        let everywhere = task.is_timed || task.change.is_some();
        let released = restated.map(|restated| restated.material).filter(|_| task.is_touched);
        let materials = figures.materials().filter(|material| everywhere || Some(*material) == released);
        let costs = materials
            .map(|material| Cost::in_material(&standing.rule, material, &figures.material(material)));
        costs.fold(Cost::default(), Cost::and)
    }

    /// Evaluates a rule, or suspends it if that costs more than it may. False: it shall not go on.
    pub(super) fn carry_out(&mut self, task: &Task<'_>, cost: Cost, goes_on: GoesOn<'_>) -> bool {
        self.outcome.rule = task.id.to_owned();
        let (all, limits) = (self.steps.saturating_add(cost.steps), self.intake.limits);
        if let Some(standing) = task.standing
            && (cost.steps > limits.rule || all > limits.all)
        {
            self.suspend(standing, cost);
            return true;
        }
        self.steps = all;
        if let (Some(standing), Some(restated), true) = (task.standing, self.intake.restated, task.is_touched)
            && !self.evaluate_figures(standing, restated, goes_on)
        {
            return false;
        }
        if let (Some(standing), true) = (task.standing, task.is_timed)
            && !self.evaluate_time(standing, goes_on)
        {
            return false;
        }
        match (task.standing, task.change) {
            (Some(now), Some(change)) => self.evaluate_rule(now, change, task.old.as_ref(), goes_on),
            (None, Some(change)) => {
                self.end_others(task.id, &change.change(), Reason::RuleRemoved, &BTreeSet::new());
                true
            }
            (_, None) => true,
        }
    }

    /// What a rule has come to, once it is evaluated.
    pub(super) fn finish(&mut self, rule: &str, cost: Cost) -> RuleOutcome {
        self.open = None;
        let outcome = std::mem::take(&mut self.outcome);
        RuleOutcome { rule: rule.to_owned(), cost, ..outcome }
    }

    /// Suspends a rule: its open alerts stay as they are and are stale, because nobody looks at their figures any more.
    fn suspend(&mut self, standing: &Standing, cost: Cost) {
        let Limits { rule, all } = self.intake.limits;
        let is_alone = cost.steps > rule;
        let (limit, together) = if is_alone { (rule, "") } else { (all, " of all rules together") };
        let reason = format!("{}{together}; {HINT}", cost.excess(limit));
        let id = &standing.rule.rule.id;
        let state = self.intake.state;
        for (alert, _) in state.alerts_of(id) {
            let record = state.recorded(alert);
            let recorded = record.and_then(|record| record.alert.as_deref());
            let told = recorded.and_then(|recorded| suspend(recorded, &reason));
            self.plan(alert.clone(), record, told.into_iter().collect());
        }
        self.outcome.anew = true;
        self.outcome.suspended = Some(RuleSuspended {
            rule: id.clone(),
            revision: standing.revision,
            steps: cost.steps,
            limit,
            reason,
        });
    }

    fn evaluate_figures(&mut self, standing: &Standing, restated: Restated<'_>, goes_on: GoesOn<'_>) -> bool {
        let (rule, revision) = (&standing.rule, standing.revision);
        let Intake { state, figures, mark, .. } = self.intake;
        // What is held back is told as soon as there is room, whatever makes it.
        let touched = restated.touched.filter(|_| !state.may_hold_back(&rule.rule.id, rule.limit()));
        let Restated { material, cause, before, .. } = restated;
        let (then, now) = (before.material(material), figures.material(material));
        let (mut more, mut opens) = (0_u32, 0_usize);
        let since = self.seen_since(rule);
        for watched in now.watched_of(material, rule, touched) {
            if !goes_on() {
                return false;
            }
            let watched = watched.remembering(since);
            let before = then.one(rule, &watched.subject);
            more = more.saturating_add(u32::from(before.is_none()));
            let before = before.map(|before| before.remembering(since)).unwrap_or_default();
            let before = Trajectory::fold(rule, &before, mark.as_at);
            let news = News::Figures { before: &before, cause };
            opens += usize::from(self.reconcile(Case { rule, revision, watched: &watched }, &news));
        }
        let must_look = !rule.looks_at_own() || rule.condition.can_fail();
        self.outcome.anew |= must_look || is_at_limit(state, rule, opens);
        self.outcome.more = more;
        true
    }

    /// Subjects of which time alone changes what a rule says, in all materials but the one that is evaluated anyway.
    fn evaluate_time(&mut self, standing: &Standing, goes_on: GoesOn<'_>) -> bool {
        let (rule, revision) = (&standing.rule, standing.revision);
        let Intake { state, figures, mark, restated, .. } = self.intake;
        let Some(as_at) = mark.as_at else { return true };
        self.outcome.anew = true;
        let evaluated = restated.map(|restated| restated.material);
        let before = state.evaluated().as_at.unwrap_or(i64::MIN);
        let since = self.seen_since(rule);
        for material in figures.materials().filter(|material| Some(*material) != evaluated) {
            for watched in figures.material(material).watched(material, rule) {
                if !goes_on() {
                    return false;
                }
                let watched = watched.remembering(since);
                if turns(rule, &watched).any(|turn| turn > before && turn <= as_at) {
                    self.reconcile(Case { rule, revision, watched: &watched }, &News::Rule);
                }
            }
        }
        true
    }

    /// A rule that was put, on all figures.
    fn evaluate_rule(
        &mut self,
        standing: &Standing,
        revision: &Revision,
        old: Option<&Standing>,
        goes_on: GoesOn<'_>,
    ) -> bool {
        let (rule, old, figures) = (&standing.rule, old.map(|old| &old.rule), self.intake.figures);
        self.outcome.anew = true;
        let change = revision.change();
        // An episode in years is no episode in months.
        let is_other = old.is_some_and(|old| old.frequency != rule.frequency);
        let re_evaluate = revision.re_evaluate || is_other;
        let revised = News::Revision { change: &change, re_evaluate };
        let since = self.seen_since(rule);
        let mut seen = BTreeSet::new();
        for material in figures.materials() {
            for watched in figures.material(material).watched(material, rule) {
                if !goes_on() {
                    return false;
                }
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
        true
    }

    /// Alerts that stand on figures of another frequency: they end, and are told by those of their rule's.
    pub(super) fn evaluate_misfits(&mut self) {
        let Intake { state, rules, figures, .. } = self.intake;
        let told = std::mem::take(&mut self.misfits);
        for id in state.misfits().filter(|id| !told.contains(*id)) {
            let record = state.recorded(id);
            let Some(alert) = record.and_then(|record| record.alert.as_deref()) else { continue };
            let (Some(Some(standing)), Some(subject)) = (rules.get(&alert.rule), alert.subject.as_ref())
            else {
                continue;
            };
            let (rule, revision) = (&standing.rule, standing.revision);
            if state.suspension(&alert.rule, revision).is_some() {
                continue;
            }
            self.open = None;
            let material = figures.material(&subject.material);
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
        self.intake.state.seen_since(&rule.rule.id).unwrap_or(Position::MAX)
    }

    /// Whether the revision before this one has told of the subject.
    fn is_known(&self, old: Option<&Checked>, subject: &Subject, alert: &str) -> bool {
        old.is_some_and(|old| old.watches(subject) || self.intake.state.recorded(alert).is_some())
    }

    /// Plans what brings the record in line with the figures. Returns whether the alert is open, or changes.
    fn reconcile(&mut self, case: Case<'_>, news: &News<'_>) -> bool {
        let now = Trajectory::fold(case.rule, case.watched, self.intake.mark.as_at);
        let id = alert_id(&case.rule.rule.id, &case.watched.subject);
        let record = self.intake.state.recorded(&id);
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
        let state: &State = self.intake.state;
        let open = self.open.get_or_insert_with(|| state.open_alerts(&rule.rule.id));
        let passes = *open < rule.limit();
        *open = open.saturating_add(u32::from(passes));
        passes
    }

    /// Ends the open alerts of a rule that are not among those that it watches.
    fn end_others(&mut self, rule: &str, change: &RuleChange, reason: Reason, watched: &BTreeSet<String>) {
        let state = self.intake.state;
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
            if self.intake.state.is_misfit(&alert) {
                self.misfits.insert(alert.clone());
            }
            self.outcome.planned.push(Planned { alert, expected, events });
        }
    }
}
