//! A snapshot and the events after it give the state of a full replay, to the bit, wherever the cut is.

use orewatch_eventlog::Event;
use orewatch_exposure::book::Knowledge;
use orewatch_exposure::evolve::{BookState, folded_kinds};
use orewatch_store::snapshots::events::{EventWriter, read_events};
use proptest::prelude::*;

use crate::rows::step;
use crate::world::{World, recomputed};

/// The log with an event before each that the fold passes over. A snapshot leaves these out.
fn with_others(events: &[Event]) -> Vec<Event> {
    let other = |event: &Event| Event {
        position: event.position * 2 - 1,
        kind: "orewatch.ingestion.v1.ReleaseHeld".to_owned(),
        ..event.clone()
    };
    let moved = |event: &Event| Event { position: event.position * 2, ..event.clone() };
    events.iter().flat_map(|event| [other(event), moved(event)]).collect()
}

fn fold(mut state: BookState, events: &[Event]) -> BookState {
    events.iter().for_each(|event| drop(state.evolve(event).unwrap()));
    state
}

/// The state from a snapshot of these events, which is written in several turns.
fn through_snapshot(turns: &[&[Event]]) -> BookState {
    let kinds: Vec<_> = folded_kinds().map(str::to_owned).collect();
    let mut content = Vec::new();
    for events in turns {
        let mut writer = EventWriter::new(&mut content, &kinds).unwrap();
        events.iter().for_each(|event| writer.write(event).unwrap());
        writer.finish().unwrap();
    }
    let mut read = Vec::new();
    read_events(&*content, &kinds, |event| {
        read.push(event);
        true
    })
    .unwrap();
    assert!(read.iter().all(|event| event.kind != "orewatch.ingestion.v1.ReleaseHeld"));
    fold(BookState::default(), &read)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_snapshot_and_its_tail_give_the_state_of_a_full_replay(
        steps in prop::collection::vec(step(), 1..8),
        cuts in any::<[prop::sample::Index; 2]>(),
    ) {
        let mut world = World::default();
        steps.iter().for_each(|step| drop(world.step(step)));
        let log = with_others(&world.events);
        let mut cuts = cuts.map(|cut| cut.index(log.len() + 1));
        cuts.sort_unstable();
        let [first, second] = cuts;
        let replayed = fold(BookState::default(), &log);
        let restored = through_snapshot(&[&log[..first], &log[first..second]]);
        let restored = fold(restored, &log[second..]);
        for position in 0..=log.len() {
            let at = Knowledge::up_to(u64::try_from(position).unwrap());
            let figures = [&restored, &replayed].map(|state| recomputed(state.book(), at));
            prop_assert_eq!(&figures[0], &figures[1], "as at {}", position);
        }
        let names = |state: &BookState| format!("{:?}", state.book().every_release().map(|release| {
            (release.dataset, release.committed, release.withdrawn, release.newest().release.clone())
        }).collect::<Vec<_>>());
        prop_assert_eq!(names(&restored), names(&replayed));
    }
}
