//! What the gates need of a release's rows, gathered as the rows arrive.
mod flows;
mod set;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, GovernanceColumns, Parameter, ParameterColumns, ProductionColumns,
    RestrictionColumns, TradeColumns,
};

pub(crate) use flows::{Flows, Group, Side, Suspects};
pub(crate) use set::{EconomySet, code, number};

/// Product codes of six or eight digits are numbers below this; others are numbered by their hash from here on.
const DIGITS: u64 = 100_000_000;

/// Who reports a flow is below this: nobody in particular, importer, exporter.
pub(crate) const REPORTERS: u64 = 4;

/// The exporter reports a flow.
pub(crate) const BY_EXPORTER: u64 = 2;

/// One topic in one period: what a newer release replaces as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Market {
    /// Valid time; empty for restrictions, which have days of their own.
    pub(crate) period: String,
    /// Indicator, parameter with the economy that it is about, or the economy that restricts its exports; empty for trade and
    /// output.
    pub(crate) about: String,
    /// Material; empty for what has none.
    pub(crate) material: String,
    /// Stage; empty for what has none.
    pub(crate) stage: String,
}

impl Market {
    /// The indicator, parameter or economy that it is about, without the economy of a parameter.
    pub(crate) fn name(&self) -> &str {
        self.about.split(' ').next().unwrap_or_default()
    }

    /// Material and stage.
    pub(crate) fn topic(&self) -> String {
        format!("{} {}", self.material, self.stage).trim().to_owned()
    }

    /// For people: what it is about, material, stage and period.
    pub(crate) fn sentence(&self) -> String {
        let parts = [&self.about, &self.material, &self.stage, &self.period];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The economy that a parameter is about, if it is about one.
    pub(crate) fn economy(&self) -> Option<&str> {
        self.about.split_once(' ').map(|(_, economy)| economy)
    }
}

/// One row: what identifies it in its market, and the amount that shares are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    /// See [`code_number`] and [`hash`].
    pub(crate) key: u64,
    /// Quantity of output, value of an indicator or parameter; NaN if not known, 0 for a restriction.
    pub(crate) amount: f64,
}

/// What is known of the rows of a release, by market.
pub(crate) type Markets = BTreeMap<Market, Gathered>;

/// What is known of the rows of a market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gathered {
    /// Trade: who ships to whom, and their sums.
    pub(crate) flows: Flows,
    /// Everything else, row by row in the order they came.
    pub(crate) entries: Vec<Entry>,
}

impl Gathered {
    /// Sum of the amounts that are known, without their signs, in the order of the rows.
    pub(crate) fn sum(&self) -> f64 {
        known(&self.entries).map(f64::abs).sum::<f64>() + self.flows.sum
    }

    /// Number of rows whose key was there before.
    pub(crate) fn repeated(&self) -> usize {
        self.flows.repeated() + self.entries.len().saturating_sub(keys(&self.entries).len())
    }
}

/// Whether rows repeat a key that is there.
pub(crate) fn repeats(tally: &Tally, rows: &Columns) -> bool {
    let mut new = Tally::default();
    new.add(rows);
    new.markets.keys().filter_map(|market| Some((market, tally.markets.get(market)?))).any(|(market, old)| {
        let before = old.repeated() + new.markets.get(market).map_or(0, Gathered::repeated);
        let mut both = Tally { markets: Markets::from([(market.clone(), old.clone())]), ..Tally::default() };
        both.add(rows);
        both.markets.get(market).is_some_and(|both| both.repeated() > before)
    })
}

fn keys(entries: &[Entry]) -> BTreeSet<u64> {
    entries.iter().map(|entry| entry.key).collect()
}

/// The amounts that are known.
pub(crate) fn known(entries: &[Entry]) -> impl Iterator<Item = f64> {
    entries.iter().map(|entry| entry.amount).filter(|amount| !amount.is_nan())
}

