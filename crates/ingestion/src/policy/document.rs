//! The YAML form of the source policy.
use orewatch_catalog::closest;
use orewatch_contracts::ingestion::v1::{DatasetDeclaration, Preference, SourcePolicy, Table};
use orewatch_runtime::{Class, Failure};
use serde::Deserialize;

use crate::dataset;

/// Largest file of a policy, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Deepest nesting of a file.
const MAX_DEPTH: usize = 16;

/// Tables whose datasets answer, as files write them.
const TABLES: [(&str, Table); 5] = [
    ("trade", Table::Trade),
    ("production", Table::Production),
    ("governance", Table::Governance),
    ("parameters", Table::Parameters),
    ("restrictions", Table::Restrictions),
];

/// Words that YAML takes for something else than text.
const NO_TEXT: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];

/// A policy as a file writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    preferences: Vec<PreferenceEntry>,
    #[serde(default)]
    datasets: Vec<DatasetEntry>,
}

/// A preference: what is left out matches everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreferenceEntry {
    table: String,
    #[serde(default)]
    materials: Vec<String>,
    #[serde(default)]
    stages: Vec<String>,
    #[serde(default)]
    economies: Vec<String>,
    #[serde(default)]
    from: PeriodEntry,
    #[serde(default)]
    until: PeriodEntry,
    datasets: Vec<String>,
}

/// A period; a year may be written as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a year such as 2024, or a month such as 2024-03")]
enum PeriodEntry {
    Year(u16),
    Text(String),
}

impl Default for PeriodEntry {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<PeriodEntry> for String {
    fn from(entry: PeriodEntry) -> Self {
        match entry {
            PeriodEntry::Year(year) => year.to_string(),
            PeriodEntry::Text(text) => text,
        }
    }
}

/// What is said of a dataset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetEntry {
    dataset: String,
    kind: String,
    #[serde(default)]
    supplements: String,
}

/// Reads a policy; JSON is YAML too. Whether it can be meant is for the service to say, which knows the datasets.
///
/// # Errors
/// [`Class::Invalid`] with the place for a text that is no policy.
pub fn read(name: &str, bytes: &[u8]) -> Result<SourcePolicy, Failure> {
    let invalid = |code: &str, message: String| Failure::new(Class::Invalid, code, message);
    if bytes.len() > MAX_BYTES {
        let message = format!("{name} has {} bytes, and a policy at most {MAX_BYTES}", bytes.len());
        return Err(invalid("file-too-large", message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let message = format!("{name} is not UTF-8 at byte {}", error.valid_up_to());
        invalid("not-utf8", message).with_hint("save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        let message = format!("{name} is empty");
        return Err(invalid("empty-file", message).with_hint(
            "the default order alone is written `preferences: []`; `orewatch policy export` shows the policy as it is",
        ));
    }
    let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: MAX_DEPTH } };
    let file: File =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| malformed(name, &error))?;
    let preferences =
        file.preferences.into_iter().enumerate().map(|(place, entry)| preference(name, place, entry));
    let datasets =
        file.datasets.into_iter().enumerate().map(|(place, entry)| declaration(name, place, entry));
    Ok(SourcePolicy {
        preferences: preferences.collect::<Result<_, _>>()?,
        datasets: datasets.collect::<Result<_, _>>()?,
    })
}

/// Says where a text departs from its form.
fn malformed(name: &str, error: &serde_saphyr::Error) -> Failure {
    use serde_saphyr::Error;
    let place = match error.location() {
        Some(location) => format!("{name}:{}:{}", location.line(), location.column()),
        None => name.to_owned(),
    };
    let invalid = |code: &str, what: String| Failure::new(Class::Invalid, code, format!("{place}: {what}"));
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = match closest(field, expected.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", expected.join(", ")),
            };
            invalid("unknown-field", format!("unknown field {field:?}")).at(field, "").with_hint(hint)
        }
        Error::SerdeMissingField { field, .. } => {
            let hint = format!("add `{field}:`");
            invalid("missing-field", format!("the field {field:?} is missing")).at(*field, "").with_hint(hint)
        }
        other => {
            let message = other.to_string();
            let line = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
            invalid("malformed-yaml", line.to_owned())
        }
    }
}

fn preference(name: &str, place: usize, entry: PreferenceEntry) -> Result<Preference, Failure> {
    let table = TABLES.iter().find(|(word, _)| *word == entry.table).map(|(_, table)| *table);
    let table = table.ok_or_else(|| {
        let message = format!("{name}: there is no such table of datasets");
        Failure::new(Class::Invalid, "unknown-word", message)
            .at(format!("preferences[{place}].table"), &entry.table)
            .with_hint(format!("write {}", TABLES.map(|(word, _)| word).join(", ")))
    })?;
    Ok(Preference {
        table: table.into(),
        materials: entry.materials,
        stages: entry.stages,
        economies: entry.economies,
        from: entry.from.into(),
        until: entry.until.into(),
        datasets: entry.datasets,
    })
}

