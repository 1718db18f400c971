//! Checks that rows are inside the stated scope of their release.
use std::borrow::Cow;

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ProductionColumns, Release, Reporter, TradeColumns};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::flows;

use super::{Dimension, EXPORTS, IMPORTS, Stated};
use crate::validate;

/// Upper bound on the items of a scope that an error names.
const MAX_NAMED: usize = 5;

/// A row in the dimensions of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RowScope<'a> {
    reporter: &'a str,
    partner: &'a str,
    /// Empty: the figure is for both sides of the flow.
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

    /// The row in words: `DEU imports 283691 from CHN in 2022`.
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

/// Checks that every row of a chunk is inside the stated scope of its release, if there is one.
///
/// # Errors
/// [`Class::Invalid`] with file, line, dimension and value of the first row outside it.
pub(crate) fn check_rows(release: &Release, columns: &Columns) -> Result<(), Failure> {
    let Some(stated) = Stated::new(release.scope.as_ref()) else { return Ok(()) };
    let count = usize::try_from(validate::row_count(columns)).unwrap_or(usize::MAX);
    for row in 0..count {
        let row_scope = row_scope(columns, row);
        let is_outside = |dimension: &Dimension| !stated.admits(*dimension, row_scope.item(*dimension));
        if let Some(dimension) = Dimension::ALL.into_iter().find(is_outside) {
            return Err(outside_scope(release, columns, row, &row_scope, dimension, &stated));
        }
    }
    Ok(())
}

fn outside_scope(
    release: &Release,
    columns: &Columns,
    row: usize,
    row_scope: &RowScope<'_>,
    dimension: Dimension,
    stated: &Stated,
) -> Failure {
    let (file, line) = file_and_line(columns, row);
    let file = release.files.get(file).map_or("a repair", |file| file.name.as_str());
    let items: Vec<_> = stated.items(dimension).into_iter().flatten().map(String::as_str).collect();
    let bounded_list = items.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if items.len() > MAX_NAMED { ", ..." } else { "" };
    let (name, value) = (dimension.name(), row_scope.item(dimension));
    let message = format!(
        "{file}:{line}: {} is outside of the scope that is stated: {name} is one of {bounded_list}{more}",
        row_scope.sentence()
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
        // Tables without scopes.
        Columns::Governance(_)
        | Columns::Parameters(_)
        | Columns::Restrictions(_)
        | Columns::Concordance(_)
        | Columns::Projections(_)
        | Columns::Targets(_)
        | Columns::Claims(_) => RowScope::default(),
    }
}

fn trade(columns: &TradeColumns, row: usize) -> RowScope<'_> {
    let [exporter, importer] =
        [&columns.exporter, &columns.importer].map(|column| name_in_row(&columns.economies, column, row));
    let reporter = columns.reporter.get(row).copied().unwrap_or_default();
    let (reporter, partner, flow) = match Reporter::try_from(reporter) {
        Ok(Reporter::Exporter) => (exporter, importer, EXPORTS),
        Ok(Reporter::Importer) => (importer, exporter, IMPORTS),
        _ => (importer, exporter, ""),
    };
    let product =
        dictionary_entry(&columns.products, &columns.product, row).map_or("", |product| &product.code);
    let period = name_in_row(&columns.periods, &columns.period, row);
    RowScope { reporter, partner, flow, product: Cow::Borrowed(product), period }
}

fn production(columns: &ProductionColumns, row: usize) -> RowScope<'_> {
    let series = dictionary_entry(&columns.series, &columns.product, row);
    RowScope {
        reporter: name_in_row(&columns.economies, &columns.economy, row),
        product: series
            .map_or(Cow::Borrowed(""), |series| format!("{} {}", series.material, series.stage).into()),
        period: name_in_row(&columns.periods, &columns.period, row),
        ..RowScope::default()
    }
}

/// Number of a row's file, and its line.
fn file_and_line(columns: &Columns, row: usize) -> (usize, u64) {
    let (files, line) = match columns {
        Columns::Trade(columns) => (&columns.file, flows::line(columns, row)),
        Columns::Production(columns) => (&columns.file, columns.line.get(row).copied().unwrap_or_default()),
        _ => return (0, 0),
    };
    let file = files.get(row).or_else(|| files.first()).copied().unwrap_or_default();
    (usize::try_from(file).unwrap_or(usize::MAX), line)
}

/// An entry of a dictionary. An empty column stands for the first entry.
fn dictionary_entry<'a, T>(dictionary: &'a [T], column: &[u32], row: usize) -> Option<&'a T> {
    let index = column.get(row).copied().unwrap_or_default();
    dictionary.get(usize::try_from(index).ok()?)
}

fn name_in_row<'a>(dictionary: &'a [String], column: &[u32], row: usize) -> &'a str {
    dictionary_entry(dictionary, column, row).map_or("", String::as_str)
}
