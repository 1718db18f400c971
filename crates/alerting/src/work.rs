//! The worker that evaluates.
//!
//! It only waits: what takes long runs beside everything else ([`job`]), on a copy of what is known, so that whoever asks is
//! answered and whoever changes a rule is heard meanwhile.
mod job;

use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::alerting::v1::{EvaluationBegun, ExposuresEvaluated, RuleSuspended};
use orewatch_eventlog::{EventLog, Position, StreamName};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::append::{append, append_all, unnameable, what};
use crate::aside::aside;
use crate::batch::{Batch, Batches};
use crate::book::{Book, Latest, caught_up, closed, see};
use crate::decide::{self, Next, Untold};
use crate::evolve::Mark;
use crate::facts::{Fact, evaluations_stream};
use crate::figures::saved::Folded;
use crate::figures::{Figures, Touched};
use crate::rulebook::Rulebook;
use crate::snapshot::{Section, Snapshots, Unsaved};

use job::{Done, Job, Step, apply, damaged, looking_costs, stands};

/// Longest wait before the clock is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

/// Steps of looking how rules stand that callers may wait for.
const QUICKLY_LOOKED: u64 = 2_000_000;

/// What an evaluator begins with: what a snapshot holds, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) folded: Folded,
    /// The last batch that is folded.
    pub(crate) last: Option<(Position, Uuid)>,
    /// Where snapshots are written.
    pub(crate) snapshots: Snapshots,
}

