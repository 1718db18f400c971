//! BACI, CEPII's reconciled bilateral trade
//! (<https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37>): one csv a year, `t,i,j,k,v,q`:
//! year, exporter, importer, product, thousand US dollars, tonnes.
//!
//! Economies are Comtrade's numbers; a number that stands for no economy (`697`, the rest of EFTA) is
//! recorded as a residual. Products are six digits of the revision in the file name, a quantity may be `NA`,
//! numbers may be padded with blanks. The files carry neither revision nor vintage: their usual name
//! `BACI_HS92_Y2022_V202401b.csv` does.
//!
//! Products of no material are out of scope. Quarantined: unknown economies, invalid products, periods and
//! figures, flows of an economy with itself, and flows between two residuals.

use orewatch_catalog::{HsRevision, Nomenclature, Scheme};
use orewatch_contracts::ingestion::v1::{Reporter, Table};

use super::code_meanings::{CodeMeanings, Field, Meaning};
use super::figure::Figure;
use super::header::{self, Columns, Layout};
use super::line_reader::{LineReader, PlainRow};
use super::names::Names;
use super::quick::Line;
use super::row::Row;
use super::sink::{Flow, packed};
use super::{
    About, FileFacts, Head, Metadata, Observation, Part, Qualifier, Reader, Reject, RowParser, Setup, Source,
    SourceError, nearest,
};

/// BACI, as csv.
#[derive(Debug)]
pub(super) struct Baci;

static LAYOUT: [Layout; 1] =
    [Layout { table: Table::Trade, required: &["t", "i", "j", "k", "v", "q"], optional: &[] }];

static ABOUT: About = About {
    id: "baci/2",
    title: "BACI: the world's trade, both sides' reports reconciled, a csv a year",
    publisher: "CEPII",
    url: "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37",
    licence: "etalab-2.0",
    tables: &[Table::Trade],
    forms: &["t,i,j,k,v,q"],
};

impl Source for Baci {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_lines(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        header::probe(&LAYOUT, head).map(|(likeness, _)| likeness)
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let FileFacts { head, given, .. } = *file;
        header::recognise(&LAYOUT, head)?;
        Ok(vec![Part::whole_table(Table::Trade, describe(&head.file, given)?)])
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        header::recognise(&LAYOUT, head)
            .map_or([0; 2], |(_, columns)| [4, 5].map(|column| columns.number(column)))
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (_, columns) = header::recognise(&LAYOUT, head)?;
        let nomenclature = setup.product_codes();
        let parser = Flows::new(columns, nomenclature, Scheme::Numeric, NAMES);
        Ok(Box::new(LineReader { parser, file: head.file.clone(), limits: setup.limits }))
    }
}

/// Whether column names resemble BACI's.
pub(super) fn has_columns_like(names: &[String]) -> bool {
    header::closest_layout(&LAYOUT, names).is_some()
}

/// The metadata in the name of a file.
fn describe(file: &str, given: &Metadata) -> Result<Metadata, SourceError> {
    // Searched from the end: the name of a file in an archive counts before that of the archive.
    let find_part = |prefix: &str, fits: fn(&str) -> bool| {
        let mut parts = file.rsplit(['/', '.', '_']).filter(|part| part.starts_with(prefix) && fits(part));
        parts.next().map(str::to_owned)
    };
    let hs = given.hs.clone().or_else(|| find_part("HS", |part| part.parse::<HsRevision>().is_ok()));
    let is_vintage = |part: &str| part.len() > 4 && part.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let vintage = find_part("V", is_vintage).and_then(|part| part.get(1..).map(str::to_owned));
    let Some(revision) = hs else {
        return Err(SourceError::new("missing-hs-revision", file, 0, "the HS revision is unknown")
            .with_hint(
                "give it with --hs, such as --hs HS92; BACI's own file names contain it (BACI_HS92_...)",
            ));
    };
    let title = match &vintage {
        Some(vintage) => format!("BACI {revision}, version {vintage}"),
        None => format!("BACI {revision}"),
    };
    let metadata = ABOUT.metadata(Table::Trade, format!("baci-{}", revision.to_lowercase()), title);
    Ok(Metadata { vintage: vintage.or(metadata.vintage), hs: Some(revision), ..metadata })
}

/// Column names for rejections.
const NAMES: [&str; 6] = ["t", "i", "j", "k", "v", "q"];

