//! Replays rules on releases in the order in which they came.
use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    AlertEvent, BacktestCounts, EvaluationBegun, ExposuresEvaluated, Rule, RulePut,
};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{ClaimVerdictChanged, ExposuresChanged};
use orewatch_contracts::log::Position;
use orewatch_contracts::{Class, Failure};

use super::Window;
use super::episodes::{Episode, record};
use crate::alert::alert_of;
use crate::cost::Limits;
use crate::decide::{self, EvaluationInput, MaterialChange};
use crate::evolve::{Mark, RulesState};
use crate::figures::{Figures, KeptFigures, MalformedExposures, Touched};
use crate::rulebook::Rulebook;
use crate::rules::{CheckedRule, check};

/// What a backtest cannot know of a rule on verdicts.
const CLAIMS_NOTE: &str = "Verdicts on claims are not known by period. Notifications follow the verdicts \
                           as they were published; episodes and states have the present verdicts in the \
                           newest period, and none before.";

/// Position at which the rule of a run is put.
const RULE_POSITION: Position = 1;

/// A rule to replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The rule.
    pub rule: Rule,
    /// Its revision; 0: it is not stored.
    pub revision: u32,
}

/// What would have been sent about one subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sent {
    pub(crate) counts: BacktestCounts,
    pub(crate) episodes: Vec<Episode>,
}

/// The run of one rule in a replay.
#[derive(Debug)]
pub(crate) struct RuleRun {
    pub(crate) rule: CheckedRule,
    pub(crate) revision: u32,
    state: RulesState,
    book: Rulebook,
    /// What would have been sent, by alert.
    pub(crate) sent: BTreeMap<String, Sent>,
}

/// A replay of rules, from the first release on.
#[derive(Debug)]
pub struct Replay {
    pub(crate) window: Window,
    pub(crate) figures: Figures,
    pub(crate) runs: Vec<RuleRun>,
    /// Number of evaluated releases.
    pub releases: u32,
    /// Position of the exposures log up to which it is folded.
    pub(crate) position: Position,
}

impl Replay {
    /// A replay of rules before the first release.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn new(candidates: &[Candidate], window: Window) -> Result<Self, Failure> {
        let runs = candidates.iter().map(RuleRun::new).collect::<Result<Vec<_>, _>>()?;
        let figures = Figures::new(KeptFigures::for_rules(runs.iter().map(|run| &run.rule)));
        Ok(Self { window, figures, runs, releases: 0, position: 0 })
    }

    /// The figures that the rules read.
    #[must_use]
    pub fn kept(&self) -> &KeptFigures {
        self.figures.kept()
    }

    /// Refuses rules that exceed the limit of steps on the final figures.
    ///
    /// # Errors
    /// Those of `Cost::admit`.
    pub fn admit(&self) -> Result<(), Failure> {
        let mut rules = self.runs.iter().map(|run| &run.rule);
        rules.try_for_each(|rule| self.figures.cost(rule).admit(rule))
    }

    /// Checks that no rule was suspended during the replay because of its cost.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the reason.
    pub fn is_affordable(&self) -> Result<(), Failure> {
        self.runs.iter().try_for_each(|run| {
            let id = &run.rule.rule.id;
            let suspension = run.state.suspension(id, run.revision);
            suspension.map_or(Ok(()), |suspension| {
                let message = format!("rule {id}: {}", suspension.reason);
                Err(Failure::new(Class::Invalid, "rule-too-costly", message).at("select", id))
            })
        })
    }

    /// Applies the changes of a release in a material and evaluates all rules on them, as the service does.
    ///
    /// # Errors
    /// [`MalformedExposures`] if it contradicts its contract.
    pub fn apply(
        &mut self,
        position: Position,
        material: &str,
        cause: Option<&Cause>,
        changes: &[ExposuresChanged],
    ) -> Result<(), MalformedExposures> {
        let before = self.figures.clone();
        let mut touched = Touched::default();
        self.fold(position, changes, &mut touched)?;
        let change =
            MaterialChange { materials: &[material], cause, before: &before, touched: Some(&touched) };
        for run in &mut self.runs {
            run.evaluate(position, &self.figures, change, &self.window);
        }
        Ok(())
    }

    /// Applies a verdict on a claim and evaluates all rules on it, as the service does.
    pub fn apply_claim(&mut self, position: Position, changed: &ClaimVerdictChanged) {
        let before = self.figures.clone();
        let mut touched = Touched::default();
        let materials = self.figures.apply_claim(changed, &mut touched);
        let materials: Vec<&str> = materials.iter().map(String::as_str).collect();
        self.position = position;
        let (cause, touched) = (changed.cause.as_ref(), Some(&touched));
        let change = MaterialChange { materials: &materials, cause, before: &before, touched };
        for run in &mut self.runs {
            run.evaluate(position, &self.figures, change, &self.window);
        }
    }

    /// Applies a verdict on a claim without an evaluation.
    pub fn take_in_claim(&mut self, position: Position, changed: &ClaimVerdictChanged) {
        self.figures.apply_claim(changed, &mut Touched::default());
        self.position = position;
    }

    /// What the result cannot know, in sentences.
    pub(crate) fn notes(&self) -> Vec<String> {
        let reads_claims = self.runs.iter().any(|run| run.rule.reads_claims());
        reads_claims.then(|| CLAIMS_NOTE.to_owned()).into_iter().collect()
    }

    /// Applies the changes of a release without an evaluation: only the final figures will be reported.
    ///
    /// # Errors
    /// [`MalformedExposures`] if it contradicts its contract.
    pub fn take_in(
        &mut self,
        position: Position,
        changes: &[ExposuresChanged],
    ) -> Result<(), MalformedExposures> {
        self.fold(position, changes, &mut Touched::default())
    }

    fn fold(
        &mut self,
        position: Position,
        changes: &[ExposuresChanged],
        touched: &mut Touched,
    ) -> Result<(), MalformedExposures> {
        for change in changes.iter().filter(|change| is_included(&self.window, change)) {
            self.figures.apply_recording(position, change, touched)?;
        }
        self.releases = self.releases.saturating_add(1);
        self.position = position;
        Ok(())
    }

    /// Uses figures of a position instead of reading the log. `None`: they do not contain everything that the
    /// rules read.
    #[must_use]
    pub fn with_figures(mut self, figures: &Figures, position: Position) -> Option<Self> {
        let holds = figures.kept().covers(self.kept()) && self.window.to.is_none();
        holds.then(|| {
            self.figures = figures.clone();
            self.position = position;
            self
        })
    }
}

