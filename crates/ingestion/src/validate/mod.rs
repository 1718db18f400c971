//! Checks what a client sends as if nobody had checked it before: shapes, ranges, codes.
mod columns;
mod projections;
mod statements;

use jiff::civil::Date;
use orewatch_catalog::{
    Basis, Consumer, HsRevision, Nomenclature, OTHER, Stage, WORLD, economy, material, parameter,
    residual_kind, restriction,
};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, Evaluation, GovernanceColumns, ObservationsRecorded, Parameter, ParameterColumns,
    Product, ProductionColumns, Release, Reporter, RestrictionColumns, RowsQuarantined, Scope, Series, Table,
    TradeColumns,
};
use orewatch_contracts::text::first_hidden;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::MAX_EVENT_BYTES;
use orewatch_formats::dataset;
use orewatch_formats::flows;
use orewatch_formats::ids;
use orewatch_formats::shape::{self, Fields, Misfit};
use orewatch_formats::{MAX_CUT_PARTNERS, MAX_FILES, parse_day};
use prost::Message;

use crate::scope;
use columns::{
    check_amounts, check_dictionary, check_figures, check_files, check_indices, check_indices_or_first,
    check_length, check_marks, check_periods, check_places, check_rows, check_steps, dictionary_entry,
};
pub(crate) use columns::{first_file, row_count, set_file};
use projections::check_projections;
use statements::{check_claims, check_targets};

/// Upper bound on the rows of a chunk.
const MAX_ROWS: usize = 65_536;

/// Upper bound on a text that describes a release, in bytes.
const MAX_TEXT_BYTES: usize = 2_000;

fn invalid(field: &str, value: impl AsRef<str>, message: impl Into<String>) -> Failure {
    Failure::new(Class::Invalid, "invalid-request", message).at(field, value)
}

/// Checks a release that is to be opened, and fills in its identifier and kind.
pub(crate) fn check_release(mut release: Release) -> Result<Release, Failure> {
    if !ids::is_dataset(&release.dataset) {
        return Err(invalid("dataset", &release.dataset, "this is no valid name of a dataset")
            .with_hint("use up to 64 lower-case letters, digits and hyphens"));
    }
    if !ids::is_vintage(&release.vintage) {
        return Err(invalid("vintage", &release.vintage, "this is no valid name of a vintage")
            .with_hint("use up to 64 letters, digits, hyphens and underscores"));
    }
    if release.table() == Table::Unspecified {
        return Err(invalid("table", release.table.to_string(), "this is no table"));
    }
    if release.files.is_empty() || release.files.len() > MAX_FILES {
        let count = release.files.len().to_string();
        return Err(invalid("files", count, format!("a release has 1 to {MAX_FILES} files")));
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
        check_text("files.name", &file.name)?;
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
        check_text(field, text)?;
    }
    if release.cut_partners > 0 && release.table() != Table::Trade || release.cut_partners > MAX_CUT_PARTNERS
    {
        let message = format!("only trade is cut, to at most {MAX_CUT_PARTNERS} partners");
        return Err(invalid("cut_partners", release.cut_partners.to_string(), message));
    }
    dataset::record_kind(&mut release);
    release.scope = release.scope.filter(|scope| *scope != Scope::default());
    scope::check(&release)?;
    if release.id.is_empty() {
        release.id = ids::release_id(&release);
    }
    if ids::has_own_id(&release) {
        Ok(release)
    } else {
        Err(invalid("id", &release.id, "the identifier does not follow from dataset, vintage and files")
            .with_hint("leave it empty"))
    }
}

pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Failure> {
    if text.len() <= MAX_TEXT_BYTES && first_hidden(text, false).is_none() {
        return Ok(());
    }
    let message = format!("the text is longer than {MAX_TEXT_BYTES} bytes or has control characters");
    Err(invalid(field, text, message))
}

