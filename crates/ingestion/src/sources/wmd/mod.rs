//! World Mining Data: output by economy, a column a year, as the tables of the Austrian ministry are passed on in one csv.
//!
//! Verified on a real file with `material,Country,Country_Code,Country_ISO,2018,...,2024,unit,data_source`. Other editions have
//! other years; the order of the columns does not matter.

mod series;

use orewatch_catalog::{Economy, Scheme, UnknownCode, resolve_economy};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Table;

use self::series::{Series, series, unit};
use super::figure::Figure;
use super::input::Content;
use super::metadata::Metadata;
use super::names::Topic;
use super::out::{Halt, Out, Place};
use super::records::{self, Record, Records};
use super::{About, Beside, Head, Limits, Observation, Part, Reader, Reject, Setup, Source, SourceError};
use crate::ids::UNDATED;

/// Output a commodity, economy and year. An empty cell says nothing of its year, and is recorded as not available. Rows of
/// totals are out of scope, and so are commodities that no series of the catalogue is about.
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

impl Source for Wmd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        let sample = records::sample(head);
        Layout::find(sample.first()?).map(|layout| 4 + layout.years.len())
    }

    fn parts(&self, head: &Head, _given: &Metadata) -> Result<Vec<Part>, SourceError> {
        layout(head)?;
        let said = Metadata {
            dataset: Some("wmd".to_owned()),
            vintage: Some(UNDATED.to_owned()),
            table: Some("production".to_owned()),
            publisher: Some(ABOUT.publisher.to_owned()),
            title: Some("World Mining Data: production".to_owned()),
            url: Some(ABOUT.url.to_owned()),
            licence: Some(ABOUT.licence.to_owned()),
            ..Metadata::default()
        };
        Ok(vec![Part { table: Table::Production, said }])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (file, utf8) = (head.file.clone(), records::is_utf8(head));
        Ok(Box::new(Output { file, limits: setup.limits, utf8, layout: layout(head)? }))
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    let sample = records::sample(head);
    let found = sample.first().and_then(|header| Layout::find(header));
    found.ok_or_else(|| SourceError::new("unknown-format", &head.file, 1, "the header is another"))
}

/// Where the columns are, from 0.
#[derive(Clone, Debug)]
struct Layout {
    material: usize,
    country: usize,
    iso: Option<usize>,
    unit: usize,
    /// Marks of the figures: reported, estimated, provisional.
    mark: Option<usize>,
    /// Columns with their years.
    years: Vec<(usize, String)>,
}

impl Layout {
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
    file: String,
    limits: Limits,
    utf8: bool,
    layout: Layout,
}

/// What a record is about.
#[derive(Clone, Copy, Debug)]
struct Subject {
    series: &'static Series,
    economy: &'static Economy,
    /// Takes figures to tonnes on the catalogue's basis.
    factor: f64,
    estimated: bool,
}

impl Reader for Output {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.utf8)?;
        while let Some(record) = records.next()? {
            if !record.is_blank() {
                self.record(record, out)?;
            }
        }
        Ok(())
    }
}

impl Output {
    fn record(&self, record: Record<'_>, out: &mut dyn Out) -> Result<(), Halt> {
        let about = self.about(record);
        for (column, year) in &self.layout.years {
            let place =
                Place { line: record.line, column: u32::try_from(*column).map_or(0, |column| column + 1) };
            let figure = match &about {
                Err(reject) => Err(reject.clone()),
                Ok(None) => Ok(None),
                Ok(Some(about)) => observe(*about, (year, record.get(*column)), out).map(Some),
            };
            match figure {
                Ok(Some(row)) => out.row(row, place)?,
                Ok(None) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
        }
        Ok(())
    }

    /// What a record is about. None: out of scope.
    fn about(&self, record: Record<'_>) -> Result<Option<Subject>, Reject> {
        let layout = &self.layout;
        let (material, country) = (record.get(layout.material), record.get(layout.country));
        let iso = layout.iso.map_or("", |column| record.get(column));
        if is_total(country, iso) {
            return Ok(None);
        }
        let Some(series) = series(material)? else { return Ok(None) };
        let economy = economy(country, iso).map_err(|error| Reject::unknown("Country", &error))?;
        let factor = unit("unit", record.get(layout.unit))? * series.factor;
        let estimated = match layout.mark.map_or("", |column| record.get(column)) {
            "e" | "E" => true,
            "r" | "R" | "p" | "P" | "" => false,
            other => {
                let reason = "this mark is not known";
                return Err(Reject::new("bad-flag", "data_source", other, reason)
                    .with_hint("r reported, e estimated, p provisional"));
            }
        };
        Ok(Some(Subject { series, economy, factor, estimated }))
    }
}

fn observe(about: Subject, (year, text): (&str, &str), out: &mut dyn Out) -> Result<Observation, Reject> {
    let Subject { series, economy, factor, estimated } = about;
    let names = out.names();
    let period = names.period(year, year)?;
    let economy = names.economy(Scheme::Iso3, "Country", economy.iso3)?;
    let topic = Topic::Series(series.material, series.stage, series.basis());
    let topic = names.topic("material", series.name, topic)?;
    let mut figure = match text {
        "" | "nan" | "NaN" => Figure { number: f64::NAN, status: Status::Unavailable },
        text => Figure::amount(year, text)?,
    };
    figure.number *= factor;
    let beside = if estimated { Beside::Estimated } else { Beside::Nothing };
    Ok(Observation {
        period,
        economy,
        partner: economy,
        topic,
        figures: [figure, Figure::known(0.0)],
        beside,
    })
}

fn is_total(country: &str, iso: &str) -> bool {
    let country = country.to_lowercase();
    iso == "DELETE" || country == "total" || country.starts_with("world")
}

/// The economy of a row. The publisher writes names; the codes beside them were added by those who passed the tables on, who
/// gave French Guiana the code of Guyana and Kosovo that of a region. So the name decides, and the code where it is not known.
fn economy(country: &str, iso: &str) -> Result<&'static Economy, UnknownCode> {
    let by_name = resolve_economy(Scheme::Bgs, country);
    by_name.or_else(|error| resolve_economy(Scheme::Wgi, iso).map_err(|_| error))
}
