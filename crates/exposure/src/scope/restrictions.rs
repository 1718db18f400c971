//! Restrictions of exports, as they are in force in a market's period.

use std::collections::BTreeMap;
use std::rc::Rc;

use orewatch_catalog::Consumer;

use super::{Cited, CitedRow, Kind, Scope};
use crate::book::{EconomyId, Restricting, Restriction, Side};

/// Restrictions as they were known, seen from a market: those in force on any day of its period.
///
/// Red, amber and what nobody judged count; green does not.
#[derive(Clone, Copy, Debug)]
pub struct Restrictions<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
}

/// The restrictions of a material and stage, by the economy that restricts.
pub(super) type Restricted<'a> = Rc<BTreeMap<EconomyId, Side<'a, Restriction>>>;

impl<'a> Restrictions<'_, 'a> {
    /// Whether anything is known about restrictions of this material and stage. Where nothing is, that no restriction is
    /// found says nothing.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.all().is_empty()
    }

    /// Those that an exporter has in force on a product towards an importer, in the release's order.
    #[must_use]
    pub fn of(&self, exporter: EconomyId, importer: EconomyId, code: &str) -> Vec<Cited<'a>> {
        let all = self.all();
        let Some(side) = all.get(&exporter) else { return Vec::new() };
        self.scope.consult(Kind::Restrictions, side.place);
        let market = self.scope.market;
        let key = Restricting { material: market.material, stage: market.stage, economy: exporter };
        let holds = |row: &&Restriction| {
            let product = side.content.product(row.product);
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
        !self.of(exporter, importer, code).is_empty()
    }

    fn concerns(&self, side: &Side<'a, Restriction>, row: &Restriction, importer: EconomyId) -> bool {
        let concerned = side.content.concerned(row);
        let includes = |consumer: Consumer| {
            importer.economy().is_some_and(|economy| consumer.contains(economy, self.scope.market.period))
        };
        concerned.is_empty() || concerned.iter().any(|who| includes(who.consumer()))
    }

    fn all(&self) -> Restricted<'a> {
        self.scope.shelf.restrictions(self.scope.market.material, self.scope.market.stage)
    }
}
