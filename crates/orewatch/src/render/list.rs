//! Exposures as a table. Values that all rows share are printed once, above the table.
use std::collections::BTreeSet;
use std::rc::Rc;

use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Exposure, Trend};
use orewatch_measures::Measure;

use super::footnotes::{product_notes, proxy_mark};
use super::out::Out;
use super::row::{Column, fitted_table, only_shown};
use super::sheet::{Align, fit};
use super::source_changes::SourceChanges;
use super::wrap::hanging;
use crate::view::{projection_words, revision, trend, verdict};
use crate::words::{by_word, count_text, economy_name};
use orewatch_contracts::figure::{bar, brief, status_word};
use orewatch_contracts::market::{names_text, size_text};

/// Width of a whole bar by the width of the page, in characters.
fn bar_width(page: usize) -> usize {
    if page < 100 { 8 } else { 16 }
}

/// Maximum width of a supplier's name, in characters.
const MAX_NAME_WIDTH: usize = 16;

/// Maximum number of measures that notes explain.
const MAX_EXPLAINED: usize = 4;

/// The columns of a list of exposures, in two groups: those that are printed above the table if all rows have
/// the same value, and those that are left out if no row fills them.
struct Columns {
    common: Vec<Column<Exposure>>,
    own: Vec<Column<Exposure>>,
}

/// A column with the texts of its cells.
struct Filled {
    heading: &'static str,
    align: Align,
    rank: u8,
    cells: Vec<String>,
}

/// Renders the list, with trends if requested.
pub(crate) fn list(out: &Out, exposures: &[Exposure], with_trend: bool) -> String {
    let changes = Rc::new(SourceChanges::find(exposures));
    let Columns { common, own } = columns(out, with_trend, &changes);
    let filled = |column: &Column<Exposure>| Filled {
        heading: column.heading(),
        align: column.align(),
        rank: column.rank(),
        cells: exposures.iter().map(|exposure| column.cell_text(exposure)).collect(),
    };
    let (above, common): (Vec<_>, Vec<_>) = common.iter().map(filled).partition(Filled::is_uniform);
    let own = own.iter().map(filled).filter(|column| column.cells.iter().any(|cell| !cell.is_empty()));
    let shown = common.into_iter().chain(own);
    let shown = shown.map(|column| (column.rank, (column.heading, column.align, column.cells)));
    let mut text = heading(out, &above);
    text.push_str(&fitted_table(out, shown.collect()));
    let notes = notes(exposures) + &changes.note() + &measure_notes(exposures);
    text.push_str(&hanging(&notes, out.width, 2));
    text
}

impl Filled {
    /// Whether all rows have the same value.
    fn is_uniform(&self) -> bool {
        self.cells.windows(2).all(|pair| pair.first() == pair.last())
    }
}

/// The values that all rows share.
fn heading(out: &Out, above: &[Filled]) -> String {
    let shared_value = |column: &Filled| {
        let cell = column.cells.first().filter(|cell| !cell.is_empty())?;
        Some(match column.heading {
            heading @ ("by" | "market") => format!("{heading} {cell}"),
            _ => cell.clone(),
        })
    };
    let common: Vec<String> = above.iter().filter_map(shared_value).collect();
    if common.is_empty() { String::new() } else { format!("{}\n", out.style.bold(&common.join(" · "))) }
}

fn columns(out: &Out, with_trend: bool, changes: &Rc<SourceChanges>) -> Columns {
    let subject = |exposure: &Exposure| exposure.subject.clone().unwrap_or_default();
    let common: Vec<Column<Exposure>> = vec![
        only_shown("consumer", Align::Left, move |exposure| subject(exposure).consumer),
        only_shown("material", Align::Left, move |exposure| subject(exposure).material),
        only_shown("stage", Align::Left, move |exposure| subject(exposure).stage),
        only_shown("period", Align::Left, |exposure: &Exposure| exposure.period.clone()),
        only_shown("projection", Align::Left, projection_words),
        only_shown("measure", Align::Left, move |exposure| {
            subject(exposure).measure.split('/').next().unwrap_or_default().to_owned()
        }),
        only_shown("by", Align::Left, move |exposure| by_word(subject(exposure).by()).to_owned()),
        only_shown("market", Align::Right, |exposure: &Exposure| size_text(exposure.size.as_ref())),
    ];
    let changes = Rc::clone(changes);
    let mut own: Vec<Column<Exposure>> = vec![
        only_shown("supplier", Align::Left, supplier),
        only_shown("value", Align::Right, move |exposure: &Exposure| {
            let figure = brief(&exposure.unit, exposure.estimate.as_ref());
            format!("{figure}{}{}", proxy_mark(&exposure.products), changes.mark(exposure))
        }),
    ];
    own.extend(with_trend.then(trend_columns).into_iter().flatten());
    own.push(only_shown("firmness", Align::Left, revision::firmness_text));
    own.push(only_shown("threshold", Align::Left, standing));
    let bar_width = if with_trend { 0 } else { bar_width(out.width) };
    own.push(only_shown("", Align::Left, move |exposure| note(exposure, bar_width)));
    Columns { common, own }
}