/// Checks a chunk of rows.
pub(crate) fn check_observations(release: &Release, chunk: &ObservationsRecorded) -> Result<(), Failure> {
    check_size(chunk)?;
    let files = release.files.len();
    check_columns(release, chunk, files)?;
    chunk.columns.as_ref().map_or(Ok(()), |columns| scope::check_rows(release, columns))
}

fn check_columns(release: &Release, chunk: &ObservationsRecorded, files: usize) -> Result<(), Failure> {
    match (&chunk.columns, release.table()) {
        (Some(Columns::Trade(columns)), Table::Trade) => check_trade(columns, &nomenclature(release), files),
        (Some(Columns::Production(columns)), Table::Production) => check_production(columns, files),
        (Some(Columns::Governance(columns)), Table::Governance) => check_governance(columns, files),
        (Some(Columns::Parameters(columns)), Table::Parameters) => check_parameters(columns, files),
        (Some(Columns::Restrictions(columns)), Table::Restrictions) => check_restrictions(columns, files),
        (Some(Columns::Concordance(columns)), Table::Concordance) => check_concordance(columns, files),
        (Some(Columns::Projections(columns)), Table::Projections) => check_projections(columns, files),
        (Some(Columns::Targets(targets)), Table::Targets) => check_targets(&targets.rows, files),
        (Some(Columns::Claims(claims)), Table::Claims) => check_claims(&claims.rows, files),
        _ => Err(invalid("columns", "", "the chunk is not of the release's table")),
    }
}

/// Checks a chunk of rejections.
pub(crate) fn check_quarantine(chunk: &RowsQuarantined) -> Result<(), Failure> {
    check_size(chunk)?;
    let empty = chunk.rejections.iter().find(|rejection| rejection.code.is_empty() || rejection.line == 0);
    match (chunk.rejections.len(), empty) {
        (0 | MAX_ROWS.., _) => Err(invalid("rejections", "", format!("a chunk has 1 to {MAX_ROWS} rows"))),
        (_, Some(rejection)) => {
            Err(invalid("rejections", &rejection.reason, "a rejection has no line or code"))
        }
        (_, None) => Ok(()),
    }
}

fn check_size(chunk: &impl Message) -> Result<(), Failure> {
    let size = chunk.encoded_len();
    if size <= MAX_EVENT_BYTES {
        return Ok(());
    }
    Err(invalid("chunk", size.to_string(), format!("a chunk is larger than {MAX_EVENT_BYTES} bytes"))
        .with_hint("send fewer rows at a time"))
}

fn check_trade(columns: &TradeColumns, list: &Nomenclature, files: usize) -> Result<(), Failure> {
    let rows = check_rows(flows::count(columns))?;
    check_periods(&columns.periods)?;
    check_dictionary("economies", &columns.economies, |code| economy(code).is_some() || is_residual(code))?;
    columns.products.iter().try_for_each(|listed| check_product(listed, list))?;
    check_indices_or_first("period", &columns.period, rows, columns.periods.len())?;
    check_indices("exporter", &columns.exporter, rows, columns.economies.len())?;
    check_indices("importer", &columns.importer, rows, columns.economies.len())?;
    check_indices_or_first("product", &columns.product, rows, columns.products.len())?;
    if columns.economies.iter().any(|code| is_residual(code)) {
        (0..rows).try_for_each(|row| check_sides(columns, row))?;
    }
    let scaled = (&*columns.value_scaled, columns.value_digits);
    check_amounts("value", &columns.value, scaled, &columns.value_status, rows)?;
    let scaled = (&*columns.quantity_scaled, columns.quantity_digits);
    check_amounts("quantity", &columns.quantity, scaled, &columns.quantity_status, rows)?;
    check_marks("reporter", &columns.reporter, rows, |number| Reporter::try_from(number).is_ok())?;
    check_length("quantity_column", columns.quantity_column.len(), rows, true)?;
    if columns.line_step.is_empty() {
        return check_places(&columns.file, &columns.line, rows, files);
    }
    check_steps(&columns.line, &columns.line_step, rows)?;
    check_files(&columns.file, rows, files)
}

