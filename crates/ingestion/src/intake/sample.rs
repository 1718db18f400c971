//! The first rows of a release as they would be recorded, for the report of a dry run.
use orewatch_contracts::common::v1::{By, Status};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ClaimRow, ConcordanceColumns, Confirmation, Evaluation, GovernanceColumns, ParameterColumns,
    ProductionColumns, ProjectionColumns, Release, Reporter, RestrictionColumns, SampleField, SampleRow,
    Side, TargetRow, TargetStatus, TradeColumns,
};
use orewatch_formats::flows;

/// Upper bound on the rows of a sample.
pub(super) const MAX_SAMPLE_ROWS: usize = 10;

/// Adds rows of a chunk until the sample is full.
pub(super) fn add_rows(shown: &mut Vec<SampleRow>, release: &Release, columns: &Columns) {
    let rows = usize::try_from(crate::validate::row_count(columns)).unwrap_or(usize::MAX);
    let room = MAX_SAMPLE_ROWS.saturating_sub(shown.len());
    for row in 0..rows.min(room) {
        let (file, line, fields) = match columns {
            Columns::Trade(columns) => {
                (cell(&columns.file, row), flows::line(columns, row), trade(columns, row))
            }
            Columns::Production(columns) => {
                (cell(&columns.file, row), cell(&columns.line, row), production(columns, row))
            }
            Columns::Governance(columns) => {
                (cell(&columns.file, row), cell(&columns.line, row), governance(columns, row))
            }
            Columns::Parameters(columns) => {
                (cell(&columns.file, row), cell(&columns.line, row), parameters(columns, row))
            }
            Columns::Restrictions(columns) => {
                (cell(&columns.file, row), cell(&columns.line, row), restrictions(columns, row))
            }
            Columns::Concordance(columns) => {
                (cell(&columns.file, row), cell(&columns.line, row), concordance(columns, row))
            }
            Columns::Projections(columns) => {
                (cell(&columns.file, row), cell(&columns.line, row), projections(columns, row))
            }
            Columns::Targets(targets) => {
                let target = cell(&targets.rows, row);
                (target.file, target.line_number, target_fields(target))
            }
            Columns::Claims(claims) => {
                let claim = cell(&claims.rows, row);
                (claim.file, claim.line, claim_fields(claim))
            }
        };
        let file = dictionary_entry(&release.files, file).map(|file| file.name.clone()).unwrap_or_default();
        let fields = fields.into_iter().map(|(name, value)| SampleField { name: name.to_owned(), value });
        shown.push(SampleRow { file, line, fields: fields.collect() });
    }
}

