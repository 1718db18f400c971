//! Which figures are wanted, and those that are there.

use orewatch_catalog::{Consumer, Period, blocs};
use orewatch_measures::{Measure, Weight};

use super::{Answer, Figure, Key};
use crate::book::EconomyId;

/// Which figures of a market are wanted.
pub trait Wanted {
    /// Figures of this consumer.
    fn consumer(&self, code: &str) -> bool;
    /// Figures of this measure.
    fn measure(&self, measure: Measure) -> bool;
    /// Figures by this weight.
    fn by(&self, by: Weight) -> bool;
    /// Figures about this supplier, or about none.
    fn supplier(&self, supplier: Option<EconomyId>) -> bool;
}

/// Every figure is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Everything;

impl Wanted for Everything {
    fn consumer(&self, _: &str) -> bool {
        true
    }
    fn measure(&self, _: Measure) -> bool {
        true
    }
    fn by(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// Collects the figures that are wanted, and drops the others.
pub struct Collector<'w> {
    wanted: &'w dyn Wanted,
    /// Codes of the blocs that nobody belongs to in the market's period: they have no figures.
    absent: Vec<&'static str>,
    figures: Vec<Figure>,
}

impl std::fmt::Debug for Collector<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("figures", &self.figures.len()).finish_non_exhaustive()
    }
}

impl<'w> Collector<'w> {
    pub(super) fn new(wanted: &'w dyn Wanted, period: Period) -> Self {
        let absent = blocs().iter().filter(|bloc| bloc.members(period).is_empty());
        Self { wanted, absent: absent.map(|bloc| bloc.code).collect(), figures: Vec::new() }
    }

    /// Whether any figure of a consumer is wanted.
    #[must_use]
    pub fn wants_consumer(&self, code: &str) -> bool {
        self.wanted.consumer(code) && !self.absent.contains(&code)
    }

    /// Those of some consumers of whom any figure is wanted.
    #[must_use]
    pub fn of(&self, consumers: Vec<Consumer>) -> Vec<Consumer> {
        consumers.into_iter().filter(|consumer| self.wants_consumer(consumer.code())).collect()
    }

    /// Whether a measure by a weight is wanted.
    #[must_use]
    pub fn wants(&self, measure: Measure, by: Weight) -> bool {
        self.wanted.measure(measure) && self.wanted.by(by) && self.wanted_without_supplier(measure)
    }

    /// Whether any of these measures by a weight is wanted.
    #[must_use]
    pub fn wants_any(&self, measures: &[Measure], by: Weight) -> bool {
        measures.iter().any(|measure| self.wants(*measure, by))
    }

    fn wanted_without_supplier(&self, measure: Measure) -> bool {
        measure.method().has_supplier || self.wanted.supplier(None)
    }

    /// Takes a figure, if it is wanted.
    pub fn push(&mut self, key: Key, answer: impl Into<Answer>) {
        let wanted = self.wants(key.measure, key.by)
            && self.wants_consumer(key.consumer)
            && self.wanted.supplier(key.supplier);
        if wanted {
            let Answer { estimate, names } = answer.into();
            self.figures.push(Figure { key, estimate, names, spread: None });
        }
    }

    pub(super) fn into_figures(self) -> Vec<Figure> {
        self.figures
    }
}
