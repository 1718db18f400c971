//! Exposures as a list. What all rows have in common stands above it once.
use std::collections::BTreeSet;

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::exposure::v1::{Exposure, Subject};

use super::out::Out;
use super::sheet::{Align, Sheet, fit};
use crate::view::{trend, verdict};
use crate::words::{by_word, counted, name_of};
use orewatch_runtime::figure::{bar, brief, status_word};

/// Width of a bar.
const BAR: usize = 16;

/// Longest name of a supplier.
const NAME: usize = 16;

/// A column: its header, its side, and what a row has in it.
struct Column<'a> {
    header: &'a str,
    align: Align,
    cells: Vec<String>,
    /// Whether it may move above the list where all rows have the same.
    is_common: bool,
}

/// The list, with how figures moved if that was asked for.
pub(crate) fn list(out: &Out, exposures: &[Exposure], with_trend: bool) -> String {
    let columns = columns(exposures, with_trend);
    let (above, shown): (Vec<_>, Vec<_>) = columns.into_iter().partition(|column| column.is_same());
    let mut text = heading(out, &above);
    let head: Vec<(&str, Align)> = shown.iter().map(|column| (column.header, column.align)).collect();
    let mut sheet = Sheet::new(out, &head);
    for row in 0..exposures.len() {
        sheet.row(shown.iter().map(|column| column.cells.get(row).cloned().unwrap_or_default()));
    }
    text.push_str(&sheet.finish());
    text.push_str(&notes(exposures));
    text
}

fn heading(out: &Out, above: &[Column<'_>]) -> String {
    let said = |column: &Column<'_>| {
        let cell = column.cells.first().filter(|cell| !cell.is_empty())?;
        Some(if column.header == "by" { format!("by {cell}") } else { cell.clone() })
    };
    let common: Vec<String> = above.iter().filter_map(said).collect();
    if common.is_empty() { String::new() } else { format!("{}\n", out.style.bold(&common.join(" · "))) }
}

fn columns(exposures: &[Exposure], with_trend: bool) -> Vec<Column<'_>> {
    let empty = Subject::default();
    let column = |header: &'static str, align, is_common, cell: &dyn Fn(&Subject, &Exposure) -> String| {
        let of = |one: &Exposure| cell(one.subject.as_ref().unwrap_or(&empty), one);
        Column { header, align, is_common, cells: exposures.iter().map(of).collect() }
    };
    let text = |header, cell: &dyn Fn(&Subject, &Exposure) -> String| column(header, Align::Left, true, cell);
    let figure =
        |header, cell: &dyn Fn(&Subject, &Exposure) -> String| column(header, Align::Right, false, cell);
    let mut columns = vec![
        text("consumer", &|subject, _| subject.consumer.clone()),
        text("material", &|subject, _| subject.material.clone()),
        text("stage", &|subject, _| subject.stage.clone()),
        text("period", &|_, one| one.period.clone()),
        text("measure", &|subject, _| subject.measure.split('/').next().unwrap_or_default().to_owned()),
        text("by", &|subject, _| by_word(subject.by()).to_owned()),
        column("supplier", Align::Left, false, &supplier),
        figure("value", &|_, one| brief(&one.unit, one.estimate.as_ref())),
    ];
    if with_trend {
        let moved = |one: &Exposure| one.trend.clone().unwrap_or_default();
        columns.push(figure("change", &|_, one| {
            trend::change_words(&one.unit, &moved(one), one.estimate.as_ref().and_then(|one| one.value))
        }));
        columns.push(figure("mean of 3", &|_, one| trend::mean_words(&one.unit, moved(one).mean3.as_ref())));
        columns.push(figure("of 5", &|_, one| trend::mean_words(&one.unit, moved(one).mean5.as_ref())));
    }
    columns.push(column("line", Align::Left, false, &|_, one| standing(one)));
    columns.push(column("", Align::Left, false, &|_, one| note(one, with_trend)));
    columns.retain(|column| column.is_common || column.cells.iter().any(|cell| !cell.is_empty()));
    columns
}

impl Column<'_> {
    /// Whether all rows have the same, which is then said once.
    fn is_same(&self) -> bool {
        self.is_common && self.cells.windows(2).all(|pair| pair.first() == pair.last())
    }
}

/// The supplier, or those that a measure names.
fn supplier(subject: &Subject, exposure: &Exposure) -> String {
    if subject.supplier.is_empty() {
        return exposure.names.join(", ");
    }
    format!("{} {}", subject.supplier, fit(name_of(&subject.supplier), NAME))
}

/// Where the figure is against the line that matters most.
fn standing(exposure: &Exposure) -> String {
    let known =
        exposure.estimate.as_ref().is_some_and(|estimate| estimate.low.is_some() || estimate.value.is_some());
    let verdict = verdict::headline(exposure).filter(|_| known);
    verdict.map(|verdict| verdict::verdict_words(&exposure.unit, verdict)).unwrap_or_default()
}

/// A bar for shares, the status and its reason where there is no figure.
fn note(exposure: &Exposure, with_trend: bool) -> String {
    let estimate = exposure.estimate.clone().unwrap_or_default();
    match (exposure.unit.as_str(), estimate.value) {
        ("share", Some(share)) if !with_trend && exposure.lines.is_empty() => bar(share, BAR),
        (_, Some(_)) => String::new(),
        (_, None) if estimate.reason.is_empty() => status_word(estimate.status()).to_owned(),
        (_, None) => estimate.reason,
    }
}

fn notes(exposures: &[Exposure]) -> String {
    let partial = |one: &Exposure| one.estimate.as_ref().is_some_and(|one| one.status() == Status::Partial);
    let open = |one: &Exposure| one.lines.iter().any(|line| verdict::is_open(line.standing()));
    let mut text = String::new();
    if exposures.iter().any(partial) {
        text.push_str("~ some amount is not known; --format json gives the bounds\n");
    }
    for (codes, what) in [
        (all(exposures, |one| &one.missing_codes), "product codes that are not in the data"),
        (all(exposures, |one| &one.missing_members), "members that have not reported"),
    ] {
        if !codes.is_empty() {
            text.push_str(&format!("{what}: {}\n", codes.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    let others = exposures.iter().filter(|one| one.spread.is_some()).count();
    if others > 0 {
        text.push_str(&format!(
            "{} also from other datasets: compare them with --sources\n",
            counted(others, "figure")
        ));
    }
    if exposures.iter().any(open) {
        text.push_str("not confirmed: the line lies inside the figure's bounds\n");
    }
    text
}

/// What any of the exposures lists, each once.
fn all<'a>(exposures: &'a [Exposure], of: impl Fn(&'a Exposure) -> &'a Vec<String>) -> BTreeSet<&'a str> {
    exposures.iter().flat_map(of).map(String::as_str).collect()
}
