//! Follows the alerts log: each event is decoded once and then folded into everything that rests on it.
//!
//! The log is folded aside up to its end; then the state takes the place of what answers were made from
//! before. From there on the state is behind a lock that answers take for a moment. Most events fold in
//! microseconds, under that lock. An event that may concern all firing alerts, such as a new silence, is
//! folded into a copy on a thread for such work ([`must_fold_aside`]); the copy then takes the state's place.
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_eventlog::{Error, Event, EventLog, Filter, Follower, Interruption, Position, Progress};
use orewatch_runtime::{Context, FollowedLog, Readiness};
use tokio::sync::{oneshot, watch};

use crate::blocking::run_blocking;
use crate::service_state::ServiceState;
use crate::subscribe::{RecentEvents, StreamEvent};

/// Folds the alerts log into the state of the service, and keeps its newest events for subscribers.
pub(crate) struct AlertsFollower {
    pub(crate) log: Arc<dyn EventLog>,
    /// What answers are made from.
    pub(crate) service: watch::Sender<ServiceState>,
    pub(crate) recent: Arc<RecentEvents>,
    pub(crate) followed: FollowedLog,
    pub(crate) readiness: Readiness,
    pub(crate) context: Context,
}

/// A fold of the log on its way.
struct Fold {
    follower: Follower,
    /// The state that is folded.
    state: watch::Sender<ServiceState>,
    /// It is what answers are made from.
    is_shown: bool,
    /// Told once the log is folded to its end.
    complete: Option<oneshot::Sender<()>>,
}

impl AlertsFollower {
    /// Folds the log from a state on, until the process stops. `complete` is told once the log is folded to
    /// its end.
    ///
    /// # Errors
    /// [`Error::Replaced`] and [`Error::Gone`]: the state is not that of the log.
    pub(crate) async fn run(self, from: ServiceState, complete: oneshot::Sender<()>) -> Result<(), Failure> {
        let follower = Follower::new(Arc::clone(&self.log), Filter::All, from.view.log.position());
        let state = watch::Sender::new(from);
        self.recent.restart();
        let mut fold = Fold { follower, state, is_shown: false, complete: Some(complete) };
        loop {
            let progress = tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                progress = fold.follower.next() => progress?,
            };
            match progress {
                Progress::Event(event) => {
                    if let Err(error) = self.take(&event, &fold.state).await? {
                        let interruption = fold.follower.put_back(&event, error);
                        self.interrupt(&mut fold, &interruption);
                    }
                }
                Progress::CaughtUp(position) => self.catch_up(&mut fold, position),
                Progress::Interrupted(interruption) => self.interrupt(&mut fold, &interruption),
            }
        }
    }

    /// Folds an event. The inner error says why it cannot be folded.
    async fn take(
        &self,
        event: &Event,
        state: &watch::Sender<ServiceState>,
    ) -> Result<Result<(), Error>, Failure> {
        let decoded = match AlertEvent::read(event) {
            Ok(decoded) => decoded,
            Err(error) => return Ok(Err(error)),
        };
        let stream_event = StreamEvent::from_decoded(event, decoded.clone());
        let stream_event = stream_event.with_alert_before(state.borrow().rules());
        if let Err(error) = fold(state, event, decoded).await? {
            return Ok(Err(error));
        }
        // Subscribers hear of it only now, so that answers to them already reflect it.
        self.recent.push(stream_event, event.data.len());
        self.followed.set_position(event.position);
        Ok(Ok(()))
    }

    fn catch_up(&self, fold: &mut Fold, position: Position) {
        fold.state.send_modify(|state| {
            state.view.log.pass(position);
            state.caught_up = true;
        });
        self.show(fold);
        self.recent.caught_up(position);
        self.followed.set_live(position, &*self.log);
        if let Some(complete) = fold.complete.take() {
            // Nobody waits for it while the service stops.
            let _stopping = complete.send(());
        }
    }

    /// Makes the folded state what answers are made from.
    fn show(&self, fold: &mut Fold) {
        if !fold.is_shown {
            fold.is_shown = true;
            let folded = std::mem::replace(&mut fold.state, self.service.clone())
                .send_replace(ServiceState::default());
            self.service.send_replace(folded);
        }
    }

    fn interrupt(&self, fold: &mut Fold, interruption: &Interruption) {
        self.followed.set_interrupted(interruption);
        let is_damaged = matches!(interruption.error, Error::Corrupt { .. });
        if is_damaged && !fold.is_shown && !self.service.borrow().caught_up {
            // No more will come before somebody acts: what is folded is what there is to answer from. Nothing
            // is evaluated or sent on it.
            fold.state.send_modify(|state| (state.caught_up, state.is_current) = (true, true));
            self.show(fold);
            self.readiness.set_can_answer();
        }
    }
}

