//! Tests of the lists of critical materials.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use orewatch_catalog::{
    CodeKind, Confirmation, Consumer, Listing, critical_list, critical_lists, listed_materials, material,
    materials,
};

/// Materials on a list.
fn ids(list: &str) -> BTreeSet<&'static str> {
    critical_list(list).unwrap().materials().into_iter().map(|entry| entry.material).collect()
}

/// Entries of a list as it counts them: a group such as the platinum group is one entry, and yttrium belongs
/// to the rare earths.
fn entries(list: &str) -> usize {
    let platinum_group = ["iridium", "palladium", "platinum", "rhodium", "ruthenium"];
    let ids = ids(list);
    let single = ids.iter().filter(|id| !platinum_group.contains(id) && **id != "yttrium").count();
    single + usize::from(ids.contains("iridium")) + critical_list(list).unwrap().others.len()
}

#[test]
fn lists_are_sorted_dated_and_name_materials_of_the_catalogue_once() {
    assert!(critical_lists().is_sorted_by(|a, b| a.id < b.id));
    for list in critical_lists() {
        assert!(list.consumer.parse::<Consumer>().is_ok(), "{}", list.id);
        let dates = [Some(list.announced), list.in_force];
        for date in dates.into_iter().flatten() {
            assert!(["0000-00", "0000-00-00"].contains(&&*date.replace(|c: char| c.is_ascii_digit(), "0")));
        }
        assert!(list.url.starts_with("http") && !list.source.is_empty() && !list.title.is_empty());
        let found = list.materials();
        assert!(found.is_sorted_by(|a, b| a.material < b.material), "{}", list.id);
        for entry in found {
            assert!(material(entry.material).is_ok(), "{}: {}", list.id, entry.material);
        }
        for other in list.others {
            assert!(material(other).is_err(), "{}: {other} is in the catalogue", list.id);
        }
    }
}

#[test]
fn lists_have_as_many_entries_as_their_publishers_say() {
    // Japan's rare earths contain scandium, which the catalogue has apart.
    for (list, count) in [("CAN-2024", 34), ("IND-2023", 30), ("JPN-2020", 34 + 1), ("AUS-2024", 31)] {
        assert_eq!(entries(list), count, "{list}");
    }
    // The UK counts each metal of the platinum group.
    assert_eq!(ids("UK-2024").len() + critical_list("UK-2024").unwrap().others.len() - 1, 34);
    // The EU counts light and heavy rare earths apart, Korea counts five rare earths and no platinum group.
    assert_eq!(entries("EU-2024") + 1, 34);
    let korea = critical_list("KOR-2023").unwrap();
    assert_eq!(ids("KOR-2023").len() + korea.others.len() - 1 + 5, 33);
}

#[test]
fn the_lists_of_the_eu_and_the_usa_are_those_of_the_materials() {
    for entry in materials() {
        assert_eq!(ids("USA-2025").contains(entry.id), entry.usgs_2025, "{}", entry.id);
        let eu = critical_list("EU-2024").unwrap().materials();
        let listing = eu.iter().find(|listed| listed.material == entry.id);
        assert_eq!(listing.map_or(Listing::Unlisted, |listed| listed.listing), entry.eu_2023, "{}", entry.id);
    }
}

#[test]
fn recalled_entries_are_marked() {
    for list in critical_lists() {
        let recalled = list.materials().into_iter().any(|entry| entry.confirmation == Confirmation::Recalled);
        assert_eq!(recalled, ["JPN-2020", "UK-2024"].contains(&list.id), "{}", list.id);
        assert_eq!(recalled, !list.is_confirmed());
    }
}

#[test]
fn a_selector_names_the_materials_of_a_list() {
    let listed = listed_materials(" listed(usa-2025) ").unwrap().unwrap();
    assert!(listed.iter().copied().eq(ids("USA-2025")));
    for other in ["", "listed", "listed(USA-2025", "USA-2025", "graphite"] {
        assert_eq!(listed_materials(other), None, "{other}");
    }
    let error = listed_materials("listed(US-2025)").unwrap().unwrap_err();
    assert_eq!((error.kind, error.code().as_str()), (CodeKind::List, "unknown-list"));
    assert!(error.hint().contains("USA-2025"), "{}", error.hint());
    let hint = listed_materials("listed(zz)").unwrap().unwrap_err().hint();
    for list in critical_lists() {
        assert!(hint.contains(list.id), "{hint}");
    }
}
