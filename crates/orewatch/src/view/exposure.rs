//! Exposures.
use orewatch_contracts::exposure::v1::{Exposure, SourceAnswer, Subject};

use crate::render::{Cell, Row, status_word};
use crate::words::by_word;

use super::{kind_word, trend, verdict};

/// An exposure.
#[derive(Debug)]
pub(crate) struct ExposureRow<'a>(pub(crate) &'a Exposure);

impl Row for ExposureRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "consumer",
        "material",
        "stage",
        "supplier",
        "measure",
        "by",
        "period",
        "value",
        "low",
        "high",
        "unit",
        "coverage",
        "status",
        "reason",
        "names",
        "releases",
        "standing",
        "lines",
        "change",
        "change_low",
        "change_high",
        "mean3",
        "mean3_low",
        "mean3_high",
        "mean5",
        "mean5_low",
        "mean5_high",
        "datasets",
        "sources",
        "lowest",
        "lowest_dataset",
        "highest",
        "highest_dataset",
        "missing_codes",
        "missing_members",
    ];

    fn cells(&self) -> Vec<Cell> {
        let exposure = self.0;
        let empty = Subject::default();
        let subject = exposure.subject.as_ref().unwrap_or(&empty);
        let estimate = exposure.estimate.clone().unwrap_or_default();
        let mut cells = vec![
            Cell::text(&subject.consumer),
            Cell::text(&subject.material),
            Cell::text(&subject.stage),
            Cell::text(&subject.supplier),
            Cell::text(&subject.measure),
            Cell::text(by_word(subject.by())),
            Cell::text(&exposure.period),
            Cell::Number(estimate.value),
            Cell::Number(estimate.low),
            Cell::Number(estimate.high),
            Cell::text(&exposure.unit),
            Cell::Number(estimate.coverage),
            Cell::text(status_word(estimate.status())),
            Cell::text(&estimate.reason),
            Cell::List(exposure.names.clone()),
            Cell::List(exposure.releases.clone()),
        ];
        cells.extend(verdict::cells(exposure));
        cells.extend(trend::cells(exposure.trend.as_ref()));
        let spread = exposure.spread.clone().unwrap_or_default();
        cells.extend([
            Cell::List(exposure.datasets.clone()),
            Cell::Count(exposure.spread.as_ref().map(|spread| u64::from(spread.sources))),
            Cell::Number(spread.lowest),
            Cell::text(spread.lowest_dataset),
            Cell::Number(spread.highest),
            Cell::text(spread.highest_dataset),
            Cell::List(exposure.missing_codes.clone()),
            Cell::List(exposure.missing_members.clone()),
        ]);
        cells
    }
}

/// What one dataset says of a figure, beside what is published.
#[derive(Debug)]
pub(crate) struct SideRow<'a> {
    /// The figure as it is published.
    pub(crate) published: &'a Exposure,
    /// What the dataset says.
    pub(crate) side: &'a SourceAnswer,
}

impl Row for SideRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "consumer",
        "material",
        "stage",
        "supplier",
        "measure",
        "by",
        "period",
        "published",
        "dataset",
        "kind",
        "vintages",
        "answers",
        "value",
        "low",
        "high",
        "unit",
        "coverage",
        "status",
        "quantity_t",
        "value_kusd",
        "differences",
    ];

    fn cells(&self) -> Vec<Cell> {
        let empty = Subject::default();
        let subject = self.published.subject.as_ref().unwrap_or(&empty);
        let published = self.published.estimate.as_ref().and_then(|estimate| estimate.value);
        let found = self.side.exposure.as_ref().and_then(|exposure| exposure.estimate.clone());
        let estimate = found.unwrap_or_default();
        vec![
            Cell::text(&subject.consumer),
            Cell::text(&subject.material),
            Cell::text(&subject.stage),
            Cell::text(&subject.supplier),
            Cell::text(&subject.measure),
            Cell::text(by_word(subject.by())),
            Cell::text(&self.published.period),
            Cell::Number(published),
            Cell::text(&self.side.dataset),
            Cell::text(kind_word(self.side.kind())),
            Cell::List(self.side.vintages.clone()),
            Cell::Flag(self.side.answers),
            Cell::Number(estimate.value),
            Cell::Number(estimate.low),
            Cell::Number(estimate.high),
            Cell::text(&self.published.unit),
            Cell::Number(estimate.coverage),
            Cell::text(status_word(estimate.status())),
            Cell::Number(self.side.quantity),
            Cell::Number(self.side.value),
            Cell::List(self.side.differences.clone()),
        ]
    }
}