/// The rows of a release that is not closed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Rows recorded.
    pub(crate) rows: u64,
    /// Rejections listed.
    pub(crate) listed: u64,
    /// What is known of them.
    pub(crate) markets: Markets,
    /// First and last period with a row; of restrictions the first and last year in which one begins.
    pub(crate) span: Option<(String, String)>,
    /// Product codes of trade, by their numbers.
    pub(crate) codes: Codes,
    /// Units and bases of output.
    pub(crate) bases: Bases,
}

/// Product codes by their numbers in [`Flows`].
pub(crate) type Codes = BTreeMap<u64, String>;

/// Unit and basis of output, by material and stage.
pub(crate) type Bases = BTreeMap<(String, String), (String, String)>;

/// What stays known of the rows of a committed release, for the gates of those that come after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kept {
    /// Its rows by market.
    pub(crate) markets: Markets,
    /// Product codes of trade, by their numbers.
    pub(crate) codes: Codes,
    /// Units and bases of output.
    pub(crate) bases: Bases,
}

impl From<Tally> for Kept {
    fn from(tally: Tally) -> Self {
        Self { markets: tally.markets, codes: tally.codes, bases: tally.bases }
    }
}

impl From<Kept> for Tally {
    fn from(kept: Kept) -> Self {
        Self { markets: kept.markets, codes: kept.codes, bases: kept.bases, ..Self::default() }
    }
}

/// Markets whose flows are taken out of a tally while a chunk is added.
#[derive(Debug, Default)]
struct Taken {
    places: BTreeMap<Market, usize>,
    flows: Vec<Flows>,
}

impl Tally {
    /// Adds the rows of a chunk.
    pub(crate) fn add(&mut self, columns: &Columns) {
        match columns {
            Columns::Trade(trade) => self.add_trade(trade),
            Columns::Production(production) => self.add_production(production),
            Columns::Governance(governance) => self.add_governance(governance),
            Columns::Parameters(parameters) => self.add_parameters(parameters),
            Columns::Restrictions(restrictions) => self.add_restrictions(restrictions),
            Columns::Concordance(concordance) => self.add_concordance(concordance),
        }
    }

    /// Trade is added row by row: each market of the chunk is looked up once.
    fn add_trade(&mut self, trade: &TradeColumns) {
        let economies: Vec<_> = trade.economies.iter().map(|code| number(code)).collect();
        let products: Vec<u64> = trade.products.iter().map(|product| product_number(&product.code)).collect();
        let mut places: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut taken = Taken::default();
        let mut last = None;
        for row in crate::flows::rows(trade) {
            self.rows += 1;
            let topic = (row.period, row.product);
            let place = match last {
                Some((known, place)) if known == topic => place,
                _ => *places.entry(topic).or_insert_with(|| self.take(trade, topic, &mut taken)),
            };
            last = Some((topic, place));
            let [exporter, importer] =
                [row.exporter, row.importer].map(|index| at(&economies, index).flatten());
            let flows = taken.flows.get_mut(place);
            if let (Some(exporter), Some(importer), Some(flows)) = (exporter, importer, flows) {
                let what = at(&products, row.product).unwrap_or(0) * REPORTERS;
                let reporter = u64::from(row.reporter.unsigned_abs()) % REPORTERS;
                flows.add(what + reporter, exporter, importer, row.value);
            }
        }
        for (market, place) in taken.places {
            self.widen(&market.period);
            let flows = taken.flows.get_mut(place).map(std::mem::take).unwrap_or_default();
            self.markets.insert(market, Gathered { flows, entries: Vec::new() });
        }
    }

    /// Takes the flows of a market out for a while; gives their place.
    fn take(&mut self, trade: &TradeColumns, (period, product): (u32, u32), taken: &mut Taken) -> usize {
        let product = usize::try_from(product).ok().and_then(|index| trade.products.get(index));
        if let Some(product) = product {
            self.codes.entry(product_number(&product.code)).or_insert_with(|| product.code.clone());
        }
        let market = Market {
            period: text(&trade.periods, period).to_owned(),
            about: String::new(),
            material: product.map(|product| product.material.clone()).unwrap_or_default(),
            stage: product.map(|product| product.stage.clone()).unwrap_or_default(),
        };
        if let Some(place) = taken.places.get(&market) {
            return *place;
        }
        let place = taken.flows.len();
        taken.flows.push(self.markets.remove(&market).unwrap_or_default().flows);
        taken.places.insert(market, place);
        place
    }

