//! Arguments that name consumers, suppliers, materials, stages and measures. People write codes or names; the
//! services are sent codes.
use orewatch_catalog::{
    Consumer, OTHER, UnknownCode, listed_materials, resolve_consumer, resolve_material, resolve_stage,
    resolve_supplier,
};
use orewatch_contracts::{Class, Failure};
use orewatch_measures::{Measure, UnknownMeasure};

/// Most parts of a list that one name consists of: `Congo, Democratic Republic` has a comma.
const MAX_PARTS: usize = 3;

/// The codes of consumers.
pub fn consumers(texts: &[String]) -> Result<Vec<String>, Failure> {
    resolve_all(texts, consumer)
}

/// The codes of suppliers.
pub fn suppliers(texts: &[String]) -> Result<Vec<String>, Failure> {
    resolve_all(texts, supplier)
}

/// The identifiers of materials, of which a list of critical materials such as `listed(USA-2025)` names
/// several. Each is there once, where it is named first.
pub fn materials(texts: &[String]) -> Result<Vec<String>, Failure> {
    let mut all: Vec<String> = Vec::new();
    for id in resolve_all(texts, material_or_list)?.into_iter().flatten() {
        if !all.contains(&id) {
            all.push(id);
        }
    }
    Ok(all)
}

/// The identifier of a material, or those of the materials on a list.
fn material_or_list(text: &str) -> Result<Vec<String>, Failure> {
    match listed_materials(text) {
        Some(listed) => {
            let ids = listed.map_err(|error| unknown("material", error))?;
            Ok(ids.into_iter().map(str::to_owned).collect())
        }
        None => Ok(vec![material(text)?]),
    }
}

/// The identifiers of stages.
pub fn stages(texts: &[String]) -> Result<Vec<String>, Failure> {
    resolve_all(texts, stage)
}

/// The names of measures.
pub fn measures(texts: &[String]) -> Result<Vec<String>, Failure> {
    resolve_all(texts, measure)
}

/// The code of a consumer.
pub fn consumer(text: &str) -> Result<String, Failure> {
    resolve_consumer(text)
        .map(|consumer| consumer.code().to_owned())
        .map_err(|error| unknown("consumer", error))
}

/// The code of a supplier. An empty text stands for none.
pub fn supplier(text: &str) -> Result<String, Failure> {
    if text.trim().is_empty() || text.trim().eq_ignore_ascii_case(OTHER) {
        return Ok(text.trim().to_uppercase());
    }
    resolve_supplier(text).map(|economy| economy.iso3.to_owned()).map_err(|error| unknown("supplier", error))
}

/// The identifier of a single material.
pub fn material(text: &str) -> Result<String, Failure> {
    let unknown_material = |error| {
        let failure = unknown("material", error);
        match listed_materials(text) {
            Some(_) => failure.with_hint("write one material; `orewatch lists` shows those of a list"),
            None => failure,
        }
    };
    resolve_material(text).map(|material| material.id.to_owned()).map_err(unknown_material)
}

/// The identifier of a stage.
pub fn stage(text: &str) -> Result<String, Failure> {
    resolve_stage(text).map(|stage| stage.as_str().to_owned()).map_err(|error| unknown("stage", error))
}

/// The name of a measure, with its version if the text has one.
pub fn measure(text: &str) -> Result<String, Failure> {
    let wanted = text.trim().to_lowercase().replace([' ', '_'], "-");
    match wanted.parse::<Measure>() {
        Ok(_) => Ok(wanted),
        Err(UnknownMeasure { suggestion, .. }) => {
            let hint = suggestion.map(|near| format!("did you mean {near}?"));
            let hint = hint.unwrap_or_else(|| "`orewatch measures` lists all measures".to_owned());
            let failure =
                Failure::new(Class::NotFound, "unknown-measure", format!("unknown measure `{text}`"));
            Err(failure.with_hint(hint).at("measure", text))
        }
    }
}

/// Name of a consumer or supplier. An unknown code is returned as it is.
#[must_use]
pub fn economy_name(code: &str) -> &str {
    match code.parse::<Consumer>() {
        Ok(consumer) => consumer.name(),
        Err(_) if code == OTHER => "Other economies",
        Err(_) => code,
    }
}

/// The error for a code or name that is not in the catalogue.
fn unknown(field: &str, error: UnknownCode) -> Failure {
    Failure::new(Class::NotFound, error.code(), error.reason())
        .with_hint(error.hint())
        .at(field, &error.value)
}

/// Resolves the items of a list, which was split at its commas. Where an item is no name, it may be the first
/// part of one that has commas.
fn resolve_all<T>(texts: &[String], resolve: impl Fn(&str) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    let mut rest = texts;
    while let Some((first, after)) = rest.split_first() {
        let (code, taken) = match resolve(first) {
            Ok(code) => (code, 1),
            Err(failure) => {
                let joined = (2..=MAX_PARTS.min(rest.len())).find_map(|count| {
                    let parts = rest.get(..count)?.join(",");
                    Some((resolve(&parts).ok()?, count))
                });
                joined.ok_or(failure)?
            }
        };
        all.push(code);
        rest = after.get(taken - 1..).unwrap_or_default();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn a_list_of_names_becomes_codes() {
        assert_eq!(consumers(&split("Germany,japan,G7,World")).unwrap(), ["DEU", "JPN", "G7", "WLD"]);
        assert_eq!(suppliers(&split("Congo, Democratic Republic,China")).unwrap(), ["COD", "CHN"]);
        assert_eq!(suppliers(&split("OTHER")).unwrap(), ["OTHER"]);
        assert_eq!(materials(&split("rare earths,Li")).unwrap(), ["rare-earths", "lithium"]);
        assert_eq!(measures(&split("Import share,import-hhi/1")).unwrap(), ["import-share", "import-hhi/1"]);
        assert!(consumers(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_list_of_critical_materials_stands_for_its_materials() {
        let listed = materials(&split("uranium,listed(USA-2025),Cobalt,feldspar")).unwrap();
        assert_eq!((&*listed[0], listed.last().unwrap().as_str()), ("uranium", "feldspar"));
        assert!(listed.len() > 40, "{listed:?}");
        assert_eq!(listed.iter().filter(|id| *id == "uranium" || *id == "cobalt").count(), 2);
    }

    #[test]
    fn what_is_unknown_or_ambiguous_is_refused_with_a_suggestion() {
        let refused = |texts: &str| consumers(&split(texts)).unwrap_err();
        assert_eq!((&*refused("DEU,Congo").field, &*refused("DEU,Congo").value), ("consumer", "Congo"));
        assert!(refused("Congo").hint.contains("COD"), "{}", refused("Congo"));
        assert!(refused("Germny").hint.contains("DEU"), "{}", refused("Germny"));
        assert_eq!(measure("import-shar").unwrap_err().code, "unknown-measure");
        assert!(material("listed(USA-2025)").unwrap_err().hint.contains("`orewatch lists`"));
        let unknown_list = materials(&split("cobalt,listed(USA-2052)")).unwrap_err();
        assert_eq!((&*unknown_list.code, &*unknown_list.field), ("unknown-list", "material"));
        assert!(unknown_list.hint.contains("USA-2025"), "{unknown_list}");
        assert!(material("neodymium").unwrap_err().hint.contains("rare-earths"));
    }
}
