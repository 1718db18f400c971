//! What is published adds up: whoever folds the exposures log has what the book says, at every moment.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod apart;
mod probe;
mod rows;
mod world;

use orewatch_catalog::Consumer;
use orewatch_exposure::book::{Book, Knowledge, Market};
use orewatch_exposure::dependents::dependents_of;
use orewatch_exposure::evolve::Turn;
use orewatch_exposure::figures::{Everything, Family, Figure, Question, figure, figures, figures_of};
use orewatch_exposure::scope::Shelf;
use proptest::prelude::*;

use probe::PROBES;
use rows::step;
use world::{World, recomputed};

/// Whether some families give the same of a market before and after.
fn same(families: &[&'static dyn Family], turn: &Turn, market: Market) -> bool {
    let of = |book: &Book| -> Vec<Figure> {
        figures_of(families, &Shelf::new(book, Knowledge::NOW).scope(market), &Everything).all
    };
    let (old, new) = (of(&turn.old), of(&turn.new));
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old.is_same(new))
}

/// Every figure that is collected is the one that is given to who asks for it alone.
fn asked_one_by_one(book: &Book) {
    for market in book.markets(Knowledge::NOW).into_keys() {
        let scope = Shelf::new(book, Knowledge::NOW).scope(market);
        for collected in figures(&scope, &Everything).all {
            let consumer: Consumer = collected.key.consumer.parse().unwrap();
            let alone = figure(&scope.afresh(), Question { consumer, key: collected.key });
            assert!(alone.is_same(&collected), "{market:?}: {collected:?} is {alone:?} alone");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_published_adds_up_to_the_book_at_every_step(steps in prop::collection::vec(step(), 1..10)) {
        let mut world = World::default();
        let mut past = Vec::new();
        for step in &steps {
            if let Some(turn) = world.step(step) {
                world.publish(&turn);
            }
            let now = recomputed(world.known.book(), Knowledge::NOW);
            prop_assert_eq!(&world.follower.figures, &now);
            past.push((world.position, now));
        }
        asked_one_by_one(world.known.book());
        for (position, then) in past {
            prop_assert_eq!(recomputed(world.known.book(), Knowledge::at(position)), then, "as at {}", position);
        }
    }

    #[test]
    fn what_is_left_alone_reads_nothing_that_differs(steps in prop::collection::vec(step(), 1..8)) {
        let mut world = World::default();
        for step in &steps {
            let Some(turn) = world.step(step) else { continue };
            for probe in PROBES.chunks(1) {
                let touched = dependents_of(probe, &turn);
                let reached = |market: &Market| touched.get(market).is_some_and(|families| !families.is_empty());
                for market in turn.new.markets(Knowledge::NOW).into_keys().filter(|market| !reached(market)) {
                    prop_assert!(same(probe, &turn, market), "{:?} of {:?}", probe[0].reach(), market);
                }
            }
        }
    }
}
