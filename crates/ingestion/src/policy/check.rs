//! Whether a policy can be meant.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, DatasetKind, Period, Stage, WORLD, closest, material};
use orewatch_contracts::ingestion::v1::{DatasetDeclaration, Preference, SourcePolicy, Table};
use orewatch_runtime::{Class, Failure};

use super::datasets::{Dataset, datasets};
use super::deciding;
use crate::dataset;
use crate::evolve::Book;

/// Most preferences, and most declarations, of a policy.
const MAX_ENTRIES: usize = 200;

/// Most items of a list of a preference.
const MAX_ITEMS: usize = 300;

/// The table of a dataset, for people.
fn table_word(table: Table) -> String {
    table.as_str_name().trim_start_matches("TABLE_").to_lowercase()
}

pub(super) fn wrong(field: impl Into<String>, value: impl AsRef<str>, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "bad-policy", message).at(field, value)
}

/// Checks a policy against the datasets that there are.
///
/// # Errors
/// [`Class::Invalid`] with the field, the value and what to write.
pub(super) fn policy(book: &Book, policy: &SourcePolicy) -> Result<(), Failure> {
    for (field, count) in [("preferences", policy.preferences.len()), ("datasets", policy.datasets.len())] {
        if count > MAX_ENTRIES {
            let message = format!("a policy has at most {MAX_ENTRIES} {field}");
            return Err(wrong(format!("policy.{field}"), count.to_string(), message)
                .with_hint("leave lists empty to match everything"));
        }
    }
    let known = Known { datasets: datasets(book, ""), held: &book.policy.policy };
    for (place, preference) in policy.preferences.iter().enumerate() {
        known.preference(&format!("policy.preferences[{place}]"), preference)?;
    }
    deciding::each_decides(&policy.preferences)?;
    for (place, declared) in policy.datasets.iter().enumerate() {
        known.declaration(&format!("policy.datasets[{place}]"), declared)?;
    }
    declared_once(&policy.datasets)?;
    known.supplements(&policy.datasets)
}

/// The datasets that a policy may name: those that have a visible release, and those that the policy named when they had one. What
/// is withdrawn since is no reason to refuse an edit of the rest.
struct Known<'a> {
    datasets: Vec<Dataset<'a>>,
    /// The policy that holds.
    held: &'a SourcePolicy,
}

