//! Decodes production.

use orewatch_catalog::{OTHER, WORLD};
use orewatch_contracts::ingestion::v1::ProductionColumns;

use super::columns::{amount, economy, entry, index, lookup, market, origin, periods, value};
use super::{OpenRelease, Unreadable};
use crate::book::table::{SortedRow, TableBuilder};
use crate::book::{EconomyId, Output};

/// Whose output a row gives.
#[derive(Clone, Copy, Debug)]
enum Producer {
    Economy(EconomyId),
    /// Economies that the source does not list.
    Others,
    /// The total that the source prints for the world.
    World,
}

impl OpenRelease {
    pub(super) fn record_production(&mut self, columns: &ProductionColumns) -> Result<(), Unreadable> {
        let producers = producers(&columns.economies)?;
        let series = columns.series.iter().map(|series| (&*series.material, &*series.stage));
        let totals = markets(&mut self.totals, &columns.periods, series.clone())?;
        let markets = markets(&mut self.output, &columns.periods, series)?;
        let bases: Vec<_> = columns.series.iter().map(|series| self.products.index(&series.basis)).collect();
        for row in 0..columns.period.len() {
            let product = entry(&columns.product, row, "product")?;
            let producer = value(&producers, &columns.economy, row, "economy")?;
            let output = Output {
                economy: match producer {
                    Producer::Economy(economy) => Some(economy),
                    Producer::Others | Producer::World => None,
                },
                product: lookup(&bases, product, "product")?,
                source: 0,
                origin: origin(&columns.file, &columns.line, &columns.column, row)?,
                quantity: amount(&columns.quantity, &columns.status, row, "quantity")?,
            };
            if matches!(producer, Producer::World) {
                self.totals.push(market_of_row(&totals, &columns.period, row, product)?, output);
            } else {
                self.output.push(market_of_row(&markets, &columns.period, row, product)?, output);
            }
        }
        Ok(())
    }
}

/// Indices of markets in the table, by period and series of the chunk.
fn markets<'a, R: SortedRow>(
    table: &mut TableBuilder<R>,
    texts: &[String],
    products: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<Vec<Vec<u32>>, Unreadable> {
    let markets_of_period = |period| {
        let products = products.clone();
        products.map(|(material, stage)| Ok(table.key(market(material, stage, period)?))).collect()
    };
    periods(texts)?.into_iter().map(markets_of_period).collect()
}

/// The index of a row's market in the table.
fn market_of_row(markets: &[Vec<u32>], column: &[u32], row: usize, product: u32) -> Result<u32, Unreadable> {
    let by_series = markets.get(index(entry(column, row, "period")?));
    lookup(by_series.ok_or_else(|| Unreadable::short("period"))?, product, "product")
}

fn producers(codes: &[String]) -> Result<Vec<Producer>, Unreadable> {
    let producer = |code: &String| match code.as_str() {
        OTHER => Ok(Producer::Others),
        WORLD => Ok(Producer::World),
        code => economy(code).map(Producer::Economy),
    };
    codes.iter().map(producer).collect()
}
