//! What a release supplements, and which datasets answer before its own.
use orewatch_catalog::{DatasetKind, closest};
use orewatch_contracts::ingestion::v1::Release;

use super::answers::Answering;
use super::bases::basis_difference;
use super::contest::Contest;
use super::datasets::{Dataset, datasets};
use crate::evolve::IngestionState;
use crate::tally::{Bases, Tally};

/// Precedence of a release among the datasets of its table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Precedence {
    /// Kind of its dataset. `None`: unknown.
    pub(crate) kind: Option<DatasetKind>,
    /// Kind of its dataset according to the newest visible release.
    pub(crate) kind_before: Option<DatasetKind>,
    /// Of a supplement: the dataset that it supplements.
    pub(crate) base: Option<SupplementedDataset>,
    /// Which datasets answer in its markets.
    pub(crate) answering: Answering,
}

/// The dataset that a supplement is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SupplementedDataset {
    pub(crate) name: String,
    /// It has a visible release of the supplement's table.
    pub(crate) is_there: bool,
    /// It has visible releases of other tables only.
    pub(crate) is_elsewhere: bool,
    /// The dataset that was probably meant, if this one does not exist.
    pub(crate) meant: String,
    /// What it supplements itself. Empty: nothing.
    pub(crate) supplements: String,
    /// Difference in unit or basis. `None`: they agree.
    pub(crate) difference: Option<String>,
}

impl Precedence {
    /// The precedence of a release with these rows.
    pub(crate) fn new(state: &IngestionState, release: &Release, tally: &Tally) -> Self {
        let kind = state.dataset_kind(release);
        let known = datasets(state, &release.tenant);
        let own = known.iter().find(|known| known.is_of(release));
        let base = (kind == DatasetKind::Supplement).then(|| supplemented_dataset(state, release, tally));
        let answering = match kind {
            DatasetKind::Supplement => Answering::default(),
            _ => Contest::new(state, &known, release, kind, tally).answering(),
        };
        let newest = own.and_then(|own| own.releases.first()).map(|record| &*record.head.release);
        Self {
            kind: Some(kind),
            kind_before: newest.map(|newest| state.dataset_kind(newest)),
            base,
            answering,
        }
    }
}

/// The dataset that a supplement is for: one of its tenant, or a public one.
fn supplemented_dataset(state: &IngestionState, release: &Release, tally: &Tally) -> SupplementedDataset {
    let name = state.supplements(release);
    let mut known = datasets(state, &release.tenant);
    if !release.tenant.is_empty() {
        known.extend(datasets(state, ""));
    }
    let found = known.iter().find(|known| known.name == name && known.table == release.table());
    let meant = closest(name, known.iter().map(|known| known.name)).unwrap_or_default();
    let bases = |found: &Dataset<'_>| -> Bases {
        found.releases.iter().rev().flat_map(|record| record.committed_rows.bases.clone()).collect()
    };
    SupplementedDataset {
        name: name.to_owned(),
        is_there: found.is_some(),
        is_elsewhere: known.iter().any(|known| known.name == name),
        meant: meant.to_owned(),
        supplements: found.map(|found| found.supplements.to_owned()).unwrap_or_default(),
        difference: found
            .and_then(|found| basis_difference(&release.dataset, &tally.bases, name, &bases(found))),
    }
}
