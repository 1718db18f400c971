//! The scheme of the UK's criticality assessment: scores are relative to their set.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use orewatch_measures::{LineState, Status, UK_CRITICAL, UkCandidate, UkScore, uk_criticality};
use proptest::prelude::*;

fn candidate(supply_risk: &[f64], vulnerability: &[f64]) -> UkCandidate {
    let some = |values: &[f64]| values.iter().copied().map(Some).collect();
    UkCandidate { supply_risk: some(supply_risk), vulnerability: some(vulnerability) }
}

fn value(score: &UkScore) -> f64 {
    score.criticality.value.unwrap()
}

#[test]
fn indicators_run_from_one_to_ten_and_the_score_is_the_root_of_both_axes() {
    let set =
        [candidate(&[0.0, 5.0], &[2.0]), candidate(&[50.0, 5.0], &[4.0]), candidate(&[100.0, 5.0], &[6.0])];
    let scores = uk_criticality(&set);
    let [least, middle, greatest] = [0, 1, 2].map(|index| scores[index]);
    assert!((value(&least) - 1.0).abs() < 1e-12);
    // The middle of 1 and 10 is 5.5; the second indicator is 1 for all: sqrt(5.5 * 1) and 5.5.
    assert!((middle.supply_risk.value.unwrap() - 5.5_f64.sqrt()).abs() < 1e-12);
    assert!((middle.vulnerability.value.unwrap() - 5.5).abs() < 1e-12);
    assert!((value(&middle) - (5.5_f64.sqrt() * 5.5).sqrt()).abs() < 1e-12);
    assert!((value(&greatest) - (10.0_f64.sqrt() * 10.0).sqrt()).abs() < 1e-12);
    assert_eq!(UK_CRITICAL.verdict(&least.criticality).state, LineState::Clear);
    assert_eq!(UK_CRITICAL.verdict(&greatest.criticality).state, LineState::Crossed);
}

#[test]
fn a_new_candidate_moves_the_scores_of_others() {
    let set = [candidate(&[1.0], &[1.0]), candidate(&[2.0], &[2.0]), candidate(&[3.0], &[3.0])];
    let extreme = [set.as_slice(), &[candidate(&[9.0], &[9.0])]].concat();
    let [before, after] = [&set[..], &extreme].map(|set| value(&uk_criticality(set)[2]));
    assert!((before - 10.0).abs() < 1e-12 && after < 4.0, "{before} {after}");
}

#[test]
fn a_missing_indicator_gives_bounds_and_no_certainty() {
    let missing = UkCandidate { supply_risk: vec![Some(2.0), None], vulnerability: vec![Some(3.0)] };
    let set = [candidate(&[1.0, 1.0], &[1.0]), candidate(&[3.0, 7.0], &[3.0]), missing];
    let scores = uk_criticality(&set);
    let axis = scores[2].supply_risk;
    assert_eq!((axis.status, scores[0].supply_risk.status), (Status::Partial, Status::Known));
    assert!((axis.value.unwrap() - 5.5).abs() < 1e-12, "the known indicator alone");
    assert!((axis.low.unwrap() - 5.5_f64.sqrt()).abs() < 1e-12);
    assert!((axis.high.unwrap() - 55.0_f64.sqrt()).abs() < 1e-12);
    let nothing = uk_criticality(&[UkCandidate::default(), UkCandidate::default()]);
    assert_eq!(nothing[0].criticality.status, Status::Unavailable);
}

fn sets() -> impl Strategy<Value = Vec<UkCandidate>> {
    let row = (prop::collection::vec(0.0..100.0_f64, 3), prop::collection::vec(0.0..100.0_f64, 2));
    prop::collection::vec(row, 2..8).prop_map(|rows| rows.iter().map(|(a, b)| candidate(a, b)).collect())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

proptest! {
    /// Scores stay on the scale.
    #[test]
    fn scores_are_from_one_to_ten(set in sets()) {
        for score in uk_criticality(&set) {
            for estimate in [score.supply_risk, score.vulnerability, score.criticality] {
                prop_assert!((1.0..=10.0).contains(&estimate.value.unwrap()));
            }
        }
    }

    /// The unit and the origin of an indicator do not matter.
    #[test]
    fn the_unit_of_an_indicator_does_not_matter(
        set in sets(),
        factor in 0.1..10.0_f64,
        shift in -50.0..50.0_f64,
    ) {
        let mut other = set.clone();
        for candidate in &mut other {
            let first = candidate.supply_risk[0].unwrap();
            candidate.supply_risk[0] = Some(first * factor + shift);
        }
        for (a, b) in uk_criticality(&set).iter().zip(uk_criticality(&other)) {
            prop_assert!(close(value(a), value(&b)));
        }
    }

    /// The order of the candidates does not matter.
    #[test]
    fn the_order_of_candidates_does_not_matter(set in sets()) {
        let reversed: Vec<_> = set.iter().rev().cloned().collect();
        let mut scores = uk_criticality(&reversed);
        scores.reverse();
        prop_assert_eq!(uk_criticality(&set), scores);
    }

    /// An indicator that rises within the range of the set raises that score, and no other.
    #[test]
    fn a_higher_indicator_within_the_range_raises_one_score(set in sets(), part in 0.0..1.0_f64) {
        let greatest = set.iter().filter_map(|one| one.supply_risk[0]).fold(0.0, f64::max);
        let least = set.iter().filter_map(|one| one.supply_risk[0]).fold(f64::INFINITY, f64::min);
        let index = set.iter().position(|one| (least..greatest).contains(&one.supply_risk[0].unwrap()));
        let own = index.map(|index| set[index].supply_risk[0].unwrap());
        prop_assume!(own.is_some_and(|own| own > least));
        let (index, own) = (index.unwrap(), own.unwrap());
        let mut risen = set.clone();
        risen[index].supply_risk[0] = Some(own + (greatest - own) * part);
        for (position, (a, b)) in uk_criticality(&set).iter().zip(uk_criticality(&risen)).enumerate() {
            if position == index {
                prop_assert!(value(&b) >= value(a) - 1e-9);
            } else {
                prop_assert!(close(value(a), value(&b)));
            }
        }
    }

    /// The bounds of a candidate with a missing indicator enclose every value of it within the set's range.
    #[test]
    fn bounds_enclose_what_is_missing(set in sets(), part in 0.0..1.0_f64) {
        let mut without = set.clone();
        without[0].supply_risk[1] = None;
        let others = || set[1..].iter().filter_map(|one| one.supply_risk[1]);
        let (least, greatest) = (others().fold(f64::INFINITY, f64::min), others().fold(0.0, f64::max));
        let mut filled = set.clone();
        filled[0].supply_risk[1] = Some(least + (greatest - least) * part);
        let (bounds, score) = (uk_criticality(&without)[0].criticality, value(&uk_criticality(&filled)[0]));
        prop_assert!(bounds.low.unwrap() - 1e-9 <= score && score <= bounds.high.unwrap() + 1e-9);
        for (a, b) in uk_criticality(&without)[1..].iter().zip(&uk_criticality(&filled)[1..]) {
            prop_assert!(close(value(a), value(b)), "others are as they were");
        }
    }

    /// A candidate that repeats another changes nothing.
    #[test]
    fn a_repeated_candidate_changes_nothing(set in sets()) {
        let longer = [set.clone(), vec![set[0].clone()]].concat();
        for (a, b) in uk_criticality(&set).iter().zip(uk_criticality(&longer)) {
            prop_assert!(close(value(a), value(&b)));
        }
    }
}
