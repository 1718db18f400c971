//! Reads and writes the YAML form of the source policy.
use orewatch_catalog::closest;
use orewatch_contracts::ingestion::v1::{DatasetDeclaration, Preference, SourcePolicy, Table};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;
use serde::Deserialize;

/// Upper bound on the size of a policy file, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Upper bound on the nesting of a policy file.
const MAX_DEPTH: usize = 16;

/// Tables whose datasets answer, as files write them.
const ANSWERING_TABLES: [(&str, Table); 5] = [
    ("trade", Table::Trade),
    ("production", Table::Production),
    ("governance", Table::Governance),
    ("parameters", Table::Parameters),
    ("restrictions", Table::Restrictions),
];

/// Words that YAML reads as something other than text.
const RESERVED_WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];

/// A policy file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    preferences: Vec<PreferenceEntry>,
    #[serde(default)]
    datasets: Vec<DatasetEntry>,
}

/// A preference in a file. What is left out matches everything.
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

/// A declaration of a dataset in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetEntry {
    dataset: String,
    kind: String,
    #[serde(default)]
    supplements: String,
}

/// Reads a policy from YAML or JSON. Whether it makes sense is checked by the service, which knows the
/// datasets.
///
/// # Errors
/// [`Class::Invalid`] with line and column for a text that is not a policy.
pub fn parse_policy(name: &str, bytes: &[u8]) -> Result<SourcePolicy, Failure> {
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
            "write `preferences: []` for the default order alone; `orewatch policy export` writes the \
             current policy",
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

/// The failure for a text that departs from the form.
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
            invalid("invalid-yaml", line.to_owned())
        }
    }
}

fn preference(name: &str, place: usize, entry: PreferenceEntry) -> Result<Preference, Failure> {
    let table = ANSWERING_TABLES.iter().find(|(word, _)| *word == entry.table).map(|(_, table)| *table);
    let table = table.ok_or_else(|| {
        let message = format!("{name}: there is no such table of datasets");
        Failure::new(Class::Invalid, "unknown-word", message)
            .at(format!("preferences[{place}].table"), &entry.table)
            .with_hint(format!("write {}", ANSWERING_TABLES.map(|(word, _)| word).join(", ")))
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

/// Writes a policy in the form that [`parse_policy`] reads.
#[must_use]
pub fn write_policy(policy: &SourcePolicy) -> String {
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

/// The fields of a preference. Those that match everything are left out.
fn preference_fields(preference: &Preference) -> Vec<String> {
    let table = ANSWERING_TABLES.iter().find(|(_, table)| *table == preference.table());
    let mut fields = vec![format!("table: {}", table.map_or("", |(word, _)| word))];
    let lists = [
        ("materials", &preference.materials),
        ("stages", &preference.stages),
        ("economies", &preference.economies),
    ];
    let filled = lists.into_iter().filter(|(_, check_items)| !check_items.is_empty());
    fields.extend(filled.map(|(name, check_items)| format!("{name}: {}", sequence(check_items))));
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

fn sequence(check_items: &[String]) -> String {
    format!("[{}]", check_items.iter().map(|item| scalar(item)).collect::<Vec<_>>().join(", "))
}

/// Quotes a text where YAML would not read it as text: dataset names may be all digits, or a reserved word.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !RESERVED_WORDS.contains(&text.to_ascii_lowercase().as_str());
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
    fn a_written_policy_reads_back_the_same() {
        let policy = parse_policy("policy.yaml", FILE.as_bytes()).unwrap();
        assert_eq!(policy.preferences[0].from, "2020");
        assert_eq!(write_policy(&policy), FILE);
        assert_eq!(write_policy(&SourcePolicy::default()), "preferences: []\ndatasets: []\n");
        assert_eq!(parse_policy("p", b"preferences: []").unwrap(), SourcePolicy::default());
        let json = br#"{"datasets": [{"dataset": "a", "kind": "tables"}]}"#;
        assert_eq!(parse_policy("policy.json", json).unwrap().datasets[0].dataset, "a");
    }

    #[test]
    fn a_text_that_is_no_policy_is_refused_with_its_position() {
        for (text, code) in [
            ("", "empty-file"),
            ("preferences: 7", "invalid-yaml"),
            ("preference: []", "unknown-field"),
            ("preferences:\n  - table: trade", "missing-field"),
            ("preferences:\n  - {table: trades, datasets: [a]}", "unknown-word"),
            ("datasets:\n  - {dataset: a, kind: reconcild}", "unknown-dataset-kind"),
            ("datasets:\n  - {dataset: a, kind: undeclared}", "unknown-dataset-kind"),
        ] {
            let failure = parse_policy("policy.yaml", text.as_bytes()).unwrap_err();
            assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, code), "{text}: {failure}");
            assert!(failure.message.contains("policy.yaml"), "{failure}");
        }
    }
}
