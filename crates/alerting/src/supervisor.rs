//! Runs the workers of the service, and begins again where a log does not let them go on.
//!
//! While a log is away, workers wait. An event that cannot be folded stops its fold; answers are given from
//! what is folded before it. If the exposures log was replaced or does not fit, the evaluator folds it anew.
//! If the alerts log was replaced, everything begins anew; until the new log is folded to its end, answers
//! are given from the old state. Only the first start is from a snapshot: a later one is on another log, or
//! must not trust what is known.
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, WaitingLog};
use orewatch_receivers::Sender;
use orewatch_runtime::{Context, FollowedLog, Readiness};
use orewatch_store::snapshots::SnapshotHealth;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::delivery::Deliverer;
use crate::follow::AlertsFollower;
use crate::notify::work::Notifier;
use crate::service_state::ServiceState;
use crate::snapshot::Snapshots;
use crate::subscribe::RecentEvents;
use crate::turns::Turns;
use crate::work::{Evaluator, EvaluatorStart};
use crate::{Config, Logs};

/// Shortest and longest pause before something begins again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Code of failures that follow from the stop of the service.
const STOPPING: &str = "stopping";

/// What the service starts with.
type Start = (ServiceState, EvaluatorStart);

/// Runs the workers of the service.
pub(crate) struct Supervisor {
    pub(crate) context: Context,
    pub(crate) logs: Logs,
    pub(crate) config: Config,
    /// What answers are made from.
    pub(crate) service: watch::Sender<ServiceState>,
    pub(crate) recent: Arc<RecentEvents>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) readiness: Readiness,
    pub(crate) exposures: FollowedLog,
    pub(crate) alerts: FollowedLog,
    /// What becomes of snapshots.
    pub(crate) snapshots: SnapshotHealth,
    /// Whose turn it is, where replicas share the work.
    pub(crate) turns: Turns,
}

impl Supervisor {
    /// Runs until the process stops.
    ///
    /// # Errors
    /// A defect.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut start = tokio::select! {
            () = self.context.shutdown.cancelled() => return Ok(()),
            start = self.read_snapshot() => start,
        };
        let mut pauses = Pauses::new();
        loop {
            match self.run_workers(start).await {
                Err(failure) if is_of_a_log(&failure) => {
                    tracing::error!(%failure, code = failure.code, "folding the alerts log anew");
                    self.alerts.set_failed(&failure);
                }
                outcome => return outcome,
            }
            if !pauses.wait(&self.context).await {
                return Ok(());
            }
            self.alerts.begin_fold();
            start = (ServiceState::default(), self.start_anew());
        }
    }

    /// Runs the workers until one of them cannot go on.
    async fn run_workers(&self, (state, evaluator_start): Start) -> Result<(), Failure> {
        let context = self.context.for_part();
        let (complete, is_complete) = oneshot::channel();
        let follower = AlertsFollower {
            log: Arc::clone(&self.logs.alerts),
            service: self.service.clone(),
            recent: Arc::clone(&self.recent),
            followed: self.alerts.clone(),
            readiness: self.readiness.clone(),
            context: context.clone(),
        };
        let mut workers = JoinSet::new();
        workers.spawn(follower.run(state, complete));
        tokio::select! {
            () = context.shutdown.cancelled() => {}
            folded = is_complete => if folded.is_ok() {
                self.spawn_workers(&context, evaluator_start, &mut workers);
            }
        }
        let mut outcome = Ok(());
        while let Some(ended) = workers.join_next().await {
            let ended = ended.map_err(|error| Failure::internal(format!("a worker ended badly: {error}")));
            if outcome.is_ok()
                && let Err(failure) = ended.and_then(|outcome| outcome)
            {
                // The others follow from this one.
                outcome = Err(failure);
            }
            context.shutdown.cancel();
        }
        outcome
    }

    /// Starts everything that works on a state that knows the alerts log to its end.
    fn spawn_workers(
        &self,
        context: &Context,
        start: EvaluatorStart,
        workers: &mut JoinSet<Result<(), Failure>>,
    ) {
        let log = WaitingLog::new(Arc::clone(&self.logs.alerts));
        let worker_log = || Arc::clone(&log) as Arc<dyn EventLog>;
        let reader = self.service.subscribe();
        let (evaluated, is_evaluated) = watch::channel(false);
        let notifier = Notifier {
            context: context.clone(),
            log: worker_log(),
            service: reader.clone(),
            is_evaluated,
            turns: self.turns.clone(),
        };
        workers.spawn(persist(context.clone(), None, move || notifier.clone().run()));
        let (delivery, is_alone) = (Arc::clone(&self.sender), self.config.delivery.is_alone);
        let deliverer = Deliverer::new(context.clone(), Arc::clone(&log), reader, delivery, is_alone);
        let deliverer = deliverer.with_turns(self.turns.clone());
        workers.spawn(persist(context.clone(), None, move || deliverer.clone().run()));
        let serve = serve_while_stuck(
            context.clone(),
            Arc::clone(&log),
            self.service.clone(),
            self.exposures.clone(),
            self.readiness.clone(),
        );
        workers.spawn(serve);
        let ready = Arc::new((self.readiness.clone(), evaluated));
        let evaluators = self.evaluators(context, log, start, ready);
        workers.spawn(persist(context.clone(), Some(self.exposures.clone()), evaluators));
    }

    /// Runs evaluators, one after the other: the first begins with `start`, later ones read everything.
    fn evaluators(
        &self,
        context: &Context,
        alerts: Arc<WaitingLog>,
        start: EvaluatorStart,
        ready: Arc<(Readiness, watch::Sender<bool>)>,
    ) -> impl FnMut() -> BoxFuture<'static, Result<(), Failure>> + use<> {
        let (context, service) = (context.clone(), self.service.clone());
        let (exposures, followed) = (Arc::clone(&self.logs.exposures), self.exposures.clone());
        let (place, health, mut first) = (self.config.snapshots.clone(), self.snapshots.clone(), Some(start));
        let turns = self.turns.clone();
        move || {
            let start = first.take().unwrap_or_else(|| {
                followed.begin_fold();
                start_from_beginning(Snapshots::open(place.as_ref(), &health))
            });
            let alerts = Arc::clone(&alerts) as Arc<dyn EventLog>;
            let (exposures, followed) = (Arc::clone(&exposures), followed.clone());
            let evaluator =
                Evaluator::new(context.clone(), alerts, exposures, followed, service.clone(), start);
            let evaluator = evaluator.map(|evaluator| evaluator.with_turns(turns.clone()));
            let ready = Arc::clone(&ready);
            let set_ready = async move || {
                ready.0.set_can_answer();
                ready.1.send_replace(true);
            };
            async move { evaluator?.run(set_ready).await }.boxed()
        }
    }

    fn start_anew(&self) -> EvaluatorStart {
        start_from_beginning(Snapshots::open(self.config.snapshots.as_ref(), &self.snapshots))
    }

    /// Reads what the service starts with from a snapshot, once the logs can be compared with it; without one
    /// it starts with nothing.
    async fn read_snapshot(&self) -> Start {
        let (mut state, mut start) = (ServiceState::default(), self.start_anew());
        if self.config.snapshots.is_none() {
            return (state, start);
        }
        self.alerts.wait_for(&*self.logs.alerts).await;
        self.exposures.wait_for(&*self.logs.exposures).await;
        if let Some(loaded) = start.snapshots.load(&self.logs).await {
            state = ServiceState::from_snapshot(loaded.folds, loaded.last);
            // Figures are of no use without the alerts that were evaluated on them.
            if let Some((folded, last)) = loaded.figures {
                (start.folded, start.last) = (folded, Some(last));
            }
        }
        (state, start)
    }
}

