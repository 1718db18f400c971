//! The floor of dependence: figures worked out from the IEA's tables, and what holds of every floor.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use std::io::Read;

use flate2::read::GzDecoder;
use orewatch_catalog::reference;
use orewatch_foresight::{DependenceFloor, missing_for_share, own_share_at_reach};
use orewatch_measures::{Amount, Cover, Sourcing, Status};
use proptest::prelude::*;

/// Quantity in kilotonnes from the IEA's projections in the catalogue.
fn iea(year: &str, economy: &str, material: &str, side: &str, scenario: &str) -> f64 {
    let table = reference::tables().iter().find(|table| table.name.starts_with("projections-iea")).unwrap();
    let mut text = String::new();
    GzDecoder::new(table.bytes).read_to_string(&mut text).unwrap();
    let start = format!("{year},{economy},{material},refined,{side},{scenario},");
    let row = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    row.split(',').next().unwrap().parse().unwrap()
}

fn others(year: &str, material: &str) -> f64 {
    iea(year, "WLD", material, "supply", "base") - iea(year, "CHN", material, "supply", "base")
}

/// Floors of all but China for refined rare earths, by China's own share of the world's demand, in percent
/// (worked out apart from this program).
#[test]
fn floors_for_rare_earths_are_reproduced() {
    let expected = [
        ("2030", 25.56, 122.85, [65.3, 58.4, 48.0], 0.480),
        ("2035", 28.06, 140.12, [66.6, 60.0, 49.9], 0.499),
        ("2040", 28.06, 149.58, [68.7, 62.5, 53.1], 0.531),
    ];
    for (year, outside, world, floors, at_reach) in expected {
        let others = others(year, "rare-earths");
        let demand = iea(year, "WLD", "rare-earths", "demand", "steps");
        assert!((others - outside).abs() < 0.005 && (demand - world).abs() < 0.005, "{year}");
        for (own, floor) in [0.4, 0.5, 0.6].into_iter().zip(floors) {
            let demand = Amount::known(demand * (1.0 - own));
            let ours =
                DependenceFloor { others: Amount::known(others), claims: Amount::NOTHING, demand }.estimate();
            assert!((100.0 * ours.value.unwrap() - floor).abs() < 0.1, "{year}, {own}: {ours:?}");
        }
        let reach = own_share_at_reach(others, demand, 0.6).unwrap();
        assert!((reach - at_reach).abs() < 1e-3, "{year}: {reach}");
    }
}

/// What is missing in 2030 for China's share of the world's refining to be 65 or 60 %, in kilotonnes.
#[test]
fn missing_tonnes_of_2030_are_reproduced() {
    for (material, at_65, at_60, room) in [
        ("rare-earths", 18.1, 28.5, 0.1),
        ("cobalt", 62.0, 94.0, 0.6),
        ("graphite", 1_503.0, 1_997.0, 1.0),
        ("lithium", 0.0, 11.6, 0.1),
        ("copper", 0.0, 0.0, 0.1),
    ] {
        let supply = iea("2030", "WLD", material, "supply", "base");
        let china = iea("2030", "CHN", material, "supply", "base");
        for (line, expected) in [(0.65, at_65), (0.6, at_60)] {
            let missing = missing_for_share(supply, china, line).unwrap();
            assert!((missing - expected).abs() < room, "{material}, {line}: {missing}");
        }
    }
    assert_eq!(missing_for_share(100.0, 50.0, 0.0), None);
    assert_eq!(own_share_at_reach(10.0, 0.0, 0.6), None);
}

