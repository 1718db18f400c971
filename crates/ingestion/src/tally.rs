//! What the gates need of a release's rows, gathered as the rows arrive.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, GovernanceColumns, Parameter, ParameterColumns, ProductionColumns,
    RestrictionColumns, TradeColumns,
};

/// Numbers of alpha-3 codes, in base 36, are below this.
pub(crate) const CODES: u64 = 36 * 36 * 36;

/// Product codes of six or eight digits are below this; other codes are numbered from here on.
const DIGITS: u64 = 100_000_000;

/// Numbers of product codes are below this.
const PRODUCTS: u64 = 2_000_000_000;

/// Who reports a flow is below this: nobody in particular, importer, exporter.
pub(crate) const REPORTERS: u64 = 4;

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
}

/// One row: what identifies it in its market, and the amount that shares are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    /// See [`flow_key`], [`code_number`] and [`hash`].
    pub(crate) key: u64,
    /// Value of a flow, quantity of output, value of an indicator or parameter; NaN if not known, 0 for a restriction.
    pub(crate) amount: f64,
}

/// The rows of a release that is not closed, by market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Rows recorded.
    pub(crate) rows: u64,
    /// Rejections listed.
    pub(crate) listed: u64,
    /// Their keys and amounts, in the order they came.
    pub(crate) markets: BTreeMap<Market, Vec<Entry>>,
    /// Numbers of product codes that are no numbers themselves.
    codes: BTreeMap<String, u64>,
    /// First and last period with a row; of restrictions the first and last year in which one begins.
    pub(crate) span: Option<(String, String)>,
}

/// What is kept of the markets of a committed release, for the gates of the releases that restate it.
pub(crate) type Scope = BTreeMap<Market, Kept>;

/// What is kept of a market.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    /// Sorted fingerprints of its keys. Of two keys of a market one in four thousand million pairs has the same; such a pair
    /// counts as one key, which the gate that compares numbers of keys can bear.
    pub(crate) keys: Box<[u32]>,
    /// Sum of the amounts that are known, without their signs.
    pub(crate) sum: f64,
}

/// Sum of the amounts that are known, without their signs, in the order of the rows.
pub(crate) fn sum(entries: &[Entry]) -> f64 {
    entries.iter().map(|entry| entry.amount.abs()).filter(|amount| !amount.is_nan()).sum()
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

    /// What is kept of it once the release is committed.
    pub(crate) fn scope(&self) -> Scope {
        let kept = |entries: &Vec<Entry>| {
            let mut keys: Vec<u32> = entries.iter().map(|entry| fingerprint(entry.key)).collect();
            keys.sort_unstable();
            keys.dedup();
            Kept { keys: keys.into_boxed_slice(), sum: sum(entries) }
        };
        self.markets.iter().map(|(market, entries)| (market.clone(), kept(entries))).collect()
    }

    fn add_trade(&mut self, trade: &TradeColumns) {
        let codes: Vec<u64> = trade.economies.iter().map(|code| code_number(code)).collect();
        let products: Vec<u64> =
            trade.products.iter().map(|product| self.product_number(&product.code)).collect();
        let topics: Vec<_> =
            trade.products.iter().map(|product| ["", &*product.material, &*product.stage]).collect();
        let rows = trade.exporter.iter().zip(&trade.importer).zip(&trade.product).zip(&trade.value);
        let reporters = trade.reporter.iter().map(|reporter| u64::from(reporter.unsigned_abs()));
        let entries = rows.zip(reporters.chain(std::iter::repeat(0))).map(
            |((((exporter, importer), product), value), reporter)| Entry {
                key: flow_key(
                    at(&codes, *exporter),
                    at(&codes, *importer),
                    at(&products, *product) * REPORTERS + reporter % REPORTERS,
                ),
                amount: *value,
            },
        );
        self.gather(&trade.periods, &topics, &trade.period, &trade.product, entries);
    }

    /// A product code as a number: its own, or where it is none, the next.
    fn product_number(&mut self, code: &str) -> u64 {
        if let Some(number) =
            code.parse().ok().filter(|number| *number < DIGITS && matches!(code.len(), 6 | 8))
        {
            return number;
        }
        let next =
            DIGITS.saturating_add(u64::try_from(self.codes.len()).unwrap_or(u64::MAX)).min(PRODUCTS - 1);
        *self.codes.entry(code.to_owned()).or_insert(next)
    }

    fn add_production(&mut self, output: &ProductionColumns) {
        let codes: Vec<u64> = output.economies.iter().map(|code| code_number(code)).collect();
        let topics: Vec<_> =
            output.series.iter().map(|series| ["", &*series.material, &*series.stage]).collect();
        let rows = output.economy.iter().zip(&output.quantity);
        let entries = rows.map(|(economy, quantity)| Entry { key: at(&codes, *economy), amount: *quantity });
        self.gather(&output.periods, &topics, &output.period, &output.product, entries);
    }

    fn add_governance(&mut self, governance: &GovernanceColumns) {
        let codes: Vec<u64> = governance.economies.iter().map(|code| code_number(code)).collect();
        let topics: Vec<_> = governance.indicators.iter().map(|indicator| [&**indicator, "", ""]).collect();
        let rows = governance.economy.iter().zip(&governance.value);
        let entries = rows.map(|(economy, value)| Entry { key: at(&codes, *economy), amount: *value });
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
            self.markets.entry(market).or_default().push(Entry { key, amount: 0.0 });
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
            self.markets.entry(Market { period, about, material, stage }).or_default().append(&mut entries);
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

/// Exporter, importer and product, the latter with who reports the flow, as one number.
fn flow_key(exporter: u64, importer: u64, product: u64) -> u64 {
    (exporter * CODES + importer) * (REPORTERS * PRODUCTS) + product
}

/// Exporter and importer of a [`flow_key`], and the product as it is reported by one side.
pub(crate) fn flow_of(key: u64) -> [u64; 3] {
    let pair = key / (REPORTERS * PRODUCTS);
    [pair / CODES, pair % CODES, key % (REPORTERS * PRODUCTS)]
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

/// A key as 32 bits, mixed so that neighbours do not meet.
pub(crate) fn fingerprint(key: u64) -> u32 {
    u32::try_from(key.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).unwrap_or(0)
}

fn text(names: &[String], index: u32) -> &str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).map_or("", String::as_str)
}

fn at(numbers: &[u64], index: u32) -> u64 {
    usize::try_from(index).ok().and_then(|index| numbers.get(index)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_from_their_numbers() {
        for code in ["CHN", "USA", "ZA1", "BLX", "OTHER"] {
            assert_eq!(code_of(code_number(code)), code);
        }
        let [chn, usa] = ["CHN", "USA"].map(code_number);
        assert_eq!(flow_of(flow_key(chn, usa, 280_530)), [chn, usa, 280_530]);
    }
}
