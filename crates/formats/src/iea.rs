//! Critical Minerals Dataset of the International Energy Agency
//! (<https://www.iea.org/data-and-statistics/data-product/critical-minerals-dataset>): supply by economy and
//! demand by scenario, in thousand tonnes, as its tables are passed on in csv, a figure a row.
//!
//! ```text
//! material,stage,economy,year,kt          supply: Copper,mining,CHL,2024,5476.0
//! material,scenario,year,kt               demand: Copper,STEPS,2030,31348.22
//! material,stage,year,total_kt            printed totals of supply: Copper,mining,2024,22794.0
//! ```
//!
//! An edition has one observed year, its base year, and projections of later ones. So a file has two parts:
//! supply of the base year becomes output, demand of it consumption of the world, and everything else
//! projections: of supply by the scenario `base`, of demand by that of its row. The edition follows from the
//! base year, or the user names it. Without either, all rows are projections.
//!
//! `OTHER` is the publisher's rest of the world and `WLD` its printed total; both are recorded as they are.
//!
//! The tables name no basis. Rare earths are taken to be the metals of magnets, by content: 75 kt mined in
//! 2024, against 390 kt of oxides in the tables of the USGS. Refined graphite includes synthetic graphite.
use std::collections::BTreeSet;

use orewatch_catalog::{Basis, OTHER, Stage, WORLD, parameter};
use orewatch_contracts::ingestion::v1::Table;

use super::csv_file::{ColumnMap, CsvFile, Sample};
use super::figure::Figure;
use super::input::Content;
use super::location::SourceLocation;
use super::names::{Names, Symbol, Topic};
use super::projections::producer;
use super::records::Record;
use super::sink::{Halt, RowSink};
use super::statements::{identifier, one_of};
use super::text::{is_digits, letters_and_digits};
use super::{
    About, FileFacts, Head, Metadata, Observation, Part, Qualifier, Reader, Reject, Setup, Source,
    SourceError,
};

/// Critical Minerals Dataset, as csv.
#[derive(Debug)]
pub(super) struct CriticalMinerals;

static ABOUT: About = About {
    id: "iea-cm/1",
    title: "Critical Minerals Dataset: supply by economy and demand by scenario",
    publisher: "International Energy Agency",
    url: "https://www.iea.org/data-and-statistics/data-product/critical-minerals-dataset",
    licence: "CC-BY-4.0",
    tables: &[Table::Production, Table::Parameters, Table::Projections],
    forms: &["material,stage,economy,year,kt", "material,scenario,year,kt", "material,stage,year,total_kt"],
};

/// Known editions: base year, vintage, and name.
const EDITIONS: [(i16, &str, &str); 2] = [(2024, "2025-05", "May 2025"), (2025, "2026-07", "July 2026")];

/// Tonnes in the unit of all figures.
const TONNES_PER_KILOTONNE: f64 = 1e3;

/// Ends the key of the observed part of a file that has no other part.
const ONLY_OBSERVED: &str = " only";

/// Scenario of supply, and of the base year of demand.
const BASE: &str = "base";

/// Known names of the columns, in the order of [`Column`].
const NAMES: [&[&str]; 7] =
    [&["material"], &["stage"], &["economy"], &["scenario"], &["year"], &["kt"], &["total_kt"]];

/// A column.
#[derive(Clone, Copy, Debug)]
enum Column {
    Material,
    Stage,
    Economy,
    Scenario,
    Year,
    Amount,
    Total,
}

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contents {
    Supply,
    Demand,
    Totals,
}

/// Where the columns of a file are.
#[derive(Clone, Debug)]
struct Layout {
    contents: Contents,
    columns: ColumnMap<{ NAMES.len() }>,
}

impl Layout {
    /// Finds the columns of a header. None: it is not one of these tables.
    fn find(header: &[String]) -> Option<Self> {
        use Column::{Amount, Economy, Material, Scenario, Stage, Total, Year};
        let columns = ColumnMap::find(header, NAMES, letters_and_digits);
        let has = |wanted: &[Column]| wanted.iter().all(|column| columns.place(*column).is_some());
        let contents = match () {
            () if has(&[Material, Stage, Economy, Year, Amount]) => Contents::Supply,
            () if has(&[Material, Scenario, Year, Amount]) => Contents::Demand,
            () if has(&[Material, Stage, Year, Total]) => Contents::Totals,
            () => return None,
        };
        Some(Self { contents, columns })
    }

    fn of_head(head: &Head) -> Result<Self, SourceError> {
        Self::find(&head.csv_header()).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
    }

