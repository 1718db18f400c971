//! Which events are deeds of somebody, and what each says: what was done, to what, by whom and why.
//!
//! The matches name every event of the contracts, so that a new one has to be considered here.
use orewatch_contracts::alerting::v1::{AlertEvent, AlertEventKind, NotificationPlanned};
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_contracts::ingestion::v1::{ObservationEvent, ObservationEventKind};
use orewatch_eventlog::{EVENT_SKIPPED, Error, Event};
use orewatch_store::sealed::plain_part;

/// What somebody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Deed {
    /// What was done, such as `put rule`.
    pub(super) action: &'static str,
    /// To what, such as the identifier of a rule.
    pub(super) object: String,
    /// Who did it. Empty if that was not recorded.
    pub(super) actor: String,
    /// Why. Empty if that was not given.
    pub(super) reason: String,
}

/// The deed that an event records. `None`: it follows from others, or a later version wrote it.
///
/// # Errors
/// [`Error::Corrupt`] if the data are not the message that the type names.
pub(super) fn deed(event: &Event) -> Result<Option<Deed>, Error> {
    if event.kind == EVENT_SKIPPED {
        return event.message().map(|mark| Some(marked(event, mark)));
    }
    if let Some(kind) = ObservationEventKind::from_name(&event.kind) {
        if !has_deed(kind) {
            return Ok(None);
        }
        // Who did it stays readable when the rest is sealed.
        let plain = plain_part(event)?;
        let read = ObservationEvent::read(plain.as_ref().unwrap_or(event))?;
        return Ok(read.and_then(|read| of_observation(read, release(event))));
    }
    match AlertEventKind::from_name(&event.kind) {
        Some(_) => Ok(AlertEvent::read(event)?.and_then(of_alert)),
        None => Ok(None),
    }
}

/// Whether events of a type can be deeds. Others may be large, and are not decoded.
fn has_deed(kind: ObservationEventKind) -> bool {
    !matches!(kind, ObservationEventKind::ObservationsRecorded | ObservationEventKind::RowsQuarantined)
}

/// Identifier of the release whose stream an event is on: `observations.DATASET.REST` is `DATASET/REST`.
fn release(event: &Event) -> String {
    let stream = event.stream.as_str();
    let below = stream.split_once('.').map_or(stream, |(_, below)| below);
    below.replacen('.', "/", 1)
}

fn by(action: &'static str, object: String, actor: String, reason: String) -> Option<Deed> {
    Some(Deed { action, object, actor, reason })
}

fn marked(event: &Event, mark: EventSkipped) -> Deed {
    let EventSkipped { position, reason, actor, withdrawn, .. } = mark;
    let action = if withdrawn { "withdraw mark" } else { "mark event" };
    Deed { action, object: format!("{} {position}", event.stream.log()), actor, reason }
}

fn of_observation(event: ObservationEvent, release: String) -> Option<Deed> {
    match event {
        ObservationEvent::ReleaseOpened(opened) => {
            let id = opened.release.map_or(release, |release| release.id);
            by("open release", id, opened.actor, String::new())
        }
        ObservationEvent::ReleaseHeld(done) => by("hold release", release, done.actor, String::new()),
        ObservationEvent::ReleaseCommitted(done) => by("commit release", release, done.actor, String::new()),
        ObservationEvent::ReleaseRefused(done) => by("refuse release", release, done.actor, done.reason),
        ObservationEvent::ReleaseWithdrawn(done) => by("withdraw release", release, done.actor, done.reason),
        ObservationEvent::RowsRepaired(done) => by("repair rows", release, done.actor, done.reason),
        ObservationEvent::TenantErased(done) => by("erase tenant", done.tenant, done.actor, done.reason),
        ObservationEvent::SourcePolicyRevised(done) => {
            by("revise policy", format!("revision {}", done.revision), done.actor, done.reason)
        }
        // What a connector does by itself is listed by `orewatch fetches`.
        ObservationEvent::ObservationsRecorded(_)
        | ObservationEvent::RowsQuarantined(_)
        | ObservationEvent::FetchRecorded(_)
        | ObservationEvent::PollStarted(_)
        | ObservationEvent::PollEnded(_) => None,
    }
}

