//! Questions about notifications: receivers, subscriptions, silences, inhibitions, acknowledgements, messages
//! with their attempts, and what each subscription does about each open alert.
use orewatch_contracts::alerting::v1::{
    Acknowledgement, AlertHold, AlertState, Delivery, DeliveryAttempt, ExplainAlertRequest,
    ListDeliveriesRequest, ListHoldsRequest, ListInhibitionsRequest, ListReceiversRequest,
    ListSilencesRequest, ListSubscriptionsRequest, Notification,
};
use tonic::Status;

use super::Clients;
use crate::recorded::answers::{Answers, Section, add_row};
use crate::recorded::compare::{COUNTS, DELIVERIES, HOLDS, TELLINGS};
use crate::recorded::rows::{time, word};

/// Number of messages on a page.
const PAGE_SIZE: u32 = 500;

/// Adds the sections of notifications.
pub(super) async fn ask(clients: &Clients, into: &mut Answers) -> Result<(), Status> {
    let mut counts = Section::new();
    into.add("receivers", receivers(clients, &mut counts).await?);
    into.add("subscriptions", subscriptions(clients, &mut counts).await?);
    into.add("silences", silences(clients, &mut counts).await?);
    into.add("inhibitions", inhibitions(clients, &mut counts).await?);
    into.add(COUNTS, counts);
    into.add(DELIVERIES, deliveries(clients).await?);
    let open = open_alerts(clients).await?;
    into.add(HOLDS, holds(clients, &open).await?);
    into.add(TELLINGS, tellings(clients, &open).await?);
    Ok(())
}

async fn receivers(clients: &Clients, counts: &mut Section) -> Result<Section, Status> {
    let answer = clients.delivery.clone().list_receivers(ListReceiversRequest {}).await?.into_inner();
    let mut section = Section::new();
    for info in answer.receivers {
        let id = info.receiver.unwrap_or_default().id;
        let row = format!("{} {} {}", info.revision, time(info.put_at), time(info.disabled_at));
        let count =
            format!("{} {} {} {}", info.waiting, info.delivered, info.given_up, time(info.failing_since));
        add_row(counts, format!("receiver {id}"), count);
        add_row(&mut section, id, row);
    }
    Ok(section)
}

async fn subscriptions(clients: &Clients, counts: &mut Section) -> Result<Section, Status> {
    let request = ListSubscriptionsRequest::default();
    let answer = clients.notification.clone().list_subscriptions(request).await?.into_inner();
    let mut section = Section::new();
    for info in answer.subscriptions {
        let subscription = info.subscription.unwrap_or_default();
        let (id, receiver, owner) = (subscription.id, subscription.receiver, subscription.owner);
        let row =
            format!("{} {} {receiver} {} {}", info.revision, time(info.put_at), word(&owner), info.expired);
        add_row(counts, format!("subscription {id}"), format!("{} {}", info.firing, info.without_group));
        add_row(&mut section, id, row);
    }
    Ok(section)
}

async fn silences(clients: &Clients, counts: &mut Section) -> Result<Section, Status> {
    let request = ListSilencesRequest { also_over: true };
    let answer = clients.notification.clone().list_silences(request).await?.into_inner();
    let mut section = Section::new();
    for info in answer.silences {
        let silence = info.silence.unwrap_or_default();
        let times = format!("{} {}", time(silence.starts_at), time(silence.ends_at));
        let row = format!("{} {} {times} {}", info.revision, info.state, word(&silence.author));
        add_row(counts, format!("silence {}", silence.id), info.alerts.to_string());
        add_row(&mut section, silence.id, row);
    }
    Ok(section)
}

async fn inhibitions(clients: &Clients, counts: &mut Section) -> Result<Section, Status> {
    let request = ListInhibitionsRequest {};
    let answer = clients.notification.clone().list_inhibitions(request).await?.into_inner();
    let mut section = Section::new();
    for info in answer.inhibitions {
        let inhibition = info.inhibition.unwrap_or_default();
        add_row(counts, format!("inhibition {}", inhibition.id), info.alerts.to_string());
        add_row(&mut section, inhibition.id, format!("{} {}", info.revision, inhibition.equal.join(",")));
    }
    Ok(section)
}

