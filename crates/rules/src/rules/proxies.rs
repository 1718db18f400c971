//! Finds the materials of a rule that trade data measure by product codes which also hold other goods.
use std::collections::BTreeMap;

use orewatch_catalog::{HsCode, hs_codes};
use orewatch_measures::Table;

use super::check::CheckedRule;

/// Says which of the materials that a rule names are measured by proxies, and by which codes. `None`: none
/// is. A rule that names no material watches all of them, and is not reported.
pub(super) fn sentence(rule: &CheckedRule) -> Option<String> {
    let select = rule.rule.select.as_ref()?;
    if rule.measure.method().table == Table::Production {
        return None;
    }
    let is_selected = |code: &&HsCode| {
        code.proxy
            && select.materials.iter().any(|material| material == code.material)
            && (select.stages.is_empty() || select.stages.iter().any(|stage| stage == code.stage.as_str()))
    };
    let mut markets = BTreeMap::<(&str, &str), Vec<&HsCode>>::new();
    for code in hs_codes().iter().filter(is_selected) {
        let codes = markets.entry((code.material, code.stage.as_str())).or_default();
        if !codes.iter().any(|known| known.code == code.code) {
            codes.push(code);
        }
    }
    let market = |((material, stage), codes): ((&str, &str), Vec<&HsCode>)| {
        let is = if codes.len() == 1 { "code" } else { "codes" };
        let codes: Vec<_> = codes.into_iter().map(described).collect();
        format!("{material}, {stage}, is measured by {is} {}", codes.join(" and "))
    };
    let sentences: Vec<_> = markets.into_iter().map(market).collect();
    let what = "so that its figures may be about other goods";
    (!sentences.is_empty()).then(|| format!("{}, {what}", sentences.join("; ")))
}

/// A code with its goods: `811292 (unwrought gallium together with germanium, ...)`.
fn described(code: &HsCode) -> String {
    let goods = code.note.trim_end_matches('.');
    let mut letters = goods.chars();
    let goods = letters.next().map(|first| first.to_lowercase().chain(letters).collect::<String>());
    format!("{} ({})", code.code, goods.unwrap_or_default())
}
