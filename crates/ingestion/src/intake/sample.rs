//! The first rows of a release as they would be recorded, for people.
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, Evaluation, GovernanceColumns, ParameterColumns, ProductionColumns, Release,
    Reporter, RestrictionColumns, SampleField, SampleRow, TradeColumns,
};

use crate::flows;

/// Rows that are shown.
pub(super) const SHOWN: usize = 10;

/// Adds rows of a chunk until there are enough.
pub(super) fn add(shown: &mut Vec<SampleRow>, release: &Release, columns: &Columns) {
    let rows = usize::try_from(crate::validate::row_count(columns)).unwrap_or(usize::MAX);
    let room = SHOWN.saturating_sub(shown.len());
    for row in 0..rows.min(room) {
        let (file, line, fields) = match columns {
            Columns::Trade(columns) => {
                (at(&columns.file, row), flows::line(columns, row), trade(columns, row))
            }
            Columns::Production(columns) => {
                (at(&columns.file, row), at(&columns.line, row), production(columns, row))
            }
            Columns::Governance(columns) => {
                (at(&columns.file, row), at(&columns.line, row), governance(columns, row))
            }
            Columns::Parameters(columns) => {
                (at(&columns.file, row), at(&columns.line, row), parameters(columns, row))
            }
            Columns::Restrictions(columns) => {
                (at(&columns.file, row), at(&columns.line, row), restrictions(columns, row))
            }
            Columns::Concordance(columns) => {
                (at(&columns.file, row), at(&columns.line, row), concordance(columns, row))
            }
        };
        let file = entry(&release.files, file).map(|file| file.name.clone()).unwrap_or_default();
        let fields = fields.into_iter().map(|(name, value)| SampleField { name: name.to_owned(), value });
        shown.push(SampleRow { file, line, fields: fields.collect() });
    }
}

type Fields = Vec<(&'static str, String)>;

fn trade(columns: &TradeColumns, row: usize) -> Fields {
    let product = entry(&columns.products, at(&columns.product, row)).cloned().unwrap_or_default();
    let value = flows::value(columns, row);
    let quantity = flows::quantity(columns, row);
    let mut fields = vec![
        ("period", named(&columns.periods, &columns.period, row)),
        ("exporter", named(&columns.economies, &columns.exporter, row)),
        ("importer", named(&columns.economies, &columns.importer, row)),
        ("product", product.code),
        ("material", product.material),
        ("stage", product.stage),
        ("value_kusd", figure(value, &columns.value_status, row)),
        ("quantity_t", figure(quantity, &columns.quantity_status, row)),
    ];
    if !columns.reporter.is_empty() {
        let reporter = match Reporter::try_from(at(&columns.reporter, row)) {
            Ok(Reporter::Importer) => "importer",
            Ok(Reporter::Exporter) => "exporter",
            _ => "",
        };
        fields.push(("reporter", reporter.to_owned()));
    }
    fields
}

fn production(columns: &ProductionColumns, row: usize) -> Fields {
    let series = entry(&columns.series, at(&columns.product, row)).cloned().unwrap_or_default();
    let mut fields = vec![
        ("period", named(&columns.periods, &columns.period, row)),
        ("economy", named(&columns.economies, &columns.economy, row)),
        ("material", series.material),
        ("stage", series.stage),
        ("quantity", plain(&columns.quantity, &columns.status, row)),
        ("unit", series.unit),
        ("basis", series.basis),
    ];
    if !columns.estimated.is_empty() {
        fields.push(("estimated", at(&columns.estimated, row).to_string()));
    }
    fields
}

fn governance(columns: &GovernanceColumns, row: usize) -> Fields {
    vec![
        ("period", named(&columns.periods, &columns.period, row)),
        ("economy", named(&columns.economies, &columns.economy, row)),
        ("indicator", named(&columns.indicators, &columns.indicator, row)),
        ("value", plain(&columns.value, &columns.status, row)),
    ]
}

fn parameters(columns: &ParameterColumns, row: usize) -> Fields {
    let parameter = entry(&columns.parameters, at(&columns.parameter, row)).cloned().unwrap_or_default();
    let partner = if columns.partner.is_empty() {
        String::new()
    } else {
        named(&columns.economies, &columns.partner, row)
    };
    vec![
        ("period", named(&columns.periods, &columns.period, row)),
        ("parameter", parameter.name),
        ("value", plain(&columns.value, &columns.status, row)),
        ("economy", named(&columns.economies, &columns.economy, row)),
        ("partner", partner),
        ("material", parameter.material),
        ("stage", parameter.stage),
        ("item", parameter.item),
    ]
}

fn restrictions(columns: &RestrictionColumns, row: usize) -> Fields {
    let product = entry(&columns.products, at(&columns.product, row)).cloned().unwrap_or_default();
    let evaluation = match Evaluation::try_from(at(&columns.evaluation, row)) {
        Ok(Evaluation::Red) => "red",
        Ok(Evaluation::Amber) => "amber",
        Ok(Evaluation::Green) => "green",
        _ => "",
    };
    vec![
        ("from", named(&columns.days, &columns.from, row)),
        ("until", named(&columns.days, &columns.until, row)),
        ("economy", named(&columns.economies, &columns.economy, row)),
        ("material", product.material),
        ("stage", product.stage),
        ("kind", named(&columns.kinds, &columns.kind, row)),
        ("evaluation", evaluation.to_owned()),
        ("product", product.code),
        ("partners", named(&columns.partners, &columns.partner, row)),
    ]
}

fn concordance(columns: &ConcordanceColumns, row: usize) -> Fields {
    let assigned = entry(&columns.assignments, at(&columns.assignment, row)).cloned().unwrap_or_default();
    let purity = columns.purity.get(row).filter(|purity| !purity.is_nan());
    vec![
        ("nomenclature", named(&columns.nomenclatures, &columns.nomenclature, row)),
        ("code", at(&columns.code, row)),
        ("material", assigned.material),
        ("stage", assigned.stage),
        ("purity", purity.map(ToString::to_string).unwrap_or_default()),
        ("proxy", if at(&columns.proxy, row) { "yes" } else { "" }.to_owned()),
        ("note", at(&columns.note, row)),
    ]
}

/// An entry of a column; of a column that is empty what stands for all.
fn at<T: Clone + Default>(column: &[T], row: usize) -> T {
    column.get(row).cloned().unwrap_or_default()
}

/// An entry of a dictionary.
fn entry<T>(dictionary: &[T], number: u32) -> Option<&T> {
    dictionary.get(usize::try_from(number).ok()?)
}

fn named(dictionary: &[String], column: &[u32], row: usize) -> String {
    entry(dictionary, at(column, row)).cloned().unwrap_or_default()
}

fn plain(figures: &[f64], statuses: &[i32], row: usize) -> String {
    figure(figures.get(row).copied().unwrap_or(f64::NAN), statuses, row)
}

/// A figure as the tidy table writes it.
fn figure(figure: f64, statuses: &[i32], row: usize) -> String {
    let status = statuses.get(row).map_or(Ok(Status::Known), |status| Status::try_from(*status));
    match status {
        Ok(Status::Known) => figure.to_string(),
        Ok(Status::Withheld) => "W".to_owned(),
        _ => "NA".to_owned(),
    }
}
