//! What gates need of a release's rows, gathered as the rows arrive.
mod flows;
mod projections;
mod set;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, GovernanceColumns, Parameter, ParameterColumns, ProductionColumns,
    RestrictionColumns, TradeColumns,
};

pub(crate) use flows::{Flows, Group, Side, Suspects};
pub(crate) use set::{EconomySet, economy_code, economy_number};

/// Product codes of six or eight digits are numbers below this; others are numbered by their hash from here
/// on.
const MAX_NUMERIC_CODE: u64 = 100_000_000;

/// Number of values of the reporter in a flow key: neither side, importer, exporter, one spare.
pub(crate) const REPORTER_SLOTS: u64 = 4;

/// The reporter of a flow is its exporter.
pub(crate) const BY_EXPORTER: u64 = 2;

/// A topic in a period: what a newer release replaces as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Market {
    /// Period; empty for restrictions, targets and claims, which have days of their own.
    pub(crate) period: String,
    /// Indicator, parameter with the economy that it is about, the economy that restricts its exports, side
    /// and scenario of a projection (see [`projections::side_and_scenario`]), or identifier of a target or
    /// claim; empty for trade and output.
    pub(crate) about: String,
    /// Material; empty for what has none.
    pub(crate) material: String,
    /// Stage; empty for what has none.
    pub(crate) stage: String,
}

impl Market {
    /// The indicator, parameter or economy, without the economy of a parameter.
    pub(crate) fn name(&self) -> &str {
        self.about.split(' ').next().unwrap_or_default()
    }

    /// Material and stage.
    pub(crate) fn topic(&self) -> String {
        format!("{} {}", self.material, self.stage).trim().to_owned()
    }

    /// The market in words: indicator, parameter or economy, material, stage and period.
    pub(crate) fn sentence(&self) -> String {
        let parts = [&self.about, &self.material, &self.stage, &self.period];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The economy of a parameter, if it has one.
    pub(crate) fn economy(&self) -> Option<&str> {
        self.about.split_once(' ').map(|(_, economy)| economy)
    }
}

/// A row: its key in its market, and the amount that shares are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    /// See [`code_to_number`] and [`hash`].
    pub(crate) key: u64,
    /// Quantity of output or of a projection, value of an indicator or parameter; NaN if not known, 0 for a
    /// restriction, target or claim.
    pub(crate) amount: f64,
}

/// Rows of a release by market.
pub(crate) type Markets = BTreeMap<Market, MarketRows>;

/// Rows of a market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MarketRows {
    /// Trade: who ships to whom, and their sums.
    pub(crate) flows: Flows,
    /// Rows of all other tables, in the order they came.
    pub(crate) entries: Vec<Entry>,
}

impl MarketRows {
    /// Sum of the known amounts, without their signs, in the order of the rows.
    pub(crate) fn sum(&self) -> f64 {
        known_amounts(&self.entries).map(f64::abs).sum::<f64>() + self.flows.sum
    }

    /// Number of rows whose key was there before.
    pub(crate) fn repeated_keys(&self) -> usize {
        self.flows.repeated_keys() + self.entries.len().saturating_sub(keys(&self.entries).len())
    }
}

/// Whether rows repeat a key of the tally.
pub(crate) fn repeats_key(tally: &Tally, rows: &Columns) -> bool {
    let mut new = Tally::default();
    new.add(rows);
    new.markets.keys().filter_map(|market| Some((market, tally.markets.get(market)?))).any(|(market, old)| {
        let before = old.repeated_keys() + new.markets.get(market).map_or(0, MarketRows::repeated_keys);
        let mut both = Tally { markets: Markets::from([(market.clone(), old.clone())]), ..Tally::default() };
        both.add(rows);
        both.markets.get(market).is_some_and(|both| both.repeated_keys() > before)
    })
}

fn keys(entries: &[Entry]) -> BTreeSet<u64> {
    entries.iter().map(|entry| entry.key).collect()
}