/// Parses rows of bilateral trade, whatever their columns are called.
pub(super) struct Flows {
    columns: Columns,
    nomenclature: Nomenclature,
    scheme: Scheme,
    names: [&'static str; 6],
    /// What the codes of plain lines mean.
    meanings: CodeMeanings,
}

impl RowParser for Flows {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn note_column(&self) -> Option<usize> {
        Some(7)
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let [in_period, in_exporter, in_importer, in_product, in_value, in_quantity] = self.names;
        let [period, exporter, importer, product, value, quantity, reporter] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let period = names.period(in_period, period)?;
        let economy = names.exporter(self.scheme, in_exporter, exporter)?;
        let partner = names.importer(self.scheme, in_importer, importer)?;
        let topic = names.product(&self.nomenclature, in_product, product)?;
        let value = Figure::amount(in_value, value)?;
        let quantity = Figure::amount(in_quantity, quantity)?;
        let qualifier = parse_reporter(reporter)?;
        names.check_one_side_is_an_economy(economy, partner, in_importer, importer)?;
        if economy == partner {
            let reason = "exporter and importer are the same";
            return Err(Reject::new("self-flow", in_importer, importer, reason)
                .with_hint("leave such rows out: re-imports are no dependence on anyone"));
        }
        let figures = [value, quantity];
        Ok(topic.map(|topic| Observation { period, economy, partner, topic, figures, qualifier }))
    }

    fn takes_plain_lines(&self) -> bool {
        self.scheme == Scheme::Numeric && self.columns.are_in_order(6)
    }

    #[inline]
    fn recall(&self, line: &Line) -> Option<PlainRow> {
        plain_row(line, self.meanings.recall(line.codes()?)?)
    }

    fn resolve(&mut self, line: &Line, names: &mut Names) -> Option<PlainRow> {
        let codes = line.codes()?;
        let mut meanings = std::mem::take(&mut self.meanings);
        let found = meanings.look_up(codes, |field, text| self.meaning(field, text, names));
        self.meanings = meanings;
        plain_row(line, found)
    }
}

/// What a line says, by the meanings of its year, exporter, importer and product. None: its codes have to be
/// looked up, or it has to be read as text.
#[inline]
fn plain_row(line: &Line, meanings: [Meaning; 4]) -> Option<PlainRow> {
    let [Meaning::Name(period), Meaning::Name(economy), Meaning::Name(partner), topic] = meanings else {
        return None;
    };
    match topic {
        _ if economy == partner => None,
        Meaning::OutOfScope => Some(PlainRow::OutOfScope),
        Meaning::Name(topic) => {
            let (value, quantity) = (line.value, line.quantity());
            let key = packed([period, economy, partner, topic]);
            Some(PlainRow::Flow(Flow { key, value, quantity }))
        }
        Meaning::NotPlain | Meaning::Unknown => None,
    }
}

impl Flows {
    /// A parser for these columns (in the order period, exporter, importer, product, value, quantity,
    /// reporter, note), the list that product codes follow, the scheme of economies, and the names of the
    /// columns.
    pub(super) fn new(
        columns: Columns,
        nomenclature: Nomenclature,
        scheme: Scheme,
        names: [&'static str; 6],
    ) -> Self {
        Self { columns, nomenclature, scheme, names, meanings: CodeMeanings::default() }
    }

    /// What a code of a plain line means. Residuals are rare and their rows go into chunks of their own:
    /// their lines are read as text.
    fn meaning(&self, field: Field, text: &str, names: &mut Names) -> Meaning {
        let [in_period, in_exporter, in_importer, in_product, ..] = self.names;
        let found = match field {
            Field::Year => names.period(in_period, text).map(Some),
            Field::Exporter => names.economy(self.scheme, in_exporter, text).map(Some),
            Field::Importer => names.partner(self.scheme, in_importer, text).map(Some),
            Field::Product => names.product(&self.nomenclature, in_product, text),
        };
        match found {
            Ok(Some(symbol)) => Meaning::Name(symbol),
            Ok(None) => Meaning::OutOfScope,
            Err(_) => Meaning::NotPlain,
        }
    }
}

/// Reads who reports a flow. Empty: one figure stands for both sides.
fn parse_reporter(text: &str) -> Result<Qualifier, Reject> {
    match text {
        "" => Ok(Qualifier::None),
        "importer" => Ok(Qualifier::Reported(Reporter::Importer)),
        "exporter" => Ok(Qualifier::Reported(Reporter::Exporter)),
        _ => {
            let hint = match nearest(text, ["importer", "exporter"]) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "write importer or exporter; leave it empty if the source has one figure for both"
                    .to_owned(),
            };
            Err(Reject::new("unknown-reporter", "reporter", text, "this does not name who reports the flow")
                .with_hint(hint))
        }
    }
}
