//! Transitions of alerts as a stream.
//!
//! [`selection`] decides which events a subscription is sent, [`cursor`] which message follows; both are
//! pure. Each subscription has a task ([`subscriber`]) that reads for it: the newest events from memory,
//! where they are kept once for all ([`recent`]), older ones from the log. Between the task and the
//! connection is a bounded [`queue`]: a slow subscriber delays nobody, and one that does not read is ended
//! with a token where it stopped.
mod cursor;
mod queue;
mod recent;
mod selection;
mod subscriber;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, SubscribeAlertsResponse};
use orewatch_eventlog::{EventLog, Position};
use orewatch_runtime::{Context, Permit};
use tonic::Status;

use crate::evaluated::Evaluated;
use cursor::Cursor;
pub(crate) use recent::{RecentEvents, StreamEvent, transition};
pub(crate) use selection::Selection;
use subscriber::Subscriber;

/// The messages to a subscriber.
pub(crate) type Responses = BoxStream<'static, Result<SubscribeAlertsResponse, Status>>;

/// The alerts that a subscription begins with.
#[derive(Debug)]
pub(crate) struct AlertSnapshot {
    /// The alerts, by identifier, as their last transitions recorded them.
    pub(crate) alerts: Vec<Arc<Alert>>,
    /// The figures that they are shown with.
    pub(crate) evaluated: Evaluated,
    /// When it was taken.
    pub(crate) taken_at: Timestamp,
    /// The number of snapshots at a time is bounded: the permit of this one.
    pub(crate) permit: Permit,
}

/// What a subscription selects, and where it begins.
#[derive(Debug)]
pub(crate) struct SubscriptionStart {
    /// The events that it is sent.
    pub(crate) selection: Selection,
    /// Position after which transitions are sent.
    pub(crate) after: Position,
    /// The alerts that are sent before them.
    pub(crate) snapshot: Option<AlertSnapshot>,
    /// Time without a message after which a heartbeat is sent.
    pub(crate) heartbeat: Duration,
    /// The number of subscriptions at a time is bounded: the permit of this one.
    pub(crate) permit: Permit,
}

/// Starts a subscription. Its task ends when the subscriber disconnects, after an error, or when the service
/// stops.
pub(crate) fn start(
    start: SubscriptionStart,
    log: &Arc<dyn EventLog>,
    recent: &Arc<RecentEvents>,
    context: &Context,
) -> Responses {
    let SubscriptionStart { selection, after, snapshot, heartbeat, permit } = start;
    let cursor = Cursor::new(selection, after);
    let token = if snapshot.is_some() { String::new() } else { cursor.token() };
    let (sender, messages) = queue::queue(token, queue::STALL_TIMEOUT);
    let subscriber =
        Subscriber::new(cursor, sender, Arc::clone(log), Arc::clone(recent), heartbeat, context.clone());
    context.tasks.spawn(async move {
        subscriber.run(snapshot).await;
        drop(permit);
    });
    messages.boxed()
}
