//! The worker that evaluates rules on figures.
//!
//! It only waits and appends. What takes long runs on a blocking thread ([`job`]), on a copy of the state, so
//! that calls are answered and rules can be changed meanwhile. Replicas evaluate side by side: what each
//! appends follows from the logs alone, so that of two equal appends the second is recognised.
mod counts;
mod job;
mod traced;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::alerting::v1::{AlertEvent, EvaluationBegun, ExposuresEvaluated, RuleSuspended};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Extent, Position, StreamName};
use orewatch_rules::decide::{self, Next};
use orewatch_rules::evolve::Mark;
use orewatch_rules::facts::{alert_event, evaluations_stream};
use orewatch_rules::figures::saved::Folded;
use orewatch_rules::figures::{Figures, Touched};
use orewatch_rules::rulebook::Rulebook;
use orewatch_runtime::{Context, FollowedLog};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::append::{append, append_transitions, evaluation_key, invalid_stream};
use crate::blocking::run_blocking;
use crate::evaluated::Evaluated;
use crate::observe::log_alerts;
use crate::releases::{ReleaseChanges, ReleaseReader};
use crate::service_state::{ServiceState, stopping, wait_until_caught_up, wait_until_folded};
use crate::snapshot::{DeferredSection, Snapshots};
use crate::turns::{RULES, Turns};

use job::{EvaluationJob, JobOutput, JobResult, SubjectCounts, apply, damaged};

/// Longest wait before the clock is read again: it may be set meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(600);

/// Pause before it is looked again whether another replica has evaluated what time has changed.
const TURN_PAUSE: Duration = Duration::from_millis(500);

/// What an evaluator starts with: the content of a snapshot, if there is one.
#[derive(Debug, Default)]
pub(crate) struct EvaluatorStart {
    pub(crate) folded: Folded,
    /// The event that completes the last folded release: its position and identifier.
    pub(crate) last: Option<(Position, Uuid)>,
    /// Writes snapshots.
    pub(crate) snapshots: Snapshots,
}

/// Evaluates rules on figures, one evaluation after the other.
#[derive(Debug)]
pub(crate) struct Evaluator {
    context: Context,
    alerts: Arc<dyn EventLog>,
    exposures: Arc<dyn EventLog>,
    /// What is known of the exposures log.
    followed: FollowedLog,
    service: watch::Sender<ServiceState>,
    releases: ReleaseReader,
    figures: Figures,
    /// Position of the exposures log up to which `figures` are folded.
    folded: Position,
    /// The rules of the current evaluation, or of the last one.
    rules: Arc<Rulebook>,
    evaluations: StreamName,
    /// The event that completes the last folded release: its position and identifier.
    last: Option<(Position, Uuid)>,
    snapshots: Snapshots,
    /// When the passing of time alone changes the result of a rule, in seconds since 1970. None: it never
    /// does.
    due: Option<i64>,
    /// Whose turn it is, where replicas share the work.
    turns: Turns,
}

impl Evaluator {
    /// An evaluator that has read nothing yet.
    ///
    /// # Errors
    /// None in practice: stream names are constants.
    pub(crate) fn new(
        context: Context,
        alerts: Arc<dyn EventLog>,
        exposures: Arc<dyn EventLog>,
        followed: FollowedLog,
        service: watch::Sender<ServiceState>,
        start: EvaluatorStart,
    ) -> Result<Self, Failure> {
        let EvaluatorStart { folded: Folded { figures, resume }, last, snapshots } = start;
        let folded = last.map_or(0, |(position, _)| position);
        let releases = ReleaseReader::new(Arc::clone(&exposures), followed.clone(), resume, folded);
        let evaluations = evaluations_stream().map_err(|error| invalid_stream(&error))?;
        let rules = Arc::default();
        Ok(Self {
            context,
            alerts,
            exposures,
            followed,
            service,
            releases,
            figures,
            folded,
            rules,
            evaluations,
            last,
            snapshots,
            due: None,
            turns: Turns::default(),
        })
    }

    /// The same evaluator, which takes turns with others.
    pub(crate) fn with_turns(self, turns: Turns) -> Self {
        Self { turns, ..self }
    }

