//! Residuals: amounts of trade whose origin or destination is not an economy.
//!
//! A source that cannot or may not name a partner still counts what was traded. Such an amount is a residual:
//! it widens the bounds of every sum that it may belong to, and explanations of figures show its kind. A
//! total, such as the world or the European Union as one partner, is no residual: its parts are recorded
//! instead.

use crate::Scheme;
use crate::economy::{OTHER, fold};

/// A kind of partner that is not an economy.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidualKind {
    /// Identifier: lower-case letters and hyphens.
    pub id: &'static str,
    /// Code that replaces the code of an economy, such as `OTHER:unspecified`.
    pub code: &'static str,
    /// Short English name.
    pub name: &'static str,
    /// Numbers of UN Comtrade and BACI that stand for it.
    numbers: &'static [u16],
    /// Two-letter codes of Eurostat's Geonomenclature, and codes in the ISO columns of UN Comtrade, that
    /// stand for it.
    letters: &'static [&'static str],
    /// Names in statistics, normalised: lower case, no punctuation.
    names: &'static [&'static str],
}

/// Lists every kind, by identifier.
#[must_use]
pub fn residual_kinds() -> &'static [ResidualKind] {
    KINDS
}

/// Finds the kind by its code, such as `OTHER:unspecified`; `OTHER` alone is `unlisted`. `None` if the code
/// is that of an economy, or not known.
#[must_use]
pub fn residual_kind(code: &str) -> Option<&'static ResidualKind> {
    let rest = code.strip_prefix(OTHER)?;
    let id = if rest.is_empty() { "unlisted" } else { rest.strip_prefix(':')? };
    let found = KINDS.binary_search_by(|kind| kind.id.cmp(id)).ok()?;
    KINDS.get(found)
}

/// Finds the kind by a number of UN Comtrade or BACI. `None` if the number stands for an economy, a total, or
/// nothing.
#[must_use]
pub fn residual_by_number(number: u16) -> Option<&'static ResidualKind> {
    KINDS.iter().find(|kind| kind.numbers.contains(&number))
}

/// Resolves the text of a partner in a scheme: a code of ours, a number, a letter code of Eurostat or the
/// United Nations, or a name such as `Areas, nes`. `None` if the text stands for an economy, a total, or
/// nothing.
#[must_use]
pub fn resolve_residual(scheme: Scheme, text: &str) -> Option<&'static ResidualKind> {
    let text = text.trim();
    let by_number = || {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().and_then(residual_by_number)
    };
    let by_letters = || KINDS.iter().find(|kind| kind.letters.contains(&text));
    let by_name = || {
        let folded = fold(text);
        KINDS.iter().find(|kind| kind.names.contains(&folded.as_str()))
    };
    match scheme {
        Scheme::Iso3 => residual_kind(text),
        Scheme::Iso2 => by_letters(),
        Scheme::Numeric => by_number(),
        Scheme::Wgi => by_letters().or_else(|| residual_kind(text)),
        Scheme::Usgs | Scheme::Bgs => by_name(),
        Scheme::Any => residual_kind(text).or_else(by_number).or_else(by_letters).or_else(by_name),
    }
}

/// Creates a kind from its identifier, name, and the numbers, letter codes and names that sources use.
macro_rules! kind {
    ($id:literal, $name:literal, $numbers:expr, $letters:expr, $names:expr) => {
        ResidualKind {
            id: $id,
            name: $name,
            code: concat!("OTHER:", $id),
            numbers: &$numbers,
            letters: &$letters,
            names: &$names,
        }
    };
}