/// Folds an event into the state. The inner error says why it cannot be folded.
async fn fold(
    service: &watch::Sender<ServiceState>,
    event: &Event,
    decoded: Option<AlertEvent>,
) -> Result<Result<(), Error>, Failure> {
    if !decoded.as_ref().is_some_and(must_fold_aside) {
        let mut folded = Ok(());
        service.send_modify(|service| folded = service.fold(event, decoded));
        return Ok(folded);
    }
    let (mut notify, mut delivery) = {
        let service = service.borrow();
        (service.notify.clone(), service.delivery.clone())
    };
    let folded_event = event.clone();
    let folded = run_blocking(move |_| {
        notify.evolve_decoded(&folded_event, decoded.as_ref())?;
        delivery.evolve_decoded(&folded_event, decoded.as_ref())?;
        Ok::<_, Error>((notify, delivery, decoded))
    });
    let (notify, delivery, decoded) = match folded.await? {
        Ok(folded) => folded,
        Err(error) => return Ok(Err(error)),
    };
    let (mut folded, mut before) = (Ok(()), None);
    service.send_modify(|service| {
        let notify = std::mem::replace(&mut service.notify, notify);
        before = Some((notify, std::mem::replace(&mut service.delivery, delivery)));
        folded = service.fold_rules(event, decoded);
    });
    // To free what no copy shares any more may take as long as the fold.
    run_blocking(move |_| drop(before)).await?;
    Ok(folded)
}

/// Whether folding an event looks at all firing alerts, or at all alerts of a group.
fn must_fold_aside(event: &AlertEvent) -> bool {
    match event {
        AlertEvent::SubscriptionPut(_)
        | AlertEvent::SubscriptionRemoved(_)
        | AlertEvent::SilencePut(_)
        | AlertEvent::SilenceEnded(_)
        | AlertEvent::InhibitionPut(_)
        | AlertEvent::InhibitionRemoved(_)
        | AlertEvent::ReceiverPut(_)
        | AlertEvent::ReceiverRemoved(_)
        | AlertEvent::ReceiverDisabled(_)
        | AlertEvent::ReceiverEnabled(_) => true,
        AlertEvent::NotificationPlanned(planned) => {
            planned.notification.as_ref().is_some_and(|message| message.omitted > 0)
        }
        AlertEvent::RulePut(_)
        | AlertEvent::RuleRemoved(_)
        | AlertEvent::RuleSuspended(_)
        | AlertEvent::EvaluationBegun(_)
        | AlertEvent::ExposuresEvaluated(_)
        | AlertEvent::AlertPending(_)
        | AlertEvent::AlertFired(_)
        | AlertEvent::AlertResolved(_)
        | AlertEvent::AlertStale(_)
        | AlertEvent::AlertSeverityChanged(_)
        | AlertEvent::AlertRestated(_)
        | AlertEvent::AlertAcknowledged(_)
        | AlertEvent::AlertUnacknowledged(_)
        | AlertEvent::DeliveryAttempted(_)
        | AlertEvent::DeliverySucceeded(_)
        | AlertEvent::DeliveryFailed(_)
        | AlertEvent::DeliveryGivenUp(_)
        | AlertEvent::DeliveryRequested(_) => false,
    }
}
