//! The figures as bytes of a snapshot: columns, with shared values stored once.
mod reader;

use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{ClaimVerdictChanged, DatasetRevision, MarketSize, ProductInfo};
use prost::Message;

use super::extent::Extent;
use super::market::{Market, MarketFigures};
use super::series::LostFigure;
use super::{Figure, Figures, MaterialFigures, Provenance};
use crate::spread::Spread;
use reader::Reader;

#[derive(Clone, PartialEq, Message)]
struct SavedFigures {
    /// All texts: codes, stages, measures, reasons, names, periods.
    #[prost(string, repeated, tag = "1")]
    words: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    provenances: Vec<SavedProvenance>,
    #[prost(message, repeated, tag = "3")]
    kept: Vec<SavedKept>,
    /// Codes in the order of their numbers.
    #[prost(uint32, repeated, tag = "4")]
    numbers: Vec<u32>,
    #[prost(message, repeated, tag = "5")]
    markets: Vec<SavedMarket>,
    /// All materials, also those without a market.
    #[prost(uint32, repeated, tag = "6")]
    materials: Vec<u32>,
    #[prost(message, repeated, tag = "7")]
    spreads: Vec<SavedSpread>,
    #[prost(message, repeated, tag = "8")]
    extents: Vec<SavedExtent>,
    #[prost(message, repeated, tag = "9")]
    sizes: Vec<MarketSize>,
    /// The claims with their verdicts.
    #[prost(message, repeated, tag = "10")]
    claims: Vec<ClaimVerdictChanged>,
    #[prost(message, repeated, tag = "11")]
    revisions: Vec<SavedRevisions>,
}

/// Datasets that answer at a stage of a material in a period, with their revisions.
#[derive(Clone, PartialEq, Message)]
struct SavedRevisions {
    #[prost(uint32, tag = "1")]
    material: u32,
    #[prost(uint32, tag = "2")]
    stage: u32,
    #[prost(uint32, tag = "3")]
    period: u32,
    #[prost(message, repeated, tag = "4")]
    datasets: Vec<DatasetRevision>,
}

/// Number of figures of a market.
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
struct SavedProvenance {
    #[prost(message, optional, tag = "1")]
    cause: Option<Cause>,
    #[prost(string, repeated, tag = "2")]
    releases: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    products: Vec<ProductInfo>,
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
    /// One entry per series: consumer, supplier, and number of figures.
    #[prost(uint32, repeated, tag = "6")]
    consumer: Vec<u32>,
    #[prost(uint32, repeated, tag = "7")]
    supplier: Vec<u32>,
    #[prost(uint32, repeated, tag = "8")]
    length: Vec<u32>,
    /// One entry per figure; NaN: no value.
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
    provenance: Vec<u32>,
    #[prost(int32, tag = "18")]
    frequency: i32,
    /// Number of the spread, from 1; 0: there is none.
    #[prost(uint32, repeated, tag = "19")]
    spread: Vec<u32>,
    #[prost(message, repeated, tag = "20")]
    lost: Vec<SavedLost>,
    /// Number of the size, from 1; 0: there is none.
    #[prost(uint32, repeated, tag = "21")]
    size: Vec<u32>,
}

/// A figure that went missing. The figure itself is among the figures, after those of the series.
#[derive(Clone, PartialEq, Message)]
struct SavedLost {
    #[prost(uint32, tag = "1")]
    consumer: u32,
    #[prost(uint32, tag = "2")]
    supplier: u32,
    #[prost(uint64, tag = "3")]
    at: u64,
    #[prost(uint32, tag = "4")]
    provenance: u32,
    #[prost(uint64, tag = "5")]
    figure: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedPresence {
    #[prost(uint32, tag = "1")]
    period: u32,
    #[prost(uint32, tag = "2")]
    provenance: u32,
    #[prost(uint32, repeated, tag = "3")]
    consumer: Vec<u32>,
    #[prost(uint32, repeated, tag = "4")]
    supplier: Vec<u32>,
}

/// The figures, and where to continue reading. A partly read batch is read again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// The figures.
    pub figures: Figures,
    /// Position of the exposures log after which to continue reading.
    pub resume: u64,
}

#[derive(Clone, PartialEq, Message)]
struct SavedFolded {
    #[prost(message, optional, tag = "1")]
    figures: Option<SavedFigures>,
    #[prost(uint64, tag = "2")]
    resume: u64,
}

impl Folded {
    /// Version of the encoding. Bytes of another version are not decoded: those of version 4 were folded from
    /// a log without verdicts on claims and revisions.
    pub const VERSION: u32 = 5;

