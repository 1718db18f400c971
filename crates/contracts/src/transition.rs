//! Transitions of alerts: the events of the alerts log that tell how one alert changed. Streams of alerts
//! deliver these alone, as the variants of a field of their messages.
use crate::alerting::v1::AlertEvent;
use crate::alerting::v1::alert_transition::Event as Transition;

impl From<Transition> for AlertEvent {
    fn from(transition: Transition) -> Self {
        match transition {
            Transition::Pending(event) => Self::AlertPending(event),
            Transition::Fired(event) => Self::AlertFired(event),
            Transition::Resolved(event) => Self::AlertResolved(event),
            Transition::Stale(event) => Self::AlertStale(event),
            Transition::SeverityChanged(event) => Self::AlertSeverityChanged(event),
            Transition::Restated(event) => Self::AlertRestated(event),
        }
    }
}

impl AlertEvent {
    /// The transition of an alert that the event is. `None`: it is another event.
    #[must_use]
    pub fn into_transition(self) -> Option<Transition> {
        match self {
            Self::AlertPending(event) => Some(Transition::Pending(event)),
            Self::AlertFired(event) => Some(Transition::Fired(event)),
            Self::AlertResolved(event) => Some(Transition::Resolved(event)),
            Self::AlertStale(event) => Some(Transition::Stale(event)),
            Self::AlertSeverityChanged(event) => Some(Transition::SeverityChanged(event)),
            Self::AlertRestated(event) => Some(Transition::Restated(event)),
            Self::RulePut(_)
            | Self::RuleRemoved(_)
            | Self::EvaluationBegun(_)
            | Self::ExposuresEvaluated(_)
            | Self::RuleSuspended(_)
            | Self::ReceiverPut(_)
            | Self::ReceiverRemoved(_)
            | Self::ReceiverDisabled(_)
            | Self::ReceiverEnabled(_)
            | Self::SubscriptionPut(_)
            | Self::SubscriptionRemoved(_)
            | Self::SilencePut(_)
            | Self::SilenceEnded(_)
            | Self::InhibitionPut(_)
            | Self::InhibitionRemoved(_)
            | Self::AlertAcknowledged(_)
            | Self::AlertUnacknowledged(_)
            | Self::NotificationPlanned(_)
            | Self::DeliveryAttempted(_)
            | Self::DeliverySucceeded(_)
            | Self::DeliveryFailed(_)
            | Self::DeliveryGivenUp(_)
            | Self::DeliveryRequested(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::v1::{AlertFired, AlertResolved, RuleRemoved};

    #[test]
    fn a_transition_stays_what_it_is_as_an_event() {
        for transition in
            [Transition::Fired(AlertFired::default()), Transition::Resolved(AlertResolved::default())]
        {
            let event = AlertEvent::from(transition.clone());
            assert_eq!(event.into_transition(), Some(transition));
        }
        assert_eq!(AlertEvent::from(RuleRemoved::default()).into_transition(), None);
    }
}
