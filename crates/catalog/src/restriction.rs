//! Restrictions of exports: the kinds that inventories tell apart, from the mildest to the hardest.

use std::fmt;

use crate::code::{Kind, UnknownCode};

/// How hard a kind of restriction is, in the order that assessments use: a licence is milder than a tax, a tax than a quota, a
/// quota than a prohibition. A kind that the order does not name stands with what it works like: what makes exporting a
/// matter of permission or procedure with licences, what makes it dearer with taxes, what limits its amount with quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Exports need a permission or a procedure.
    Licence,
    /// Exports become dearer.
    Tax,
    /// The amount that may be exported is limited.
    Quota,
    /// Nothing may be exported.
    Prohibition,
}

impl Severity {
    /// The word for it.
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

/// A kind of restriction of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Restriction {
    /// Identifier: lower-case letters and hyphens, such as `export-tax`.
    pub id: &'static str,
    /// What it does, one sentence.
    pub description: &'static str,
    /// How hard it is.
    pub severity: Severity,
    /// Types of intervention of the Global Trade Alert that are of this kind, by its numbers. Empty: none of their own.
    pub gta: &'static [u16],
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}

/// Where the kinds come from.
pub const RESTRICTION_SOURCE: &str = "OECD, Inventory of Export Restrictions on Industrial Raw Materials (types of measures); numbers of \
                                      types of intervention: Global Trade Alert";

/// Every kind of restriction, by identifier.
pub fn restrictions() -> &'static [Restriction] {
    RESTRICTIONS
}

/// The kind of restriction with this identifier.
///
/// # Errors
/// [`UnknownCode`], with a suggestion also for other words such as `ban` or `export duty`.
pub fn restriction(id: &str) -> Result<&'static Restriction, UnknownCode> {
    let id = id.trim();
    let found = RESTRICTIONS.binary_search_by(|kind| kind.id.cmp(id)).ok();
    found.and_then(|index| RESTRICTIONS.get(index)).ok_or_else(|| {
        let known = RESTRICTIONS.iter().map(|kind| kind.id);
        UnknownCode::alias(Kind::Restriction, id, known, OTHER_NAMES)
    })
}

/// Other words that suggestions understand.
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
#[rustfmt::skip] // one line a kind
static RESTRICTIONS: &[Restriction] = &[
    kind("captive-mining", Quota, &[], "What a mine yields is bound to its owner's own plant and may not be sold."),
    kind("domestic-market-obligation", Quota, &[63], "A part of the output has to be sold in the economy before any may leave it."),
    kind("dual-pricing", Tax, &[], "Buyers abroad pay more than buyers in the economy."),
    kind("export-tax", Tax, &[18], "A tax that falls due on export."),
    kind("fiscal-tax", Tax, &[], "A tax on export for the sake of revenue, beside or instead of the export tax."),
    kind("licensing", Licence, &[35], "Exports need a licence, automatic or not."),
    kind("minimum-price", Tax, &[74], "Exports below a price, or a reference price that taxes are reckoned from, are not allowed."),
    kind("other", Licence, &[37, 39], "A restriction of any other kind."),
    kind("prohibition", Prohibition, &[19], "Exports are forbidden."),
    kind("qualified-exporters", Licence, &[], "Only those on a list may export."),
    kind("quota", Quota, &[20, 21], "The amount that may be exported, or exported at a lower tax, is limited."),
    kind("restricted-customs-points", Licence, &[], "Exports may leave at certain customs points only."),
    kind("surtax", Tax, &[], "A tax on top of the export tax."),
    kind("vat-rebate-reduction", Tax, &[], "Less of the value-added tax is paid back on export, or none."),
];
