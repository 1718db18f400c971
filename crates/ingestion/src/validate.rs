//! What a client sends is checked as if nobody had: shapes, ranges, codes.
use std::collections::BTreeSet;

use orewatch_catalog::{OTHER, Period, Stage, economy, material};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    GovernanceColumns, ObservationsRecorded, Product, ProductionColumns, Release, RowsQuarantined, Series,
    Table, TradeColumns,
};
use orewatch_eventlog::LARGEST_EVENT;
use orewatch_runtime::{Class, Failure};
use prost::Message;

use crate::ids;
use crate::sources::MOST_FILES;

/// Most rows of a chunk.
const MOST_ROWS: usize = 65_536;

/// Longest text that describes a release, in bytes.
const LONGEST_TEXT: usize = 2_000;

fn invalid(field: &str, value: impl AsRef<str>, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "invalid-request", message).at(field, value)
}

/// Checks a release that is to be opened, and completes its identifier.
pub(crate) fn release(mut release: Release) -> Result<Release, Failure> {
    if !ids::is_dataset(&release.dataset) {
        return Err(invalid("dataset", &release.dataset, "this cannot name a dataset")
            .with_hint("use up to 64 lower-case letters, digits and hyphens"));
    }
    if !ids::is_vintage(&release.vintage) {
        return Err(invalid("vintage", &release.vintage, "this cannot name a vintage")
            .with_hint("use up to 64 letters, digits, hyphens and underscores"));
    }
    if release.table() == Table::Unspecified {
        return Err(invalid("table", release.table.to_string(), "this is no table"));
    }
    if release.files.is_empty() || release.files.len() > MOST_FILES {
        let count = release.files.len().to_string();
        return Err(invalid("files", count, format!("a release has 1 to {MOST_FILES} files")));
    }
    for file in &release.files {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if file.sha256.len() != 64 || !file.sha256.bytes().all(hex) {
            return Err(invalid(
                "files.sha256",
                &file.sha256,
                "this is not a SHA-256 in lower-case hexadecimal",
            ));
        }
        short("files.name", &file.name)?;
    }
    let provenance = release.provenance.get_or_insert_default();
    for (field, text) in [
        ("parser", &release.parser),
        ("hs_revision", &release.hs_revision),
        ("provenance.publisher", &provenance.publisher),
        ("provenance.title", &provenance.title),
        ("provenance.url", &provenance.url),
        ("provenance.licence", &provenance.licence),
        ("provenance.published", &provenance.published),
    ] {
        short(field, text)?;
    }
    if release.id.is_empty() {
        release.id = ids::release_id(&release.dataset, &release.vintage, &release.files);
    }
    if ids::follows(&release) {
        Ok(release)
    } else {
        Err(invalid("id", &release.id, "the identifier does not follow from dataset, vintage and files")
            .with_hint("leave it empty"))
    }
}

pub(crate) fn short(field: &str, text: &str) -> Result<(), Failure> {
    if text.len() <= LONGEST_TEXT && !text.contains(char::is_control) {
        return Ok(());
    }
    let message = format!("the text is longer than {LONGEST_TEXT} bytes or has control characters");
    Err(invalid(field, text, message))
}

/// Checks a chunk of rows.
pub(crate) fn observations(release: &Release, chunk: &ObservationsRecorded) -> Result<(), Failure> {
    fits(chunk)?;
    let files = release.files.len();
    match (&chunk.columns, release.table()) {
        (Some(Columns::Trade(columns)), Table::Trade) => trade(columns, files),
        (Some(Columns::Production(columns)), Table::Production) => production(columns, files),
        (Some(Columns::Governance(columns)), Table::Governance) => governance(columns, files),
        _ => Err(invalid("columns", "", "the chunk is not of the release's table")),
    }
}

/// Checks a chunk of rejections.
pub(crate) fn quarantine(chunk: &RowsQuarantined) -> Result<(), Failure> {
    fits(chunk)?;
    let empty = chunk.rejections.iter().find(|rejection| rejection.code.is_empty() || rejection.line == 0);
    match (chunk.rejections.len(), empty) {
        (0 | MOST_ROWS.., _) => Err(invalid("rejections", "", format!("a chunk has 1 to {MOST_ROWS} rows"))),
        (_, Some(rejection)) => {
            Err(invalid("rejections", &rejection.reason, "a rejection has no line or code"))
        }
        (_, None) => Ok(()),
    }
}

fn fits(chunk: &impl Message) -> Result<(), Failure> {
    let size = chunk.encoded_len();
    if size <= LARGEST_EVENT {
        return Ok(());
    }
    Err(invalid("chunk", size.to_string(), format!("a chunk is larger than {LARGEST_EVENT} bytes"))
        .with_hint("send fewer rows at a time"))
}

fn trade(columns: &TradeColumns, files: usize) -> Result<(), Failure> {
    let rows = rows(columns.period.len())?;
    periods(&columns.periods)?;
    dictionary("economies", &columns.economies, |code| economy(code).is_some())?;
    columns.products.iter().try_for_each(product)?;
    indices("period", &columns.period, rows, columns.periods.len())?;
    indices("exporter", &columns.exporter, rows, columns.economies.len())?;
    indices("importer", &columns.importer, rows, columns.economies.len())?;
    indices("product", &columns.product, rows, columns.products.len())?;
    figures("value", &columns.value, &columns.value_status, rows, 0.0)?;
    figures("quantity", &columns.quantity, &columns.quantity_status, rows, 0.0)?;
    places(&columns.file, &columns.line, rows, files)
}

