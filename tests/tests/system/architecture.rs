//! Tests of the architecture: dependencies between crates point one way, the paths in ARCHITECTURE.md exist,
//! and the dependency policy of `deny.toml` is kept. The policy is checked here too because `cargo deny` may
//! not be installed.
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use orewatch_tests::tools::{output, read, root, text};
use serde_json::Value;

/// Output of `cargo metadata`.
fn metadata(extra: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args(extra)
        .current_dir(root());
    let result = output(&mut command);
    assert!(result.status.success(), "{}", text(&result.stderr));
    serde_json::from_slice(&result.stdout).expect("cargo writes JSON")
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// The floor of a crate. A crate may use only crates on lower floors.
fn floor(package: &str) -> u8 {
    match package {
        "orewatch-catalog" | "orewatch-contracts" => 0,
        "orewatch-measures" | "orewatch-eventlog" => 1,
        "orewatch-foresight"
        | "orewatch-formats"
        | "orewatch-rules"
        | "orewatch-runtime"
        | "orewatch-store" => 2,
        "orewatch-backup" | "orewatch-receivers" | "orewatch-verification" => 3,
        "orewatch-ingestion" | "orewatch-exposure" | "orewatch-alerting" => 4,
        "orewatch" => 5,
        other => panic!("{other} has no floor: add it here and in ARCHITECTURE.md"),
    }
}

#[test]
fn every_crate_uses_only_crates_on_lower_floors() {
    let metadata = metadata(&["--no-deps"]);
    let mut seen = 0;
    for package in list(&metadata, "packages") {
        let name = field(package, "name");
        // Test kits may use anything, but nothing that ships may use them.
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
fn pure_crates_depend_on_no_async_code() {
    let metadata = metadata(&["--no-deps"]);
    let pure = [
        "orewatch-catalog",
        "orewatch-contracts",
        "orewatch-foresight",
        "orewatch-formats",
        "orewatch-measures",
        "orewatch-rules",
    ];
    let async_crates = [
        "async-nats",
        "orewatch-eventlog",
        "orewatch-runtime",
        "tokio",
        "tokio-util",
        "tonic",
        "futures-util",
    ];
    let packages =
        list(&metadata, "packages").iter().filter(|package| pure.contains(&field(package, "name")));
    let mut seen = 0;
    for package in packages {
        let name = field(package, "name");
        let dependencies = list(package, "dependencies")
            .iter()
            .filter(|used| used["kind"].is_null() && used["optional"].as_bool() != Some(true));
        for used in dependencies {
            assert!(!async_crates.contains(&field(used, "name")), "{name} uses {}", field(used, "name"));
            let features = list(used, "features");
            assert!(!features.iter().any(|feature| feature == "grpc"), "{name} needs the feature grpc");
        }
        seen += 1;
    }
    assert_eq!(seen, pure.len(), "a pure crate was not found");
}

#[test]
fn every_path_in_the_code_map_exists() {
    let map = read("ARCHITECTURE.md");
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| row.split_once('`')).map(|(path, _)| path).collect();
    assert!(named.len() > 10, "the code map was not found: {named:?}");
    for path in named {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
}

/// Packages of other authors.
fn external_packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    list(metadata, "packages").iter().filter(|package| package["source"].is_string())
}

fn policy() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml is TOML")
}

/// A list of texts in the policy.
fn policy_texts(policy: &toml::Table, section: &str, key: &str) -> BTreeSet<String> {
    let all = policy[section][key].as_array().expect("a list");
    all.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[test]
fn every_dependency_has_a_licence_that_the_policy_allows() {
    let allowed = policy_texts(&policy(), "licenses", "allow");
    let metadata = metadata(&[]);
    let refused: Vec<_> = external_packages(&metadata)
        .filter(|package| !is_satisfied(field(package, "license"), &allowed))
        .map(|package| format!("{}: {:?}", field(package, "name"), field(package, "license")))
        .collect();
    assert_eq!(refused, [""; 0]);
}

#[test]
fn every_dependency_comes_from_a_registry_that_the_policy_allows() {
    let allowed = policy_texts(&policy(), "sources", "allow-registry");
    let metadata = metadata(&[]);
    let unknown: Vec<_> = external_packages(&metadata)
        .filter(|package| !allowed.contains(field(package, "source").trim_start_matches("registry+")))
        .map(|package| field(package, "id"))
        .collect();
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn banned_crates_are_absent_and_shared_crates_have_one_version() {
    let metadata = metadata(&[]);
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in external_packages(&metadata) {
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

/// Whether the allowed licences satisfy a licence expression. AND takes precedence over OR; `/` is an old
/// form of OR.
fn is_satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = parse_or(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn parse_or(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = parse_and(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= parse_and(words, allowed);
    }
    met
}

fn parse_and(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = parse_licence(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= parse_licence(words, allowed);
    }
    met
}

fn parse_licence(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = parse_or(words, allowed);
        return words.next() == Some(")") && met;
    }
    let licence = words.next().unwrap_or_default();
    let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
    exception.is_none() && allowed.contains(licence)
}

#[test]
fn licence_expressions_are_evaluated_with_the_usual_precedence() {
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
        assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
    }
}
