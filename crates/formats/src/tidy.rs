//! Orewatch's own tidy csv: `# key: value` lines, a header, then one figure or flow a row.
//!
//! Nobody publishes it; users and programs write it for figures that no other format reads. `docs/ingest.md`
//! describes it, [`LAYOUTS`] lists the columns of each table. Economies are ISO 3166-1 alpha-3 in capitals,
//! and nothing else. In output and projections, `OTHER` is the source's residual and `WLD` its printed
//! total. One side of a flow may be `OTHER:KIND` (`OTHER` alone is `OTHER:unlisted`). A figure is a plain
//! decimal number, `W` (withheld by the publisher) or `NA` (not available). A row that is written in any
//! other way is quarantined.

use orewatch_catalog::Scheme;
use orewatch_contracts::ingestion::v1::Table;

use super::baci::Flows;
use super::concordance::Concordance;
use super::figure::Figure;
use super::flag::flag;
use super::header::{self, Columns, Layout, Preamble};
use super::line_reader::LineReader;
use super::metadata::{KEYS, Metadata};
use super::names::Names;
use super::parameters::Parameters;
use super::projections::{Projections, producer};
use super::restrictions::Restrictions;
use super::row::Row;
use super::statements::{claims, targets};
use super::table::TABLES;
use super::{
    About, FileFacts, Head, Limits, Observation, Part, Qualifier, Reader, Reject, RowParser, Setup, Source,
    SourceError, nearest,
};

/// The tidy csv of any table.
#[derive(Debug)]
pub(super) struct Tidy;

static LAYOUTS: [Layout; 9] = [
    Layout {
        table: Table::Trade,
        required: &["period", "exporter", "importer", "product", "value_kusd", "quantity_t"],
        optional: &["reporter", "note"],
    },
    Layout {
        table: Table::Production,
        required: &["period", "economy", "material", "stage", "quantity", "unit", "basis"],
        optional: &["estimated", "note"],
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
    Layout {
        table: Table::Projections,
        required: &[
            "period", "economy", "material", "stage", "side", "scenario", "quantity", "unit", "basis",
        ],
        optional: &[],
    },
    Layout { table: Table::Targets, required: &targets::REQUIRED, optional: &targets::OPTIONAL },
    Layout { table: Table::Claims, required: &claims::REQUIRED, optional: &claims::OPTIONAL },
];

/// The columns of a table, required ones first.
pub(super) fn columns(table: Table) -> impl Iterator<Item = &'static str> {
    let layout = LAYOUTS.iter().find(move |layout| layout.table == table);
    layout.into_iter().flat_map(|layout| layout.required.iter().chain(layout.optional).copied())
}

/// Whether column names resemble those of a tidy table.
pub(super) fn has_columns_like(names: &[String]) -> bool {
    header::closest_layout(&LAYOUTS, names).is_some()
}

/// Name and version.
pub(super) const ID: &str = "tidy/2";

static ABOUT: About = About {
    id: ID,
    title: "Our own tidy csv: a figure or flow a row",
    publisher: "",
    url: "",
    licence: "",
    tables: &TABLES,
    forms: &[
        "period,exporter,importer,product,value_kusd,quantity_t[,reporter][,note]",
        "period,economy,material,stage,quantity,unit,basis[,estimated][,note]",
        "period,economy,indicator,value",
        "period,parameter,value[,economy][,partner][,material][,stage][,item]",
        "from,until,economy,material,stage,kind,evaluation[,product][,partners]",
        "nomenclature,code,material,stage[,purity][,proxy][,note]",
        "period,economy,material,stage,side,scenario,quantity,unit,basis",
        "id,title,announced_by,consumer,material,stage,measure,line,direction,status,source,announced,\
         confirmation[,supplier][,by][,due][,url][,in_force]",
        "id,text,said_by,date,consumer,materials,stage,measure,low,high,source,confirmation[,reported_by]\
         [,supplier][,by][,period][,basis][,vintage][,tolerance][,url]",
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
        header::probe(&LAYOUTS, head).map(|(likeness, _)| likeness)
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let (layout, _) = header::recognise(&LAYOUTS, file.head)?;
        let preamble = file.head.preamble.as_ref().map_err(Clone::clone)?;
        Ok(vec![Part::whole_table(layout.table, describe(preamble)?)])
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
        let lines = LinesOf { file: head.file.clone(), limits: setup.limits };
        tidy_reader(head, part, setup, lines)
    }
}

