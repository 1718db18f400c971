//! Turns rows into chunks: columns of some thousands of rows, with dictionaries of their own, one event each.
mod projections;
mod statements;
mod trade;
mod wire;

use std::collections::HashMap;

use bytes::Bytes;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1 as ingestion;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, Evaluation, GovernanceColumns, ObservationsRecorded, Parameter, ParameterColumns,
    Product, ProductionColumns, RestrictionColumns, Series, Table,
};
use prost::Message as _;

use super::location::SourceLocation;
use super::names::{Names, Symbol, Topic};
use super::sink::Flow;
use super::{Observation, Qualifier};
use trade::Markets;

/// A chunk, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its number in the release, from 0.
    pub number: u32,
    /// `ObservationsRecorded` in its wire form.
    pub data: Bytes,
}

/// Rows of a full chunk. With some 30 bytes a row this is an event of a quarter MiB, well below the log's
/// limit.
const CHUNK_ROWS: usize = 8_192;

/// Bytes of statements of a full chunk: a quarter MiB, as of the other tables.
const CHUNK_BYTES: usize = 256 << 10;

/// A row and where it is.
#[derive(Clone, Copy, Debug)]
struct Placed {
    row: Observation,
    file: u32,
    location: SourceLocation,
}

/// Collects rows into chunks.
#[derive(Debug)]
pub(super) struct Chunker {
    table: Table,
    rows: Vec<Placed>,
    /// Rows of trade, which wait by market.
    trade: Markets,
    /// Bytes of the statements among `rows`.
    stated_bytes: usize,
    next: u32,
}

impl Chunker {
    /// For the rows of a table.
    pub(super) fn new(table: Table) -> Self {
        Self { table, rows: Vec::new(), trade: Markets::default(), stated_bytes: 0, next: 0 }
    }

    /// Takes a row. Chunks that are full are added to `full`.
    pub(super) fn push(
        &mut self,
        row: Observation,
        file: u32,
        location: SourceLocation,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        if self.table == Table::Trade {
            return self.trade.push(&row, file, location, names, full);
        }
        self.stated_bytes += statements::statement_bytes(&row, names);
        self.rows.push(Placed { row, file, location });
        if self.rows.len() >= CHUNK_ROWS || self.stated_bytes >= CHUNK_BYTES {
            self.flush(names, full);
        }
    }

    /// Takes a flow of a plain line. Chunks that are full are added to `full`.
    #[inline]
    pub(super) fn push_flow(
        &mut self,
        flow: &Flow,
        file: u32,
        line: u64,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        if self.table == Table::Trade {
            self.trade.push_flow(flow, file, line, names, full);
        } else {
            self.push(flow.observation(), file, SourceLocation::row(line), names, full);
        }
    }

    /// Adds some of the rows that are left to `full`, which is empty, as the next chunks. Returns false if
    /// there are none.
    pub(super) fn flush_some(&mut self, names: &Names, full: &mut Vec<Chunk>) -> bool {
        if matches!(self.table, Table::Trade | Table::Unspecified) {
            return self.trade.flush_some(names, full);
        }
        self.flush(names, full);
        !full.is_empty()
    }

    /// Adds the rows that wait to `full`, as a chunk. Rows of trade wait elsewhere.
    fn flush(&mut self, names: &Names, full: &mut Vec<Chunk>) {
        let columns = match self.table {
            Table::Trade | Table::Unspecified => return,
            _ if self.rows.is_empty() => return,
            Table::Production => Columns::Production(self.production(names)),
            Table::Governance => Columns::Governance(self.governance(names)),
            Table::Parameters => Columns::Parameters(self.parameters(names)),
            Table::Restrictions => Columns::Restrictions(self.restrictions(names)),
            Table::Concordance => Columns::Concordance(self.concordance(names)),
            Table::Projections => Columns::Projections(self.projections(names)),
            Table::Targets => Columns::Targets(self.targets(names)),
            Table::Claims => Columns::Claims(self.claims(names)),
        };
        let number = self.next;
        self.next += 1;
        self.rows.clear();
        self.stated_bytes = 0;
        let event = ObservationsRecorded { chunk: number, columns: Some(columns) };
        full.push(Chunk { number, data: event.encode_to_vec().into() });
    }

    fn production(&self, names: &Names) -> ProductionColumns {
        let (periods, period) = self.periods(names);
        let (economies, economy) = self.economies(names);
        let (series, product) = self.topics(names, series_of);
        ProductionColumns {
            periods,
            economies,
            series,
            period,
            economy,
            product,
            quantity: self.numbers(0),
            status: self.statuses(0),
            file: self.files(),
            line: self.lines(),
            estimated: self.marks(|row| row.qualifier == Qualifier::Estimated, false),
            column: self.columns(),
        }
    }

    fn governance(&self, names: &Names) -> GovernanceColumns {
        let (periods, period) = self.periods(names);
        let (economies, economy) = self.economies(names);
        let (indicators, indicator) = self.topics(names, indicator_of);
        GovernanceColumns {
            periods,
            economies,
            indicators,
            period,
            economy,
            indicator,
            value: self.numbers(0),
            status: self.statuses(0),
            file: self.files(),
            line: self.lines(),
            column: self.columns(),
        }
    }

