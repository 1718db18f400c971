//! Tests that the sources are tidy: files, functions and lines are within their limits, each file begins with
//! module documentation, every public item is used, and there are no circular imports between files.
//!
//! `tests/tidy.toml` (the ratchet) lists what still exceeds a limit, with its current value. The values may
//! only go down: a value in the file that is too high fails the test, and so does one that is too low.
mod circles;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_tests::tools::read;
use source::Source;

/// Maximum number of lines of a file and of a function.
const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 60;

/// Maximum number of characters of a line, including comments. `rustfmt.toml` has the same limit for code.
const MAX_WIDTH: usize = 110;

/// Values that exceed their limits, by check and name.
type Excesses = BTreeMap<String, BTreeMap<String, usize>>;

/// Runs a check. Returns the values that exceed its limit, by name.
fn run_check(check: &str, sources: &[Source]) -> BTreeMap<String, usize> {
    let files = sources.iter();
    let per_file = |count: fn(&Source) -> usize| {
        let counted = files.clone().map(|file| (file.path.clone(), count(file)));
        counted.filter(|(_, count)| *count > 0).collect()
    };
    match check {
        "file-lines" => {
            per_file(|file| Some(file.lines()).filter(|lines| *lines > MAX_FILE_LINES).unwrap_or(0))
        }
        "function-lines" => files
            .clone()
            .flat_map(|file| file.functions().map(|(name, lines)| (format!("{}: {name}", file.path), lines)))
            .filter(|(_, lines)| *lines > MAX_FUNCTION_LINES)
            .collect(),
        "wide-lines" => {
            per_file(|file| file.text.lines().filter(|line| line.chars().count() > MAX_WIDTH).count())
        }
        "no-module-docs" => per_file(|file| usize::from(!file.text.trim_start().starts_with("//!"))),
        "named-once" => named_once(sources),
        "circles" => circles::find_circles(sources),
        other => panic!("there is no check {other}"),
    }
}

/// Public items of what ships whose name occurs only in their definition.
fn named_once(sources: &[Source]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::<&str, usize>::new();
    for word in sources.iter().flat_map(|file| file.words()) {
        *times.entry(word).or_default() += 1;
    }
    let shipped = sources.iter().filter(|file| file.is_shipped());
    let items = shipped.flat_map(|file| file.public_items().map(move |name| (file, name)));
    let once = items.filter(|(_, name)| times.get(name.as_str()) == Some(&1));
    once.map(|(file, name)| (format!("{}: {name}", file.path), 1)).collect()
}

#[test]
fn no_source_exceeds_a_limit_or_the_ratchet() {
    let sources = source::read_sources();
    assert!(sources.len() > 300, "the sources were not found");
    let ratchet: Excesses = toml::from_str(&read("tests/tidy.toml")).expect("tests/tidy.toml is TOML");
    let checks = ["file-lines", "function-lines", "wide-lines", "no-module-docs", "named-once", "circles"];
    let mut wrong = Vec::new();
    let mut current = Excesses::new();
    for check in checks {
        let over = run_check(check, &sources);
        let allowed = ratchet.get(check).cloned().unwrap_or_default();
        for name in over.keys().chain(allowed.keys()).collect::<BTreeSet<_>>() {
            match (
                over.get(name).copied().unwrap_or_default(),
                allowed.get(name).copied().unwrap_or_default(),
            ) {
                (is, may) if is > may => {
                    wrong.push(format!("{check}: {name} is at {is}, the ratchet at {may}"))
                }
                (is, may) if is < may => wrong.push(format!("{check}: {name} is at {is}: lower {may} to it")),
                _ => {}
            }
        }
        current.insert(check.to_owned(), over);
    }
    let unknown = ratchet.keys().filter(|check| !checks.contains(&check.as_str()));
    wrong.extend(unknown.map(|check| format!("there is no check {check}")));
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        source::write_ratchet(&ratchet, &current);
        return;
    }
    assert!(
        wrong.is_empty(),
        "{}\n\nReduce what is above its ratchet. If a value went down, update the ratchet: UPDATE_SNAPSHOT=1 \
         cargo test --workspace --test system tidy",
        wrong.join("\n")
    );
}
