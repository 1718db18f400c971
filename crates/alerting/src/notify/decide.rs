//! Command and state give the event to append, or what is wrong with the command.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertRequest, Acknowledgement, Alert, AlertAcknowledged, AlertUnacknowledged, Inhibition,
    InhibitionPut, InhibitionRemoved, Silence, SilenceEnded, SilencePut, SilenceState, Subscription,
    SubscriptionPut, SubscriptionRemoved, UnacknowledgeAlertRequest,
};
use orewatch_contracts::{Class, Failure};
use orewatch_rules::filter::RuleWords;
use prost::Message as _;

use super::acknowledge;
use super::inhibit::InhibitRule;
use super::limits::{Count, check_length, check_room, check_size};
use super::route::Route;
use super::silence::{self, SilenceContext, SilenceRecord};
use super::state::NotifierState;
use super::time::format_time;

/// Decides to create or revise a subscription. None: there is an equal one.
///
/// # Errors
/// [`Class::Invalid`] for an invalid subscription, [`Class::Exhausted`] if there are too many.
pub fn put_subscription(
    state: &NotifierState,
    subscription: &Subscription,
    actor: &str,
    now: Timestamp,
) -> Result<Option<SubscriptionPut>, Failure> {
    check_size("subscription", subscription.encoded_len(), &state.limits)?;
    let route = Route::check(subscription)?;
    check_length("actor", actor)?;
    state.receivers().check_exists("receiver", &route.receiver)?;
    if let Some(step) = &route.escalation {
        state.receivers().check_exists("escalation.receiver", &step.receiver)?;
    }
    if let Some(expires) = route.expires_at.filter(|expires| *expires <= now) {
        let wrong = Failure::new(Class::Invalid, "end-in-the-past", "the subscription has expired already");
        let hint = format!("it is now {}", format_time(now));
        return Err(wrong.at("expires_at", format_time(expires)).with_hint(hint));
    }
    let before = state.subscriptions().get(subscription.id.as_str());
    match before.and_then(|before| before.subscription.as_ref()) {
        Some(before) if **before == *subscription => return Ok(None),
        Some(_) => {}
        None => {
            let current = state.current_subscriptions().map(|(id, _, _)| &**id);
            let count = Count::before_adding(current, &subscription.id);
            check_room("subscriptions", count, state.limits.subscriptions)?;
        }
    }
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    Ok(Some(SubscriptionPut { subscription: Some(subscription.clone()), revision, actor: actor.to_owned() }))
}

/// Decides to remove a subscription. None: there is none.
#[must_use]
pub fn remove_subscription(state: &NotifierState, id: &str, actor: &str) -> Option<SubscriptionRemoved> {
    let record = state.subscriptions().get(id).filter(|record| record.subscription.is_some())?;
    let [subscription, actor] = [id, actor].map(str::to_owned);
    Some(SubscriptionRemoved { subscription, revision: record.revision, actor })
}

/// Decides to create or change a silence; `id` is the identifier of a new one.
///
/// # Errors
/// Those of [`silence::put`], and [`Class::NotFound`] for an unknown silence.
pub fn put_silence(
    state: &NotifierState,
    wanted: &Silence,
    id: &str,
    now: Timestamp,
) -> Result<SilencePut, Failure> {
    let before = match wanted.id.as_str() {
        "" => None,
        known => Some(find_silence(state, known)?),
    };
    let id = if wanted.id.is_empty() { id } else { &wanted.id };
    let current = state.silences().iter().filter(|(_, silence)| silence.until > now);
    let count = Count::before_adding(current.map(|(id, _)| &**id), id);
    let context = SilenceContext { before, count, now, limits: &state.limits };
    silence::put(&Silence { id: id.to_owned(), ..wanted.clone() }, context)
}

/// Decides to end a silence. None: it is over already.
///
/// # Errors
/// [`Class::NotFound`] for an unknown silence.
pub fn end_silence(
    state: &NotifierState,
    id: &str,
    actor: &str,
    now: Timestamp,
) -> Result<Option<SilenceEnded>, Failure> {
    let silence = find_silence(state, id)?;
    let ended = SilenceEnded { silence: id.to_owned(), actor: actor.to_owned() };
    Ok((silence.state(now) != SilenceState::Over).then_some(ended))
}