// Letters beginning with Q are those of the Geonomenclature applicable to European statistics on
// international trade in goods (2020 edition): stores and provisions QQ, QR, QS; not specified QU, QV, QW;
// not specified for commercial or military reasons QX, QY, QZ; high seas QP. The second of three is within
// the Union, the third outside. The rest are UN Comtrade's.
static KINDS: &[ResidualKind] = &[
    kind!(
        "bunkers",
        "bunkers, the supply of ships and aircraft",
        [837],
        ["QQ", "QR", "QS"],
        ["bunkers", "stores and provisions"]
    ),
    kind!(
        "confidential",
        "partners that the source keeps confidential",
        [],
        ["QX", "QY", "QZ"],
        ["confidential", "secret countries", "confidential countries"]
    ),
    kind!("free-zones", "free zones", [838], ["X2"], ["free zones"]),
    kind!("rest-of-africa", "the rest of Africa, not elsewhere specified", [577], [], ["other africa nes"]),
    kind!(
        "rest-of-america",
        "the rest of America, not elsewhere specified",
        [636],
        [],
        ["rest of america nes"]
    ),
    kind!("rest-of-cacm", "the rest of the Central American Common Market", [471], [], ["cacm nes"]),
    kind!("rest-of-caribbean", "the rest of the Caribbean", [129], [], ["caribbean nes"]),
    kind!("rest-of-eastern-europe", "the rest of eastern Europe", [221], [], ["eastern europe nes"]),
    kind!("rest-of-efta", "the rest of EFTA", [697], ["R20"], ["europe efta nes"]),
    kind!("rest-of-eu", "the rest of the European Union", [492], [], ["europe eu nes"]),
    kind!(
        "rest-of-eu-associates",
        "the rest of the African economies associated with the EU",
        [472],
        [],
        ["africa cameu region nes"]
    ),
    kind!("rest-of-europe", "the rest of Europe", [568], ["E19"], ["other europe nes"]),
    kind!("rest-of-laia", "the rest of the Latin American Integration Association", [473], [], ["laia nes"]),
    kind!(
        "rest-of-north-america",
        "the rest of North and Central America",
        [637],
        [],
        ["north america and central america nes"]
    ),
    kind!("rest-of-northern-africa", "the rest of northern Africa", [290], [], ["northern africa nes"]),
    kind!("rest-of-oceania", "the rest of Oceania", [527], [], ["oceania nes"]),
    kind!("rest-of-western-asia", "the rest of western Asia", [879], [], ["western asia nes"]),
    kind!("special", "special categories", [839], ["XX", "QP"], ["special categories", "high seas"]),
    kind!("undistributed", "what a declared total holds above the sum of its parts", [], [], []),
    kind!(
        "unlisted",
        "economies that the source does not list",
        [],
        [],
        ["other countries", "rest of world", "rest of the world"]
    ),
    kind!(
        "unspecified",
        "areas not elsewhere specified",
        [899],
        ["_X", "QU", "QV", "QW"],
        [
            "areas nes",
            "areas not elsewhere specified",
            "countries and territories not specified",
            "not specified",
            "unspecified",
            "unknown",
            "n a"
        ]
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scheme, resolve_economy};

    #[test]
    fn kinds_are_sorted_and_found_by_their_code() {
        assert!(KINDS.is_sorted_by(|a, b| a.id < b.id));
        for kind in KINDS {
            assert_eq!(residual_kind(kind.code), Some(kind));
        }
        assert_eq!(residual_kind("OTHER").map(|kind| kind.id), Some("unlisted"));
        assert_eq!(residual_kind("DEU"), None);
        assert_eq!(residual_kind("OTHER:nothing"), None);
    }

    #[test]
    fn no_residual_is_an_economy_or_a_total() {
        for number in KINDS.iter().flat_map(|kind| kind.numbers) {
            assert!(resolve_economy(Scheme::Numeric, &number.to_string()).is_err(), "{number}");
        }
        for total in [0, 97, 918] {
            assert_eq!(residual_by_number(total), None);
        }
    }

    #[test]
    fn every_spelling_is_found_in_its_scheme_and_is_no_economy() {
        let id = |scheme, text: &str| resolve_residual(scheme, text).map(|kind| kind.id);
        for kind in KINDS {
            for letters in kind.letters {
                assert_eq!(id(Scheme::Iso2, letters), Some(kind.id));
                assert!(resolve_economy(Scheme::Any, letters).is_err(), "{letters}");
            }
            for name in kind.names {
                assert_eq!(fold(name), *name, "stored as it is looked up");
                assert_eq!(id(Scheme::Bgs, name), Some(kind.id));
                assert!(resolve_economy(Scheme::Any, name).is_err(), "{name}");
            }
        }
        assert_eq!(id(Scheme::Bgs, "Europe EFTA, nes"), Some("rest-of-efta"));
        assert_eq!(id(Scheme::Bgs, "Other Asia, nes"), None, "this is Taiwan");
        assert_eq!(id(Scheme::Numeric, "0899"), Some("unspecified"));
        assert_eq!(id(Scheme::Numeric, "490"), None);
        assert_eq!(id(Scheme::Iso3, "OTHER:bunkers"), Some("bunkers"));
        assert_eq!(id(Scheme::Iso3, "QX"), None);
        assert_eq!(id(Scheme::Iso2, "CN"), None);
    }
}
