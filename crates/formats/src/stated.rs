//! Restrictions of exports as inventories state them: about a product of the Harmonized System, not about a
//! market.
use std::collections::BTreeSet;

use orewatch_catalog::{
    Economy, HsCode, HsMatch, HsRevision, Nomenclature, Restriction, Scheme, concordance,
};
use orewatch_contracts::ingestion::v1::Evaluation;

use super::figure::Figure;
use super::location::SourceLocation;
use super::names::{Names, Symbol, Topic, malformed_product};
use super::restrictions::days_in_force;
use super::sink::{Halt, RowSink};
use super::text::without_decimals;
use super::{Observation, Qualifier, Reject};

/// A restriction of a product by an economy.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatedRestriction<'a> {
    /// First and last day in force; the last may be empty.
    pub(super) days: (&'a str, &'a str),
    /// The economy that restricts its exports.
    pub(super) economy: &'static Economy,
    pub(super) kind: &'static Restriction,
    pub(super) evaluation: Evaluation,
    pub(super) product: Product,
    /// The partners that it concerns: codes separated by blanks; empty: everyone.
    pub(super) partners: &'a str,
}

/// A product of a material.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    entry: &'static HsCode,
    /// It is a part of the subheading only.
    is_part: bool,
}

/// Reads a code with six digits or more, which may have lost its leading zero as a number. None: it is of no
/// material of the catalogue.
pub(super) fn parse_product(
    revision: HsRevision,
    column: &str,
    text: &str,
) -> Result<Option<Product>, Reject> {
    let text = text.trim();
    let bare = without_decimals(text);
    let mut digits: String = bare.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
    if matches!(digits.len(), 5 | 7 | 9) {
        digits.insert(0, '0');
    }
    let six = matches!(digits.len(), 6 | 8 | 10 | 12).then(|| digits.get(..6)).flatten();
    match concordance(revision, six.unwrap_or(bare)) {
        HsMatch::InScope(entry) => Ok(Some(Product { entry, is_part: digits.len() > 6 })),
        HsMatch::OutOfScope => Ok(None),
        HsMatch::Malformed { suggestion } => {
            Err(malformed_product(column, text, &Nomenclature::Hs(revision), suggestion))
        }
    }
}

/// Hands over each restriction of a file once.
///
/// Inventories list what concerns the same product on the same days several times: by tariff line, by law, or
/// by part of the economy. Repeated, it restricts nothing else and is out of scope.
#[derive(Debug, Default)]
pub(super) struct StatedOnce {
    seen: BTreeSet<([Symbol; 4], Symbol)>,
}

impl StatedOnce {
    /// Hands over a restriction, or the reason why it is quarantined.
    pub(super) fn hand_over(
        &mut self,
        stated: Result<StatedRestriction<'_>, Reject>,
        location: SourceLocation,
        text: &str,
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        let found = stated.and_then(|stated| observe(stated, out.names()));
        let found = found.map(|(row, until)| {
            let key = ([row.period, row.economy, row.partner, row.topic], until);
            self.seen.insert(key).then_some(row)
        });
        out.take(found, location, || text.to_owned())
    }
}

/// The row of a restriction, and its last day.
fn observe(stated: StatedRestriction<'_>, names: &mut Names) -> Result<(Observation, Symbol), Reject> {
    let StatedRestriction { days, economy, kind, evaluation, product, partners } = stated;
    let Product { entry, is_part } = product;
    let (period, until) = days_in_force(names, days.0, days.1)?;
    let partner = names.concerned_partners("partners", partners, economy.iso3)?;
    let topic = Topic::Restriction {
        kind: kind.id,
        material: entry.material,
        stage: entry.stage,
        code: entry.code,
        proxy: entry.proxy || is_part,
    };
    let topic = names.topic("kind", kind.id, topic)?;
    let economy = names.economy(Scheme::Iso3, "economy", economy.iso3)?;
    let qualifier = Qualifier::Restricted { until, evaluation };
    let figures = [Figure::known(0.0); 2];
    Ok((Observation { period, economy, partner, topic, figures, qualifier }, until))
}
