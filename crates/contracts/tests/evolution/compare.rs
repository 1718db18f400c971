//! Names every way in which contracts break a promise, and why it breaks something.
use std::collections::BTreeMap;

use crate::shape::{Field, Shape};

/// What `now` breaks of what `then` promised: one sentence each, with the element's full name.
pub(crate) fn breaks(then: &Shape, now: &Shape) -> Vec<String> {
    let mut found = Vec::new();
    for (name, fields) in &then.messages {
        match now.messages.get(name) {
            Some(present) => found.extend(message_breaks(name, fields, present)),
            None => found.push(format!(
                "message {name} was removed: stored events and older clients hold it, nothing could decode \
                 them; keep it and stop writing it"
            )),
        }
    }
    for (name, values) in &then.enums {
        match now.enums.get(name) {
            Some(present) => found.extend(enum_breaks(name, values, present)),
            None => found.push(format!("enum {name} was removed: fields of stored events hold its values")),
        }
    }
    for (name, methods) in &then.services {
        let present = now.services.get(name);
        found.extend(methods.iter().filter_map(|(method, signature)| {
            method_break(name, method, signature, present.and_then(|methods| methods.get(method)))
        }));
    }
    found
}

fn message_breaks(message: &str, then: &BTreeMap<u32, Field>, now: &BTreeMap<u32, Field>) -> Vec<String> {
    then.iter().flat_map(|(number, field)| field_breaks(message, *number, field, now)).collect()
}

fn field_breaks(message: &str, number: u32, field: &Field, now: &BTreeMap<u32, Field>) -> Vec<String> {
    let name = format!("field {message}.{}", field.name);
    if let Some((moved, _)) = now.iter().find(|(at, other)| other.name == field.name && **at != number) {
        return vec![format!(
            "{name} was renumbered from {number} to {moved}: stored events hold it under {number}, where no \
             reader would look"
        )];
    }
    let Some(present) = now.get(&number) else {
        return vec![format!(
            "{name} ({number}) was removed: what stored events hold in it could no longer be read; keep it \
             and stop writing it"
        )];
    };
    let mut found = Vec::new();
    if present.name != field.name {
        found.push(if (&present.kind, &present.label) == (&field.kind, &field.label) {
            format!(
                "{name} ({number}) was renamed to {}: readers by name (JSON, filters, generated code) lose \
                 it",
                present.name
            )
        } else {
            format!(
                "{name}: its number {number} was given to {}: what stored events hold in it would be read as \
                 something else",
                present.name
            )
        });
    }
    if present.kind != field.kind {
        found.push(format!(
            "{name} ({number}) changed its type from {} to {}: the bytes in stored events mean the old type",
            field.kind, present.kind
        ));
    }
    if present.label != field.label {
        found.push(format!(
            "{name} ({number}) changed from {} to {}: {}",
            field.label,
            present.label,
            why(field, present)
        ));
    }
    found
}

/// Why a field may not occur in another way than before.
fn why(then: &Field, now: &Field) -> &'static str {
    match (then.label.as_str(), now.label.as_str()) {
        ("optional", "singular") => "absent and zero could no longer be told apart in stored events",
        ("singular", "optional") => "a zero is not written to stored events and would now read as absent",
        ("repeated" | "map", _) => "of several stored entries all but the last would be lost",
        (_, "repeated" | "map") => "readers and clients of before keep one of several entries",
        (_, label) if label.starts_with("oneof ") => {
            "stored events may hold it together with another member, of which one would be lost"
        }
        _ => "stored events may say which member of the oneof is set, and no reader would learn it",
    }
}

fn enum_breaks(name: &str, then: &BTreeMap<i32, String>, now: &BTreeMap<i32, String>) -> Vec<String> {
    let explain = |number: &i32, value: &String| {
        if let Some((moved, _)) = now.iter().find(|(at, other)| *other == value && *at != number) {
            return Some(format!(
                "value {value} of {name} was renumbered from {number} to {moved}: stored events hold {number}"
            ));
        }
        match now.get(number) {
            None => Some(format!(
                "value {value} ({number}) of {name} was removed: stored events that hold it would lose their \
                 meaning"
            )),
            Some(other) if other != value => Some(format!(
                "value {value} ({number}) of {name} is now called {other}: stored events that hold {number} \
                 would change their meaning, readers by name lose it"
            )),
            Some(_) => None,
        }
    };
    then.iter().filter_map(|(number, value)| explain(number, value)).collect()
}

fn method_break(service: &str, method: &str, then: &str, now: Option<&String>) -> Option<String> {
    match now {
        None => Some(format!("method {service}/{method} was removed: clients of before still call it")),
        Some(now) if now != then => Some(format!(
            "method {service}/{method} changed from ({then}) to ({now}): clients of before speak the old form"
        )),
        Some(_) => None,
    }
}

/// What `now` offers beyond what `then` promised, by full name.
pub(crate) fn additions(then: &Shape, now: &Shape) -> Vec<String> {
    let before = names(then);
    names(now).into_iter().filter(|name| before.binary_search(name).is_err()).collect()
}

