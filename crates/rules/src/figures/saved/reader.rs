//! Decodes the figures of a snapshot. Every number must have its item: a snapshot that is damaged is no
//! figures.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{By, Estimate, Frequency};
use orewatch_contracts::exposure::v1::MarketSize;

use super::super::extent::{Extent, Extents};
use super::super::market::{Market, MarketFigures, Presence};
use super::super::series::{LostFigure, Series};
use super::super::{Figure, Figures, KeptFigures, MaterialFigures, Measured, Provenance, Suppliers, Touched};
use super::{SavedFigures, SavedKept, SavedMarket, SavedProvenance, SavedSpread};
use crate::spread::Spread;

/// Decodes figures.
pub(super) struct Reader {
    saved: SavedFigures,
    words: Vec<Arc<str>>,
    /// The words parsed as periods, where they are.
    periods: Vec<Option<Period>>,
    provenances: Vec<Arc<Provenance>>,
    spreads: Vec<Arc<Spread>>,
    sizes: Vec<Arc<MarketSize>>,
}

impl Reader {
    pub(super) fn new(mut saved: SavedFigures) -> Option<Self> {
        let words: Vec<Arc<str>> = std::mem::take(&mut saved.words).into_iter().map(Arc::from).collect();
        let periods = words.iter().map(|word| word.parse().ok()).collect();
        let provenance = |provenance: SavedProvenance| {
            let SavedProvenance { cause, releases, products } = provenance;
            Arc::new(Provenance { cause, releases, products })
        };
        let provenances = std::mem::take(&mut saved.provenances).into_iter().map(provenance).collect();
        let spread = |spread: SavedSpread| {
            Some(Arc::new(Spread {
                sources: spread.sources,
                lowest: spread.lowest,
                lowest_dataset: item(&words, spread.lowest_dataset)?.clone(),
                highest: spread.highest,
                highest_dataset: item(&words, spread.highest_dataset)?.clone(),
            }))
        };
        let spreads = std::mem::take(&mut saved.spreads).into_iter().map(spread).collect::<Option<_>>()?;
        let sizes = std::mem::take(&mut saved.sizes).into_iter().map(Arc::new).collect();
        Some(Self { saved, words, periods, provenances, spreads, sizes })
    }

    fn measured(&self, measure: u32, by: i32, frequency: i32) -> Option<Measured> {
        let measure = self.word(measure)?;
        let (by, frequency) = (By::try_from(by).ok()?, Frequency::try_from(frequency).ok()?);
        Some(Measured { measure, by, frequency })
    }

    fn word(&self, number: u32) -> Option<Arc<str>> {
        item(&self.words, number).cloned()
    }

    pub(super) fn figures(mut self) -> Option<Figures> {
        let mut kept = BTreeMap::new();
        for kept_measure in &self.saved.kept {
            let consumers =
                kept_measure.consumers.iter().map(|consumer| self.word(*consumer)).collect::<Option<_>>()?;
            let SavedKept { measure, by, frequency, .. } = *kept_measure;
            kept.insert(self.measured(measure, by, frequency)?, consumers);
        }
        let numbers = (0_u32..).zip(&self.saved.numbers);
        let numbers =
            numbers.map(|(number, code)| Some((self.word(*code)?, number))).collect::<Option<_>>()?;
        let mut materials: BTreeMap<String, MaterialFigures> = BTreeMap::new();
        for material in &self.saved.materials {
            materials.entry(self.word(*material)?.to_string()).or_default();
        }
        for market in std::mem::take(&mut self.saved.markets) {
            let material = materials.entry(self.word(market.material)?.to_string()).or_default();
            let key = Market {
                stage: self.word(market.stage)?,
                measured: self.measured(market.measure, market.by, market.frequency)?,
            };
            material.markets.insert(key, Arc::new(self.market(&market)?));
        }
        for saved in std::mem::take(&mut self.saved.revisions) {
            let material = materials.get_mut(&*self.word(saved.material)?)?;
            let stage = Arc::make_mut(material.revisions.entry(self.word(saved.stage)?).or_default());
            stage.insert((*item(&self.periods, saved.period)?)?, Arc::from(saved.datasets));
        }
        let materials =
            materials.into_iter().map(|(material, figures)| (material, Arc::new(figures))).collect();
        let extents = self.extents()?;
        let kept = Arc::new(KeptFigures(kept));
        let mut figures = Figures { kept, materials, numbers: Arc::new(numbers), extents };
        for claim in &self.saved.claims {
            figures.apply_claim(claim, &mut Touched::default());
        }
        Some(figures)
    }

