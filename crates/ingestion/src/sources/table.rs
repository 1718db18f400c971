//! Names of tables, and which tables of a file are wanted.
use orewatch_contracts::ingestion::v1::Table;

use super::metadata::Metadata;
use super::{Part, SourceError, nearest};

/// The parts of the table that the user names, if one is named.
pub(super) fn wanted(file: &str, given: &Metadata, parts: Vec<Part>) -> Result<Vec<Part>, SourceError> {
    let Some(named) = given.table.as_deref() else {
        parts.iter().try_for_each(|part| agree(file, &part.said, part.table))?;
        return Ok(parts);
    };
    let (wanted, others): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| table_name(part.table) == named);
    match others.first() {
        Some(other) if wanted.is_empty() => {
            agree(file, given, other.table)?;
            Ok(wanted)
        }
        _ => Ok(wanted),
    }
}

/// The name of a table, as files and flags have it.
pub(super) fn table_name(table: Table) -> &'static str {
    match table {
        Table::Trade => "trade",
        Table::Production => "production",
        Table::Governance => "governance",
        Table::Parameters => "parameters",
        Table::Restrictions => "restrictions",
        Table::Concordance => "concordance",
        Table::Unspecified => "unspecified",
    }
}

/// What is said about the table has to be what the header shows.
fn agree(file: &str, said: &Metadata, table: Table) -> Result<(), SourceError> {
    let Some(named) = &said.table else { return Ok(()) };
    let tables = [
        Table::Trade,
        Table::Production,
        Table::Governance,
        Table::Parameters,
        Table::Restrictions,
        Table::Concordance,
    ];
    let tables = tables.map(table_name);
    if named == table_name(table) {
        return Ok(());
    }
    let error = |message: String| SourceError::new("wrong-table", file, 0, message).at("table", named);
    Err(match nearest(named, tables).filter(|_| !tables.contains(&named.as_str())) {
        Some(meant) => error("there is no such table".to_owned()).with_hint(format!("did you mean {meant}?")),
        None => error(format!("the columns are those of {}", table_name(table)))
            .with_hint(format!("one of {}", tables.join(", "))),
    })
}
