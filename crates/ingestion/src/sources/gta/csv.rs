//! Interventions as the data centre exports them: a row a record, lists within fields.
use orewatch_catalog::HsRevision;

use super::super::input::Content;
use super::super::out::{Halt, Out};
use super::super::records::{Form, Record, Records};
use super::super::{Limits, Reader};
use super::json::{day, jurisdiction, product};
use super::literal;
use super::record::{Affected, Intervention, Interventions, Jurisdiction};

/// Names of the columns that are read, in lower case, with blanks for points and underscores.
const COLUMNS: [&str; 9] = [
    "intervention id",
    "intervention type",
    "mast chapter",
    "gta evaluation",
    "implementing jurisdiction",
    "affected product",
    "date implemented",
    "date removed",
    "state act id",
];

/// Columns that must be there, each by its names.
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

/// Where the columns are, from 0, in that order.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    places: [Option<usize>; 9],
}

impl Layout {
    pub(super) fn find(header: &[String]) -> Option<Self> {
        let plain = |name: &String| name.to_lowercase().replace(['.', '_'], " ");
        let names: Vec<_> = header.iter().map(plain).collect();
        let same = |wanted: &str, name: &String| name.trim_end_matches('s') == wanted || name == wanted;
        let places = COLUMNS.map(|wanted| names.iter().position(|name| same(wanted, name)));
        let [id, kind, _, evaluation, who, what, from, ..] = places;
        let all = [id, kind, evaluation, who, what, from].iter().all(Option::is_some);
        all.then_some(Self { places })
    }

    /// Columns that are known.
    pub(super) fn likeness(&self) -> usize {
        self.places.iter().flatten().count()
    }

    fn intervention(&self, record: Record<'_>) -> Intervention {
        let [id, kind, chapter, evaluation, who, what, from, until, _] =
            self.places.map(|place| place.map_or("", |place| record.get(place)).to_owned());
        let named = |name: String| Jurisdiction { name, ..Jurisdiction::default() };
        let implementers = match literal::list(&who) {
            Some(list) => list.iter().map(jurisdiction).collect(),
            None => list(&who).map(named).collect(),
        };
        let coded = |code: String| Affected { code, ..Affected::default() };
        let products = match literal::list(&what) {
            Some(list) => list.iter().map(product).collect(),
            None => list(&what).map(coded).collect(),
        };
        Intervention {
            id,
            kind,
            chapter,
            evaluation,
            flow: String::new(),
            implementers,
            targeted: Vec::new(),
            products,
            implemented: day(&from),
            removed: day(&until),
        }
    }
}

fn list(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned)
}

/// Reads an export.
pub(super) struct Export {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) revision: HsRevision,
    pub(super) form: Form,
    pub(super) layout: Layout,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut interventions = Interventions::new(self.revision);
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        records.each(out, |record, out| {
            let intervention = self.layout.intervention(record);
            interventions.take(&intervention, record.line, &record.to_text(), out)
        })
    }
}