/// The known amounts.
pub(crate) fn known_amounts(entries: &[Entry]) -> impl Iterator<Item = f64> {
    entries.iter().map(|entry| entry.amount).filter(|amount| !amount.is_nan())
}

/// Rows of a release that is not closed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Rows recorded.
    pub(crate) rows: u64,
    /// Rejections listed.
    pub(crate) listed: u64,
    /// Rows by market.
    pub(crate) markets: Markets,
    /// First and last period with a row; of restrictions the first and last year in which one begins, of
    /// targets in which one was announced, of claims in which one was made.
    pub(crate) span: Option<(String, String)>,
    /// Product codes of trade, by their numbers.
    pub(crate) codes: Codes,
    /// Units and bases of output and projections.
    pub(crate) bases: Bases,
    /// Materials and stages with figures on several bases.
    pub(crate) mixed_bases: BTreeSet<(String, String)>,
}

/// Product codes by their numbers in [`Flows`].
pub(crate) type Codes = BTreeMap<u64, String>;

/// Unit and basis of output, by material and stage.
pub(crate) type Bases = BTreeMap<(String, String), (String, String)>;

/// What is kept of the rows of a committed release, for the gates of its successors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CommittedRows {
    /// Rows by market.
    pub(crate) markets: Markets,
    /// Product codes of trade, by their numbers.
    pub(crate) codes: Codes,
    /// Units and bases of output.
    pub(crate) bases: Bases,
}

impl From<Tally> for CommittedRows {
    fn from(tally: Tally) -> Self {
        Self { markets: tally.markets, codes: tally.codes, bases: tally.bases }
    }
}

impl From<CommittedRows> for Tally {
    fn from(committed_rows: CommittedRows) -> Self {
        Self {
            markets: committed_rows.markets,
            codes: committed_rows.codes,
            bases: committed_rows.bases,
            ..Self::default()
        }
    }
}