/// What an evaluator starts with that has to read everything.
fn start_from_beginning(snapshots: Snapshots) -> EvaluatorStart {
    EvaluatorStart { snapshots, ..EvaluatorStart::default() }
}

/// Serves what is folded where no evaluation can come: its result could not be recorded because the alerts
/// log is full, or somebody has to act before the exposures log can be read on.
async fn serve_while_stuck(
    context: Context,
    alerts: Arc<WaitingLog>,
    service: watch::Sender<ServiceState>,
    exposures: FollowedLog,
    readiness: Readiness,
) -> Result<(), Failure> {
    let full = async {
        alerts.until_full().await;
        // The sender is here: the state is not closed.
        drop(service.subscribe().wait_for(|service| service.is_current).await);
    };
    let stuck = async {
        exposures.until_stuck().await;
        service.send_modify(|service| service.is_current = true);
    };
    tokio::select! {
        () = context.shutdown.cancelled() => return Ok(()),
        () = full => {}
        () = stuck => {}
    }
    readiness.set_can_answer();
    context.shutdown.cancelled().await;
    Ok(())
}

/// Runs a worker, and runs it again after a failure that is not a defect. `log` is told of it, if answers
/// rest on what the worker makes of that log.
async fn persist<F: Future<Output = Result<(), Failure>>>(
    context: Context,
    log: Option<FollowedLog>,
    mut worker: impl FnMut() -> F,
) -> Result<(), Failure> {
    let mut pauses = Pauses::new();
    loop {
        match worker().await {
            Err(failure) if failure.code == STOPPING && context.shutdown.is_cancelled() => return Ok(()),
            Err(failure) if is_of_a_log(&failure) && !context.shutdown.is_cancelled() => {
                tracing::error!(%failure, code = failure.code, "a worker cannot go on; it begins again");
                if let Some(log) = &log {
                    log.set_failed(&failure);
                }
            }
            outcome => return outcome,
        }
        if !pauses.wait(&context).await {
            return Ok(());
        }
    }
}

/// Whether a failure is about a log or something else outside, so that beginning again may help.
fn is_of_a_log(failure: &Failure) -> bool {
    let is_external = matches!(
        failure.class,
        Class::Unavailable | Class::Exhausted | Class::Damaged | Class::Misconfigured
    );
    is_external && failure.code != STOPPING
}

/// Pauses that grow.
struct Pauses(Duration);

impl Pauses {
    fn new() -> Self {
        Self(PAUSES.0)
    }

    /// Waits for the next pause. Returns false if the process stops meanwhile.
    async fn wait(&mut self, context: &Context) -> bool {
        let pause = self.0;
        self.0 = pause.saturating_mul(2).min(PAUSES.1);
        tokio::select! {
            () = context.shutdown.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}
