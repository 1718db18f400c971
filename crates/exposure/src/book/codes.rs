//! Which product codes of a market are held, by a dataset or by a report.
//!
//! A market is a set of six-digit codes of the Harmonized System, which differ by revision. Whoever lacks
//! some of them lacks a part of the market: the codes are named, and the coverage of figures falls.

use std::collections::BTreeSet;

use orewatch_catalog::{HsRevision, Nomenclature, Stage, hs_codes};
use orewatch_contracts::ingestion::v1::Release;

use super::Market;
use super::dataset::Completeness;

/// The codes of a market that are missing, and how complete the others make it.
pub(super) struct MarketCodes {
    pub(super) missing: Vec<&'static str>,
    pub(super) completeness: Completeness,
}

impl MarketCodes {
    /// Compares the codes that are held, of six digits or more, with those of a market in a revision.
    pub(super) fn from_held<'c>(
        revision: HsRevision,
        market: Market,
        held: impl Iterator<Item = &'c str>,
    ) -> Self {
        let held: BTreeSet<_> = held.filter_map(|code| code.get(..6)).collect();
        let (present, missing): (Vec<_>, Vec<_>) = codes_of_market(revision, market.material, market.stage)
            .into_iter()
            .partition(|code| held.contains(code));
        let count = |codes: &[&str]| u32::try_from(codes.len()).unwrap_or(u32::MAX);
        let of = count(&present).saturating_add(count(&missing));
        let completeness =
            if of == 0 { Completeness::WHOLE } else { Completeness { held: count(&present), of } };
        Self { missing, completeness }
    }
}

/// The revision of the Harmonized System that a release follows. `None`: it names none, or its codes follow a
/// concordance of its own, so that no code is known to be missing.
pub(in crate::book) fn hs_revision_of(release: &Release) -> Option<HsRevision> {
    let nomenclature = release.hs_revision.parse::<Nomenclature>().ok();
    let revision = nomenclature.and_then(|nomenclature| nomenclature.revision());
    revision.filter(|_| release.concordances.is_empty())
}

/// The product codes of a material and stage in a revision, sorted.
pub(crate) fn codes_of_market(revision: HsRevision, material: &str, stage: Stage) -> Vec<&'static str> {
    let codes = hs_codes().iter().filter(|code| {
        code.material == material && code.stage == stage && (code.first..=code.last).contains(&revision)
    });
    codes.map(|code| code.code).collect()
}
