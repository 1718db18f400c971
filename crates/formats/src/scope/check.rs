//! Checks what a release declares: its kind, the dataset that it supplements, its scope.
use std::collections::BTreeSet;

use orewatch_catalog::{
    HsCode, HsRevision, Nomenclature, Period, Scheme, Stage, economy, hs_codes, material, residual_kind,
    resolve_economy,
};
use orewatch_contracts::ingestion::v1::{DatasetKind, Release, Scope, Table};
use orewatch_contracts::{Class, Failure};

use super::{Dimension, EXPORTS, IMPORTS, MAX_ITEMS};
use crate::ids;

/// Checks what a release declares before it is opened.
///
/// # Errors
/// [`Class::Invalid`] with the field, the value and what to write.
pub fn check(release: &Release) -> Result<(), Failure> {
    check_supplement(release)?;
    let Some(scope) = &release.scope else { return Ok(()) };
    for dimension in Dimension::ALL {
        let list = dimension.list(scope);
        if list.is_empty() {
            continue;
        }
        if !dimension.is_of(release.table()) {
            let message = match release.table() {
                Table::Production => format!("output has no {}", dimension.name()),
                _ => "only trade and output have a scope: other tables restate whole markets".to_owned(),
            };
            return Err(invalid(dimension, &list.join(","), message).with_hint("leave it out"));
        }
        check_items(dimension, list)?;
        list.iter().try_for_each(|item| check_item(release, dimension, item))?;
    }
    check_not_empty(scope)
}

/// Checks that a supplement names the dataset that it supplements, and that no other release does.
fn check_supplement(release: &Release) -> Result<(), Failure> {
    let name = release.supplements.as_str();
    let refuse = |message: &str| Failure::new(Class::Invalid, "invalid-supplement", message);
    let is_supplement = release.kind() == DatasetKind::Supplement;
    match (is_supplement, name.is_empty()) {
        (false, true) => Ok(()),
        (true, true) => Err(refuse("a supplement must name the dataset that it supplements")
            .at("supplements", "")
            .with_hint("name the dataset: --supplements DATASET, or `# supplements: DATASET` in the file")),
        (false, false) => Err(refuse("only a supplement can supplement a dataset")
            .at("kind", word(release.kind()))
            .with_hint("leave --kind out, or write --kind supplement")),
        (true, false) if !ids::is_dataset(name) => Err(refuse("this is no name of a dataset")
            .at("supplements", name)
            .with_hint("use up to 64 lower-case letters, digits and hyphens")),
        (true, false) if name == release.dataset => {
            Err(refuse("a dataset cannot supplement itself").at("supplements", name))
        }
        (true, false) if release.table() == Table::Concordance => {
            Err(refuse("a concordance cannot supplement anything").at("supplements", name))
        }
        (true, false) if matches!(release.table(), Table::Projections | Table::Targets | Table::Claims) => {
            Err(refuse("a supplement fills missing cells of observations, which this table has none of")
                .at("supplements", name))
        }
        (true, false) => Ok(()),
    }
}

/// A kind as files have it.
fn word(kind: DatasetKind) -> String {
    kind.as_str_name().trim_start_matches("DATASET_KIND_").to_lowercase()
}

/// The failure of an item.
fn invalid(dimension: Dimension, value: &str, message: impl Into<String>) -> Failure {
    let field = format!("scope.{}", dimension.name());
    Failure::new(Class::Invalid, "invalid-scope", message).at(field, value)
}

/// Refuses too many items, and an item that is listed twice: one of the two was probably meant to be another.
fn check_items(dimension: Dimension, list: &[String]) -> Result<(), Failure> {
    if list.len() > MAX_ITEMS {
        let message = format!("a scope lists at most {MAX_ITEMS} items of a dimension");
        return Err(invalid(dimension, &list.len().to_string(), message)
            .with_hint("leave the dimension out: then the rows decide what the release covers"));
    }
    let mut seen = BTreeSet::new();
    match list.iter().find(|item| !seen.insert(item.as_str())) {
        Some(twice) => Err(invalid(dimension, twice, "the scope lists it twice").with_hint("list it once")),
        None => Ok(()),
    }
}

