//! Revisions of published figures: bands over made-up and published figures, and their properties.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use orewatch_measures::{Firmness, RevisionBand, revision};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn a_revision_is_a_part_of_the_older_figure() {
    assert_eq!(revision(60_000.0, 40_000.0), Some(1.0 / 3.0));
    assert_eq!(revision(40_000.0, 60_000.0), Some(0.5));
    assert_eq!(revision(50.0, 0.0), Some(1.0));
    assert_eq!(revision(7.0, 7.0), Some(0.0));
}

#[test]
fn nothing_is_said_in_parts_of_nothing() {
    for (old, new) in
        [(0.0, 0.0), (0.0, 5.0), (-1.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)]
    {
        assert_eq!(revision(old, new), None, "{old} to {new}");
    }
    assert_eq!(RevisionBand::from_revisions(Vec::new()), None);
}

/// Antimony of 2024 in the Mineral Commodity Summaries of 2025 and 2026 (US Geological Survey, public
/// domain), in tonnes, for the producers that both editions list with a figure above zero.
#[test]
fn antimony_of_2024_was_revised_by_a_third_at_its_largest_producer() {
    let editions = [
        ("AUS", 2000.0, 1270.0),
        ("BOL", 3700.0, 5300.0),
        ("CHN", 60_000.0, 40_000.0),
        ("GTM", 50.0, 50.0),
        ("IRN", 500.0, 90.0),
        ("KAZ", 40.0, 800.0),
        ("KGZ", 20.0, 700.0),
        ("LAO", 200.0, 200.0),
        ("MEX", 800.0, 600.0),
        ("MMR", 4500.0, 4500.0),
        ("PAK", 250.0, 260.0),
        ("RUS", 13_000.0, 40_000.0),
        ("TJK", 17_000.0, 22_000.0),
        ("TUR", 1600.0, 3000.0),
        ("VNM", 300.0, 220.0),
    ];
    let revisions: Vec<_> = editions.iter().map(|(_, old, new)| revision(*old, *new).unwrap()).collect();
    let band = RevisionBand::from_revisions(revisions).unwrap();
    assert_eq!((band.figures, band.firmness()), (15, Firmness::Weak));
    // Sorted: 0, 0, 0, .04, .25, .2667, .2941, .3333, .365, .4324, .82, .875, 2.0769, 19, 34. China, which
    // mined 58 % of the world's antimony by the older edition, is the one in the middle.
    assert!((band.median - 1.0 / 3.0).abs() < 1e-12, "{}", band.median);
    let [thirteenth, next] = [27_000.0 / 13_000.0, 19.0];
    assert!((band.p90 - (thirteenth + 0.6 * (next - thirteenth))).abs() < 1e-9, "{}", band.p90);
    let [old, new] = [|row: &(&str, f64, f64)| row.1, |row: &(&str, f64, f64)| row.2]
        .map(|figure| editions.iter().map(figure).sum::<f64>());
    assert_eq!((old, new), (103_960.0, 118_990.0));
    assert!((revision(old, new).unwrap() - 0.144_575).abs() < 1e-6, "the world's output");
}

#[test]
fn quantiles_lie_between_the_closest_ranks() {
    let band = |revisions: &[f64]| RevisionBand::from_revisions(revisions.to_vec()).unwrap();
    assert_eq!((band(&[0.3]).median, band(&[0.3]).p90), (0.3, 0.3));
    let two = band(&[0.2, 0.1]);
    assert!((two.median - 0.15).abs() < 1e-15 && (two.p90 - 0.19).abs() < 1e-15);
    let eleven: Vec<_> = (0..11).map(f64::from).collect();
    assert_eq!((band(&eleven).median, band(&eleven).p90), (5.0, 9.0));
}

#[test]
fn a_figure_is_firm_below_two_percent_and_weak_beyond_five() {
    let expected = [
        (0.0, Firmness::Firm),
        (0.019_999, Firmness::Firm),
        (0.02, Firmness::Soft),
        (0.05, Firmness::Soft),
        (0.050_001, Firmness::Weak),
        (3.0, Firmness::Weak),
    ];
    for (median, firmness) in expected {
        assert_eq!(Firmness::from_median(median), firmness, "{median}");
    }
}

proptest! {
    #[test]
    fn a_band_does_not_depend_on_the_order_and_stays_among_its_figures(
        revisions in vec(0.0_f64..5.0, 1..60),
        turn in 0_usize..60,
    ) {
        let band = RevisionBand::from_revisions(revisions.clone()).unwrap();
        let mut turned = revisions.clone();
        turned.rotate_left(turn % revisions.len());
        prop_assert_eq!(RevisionBand::from_revisions(turned), Some(band));
        let least = revisions.iter().copied().fold(f64::INFINITY, f64::min);
        let most = revisions.iter().copied().fold(0.0, f64::max);
        prop_assert!(least <= band.median && band.median <= band.p90 && band.p90 <= most);
        let up_to = |line: f64| revisions.iter().filter(|revision| **revision <= line).count();
        prop_assert!(2 * up_to(band.median) >= revisions.len(), "half of them are at most the median");
    }

    #[test]
    fn a_revision_does_not_depend_on_the_unit(
        old in 1.0_f64..1e6,
        new in 0.0_f64..1e6,
        unit in 0.01_f64..1e3,
    ) {
        let (one, other) = (revision(old, new).unwrap(), revision(old * unit, new * unit).unwrap());
        prop_assert!((one - other).abs() <= 1e-9 * one.max(1.0));
    }
}
