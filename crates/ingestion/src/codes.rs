//! What product codes stand for: concordances that came as releases, and behind them the catalogue's.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::{Meaning, Nomenclature, Stage, material};
use orewatch_contracts::ingestion::v1::ConcordanceColumns;

/// What a code of a concordance stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Assigned {
    /// Material, stage and whether it is a proxy. None: goods of no material, whatever others say.
    pub(crate) meaning: Option<Meaning>,
    /// The fraction of the goods that is the material. None: not known.
    pub(crate) purity: Option<f64>,
}

/// The codes of one concordance, by nomenclature and code.
pub(crate) type Listed = BTreeMap<Nomenclature, BTreeMap<String, Assigned>>;

/// The concordances of a release, the first that knows a code decides. Without any: the catalogue's alone.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    lists: Vec<(String, Arc<Listed>)>,
}

impl Codes {
    /// Concordances by the identifier of their release, in the order in which they are asked.
    pub(crate) fn new(lists: Vec<(String, Arc<Listed>)>) -> Self {
        Self { lists }
    }

    /// Identifiers of the concordances' releases, in the order in which they are asked.
    pub(crate) fn releases(&self) -> Vec<String> {
        self.lists.iter().map(|(id, _)| id.clone()).collect()
    }

    /// What a code stands for: as the first concordance says that has it for the nomenclature; for the Combined Nomenclature
    /// else as one says that has the six digits it begins with; else as the catalogue says.
    pub(crate) fn meaning(&self, nomenclature: &Nomenclature, code: &str) -> Assigned {
        let listed = self.listed(nomenclature, code).or_else(|| {
            let Nomenclature::Cn(_) = nomenclature else { return None };
            // Eight digits that the catalogue itself tells apart are more exact than six of anyone's.
            if orewatch_catalog::cn_codes().iter().any(|entry| entry.code == code) {
                return None;
            }
            self.listed(&Nomenclature::Hs(nomenclature.revision()?), code.get(..6)?)
        });
        listed.unwrap_or_else(|| Assigned { meaning: nomenclature.meaning(code), purity: None })
    }

    /// What the concordances say, without the catalogue.
    fn listed(&self, nomenclature: &Nomenclature, code: &str) -> Option<Assigned> {
        let mut lists = self.lists.iter();
        lists.find_map(|(_, list)| list.get(nomenclature)?.get(code).copied())
    }
}

/// Adds the rows of a chunk to a list. A row that names what the catalogue does not know is passed over: it was refused when it
/// was recorded, or is of a newer version.
pub(crate) fn add(list: &mut Listed, columns: &ConcordanceColumns) {
    let place = |index: &u32| usize::try_from(*index).unwrap_or(usize::MAX);
    for (row, code) in columns.code.iter().enumerate() {
        let nomenclature =
            columns.nomenclature.get(row).and_then(|index| columns.nomenclatures.get(place(index)));
        let Some(Ok(nomenclature)) = nomenclature.map(|text| text.parse::<Nomenclature>()) else { continue };
        let assignment = columns.assignment.get(row).and_then(|index| columns.assignments.get(place(index)));
        let Some(assignment) = assignment else { continue };
        let proxy = columns.proxy.get(row).copied().unwrap_or(false);
        let meaning = match &*assignment.material {
            "" => None,
            text => {
                let stage = assignment.stage.parse::<Stage>();
                let (Ok(of), Ok(stage)) = (material(text), stage) else { continue };
                Some(Meaning { material: of.id, stage, proxy })
            }
        };
        let purity = columns.purity.get(row).copied().filter(|purity| !purity.is_nan());
        list.entry(nomenclature).or_default().insert(code.clone(), Assigned { meaning, purity });
    }
}
