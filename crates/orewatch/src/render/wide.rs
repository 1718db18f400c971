//! Exposures with their periods side by side: one line per subject, one column per period.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Exposure, Subject};
use orewatch_contracts::figure::{brief, status_word};
use orewatch_query::Cell;
use serde_json::{Map, Value, json};

use super::out::Out;
use super::row::table_of_columns;
use super::sheet::{Align, TextColumn, column_width, fit, has_room};
use crate::words::{by_word, economy_name};

/// Maximum width of a supplier's name, in characters.
const MAX_NAME_WIDTH: usize = 16;

/// Names of the columns that describe a subject.
const SUBJECT: [&str; 7] = ["consumer", "material", "stage", "supplier", "measure", "by", "unit"];

/// Exposures by subject and period.
pub(crate) struct Wide<'a> {
    /// Periods, in order.
    periods: Vec<&'a str>,
    lines: Vec<Line<'a>>,
}

/// The figures of one subject, in the order of the periods.
struct Line<'a> {
    subject: &'a Subject,
    unit: &'a str,
    figures: Vec<Option<&'a Exposure>>,
}

impl<'a> Wide<'a> {
    /// Puts the periods of each subject side by side. Subjects stay in the order of their newest figures.
    pub(crate) fn new(exposures: &'a [Exposure]) -> Self {
        let periods: BTreeSet<&str> = exposures.iter().map(|one| one.period.as_str()).collect();
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut places: BTreeMap<[String; 7], usize> = BTreeMap::new();
        for (column, period) in periods.iter().enumerate().rev() {
            for exposure in exposures.iter().filter(|one| one.period == **period) {
                let Some(subject) = &exposure.subject else { continue };
                let line = Line { subject, unit: &exposure.unit, figures: vec![None; periods.len()] };
                let place = *places.entry(line.subject_texts()).or_insert(lines.len());
                if place == lines.len() {
                    lines.push(line);
                }
                let figure = lines.get_mut(place).and_then(|line| line.figures.get_mut(column));
                if let Some(figure) = figure {
                    *figure = Some(exposure);
                }
            }
        }
        Self { periods: periods.into_iter().collect(), lines }
    }

    /// The header and the records of a CSV. A figure without a value is an empty cell.
    pub(crate) fn records(&self) -> (Vec<String>, Vec<Vec<Cell>>) {
        let header = SUBJECT.iter().chain(&self.periods).map(|name| (*name).to_owned()).collect();
        let record = |line: &Line<'_>| {
            let subject = line.subject_texts().into_iter().map(Cell::text);
            let values = line.figures.iter().map(|figure| {
                Cell::Number(figure.and_then(|one| one.estimate.as_ref()).and_then(|one| one.value))
            });
            subject.chain(values).collect()
        };
        (header, self.lines.iter().map(record).collect())
    }

    /// The lines as JSON: the subject, and its figures with their periods.
    pub(crate) fn document(&self) -> Vec<Value> {
        let number = |figure: Option<&Exposure>, field: fn(&Estimate) -> Option<f64>| {
            figure.and_then(|one| one.estimate.as_ref()).and_then(field).filter(|value| value.is_finite())
        };
        let line = |line: &Line<'_>| {
            let names = SUBJECT.iter().map(|name| (*name).to_owned());
            let texts = line.subject_texts().into_iter();
            let texts = texts.map(|text| if text.is_empty() { Value::Null } else { Value::from(text) });
            let mut fields: Map<String, Value> = names.zip(texts).collect();
            let figures = self.periods.iter().zip(&line.figures).map(|(period, figure)| {
                let status = figure.and_then(|one| one.estimate.as_ref()).map(Estimate::status);
                json!({
                    "period": period,
                    "value": number(*figure, |estimate| estimate.value),
                    "low": number(*figure, |estimate| estimate.low),
                    "high": number(*figure, |estimate| estimate.high),
                    "status": status.map(status_word),
                })
            });
            fields.insert("periods".to_owned(), figures.collect());
            Value::Object(fields)
        };
        self.lines.iter().map(line).collect()
    }

    /// The lines as a table. What all lines share stands above it. Periods for which the page has no room
    /// follow in further tables.
    pub(crate) fn table(&self, out: &Out) -> String {
        let (above, columns) = self.shared_and_own();
        let heading = if above.is_empty() { String::new() } else { format!("{}\n", above.join(" · ")) };
        format!("{}{}", out.style.bold(&heading), self.tables(out, &columns))
    }

    /// The values of the subject that all lines share, and columns of those that differ.
    fn shared_and_own(&self) -> (Vec<String>, Vec<TextColumn<'static>>) {
        let mut above = Vec::new();
        let mut columns = Vec::new();
        for (place, name) in SUBJECT.iter().enumerate().filter(|(_, name)| **name != "unit") {
            let cells: Vec<String> = self.lines.iter().map(|line| line.shown_text(place)).collect();
            let is_shared = cells.windows(2).all(|pair| pair.first() == pair.last());
            match cells.first() {
                Some(shared) if is_shared && *name == "by" => above.push(format!("by {shared}")),
                Some(shared) if is_shared => above.push(shared.clone()),
                _ => columns.push((*name, Align::Left, cells)),
            }
        }
        above.retain(|text| !text.is_empty());
        (above, columns)
    }

    /// Tables that begin with the same columns, each with as many periods as the page has room for.
    fn tables(&self, out: &Out, first: &[TextColumn<'_>]) -> String {
        let mut tables = Vec::new();
        let mut columns = first.to_vec();
        for (place, period) in self.periods.iter().enumerate() {
            let cells = self.lines.iter().map(|line| line.figure_text(place)).collect();
            columns.push((*period, Align::Right, cells));
            if !has_room(out, columns.iter().map(column_width))
                && columns.len() > first.len() + 1
                && let Some(last) = columns.pop()
            {
                tables.push(table_of_columns(out, columns));
                columns = first.iter().cloned().chain([last]).collect();
            }
        }
        tables.push(table_of_columns(out, columns));
        tables.join("\n")
    }
}

