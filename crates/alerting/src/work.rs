//! The two workers: one folds the alerts log into the book that everybody reads, one evaluates.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use orewatch_contracts::alerting::v1::{Alert, EvaluationBegun, ExposuresEvaluated};
use orewatch_contracts::exposure::v1::ExposuresChanged;
use orewatch_eventlog::{
    Error, Event, EventLog, Filter, InvalidName, Item, NewEvent, Position, Projection, StreamName,
};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::watch;
use uuid::Uuid;

use crate::alert::{Evidence, phase};
use crate::batch::{Batches, ended};
use crate::decide::{self, Look, Next, Outcome, Planned, Present, Restated, Seen, Untold};
use crate::delivery;
use crate::evolve::{Mark, State};
use crate::facts::{Fact, alert_stream, evaluations_stream};
use crate::figures::saved::Folded;
use crate::figures::{Figures, Touched};
use crate::notify;
use crate::rulebook::Rulebook;
use crate::snapshot::{Section, Snapshots, Unsaved};
use crate::subscribe::{Entry, Tail};

/// How often an append is tried while the log cannot be reached.
const ATTEMPTS: u32 = 10;
/// How many streams are appended to at once.
const AT_ONCE: usize = 64;
/// How long it waits in between.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest wait before the clock is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);
/// How long what was appended may take to be read back.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the service knows, for all who ask.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// The alerts log, folded.
    pub(crate) log: Projection<State>,
    /// Receivers and messages by the same log. It is in no snapshot: the log is folded into it from the beginning.
    pub(crate) delivery: delivery::State,
    /// Who is told, by the same log and in the same way.
    pub(crate) notify: notify::State,
    /// The last event that was folded: where, and its identifier.
    pub(crate) last: Option<(Position, Uuid)>,
    /// All of its history has been folded once.
    pub(crate) caught_up: bool,
    /// How rules stand by what was evaluated before the service started is known.
    pub(crate) is_current: bool,
    /// How rules stand, by material.
    pub(crate) present: BTreeMap<String, Present>,
    /// What open alerts are shown with.
    pub(crate) latest: Latest,
    /// The figures that rules watch, as they were evaluated last.
    pub(crate) figures: Figures,
    /// Position of the exposures log up to which these are folded.
    pub(crate) folded: Position,
}

impl Book {
    /// The state.
    #[must_use]
    pub(crate) fn state(&self) -> &State {
        self.log.state()
    }

    /// Folds an event of the alerts log into all that rests on it. What came out of a snapshot knows it already.
    fn fold(&mut self, event: &Event) -> Result<(), Error> {
        self.notify.evolve(event)?;
        self.delivery.evolve(event)?;
        if self.log.fold(event, State::evolve)? {
            self.last = Some((event.position, event.id));
        }
        Ok(())
    }

    /// How many subjects a rule is evaluated on.
    pub(crate) fn subjects(&self, rule: &str) -> u32 {
        self.present.values().filter_map(|present| present.subjects.get(rule)).sum()
    }

    /// What of a rule's subjects is not told.
    pub(crate) fn untold(&self, rule: &str) -> Untold {
        let mut all = Untold::default();
        self.present.values().filter_map(|present| present.untold.get(rule)).for_each(|one| all.add(one));
        all
    }

    /// An alert as it stands: while it is open, with the newest figure as its evidence.
    pub(crate) fn standing(&self, alert: &Alert) -> Alert {
        let mut standing = alert.clone();
        if phase(Some(alert)).is_open()
            && let Some(newest) = self.latest.evidence(alert)
        {
            newest.tell(&mut standing);
        }
        standing
    }
}

/// What the last evaluation, or the one that is under way, rests on. A copy shares all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest {
    figures: Figures,
    rules: Arc<Rulebook>,
    /// The time, in seconds since 1970, where a rule looks at it.
    as_at: Option<i64>,
}

impl Latest {
    /// What the newest figure tells about an alert. None: there is none that its rule watches.
    fn evidence(&self, alert: &Alert) -> Option<Evidence> {
        let rule = &self.rules.get(&alert.rule)??.rule;
        let subject = alert.subject.as_ref().filter(|subject| rule.watches(subject))?;
        let material = self.figures.material(&subject.material);
        Evidence::newest(rule, &material.one(rule, &Arc::new(subject.clone()))?, self.as_at)
    }
}

