//! Explains an alert: its rule, its acknowledgement, and what each subscription does about it.
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    Alert, AlertEvent, ExplainAlertResponse, RulePut, SubscriptionTelling, Telling,
};
use orewatch_contracts::time::{instant, timestamp};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Filter as Streams, history};
use orewatch_rules::facts::rule_stream;
use orewatch_rules::tenant::tenant_of;
use orewatch_runtime::Identity;

use super::time::format_time;
use super::why::explain_subscriptions;
use crate::blocking::compute_answer;
use crate::delivery::DelivererState;
use crate::delivery::grpc::delivery_info;
use crate::delivery::message::{MessageRecord, MessageStatus};
use crate::service_state::{RulesView, StateCopy};

/// Messages that are listed with a subscription.
const MAX_MESSAGES: usize = 20;
/// Time to read the revisions of a rule.
const RULE_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// An alert with its newest figures.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub(crate) fn find_alert(view: &RulesView, id: &str) -> Result<Alert, Failure> {
    find_recorded(view, id).map(|alert| view.evaluated.show(alert))
}

/// An alert as its last transition recorded it.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub(crate) fn find_recorded<'a>(view: &'a RulesView, id: &str) -> Result<&'a Alert, Failure> {
    let alert = view.rules().alerts().get(id).and_then(|record| record.alert.as_deref());
    alert.ok_or_else(|| crate::grpc::unknown_alert(id))
}

/// Explains an alert, and for each subscription that the caller may see why its receiver was notified or not.
///
/// # Errors
/// [`Class::NotFound`] for an unknown alert, and those of the log.
pub(crate) async fn explain(
    log: &dyn EventLog,
    state: StateCopy,
    who: Arc<Identity>,
    id: &str,
    now: Timestamp,
) -> Result<ExplainAlertResponse, Failure> {
    let wanted = id.to_owned();
    let explained = compute_answer(move || {
        let alert = find_alert(&state.view, &wanted)?;
        let acknowledged =
            state.notify.acknowledgement(&wanted).and_then(|record| record.current(now)).cloned();
        let mut tellings = explain_subscriptions(&state.notify, &alert, now);
        tellings.retain(|telling| who.may_read(tenant_of(&telling.subscription)));
        tellings.iter_mut().for_each(|telling| add_messages(telling, &state.delivery, &wanted));
        Ok((alert, acknowledged, tellings))
    });
    let (alert, acknowledgement, tellings) = explained.await?;
    let revision =
        tokio::time::timeout(RULE_READ_TIMEOUT, read_revision(log, &alert)).await.map_err(|_| {
            let message =
                format!("the revisions of the rule were not read within {} s", RULE_READ_TIMEOUT.as_secs());
            Failure::new(Class::Unavailable, "log-slow", message)
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

/// The revision of the rule that the alert is of, and when it was put.
async fn read_revision(log: &dyn EventLog, alert: &Alert) -> Result<Option<(RulePut, Timestamp)>, Failure> {
    let Ok(stream) = rule_stream(&alert.rule) else { return Ok(None) };
    let mut events = history(log, Streams::Under(stream), 0);
    while let Some(event) = events.try_next().await? {
        if let Some(AlertEvent::RulePut(put)) = AlertEvent::read(&event)?
            && put.revision == alert.rule_revision
        {
            return Ok(Some((put, event.time)));
        }
    }
    Ok(None)
}

/// Adds the messages of a subscription about an alert. If there is nothing more to say, the last of them is
/// why.
fn add_messages(telling: &mut SubscriptionTelling, deliveries: &DelivererState, alert: &str) {
    let is_about = |message: &&MessageRecord| {
        let mut told = message.outline.alerts.iter().filter_map(|told| told.alert.as_ref());
        message.outline.subscription == telling.subscription && told.any(|told| told.id == alert)
    };
    let mut messages: Vec<&MessageRecord> =
        deliveries.messages().rev().filter(is_about).take(MAX_MESSAGES).collect();
    messages.reverse();
    if telling.telling() == Telling::NothingToTell
        && let Some(last) = messages.last()
    {
        let planned = last.outline.planned_at.as_ref().and_then(instant);
        let status = match last.status {
            MessageStatus::Delivered => Telling::Told,
            MessageStatus::Waiting { .. } => Telling::UnderWay,
            MessageStatus::GivenUp(_) => Telling::GivenUp,
        };
        telling.telling = status.into();
        telling.by.clone_from(&last.outline.id);
        telling.time = planned.map(timestamp);
        let when = planned.map(format_time).unwrap_or_default();
        telling.text = format!("The last message about the alert was planned at {when}.");
    }
    telling.deliveries = messages.into_iter().map(delivery_info).collect();
}
