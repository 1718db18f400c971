//! Our own tidy csv: `# key: value` lines, a header, one figure or flow a row.
use orewatch_catalog::{HsRevision, OTHER, Scheme};
use orewatch_contracts::ingestion::v1::Table;

use super::baci::Flows;
use super::figure::Figure;
use super::header::{Columns, Layout, Preamble};
use super::metadata::{KEYS, Metadata};
use super::names::Names;
use super::parameters::Parameters;
use super::restrictions::Restrictions;
use super::row::Row;
use super::{Beside, Observation, Parsed, Reject, RowParser, Source, SourceError, nearest};

/// Economies are ISO 3166-1 alpha-3 in capitals, and nothing else; `OTHER` in output is the source's residual. A figure is a
/// plain decimal number, `W` (withheld by the publisher) or `NA` (not available).
#[derive(Debug)]
pub(super) struct Tidy;

static LAYOUTS: [Layout; 5] = [
    Layout {
        table: Table::Trade,
        required: &["period", "exporter", "importer", "product", "value_kusd", "quantity_t"],
        optional: &["reporter"],
    },
    Layout {
        table: Table::Production,
        required: &["period", "economy", "material", "stage", "quantity", "unit", "basis"],
        optional: &["estimated"],
    },
    Layout {
        table: Table::Governance,
        required: &["period", "economy", "indicator", "value"],
        optional: &[],
    },
    Layout {
        table: Table::Parameters,
        required: &["period", "parameter", "value"],
        optional: &["economy", "partner", "material", "stage", "item"],
    },
    Layout {
        table: Table::Restrictions,
        required: &["from", "until", "economy", "material", "stage", "kind", "evaluation"],
        optional: &["product", "partners"],
    },
];

impl Source for Tidy {
    fn id(&self) -> &'static str {
        "tidy/1"
    }

    fn layouts(&self) -> &'static [Layout] {
        &LAYOUTS
    }

    fn describe(&self, preamble: &Preamble, _given: &Metadata) -> Result<Metadata, SourceError> {
        let mut said = Metadata::default();
        for (line, key, value) in &preamble.keys {
            let error =
                |code, message: String| SourceError::new(code, &preamble.file, *line, message).at(key, value);
            let Some(slot) = said.slot(key) else {
                let hint = match nearest(key, KEYS) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("one of {}", KEYS.join(", ")),
                };
                return Err(error("unknown-key", format!("`{key}` describes nothing")).with_hint(hint));
            };
            if slot.replace(value.clone()).is_some() {
                return Err(
                    error("doubled-key", format!("`{key}` is said twice")).with_hint("keep one of them")
                );
            }
        }
        Ok(said)
    }

    fn parser(&self, table: Table, columns: Columns, revision: Option<HsRevision>) -> Box<dyn RowParser> {
        match table {
            Table::Production => Box::new(Output { columns }),
            Table::Governance => Box::new(Governance { columns }),
            Table::Parameters => Box::new(Parameters { columns, revision }),
            Table::Restrictions => Box::new(Restrictions { columns, revision }),
            Table::Trade | Table::Unspecified => {
                let revision = revision.unwrap_or(HsRevision::Hs92);
                Box::new(Flows { columns, revision, scheme: Scheme::Iso3, names: TRADE })
            }
        }
    }
}

/// Column names of trade.
const TRADE: [&str; 6] = ["period", "exporter", "importer", "product", "value_kusd", "quantity_t"];

/// Reads rows of output.
struct Output {
    columns: Columns,
}

impl RowParser for Output {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject> {
        let field = |column| self.columns.get(row, column);
        let period = names.period("period", field(0))?;
        let economy = match field(1) {
            OTHER => names.residual("economy")?,
            text => names.economy(Scheme::Iso3, "economy", text)?,
        };
        let series = [("material", field(2)), ("stage", field(3)), ("unit", field(5)), ("basis", field(6))];
        let (topic, factor) = names.series(series)?;
        let mut quantity = Figure::amount("quantity", field(4))?;
        quantity.number *= factor;
        let estimated = flag("estimated", field(7))?;
        let beside = if estimated { Beside::Estimated } else { Beside::Nothing };
        let figures = [quantity, Figure::known(0.0)];
        Ok(Parsed::Row(Observation { period, economy, partner: economy, topic, figures, beside }))
    }
}

/// Reads rows of governance indicators.
struct Governance {
    columns: Columns,
}

impl RowParser for Governance {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject> {
        let field = |column| self.columns.get(row, column);
        let period = names.period("period", field(0))?;
        let economy = names.economy(Scheme::Iso3, "economy", field(1))?;
        let topic = names.indicator("indicator", field(2))?;
        let value = Figure::signed("value", field(3))?;
        let figures = [value, Figure::known(0.0)];
        let beside = Beside::Nothing;
        Ok(Parsed::Row(Observation { period, economy, partner: economy, topic, figures, beside }))
    }
}

fn flag(column: &str, text: &str) -> Result<bool, Reject> {
    match text {
        "" | "false" | "no" | "0" => Ok(false),
        "true" | "yes" | "1" => Ok(true),
        _ => Err(Reject::new("bad-flag", column, text, "this is neither true nor false")
            .with_hint("write true or false")),
    }
}