fn production(columns: &ProductionColumns, files: usize) -> Result<(), Failure> {
    let rows = rows(columns.period.len())?;
    periods(&columns.periods)?;
    dictionary("economies", &columns.economies, |code| code == OTHER || economy(code).is_some())?;
    columns.series.iter().try_for_each(series)?;
    indices("period", &columns.period, rows, columns.periods.len())?;
    indices("economy", &columns.economy, rows, columns.economies.len())?;
    indices("product", &columns.product, rows, columns.series.len())?;
    figures("quantity", &columns.quantity, &columns.status, rows, 0.0)?;
    length("estimated", columns.estimated.len(), rows, true)?;
    places(&columns.file, &columns.line, rows, files)
}

fn governance(columns: &GovernanceColumns, files: usize) -> Result<(), Failure> {
    let rows = rows(columns.period.len())?;
    periods(&columns.periods)?;
    dictionary("economies", &columns.economies, |code| economy(code).is_some())?;
    dictionary("indicators", &columns.indicators, |text| !text.is_empty() && text.len() <= 64)?;
    indices("period", &columns.period, rows, columns.periods.len())?;
    indices("economy", &columns.economy, rows, columns.economies.len())?;
    indices("indicator", &columns.indicator, rows, columns.indicators.len())?;
    figures("value", &columns.value, &columns.status, rows, f64::MIN)?;
    places(&columns.file, &columns.line, rows, files)
}

fn rows(count: usize) -> Result<usize, Failure> {
    if (1..=MOST_ROWS).contains(&count) {
        return Ok(count);
    }
    Err(invalid("columns", count.to_string(), format!("a chunk has 1 to {MOST_ROWS} rows")))
}

fn periods(texts: &[String]) -> Result<(), Failure> {
    dictionary("periods", texts, |text| text.parse::<Period>().is_ok())
}

/// Entries of a dictionary are known, and each is there once.
fn dictionary(field: &str, texts: &[String], known: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match texts.iter().find(|text| !known(text) || !seen.insert(text.as_str())) {
        Some(text) => {
            Err(invalid(field, text, "the entry of the dictionary is not known, or is there twice"))
        }
        None => Ok(()),
    }
}

fn product(product: &Product) -> Result<(), Failure> {
    let digits = product.code.len() == 6 && product.code.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(invalid("products.code", &product.code, "this is not a six-digit product code"));
    }
    topic(&product.material, &product.stage).map(|_| ())
}

fn series(series: &Series) -> Result<(), Failure> {
    let (material, stage) = topic(&series.material, &series.stage)?;
    if series.unit != "t" {
        return Err(invalid("series.unit", &series.unit, "output is recorded in tonnes (t)"));
    }
    let basis = material.basis(stage);
    if series.basis != basis.as_str() {
        let message = format!("output of {} {stage} is recorded as {basis}", material.id);
        return Err(invalid("series.basis", &series.basis, message));
    }
    Ok(())
}

fn topic(id: &str, stage: &str) -> Result<(&'static orewatch_catalog::Material, Stage), Failure> {
    let known = material(id).ok().filter(|material| material.id == id);
    let known = known.ok_or_else(|| invalid("material", id, "this is no material of the catalogue"))?;
    let stage: Stage = stage.parse().map_err(|_| invalid("stage", stage, "this is no stage"))?;
    Ok((known, stage))
}

fn length(field: &str, found: usize, rows: usize, optional: bool) -> Result<(), Failure> {
    if found == rows || (optional && found == 0) {
        return Ok(());
    }
    Err(invalid(field, found.to_string(), format!("the column has {found} entries for {rows} rows")))
}

fn indices(field: &str, column: &[u32], rows: usize, entries: usize) -> Result<(), Failure> {
    length(field, column.len(), rows, false)?;
    let within = |index: &u32| usize::try_from(*index).is_ok_and(|index| index < entries);
    match column.iter().find(|index| !within(index)) {
        Some(index) => Err(invalid(field, index.to_string(), "the index is not in the dictionary")),
        None => Ok(()),
    }
}

/// A figure is finite where it is known, and NaN where it is not.
fn figures(field: &str, numbers: &[f64], statuses: &[i32], rows: usize, least: f64) -> Result<(), Failure> {
    length(field, numbers.len(), rows, false)?;
    length(field, statuses.len(), rows, true)?;
    for (row, number) in numbers.iter().enumerate() {
        let status = statuses.get(row).map_or(Ok(Status::Known), |status| Status::try_from(*status));
        let fits = match status {
            Ok(Status::Known) => number.is_finite() && *number >= least,
            Ok(Status::Withheld | Status::Unavailable) => number.is_nan(),
            _ => false,
        };
        if !fits {
            return Err(invalid(field, number.to_string(), "the figure does not go with its status"));
        }
    }
    Ok(())
}

fn places(file: &[u32], line: &[u64], rows: usize, files: usize) -> Result<(), Failure> {
    length("line", line.len(), rows, false)?;
    if line.contains(&0) {
        return Err(invalid("line", "0", "lines are counted from 1"));
    }
    if file.is_empty() { Ok(()) } else { indices("file", file, rows, files) }
}

/// Rows of a chunk that has passed its checks.
pub(crate) fn row_count(columns: &Columns) -> u64 {
    let rows = match columns {
        Columns::Trade(columns) => columns.period.len(),
        Columns::Production(columns) => columns.period.len(),
        Columns::Governance(columns) => columns.period.len(),
        Columns::Parameters(columns) => columns.period.len(),
        Columns::Restrictions(columns) => columns.economy.len(),
    };
    u64::try_from(rows).unwrap_or(u64::MAX)
}
