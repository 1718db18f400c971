//! Names of tables, as files and command-line flags have them.
use orewatch_contracts::ingestion::v1::Table;

/// Every table.
pub(super) const TABLES: [Table; 9] = [
    Table::Trade,
    Table::Production,
    Table::Governance,
    Table::Parameters,
    Table::Restrictions,
    Table::Concordance,
    Table::Projections,
    Table::Targets,
    Table::Claims,
];

/// The name of a table.
pub(super) fn table_name(table: Table) -> &'static str {
    match table {
        Table::Trade => "trade",
        Table::Production => "production",
        Table::Governance => "governance",
        Table::Parameters => "parameters",
        Table::Restrictions => "restrictions",
        Table::Concordance => "concordance",
        Table::Projections => "projections",
        Table::Targets => "targets",
        Table::Claims => "claims",
        Table::Unspecified => "unspecified",
    }
}
