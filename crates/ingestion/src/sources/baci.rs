//! BACI: CEPII's reconciled bilateral trade, one csv a year.
use std::collections::BTreeSet;

use orewatch_catalog::{HsRevision, Nomenclature, Scheme};
use orewatch_contracts::ingestion::v1::{Reporter, Table};

use crate::ids::UNDATED;

use super::by_row::{ByRow, Plain};
use super::figure::Figure;
use super::header::{self, Columns, Layout};
use super::known::{Field, Known, Meaning};
use super::metadata::Metadata;
use super::names::Names;
use super::out::{Flow, packed};
use super::quick::Line;
use super::row::Row;
use super::{
    About, Beside, Head, Observation, Parsed, Part, Reader, Reject, RowParser, Setup, Source, SourceError,
    nearest,
};

/// `t,i,j,k,v,q`: year, exporter, importer, product, thousand US dollars, tonnes.
///
/// Economies are Comtrade's numbers; a number that means no economy (`697`, the rest of EFTA) is recorded as a residual. Products
/// are six digits of the revision in the file's name, a quantity may be `NA`, numbers may be padded with blanks. The files carry neither revision nor vintage: the usual name
/// `BACI_HS92_Y2022_V202401b.csv` does.
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
        header::probe(&LAYOUT, head).map(|(like, _)| like)
    }

    fn parts(
        &self,
        head: &Head,
        given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        header::recognise(&LAYOUT, head)?;
        Ok(vec![Part::of(Table::Trade, describe(&head.file, given)?)])
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        header::recognise(&LAYOUT, head)
            .map_or([0; 2], |(_, columns)| [4, 5].map(|column| columns.number(column)))
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (_, columns) = header::recognise(&LAYOUT, head)?;
        let nomenclature = setup.product_codes();
        let parser = Flows::new(columns, nomenclature, Scheme::Numeric, NAMES);
        Ok(Box::new(ByRow { parser, file: head.file.clone(), limits: setup.limits }))
    }
}

/// Whether names of columns are like BACI's.
pub(super) fn has_columns_like(names: &[String]) -> bool {
    header::closest_layout(&LAYOUT, names).is_some()
}

/// What the file's name says, and the publisher.
fn describe(file: &str, given: &Metadata) -> Result<Metadata, SourceError> {
    // Of a file in an archive its own name says it, or else that of the archive.
    let named = |prefix: &str, shape: fn(&str) -> bool| {
        let mut parts = file.rsplit(['/', '.', '_']).filter(|part| part.starts_with(prefix) && shape(part));
        parts.next().map(str::to_owned)
    };
    let hs = given.hs.clone().or_else(|| named("HS", |part| part.parse::<HsRevision>().is_ok()));
    let vintage = named("V", |part| part.len() > 4 && part.as_bytes().get(1).is_some_and(u8::is_ascii_digit));
    let vintage = vintage.and_then(|part| part.get(1..).map(str::to_owned));
    let Some(revision) = hs else {
        return Err(SourceError::new("missing-hs-revision", file, 0, "the HS revision is not known")
            .with_hint(
                "give it with --hs, such as --hs HS92; BACI's own file names carry it (BACI_HS92_...)",
            ));
    };
    let title = match &vintage {
        Some(vintage) => format!("BACI {revision}, version {vintage}"),
        None => format!("BACI {revision}"),
    };
    Ok(Metadata {
        dataset: Some(format!("baci-{}", revision.to_lowercase())),
        vintage: Some(vintage.unwrap_or_else(|| UNDATED.to_owned())),
        hs: Some(revision),
        table: Some("trade".to_owned()),
        publisher: Some(ABOUT.publisher.to_owned()),
        title: Some(title),
        url: Some(ABOUT.url.to_owned()),
        licence: Some(ABOUT.licence.to_owned()),
        ..Metadata::default()
    })
}

/// Column names for rejections.
const NAMES: [&str; 6] = ["t", "i", "j", "k", "v", "q"];