/// Evaluates rules on figures, one evaluation after the other.
#[derive(Debug)]
pub(crate) struct Evaluator {
    context: Context,
    alerts: Arc<dyn EventLog>,
    exposures: Arc<dyn EventLog>,
    book: watch::Sender<Book>,
    batches: Batches,
    figures: Figures,
    /// Position of the exposures log up to which `figures` are folded.
    folded: Position,
    /// The rules of the evaluation that is under way, or of the last one.
    rules: Arc<Rulebook>,
    evaluations: StreamName,
    /// The last batch that is folded: where it is closed, and by which event.
    last: Option<(Position, Uuid)>,
    snapshots: Snapshots,
    /// When time alone changes what a rule says, in seconds since 1970. None: it never does.
    due: Option<i64>,
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
        book: watch::Sender<Book>,
        kept: Kept,
    ) -> Result<Self, Failure> {
        let Kept { folded: Folded { figures, resume }, last, snapshots } = kept;
        let folded = last.map_or(0, |(position, _)| position);
        let batches = Batches::from(&*exposures, resume, folded);
        let evaluations = evaluations_stream().map_err(|error| unnameable(&error))?;
        let rules = Arc::default();
        Ok(Self {
            context,
            alerts,
            exposures,
            book,
            batches,
            figures,
            folded,
            rules,
            evaluations,
            last,
            snapshots,
            due: None,
        })
    }

    /// Evaluates until the process stops; says once through `ready` that it has reached the present.
    ///
    /// # Errors
    /// Those of the logs, once their adapters have given up, and events that cannot be read.
    pub(crate) async fn run(mut self, mut ready: impl AsyncFnMut()) -> Result<(), Failure> {
        let shutdown = self.context.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            result = self.evaluate_forever(&mut ready) => return result,
        }
        if let Some(last) = self.snapshots.last().await {
            last.write(self.sections()).await;
        }
        Ok(())
    }

    /// What a snapshot holds of the folds of this service. Another fold of the alerts log adds its section here.
    fn sections(&self) -> Vec<Unsaved> {
        let (state, last) = {
            let book = self.book.borrow();
            (book.state().clone(), book.last)
        };
        let alerts = last.map(|(position, event)| Section::of(state, self.alerts.name(), position, event));
        let resume = self.batches.resume_after(self.folded);
        let folded = Folded { figures: self.figures.clone(), resume };
        let figures =
            self.last.map(|(position, event)| Section::of(folded, self.exposures.name(), position, event));
        alerts.into_iter().chain(figures).collect()
    }

    /// Writes a snapshot now and then, beside everything else.
    fn keep_snapshot(&mut self) {
        let position = self.book.borrow().view.log.position();
        if self.snapshots.is_due(position.saturating_add(self.folded)) {
            let sections = self.sections();
            self.snapshots.begin(position.saturating_add(self.folded), sections);
        }
    }

    async fn evaluate_forever(&mut self, ready: &mut impl AsyncFnMut()) -> Result<(), Failure> {
        let mut changes = self.book.subscribe();
        caught_up(&mut changes).await?;
        if self.folded > self.book.borrow().state().evaluated().exposures {
            tracing::warn!("the figures of a snapshot are ahead of the alerts log, and are not used");
            (self.figures, self.folded, self.last) = (Figures::default(), 0, None);
            self.batches = Batches::from_the_beginning(&*self.exposures);
        }
        self.advance().await?;
        let mut is_ready = false;
        loop {
            // What is expected of the log is what was decided on: another replica may be faster in between.
            let (next, expected) = {
                let book = changes.borrow_and_update();
                let state = book.state();
                (decide::next(state, self.folded, self.batches.ready_at()), state.evaluations())
            };
            match next {
                Next::Advance => self.advance().await?,
                Next::Begin(mark) => self.begin(mark, expected).await?,
                Next::Finish(mark) => self.finish(mark).await?,
                Next::Wait => {
                    if !is_ready && self.batches.is_caught_up() {
                        ready().await;
                        is_ready = true;
                    }
                    let wait = self.until_due();
                    tokio::select! {
                        filled = self.batches.fill() => filled?,
                        changed = changes.changed() => changed.map_err(|_| closed())?,
                        () = tokio::time::sleep(wait) => self.mind_time().await?,
                    }
                }
            }
        }
    }

    /// How long until time alone changes what a rule says; not longer than the clock is trusted to run evenly.
    fn until_due(&self) -> Duration {
        let left = self.due.map(|due| due.saturating_sub(self.context.clock.now().as_second()));
        let seconds = left.map_or(LONGEST_SLEEP.as_secs(), |left| u64::try_from(left).unwrap_or_default());
        Duration::from_secs(seconds).min(LONGEST_SLEEP)
    }

    /// Begins an evaluation if time alone has changed what a rule says.
    async fn mind_time(&mut self) -> Result<(), Failure> {
        let now = self.context.clock.now().as_second();
        let (is_idle, evaluated, expected) = {
            let book = self.book.borrow();
            let state = book.state();
            (state.begun().is_none(), state.evaluated(), state.evaluations())
        };
        let is_due = is_idle && self.due.is_some_and(|due| due <= now);
        if is_due { self.begin(evaluated, expected).await } else { Ok(()) }
    }

    /// Folds what another replica, or this one before a restart, has evaluated.
    async fn advance(&mut self) -> Result<(), Failure> {
        let evaluated = self.book.borrow().state().evaluated();
        self.keep(evaluated).await?;
        self.fold_up_to(evaluated.exposures).await?;
        self.show_figures();
        let is_current = self.book.borrow().is_current;
        if !is_current && self.is_slow_to_look().await? {
            // What rules watch is known at once; to see what of it is not told takes judging.
            self.tell_stands(evaluated, false).await?;
            self.book.send_modify(|book| book.is_current = true);
        }
        self.tell_stands(evaluated, true).await?;
        self.book.send_modify(|book| book.is_current = true);
        self.look_ahead().await
    }

    /// Whether it takes long to look how all rules stand.
    async fn is_slow_to_look(&mut self) -> Result<bool, Failure> {
        let state = self.book.borrow().state().clone();
        let (rules, figures) = (Arc::clone(&self.rules), self.figures.clone());
        aside(move |_| looking_costs(&state, &rules, &figures) > QUICKLY_LOOKED).await
    }

    /// Tells how all rules stand.
    async fn tell_stands(&mut self, mark: Mark, in_full: bool) -> Result<(), Failure> {
        let state = self.book.borrow().state().clone();
        let latest = Latest::new(self.figures.clone(), Arc::clone(&self.rules), mark, &state);
        let (rules, figures) = (Arc::clone(&self.rules), self.figures.clone());
        let present = aside(move |stop| stands(&state, mark, &rules, &figures, in_full, stop)).await?;
        // Who tells of alerts waits for what another replica has evaluated.
        self.book.send_modify(|book| (book.view.present, book.view.latest) = (present, latest));
        Ok(())
    }

    /// Looks when time alone changes what a rule says next.
    async fn look_ahead(&mut self) -> Result<(), Failure> {
        self.due = None;
        if self.rules.timed().next().is_some() {
            let state = self.book.borrow().state().clone();
            let (rules, figures) = (Arc::clone(&self.rules), self.figures.clone());
            self.due = aside(move |_| decide::due(&state, &rules, &figures)).await?;
        }
        Ok(())
    }

    /// Shares the figures with whoever asks for them.
    fn show_figures(&self) {
        self.book.send_if_modified(|book| {
            book.figures = self.figures.clone();
            book.folded = self.folded;
            false
        });
    }

    async fn fold_up_to(&mut self, position: Position) -> Result<(), Failure> {
        while self.folded < position {
            self.batches.fill().await?;
            if self.batches.ready_at() > Some(position) {
                return Err(damaged(format!(
                    "no release is applied at position {position} of the exposures log"
                )));
            }
            if let Some(batch) = self.batches.take() {
                let mut figures = std::mem::take(&mut self.figures);
                // If it is stopped meanwhile there are no figures that a snapshot could hold.
                let (at, event) = (batch.position, batch.event);
                self.last = None;
                let folded =
                    aside(move |_| apply(&mut figures, &batch, &mut Touched::default()).map(|()| figures));
                self.figures = folded.await??;
                self.folded = at;
                self.last = Some((at, event));
            }
        }
        Ok(())
    }

    /// Sees to it that the figures of all rules are kept; if not, reads the exposures log again.
    async fn keep(&mut self, mark: Mark) -> Result<(), Failure> {
        if self.rules.position() == mark.rules {
            return Ok(());
        }
        let (state, mut rules) = (self.book.borrow().state().clone(), Arc::clone(&self.rules));
        let turned = aside(move |_| {
            Arc::make_mut(&mut rules).turn_to(&state, mark.rules);
            let wanted = rules.kept();
            (rules, wanted)
        });
        let (rules, wanted) = turned.await?;
        self.rules = rules;
        if !self.figures.kept().covers(&wanted) {
            let folded = std::mem::take(&mut self.folded);
            (self.figures, self.last) = (Figures::new(wanted), None);
            self.batches = Batches::from_the_beginning(&*self.exposures);
            self.fold_up_to(folded).await?;
        }
        Ok(())
    }

    async fn begin(&mut self, mark: Mark, expected: Position) -> Result<(), Failure> {
        let now = self.context.clock.now();
        let mark = decide::as_at(self.book.borrow().state(), mark, now.as_second());
        let begun = EvaluationBegun::from(mark);
        let event = Fact::Begun(begun).into_event(&self.evaluations, &what(mark), now);
        match append(&*self.alerts, &self.evaluations, expected, vec![event]).await? {
            Ok(position) | Err(position) => see(&mut self.book.subscribe(), position).await,
        }
    }

    /// Goes on with an evaluation: appends its transitions, then that it is complete. Whatever was appended before, by this
    /// or another replica, is recognised. It runs beside everything else, on a copy of the state.
    async fn finish(&mut self, mark: Mark) -> Result<(), Failure> {
        self.keep(mark).await?;
        let release =
            if mark.exposures > self.folded { Some(self.release_at(mark.exposures).await?) } else { None };
        let (state, expected) = {
            let book = self.book.borrow();
            if book.state().begun() != Some(mark) {
                // Another replica has completed it meanwhile.
                return Ok(());
            }
            (book.state().clone(), book.state().evaluations())
        };
        let (rules, before) = (Arc::clone(&self.rules), self.figures.clone());
        let job = Job { state, mark, rules, before, release: release.clone() };
        let time = self.context.clock.now();
        let (steps, stepped) = mpsc::channel(1);
        let recording = self.record(stepped, mark, time);
        let (recorded, done) = tokio::join!(recording, aside(move |stop| job.run(&steps, stop)));
        if let Err(conflict) = recorded? {
            return self.yield_to(conflict, mark).await;
        }
        let Some(done) = done?? else { return Err(closed()) };
        // Told before it is told that the evaluation is complete: who has seen that sees the present too.
        let Done { after, stands, more, suspended, costly } = done;
        self.tell_present(release.as_ref().map(|batch| batch.material.as_str()), stands, more, &suspended);
        let evaluated = Fact::Evaluated(ExposuresEvaluated { position: mark.exposures, costly });
        let facts = suspended.into_iter().inspect(warn).map(Fact::RuleSuspended).chain([evaluated]);
        let events = facts.map(|fact| fact.into_event(&self.evaluations, &what(mark), time)).collect();
        match append(&*self.alerts, &self.evaluations, expected, events).await? {
            Ok(position) => see(&mut self.book.subscribe(), position).await?,
            Err(conflict) => return self.yield_to(conflict, mark).await,
        }
        self.settle(mark, after, release.is_some()).await?;
        self.keep_snapshot();
        Ok(())
    }

    /// The release that is applied at a position of the exposures log, which is the next one.
    async fn release_at(&mut self, position: Position) -> Result<Arc<Batch>, Failure> {
        while self.batches.ready_at().is_none() {
            self.batches.fill().await?;
        }
        let batch = self.batches.ready().filter(|batch| batch.position == position).cloned();
        batch.ok_or_else(|| {
            damaged(format!("no release is applied at position {position} of the exposures log"))
        })
    }

    /// Records what an evaluation comes to while it goes on. As an error the position of the first stream that is in conflict with
    /// what was expected.
    async fn record(
        &mut self,
        mut stepped: mpsc::Receiver<Step>,
        mark: Mark,
        time: jiff::Timestamp,
    ) -> Result<Result<(), Position>, Failure> {
        while let Some(step) = stepped.recv().await {
            match step {
                // What alerts are shown with is known before they change.
                Step::Folded(figures) => self.book.send_if_modified(|book| {
                    book.view.latest = Latest::new(figures, Arc::clone(&self.rules), mark, book.view.state());
                    false
                }),
                Step::Planned(planned) => {
                    tracing::debug!(
                        exposures = mark.exposures,
                        rules = mark.rules,
                        changed = planned.len(),
                        "evaluated"
                    );
                    if let Err(conflict) = append_all(&*self.alerts, planned, mark, time).await? {
                        return Ok(Err(conflict));
                    }
                    false
                }
            };
        }
        Ok(Ok(()))
    }

    /// Leaves an evaluation to the replica that has completed it and has gone on up to `conflict`.
    async fn yield_to(&mut self, conflict: Position, mark: Mark) -> Result<(), Failure> {
        see(&mut self.book.subscribe(), conflict).await?;
        if self.book.borrow().state().begun() == Some(mark) {
            let message =
                "what is recorded of the evaluation that is under way is not what follows from the logs";
            return Err(Failure::new(Class::Internal, "evaluation-differs", message));
        }
        Ok(())
    }

    /// Takes the outcome of an evaluation for the present.
    async fn settle(&mut self, mark: Mark, after: Figures, is_release: bool) -> Result<(), Failure> {
        if self.book.borrow().state().evaluated() != mark {
            return Ok(());
        }
        self.figures = after;
        self.folded = mark.exposures;
        if is_release && let Some(batch) = self.batches.take() {
            self.last = Some((batch.position, batch.event));
        }
        self.show_figures();
        self.look_ahead().await
    }

    /// Tells how rules stand: in the material of a release, or where rules or time have changed in all.
    fn tell_present(
        &self,
        material: Option<&str>,
        stands: Vec<(String, String, u32, Untold)>,
        more: Vec<(String, u32)>,
        suspended: &[RuleSuspended],
    ) {
        self.book.send_if_modified(|book| {
            let view = &mut book.view;
            view.latest.suspend(suspended);
            if let Some(material) = material {
                let present = view.present.entry(material.to_owned()).or_default();
                Arc::make_mut(present).take_in(more);
            }
            for (material, rule, subjects, untold) in stands {
                let present = view.present.entry(material).or_default();
                Arc::make_mut(present).set(&rule, subjects, untold);
            }
            false
        });
    }
}

fn warn(suspended: &RuleSuspended) {
    let RuleSuspended { rule, revision, reason, .. } = suspended;
    tracing::warn!(rule, revision, reason, "the rule is suspended: it costs more than a rule may");
}
