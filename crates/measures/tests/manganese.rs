//! Look-through of manganese ore in 2022, on trade as it is built into the program.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests speak through their names, and stop at what is wrong"
)]

use std::io::Read;

use orewatch_catalog::reference;
use orewatch_measures::{Amount, Lookthrough, Network, Solver, Sourcing};

const EU27: [&str; 27] = [
    "AUT", "BEL", "BGR", "CYP", "CZE", "DEU", "DNK", "ESP", "EST", "FIN", "FRA", "GRC", "HRV", "HUN", "IRL",
    "ITA", "LTU", "LUX", "LVA", "MLT", "NLD", "POL", "PRT", "ROU", "SVK", "SVN", "SWE",
];

/// Flows of manganese ores (HS 260200) in 2022, in tonnes gross, with a known quantity.
fn flows() -> Vec<(String, String, f64)> {
    let table = reference::tables().iter().find(|table| table.name.starts_with("trade-baci")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(table.bytes).read_to_string(&mut text).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("2022,"));
    rows.filter_map(|row| match row.split(',').collect::<Vec<_>>()[..] {
        [from, to, "260200", _, tonnes] => Some((from.to_owned(), to.to_owned(), tonnes.parse().ok()?)),
        _ => None,
    })
    .collect()
}

fn output() -> Vec<(String, f64)> {
    let rows = include_str!("../../verification/data/geopolrisk-production.csv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1);
    rows.map(|row| row.split_once(',').unwrap())
        .map(|(economy, t)| (economy.to_owned(), t.parse().unwrap()))
        .collect()
}

fn solved<'a>(output: &'a [(String, f64)], flows: &'a [(String, String, f64)]) -> Lookthrough<&'a str> {
    let output = output.iter().map(|(economy, t)| (economy.as_str(), Amount::known(*t)));
    let flows = flows.iter().map(|(from, to, t)| (from.as_str(), to.as_str(), Amount::known(*t)));
    Network::new(output, Amount::NOTHING, flows).solve(&mut Solver::default())
}

fn assert_near(actual: Option<f64>, published: f64, tolerance: f64) {
    let near = actual.is_some_and(|actual| (actual - published).abs() <= tolerance);
    assert!(near, "{actual:?} is not {published} within {tolerance}");
}

#[test]
fn germany_names_the_netherlands_and_uses_south_africas_and_gabons_ore() {
    let (output, flows) = (output(), flows());
    let direct = flows.iter().filter(|(_, to, _)| to == "DEU");
    let direct =
        Sourcing::new(direct.map(|(from, _, t)| (from.as_str(), Amount::known(*t))), Amount::NOTHING);
    let published =
        [("NLD", 0.302), ("BEL", 0.207), ("MAR", 0.128), ("FRA", 0.106), ("GAB", 0.070), ("ZAF", 0.018)];
    for (supplier, share) in published {
        assert_near(direct.share(supplier).value, share, 0.0005);
    }
    assert_near(direct.hhi().value, 1760.0, 5.0);

    let network = solved(&output, &flows);
    let origins = network.origins(["DEU"]);
    for (origin, share) in [("ZAF", 0.415), ("GAB", 0.388), ("MAR", 0.131)] {
        assert_near(origins.share(origin).value, share, 0.0005);
    }
    assert_near(origins.hhi().value, 3420.0, 5.0);
    assert_eq!(origins.top().1, Some("ZAF"));
}

#[test]
fn the_union_names_its_origins_and_uses_them() {
    let (output, flows) = (output(), flows());
    let origins = solved(&output, &flows).origins(EU27);
    assert_near(origins.share("ZAF").value, 0.523, 0.0005);
    assert_near(origins.share("GAB").value, 0.328, 0.0005);
    assert_near(origins.hhi().value, 3890.0, 5.0);
}

#[test]
fn gross_ore_against_content_leaves_a_balance_of_26_million_tonnes() {
    let (output, flows) = (output(), flows());
    let network = solved(&output, &flows);
    let added: f64 =
        network.economies().iter().filter_map(|economy| network.balance(economy)).map(|(t, _)| t).sum();
    assert_near(Some(added), 26e6, 0.5e6);
}
