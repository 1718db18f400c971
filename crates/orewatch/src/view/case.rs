//! Rows of `verify`.
use orewatch_verification::{Case, Verdict};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, Style, column};

/// A published figure beside ours.
#[derive(Debug)]
pub(crate) struct CaseRow<'a> {
    /// Both figures and their source.
    pub(crate) case: &'a Case,
    /// Colours of the verdict in tables.
    pub(crate) style: Style,
}

impl CaseRow<'_> {
    /// The term of the measure that is compared, or the measure itself.
    fn figure(&self) -> String {
        if self.case.term.is_empty() { "the measure" } else { self.case.term }.to_owned()
    }

    fn painted_verdict(&self) -> String {
        let verdict = self.case.verdict;
        match verdict {
            Verdict::Reproduced => self.style.green(verdict.as_str()),
            Verdict::WithinBounds => self.style.yellow(verdict.as_str()),
            Verdict::NotReproduced => self.style.red(verdict.as_str()),
        }
    }
}

impl Row for CaseRow<'_> {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("measure", |row: &Self| Cell::text(row.case.measure.id())),
            column("case", |row: &Self| Cell::text(&row.case.case)).shown("case", Left),
            column("figure", |row: &Self| Cell::text(row.case.term))
                .shown_as("figure", Left, Self::figure)
                .if_any(|row| !row.case.term.is_empty()),
            column("published", |row: &Self| Cell::text(&row.case.published.text)).shown("published", Right),
            column("published_low", |row: &Self| Cell::Number(row.case.published.estimate.low)),
            column("published_high", |row: &Self| Cell::Number(row.case.published.estimate.high)),
            column("ours", |row: &Self| Cell::Number(row.case.ours.value))
                .shown_as("ours", Right, |row| row.case.ours_text()),
            column("ours_low", |row: &Self| Cell::Number(row.case.ours.low)),
            column("ours_high", |row: &Self| Cell::Number(row.case.ours.high)),
            column("tolerance", |row: &Self| Cell::Number(Some(row.case.tolerance))).shown_as(
                "+/-",
                Right,
                |row| row.case.tolerance_text(),
            ),
            column("unit", |row: &Self| Cell::text(row.case.unit)),
            column("verdict", |row: &Self| Cell::text(row.case.verdict.as_str().replace(' ', "-"))).shown_as(
                "verdict",
                Left,
                Self::painted_verdict,
            ),
            column("reason", |row: &Self| Cell::text(&row.case.reason)),
            column("source", |row: &Self| Cell::text(&row.case.source.title)),
            column("licence", |row: &Self| Cell::text(&row.case.source.licence)),
            column("place", |row: &Self| Cell::text(&row.case.source.location)),
        ]
    }
}