impl Line<'_> {
    /// The values of the columns of [`SUBJECT`].
    fn subject_texts(&self) -> [String; 7] {
        let Subject { consumer, material, stage, supplier, measure, .. } = self.subject.clone();
        let by = by_word(self.subject.by()).to_owned();
        [consumer, material, stage, supplier, measure, by, self.unit.to_owned()]
    }

    /// A value of the subject for people.
    fn shown_text(&self, place: usize) -> String {
        let text = self.subject_texts().get(place).cloned().unwrap_or_default();
        match SUBJECT.get(place) {
            Some(&"supplier") if !text.is_empty() => {
                format!("{text} {}", fit(economy_name(&text), MAX_NAME_WIDTH))
            }
            Some(&"measure") => text.split('/').next().unwrap_or_default().to_owned(),
            _ => text,
        }
    }

    /// The figure of a period for people: its value, or why it has none.
    fn figure_text(&self, place: usize) -> String {
        match self.figures.get(place).copied().flatten() {
            Some(figure) => brief(self.unit, figure.estimate.as_ref()),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::Status;

    use super::*;

    fn exposure(consumer: &str, period: &str, value: Option<f64>) -> Exposure {
        let status = if value.is_some() { Status::Known } else { Status::Unavailable };
        Exposure {
            subject: Some(Subject {
                consumer: consumer.to_owned(),
                material: "cobalt".to_owned(),
                measure: "import-share/1".to_owned(),
                ..Subject::default()
            }),
            period: period.to_owned(),
            estimate: Some(Estimate { value, status: status.into(), ..Estimate::default() }),
            unit: "share".to_owned(),
            ..Exposure::default()
        }
    }

    #[test]
    fn periods_are_columns_in_every_format() {
        let figures = [
            exposure("JPN", "2014", Some(0.25)),
            exposure("DEU", "2024", Some(0.5)),
            exposure("JPN", "2024", None),
        ];
        let wide = Wide::new(&figures);
        let (header, records) = wide.records();
        assert_eq!(header.join(","), "consumer,material,stage,supplier,measure,by,unit,2014,2024");
        let texts = |cells: &Vec<Cell>| cells.iter().map(Cell::csv_text).collect::<Vec<_>>().join(",");
        assert_eq!(
            records.iter().map(texts).collect::<Vec<_>>(),
            [
                "DEU,cobalt,,,import-share/1,quantity,share,,0.5",
                "JPN,cobalt,,,import-share/1,quantity,share,0.25,"
            ]
        );
        let document = wide.document();
        let unknown =
            json!({"period": "2024", "value": null, "low": null, "high": null, "status": "unavailable"});
        assert_eq!(document[1]["periods"][1], unknown);
        assert_eq!(document[0]["periods"][0]["status"], Value::Null);
        let out = Out::for_tests(80);
        let table = wide.table(&out);
        assert!(table.starts_with("cobalt · import-share · by quantity\n"), "{table}");
        assert!(table.contains("50.0 %") && table.contains("25.0 %"), "{table}");
    }

    #[test]
    fn many_periods_are_several_tables_that_fit_the_page() {
        let periods: Vec<String> = (2000..2024).map(|year| year.to_string()).collect();
        let figures: Vec<_> = ["JPN", "DEU"]
            .iter()
            .flat_map(|consumer| periods.iter().map(|period| exposure(consumer, period, Some(0.25))))
            .collect();
        let table = Wide::new(&figures).table(&Out::for_tests(80));
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert_eq!(table.matches("consumer").count(), 3, "{table}");
        assert!(periods.iter().all(|period| table.contains(period)), "{table}");
    }
}
