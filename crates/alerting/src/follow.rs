//! Follows the alerts log: each event is decoded once and then folded into everything that rests on it.
//!
//! The state is behind a lock that answers take for a moment. Most events fold in microseconds, under that
//! lock. An event that may concern all firing alerts, such as a new silence, is folded into a copy on a
//! thread for such work ([`must_fold_aside`]); the copy then takes the state's place.
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_eventlog::{Error, Event, EventLog, Filter, Follower, Progress};
use orewatch_runtime::Context;
use tokio::sync::watch;

use crate::blocking::run_blocking;
use crate::health::ServingHealth;
use crate::service_state::ServiceState;
use crate::subscribe::{RecentEvents, StreamEvent};

/// Folds the alerts log into the state of the service, and keeps its newest events for subscribers, until the
/// process stops. While the log cannot be read the service is not serving.
///
/// # Errors
/// Those of the log, once there is no point in waiting any longer, and events that cannot be decoded.
pub(crate) async fn follow(
    log: Arc<dyn EventLog>,
    service: watch::Sender<ServiceState>,
    recent: Arc<RecentEvents>,
    health: Arc<ServingHealth>,
    context: Context,
) -> Result<(), Failure> {
    let after = service.borrow().view.log.position();
    let mut follower = Follower::new(log, Filter::All, after);
    loop {
        let progress = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            progress = follower.next() => progress?,
        };
        match progress {
            Progress::Event(event) => {
                let decoded = AlertEvent::read(&event)?;
                let stream_event = StreamEvent::from_decoded(&event, decoded.clone());
                let stream_event = stream_event.with_alert_before(service.borrow().rules());
                fold(&service, &event, decoded).await?;
                // Subscribers hear of it only now, so that answers to them already reflect it.
                recent.push(stream_event, event.data.len());
            }
            Progress::CaughtUp(position) => {
                service.send_modify(|service| {
                    service.view.log.pass(position);
                    service.caught_up = true;
                });
                recent.caught_up(position);
                health.set_interrupted(false).await;
            }
            Progress::Interrupted => health.set_interrupted(true).await,
        }
    }
}

/// Folds an event into the state.
async fn fold(
    service: &watch::Sender<ServiceState>,
    event: &Event,
    decoded: Option<AlertEvent>,
) -> Result<(), Failure> {
    if !decoded.as_ref().is_some_and(must_fold_aside) {
        let mut folded = Ok(());
        service.send_modify(|service| folded = service.fold(event, decoded));
        return Ok(folded?);
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
    let (notify, delivery, decoded) = folded.await??;
    let (mut folded, mut before) = (Ok(()), None);
    service.send_modify(|service| {
        let notify = std::mem::replace(&mut service.notify, notify);
        before = Some((notify, std::mem::replace(&mut service.delivery, delivery)));
        folded = service.fold_rules(event, decoded);
    });
    // To free what no copy shares any more may take as long as the fold.
    run_blocking(move |_| drop(before)).await?;
    Ok(folded?)
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
