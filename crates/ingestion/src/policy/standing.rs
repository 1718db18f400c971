//! Where a release stands among the datasets of its table: what it supplements, and who answers before it.
use std::collections::BTreeMap;

use orewatch_catalog::{DatasetKind, closest};
use orewatch_contracts::ingestion::v1::Release;

use super::contest::Contest;
use super::datasets::{Dataset, datasets};
use crate::evolve::Book;
use crate::tally::{Bases, EconomySet, Tally};

/// Where a release stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// How its dataset comes about. None: nothing is known of it.
    pub(crate) kind: Option<DatasetKind>,
    /// How the dataset's newest visible release says it comes about.
    pub(crate) kind_before: Option<DatasetKind>,
    /// Of a supplement: what it supplements.
    pub(crate) base: Option<Base>,
    /// Who answers in its markets.
    pub(crate) answering: Answering,
}

/// A dataset that is supplemented.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    pub(crate) name: String,
    /// It has a visible release of the supplement's table.
    pub(crate) is_there: bool,
    /// It has visible releases of other tables.
    pub(crate) is_elsewhere: bool,
    /// The dataset that was probably meant, if it is nowhere.
    pub(crate) meant: String,
    /// What it supplements itself.
    pub(crate) supplements: String,
    /// Unit or basis in which the two differ.
    pub(crate) difference: Option<String>,
}

/// Who answers in the markets of a release.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answering {
    /// Where the release's own dataset answers.
    pub(crate) own: Answered,
    /// Where others do, by dataset.
    pub(crate) others: BTreeMap<String, Answered>,
}

/// Where a dataset answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Markets, of trade one for each importer.
    pub(crate) markets: usize,
    /// Importers of these markets; empty for other tables.
    pub(crate) importers: EconomySet,
}

impl Answered {
    /// Where either answers. No market is in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { markets: self.markets + other.markets, importers: self.importers.or(&other.importers) }
    }
}

impl Standing {
    /// Where a release with these rows stands.
    pub(crate) fn new(book: &Book, release: &Release, tally: &Tally) -> Self {
        let kind = book.kind(release);
        let known = datasets(book, &release.tenant);
        let own = known.iter().find(|known| is_own(known, release));
        let base = (kind == DatasetKind::Supplement).then(|| base(book, release, tally));
        let answering = match kind {
            DatasetKind::Supplement => Answering::default(),
            _ => Contest::new(book, &known, release, kind, tally).answering(),
        };
        let newest = own.and_then(|own| own.releases.first()).map(|held| &*held.head.release);
        Self { kind: Some(kind), kind_before: newest.map(|newest| book.kind(newest)), base, answering }
    }
}

pub(super) fn is_own(known: &Dataset<'_>, release: &Release) -> bool {
    known.name == release.dataset && known.table == release.table()
}

/// What a supplement supplements: a dataset of its tenant, or of everyone.
fn base(book: &Book, release: &Release, tally: &Tally) -> Base {
    let name = book.supplements(release);
    let mut known = datasets(book, &release.tenant);
    if !release.tenant.is_empty() {
        known.extend(datasets(book, ""));
    }
    let found = known.iter().find(|known| known.name == name && known.table == release.table());
    let meant = closest(name, known.iter().map(|known| known.name)).unwrap_or_default();
    let bases = |found: &Dataset<'_>| -> Bases {
        found.releases.iter().rev().flat_map(|held| held.kept.bases.clone()).collect()
    };
    Base {
        name: name.to_owned(),
        is_there: found.is_some(),
        is_elsewhere: known.iter().any(|known| known.name == name),
        meant: meant.to_owned(),
        supplements: found.map(|found| found.supplements.to_owned()).unwrap_or_default(),
        difference: found.and_then(|found| differing(&release.dataset, &tally.bases, name, &bases(found))),
    }
}

/// Where the units or bases of two datasets differ first.
pub(super) fn differing(one: &str, its: &Bases, other: &str, others: &Bases) -> Option<String> {
    let differs = |(topic, own): (&(String, String), &(String, String))| {
        let known = others.get(topic).filter(|known| *known != own)?;
        let (material, stage) = topic;
        let [own, known] = [own, known].map(|(unit, basis)| format!("{unit} of {basis}"));
        Some(format!("{material} {stage} is in {own} in {one}, and in {known} in {other}"))
    };
    its.iter().find_map(differs)
}
