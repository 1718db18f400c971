//! The service in small: one rule, fed with releases as they came.
use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{BacktestCounts, EvaluationBegun, ExposuresEvaluated, Rule, RulePut};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::ExposuresChanged;
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

use super::Window;
use super::episodes::{Episode, tell};
use crate::alert::alert_of;
use crate::cost::{Cost, Limits};
use crate::decide::{self, Intake, Restated};
use crate::evolve::{Mark, State};
use crate::facts::Fact;
use crate::figures::{Figures, Kept, Malformed, Touched};
use crate::rulebook::Rulebook;
use crate::rules::{Checked, check};

/// Position at which the rule of a course was put.
const RULE: Position = 1;

/// A rule to be run, and its revision; 0: it is not stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The rule.
    pub rule: Rule,
    /// Its revision.
    pub revision: u32,
}

/// What would have been sent about one subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sent {
    pub(crate) counts: BacktestCounts,
    pub(crate) episodes: Vec<Episode>,
}

/// One rule in a replay.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) rule: Checked,
    pub(crate) revision: u32,
    state: State,
    book: Rulebook,
    /// What would have been sent, by alert.
    pub(crate) sent: BTreeMap<String, Sent>,
}

/// Rules on the figures as they came, all from the first release on.
#[derive(Debug)]
pub struct Replay {
    pub(crate) window: Window,
    pub(crate) figures: Figures,
    pub(crate) courses: Vec<Course>,
    /// Releases that were evaluated.
    pub(crate) releases: u32,
    /// Position of the exposures log that is folded.
    pub(crate) position: Position,
}

impl Replay {
    /// A replay of rules before the first release.
    ///
    /// # Errors
    /// What [`check`] says about a rule.
    pub fn new(candidates: &[Candidate], window: Window) -> Result<Self, Failure> {
        let courses = candidates.iter().map(Course::new).collect::<Result<Vec<_>, _>>()?;
        let figures = Figures::new(Kept::by(courses.iter().map(|course| &course.rule)));
        Ok(Self { window, figures, courses, releases: 0, position: 0 })
    }

    /// Which figures are looked at.
    #[must_use]
    pub fn kept(&self) -> &Kept {
        self.figures.kept()
    }

    /// Refuses rules that cost more on the figures that are taken in than a rule may.
    ///
    /// # Errors
    /// Those of [`Cost::admit`].
    pub fn admit(&self) -> Result<(), Failure> {
        let mut rules = self.courses.iter().map(|course| &course.rule);
        rules.try_for_each(|rule| Cost::on_all(rule, &self.figures).admit(rule))
    }

    /// That no rule was suspended on the way because it costs more than a rule may.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the reason.
    pub fn is_affordable(&self) -> Result<(), Failure> {
        self.courses.iter().try_for_each(|course| {
            let id = &course.rule.rule.id;
            let suspension = course.state.suspension(id, course.revision);
            suspension.map_or(Ok(()), |suspension| {
                let message = format!("rule {id}: {}", suspension.reason);
                Err(Failure::new(Class::Invalid, "rule-too-costly", message).at("select", id))
            })
        })
    }

    /// Takes in what a release changed in a material: evaluates all rules on it, as the service does.
    ///
    /// # Errors
    /// [`Malformed`] if it contradicts its contract.
    pub fn apply(
        &mut self,
        position: Position,
        material: &str,
        cause: Option<&Cause>,
        changes: &[ExposuresChanged],
    ) -> Result<(), Malformed> {
        let before = self.figures.clone();
        let mut touched = Touched::default();
        self.fold(position, changes, &mut touched)?;
        let restated = Restated { material, cause, before: &before, touched: Some(&touched) };
        for course in &mut self.courses {
            course.evaluate(position, &self.figures, restated, &self.window);
        }
        Ok(())
    }

    /// Takes in what a release changed without evaluating it: only what is known in the end will be told.
    ///
    /// # Errors
    /// [`Malformed`] if it contradicts its contract.
    pub fn take_in(&mut self, position: Position, changes: &[ExposuresChanged]) -> Result<(), Malformed> {
        self.fold(position, changes, &mut Touched::default())
    }

