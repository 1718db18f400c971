//! Checks whether a policy makes sense for the datasets that exist.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, DatasetKind, Period, Stage, WORLD, closest, material};
use orewatch_contracts::ingestion::v1::{DatasetDeclaration, Preference, SourcePolicy, Table};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;

use super::bases::basis_difference;
use super::datasets::{Dataset, datasets, is_answering};
use super::invalid::invalid_policy;
use super::reachability;
use crate::evolve::IngestionState;

/// Upper bound on the preferences, and on the declarations, of a policy.
const MAX_ENTRIES: usize = 200;

/// Upper bound on the items in a list of a preference.
const MAX_ITEMS: usize = 300;

/// The name of a table in sentences.
fn table_word(table: Table) -> String {
    table.as_str_name().trim_start_matches("TABLE_").to_lowercase()
}

/// Checks a policy against the existing datasets.
///
/// # Errors
/// [`Class::Invalid`] with the field, the value and what to write instead.
pub(super) fn check_policy(state: &IngestionState, policy: &SourcePolicy) -> Result<(), Failure> {
    for (field, count) in [("preferences", policy.preferences.len()), ("datasets", policy.datasets.len())] {
        if count > MAX_ENTRIES {
            let message = format!("a policy has at most {MAX_ENTRIES} {field}");
            return Err(invalid_policy(format!("policy.{field}"), count.to_string(), message)
                .with_hint("leave lists empty to match everything"));
        }
    }
    let known = Known { datasets: datasets(state, ""), current: &state.policy.policy };
    for (place, preference) in policy.preferences.iter().enumerate() {
        known.preference(&format!("policy.preferences[{place}]"), preference)?;
    }
    reachability::check_each_reachable(&policy.preferences)?;
    for (place, declared) in policy.datasets.iter().enumerate() {
        known.declaration(&format!("policy.datasets[{place}]"), declared)?;
    }
    check_declared_once(&policy.datasets)?;
    known.supplements(&policy.datasets)
}

/// The datasets that a policy may name: those with a visible release, and those that the current policy
/// names. A release that was withdrawn since is no reason to refuse an edit of other parts of the policy.
struct Known<'a> {
    datasets: Vec<Dataset<'a>>,
    /// The current policy.
    current: &'a SourcePolicy,
}

