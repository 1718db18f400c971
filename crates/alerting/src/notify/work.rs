//! The worker that puts messages on the log when they are due.
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Notification, NotificationPlanned};
use orewatch_eventlog::{EventLog, Position};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::watch;

use super::{plan, wake};
use crate::append::{append, unnameable};
use crate::aside::aside;
use crate::book::{Book, Latest, see};
use crate::facts::{Fact, notification_stream};

/// How many messages are put on the log at a time.
const AT_A_TIME: usize = 16;

/// Puts messages on the log when they are due.
#[derive(Debug)]
pub(crate) struct Teller {
    /// The process.
    pub(crate) context: Context,
    /// The log.
    pub(crate) alerts: Arc<dyn EventLog>,
    /// What is known.
    pub(crate) book: watch::Receiver<Book>,
    /// Whether everything that was there before the service started has been evaluated. Until then alerts may fire that are
    /// long over.
    pub(crate) ready: watch::Receiver<bool>,
}

impl Teller {
    /// Tells until the process stops.
    ///
    /// # Errors
    /// Those of the log, once its adapter has given up.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let shutdown = self.context.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            // Whoever it listens to may have gone a moment before.
            result = self.tell_forever() => if shutdown.is_cancelled() { Ok(()) } else { result },
        }
    }

    async fn tell_forever(mut self) -> Result<(), Failure> {
        self.ready.wait_for(|ready| *ready).await.map_err(|_| stopping())?;
        let mut changes = self.book.clone();
        let (mut before, mut refusals) = (BTreeSet::new(), 0);
        loop {
            let now = self.context.clock.now();
            let (due, next, refused, latest) = {
                let book = changes.borrow_and_update();
                // Messages carry the newest figures: those that the log says were evaluated last, whichever replica did it.
                let latest = book.settled().cloned();
                let due = if latest.is_some() { plan(&book.notify, now) } else { Vec::new() };
                (due, wake(&book.notify, now), book.notify.refusals(), latest.unwrap_or_default())
            };
            if refused > refusals {
                tracing::warn!(
                    alerts = refused - refusals,
                    "alerts wait: a subscription has as many groups as it may"
                );
                refusals = refused;
            }
            if due.is_empty() {
                tokio::select! {
                    changed = changes.changed() => changed.map_err(|_| stopping())?,
                    () = self.until(next) => {}
                }
            } else {
                // What alerts are shown with is judged, which may take long.
                let due = aside(move |_| with_newest(due, &latest)).await?;
                before = self.record(due, &before).await?;
            }
        }
    }

    async fn until(&self, next: Option<Timestamp>) {
        match next {
            Some(next) => self.context.clock.until(next).await,
            None => std::future::pending().await,
        }
    }

    /// Puts messages on the log, and waits until they are folded. Where another replica was faster, its message stands.
    async fn record(
        &mut self,
        due: Vec<Notification>,
        before: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let ids: BTreeSet<String> = due.iter().map(|notification| notification.id.clone()).collect();
        if let Some(again) = ids.intersection(before).next() {
            let message = format!("message {again} is on the log and still due");
            return Err(Failure::internal(message));
        }
        let teller = &*self;
        let mut outcomes =
            stream::iter(due).map(|notification| teller.append(notification)).buffer_unordered(AT_A_TIME);
        let mut last = 0;
        while let Some(outcome) = outcomes.next().await {
            last = last.max(outcome?);
        }
        drop(outcomes);
        see(&mut self.book, last).await?;
        Ok(ids)
    }

    async fn append(&self, notification: Notification) -> Result<Position, Failure> {
        put(&*self.alerts, notification, self.context.clock.now()).await.map(|outcome| match outcome {
            Ok(position) | Err(position) => position,
        })
    }
}

/// Messages with the newest figures of the alerts that they tell of, beside those of their last transitions.
fn with_newest(mut due: Vec<Notification>, latest: &Latest) -> Vec<Notification> {
    let told = due.iter_mut().flat_map(|notification| &mut notification.alerts);
    for alert in told.filter_map(|told| told.alert.as_mut()) {
        *alert = latest.standing(alert);
    }
    due
}

/// Puts a message on the log. Gives its position, or as an error that of another one which is there in its place.
///
/// # Errors
/// Those of the log.
pub(crate) async fn put(
    log: &dyn EventLog,
    notification: Notification,
    now: Timestamp,
) -> Result<Result<Position, Position>, Failure> {
    let stream =
        notification_stream(&notification.receiver, &notification.id).map_err(|error| unnameable(&error))?;
    tracing::info!(
        receiver = notification.receiver,
        subscription = notification.subscription,
        group = notification.group,
        reason = notification.reason().as_str_name(),
        alerts = notification.alerts.len(),
        "a message is planned"
    );
    let id = notification.id.clone();
    let planned = NotificationPlanned { notification: Some(notification) };
    let event = Fact::Planned(planned).into_event(&stream, &id, now);
    append(log, &stream, 0, vec![event]).await
}

fn stopping() -> Failure {
    Failure::new(Class::Unavailable, "shutting-down", "the alerting service is stopping")
}
