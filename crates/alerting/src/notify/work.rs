//! The worker that plans messages when they are due, and appends them.
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{AlertEvent, Notification, NotificationPlanned};
use orewatch_eventlog::{EventLog, Position};
use orewatch_rules::facts::{alert_event, notification_stream};
use orewatch_runtime::{Clock, Context, trace};
use tokio::sync::watch;
use tracing::Instrument as _;

use super::plan::{is_due, next_due, plan};
use crate::append::{append, invalid_stream};
use crate::blocking::run_blocking;
use crate::evaluated::Evaluated;
use crate::service_state::{ServiceState, stopping, wait_until_folded};
use crate::turns::Turns;

/// Messages that are appended at a time.
const MAX_CONCURRENT_APPENDS: usize = 16;

/// Plans messages when they are due, and appends them.
#[derive(Clone, Debug)]
pub(crate) struct Notifier {
    /// The process.
    pub(crate) context: Context,
    /// The alerts log.
    pub(crate) log: Arc<dyn EventLog>,
    /// The state of the service.
    pub(crate) service: watch::Receiver<ServiceState>,
    /// Whether everything that was on the logs when the service started has been evaluated. Until then alerts
    /// may fire that have long been resolved.
    pub(crate) is_evaluated: watch::Receiver<bool>,
    /// Whose turn it is, where replicas share the work.
    pub(crate) turns: Turns,
}

impl Notifier {
    /// Plans until the process stops.
    ///
    /// # Errors
    /// Those of the log, once there is no point in waiting any longer.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let shutdown = self.context.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            // While the process stops, other tasks end first and calls to them fail.
            result = self.plan_forever() => if shutdown.is_cancelled() { Ok(()) } else { result },
        }
    }

    async fn plan_forever(mut self) -> Result<(), Failure> {
        self.is_evaluated.wait_for(|is_evaluated| *is_evaluated).await.map_err(|_| stopping())?;
        let mut changes = self.service.clone();
        let (mut before, mut refusals) = (BTreeSet::new(), 0);
        loop {
            let now = self.context.clock.now();
            let (state, refused) = {
                let service = changes.borrow_and_update();
                // Messages have the newest figures: those of the last evaluation on the log, whichever
                // replica made it.
                let evaluated = service.settled().filter(|_| is_due(&service.notify, now)).cloned();
                // What is due waits for the figures of another replica: a change of the state says when.
                let is_ahead = |next: &Timestamp| !self.turns.are_shared() || *next > now;
                let state = match evaluated {
                    Some(evaluated) => Ok((service.notify.clone(), evaluated)),
                    None => Err(next_due(&service.notify, now).filter(is_ahead)),
                };
                (state, service.notify.refusals())
            };
            // Planning looks at all alerts of a group, and their newest figures are evaluated: both may take
            // long.
            let (mut due, next) = match state {
                Ok((state, evaluated)) => {
                    run_blocking(move |_| {
                        (with_newest_figures(plan(&state, now), &evaluated), next_due(&state, now))
                    })
                    .await?
                }
                Err(next) => (Vec::new(), next),
            };
            let all_due: BTreeSet<String> = due.iter().map(|notification| notification.id.clone()).collect();
            self.turns.keep(&all_due);
            due.retain(|notification| self.turns.is_own(&notification.subscription, &notification.id));
            let next = next.filter(|_| all_due.is_empty());
            if refused > refusals {
                tracing::warn!(
                    alerts = refused - refusals,
                    "alerts wait because a subscription has as many groups as it may have"
                );
                refusals = refused;
            }
            if due.is_empty() {
                let (clock, turns) = (&self.context.clock, &mut self.turns);
                tokio::select! {
                    changed = changes.changed() => changed.map_err(|_| stopping())?,
                    () = sleep_until(&**clock, next) => {}
                    () = turns.changed() => {}
                }
            } else {
                before = self.append_all(due, &before).await?;
            }
        }
    }

    /// Appends messages and waits until they are folded. If another replica has appended the same message,
    /// that one counts. `before` are the messages of the last plan: none of them may be due again.
    async fn append_all(
        &mut self,
        due: Vec<Notification>,
        before: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let ids: BTreeSet<String> = due.iter().map(|notification| notification.id.clone()).collect();
        if let Some(again) = ids.intersection(before).next() {
            let message = format!("message {again} has been appended and is still due");
            return Err(Failure::internal(message));
        }
        let notifier = &*self;
        let mut outcomes = stream::iter(due)
            .map(|notification| notifier.append(notification))
            .buffer_unordered(MAX_CONCURRENT_APPENDS);
        let mut last = 0;
        while let Some(outcome) = outcomes.next().await {
            last = last.max(outcome?);
        }
        drop(outcomes);
        wait_until_folded(&mut self.service, last).await?;
        Ok(ids)
    }

    async fn append(&self, notification: Notification) -> Result<Position, Failure> {
        let span = tracing::info_span!("notify", notification = notification.id);
        {
            let service = self.service.borrow();
            let alerts = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
            trace::link_to_causes(&span, alerts.filter_map(|alert| service.causes.of_alert(&alert.id)));
        }
        let now = self.context.clock.now();
        let appended = append_message(&*self.log, notification, String::new(), now).instrument(span).await?;
        let (Ok(position) | Err(position)) = appended;
        Ok(position)
    }
}

async fn sleep_until(clock: &dyn Clock, next: Option<Timestamp>) {
    match next {
        Some(next) => clock.sleep_until(next).await,
        None => std::future::pending().await,
    }
}

/// Adds the newest figures of the listed alerts, beside those of their last transitions.
fn with_newest_figures(mut due: Vec<Notification>, evaluated: &Evaluated) -> Vec<Notification> {
    let told = due.iter_mut().flat_map(|notification| &mut notification.alerts);
    for alert in told.filter_map(|told| told.alert.as_mut()) {
        *alert = evaluated.show(alert);
    }
    due
}

/// Appends a message. `actor` asked for it, if it is a drill. Returns its position; the inner error is the
/// position of another message in its place.
///
/// # Errors
/// Those of the log.
pub(crate) async fn append_message(
    log: &dyn EventLog,
    notification: Notification,
    actor: String,
    now: Timestamp,
) -> Result<Result<Position, Position>, Failure> {
    let stream = notification_stream(&notification.receiver, &notification.id)
        .map_err(|error| invalid_stream(&error))?;
    tracing::info!(
        receiver = notification.receiver,
        subscription = notification.subscription,
        group = notification.group,
        reason = notification.reason().as_str_name(),
        alerts = notification.alerts.len(),
        "a message is planned"
    );
    let id = notification.id.clone();
    let planned = NotificationPlanned { notification: Some(notification), actor };
    let event = alert_event(AlertEvent::NotificationPlanned(planned), &stream, &id, now);
    append(log, &stream, 0, vec![event]).await
}
