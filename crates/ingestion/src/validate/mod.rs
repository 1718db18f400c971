//! What a client sends is checked as if nobody had: shapes, ranges, codes.
mod columns;

use jiff::civil::Date;
use orewatch_catalog::{
    Consumer, HsRevision, Nomenclature, OTHER, Stage, economy, material, parameter, residual_kind,
    restriction,
};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ConcordanceColumns, Evaluation, GovernanceColumns, ObservationsRecorded, Parameter, ParameterColumns,
    Product, ProductionColumns, Release, Reporter, RestrictionColumns, RowsQuarantined, Scope, Series, Table,
    TradeColumns,
};
use orewatch_contracts::text::first_hidden;
use orewatch_eventlog::LARGEST_EVENT;
use orewatch_runtime::{Class, Failure};
use prost::Message;

use crate::dataset;
use crate::flows;
use crate::ids;
use crate::scope;
use crate::shape::{self, Fields, Misfit};
use crate::sources::{MOST_FILES, day};
use columns::{
    amounts, dictionary, entry, figures, files_of, indices, indices_or_first, length, marks, periods, places,
    rows, steps,
};
pub(crate) use columns::{first_file, place_in, row_count};

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
    dataset::record_kind(&mut release);
    release.scope = release.scope.filter(|scope| *scope != Scope::default());
    scope::check(&release)?;
    if release.id.is_empty() {
        release.id = ids::release_id(&release);
    }
    if ids::follows(&release) {
        Ok(release)
    } else {
        Err(invalid("id", &release.id, "the identifier does not follow from dataset, vintage and files")
            .with_hint("leave it empty"))
    }
}

pub(crate) fn short(field: &str, text: &str) -> Result<(), Failure> {
    if text.len() <= LONGEST_TEXT && first_hidden(text, false).is_none() {
        return Ok(());
    }
    let message = format!("the text is longer than {LONGEST_TEXT} bytes or has control characters");
    Err(invalid(field, text, message))
}

/// Checks a chunk of rows.
pub(crate) fn observations(release: &Release, chunk: &ObservationsRecorded) -> Result<(), Failure> {
    fits(chunk)?;
    let files = release.files.len();
    shapes(release, chunk, files)?;
    chunk.columns.as_ref().map_or(Ok(()), |columns| scope::within(release, columns))
}