    fn parameters(&self, names: &Names) -> ParameterColumns {
        let (periods, period) = self.periods(names);
        let (parameters, parameter) = self.topics(names, parameter_of);
        // Economies and partners share a dictionary.
        let mut economies = self.encode(|row| row.economy);
        let partner: Vec<u32> = self.column(|placed| economies.index(placed.row.partner));
        let is_nobody = |symbol: Symbol| names.economies.name(symbol) == Some("");
        let without_partners = self.rows.iter().all(|placed| is_nobody(placed.row.partner));
        ParameterColumns {
            periods,
            economies: economies.dictionary(|symbol| names.economies.name(symbol).map(str::to_owned)),
            parameters,
            period,
            economy: economies.indices,
            partner: if without_partners { Vec::new() } else { partner },
            parameter,
            value: self.numbers(0),
            status: self.statuses(0),
            file: self.files(),
            line: self.lines(),
            column: self.columns(),
        }
    }

    fn restrictions(&self, names: &Names) -> RestrictionColumns {
        let (economies, economy) = self.economies(names);
        let partner = self.encode(|row| row.partner);
        // First and last days share a dictionary.
        let mut days = self.encode(|row| row.period);
        let until = |row: &Observation| match row.qualifier {
            Qualifier::Restricted { until, .. } => until,
            _ => row.period,
        };
        let until = self.column(|placed| days.index(until(&placed.row)));
        let day = |day: &Option<_>| day.as_ref().map(ToString::to_string).unwrap_or_default();
        let (products, product) = self.listed(|row| names.topics.name(row.topic).and_then(product_of));
        let (kinds, kind) = self.listed(|row| names.topics.name(row.topic).and_then(kind_of));
        RestrictionColumns {
            economies,
            products,
            kinds,
            days: days.dictionary(|symbol| names.days.name(symbol).map(day)),
            partners: partner.dictionary(|symbol| names.concerned_partners.name(symbol).cloned()),
            economy,
            product,
            kind,
            from: days.indices,
            until,
            partner: partner.indices,
            evaluation: self.marks(evaluation_of, Evaluation::Unspecified),
            file: self.files(),
            line: self.lines(),
        }
    }

    fn concordance(&self, names: &Names) -> ConcordanceColumns {
        let code = |row: &Observation| match names.topics.name(row.topic) {
            Some(Topic::Code { nomenclature, code }) => (nomenclature.clone(), code.clone()),
            _ => Default::default(),
        };
        let assigned = |row: &Observation| match row.qualifier {
            Qualifier::Assigned(symbol) => names.assignments.name(symbol),
            _ => None,
        };
        let (nomenclatures, nomenclature) = self.listed(|row| Some(code(row).0));
        let (assignments, assignment) = self.listed(|row| {
            let assignment = assigned(row)?;
            let (material, stage) = (assignment.material.clone(), assignment.stage.clone());
            Some(ingestion::Assignment { material, stage })
        });
        let purity = self.numbers(0);
        let proxy = self.marks(|row| assigned(row).is_some_and(|assignment| assignment.proxy), false);
        let note = self.column(|placed| {
            assigned(&placed.row).map_or_else(String::new, |assignment| assignment.note.clone())
        });
        ConcordanceColumns {
            nomenclatures,
            assignments,
            nomenclature,
            code: self.column(|placed| code(&placed.row).1),
            assignment,
            purity: if purity.iter().all(|purity| purity.is_nan()) { Vec::new() } else { purity },
            proxy,
            note: if note.iter().all(String::is_empty) { Vec::new() } else { note },
            file: self.files(),
            line: self.lines(),
        }
    }

    /// The dictionary of periods, and each row's place in it.
    fn periods(&self, names: &Names) -> (Vec<String>, Vec<u32>) {
        let encoded = self.encode(|row| row.period);
        (encoded.dictionary(|symbol| names.periods.name(symbol).map(ToString::to_string)), encoded.indices)
    }

    /// The dictionary of economies, and each row's place in it.
    fn economies(&self, names: &Names) -> (Vec<String>, Vec<u32>) {
        let encoded = self.encode(|row| row.economy);
        (encoded.dictionary(|symbol| names.economies.name(symbol).map(str::to_owned)), encoded.indices)
    }

    /// The dictionary of topics, and each row's place in it.
    fn topics<T>(&self, names: &Names, entry: fn(&Topic) -> Option<T>) -> (Vec<T>, Vec<u32>) {
        let encoded = self.encode(|row| row.topic);
        (encoded.dictionary(|symbol| names.topics.name(symbol).and_then(entry)), encoded.indices)
    }

    /// A dictionary of parts of rows, in the order of first use, and each row's place in it. It is searched
    /// from the beginning, because it is short.
    fn listed<T: PartialEq>(&self, part: impl Fn(&Observation) -> Option<T>) -> (Vec<T>, Vec<u32>) {
        let mut list: Vec<T> = Vec::new();
        let mut places = Vec::with_capacity(self.rows.len());
        for part in self.rows.iter().filter_map(|placed| part(&placed.row)) {
            let found = list.iter().position(|other| *other == part);
            let place = found.unwrap_or_else(|| {
                list.push(part);
                list.len() - 1
            });
            places.push(u32::try_from(place).unwrap_or(u32::MAX));
        }
        (list, places)
    }