/// Finds a silence.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn find_silence<'a>(state: &'a NotifierState, id: &str) -> Result<&'a SilenceRecord, Failure> {
    state.silences().get(id).map(std::sync::Arc::as_ref).ok_or_else(|| {
        let missing = Failure::new(Class::NotFound, "unknown-silence", format!("there is no silence {id:?}"));
        missing.at("silence", id).with_hint("list the silences to see which there are")
    })
}

/// Decides to create or revise an inhibition. None: there is an equal one.
///
/// # Errors
/// [`Class::Invalid`] for an invalid inhibition, [`Class::Exhausted`] if there are too many.
pub fn put_inhibition(
    state: &NotifierState,
    inhibition: &Inhibition,
    actor: &str,
) -> Result<Option<InhibitionPut>, Failure> {
    InhibitRule::check(inhibition, &state.limits)?;
    check_length("actor", actor)?;
    let before = state.inhibitions().get(inhibition.id.as_str());
    match before.and_then(|before| before.inhibition.as_ref()) {
        Some(before) if before == inhibition => return Ok(None),
        Some(_) => {}
        None => {
            let current = state.inhibitions().iter().filter(|(_, record)| record.inhibition.is_some());
            let count = Count::before_adding(current.map(|(id, _)| &**id), &inhibition.id);
            check_room("inhibitions", count, state.limits.inhibitions)?;
        }
    }
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    Ok(Some(InhibitionPut { inhibition: Some(inhibition.clone()), revision, actor: actor.to_owned() }))
}

/// Decides to remove an inhibition. None: there is none.
#[must_use]
pub fn remove_inhibition(state: &NotifierState, id: &str, actor: &str) -> Option<InhibitionRemoved> {
    let record = state.inhibitions().get(id).filter(|record| record.inhibition.is_some())?;
    let [inhibition, actor] = [id, actor].map(str::to_owned);
    Some(InhibitionRemoved { inhibition, revision: record.revision, actor })
}

/// Decides to acknowledge an alert.
///
/// # Errors
/// Those of [`acknowledge::acknowledge`].
pub fn acknowledge_alert(
    alert: &Alert,
    request: &AcknowledgeAlertRequest,
    now: Timestamp,
) -> Result<AlertAcknowledged, Failure> {
    let acknowledgement: Acknowledgement = acknowledge::acknowledge(alert, request, now)?;
    Ok(AlertAcknowledged { acknowledgement: Some(acknowledgement) })
}

/// Decides to withdraw an acknowledgement. None: the alert is not acknowledged.
///
/// # Errors
/// [`Class::Invalid`] for a note that is too long.
pub fn unacknowledge_alert(
    state: &NotifierState,
    request: &UnacknowledgeAlertRequest,
    now: Timestamp,
) -> Result<Option<AlertUnacknowledged>, Failure> {
    check_length("note", &request.note)?;
    check_length("actor", &request.actor)?;
    let acknowledgement = state.acknowledgement(&request.alert);
    let is_acknowledged = acknowledgement.is_some_and(|record| record.current(now).is_some());
    let UnacknowledgeAlertRequest { alert, actor, note } = request.clone();
    Ok(is_acknowledged.then_some(AlertUnacknowledged { alert, actor, note }))
}

/// Warnings about a subscription: values that no rule has, and a selection that matches no alert or every
/// one. `words` are those of the current rules, `alerts` are all alerts, past ones too.
#[must_use]
pub fn warnings<'a>(
    subscription: &Subscription,
    route: &Route,
    words: &RuleWords,
    mut alerts: impl Iterator<Item = &'a Alert>,
) -> Vec<String> {
    let select = &route.select;
    let mut warnings = words.unknown(select.wanted());
    warnings.extend(words.unknown_fields(&route.group_by));
    let escalated = subscription.escalation.iter().flat_map(|step| &step.severities);
    let exempt = subscription.quiet.iter().flat_map(|hours| &hours.except_severities);
    let severities: Vec<String> = escalated.chain(exempt).cloned().collect();
    warnings.extend(words.unknown_severities(&severities));
    if !alerts.any(|alert| select.matches(alert)) {
        warnings.push("the selection matches no alert so far".to_owned());
    }
    if select.is_all() {
        warnings.push("the selection matches every alert".to_owned());
    }
    warnings
}