fn check_item(release: &Release, dimension: Dimension, item: &str) -> Result<(), Failure> {
    match dimension {
        Dimension::Reporter => check_reporter(item),
        Dimension::Partner => check_side(dimension, item),
        Dimension::Flow if matches!(item, IMPORTS | EXPORTS) => Ok(()),
        Dimension::Flow => Err(invalid(dimension, item, "this is no direction of flows")
            .with_hint(format!("write {IMPORTS} or {EXPORTS}"))),
        Dimension::Product => check_product(release, item),
        Dimension::Period => match item.parse::<Period>() {
            Ok(period) if period.to_string() == item => Ok(()),
            _ => Err(invalid(dimension, item, "this is no period").with_hint("write 2024 or 2024-03")),
        },
    }
}

/// Checks a reporter. A residual reports nothing.
fn check_reporter(item: &str) -> Result<(), Failure> {
    if residual_kind(item).is_none() {
        return check_side(Dimension::Reporter, item);
    }
    Err(invalid(Dimension::Reporter, item, "a residual reports nothing")
        .with_hint("name economies, or leave the reporter out of the scope"))
}

/// Checks an economy or a kind of residual.
fn check_side(dimension: Dimension, item: &str) -> Result<(), Failure> {
    if economy(item).is_some() || residual_kind(item).is_some() {
        return Ok(());
    }
    let meant = resolve_economy(Scheme::Iso3, item).map_or_else(|error| error.to_string(), |_| String::new());
    Err(invalid(dimension, item, "this is no economy")
        .with_hint(format!("write alpha-3 codes, for a bloc those of its members; {meant}")))
}

/// Checks a product code, or for output a material with its stage.
fn check_product(release: &Release, item: &str) -> Result<(), Failure> {
    if release.table() == Table::Trade {
        let list: Nomenclature = release.hs_revision.parse().unwrap_or(Nomenclature::Hs(HsRevision::Hs92));
        list.check_code(item).map_err(|meant| {
            let hint = meant.map_or_else(String::new, |meant| format!("did you mean {meant}?"));
            let message = format!("codes of {list} are {}", list.code_form());
            invalid(Dimension::Product, item, message).with_hint(hint)
        })?;
        if has_material(release, &list, item) {
            return Ok(());
        }
        let message = "the code stands for no material of the catalogue: rows of it are not recorded";
        return Err(invalid(Dimension::Product, item, message).with_hint("leave it out"));
    }
    let (name, stage) = item.split_once(' ').unwrap_or((item, ""));
    let known = material(name).is_ok_and(|known| known.id == name);
    let is_stage = stage.parse::<Stage>().is_ok_and(|known| known.as_str() == stage);
    if known && is_stage {
        return Ok(());
    }
    Err(invalid(Dimension::Product, item, "this is no material of the catalogue with a stage")
        .with_hint("write `lithium mined`"))
}

/// Whether rows of a product can be recorded. A file may hold rows of several revisions, and a concordance
/// may give any code a material.
fn has_material(release: &Release, list: &Nomenclature, item: &str) -> bool {
    let begins = |known: &HsCode| item.starts_with(known.code);
    matches!(list, Nomenclature::Own(_))
        || !release.concordances.is_empty()
        || list.code_meaning(item).is_some()
        || hs_codes().iter().any(begins)
}

/// Refuses a scope with one economy on both sides, which no flow can have.
fn check_not_empty(scope: &Scope) -> Result<(), Failure> {
    match (&scope.reporters[..], &scope.partners[..]) {
        ([reporter], [partner]) if reporter == partner => {
            let message = "the scope is empty: an economy does not trade with itself";
            Err(invalid(Dimension::Partner, partner, message).with_hint("name another partner or reporter"))
        }
        _ => Ok(()),
    }
}
