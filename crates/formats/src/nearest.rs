//! Finds what a misspelt text was probably meant to be.

/// Jaro-Winkler similarity above which a candidate is suggested.
const MIN_SIMILARITY: f64 = 0.75;

/// The candidate that a text most resembles. None: none is similar enough.
pub(crate) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > orewatch_catalog::MAX_MISSPELT {
        return None;
    }
    let lower = text.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let similarity = similarity(&lower, &candidate.to_lowercase());
        if similarity > best.map_or(MIN_SIMILARITY, |(found, _)| found) {
            best = Some((similarity, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// 1 if the texts are equal or one begins with the other, the Jaro-Winkler similarity otherwise.
fn similarity(first: &str, second: &str) -> f64 {
    if !first.is_empty() && !second.is_empty() && (first.starts_with(second) || second.starts_with(first)) {
        return 1.0;
    }
    strsim::jaro_winkler(first, second)
}