impl<'a> Known<'a> {
    fn named<'k>(&'k self, name: &'k str) -> impl Iterator<Item = &'k Dataset<'a>> {
        self.datasets.iter().filter(move |dataset| dataset.name == name)
    }

    /// A dataset that has to be there.
    fn exists(&self, field: &str, name: &str) -> Result<(), Failure> {
        if self.named(name).next().is_some() || self.was_named(name) {
            return Ok(());
        }
        let names = || self.datasets.iter().map(|dataset| dataset.name);
        let hint = match closest(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None if self.datasets.is_empty() => "ingest a release of it first".to_owned(),
            None => format!(
                "there are {}",
                names().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
            ),
        };
        Err(Failure::new(Class::Invalid, "unknown-dataset", "no release of this dataset is committed")
            .at(field, name)
            .with_hint(hint))
    }

    /// Whether the policy that holds names a dataset.
    fn was_named(&self, name: &str) -> bool {
        let preferred = self.held.preferences.iter().flat_map(|preference| &preference.datasets);
        let declared = self.held.datasets.iter().flat_map(|known| [&known.dataset, &known.supplements]);
        preferred.chain(declared).any(|known| known == name)
    }

    /// Whether the policy that holds prefers a dataset in a table.
    fn was_preferred(&self, name: &str, table: Table) -> bool {
        let of_table = self.held.preferences.iter().filter(|preference| preference.table() == table);
        of_table.flat_map(|preference| &preference.datasets).any(|known| known == name)
    }

    fn preference(&self, at: &str, preference: &Preference) -> Result<(), Failure> {
        let field = |name: &str| format!("{at}.{name}");
        if matches!(preference.table(), Table::Unspecified | Table::Concordance) {
            return Err(wrong(
                field("table"),
                table_word(preference.table()),
                "no datasets of this table answer",
            )
            .with_hint("write trade, production, governance, parameters or restrictions"));
        }
        let names_topics = !preference.materials.is_empty() || !preference.stages.is_empty();
        if preference.table() == Table::Governance && names_topics {
            let message = "governance is about economies, not about materials or stages";
            return Err(wrong(field("materials"), preference.materials.join(","), message)
                .with_hint("leave materials and stages out"));
        }
        items(&field("materials"), &preference.materials, |id| {
            material(id).map_err(|error| error.to_string()).and_then(|known| same(known.id, id))
        })?;
        items(&field("stages"), &preference.stages, |id| {
            id.parse::<Stage>().map_err(|error| error.to_string()).and_then(|stage| same(stage.as_str(), id))
        })?;
        items(&field("economies"), &preference.economies, economy)?;
        span(&field("from"), &field("until"), preference)?;
        deciding::matchable(at, preference)?;
        if preference.datasets.is_empty() {
            return Err(wrong(field("datasets"), "", "a preference names at least one dataset"));
        }
        items(&field("datasets"), &preference.datasets, |_| Ok(()))?;
        preference.datasets.iter().try_for_each(|name| self.answers(&field("datasets"), name, preference))
    }

    /// A dataset has releases of the table that a preference is about, with rows of what it is about.
    fn answers(&self, field: &str, name: &str, preference: &Preference) -> Result<(), Failure> {
        self.exists(field, name)?;
        let table = preference.table();
        let is_held = self.held.preferences.contains(preference);
        match self.named(name).find(|dataset| dataset.table == table) {
            Some(_) if is_held => return Ok(()),
            Some(dataset) => return deciding::has_rows(field, dataset, preference),
            None if self.was_preferred(name, table) => return Ok(()),
            None => {}
        }
        let tables: Vec<_> = self.named(name).map(|dataset| table_word(dataset.table)).collect();
        let message = format!("dataset {name} has {}, and no {}", tables.join(", "), table_word(table));
        Err(wrong(field, name, message))
    }

    fn declaration(&self, at: &str, declared: &DatasetDeclaration) -> Result<(), Failure> {
        let field = |name: &str| format!("{at}.{name}");
        self.exists(&field("dataset"), &declared.dataset)?;
        let is_supplement = match dataset::stated_kind(declared.kind()) {
            Some(kind) => kind == DatasetKind::Supplement,
            None => {
                return Err(wrong(field("kind"), "", "a declaration says of which kind the dataset is")
                    .with_hint("write reconciled, declarations, tables or supplement"));
            }
        };
        match (is_supplement, declared.supplements.as_str()) {
            (false, "") => Ok(()),
            (true, "") => {
                Err(wrong(field("supplements"), "", "a supplement says which dataset it supplements"))
            }
            (false, other) => {
                Err(wrong(field("supplements"), other, "only a supplement can supplement a dataset")
                    .with_hint("write `kind: supplement`, or leave supplements out"))
            }
            (true, other) => self.exists(&field("supplements"), other),
        }
    }

    /// What supplements what, by declarations and by releases: only datasets of the same table, of which nothing supplements a
    /// supplement, in the same units.
    fn supplements(&self, declared: &[DatasetDeclaration]) -> Result<(), Failure> {
        let said: BTreeMap<&str, &DatasetDeclaration> =
            declared.iter().map(|declared| (declared.dataset.as_str(), declared)).collect();
        let supplements = |dataset: &Dataset<'a>| -> Option<String> {
            match said.get(dataset.name) {
                Some(declared) => Some(declared.supplements.clone()),
                None => Some(dataset.supplements.to_owned()),
            }
            .filter(|base| !base.is_empty())
        };
        let bases: BTreeMap<&str, String> =
            self.datasets.iter().filter_map(|dataset| Some((dataset.name, supplements(dataset)?))).collect();
        for (name, base) in &bases {
            let place = declared.iter().position(|declared| declared.dataset == *name);
            let field = place.map_or_else(
                || "policy.datasets".to_owned(),
                |place| format!("policy.datasets[{place}].supplements"),
            );
            if let Some(further) = bases.get(base.as_str()) {
                return Err(chained(&field, &bases, name, base, further));
            }
            // What releases say themselves was judged when they were committed.
            if place.is_some() {
                self.fits(&field, name, base)?;
            }
        }
        Ok(())
    }

    /// A supplement is of the table of the dataset that it supplements, and in its units.
    fn fits(&self, field: &str, name: &str, base: &str) -> Result<(), Failure> {
        // What was named before and is withdrawn now has neither tables nor units.
        if self.named(base).next().is_none() {
            return Ok(());
        }
        for dataset in self.named(name) {
            let Some(supplemented) = self.named(base).find(|known| known.table == dataset.table) else {
                let tables: Vec<_> = self.named(base).map(|known| table_word(known.table)).collect();
                let message = format!(
                    "dataset {name} has {}, and {base} has {}: a supplement is of the same table",
                    table_word(dataset.table),
                    tables.join(", ")
                );
                return Err(wrong(field, base, message));
            };
            if let Some(difference) = unlike(dataset, supplemented) {
                return Err(
                    wrong(field, base, difference).with_hint("bring the figures onto one basis first")
                );
            }
        }
        Ok(())
    }
}

