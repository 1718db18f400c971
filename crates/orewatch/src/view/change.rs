//! What differs between two vintages, as rows: exposures, and the terms, suppliers and source rows of one.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{
    Contribution, Exposure, ReleaseNote, SourceRow, Subject, Term, VintageChange,
};
use orewatch_contracts::figure::{brief, difference_in, estimate, number, quantity};
use orewatch_contracts::ingestion::v1::PublisherNote;

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, only_shown, status_word};
use crate::words::by_word;

use super::exposure::subject_columns;

/// Something at an earlier and a later time. `None`: it did not exist then.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Changed<T> {
    pub(crate) old: Option<T>,
    pub(crate) new: Option<T>,
}

impl<T> Changed<T> {
    /// A text of either side, the later one first.
    fn text(&self, field: fn(&T) -> &String) -> Cell {
        Cell::text(self.either().map(field).cloned().unwrap_or_default())
    }

    fn either(&self) -> Option<&T> {
        self.new.as_ref().or(self.old.as_ref())
    }
}

/// A number of an estimate, if it has it.
type Number = fn(&Estimate) -> Option<f64>;

fn old_number(change: &VintageChange, number: Number) -> Cell {
    Cell::Number(change.old.as_ref().and_then(number))
}

fn new_estimate(change: &VintageChange) -> Option<&Estimate> {
    change.exposure.as_ref()?.estimate.as_ref()
}

fn unit(change: &VintageChange) -> &str {
    change.exposure.as_ref().map_or("", |exposure| exposure.unit.as_str())
}

/// The exposure of a change.
fn exposure(change: &VintageChange) -> &Exposure {
    static NONE: std::sync::LazyLock<Exposure> = std::sync::LazyLock::new(Exposure::default);
    change.exposure.as_ref().unwrap_or(&NONE)
}

/// Vintages of releases, from their identifiers: `MCS2026` of `usgs-mcs/MCS2026-0123456789ab`.
pub(crate) fn vintages(releases: &[String]) -> String {
    let vintage = |id: &String| {
        let rest = id.split_once('/').map_or(id.as_str(), |(_, rest)| rest);
        rest.rsplit_once('-').map_or(rest, |(vintage, _)| vintage).to_owned()
    };
    releases.iter().map(vintage).collect::<Vec<_>>().join(", ")
}

impl Row for VintageChange {
    fn columns() -> Vec<Column<Self>> {
        let subject = subject_columns().into_iter().map(|column| column.within(exposure));
        let figures: Vec<Column<Self>> = vec![
            column("old", |change: &Self| old_number(change, |estimate| estimate.value)),
            column("old_low", |change: &Self| old_number(change, |estimate| estimate.low)),
            column("old_high", |change: &Self| old_number(change, |estimate| estimate.high)),
            column("old_status", |change: &Self| {
                Cell::text(change.old.as_ref().map_or("", |old| status_word(old.status())))
            }),
            column("value", |change: &Self| Cell::Number(new_estimate(change).and_then(|new| new.value))),
            column("low", |change: &Self| Cell::Number(new_estimate(change).and_then(|new| new.low))),
            column("high", |change: &Self| Cell::Number(new_estimate(change).and_then(|new| new.high))),
            column("status", |change: &Self| {
                Cell::text(new_estimate(change).map_or("", |new| status_word(new.status())))
            }),
            column("difference", |change: &Self| Cell::Number(change.difference)),
            column("unit", |change: &Self| Cell::text(unit(change))),
            column("old_releases", |change: &Self| Cell::List(change.old_releases.clone())),
            column("releases", |change: &Self| Cell::List(exposure(change).releases.clone())),
        ];
        subject.chain(figures).chain(shown_columns()).collect()
    }
}

