//! Rows of exposures and of source comparisons.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{
    Exposure, MarketSize, ProductInfo, SourceAnswer, SourceSpread, Subject,
};

use crate::render::{Cell, Column, Row, column, status_word};
use crate::words::by_word;

use super::market::InMarket;
use super::{kind_word, market, revision, trend, verdict};

/// A field of the exposure's subject.
fn subject_text(exposure: &Exposure, field: fn(&Subject) -> &String) -> Cell {
    Cell::text(exposure.subject.as_ref().map(field).cloned().unwrap_or_default())
}

/// A number of the exposure's estimate.
fn number(exposure: &Exposure, field: fn(&Estimate) -> Option<f64>) -> Cell {
    Cell::Number(exposure.estimate.as_ref().and_then(field))
}

/// Columns of what an exposure is about, and its period.
pub(super) fn subject_columns() -> Vec<Column<Exposure>> {
    vec![
        column("consumer", |exposure: &Exposure| subject_text(exposure, |subject| &subject.consumer)),
        column("material", |exposure: &Exposure| subject_text(exposure, |subject| &subject.material)),
        column("stage", |exposure: &Exposure| subject_text(exposure, |subject| &subject.stage)),
        column("supplier", |exposure: &Exposure| subject_text(exposure, |subject| &subject.supplier)),
        column("measure", |exposure: &Exposure| subject_text(exposure, |subject| &subject.measure)),
        column("by", |exposure: &Exposure| {
            let by = exposure.subject.as_ref().map(Subject::by).unwrap_or_default();
            Cell::text(by_word(by))
        }),
        column("period", |exposure: &Exposure| Cell::text(&exposure.period)),
    ]
}

fn status_cell(exposure: &Exposure) -> Cell {
    Cell::text(status_word(exposure.estimate.as_ref().map(Estimate::status).unwrap_or_default()))
}

fn figure_columns() -> Vec<Column<Exposure>> {
    vec![
        column("value", |exposure: &Exposure| number(exposure, |estimate| estimate.value)),
        column("low", |exposure: &Exposure| number(exposure, |estimate| estimate.low)),
        column("high", |exposure: &Exposure| number(exposure, |estimate| estimate.high)),
        column("unit", |exposure: &Exposure| Cell::text(&exposure.unit)),
        column("coverage", |exposure: &Exposure| number(exposure, |estimate| estimate.coverage)),
        column("status", status_cell),
        column("reason", |exposure: &Exposure| {
            let reason = exposure.estimate.as_ref().map(|estimate| estimate.reason.clone());
            Cell::text(reason.unwrap_or_default())
        }),
        column("names", |exposure: &Exposure| Cell::List(exposure.names.clone())),
        column("releases", |exposure: &Exposure| Cell::List(exposure.releases.clone())),
    ]
}

/// What the datasets that can answer say, which data are missing, and whether the figure is projected.
fn source_columns() -> Vec<Column<Exposure>> {
    let dataset = |exposure: &Exposure, field: fn(&SourceSpread) -> &String| {
        Cell::text(exposure.spread.as_ref().map(field).cloned().unwrap_or_default())
    };
    vec![
        column("datasets", |exposure: &Exposure| Cell::List(exposure.datasets.clone())),
        column("sources", |exposure: &Exposure| {
            Cell::Count(exposure.spread.as_ref().map(|spread| spread.sources.into()))
        }),
        column("lowest", |exposure: &Exposure| {
            Cell::Number(exposure.spread.as_ref().and_then(|spread| spread.lowest))
        }),
        column("lowest_dataset", move |exposure: &Exposure| {
            dataset(exposure, |spread| &spread.lowest_dataset)
        }),
        column("highest", |exposure: &Exposure| {
            Cell::Number(exposure.spread.as_ref().and_then(|spread| spread.highest))
        }),
        column("highest_dataset", move |exposure: &Exposure| {
            dataset(exposure, |spread| &spread.highest_dataset)
        }),
        column("missing_codes", |exposure: &Exposure| Cell::List(exposure.missing_codes.clone())),
        column("missing_members", |exposure: &Exposure| Cell::List(exposure.missing_members.clone())),
        column("scenario", |exposure: &Exposure| Cell::text(&exposure.scenario)),
    ]
}

impl InMarket for Exposure {
    fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }
    fn products(&self) -> &[ProductInfo] {
        &self.products
    }
    fn size(&self) -> Option<&MarketSize> {
        self.size.as_ref()
    }
}

impl Row for Exposure {
    fn columns() -> Vec<Column<Self>> {
        let groups = [
            subject_columns(),
            figure_columns(),
            verdict::columns(),
            trend::columns(),
            source_columns(),
            revision::columns(),
            market::columns(),
            verdict::headline_columns(),
        ];
        let tied = column("tied", |exposure: &Self| Cell::List(exposure.tied.clone()));
        groups.into_iter().flatten().chain([tied]).collect()
    }
}

/// `projection iea-cm:base`, if the figure is a projection.
pub(crate) fn projection_words(exposure: &Exposure) -> String {
    match exposure.scenario.as_str() {
        "" => String::new(),
        scenario => format!("projection {scenario}"),
    }
}

/// A figure computed from one dataset, beside the published figure.
#[derive(Debug)]
pub(crate) struct DatasetFigure<'a> {
    /// The published figure.
    pub(crate) published: &'a Exposure,
    /// The figure from the dataset.
    pub(crate) side: &'a SourceAnswer,
}

impl DatasetFigure<'_> {
    /// A number of the dataset's estimate.
    fn number(&self, field: fn(&Estimate) -> Option<f64>) -> Cell {
        self.side.exposure.as_ref().map_or(Cell::Number(None), |exposure| number(exposure, field))
    }

    /// The status of the dataset's estimate.
    fn status(&self) -> Cell {
        self.side.exposure.as_ref().map_or_else(|| status_cell(&Exposure::default()), status_cell)
    }
}

impl Row for DatasetFigure<'_> {
    fn columns() -> Vec<Column<Self>> {
        let subject = subject_columns().into_iter().map(|column| column.within(|row: &Self| row.published));
        let figure: Vec<Column<Self>> = vec![
            column("published", |row: &Self| number(row.published, |estimate| estimate.value)),
            column("dataset", |row: &Self| Cell::text(&row.side.dataset)),
            column("kind", |row: &Self| Cell::text(kind_word(row.side.kind()))),
            column("vintages", |row: &Self| Cell::List(row.side.vintages.clone())),
            column("answers", |row: &Self| Cell::Flag(row.side.answers)),
            column("value", |row: &Self| row.number(|estimate| estimate.value)),
            column("low", |row: &Self| row.number(|estimate| estimate.low)),
            column("high", |row: &Self| row.number(|estimate| estimate.high)),
            column("unit", |row: &Self| Cell::text(&row.published.unit)),
            column("coverage", |row: &Self| row.number(|estimate| estimate.coverage)),
            column("status", Self::status),
            column("quantity_t", |row: &Self| Cell::Number(row.side.quantity)),
            column("value_kusd", |row: &Self| Cell::Number(row.side.value)),
            column("differences", |row: &Self| Cell::List(row.side.differences.clone())),
        ];
        subject.chain(figure).collect()
    }
}
