//! An evaluation as it runs beside everything else: on a copy of the state and of the figures, under no lock.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{RuleSteps, RuleSuspended};
use orewatch_runtime::{Class, Failure};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::batch::Batch;
use crate::cost::{Cost, Limits};
use crate::decide::{Intake, Look, Planned, Present, Restated, RuleOutcome, Take, Untold, evaluate_each};
use crate::evolve::{Mark, State};
use crate::figures::{Figures, Touched};
use crate::rulebook::Rulebook;
use crate::rules::Checked;

/// Transitions that are handed on together.
const SLICE: usize = 4096;
/// What is there is handed on before a rule is evaluated that takes as many steps as this: nobody waits for it.
const COSTLY: u64 = 1 << 20;

/// From how many steps on the log tells what a rule took.
const TOLD_STEPS: u64 = 1_000_000;

/// What an evaluation rests on.
#[derive(Debug)]
pub(super) struct Job {
    /// The state as it began, or as far as it has come.
    pub(super) state: State,
    pub(super) mark: Mark,
    pub(super) rules: Arc<Rulebook>,
    /// The figures before it.
    pub(super) before: Figures,
    /// What a release has changed. None: none has.
    pub(super) release: Option<Arc<Batch>>,
}

/// What an evaluation hands on while it runs.
pub(super) enum Step {
    /// The figures that it rests on, before any transition.
    Folded(Figures),
    /// Transitions to record.
    Planned(Vec<Planned>),
}

/// What an evaluation comes to in the end.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) after: Figures,
    /// How rules stand: material, rule, subjects and what of them is not told.
    pub(super) stands: Vec<(String, String, u32, Untold)>,
    /// How many more subjects rules watch in the material of the release.
    pub(super) more: Vec<(String, u32)>,
    pub(super) suspended: Vec<RuleSuspended>,
    /// The rules that took many steps.
    pub(super) costly: Vec<RuleSteps>,
}

impl Job {
    /// Evaluates. None: it was told to stop, or nobody takes what it comes to.
    ///
    /// # Errors
    /// [`Class::Damaged`] for a release that contradicts its contract.
    pub(super) fn run(
        self,
        steps: &mpsc::Sender<Step>,
        stop: &CancellationToken,
    ) -> Result<Option<Done>, Failure> {
        let Self { state, mark, rules, before, release } = self;
        let (mut after, mut touched) = (before.clone(), Touched::default());
        if let Some(batch) = &release {
            apply(&mut after, batch, &mut touched)?;
        }
        if steps.blocking_send(Step::Folded(after.clone())).is_err() {
            return Ok(None);
        }
        let restated = release.as_ref().map(|batch| Restated {
            material: &batch.material,
            cause: batch.cause.as_ref(),
            before: &before,
            touched: Some(&touched),
        });
        let limits = Limits::default();
        let intake = Intake { state: &state, mark, rules: &rules, figures: &after, restated, limits };
        let mut hand = Hand { intake, steps, stop, slice: Vec::new(), done: Done::default(), is_heard: true };
        if !(evaluate_each(intake, &mut hand) && hand.hand_on()) {
            return Ok(None);
        }
        let mut done = hand.done;
        done.costly.sort_by(|one, other| one.rule.cmp(&other.rule));
        Ok(Some(Done { after, ..done }))
    }
}

/// Takes what rules come to and hands it on.
struct Hand<'a> {
    intake: Intake<'a>,
    steps: &'a mpsc::Sender<Step>,
    stop: &'a CancellationToken,
    slice: Vec<Planned>,
    done: Done,
    is_heard: bool,
}

impl Hand<'_> {
    fn hand_on(&mut self) -> bool {
        if !self.slice.is_empty() {
            let slice = std::mem::take(&mut self.slice);
            self.is_heard &= self.steps.blocking_send(Step::Planned(slice)).is_ok();
        }
        self.goes_on()
    }

    /// How a rule stands by what was evaluated: in the material of a release, or where the rule or time have changed in all.
    fn look(&mut self, rule: &Checked, planned: &[Planned], is_suspended: bool) {
        let Intake { state, mark, figures, restated, .. } = self.intake;
        let look = Look { state, mark, figures, planned };
        let one = restated.map(|restated| restated.material).filter(|_| !rule.is_timed());
        let materials: Vec<&str> = one.map_or_else(|| figures.materials().collect(), |one| vec![one]);
        for material in materials {
            if !self.goes_on() {
                return;
            }
            let (subjects, untold) = if is_suspended {
                (look.count(rule, material), Untold::default())
            } else {
                look.at(rule, material, &|| self.goes_on())
            };
            self.done.stands.push((material.to_owned(), rule.rule.id.clone(), subjects, untold));
        }
    }
}

impl Take for Hand<'_> {
    fn begins(&mut self, cost: Cost) -> bool {
        let must_hand_on = self.slice.len() >= SLICE || cost.steps >= COSTLY;
        if must_hand_on { self.hand_on() } else { self.goes_on() }
    }

    fn goes_on(&self) -> bool {
        self.is_heard && !self.stop.is_cancelled()
    }

    fn take(&mut self, outcome: RuleOutcome) {
        let RuleOutcome { rule, planned, more, anew, cost, suspended } = outcome;
        let standing = self.intake.rules.get(&rule).flatten();
        if let Some(standing) = standing.filter(|_| anew) {
            self.look(&standing.rule, &planned, suspended.is_some());
        } else if more > 0 {
            self.done.more.push((rule.clone(), more));
        }
        if cost.steps >= TOLD_STEPS && suspended.is_none() {
            self.done.costly.push(RuleSteps { rule, steps: cost.steps });
        }
        self.done.suspended.extend(suspended);
        self.slice.extend(planned);
    }
}

/// How all rules stand in all materials: first how many subjects they watch, and if `in_full` also what of them is not told.
pub(super) fn stands(
    state: &State,
    mark: Mark,
    rules: &Rulebook,
    figures: &Figures,
    in_full: bool,
    stop: &CancellationToken,
) -> BTreeMap<String, Arc<Present>> {
    let look = Look { state, mark, figures, planned: &[] };
    let of = |material: &str| Arc::new(Present::of(look, rules, material, in_full, &|| !stop.is_cancelled()));
    figures.materials().map(|material| (material.to_owned(), of(material))).collect()
}

/// About how many steps it takes to look how all rules stand, where that takes judging.
pub(super) fn looking_costs(state: &State, rules: &Rulebook, figures: &Figures) -> u64 {
    let is_judged =
        |rule: &Checked| rule.condition.can_fail() || state.may_hold_back(&rule.rule.id, rule.limit());
    let judged = rules.rules().filter(|standing| is_judged(&standing.rule));
    let judged = judged.filter(|one| state.suspension(&one.rule.rule.id, one.revision).is_none());
    judged.map(|standing| Cost::on_all(&standing.rule, figures).steps).fold(0, u64::saturating_add)
}

/// Folds a release into figures.
///
/// # Errors
/// [`Class::Damaged`] if it contradicts its contract.
pub(super) fn apply(figures: &mut Figures, batch: &Batch, touched: &mut Touched) -> Result<(), Failure> {
    let mut changes = batch.changes.iter();
    changes
        .try_for_each(|change| figures.apply_noting(batch.position, change, touched))
        .map_err(|error| damaged(error.to_string()))
}

pub(super) fn damaged(reason: String) -> Failure {
    Failure::new(Class::Damaged, "log-corrupt", reason)
}