fn of_alert(event: AlertEvent) -> Option<Deed> {
    match event {
        AlertEvent::RulePut(done) => {
            by("put rule", done.rule.unwrap_or_default().id, done.actor, done.reason)
        }
        AlertEvent::RuleRemoved(done) => by("remove rule", done.rule, done.actor, done.reason),
        AlertEvent::AlertAcknowledged(done) => {
            let done = done.acknowledgement.unwrap_or_default();
            by("acknowledge alert", done.alert, done.owner, done.note)
        }
        AlertEvent::AlertUnacknowledged(done) => by("unacknowledge alert", done.alert, done.actor, done.note),
        event @ (AlertEvent::ReceiverPut(_)
        | AlertEvent::ReceiverRemoved(_)
        | AlertEvent::ReceiverEnabled(_)
        | AlertEvent::SubscriptionPut(_)
        | AlertEvent::SubscriptionRemoved(_)
        | AlertEvent::SilencePut(_)
        | AlertEvent::SilenceEnded(_)
        | AlertEvent::InhibitionPut(_)
        | AlertEvent::InhibitionRemoved(_)
        | AlertEvent::NotificationPlanned(_)
        | AlertEvent::DeliveryRequested(_)) => of_notification(event),
        // What follows by rules and schedules. An attempt by hand follows from DeliveryRequested.
        AlertEvent::AlertPending(_)
        | AlertEvent::AlertFired(_)
        | AlertEvent::AlertResolved(_)
        | AlertEvent::AlertStale(_)
        | AlertEvent::AlertSeverityChanged(_)
        | AlertEvent::AlertRestated(_)
        | AlertEvent::EvaluationBegun(_)
        | AlertEvent::ExposuresEvaluated(_)
        | AlertEvent::RuleSuspended(_)
        | AlertEvent::ReceiverDisabled(_)
        | AlertEvent::DeliveryAttempted(_)
        | AlertEvent::DeliverySucceeded(_)
        | AlertEvent::DeliveryFailed(_)
        | AlertEvent::DeliveryGivenUp(_) => None,
    }
}