    /// Evaluates until the process stops; calls `ready` once all that was on the logs has been evaluated.
    ///
    /// # Errors
    /// Those of the logs, once there is no point in waiting any longer, and events that cannot be decoded.
    pub(crate) async fn run(mut self, mut ready: impl AsyncFnMut()) -> Result<(), Failure> {
        let shutdown = self.context.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            result = self.evaluate_forever(&mut ready) => return result,
        }
        if let Some(last) = self.snapshots.finish().await {
            last.write(self.sections(), self.context.clock.now()).await;
        }
        Ok(())
    }

    /// The sections of a snapshot.
    fn sections(&self) -> Vec<DeferredSection> {
        let (folds, last) = {
            let service = self.service.borrow();
            (service.folds(), service.last)
        };
        let alerts = last.map(|last| DeferredSection::new(folds, &self.alerts, last));
        let resume = self.releases.resume_after(self.folded);
        let folded = Folded { figures: self.figures.clone(), resume };
        let figures = self.last.map(|last| DeferredSection::new(folded, &self.exposures, last));
        alerts.into_iter().chain(figures).collect()
    }

    /// Starts to write a snapshot if one is due.
    fn write_snapshot_if_due(&mut self) {
        let position = self.service.borrow().view.log.position();
        if self.snapshots.is_due(position.saturating_add(self.folded)) {
            let sections = self.sections();
            let now = self.context.clock.now();
            self.snapshots.start(position.saturating_add(self.folded), sections, now);
        }
    }

    async fn evaluate_forever(&mut self, ready: &mut impl AsyncFnMut()) -> Result<(), Failure> {
        let mut changes = self.service.subscribe();
        wait_until_caught_up(&mut changes).await?;
        if self.folded > self.service.borrow().rules().evaluated().exposures {
            tracing::warn!("the figures of a snapshot are ahead of the alerts log, and are not used");
            (self.figures, self.folded, self.last) = (Figures::default(), 0, None);
            self.releases = self.releases_from_beginning();
        }
        self.advance().await?;
        self.turns.join();
        let mut is_ready = false;
        loop {
            // The expectation is that of the state that the decision is made on: another replica may append
            // in between.
            let (next, expected) = {
                let service = changes.borrow_and_update();
                let rules = service.rules();
                (decide::next(rules, self.folded, self.releases.next_position()), rules.evaluations())
            };
            match next {
                Next::Advance => self.advance().await?,
                Next::Begin(mark) | Next::Finish(mark) if !self.is_turn(mark) => {
                    self.wait_for_turn(&mut changes).await?;
                }
                Next::Begin(mark) => self.begin(mark, expected).await?,
                Next::Finish(mark) => self.finish_traced(mark).await?,
                Next::Wait => {
                    if !is_ready && self.releases.is_caught_up() {
                        ready().await;
                        is_ready = true;
                    }
                    self.report_position();
                    let wait = self.time_until_due();
                    self.turns.keep(&BTreeSet::from([self.time_key()]));
                    tokio::select! {
                        filled = self.releases.fill() => filled?,
                        changed = changes.changed() => changed.map_err(|_| stopping())?,
                        () = tokio::time::sleep(wait) => self.begin_if_due().await?,
                    }
                }
            }
        }
    }

    /// Time until the passing of time alone changes the result of a rule, at most [`MAX_SLEEP`].
    fn time_until_due(&self) -> Duration {
        let left = self.due.map(|due| due.saturating_sub(self.context.clock.now().as_second()));
        let seconds = left.map_or(MAX_SLEEP.as_secs(), |left| u64::try_from(left).unwrap_or_default());
        Duration::from_secs(seconds).min(MAX_SLEEP)
    }

    /// Names the next evaluation that the passing of time alone makes necessary.
    fn time_key(&self) -> String {
        format!("time {}", self.due.unwrap_or_default())
    }

    /// Begins an evaluation if the passing of time alone has changed the result of a rule.
    async fn begin_if_due(&mut self) -> Result<(), Failure> {
        let now = self.context.clock.now().as_second();
        let (is_idle, evaluated, expected) = {
            let service = self.service.borrow();
            let state = service.rules();
            (state.begun().is_none(), state.evaluated(), state.evaluations())
        };
        let is_due = is_idle && self.due.is_some_and(|due| due <= now);
        if !is_due {
            return Ok(());
        }
        let key = self.time_key();
        if self.turns.is_own(RULES, &key) {
            return self.begin(evaluated, expected).await;
        }
        tokio::time::sleep(TURN_PAUSE).await;
        Ok(())
    }

    /// Computes when the passing of time alone next changes the result of a rule.
    async fn update_due(&mut self) -> Result<(), Failure> {
        self.due = None;
        if self.rules.timed().next().is_some() {
            let state = self.service.borrow().rules().clone();
            let (rules, figures) = (Arc::clone(&self.rules), self.figures.clone());
            self.due = run_blocking(move |_| decide::next_due_time(&state, &rules, &figures)).await?;
        }
        Ok(())
    }

    /// Publishes the figures, without waking anybody: they come with the next change.
    fn publish_figures(&self) {
        self.service.send_if_modified(|service| {
            service.figures = self.figures.clone();
            service.folded = self.folded;
            false
        });
    }

    fn releases_from_beginning(&self) -> ReleaseReader {
        ReleaseReader::from_beginning(Arc::clone(&self.exposures), self.followed.clone())
    }

    /// Checks that the exposures log reaches a position up to which rules were evaluated.
    async fn check_reaches(&mut self, position: Position) -> Result<(), Failure> {
        match self.exposures.extent().await {
            Ok(Extent { head, .. }) if head < position => Err(damaged(format!(
                "rules were evaluated up to position {position} of the exposures log, but it ends at {head}: \
                 it was emptied, or an older copy took its place"
            ))),
            // A log that is away is waited for.
            _ => Ok(()),
        }
    }

    /// Folds releases up to a position. Returns the materials that they are about.
    async fn fold_up_to(&mut self, position: Position) -> Result<BTreeSet<String>, Failure> {
        let mut materials = BTreeSet::new();
        while self.folded < position {
            if self.releases.next_position().is_none() && self.releases.is_caught_up() {
                self.check_reaches(position).await?;
            }
            self.releases.fill().await?;
            if self.releases.next_position() > Some(position) {
                return Err(damaged(format!(
                    "no release is applied at position {position} of the exposures log"
                )));
            }
            if let Some(release) = self.releases.take() {
                let mut figures = std::mem::take(&mut self.figures);
                // While the figures are on the other thread a snapshot has none.
                let (at, event) = (release.position, release.event);
                self.last = None;
                let folded = run_blocking(move |_| {
                    let applied = apply(&mut figures, &release, &mut Touched::default());
                    applied.map(|materials| (figures, materials))
                });
                let (figures, about) = folded.await??;
                self.figures = figures;
                materials.extend(about);
                self.folded = at;
                self.last = Some((at, event));
            }
        }
        Ok(materials)
    }

    /// Switches to the rules of a mark. If figures of their measures are not kept, reads the exposures log
    /// again.
    async fn use_rules_of(&mut self, mark: Mark) -> Result<(), Failure> {
        if self.rules.position() == mark.rules {
            return Ok(());
        }
        let (state, mut rules) = (self.service.borrow().rules().clone(), Arc::clone(&self.rules));
        let turned = run_blocking(move |_| {
            Arc::make_mut(&mut rules).move_to(&state, mark.rules);
            let wanted = rules.kept();
            (rules, wanted)
        });
        let (rules, wanted) = turned.await?;
        self.rules = rules;
        if !self.figures.kept().covers(&wanted) {
            let folded = std::mem::take(&mut self.folded);
            (self.figures, self.last) = (Figures::new(wanted), None);
            self.releases = self.releases_from_beginning();
            self.fold_up_to(folded).await?;
        }
        Ok(())
    }

    async fn begin(&mut self, mark: Mark, expected: Position) -> Result<(), Failure> {
        let now = self.context.clock.now();
        let mark = decide::as_at(self.service.borrow().rules(), mark, now.as_second());
        let begun = EvaluationBegun::from(mark);
        let event =
            alert_event(AlertEvent::EvaluationBegun(begun), &self.evaluations, &evaluation_key(mark), now);
        match append(&*self.alerts, &self.evaluations, expected, vec![event]).await? {
            Ok(position) | Err(position) => wait_until_folded(&mut self.service.subscribe(), position).await,
        }
    }

    /// Continues an evaluation: appends its transitions, and then that it is complete. Events that were
    /// appended before, by this or another replica, are recognised by the log.
    async fn finish(&mut self, mark: Mark) -> Result<(), Failure> {
        self.use_rules_of(mark).await?;
        let release =
            if mark.exposures > self.folded { Some(self.release_at(mark.exposures).await?) } else { None };
        self.link_evaluation(mark, release.as_deref());
        let (state, expected) = {
            let service = self.service.borrow();
            if service.rules().begun() != Some(mark) {
                // Another replica has completed it meanwhile.
                return Ok(());
            }
            (service.rules().clone(), service.rules().evaluations())
        };
        let (rules, before) = (Arc::clone(&self.rules), self.figures.clone());
        let job = EvaluationJob { state, mark, rules, before, release: release.clone() };
        let time = self.context.clock.now();
        let (outputs, output) = mpsc::channel(1);
        let recording = self.record(output, mark, time);
        let (recorded, result) = tokio::join!(recording, run_blocking(move |stop| job.run(&outputs, stop)));
        if let Err(conflict) = recorded? {
            return self.leave_to_replica(conflict, mark).await;
        }
        let Some(mut result) = result?? else { return Err(stopping()) };
        // Published before the evaluation is recorded as complete: a caller that has seen that sees the
        // counts, too.
        self.publish_result(release.as_ref().and_then(|release| release.material()), &mut result);
        let JobResult { after, suspended, costly, .. } = result;
        let evaluated =
            AlertEvent::ExposuresEvaluated(ExposuresEvaluated { position: mark.exposures, costly });
        let facts =
            suspended.into_iter().inspect(warn_suspended).map(AlertEvent::RuleSuspended).chain([evaluated]);
        let events =
            facts.map(|fact| alert_event(fact, &self.evaluations, &evaluation_key(mark), time)).collect();
        match append(&*self.alerts, &self.evaluations, expected, events).await? {
            Ok(position) => wait_until_folded(&mut self.service.subscribe(), position).await?,
            Err(conflict) => return self.leave_to_replica(conflict, mark).await,
        }
        self.settle(mark, after, release.is_some()).await?;
        self.write_snapshot_if_due();
        Ok(())
    }

    /// The next release, which must be the one at a position of the exposures log.
    async fn release_at(&mut self, position: Position) -> Result<Arc<ReleaseChanges>, Failure> {
        while self.releases.next_position().is_none() {
            self.check_reaches(position).await?;
            self.releases.fill().await?;
        }
        let release = self.releases.peek().filter(|release| release.position == position).cloned();
        release.ok_or_else(|| {
            damaged(format!("no release is applied at position {position} of the exposures log"))
        })
    }

    /// Appends the transitions of an evaluation while it runs. The inner error is the position of the first
    /// stream that was not at the expected one.
    async fn record(
        &mut self,
        mut outputs: mpsc::Receiver<JobOutput>,
        mark: Mark,
        time: jiff::Timestamp,
    ) -> Result<Result<(), Position>, Failure> {
        while let Some(output) = outputs.recv().await {
            match output {
                // Published before alerts change, which are shown with these figures.
                JobOutput::Figures(figures) => self.service.send_if_modified(|service| {
                    service.view.evaluated =
                        Evaluated::new(figures, Arc::clone(&self.rules), mark, service.view.rules());
                    false
                }),
                JobOutput::Transitions(planned) => {
                    tracing::debug!(
                        exposures = mark.exposures,
                        rules = mark.rules,
                        changed = planned.len(),
                        "evaluated"
                    );
                    log_alerts(&planned);
                    if let Err(conflict) = append_transitions(&*self.alerts, planned, mark, time).await? {
                        return Ok(Err(conflict));
                    }
                    false
                }
            };
        }
        Ok(Ok(()))
    }

    /// Leaves an evaluation to the replica that has completed it and has appended up to `conflict`.
    async fn leave_to_replica(&mut self, conflict: Position, mark: Mark) -> Result<(), Failure> {
        wait_until_folded(&mut self.service.subscribe(), conflict).await?;
        if self.service.borrow().rules().begun() == Some(mark) {
            let message =
                "the recorded part of the current evaluation differs from what follows from the logs";
            return Err(Failure::new(Class::Internal, "evaluation-mismatch", message));
        }
        Ok(())
    }

    /// Adopts the figures of a completed evaluation.
    async fn settle(&mut self, mark: Mark, after: Figures, is_release: bool) -> Result<(), Failure> {
        if self.service.borrow().rules().evaluated() != mark {
            return Ok(());
        }
        self.figures = after;
        self.folded = mark.exposures;
        if is_release && let Some(release) = self.releases.take() {
            self.last = Some((release.position, release.event));
        }
        self.publish_figures();
        self.update_due().await
    }

    /// Publishes the counts of an evaluation: of the material of a release or, if rules or time have changed,
    /// of all.
    fn publish_result(&self, material: Option<&str>, result: &mut JobResult) {
        self.service.send_if_modified(|service| {
            let view = &mut service.view;
            view.evaluated.suspend(&result.suspended);
            if let Some(material) = material {
                let statuses = view.statuses.entry(material.to_owned()).or_default();
                Arc::make_mut(statuses).add_subjects(std::mem::take(&mut result.added_subjects));
            }
            for SubjectCounts { material, rule, subjects, unreported } in result.counts.drain(..) {
                let statuses = view.statuses.entry(material).or_default();
                Arc::make_mut(statuses).set(&rule, subjects, unreported);
            }
            false
        });
    }
}

fn warn_suspended(suspended: &RuleSuspended) {
    let RuleSuspended { rule, revision, reason, .. } = suspended;
    tracing::warn!(rule, revision, reason, "the rule is suspended: it costs more than a rule may");
}