    fn add_production(&mut self, output: &ProductionColumns) {
        let codes: Vec<u64> = output.economies.iter().map(|code| code_number(code)).collect();
        let topics: Vec<_> =
            output.series.iter().map(|series| ["", &*series.material, &*series.stage]).collect();
        let used: BTreeSet<u32> = output.product.iter().copied().collect();
        let series = used.into_iter().filter_map(|index| output.series.get(usize::try_from(index).ok()?));
        for series in series {
            let topic = (series.material.clone(), series.stage.clone());
            self.bases.entry(topic).or_insert_with(|| (series.unit.clone(), series.basis.clone()));
        }
        let rows = output.economy.iter().zip(&output.quantity);
        let entries = rows
            .map(|(economy, quantity)| Entry { key: at(&codes, *economy).unwrap_or(0), amount: *quantity });
        self.gather(&output.periods, &topics, &output.period, &output.product, entries);
    }

    fn add_governance(&mut self, governance: &GovernanceColumns) {
        let codes: Vec<u64> = governance.economies.iter().map(|code| code_number(code)).collect();
        let topics: Vec<_> = governance.indicators.iter().map(|indicator| [&**indicator, "", ""]).collect();
        let rows = governance.economy.iter().zip(&governance.value);
        let entries =
            rows.map(|(economy, value)| Entry { key: at(&codes, *economy).unwrap_or(0), amount: *value });
        self.gather(&governance.periods, &topics, &governance.period, &governance.indicator, entries);
    }

    fn add_parameters(&mut self, columns: &ParameterColumns) {
        let parameters = &columns.parameters;
        let economies = u32::try_from(columns.economies.len()).unwrap_or(u32::MAX).max(1);
        let topics: Vec<_> =
            parameters.iter().flat_map(|about| topics_of(about, &columns.economies)).collect();
        let topics: Vec<_> = topics.iter().map(|topic| topic.each_ref().map(|text| &**text)).collect();
        let topic = columns.parameter.iter().zip(&columns.economy);
        let topic: Vec<_> = topic
            .map(|(parameter, economy)| parameter.saturating_mul(economies).saturating_add(*economy))
            .collect();
        let partners = columns.partner.iter().map(|partner| text(&columns.economies, *partner));
        let rows = columns.economy.iter().zip(&columns.parameter).zip(&columns.value);
        let entries = rows.zip(partners.chain(std::iter::repeat(""))).map(
            |(((economy, parameter), value), partner)| {
                let place = usize::try_from(*parameter).unwrap_or(usize::MAX);
                let item = parameters.get(place).map_or("", |parameter| &parameter.item);
                Entry { key: hash([text(&columns.economies, *economy), partner, item]), amount: *value }
            },
        );
        self.gather(&columns.periods, &topics, &columns.period, &topic, entries);
    }

    /// Restrictions of an economy's exports of a material at a stage are restated together, whenever they begin.
    fn add_restrictions(&mut self, columns: &RestrictionColumns) {
        let day = |index: Option<&u32>| index.map_or("", |index| text(&columns.days, *index));
        for (row, (economy, product)) in columns.economy.iter().zip(&columns.product).enumerate() {
            let place = usize::try_from(*product).unwrap_or(usize::MAX);
            let Some(product) = columns.products.get(place) else { continue };
            let [kind, partner] = [(&columns.kinds, &columns.kind), (&columns.partners, &columns.partner)]
                .map(|(names, column)| column.get(row).map_or("", |index| text(names, *index)));
            let from = day(columns.from.get(row));
            let market = Market {
                period: String::new(),
                about: text(&columns.economies, *economy).to_owned(),
                material: product.material.clone(),
                stage: product.stage.clone(),
            };
            let key = hash([kind, partner, from, &product.code]);
            self.markets.entry(market).or_default().entries.push(Entry { key, amount: 0.0 });
            self.widen(from.get(..4).unwrap_or(from));
            self.rows += 1;
        }
    }

