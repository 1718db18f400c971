//! Whether rows are inside of the scope that their release states.
use std::borrow::Cow;

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ProductionColumns, Release, Reporter, TradeColumns};
use orewatch_runtime::{Class, Failure};

use super::{Dimension, EXPORTS, IMPORTS, Stated};
use crate::{flows, validate};

/// Items of a row that are named in an error.
const MAX_NAMED: usize = 5;

/// What a scope knows of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RowScope<'a> {
    reporter: &'a str,
    partner: &'a str,
    /// Empty: one figure stands for both sides' reports.
    flow: &'static str,
    product: Cow<'a, str>,
    period: &'a str,
}

impl RowScope<'_> {
    fn item(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Reporter => self.reporter,
            Dimension::Partner => self.partner,
            Dimension::Flow => self.flow,
            Dimension::Product => &self.product,
            Dimension::Period => self.period,
        }
    }

    /// The row for people: `DEU imports 283691 from CHN in 2022`.
    fn sentence(&self) -> String {
        let Self { reporter, partner, flow, product, period } = self;
        let sentence = match *flow {
            IMPORTS => format!("{reporter} imports {product} from {partner}"),
            EXPORTS => format!("{reporter} exports {product} to {partner}"),
            _ if !partner.is_empty() => format!("{product} from {partner} to {reporter}"),
            _ => format!("{reporter} {product}").trim().to_owned(),
        };
        if period.is_empty() { sentence } else { format!("{sentence} in {period}") }
    }
}

/// Checks that every row of a chunk is inside of the scope that its release states, if it states one.
///
/// # Errors
/// [`Class::Invalid`] with file, line, dimension and value of the first row that is not.
pub(crate) fn within(release: &Release, columns: &Columns) -> Result<(), Failure> {
    let Some(stated) = Stated::new(release.scope.as_ref()) else { return Ok(()) };
    let count = usize::try_from(validate::row_count(columns)).unwrap_or(usize::MAX);
    for row in 0..count {
        let known = row_scope(columns, row);
        let misses = |dimension: &Dimension| !stated.admits(*dimension, known.item(*dimension));
        if let Some(dimension) = Dimension::ALL.into_iter().find(misses) {
            return Err(outside(release, columns, row, &known, dimension, &stated));
        }
    }
    Ok(())
}

fn outside(
    release: &Release,
    columns: &Columns,
    row: usize,
    known: &RowScope<'_>,
    dimension: Dimension,
    stated: &Stated,
) -> Failure {
    let (file, line) = place(columns, row);
    let file = release.files.get(file).map_or("a repair", |file| file.name.as_str());
    let items: Vec<_> = stated.items(dimension).into_iter().flatten().map(String::as_str).collect();
    let listed = items.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if items.len() > MAX_NAMED { ", ..." } else { "" };
    let (name, value) = (dimension.name(), known.item(dimension));
    let message = format!(
        "{file}:{line}: {} is outside of the scope that is stated: {name} is one of {listed}{more}",
        known.sentence()
    );
    let hint = match value {
        "" => format!("the source gives one figure a flow: leave {name} out of --scope"),
        value => format!("leave the row out, or add {value} to --scope {name}="),
    };
    Failure::new(Class::Invalid, "outside-scope", message).at(format!("scope.{name}"), value).with_hint(hint)
}

fn row_scope(columns: &Columns, row: usize) -> RowScope<'_> {
    match columns {
        Columns::Trade(columns) => trade(columns, row),
        Columns::Production(columns) => production(columns, row),
        // No scope can be stated for them.
        Columns::Governance(_)
        | Columns::Parameters(_)
        | Columns::Restrictions(_)
        | Columns::Concordance(_) => RowScope::default(),
    }
}

fn trade(columns: &TradeColumns, row: usize) -> RowScope<'_> {
    let [exporter, importer] =
        [&columns.exporter, &columns.importer].map(|column| named(&columns.economies, column, row));
    let reporter = columns.reporter.get(row).copied().unwrap_or_default();
    let (reporter, partner, flow) = match Reporter::try_from(reporter) {
        Ok(Reporter::Exporter) => (exporter, importer, EXPORTS),
        Ok(Reporter::Importer) => (importer, exporter, IMPORTS),
        _ => (importer, exporter, ""),
    };
    let product = entry(&columns.products, &columns.product, row).map_or("", |product| &product.code);
    let period = named(&columns.periods, &columns.period, row);
    RowScope { reporter, partner, flow, product: Cow::Borrowed(product), period }
}

fn production(columns: &ProductionColumns, row: usize) -> RowScope<'_> {
    let series = entry(&columns.series, &columns.product, row);
    RowScope {
        reporter: named(&columns.economies, &columns.economy, row),
        product: series
            .map_or(Cow::Borrowed(""), |series| format!("{} {}", series.material, series.stage).into()),
        period: named(&columns.periods, &columns.period, row),
        ..RowScope::default()
    }
}

/// Number of a row's file, and its line.
fn place(columns: &Columns, row: usize) -> (usize, u64) {
    let (files, line) = match columns {
        Columns::Trade(columns) => (&columns.file, flows::line(columns, row)),
        Columns::Production(columns) => (&columns.file, columns.line.get(row).copied().unwrap_or_default()),
        _ => return (0, 0),
    };
    let file = files.get(row).or_else(|| files.first()).copied().unwrap_or_default();
    (usize::try_from(file).unwrap_or(usize::MAX), line)
}

/// An entry of a dictionary; a column that is empty stands for the first.
fn entry<'a, T>(dictionary: &'a [T], column: &[u32], row: usize) -> Option<&'a T> {
    let index = column.get(row).copied().unwrap_or_default();
    dictionary.get(usize::try_from(index).ok()?)
}

fn named<'a>(dictionary: &'a [String], column: &[u32], row: usize) -> &'a str {
    entry(dictionary, column, row).map_or("", String::as_str)
}