#[test]
fn the_floor_of_everybody_else_is_what_n1_cover_leaves() {
    let supply = [("CHN", 80.0), ("MYS", 15.0), ("USA", 5.0)].map(|(key, t)| (key, Amount::known(t)));
    let demand = [("CHN", 50.0), ("JPN", 30.0), ("USA", 25.0)].map(|(key, t)| (key, Amount::known(t)));
    let supply = Sourcing::new(supply, Amount::NOTHING);
    let demand = Sourcing::new(demand, Amount::NOTHING);
    let (cover, largest) = Cover { supply: &supply, demand: &demand }.estimate();
    let floor =
        DependenceFloor { others: Amount::known(20.0), claims: Amount::NOTHING, demand: Amount::known(55.0) };
    assert_eq!(largest, Some("CHN"));
    assert!((floor.estimate().value.unwrap() + cover.value.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn what_is_not_known_gives_bounds_and_no_demand_gives_nothing() {
    let demand = Amount::known(40.0) + Amount::between(0.0, 20.0);
    let floor = DependenceFloor { others: Amount::known(20.0), claims: Amount::NOTHING, demand }.estimate();
    assert_eq!((floor.value, floor.status), (Some(0.5), Status::Partial));
    assert!((floor.low.unwrap() - 0.5).abs() < 1e-12 && (floor.high.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let withheld =
        DependenceFloor { others: Amount::withheld(), claims: Amount::NOTHING, demand: Amount::known(1.0) };
    let floor = withheld.estimate();
    assert_eq!((floor.value, floor.low, floor.high), (None, Some(0.0), Some(1.0)));
    let nobody =
        DependenceFloor { others: Amount::known(1.0), claims: Amount::NOTHING, demand: Amount::NOTHING };
    assert_eq!(nobody.estimate().status, Status::NotApplicable);
}

fn floor(others: f64, claims: f64, demand: f64) -> DependenceFloor {
    DependenceFloor {
        others: Amount::known(others),
        claims: Amount::known(claims),
        demand: Amount::known(demand),
    }
}

proptest! {
    #[test]
    fn a_floor_falls_with_supply_and_rises_with_demand_and_claims(
        others in 0.0..1e4, claims in 0.0..1e4, demand in 0.1..1e4, more in 0.0..1e4,
    ) {
        let value = |others, claims, demand| floor(others, claims, demand).estimate().value.unwrap();
        let now = value(others, claims, demand);
        prop_assert!((0.0..=1.0).contains(&now));
        prop_assert!(value(others + more, claims, demand) <= now + 1e-12);
        prop_assert!(value(others, claims + more, demand) >= now - 1e-12);
        prop_assert!(value(others, claims, demand + more) >= now - 1e-12);
    }

    #[test]
    fn with_what_is_missing_the_line_is_just_reached(
        others in 0.0..1e4, claims in 0.0..1e4, demand in 0.1..1e4, line in 0.0..1.0,
    ) {
        let missing = floor(others, claims, demand).missing(line).value.unwrap();
        // More than the claims must come first, where they exceed supply.
        let enough = others.max(claims) + missing;
        let reached = floor(enough, claims, demand).estimate().value.unwrap();
        prop_assert!(reached <= line + 1e-9);
        prop_assert!(missing == 0.0 || (reached - line).abs() < 1e-9);
    }

    #[test]
    fn bounds_enclose_every_completion(
        others in 0.0..1e3, wide in 0.0..1e3, claims in 0.0..1e3, demand in 0.1..1e3, at in 0.0..=1.0,
    ) {
        let bounded = DependenceFloor {
            others: Amount::known(others) + Amount::between(0.0, wide),
            claims: Amount::known(claims),
            demand: Amount::known(demand) + Amount::between(0.0, wide),
        };
        let bounds = bounded.estimate();
        let truth = floor(others + at * wide, claims, demand + (1.0 - at) * wide);
        let value = truth.estimate().value.unwrap();
        prop_assert!(bounds.low.unwrap() <= value + 1e-9 && value <= bounds.high.unwrap() + 1e-9);
        let (bounds, value) = (bounded.missing(0.6), truth.missing(0.6).value.unwrap());
        prop_assert!(bounds.low.unwrap() <= value + 1e-9 && value <= bounds.high.unwrap() + 1e-9);
    }
}
