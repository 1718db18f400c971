//! Seals and opens the data of events: [`SealedContent`] in the place of the message that a type names.
use bytes::Bytes;
use orewatch_contracts::common::v1::SealedContent;
use orewatch_contracts::ingestion::v1::{
    ObservationEventKind, ReleaseCommitted, ReleaseHeld, ReleaseRefused, RowsRepaired,
};
use orewatch_eventlog::{Error, Event, NewEvent};
use prost::{DecodeError, Message};
use uuid::Uuid;

use crate::keys::{CurrentKey, Found, KeyError, SealingKey, TenantKeys};

/// First byte of sealed data: the tag of a fixed number in field 1, which no message that may be sealed has.
const FIRST_BYTE: u8 = 0x0d;

/// The only form so far.
const FORM: u32 = 1;

/// Whether content of a type is sealed.
pub(super) fn is_sealable(kind: &str) -> bool {
    ObservationEventKind::from_name(kind).is_some_and(has_content)
}

fn has_content(kind: ObservationEventKind) -> bool {
    match kind {
        ObservationEventKind::ObservationsRecorded
        | ObservationEventKind::RowsQuarantined
        | ObservationEventKind::ReleaseHeld
        | ObservationEventKind::ReleaseCommitted
        | ObservationEventKind::ReleaseRefused
        | ObservationEventKind::RowsRepaired => true,
        ObservationEventKind::ReleaseOpened
        | ObservationEventKind::ReleaseWithdrawn
        | ObservationEventKind::SourcePolicyRevised
        | ObservationEventKind::TenantErased
        | ObservationEventKind::FetchRecorded
        | ObservationEventKind::PollStarted
        | ObservationEventKind::PollEnded => false,
    }
}

/// The part of a message that stays readable, and the rest. One after the other, they are the message.
fn split(kind: &str, data: &Bytes) -> Result<(Vec<u8>, Bytes), DecodeError> {
    Ok(match ObservationEventKind::from_name(kind) {
        Some(ObservationEventKind::ReleaseCommitted) => {
            let mut plain = ReleaseCommitted::decode(data.clone())?;
            let secret = ReleaseCommitted { report: plain.report.take(), ..ReleaseCommitted::default() };
            (plain.encode_to_vec(), secret.encode_to_vec().into())
        }
        Some(ObservationEventKind::ReleaseHeld) => {
            let mut plain = ReleaseHeld::decode(data.clone())?;
            let secret = ReleaseHeld { report: plain.report.take(), ..ReleaseHeld::default() };
            (plain.encode_to_vec(), secret.encode_to_vec().into())
        }
        Some(ObservationEventKind::ReleaseRefused) => {
            let refused = ReleaseRefused::decode(data.clone())?;
            let plain = ReleaseRefused { actor: refused.actor, ..ReleaseRefused::default() };
            let secret =
                ReleaseRefused { report: refused.report, reason: refused.reason, ..Default::default() };
            (plain.encode_to_vec(), secret.encode_to_vec().into())
        }
        Some(ObservationEventKind::RowsRepaired) => {
            let mut plain = RowsRepaired::decode(data.clone())?;
            let secret = RowsRepaired { report: plain.report.take(), ..RowsRepaired::default() };
            (plain.encode_to_vec(), secret.encode_to_vec().into())
        }
        // Chunks are recognised by the digest of their bytes, which are therefore kept as they are.
        _ => (Vec::new(), data.clone()),
    })
}

/// What sealed content belongs to.
fn context(id: Uuid, plain: &[u8]) -> Vec<u8> {
    [id.as_bytes().as_slice(), plain].concat()
}

/// Seals the content of an event of a sealable type.
///
/// # Errors
/// What is wrong with it.
pub(super) fn seal(event: &NewEvent, current: &CurrentKey) -> Result<NewEvent, String> {
    let (plain, secret) = split(&event.kind, &event.data).map_err(|error| error.to_string())?;
    let content = current.key.seal(&context(event.id, &plain), &secret);
    let sealed = SealedContent {
        form: FORM,
        key: Bytes::copy_from_slice(current.id.as_bytes()),
        plain: plain.into(),
        content: content.map_err(|error| error.to_string())?.into(),
    };
    Ok(NewEvent { data: sealed.encode_to_vec().into(), ..event.clone() })
}

