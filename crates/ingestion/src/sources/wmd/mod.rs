//! World Mining Data: output by economy, a column a year, as the tables of the Austrian ministry are passed on in one csv.
//!
//! Verified on a real file with `material,Country,Country_Code,Country_ISO,2018,...,2024,unit,data_source`. Other editions have
//! other years; the order of the columns does not matter.

mod series;

use std::collections::BTreeSet;

use orewatch_catalog::{Economy, Scheme, UnknownCode, resolve_economy};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::{Reporter, Table};

use self::series::{Series, series, unit};
use super::figure::Figure;
use super::input::Content;
use super::metadata::Metadata;
use super::names::{Names, Symbol, Topic};
use super::out::{Halt, Out, Place};
use super::records::{self, Form, Record, Records};
use super::sums::{Group, Total, Whole};
use super::{About, Beside, Head, Limits, Observation, Part, Reader, Reject, Setup, Source, SourceError};
use crate::ids::UNDATED;

/// Output a commodity, economy and year. An empty cell says nothing of its year, and is recorded as not available. Rows of
/// totals are compared with the sums of their parts. Commodities that no series of the catalogue is about are out of scope.
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

/// By what share of the total its parts may miss it: rows are corrected after an edition, and totals are not.
const ROUNDING: f64 = 0.02;

impl Source for Wmd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn has_totals(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        let sample = records::sample(head);
        Layout::find(sample.first()?).map(|layout| 4 + layout.years.len())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        ["material", "country", "country_iso", "unit"].map(|name| vec![name]).to_vec()
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
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
        Ok(vec![Part::of(Table::Production, said)])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (file, form) = (head.file.clone(), records::form(head));
        Ok(Box::new(Output { file, limits: setup.limits, form, layout: layout(head)? }))
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
    form: Form,
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
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        records.each(out, |record, out| self.record(record, out))
    }
}

impl Output {
    fn record(&self, record: Record<'_>, out: &mut dyn Out) -> Result<(), Halt> {
        let layout = &self.layout;
        let iso = layout.iso.map_or("", |column| record.get(column));
        if is_total(record.get(layout.country), iso) {
            self.totals(record, out);
            return Ok(());
        }
        let about = self.about(record, iso);
        for (column, year) in &self.layout.years {
            let place = place(record, *column);
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

    /// Declares the totals of a record; those of what is out of scope, or cannot be read, are not compared with anything.
    fn totals(&self, record: Record<'_>, out: &mut dyn Out) {
        let layout = &self.layout;
        let Ok(Some(series)) = series(record.get(layout.material)) else { return };
        let Ok(factor) = unit("unit", record.get(layout.unit)) else { return };
        for (column, year) in &layout.years {
            let names = out.names();
            let Ok(period) = names.period(year, year) else { continue };
            let Ok(topic) = topic(series, names) else { continue };
            let Ok(quantity) = quantity(year, record.get(*column), factor * series.factor) else { continue };
            let group = Group { period, topic, whole: Whole::Output, reporter: Reporter::Unspecified };
            let figures = [quantity, missing()];
            out.total(Total { group, figures, rounding: ROUNDING }, place(record, *column));
        }
    }

    /// What a record is about. None: out of scope.
    fn about(&self, record: Record<'_>, iso: &str) -> Result<Option<Subject>, Reject> {
        let layout = &self.layout;
        let (material, country) = (record.get(layout.material), record.get(layout.country));
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
    let topic = topic(series, names)?;
    let figure = quantity(year, text, factor)?;
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

fn topic(series: &Series, names: &mut Names) -> Result<Symbol, Reject> {
    names.topic("material", series.name, Topic::Series(series.material, series.stage, series.basis()))
}

fn missing() -> Figure {
    Figure { number: f64::NAN, status: Status::Unavailable }
}

fn quantity(year: &str, text: &str, factor: f64) -> Result<Figure, Reject> {
    let mut figure = match text {
        "" | "nan" | "NaN" => missing(),
        text => Figure::amount(year, text)?,
    };
    figure.number *= factor;
    Ok(figure)
}

fn place(record: Record<'_>, column: usize) -> Place {
    Place::cell(record.line, column)
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