/// Whether a code is a kind of residual that a flow may have. `OTHER` alone, which output has, says too
/// little about a partner.
fn is_residual(code: &str) -> bool {
    code != OTHER && residual_kind(code).is_some()
}

/// Checks that at most one side of a flow is unknown, and not the one that reports it. Indices are checked
/// before.
fn check_sides(columns: &TradeColumns, row: usize) -> Result<(), Failure> {
    let [exporter, importer] = [&columns.exporter, &columns.importer]
        .map(|column| dictionary_entry(&columns.economies, column, row).map_or("", String::as_str));
    let reporter = columns.reporter.get(row).copied().unwrap_or_default();
    let unknown = |side: &str, reports: Reporter| {
        is_residual(side).then(|| (side.to_owned(), reporter == i32::from(reports)))
    };
    match (unknown(exporter, Reporter::Exporter), unknown(importer, Reporter::Importer)) {
        (Some((side, _)), Some(_)) => Err(invalid("importer", side, "both sides of the flow are unknown")),
        (Some((side, true)), None) => {
            Err(invalid("exporter", side, "an amount of unknown origin reports nothing"))
        }
        (None, Some((side, true))) => {
            Err(invalid("importer", side, "an amount of unknown destination reports nothing"))
        }
        _ => Ok(()),
    }
}

/// The nomenclature of a release's product codes; six digits where none is stated.
fn nomenclature(release: &Release) -> Nomenclature {
    release.hs_revision.parse().unwrap_or(Nomenclature::Hs(HsRevision::Hs92))
}

fn check_production(columns: &ProductionColumns, files: usize) -> Result<(), Failure> {
    let rows = check_rows(columns.period.len())?;
    check_periods(&columns.periods)?;
    check_dictionary("economies", &columns.economies, is_producer)?;
    columns.series.iter().try_for_each(check_series)?;
    check_indices("period", &columns.period, rows, columns.periods.len())?;
    check_indices("economy", &columns.economy, rows, columns.economies.len())?;
    check_indices("product", &columns.product, rows, columns.series.len())?;
    check_figures("quantity", &columns.quantity, &columns.status, rows, 0.0)?;
    check_length("estimated", columns.estimated.len(), rows, true)?;
    check_places(&columns.file, &columns.line, rows, files)
}

/// Whether a code names an economy, the residual of those that are not listed, or the printed total of the
/// world.
fn is_producer(code: &str) -> bool {
    matches!(code, OTHER | WORLD) || economy(code).is_some()
}

fn check_governance(columns: &GovernanceColumns, files: usize) -> Result<(), Failure> {
    let rows = check_rows(columns.period.len())?;
    check_periods(&columns.periods)?;
    check_dictionary("economies", &columns.economies, |code| economy(code).is_some())?;
    check_dictionary("indicators", &columns.indicators, |text| !text.is_empty() && text.len() <= 64)?;
    check_indices("period", &columns.period, rows, columns.periods.len())?;
    check_indices("economy", &columns.economy, rows, columns.economies.len())?;
    check_indices("indicator", &columns.indicator, rows, columns.indicators.len())?;
    check_figures("value", &columns.value, &columns.status, rows, f64::MIN)?;
    check_places(&columns.file, &columns.line, rows, files)
}

fn check_parameters(columns: &ParameterColumns, files: usize) -> Result<(), Failure> {
    let rows = check_rows(columns.period.len())?;
    check_periods(&columns.periods)?;
    check_dictionary("economies", &columns.economies, |code| {
        code.is_empty() || code.parse::<Consumer>().is_ok()
    })?;
    check_indices("period", &columns.period, rows, columns.periods.len())?;
    check_indices("economy", &columns.economy, rows, columns.economies.len())?;
    check_indices("parameter", &columns.parameter, rows, columns.parameters.len())?;
    if !columns.partner.is_empty() {
        check_indices("partner", &columns.partner, rows, columns.economies.len())?;
    }
    check_figures("value", &columns.value, &columns.status, rows, f64::MIN)?;
    for row in 0..rows {
        check_parameter(columns, row)?;
    }
    check_places(&columns.file, &columns.line, rows, files)
}