/// The sealed data of an event, with the identifier of their key. `None`: they are not sealed.
pub(super) fn sealed(kind: &str, data: &Bytes) -> Result<Option<(SealedContent, Uuid)>, String> {
    if data.first() != Some(&FIRST_BYTE) || !is_sealable(kind) {
        return Ok(None);
    }
    let sealed = SealedContent::decode(data.clone()).map_err(|error| error.to_string())?;
    let key = Uuid::from_slice(&sealed.key).ok().filter(|_| sealed.form == FORM);
    let key =
        key.ok_or_else(|| "its content is sealed in a way that this version does not know".to_owned())?;
    Ok(Some((sealed, key)))
}

/// Opens sealed data.
pub(super) fn open(id: Uuid, sealed: &SealedContent, key: &SealingKey) -> Result<Bytes, KeyError> {
    let content = key.open(&context(id, &sealed.plain), &sealed.content)?;
    Ok(if sealed.plain.is_empty() {
        content.into()
    } else {
        [sealed.plain.as_ref(), content.as_slice()].concat().into()
    })
}

fn read(event: &Event) -> Result<Option<(SealedContent, Uuid)>, Error> {
    sealed(&event.kind, &event.data).map_err(|reason| Error::corrupt(event, reason))
}

/// The event with its content, if the key is known. One whose key was destroyed stays as it is.
pub(super) fn opened(event: Event, sealed: &SealedContent, found: &Found) -> Result<Event, Error> {
    let Found::Key(key) = found else { return Ok(event) };
    let data = open(event.id, sealed, key).map_err(|error| Error::corrupt(&event, error.to_string()))?;
    Ok(Event { data, ..event })
}

/// Opens an event with what was read of the keys before.
///
/// # Errors
/// [`Error::Corrupt`] for content that does not open, [`Error::Unavailable`] for a key that was not read.
pub(crate) fn open_known(event: Event, keys: &TenantKeys) -> Result<Event, Error> {
    let Some((sealed, key)) = read(&event)? else { return Ok(event) };
    let found = keys.find_known(key).map_err(|error| Error::Unavailable {
        log: event.stream.log().to_owned(),
        reason: error.to_string(),
        outcome_unknown: false,
    })?;
    opened(event, &sealed, &found)
}

/// The identifier of the key with which an event is sealed. `None`: it is not.
///
/// # Errors
/// [`Error::Corrupt`] for content that is sealed in no known way.
pub fn sealed_with(event: &Event) -> Result<Option<Uuid>, Error> {
    Ok(read(event)?.map(|(_, key)| key))
}