    /// A concordance of a nomenclature is restated as a whole.
    fn add_concordance(&mut self, columns: &ConcordanceColumns) {
        let purities = columns.purity.iter().copied().chain(std::iter::repeat(f64::NAN));
        for ((code, nomenclature), purity) in columns.code.iter().zip(&columns.nomenclature).zip(purities) {
            let about = text(&columns.nomenclatures, *nomenclature).to_owned();
            let [period, material, stage] = [const { String::new() }; 3];
            let market = Market { period, about, material, stage };
            self.markets
                .entry(market)
                .or_default()
                .entries
                .push(Entry { key: hash([code.as_str()]), amount: purity });
            self.rows += 1;
        }
    }

    fn widen(&mut self, period: &str) {
        match &mut self.span {
            None => self.span = Some((period.to_owned(), period.to_owned())),
            Some((first, _)) if period < first.as_str() => period.clone_into(first),
            Some((_, last)) if period > last.as_str() => period.clone_into(last),
            Some(_) => {}
        }
    }

    /// Sorts entries into their markets; each market of the chunk is looked up once.
    fn gather(
        &mut self,
        periods: &[String],
        topics: &[[&str; 3]],
        period: &[u32],
        topic: &[u32],
        entries: impl Iterator<Item = Entry>,
    ) {
        let mut found: BTreeMap<(u32, u32), Vec<Entry>> = BTreeMap::new();
        for ((period, topic), entry) in period.iter().zip(topic).zip(entries) {
            found.entry((*period, *topic)).or_default().push(entry);
            self.rows += 1;
        }
        for ((period, topic), mut entries) in found {
            let place = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
            let [about, material, stage] =
                topics.get(place(topic)).copied().unwrap_or_default().map(str::to_owned);
            let period = periods.get(place(period)).cloned().unwrap_or_default();
            self.widen(&period);
            self.markets
                .entry(Market { period, about, material, stage })
                .or_default()
                .entries
                .append(&mut entries);
        }
    }
}

/// What a parameter is about with each economy of a dictionary: name and economy, material, stage.
fn topics_of(about: &Parameter, economies: &[String]) -> Vec<[String; 3]> {
    let topic = |economy: &str| {
        let name = [&*about.name, economy].join(" ");
        [name.trim_end().to_owned(), about.material.clone(), about.stage.clone()]
    };
    economies.iter().map(|economy| topic(economy)).collect()
}

/// A product code as a number: its own, or where it is none, one that hardly any other has.
pub(crate) fn product_number(code: &str) -> u64 {
    let digits = code.parse().ok().filter(|number| *number < DIGITS && matches!(code.len(), 6 | 8));
    digits.unwrap_or_else(|| DIGITS + (hash([code]) >> 4))
}

/// Texts as one number (FNV-1a, each text with its end). Of two different rows of a market one in 2^64 pairs has the same.
fn hash<const N: usize>(texts: [&str; N]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// A code of up to five capitals and digits as a number in base 36; the code can be had back by [`code_of`].
pub(crate) fn code_number(code: &str) -> u64 {
    let digits = code.chars().take(5).map(|c| u64::from(c.to_digit(36).unwrap_or(0)));
    digits.fold(0, |number, digit| number * 36 + digit)
}

/// The code of a number.
pub(crate) fn code_of(mut number: u64) -> String {
    let mut letters = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        letters.push(char::from_digit(digit, 36).unwrap_or('0').to_ascii_uppercase());
        number /= 36;
    }
    letters.iter().rev().collect()
}

fn text(names: &[String], index: u32) -> &str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).map_or("", String::as_str)
}

fn at<T: Copy>(entries: &[T], index: u32) -> Option<T> {
    usize::try_from(index).ok().and_then(|index| entries.get(index)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_from_their_numbers() {
        for code in ["CHN", "USA", "ZA1", "BLX", "OTHER"] {
            assert_eq!(code_of(code_number(code)), code);
        }
    }
}