/// Deeds about who is notified.
fn of_notification(event: AlertEvent) -> Option<Deed> {
    let none = String::new;
    match event {
        AlertEvent::ReceiverPut(done) => {
            by("put receiver", done.receiver.unwrap_or_default().id, done.actor, none())
        }
        AlertEvent::ReceiverRemoved(done) => by("remove receiver", done.receiver, done.actor, none()),
        AlertEvent::ReceiverEnabled(done) => by("enable receiver", done.receiver, done.actor, none()),
        AlertEvent::SubscriptionPut(done) => {
            by("put subscription", done.subscription.unwrap_or_default().id, done.actor, none())
        }
        AlertEvent::SubscriptionRemoved(done) => {
            by("remove subscription", done.subscription, done.actor, none())
        }
        AlertEvent::SilencePut(done) => {
            let silence = done.silence.unwrap_or_default();
            by("put silence", silence.id, done.actor, silence.reason)
        }
        AlertEvent::SilenceEnded(done) => by("end silence", done.silence, done.actor, none()),
        AlertEvent::InhibitionPut(done) => {
            by("put inhibition", done.inhibition.unwrap_or_default().id, done.actor, none())
        }
        AlertEvent::InhibitionRemoved(done) => by("remove inhibition", done.inhibition, done.actor, none()),
        AlertEvent::DeliveryRequested(done) => {
            by("send again", done.notification.unwrap_or_default().id, done.actor, none())
        }
        AlertEvent::NotificationPlanned(NotificationPlanned { notification: Some(planned), actor })
            if planned.drill =>
        {
            by("drill", planned.receiver, actor, none())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use orewatch_contracts::alerting::v1::{
        Acknowledgement, AlertAcknowledged, AlertFired, DeliveryAttempted, Notification, Rule, RulePut,
        Silence, SilencePut,
    };
    use orewatch_contracts::common::v1::SealedContent;
    use orewatch_contracts::ids::Namespace;
    use orewatch_contracts::ingestion::v1::{
        ObservationsRecorded, PollStarted, ReleaseCommitted, ReleaseHeld, ReleaseWithdrawn, TenantErased,
    };
    use orewatch_eventlog::StreamName;
    use prost::Message as _;

    use super::*;

    fn stored(stream: &str, kind: &str, data: impl Into<Bytes>) -> Event {
        Event {
            position: 7,
            id: Namespace::Event.derive(stream),
            stream: StreamName::new(stream).unwrap(),
            kind: kind.to_owned(),
            time: Timestamp::UNIX_EPOCH,
            data: data.into(),
            traceparent: None,
        }
    }

    fn on_observations(event: impl Into<ObservationEvent>) -> Option<Deed> {
        let event: ObservationEvent = event.into();
        let stream = "observations.baci-hs92.202601-ab";
        deed(&stored(stream, event.kind().name(), event.encode())).unwrap()
    }

    fn on_alerts(event: impl Into<AlertEvent>) -> Option<Deed> {
        let event: AlertEvent = event.into();
        deed(&stored("alerts.x", event.kind().name(), event.encode())).unwrap()
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn a_deed_says_who_did_what_and_why() {
        let withdrawn = ReleaseWithdrawn { reason: text("typing error"), actor: text("ann") };
        assert_eq!(
            on_observations(withdrawn),
            by("withdraw release", text("baci-hs92/202601-ab"), text("ann"), text("typing error"))
        );
        // Before this version events of releases said nothing of it.
        let committed = on_observations(ReleaseCommitted::default()).unwrap();
        assert_eq!((committed.action, committed.actor.as_str()), ("commit release", ""));
        let committed = ReleaseCommitted { actor: text("ann"), ..ReleaseCommitted::default() };
        assert_eq!(on_observations(committed).unwrap().actor, "ann");
        let erased = TenantErased { tenant: text("acme"), reason: text("left"), ..TenantErased::default() };
        assert_eq!(on_observations(erased), by("erase tenant", text("acme"), String::new(), text("left")));
        let rule = Some(Rule { id: text("acme:lines"), ..Rule::default() });
        let put = RulePut { rule, actor: text("bob"), reason: text("tighter"), ..RulePut::default() };
        assert_eq!(on_alerts(put), by("put rule", text("acme:lines"), text("bob"), text("tighter")));
        let silence = Some(Silence { id: text("s"), reason: text("holidays"), ..Silence::default() });
        let put = SilencePut { silence, actor: text("ann"), ..SilencePut::default() };
        assert_eq!(on_alerts(put), by("put silence", text("s"), text("ann"), text("holidays")));
        let acknowledgement =
            Some(Acknowledgement { alert: text("a"), owner: text("ann"), ..Acknowledgement::default() });
        let acknowledged = on_alerts(AlertAcknowledged { acknowledgement }).unwrap();
        assert_eq!((acknowledged.object.as_str(), acknowledged.actor.as_str()), ("a", "ann"));
    }

    #[test]
    fn who_did_it_is_shown_when_the_rest_is_sealed() {
        let sealed = SealedContent {
            form: 1,
            key: vec![7; 16].into(),
            plain: ReleaseHeld { actor: text("ann"), ..ReleaseHeld::default() }.encode_to_vec().into(),
            content: vec![1; 40].into(),
        };
        let kind = ObservationEventKind::ReleaseHeld.name();
        let held = deed(&stored("observations.ours.1", kind, sealed.encode_to_vec())).unwrap();
        assert_eq!(held, by("hold release", text("ours/1"), text("ann"), String::new()));
    }

    #[test]
    fn marks_are_deeds_of_their_log() {
        let mark = EventSkipped {
            position: 4711,
            reason: text("damaged"),
            actor: text("ops"),
            withdrawn: true,
            ..EventSkipped::default()
        };
        let found = deed(&stored("alerts.skips", EVENT_SKIPPED, mark.encode_to_vec())).unwrap();
        assert_eq!(found, by("withdraw mark", text("alerts 4711"), text("ops"), text("damaged")));
        let damaged = stored("alerts.skips", EVENT_SKIPPED, vec![0xff]);
        assert!(matches!(deed(&damaged), Err(Error::Corrupt { position: 7, .. })));
    }

    #[test]
    fn what_follows_by_itself_is_no_deed() {
        assert_eq!(on_observations(ObservationsRecorded::default()), None);
        assert_eq!(on_observations(PollStarted::default()), None);
        assert_eq!(on_alerts(AlertFired::default()), None);
        assert_eq!(on_alerts(DeliveryAttempted { actor: text("ann"), ..Default::default() }), None);
        let planned = |drill| {
            let notification =
                Some(Notification { drill, receiver: text("desk"), ..Notification::default() });
            on_alerts(NotificationPlanned { notification, actor: text("ann") })
        };
        assert_eq!(planned(false), None);
        assert_eq!(planned(true), by("drill", text("desk"), text("ann"), String::new()));
        assert_eq!(deed(&stored("alerts.x", "orewatch.alerting.v9.Unknown", vec![1])), Ok(None));
    }
}
