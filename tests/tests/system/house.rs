//! The house stands as ARCHITECTURE.md draws it: arrows point one way, and what it names is there. The dependency policy of
//! `deny.toml` is held here as well, so that it does not rest on a tool that may not be installed.
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use orewatch_tests::tools::{output, read, root, text};
use serde_json::Value;

/// What `cargo metadata` knows.
fn metadata(extra: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args(extra)
        .current_dir(root());
    let known = output(&mut command);
    assert!(known.status.success(), "{}", text(&known.stderr));
    serde_json::from_slice(&known.stdout).expect("cargo writes JSON")
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Floors of the house: a crate may use what lies below its own floor.
fn floor(package: &str) -> u8 {
    match package {
        "orewatch-catalog" | "orewatch-contracts" => 0,
        "orewatch-measures" | "orewatch-eventlog" => 1,
        "orewatch-runtime" => 2,
        "orewatch-ingestion" | "orewatch-exposure" | "orewatch-alerting" | "orewatch-verification" => 3,
        "orewatch" => 4,
        other => panic!("{other} has no floor: give it one here and in ARCHITECTURE.md"),
    }
}

#[test]
fn arrows_point_one_way() {
    let metadata = metadata(&["--no-deps"]);
    let mut seen = 0;
    for package in list(&metadata, "packages") {
        let name = field(package, "name");
        // Kits for tests may use anything; nothing that ships may use them.
        if matches!(name, "orewatch-tests" | "orewatch-testkit") {
            continue;
        }
        let shipped = list(package, "dependencies").iter().filter(|dependency| dependency["kind"].is_null());
        for used in
            shipped.map(|dependency| field(dependency, "name")).filter(|used| used.starts_with("orewatch"))
        {
            assert!(floor(used) < floor(name), "{name} uses {used}, which is not below it");
            seen += 1;
        }
    }
    assert!(seen > 10, "the workspace's own dependencies were not found");
}

#[test]
fn what_the_map_names_is_there() {
    let map = read("ARCHITECTURE.md");
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| row.split_once('`')).map(|(path, _)| path).collect();
    assert!(named.len() > 10, "the code map was not found: {named:?}");
    for path in named {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
}

/// Packages of the graph that come from outside.
fn foreign(metadata: &Value) -> impl Iterator<Item = &Value> {
    list(metadata, "packages").iter().filter(|package| package["source"].is_string())
}

fn policy() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml is TOML")
}

fn texts(policy: &toml::Table, section: &str, key: &str) -> BTreeSet<String> {
    let all = policy[section][key].as_array().expect("a list");
    all.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[test]
fn every_dependency_has_a_licence_that_the_policy_allows() {
    let allowed = texts(&policy(), "licenses", "allow");
    let metadata = metadata(&[]);
    let refused: Vec<_> = foreign(&metadata)
        .filter(|package| !satisfied(field(package, "license"), &allowed))
        .map(|package| format!("{}: {:?}", field(package, "name"), field(package, "license")))
        .collect();
    assert_eq!(refused, [""; 0]);
}

#[test]
fn every_dependency_comes_from_a_registry_that_the_policy_allows() {
    let allowed = texts(&policy(), "sources", "allow-registry");
    let metadata = metadata(&[]);
    let strangers: Vec<_> = foreign(&metadata)
        .filter(|package| !allowed.contains(field(package, "source").trim_start_matches("registry+")))
        .map(|package| field(package, "id"))
        .collect();
    assert_eq!(strangers, [""; 0]);
}

#[test]
fn what_must_agree_is_there_once() {
    let metadata = metadata(&[]);
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in foreign(&metadata) {
        versions.entry(field(package, "name")).or_default().insert(field(package, "version"));
    }
    let policy = policy();
    for ban in policy["bans"]["deny"].as_array().expect("a list") {
        let name = ban["crate"].as_str().expect("a name");
        let most = if ban.get("deny-multiple-versions").is_some() { 1 } else { 0 };
        let found = versions.get(name).map(BTreeSet::len).unwrap_or_default();
        assert!(found <= most, "{name}: {:?}", versions.get(name));
    }
}

/// Whether a licence expression can be met with the allowed licences. AND binds closer than OR; `/` is an old OR.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed);
    }
    met
}

fn both(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = either(words, allowed);
        return words.next() == Some(")") && met;
    }
    let licence = words.next().unwrap_or_default();
    let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
    exception.is_none() && allowed.contains(licence)
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = BTreeSet::from(["MIT", "ISC"].map(str::to_owned));
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR MIT) AND Zlib", false),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("MIT WITH exception", false),
        ("", false),
        ("MIT ISC", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}
