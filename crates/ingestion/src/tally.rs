//! What the gates need of a release's rows, gathered as the rows arrive.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{GovernanceColumns, ProductionColumns, TradeColumns};

/// Numbers of alpha-3 codes, in base 36, are below this.
pub(crate) const CODES: u64 = 36 * 36 * 36;

/// Six-digit product codes are below this.
const PRODUCTS: u64 = 1_000_000;

/// One topic in one period: what a newer release replaces as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Market {
    /// Valid time.
    pub(crate) period: String,
    /// Material, or indicator.
    pub(crate) material: String,
    /// Stage; empty for an indicator.
    pub(crate) stage: String,
}

/// One row: what identifies it in its market, and the amount that shares are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    /// See [`flow_key`] and [`code_number`].
    pub(crate) key: u64,
    /// Value of a flow, quantity of output; NaN if not known.
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
}

/// The keys of a committed release: sorted fingerprints by market. Of two keys of a market one in four thousand million
/// pairs has the same; such a pair counts as one key, which the gate that compares numbers of keys can bear.
pub(crate) type Scope = BTreeMap<Market, Box<[u32]>>;

impl Tally {
    /// Adds the rows of a chunk.
    pub(crate) fn add(&mut self, columns: &Columns) {
        match columns {
            Columns::Trade(trade) => self.add_trade(trade),
            Columns::Production(production) => self.add_production(production),
            Columns::Governance(governance) => self.add_governance(governance),
            Columns::Parameters(_) | Columns::Restrictions(_) => {}
        }
    }

    /// What is kept of it once the release is committed.
    pub(crate) fn scope(&self) -> Scope {
        let keys = |entries: &Vec<Entry>| {
            let mut keys: Vec<u32> = entries.iter().map(|entry| fingerprint(entry.key)).collect();
            keys.sort_unstable();
            keys.dedup();
            keys.into_boxed_slice()
        };
        self.markets.iter().map(|(market, entries)| (market.clone(), keys(entries))).collect()
    }

    fn add_trade(&mut self, trade: &TradeColumns) {
        let codes: Vec<u64> = trade.economies.iter().map(|code| code_number(code)).collect();
        let products: Vec<u64> =
            trade.products.iter().map(|product| product.code.parse().unwrap_or(0)).collect();
        let topics: Vec<_> =
            trade.products.iter().map(|product| [&*product.material, &*product.stage]).collect();
        let rows = trade.exporter.iter().zip(&trade.importer).zip(&trade.product).zip(&trade.value);
        let entries = rows.map(|(((exporter, importer), product), value)| Entry {
            key: flow_key(at(&codes, *exporter), at(&codes, *importer), at(&products, *product)),
            amount: *value,
        });
        self.gather(&trade.periods, &topics, &trade.period, &trade.product, entries);
    }

    fn add_production(&mut self, output: &ProductionColumns) {
        let codes: Vec<u64> = output.economies.iter().map(|code| code_number(code)).collect();
        let topics: Vec<_> = output.series.iter().map(|series| [&*series.material, &*series.stage]).collect();
        let rows = output.economy.iter().zip(&output.quantity);
        let entries = rows.map(|(economy, quantity)| Entry { key: at(&codes, *economy), amount: *quantity });
        self.gather(&output.periods, &topics, &output.period, &output.product, entries);
    }

    fn add_governance(&mut self, governance: &GovernanceColumns) {
        let codes: Vec<u64> = governance.economies.iter().map(|code| code_number(code)).collect();
        let topics: Vec<_> = governance.indicators.iter().map(|indicator| [&**indicator, ""]).collect();
        let rows = governance.economy.iter().zip(&governance.value);
        let entries = rows.map(|(economy, value)| Entry { key: at(&codes, *economy), amount: *value });
        self.gather(&governance.periods, &topics, &governance.period, &governance.indicator, entries);
    }

    /// Sorts entries into their markets; each market of the chunk is looked up once.
    fn gather(
        &mut self,
        periods: &[String],
        topics: &[[&str; 2]],
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
            let [material, stage] = topics.get(place(topic)).copied().unwrap_or_default().map(str::to_owned);
            let period = periods.get(place(period)).cloned().unwrap_or_default();
            self.markets.entry(Market { period, material, stage }).or_default().append(&mut entries);
        }
    }
}

/// Exporter, importer and product as one number.
fn flow_key(exporter: u64, importer: u64, product: u64) -> u64 {
    (exporter * CODES + importer) * PRODUCTS + product
}

/// Exporter and importer of a [`flow_key`], and the product.
pub(crate) fn flow_of(key: u64) -> [u64; 3] {
    let pair = key / PRODUCTS;
    [pair / CODES, pair % CODES, key % PRODUCTS]
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
