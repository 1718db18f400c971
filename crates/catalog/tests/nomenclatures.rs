//! Tests of nomenclatures: their names, the form of their codes, and what codes stand for.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use orewatch_catalog::{HsRevision, Nomenclature, Stage, product_name};

fn list(text: &str) -> Nomenclature {
    text.parse().unwrap()
}

#[test]
fn a_nomenclature_is_displayed_by_the_name_that_it_is_parsed_from() {
    for text in ["HS92", "HS22", "CN2024", "acme-articles"] {
        assert_eq!(list(text).to_string(), text);
    }
    assert_eq!(list("CN2024").revision(), Some(HsRevision::Hs22));
    assert_eq!(list("CN2019").revision(), Some(HsRevision::Hs17));
    assert_eq!(list("acme-articles").revision(), None);
    for wrong in ["HS93", "CN1950", "Acme", "", "-x"] {
        let error = wrong.parse::<Nomenclature>().unwrap_err();
        assert_eq!(error.code(), "unknown-nomenclature", "{wrong}");
    }
}

#[test]
fn codes_must_have_the_form_of_their_list() {
    assert_eq!(list("CN2024").check_code("81129289"), Ok(()));
    assert_eq!(list("CN2024").check_code("8112 92 89"), Err(Some("81129289".to_owned())));
    assert_eq!(list("CN2024").check_code("5041000"), Err(Some("05041000".to_owned())));
    assert_eq!(list("CN2024").check_code("811292"), Err(None));
    assert_eq!(list("HS92").check_code("50410"), Err(Some("050410".to_owned())));
    assert_eq!(list("acme").check_code("AB-12/3"), Ok(()));
    assert_eq!(list("acme").check_code("with blank"), Err(None));
}

/// Eight digits tell apart what six put together; where they do not, the six decide.
#[test]
fn codes_of_eight_digits_distinguish_materials_that_six_digits_do_not() {
    let gallium = list("CN2024").code_meaning("81129289").unwrap();
    assert_eq!((gallium.material, gallium.stage, gallium.proxy), ("gallium", Stage::Refined, false));
    assert_eq!(list("CN2024").code_meaning("81129295").unwrap().material, "germanium");
    assert_eq!(list("CN2024").code_meaning("81129221"), None, "waste of several metals");
    assert!(list("HS22").code_meaning("811292").unwrap().proxy);
    let magnets = list("CN2024").code_meaning("85051110").unwrap();
    assert_eq!((magnets.material, magnets.stage, magnets.proxy), ("rare-earths", Stage::Manufactured, false));
    assert_eq!(list("CN2024").code_meaning("85051190"), None, "magnets without rare earths");
    assert!(list("CN2019").code_meaning("85051100").unwrap().proxy);
    assert_eq!(list("CN2024").code_meaning("25041000").unwrap().material, "graphite");
    assert_eq!(list("acme").code_meaning("250410"), None);
}

#[test]
fn a_code_of_eight_digits_has_its_own_name_or_that_of_its_first_six() {
    for (code, name) in [
        ("85051110", "rare-earth magnets"),
        ("85051100", "permanent magnets"),
        ("850511", "permanent magnets"),
        ("81129289", "unwrought gallium"),
        ("81129210", "gallium and other rare metals"),
    ] {
        assert_eq!(product_name(code), Some(name), "{code}");
    }
    for code in ["85051190", "850519", "8505", ""] {
        assert_eq!(product_name(code), None, "{code}");
    }
}
