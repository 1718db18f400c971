//! The published figures, and the page that shows them.
#![allow(missing_docs, reason = "tests speak through their names")]

use std::path::PathBuf;
use std::{env, fs};

use orewatch_measures::Measure;
use orewatch_verification::{Case, Verdict, not_reproduced_page, page, verify};

fn cases_of(cases: &[Case], measure: Measure) -> Vec<&Case> {
    cases.iter().filter(|case| case.measure == measure).collect()
}

#[test]
fn what_is_claimed_is_reproduced() {
    let cases = verify().unwrap();
    for case in cases.iter().filter(|case| case.verdict == Verdict::Reproduced) {
        let published = &case.published.estimate;
        let [low, high] = [published.low.unwrap() - case.tolerance, published.high.unwrap() + case.tolerance];
        let figures = [case.ours.value, if case.ours.value.is_none() { case.ours.low } else { None }];
        for figure in figures.into_iter().flatten() {
            assert!((low..=high).contains(&figure), "{}: {figure} is not {}", case.case, case.published.text);
        }
    }
}

#[test]
fn what_is_not_reproduced_says_why() {
    for case in verify().unwrap().iter().filter(|case| case.verdict != Verdict::Reproduced) {
        assert!(
            case.reason.len() > 20,
            "{}: {} against {}",
            case.case,
            case.ours_text(),
            case.published.text
        );
    }
}

#[test]
fn geopolrisk_of_manganese_is_reproduced_to_the_ninth_digit() {
    let cases = verify().unwrap();
    let all = [
        Measure::GeopolriskScore,
        Measure::GeopolriskImportRisk,
        Measure::GeopolriskCf,
        Measure::ImportPrice,
    ];
    let found: Vec<_> = all.into_iter().flat_map(|measure| cases_of(&cases, measure)).collect();
    assert_eq!(found.len(), 7);
    for case in found {
        let (ours, published) = (case.ours.value.unwrap(), case.published.estimate.value.unwrap());
        assert!((ours - published).abs() <= 1e-9, "{} {}: {ours} {published}", case.case, case.term);
        assert_eq!(case.verdict, Verdict::Reproduced);
    }
}

#[test]
fn net_import_reliance_is_reproduced_wherever_its_inputs_are_printed() {
    let cases = verify().unwrap();
    let reliance = cases_of(&cases, Measure::NetImportReliance);
    assert!(reliance.len() >= 130);
    let withheld = |case: &&&&Case| !["lithium", "iodine"].iter().any(|name| case.case.starts_with(name));
    let off = reliance.iter().filter(|case| case.verdict == Verdict::NotReproduced);
    let off: Vec<_> = off.filter(|case| withheld(&case)).map(|case| case.case.as_str()).collect();
    assert_eq!(
        off,
        ["cobalt, USA, 2025", "potash, USA, 2024", "silver, USA, 2025", "tin, refined, USA, 2025"]
    );
    let verdict = |name: &str| reliance.iter().find(|case| case.case == name).map(|case| case.verdict);
    assert_eq!(verdict("cobalt, USA, 2022"), Some(Verdict::Reproduced));
    assert_eq!(verdict("copper, refined, USA, 2024"), Some(Verdict::Reproduced));
    assert_eq!(verdict("diatomite, USA, 2024"), Some(Verdict::Reproduced), "printed as E");
    assert_eq!(verdict("palladium, USA, 2024"), Some(Verdict::WithinBounds), "an input is not in the table");
    assert_eq!(
        verdict("lithium, USA, 2024"),
        Some(Verdict::NotReproduced),
        "printed as >50, output withheld"
    );
}

#[test]
fn leading_shares_and_governance_are_reproduced() {
    let cases = verify().unwrap();
    let leading = cases_of(&cases, Measure::ProductionTop1);
    assert_eq!(leading.len(), 8);
    assert!(leading.iter().all(|case| case.verdict == Verdict::Reproduced));
    let governance: Vec<_> = cases.iter().filter(|case| case.term == "WGI_c").collect();
    assert!(governance.len() == 6 && governance.iter().all(|case| case.verdict == Verdict::Reproduced));
}

