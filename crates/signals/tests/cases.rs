//! Extraction from whole texts, compared with answers that people wrote.
//!
//! A case is a text and a file `.expected`: the day of publication, and each candidate with its fields, a
//! line each, and in quotation marks the characters that a field points at. `article` has all of its
//! answers. Of the others, precision and recall are counted per field and printed
//! (`cargo test -p orewatch-signals --test cases -- --nocapture`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use orewatch_signals::{Candidate, Description, Extraction, Text, extract, read_documents};

/// Fewest values of a field for which its precision and recall say something.
const MIN_VALUES: usize = 10;

/// What a person found in a text.
#[derive(Debug, Default)]
struct Expected {
    published: Option<Date>,
    media_type: String,
    candidates: Vec<ExpectedCandidate>,
}

#[derive(Debug)]
struct ExpectedCandidate {
    kind: String,
    /// Name, value, and the characters if they are given.
    fields: Vec<(String, String, Option<String>)>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn read_expected(path: &Path) -> Expected {
    let mut expected = Expected { media_type: "text/plain".to_owned(), ..Expected::default() };
    for line in fs::read_to_string(path).unwrap().lines().filter(|line| !line.trim().is_empty()) {
        if let Some(day) = line.strip_prefix("published ") {
            expected.published = (day != "none").then(|| day.parse().unwrap());
        } else if let Some(media_type) = line.strip_prefix("media ") {
            expected.media_type = media_type.to_owned();
        } else if let Some(field) = line.strip_prefix("  ") {
            let (name, rest) = field.split_once(' ').unwrap();
            let (value, quote) = match rest.split_once(" \"") {
                Some((value, quote)) => (value, Some(quote.trim_end_matches('"').to_owned())),
                None => (rest, None),
            };
            let last = expected.candidates.last_mut().unwrap();
            last.fields.push((name.to_owned(), value.to_owned(), quote));
        } else {
            expected.candidates.push(ExpectedCandidate { kind: line.to_owned(), fields: Vec::new() });
        }
    }
    expected
}

/// The texts of a folder, each with its answers, by name.
fn cases(name: &str) -> Vec<(PathBuf, Expected)> {
    let files = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension != "expected")).collect();
    texts.sort();
    texts.into_iter().map(|path| (path.clone(), read_expected(&path.with_extension("expected")))).collect()
}

fn read(path: &Path, expected: &Expected) -> (Text, Extraction) {
    let description = Description {
        media_type: &expected.media_type,
        published: expected.published,
        ..Description::default()
    };
    let document = read_documents(&fs::read(path).unwrap(), &description).unwrap().remove(0);
    let found = extract(document.text.content(), document.published);
    (document.text, found)
}

type Values = BTreeSet<(String, String)>;

fn values_of(candidate: &Candidate) -> Values {
    let values = candidate.fields.iter();
    values.map(|field| (field.name.to_string(), field.value.to_string())).collect()
}

fn expected_values(expected: &ExpectedCandidate) -> Values {
    expected.fields.iter().map(|(name, value, _)| (name.clone(), value.clone())).collect()
}

/// Pairs each expected candidate with the found one of its kind that shares most values with it.
fn pairs(expected: &[ExpectedCandidate], found: &[Candidate]) -> BTreeMap<usize, usize> {
    let mut scores = Vec::new();
    for (index, wanted) in expected.iter().enumerate() {
        for (place, candidate) in found.iter().enumerate() {
            let (wanted_values, values) = (expected_values(wanted), values_of(candidate));
            let shared = wanted_values.intersection(&values).count();
            if candidate.kind.as_str() == wanted.kind && shared > 0 {
                let different = wanted_values.symmetric_difference(&values).count();
                scores.push((std::cmp::Reverse(shared), different, index, place));
            }
        }
    }
    scores.sort();
    let mut pairs = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (_, _, index, place) in scores {
        if !pairs.contains_key(&index) && taken.insert(place) {
            pairs.insert(index, place);
        }
    }
    pairs
}

/// Right, wrong and missing values of a field.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    right: usize,
    wrong: usize,
    missing: usize,
}

