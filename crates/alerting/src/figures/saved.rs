//! The figures as they are kept in a snapshot: columns, with what they share told once.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{By, Cause, Estimate, Frequency};
use prost::Message;

use super::extent::{Extent, Extents};
use super::market::{Market, MarketFigures, Presence};
use super::series::{Lost, Series};
use super::{Figure, Figures, Ground, Kept, MaterialFigures, Measured, Spread, Suppliers};
use crate::snapshot::Fold;

#[derive(Clone, PartialEq, Message)]
struct SavedFigures {
    /// Whatever is a word: codes, stages, measures, reasons, names, periods.
    #[prost(string, repeated, tag = "1")]
    words: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    grounds: Vec<SavedGround>,
    #[prost(message, repeated, tag = "3")]
    kept: Vec<SavedKept>,
    /// Codes in the order of their numbers.
    #[prost(uint32, repeated, tag = "4")]
    numbers: Vec<u32>,
    #[prost(message, repeated, tag = "5")]
    markets: Vec<SavedMarket>,
    /// Materials without a market too.
    #[prost(uint32, repeated, tag = "6")]
    materials: Vec<u32>,
    #[prost(message, repeated, tag = "7")]
    spreads: Vec<SavedSpread>,
    #[prost(message, repeated, tag = "8")]
    extents: Vec<SavedExtent>,
}

/// How many figures a market has.
#[derive(Clone, PartialEq, Message)]
struct SavedExtent {
    #[prost(uint32, tag = "1")]
    material: u32,
    #[prost(uint32, tag = "2")]
    stage: u32,
    #[prost(uint32, tag = "3")]
    measure: u32,
    #[prost(int32, tag = "4")]
    by: i32,
    #[prost(int32, tag = "5")]
    frequency: i32,
    #[prost(uint32, tag = "6")]
    figures: u32,
    #[prost(uint32, tag = "7")]
    consumers: u32,
    #[prost(uint32, tag = "8")]
    suppliers: u32,
    #[prost(uint32, repeated, tag = "9")]
    periods: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedSpread {
    #[prost(uint32, tag = "1")]
    sources: u32,
    #[prost(double, optional, tag = "2")]
    lowest: Option<f64>,
    #[prost(uint32, tag = "3")]
    lowest_dataset: u32,
    #[prost(double, optional, tag = "4")]
    highest: Option<f64>,
    #[prost(uint32, tag = "5")]
    highest_dataset: u32,
}

#[derive(Clone, PartialEq, Message)]
struct SavedGround {
    #[prost(message, optional, tag = "1")]
    cause: Option<Cause>,
    #[prost(string, repeated, tag = "2")]
    releases: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SavedKept {
    #[prost(uint32, tag = "1")]
    measure: u32,
    #[prost(int32, tag = "2")]
    by: i32,
    #[prost(uint32, repeated, tag = "3")]
    consumers: Vec<u32>,
    #[prost(int32, tag = "4")]
    frequency: i32,
}

#[derive(Clone, PartialEq, Message)]
struct SavedMarket {
    #[prost(uint32, tag = "1")]
    material: u32,
    #[prost(uint32, tag = "2")]
    stage: u32,
    #[prost(uint32, tag = "3")]
    measure: u32,
    #[prost(int32, tag = "4")]
    by: i32,
    #[prost(message, repeated, tag = "5")]
    periods: Vec<SavedPresence>,
    /// One entry a series: consumer, supplier, and how many figures it has.
    #[prost(uint32, repeated, tag = "6")]
    consumer: Vec<u32>,
    #[prost(uint32, repeated, tag = "7")]
    supplier: Vec<u32>,
    #[prost(uint32, repeated, tag = "8")]
    length: Vec<u32>,
    /// One entry a figure; NaN: none.
    #[prost(uint32, repeated, tag = "9")]
    period: Vec<u32>,
    #[prost(double, repeated, tag = "10")]
    value: Vec<f64>,
    #[prost(double, repeated, tag = "11")]
    low: Vec<f64>,
    #[prost(double, repeated, tag = "12")]
    high: Vec<f64>,
    #[prost(double, repeated, tag = "13")]
    coverage: Vec<f64>,
    #[prost(int32, repeated, tag = "14")]
    status: Vec<i32>,
    #[prost(uint32, repeated, tag = "15")]
    reason: Vec<u32>,
    #[prost(uint32, repeated, tag = "16")]
    names: Vec<u32>,
    #[prost(uint32, repeated, tag = "17")]
    ground: Vec<u32>,
    #[prost(int32, tag = "18")]
    frequency: i32,
    /// Number of the spread, from 1; 0: there is none.
    #[prost(uint32, repeated, tag = "19")]
    spread: Vec<u32>,
    #[prost(message, repeated, tag = "20")]
    lost: Vec<SavedLost>,
}

/// A figure that went missing. As it was last there it stands among the figures, behind those of the series.
#[derive(Clone, PartialEq, Message)]
struct SavedLost {
    #[prost(uint32, tag = "1")]
    consumer: u32,
    #[prost(uint32, tag = "2")]
    supplier: u32,
    #[prost(uint64, tag = "3")]
    at: u64,
    #[prost(uint32, tag = "4")]
    ground: u32,
    #[prost(uint64, tag = "5")]
    figure: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedPresence {
    #[prost(uint32, tag = "1")]
    period: u32,
    #[prost(uint32, tag = "2")]
    ground: u32,
    #[prost(uint32, repeated, tag = "3")]
    consumer: Vec<u32>,
    #[prost(uint32, repeated, tag = "4")]
    supplier: Vec<u32>,
}

/// The figures, and where to go on reading: what of a batch had been read before is read again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Folded {
    pub(crate) figures: Figures,
    pub(crate) resume: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedFolded {
    #[prost(message, optional, tag = "1")]
    figures: Option<SavedFigures>,
    #[prost(uint64, tag = "2")]
    resume: u64,
}

impl Fold for Folded {
    const NAME: &'static str = "figures";
    const VERSION: u32 = 3;