/// The columns that people see.
fn shown_columns() -> Vec<Column<VintageChange>> {
    let subject = |change: &VintageChange| exposure(change).subject.clone().unwrap_or_default();
    vec![
        only_shown("subject", Left, move |change: &VintageChange| {
            let Subject { consumer, material, stage, .. } = subject(change);
            format!("{consumer} {material} {stage}")
        })
        .on_narrow_pages(),
        only_shown("consumer", Left, move |change: &VintageChange| subject(change).consumer).on_wide_pages(),
        only_shown("material", Left, move |change: &VintageChange| subject(change).material).on_wide_pages(),
        only_shown("stage", Left, move |change: &VintageChange| subject(change).stage).on_wide_pages(),
        only_shown("period", Left, |change: &VintageChange| exposure(change).period.clone()),
        only_shown("measure", Left, move |change: &VintageChange| {
            let subject = subject(change);
            let measure = subject.measure.split('/').next().unwrap_or_default();
            if by_word(subject.by()) == "value" { format!("{measure} by value") } else { measure.to_owned() }
        }),
        only_shown("supplier", Left, move |change: &VintageChange| subject(change).supplier).unless_empty(),
        only_shown("before", Right, |change: &VintageChange| match &change.old {
            Some(old) => brief(unit(change), Some(old)),
            None => "none".to_owned(),
        }),
        only_shown("after", Right, |change: &VintageChange| brief(unit(change), new_estimate(change))),
        only_shown("difference", Right, |change: &VintageChange| {
            change.difference.map(|difference| difference_in(unit(change), difference)).unwrap_or_default()
        })
        .if_room(1),
        only_shown("releases", Left, |change: &VintageChange| {
            let (old, new) = (vintages(&change.old_releases), vintages(&exposure(change).releases));
            if old == new || old.is_empty() { new } else { format!("{old} > {new}") }
        })
        .if_room(2),
    ]
}

impl Row for ReleaseNote {
    fn columns() -> Vec<Column<Self>> {
        fn text(note: &ReleaseNote, field: fn(&PublisherNote) -> &String) -> String {
            note.note.as_ref().map(field).cloned().unwrap_or_default()
        }
        vec![
            column("release", |note: &Self| Cell::text(&note.release)),
            only_shown("  release", Left, |note: &Self| {
                format!("  {}", vintages(std::slice::from_ref(&note.release)))
            }),
            column("material", |note: &Self| Cell::text(text(note, |note| &note.material)))
                .shown("material", Left),
            column("stage", |note: &Self| Cell::text(text(note, |note| &note.stage))).shown("stage", Left),
            column("economy", |note: &Self| Cell::text(text(note, |note| &note.economy)))
                .shown_as("of", Left, |note: &Self| {
                    let [economy, partner] =
                        [text(note, |note| &note.economy), text(note, |note| &note.partner)];
                    if partner.is_empty() { economy } else { format!("{economy} to {partner}") }
                })
                .unless_empty(),
            column("period", |note: &Self| Cell::text(text(note, |note| &note.period)))
                .shown("period", Left)
                .unless_empty(),
            column("note", |note: &Self| Cell::text(text(note, |note| &note.text))).shown("note", Left),
            column("partner", |note: &Self| Cell::text(text(note, |note| &note.partner))),
        ]
    }
}

impl Changed<Term> {
    fn value(term: Option<&Term>) -> Option<f64> {
        term?.estimate.as_ref()?.value
    }

    fn difference(&self) -> Option<f64> {
        Some(Self::value(self.new.as_ref())? - Self::value(self.old.as_ref())?)
    }

    fn shown(term: Option<&Term>) -> String {
        term.map_or_else(|| "none".to_owned(), |term| estimate(&term.unit, term.estimate.as_ref()))
    }
}

impl Row for Changed<Term> {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("symbol", |term: &Self| term.text(|term| &term.symbol)),
            only_shown("  term", Left, |term: &Self| {
                format!("  {}", term.either().map_or("", |term| term.symbol.as_str()))
            }),
            column("description", |term: &Self| term.text(|term| &term.description)),
            column("unit", |term: &Self| term.text(|term| &term.unit)),
            column("old", |term: &Self| Cell::Number(Self::value(term.old.as_ref()))).shown_as(
                "before",
                Right,
                |term| Self::shown(term.old.as_ref()),
            ),
            column("value", |term: &Self| Cell::Number(Self::value(term.new.as_ref()))).shown_as(
                "after",
                Right,
                |term| Self::shown(term.new.as_ref()),
            ),
            column("difference", |term: &Self| Cell::Number(term.difference())).shown_as(
                "difference",
                Right,
                |term| {
                    let unit = term.either().map_or("", |term| term.unit.as_str());
                    term.difference().map(|difference| difference_in(unit, difference)).unwrap_or_default()
                },
            ),
            only_shown("description", Left, |term: &Self| {
                term.either().map(|term| term.description.clone()).unwrap_or_default()
            }),
        ]
    }
}

