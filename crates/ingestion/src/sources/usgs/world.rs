//! World production, a column a year: the files of one commodity to 2024, the wide file of 2025.
use orewatch_contracts::ingestion::v1::Reporter;

use super::super::figure::Figure;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::records::Record;
use super::super::sums::{Group, Total, Whole};
use super::super::{Beside, Content, Observation, Reader, Reject};
use super::cell::Cell;
use super::layout::{self, File, Produced};
use super::producer::{Producer, producer};
use super::series::{self, Named, Series};

/// Reads the figures of world production.
pub(super) struct World {
    pub(super) columns: layout::World,
    pub(super) file: File,
    /// Of a file of one commodity.
    pub(super) material: Option<&'static str>,
}

/// A figure of a series, with what it is called in its file.
pub(super) struct Output<'a> {
    pub(super) series: Series,
    pub(super) producer: Producer,
    pub(super) year: i16,
    pub(super) unit: &'a str,
    pub(super) text: &'a str,
    pub(super) estimated: bool,
    /// What the Survey notes, in lower case.
    pub(super) notes: &'a str,
    /// Column of the unit, and of the figure.
    pub(super) names: [&'a str; 2],
}

/// What a figure of a series is.
pub(super) enum Told {
    /// Something to record.
    Row(Observation),
    /// The world's total: outside, but compared with what is recorded.
    Total(Total),
    /// Outside: the question does not arise, or the total is of less than the world.
    Nothing,
}

impl Output<'_> {
    /// What the figure is.
    pub(super) fn told(&self, names: &mut Names) -> Result<Told, Reject> {
        match self.producer {
            Producer::One(economy) => self.row(names, economy),
            // What is wrong with a total concerns nobody: it is not recorded.
            Producer::World => Ok(self.total(names).ok().flatten().map_or(Told::Nothing, Told::Total)),
        }
    }

    fn row(&self, names: &mut Names, economy: Symbol) -> Result<Told, Reject> {
        let Some((figure, marked)) = Cell::amount(self.names[1], self.text)? else {
            return Ok(Told::Nothing);
        };
        let (period, topic, figures) = self.measured(names, figure)?;
        let known = figures.iter().all(|figure| !figure.number.is_nan());
        let beside = if known && (marked || self.estimated) { Beside::Estimated } else { Beside::Nothing };
        Ok(Told::Row(Observation { period, economy, partner: economy, topic, figures, beside }))
    }

    /// The world's total, unless it leaves out the United States.
    fn total(&self, names: &mut Names) -> Result<Option<Total>, Reject> {
        let partial = self.notes.contains("exclud") || self.notes.contains("not include");
        let Some((figure, _)) = Cell::amount(self.names[1], self.text)?.filter(|_| !partial) else {
            return Ok(None);
        };
        let rounding = rounding(figure.number);
        let (period, topic, figures) = self.measured(names, figure)?;
        let group = Group { period, topic, whole: Whole::Output, reporter: Reporter::Unspecified };
        Ok(Some(Total { group, figures, rounding }))
    }

    /// Period, series, and the figure in tonnes.
    fn measured(
        &self,
        names: &mut Names,
        mut figure: Figure,
    ) -> Result<(Symbol, Symbol, [Figure; 2]), Reject> {
        let [in_unit, in_value] = self.names;
        let period = names.period(in_value, &self.year.to_string())?;
        let Series { material, stage, basis, .. } = self.series;
        let (unit, stage) = (unit(self.unit), stage.as_str());
        let (topic, factor) =
            names.series([("commodity", material), ("type", stage), (in_unit, &unit), ("basis", basis)])?;
        figure.number *= factor;
        Ok((period, topic, [figure, Figure::known(0.0)]))
    }
}

/// By what share totals may differ from their parts: half a unit of their second digit, to which the Survey rounds estimates,
/// and a hundredth for the rounding of the parts.
fn rounding(total: f64) -> f64 {
    const OF_PARTS: f64 = 0.01;
    if total <= 0.0 || !total.is_finite() {
        return OF_PARTS;
    }
    let unit = 10_f64.powf(total.log10().floor() - 1.0);
    unit / 2.0 / total + OF_PARTS
}

/// A unit as the catalogue reads it: that something is weighed dry is said of ores that always are.
pub(super) fn unit(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("dry"));
    let unit = words.collect::<Vec<_>>().join(" ");
    if unit.eq_ignore_ascii_case("mmt") { "Mt".to_owned() } else { unit }
}

impl Reader for World {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let header = std::mem::take(&mut records.header);
        records.each(out, |record, out| self.row(record, &header, out))
    }
}

