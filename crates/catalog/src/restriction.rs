//! Export restrictions: the kinds that inventories distinguish, and how severe each is.

use std::fmt;

use crate::code::{CodeKind, UnknownCode};

/// How severe a kind of restriction is, in the order that assessments use: a licence is milder than a tax, a
/// tax than a quota, a quota than a prohibition. A kind that the order does not name counts as the one with
/// the same effect: kinds that require a permission or a procedure count as licences, kinds that make exports
/// more expensive as taxes, and kinds that limit the amount as quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Exports require a permission or a procedure.
    Licence,
    /// Exports become more expensive.
    Tax,
    /// The amount that may be exported is limited.
    Quota,
    /// Nothing may be exported.
    Prohibition,
}

impl Severity {
    /// The severity as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Licence => "licence",
            Self::Tax => "tax",
            Self::Quota => "quota",
            Self::Prohibition => "prohibition",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A kind of export restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Restriction {
    /// Identifier: lower-case letters and hyphens, such as `export-tax`.
    pub id: &'static str,
    /// What it does, one sentence.
    pub description: &'static str,
    /// How severe it is.
    pub severity: Severity,
    /// Numbers of the types of intervention in the Global Trade Alert that are of this kind. Empty if it has
    /// no such type.
    pub gta: &'static [u16],
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}

/// Lists every kind of restriction, by identifier. Sources: types of measures of the OECD's Inventory of
/// Export Restrictions on Industrial Raw Materials; numbers of types of intervention of the Global Trade
/// Alert.
pub fn restrictions() -> &'static [Restriction] {
    RESTRICTIONS
}

/// Finds a kind of restriction by its identifier.
///
/// # Errors
/// [`UnknownCode`]. Other words such as `ban` or `export duty` get a suggestion too.
pub fn restriction(id: &str) -> Result<&'static Restriction, UnknownCode> {
    let id = id.trim();
    let found = RESTRICTIONS.binary_search_by(|kind| kind.id.cmp(id)).ok();
    found.and_then(|index| RESTRICTIONS.get(index)).ok_or_else(|| {
        let known = RESTRICTIONS.iter().map(|kind| kind.id);
        UnknownCode::alias(CodeKind::Restriction, id, known, OTHER_NAMES)
    })
}

/// Other words, each with the kind that is suggested for it.
static OTHER_NAMES: &[(&str, &str)] = &[
    ("ban", "prohibition"),
    ("dmo", "domestic-market-obligation"),
    ("duty", "export-tax"),
    ("export-ban", "prohibition"),
    ("export-duty", "export-tax"),
    ("export-licence", "licensing"),
    ("export-prohibition", "prohibition"),
    ("export-quota", "quota"),
    ("licence", "licensing"),
    ("license", "licensing"),
    ("minimum-export-price", "minimum-price"),
    ("tariff", "export-tax"),
    ("tax", "export-tax"),
];

const fn kind(
    id: &'static str,
    severity: Severity,
    gta: &'static [u16],
    description: &'static str,
) -> Restriction {
    Restriction { id, description, severity, gta }
}

use Severity::{Licence, Prohibition, Quota, Tax};

/// Every kind, sorted by `id`.
#[rustfmt::skip] // one line per kind
static RESTRICTIONS: &[Restriction] = &[
    kind("captive-mining", Quota, &[],
         "The output of a mine must go to its owner's own plant and may not be sold."),
    kind("domestic-market-obligation", Quota, &[63],
         "Part of the output must be sold in the economy before any may be exported."),
    kind("dual-pricing", Tax, &[], "Buyers abroad pay more than buyers in the economy."),
    kind("export-tax", Tax, &[18], "A tax that is due on export."),
    kind("fiscal-tax", Tax, &[],
         "An export tax for revenue, in addition to the export tax or instead of it."),
    kind("licensing", Licence, &[35], "Exports require a licence, automatic or not."),
    kind("minimum-price", Tax, &[74],
         "Exports below a price are not allowed, or taxes are based on a reference price."),
    kind("other", Licence, &[37, 39], "A restriction of any other kind."),
    kind("prohibition", Prohibition, &[19], "Exports are forbidden."),
    kind("qualified-exporters", Licence, &[], "Only listed exporters may export."),
    kind("quota", Quota, &[20, 21],
         "The amount that may be exported, or exported at a lower tax, is limited."),
    kind("restricted-customs-points", Licence, &[], "Exports may leave only at certain customs offices."),
    kind("surtax", Tax, &[], "A tax in addition to the export tax."),
    kind("vat-rebate-reduction", Tax, &[],
         "Value-added tax is refunded on export only in part, or not at all."),
];
