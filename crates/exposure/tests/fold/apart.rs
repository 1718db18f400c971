//! Datasets are kept apart: what holds of figures whatever else is on the log.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Consumer;
use orewatch_exposure::book::{Book, DatasetId, Knowledge, Market};
use orewatch_exposure::figures::{AllFigures, Figure, FigureKey, families, figures};
use orewatch_exposure::scope::ScopeCache;
use proptest::prelude::*;

use crate::rows::{Step, declared_before_and_after, step, step_of, with_unknown};
use crate::world::{World, recomputed};

/// A figure, with the datasets that it rests on.
type Rested = (Figure, BTreeSet<DatasetId>);

/// Every figure of a book.
fn rested(book: &Book) -> BTreeMap<(Market, FigureKey), Rested> {
    let mut all = BTreeMap::new();
    for market in book.markets(Knowledge::NOW).into_keys() {
        let scope = ScopeCache::new(book, Knowledge::NOW).scope(market);
        let output = scope.accounts().view().output.as_ref().and_then(|output| output.answering());
        for figure in figures(&scope, &AllFigures).all {
            let family = families().iter().find(|family| family.measures().contains(&figure.key.measure));
            let reach = family.unwrap().reach();
            let consumer = if reach.network { Consumer::World } else { figure.key.consumer.parse().unwrap() };
            let mut on = BTreeSet::new();
            if reach.flows {
                on.extend(scope.accounts().answering(consumer));
                on.extend(scope.accounts().answering_for_exports(consumer));
            }
            if reach.output {
                on.extend(output);
            }
            all.insert((market, figure.key), (figure, on));
        }
    }
    all
}

/// What a figure says, whatever other datasets say of it.
fn own_answer(figure: &Figure) -> ([Option<u64>; 4], String) {
    let estimate = &figure.estimate;
    let bits =
        [estimate.value, estimate.low, estimate.high, estimate.coverage].map(|it| it.map(f64::to_bits));
    (bits, format!("{:?} {:?} {}", figure.names, estimate.status, estimate.reason))
}

/// Whether a measure looks at other markets than its own.
fn looks_elsewhere(key: FigureKey) -> bool {
    let family = families().iter().find(|family| family.measures().contains(&key.measure));
    family.is_some_and(|family| family.reach().earlier > 0 || family.reach().stages)
}

fn world(steps: &[Step]) -> World {
    let mut world = World::default();
    for step in steps {
        world.step(step);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A release of one dataset changes no figure that rests on other datasets only. Measures that look at
    /// earlier periods or other stages also rest on what answers there, and are left out.
    #[test]
    fn a_release_changes_no_figure_of_other_datasets(
        steps in prop::collection::vec(step_of(&["baci-hs92", "comtrade-h6"]), 1..5),
        last in step_of(&["customs"]),
    ) {
        let mut world = world(&steps);
        let before = rested(world.known.book());
        let Some(revision) = world.step(&last) else { return Ok(()) };
        let own = revision.new.dataset("customs").unwrap();
        let after = rested(&revision.new);
        for (key, (figure, on)) in &after {
            let Some((old, rested_on)) = before.get(key) else { continue };
            // A market of which nothing is for everyone is bounded by who has not reported, which any dataset
            // can tell.
            let is_open =
                revision.new.view(key.0, Knowledge::NOW).flows.is_some_and(|flows| !flows.is_for_everyone());
            if !on.contains(&own) && !rested_on.contains(&own) && !is_open && !looks_elsewhere(key.1) {
                prop_assert_eq!(own_answer(figure), own_answer(old), "{:?}", key);
            }
        }
    }

    /// It does not matter which of two datasets comes first, as long as one goes before the other in the
    /// order of kinds.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        first in prop::collection::vec(step_of(&["baci-hs92"]), 1..3),
        second in prop::collection::vec(step_of(&["comtrade-h6"]), 1..3),
        third in prop::collection::vec(step_of(&["customs"]), 0..2),
    ) {
        let one = world(&[first.clone(), second.clone(), third.clone()].concat());
        let other = world(&[third, second, first].concat());
        prop_assert_eq!(
            recomputed(one.known.book(), Knowledge::NOW),
            recomputed(other.known.book(), Knowledge::NOW)
        );
    }

    /// What was added and is withdrawn again leaves the same bits as before.
    #[test]
    fn withdrawing_what_was_added_leaves_the_same_bits(
        steps in prop::collection::vec(step(), 1..5),
        last in step_of(&["baci-hs92", "comtrade-h6", "customs"]),
    ) {
        let mut world = world(&steps);
        let before = recomputed(world.known.book(), Knowledge::NOW);
        world.step(&last);
        world.withdraw_last();
        prop_assert_eq!(recomputed(world.known.book(), Knowledge::NOW), before);
    }

    /// Rows of unknown origin never narrow a bound.
    #[test]
    fn unknown_origin_never_narrows_a_bound((known, both) in with_unknown()) {
        let (narrow, wide) = (world(&[known]), world(&[both]));
        let (narrow, wide) = (rested(narrow.known.book()), rested(wide.known.book()));
        for (key, (figure, _)) in &narrow {
            let measure = figure.key.measure.id();
            if !(measure.starts_with("import-share") || measure.starts_with("import-hhi")) {
                continue;
            }
            let (other, _) = &wide[key];
            let (low, high) = (figure.estimate.low, figure.estimate.high);
            if let (Some(low), Some(high)) = (low, high) {
                let least = other.estimate.low.unwrap_or(f64::NEG_INFINITY);
                let most = other.estimate.high.unwrap_or(f64::INFINITY);
                // Sums in another order may differ in their last digits.
                let slack = 1e-9 * high.max(1.0);
                prop_assert!(
                    least <= low + slack && most >= high - slack,
                    "{:?}: {:?} {:?}",
                    key,
                    figure,
                    other
                );
            }
        }
    }

    /// A bloc's bounds enclose the figure once the missing member reports, as long as it imports no more than
    /// it did before.
    #[test]
    fn the_bounds_of_a_bloc_enclose_a_late_report((before, late) in declared_before_and_after()) {
        let mut world = world(&[before]);
        let early = rested(world.known.book());
        world.step(&late);
        let whole = rested(world.known.book());
        for (key, (figure, _)) in whole.iter().filter(|((market, key), _)| {
            key.consumer == "G7"
                && key.measure.id().starts_with("import-share")
                && market.period.to_string() == "2022"
        }) {
            let Some((earlier, _)) = early.get(key) else { continue };
            let Some(value) = figure.estimate.value else { continue };
            let (low, high) = (earlier.estimate.low.unwrap_or(0.0), earlier.estimate.high.unwrap_or(1.0));
            prop_assert!(
                low <= value + 1e-12 && value <= high + 1e-12,
                "{:?}: {:?} then {:?}",
                key,
                earlier,
                figure
            );
        }
    }
}
