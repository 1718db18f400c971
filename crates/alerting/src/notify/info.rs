//! Subscriptions, silences and inhibitions as they are answered.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    InhibitionInfo, SilenceInfo, SilenceState, Subscription, SubscriptionInfo,
};
use orewatch_runtime::{Class, Failure};

use super::decide;
use super::evolve::State;
use super::silence::Silenced;
use super::subscription::Terms;
use super::time::timestamp;
use crate::book::Book;
use crate::filter::Words;
use crate::tenant::{Scope, is_name, tenant_of};

pub(super) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) fn subscription_info(state: &State, id: &str, now: Timestamp) -> Option<SubscriptionInfo> {
    let listed = state.subscriptions().get(id)?;
    let subscription = listed.subscription.clone()?;
    let terms = listed.terms.as_ref();
    let standing = listed.members.keys().chain(&listed.refused).filter_map(|alert| state.alert(alert));
    let firing = standing.filter(|standing| {
        standing.is_firing && terms.is_some_and(|terms| terms.select.matches(&standing.alert))
    });
    Some(SubscriptionInfo {
        subscription: Some(subscription),
        revision: listed.revision,
        put_at: Some(timestamp(listed.put_at)),
        firing: count(firing.count()),
        expired: terms.is_some_and(|terms| terms.is_over(now)),
        without_group: count(listed.refused.len()),
    })
}

pub(super) fn silence_info(silence: &Silenced, now: Timestamp) -> SilenceInfo {
    let state = silence.state(now);
    let alerts = if state == SilenceState::Active { count(silence.alerts.len()) } else { 0 };
    SilenceInfo {
        silence: Some(silence.silence.clone()),
        revision: silence.revision,
        state: state.into(),
        alerts,
    }
}

pub(super) fn inhibition_info(state: &State, id: &str) -> Option<InhibitionInfo> {
    let inhibiting = state.inhibitions().get(id)?;
    Some(InhibitionInfo {
        inhibition: Some(inhibiting.inhibition.clone()?),
        revision: inhibiting.revision,
        alerts: inhibiting.held(),
    })
}

/// What is worth knowing about a subscription.
pub(super) fn warnings(book: &Book, subscription: &Subscription, terms: &Terms) -> Vec<String> {
    let alerts = book.state().alerts().values().filter_map(|record| record.alert.as_deref());
    let seen = Scope::SeenBy(tenant_of(&subscription.id).into());
    decide::warnings(subscription, terms, &words(book, &seen), alerts)
}

/// The words of the rules in a scope that stand.
pub(super) fn words(book: &Book, scope: &Scope) -> Words {
    let standing = book.state().standing().map(|(_, rule)| rule);
    Words::of(standing.filter(|rule| scope.holds(tenant_of(&rule.id))))
}

/// How many alerts in a scope fire.
pub(super) fn firing_within(book: &Book, scope: &Scope) -> u32 {
    count(book.notify.firing().filter(|(_, standing)| scope.holds_alert(&standing.alert)).count())
}

/// Checks the tenant that is named with a silence: it can be one and, of a silence that there is, is its own.
///
/// # Errors
/// [`Class::Invalid`] if it is not.
pub(super) fn own_tenant(tenant: &str, id: &str) -> Result<(), Failure> {
    if tenant.is_empty() || (is_name(tenant) && tenant_of(id) == tenant) {
        return Ok(());
    }
    let wrong = Failure::new(Class::Invalid, "another-tenant", "this is not the tenant of the silence");
    Err(wrong.at("tenant", tenant).with_hint("name the tenant as its identifier begins, or leave it out"))
}
