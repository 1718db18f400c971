//! Drills: messages as if an alert fired, marked from end to end.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertState, AlertTold, Notification, NotificationReason};
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_runtime::{Class, Failure, Identity};
use uuid::Uuid;

use super::Id;
use super::evolve::{State, message_id};
use super::message::{self, To};
use super::time::timestamp;
use crate::alert::alert_id;
use crate::field::Field;
use crate::tenant::{Scope, same_tenant, tenant_of};

/// Name of the rule of a made alert.
const RULE: &str = "drill";

/// The messages of a drill: to one receiver, or to those of all subscriptions that select the alert and belong to whom the caller
/// may act for.
///
/// # Errors
/// [`Class::Invalid`] for a receiver that there is not or may not see the alert, [`Class::Refused`] if nobody would be told.
pub fn drill(
    state: &State,
    receiver: &str,
    alert: Option<Alert>,
    who: &Identity,
    now: Timestamp,
) -> Result<Vec<Notification>, Failure> {
    let alert = Alert { state: AlertState::Firing.into(), ..alert.unwrap_or_else(made) };
    if !receiver.is_empty() {
        state.receivers.known("receiver", receiver)?;
        if !Scope::SeenBy(tenant_of(receiver).into()).holds_alert(&alert) {
            same_tenant("receiver", &alert.rule, receiver)?;
        }
        let none: Id = "".into();
        let receiver: Id = receiver.into();
        let to = To { subscription: &none, group: &none, receiver: &receiver };
        return Ok(vec![written(state, to, &alert, now)]);
    }
    let listed = state.subscriptions.iter().filter_map(|(id, listed)| Some((id, listed.terms.as_ref()?)));
    let own = listed.filter(|(id, _)| who.may_write(tenant_of(id)));
    let telling = own.filter(|(_, terms)| !terms.is_over(now) && terms.select.matches(&alert));
    let messages: Vec<Notification> = telling
        .map(|(id, terms)| {
            let group: Id = Field::key(&terms.group_by, &alert).into();
            let to = To { subscription: id, group: &group, receiver: &terms.receiver };
            written(state, to, &alert, now)
        })
        .collect();
    if messages.is_empty() {
        let nobody = Failure::new(Class::Refused, "nobody", "no subscription selects the alert of the drill");
        return Err(nobody.at("alert", &alert.id).with_hint("name a receiver, or another alert"));
    }
    Ok(messages)
}

fn written(state: &State, to: To<'_>, alert: &Alert, now: Timestamp) -> Notification {
    let empty = message::write(state, to, NotificationReason::Drill, Vec::new(), now);
    let id = message_id(&empty);
    let told = AlertTold {
        alert: Some(alert.clone()),
        event_id: Uuid::new_v5(&id, alert.id.as_bytes()).to_string(),
        time: Some(timestamp(now)),
        ..AlertTold::default()
    };
    Notification { alerts: vec![told], firing: 1, drill: true, ..empty }
}

/// An alert that nothing stands behind.
fn made() -> Alert {
    let subject = Subject {
        consumer: "WLD".to_owned(),
        supplier: "CHN".to_owned(),
        material: "rare-earths".to_owned(),
        stage: "refined".to_owned(),
        measure: "production-share/1".to_owned(),
        by: By::Quantity.into(),
    };
    let id = alert_id(RULE, &subject);
    let estimate = Estimate { value: Some(0.9), status: Status::Known.into(), ..Estimate::default() };
    Alert {
        episode: format!("{id}@drill"),
        id,
        rule: RULE.to_owned(),
        rule_revision: 1,
        title: "Drill: nothing has happened".to_owned(),
        subject: Some(subject),
        severity: crate::episode::DEFAULT_SEVERITY.to_owned(),
        estimate: Some(estimate),
        line: 0.65,
        above: true,
        margin: Some(0.25),
        text: "This is an exercise. Whoever reads this is reached by alerts.".to_owned(),
        ..Alert::default()
    }
}