    /// The column of the figures.
    fn amount(&self) -> Column {
        if self.contents == Contents::Totals { Column::Total } else { Column::Amount }
    }

    /// The table of observations that the base year of the file belongs to.
    fn observed_table(&self) -> Table {
        if self.contents == Contents::Demand { Table::Parameters } else { Table::Production }
    }
}

impl Source for CriticalMinerals {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_row_by_row(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        Layout::find(&head.csv_header()).map(|layout| layout.columns.count())
    }

    fn split_by(&self, head: &Head) -> Option<String> {
        Layout::find(&head.csv_header()).map(|layout| layout.columns.name(Column::Year).to_owned())
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let layout = Layout::of_head(file.head)?;
        let sample = Sample::new(file.head);
        let text = |row: &Vec<String>| {
            layout.columns.text(Column::Year, |place| row.get(place).map_or("", String::as_str)).to_owned()
        };
        let texts: BTreeSet<_> =
            sample.rows(&file.head.file)?.iter().map(text).chain(file.texts.iter().cloned()).collect();
        let years: BTreeSet<i16> = texts.iter().filter_map(|text| year(text)).collect();
        let base = base_year(file.given, &years);
        let is_observed = |year: &i16| base.is_some_and(|base| *year <= base);
        let observed = years.iter().any(is_observed).then(|| layout.observed_table());
        let has_projections = observed.is_none() || !years.iter().all(is_observed);
        let tables = observed.into_iter().chain(has_projections.then_some(Table::Projections));
        let others = if has_projections { "" } else { ONLY_OBSERVED };
        let key = base.map(|base| format!("{base}{others}")).unwrap_or_default();
        let part = |table| Part { table, metadata: describe(table, base), key: key.clone() };
        Ok(tables.map(part).collect())
    }

    fn notes(&self, heads: &[&Head]) -> Vec<String> {
        let note = "the tables name no basis: rare earths are taken to be the metals of magnets, not oxides";
        let has_rare_earths = heads.iter().any(|head| head.text().contains("Rare "));
        if has_rare_earths { vec![note.to_owned()] } else { Vec::new() }
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let layout = Layout::of_head(head)?;
        let file = CsvFile::new(head, setup);
        let base = part.key.trim_end_matches(ONLY_OBSERVED);
        let takes_unreadable = part.table == Table::Projections || base.len() < part.key.len();
        Ok(Box::new(Figures { file, layout, table: part.table, base: year(base), takes_unreadable }))
    }
}

/// A calendar year. None: the text is none.
fn year(text: &str) -> Option<i16> {
    let digits = Some(text).filter(|text| text.len() == 4 && is_digits(text));
    digits.and_then(|text| text.parse().ok()).filter(|year| (1900..=2100).contains(year))
}

/// The observed year of an edition: the one before the year that the user says it was published in, otherwise
/// the base year of a known edition that the file has rows of. None: unknown.
fn base_year(given: &Metadata, years: &BTreeSet<i16>) -> Option<i16> {
    let stated = [&given.published, &given.vintage].into_iter().flatten();
    let stated = stated.filter_map(|text| year(text.get(..4)?)).next();
    let known = EDITIONS.iter().map(|(base, ..)| *base).filter(|base| years.contains(base)).max();
    stated.map(|published| published - 1).or(known)
}

/// The metadata of a table of an edition.
fn describe(table: Table, base: Option<i16>) -> Metadata {
    let edition = EDITIONS.iter().find(|(year, ..)| Some(*year) == base);
    let contents = match table {
        Table::Production => "supply by economy",
        Table::Parameters => "demand of the world",
        _ => "projections of supply and demand",
    };
    let name = edition.map(|(.., name)| format!(", {name}")).unwrap_or_default();
    let about = ABOUT.metadata(table, "iea-cm", format!("Critical Minerals Dataset{name}: {contents}"));
    match edition {
        Some((_, vintage, _)) => {
            Metadata { vintage: Some((*vintage).to_owned()), published: Some((*vintage).to_owned()), ..about }
        }
        None => about,
    }
}

/// Reads one part of a file: the base year, or everything else.
struct Figures {
    file: CsvFile,
    layout: Layout,
    table: Table,
    base: Option<i16>,
    /// Records whose year cannot be read belong to this part.
    takes_unreadable: bool,
}

