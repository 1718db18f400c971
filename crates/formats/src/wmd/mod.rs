//! World Mining Data (<https://www.world-mining-data.info>): output by economy, a column a year, as the
//! tables of the Austrian Federal Ministry of Finance are passed on in one csv.
//!
//! Verified on a real file with `material,Country,Country_Code,Country_ISO,2018,...,2024,unit,data_source`.
//! Other editions have other years; the order of the columns does not matter.
//!
//! An empty cell is recorded as not available. Rows of totals are compared with the sums of their parts.
//! Commodities that no series of the catalogue is about are out of scope; unknown commodities, economies,
//! units and marks are quarantined.

mod series;

use orewatch_catalog::{Economy, Scheme, UnknownCode, resolve_economy};
use orewatch_contracts::ingestion::v1::{Reporter, Table};

use self::series::{Series, find_series, tonnes_per_unit};
use super::csv_file::CsvFile;
use super::figure::Figure;
use super::input::Content;
use super::location::SourceLocation;
use super::names::{Names, Symbol, Topic};
use super::records::Record;
use super::sink::{Halt, RowSink};
use super::sums::{Aggregate, DeclaredTotal, TotalKey};
use super::{
    About, FileFacts, Head, Observation, Part, Qualifier, Reader, Reject, Setup, Source, SourceError,
};

/// World Mining Data, as csv.
#[derive(Debug)]
pub(super) struct Wmd;

static ABOUT: About = About {
    id: "wmd/1",
    title: "World Mining Data: output by economy, a column a year",
    publisher: "Federal Ministry of Finance, Austria",
    url: "https://www.world-mining-data.info",
    licence: "World Mining Data terms of use",
    tables: &[Table::Production],
    forms: &["material,Country,Country_Code,Country_ISO,2018,2019,...,unit,data_source"],
};

/// Share of a total by which the sum of its parts may differ: rows are corrected after an edition, totals are
/// not.
const ROUNDING: f64 = 0.02;

impl Source for Wmd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn has_totals(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        Layout::find(&head.csv_header()).map(|layout| 4 + layout.years.len())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        ["material", "country", "country_iso", "unit"].map(|name| vec![name]).to_vec()
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        layout(file.head)?;
        let metadata = ABOUT.metadata(Table::Production, "wmd", "World Mining Data: production");
        Ok(vec![Part::whole_table(Table::Production, metadata)])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        Ok(Box::new(Output { file: CsvFile::new(head, setup), layout: layout(head)? }))
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    Layout::find(&head.csv_header()).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
}

/// Where the columns are, from 0.
#[derive(Clone, Debug)]
struct Layout {
    material: usize,
    country: usize,
    iso: Option<usize>,
    unit: usize,
    /// Column that marks figures as reported, estimated or provisional.
    mark: Option<usize>,
    /// Columns with their years.
    years: Vec<(usize, String)>,
}

impl Layout {
    /// Finds the columns of a header. None: it is not one of these tables.
    fn find(header: &[String]) -> Option<Self> {
        let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let is_year = |name: &String| name.len() == 4 && name.parse().is_ok_and(|year: u16| year >= 1900);
        let years = header.iter().enumerate().filter(|(_, name)| is_year(name));
        let years: Vec<_> = years.map(|(place, name)| (place, name.clone())).collect();
        let [material, country, unit] = [place("material")?, place("country")?, place("unit")?];
        let (iso, mark) = (place("country_iso"), place("data_source"));
        let any = !years.is_empty() && (iso.is_some() || mark.is_some());
        any.then_some(Self { material, country, iso, unit, mark, years })
    }
}

/// Reads output.
struct Output {
    file: CsvFile,
    layout: Layout,
}

/// What a record is about.
#[derive(Clone, Copy, Debug)]
struct Subject {
    series: &'static Series,
    economy: &'static Economy,
    /// Converts figures to tonnes on the catalogue's basis.
    factor: f64,
    estimated: bool,
}

impl Reader for Output {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        self.file.for_each_record(content, out, |record, out| self.read_record(record, out))
    }
}

