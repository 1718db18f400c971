//! Command and state give the fact to append, or what is wrong with the command.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertRequest, Acknowledgement, Alert, AlertAcknowledged, AlertUnacknowledged, Inhibition,
    InhibitionPut, InhibitionRemoved, Silence, SilenceEnded, SilencePut, SilenceState, Subscription,
    SubscriptionPut, SubscriptionRemoved, UnacknowledgeAlertRequest,
};
use orewatch_runtime::{Class, Failure};
use prost::Message as _;

use super::evolve::State;
use super::limits::{room, short, small};
use super::silence::{self, Silenced};
use super::subscription::Terms;
use super::time::shown;
use super::{acknowledge, inhibit};
use crate::filter::Words;

/// Creates or revises a subscription. None: an equal one stands.
///
/// # Errors
/// [`Class::Invalid`] for what makes no sense, [`Class::Exhausted`] for one subscription too many.
pub fn put_subscription(
    state: &State,
    subscription: &Subscription,
    actor: &str,
    now: Timestamp,
) -> Result<Option<SubscriptionPut>, Failure> {
    small("subscription", subscription.encoded_len(), &state.limits)?;
    let terms = Terms::check(subscription)?;
    short("actor", actor)?;
    state.receivers.known("receiver", &terms.receiver)?;
    if let Some(step) = &terms.escalation {
        state.receivers.known("escalation.receiver", &step.receiver)?;
    }
    if let Some(expires) = terms.expires_at.filter(|expires| *expires <= now) {
        let wrong = Failure::new(Class::Invalid, "end-in-the-past", "the subscription has expired already");
        let hint = format!("now is {}", shown(now));
        return Err(wrong.at("expires_at", shown(expires)).with_hint(hint));
    }
    let before = state.subscriptions.get(subscription.id.as_str());
    match before.and_then(|before| before.subscription.as_ref()) {
        Some(before) if before == subscription => return Ok(None),
        Some(_) => {}
        None => room("subscriptions", state.standing().count(), state.limits.subscriptions)?,
    }
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    Ok(Some(SubscriptionPut { subscription: Some(subscription.clone()), revision, actor: actor.to_owned() }))
}

/// Removes a subscription. None: there is none.
#[must_use]
pub fn remove_subscription(state: &State, id: &str, actor: &str) -> Option<SubscriptionRemoved> {
    let listed = state.subscriptions.get(id).filter(|listed| listed.subscription.is_some())?;
    let [subscription, actor] = [id, actor].map(str::to_owned);
    Some(SubscriptionRemoved { subscription, revision: listed.revision, actor })
}

/// Makes or changes a silence; `id` is that of a new one.
///
/// # Errors
/// What [`silence::put`] says, and [`Class::NotFound`] for a silence that there is not.
pub fn put_silence(state: &State, wanted: &Silence, id: &str, now: Timestamp) -> Result<SilencePut, Failure> {
    let before = match wanted.id.as_str() {
        "" => None,
        known => Some(silence_of(state, known)?),
    };
    let standing = state.silences.values().filter(|silence| silence.until > now).count();
    let present = silence::Present { before, standing, now, limits: &state.limits };
    let id = if wanted.id.is_empty() { id } else { &wanted.id };
    silence::put(&Silence { id: id.to_owned(), ..wanted.clone() }, present)
}

/// Ends a silence. None: it is over already.
///
/// # Errors
/// [`Class::NotFound`] for a silence that there is not.
pub fn end_silence(
    state: &State,
    id: &str,
    actor: &str,
    now: Timestamp,
) -> Result<Option<SilenceEnded>, Failure> {
    let silence = silence_of(state, id)?;
    let ended = SilenceEnded { silence: id.to_owned(), actor: actor.to_owned() };
    Ok((silence.state(now) != SilenceState::Over).then_some(ended))
}

