//! The catalogue says everything of every measure.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use orewatch_measures::methods;

#[test]
fn every_measure_is_defined_in_full() {
    for method in methods() {
        let id = method.id;
        for (field, text) in [
            ("title", method.title),
            ("formula", method.formula),
            ("unit", method.unit),
            ("source", method.citation),
        ] {
            assert!(!text.trim().is_empty(), "{id} has no {field}");
        }
        assert!(!method.symbols.is_empty(), "{id} explains no symbol");
        assert!(!method.inputs.is_empty(), "{id} names no input");
        assert!(!method.weights.is_empty(), "{id} is weighed by nothing");
        assert!(method.range.0 < method.range.1, "{id} has no range");
        let said = method.symbols.iter().map(|symbol| symbol.description);
        let said = said.chain(method.inputs.iter().flat_map(|input| [input.name, input.missing]));
        assert!(said.chain(method.lines.iter().map(|line| line.name)).all(|text| !text.is_empty()), "{id}");
        assert!(
            id.strip_prefix(method.name).unwrap().starts_with('/'),
            "{id} is not a version of {}",
            method.name
        );
    }
}

#[test]
fn every_symbol_of_a_measure_is_explained_once() {
    for method in methods() {
        let symbols: BTreeSet<&str> = method.symbols.iter().map(|symbol| symbol.symbol).collect();
        assert_eq!(symbols.len(), method.symbols.len(), "{} explains a symbol twice", method.id);
    }
}

#[test]
fn every_line_lies_within_the_range_of_its_measure() {
    for method in methods() {
        let (least, most) = method.range;
        for line in method.lines {
            assert!((least..=most).contains(&line.at), "{}: {}", method.id, line.name);
        }
    }
}
