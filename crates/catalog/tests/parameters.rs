//! Tests of parameters of methods, kinds of export restriction, and the first stage of materials.

#![allow(clippy::unwrap_used, reason = "a failed assumption fails the test")]

use orewatch_catalog::parameter::{ItemKind, Presence};
use orewatch_catalog::{
    Severity, Stage, material, materials, parameter, parameters, restriction, restrictions,
};

#[test]
fn parameters_are_found_only_by_their_identifiers() {
    assert!(parameters().is_sorted_by(|a, b| a.id < b.id));
    for entry in parameters() {
        assert_eq!(parameter(entry.id).unwrap(), entry);
        assert!(entry.description.ends_with('.') && !entry.source.is_empty() && !entry.unit.is_empty());
        assert!(entry.min <= entry.max, "{entry}");
    }
    let refused = |id: &str| parameter(id).unwrap_err().to_string();
    assert_eq!(refused("EoL-RIR"), "unknown parameter `EoL-RIR`: did you mean eol-rir?");
    assert_eq!(refused("SI_SR"), "unknown parameter `SI_SR`: did you mean substitution-supply-risk?");
    assert_eq!(
        refused("trade parameter"),
        "unknown parameter `trade parameter`: did you mean trade-parameter?"
    );
    assert_eq!(refused("end-use-shares"), "unknown parameter `end-use-shares`: did you mean end-use-share?");
    assert_eq!(refused("xyz"), "unknown parameter `xyz`");
}

/// A stage without a material would be about nothing; so would a partner, an item or a figure without what it
/// belongs to.
#[test]
fn fields_of_a_parameter_are_consistent() {
    for entry in parameters() {
        assert!(entry.stage == Presence::Never || entry.material != Presence::Never, "{entry}");
        assert!(!entry.allows_blocs || entry.economy != Presence::Never, "{entry}");
        let about = [entry.economy, entry.partner, entry.material, entry.stage];
        let something = entry.item != ItemKind::None || about.contains(&Presence::Required);
        assert!(something, "{entry} is about nothing");
    }
}

#[test]
fn ranges_contain_exactly_the_valid_figures() {
    for (id, within, beyond, range) in [
        ("eol-rir", 0.22, 22.0, "0 to 1"),
        ("trade-parameter", 1.5, 5.5, "0 to 5"),
        ("stock-decrease", -80.0, f64::NEG_INFINITY, "any number"),
        ("consumption", 0.0, -1.0, "0 or more"),
        ("supply-used", 1.0, 0.0, "1"),
        ("freedom-score", 100.0, 101.0, "0 to 100"),
    ] {
        let entry = parameter(id).unwrap();
        assert!(entry.admits(within) && !entry.admits(beyond) && !entry.admits(f64::NAN), "{id}");
        assert_eq!(entry.range(), range, "{id}");
    }
}

#[test]
fn kinds_of_restriction_are_ordered_by_severity() {
    assert!(restrictions().is_sorted_by(|a, b| a.id < b.id));
    let severity = |id: &str| restriction(id).unwrap().severity;
    assert!(severity("licensing") < severity("export-tax"));
    assert!(severity("export-tax") < severity("quota"));
    assert!(severity("quota") < severity("prohibition"));
    assert_eq!(severity("other"), Severity::Licence);
    let mut numbers: Vec<_> = restrictions().iter().flat_map(|kind| kind.gta).collect();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        [&18, &19, &20, &21, &35, &37, &39, &63, &74],
        "each type of intervention is of one kind"
    );
    let refused = |id: &str| restriction(id).unwrap_err().to_string();
    assert_eq!(refused("ban"), "unknown restriction `ban`: did you mean prohibition?");
    assert_eq!(refused("Export Tax"), "unknown restriction `Export Tax`: did you mean export-tax?");
    assert_eq!(refused("quotas"), "unknown restriction `quotas`: did you mean quota?");
    assert_eq!(restriction("quotas").unwrap_err().code(), "unknown-restriction");
}

#[test]
fn the_first_stage_is_the_first_with_output_or_product_codes() {
    let first = |id: &str| material(id).unwrap().first_stage();
    assert_eq!([first("cobalt"), first("graphite"), first("caesium")], [Stage::Mined; 3]);
    assert_eq!([first("gallium"), first("silicon"), first("rhodium")], [Stage::Refined; 3]);
    for entry in materials() {
        assert!(entry.production.iter().all(|(stage, _)| entry.first_stage() <= *stage), "{entry}");
    }
}
