//! Why an alert is as it is, put together from all that is known.
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, ExplainAlertResponse, RulePut, SubscriptionTelling, Telling};
use orewatch_eventlog::{EventLog, Filter as Streams, Item};
use orewatch_runtime::{Class, Failure, Identity};
use tokio::sync::watch;

use super::time::{shown, timestamp};
use super::why::tellings;
use crate::book::Book;
use crate::delivery::delivery;
use crate::delivery::evolve::{Message, Place};
use crate::facts::{Fact, rule_stream};
use crate::tenant::tenant_of;

/// Most messages that are told with a subscription.
const MOST_MESSAGES: usize = 20;
/// How long the revisions of a rule may take to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// An alert as it stands.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub(crate) fn alert_of(book: &Book, id: &str) -> Result<Alert, Failure> {
    let alert = book.state().alerts().get(id).and_then(|record| record.alert.as_ref());
    alert.map(|alert| book.standing(alert)).ok_or_else(|| crate::grpc::unknown_alert(id))
}

/// Why an alert is as it is, and why each receiver was told or not, of those that the caller may see.
///
/// # Errors
/// [`Class::NotFound`] for an alert that there is not, and those of the log.
pub(crate) async fn explain(
    log: &dyn EventLog,
    book: &watch::Receiver<Book>,
    who: &Identity,
    id: &str,
    now: Timestamp,
) -> Result<ExplainAlertResponse, Failure> {
    let (alert, acknowledgement, tellings) = {
        let book = book.borrow();
        let alert = alert_of(&book, id)?;
        let acknowledged = book.notify.acknowledged(id).and_then(|record| record.standing(now)).cloned();
        let mut tellings = tellings(&book.notify, &alert, now);
        tellings.retain(|telling| who.may_read(tenant_of(&telling.subscription)));
        tellings.iter_mut().for_each(|telling| add_messages(telling, &book, id));
        (alert, acknowledged, tellings)
    };
    let revision = tokio::time::timeout(PATIENCE, revision(log, &alert)).await.map_err(|_| {
        let message = format!("the revisions of the rule were not read within {} s", PATIENCE.as_secs());
        Failure::new(Class::Unavailable, "alerts-log-slow", message)
    })??;
    let (put, time) = revision.unzip();
    let put = put.unwrap_or_default();
    Ok(ExplainAlertResponse {
        rule_revision: alert.rule_revision,
        alert: Some(alert),
        rule: put.rule,
        rule_actor: put.actor,
        rule_put_at: time.map(timestamp),
        acknowledgement,
        tellings,
    })
}

/// The revision of the rule that decided, and when it was put.
async fn revision(log: &dyn EventLog, alert: &Alert) -> Result<Option<(RulePut, Timestamp)>, Failure> {
    let Ok(stream) = rule_stream(&alert.rule) else { return Ok(None) };
    let mut items = log.read(Streams::Under(stream), 0);
    while let Some(item) = items.next().await {
        let event = match item? {
            Item::Event(event) => event,
            Item::CaughtUp(_) => break,
        };
        if let Some(Fact::RulePut(put)) = Fact::read(&event)?
            && put.revision == alert.rule_revision
        {
            return Ok(Some((put, event.time)));
        }
    }
    Ok(None)
}

/// Adds what was sent; a receiver that knows that the alert is over was told so by its last message.
fn add_messages(telling: &mut SubscriptionTelling, book: &Book, alert: &str) {
    let about = |message: &&Message| {
        let mut told = message.outline.alerts.iter().filter_map(|told| told.alert.as_ref());
        message.outline.subscription == telling.subscription && told.any(|told| told.id == alert)
    };
    let mut messages: Vec<&Message> =
        book.delivery.messages().rev().filter(about).take(MOST_MESSAGES).collect();
    messages.reverse();
    if telling.telling() == Telling::NothingToTell
        && let Some(last) = messages.last()
    {
        let planned = last.outline.planned_at.as_ref().and_then(super::time::instant);
        let told = match last.place {
            Place::Delivered => Telling::Told,
            Place::Waiting { .. } => Telling::UnderWay,
            Place::GivenUp(_) => Telling::GivenUp,
        };
        telling.telling = told.into();
        telling.by.clone_from(&last.outline.id);
        telling.time = planned.map(timestamp);
        let when = planned.map(shown).unwrap_or_default();
        telling.text = format!("The last message about it is that of {when}.");
    }
    telling.deliveries = messages.into_iter().map(delivery).collect();
}