impl Output {
    fn read_record(&self, record: Record<'_>, out: &mut dyn RowSink) -> Result<(), Halt> {
        let layout = &self.layout;
        let iso = layout.iso.map_or("", |column| record.get(column));
        if is_total(record.get(layout.country), iso) {
            self.declare_totals(record, out);
            return Ok(());
        }
        let subject = self.subject(record, iso);
        for (column, year) in &layout.years {
            let found = match &subject {
                Err(reject) => Err(reject.clone()),
                Ok(None) => Ok(None),
                Ok(Some(subject)) => observe(*subject, (year, record.get(*column)), out.names()).map(Some),
            };
            out.take(found, SourceLocation::cell(record.line, *column), || record.to_text())?;
        }
        Ok(())
    }

    /// Declares the totals of a record. Those that are out of scope or cannot be read are not compared with
    /// anything.
    fn declare_totals(&self, record: Record<'_>, out: &mut dyn RowSink) {
        let layout = &self.layout;
        let Ok(Some(series)) = find_series(record.get(layout.material)) else { return };
        let Ok(factor) = tonnes_per_unit("unit", record.get(layout.unit)) else { return };
        for (column, year) in &layout.years {
            let names = out.names();
            let Ok(period) = names.period(year, year) else { continue };
            let Ok(topic) = topic(series, names) else { continue };
            let Ok(quantity) = quantity(year, record.get(*column), factor * series.factor) else { continue };
            let key =
                TotalKey { period, topic, aggregate: Aggregate::Output, reporter: Reporter::Unspecified };
            let figures = [quantity, Figure::UNAVAILABLE];
            let total = DeclaredTotal { key, figures, rounding: ROUNDING };
            out.declared_total(total, SourceLocation::cell(record.line, *column));
        }
    }

    /// What a record is about. None: out of scope.
    fn subject(&self, record: Record<'_>, iso: &str) -> Result<Option<Subject>, Reject> {
        let layout = &self.layout;
        let (material, country) = (record.get(layout.material), record.get(layout.country));
        let Some(series) = find_series(material)? else { return Ok(None) };
        let economy = economy(country, iso).map_err(|error| Reject::unknown("Country", &error))?;
        let factor = tonnes_per_unit("unit", record.get(layout.unit))? * series.factor;
        let estimated = match layout.mark.map_or("", |column| record.get(column)) {
            "e" | "E" => true,
            "r" | "R" | "p" | "P" | "" => false,
            other => {
                return Err(Reject::new("invalid-flag", "data_source", other, "this mark is unknown")
                    .with_hint("write r for reported, e for estimated or p for provisional"));
            }
        };
        Ok(Some(Subject { series, economy, factor, estimated }))
    }
}

/// The row of a year.
fn observe(subject: Subject, (year, text): (&str, &str), names: &mut Names) -> Result<Observation, Reject> {
    let Subject { series, economy, factor, estimated } = subject;
    let period = names.period(year, year)?;
    let economy = names.economy(Scheme::Iso3, "Country", economy.iso3)?;
    let topic = topic(series, names)?;
    let figures = quantity(year, text, factor)?.alone();
    let qualifier = if estimated { Qualifier::Estimated } else { Qualifier::None };
    Ok(Observation { period, economy, partner: economy, topic, figures, qualifier })
}

fn topic(series: &Series, names: &mut Names) -> Result<Symbol, Reject> {
    names.topic("material", series.name, Topic::Series(series.material, series.stage, series.basis()))
}

/// The figure of a year in tonnes.
fn quantity(year: &str, text: &str, factor: f64) -> Result<Figure, Reject> {
    let mut figure = match text {
        "" | "nan" | "NaN" => Figure::UNAVAILABLE,
        text => Figure::amount(year, text)?,
    };
    figure.number *= factor;
    Ok(figure)
}

/// Whether a row is a total of several economies.
fn is_total(country: &str, iso: &str) -> bool {
    let country = country.to_lowercase();
    iso == "DELETE" || country == "total" || country.starts_with("world")
}

/// The economy of a row. The publisher writes names; whoever passed the tables on added codes, and gave
/// French Guiana the code of Guyana and Kosovo that of a region. So the name decides, and the code only if
/// the name is unknown.
fn economy(country: &str, iso: &str) -> Result<&'static Economy, UnknownCode> {
    let by_name = resolve_economy(Scheme::Bgs, country);
    by_name.or_else(|error| resolve_economy(Scheme::Wgi, iso).map_err(|_| error))
}