/// Checks that a row has what its parameter takes. Indices are checked before.
fn check_parameter(columns: &ParameterColumns, row: usize) -> Result<(), Failure> {
    let fallback = Parameter::default();
    let what = dictionary_entry(&columns.parameters, &columns.parameter, row).unwrap_or(&fallback);
    let [economy, partner] = [&columns.economy, &columns.partner]
        .map(|column| dictionary_entry(&columns.economies, column, row).map_or("", String::as_str));
    let known = parameter(&what.name).ok().filter(|known| known.id == what.name);
    let known = known
        .ok_or_else(|| invalid("parameters.name", &what.name, "this is no parameter of the catalogue"))?;
    let (material_id, stage_id) = (what.material.as_str(), what.stage.as_str());
    let fields =
        Fields { economy, partner, material: material_id, stage: stage_id, item: what.item.as_str() };
    shape::check_fields(known, &fields).map_err(misfit_failure)?;
    if !material_id.is_empty() && material(material_id).map_or("", |material| material.id) != material_id {
        return Err(invalid("material", material_id, "this is no material of the catalogue"));
    }
    if !stage_id.is_empty() && stage_id.parse::<Stage>().map_or("", Stage::as_str) != stage_id {
        return Err(invalid("stage", stage_id, "this is no stage"));
    }
    if let Ok(whom) = economy.parse::<Consumer>() {
        shape::check_consumer(known, whom).map_err(misfit_failure)?;
    }
    if !partner.is_empty() && self::economy(partner).is_none() {
        return Err(invalid("partner", partner, "this is not one economy"));
    }
    match columns.value.get(row) {
        Some(value) if !value.is_nan() => {
            shape::check_value(known, *value, &value.to_string()).map_err(misfit_failure)
        }
        _ => Ok(()),
    }
}

fn misfit_failure(misfit: Misfit) -> Failure {
    invalid(misfit.field, misfit.value, misfit.reason).with_hint(misfit.hint)
}

fn check_restrictions(columns: &RestrictionColumns, files: usize) -> Result<(), Failure> {
    let rows = check_rows(columns.economy.len())?;
    check_dictionary("economies", &columns.economies, |code| economy(code).is_some())?;
    check_dictionary("kinds", &columns.kinds, |id| restriction(id).is_ok_and(|kind| kind.id == id))?;
    check_dictionary("days", &columns.days, |text| text.is_empty() || parse_day(text).is_some())?;
    check_dictionary("partners", &columns.partners, is_partner_list)?;
    for listed in &columns.products {
        if listed.code.is_empty() {
            check_topic(&listed.material, &listed.stage).map(|_| ())
        } else {
            check_product(listed, &Nomenclature::Hs(HsRevision::Hs22))
        }?;
    }
    check_indices("economy", &columns.economy, rows, columns.economies.len())?;
    check_indices("product", &columns.product, rows, columns.products.len())?;
    check_indices("kind", &columns.kind, rows, columns.kinds.len())?;
    check_indices("from", &columns.from, rows, columns.days.len())?;
    check_indices("until", &columns.until, rows, columns.days.len())?;
    check_indices("partner", &columns.partner, rows, columns.partners.len())?;
    check_marks("evaluation", &columns.evaluation, rows, |number| Evaluation::try_from(number).is_ok())?;
    (0..rows).try_for_each(|row| check_days(columns, row))?;
    check_places(&columns.file, &columns.line, rows, files)
}

