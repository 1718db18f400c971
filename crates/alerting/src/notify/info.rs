//! Subscriptions, silences and inhibitions as they are answered.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{InhibitionInfo, SilenceInfo, SilenceState, SubscriptionInfo};

use super::evolve::State;
use super::silence::Silenced;
use super::time::timestamp;

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
