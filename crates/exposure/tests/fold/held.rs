//! Replicas that share the work: each has and publishes of its own materials what a single process does.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_eventlog::NewEvent;
use orewatch_exposure::book::{Book, Holding, Knowledge};
use orewatch_exposure::decide;
use orewatch_exposure::evolve::{BookRevision, BookState};
use proptest::prelude::*;

use crate::rows::step;
use crate::world::{Seen, Subject, World, recomputed};

/// The materials that the steps are about.
const MATERIALS: [&str; 2] = ["graphite", "rare-earths"];

fn only(material: &'static str) -> Holding {
    Holding::only(BTreeSet::from([material]))
}

/// The events that a revision publishes, by material.
fn published(revision: Option<&BookRevision>) -> BTreeMap<&'static str, Vec<NewEvent>> {
    let Some(revision) = revision else { return BTreeMap::new() };
    let plan = decide::Plan::for_revision(revision);
    let of = |material| {
        let stream = decide::stream("exposures", material).unwrap();
        (material, decide::publish(revision, &plan, &stream, material))
    };
    plan.materials().map(of).collect()
}

/// The figures of a material.
fn figures_of(material: &str, book: &Book, at: Knowledge) -> BTreeMap<Subject, Seen> {
    let is_of = |(market, ..): &Subject| market.split(' ').next() == Some(material);
    recomputed(book, at).into_iter().filter(|(subject, _)| is_of(subject)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn together_replicas_have_and_publish_what_one_process_does(
        steps in prop::collection::vec(step(), 1..8),
    ) {
        let mut whole = World::default();
        let mut replicas = MATERIALS.map(|material| (material, World::holding(only(material))));
        for step in &steps {
            let of_one = published(whole.step(step).as_ref());
            let mut together = BTreeMap::new();
            for (material, replica) in &mut replicas {
                let own = published(replica.step(step).as_ref());
                prop_assert!(own.keys().all(|published| published == material), "{:?}", own.keys());
                together.extend(own);
            }
            prop_assert_eq!(together, of_one, "after {:?}", step.name());
        }
        for position in 0..=whole.position {
            let at = Knowledge::up_to(position);
            for (material, replica) in &replicas {
                let [own, all] = [replica, &whole].map(|world| figures_of(material, world.known.book(), at));
                prop_assert_eq!(own, all, "{} as at {}", material, position);
            }
        }
    }

    #[test]
    fn who_lets_go_of_a_material_goes_on_like_one_that_never_held_it(
        steps in prop::collection::vec(step(), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut world = World::default();
        steps.iter().for_each(|step| drop(world.step(step)));
        let holding = only("graphite");
        let (before, after) = world.events.split_at(cut.index(world.events.len() + 1));
        let (mut never, mut all) = (BookState::holding(holding.clone()), BookState::default());
        for event in before {
            drop((never.evolve(event).unwrap(), all.evolve(event).unwrap()));
        }
        let mut left = all.held_by(&holding);
        for event in after {
            let [never, left] = [&mut never, &mut left].map(|state| state.evolve(event).unwrap());
            prop_assert_eq!(published(left.as_ref()), published(never.as_ref()));
        }
        let [never, left] = [never, left].map(|state| {
            (recomputed(state.book(), Knowledge::NOW), state.book().trade_rows())
        });
        prop_assert_eq!(left, never);
    }
}