    /// Encodes the figures for a snapshot.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let figures = Some(Writer::default().figures(&self.figures));
        SavedFolded { figures, resume: self.resume }.encode_to_vec()
    }

    /// Decodes the figures from a snapshot. `None`: the bytes are not figures.
    #[must_use]
    pub fn load(bytes: &[u8]) -> Option<Self> {
        let saved = SavedFolded::decode(bytes).ok()?;
        Some(Self { figures: Reader::new(saved.figures?)?.figures()?, resume: saved.resume })
    }
}

/// Encodes figures, and numbers the values that they share.
#[derive(Default)]
struct Writer {
    words: BTreeMap<Arc<str>, u32>,
    in_order: Vec<String>,
    /// Provenances by address, so that shared ones are stored once.
    provenances: BTreeMap<usize, u32>,
    provenances_in_order: Vec<SavedProvenance>,
    spreads: Vec<SavedSpread>,
    /// Sizes by their bits, so that equal ones are stored once.
    sizes: BTreeMap<[Option<u64>; 2], u32>,
    sizes_in_order: Vec<MarketSize>,
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

    fn provenance(&mut self, provenance: &Arc<Provenance>) -> u32 {
        let next = u32::try_from(self.provenances_in_order.len()).unwrap_or(u32::MAX);
        let all = &mut self.provenances_in_order;
        *self.provenances.entry(Arc::as_ptr(provenance).addr()).or_insert_with(|| {
            all.push(SavedProvenance {
                cause: provenance.cause.clone(),
                releases: provenance.releases.clone(),
                products: provenance.products.clone(),
            });
            next
        })
    }

    /// Number of a spread, from 1; 0 stands for none.
    fn spread(&mut self, spread: &Spread) -> u32 {
        let Spread { sources, lowest, lowest_dataset, highest, highest_dataset } = spread;
        let [lowest_dataset, highest_dataset] = [lowest_dataset, highest_dataset].map(|code| self.word(code));
        let (sources, lowest, highest) = (*sources, *lowest, *highest);
        self.spreads.push(SavedSpread { sources, lowest, lowest_dataset, highest, highest_dataset });
        u32::try_from(self.spreads.len()).unwrap_or(u32::MAX)
    }

    /// Number of a size, from 1.
    fn size(&mut self, size: &MarketSize) -> u32 {
        let all = &mut self.sizes_in_order;
        let bits = [size.quantity_t, size.value_kusd].map(|number| number.map(f64::to_bits));
        *self.sizes.entry(bits).or_insert_with(|| {
            all.push(*size);
            u32::try_from(all.len()).unwrap_or(u32::MAX)
        })
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
        let extents = extents.flat_map(|(material, all)| all.0.iter().map(move |extent| (material, extent)));
        let extents =
            extents.map(|(material, (market, extent))| self.extent(material, market, extent)).collect();
        let revisions = figures.materials.iter();
        let revisions = revisions.flat_map(|(material, own)| self.revisions(material, own)).collect();
        SavedFigures {
            words: self.in_order,
            provenances: self.provenances_in_order,
            kept,
            numbers,
            markets,
            materials,
            spreads: self.spreads,
            extents,
            sizes: self.sizes_in_order,
            claims: figures.claims().into_values().map(|claim| ClaimVerdictChanged::clone(claim)).collect(),
            revisions,
        }
    }

    fn revisions(&mut self, material: &str, figures: &MaterialFigures) -> Vec<SavedRevisions> {
        let all = figures.revisions.iter();
        let all = all.flat_map(|(stage, periods)| periods.iter().map(move |entry| (stage, entry)));
        let saved = |(stage, (period, datasets)): (&Arc<str>, (&Period, &Arc<[DatasetRevision]>))| {
            let [material, stage] = [material, &**stage].map(|word| self.word(word));
            let period = self.word(&period.to_string());
            SavedRevisions { material, stage, period, datasets: datasets.to_vec() }
        };
        all.map(saved).collect()
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
            provenance: self.provenance(&presence.provenance),
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

    fn lost(&mut self, saved: &mut SavedMarket, (consumer, supplier): (&str, &str), all: &[LostFigure]) {
        let (consumer, supplier) = (self.word(consumer), self.word(supplier));
        for lost in all {
            let figure = u64::try_from(saved.period.len()).unwrap_or(u64::MAX);
            let provenance = self.provenance(&lost.provenance);
            saved.lost.push(SavedLost { consumer, supplier, at: lost.at, provenance, figure });
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
        saved.provenance.push(self.provenance(&figure.provenance));
        saved.spread.push(figure.spread.as_ref().map_or(0, |spread| self.spread(spread)));
        saved.size.push(figure.size.as_ref().map_or(0, |size| self.size(size)));
    }
}