    fn extents(&self) -> Option<BTreeMap<String, Arc<Extents>>> {
        let mut extents: BTreeMap<String, Extents> = BTreeMap::new();
        for saved in &self.saved.extents {
            let market = Market {
                stage: self.word(saved.stage)?,
                measured: self.measured(saved.measure, saved.by, saved.frequency)?,
            };
            let period = |word: &u32| *item(&self.periods, *word)?;
            let extent = Extent {
                figures: saved.figures,
                consumers: saved.consumers,
                suppliers: saved.suppliers,
                periods: saved.periods.iter().map(period).collect::<Option<_>>()?,
            };
            extents.entry(self.word(saved.material)?.to_string()).or_default().0.insert(market, extent);
        }
        Some(extents.into_iter().map(|(material, extents)| (material, Arc::new(extents))).collect())
    }

    fn market(&self, saved: &SavedMarket) -> Option<MarketFigures> {
        let mut figures = MarketFigures::default();
        for presence in &saved.periods {
            let who: BTreeSet<(u32, u32)> =
                presence.consumer.iter().copied().zip(presence.supplier.iter().copied()).collect();
            let provenance = Arc::clone(item(&self.provenances, presence.provenance)?);
            let listed = Arc::new(Presence { provenance, figures: who });
            figures.periods.insert((*item(&self.periods, presence.period)?)?, listed);
        }
        let mut consumers: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Series>> = BTreeMap::new();
        let mut next = 0;
        for ((consumer, supplier), length) in saved.consumer.iter().zip(&saved.supplier).zip(&saved.length) {
            let end = usize::try_from(*length).ok()?.checked_add(next)?;
            let series = (next..end).map(|k| self.figure(saved, k)).collect::<Option<_>>()?;
            let series = Series { figures: series, lost: Vec::new() };
            consumers.entry(self.word(*consumer)?).or_default().insert(self.word(*supplier)?, series);
            next = end;
        }
        for lost in &saved.lost {
            let (period, figure) = self.figure(saved, usize::try_from(lost.figure).ok()?)?;
            let provenance = Arc::clone(item(&self.provenances, lost.provenance)?);
            let series = consumers.get_mut(&self.word(lost.consumer)?)?;
            let series = series.get_mut(&self.word(lost.supplier)?)?;
            series.lost.push(LostFigure { period, figure, at: lost.at, provenance });
        }
        let shared = |(code, series)| (code, Arc::new(Suppliers::from_series(series)));
        figures.consumers = consumers.into_iter().map(shared).collect();
        Some(figures)
    }

    fn figure(&self, saved: &SavedMarket, k: usize) -> Option<(Period, Arc<Figure>)> {
        let number = |column: &[f64]| column.get(k).map(|number| (!number.is_nan()).then_some(*number));
        let estimate = Estimate {
            value: number(&saved.value)?,
            low: number(&saved.low)?,
            high: number(&saved.high)?,
            coverage: number(&saved.coverage)?,
            status: *saved.status.get(k)?,
            reason: item(&self.words, *saved.reason.get(k)?)?.to_string(),
        };
        let names = self.word(*saved.names.get(k)?)?;
        let provenance = Arc::clone(item(&self.provenances, *saved.provenance.get(k)?)?);
        let period = (*item(&self.periods, *saved.period.get(k)?)?)?;
        let spread = match saved.spread.get(k)? {
            0 => None,
            number => Some(Arc::clone(item(&self.spreads, number - 1)?)),
        };
        let size = match saved.size.get(k)? {
            0 => None,
            number => Some(Arc::clone(item(&self.sizes, number - 1)?)),
        };
        Some((period, Arc::new(Figure { estimate, names, spread, size, provenance })))
    }
}

/// The item of a list that has a number.
fn item<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(usize::try_from(number).ok()?)
}