fn shapes(release: &Release, chunk: &ObservationsRecorded, files: usize) -> Result<(), Failure> {
    match (&chunk.columns, release.table()) {
        (Some(Columns::Trade(columns)), Table::Trade) => trade(columns, &nomenclature(release), files),
        (Some(Columns::Production(columns)), Table::Production) => production(columns, files),
        (Some(Columns::Governance(columns)), Table::Governance) => governance(columns, files),
        (Some(Columns::Parameters(columns)), Table::Parameters) => parameters(columns, files),
        (Some(Columns::Restrictions(columns)), Table::Restrictions) => restrictions(columns, files),
        (Some(Columns::Concordance(columns)), Table::Concordance) => concordance(columns, files),
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

fn trade(columns: &TradeColumns, list: &Nomenclature, files: usize) -> Result<(), Failure> {
    let rows = rows(flows::count(columns))?;
    periods(&columns.periods)?;
    dictionary("economies", &columns.economies, |code| economy(code).is_some() || is_residual(code))?;
    columns.products.iter().try_for_each(|listed| product(listed, list))?;
    indices_or_first("period", &columns.period, rows, columns.periods.len())?;
    indices("exporter", &columns.exporter, rows, columns.economies.len())?;
    indices("importer", &columns.importer, rows, columns.economies.len())?;
    indices_or_first("product", &columns.product, rows, columns.products.len())?;
    if columns.economies.iter().any(|code| is_residual(code)) {
        (0..rows).try_for_each(|row| known_side(columns, row))?;
    }
    let scaled = (&*columns.value_scaled, columns.value_digits);
    amounts("value", &columns.value, scaled, &columns.value_status, rows)?;
    let scaled = (&*columns.quantity_scaled, columns.quantity_digits);
    amounts("quantity", &columns.quantity, scaled, &columns.quantity_status, rows)?;
    marks("reporter", &columns.reporter, rows, |number| Reporter::try_from(number).is_ok())?;
    length("quantity_column", columns.quantity_column.len(), rows, true)?;
    if columns.line_step.is_empty() {
        return places(&columns.file, &columns.line, rows, files);
    }
    steps(&columns.line, &columns.line_step, rows)?;
    files_of(&columns.file, rows, files)
}

/// Whether a code is of a kind of residual; `OTHER` alone, which output has, says too little of a flow's partner.
fn is_residual(code: &str) -> bool {
    code != OTHER && residual_kind(code).is_some()
}

/// At most one side of a flow is unknown, and not the one that reports it. Its indices are known to be in their dictionaries.
fn known_side(columns: &TradeColumns, row: usize) -> Result<(), Failure> {
    let [exporter, importer] = [&columns.exporter, &columns.importer]
        .map(|column| entry(&columns.economies, column, row).map_or("", String::as_str));
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

/// What a release's product codes follow: six digits where it does not say.
fn nomenclature(release: &Release) -> Nomenclature {
    release.hs_revision.parse().unwrap_or(Nomenclature::Hs(HsRevision::Hs92))
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

fn parameters(columns: &ParameterColumns, files: usize) -> Result<(), Failure> {
    let rows = rows(columns.period.len())?;
    periods(&columns.periods)?;
    dictionary("economies", &columns.economies, |code| code.is_empty() || code.parse::<Consumer>().is_ok())?;
    indices("period", &columns.period, rows, columns.periods.len())?;
    indices("economy", &columns.economy, rows, columns.economies.len())?;
    indices("parameter", &columns.parameter, rows, columns.parameters.len())?;
    if !columns.partner.is_empty() {
        indices("partner", &columns.partner, rows, columns.economies.len())?;
    }
    figures("value", &columns.value, &columns.status, rows, f64::MIN)?;
    for row in 0..rows {
        about(columns, row)?;
    }
    places(&columns.file, &columns.line, rows, files)
}

/// Checks that a row has what its parameter takes. Its indices are known to be in their dictionaries.
fn about(columns: &ParameterColumns, row: usize) -> Result<(), Failure> {
    let fallback = Parameter::default();
    let what = entry(&columns.parameters, &columns.parameter, row).unwrap_or(&fallback);
    let [economy, partner] = [&columns.economy, &columns.partner]
        .map(|column| entry(&columns.economies, column, row).map_or("", String::as_str));
    let known = parameter(&what.name).ok().filter(|known| known.id == what.name);
    let known = known
        .ok_or_else(|| invalid("parameters.name", &what.name, "this is no parameter of the catalogue"))?;
    let (material_id, stage_id) = (what.material.as_str(), what.stage.as_str());
    let fields =
        Fields { economy, partner, material: material_id, stage: stage_id, item: what.item.as_str() };
    shape::fields(known, &fields).map_err(unfit)?;
    if !material_id.is_empty() && material(material_id).map_or("", |material| material.id) != material_id {
        return Err(invalid("material", material_id, "this is no material of the catalogue"));
    }
    if !stage_id.is_empty() && stage_id.parse::<Stage>().map_or("", Stage::as_str) != stage_id {
        return Err(invalid("stage", stage_id, "this is no stage"));
    }
    if let Ok(whom) = economy.parse::<Consumer>() {
        shape::whom(known, whom).map_err(unfit)?;
    }
    if !partner.is_empty() && self::economy(partner).is_none() {
        return Err(invalid("partner", partner, "this is not one economy"));
    }
    match columns.value.get(row) {
        Some(value) if !value.is_nan() => shape::value(known, *value, &value.to_string()).map_err(unfit),
        _ => Ok(()),
    }
}

fn unfit(misfit: Misfit) -> Failure {
    invalid(misfit.field, misfit.value, misfit.reason).with_hint(misfit.hint)
}

fn restrictions(columns: &RestrictionColumns, files: usize) -> Result<(), Failure> {
    let rows = rows(columns.economy.len())?;
    dictionary("economies", &columns.economies, |code| economy(code).is_some())?;
    dictionary("kinds", &columns.kinds, |id| restriction(id).is_ok_and(|kind| kind.id == id))?;
    dictionary("days", &columns.days, |text| text.is_empty() || day(text).is_some())?;
    dictionary("partners", &columns.partners, concerned)?;
    for listed in &columns.products {
        if listed.code.is_empty() {
            topic(&listed.material, &listed.stage).map(|_| ())
        } else {
            product(listed, &Nomenclature::Hs(HsRevision::Hs22))
        }?;
    }
    indices("economy", &columns.economy, rows, columns.economies.len())?;
    indices("product", &columns.product, rows, columns.products.len())?;
    indices("kind", &columns.kind, rows, columns.kinds.len())?;
    indices("from", &columns.from, rows, columns.days.len())?;
    indices("until", &columns.until, rows, columns.days.len())?;
    indices("partner", &columns.partner, rows, columns.partners.len())?;
    marks("evaluation", &columns.evaluation, rows, |number| Evaluation::try_from(number).is_ok())?;
    (0..rows).try_for_each(|row| days(columns, row))?;
    places(&columns.file, &columns.line, rows, files)
}

fn concordance(columns: &ConcordanceColumns, files: usize) -> Result<(), Failure> {
    let rows = rows(columns.code.len())?;
    let listed = |text: &str| text.parse::<Nomenclature>().is_ok_and(|list| list.to_string() == text);
    dictionary("nomenclatures", &columns.nomenclatures, listed)?;
    for assignment in columns.assignments.iter().filter(|assignment| !assignment.material.is_empty()) {
        topic(&assignment.material, &assignment.stage)?;
    }
    indices("nomenclature", &columns.nomenclature, rows, columns.nomenclatures.len())?;
    indices("assignment", &columns.assignment, rows, columns.assignments.len())?;
    length("purity", columns.purity.len(), rows, true)?;
    length("proxy", columns.proxy.len(), rows, true)?;
    length("note", columns.note.len(), rows, true)?;
    if let Some(purity) = columns.purity.iter().find(|purity| **purity <= 0.0 || **purity > 1.0) {
        return Err(invalid("purity", purity.to_string(), "a purity is above 0 and at most 1"));
    }
    for (row, code) in columns.code.iter().enumerate() {
        let list = entry(&columns.nomenclatures, &columns.nomenclature, row).map(|text| text.parse());
        if let Some(Ok(list)) = list
            && Nomenclature::check(&list, code).is_err()
        {
            return Err(invalid("code", code, format!("codes of {list} are {}", list.form())));
        }
    }
    places(&columns.file, &columns.line, rows, files)
}

/// A list of economies and blocs in their order, each once; the empty list is everyone.
fn concerned(list: &str) -> bool {
    let codes: Vec<&str> = list.split(',').collect();
    let known =
        |code: &&str| code.parse::<Consumer>().is_ok_and(|one| one != Consumer::World && one.code() == *code);
    list.is_empty() || (codes.is_sorted_by(|one, next| one < next) && codes.iter().all(known))
}

/// A restriction begins on a day, and does not end before it.
fn days(columns: &RestrictionColumns, row: usize) -> Result<(), Failure> {
    let of = |column| -> Option<Date> { entry(&columns.days, column, row).and_then(|text| day(text)) };
    let from = of(&columns.from).ok_or_else(|| invalid("from", "", "a restriction needs a first day"))?;
    match of(&columns.until) {
        Some(until) if until < from => Err(invalid("until", until.to_string(), "it ends before it begins")),
        _ => Ok(()),
    }
}

fn product(product: &Product, list: &Nomenclature) -> Result<(), Failure> {
    if list.check(&product.code).is_err() {
        return Err(invalid("products.code", &product.code, format!("codes of {list} are {}", list.form())));
    }
    if let Some(purity) = product.purity
        && !(purity > 0.0 && purity <= 1.0)
    {
        return Err(invalid("products.purity", purity.to_string(), "a purity is above 0 and at most 1"));
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