impl Row for Changed<Contribution> {
    fn columns() -> Vec<Column<Self>> {
        fn value(one: Option<&Contribution>, field: fn(&Contribution) -> &Option<Estimate>) -> Option<f64> {
            field(one?).as_ref()?.value
        }
        fn amount(one: Option<&Contribution>) -> String {
            one.map(|one| brief(&one.unit, one.amount.as_ref())).unwrap_or_default()
        }
        fn share(one: Option<&Contribution>) -> String {
            one.map(|one| brief("share", one.share.as_ref())).unwrap_or_default()
        }
        vec![
            column("supplier", |one: &Self| one.text(|one| &one.supplier)),
            only_shown("  supplier", Left, |one: &Self| {
                format!("  {}", one.either().map_or("", |one| one.supplier.as_str()))
            }),
            column("unit", |one: &Self| one.text(|one| &one.unit)),
            column("old", |one: &Self| Cell::Number(value(one.old.as_ref(), |one| &one.amount))).shown_as(
                "before",
                Right,
                |one| amount(one.old.as_ref()),
            ),
            column("old_share", |one: &Self| Cell::Number(value(one.old.as_ref(), |one| &one.share)))
                .shown_as("share", Right, |one| share(one.old.as_ref())),
            column("amount", |one: &Self| Cell::Number(value(one.new.as_ref(), |one| &one.amount))).shown_as(
                "after",
                Right,
                |one| amount(one.new.as_ref()),
            ),
            column("share", |one: &Self| Cell::Number(value(one.new.as_ref(), |one| &one.share))).shown_as(
                "share",
                Right,
                |one| share(one.new.as_ref()),
            ),
        ]
    }
}

impl Changed<SourceRow> {
    /// Whether the row came, went or changed.
    fn word(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, _) => "new",
            (_, None) => "gone",
            (Some(_), Some(_)) => "changed",
        }
    }

    fn number(row: Option<&SourceRow>, field: fn(&SourceRow) -> Option<f64>) -> Cell {
        Cell::Number(row.and_then(field))
    }

    /// The figure of a row: quantity, else value, else what it has.
    fn shown(row: Option<&SourceRow>) -> String {
        let Some(row) = row else { return "none".to_owned() };
        match (row.quantity, row.value, row.figure) {
            (Some(tonnes), ..) => format!("{} t", quantity(tonnes)),
            (None, Some(value), _) => format!("{} kUSD", quantity(value)),
            (None, None, Some(figure)) => number(figure, 3),
            (None, None, None) => status_word(row.quantity_status()).to_owned(),
        }
    }
}

impl Row for Changed<SourceRow> {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("change", |row: &Self| Cell::text(row.word())),
            only_shown("  from", Left, |row: &Self| {
                format!("  {}", row.either().map_or("", |row| row.economy.as_str()))
            }),
            column("economy", |row: &Self| row.text(|row| &row.economy)),
            column("partner", |row: &Self| row.text(|row| &row.partner)).shown("to", Left).unless_empty(),
            column("product", |row: &Self| row.text(|row| &row.product)).shown("product", Left),
            column("period", |row: &Self| row.text(|row| &row.period)).shown("period", Left).unless_empty(),
            column("note", |row: &Self| row.text(|row| &row.note)).shown("", Left).unless_empty(),
            column("old_quantity_t", |row: &Self| Self::number(row.old.as_ref(), |row| row.quantity)),
            column("quantity_t", |row: &Self| Self::number(row.new.as_ref(), |row| row.quantity)),
            column("old_value_kusd", |row: &Self| Self::number(row.old.as_ref(), |row| row.value)),
            column("value_kusd", |row: &Self| Self::number(row.new.as_ref(), |row| row.value)),
            column("old_figure", |row: &Self| Self::number(row.old.as_ref(), |row| row.figure)),
            column("figure", |row: &Self| Self::number(row.new.as_ref(), |row| row.figure)),
            only_shown("before", Right, |row: &Self| Self::shown(row.old.as_ref())),
            only_shown("after", Right, |row: &Self| Self::shown(row.new.as_ref())),
            column("old_release", |row: &Self| {
                Cell::text(row.old.as_ref().map(|row| row.release.clone()).unwrap_or_default())
            }),
            column("release", |row: &Self| {
                Cell::text(row.new.as_ref().map(|row| row.release.clone()).unwrap_or_default())
            }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_shown_by_their_vintage() {
        let ids = ["usgs-mcs/MCS2026-0123456789ab", "acme-eu/2024-Q3-00ff00ff00ff"].map(str::to_owned);
        assert_eq!(vintages(&ids), "MCS2026, 2024-Q3");
        assert_eq!(vintages(&["odd".to_owned()]), "odd");
    }
}