type Fields = Vec<(&'static str, String)>;

fn trade(columns: &TradeColumns, row: usize) -> Fields {
    let product =
        dictionary_entry(&columns.products, cell(&columns.product, row)).cloned().unwrap_or_default();
    let value = flows::value(columns, row);
    let quantity = flows::quantity(columns, row);
    let mut fields = vec![
        ("period", name_in_row(&columns.periods, &columns.period, row)),
        ("exporter", name_in_row(&columns.economies, &columns.exporter, row)),
        ("importer", name_in_row(&columns.economies, &columns.importer, row)),
        ("product", product.code),
        ("material", product.material),
        ("stage", product.stage),
        ("value_kusd", figure(value, &columns.value_status, row)),
        ("quantity_t", figure(quantity, &columns.quantity_status, row)),
    ];
    if !columns.reporter.is_empty() {
        let reporter = match Reporter::try_from(cell(&columns.reporter, row)) {
            Ok(Reporter::Importer) => "importer",
            Ok(Reporter::Exporter) => "exporter",
            _ => "",
        };
        fields.push(("reporter", reporter.to_owned()));
    }
    fields
}

fn production(columns: &ProductionColumns, row: usize) -> Fields {
    let series = dictionary_entry(&columns.series, cell(&columns.product, row)).cloned().unwrap_or_default();
    let mut fields = vec![
        ("period", name_in_row(&columns.periods, &columns.period, row)),
        ("economy", name_in_row(&columns.economies, &columns.economy, row)),
        ("material", series.material),
        ("stage", series.stage),
        ("quantity", plain_figure(&columns.quantity, &columns.status, row)),
        ("unit", series.unit),
        ("basis", series.basis),
    ];
    if !columns.estimated.is_empty() {
        fields.push(("estimated", cell(&columns.estimated, row).to_string()));
    }
    fields
}

fn governance(columns: &GovernanceColumns, row: usize) -> Fields {
    vec![
        ("period", name_in_row(&columns.periods, &columns.period, row)),
        ("economy", name_in_row(&columns.economies, &columns.economy, row)),
        ("indicator", name_in_row(&columns.indicators, &columns.indicator, row)),
        ("value", plain_figure(&columns.value, &columns.status, row)),
    ]
}

fn parameters(columns: &ParameterColumns, row: usize) -> Fields {
    let parameter =
        dictionary_entry(&columns.parameters, cell(&columns.parameter, row)).cloned().unwrap_or_default();
    let partner = if columns.partner.is_empty() {
        String::new()
    } else {
        name_in_row(&columns.economies, &columns.partner, row)
    };
    vec![
        ("period", name_in_row(&columns.periods, &columns.period, row)),
        ("parameter", parameter.name),
        ("value", plain_figure(&columns.value, &columns.status, row)),
        ("economy", name_in_row(&columns.economies, &columns.economy, row)),
        ("partner", partner),
        ("material", parameter.material),
        ("stage", parameter.stage),
        ("item", parameter.item),
    ]
}

fn restrictions(columns: &RestrictionColumns, row: usize) -> Fields {
    let product =
        dictionary_entry(&columns.products, cell(&columns.product, row)).cloned().unwrap_or_default();
    let evaluation = match Evaluation::try_from(cell(&columns.evaluation, row)) {
        Ok(Evaluation::Red) => "red",
        Ok(Evaluation::Amber) => "amber",
        Ok(Evaluation::Green) => "green",
        _ => "",
    };
    vec![
        ("from", name_in_row(&columns.days, &columns.from, row)),
        ("until", name_in_row(&columns.days, &columns.until, row)),
        ("economy", name_in_row(&columns.economies, &columns.economy, row)),
        ("material", product.material),
        ("stage", product.stage),
        ("kind", name_in_row(&columns.kinds, &columns.kind, row)),
        ("evaluation", evaluation.to_owned()),
        ("product", product.code),
        ("partners", name_in_row(&columns.partners, &columns.partner, row)),
    ]
}

fn concordance(columns: &ConcordanceColumns, row: usize) -> Fields {
    let assigned =
        dictionary_entry(&columns.assignments, cell(&columns.assignment, row)).cloned().unwrap_or_default();
    let purity = columns.purity.get(row).filter(|purity| !purity.is_nan());
    vec![
        ("nomenclature", name_in_row(&columns.nomenclatures, &columns.nomenclature, row)),
        ("code", cell(&columns.code, row)),
        ("material", assigned.material),
        ("stage", assigned.stage),
        ("purity", purity.map(ToString::to_string).unwrap_or_default()),
        ("proxy", if cell(&columns.proxy, row) { "yes" } else { "" }.to_owned()),
        ("note", cell(&columns.note, row)),
    ]
}

fn projections(columns: &ProjectionColumns, row: usize) -> Fields {
    let series = dictionary_entry(&columns.series, cell(&columns.product, row)).cloned().unwrap_or_default();
    let side = if series.side() == Side::Demand { "demand" } else { "supply" };
    vec![
        ("period", name_in_row(&columns.periods, &columns.period, row)),
        ("economy", name_in_row(&columns.economies, &columns.economy, row)),
        ("material", series.material),
        ("stage", series.stage),
        ("side", side.to_owned()),
        ("scenario", series.scenario),
        ("quantity", plain_figure(&columns.quantity, &columns.status, row)),
        ("unit", series.unit),
        ("basis", series.basis),
    ]
}

fn target_fields(target: TargetRow) -> Fields {
    let status = match target.status() {
        TargetStatus::Law => "law",
        TargetStatus::Declaration => "declaration",
        TargetStatus::Plan => "plan",
        TargetStatus::Unspecified => "",
    };
    let direction = if target.at_most { "at-most" } else { "at-least" };
    let (by, confirmation) = (by_word(target.by()), confirmation_word(target.confirmation()));
    vec![
        ("id", target.id),
        ("title", target.title),
        ("announced_by", target.announced_by),
        ("consumer", target.consumer),
        ("material", target.material),
        ("stage", target.stage),
        ("measure", target.measure),
        ("supplier", target.supplier),
        ("line", target.line.to_string()),
        ("direction", direction.to_owned()),
        ("by", by.to_owned()),
        ("due", target.due),
        ("status", status.to_owned()),
        ("source", target.source),
        ("url", target.url),
        ("announced", target.announced),
        ("in_force", target.in_force),
        ("confirmation", confirmation.to_owned()),
    ]
}

fn claim_fields(claim: ClaimRow) -> Fields {
    let (by, confirmation) = (by_word(claim.by()), confirmation_word(claim.confirmation()));
    vec![
        ("id", claim.id),
        ("text", claim.text),
        ("said_by", claim.said_by),
        ("reported_by", claim.reported_by),
        ("date", claim.date),
        ("consumer", claim.consumer),
        ("materials", claim.materials.join(" ")),
        ("stage", claim.stage),
        ("measure", claim.measure),
        ("supplier", claim.supplier),
        ("low", claim.low.to_string()),
        ("high", claim.high.to_string()),
        ("by", by.to_owned()),
        ("period", claim.period),
        ("basis", claim.basis),
        ("vintage", claim.vintage),
        ("tolerance", claim.tolerance.to_string()),
        ("source", claim.source),
        ("url", claim.url),
        ("confirmation", confirmation.to_owned()),
    ]
}

fn by_word(by: By) -> &'static str {
    match by {
        By::Unspecified => "",
        By::Quantity => "quantity",
        By::Value => "value",
    }
}

fn confirmation_word(confirmation: Confirmation) -> &'static str {
    match confirmation {
        Confirmation::Confirmed => "confirmed",
        Confirmation::Reported => "reported",
        Confirmation::Recalled | Confirmation::Unspecified => "recalled",
    }
}

/// The entry of a column. An empty column has the default in every row.
fn cell<T: Clone + Default>(column: &[T], row: usize) -> T {
    column.get(row).cloned().unwrap_or_default()
}

/// The entry of a dictionary.
fn dictionary_entry<T>(dictionary: &[T], number: u32) -> Option<&T> {
    dictionary.get(usize::try_from(number).ok()?)
}

fn name_in_row(dictionary: &[String], column: &[u32], row: usize) -> String {
    dictionary_entry(dictionary, cell(column, row)).cloned().unwrap_or_default()
}

fn plain_figure(figures: &[f64], statuses: &[i32], row: usize) -> String {
    figure(figures.get(row).copied().unwrap_or(f64::NAN), statuses, row)
}

/// A figure as a tidy table writes it.
fn figure(figure: f64, statuses: &[i32], row: usize) -> String {
    let status = statuses.get(row).map_or(Ok(Status::Known), |status| Status::try_from(*status));
    match status {
        Ok(Status::Known) => figure.to_string(),
        Ok(Status::Withheld) => "W".to_owned(),
        _ => "NA".to_owned(),
    }
}
