//! Lists of product codes.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use orewatch_catalog::{HsRevision, Nomenclature, Stage};

fn list(text: &str) -> Nomenclature {
    text.parse().unwrap()
}

#[test]
fn names_come_back() {
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
fn codes_have_the_form_of_their_list() {
    assert_eq!(list("CN2024").check("81129289"), Ok(()));
    assert_eq!(list("CN2024").check("8112 92 89"), Err(Some("81129289".to_owned())));
    assert_eq!(list("CN2024").check("5041000"), Err(Some("05041000".to_owned())));
    assert_eq!(list("CN2024").check("811292"), Err(None));
    assert_eq!(list("HS92").check("50410"), Err(Some("050410".to_owned())));
    assert_eq!(list("acme").check("AB-12/3"), Ok(()));
    assert_eq!(list("acme").check("with blank"), Err(None));
}

/// Eight digits tell apart what six put together; where they do not, the six decide.
#[test]
fn eight_digits_are_more_exact_than_six() {
    let gallium = list("CN2024").meaning("81129289").unwrap();
    assert_eq!((gallium.material, gallium.stage, gallium.proxy), ("gallium", Stage::Refined, false));
    assert_eq!(list("CN2024").meaning("81129295").unwrap().material, "germanium");
    assert_eq!(list("CN2024").meaning("81129221"), None, "waste of several metals");
    assert!(list("HS22").meaning("811292").unwrap().proxy);
    assert_eq!(list("CN2024").meaning("25041000").unwrap().material, "graphite");
    assert_eq!(list("acme").meaning("250410"), None);
}
