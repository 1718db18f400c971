//! Lists of critical materials in the selections of files: `listed(USA-2025)`.
use orewatch_catalog::{UnknownCode, critical_lists, listed_materials};
use orewatch_contracts::{Class, Failure};

/// Replaces selectors such as `listed(USA-2025)` by the materials on the list. Then a material that is
/// selected twice is kept once.
///
/// # Errors
/// A list that does not exist; the failure names the entry of `field`.
pub fn resolve_lists(selected: Vec<String>, field: &str) -> Result<Vec<String>, Failure> {
    if !selected.iter().any(|text| listed_materials(text).is_some()) {
        return Ok(selected);
    }
    let mut materials = Vec::new();
    for (k, text) in selected.into_iter().enumerate() {
        let found = match listed_materials(&text) {
            None => vec![text],
            Some(Ok(listed)) => listed.into_iter().map(str::to_owned).collect(),
            Some(Err(error)) => return Err(unknown_list(&format!("{field}[{k}]"), &text, &error)),
        };
        for material in found {
            if !materials.contains(&material) {
                materials.push(material);
            }
        }
    }
    Ok(materials)
}

fn unknown_list(field: &str, selector: &str, error: &UnknownCode) -> Failure {
    let known: Vec<_> = critical_lists().iter().map(|list| list.id).collect();
    let near = error.suggestion.as_ref().map(|near| format!("did you mean {near}? "));
    Failure::new(Class::Invalid, error.code(), error.reason()).at(field, selector).with_hint(format!(
        "{}the lists are {}",
        near.unwrap_or_default(),
        known.join(", ")
    ))
}
