//! Transitions of alerts as a stream.
//!
//! Nothing is queued for a subscriber: the log is read as fast as the messages are taken, so that one who is slow holds up
//! nobody and costs one reader's buffer.
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{AlertTransition, CaughtUp, Checkpoint, SubscribeAlertsResponse};
use orewatch_eventlog::{Event, Item, Items, Position};
use orewatch_runtime::{Class, Failure};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::alert::alert_of;
use crate::facts::Fact;
use crate::filter::Filter;
use crate::token;

/// After how many events that do not match a checkpoint is due.
const SKIPPED: u32 = 500;

/// What a subscriber is sent.
pub(crate) type Responses = BoxStream<'static, Result<SubscribeAlertsResponse, Status>>;

struct Subscription {
    items: Items,
    filter: Filter,
    shutdown: CancellationToken,
    skipped: u32,
    is_live: bool,
}

/// The responses to a subscription: one for each transition that matches, one whenever the present is reached, and
/// checkpoints where nothing matched. It ends after an error, and when the service stops.
pub(crate) fn responses(items: Items, filter: Filter, shutdown: CancellationToken) -> Responses {
    let subscription = Subscription { items, filter, shutdown, skipped: 0, is_live: false };
    let responses = stream::unfold(Some(subscription), |subscription| async {
        let mut subscription = subscription?;
        match subscription.next().await {
            Ok(response) => Some((Ok(response), Some(subscription))),
            Err(failure) => Some((Err(failure.into()), None)),
        }
    });
    responses.boxed()
}

impl Subscription {
    async fn next(&mut self) -> Result<SubscribeAlertsResponse, Failure> {
        loop {
            let item = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(stopping()),
                item = self.items.next() => item.ok_or_else(stopping)??,
            };
            if let Some((position, message)) = self.message(item)? {
                self.skipped = 0;
                let resume_token = token::resume(position);
                return Ok(SubscribeAlertsResponse { resume_token, message: Some(message) });
            }
        }
    }

    fn message(&mut self, item: Item) -> Result<Option<(Position, Message)>, Failure> {
        let event = match item {
            Item::Event(event) => event,
            Item::CaughtUp(position) => {
                self.is_live = true;
                return Ok(Some((position, Message::CaughtUp(CaughtUp {}))));
            }
        };
        let fact = Fact::read(&event)?;
        let ends_evaluation = matches!(fact, Some(Fact::Evaluated(_)));
        if let Some(transition) = fact.and_then(|fact| transition(&event, fact))
            && self.wants(&transition)
        {
            return Ok(Some((event.position, Message::Transition(transition))));
        }
        self.skipped += 1;
        let is_due = self.skipped >= SKIPPED || (self.is_live && ends_evaluation);
        Ok(is_due.then_some((event.position, Message::Checkpoint(Checkpoint {}))))
    }

    fn wants(&self, transition: &AlertTransition) -> bool {
        let alert = transition.event.as_ref().and_then(alert_of);
        alert.is_some_and(|alert| self.filter.matches(alert))
    }
}

/// The transition that an event records, if it records one.
pub(crate) fn transition(event: &Event, fact: Fact) -> Option<AlertTransition> {
    let Fact::Alert(transition) = fact else { return None };
    Some(AlertTransition {
        event_id: event.id.to_string(),
        time: Some(timestamp(event.time)),
        event: Some(transition),
    })
}

/// An instant as the contracts write it.
pub(crate) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

fn stopping() -> Failure {
    Failure::new(Class::Unavailable, "shutting-down", "the alerting service is stopping")
        .with_hint("subscribe again with the last resume token")
}