fn declaration(name: &str, place: usize, entry: DatasetEntry) -> Result<DatasetDeclaration, Failure> {
    let kind = dataset::read_kind(&entry.kind).map_err(|failure| {
        let message = format!("{name}: {}", failure.message);
        Failure { message, field: format!("datasets[{place}].kind"), ..failure }
    })?;
    Ok(DatasetDeclaration {
        dataset: entry.dataset,
        kind: dataset::kind_message(kind).into(),
        supplements: entry.supplements,
    })
}

/// A policy as [`read`] reads it.
#[must_use]
pub fn write(policy: &SourcePolicy) -> String {
    let mut text = String::new();
    let mut list = |name: &str, entries: Vec<Vec<String>>| {
        if entries.is_empty() {
            text.push_str(&format!("{name}: []\n"));
            return;
        }
        text.push_str(&format!("{name}:\n"));
        for fields in entries {
            text.push_str(&format!("  - {}\n", fields.join("\n    ")));
        }
    };
    list("preferences", policy.preferences.iter().map(preference_fields).collect());
    list("datasets", policy.datasets.iter().map(declaration_fields).collect());
    text
}

/// The fields of a preference, those that match everything left out.
fn preference_fields(preference: &Preference) -> Vec<String> {
    let table = TABLES.iter().find(|(_, table)| *table == preference.table());
    let mut fields = vec![format!("table: {}", table.map_or("", |(word, _)| word))];
    let lists = [
        ("materials", &preference.materials),
        ("stages", &preference.stages),
        ("economies", &preference.economies),
    ];
    let filled = lists.into_iter().filter(|(_, items)| !items.is_empty());
    fields.extend(filled.map(|(name, items)| format!("{name}: {}", sequence(items))));
    let periods = [("from", &preference.from), ("until", &preference.until)];
    let limited = periods.into_iter().filter(|(_, period)| !period.is_empty());
    fields.extend(limited.map(|(name, period)| format!("{name}: {period}")));
    fields.push(format!("datasets: {}", sequence(&preference.datasets)));
    fields
}

fn declaration_fields(declared: &DatasetDeclaration) -> Vec<String> {
    let kind = dataset::stated_kind(declared.kind()).map_or("", orewatch_catalog::DatasetKind::as_str);
    let mut fields = vec![format!("dataset: {}", scalar(&declared.dataset)), format!("kind: {kind}")];
    if !declared.supplements.is_empty() {
        fields.push(format!("supplements: {}", scalar(&declared.supplements)));
    }
    fields
}

fn sequence(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| scalar(item)).collect::<Vec<_>>().join(", "))
}

/// A text as YAML takes it for one: names of datasets may be digits alone, or a word that means something else.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !NO_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "preferences:
  - table: trade
    materials: [lithium]
    economies: [EU27]
    from: 2020
    datasets: [comext-cn2024, baci-hs92]
  - table: governance
    until: 2024-03
    datasets: [\"2024\"]
datasets:
  - dataset: my-survey
    kind: supplement
    supplements: usgs-mcs
";

    #[test]
    fn a_policy_is_written_as_it_is_read() {
        let policy = read("policy.yaml", FILE.as_bytes()).unwrap();
        assert_eq!(policy.preferences[0].from, "2020");
        assert_eq!(write(&policy), FILE);
        assert_eq!(write(&SourcePolicy::default()), "preferences: []\ndatasets: []\n");
        assert_eq!(read("p", b"preferences: []").unwrap(), SourcePolicy::default());
        let json = br#"{"datasets": [{"dataset": "a", "kind": "tables"}]}"#;
        assert_eq!(read("policy.json", json).unwrap().datasets[0].dataset, "a");
    }

    #[test]
    fn what_is_no_policy_is_refused_with_its_place() {
        for (text, code) in [
            ("", "empty-file"),
            ("preferences: 7", "malformed-yaml"),
            ("preference: []", "unknown-field"),
            ("preferences:\n  - table: trade", "missing-field"),
            ("preferences:\n  - {table: trades, datasets: [a]}", "unknown-word"),
            ("datasets:\n  - {dataset: a, kind: reconcild}", "unknown-kind"),
            ("datasets:\n  - {dataset: a, kind: undeclared}", "unknown-kind"),
        ] {
            let failure = read("policy.yaml", text.as_bytes()).unwrap_err();
            assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, code), "{text}: {failure}");
            assert!(failure.message.contains("policy.yaml"), "{failure}");
        }
    }
}
