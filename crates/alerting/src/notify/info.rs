//! Subscriptions, silences and inhibitions as calls return them.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    InhibitionInfo, SilenceInfo, SilenceState, Subscription, SubscriptionInfo,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::filter::RuleWords;
use orewatch_rules::tenant::{Scope, is_name, tenant_of};

use super::decide;
use super::route::Route;
use super::silence::SilenceRecord;
use super::state::NotifierState;
use crate::service_state::RulesView;

pub(super) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) fn subscription_info(state: &NotifierState, id: &str, now: Timestamp) -> Option<SubscriptionInfo> {
    let record = state.subscriptions().get(id)?;
    let subscription = Subscription::clone(record.subscription.as_ref()?);
    let route = record.route.as_ref();
    let tracked = record.members.keys().chain(record.refused.iter()).filter_map(|alert| state.alert(alert));
    let firing = tracked.filter(|tracked| {
        tracked.is_firing && route.is_some_and(|route| route.select.matches(&tracked.alert))
    });
    Some(SubscriptionInfo {
        subscription: Some(subscription),
        revision: record.revision,
        put_at: Some(timestamp(record.put_at)),
        firing: count(firing.count()),
        expired: route.is_some_and(|route| route.is_expired(now)),
        without_group: count(record.refused.len()),
    })
}

pub(super) fn silence_info(silence: &SilenceRecord, now: Timestamp) -> SilenceInfo {
    let state = silence.state(now);
    let alerts = if state == SilenceState::Active { count(silence.alerts.len()) } else { 0 };
    SilenceInfo {
        silence: Some(silence.silence.clone()),
        revision: silence.revision,
        state: state.into(),
        alerts,
    }
}

pub(super) fn inhibition_info(state: &NotifierState, id: &str) -> Option<InhibitionInfo> {
    let record = state.inhibitions().get(id)?;
    Some(InhibitionInfo {
        inhibition: Some(record.inhibition.clone()?),
        revision: record.revision,
        alerts: record.muted_count(),
    })
}

/// Warnings about a subscription.
pub(super) fn warnings(view: &RulesView, subscription: &Subscription, route: &Route) -> Vec<String> {
    let alerts = view.rules().alerts().values().filter_map(|record| record.alert.as_deref());
    let seen = Scope::VisibleTo(tenant_of(&subscription.id).into());
    decide::warnings(subscription, route, &words(view, &seen), alerts)
}

/// The words of the current rules in a scope.
pub(super) fn words(view: &RulesView, scope: &Scope) -> RuleWords {
    let standing = view.rules().current_rules().map(|(_, rule)| rule);
    RuleWords::from_rules(standing.filter(|rule| scope.holds(tenant_of(&rule.id))))
}

/// How many alerts in a scope fire.
pub(super) fn count_firing_within(state: &NotifierState, scope: &Scope) -> u32 {
    count(state.firing().filter(|(_, tracked)| scope.holds_alert(&tracked.alert)).count())
}

/// Checks the tenant that a request names with a silence: it is the silence's own.
///
/// # Errors
/// [`Class::Invalid`] if it is not.
pub(super) fn check_tenant(tenant: &str, id: &str) -> Result<(), Failure> {
    if tenant.is_empty() || (is_name(tenant) && tenant_of(id) == tenant) {
        return Ok(());
    }
    let wrong = Failure::new(Class::Invalid, "another-tenant", "the silence does not belong to this tenant");
    Err(wrong
        .at("tenant", tenant)
        .with_hint("name the tenant with which the identifier begins, or leave it out"))
}
