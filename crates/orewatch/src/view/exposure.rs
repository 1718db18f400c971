//! Exposures.
use orewatch_contracts::exposure::v1::{Exposure, Subject};

use crate::render::{Cell, Row, status_word};
use crate::words::by_word;

use super::{trend, verdict};

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
        cells
    }
}
