//! Which material product codes stand for, by concordances of releases and, behind them, the catalogue's.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::{Nomenclature, ProductMeaning, Stage, material};
use orewatch_contracts::ingestion::v1::ConcordanceColumns;

/// What a code of a concordance stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assigned {
    /// Material, stage and whether the code is a proxy. None: goods of no material.
    pub meaning: Option<ProductMeaning>,
    /// The fraction of the goods that is the material. None: unknown.
    pub purity: Option<f64>,
}

/// The codes of one concordance, by nomenclature and code.
pub type ListedCodes = BTreeMap<Nomenclature, BTreeMap<String, Assigned>>;

/// The concordances of a release. The first that has a code decides; without any, the catalogue does.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    lists: Vec<(String, Arc<ListedCodes>)>,
}

impl Codes {
    /// Concordances with the identifiers of their releases, in the order in which they are searched.
    pub fn new(lists: Vec<(String, Arc<ListedCodes>)>) -> Self {
        Self { lists }
    }

    /// Identifiers of the concordances' releases, in the order in which they are searched.
    pub fn releases(&self) -> Vec<String> {
        self.lists.iter().map(|(id, _)| id.clone()).collect()
    }

    /// What a code stands for, by the first of these that has it: a concordance of the nomenclature; for the
    /// Combined Nomenclature a concordance of the Harmonized System with its first six digits; the catalogue.
    pub fn meaning(&self, nomenclature: &Nomenclature, code: &str) -> Assigned {
        let listed = self.listed(nomenclature, code).or_else(|| {
            let Nomenclature::Cn(_) = nomenclature else { return None };
            // Eight digits that the catalogue distinguishes are more exact than six of any concordance.
            if orewatch_catalog::cn_codes().iter().any(|entry| entry.code == code) {
                return None;
            }
            self.listed(&Nomenclature::Hs(nomenclature.revision()?), code.get(..6)?)
        });
        listed.unwrap_or_else(|| Assigned { meaning: nomenclature.code_meaning(code), purity: None })
    }

    /// What a code stands for by the concordances alone.
    fn listed(&self, nomenclature: &Nomenclature, code: &str) -> Option<Assigned> {
        let mut lists = self.lists.iter();
        lists.find_map(|(_, list)| list.get(nomenclature)?.get(code).copied())
    }
}

/// Adds the rows of a chunk to a list. A row with a name that the catalogue does not know is skipped: it was
/// recorded by a later version.
pub fn add_rows(list: &mut ListedCodes, columns: &ConcordanceColumns) {
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
                let (Ok(known), Ok(stage)) = (material(text), stage) else { continue };
                Some(ProductMeaning { material: known.id, stage, proxy })
            }
        };
        let purity = columns.purity.get(row).copied().filter(|purity| !purity.is_nan());
        list.entry(nomenclature).or_default().insert(code.clone(), Assigned { meaning, purity });
    }
}
