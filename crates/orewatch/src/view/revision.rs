//! Bands of revisions, and how firm figures are, as rows and words.
use orewatch_contracts::exposure::v1::{Exposure, FigureRevision, Firmness, RevisionBand};
use orewatch_contracts::figure::{self, value_in};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Record, Row, column, only_shown};
use crate::words::by_word;

/// Firmness as a word. Empty if no revision is known.
pub(crate) fn firmness_word(firmness: Firmness) -> &'static str {
    match firmness {
        Firmness::Unspecified => "",
        Firmness::Firm => "firm",
        Firmness::Soft => "soft",
        Firmness::Weak => "weak",
    }
}

/// How firm the figures behind an exposure are: `weak (33.3 %)`. Empty if it is not known.
pub(crate) fn firmness_text(exposure: &Exposure) -> String {
    match (firmness_word(exposure.firmness()), exposure.revision) {
        ("", _) | (_, None) => String::new(),
        (word, Some(revision)) => format!("{word} ({})", figure::revision(revision)),
    }
}

/// How firm the figures behind an exposure are, as a sentence. Empty if it is not known.
pub(crate) fn firmness_sentence(exposure: &Exposure) -> String {
    let known = exposure.revision.zip(exposure.revision_p90);
    let Some((median, p90)) = known else { return String::new() };
    format!(
        "{}: half of the published figures of this material and stage were revised by {} or more in the next \
         edition, one in ten by more than {}",
        firmness_word(exposure.firmness()),
        figure::revision(median),
        figure::revision(p90)
    )
}

/// Columns of how firm the figures behind an exposure are.
pub(crate) fn columns() -> Vec<Column<Exposure>> {
    vec![
        column("firmness", |exposure: &Exposure| Cell::text(firmness_word(exposure.firmness()))),
        column("revision", |exposure: &Exposure| Cell::Number(exposure.revision)),
        column("revision_p90", |exposure: &Exposure| Cell::Number(exposure.revision_p90)),
    ]
}

/// A revision of one figure, in the unit of its band: `2024 CHN 60,000 t to 40,000 t`.
fn figure_text(unit: &str, revision: &FigureRevision) -> String {
    let FigureRevision { period, economy, product, old, new, .. } = revision;
    let product = if product.is_empty() { String::new() } else { format!(" {product}") };
    format!("{period} {economy}{product} {} to {}", value_in(unit, *old), value_in(unit, *new))
}

fn unit(band: &RevisionBand) -> &'static str {
    if by_word(band.by()) == "value" { "kUSD" } else { "t" }
}

fn record(band: &RevisionBand, revision: &FigureRevision) -> Record {
    Record {
        text: figure_text(unit(band), revision),
        fields: vec![
            ("period", Cell::text(&revision.period)),
            ("economy", Cell::text(&revision.economy)),
            ("product", Cell::text(&revision.product)),
            ("old", Cell::Number(Some(revision.old))),
            ("new", Cell::Number(Some(revision.new))),
            ("old_release", Cell::text(&revision.old_release)),
            ("new_release", Cell::text(&revision.new_release)),
        ],
    }
}

impl Row for RevisionBand {
    fn columns() -> Vec<Column<Self>> {
        let shown = |revision: Option<f64>| revision.map(figure::revision).unwrap_or_default();
        vec![
            column("dataset", |band: &Self| Cell::text(&band.dataset)).shown("dataset", Left),
            column("material", |band: &Self| Cell::text(&band.material)).shown("material", Left),
            column("stage", |band: &Self| Cell::text(&band.stage)).shown("stage", Left),
            column("by", |band: &Self| Cell::text(by_word(band.by()))).shown("by", Left),
            column("economy", |band: &Self| Cell::text(&band.economy)).shown_as("of", Left, |band| {
                if band.economy.is_empty() { "economies".to_owned() } else { "world".to_owned() }
            }),
            column("figures", |band: &Self| Cell::count(band.figures)).shown("figures", Right).if_room(1),
            column("median", |band: &Self| Cell::Number(band.median)).shown_as(
                "median",
                Right,
                move |band| shown(band.median),
            ),
            column("p90", |band: &Self| Cell::Number(band.p90)).shown_as(
                "9 of 10 within",
                Right,
                move |band| shown(band.p90),
            ),
            column("firmness", |band: &Self| Cell::text(firmness_word(band.firmness()))).shown("", Left),
            column("largest", |band: &Self| {
                Cell::Records(band.largest.iter().map(|revision| record(band, revision)).collect())
            }),
            only_shown("largest", Left, |band: &Self| {
                band.largest.first().map(|revision| figure_text(unit(band), revision)).unwrap_or_default()
            })
            .if_room(2),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmness_is_told_with_the_revisions_behind_it() {
        let exposure = Exposure {
            firmness: Firmness::Weak.into(),
            revision: Some(0.333),
            revision_p90: Some(19.0),
            ..Exposure::default()
        };
        assert_eq!(firmness_text(&exposure), "weak (33.3 %)");
        assert!(firmness_sentence(&exposure).ends_with("one in ten by more than 19.0 times"));
        assert_eq!(
            (firmness_text(&Exposure::default()), firmness_sentence(&Exposure::default())),
            Default::default()
        );
    }
}
