//! One evaluation, as it runs on a blocking thread: on a copy of the state and the figures, without a lock.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{RuleSteps, RuleSuspended};
use orewatch_contracts::{Class, Failure};
use orewatch_rules::cost::{Cost, Limits};
use orewatch_rules::decide::{
    EvaluationInput, MaterialChange, OutcomeSink, PlannedTransitions, RuleOutcome, RuleStatuses, StatusView,
    Unreported, evaluate_each,
};
use orewatch_rules::evolve::{Mark, RulesState};
use orewatch_rules::figures::{Figures, Touched};
use orewatch_rules::rulebook::Rulebook;
use orewatch_rules::rules::CheckedRule;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::releases::{Changed, ReleaseChanges};

/// Transitions that are sent on together.
const MAX_BUFFERED_TRANSITIONS: usize = 4096;
/// Steps of a rule from which buffered transitions are sent on before it is evaluated, so that they do not
/// wait for it.
const SLOW_RULE_STEPS: u64 = 1 << 20;

/// Steps of a rule from which the log records them.
const MIN_RECORDED_STEPS: u64 = 1_000_000;

/// What an evaluation takes in.
#[derive(Debug)]
pub(super) struct EvaluationJob {
    /// The state after `EvaluationBegun`, and after the transitions that have been appended since.
    pub(super) state: RulesState,
    pub(super) mark: Mark,
    pub(super) rules: Arc<Rulebook>,
    /// The figures before the evaluation.
    pub(super) before: Figures,
    /// The release that it takes in. None: only rules or time have changed.
    pub(super) release: Option<Arc<ReleaseChanges>>,
}

/// What an evaluation sends on while it runs.
pub(super) enum JobOutput {
    /// The figures after the release, before any transition.
    Figures(Figures),
    /// Transitions to append.
    Transitions(Vec<PlannedTransitions>),
}

/// Counts of the subjects of a rule in a material.
#[derive(Debug)]
pub(super) struct SubjectCounts {
    pub(super) material: String,
    pub(super) rule: String,
    pub(super) subjects: u32,
    /// The subjects that are held back or fail.
    pub(super) unreported: Unreported,
}

/// What an evaluation results in.
#[derive(Debug, Default)]
pub(super) struct JobResult {
    /// The figures after the evaluation.
    pub(super) after: Figures,
    pub(super) counts: Vec<SubjectCounts>,
    /// Subjects that the release adds to rules in its material: rule and count.
    pub(super) added_subjects: Vec<(String, u32)>,
    pub(super) suspended: Vec<RuleSuspended>,
    /// The rules that took many steps.
    pub(super) costly: Vec<RuleSteps>,
}

impl EvaluationJob {
    /// Evaluates. None: it was asked to stop, or nobody receives the output.
    ///
    /// # Errors
    /// [`Class::Damaged`] for a release that contradicts its contract.
    pub(super) fn run(
        self,
        outputs: &mpsc::Sender<JobOutput>,
        stop: &CancellationToken,
    ) -> Result<Option<JobResult>, Failure> {
        let Self { state, mark, rules, before, release } = self;
        let (mut after, mut touched) = (before.clone(), Touched::default());
        let mut materials = BTreeSet::new();
        if let Some(release) = &release {
            materials = apply(&mut after, release, &mut touched)?;
        }
        let materials: Vec<&str> = materials.iter().map(String::as_str).collect();
        if outputs.blocking_send(JobOutput::Figures(after.clone())).is_err() {
            return Ok(None);
        }
        let change = release.as_ref().map(|release| MaterialChange {
            materials: &materials,
            cause: release.cause.as_ref(),
            before: &before,
            touched: Some(&touched),
        });
        let limits = Limits::default();
        let intake = EvaluationInput { state: &state, mark, rules: &rules, figures: &after, change, limits };
        let mut sink = OutcomeCollector {
            intake,
            outputs,
            stop,
            buffered: Vec::new(),
            result: JobResult::default(),
            is_received: true,
        };
        if !(evaluate_each(intake, &mut sink) && sink.flush()) {
            return Ok(None);
        }
        let mut result = sink.result;
        result.costly.sort_by(|a, b| a.rule.cmp(&b.rule));
        Ok(Some(JobResult { after, ..result }))
    }
}

/// Receives the outcomes of rules, sends transitions on in batches, and gathers the rest.
struct OutcomeCollector<'a> {
    intake: EvaluationInput<'a>,
    outputs: &'a mpsc::Sender<JobOutput>,
    stop: &'a CancellationToken,
    buffered: Vec<PlannedTransitions>,
    result: JobResult,
    is_received: bool,
}

