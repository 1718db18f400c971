//! The csv export of the data centre: a row a record, lists within fields.
use orewatch_catalog::HsRevision;

use super::super::Reader;
use super::super::csv_file::{ColumnMap, CsvFile};
use super::super::input::Content;
use super::super::records::Record;
use super::super::sink::{Halt, RowSink};
use super::json::{day, jurisdiction, product};
use super::literal;
use super::record::{Affected, Intervention, Interventions, Jurisdiction};

/// Number of columns that are read.
const COLUMNS: usize = 9;

/// Their names, as [`folded`].
const NAMES: [&[&str]; COLUMNS] = [
    &["intervention id"],
    &["intervention type"],
    &["mast chapter"],
    &["gta evaluation"],
    &["implementing jurisdiction"],
    &["affected product"],
    &["date implemented"],
    &["date removed"],
    &["state act id"],
];

/// Places in [`NAMES`] of the columns that must be there: all but chapter, removal and state act.
const REQUIRED: [usize; 6] = [0, 1, 3, 4, 5, 6];

/// Columns that must be there, each with its names.
pub(super) fn needs() -> Vec<Vec<&'static str>> {
    vec![
        vec!["intervention id"],
        vec!["intervention type"],
        vec!["gta evaluation"],
        vec!["implementing jurisdictions", "implementing jurisdiction"],
        vec!["affected products", "affected product"],
        vec!["date implemented"],
    ]
}

/// A column name in lower case, in the singular, with blanks for points and underscores.
fn folded(name: &str) -> String {
    name.to_lowercase().replace(['.', '_'], " ").trim_end_matches('s').to_owned()
}

/// Where the columns are, in the order of [`NAMES`].
#[derive(Clone, Debug)]
pub(super) struct Layout {
    columns: ColumnMap<COLUMNS>,
}

impl Layout {
    /// Finds the columns of a header. None: one that must be there is missing.
    pub(super) fn find(header: &[String]) -> Option<Self> {
        let columns = ColumnMap::find(header, NAMES, folded);
        REQUIRED.iter().all(|column| columns.place(*column).is_some()).then_some(Self { columns })
    }

    /// Number of known columns.
    pub(super) fn likeness(&self) -> usize {
        self.columns.count()
    }

    fn intervention(&self, record: Record<'_>) -> Intervention {
        let [id, kind, chapter, evaluation, implementers, products, implemented, removed, _] =
            self.columns.texts(|place| record.get(place));
        let named = |name: String| Jurisdiction { name, ..Jurisdiction::default() };
        let coded = |code: String| Affected { code, ..Affected::default() };
        Intervention {
            id: id.to_owned(),
            kind: kind.to_owned(),
            chapter: chapter.to_owned(),
            evaluation: evaluation.to_owned(),
            flow: String::new(),
            implementers: match literal::parse_list(implementers) {
                Some(list) => list.iter().map(jurisdiction).collect(),
                None => separated(implementers).map(named).collect(),
            },
            targeted: Vec::new(),
            products: match literal::parse_list(products) {
                Some(list) => list.iter().map(product).collect(),
                None => separated(products).map(coded).collect(),
            },
            implemented: day(implemented),
            removed: day(removed),
        }
    }
}

/// The elements of a list that commas or semicolons separate.
fn separated(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned)
}

/// Reads an export.
pub(super) struct Export {
    pub(super) file: CsvFile,
    pub(super) revision: HsRevision,
    pub(super) layout: Layout,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut interventions = Interventions::new(self.revision);
        self.file.for_each_record(content, out, |record, out| {
            let intervention = self.layout.intervention(record);
            interventions.take(&intervention, record.line, &record.to_text(), out)
        })
    }
}
