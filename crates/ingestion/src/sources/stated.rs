//! Restrictions of exports as inventories of others state them: about a product of the Harmonized System, not about a market.
use std::collections::BTreeSet;

use orewatch_catalog::{
    Economy, HsCode, HsMatch, HsRevision, Nomenclature, Restriction, Scheme, concordance,
};
use orewatch_contracts::ingestion::v1::Evaluation;

use super::figure::Figure;
use super::names::{Names, Symbol, Topic, malformed};
use super::out::{Halt, Out, Place};
use super::restrictions::span;
use super::{Beside, Observation, Reject};

/// A restriction of a product by an economy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stated<'a> {
    /// First and last day in force; the last may be empty.
    pub(super) days: (&'a str, &'a str),
    /// Who restricts.
    pub(super) economy: &'static Economy,
    pub(super) kind: &'static Restriction,
    pub(super) evaluation: Evaluation,
    pub(super) product: Product,
    /// Those whom it concerns: codes separated by blanks; empty: everyone.
    pub(super) partners: &'a str,
}

/// A product of a material.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    entry: &'static HsCode,
    /// It is a part of the subheading only.
    part: bool,
}

/// The product of a code with six digits or more, of which spreadsheets and numbers have lost leading zeros. None: of no
/// material of the catalogue.
pub(super) fn product(revision: HsRevision, column: &str, text: &str) -> Result<Option<Product>, Reject> {
    let text = text.trim();
    let bare = text.strip_suffix(".0").unwrap_or(text);
    let mut digits: String = bare.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
    if matches!(digits.len(), 5 | 7 | 9) {
        digits.insert(0, '0');
    }
    let known = matches!(digits.len(), 6 | 8 | 10 | 12).then(|| digits.get(..6)).flatten();
    match concordance(revision, known.unwrap_or(bare)) {
        HsMatch::InScope(entry) => Ok(Some(Product { entry, part: digits.len() > 6 })),
        HsMatch::OutOfScope => Ok(None),
        HsMatch::Malformed { suggestion } => {
            Err(malformed(column, text, &Nomenclature::Hs(revision), suggestion))
        }
    }
}

/// The restrictions of a file that were stated already. Inventories list what concerns the same product on the same days more
/// than once, by tariff line, by law or by part of the economy: repeated, it restricts nothing else.
#[derive(Debug, Default)]
pub(super) struct Once {
    seen: BTreeSet<([Symbol; 4], Symbol)>,
}

impl Once {
    /// Hands a restriction over, unless it is stated already.
    pub(super) fn give(
        &mut self,
        stated: Result<Stated<'_>, Reject>,
        place: Place,
        text: &str,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        let observed = stated.and_then(|stated| observe(stated, out.names()));
        match observed {
            Ok((row, until)) => {
                let key = ([row.period, row.economy, row.partner, row.topic], until);
                if self.seen.insert(key) {
                    return out.row(row, place);
                }
                out.outside(place);
                Ok(())
            }
            Err(reject) => out.reject(reject, place, text),
        }
    }
}

fn observe(stated: Stated<'_>, names: &mut Names) -> Result<(Observation, Symbol), Reject> {
    let Stated { days, economy, kind, evaluation, product: Product { entry, part }, partners } = stated;
    let (period, until) = span(names, days.0, days.1)?;
    let partner = names.concerned("partners", partners, economy.iso3)?;
    let topic = Topic::Restriction {
        kind: kind.id,
        material: entry.material,
        stage: entry.stage,
        code: entry.code,
        proxy: entry.proxy || part,
    };
    let topic = names.topic("kind", kind.id, topic)?;
    let economy = names.economy(Scheme::Iso3, "economy", economy.iso3)?;
    let beside = Beside::Restricted { until, evaluation };
    let figures = [Figure::known(0.0); 2];
    Ok((Observation { period, economy, partner, topic, figures, beside }, until))
}