/// Makes a reader of files of one form (lines, or pages of Parquet) from a parser of their rows.
pub(super) trait ReaderFactory {
    /// The reader.
    fn reader<P: RowParser + 'static>(self, parser: P) -> Box<dyn Reader>;
}

/// A reader with a parser of the rows of the part's table.
pub(super) fn tidy_reader(
    head: &Head,
    part: &Part,
    setup: &Setup,
    factory: impl ReaderFactory,
) -> Result<Box<dyn Reader>, SourceError> {
    let (_, columns) = header::recognise(&LAYOUTS, head)?;
    Ok(match part.table {
        Table::Production => factory.reader(Output { columns }),
        Table::Governance => factory.reader(Governance { columns }),
        Table::Parameters => factory.reader(Parameters { columns, revision: setup.revision() }),
        Table::Restrictions => factory.reader(Restrictions { columns, revision: setup.revision() }),
        Table::Concordance => factory.reader(Concordance { columns }),
        Table::Projections => factory.reader(Projections { columns }),
        Table::Targets => factory.reader(targets::Targets { columns }),
        Table::Claims => factory.reader(claims::Claims { columns }),
        Table::Trade | Table::Unspecified => {
            let nomenclature = setup.product_codes();
            factory.reader(Flows::new(columns, nomenclature, Scheme::Iso3, TRADE))
        }
    })
}

/// Makes readers of lines.
struct LinesOf {
    file: String,
    limits: Limits,
}

impl ReaderFactory for LinesOf {
    fn reader<P: RowParser + 'static>(self, parser: P) -> Box<dyn Reader> {
        Box::new(LineReader { parser, file: self.file, limits: self.limits })
    }
}

/// The metadata of the `# key: value` lines.
fn describe(preamble: &Preamble) -> Result<Metadata, SourceError> {
    let mut metadata = Metadata::default();
    for (line, key, value) in &preamble.keys {
        let error =
            |code, message: String| SourceError::new(code, &preamble.file, *line, message).at(key, value);
        let Some(slot) = metadata.slot(key) else {
            let hint = match nearest(key, KEYS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write one of {}", KEYS.join(", ")),
            };
            let message = format!("`{key}` is no key that describes a release");
            return Err(error("unknown-metadata-key", message).with_hint(hint));
        };
        if slot.replace(value.clone()).is_some() {
            return Err(error("duplicate-metadata-key", format!("the key `{key}` is there twice"))
                .with_hint("keep one of them"));
        }
    }
    Ok(metadata)
}

/// Column names of trade.
const TRADE: [&str; 6] = ["period", "exporter", "importer", "product", "value_kusd", "quantity_t"];

/// Parses rows of output.
struct Output {
    columns: Columns,
}

impl RowParser for Output {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn figure_column(&self) -> Option<usize> {
        Some(4)
    }

    fn note_column(&self) -> Option<usize> {
        Some(8)
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let field = |column| self.columns.get(row, column);
        let period = names.period("period", field(0))?;
        let economy = producer("economy", field(1), names)?;
        let series = [("material", field(2)), ("stage", field(3)), ("unit", field(5)), ("basis", field(6))];
        let (topic, factor) = names.series(series)?;
        let mut quantity = Figure::amount("quantity", field(4))?;
        quantity.number *= factor;
        let estimated = flag("estimated", field(7))?;
        let qualifier = if estimated { Qualifier::Estimated } else { Qualifier::None };
        let figures = quantity.alone();
        Ok(Some(Observation { period, economy, partner: economy, topic, figures, qualifier }))
    }
}

/// Parses rows of governance indicators.
struct Governance {
    columns: Columns,
}

impl RowParser for Governance {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn figure_column(&self) -> Option<usize> {
        Some(3)
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let field = |column| self.columns.get(row, column);
        let period = names.period("period", field(0))?;
        let economy = names.economy(Scheme::Iso3, "economy", field(1))?;
        let topic = names.indicator("indicator", field(2))?;
        let figures = Figure::signed("value", field(3))?.alone();
        let qualifier = Qualifier::None;
        Ok(Some(Observation { period, economy, partner: economy, topic, figures, qualifier }))
    }
}