impl Count {
    fn precision(self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    fn recall(self) -> f64 {
        ratio(self.right, self.right + self.missing)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

type Counts = BTreeMap<String, Count>;

/// Counts the values of a text, and lists what differs.
fn compare(name: &str, expected: &Expected, found: &[Candidate], counts: &mut Counts) -> Vec<String> {
    let pairs = pairs(&expected.candidates, found);
    let mut differences = Vec::new();
    let mut note = |text: String| differences.push(format!("{name}: {text}"));
    for (index, wanted) in expected.candidates.iter().enumerate() {
        let wanted_values = expected_values(wanted);
        let values = pairs.get(&index).map(|place| values_of(&found[*place])).unwrap_or_default();
        let kind = counts.entry("kind".to_owned()).or_default();
        if pairs.contains_key(&index) {
            kind.right += 1
        } else {
            kind.missing += 1
        }
        for (field, value) in &wanted_values {
            let count = counts.entry(field.clone()).or_default();
            if values.contains(&(field.clone(), value.clone())) {
                count.right += 1;
            } else {
                count.missing += 1;
                note(format!("{} lacks {field} {value}", wanted.kind));
            }
        }
        for (field, value) in values.difference(&wanted_values) {
            counts.entry(field.clone()).or_default().wrong += 1;
            note(format!("{} has {field} {value}", wanted.kind));
        }
    }
    let paired: BTreeSet<usize> = pairs.into_values().collect();
    for (_, extra) in found.iter().enumerate().filter(|(place, _)| !paired.contains(place)) {
        counts.entry("kind".to_owned()).or_default().wrong += 1;
        for (field, _) in values_of(extra) {
            counts.entry(field).or_default().wrong += 1;
        }
        note(format!("{} is not expected: {:?}", extra.kind, values_of(extra)));
    }
    differences
}

/// Compares all texts of a folder, and prints and checks precision and recall: those of all fields together,
/// and those of each field against `least`.
fn check(folder: &str, least: [f64; 2]) {
    let mut counts = Counts::new();
    for (path, expected) in cases(folder) {
        let (_, found) = read(&path, &expected);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for difference in compare(&name, &expected, &found.candidates, &mut counts) {
            println!("{difference}");
        }
    }
    println!(
        "{folder}\n{:<18}{:>6}{:>6}{:>8}{:>11}{:>8}",
        "field", "right", "wrong", "missing", "precision", "recall"
    );
    let mut all = Count::default();
    let mut low = Vec::new();
    for (field, count) in &counts {
        let Count { right, wrong, missing } = *count;
        let (precision, recall) = (count.precision(), count.recall());
        println!("{field:<18}{right:>6}{wrong:>6}{missing:>8}{precision:>11.3}{recall:>8.3}");
        all = Count { right: all.right + right, wrong: all.wrong + wrong, missing: all.missing + missing };
        if right + missing >= MIN_VALUES && (precision < least[0] || recall < least[1]) {
            low.push(format!("{field}: precision {precision:.3}, recall {recall:.3}"));
        }
    }
    println!("all: precision {:.3}, recall {:.3}", all.precision(), all.recall());
    assert!(all.precision() >= 0.9 && all.recall() >= 0.7, "{folder}: {all:?}");
    assert!(low.is_empty(), "{folder}: {low:?}");
}

#[test]
fn texts_that_rules_were_tuned_on_are_read() {
    check("tuned", [0.9, 0.7]);
}

#[test]
fn texts_that_were_written_after_the_rules_are_read() {
    check("held-out", [0.8, 0.7]);
}

#[test]
fn the_article_gives_all_of_its_signals_with_their_characters() {
    let path = folder("tuned").join("article.txt");
    let expected = read_expected(&path.with_extension("expected"));
    let (text, found) = read(&path, &expected);
    let differences = compare("article", &expected, &found.candidates, &mut Counts::new());
    assert_eq!(differences, [""; 0]);
    let source = fs::read_to_string(&path).unwrap();
    let pairs = pairs(&expected.candidates, &found.candidates);
    for (index, wanted) in expected.candidates.iter().enumerate() {
        let candidate = &found.candidates[pairs[&index]];
        for (name, value, quote) in &wanted.fields {
            let is_it = |field: &&orewatch_signals::Field| {
                field.name.as_str() == name && field.value.to_string() == *value
            };
            let field = candidate.fields.iter().find(is_it).unwrap();
            let quote = quote.as_deref().unwrap();
            assert_eq!(field.span.of(text.content()), quote, "{} {name} {value}", wanted.kind);
            let place = text.source_span(field.span);
            assert_eq!(place.of(&source), quote, "{} {name} {value}", wanted.kind);
        }
    }
}

#[test]
fn the_same_text_gives_the_same_candidates() {
    for (path, expected) in cases("tuned").into_iter().chain(cases("held-out")) {
        let (text, found) = read(&path, &expected);
        assert_eq!(read(&path, &expected).1, found);
        for field in found.candidates.iter().flat_map(|candidate| &candidate.fields) {
            assert!(!field.span.of(text.content()).is_empty(), "{field:?}");
            assert!(!field.rule.is_empty(), "{field:?}");
        }
    }
}
