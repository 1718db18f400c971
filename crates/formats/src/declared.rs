//! What files and users declare of a release: its table, its kind, the dataset that it supplements, its
//! scope.
use orewatch_contracts::ingestion::v1::{Release, Table};
use orewatch_contracts::{Class, Failure};

use super::table::{TABLES, table_name};
use super::{Metadata, Part, SourceError, nearest};
use crate::{dataset, scope};

/// Upper bound on the partners that a table is cut to. There are fewer economies.
pub const MAX_CUT_PARTNERS: u32 = 300;

/// Keeps the parts of the table that the user names, if one is named.
///
/// # Errors
/// [`SourceError`] if a table is named that the file does not hold.
pub(super) fn parts_of_named_table(
    file: &str,
    given: &Metadata,
    parts: Vec<Part>,
) -> Result<Vec<Part>, SourceError> {
    let Some(named) = given.table.as_deref() else {
        parts.iter().try_for_each(|part| check_table(file, &part.metadata, part.table))?;
        return Ok(parts);
    };
    let (wanted, others): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| table_name(part.table) == named);
    match others.first() {
        Some(other) if wanted.is_empty() => {
            check_table(file, given, other.table)?;
            Ok(wanted)
        }
        _ => Ok(wanted),
    }
}

/// Checks that the table that is named is the one that the header shows.
fn check_table(file: &str, metadata: &Metadata, table: Table) -> Result<(), SourceError> {
    let Some(named) = &metadata.table else { return Ok(()) };
    let tables = TABLES.map(table_name);
    if named == table_name(table) {
        return Ok(());
    }
    let error = |message: String| SourceError::new("table-mismatch", file, 0, message).at("table", named);
    Err(match nearest(named, tables).filter(|_| !tables.contains(&named.as_str())) {
        Some(meant) => error("there is no such table".to_owned()).with_hint(format!("did you mean {meant}?")),
        None => error(format!("the columns are those of {}", table_name(table)))
            .with_hint(format!("write one of {}", tables.join(", "))),
    })
}

/// Records in a release what is declared of its rows: kind, supplemented dataset and scope, which decide what
/// it restates, and the number of partners that it was cut to.
pub(super) fn declare(release: &mut Release, metadata: &Metadata) -> Result<(), Failure> {
    if let Some(kind) = &metadata.kind {
        let known = dataset::read_kind(kind)?;
        release.set_kind(dataset::kind_message(known));
    }
    release.supplements = metadata.supplements.clone().unwrap_or_default();
    release.scope = metadata.scope.as_deref().map(scope::parse).transpose()?;
    dataset::record_kind(release);
    if let Some(text) = &metadata.cut {
        release.cut_partners = cut_partners(release.table(), text)?;
    }
    scope::check(release)
}

/// Reads the number of partners that trade was cut to.
fn cut_partners(table: Table, text: &str) -> Result<u32, Failure> {
    let refuse = |code, message: &str| Failure::new(Class::Invalid, code, message).at("cut", text);
    if table != Table::Trade {
        return Err(refuse("unexpected-field", "only trade is cut to the largest partners")
            .with_hint("leave the line `# cut:` out"));
    }
    let hint = format!("write how many partners are listed on each side, 1 to {MAX_CUT_PARTNERS}");
    match text.parse() {
        Ok(count) if (1..=MAX_CUT_PARTNERS).contains(&count) => Ok(count),
        Ok(_) => Err(refuse("out-of-range", "no table is cut to so many partners").with_hint(hint)),
        Err(_) => Err(refuse("invalid-count", "this is no number of partners").with_hint(hint)),
    }
}

/// A failure of [`declare`] as an error of the file that may have declared it.
pub(super) fn declaration_error(file: &str, failure: Failure) -> SourceError {
    let code = match failure.code.as_str() {
        "unknown-dataset-kind" => "unknown-dataset-kind",
        "invalid-supplement" => "invalid-supplement",
        "invalid-count" => "invalid-count",
        "out-of-range" => "out-of-range",
        "unexpected-field" => "unexpected-field",
        _ => "invalid-scope",
    };
    SourceError::new(code, file, 0, failure.message).at(failure.field, failure.value).with_hint(failure.hint)
}
