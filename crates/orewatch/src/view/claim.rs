//! Rows of claims and of what they were compared with.
use orewatch_contracts::exposure::v1::{CheckedClaim, ClaimFigure, ClaimReading, ClaimVerdict};
use orewatch_contracts::ingestion::v1::{ClaimRow, Confirmation};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Record, Row, column, estimate, only_shown, value_in};
use crate::words::{by_word, economy_name, enum_word, material_name, measure_unit};

impl Row for CheckedClaim {
    fn columns() -> Vec<Column<Self>> {
        let text = |name, get: fn(&ClaimRow) -> String| {
            column(name, move |row: &Self| Cell::text(row.claim.as_ref().map(get).unwrap_or_default()))
        };
        let number = |name, get: fn(&ClaimRow) -> f64| {
            column(name, move |row: &Self| Cell::Number(row.claim.as_ref().map(get)))
        };
        vec![
            text("claim", |claim| claim.id.clone()).shown("claim", Left),
            column("verdict", |row: &Self| {
                Cell::text(enum_word(row.verdict().as_str_name(), "CLAIM_VERDICT_"))
            })
            .shown_as("verdict", Left, |row| verdict_phrase(row.verdict()).to_owned()),
            column("reason", |row: &Self| Cell::text(&row.reason)),
            text("text", |claim| claim.text.clone()),
            text("said_by", |claim| claim.said_by.clone()),
            text("reported_by", |claim| claim.reported_by.clone()),
            text("date", |claim| claim.date.clone()),
            text("consumer", |claim| claim.consumer.clone()),
            column("materials", |row: &Self| {
                Cell::List(row.claim.as_ref().map(|claim| claim.materials.clone()).unwrap_or_default())
            }),
            text("stage", |claim| claim.stage.clone()),
            text("measure", |claim| claim.measure.clone()),
            text("supplier", |claim| claim.supplier.clone()),
            number("low", |claim| claim.low),
            number("high", |claim| claim.high),
            text("by", |claim| enum_word(claim.by().as_str_name(), "BY_").replace("unspecified", "")),
            text("period", |claim| claim.period.clone()),
            text("basis", |claim| claim.basis.clone()),
            text("vintage", |claim| claim.vintage.clone()),
            number("tolerance", |claim| claim.tolerance),
            text("source", |claim| claim.source.clone()),
            text("url", |claim| claim.url.clone()),
            text("confirmation", |claim| confirmation_word(claim.confirmation())),
            column("release", |row: &Self| Cell::text(&row.release)),
            column("readings", |row: &Self| {
                let reading = |reading: &ClaimReading| reading_record(row, reading);
                Cell::Records(row.readings.iter().map(reading).collect())
            }),
        ]
    }
}

/// The verdict for people.
pub(crate) fn verdict_phrase(verdict: ClaimVerdict) -> &'static str {
    match verdict {
        ClaimVerdict::Agrees => "agrees",
        ClaimVerdict::AgreesOnlyWith => "agrees only with another reading",
        ClaimVerdict::Contradicted => "contradicted",
        ClaimVerdict::CannotBeChecked => "cannot be checked",
        ClaimVerdict::Unspecified => "not checked",
    }
}

/// How well the source of a claim is known.
pub(crate) fn confirmation_word(confirmation: Confirmation) -> String {
    match confirmation {
        // The contract reads a missing one as recalled.
        Confirmation::Unspecified | Confirmation::Recalled => "recalled".to_owned(),
        known => enum_word(known.as_str_name(), "CONFIRMATION_"),
    }
}

/// What a claim states, for people: the range, the measure and the subject.
pub(crate) fn claimed_text(claim: &ClaimRow) -> String {
    let unit = measure_unit(&claim.measure);
    let (low, high) = (value_in(unit, claim.low), value_in(unit, claim.high));
    let range = if low == high { low } else { format!("{low} to {high}") };
    let materials: Vec<_> = claim.materials.iter().map(|id| material_name(id)).collect();
    let supplier = if claim.supplier.is_empty() {
        String::new()
    } else {
        format!(" of {}", economy_name(&claim.supplier))
    };
    let measure = claim.measure.split('/').next().unwrap_or_default();
    let details = [&claim.period, &claim.basis, &claim.vintage].map(|text| text.as_str());
    let details: Vec<_> = details.into_iter().filter(|text| !text.is_empty()).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!(
        "{measure}{supplier} for {}, {} {}: {range}{details}",
        economy_name(&claim.consumer),
        materials.join(", "),
        claim.stage,
    )
}

/// A reading of a claim with its figures.
#[derive(Debug)]
pub(crate) struct ReadingRow {
    /// The claim.
    pub(crate) claim: CheckedClaim,
    /// The reading.
    pub(crate) reading: ClaimReading,
}

impl ReadingRow {
    fn unit(&self) -> &'static str {
        unit_of(&self.claim)
    }

    /// The figures: one alone, several with their materials.
    fn figures(&self) -> String {
        match self.reading.figures.as_slice() {
            [figure] => estimate(self.unit(), figure.estimate.as_ref()),
            several => {
                let figure = |figure: &ClaimFigure| {
                    format!("{} {}", figure.material, estimate(self.unit(), figure.estimate.as_ref()))
                };
                several.iter().map(figure).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Row for ReadingRow {
    fn columns() -> Vec<Column<Self>> {
        let agrees = |row: &Self| if row.reading.agrees { "yes" } else { "no" }.to_owned();
        vec![
            column("period", |row: &Self| Cell::text(&row.reading.period)).shown("period", Left),
            column("by", |row: &Self| Cell::text(by_word(row.reading.by()))).shown("by", Left),
            column("source", |row: &Self| Cell::text(&row.reading.source))
                .shown("source", Left)
                .unless_empty(),
            column("vintage", |row: &Self| Cell::text(&row.reading.vintage))
                .shown("vintage", Left)
                .unless_empty(),
            column("agrees", |row: &Self| Cell::Flag(row.reading.agrees)).shown_as("agrees", Left, agrees),
            only_shown("figures", Right, Self::figures),
        ]
    }
}

fn unit_of(claim: &CheckedClaim) -> &'static str {
    claim.claim.as_ref().map_or("", |claim| measure_unit(&claim.measure))
}

/// A reading as a nested value.
fn reading_record(claim: &CheckedClaim, reading: &ClaimReading) -> Record {
    let row = ReadingRow { claim: claim.clone(), reading: reading.clone() };
    let parts = [reading.period.as_str(), by_word(reading.by()), &reading.source, &reading.vintage];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let figure = |figure: &ClaimFigure| Record {
        text: format!("{} {}", figure.material, estimate(row.unit(), figure.estimate.as_ref())),
        fields: vec![
            ("material", Cell::text(&figure.material)),
            ("value", Cell::Number(figure.estimate.as_ref().and_then(|estimate| estimate.value))),
            ("low", Cell::Number(figure.estimate.as_ref().and_then(|estimate| estimate.low))),
            ("high", Cell::Number(figure.estimate.as_ref().and_then(|estimate| estimate.high))),
            ("releases", Cell::List(figure.releases.clone())),
        ],
    };
    Record {
        text: format!("{}: {}", parts.join(" "), row.figures()),
        fields: vec![
            ("period", Cell::text(&reading.period)),
            ("by", Cell::text(by_word(reading.by()))),
            ("source", Cell::text(&reading.source)),
            ("vintage", Cell::text(&reading.vintage)),
            ("agrees", Cell::Flag(reading.agrees)),
            ("figures", Cell::Records(reading.figures.iter().map(figure).collect())),
        ],
    }
}
