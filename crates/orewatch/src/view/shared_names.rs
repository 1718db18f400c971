//! The fields of an alert have one name in the command line, in events and the API, and in messages to
//! programs. A test compares the three sets; what only one of them has is listed here.
use std::collections::BTreeSet;

use orewatch_contracts::alerting::v1::Alert;
use serde_json::Value;

use crate::render::fields;

/// Older names, which stay beside the shared ones.
const OLDER_COLUMNS: [&str; 2] = ["alert", "since"];
const OLDER_IN_MESSAGES: [&str; 3] = ["since", "cause", "transition_cause"];

/// What only the command line has: words for people, and single values for CSV.
const ONLY_COLUMNS: [&str; 4] = ["because", "caveat", "largest_contributor", "largest_contributor_share"];

/// What only events and the API have.
const ONLY_API: [&str; 15] = [
    "cause_position",
    "cause_time",
    "changed_revision",
    "coverage",
    "series",
    "transition_cause_kind",
    "transition_cause_position",
    "transition_cause_release",
    "transition_cause_time",
    "transition_certainty",
    "transition_coverage",
    "transition_judged",
    "transition_reason",
    "transition_releases",
    "transition_status",
];

/// What only messages have: they are about one change of an alert, and are read alone.
const ONLY_MESSAGES: [&str; 11] = [
    "event_id",
    "explain_url",
    "fired_cause",
    "fired_period",
    "headline",
    "series",
    "time",
    "transition_cause_release",
    "transition_certainty",
    "transition_reason",
    "transition_status",
];

/// Objects of messages without a column: what they are about is not the alert itself.
const OBJECTS_OF_MESSAGES: [&str; 3] = ["acknowledgement_", "fired_with_", "restated_"];

type Names = BTreeSet<String>;

fn schema(file: &str) -> Value {
    let path = format!("{}/../../contracts/schemas/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Names of a definition in a schema: those of nested objects follow the name of the object.
fn names_of(schema: &Value, definition: &str) -> Names {
    let properties = schema["$defs"][definition]["properties"].as_object().unwrap();
    let names = properties.iter().flat_map(|(name, property)| {
        let of_list = [property];
        let choices = ["anyOf", "allOf"].iter().filter_map(|kind| property[*kind].as_array()).flatten();
        let nested = choices.chain(of_list).find_map(|choice| {
            let definition = choice["$ref"].as_str()?.rsplit('/').next()?;
            schema["$defs"][definition]["properties"].is_object().then(|| names_of(schema, definition))
        });
        let name = in_snake_case(name);
        match nested {
            Some(nested) => nested.into_iter().map(|part| format!("{name}_{part}")).collect(),
            None => vec![name],
        }
    });
    names.collect()
}

/// `pendingSince` as `pending_since`.
fn in_snake_case(name: &str) -> String {
    let letter = |letter: char| match letter.is_ascii_uppercase() {
        true => format!("_{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    };
    name.chars().map(letter).collect()
}

/// Names with the objects that the command line writes as several columns.
fn flat(names: Names, prefixes: &[(&str, &str)]) -> Names {
    let renamed = |name: String| {
        let found = prefixes.iter().find_map(|(from, to)| Some(format!("{to}{}", name.strip_prefix(from)?)));
        found.unwrap_or(name)
    };
    names.into_iter().map(renamed).collect()
}

fn columns() -> Names {
    let names = fields(&Alert::default()).into_iter().map(|(name, _)| name.to_owned());
    names.filter(|name| !OLDER_COLUMNS.contains(&name.as_str())).collect()
}

fn api() -> Names {
    let names =
        names_of(&schema("orewatch.alerting.v1.AlertFired.schema.json"), "orewatch.alerting.v1.Alert");
    let objects = [
        ("subject_", ""),
        ("estimate_", ""),
        ("at_transition_estimate_", "transition_"),
        ("at_transition_", "transition_"),
        ("rule_change_reason", "changed_because"),
        ("rule_change_actor", "changed_by"),
        ("rule_change_", "changed_"),
    ];
    flat(names, &objects)
}

fn messages() -> Names {
    let names = names_of(&schema("orewatch.webhook.schema.json"), "AlertData");
    let objects = [
        ("figure_", ""),
        ("at_transition_figure_", "transition_"),
        ("at_transition_", "transition_"),
        ("sources_count", "sources"),
        ("sources_disagree", "sources_disagree"),
        ("sources_", ""),
    ];
    let is_own = |name: &String| !OBJECTS_OF_MESSAGES.iter().any(|object| name.starts_with(object));
    let own = flat(names.into_iter().filter(is_own).collect(), &objects);
    own.into_iter().filter(|name| !OLDER_IN_MESSAGES.contains(&name.as_str())).collect()
}

/// The names that one set has and the other one has not.
fn only<'a>(one: &'a Names, other: &Names) -> Vec<&'a str> {
    one.iter().filter(|name| !other.contains(*name)).map(String::as_str).collect()
}

#[test]
fn an_alert_has_the_same_names_in_all_outputs() {
    let (columns, api, messages) = (columns(), api(), messages());
    assert_eq!(only(&columns, &api), ONLY_COLUMNS);
    assert_eq!(only(&api, &columns), ONLY_API);
    assert_eq!(only(&messages, &columns), ONLY_MESSAGES);
}

/// `docs/for-programs.md` says how the objects of the API and of messages are called as columns.
#[test]
fn the_names_of_the_page_exist() {
    let page = include_str!("../../../../docs/for-programs.md");
    let table = page.split("| command line, JSON and CSV |").nth(1).unwrap();
    let columns = fields(&Alert::default()).into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    for row in rows {
        let own = row.split('|').nth(1).unwrap();
        for name in own.split('`').skip(1).step_by(2) {
            assert!(columns.contains(name), "{name} is no column of alerts: {row}");
        }
    }
}
