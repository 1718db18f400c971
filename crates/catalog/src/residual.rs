//! Sides of trade that are not an economy: amounts of unknown origin or destination.
//!
//! A source that cannot or may not name a partner still counts what was traded. Such an amount is a residual: it stays in every
//! sum as bounds, and keeps the kind that the source gives it up to the explanation of a figure. A total, such as the world or
//! the European Union as one partner, is no residual: its parts are recorded instead.

use crate::economy::OTHER;

/// A kind of partner that is not an economy.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidualKind {
    /// Identifier: lower-case letters and hyphens.
    pub id: &'static str,
    /// What stands for it among economies: `OTHER:unspecified`.
    pub code: &'static str,
    /// Short English name.
    pub name: &'static str,
    /// Numbers of UN Comtrade and BACI that mean it.
    numbers: &'static [u16],
}

/// Every kind, by identifier.
#[must_use]
pub fn residual_kinds() -> &'static [ResidualKind] {
    KINDS
}

/// The kind that stands for a partner's code among economies (`OTHER:unspecified`; `OTHER` alone is `unlisted`). None: the code
/// names an economy or nothing.
#[must_use]
pub fn residual_kind(code: &str) -> Option<&'static ResidualKind> {
    let rest = code.strip_prefix(OTHER)?;
    let id = if rest.is_empty() { "unlisted" } else { rest.strip_prefix(':')? };
    let found = KINDS.binary_search_by(|kind| kind.id.cmp(id)).ok()?;
    KINDS.get(found)
}

/// The kind that a number of UN Comtrade or BACI means. None: it means an economy, a total, or nothing.
#[must_use]
pub fn residual_by_number(number: u16) -> Option<&'static ResidualKind> {
    KINDS.iter().find(|kind| kind.numbers.contains(&number))
}

macro_rules! kind {
    ($id:literal, $name:literal, $numbers:expr) => {
        ResidualKind { id: $id, code: concat!("OTHER:", $id), name: $name, numbers: $numbers }
    };
}

static KINDS: &[ResidualKind] = &[
    kind!("bunkers", "bunkers, the supply of ships and aircraft", &[837]),
    kind!("confidential", "partners that the source keeps confidential", &[]),
    kind!("free-zones", "free zones", &[838]),
    kind!("rest-of-africa", "the rest of Africa, not elsewhere specified", &[577]),
    kind!("rest-of-america", "the rest of America, not elsewhere specified", &[636]),
    kind!("rest-of-cacm", "the rest of the Central American Common Market", &[471]),
    kind!("rest-of-caribbean", "the rest of the Caribbean", &[129]),
    kind!("rest-of-eastern-europe", "the rest of eastern Europe", &[221]),
    kind!("rest-of-efta", "the rest of EFTA", &[697]),
    kind!("rest-of-eu", "the rest of the European Union", &[492]),
    kind!("rest-of-eu-associates", "the rest of the African economies associated with the EU", &[472]),
    kind!("rest-of-europe", "the rest of Europe", &[568]),
    kind!("rest-of-laia", "the rest of the Latin American Integration Association", &[473]),
    kind!("rest-of-north-america", "the rest of North and Central America", &[637]),
    kind!("rest-of-northern-africa", "the rest of northern Africa", &[290]),
    kind!("rest-of-oceania", "the rest of Oceania", &[527]),
    kind!("rest-of-western-asia", "the rest of western Asia", &[879]),
    kind!("special", "special categories", &[839]),
    kind!("undistributed", "what a declared total holds above the sum of its parts", &[]),
    kind!("unlisted", "economies that the source does not list", &[]),
    kind!("unspecified", "areas not elsewhere specified", &[899]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scheme, resolve_economy};

    #[test]
    fn kinds_are_sorted_for_the_search_and_found_by_their_code() {
        assert!(KINDS.is_sorted_by(|a, b| a.id < b.id));
        for kind in KINDS {
            assert_eq!(residual_kind(kind.code), Some(kind));
        }
        assert_eq!(residual_kind("OTHER").map(|kind| kind.id), Some("unlisted"));
        assert_eq!(residual_kind("DEU"), None);
        assert_eq!(residual_kind("OTHER:nothing"), None);
    }

    #[test]
    fn a_residual_is_never_an_economy_or_a_total() {
        for number in KINDS.iter().flat_map(|kind| kind.numbers) {
            assert!(resolve_economy(Scheme::Numeric, &number.to_string()).is_err(), "{number}");
        }
        for total in [0, 97, 918] {
            assert_eq!(residual_by_number(total), None);
        }
    }
}
