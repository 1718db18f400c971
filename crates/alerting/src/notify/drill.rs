//! Drills: messages as if an alert fired, marked as drills on their whole way.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertState, AlertTold, Notification, NotificationReason};
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::alert::alert_id;
use orewatch_rules::field::Field;
use orewatch_rules::tenant::{Scope, same_tenant, tenant_of};
use orewatch_runtime::Identity;
use uuid::Uuid;

use super::Id;
use super::message::{Destination, message_id, write};
use super::state::NotifierState;

/// Rule of the alert that a drill makes up.
const DRILL_RULE: &str = "drill";

/// Plans the messages of a drill: to one receiver, or to those of all subscriptions that select the alert and
/// belong to tenants that the caller may act for.
///
/// # Errors
/// [`Class::Invalid`] for a receiver that does not exist or may not see the alert, [`Class::Refused`] if no
/// receiver would be notified.
pub fn plan_drill(
    state: &NotifierState,
    receiver: &str,
    alert: Option<Alert>,
    who: &Identity,
    now: Timestamp,
) -> Result<Vec<Notification>, Failure> {
    let alert = Alert { state: AlertState::Firing.into(), ..alert.unwrap_or_else(made_up_alert) };
    if !receiver.is_empty() {
        state.receivers().check_exists("receiver", receiver)?;
        if !Scope::VisibleTo(tenant_of(receiver).into()).holds_alert(&alert) {
            same_tenant("receiver", &alert.rule, receiver)?;
        }
        let none: Id = "".into();
        let receiver: Id = receiver.into();
        let to = Destination { subscription: &none, group: &none, receiver: &receiver };
        return Ok(vec![message(state, to, &alert, now)]);
    }
    let routes = state.subscriptions().iter().filter_map(|(id, record)| Some((id, record.route.as_ref()?)));
    let own = routes.filter(|(id, _)| who.may_write(tenant_of(id)));
    let selecting = own.filter(|(_, route)| !route.is_expired(now) && route.select.matches(&alert));
    let messages: Vec<Notification> = selecting
        .map(|(id, route)| {
            let group: Id = Field::group_key(&route.group_by, &alert).into();
            let to = Destination { subscription: id, group: &group, receiver: &route.receiver };
            message(state, to, &alert, now)
        })
        .collect();
    if messages.is_empty() {
        let refused =
            Failure::new(Class::Refused, "no-recipient", "no subscription selects the alert of the drill");
        return Err(refused.at("alert", &alert.id).with_hint("name a receiver, or another alert"));
    }
    Ok(messages)
}

fn message(state: &NotifierState, to: Destination<'_>, alert: &Alert, now: Timestamp) -> Notification {
    let empty = write(state, to, NotificationReason::Drill, Vec::new(), now);
    let id = message_id(&empty);
    let told = AlertTold {
        alert: Some(alert.clone()),
        event_id: Uuid::new_v5(&id, alert.id.as_bytes()).to_string(),
        time: Some(timestamp(now)),
        ..AlertTold::default()
    };
    Notification { alerts: vec![told], firing: 1, drill: true, ..empty }
}

/// The alert of a drill that names none.
fn made_up_alert() -> Alert {
    let subject = Subject {
        consumer: "WLD".to_owned(),
        supplier: "CHN".to_owned(),
        material: "rare-earths".to_owned(),
        stage: "refined".to_owned(),
        measure: "production-share/1".to_owned(),
        by: By::Quantity.into(),
    };
    let id = alert_id(DRILL_RULE, &subject);
    let estimate = Estimate { value: Some(0.9), status: Status::Known.into(), ..Estimate::default() };
    Alert {
        episode: format!("{id}@drill"),
        id,
        rule: DRILL_RULE.to_owned(),
        rule_revision: 1,
        title: "Drill: nothing has happened".to_owned(),
        subject: Some(subject),
        severity: orewatch_rules::episode::DEFAULT_SEVERITY.to_owned(),
        estimate: Some(estimate),
        line: 0.65,
        above: true,
        margin: Some(0.25),
        text: "This is a drill. If you read this, alerts reach you.".to_owned(),
        ..Alert::default()
    }
}
