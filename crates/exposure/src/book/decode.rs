//! From the columns of recorded observations to rows.

use std::collections::BTreeMap;

use orewatch_catalog::{OTHER, Period, material};
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, ProductionColumns, Release, TradeColumns};
use orewatch_measures::Status;

use super::{Cell, Content, EconomyId, Flow, Market, Origin, Output, Table};

/// A release that is not committed yet: nobody sees its rows.
#[derive(Debug, Default)]
pub struct Open {
    release: Release,
    /// Chunks that are there: a repeated one is dropped.
    chunks: u32,
    markets: Vec<Market>,
    market_index: BTreeMap<Market, u32>,
    products: Vec<String>,
    product_index: BTreeMap<String, u16>,
    flows: Vec<(u32, Flow)>,
    output: Vec<(u32, Output)>,
}

/// Columns that do not fit together or name what this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn unknown(what: &str, value: &str) -> Self {
        Self(format!("its {what} {value:?} is not known to this version: run a newer one"))
    }

    fn short(column: &str) -> Self {
        Self(format!("its column `{column}` is too short or points outside its dictionary"))
    }
}

impl Open {
    /// A release of which no rows are recorded yet.
    #[must_use]
    pub fn new(release: Release) -> Self {
        Self { release, ..Self::default() }
    }

    /// Adds the rows of a chunk. Governance is not part of any measure yet, and is passed over.
    ///
    /// # Errors
    /// [`Unreadable`]; some of the chunk's rows may have been added.
    pub fn record(&mut self, chunk: &ObservationsRecorded) -> Result<(), Unreadable> {
        if chunk.chunk < self.chunks {
            return Ok(());
        }
        self.chunks = chunk.chunk.saturating_add(1);
        match &chunk.columns {
            Some(Columns::Trade(columns)) => self.record_trade(columns),
            Some(Columns::Production(columns)) => self.record_production(columns),
            Some(Columns::Governance(_) | Columns::Parameters(_) | Columns::Restrictions(_)) | None => Ok(()),
        }
    }

    /// The release as it is from its commit on.
    #[must_use]
    pub fn close(self) -> Content {
        Content {
            flows: Table::new(&self.markets, self.flows),
            output: Table::new(&self.markets, self.output),
            release: self.release,
            products: self.products,
        }
    }

    fn record_trade(&mut self, columns: &TradeColumns) -> Result<(), Unreadable> {
        let economies = economies(&columns.economies)?;
        let products = columns.products.iter().map(|product| (&*product.material, &*product.stage));
        let markets = self.markets(&columns.periods, products)?;
        let codes: Vec<_> = columns.products.iter().map(|product| self.product(&product.code)).collect();
        self.flows.reserve(columns.period.len());
        for row in 0..columns.period.len() {
            let product = at(&columns.product, row, "product")?;
            let period = at(&columns.period, row, "period")?;
            let market = *lookup(markets.get(index(period)), product, "period")?;
            let flow = Flow {
                importer: *lookup(Some(&economies), at(&columns.importer, row, "importer")?, "importer")?,
                exporter: *lookup(Some(&economies), at(&columns.exporter, row, "exporter")?, "exporter")?,
                product: *lookup(Some(&codes), product, "product")?,
                origin: origin(&columns.file, &columns.line, row)?,
                quantity: cell(&columns.quantity, &columns.quantity_status, row, "quantity")?,
                value: cell(&columns.value, &columns.value_status, row, "value")?,
            };
            self.flows.push((market, flow));
        }
        Ok(())
    }

    fn record_production(&mut self, columns: &ProductionColumns) -> Result<(), Unreadable> {
        let economies = producers(&columns.economies)?;
        let series = columns.series.iter().map(|series| (&*series.material, &*series.stage));
        let markets = self.markets(&columns.periods, series)?;
        let bases: Vec<_> = columns.series.iter().map(|series| self.product(&series.basis)).collect();
        for row in 0..columns.period.len() {
            let product = at(&columns.product, row, "product")?;
            let period = at(&columns.period, row, "period")?;
            let market = *lookup(markets.get(index(period)), product, "period")?;
            let output = Output {
                economy: *lookup(Some(&economies), at(&columns.economy, row, "economy")?, "economy")?,
                product: *lookup(Some(&bases), product, "product")?,
                origin: origin(&columns.file, &columns.line, row)?,
                quantity: cell(&columns.quantity, &columns.status, row, "quantity")?,
            };
            self.output.push((market, output));
        }
        Ok(())
    }