async fn deliveries(clients: &Clients) -> Result<Section, Status> {
    let (mut section, mut page_token) = (Section::new(), String::new());
    loop {
        let request =
            ListDeliveriesRequest { page_size: PAGE_SIZE, page_token, ..ListDeliveriesRequest::default() };
        let page = clients.delivery.clone().list_deliveries(request).await?.into_inner();
        for delivery in page.deliveries {
            let id = delivery.notification.as_ref().map(|notification| notification.id.clone());
            add_row(&mut section, id.unwrap_or_default(), self::delivery(&delivery));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(section);
        }
    }
}

fn delivery(delivery: &Delivery) -> String {
    let message = delivery.notification.as_ref().map(notification).unwrap_or_default();
    let attempts: Vec<_> = delivery.attempts.iter().map(attempt).collect();
    let (state, count, next) = (delivery.state, delivery.attempt_count, time(delivery.next_at));
    format!("{message}; {state} {count} {next}; {}", attempts.join(", "))
}

fn notification(notification: &Notification) -> String {
    let Notification { receiver, subscription, group, sequence, reason, .. } = notification;
    let Notification { firing, resolved, omitted, position, drill, .. } = notification;
    let alerts = notification.alerts.iter().map(|told| {
        let alert = told.alert.clone().unwrap_or_default();
        format!("{} {} {} {}", alert.id, alert.state, word(&told.event_id), time(told.time))
    });
    let alerts: Vec<_> = alerts.collect();
    let (planned, group) = (time(notification.planned_at), word(group));
    format!(
        "{receiver} {subscription} {group} {sequence} {reason} {firing} {resolved} {omitted} {planned} \
         {position} {drill}; {}",
        alerts.join(", ")
    )
}

fn attempt(attempt: &DeliveryAttempt) -> String {
    let DeliveryAttempt { attempt: number, began_at, ended_at, succeeded, kind, by_hand, .. } = attempt;
    format!("{number} {} {} {succeeded} {kind} {by_hand}", time(*began_at), time(*ended_at))
}

async fn open_alerts(clients: &Clients) -> Result<Vec<String>, Status> {
    let alerts = clients.api.alerts().await?;
    let open =
        alerts.into_iter().filter(|alert| matches!(alert.state(), AlertState::Pending | AlertState::Firing));
    Ok(open.map(|alert| alert.id).collect())
}

async fn holds(clients: &Clients, alerts: &[String]) -> Result<Section, Status> {
    let request = ListHoldsRequest { alerts: alerts.to_vec() };
    let answer = clients.notification.clone().list_holds(request).await?.into_inner();
    let mut section = Section::new();
    for hold in answer.holds {
        let AlertHold { alert, acknowledgement, silence, silenced_until, inhibition } = hold;
        let taken = acknowledgement.as_ref().map_or_else(|| "-".to_owned(), self::acknowledgement);
        let row = format!("{} {} {}; {taken}", word(&silence), time(silenced_until), word(&inhibition));
        add_row(&mut section, alert, row);
    }
    Ok(section)
}

fn acknowledgement(acknowledgement: &Acknowledgement) -> String {
    let Acknowledgement { episode, verdict, owner, severity, until, .. } = acknowledgement;
    format!("{} {verdict} {} {severity} {}", word(episode), word(owner), time(*until))
}

async fn tellings(clients: &Clients, alerts: &[String]) -> Result<Section, Status> {
    let mut section = Section::new();
    for alert in alerts {
        let request = ExplainAlertRequest { alert: alert.clone() };
        let answer = clients.notification.clone().explain_alert(request).await?.into_inner();
        for telling in answer.tellings {
            let messages = telling.deliveries.iter().filter_map(|delivery| delivery.notification.as_ref());
            let messages: Vec<_> = messages.map(|notification| notification.id.as_str()).collect();
            let row =
                format!("{} {} {}", telling.telling, word(&telling.inhibited_by), word(&messages.join(",")));
            add_row(&mut section, format!("{alert} {}", telling.subscription), row);
        }
    }
    Ok(section)
}
