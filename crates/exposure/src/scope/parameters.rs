//! Parameters of methods, as they hold in a market's period.

use std::collections::BTreeMap;
use std::rc::Rc;

use orewatch_catalog::{Consumer, Period, Stage};

use super::{CitedRow, Found, Kind, Scope};
use crate::book::{Holding, Parameter, Side, Who};

const NO_PARAMETER: &str = "no release gives a parameter of the method";

/// Parameters as they were known, seen from a market.
///
/// A parameter holds from its period on until a later one of the same economy, partner and item. It may be given for a stage
/// or for every stage, for a material or for none in particular: the more specific one wins, whatever its period.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
}

/// Which parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants<'n> {
    name: &'n str,
    consumer: Option<Consumer>,
    partner: Option<Consumer>,
    item: &'n str,
    only_now: bool,
}

impl<'n> Wants<'n> {
    /// The parameter of this name.
    #[must_use]
    pub const fn named(name: &'n str) -> Self {
        Self { name, consumer: None, partner: None, item: "", only_now: false }
    }

    /// About an economy or a consumer; where there is none of it, the one about nobody in particular.
    #[must_use]
    pub const fn of(self, consumer: Consumer) -> Self {
        Self { consumer: Some(consumer), ..self }
    }

    /// With this other side, such as a supplier.
    #[must_use]
    pub const fn with(self, partner: Consumer) -> Self {
        Self { partner: Some(partner), ..self }
    }

    /// Of this item, such as a sector.
    #[must_use]
    pub const fn item(self, item: &'n str) -> Self {
        Self { item, ..self }
    }

    /// Only the market's own period: a statistic such as a change of stocks is not carried forward.
    #[must_use]
    pub const fn only_now(self) -> Self {
        Self { only_now: true, ..self }
    }
}

/// The rows of a name, material and stage: by whom they are about, then by the period from which they hold.
pub(super) type Series<'a> = Rc<BTreeMap<Option<Who>, BTreeMap<Period, Side<'a, Parameter>>>>;

impl<'a> Parameters<'_, 'a> {
    /// The value of a parameter that holds in the market's period.
    #[must_use]
    pub fn value(&self, wants: Wants<'_>) -> Found<'a> {
        let (consumer, partner) = (wants.consumer.and_then(Who::from_consumer), who(wants.partner));
        let Some(partner) = partner else { return Found::nothing(NO_PARAMETER) };
        let someone = consumer.map(Some).into_iter().chain([None]);
        for (material, stage) in self.specific_first() {
            for economy in someone.clone() {
                let found = self.holding(wants, material, stage, (economy, partner));
                if let Some(found) = found {
                    return found;
                }
            }
        }
        Found::nothing(NO_PARAMETER)
    }

    /// Every parameter of a name about a consumer, whatever its partner and item, that holds in the market's period: by
    /// partner and item. Those about nobody in particular where `consumer` is none.
    #[must_use]
    pub fn all(&self, name: &str, consumer: Option<Consumer>) -> Vec<Found<'a>> {
        let Some(economy) = who(consumer) else { return Vec::new() };
        let mut all = BTreeMap::new();
        for (material, stage) in self.specific_first() {
            let Some((name, series)) = self.scope.shelf.parameters(name, material, stage) else { continue };
            for (period, side) in self.up_to_now(&series, economy) {
                let holding = Holding { material, stage, economy, period };
                for row in side.rows {
                    let id = (row.partner, side.content.product(row.item));
                    all.entry(id).or_insert_with(|| {
                        self.scope.consult(Kind::Parameters, side.place);
                        Found::of(row.value, side.content, CitedRow::Parameter(name, holding, row))
                    });
                }
            }
        }
        all.into_values().collect()
    }

    /// Material and stage as a parameter may name them, the most specific first.
    fn specific_first(&self) -> [(Option<&'static str>, Option<Stage>); 4] {
        let (material, stage) = (Some(self.scope.market.material), Some(self.scope.market.stage));
        [(material, stage), (material, None), (None, stage), (None, None)]
    }

    /// The newest row of an economy and partner that holds in the market's period.
    fn holding(
        &self,
        wants: Wants<'_>,
        material: Option<&'static str>,
        stage: Option<Stage>,
        (economy, partner): (Option<Who>, Option<Who>),
    ) -> Option<Found<'a>> {
        let (name, series) = self.scope.shelf.parameters(wants.name, material, stage)?;
        let now = |period: &Period| !wants.only_now || *period == self.scope.market.period;
        for (period, side) in self.up_to_now(&series, economy).filter(|(period, _)| now(period)) {
            let Some(item) = side.content.index_of(wants.item) else { continue };
            let key = (partner, item);
            let of = |row: &Parameter| (row.partner, row.item);
            let row = side.rows.partition_point(|row| of(row) < key);
            if let Some(row) = side.rows.get(row).filter(|row| of(row) == key) {
                self.scope.consult(Kind::Parameters, side.place);
                let row = CitedRow::Parameter(name, Holding { material, stage, economy, period }, row);
                let CitedRow::Parameter(_, _, parameter) = row else { continue };
                return Some(Found::of(parameter.value, side.content, row));
            }
        }
        None
    }

    /// What begins to hold of someone with the market's first day or before, the newest first.
    fn up_to_now<'t>(
        &self,
        series: &'t Series<'a>,
        economy: Option<Who>,
    ) -> impl Iterator<Item = (Period, Side<'a, Parameter>)> + use<'t, 'a> {
        let start = self.scope.market.period.start();
        let holds = move |(period, _): &(&Period, &Side<'a, Parameter>)| period.start() <= start;
        series.get(&economy).into_iter().flatten().rev().filter(holds).map(|(period, side)| (*period, *side))
    }
}

/// The number of someone who may be none. None: the catalogue does not have them.
fn who(consumer: Option<Consumer>) -> Option<Option<Who>> {
    match consumer {
        None => Some(None),
        Some(consumer) => Who::from_consumer(consumer).map(Some),
    }
}