    /// Indices of markets, by period and product of the chunk.
    fn markets<'a>(
        &mut self,
        periods: &[String],
        products: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Result<Vec<Vec<u32>>, Unreadable> {
        let mut rows = Vec::with_capacity(periods.len());
        for period in periods {
            let period: Period = period.parse().map_err(|_| Unreadable::unknown("period", period))?;
            let of_period = products.clone().map(|(material, stage)| self.market(material, stage, period));
            rows.push(of_period.collect::<Result<_, _>>()?);
        }
        Ok(rows)
    }

    fn market(&mut self, id: &str, stage: &str, period: Period) -> Result<u32, Unreadable> {
        let material = material(id).map_err(|_| Unreadable::unknown("material", id))?.id;
        let stage = stage.parse().map_err(|_| Unreadable::unknown("stage", stage))?;
        let market = Market { material, stage, period };
        if let Some(index) = self.market_index.get(&market) {
            return Ok(*index);
        }
        let index = u32::try_from(self.markets.len())
            .map_err(|_| Unreadable("it has too many markets".to_owned()))?;
        self.markets.push(market);
        self.market_index.insert(market, index);
        Ok(index)
    }

    /// Index of a product code or basis. A release with more of them than fit has the last one for the rest.
    fn product(&mut self, text: &str) -> u16 {
        if let Some(index) = self.product_index.get(text) {
            return *index;
        }
        let Ok(index) = u16::try_from(self.products.len()) else { return u16::MAX };
        self.products.push(text.to_owned());
        self.product_index.insert(text.to_owned(), index);
        index
    }
}

fn economies(codes: &[String]) -> Result<Vec<EconomyId>, Unreadable> {
    codes.iter().map(|code| EconomyId::of(code).ok_or_else(|| Unreadable::unknown("economy", code))).collect()
}

fn producers(codes: &[String]) -> Result<Vec<Option<EconomyId>>, Unreadable> {
    let producer = |code: &String| match code.as_str() {
        OTHER => Ok(None),
        code => EconomyId::of(code).map(Some).ok_or_else(|| Unreadable::unknown("economy", code)),
    };
    codes.iter().map(producer).collect()
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn at<T: Copy>(column: &[T], row: usize, name: &str) -> Result<T, Unreadable> {
    column.get(row).copied().ok_or_else(|| Unreadable::short(name))
}

fn lookup<'a, T>(dictionary: Option<&'a Vec<T>>, number: u32, name: &str) -> Result<&'a T, Unreadable> {
    dictionary.and_then(|dictionary| dictionary.get(index(number))).ok_or_else(|| Unreadable::short(name))
}

fn origin(files: &[u32], lines: &[u64], row: usize) -> Result<Origin, Unreadable> {
    let file = if files.is_empty() { 0 } else { at(files, row, "file")? };
    let file = u16::try_from(file).map_err(|_| Unreadable::short("file"))?;
    Ok(Origin { file, line: lines.get(row).copied().unwrap_or(0) })
}

fn cell(numbers: &[f64], statuses: &[i32], row: usize, name: &str) -> Result<Cell, Unreadable> {
    let number = at(numbers, row, name)?;
    let status = if statuses.is_empty() { Status::Known } else { status(at(statuses, row, name)?) };
    // What claims to be known and is no amount is not known: it never enters a sum.
    let known = status == Status::Known && number.is_finite() && number >= 0.0;
    match (known, status) {
        (true, _) => Ok(Cell { number, status }),
        (false, Status::Known) => Ok(Cell { number: f64::NAN, status: Status::Unavailable }),
        (false, status) => Ok(Cell { number: f64::NAN, status }),
    }
}

fn status(number: i32) -> Status {
    match common::Status::try_from(number) {
        Ok(common::Status::Known) => Status::Known,
        Ok(common::Status::Withheld) => Status::Withheld,
        _ => Status::Unavailable,
    }
}
