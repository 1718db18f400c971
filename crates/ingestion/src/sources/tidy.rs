//! Our own tidy csv: `# key: value` lines, a header, one figure or flow a row.
use std::collections::BTreeSet;

use orewatch_catalog::{OTHER, Scheme};
use orewatch_contracts::ingestion::v1::Table;

use super::baci::Flows;
use super::by_row::ByRow;
use super::concordance::Concordance;
use super::figure::Figure;
use super::header::{self, Columns, Layout, Preamble};
use super::metadata::{KEYS, Metadata};
use super::names::Names;
use super::parameters::Parameters;
use super::restrictions::Restrictions;
use super::row::Row;
use super::{
    About, Beside, Head, Limits, Observation, Parsed, Part, Reader, Reject, RowParser, Setup, Source,
    SourceError, nearest,
};

/// Economies are ISO 3166-1 alpha-3 in capitals, and nothing else; `OTHER` in output is the source's residual, and one side of a
/// flow may be `OTHER:KIND` (`OTHER` alone is `OTHER:unlisted`). A figure is a plain decimal number, `W` (withheld by the
/// publisher) or `NA` (not available).
#[derive(Debug)]
pub(super) struct Tidy;

static LAYOUTS: [Layout; 6] = [
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
    Layout {
        table: Table::Concordance,
        required: &["nomenclature", "code", "material", "stage"],
        optional: &["purity", "proxy", "note"],
    },
];

/// The columns that rows of a table need.
pub(super) fn columns(table: Table) -> impl Iterator<Item = &'static str> {
    let layout = LAYOUTS.iter().find(move |layout| layout.table == table);
    layout.into_iter().flat_map(|layout| layout.required.iter().chain(layout.optional).copied())
}

/// Whether names of columns are like those of a table of ours.
pub(super) fn has_columns_like(names: &[String]) -> bool {
    header::closest_layout(&LAYOUTS, names).is_some()
}

/// Name and version.
pub(super) const ID: &str = "tidy/2";

/// Every table, in the order in which the forms below stand.
pub(super) static TABLES: [Table; 6] = [
    Table::Trade,
    Table::Production,
    Table::Governance,
    Table::Parameters,
    Table::Restrictions,
    Table::Concordance,
];

static ABOUT: About = About {
    id: ID,
    title: "Our own tidy csv: a figure or flow a row",
    publisher: "",
    url: "",
    licence: "",
    tables: &TABLES,
    forms: &[
        "period,exporter,importer,product,value_kusd,quantity_t[,reporter]",
        "period,economy,material,stage,quantity,unit,basis[,estimated]",
        "period,economy,indicator,value",
        "period,parameter,value[,economy][,partner][,material][,stage][,item]",
        "from,until,economy,material,stage,kind,evaluation[,product][,partners]",
        "nomenclature,code,material,stage[,purity][,proxy][,note]",
    ],
};

impl Source for Tidy {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_lines(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        header::probe(&LAYOUTS, head).map(|(like, _)| like)
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let (layout, _) = header::recognise(&LAYOUTS, head)?;
        let preamble = head.preamble.as_ref().map_err(Clone::clone)?;
        Ok(vec![Part::of(layout.table, describe(preamble)?)])
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        match header::recognise(&LAYOUTS, head) {
            Ok((layout, columns)) if layout.table == Table::Trade => {
                [4, 5].map(|column| columns.number(column))
            }
            _ => [0; 2],
        }
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        read_by(head, part, setup, Csv { file: head.file.clone(), limits: setup.limits })
    }
}

/// Makes a reader of files of one form by a parser of their rows.
pub(super) trait Use {
    /// The reader.
    fn reader<P: RowParser + 'static>(self, parser: P) -> Box<dyn Reader>;
}

/// A reader of rows of the part's table.
pub(super) fn read_by(
    head: &Head,
    part: &Part,
    setup: &Setup,
    how: impl Use,
) -> Result<Box<dyn Reader>, SourceError> {
    let (_, columns) = header::recognise(&LAYOUTS, head)?;
    Ok(match part.table {
        Table::Production => how.reader(Output { columns }),
        Table::Governance => how.reader(Governance { columns }),
        Table::Parameters => how.reader(Parameters { columns, revision: setup.revision() }),
        Table::Restrictions => how.reader(Restrictions { columns, revision: setup.revision() }),
        Table::Concordance => how.reader(Concordance { columns }),
        Table::Trade | Table::Unspecified => {
            let nomenclature = setup.product_codes();
            how.reader(Flows::new(columns, nomenclature, Scheme::Iso3, TRADE))
        }
    })
}

/// Makes readers of lines.
struct Csv {
    file: String,
    limits: Limits,
}

impl Use for Csv {
    fn reader<P: RowParser + 'static>(self, parser: P) -> Box<dyn Reader> {
        Box::new(ByRow { parser, file: self.file, limits: self.limits })
    }
}

/// What the `# key: value` lines say.
fn describe(preamble: &Preamble) -> Result<Metadata, SourceError> {
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
            return Err(error("doubled-key", format!("`{key}` is said twice")).with_hint("keep one of them"));
        }
    }
    Ok(said)
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

    fn figure(&self) -> Option<usize> {
        Some(4)
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

    fn figure(&self) -> Option<usize> {
        Some(3)
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

pub(super) fn flag(column: &str, text: &str) -> Result<bool, Reject> {
    match text {
        "" | "false" | "no" | "0" => Ok(false),
        "true" | "yes" | "1" => Ok(true),
        _ => Err(Reject::new("bad-flag", column, text, "this is neither true nor false")
            .with_hint("write true or false")),
    }
}