/// Folds the alerts log into the book, and keeps its end for subscribers, until the process stops.
///
/// # Errors
/// Those of the log, once its adapter has given up, and events that cannot be read.
pub(crate) async fn follow(
    log: Arc<dyn EventLog>,
    book: watch::Sender<Book>,
    tail: Arc<Tail>,
    context: Context,
) -> Result<(), Failure> {
    let mut items = log.read(Filter::All, 0);
    let known = book.borrow().log.position();
    loop {
        let item = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            item = items.next() => item.unwrap_or_else(|| Err(ended(log.name())))?,
        };
        let entry = match &item {
            Item::Event(event) if event.position > known => {
                Some(Entry::read(event)?.after(book.borrow().state()))
            }
            Item::Event(_) | Item::CaughtUp(_) => None,
        };
        let mut folded = Ok(());
        book.send_modify(|book| match &item {
            Item::Event(event) => folded = book.fold(event),
            Item::CaughtUp(position) => {
                book.log.pass(*position);
                book.caught_up = true;
            }
        });
        folded?;
        match (entry, item) {
            (Some(entry), Item::Event(event)) => tail.push(entry, event.data.len()),
            (_, Item::CaughtUp(position)) => tail.caught_up(position),
            (None, Item::Event(_)) => {}
        }
    }
}

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
            (book.log.state().clone(), book.last)
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
        let position = self.book.borrow().log.position();
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
        self.book.send_modify(|book| book.is_current = true);
        let mut is_ready = false;
        loop {
            let next = {
                let book = changes.borrow_and_update();
                decide::next(book.state(), self.folded, self.batches.ready_at())
            };
            match next {
                Next::Advance => self.advance().await?,
                Next::Begin(mark) => self.begin(mark).await?,
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
        let evaluated = self.book.borrow().state().evaluated();
        if self.due.is_some_and(|due| due <= now) { self.begin(evaluated).await } else { Ok(()) }
    }

    /// Folds what another replica, or this one before a restart, has evaluated.
    async fn advance(&mut self) -> Result<(), Failure> {
        let evaluated = self.book.borrow().state().evaluated();
        self.keep(evaluated).await?;
        self.fold_up_to(evaluated.exposures).await?;
        let present: BTreeMap<String, Present> = {
            let book = self.book.borrow();
            let look = Look { state: book.state(), mark: evaluated, figures: &self.figures, planned: &[] };
            let of = |material: &str| Present::of(look, &self.rules, material);
            self.figures.materials().map(|material| (material.to_owned(), of(material))).collect()
        };
        let latest = self.latest(evaluated, self.figures.clone());
        self.book.send_if_modified(|book| {
            (book.present, book.latest) = (present, latest);
            false
        });
        self.due = decide::due(self.book.borrow().state(), &self.rules, &self.figures);
        self.show_figures();
        Ok(())
    }

    fn latest(&self, mark: Mark, figures: Figures) -> Latest {
        Latest { figures, rules: Arc::clone(&self.rules), as_at: mark.as_at }
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
                apply(&mut self.figures, &batch.changes, &mut Touched::default())?;
                self.folded = batch.position;
                self.last = Some((batch.position, batch.event));
            }
        }
        Ok(())
    }

    /// Sees to it that the figures of all rules are kept; if not, reads the exposures log again.
    async fn keep(&mut self, mark: Mark) -> Result<(), Failure> {
        if self.rules.position() == mark.rules {
            return Ok(());
        }
        Arc::make_mut(&mut self.rules).turn_to(self.book.borrow().state(), mark.rules);
        let wanted = self.rules.kept();
        if !self.figures.kept().covers(&wanted) {
            let folded = std::mem::take(&mut self.folded);
            self.figures = Figures::new(wanted);
            self.batches = Batches::from_the_beginning(&*self.exposures);
            self.fold_up_to(folded).await?;
        }
        Ok(())
    }

    async fn begin(&mut self, mark: Mark) -> Result<(), Failure> {
        let now = self.context.clock.now();
        let mark = decide::as_at(self.book.borrow().state(), mark, now.as_second());
        let begun = EvaluationBegun::from(mark);
        let expected = self.book.borrow().state().evaluations();
        let event = Fact::Begun(begun).into_event(&self.evaluations, &what(mark), now);
        match append(&*self.alerts, &self.evaluations, expected, vec![event]).await? {
            Ok(position) | Err(position) => see(&mut self.book.subscribe(), position).await,
        }
    }

    /// Goes on with an evaluation: appends its transitions, then that it is complete. Whatever was appended before, by this
    /// or another replica, is recognised.
    async fn finish(&mut self, mark: Mark) -> Result<(), Failure> {
        self.keep(mark).await?;
        let mut after = self.figures.clone();
        let mut touched = Touched::default();
        let is_release = mark.exposures > self.folded;
        if is_release {
            while self.batches.ready_at().is_none() {
                self.batches.fill().await?;
            }
            let batch = self.batches.ready().filter(|batch| batch.position == mark.exposures);
            let batch = batch.ok_or_else(|| {
                damaged(format!("no release is applied at position {} of the exposures log", mark.exposures))
            })?;
            apply(&mut after, &batch.changes, &mut touched)?;
        }
        let (outcome, expected) = {
            let book = self.book.borrow();
            let batch = self.batches.ready().filter(|_| is_release);
            let restated = batch.map(|batch| Restated {
                material: &batch.material,
                cause: batch.cause.as_ref(),
                before: &self.figures,
                touched: Some(&touched),
            });
            let outcome = decide::evaluate(book.state(), mark, &self.rules, &after, restated);
            (outcome, book.state().evaluations())
        };
        // Told before it is told that the evaluation is complete: who has seen that sees the present too.
        let material = self.batches.ready().filter(|_| is_release).map(|batch| batch.material.clone());
        let Outcome { planned, seen, anew } = outcome;
        self.tell_present(mark, &after, material.as_deref(), &planned, seen, &anew);
        let time = self.context.clock.now();
        tracing::debug!(exposures = mark.exposures, rules = mark.rules, changed = planned.len(), "evaluated");
        if let Err(conflict) = append_all(&*self.alerts, planned, mark, time).await? {
            return self.yield_to(conflict, mark).await;
        }
        let evaluated = Fact::Evaluated(ExposuresEvaluated { position: mark.exposures });
        let event = evaluated.into_event(&self.evaluations, &what(mark), time);
        match append(&*self.alerts, &self.evaluations, expected, vec![event]).await? {
            Ok(position) => see(&mut self.book.subscribe(), position).await?,
            Err(conflict) => return self.yield_to(conflict, mark).await,
        }
        self.settle(mark, after, is_release);
        self.keep_snapshot();
        Ok(())
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
    fn settle(&mut self, mark: Mark, after: Figures, is_release: bool) {
        if self.book.borrow().state().evaluated() != mark {
            return;
        }
        self.figures = after;
        self.folded = mark.exposures;
        if is_release && let Some(batch) = self.batches.take() {
            self.last = Some((batch.position, batch.event));
        }
        self.due = decide::due(self.book.borrow().state(), &self.rules, &self.figures);
        self.show_figures();
    }

    /// Tells how rules stand: in the material of a release, or where rules or time have changed in all.
    fn tell_present(
        &self,
        mark: Mark,
        figures: &Figures,
        material: Option<&str>,
        planned: &[Planned],
        seen: Seen,
        anew: &BTreeSet<String>,
    ) {
        let latest = self.latest(mark, figures.clone());
        self.book.send_if_modified(|book| {
            book.latest = latest;
            let look = Look { state: book.log.state(), mark, figures, planned };
            if let Some(material) = material {
                book.present.entry(material.to_owned()).or_default().take_in(seen);
            }
            for standing in anew.iter().filter_map(|id| self.rules.get(id).flatten()) {
                // Time changes what a rule says everywhere, a release only in its material.
                let one = material.filter(|_| !standing.rule.is_timed());
                let all: Vec<&str> =
                    one.map_or_else(|| figures.materials().collect(), |material| vec![material]);
                for material in all {
                    let present = book.present.entry(material.to_owned()).or_default();
                    present.look_at(look, &standing.rule, material);
                }
            }
            false
        });
    }
}