fn trend_columns() -> Vec<Column<Exposure>> {
    let mean = |exposure: &Exposure, mean: fn(Trend) -> Option<Estimate>| {
        let mean = exposure.trend.clone().and_then(mean);
        trend::mean_words(&exposure.unit, mean.as_ref())
    };
    vec![
        only_shown("change", Align::Right, |exposure: &Exposure| {
            let value = exposure.estimate.as_ref().and_then(|estimate| estimate.value);
            trend::change_words(&exposure.unit, &exposure.trend.clone().unwrap_or_default(), value)
        }),
        only_shown("mean of 3", Align::Right, move |exposure: &Exposure| mean(exposure, |trend| trend.mean3))
            .if_room(1),
        only_shown("of 5", Align::Right, move |exposure: &Exposure| mean(exposure, |trend| trend.mean5))
            .if_room(2),
    ]
}

/// The supplier, or the suppliers that the measure names.
fn supplier(exposure: &Exposure) -> String {
    match exposure.subject.as_ref().map_or("", |subject| subject.supplier.as_str()) {
        "" => names_text(&exposure.names, &exposure.tied),
        code => format!("{code} {}", fit(economy_name(code), MAX_NAME_WIDTH)),
    }
}

/// The most important threshold, and whether the figure crosses it.
fn standing(exposure: &Exposure) -> String {
    let known =
        exposure.estimate.as_ref().is_some_and(|estimate| estimate.low.is_some() || estimate.value.is_some());
    let verdict = verdict::headline(exposure).filter(|_| known);
    verdict.map(|verdict| verdict::verdict_words(&exposure.unit, verdict)).unwrap_or_default()
}

/// A bar for a share, if it has a width; the reason or status if there is no figure.
fn note(exposure: &Exposure, bar_width: usize) -> String {
    let estimate = exposure.estimate.clone().unwrap_or_default();
    match (exposure.unit.as_str(), estimate.value) {
        ("share", Some(share)) if exposure.lines.is_empty() => bar(share, bar_width),
        (_, Some(_)) => String::new(),
        (_, None) if estimate.reason.is_empty() => status_word(estimate.status()).to_owned(),
        (_, None) => estimate.reason,
    }
}

fn notes(exposures: &[Exposure]) -> String {
    let marked = |one: &Exposure| brief(&one.unit, one.estimate.as_ref()).starts_with('~');
    let open = |one: &Exposure| one.lines.iter().any(|line| verdict::is_open(line.standing()));
    let mut text = String::new();
    if exposures.iter().any(marked) {
        text.push_str("~ estimate: some suppliers' amounts are missing (range in --format json)\n");
    }
    text.push_str(&product_notes(exposures.iter().map(|one| (one.subject.as_ref(), &*one.products))));
    for (codes, what) in [
        (distinct_items(exposures, |one| &one.missing_codes), "product codes without data"),
        (distinct_items(exposures, |one| &one.missing_members), "members without data"),
    ] {
        if !codes.is_empty() {
            text.push_str(&format!("{what}: {}\n", codes.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    let others = exposures.iter().filter(|one| one.spread.is_some()).count();
    if others > 0 {
        text.push_str(&format!(
            "{} also available from other datasets: compare them with --sources\n",
            count_text(others, "figure")
        ));
    }
    if exposures.iter().any(|one| one.revision.is_some()) {
        text.push_str("firmness: median revision of the published figures; see `orewatch revisions`\n");
    }
    if exposures.iter().any(open) {
        text.push_str("not confirmed: the threshold lies inside the figure's bounds\n");
    }
    text
}

/// What the measures are, if there are few.
fn measure_notes(exposures: &[Exposure]) -> String {
    let subjects = exposures.iter().filter_map(|exposure| exposure.subject.as_ref());
    let names: BTreeSet<&str> = subjects.map(|subject| subject.measure.as_str()).collect();
    if names.len() > MAX_EXPLAINED {
        return "`orewatch measures NAME` explains a measure\n".to_owned();
    }
    let name_and_title = |name: &str| {
        let name = name.split('/').next()?;
        let measure: Measure = name.parse().ok()?;
        Some(format!("{name}: {}\n", measure.method().title))
    };
    names.into_iter().filter_map(name_and_title).collect()
}

/// The items that any of the exposures lists, each once.
fn distinct_items<'a>(
    exposures: &'a [Exposure],
    list: impl Fn(&'a Exposure) -> &'a Vec<String>,
) -> BTreeSet<&'a str> {
    exposures.iter().flat_map(list).map(String::as_str).collect()
}