/// An event that is still sealed, with the part of its message that everyone may read in the place of its
/// data. `None`: it is not sealed.
///
/// # Errors
/// [`Error::Corrupt`] for content that is sealed in no known way.
pub fn plain_part(event: &Event) -> Result<Option<Event>, Error> {
    Ok(read(event)?.map(|(sealed, _)| Event { data: sealed.plain, ..event.clone() }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use orewatch_contracts::ingestion::v1::{ObservationsRecorded, ReleaseHeld, Report};
    use orewatch_eventlog::StreamName;

    use super::*;

    fn current(byte: u8) -> CurrentKey {
        let key = SealingKey::new(&[byte; 32]).unwrap();
        CurrentKey { id: Uuid::from_u128(byte.into()), key: Arc::new(key) }
    }

    fn new(kind: ObservationEventKind, data: Vec<u8>) -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(77),
            kind: kind.name().to_owned(),
            time: Timestamp::UNIX_EPOCH,
            data: data.into(),
            traceparent: None,
        }
    }

    fn stored(event: &NewEvent) -> Event {
        let NewEvent { id, kind, time, data, .. } = event.clone();
        let stream = StreamName::new("observations.a.b").unwrap();
        Event { position: 7, stream, id, kind, time, data, traceparent: None }
    }

    fn report() -> Option<Report> {
        Some(Report { rows_recorded: 4711, first_period: "2024".to_owned(), ..Report::default() })
    }

    #[test]
    fn an_event_comes_back_with_its_key_only() {
        let committed = ReleaseCommitted { report: report(), actor: "ann".to_owned() };
        let repaired = RowsRepaired { report: report(), rejections: vec![3], ..RowsRepaired::default() };
        let refused =
            ReleaseRefused { report: report(), reason: "4711 rows".to_owned(), actor: "ann".to_owned() };
        let held = ReleaseHeld { report: report(), actor: "ann".to_owned() };
        for (kind, data) in [
            (ObservationEventKind::ObservationsRecorded, b"\x08\x05rows as they are".to_vec()),
            (ObservationEventKind::ObservationsRecorded, Vec::new()),
            (ObservationEventKind::ReleaseCommitted, committed.encode_to_vec()),
            (ObservationEventKind::RowsRepaired, repaired.encode_to_vec()),
            (ObservationEventKind::ReleaseRefused, refused.encode_to_vec()),
            (ObservationEventKind::ReleaseHeld, held.encode_to_vec()),
        ] {
            let data = Bytes::from(data);
            let event = new(kind, data.to_vec());
            let once = seal(&event, &current(1)).unwrap();
            assert_eq!(seal(&event, &current(1)).unwrap(), once, "a repetition is the same");
            assert_eq!((once.id, once.kind.as_str()), (event.id, kind.name()));
            let (content, key) = sealed(&once.kind, &once.data).unwrap().unwrap();
            assert_eq!(key, current(1).id);
            let opened = open(once.id, &content, &current(1).key).unwrap();
            let is_same = match kind {
                ObservationEventKind::ObservationsRecorded => opened == data,
                _ => decoded(kind, &opened) == decoded(kind, &data),
            };
            assert!(is_same, "{kind:?}");
            assert!(open(once.id, &content, &current(2).key).is_err());
            assert!(open(Uuid::nil(), &content, &current(1).key).is_err(), "it belongs to its event");
            let other = SealedContent { plain: Bytes::from_static(b"x"), ..content };
            assert!(open(once.id, &other, &current(1).key).is_err());
            assert_eq!(sealed(kind.name(), &data), Ok(None));
        }
    }

    fn decoded(kind: ObservationEventKind, data: &Bytes) -> String {
        format!("{:?}", orewatch_contracts::ingestion::v1::ObservationEvent::decode(kind, data.clone()))
    }

    #[test]
    fn who_acted_stays_readable_and_what_was_found_does_not() {
        let committed = ReleaseCommitted { report: report(), actor: "ann".to_owned() };
        let event = new(ObservationEventKind::ReleaseCommitted, committed.encode_to_vec());
        let event = stored(&seal(&event, &current(1)).unwrap());
        assert_eq!(sealed_with(&event), Ok(Some(current(1).id)));
        let plain: ReleaseCommitted = plain_part(&event).unwrap().unwrap().message().unwrap();
        assert_eq!(plain, ReleaseCommitted { report: None, actor: "ann".to_owned() });
        let opened = new(ObservationEventKind::ReleaseOpened, vec![1, 2]);
        assert_eq!(plain_part(&stored(&opened)), Ok(None));
    }

    #[test]
    fn a_reader_that_does_not_know_sealed_content_fails() {
        for kind in ObservationEventKind::ALL.iter().copied().filter(|kind| has_content(*kind)) {
            let sealed = SealedContent { form: FORM, ..SealedContent::default() }.encode_to_vec();
            let read = orewatch_contracts::ingestion::v1::ObservationEvent::decode(kind, sealed.into());
            assert!(read.is_err(), "{kind:?} would be read as one without content");
        }
        let later = SealedContent { form: FORM + 1, key: vec![0; 16].into(), ..SealedContent::default() };
        let event = new(ObservationEventKind::ObservationsRecorded, later.encode_to_vec());
        assert!(matches!(plain_part(&stored(&event)), Err(Error::Corrupt { position: 7, .. })));
        let plain = ObservationsRecorded { chunk: 5, ..ObservationsRecorded::default() };
        assert_ne!(plain.encode_to_vec().first(), Some(&FIRST_BYTE));
    }
}
