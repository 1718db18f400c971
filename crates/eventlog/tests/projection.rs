//! State and position of a projection never part.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by a panic, and clippy sees only functions marked as tests"
)]

use orewatch_eventlog::{Error, Event, Position, Projection, StreamName};

fn event(position: Position) -> Event {
    Event {
        position,
        stream: StreamName::new("observations.a").unwrap(),
        id: uuid::Uuid::from_u128(position.into()),
        kind: "kind".to_owned(),
        time: "2026-01-15T08:30:00Z".parse().unwrap(),
        data: bytes::Bytes::new(),
        traceparent: None,
    }
}

fn push(state: &mut Vec<Position>, event: &Event) -> Result<(), Error> {
    state.push(event.position);
    Ok(())
}

#[test]
fn an_event_counts_once_whoever_repeats_it() {
    let mut projection = Projection::new(Vec::new());
    let folded: Vec<_> =
        [1, 2, 2, 1, 4, 3, 4, 7].map(|at| projection.fold(&event(at), push).unwrap()).to_vec();
    assert_eq!(folded, [true, true, false, false, true, false, false, true]);
    assert_eq!((projection.state().as_slice(), projection.position()), ([1, 2, 4, 7].as_slice(), 7));
}

#[test]
fn an_event_that_cannot_be_folded_is_not_passed() {
    let mut projection = Projection::new(Vec::new());
    projection.fold(&event(1), push).unwrap();
    let damaged = Error::Corrupt { log: "observations".to_owned(), position: 2, reason: "test".to_owned() };
    assert_eq!(projection.fold(&event(2), |_, _| Err(damaged.clone())), Err(damaged));
    assert_eq!(projection.position(), 1);
    assert_eq!(projection.fold(&event(2), push), Ok(true));
}

#[test]
fn passing_never_goes_back() {
    let mut projection = Projection::new(Vec::new());
    projection.pass(5);
    projection.pass(3);
    assert_eq!(projection.position(), 5);
    assert_eq!(projection.fold(&event(5), push), Ok(false));
    assert_eq!(projection.fold(&event(6), push), Ok(true));
}
