//! Parameters of methods that hold in a market's period.

use std::collections::BTreeMap;
use std::rc::Rc;

use orewatch_catalog::{Consumer, Period, Stage};

use super::{CitedRow, FoundValue, Scope, TableKind};
use crate::book::{ConsumerId, Parameter, ParameterKey, ReleaseRows};

const NO_PARAMETER: &str = "no release gives a parameter of the method";

/// Parameters as they were known, seen from a market.
///
/// A parameter holds from its period on until a later one of the same economy, partner and item. It may be
/// given for one stage or all, and for one material or all: the more specific one wins, whatever its period.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
}

/// A query for one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterQuery<'n> {
    name: &'n str,
    consumer: Option<Consumer>,
    partner: Option<Consumer>,
    item: &'n str,
    own_period: bool,
}

impl<'n> ParameterQuery<'n> {
    /// The parameter with a name.
    #[must_use]
    pub const fn named(name: &'n str) -> Self {
        Self { name, consumer: None, partner: None, item: "", own_period: false }
    }

    /// About an economy or a consumer. Where there is none, the one about no particular consumer counts.
    #[must_use]
    pub const fn about(self, consumer: Consumer) -> Self {
        Self { consumer: Some(consumer), ..self }
    }

    /// Towards a partner, such as a supplier.
    #[must_use]
    pub const fn towards(self, partner: Consumer) -> Self {
        Self { partner: Some(partner), ..self }
    }

    /// Of an item, such as a sector.
    #[must_use]
    pub const fn item(self, item: &'n str) -> Self {
        Self { item, ..self }
    }

    /// Recorded for the market's own period: a statistic such as a change of stocks is not carried forward.
    #[must_use]
    pub const fn in_own_period(self) -> Self {
        Self { own_period: true, ..self }
    }
}

/// The rows of a name, material and stage: by the consumer that they are about, then by the period from which
/// they hold.
pub(super) type Series<'a> = Rc<BTreeMap<Option<ConsumerId>, BTreeMap<Period, ReleaseRows<'a, Parameter>>>>;

impl<'a> Parameters<'_, 'a> {
    /// The value that holds in the market's period.
    #[must_use]
    pub fn value(&self, wants: ParameterQuery<'_>) -> FoundValue<'a> {
        let (consumer, partner) =
            (wants.consumer.and_then(ConsumerId::from_consumer), consumer_id(wants.partner));
        let Some(partner) = partner else { return FoundValue::missing(NO_PARAMETER) };
        let someone = consumer.map(Some).into_iter().chain([None]);
        for (material, stage) in self.specific_first() {
            for economy in someone.clone() {
                let found = self.holding(wants, material, stage, (economy, partner));
                if let Some(found) = found {
                    return found;
                }
            }
        }
        FoundValue::missing(NO_PARAMETER)
    }

    /// All values of a name about a consumer that hold in the market's period, by partner and item. With
    /// None, those about no particular consumer.
    #[must_use]
    pub fn values(&self, name: &str, consumer: Option<Consumer>) -> Vec<FoundValue<'a>> {
        let Some(economy) = consumer_id(consumer) else { return Vec::new() };
        let mut all = BTreeMap::new();
        for (material, stage) in self.specific_first() {
            let Some((name, series)) = self.scope.cache.parameters(name, material, stage) else { continue };
            for (period, side) in self.up_to_now(&series, economy) {
                let holding = ParameterKey { material, stage, economy, period };
                for row in side.rows {
                    let id = (row.partner, side.content.text(row.item));
                    all.entry(id).or_insert_with(|| {
                        self.scope.consult(TableKind::Parameters, side.release);
                        FoundValue::from_cell(
                            row.value,
                            side.content,
                            CitedRow::Parameter(name, holding, row),
                        )
                    });
                }
            }
        }
        all.into_values().collect()
    }

    /// The materials and stages that a parameter may name, the most specific first.
    fn specific_first(&self) -> [(Option<&'static str>, Option<Stage>); 4] {
        let (material, stage) = (Some(self.scope.market.material), Some(self.scope.market.stage));
        [(material, stage), (material, None), (None, stage), (None, None)]
    }

    /// The newest row of an economy and partner that holds in the market's period. `None`: there is none.
    fn holding(
        &self,
        wants: ParameterQuery<'_>,
        material: Option<&'static str>,
        stage: Option<Stage>,
        (economy, partner): (Option<ConsumerId>, Option<ConsumerId>),
    ) -> Option<FoundValue<'a>> {
        let (name, series) = self.scope.cache.parameters(wants.name, material, stage)?;
        let now = |period: &Period| !wants.own_period || *period == self.scope.market.period;
        for (period, side) in self.up_to_now(&series, economy).filter(|(period, _)| now(period)) {
            let Some(item) = side.content.index_of(wants.item) else { continue };
            let key = (partner, item);
            let of = |row: &Parameter| (row.partner, row.item);
            let row = side.rows.partition_point(|row| of(row) < key);
            if let Some(row) = side.rows.get(row).filter(|row| of(row) == key) {
                self.scope.consult(TableKind::Parameters, side.release);
                let row = CitedRow::Parameter(name, ParameterKey { material, stage, economy, period }, row);
                let CitedRow::Parameter(_, _, parameter) = row else { continue };
                return Some(FoundValue::from_cell(parameter.value, side.content, row));
            }
        }
        None
    }

    /// Rows about a consumer that begin to hold on the market's first day or before, the newest first.
    fn up_to_now<'t>(
        &self,
        series: &'t Series<'a>,
        economy: Option<ConsumerId>,
    ) -> impl Iterator<Item = (Period, ReleaseRows<'a, Parameter>)> + use<'t, 'a> {
        let start = self.scope.market.period.start();
        let holds = move |(period, _): &(&Period, &ReleaseRows<'a, Parameter>)| period.start() <= start;
        series.get(&economy).into_iter().flatten().rev().filter(holds).map(|(period, side)| (*period, *side))
    }
}

/// The identifier of an optional consumer. `None`: the catalogue does not have it.
fn consumer_id(consumer: Option<Consumer>) -> Option<Option<ConsumerId>> {
    match consumer {
        None => Some(None),
        Some(consumer) => ConsumerId::from_consumer(consumer).map(Some),
    }
}