fn check_concordance(columns: &ConcordanceColumns, files: usize) -> Result<(), Failure> {
    let rows = check_rows(columns.code.len())?;
    let listed = |text: &str| text.parse::<Nomenclature>().is_ok_and(|list| list.to_string() == text);
    check_dictionary("nomenclatures", &columns.nomenclatures, listed)?;
    for assignment in columns.assignments.iter().filter(|assignment| !assignment.material.is_empty()) {
        check_topic(&assignment.material, &assignment.stage)?;
    }
    check_indices("nomenclature", &columns.nomenclature, rows, columns.nomenclatures.len())?;
    check_indices("assignment", &columns.assignment, rows, columns.assignments.len())?;
    check_length("purity", columns.purity.len(), rows, true)?;
    check_length("proxy", columns.proxy.len(), rows, true)?;
    check_length("note", columns.note.len(), rows, true)?;
    if let Some(purity) = columns.purity.iter().find(|purity| **purity <= 0.0 || **purity > 1.0) {
        return Err(invalid("purity", purity.to_string(), "a purity is above 0 and at most 1"));
    }
    for (row, code) in columns.code.iter().enumerate() {
        let list =
            dictionary_entry(&columns.nomenclatures, &columns.nomenclature, row).map(|text| text.parse());
        if let Some(Ok(list)) = list
            && Nomenclature::check_code(&list, code).is_err()
        {
            return Err(invalid("code", code, format!("codes of {list} are {}", list.code_form())));
        }
    }
    check_places(&columns.file, &columns.line, rows, files)
}

/// Whether a list has economies and blocs in order, each once. The empty list stands for everyone.
fn is_partner_list(list: &str) -> bool {
    let codes: Vec<&str> = list.split(',').collect();
    let known =
        |code: &&str| code.parse::<Consumer>().is_ok_and(|one| one != Consumer::World && one.code() == *code);
    list.is_empty() || (codes.is_sorted_by(|one, next| one < next) && codes.iter().all(known))
}

/// Checks that a restriction begins on a day and does not end before it.
fn check_days(columns: &RestrictionColumns, row: usize) -> Result<(), Failure> {
    let day_in = |column| -> Option<Date> {
        dictionary_entry(&columns.days, column, row).and_then(|text| parse_day(text))
    };
    let from = day_in(&columns.from).ok_or_else(|| invalid("from", "", "a restriction needs a first day"))?;
    match day_in(&columns.until) {
        Some(until) if until < from => Err(invalid("until", until.to_string(), "it ends before it begins")),
        _ => Ok(()),
    }
}

fn check_product(product: &Product, list: &Nomenclature) -> Result<(), Failure> {
    if list.check_code(&product.code).is_err() {
        return Err(invalid(
            "products.code",
            &product.code,
            format!("codes of {list} are {}", list.code_form()),
        ));
    }
    if let Some(purity) = product.purity
        && !(purity > 0.0 && purity <= 1.0)
    {
        return Err(invalid("products.purity", purity.to_string(), "a purity is above 0 and at most 1"));
    }
    check_topic(&product.material, &product.stage).map(|_| ())
}

fn check_series(series: &Series) -> Result<(), Failure> {
    let (material, stage) = check_topic(&series.material, &series.stage)?;
    if series.unit != "t" {
        return Err(invalid("series.unit", &series.unit, "output is recorded in tonnes (t)"));
    }
    let basis: Option<Basis> = series.basis.parse().ok();
    if !basis.is_some_and(|basis| material.records(stage, basis) && series.basis == basis.as_str()) {
        let message = format!("output of {} {stage} is recorded as {}", material.id, material.basis(stage));
        return Err(invalid("series.basis", &series.basis, message));
    }
    Ok(())
}

fn check_topic(id: &str, stage: &str) -> Result<(&'static orewatch_catalog::Material, Stage), Failure> {
    let known = material(id).ok().filter(|material| material.id == id);
    let known = known.ok_or_else(|| invalid("material", id, "this is no material of the catalogue"))?;
    let stage: Stage = stage.parse().map_err(|_| invalid("stage", stage, "this is no stage"))?;
    Ok((known, stage))
}