    fn fold(
        &mut self,
        position: Position,
        changes: &[ExposuresChanged],
        touched: &mut Touched,
    ) -> Result<(), Malformed> {
        for change in changes.iter().filter(|change| is_looked_at(&self.window, change)) {
            self.figures.apply_noting(position, change, touched)?;
        }
        self.releases = self.releases.saturating_add(1);
        self.position = position;
        Ok(())
    }

    /// Takes figures as they are known at a position instead of reading the log, if they hold all that is looked at.
    #[must_use]
    pub fn on(mut self, figures: &Figures, position: Position) -> Option<Self> {
        let holds = figures.kept().covers(self.kept()) && self.window.to.is_none();
        holds.then(|| {
            self.figures = figures.clone();
            self.position = position;
            self
        })
    }
}

/// Whether the period of a change is looked at; one that is none is left to whoever reads it.
fn is_looked_at(window: &Window, change: &ExposuresChanged) -> bool {
    let period = change.market.as_ref().and_then(|market| market.period.parse::<Period>().ok());
    period.is_none_or(|period| window.looks_at(period))
}

impl Course {
    fn new(candidate: &Candidate) -> Result<Self, Failure> {
        let rule = check(&candidate.rule)?;
        let mut state = State::default();
        // It stands before anything is published.
        let put =
            RulePut { rule: Some(rule.rule.clone()), revision: candidate.revision, ..RulePut::default() };
        follow(&mut state, RULE, [Fact::RulePut(put)]);
        let mark = Mark { exposures: 0, rules: RULE, as_at: None };
        follow(
            &mut state,
            RULE,
            [
                begun(mark),
                Fact::Evaluated(ExposuresEvaluated { position: 0, ..ExposuresEvaluated::default() }),
            ],
        );
        let book = Rulebook::at(&state, RULE);
        Ok(Self { rule, revision: candidate.revision, state, book, sent: BTreeMap::new() })
    }

    /// Position of the exposures log from which on the rule has seen figures: from the first one that was evaluated.
    pub(crate) fn seen_since(&self) -> Position {
        let has_evaluated = self.state.evaluated().exposures > 0;
        self.state.seen_since(&self.rule.rule.id).filter(|_| has_evaluated).unwrap_or(Position::MAX)
    }

    fn evaluate(&mut self, position: Position, figures: &Figures, restated: Restated<'_>, window: &Window) {
        // The age of data is judged as at the time at which it came.
        let time = restated.cause.and_then(|cause| cause.time).map(|time| time.seconds);
        let as_at = time.filter(|_| self.rule.is_timed());
        let mark = Mark { exposures: position, rules: RULE, as_at };
        follow(&mut self.state, position, [begun(mark)]);
        let restated = Some(restated);
        let (state, rules, limits) = (&self.state, &self.book, Limits::default());
        let intake = Intake { state, mark, rules, figures, restated, limits };
        let outcome = decide::evaluate(intake);
        let events: Vec<Event> = outcome.planned.into_iter().flat_map(|planned| planned.events).collect();
        for event in &events {
            self.note(event, window);
        }
        let suspended = outcome.suspended.into_iter().map(Fact::RuleSuspended);
        let facts = events.into_iter().map(Fact::Alert).chain(suspended);
        follow(
            &mut self.state,
            position,
            facts.chain([Fact::Evaluated(ExposuresEvaluated { position, ..ExposuresEvaluated::default() })]),
        );
    }

    fn note(&mut self, event: &Event, window: &Window) {
        let Some(alert) = alert_of(event) else { return };
        let sent = self.sent.entry(alert.id.clone()).or_default();
        let period = match event {
            Event::Restated(restated) => &restated.period,
            _ => &alert.period,
        };
        if period.parse().is_ok_and(|period| window.tells(period)) {
            count(&mut sent.counts, event);
        }
        tell(&self.rule, &mut sent.episodes, event);
    }
}

fn begun(mark: Mark) -> Fact {
    Fact::Begun(EvaluationBegun::from(mark))
}

/// Folds facts that follow from the state they meet.
fn follow(state: &mut State, position: Position, facts: impl IntoIterator<Item = Fact>) {
    for fact in facts {
        let folded = state.fold(position, Timestamp::UNIX_EPOCH, fact);
        debug_assert_eq!(folded, Ok(()), "what was just decided follows");
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