/// China's share of refining in 2030 ranges from copper to graphite over the five materials that it leads.
#[test]
fn the_base_case_of_the_iea_is_reproduced() {
    let cases = verify().unwrap();
    let iea = cases.iter().filter(|case| case.source.title.starts_with("International Energy Agency"));
    let iea: Vec<_> = iea.collect();
    let of = |measure| iea.iter().filter(|case| case.measure == measure).count();
    assert_eq!((of(Measure::ProductionTop3), of(Measure::ProductionShare)), (48 + 8 + 1, 6 + 2 + 6));
    let off: Vec<_> = iea.iter().filter(|case| case.verdict != Verdict::Reproduced).collect();
    assert!(off.is_empty(), "{off:#?}");
    let remarked: Vec<_> =
        iea.iter().filter(|case| !case.reason.is_empty()).map(|case| &*case.case).collect();
    assert_eq!(remarked, ["graphite, refined, 2030", "graphite, refined, 2035"], "Germany is in the rest");
    let value = |name: &str| iea.iter().find(|case| case.case == name).unwrap().ours.value.unwrap();
    let (low, high) = (value("copper, refined, 2030: CHN"), value("graphite, refined, 2030: CHN"));
    assert!((low - 0.466).abs() < 5e-5 && (high - 0.8706).abs() < 5e-5, "{low} {high}");
}

#[test]
fn every_case_has_a_source_and_a_licence() {
    for case in verify().unwrap() {
        assert!(!case.source.title.is_empty() && !case.source.licence.is_empty(), "{}", case.case);
        assert!(case.tolerance >= 0.0 && !case.unit.is_empty() && !case.ours_text().is_empty());
    }
}

/// Renewed with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-verification`.
#[test]
fn the_page_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("VERIFICATION.md");
    let generated = page().unwrap();
    if env::var_os("UPDATE_SNAPSHOT").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == generated, "renew it with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-verification`");
}

#[test]
fn germany_buys_from_the_netherlands_what_comes_from_south_africa_and_gabon() {
    let cases = verify().unwrap();
    let found: Vec<_> = cases.iter().filter(|case| case.case.starts_with("manganese ore, ")).collect();
    assert_eq!(found.len(), 17);
    assert!(found.iter().all(|case| case.verdict == Verdict::Reproduced), "{found:#?}");
}

/// Renewed with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-verification`.
#[test]
fn the_page_of_what_does_not_reproduce_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/not-reproduced.md");
    let generated = not_reproduced_page().unwrap();
    if env::var_os("UPDATE_SNAPSHOT").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == generated, "renew it with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-verification`");
}

#[test]
fn every_case_that_differs_is_on_the_page_with_its_reason() {
    let page = not_reproduced_page().unwrap();
    let differs = |case: &&Case| case.verdict != Verdict::Reproduced;
    let cases = verify().unwrap();
    assert!(cases.iter().filter(differs).count() > 20);
    for case in cases.iter().filter(differs) {
        assert!(page.contains(&format!("| {} |", case.case)) && page.contains(&case.reason), "{}", case.case);
    }
}

#[test]
fn dependencies_are_counted_over_the_codes_that_are_held() {
    let cases = verify().unwrap();
    let counted: Vec<_> = cases.iter().filter(|case| case.term == "codes").collect();
    assert_eq!(counted.len(), 35);
    assert!(counted.iter().all(|case| case.verdict == Verdict::Reproduced && case.case.contains("17 codes")));
}

#[test]
fn shares_of_rare_earths_depend_on_the_basis() {
    let cases = verify().unwrap();
    let share =
        |name: &str| cases.iter().find(|case| case.case == name).and_then(|case| case.ours.value).unwrap();
    let [by_quantity, by_value] =
        ["quantity", "value"].map(|by| share(&format!("rare earths, G7, 2024, by {by}: CHN")));
    assert!(
        (by_quantity - 0.677).abs() < 5e-4 && (by_value - 0.507).abs() < 5e-4,
        "{by_quantity} {by_value}"
    );
}

#[test]
fn a_leading_share_bounds_the_concentration() {
    let cases = verify().unwrap();
    let capacity: Vec<_> = cases.iter().filter(|case| case.case.contains("capacity of 2024")).collect();
    assert_eq!(capacity.len(), 7);
    assert!(capacity.iter().all(|case| case.verdict == Verdict::WithinBounds), "{capacity:#?}");
}