/// Appends the transitions of alerts, several streams at a time: a log flushes what waits together. As an error the position of
/// the first stream that is in conflict with what was expected.
async fn append_all(
    log: &dyn EventLog,
    planned: Vec<Planned>,
    mark: Mark,
    time: jiff::Timestamp,
) -> Result<Result<(), Position>, Failure> {
    let one = |planned: Planned| async move {
        let (stream, expected, events) = events_of(planned, mark, time)?;
        append(log, &stream, expected, events).await
    };
    let mut appends = std::pin::pin!(stream::iter(planned.into_iter().map(one)).buffered(AT_ONCE));
    while let Some(appended) = appends.next().await {
        if let Err(conflict) = appended? {
            return Ok(Err(conflict));
        }
    }
    Ok(Ok(()))
}

fn apply(figures: &mut Figures, changes: &[ExposuresChanged], touched: &mut Touched) -> Result<(), Failure> {
    let mut changes = changes.iter();
    changes
        .try_for_each(|change| figures.apply_noting(change, touched))
        .map_err(|error| damaged(error.to_string()))
}

fn events_of(
    planned: Planned,
    mark: Mark,
    time: jiff::Timestamp,
) -> Result<(StreamName, Position, Vec<NewEvent>), Failure> {
    let stream = alert_stream(&planned.alert).map_err(|error| unnameable(&error))?;
    let numbered = planned.events.into_iter().enumerate();
    let events = numbered
        .map(|(k, event)| Fact::Alert(event).into_event(&stream, &format!("{}/{k}", what(mark)), time))
        .collect();
    Ok((stream, planned.expected, events))
}