/// A silence.
///
/// # Errors
/// [`Class::NotFound`] if there is none.
pub fn silence_of<'a>(state: &'a State, id: &str) -> Result<&'a Silenced, Failure> {
    state.silences.get(id).ok_or_else(|| {
        let missing = Failure::new(Class::NotFound, "unknown-silence", format!("there is no silence {id:?}"));
        missing.at("silence", id).with_hint("list the silences to see which there are")
    })
}

/// Creates or revises an inhibition. None: an equal one stands.
///
/// # Errors
/// [`Class::Invalid`] for what makes no sense, [`Class::Exhausted`] for one inhibition too many.
pub fn put_inhibition(
    state: &State,
    inhibition: &Inhibition,
    actor: &str,
) -> Result<Option<InhibitionPut>, Failure> {
    inhibit::Terms::check(inhibition, &state.limits)?;
    short("actor", actor)?;
    let before = state.inhibitions.get(inhibition.id.as_str());
    match before.and_then(|before| before.inhibition.as_ref()) {
        Some(before) if before == inhibition => return Ok(None),
        Some(_) => {}
        None => {
            let standing = state.inhibitions.values().filter(|before| before.inhibition.is_some()).count();
            room("inhibitions", standing, state.limits.inhibitions)?;
        }
    }
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    Ok(Some(InhibitionPut { inhibition: Some(inhibition.clone()), revision, actor: actor.to_owned() }))
}

/// Removes an inhibition. None: there is none.
#[must_use]
pub fn remove_inhibition(state: &State, id: &str, actor: &str) -> Option<InhibitionRemoved> {
    let standing = state.inhibitions.get(id).filter(|standing| standing.inhibition.is_some())?;
    let [inhibition, actor] = [id, actor].map(str::to_owned);
    Some(InhibitionRemoved { inhibition, revision: standing.revision, actor })
}

/// Takes an alert on.
///
/// # Errors
/// What [`acknowledge::acknowledge`] says.
pub fn acknowledge_alert(
    alert: &Alert,
    request: &AcknowledgeAlertRequest,
    now: Timestamp,
) -> Result<AlertAcknowledged, Failure> {
    let acknowledgement: Acknowledgement = acknowledge::acknowledge(alert, request, now)?;
    Ok(AlertAcknowledged { acknowledgement: Some(acknowledgement) })
}

/// Takes an acknowledgement back. None: there is none that holds.
///
/// # Errors
/// [`Class::Invalid`] for a note that is too long.
pub fn unacknowledge_alert(
    state: &State,
    request: &UnacknowledgeAlertRequest,
    now: Timestamp,
) -> Result<Option<AlertUnacknowledged>, Failure> {
    short("note", &request.note)?;
    short("actor", &request.actor)?;
    let holds = state.acknowledged(&request.alert).is_some_and(|record| record.standing(now).is_some());
    let UnacknowledgeAlertRequest { alert, actor, note } = request.clone();
    Ok(holds.then_some(AlertUnacknowledged { alert, actor, note }))
}

/// What is worth knowing about a subscription: words that no rule has, and that nothing matches. `words` are those of the rules
/// that stand, `alerts` all alerts that ever were.
#[must_use]
pub fn warnings<'a>(
    subscription: &Subscription,
    terms: &Terms,
    words: &Words,
    mut alerts: impl Iterator<Item = &'a Alert>,
) -> Vec<String> {
    let select = &terms.select;
    let mut warnings = words.unknown(select.wanted());
    warnings.extend(words.unknown_fields(&terms.group_by));
    let escalated = subscription.escalation.iter().flat_map(|step| &step.severities);
    let spared = subscription.quiet.iter().flat_map(|hours| &hours.except_severities);
    let severities: Vec<String> = escalated.chain(spared).cloned().collect();
    warnings.extend(words.unknown_severities(&severities));
    if !alerts.any(|alert| select.matches(alert)) {
        warnings.push("no alert that ever was matches the selection".to_owned());
    }
    if select.is_all() {
        warnings.push("the selection matches every alert".to_owned());
    }
    warnings
}
