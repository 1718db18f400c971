//! Whether a release can be what it is said to be: its kind, what it supplements, what it covers.
use std::collections::BTreeSet;

use orewatch_catalog::{
    HsCode, HsRevision, Nomenclature, Period, Scheme, Stage, economy, hs_codes, material, residual_kind,
    resolve_economy,
};
use orewatch_contracts::ingestion::v1::{DatasetKind, Release, Scope, Table};
use orewatch_runtime::{Class, Failure};

use super::{Dimension, EXPORTS, IMPORTS, MAX_ITEMS};
use crate::ids;

/// Checks what is said of a release that is to be opened.
///
/// # Errors
/// [`Class::Invalid`] with the field, the value and what to write.
pub(crate) fn check(release: &Release) -> Result<(), Failure> {
    supplement(release)?;
    let Some(scope) = &release.scope else { return Ok(()) };
    for dimension in Dimension::ALL {
        let list = dimension.list(scope);
        if list.is_empty() {
            continue;
        }
        if !dimension.is_of(release.table()) {
            let message = match release.table() {
                Table::Production => format!("output has no {}", dimension.name()),
                _ => "only trade and output have a scope: other tables are restated market by market"
                    .to_owned(),
            };
            return Err(wrong(dimension, &list.join(","), message).with_hint("leave it out"));
        }
        each_once(dimension, list)?;
        list.iter().try_for_each(|item| sound(release, dimension, item))?;
    }
    holds_anything(scope)
}

/// A supplement names the dataset that it supplements, and nothing else does.
fn supplement(release: &Release) -> Result<(), Failure> {
    let name = release.supplements.as_str();
    let invalid = |message: &str| Failure::new(Class::Invalid, "bad-supplement", message);
    let is_supplement = release.kind() == DatasetKind::Supplement;
    match (is_supplement, name.is_empty()) {
        (false, true) => Ok(()),
        (true, true) => Err(invalid("a supplement has to say which dataset it supplements")
            .at("supplements", "")
            .with_hint("name the dataset: --supplements DATASET, or `# supplements: DATASET` in the file")),
        (false, false) => Err(invalid("only a supplement can supplement a dataset")
            .at("kind", word(release.kind()))
            .with_hint("leave --kind out, or write --kind supplement")),
        (true, false) if !ids::is_dataset(name) => Err(invalid("this cannot name a dataset")
            .at("supplements", name)
            .with_hint("use up to 64 lower-case letters, digits and hyphens")),
        (true, false) if name == release.dataset => {
            Err(invalid("a dataset cannot supplement itself").at("supplements", name))
        }
        (true, false) if release.table() == Table::Concordance => {
            Err(invalid("a concordance cannot supplement anything").at("supplements", name))
        }
        (true, false) => Ok(()),
    }
}

fn word(kind: DatasetKind) -> String {
    kind.as_str_name().trim_start_matches("DATASET_KIND_").to_lowercase()
}

fn wrong(dimension: Dimension, value: &str, message: impl Into<String>) -> Failure {
    let field = format!("scope.{}", dimension.name());
    Failure::new(Class::Invalid, "bad-scope", message).at(field, value)
}

/// An item that is listed twice is a mistake in the making: one of the two was to be another.
fn each_once(dimension: Dimension, list: &[String]) -> Result<(), Failure> {
    if list.len() > MAX_ITEMS {
        let message = format!("a scope lists at most {MAX_ITEMS} items of a dimension");
        return Err(wrong(dimension, &list.len().to_string(), message)
            .with_hint("leave the dimension out: then the rows say what the release covers"));
    }
    let mut seen = BTreeSet::new();
    match list.iter().find(|item| !seen.insert(item.as_str())) {
        Some(twice) => Err(wrong(dimension, twice, "the scope lists it twice").with_hint("list it once")),
        None => Ok(()),
    }
}

fn sound(release: &Release, dimension: Dimension, item: &str) -> Result<(), Failure> {
    match dimension {
        Dimension::Reporter => reporter(item),
        Dimension::Partner => side(dimension, item),
        Dimension::Flow if matches!(item, IMPORTS | EXPORTS) => Ok(()),
        Dimension::Flow => Err(wrong(dimension, item, "there is no such direction of flows")
            .with_hint(format!("write {IMPORTS} or {EXPORTS}"))),
        Dimension::Product => product(release, item),
        Dimension::Period => match item.parse::<Period>() {
            Ok(period) if period.to_string() == item => Ok(()),
            _ => Err(wrong(dimension, item, "this is no period").with_hint("write 2024 or 2024-03")),
        },
    }
}

/// What a source does not break down is nobody's report.
fn reporter(item: &str) -> Result<(), Failure> {
    if residual_kind(item).is_none() {
        return side(Dimension::Reporter, item);
    }
    Err(wrong(Dimension::Reporter, item, "an amount of unknown origin reports nothing")
        .with_hint("name economies, or leave the reporter out of the scope"))
}

/// An economy or a kind of residual.
fn side(dimension: Dimension, item: &str) -> Result<(), Failure> {
    if economy(item).is_some() || residual_kind(item).is_some() {
        return Ok(());
    }
    let meant = resolve_economy(Scheme::Iso3, item).map_or_else(|error| error.to_string(), |_| String::new());
    Err(wrong(dimension, item, "this is no economy")
        .with_hint(format!("write alpha-3 codes, of a bloc those of its members; {meant}")))
}

fn product(release: &Release, item: &str) -> Result<(), Failure> {
    if release.table() == Table::Trade {
        let list: Nomenclature = release.hs_revision.parse().unwrap_or(Nomenclature::Hs(HsRevision::Hs92));
        list.check(item).map_err(|meant| {
            let hint = meant.map_or_else(String::new, |meant| format!("did you mean {meant}?"));
            let message = format!("codes of {list} are {}", list.form());
            wrong(Dimension::Product, item, message).with_hint(hint)
        })?;
        if has_material(release, &list, item) {
            return Ok(());
        }
        return Err(wrong(
            Dimension::Product,
            item,
            "no material of the catalogue has this code: no row of it is recorded",
        )
        .with_hint("leave it out"));
    }
    let (name, stage) = item.split_once(' ').unwrap_or((item, ""));
    let known = material(name).is_ok_and(|known| known.id == name);
    let is_stage = stage.parse::<Stage>().is_ok_and(|known| known.as_str() == stage);
    if known && is_stage {
        return Ok(());
    }
    Err(wrong(Dimension::Product, item, "this is no material of the catalogue with a stage")
        .with_hint("write `lithium mined`"))
}

/// Whether rows of a product can be recorded. A file may hold rows of several revisions, and a concordance may say anything.
fn has_material(release: &Release, list: &Nomenclature, item: &str) -> bool {
    let begins = |known: &HsCode| item.starts_with(known.code);
    matches!(list, Nomenclature::Own(_))
        || !release.concordances.is_empty()
        || list.meaning(item).is_some()
        || hs_codes().iter().any(begins)
}

/// One economy on both sides holds no flow.
fn holds_anything(scope: &Scope) -> Result<(), Failure> {
    match (&scope.reporters[..], &scope.partners[..]) {
        ([reporter], [partner]) if reporter == partner => {
            let message = "the scope holds nothing: an economy does not trade with itself";
            Err(wrong(Dimension::Partner, partner, message).with_hint("name another partner or reporter"))
        }
        _ => Ok(()),
    }
}