/// What an event of an evaluation is, in its identifier.
fn what(mark: Mark) -> String {
    let as_at = mark.as_at.map(|time| format!("/{time}")).unwrap_or_default();
    format!("{}/{}{as_at}", mark.exposures, mark.rules)
}

/// Appends; tries again while the log cannot be reached. Gives the position of the last event, or as an error the position
/// at which the stream is in conflict with what was expected.
///
/// # Errors
/// All but conflicts, once there is no point in trying again.
pub(crate) async fn append(
    log: &dyn EventLog,
    stream: &StreamName,
    expected: Position,
    events: Vec<NewEvent>,
) -> Result<Result<Position, Position>, Failure> {
    let mut attempt = 1;
    loop {
        match log.append(stream, expected, events.clone()).await {
            Ok(positions) => return Ok(Ok(positions.last().copied().unwrap_or(expected))),
            Err(Error::Conflict { actual, .. }) => return Ok(Err(actual)),
            Err(Error::Unavailable { reason, .. }) if attempt < ATTEMPTS => {
                tracing::warn!(%stream, attempt, reason, "the log is unavailable, the append is tried again");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until the book has folded a position.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long or the service stops.
pub(crate) async fn see(book: &mut watch::Receiver<Book>, position: Position) -> Result<(), Failure> {
    wait_for(book, |book| book.log.position() >= position).await
}

/// Waits until the book has folded all history.
///
/// # Errors
/// [`Class::Unavailable`] if the service stops before.
async fn caught_up(book: &mut watch::Receiver<Book>) -> Result<(), Failure> {
    book.wait_for(|book| book.caught_up).await.map(drop).map_err(|_| closed())
}

/// Waits until something is true of the book, within a deadline.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long or the service stops.
pub(crate) async fn wait_for(
    book: &mut watch::Receiver<Book>,
    condition: impl FnMut(&Book) -> bool,
) -> Result<(), Failure> {
    match tokio::time::timeout(PATIENCE, book.wait_for(condition)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(closed()),
        Err(_) => Err(Failure::new(
            Class::Unavailable,
            "alerts-log-behind",
            format!("the alerts log was not read up to the present within {} s", PATIENCE.as_secs()),
        )),
    }
}

fn closed() -> Failure {
    Failure::new(Class::Unavailable, "shutting-down", "the alerting service is stopping")
}

fn damaged(reason: String) -> Failure {
    Failure::new(Class::Damaged, "log-corrupt", reason)
}

pub(crate) fn unnameable(error: &InvalidName) -> Failure {
    Failure::new(Class::Internal, "invalid-stream", error.to_string())
}
