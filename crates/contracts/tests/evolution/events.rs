//! The enums of events hold what the contracts mark as events, under the names that stand on the logs.
use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{AlertEvent, AlertEventKind};
use orewatch_contracts::exposure::v1::{ExposureEvent, ExposureEventKind, ExposuresChanged, ReleaseApplied};
use orewatch_contracts::ingestion::v1::{ObservationEvent, ObservationEventKind};
use orewatch_contracts::log::{Error, Event, StreamName};
use prost_reflect::DescriptorPool;

fn on_log(kind: &str, data: impl Into<Bytes>) -> Event {
    Event {
        position: 7,
        stream: StreamName::new("exposures.cobalt").expect("a name"),
        id: uuid::Uuid::nil(),
        kind: kind.to_owned(),
        time: Timestamp::UNIX_EPOCH,
        data: data.into(),
        traceparent: None,
    }
}

/// Names of all types of events, as the enums have them.
fn known() -> Vec<&'static str> {
    let observations = ObservationEventKind::ALL.iter().map(|kind| kind.name());
    let exposures = ExposureEventKind::ALL.iter().map(|kind| kind.name());
    let alerts = AlertEventKind::ALL.iter().map(|kind| kind.name());
    observations.chain(exposures).chain(alerts).collect()
}

#[test]
fn the_enums_hold_every_event_of_the_contracts_once() {
    let pool = DescriptorPool::decode(orewatch_contracts::DESCRIPTORS).expect("the descriptors decode");
    let option = pool.get_extension_by_name("orewatch.common.v1.event").expect("the option is a contract");
    let marked: BTreeSet<_> = pool
        .all_messages()
        .filter(|message| message.options().get_extension(&option).as_bool() == Some(true))
        .map(|message| message.full_name().to_owned())
        .collect();
    let known = known();
    assert_eq!(known.len(), marked.len());
    assert_eq!(known.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), marked);
    assert!(known.contains(&"orewatch.ingestion.v1.ReleaseOpened"), "{known:?}");
}

/// Every type of event is found by its name, and an event without data comes back as it was.
macro_rules! comes_back {
    ($event:ident, $kind:ident) => {
        for kind in $kind::ALL.iter().copied() {
            assert_eq!($kind::from_name(kind.name()), Some(kind));
            assert!(kind.name().ends_with(&format!(".{}", kind.message_name())));
            let event = $event::decode(kind, Bytes::new()).expect("a message may be empty");
            assert_eq!((event.kind(), event.encode()), (kind, Bytes::new()));
            assert_eq!($event::read(&on_log(kind.name(), Bytes::new())), Ok(Some(event)));
        }
    };
}

#[test]
fn every_event_comes_back_as_it_was_written() {
    comes_back!(ObservationEvent, ObservationEventKind);
    comes_back!(ExposureEvent, ExposureEventKind);
    comes_back!(AlertEvent, AlertEventKind);
    let applied = ReleaseApplied { material: "cobalt".to_owned(), ..ReleaseApplied::default() };
    let event = ExposureEvent::from(applied.clone());
    let read = ExposureEvent::read(&on_log(event.kind().name(), event.encode()));
    assert_eq!(read, Ok(Some(ExposureEvent::ReleaseApplied(applied))));
}

#[test]
fn an_event_of_a_later_version_is_none_and_a_damaged_one_an_error() {
    for later in ["orewatch.exposure.v1.OfALaterVersion", "orewatch.exposure.v2.ReleaseApplied", ""] {
        assert_eq!(ExposureEvent::read(&on_log(later, "anything")), Ok(None), "{later}");
    }
    let damaged = ExposureEvent::read(&on_log("orewatch.exposure.v1.ReleaseApplied", "\u{ff}anything"));
    let Err(Error::Corrupt { log, position, reason }) = damaged else { panic!("{damaged:?}") };
    assert_eq!((log.as_str(), position), ("exposures", 7));
    assert!(reason.starts_with("orewatch.exposure.v1.ReleaseApplied on exposures.cobalt cannot be decoded"));
}

#[test]
fn the_message_of_an_event_is_read_as_its_own_type_only() {
    let applied = ReleaseApplied { material: "cobalt".to_owned(), ..ReleaseApplied::default() };
    let event = ExposureEvent::from(applied.clone());
    let stored = on_log(event.kind().name(), event.encode());
    assert_eq!(stored.message::<ReleaseApplied>(), Ok(applied));
    let other = stored.message::<ExposuresChanged>();
    assert!(matches!(other, Err(Error::Corrupt { position: 7, .. })), "{other:?}");
}