/// Markets whose flows are taken out of a tally while a chunk is added, so that each is looked up once.
#[derive(Debug, Default)]
struct TakenFlows {
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
            Columns::Projections(projections) => self.add_projections(projections),
            Columns::Targets(targets) => self.add_targets(targets),
            Columns::Claims(claims) => self.add_claims(claims),
        }
    }

    /// Adds trade row by row. Each market of the chunk is looked up once.
    fn add_trade(&mut self, trade: &TradeColumns) {
        let economies: Vec<_> = trade.economies.iter().map(|code| economy_number(code)).collect();
        let products: Vec<u64> = trade.products.iter().map(|product| product_number(&product.code)).collect();
        let mut places: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut taken = TakenFlows::default();
        let mut last = None;
        for row in orewatch_formats::flows::rows(trade) {
            self.rows += 1;
            let topic = (row.period, row.product);
            let place = match last {
                Some((known, place)) if known == topic => place,
                _ => *places.entry(topic).or_insert_with(|| self.take_flows(trade, topic, &mut taken)),
            };
            last = Some((topic, place));
            let [exporter, importer] =
                [row.exporter, row.importer].map(|index| entry_at(&economies, index).flatten());
            let flows = taken.flows.get_mut(place);
            if let (Some(exporter), Some(importer), Some(flows)) = (exporter, importer, flows) {
                let flow_key = entry_at(&products, row.product).unwrap_or(0) * REPORTER_SLOTS;
                let reporter = u64::from(row.reporter.unsigned_abs()) % REPORTER_SLOTS;
                flows.add(flow_key + reporter, exporter, importer, row.value);
            }
        }
        for (market, place) in taken.places {
            self.extend_span(&market.period);
            let flows = taken.flows.get_mut(place).map(std::mem::take).unwrap_or_default();
            self.markets.insert(market, MarketRows { flows, entries: Vec::new() });
        }
    }

    /// Takes the flows of a market out of the tally. Returns their index.
    fn take_flows(
        &mut self,
        trade: &TradeColumns,
        (period, product): (u32, u32),
        taken: &mut TakenFlows,
    ) -> usize {
        let product = usize::try_from(product).ok().and_then(|index| trade.products.get(index));
        if let Some(product) = product {
            self.codes.entry(product_number(&product.code)).or_insert_with(|| product.code.clone());
        }
        let market = Market {
            period: name_at(&trade.periods, period).to_owned(),
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
        let codes: Vec<u64> = output.economies.iter().map(|code| code_to_number(code)).collect();
        let topics: Vec<_> =
            output.series.iter().map(|series| ["", &*series.material, &*series.stage]).collect();
        let used: BTreeSet<u32> = output.product.iter().copied().collect();
        let series = used.into_iter().filter_map(|index| output.series.get(usize::try_from(index).ok()?));
        for series in series {
            self.add_basis([&series.material, &series.stage, &series.unit, &series.basis]);
        }
        let rows = output.economy.iter().zip(&output.quantity);
        let entries = rows.map(|(economy, quantity)| Entry {
            key: entry_at(&codes, *economy).unwrap_or(0),
            amount: *quantity,
        });
        self.add_entries(&output.periods, &topics, &output.period, &output.product, entries);
    }

    /// Notes the unit and basis of a material and stage.
    fn add_basis(&mut self, [material, stage, unit, basis]: [&str; 4]) {
        let topic = (material.to_owned(), stage.to_owned());
        let own = (unit.to_owned(), basis.to_owned());
        let known = self.bases.entry(topic.clone()).or_insert_with(|| own.clone());
        if *known != own {
            self.mixed_bases.insert(topic);
        }
    }

    fn add_governance(&mut self, governance: &GovernanceColumns) {
        let codes: Vec<u64> = governance.economies.iter().map(|code| code_to_number(code)).collect();
        let topics: Vec<_> = governance.indicators.iter().map(|indicator| [&**indicator, "", ""]).collect();
        let rows = governance.economy.iter().zip(&governance.value);
        let entries = rows
            .map(|(economy, value)| Entry { key: entry_at(&codes, *economy).unwrap_or(0), amount: *value });
        self.add_entries(&governance.periods, &topics, &governance.period, &governance.indicator, entries);
    }

    fn add_parameters(&mut self, columns: &ParameterColumns) {
        let parameters = &columns.parameters;
        let economies = u32::try_from(columns.economies.len()).unwrap_or(u32::MAX).max(1);
        let topics: Vec<_> =
            parameters.iter().flat_map(|about| parameter_topics(about, &columns.economies)).collect();
        let topics: Vec<_> = topics.iter().map(|topic| topic.each_ref().map(|text| &**text)).collect();
        let topic = columns.parameter.iter().zip(&columns.economy);
        let topic: Vec<_> = topic
            .map(|(parameter, economy)| parameter.saturating_mul(economies).saturating_add(*economy))
            .collect();
        let partners = columns.partner.iter().map(|partner| name_at(&columns.economies, *partner));
        let rows = columns.economy.iter().zip(&columns.parameter).zip(&columns.value);
        let entries = rows.zip(partners.chain(std::iter::repeat(""))).map(
            |(((economy, parameter), value), partner)| {
                let place = usize::try_from(*parameter).unwrap_or(usize::MAX);
                let item = parameters.get(place).map_or("", |parameter| &parameter.item);
                Entry { key: hash([name_at(&columns.economies, *economy), partner, item]), amount: *value }
            },
        );
        self.add_entries(&columns.periods, &topics, &columns.period, &topic, entries);
    }

    /// Adds restrictions. Those of an economy's exports of a material at a stage are restated together,
    /// whenever they begin.
    fn add_restrictions(&mut self, columns: &RestrictionColumns) {
        let day = |index: Option<&u32>| index.map_or("", |index| name_at(&columns.days, *index));
        for (row, (economy, product)) in columns.economy.iter().zip(&columns.product).enumerate() {
            let place = usize::try_from(*product).unwrap_or(usize::MAX);
            let Some(product) = columns.products.get(place) else { continue };
            let [kind, partner] = [(&columns.kinds, &columns.kind), (&columns.partners, &columns.partner)]
                .map(|(names, column)| column.get(row).map_or("", |index| name_at(names, *index)));
            let from = day(columns.from.get(row));
            let market = Market {
                period: String::new(),
                about: name_at(&columns.economies, *economy).to_owned(),
                material: product.material.clone(),
                stage: product.stage.clone(),
            };
            let key = hash([kind, partner, from, &product.code]);
            self.markets.entry(market).or_default().entries.push(Entry { key, amount: 0.0 });
            self.extend_span(from.get(..4).unwrap_or(from));
            self.rows += 1;
        }
    }

    /// Adds a concordance. That of a nomenclature is restated as a whole.
    fn add_concordance(&mut self, columns: &ConcordanceColumns) {
        let purities = columns.purity.iter().copied().chain(std::iter::repeat(f64::NAN));
        for ((code, nomenclature), purity) in columns.code.iter().zip(&columns.nomenclature).zip(purities) {
            let about = name_at(&columns.nomenclatures, *nomenclature).to_owned();
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

    fn extend_span(&mut self, period: &str) {
        match &mut self.span {
            None => self.span = Some((period.to_owned(), period.to_owned())),
            Some((first, _)) if period < first.as_str() => period.clone_into(first),
            Some((_, last)) if period > last.as_str() => period.clone_into(last),
            Some(_) => {}
        }
    }

    /// Sorts entries into their markets. Each market of the chunk is looked up once.
    fn add_entries(
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
            self.extend_span(&period);
            self.markets
                .entry(Market { period, about, material, stage })
                .or_default()
                .entries
                .append(&mut entries);
        }
    }
}

/// Topics of a parameter with each economy of a dictionary: name and economy, material, stage.
fn parameter_topics(about: &Parameter, economies: &[String]) -> Vec<[String; 3]> {
    let topic = |economy: &str| {
        let name = [&*about.name, economy].join(" ");
        [name.trim_end().to_owned(), about.material.clone(), about.stage.clone()]
    };
    economies.iter().map(|economy| topic(economy)).collect()
}

/// A product code as a number: its own digits, or else a hash that hardly any other code has.
pub(crate) fn product_number(code: &str) -> u64 {
    let digits = code.parse().ok().filter(|number| *number < MAX_NUMERIC_CODE && matches!(code.len(), 6 | 8));
    digits.unwrap_or_else(|| MAX_NUMERIC_CODE + (hash([code]) >> 4))
}

/// Texts as one number (FNV-1a, each text followed by a zero byte). Two different rows of a market have the
/// same number in one of 2^64 pairs.
fn hash<const N: usize>(texts: [&str; N]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// A code of up to five capitals and digits as a number in base 36, which [`number_to_code`] reverses.
pub(crate) fn code_to_number(code: &str) -> u64 {
    let digits = code.chars().take(5).map(|c| u64::from(c.to_digit(36).unwrap_or(0)));
    digits.fold(0, |number, digit| number * 36 + digit)
}

/// The code of a number.
pub(crate) fn number_to_code(mut number: u64) -> String {
    let mut letters = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        letters.push(char::from_digit(digit, 36).unwrap_or('0').to_ascii_uppercase());
        number /= 36;
    }
    letters.iter().rev().collect()
}

fn name_at(names: &[String], index: u32) -> &str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).map_or("", String::as_str)
}

fn entry_at<T: Copy>(entries: &[T], index: u32) -> Option<T> {
    usize::try_from(index).ok().and_then(|index| entries.get(index)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_to_code_reverses_code_to_number() {
        for code in ["CHN", "USA", "ZA1", "BLX", "OTHER"] {
            assert_eq!(number_to_code(code_to_number(code)), code);
        }
    }
}