    fn save(&self) -> Vec<u8> {
        let figures = Some(Writer::default().figures(&self.figures));
        SavedFolded { figures, resume: self.resume }.encode_to_vec()
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let saved = SavedFolded::decode(bytes).ok()?;
        Some(Self { figures: Reader::new(saved.figures?)?.figures()?, resume: saved.resume })
    }
}

/// What is told once, with its numbers.
#[derive(Default)]
struct Writer {
    words: BTreeMap<Arc<str>, u32>,
    in_order: Vec<String>,
    /// Grounds by where they are: who shares one shares it again.
    grounds: BTreeMap<usize, u32>,
    grounds_in_order: Vec<SavedGround>,
    spreads: Vec<SavedSpread>,
}

impl Writer {
    fn word(&mut self, word: &str) -> u32 {
        if let Some(number) = self.words.get(word) {
            return *number;
        }
        let number = u32::try_from(self.in_order.len()).unwrap_or(u32::MAX);
        self.in_order.push(word.to_owned());
        self.words.insert(Arc::from(word), number);
        number
    }

    fn ground(&mut self, ground: &Arc<Ground>) -> u32 {
        let next = u32::try_from(self.grounds_in_order.len()).unwrap_or(u32::MAX);
        let all = &mut self.grounds_in_order;
        *self.grounds.entry(Arc::as_ptr(ground).addr()).or_insert_with(|| {
            all.push(SavedGround { cause: ground.cause.clone(), releases: ground.releases.clone() });
            next
        })
    }

    /// Number of a spread, from 1.
    fn spread(&mut self, spread: &Spread) -> u32 {
        let Spread { sources, lowest, lowest_dataset, highest, highest_dataset } = spread;
        let [lowest_dataset, highest_dataset] = [lowest_dataset, highest_dataset].map(|code| self.word(code));
        let (sources, lowest, highest) = (*sources, *lowest, *highest);
        self.spreads.push(SavedSpread { sources, lowest, lowest_dataset, highest, highest_dataset });
        u32::try_from(self.spreads.len()).unwrap_or(u32::MAX)
    }