/// Reads rows of bilateral trade, whatever their columns are called.
pub(super) struct Flows {
    columns: Columns,
    nomenclature: Nomenclature,
    scheme: Scheme,
    names: [&'static str; 6],
    /// What the numbers of plain lines mean.
    known: Known,
}

impl RowParser for Flows {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Parsed, Reject> {
        let [in_period, in_exporter, in_importer, in_product, in_value, in_quantity] = self.names;
        let [period, exporter, importer, product, value, quantity, reporter] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let period = names.period(in_period, period)?;
        let economy = names.exporter(self.scheme, in_exporter, exporter)?;
        let partner = names.importer(self.scheme, in_importer, importer)?;
        let topic = names.product(&self.nomenclature, in_product, product)?;
        let value = Figure::amount(in_value, value)?;
        let quantity = Figure::amount(in_quantity, quantity)?;
        let beside = reported(reporter)?;
        names.one_side_is_an_economy(economy, partner, in_importer, importer)?;
        if economy == partner {
            return Err(Reject::new(
                "self-flow",
                in_importer,
                importer,
                "exporter and importer are the same",
            )
            .with_hint("re-imports are no dependence on anyone: leave such rows out"));
        }
        Ok(match topic {
            None => Parsed::OutOfScope,
            Some(topic) => Parsed::Row(Observation {
                period,
                economy,
                partner,
                topic,
                figures: [value, quantity],
                beside,
            }),
        })
    }

    fn is_plain(&self) -> bool {
        self.scheme == Scheme::Numeric && self.columns.are_in_order(6)
    }

    #[inline]
    fn recall(&self, line: &Line) -> Option<Plain> {
        meant(line, self.known.recall(line.codes()?)?)
    }

    fn resolve(&mut self, line: &Line, names: &mut Names) -> Option<Plain> {
        let codes = line.codes()?;
        let mut known = std::mem::take(&mut self.known);
        let meanings = known.meanings(codes, |field, text| self.meaning(field, text, names));
        self.known = known;
        meant(line, meanings)
    }
}

/// What a line says by the meanings of its year, exporter, importer and product. None: its text has to be looked at, or asked for.
#[inline]
fn meant(line: &Line, meanings: [Meaning; 4]) -> Option<Plain> {
    let [Meaning::Name(period), Meaning::Name(economy), Meaning::Name(partner), topic] = meanings else {
        return None;
    };
    match topic {
        _ if economy == partner => None,
        Meaning::Outside => Some(Plain::OutOfScope),
        Meaning::Name(topic) => {
            let (value, quantity) = (line.value, line.quantity());
            let key = packed([period, economy, partner, topic]);
            Some(Plain::Flow(Flow { key, value, quantity }))
        }
        Meaning::Nothing | Meaning::Unasked => None,
    }
}

impl Flows {
    /// Where the columns are (in the order period, exporter, importer, product, value, quantity, reporter), what product codes
    /// follow, how economies are named, and what the columns are called.
    pub(super) fn new(
        columns: Columns,
        nomenclature: Nomenclature,
        scheme: Scheme,
        names: [&'static str; 6],
    ) -> Self {
        Self { columns, nomenclature, scheme, names, known: Known::default() }
    }

    /// What a number of a plain line means. One that stands for a residual is left to the text: it is rare, and its rows are kept
    /// apart from the others.
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
            Ok(None) => Meaning::Outside,
            Err(_) => Meaning::Nothing,
        }
    }
}

/// Who reports a flow. Empty: one figure stands for both sides.
fn reported(text: &str) -> Result<Beside, Reject> {
    match text {
        "" => Ok(Beside::Nothing),
        "importer" => Ok(Beside::Reported(Reporter::Importer)),
        "exporter" => Ok(Beside::Reported(Reporter::Exporter)),
        _ => {
            let hint = match nearest(text, ["importer", "exporter"]) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "importer or exporter; empty if the source gives one figure for both".to_owned(),
            };
            Err(Reject::new("bad-reporter", "reporter", text, "this does not say who reports the flow")
                .with_hint(hint))
        }
    }
}
