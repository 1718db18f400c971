//! Published figures beside ours.
use orewatch_verification::Case;

use crate::render::{Cell, Row};

/// A published figure beside ours.
#[derive(Debug)]
pub(crate) struct CaseRow<'a>(pub(crate) &'a Case);

impl Row for CaseRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "measure",
        "case",
        "figure",
        "published",
        "published_low",
        "published_high",
        "ours",
        "ours_low",
        "ours_high",
        "tolerance",
        "unit",
        "verdict",
        "reason",
        "source",
        "licence",
        "place",
    ];

    fn cells(&self) -> Vec<Cell> {
        let case = self.0;
        vec![
            Cell::text(case.measure.id()),
            Cell::text(&case.case),
            Cell::text(case.term),
            Cell::text(&case.published.text),
            Cell::Number(case.published.estimate.low),
            Cell::Number(case.published.estimate.high),
            Cell::Number(case.ours.value),
            Cell::Number(case.ours.low),
            Cell::Number(case.ours.high),
            Cell::Number(Some(case.tolerance)),
            Cell::text(case.unit),
            Cell::text(case.verdict.as_str().replace(' ', "-")),
            Cell::text(&case.reason),
            Cell::text(&case.source.title),
            Cell::text(&case.source.licence),
            Cell::text(&case.source.place),
        ]
    }
}