    /// A column of marks; empty if all of them are `usual`.
    fn marks<M: Copy + PartialEq, T: From<M>>(&self, mark: impl Fn(&Observation) -> M, usual: M) -> Vec<T> {
        let all_usual = self.rows.iter().all(|placed| mark(&placed.row) == usual);
        if all_usual { Vec::new() } else { self.column(|placed| mark(&placed.row).into()) }
    }

    fn column<T>(&self, entry: impl FnMut(&Placed) -> T) -> Vec<T> {
        self.rows.iter().map(entry).collect()
    }

    fn encode(&self, symbol: impl Fn(&Observation) -> Symbol) -> Encoded {
        let mut encoded = Encoded::default();
        encoded.indices.reserve(self.rows.len());
        for placed in &self.rows {
            let index = encoded.index(symbol(&placed.row));
            encoded.indices.push(index);
        }
        encoded
    }

    fn numbers(&self, figure: usize) -> Vec<f64> {
        self.column(|placed| placed.row.figures.get(figure).map_or(f64::NAN, |figure| figure.number))
    }

    /// The statuses of a figure; empty if every figure is known.
    fn statuses(&self, figure: usize) -> Vec<i32> {
        let status =
            |placed: &Placed| placed.row.figures.get(figure).map_or(Status::Known, |figure| figure.status);
        let known = self.rows.iter().all(|placed| status(placed) == Status::Known);
        if known { Vec::new() } else { self.column(|placed| status(placed).into()) }
    }

    /// The files of the rows; empty if all rows are of the first file.
    fn files(&self) -> Vec<u32> {
        let first = self.rows.iter().all(|placed| placed.file == 0);
        if first { Vec::new() } else { self.column(|placed| placed.file) }
    }

    fn lines(&self) -> Vec<u64> {
        self.column(|placed| placed.location.line)
    }

    /// The columns of the figures; empty if no row has one.
    fn columns(&self) -> Vec<u32> {
        let none = self.rows.iter().all(|placed| placed.location.column == 0);
        if none { Vec::new() } else { self.column(|placed| placed.location.column) }
    }
}

/// A column of indices into a dictionary, whose entries are in the order of first use.
#[derive(Debug, Default)]
struct Encoded {
    symbols: Vec<Symbol>,
    places: HashMap<Symbol, u32>,
    last: Option<(Symbol, u32)>,
    indices: Vec<u32>,
}

impl Encoded {
    fn index(&mut self, symbol: Symbol) -> u32 {
        if let Some((last, index)) = self.last
            && last == symbol
        {
            return index;
        }
        // A chunk has fewer rows than u32 has numbers.
        let fresh = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        let index = *self.places.entry(symbol).or_insert(fresh);
        if index == fresh {
            self.symbols.push(symbol);
        }
        self.last = Some((symbol, index));
        index
    }

    fn dictionary<T>(&self, name: impl Fn(Symbol) -> Option<T>) -> Vec<T> {
        self.symbols.iter().filter_map(|symbol| name(*symbol)).collect()
    }
}

pub(super) fn product_of(topic: &Topic) -> Option<Product> {
    let (code, material, stage, proxy) = match topic {
        Topic::Product(product) => {
            let purity = product.purity();
            let (code, material) = (product.code.clone(), product.material.to_owned());
            let stage = product.stage.to_string();
            return Some(Product { code, material, stage, proxy: product.proxy, purity });
        }
        Topic::Restriction { code, material, stage, proxy, .. } => (*code, *material, *stage, *proxy),
        _ => return None,
    };
    let [code, material] = [code, material].map(str::to_owned);
    Some(Product { code, material, stage: stage.to_string(), proxy, purity: None })
}

fn kind_of(topic: &Topic) -> Option<String> {
    let Topic::Restriction { kind, .. } = topic else { return None };
    Some((*kind).to_owned())
}

fn parameter_of(topic: &Topic) -> Option<Parameter> {
    let Topic::Parameter { name, material, stage, item } = topic else { return None };
    let [name, material, stage] = [*name, *material, *stage].map(str::to_owned);
    Some(Parameter { name, material, stage, item: item.clone() })
}

fn evaluation_of(row: &Observation) -> Evaluation {
    match row.qualifier {
        Qualifier::Restricted { evaluation, .. } => evaluation,
        _ => Evaluation::Unspecified,
    }
}

fn series_of(topic: &Topic) -> Option<Series> {
    let Topic::Series(material, stage, basis) = topic else { return None };
    let material = (*material).to_owned();
    Some(Series { material, stage: stage.to_string(), unit: "t".to_owned(), basis: basis.to_string() })
}

fn indicator_of(topic: &Topic) -> Option<String> {
    let Topic::Indicator(indicator) = topic else { return None };
    Some(indicator.clone())
}