    fn figures(mut self, figures: &Figures) -> SavedFigures {
        let kept = figures.kept.0.iter().map(|(measured, consumers)| SavedKept {
            measure: self.word(&measured.measure),
            by: measured.by.into(),
            frequency: measured.frequency.into(),
            consumers: consumers.iter().map(|consumer| self.word(consumer)).collect(),
        });
        let kept = kept.collect();
        let mut numbered: Vec<_> = figures.numbers.iter().collect();
        numbered.sort_by_key(|(_, number)| **number);
        let numbers = numbered.into_iter().map(|(code, _)| self.word(code)).collect();
        let materials = figures.materials.keys().map(|material| self.word(material)).collect();
        let all = figures.materials.iter();
        let all =
            all.flat_map(|(material, figures)| figures.markets.iter().map(move |market| (material, market)));
        let markets =
            all.map(|(material, (market, figures))| self.market(material, market, figures)).collect();
        let extents = figures.extents.iter();
        let extents = extents.flat_map(|(material, all)| all.0.iter().map(move |one| (material, one)));
        let extents =
            extents.map(|(material, (market, extent))| self.extent(material, market, extent)).collect();
        SavedFigures {
            words: self.in_order,
            grounds: self.grounds_in_order,
            kept,
            numbers,
            markets,
            materials,
            spreads: self.spreads,
            extents,
        }
    }

    fn extent(&mut self, material: &str, market: &Market, extent: &Extent) -> SavedExtent {
        SavedExtent {
            material: self.word(material),
            stage: self.word(&market.stage),
            measure: self.word(&market.measured.measure),
            by: market.measured.by.into(),
            frequency: market.measured.frequency.into(),
            figures: extent.figures,
            consumers: extent.consumers,
            suppliers: extent.suppliers,
            periods: extent.periods.iter().map(|period| self.word(&period.to_string())).collect(),
        }
    }

    fn market(&mut self, material: &str, market: &Market, figures: &MarketFigures) -> SavedMarket {
        let periods = figures.periods.iter().map(|(period, presence)| SavedPresence {
            period: self.word(&period.to_string()),
            ground: self.ground(&presence.ground),
            consumer: presence.figures.iter().map(|(consumer, _)| *consumer).collect(),
            supplier: presence.figures.iter().map(|(_, supplier)| *supplier).collect(),
        });
        let mut saved = SavedMarket {
            periods: periods.collect(),
            material: self.word(material),
            stage: self.word(&market.stage),
            measure: self.word(&market.measured.measure),
            by: market.measured.by.into(),
            frequency: market.measured.frequency.into(),
            ..SavedMarket::default()
        };
        let mut names_of_periods = BTreeMap::new();
        for (consumer, suppliers) in &figures.consumers {
            for (supplier, series) in &suppliers.series {
                saved.consumer.push(self.word(consumer));
                saved.supplier.push(self.word(supplier));
                saved.length.push(u32::try_from(series.figures.len()).unwrap_or(u32::MAX));
                for (period, figure) in &series.figures {
                    let period =
                        *names_of_periods.entry(*period).or_insert_with(|| self.word(&period.to_string()));
                    self.figure(&mut saved, period, figure);
                }
            }
        }
        for (consumer, suppliers) in &figures.consumers {
            for (supplier, series) in suppliers.series.iter().filter(|(_, series)| !series.lost.is_empty()) {
                self.lost(&mut saved, (consumer, supplier), &series.lost);
            }
        }
        saved
    }

    fn lost(&mut self, saved: &mut SavedMarket, (consumer, supplier): (&str, &str), all: &[Lost]) {
        let (consumer, supplier) = (self.word(consumer), self.word(supplier));
        for lost in all {
            let figure = u64::try_from(saved.period.len()).unwrap_or(u64::MAX);
            let ground = self.ground(&lost.ground);
            saved.lost.push(SavedLost { consumer, supplier, at: lost.at, ground, figure });
            let period = self.word(&lost.period.to_string());
            self.figure(saved, period, &lost.figure);
        }
    }