impl OutcomeCollector<'_> {
    /// Sends the buffered transitions on. Returns whether to go on.
    fn flush(&mut self) -> bool {
        if !self.buffered.is_empty() {
            let buffered = std::mem::take(&mut self.buffered);
            self.is_received &= self.outputs.blocking_send(JobOutput::Transitions(buffered)).is_ok();
        }
        self.should_continue()
    }

    /// Counts the subjects of a rule: in the material of a release or, if the rule or time have changed, in
    /// all.
    fn count(&mut self, rule: &CheckedRule, planned: &[PlannedTransitions], is_suspended: bool) {
        let EvaluationInput { state, mark, figures, change, .. } = self.intake;
        let look = StatusView { state, mark, figures, planned };
        let restated = change.map(|change| change.materials).filter(|_| !rule.is_timed());
        let materials: Vec<&str> = restated.map_or_else(|| figures.materials().collect(), <[&str]>::to_vec);
        for material in materials {
            if !self.should_continue() {
                return;
            }
            let (subjects, unreported) = if is_suspended {
                (look.count(rule, material), Unreported::default())
            } else {
                look.status_of(rule, material, &|| self.should_continue())
            };
            let (material, rule) = (material.to_owned(), rule.rule.id.clone());
            self.result.counts.push(SubjectCounts { material, rule, subjects, unreported });
        }
    }
}

impl OutcomeSink for OutcomeCollector<'_> {
    fn start_rule(&mut self, cost: Cost) -> bool {
        let must_flush = self.buffered.len() >= MAX_BUFFERED_TRANSITIONS || cost.steps >= SLOW_RULE_STEPS;
        if must_flush { self.flush() } else { self.should_continue() }
    }

    fn should_continue(&self) -> bool {
        self.is_received && !self.stop.is_cancelled()
    }

    fn accept(&mut self, outcome: RuleOutcome) {
        let RuleOutcome { rule, planned, new_subjects, needs_recheck, cost, suspended } = outcome;
        let current = self.intake.rules.get(&rule).flatten();
        if let Some(current) = current.filter(|_| needs_recheck) {
            self.count(&current.rule, &planned, suspended.is_some());
        } else if new_subjects > 0 {
            self.result.added_subjects.push((rule.clone(), new_subjects));
        }
        if cost.steps >= MIN_RECORDED_STEPS && suspended.is_none() {
            self.result.costly.push(RuleSteps { rule, steps: cost.steps });
        }
        self.result.suspended.extend(suspended);
        self.buffered.extend(planned);
    }
}

/// Counts the subjects of all rules in some materials; `in_full` also those that are held back or fail.
pub(super) fn count_subjects<'m>(
    state: &RulesState,
    (mark, rules, figures): (Mark, &Rulebook, &Figures),
    materials: impl Iterator<Item = &'m str>,
    in_full: bool,
    stop: &CancellationToken,
) -> BTreeMap<String, Arc<RuleStatuses>> {
    let look = StatusView { state, mark, figures, planned: &[] };
    let count = |material: &str| {
        Arc::new(RuleStatuses::new(look, rules, material, in_full, &|| !stop.is_cancelled()))
    };
    materials.map(|material| (material.to_owned(), count(material))).collect()
}

/// About how many steps it takes to count the subjects of all rules that are held back or fail.
pub(super) fn counting_steps(state: &RulesState, rules: &Rulebook, figures: &Figures) -> u64 {
    let is_judged =
        |rule: &CheckedRule| rule.condition.can_fail() || state.may_hold_back(&rule.rule.id, rule.limit());
    let judged = rules.rules().filter(|current| is_judged(&current.rule));
    let judged = judged.filter(|current| state.suspension(&current.rule.rule.id, current.revision).is_none());
    judged.map(|current| figures.cost(&current.rule).steps).fold(0, u64::saturating_add)
}

/// Folds a release into figures. Returns the materials that it is about.
///
/// # Errors
/// [`Class::Damaged`] if it contradicts its contract.
pub(super) fn apply(
    figures: &mut Figures,
    release: &ReleaseChanges,
    touched: &mut Touched,
) -> Result<BTreeSet<String>, Failure> {
    match &release.changed {
        Changed::Figures { material, changes } => {
            let mut changes = changes.iter();
            let applied =
                changes.try_for_each(|change| figures.apply_recording(release.position, change, touched));
            applied.map_err(|error| damaged(error.to_string()))?;
            Ok(BTreeSet::from([material.clone()]))
        }
        Changed::Claim(changed) => Ok(figures.apply_claim(changed, touched)),
    }
}

/// The failure for a log that contradicts its contract.
pub(super) fn damaged(reason: String) -> Failure {
    Failure::new(Class::Damaged, "log-corrupt", reason)
}