/// In which unit or basis the output of two datasets differs, if it does anywhere.
fn unlike(one: &Dataset<'_>, other: &Dataset<'_>) -> Option<String> {
    let known = |dataset: &Dataset<'_>| {
        let bases = dataset.releases.iter().rev().flat_map(|held| held.kept.bases.clone());
        bases.collect::<crate::tally::Bases>()
    };
    super::standing::differing(one.name, &known(one), other.name, &known(other))
}

/// A supplement of a supplement; or, further along, of itself.
fn chained(field: &str, bases: &BTreeMap<&str, String>, name: &str, base: &str, further: &str) -> Failure {
    let mut chain = vec![name.to_owned(), base.to_owned()];
    let mut next = Some(further);
    while let Some(one) = next {
        let is_circle = chain.iter().any(|known| known == one);
        chain.push(one.to_owned());
        if is_circle {
            let message = format!("the supplements go round in a circle: {}", chain.join(" supplements "));
            return wrong(field, base, message).with_hint("leave one of them out");
        }
        next = bases.get(one).map(String::as_str);
    }
    wrong(field, base, format!("{base} is a supplement of {further} itself"))
        .with_hint(format!("name {further}: a supplement fills the cells of a dataset that is none"))
}

/// The items of a list are known, and each is there once.
fn items(field: &str, list: &[String], known: impl Fn(&str) -> Result<(), String>) -> Result<(), Failure> {
    if list.len() > MAX_ITEMS {
        let message = format!("a list of a preference has at most {MAX_ITEMS} items");
        return Err(
            wrong(field, list.len().to_string(), message).with_hint("leave it empty to match everything")
        );
    }
    let mut seen = BTreeSet::new();
    for item in list {
        known(item).map_err(|message| wrong(field, item, message))?;
        if !seen.insert(item) {
            return Err(wrong(field, item, "it is listed twice").with_hint("list it once"));
        }
    }
    Ok(())
}

fn same(known: &str, written: &str) -> Result<(), String> {
    if known == written { Ok(()) } else { Err(format!("it is written {known}")) }
}

fn economy(code: &str) -> Result<(), String> {
    if code == WORLD {
        return Err("the world is every economy: leave economies out".to_owned());
    }
    code.parse::<Consumer>().map_err(|error| error.to_string()).and_then(|known| same(known.code(), code))
}

fn span(from_field: &str, until_field: &str, preference: &Preference) -> Result<(), Failure> {
    let period = |field: &str, text: &str| -> Result<Option<Period>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.parse::<Period>().ok().filter(|period| period.to_string() == text);
        let unknown = || wrong(field, text, "this is no period").with_hint("write 2024 or 2024-03");
        parsed.map(Some).ok_or_else(unknown)
    };
    let from = period(from_field, &preference.from)?;
    match (from, period(until_field, &preference.until)?) {
        (Some(from), Some(until)) if from.start() > until.end() => {
            let message = format!("from {from} is after until {until}: no period is in between");
            Err(wrong(from_field, from.to_string(), message))
        }
        _ => Ok(()),
    }
}

fn declared_once(declared: &[DatasetDeclaration]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match declared.iter().enumerate().find(|(_, declared)| !seen.insert(&declared.dataset)) {
        Some((place, twice)) => {
            Err(wrong(format!("policy.datasets[{place}].dataset"), &twice.dataset, "it is declared twice"))
        }
        None => Ok(()),
    }
}
