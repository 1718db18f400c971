//! The inventory's words for measures.
use orewatch_catalog::{CodeKind, Restriction, UnknownCode, restriction};

use super::Reject;

/// Parts of texts in lower case with the kind of the catalogue that they stand for; the first that a text
/// contains counts. Empty: no restriction.
static WORDS: [(&str, &str); 27] = [
    ("no measure", ""),
    ("no export restriction", ""),
    ("no restriction", ""),
    ("not researched", ""),
    ("fiscal tax", "fiscal-tax"),
    ("surtax", "surtax"),
    ("export tax", "export-tax"),
    ("export dut", "export-tax"),
    ("tax on export", "export-tax"),
    ("minimum export price", "minimum-price"),
    ("minimum price", "minimum-price"),
    ("price reference", "minimum-price"),
    ("reference price", "minimum-price"),
    ("prohibition", "prohibition"),
    ("export ban", "prohibition"),
    ("quota", "quota"),
    ("vat ", "vat-rebate-reduction"),
    ("vat-", "vat-rebate-reduction"),
    ("value added tax", "vat-rebate-reduction"),
    ("domestic market obligation", "domestic-market-obligation"),
    ("captive mining", "captive-mining"),
    ("dual pricing", "dual-pricing"),
    ("qualified exporter", "qualified-exporters"),
    ("customs", "restricted-customs-points"),
    ("licens", "licensing"),
    ("licenc", "licensing"),
    ("other", "other"),
];

/// The kind of a text; empty: no restriction. None: it names no measure.
fn kind_of_text(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    if matches!(lower.as_str(), "none" | "") {
        return Some("");
    }
    WORDS.iter().find(|(word, _)| lower.contains(word)).map(|&(_, kind)| kind)
}

/// Whether a text names a measure.
pub(super) fn is_measure(text: &str) -> bool {
    kind_of_text(text).is_some_and(|kind| !matches!(kind, "" | "other"))
}

/// Reads a measure. None: there is none.
pub(super) fn parse_measure(column: &str, text: &str) -> Result<Option<&'static Restriction>, Reject> {
    match kind_of_text(text) {
        Some("") => Ok(None),
        Some(kind) => restriction(kind).map(Some).map_err(|error| Reject::unknown(column, &error)),
        None => {
            let known = WORDS.iter().filter(|(_, kind)| !kind.is_empty()).map(|(word, _)| *word);
            let error = UnknownCode::closest(CodeKind::Restriction, text, known.clone());
            Err(Reject::unlisted(column, &error, known))
        }
    }
}
