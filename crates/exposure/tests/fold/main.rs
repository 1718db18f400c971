//! What is published adds up: whoever folds the exposures log has what the book says, at every moment.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod apart;
mod held;
mod probe;
mod rows;
mod snapshots;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Consumer;
use orewatch_exposure::book::{Book, Knowledge, Market};
use orewatch_exposure::dependents::dependents_of;
use orewatch_exposure::evolve::BookRevision;
use orewatch_exposure::figures::{AllFigures, Family, Figure, FigureRequest, figure, figures, figures_of};
use orewatch_exposure::scope::ScopeCache;
use proptest::prelude::*;

use probe::PROBES;
use rows::step;
use world::{Seen, Subject, World, recomputed};

/// Whether some families give the same of a market before and after.
fn same(families: &[&'static dyn Family], revision: &BookRevision, market: Market) -> bool {
    let of = |book: &Book| -> Vec<Figure> {
        let mut figures =
            figures_of(families, &ScopeCache::new(book, Knowledge::NOW).scope(market), &AllFigures).all;
        // The size is that of the measure's own family, which reads more than a probe.
        figures.iter_mut().for_each(|figure| figure.size = Default::default());
        figures
    };
    let (old, new) = (of(&revision.old), of(&revision.new));
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old.is_same(new))
}

/// Every figure that is collected is the one that is given to who asks for it alone.
fn asked_one_by_one(book: &Book) {
    for market in book.markets(Knowledge::NOW).into_keys() {
        let scope = ScopeCache::new(book, Knowledge::NOW).scope(market);
        for collected in figures(&scope, &AllFigures).all {
            let consumer: Consumer = collected.key.consumer.parse().unwrap();
            let alone =
                figure(&scope.without_consultations(), FigureRequest { consumer, key: collected.key });
            assert!(alone.is_same(&collected), "{market:?}: {collected:?} is {alone:?} alone");
        }
    }
}

/// What differs between what a follower has and what the book says, entry by entry.
fn differing<'a>(
    followed: &'a BTreeMap<Subject, Seen>,
    recomputed: &'a BTreeMap<Subject, Seen>,
) -> Vec<(&'a Subject, Option<&'a Seen>, Option<&'a Seen>)> {
    let subjects: BTreeSet<_> = followed.keys().chain(recomputed.keys()).collect();
    let both = subjects.into_iter().map(|subject| (subject, followed.get(subject), recomputed.get(subject)));
    both.filter(|(_, followed, recomputed)| followed != recomputed).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_published_adds_up_to_the_book_at_every_step(steps in prop::collection::vec(step(), 1..10)) {
        let mut world = World::default();
        let mut past = Vec::new();
        for step in &steps {
            if let Some(revision) = world.step(step) {
                world.publish(&revision);
            }
            let now = recomputed(world.known.book(), Knowledge::NOW);
            let differing = differing(&world.follower.figures, &now);
            prop_assert!(differing.is_empty(), "after {:?}: {:#?}", step.name(), differing);
            past.push((world.position, now));
        }
        asked_one_by_one(world.known.book());
        for (position, then) in past {
            prop_assert_eq!(
                recomputed(world.known.book(), Knowledge::up_to(position)),
                then,
                "as at {}",
                position
            );
        }
    }

    #[test]
    fn what_is_left_alone_reads_nothing_that_differs(steps in prop::collection::vec(step(), 1..8)) {
        let mut world = World::default();
        for step in &steps {
            let Some(revision) = world.step(step) else { continue };
            for probe in PROBES.chunks(1) {
                let touched = dependents_of(probe, &revision);
                let reached =
                    |market: &Market| touched.get(market).is_some_and(|families| !families.is_empty());
                for market in
                    revision.new.markets(Knowledge::NOW).into_keys().filter(|market| !reached(market))
                {
                    prop_assert!(same(probe, &revision, market), "{:?} of {:?}", probe[0].reach(), market);
                }
            }
        }
    }
}