/// Sorted names of everything in a shape.
fn names(shape: &Shape) -> Vec<String> {
    let mut names = Vec::new();
    for (message, fields) in &shape.messages {
        names.push(format!("message {message}"));
        names.extend(
            fields.iter().map(|(number, field)| format!("field {message}.{} ({number})", field.name)),
        );
    }
    for (name, values) in &shape.enums {
        names.push(format!("enum {name}"));
        names.extend(values.iter().map(|(number, value)| format!("value {value} ({number}) of {name}")));
    }
    for (service, methods) in &shape.services {
        names.push(format!("service {service}"));
        names.extend(methods.keys().map(|method| format!("method {service}/{method}")));
    }
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: &str = "\
message orewatch.test.v1.Flow
  1 exporter singular: string
  2 value optional: double
  3 rows repeated: uint32
  4 year oneof when: uint32
  5 month oneof when: string
  6 labels map: string to string
message orewatch.test.v1.Gone
enum orewatch.test.v1.Side
  0 SIDE_UNSPECIFIED
  1 SIDE_LEFT
  2 SIDE_RIGHT
service orewatch.test.v1.TestService
  rpc Get: orewatch.test.v1.Flow to orewatch.test.v1.Flow
";

    /// What the comparison says when one piece of the contracts is replaced by another.
    fn broken_by(from: &str, to: &str) -> Vec<String> {
        assert!(THEN.contains(from), "the edit finds nothing to change: {from}");
        let now = Shape::parse(&THEN.replace(from, to)).expect("well formed");
        breaks(&Shape::parse(THEN).expect("well formed"), &now)
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &[&str]) {
        let found = broken_by(from, to);
        assert_eq!(found.len(), 1, "one break, named once: {found:?}");
        for words in expected {
            assert!(found[0].contains(words), "{words:?} is missing in {:?}", found[0]);
        }
    }

    #[test]
    fn equal_contracts_break_nothing() {
        assert_eq!(broken_by("exporter", "exporter"), [""; 0]);
    }

    #[test]
    fn a_removed_field_is_named() {
        check("  2 value optional: double\n", "", &["Flow.value (2) was removed", "could no longer be read"]);
    }

    #[test]
    fn a_renumbered_field_is_named() {
        check("  2 value", "  7 value", &["Flow.value", "renumbered from 2 to 7", "hold it under 2"]);
    }

    #[test]
    fn a_renamed_field_is_named() {
        check("1 exporter", "1 shipper", &["Flow.exporter (1)", "renamed to shipper", "readers by name"]);
    }

    #[test]
    fn a_number_given_to_another_field_is_named() {
        let found = broken_by("1 exporter singular: string", "1 weight singular: double");
        assert!(found[0].contains("number 1 was given to weight"), "{found:?}");
    }

    #[test]
    fn a_retyped_field_is_named() {
        check("exporter singular: string", "exporter singular: bytes", &["from string to bytes", "old type"]);
    }

    #[test]
    fn a_change_of_optionality_is_named_in_both_directions() {
        check("value optional", "value singular", &["Flow.value (2)", "absent and zero"]);
        check("exporter singular", "exporter optional", &["Flow.exporter (1)", "would now read as absent"]);
    }

    #[test]
    fn a_change_of_repetition_is_named() {
        check("rows repeated", "rows singular", &["Flow.rows (3)", "all but the last"]);
        check("exporter singular", "exporter repeated", &["Flow.exporter (1)", "one of several"]);
        check("labels map", "labels singular", &["Flow.labels (6)", "all but the last"]);
    }

    #[test]
    fn a_changed_oneof_is_named() {
        check("value optional", "value oneof when", &["Flow.value (2)", "together with another member"]);
        check("month oneof when", "month singular", &["Flow.month (5)", "which member"]);
        check("month oneof when", "month oneof then", &["Flow.month (5)", "oneof when to oneof then"]);
    }

    #[test]
    fn a_removed_message_is_named() {
        check("message orewatch.test.v1.Gone\n", "", &["message orewatch.test.v1.Gone was removed"]);
    }

    #[test]
    fn enum_breaks_are_named() {
        check("  2 SIDE_RIGHT\n", "", &["SIDE_RIGHT (2) of orewatch.test.v1.Side was removed"]);
        check("  2 SIDE_RIGHT", "  3 SIDE_RIGHT", &["SIDE_RIGHT", "from 2 to 3"]);
        check("  2 SIDE_RIGHT", "  2 SIDE_UP", &["SIDE_RIGHT (2)", "now called SIDE_UP"]);
        check(
            "enum orewatch.test.v1.Side\n  0 SIDE_UNSPECIFIED\n  1 SIDE_LEFT\n  2 SIDE_RIGHT\n",
            "",
            &["enum orewatch.test.v1.Side was removed"],
        );
    }

    #[test]
    fn method_breaks_are_named() {
        check(
            "  rpc Get: orewatch.test.v1.Flow to orewatch.test.v1.Flow\n",
            "",
            &["TestService/Get", "removed"],
        );
        check("rpc Get: orewatch", "rpc Get: stream orewatch", &["TestService/Get", "changed", "stream"]);
    }

    #[test]
    fn additions_break_nothing_and_are_listed() {
        let then = Shape::parse(THEN).expect("well formed");
        let grown = THEN
            .replace("  6 labels", "  7 note singular: string\n  6 labels")
            .replace("  2 SIDE_RIGHT", "  2 SIDE_RIGHT\n  3 SIDE_UP");
        let now = Shape::parse(&grown).expect("well formed");
        assert_eq!(breaks(&then, &now), [""; 0]);
        assert_eq!(
            additions(&then, &now),
            ["field orewatch.test.v1.Flow.note (7)", "value SIDE_UP (3) of orewatch.test.v1.Side"]
        );
        assert_eq!(additions(&then, &then), [""; 0]);
    }
}