impl<'a> Known<'a> {
    fn named<'k>(&'k self, name: &'k str) -> impl Iterator<Item = &'k Dataset<'a>> {
        self.datasets.iter().filter(move |dataset| dataset.name == name)
    }

    /// Checks that a dataset exists or is named by the current policy.
    fn check_exists(&self, field: &str, name: &str) -> Result<(), Failure> {
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

    /// Whether the current policy names a dataset.
    fn was_named(&self, name: &str) -> bool {
        let preferred = self.current.preferences.iter().flat_map(|preference| &preference.datasets);
        let declared = self.current.datasets.iter().flat_map(|known| [&known.dataset, &known.supplements]);
        preferred.chain(declared).any(|known| known == name)
    }

    /// Whether the current policy prefers a dataset in a table.
    fn was_preferred(&self, name: &str, table: Table) -> bool {
        let of_table = self.current.preferences.iter().filter(|preference| preference.table() == table);
        of_table.flat_map(|preference| &preference.datasets).any(|known| known == name)
    }

    fn preference(&self, at: &str, preference: &Preference) -> Result<(), Failure> {
        let field = |name: &str| format!("{at}.{name}");
        if !is_answering(preference.table()) {
            return Err(invalid_policy(
                field("table"),
                table_word(preference.table()),
                "no datasets of this table answer",
            )
            .with_hint("write trade, production, governance, parameters or restrictions"));
        }
        let names_topics = !preference.materials.is_empty() || !preference.stages.is_empty();
        if preference.table() == Table::Governance && names_topics {
            let message = "governance is about economies, not about materials or stages";
            return Err(invalid_policy(field("materials"), preference.materials.join(","), message)
                .with_hint("leave materials and stages out"));
        }
        check_items(&field("materials"), &preference.materials, |id| {
            material(id).map_err(|error| error.to_string()).and_then(|known| check_spelling(known.id, id))
        })?;
        check_items(&field("stages"), &preference.stages, |id| {
            id.parse::<Stage>()
                .map_err(|error| error.to_string())
                .and_then(|stage| check_spelling(stage.as_str(), id))
        })?;
        check_items(&field("economies"), &preference.economies, check_economy)?;
        check_span(&field("from"), &field("until"), preference)?;
        reachability::check_matchable(at, preference)?;
        if preference.datasets.is_empty() {
            return Err(invalid_policy(field("datasets"), "", "a preference names at least one dataset"));
        }
        check_items(&field("datasets"), &preference.datasets, |_| Ok(()))?;
        preference
            .datasets
            .iter()
            .try_for_each(|name| self.check_answers(&field("datasets"), name, preference))
    }

    /// Checks that a dataset has releases of the preference's table, with rows that the preference is about.
    fn check_answers(&self, field: &str, name: &str, preference: &Preference) -> Result<(), Failure> {
        self.check_exists(field, name)?;
        let table = preference.table();
        let is_held = self.current.preferences.contains(preference);
        match self.named(name).find(|dataset| dataset.table == table) {
            Some(_) if is_held => return Ok(()),
            Some(dataset) => return reachability::check_has_rows(field, dataset, preference),
            None if self.was_preferred(name, table) => return Ok(()),
            None => {}
        }
        let tables: Vec<_> = self.named(name).map(|dataset| table_word(dataset.table)).collect();
        let message = format!("dataset {name} has {}, and no {}", tables.join(", "), table_word(table));
        Err(invalid_policy(field, name, message))
    }

    fn declaration(&self, at: &str, declared: &DatasetDeclaration) -> Result<(), Failure> {
        let field = |name: &str| format!("{at}.{name}");
        self.check_exists(&field("dataset"), &declared.dataset)?;
        let is_supplement = match dataset::stated_kind(declared.kind()) {
            Some(kind) => kind == DatasetKind::Supplement,
            None => {
                return Err(invalid_policy(
                    field("kind"),
                    "",
                    "a declaration says of which kind the dataset is",
                )
                .with_hint("write reconciled, declarations, tables or supplement"));
            }
        };
        match (is_supplement, declared.supplements.as_str()) {
            (false, "") => Ok(()),
            (true, "") => Err(invalid_policy(
                field("supplements"),
                "",
                "a supplement says which dataset it supplements",
            )),
            (false, other) => {
                Err(invalid_policy(field("supplements"), other, "only a supplement can supplement a dataset")
                    .with_hint("write `kind: supplement`, or leave supplements out"))
            }
            (true, other) => self.check_exists(&field("supplements"), other),
        }
    }

    /// Checks which dataset supplements which, by declarations and by releases: both have the same table and
    /// units, and no supplement is supplemented itself.
    fn supplements(&self, declared: &[DatasetDeclaration]) -> Result<(), Failure> {
        let declarations: BTreeMap<&str, &DatasetDeclaration> =
            declared.iter().map(|declared| (declared.dataset.as_str(), declared)).collect();
        let supplements = |dataset: &Dataset<'a>| -> Option<String> {
            match declarations.get(dataset.name) {
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
                return Err(chained_supplement(&field, &bases, name, base, further));
            }
            // Releases that name their base themselves were judged when they were committed.
            if place.is_some() {
                self.check_fits(&field, name, base)?;
            }
        }
        Ok(())
    }

    /// Checks that a supplement has the table and units of the dataset that it supplements.
    fn check_fits(&self, field: &str, name: &str, base: &str) -> Result<(), Failure> {
        // A dataset whose releases are all withdrawn has neither tables nor units.
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
                return Err(invalid_policy(field, base, message));
            };
            if let Some(difference) = unit_difference(dataset, supplemented) {
                return Err(invalid_policy(field, base, difference)
                    .with_hint("bring the figures onto one basis first"));
            }
        }
        Ok(())
    }
}

