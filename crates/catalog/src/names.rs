//! Names as people write them on a command line: `Germany`, `rare earths`, `refining`.
//!
//! A text is accepted if it means exactly one entry. Everything else is an error with a suggestion: a
//! misspelt name, a name of several economies such as `Congo`, and the name of a part of a material such as
//! `neodymium`, whose figures are those of all rare earths. Files and requests are read more strictly.

use crate::bloc::{Bloc, blocs};
use crate::code::{CodeKind, UnknownCode};
use crate::consumer::Consumer;
use crate::economy::{Economy, Scheme, WORLD, economy, fold, resolve_economy};
use crate::material::{Material, material, material_by_other_name, materials};
use crate::stage::Stage;

/// Shortest text that may be the beginning of a bloc's name, in characters.
const MIN_BLOC_NAME: usize = 4;

/// Names of a part of a material, or of one of its ores. They are suggested, but not accepted.
const PARTS: &[&str] = &["bauxite", "dysprosium", "hree", "lanthanum", "lree", "magnesite", "neodymium"];

/// Words for the stages beside their identifiers.
const STAGE_WORDS: &[(&str, Stage)] = &[
    ("manufacture", Stage::Manufactured),
    ("manufacturing", Stage::Manufactured),
    ("mine", Stage::Mined),
    ("mining", Stage::Mined),
    ("refinery", Stage::Refined),
    ("refining", Stage::Refined),
];

/// Finds the consumer that a text names: by its code in upper or lower case, or by its name.
///
/// # Errors
/// [`UnknownCode`] with a suggestion. If several consumers fit, the suggestion lists them.
pub fn resolve_consumer(text: &str) -> Result<Consumer, UnknownCode> {
    let text = text.trim();
    let strict = match text.parse() {
        Ok(consumer) => return Ok(consumer),
        Err(error) => error,
    };
    if text.eq_ignore_ascii_case(WORLD) || fold(text) == "world" {
        return Ok(Consumer::World);
    }
    match blocs_named(text).as_slice() {
        [] => named_economy(text).map(Consumer::Economy).ok_or(strict),
        [only] => Ok(Consumer::Bloc(only)),
        several => {
            let labels: Vec<_> = several.iter().map(|bloc| bloc.label()).collect();
            Err(UnknownCode::new(CodeKind::Consumer, text, Some(labels.join(" or "))))
        }
    }
}

/// Finds the economy that a text names: by its alpha-3 or alpha-2 code in upper or lower case, or by its
/// name.
///
/// # Errors
/// [`UnknownCode`] with a suggestion. If several economies fit, the suggestion lists them.
pub fn resolve_supplier(text: &str) -> Result<&'static Economy, UnknownCode> {
    let text = text.trim();
    resolve_economy(Scheme::Iso3, text).or_else(|error| named_economy(text).ok_or(error))
}

/// Finds the material that a text names: by its identifier with any capitals, blanks or underscores, by its
/// name, or by its chemical symbol.
///
/// # Errors
/// [`UnknownCode`] with a suggestion.
pub fn resolve_material(text: &str) -> Result<&'static Material, UnknownCode> {
    let wanted = text.trim().to_lowercase().replace([' ', '_'], "-");
    let by_name = || materials().iter().find(|material| fold(material.name) == fold(text));
    let by_other_name = || {
        let is_part = PARTS.contains(&wanted.as_str());
        material_by_other_name(&wanted).filter(|_| !is_part)
    };
    material(&wanted).ok().or_else(by_name).or_else(by_other_name).map_or_else(|| material(text), Ok)
}

/// Finds the stage that a text names: by its identifier in upper or lower case, or by a word such as
/// `refining`.
///
/// # Errors
/// [`UnknownCode`] with a suggestion.
pub fn resolve_stage(text: &str) -> Result<Stage, UnknownCode> {
    let wanted = text.trim().to_lowercase();
    let by_word = || STAGE_WORDS.iter().find(|(word, _)| *word == wanted).map(|&(_, stage)| stage);
    wanted.parse().or_else(|_| by_word().map_or_else(|| text.parse(), Ok))
}

/// The blocs that a text names: by the code, or by the beginning of the name.
fn blocs_named(text: &str) -> Vec<&'static Bloc> {
    if let Some(bloc) = blocs().iter().find(|bloc| bloc.code.eq_ignore_ascii_case(text)) {
        return vec![bloc];
    }
    let wanted = fold(text);
    let is_name = wanted.chars().count() >= MIN_BLOC_NAME;
    blocs().iter().filter(|bloc| is_name && fold(bloc.name).starts_with(&wanted)).collect()
}

/// The economy that a text names without doubt. Codes that a source has given up, such as `ZAR`, and numbers
/// are more often mistakes than meant.
fn named_economy(text: &str) -> Option<&'static Economy> {
    let capitals = text.to_uppercase();
    let found = resolve_economy(Scheme::Any, text).ok()?;
    let by_code = economy(&capitals).is_some() || found.iso2.is_some_and(|iso2| iso2 == capitals);
    let by_name = || resolve_economy(Scheme::Bgs, text).is_ok_and(|named| named.iso3 == found.iso3);
    (by_code || by_name()).then_some(found)
}