impl Reader for Figures {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let columns = records.header.len();
        let amount = self.layout.columns.place(self.layout.amount()).unwrap_or_default();
        // Not `for_each`: a record that does not fit the header is rejected in one of the two parts only.
        while let Some(record) = records.next()? {
            if record.is_blank() || !self.is_of_part(&record) {
                continue;
            }
            let location = SourceLocation::cell(record.line, amount);
            let parsed = record.check_shape(columns).and_then(|()| self.parse(&record, out.names()));
            out.take(parsed.map(Some), location, || record.to_text())?;
        }
        Ok(())
    }
}

impl Figures {
    /// Whether a record belongs to the part.
    fn is_of_part(&self, record: &Record<'_>) -> bool {
        match year(self.text(record, Column::Year)) {
            Some(year) => self.base.is_some_and(|base| year <= base) == (self.table != Table::Projections),
            None => self.takes_unreadable,
        }
    }

    fn text<'a>(&self, record: &Record<'a>, column: Column) -> &'a str {
        self.layout.columns.text(column, |place| record.get(place))
    }

    fn parse(&self, record: &Record<'_>, names: &mut Names) -> Result<Observation, Reject> {
        let text = |column| self.text(record, column);
        let name = |column| self.layout.columns.name(column);
        let (material, basis) = material(name(Column::Material), text(Column::Material))?;
        let stage = match self.layout.contents {
            Contents::Demand => Stage::Refined,
            Contents::Supply | Contents::Totals => {
                let stages = [("mining", Stage::Mined), ("refining", Stage::Refined)];
                one_of(name(Column::Stage), text(Column::Stage), stages)?
            }
        };
        let economy = match self.layout.contents {
            Contents::Supply => economy(name(Column::Economy), text(Column::Economy), names)?,
            Contents::Demand | Contents::Totals => producer(name(Column::Year), WORLD, names)?,
        };
        let partner = match self.table {
            Table::Parameters => names.no_economy(name(Column::Year))?,
            _ => economy,
        };
        let period = names.period(name(Column::Year), text(Column::Year))?;
        let topic =
            names.topic(name(Column::Material), material, self.topic(record, (material, stage, basis))?)?;
        let amount = self.layout.amount();
        let mut quantity = Figure::amount(name(amount), text(amount))?;
        quantity.number *= TONNES_PER_KILOTONNE;
        let figures = quantity.alone();
        Ok(Observation { period, economy, partner, topic, figures, qualifier: Qualifier::None })
    }

    /// What a figure is about.
    fn topic(
        &self,
        record: &Record<'_>,
        (material, stage, basis): (&'static str, Stage, Basis),
    ) -> Result<Topic, Reject> {
        Ok(match self.table {
            Table::Production => Topic::Series(material, stage, basis),
            Table::Parameters => {
                let known = parameter("consumption").map_err(|error| Reject::unknown("parameter", &error))?;
                Topic::Parameter { name: known.id, material, stage: stage.as_str(), item: String::new() }
            }
            _ => {
                let is_demand = self.layout.contents == Contents::Demand;
                let scenario = self.scenario(record)?;
                Topic::Projected { material, stage, basis, is_demand, scenario }
            }
        })
    }

    /// The scenario of a projection, in lower case.
    fn scenario(&self, record: &Record<'_>) -> Result<String, Reject> {
        if self.layout.contents != Contents::Demand {
            return Ok(BASE.to_owned());
        }
        let text = self.text(record, Column::Scenario).to_lowercase();
        identifier(self.layout.columns.name(Column::Scenario), &text, "STEPS").map(str::to_owned)
    }
}

/// A material of the dataset, and the basis of its figures.
fn material(column: &str, text: &str) -> Result<(&'static str, Basis), Reject> {
    Ok(match letters_and_digits(text).as_str() {
        "cobalt" => ("cobalt", Basis::Content),
        "copper" => ("copper", Basis::Content),
        "graphite" => ("graphite", Basis::Gross),
        "lithium" => ("lithium", Basis::Content),
        "nickel" => ("nickel", Basis::Content),
        "rareearthelements" | "rareearths" | "magnetrareearthelements" => ("rare-earths", Basis::Content),
        _ => {
            return Err(Reject::new("unknown-material", column, text, "the dataset has no such mineral")
                .with_hint("it has cobalt, copper, graphite, lithium, nickel and rare earth elements"));
        }
    })
}

/// A producer, the rest of the world, or the world.
fn economy(column: &str, text: &str, names: &mut Names) -> Result<Symbol, Reject> {
    match text {
        "Rest of world" => producer(column, OTHER, names),
        "World" | "Total" => producer(column, WORLD, names),
        text => producer(column, text, names),
    }
}