/// How the output of two datasets differs in unit or basis, if it does.
fn unit_difference(one: &Dataset<'_>, other: &Dataset<'_>) -> Option<String> {
    let known = |dataset: &Dataset<'_>| {
        let bases = dataset.releases.iter().rev().flat_map(|current| current.committed_rows.bases.clone());
        bases.collect::<crate::tally::Bases>()
    };
    basis_difference(one.name, &known(one), other.name, &known(other))
}

/// The failure for a supplement of a supplement, or, further along the chain, of itself.
fn chained_supplement(
    field: &str,
    bases: &BTreeMap<&str, String>,
    name: &str,
    base: &str,
    further: &str,
) -> Failure {
    let mut chain = vec![name.to_owned(), base.to_owned()];
    let mut next = Some(further);
    while let Some(one) = next {
        let is_circle = chain.iter().any(|known| known == one);
        chain.push(one.to_owned());
        if is_circle {
            let message = format!("the supplements go round in a circle: {}", chain.join(" supplements "));
            return invalid_policy(field, base, message).with_hint("leave one of them out");
        }
        next = bases.get(one).map(String::as_str);
    }
    invalid_policy(field, base, format!("{base} is a supplement of {further} itself"))
        .with_hint(format!("name {further}: a supplement fills the cells of a dataset that is none"))
}

/// Checks that the items of a list are known, and listed once.
fn check_items(
    field: &str,
    list: &[String],
    known: impl Fn(&str) -> Result<(), String>,
) -> Result<(), Failure> {
    if list.len() > MAX_ITEMS {
        let message = format!("a list of a preference has at most {MAX_ITEMS} items");
        return Err(invalid_policy(field, list.len().to_string(), message)
            .with_hint("leave it empty to match everything"));
    }
    let mut seen = BTreeSet::new();
    for item in list {
        known(item).map_err(|message| invalid_policy(field, item, message))?;
        if !seen.insert(item) {
            return Err(invalid_policy(field, item, "it is listed twice").with_hint("list it once"));
        }
    }
    Ok(())
}

fn check_spelling(known: &str, written: &str) -> Result<(), String> {
    if known == written { Ok(()) } else { Err(format!("it is written {known}")) }
}

fn check_economy(code: &str) -> Result<(), String> {
    if code == WORLD {
        return Err("the world is every economy: leave economies out".to_owned());
    }
    code.parse::<Consumer>()
        .map_err(|error| error.to_string())
        .and_then(|known| check_spelling(known.code(), code))
}

fn check_span(from_field: &str, until_field: &str, preference: &Preference) -> Result<(), Failure> {
    let period = |field: &str, text: &str| -> Result<Option<Period>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.parse::<Period>().ok().filter(|period| period.to_string() == text);
        let unknown = || invalid_policy(field, text, "this is no period").with_hint("write 2024 or 2024-03");
        parsed.map(Some).ok_or_else(unknown)
    };
    let from = period(from_field, &preference.from)?;
    match (from, period(until_field, &preference.until)?) {
        (Some(from), Some(until)) if from.start() > until.end() => {
            let message = format!("from {from} is after until {until}: no period is in between");
            Err(invalid_policy(from_field, from.to_string(), message))
        }
        _ => Ok(()),
    }
}

fn check_declared_once(declared: &[DatasetDeclaration]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match declared.iter().enumerate().find(|(_, declared)| !seen.insert(&declared.dataset)) {
        Some((place, twice)) => Err(invalid_policy(
            format!("policy.datasets[{place}].dataset"),
            &twice.dataset,
            "it is declared twice",
        )),
        None => Ok(()),
    }
}