    fn figure(&mut self, saved: &mut SavedMarket, period: u32, figure: &Figure) {
        let Estimate { value, low, high, coverage, status, reason } = &figure.estimate;
        let number = |number: &Option<f64>| number.unwrap_or(f64::NAN);
        saved.period.push(period);
        saved.value.push(number(value));
        saved.low.push(number(low));
        saved.high.push(number(high));
        saved.coverage.push(number(coverage));
        saved.status.push(*status);
        saved.reason.push(self.word(reason));
        saved.names.push(self.word(&figure.names));
        saved.ground.push(self.ground(&figure.ground));
        saved.spread.push(figure.spread.as_ref().map_or(0, |spread| self.spread(spread)));
    }
}

struct Reader {
    saved: SavedFigures,
    words: Vec<Arc<str>>,
    /// The words that are periods.
    periods: Vec<Option<Period>>,
    grounds: Vec<Arc<Ground>>,
    spreads: Vec<Arc<Spread>>,
}

impl Reader {
    fn new(mut saved: SavedFigures) -> Option<Self> {
        let words: Vec<Arc<str>> = std::mem::take(&mut saved.words).into_iter().map(Arc::from).collect();
        let periods = words.iter().map(|word| word.parse().ok()).collect();
        let ground =
            |ground: SavedGround| Arc::new(Ground { cause: ground.cause, releases: ground.releases });
        let grounds = std::mem::take(&mut saved.grounds).into_iter().map(ground).collect();
        let spread = |spread: SavedSpread| {
            Some(Arc::new(Spread {
                sources: spread.sources,
                lowest: spread.lowest,
                lowest_dataset: at(&words, spread.lowest_dataset)?.clone(),
                highest: spread.highest,
                highest_dataset: at(&words, spread.highest_dataset)?.clone(),
            }))
        };
        let spreads = std::mem::take(&mut saved.spreads).into_iter().map(spread).collect::<Option<_>>()?;
        Some(Self { saved, words, periods, grounds, spreads })
    }

    fn measured(&self, measure: u32, by: i32, frequency: i32) -> Option<Measured> {
        let measure = self.word(measure)?;
        let (by, frequency) = (By::try_from(by).ok()?, Frequency::try_from(frequency).ok()?);
        Some(Measured { measure, by, frequency })
    }

    fn word(&self, number: u32) -> Option<Arc<str>> {
        at(&self.words, number).cloned()
    }

    fn figures(mut self) -> Option<Figures> {
        let mut kept = BTreeMap::new();
        for one in &self.saved.kept {
            let consumers =
                one.consumers.iter().map(|consumer| self.word(*consumer)).collect::<Option<_>>()?;
            kept.insert(self.measured(one.measure, one.by, one.frequency)?, consumers);
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
        let materials =
            materials.into_iter().map(|(material, figures)| (material, Arc::new(figures))).collect();
        let extents = self.extents()?;
        Some(Figures { kept: Arc::new(Kept(kept)), materials, numbers: Arc::new(numbers), extents })
    }

    fn extents(&self) -> Option<BTreeMap<String, Arc<Extents>>> {
        let mut extents: BTreeMap<String, Extents> = BTreeMap::new();
        for saved in &self.saved.extents {
            let market = Market {
                stage: self.word(saved.stage)?,
                measured: self.measured(saved.measure, saved.by, saved.frequency)?,
            };
            let period = |word: &u32| *at(&self.periods, *word)?;
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
            let ground = Arc::clone(at(&self.grounds, presence.ground)?);
            let presence_of = Arc::new(Presence { ground, figures: who });
            figures.periods.insert((*at(&self.periods, presence.period)?)?, presence_of);
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
            let ground = Arc::clone(at(&self.grounds, lost.ground)?);
            let series = consumers.get_mut(&self.word(lost.consumer)?)?;
            let series = series.get_mut(&self.word(lost.supplier)?)?;
            series.lost.push(Lost { period, figure, at: lost.at, ground });
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
            reason: at(&self.words, *saved.reason.get(k)?)?.to_string(),
        };
        let names = self.word(*saved.names.get(k)?)?;
        let ground = Arc::clone(at(&self.grounds, *saved.ground.get(k)?)?);
        let period = (*at(&self.periods, *saved.period.get(k)?)?)?;
        let spread = match saved.spread.get(k)? {
            0 => None,
            number => Some(Arc::clone(at(&self.spreads, number - 1)?)),
        };
        Some((period, Arc::new(Figure { estimate, names, spread, ground })))
    }
}

fn at<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(usize::try_from(number).ok()?)
}
