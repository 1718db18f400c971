//! Collects the figures that are wanted.

use orewatch_catalog::{Consumer, Period, blocs};
use orewatch_measures::{Measure, Weight};

use super::{Figure, FigureKey, NamedEstimate};
use crate::accounts::Size;
use crate::book::EconomyId;

/// Decides which figures of a market are wanted.
pub trait FigureFilter {
    /// Whether figures of this consumer are wanted.
    fn consumer(&self, code: &str) -> bool;
    /// Whether figures of this measure are wanted.
    fn measure(&self, measure: Measure) -> bool;
    /// Whether figures by this weight are wanted.
    fn weight(&self, by: Weight) -> bool;
    /// Whether figures about this supplier, or about none, are wanted.
    fn supplier(&self, supplier: Option<EconomyId>) -> bool;
}

/// The filter that wants every figure.
#[derive(Clone, Copy, Debug)]
pub struct AllFigures;

impl FigureFilter for AllFigures {
    fn consumer(&self, _: &str) -> bool {
        true
    }
    fn measure(&self, _: Measure) -> bool {
        true
    }
    fn weight(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// Keeps the figures that are wanted and drops the others.
pub struct Collector<'w> {
    wanted: &'w dyn FigureFilter,
    /// Codes of blocs without members in the market's period. They have no figures.
    empty_blocs: Vec<&'static str>,
    figures: Vec<Figure>,
}

impl std::fmt::Debug for Collector<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("figures", &self.figures.len()).finish_non_exhaustive()
    }
}

impl<'w> Collector<'w> {
    pub(super) fn new(wanted: &'w dyn FigureFilter, period: Period) -> Self {
        let empty = blocs().iter().filter(|bloc| bloc.members(period).is_empty());
        Self { wanted, empty_blocs: empty.map(|bloc| bloc.code).collect(), figures: Vec::new() }
    }

    /// Whether any figure of a consumer is wanted.
    #[must_use]
    pub fn wants_consumer(&self, code: &str) -> bool {
        self.wanted.consumer(code) && !self.empty_blocs.contains(&code)
    }

    /// The consumers of whom any figure is wanted.
    #[must_use]
    pub fn wanted_consumers(&self, consumers: Vec<Consumer>) -> Vec<Consumer> {
        consumers.into_iter().filter(|consumer| self.wants_consumer(consumer.code())).collect()
    }

    /// Whether any figure of a measure by a weight is wanted.
    #[must_use]
    pub fn wants(&self, measure: Measure, by: Weight) -> bool {
        self.wanted.measure(measure) && self.wanted.weight(by) && self.wanted_without_supplier(measure)
    }

    /// Whether any figure of these measures by a weight is wanted.
    #[must_use]
    pub fn wants_any(&self, measures: &[Measure], by: Weight) -> bool {
        measures.iter().any(|measure| self.wants(*measure, by))
    }

    fn wanted_without_supplier(&self, measure: Measure) -> bool {
        measure.method().has_supplier || self.wanted.supplier(None)
    }

    /// Adds a figure if it is wanted.
    pub fn push(&mut self, key: FigureKey, answer: impl Into<NamedEstimate>) {
        let wanted = self.wants(key.measure, key.by)
            && self.wants_consumer(key.consumer)
            && self.wanted.supplier(key.supplier);
        if wanted {
            let NamedEstimate { estimate, names } = answer.into();
            self.figures.push(Figure { key, estimate, names, spread: None, size: Size::default() });
        }
    }

    pub(super) fn into_figures(self) -> Vec<Figure> {
        self.figures
    }
}