/// Whether the period of a change is read. An invalid period is, so that folding it fails.
fn is_included(window: &Window, change: &ExposuresChanged) -> bool {
    let period = change.market.as_ref().and_then(|market| market.period.parse::<Period>().ok());
    period.is_none_or(|period| window.includes(period))
}

impl RuleRun {
    fn new(candidate: &Candidate) -> Result<Self, Failure> {
        let rule = check(&candidate.rule)?;
        let mut state = RulesState::default();
        // The rule is in force before anything is published.
        let put =
            RulePut { rule: Some(rule.rule.clone()), revision: candidate.revision, ..RulePut::default() };
        follow(&mut state, RULE_POSITION, [AlertEvent::RulePut(put)]);
        let mark = Mark { exposures: 0, rules: RULE_POSITION, as_at: None };
        follow(
            &mut state,
            RULE_POSITION,
            [
                begun(mark),
                AlertEvent::ExposuresEvaluated(ExposuresEvaluated {
                    position: 0,
                    ..ExposuresEvaluated::default()
                }),
            ],
        );
        let book = Rulebook::at(&state, RULE_POSITION);
        Ok(Self { rule, revision: candidate.revision, state, book, sent: BTreeMap::new() })
    }

    /// Position of the exposures log from which on the rule has seen figures: that of the first evaluation.
    pub(crate) fn seen_since(&self) -> Position {
        let has_evaluated = self.state.evaluated().exposures > 0;
        self.state.seen_since(&self.rule.rule.id).filter(|_| has_evaluated).unwrap_or(Position::MAX)
    }

    fn evaluate(
        &mut self,
        position: Position,
        figures: &Figures,
        change: MaterialChange<'_>,
        window: &Window,
    ) {
        // The age of data is assessed as at the time of the release.
        let time = change.cause.and_then(|cause| cause.time).map(|time| time.seconds);
        let as_at = time.filter(|_| self.rule.is_timed());
        let mark = Mark { exposures: position, rules: RULE_POSITION, as_at };
        follow(&mut self.state, position, [begun(mark)]);
        let change = Some(change);
        let (state, rules, limits) = (&self.state, &self.book, Limits::default());
        let input = EvaluationInput { state, mark, rules, figures, change, limits };
        let outcome = decide::evaluate(input);
        let events: Vec<Event> = outcome.planned.into_iter().flat_map(|planned| planned.events).collect();
        for event in &events {
            self.note(event, window);
        }
        let suspended = outcome.suspended.into_iter().map(AlertEvent::RuleSuspended);
        let events = events.into_iter().map(AlertEvent::from).chain(suspended);
        follow(
            &mut self.state,
            position,
            events.chain([AlertEvent::ExposuresEvaluated(ExposuresEvaluated {
                position,
                ..ExposuresEvaluated::default()
            })]),
        );
    }

    fn note(&mut self, event: &Event, window: &Window) {
        let Some(alert) = alert_of(event) else { return };
        let sent = self.sent.entry(alert.id.clone()).or_default();
        let period = match event {
            Event::Restated(restated) => &restated.period,
            _ => &alert.period,
        };
        if period.parse().is_ok_and(|period| window.covers(period)) {
            count(&mut sent.counts, event);
        }
        record(&self.rule, &mut sent.episodes, event);
    }
}

fn begun(mark: Mark) -> AlertEvent {
    AlertEvent::EvaluationBegun(EvaluationBegun::from(mark))
}

/// Folds events that follow from the state.
fn follow(state: &mut RulesState, position: Position, events: impl IntoIterator<Item = AlertEvent>) {
    for event in events {
        let folded = state.fold(position, Timestamp::UNIX_EPOCH, event);
        debug_assert_eq!(folded, Ok(()), "an event that was just decided follows");
    }
}

fn count(counts: &mut BacktestCounts, event: &Event) {
    let count = match event {
        Event::Pending(_) => &mut counts.pending,
        Event::Fired(_) => &mut counts.fired,
        Event::Resolved(_) => &mut counts.resolved,
        Event::Stale(_) => &mut counts.stale,
        Event::SeverityChanged(_) => &mut counts.severity_changed,
        Event::Restated(_) => &mut counts.restated,
    };
    *count = count.saturating_add(1);
}
