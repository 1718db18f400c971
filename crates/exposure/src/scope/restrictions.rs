//! Restrictions of exports in force in a market's period.

use std::collections::BTreeMap;
use std::rc::Rc;

use orewatch_catalog::Consumer;

use super::{Cited, CitedRow, Scope, TableKind};
use crate::book::{EconomyId, ReleaseRows, Restriction, RestrictionKey};

/// Restrictions as they were known, seen from a market: those in force on any day of its period. All count
/// but green ones.
#[derive(Clone, Copy, Debug)]
pub struct Restrictions<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
}

/// The restrictions of a material and stage, by the economy that restricts.
pub(super) type RestrictionsByEconomy<'a> = Rc<BTreeMap<EconomyId, ReleaseRows<'a, Restriction>>>;

impl<'a> Restrictions<'_, 'a> {
    /// Whether any restriction of this material and stage is recorded. If not, the absence of restrictions
    /// means nothing.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.by_economy().is_empty()
    }

    /// Restrictions that an exporter has in force on a product towards an importer, in the release's order.
    #[must_use]
    pub fn in_force(&self, exporter: EconomyId, importer: EconomyId, code: &str) -> Vec<Cited<'a>> {
        let all = self.by_economy();
        let Some(side) = all.get(&exporter) else { return Vec::new() };
        self.scope.consult(TableKind::Restrictions, side.release);
        let market = self.scope.market;
        let key = RestrictionKey { material: market.material, stage: market.stage, economy: exporter };
        let holds = |row: &&Restriction| {
            let product = side.content.text(row.product);
            row.evaluation.is_harmful()
                && row.is_in_force(market.period)
                && (product.is_empty() || product == code)
                && self.concerns(side, row, importer)
        };
        let cited = |row| Cited { content: side.content, row: CitedRow::Restriction(key, row) };
        side.rows.iter().filter(holds).map(cited).collect()
    }

    /// Whether an exporter restricts a product towards an importer.
    #[must_use]
    pub fn restricts(&self, exporter: EconomyId, importer: EconomyId, code: &str) -> bool {
        !self.in_force(exporter, importer, code).is_empty()
    }

    fn concerns(&self, side: &ReleaseRows<'a, Restriction>, row: &Restriction, importer: EconomyId) -> bool {
        let concerned = side.content.concerned(row);
        let includes = |consumer: Consumer| {
            importer.economy().is_some_and(|economy| consumer.contains(economy, self.scope.market.period))
        };
        concerned.is_empty() || concerned.iter().any(|consumer| includes(consumer.consumer()))
    }

    fn by_economy(&self) -> RestrictionsByEconomy<'a> {
        self.scope.cache.restrictions(self.scope.market.material, self.scope.market.stage)
    }
}