impl World {
    fn row(&self, record: Record<'_>, header: &[String], out: &mut dyn Out) -> Result<(), Halt> {
        for column in &self.columns.others {
            if !record.get(*column).is_empty() {
                out.outside(place(record, *column));
            }
        }
        let of = self.of(record, header, out.names());
        for produced in &self.columns.produced {
            let (text, place) = (record.get(produced.column), place(record, produced.column));
            let told = match &of {
                Ok(None) => Ok(Told::Nothing),
                // A sum is only what is printed.
                Ok(Some((_, Producer::World))) if text.is_empty() => Ok(Told::Nothing),
                Ok(Some((series, producer))) => {
                    self.figure(record, produced, *series, *producer, out.names())
                }
                Err(reject) => Err(reject.clone()),
            };
            match told {
                Ok(Told::Row(row)) => out.row(row, place)?,
                Ok(Told::Total(total)) => {
                    out.total(total, place);
                    out.outside(place);
                }
                Ok(Told::Nothing) if text.is_empty() => {}
                Ok(Told::Nothing) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
        }
        Ok(())
    }

    /// The series and producer of a row. None: neither is anything that Orewatch covers.
    fn of(
        &self,
        record: Record<'_>,
        header: &[String],
        names: &mut Names,
    ) -> Result<Option<(Series, Producer)>, Reject> {
        let columns = &self.columns;
        let name = |column: usize| header.get(column).map_or("", String::as_str);
        let Some(series) = self.series(record, name(columns.kind))? else { return Ok(None) };
        self.file.is_of_edition(name(columns.source), record.get(columns.source))?;
        let producer = producer(names, name(columns.country), record.get(columns.country))?;
        Ok(Some((series, producer)))
    }

    fn series(&self, record: Record<'_>, name: &str) -> Result<Option<Series>, Reject> {
        let kind = record.get(self.columns.kind);
        if let Some(commodity) = self.columns.commodity {
            return Ok(series::of(record.get(commodity), kind));
        }
        match series::in_type(kind, self.material) {
            Named::Series(series) => Ok(Some(series)),
            Named::Outside => Ok(None),
            Named::Nothing => Err(Reject::new(
                "unnamed-commodity",
                name,
                kind,
                "nothing in the file says of which commodity this is",
            )
            .with_hint("complete the type, such as `Mine production, lithium content`")),
        }
    }

    fn figure(
        &self,
        record: Record<'_>,
        produced: &Produced,
        series: Series,
        producer: Producer,
        names: &mut Names,
    ) -> Result<Told, Reject> {
        match self.is_of_its_year(produced) {
            Err(_) if producer == Producer::World => return Ok(Told::Nothing),
            checked => checked?,
        }
        let notes = self.columns.notes.map_or("", |column| record.get(column)).to_lowercase();
        let text = Some(record.get(produced.column)).filter(|text| !text.is_empty());
        let unit = self.columns.unit.map_or(produced.unit.as_str(), |column| record.get(column));
        let output = Output {
            series,
            producer,
            year: produced.year,
            unit,
            text: text.unwrap_or_else(|| stands_for(&notes)),
            estimated: is_estimated(produced, record.get(self.columns.kind), &notes),
            notes: &notes,
            names: [if self.columns.unit.is_some() { "unit" } else { &produced.name }, &produced.name],
        };
        output.told(names)
    }

    /// An edition gives the two years before it. Some files have the years of an earlier edition above the figures of
    /// theirs: what year these are of is not for us to say.
    fn is_of_its_year(&self, produced: &Produced) -> Result<(), Reject> {
        let newest = self.columns.produced.iter().map(|column| column.year).max();
        let (Some(edition), Some(newest)) = (self.file.edition, newest) else { return Ok(()) };
        if newest.checked_add(1) == Some(edition) {
            return Ok(());
        }
        let reason = format!(
            "the edition of {edition} has figures to {}, the columns end with {newest}",
            edition.saturating_sub(1)
        );
        Err(Reject::new("year-and-edition", &produced.name, &produced.year.to_string(), reason).with_hint(
            "the columns are named wrongly: take another file of the edition, or correct their years",
        ))
    }
}

fn place(record: Record<'_>, column: usize) -> Place {
    Place::cell(record.line, column)
}

/// What a blank stands for, by the notes of its row. The wide file prints neither dashes nor `W`.
fn stands_for(notes: &str) -> &'static str {
    match notes.trim() {
        notes if notes == "w" || notes.starts_with("w for") => "W",
        notes if notes.starts_with("less than 1/2 unit") || notes.starts_with("less than ½ unit") => "s",
        "xx" => "XX",
        _ => "NA",
    }
}

/// Whether the Survey calls a figure an estimate: in the name of its column, its type or its notes.
fn is_estimated(produced: &Produced, kind: &str, notes: &str) -> bool {
    let year = produced.year.to_string();
    let noted = notes.contains("estimated")
        && (notes.contains(&format!("estimated in {year}")) || notes.starts_with("estimated"));
    let column = produced.estimated && notes.trim() != "reported";
    column || noted || kind.trim_end().to_lowercase().ends_with("estimated")
}
