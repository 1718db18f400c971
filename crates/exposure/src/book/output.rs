//! The output of a market as its measures see it: from the dataset that answers for it, with the cells that
//! its supplements fill.

use std::borrow::Cow;
use std::collections::BTreeSet;

use orewatch_catalog::DatasetKind;
use orewatch_measures::Amount;

use super::dataset::Rank;
use super::source::RowSource;
use super::unit::ReleaseScope;
use super::{Cell, DatasetId, EconomyId, Market, Output, ReleaseContent, SortedRow, Table};

/// Share of a total by which the sum of its parts may differ through rounding.
const TOTAL_ROUNDING: f64 = 1e-6;

/// A dataset that could answer for the output of a market.
#[derive(Clone, Debug)]
pub(super) struct OutputCandidate<'a> {
    pub(super) id: DatasetId,
    pub(super) kind: DatasetKind,
    pub(super) rank: Rank,
    /// The newest first: index in the order of commits, content, and rows of the market.
    pub(super) releases: Vec<(usize, &'a ReleaseContent, &'a [Output])>,
}

/// A dataset that could give the output of a market, or cells of it, and does not.
#[derive(Clone, Debug)]
pub(super) struct Alternative<'a> {
    id: DatasetId,
    kind: DatasetKind,
    /// The dataset that it supplements.
    target: Option<DatasetId>,
    releases: Vec<ReleaseOutput<'a>>,
}

/// A release with its rows of a market.
type ReleaseOutput<'a> = (&'a ReleaseContent, &'a [Output]);

impl<'a> Alternative<'a> {
    fn new(candidate: &OutputCandidate<'a>, target: Option<DatasetId>) -> Self {
        let releases = candidate.releases.iter().map(|(_, content, rows)| (*content, *rows)).collect();
        Self { id: candidate.id, kind: candidate.kind, target, releases }
    }

    /// Whether both surely say the same.
    fn is_same(&self, other: &Self) -> bool {
        // A scope also depends on the rows that its release has of other markets.
        let is_same = |own: &ReleaseOutput<'_>, theirs: &ReleaseOutput<'_>| {
            std::ptr::eq(own.0, theirs.0)
                || std::ptr::eq(own.1, theirs.1) && own.0.scope.is_none() && theirs.0.scope.is_none()
        };
        (self.id, self.kind, self.target) == (other.id, other.kind, other.target)
            && self.releases.len() == other.releases.len()
            && self.releases.iter().zip(&other.releases).all(|(own, theirs)| is_same(own, theirs))
    }
}

/// The output of a market.
#[derive(Clone, Debug)]
pub struct MarketOutput<'a> {
    /// The rows, sorted. Those of a supplement are on the same basis as the dataset's.
    pub rows: Cow<'a, [Output]>,
    /// The releases that rows may come from, by source number.
    pub sources: Vec<RowSource<'a>>,
    /// Datasets that can answer, in their order. The first one answers.
    pub datasets: Vec<DatasetId>,
    /// Output of economies that a supplement lists and the dataset does not, in tonnes. It may be part of the
    /// dataset's residual.
    pub listed_by_supplement: Amount,
    /// The total that the dataset prints for the world. `None`: it prints none.
    pub(super) total: Option<Output>,
    /// The other datasets that can answer, and their supplements. What they say is published beside the
    /// figure as the range of the sources.
    pub(super) alternatives: Vec<Alternative<'a>>,
    /// Whether the rows are only cells of a supplement whose dataset has nothing of the market. Then the
    /// output of all other economies is unknown.
    pub is_partial: bool,
}

impl<'a> MarketOutput<'a> {
    /// The output by the candidate with the least rank, with the cells that its supplements fill. Each
    /// supplement comes with the dataset that it fills. `None`: there is no candidate.
    pub(super) fn from_candidates(
        mut candidates: Vec<OutputCandidate<'a>>,
        supplements: &[(OutputCandidate<'a>, DatasetId)],
        market: Market,
    ) -> Option<Self> {
        candidates.sort_by_key(|candidate| candidate.rank);
        let datasets = candidates.iter().map(|candidate| candidate.id).collect();
        let first = candidates.first()?;
        let mut output = first.own_output(market, 0);
        output.datasets = datasets;
        output.is_partial = first.kind == DatasetKind::Supplement;
        let (own, others): (Vec<_>, Vec<_>) = supplements.iter().partition(|(_, target)| *target == first.id);
        for (supplement, _) in own {
            output.fill_cells(supplement, market);
        }
        let answering = candidates.iter().skip(1).map(|candidate| Alternative::new(candidate, None));
        let filling =
            others.into_iter().map(|(supplement, target)| Alternative::new(supplement, Some(*target)));
        output.alternatives = answering.chain(filling).collect();
        Some(output)
    }

    /// The dataset that answers. `None`: there is none.
    #[must_use]
    pub fn answering(&self) -> Option<DatasetId> {
        self.datasets.first().copied()
    }

    /// Whether only one dataset can answer.
    #[must_use]
    pub fn has_one_dataset(&self) -> bool {
        self.datasets.len() == 1
    }

    /// The release of a row.
    #[must_use]
    pub fn content(&self, row: &Output) -> Option<&'a ReleaseContent> {
        self.sources.get(usize::from(row.source)).map(|source| source.content)
    }

    /// The basis of a row: what its mass weighs, such as contained metal.
    #[must_use]
    pub fn basis(&self, row: &Output) -> &'a str {
        self.content(row).map_or("", |content| content.text(row.product))
    }

    /// Whether both surely have the same rows of the same releases, of the dataset that answers and of the
    /// others.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.datasets == other.datasets
            && self.is_partial == other.is_partial
            && self.total == other.total
            && self.alternatives.len() == other.alternatives.len()
            && self.alternatives.iter().zip(&other.alternatives).all(|(own, theirs)| own.is_same(theirs))
            && match (&self.rows, &other.rows) {
                (Cow::Borrowed(a), Cow::Borrowed(b)) => std::ptr::eq(*a, *b),
                _ => false,
            }
    }

    /// Fills cells without a known figure from a supplement. An economy that the dataset does not list may be
    /// part of its residual. The residual of the supplement fills that of a dataset without one.
    fn fill_cells(&mut self, supplement: &OutputCandidate<'a>, market: Market) {
        let first = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        let added = supplement.own_output(market, first);
        let bases: BTreeSet<_> = self.rows.iter().map(|row| self.basis(row)).collect();
        let known = |economy: Option<EconomyId>| {
            self.rows.iter().any(|row| row.economy == economy && row.quantity.known().is_some())
        };
        let fits = |row: &&Output| bases.contains(added.basis_from(row, first)) && !known(row.economy);
        let cells: Vec<Output> = added.rows.iter().filter(fits).copied().collect();
        if cells.is_empty() {
            return;
        }
        let is_listed = |economy| self.rows.iter().any(|row| row.economy == economy);
        let economies = cells.iter().filter(|row| row.economy.is_some() && !is_listed(row.economy));
        let unlisted = economies.map(|row| row.quantity.amount());
        self.listed_by_supplement = unlisted.fold(self.listed_by_supplement, |sum, amount| sum + amount);
        let filled: BTreeSet<_> = cells.iter().map(|row| row.economy).collect();
        let kept = self.rows.iter().filter(|row| !filled.contains(&row.economy)).copied();
        let mut rows: Vec<_> = kept.chain(cells).collect();
        rows.sort_by_key(|row| (row.key(), row.source));
        self.rows = Cow::Owned(rows);
        self.sources.extend(added.sources);
    }

    /// The basis of a row whose sources are numbered from `first` on.
    fn basis_from(&self, row: &Output, first: u16) -> &'a str {
        let index = usize::from(row.source.saturating_sub(first));
        self.sources.get(index).map_or("", |source| source.content.text(row.product))
    }
}

impl<'a> OutputCandidate<'a> {
    /// A dataset without any release yet.
    pub(super) fn new(rank: Rank) -> Self {
        Self { id: rank.5, kind: rank.2, rank, releases: Vec::new() }
    }

    /// Whether older releases cannot add anything, whatever they hold.
    pub(super) fn is_covered(&self) -> bool {
        let is_whole = |(_, content, rows): &(usize, &ReleaseContent, &[Output])| {
            content.scope.is_none() && !rows.is_empty()
        };
        self.kind != DatasetKind::Supplement && self.releases.iter().any(is_whole)
    }

    /// The rows of the dataset itself, with sources numbered from `first` on.
    fn own_output(&self, market: Market, first: u16) -> MarketOutput<'a> {
        let newest = self.releases.first().map_or(&[][..], |(_, _, rows)| rows);
        let sources = self.releases.iter().map(|(release, content, _)| RowSource {
            release: *release,
            dataset: self.id,
            is_supplement: self.kind == DatasetKind::Supplement,
            content,
        });
        let rows = match self.releases.as_slice() {
            [_] if first == 0 => Cow::Borrowed(newest),
            _ => Cow::Owned(self.unrestated_rows(market, first)),
        };
        MarketOutput {
            rows,
            sources: sources.collect(),
            datasets: Vec::new(),
            listed_by_supplement: Amount::NOTHING,
            total: self.printed_total(market).map(|total| Output { source: first, ..total }),
            alternatives: Vec::new(),
            is_partial: false,
        }
    }

    /// The total that the dataset prints for the world. Where a release restates a part of the market, the
    /// total of the older one no longer is that of its parts.
    fn printed_total(&self, market: Market) -> Option<Output> {
        let [(_, content, _)] = self.releases.as_slice() else { return None };
        let totals = content.totals.rows(&market).filter(|_| self.kind != DatasetKind::Supplement)?;
        totals.first().copied()
    }

    /// The rows that no newer release of the dataset restates.
    fn unrestated_rows(&self, market: Market, first: u16) -> Vec<Output> {
        let mut all: Vec<Output> = Vec::new();
        let (mut restated, mut scopes) = (BTreeSet::new(), Vec::new());
        let by_cell = self.kind == DatasetKind::Supplement;
        for (source, (_, content, rows)) in (first..).zip(&self.releases) {
            let covered = |row: &Output| {
                let scoped = |(scope, output): &(&ReleaseScope, &Table<Output>)| {
                    scope.restates_output(row.economy, &market, by_cell, output)
                };
                restated.contains(&self.unit(row)) || scopes.iter().any(scoped)
            };
            all.extend(rows.iter().filter(|row| !covered(row)).map(|row| Output { source, ..*row }));
            match &content.scope {
                Some(scope) => scopes.push((scope, &content.output)),
                None => restated.extend(rows.iter().map(|row| self.unit(row))),
            }
        }
        all.sort_by_key(|row| (row.key(), row.source));
        all
    }

    /// The unit that a row is restated by: for a supplement its cell, otherwise the whole market.
    fn unit(&self, row: &Output) -> Option<Option<EconomyId>> {
        (self.kind == DatasetKind::Supplement).then_some(row.economy)
    }
}

impl MarketOutput<'_> {
    /// Output of economies that are not listed, in tonnes. `None`: the source gives none.
    ///
    /// Economies that a supplement lists may be part of the dataset's residual, which is therefore between
    /// what is left without them and all of it. The residual of a supplement may come wholly from economies
    /// that the dataset lists. Where only cells of a supplement are there, all other output is unknown.
    ///
    /// Where the dataset prints a total that contradicts its residual, the residual is what the listed
    /// economies leave of the total, so that shares are of the total.
    #[must_use]
    pub fn residual(&self) -> Option<Amount> {
        let own =
            self.own_residual().map(|residual| residual.minus_possible_overlap(self.listed_by_supplement));
        let filled = self
            .recorded_residual(true)
            .map(|residual| residual.minus_possible_overlap(Amount::unavailable()));
        let others = self.is_partial.then_some(Amount::unavailable());
        own.into_iter().chain(filled).chain(others).reduce(|a, b| a + b)
    }

    /// The residual as it is recorded, of the dataset or of its supplements.
    fn recorded_residual(&self, is_supplements: bool) -> Option<Amount> {
        let rows = self
            .rows
            .iter()
            .filter(|row| row.economy.is_none() && self.is_supplements(row) == is_supplements);
        rows.map(|row| Cell::amount(row.quantity)).reduce(|a, b| a + b)
    }

    /// The residual of the dataset, by its printed total if it has one.
    fn own_residual(&self) -> Option<Amount> {
        let recorded = self.recorded_residual(false);
        let Some(total) = self.total.and_then(|total| total.quantity.known()) else { return recorded };
        let listed = || self.rows.iter().filter(|row| row.economy.is_some() && !self.is_supplements(row));
        let rest = total - listed().filter_map(|row| row.quantity.known()).sum::<f64>();
        let rounding = total * TOTAL_ROUNDING;
        if listed().any(|row| row.quantity.known().is_none()) {
            // What is left of the total may be theirs.
            return recorded.or_else(|| Some(Amount::between(0.0, rest.max(0.0))));
        }
        let fits = |residual: Amount| {
            residual.is_known() && residual.best().is_some_and(|best| (best - rest).abs() <= rounding)
        };
        match recorded {
            Some(residual) if fits(residual) => recorded,
            None if rest <= rounding => None,
            _ => Some(Amount::known(rest.max(0.0))),
        }
    }

    /// The row of the total that the dataset prints for the world, if the residual follows from it. `None`:
    /// it prints none, or the residual is the recorded one.
    #[must_use]
    pub fn deciding_total(&self) -> Option<&Output> {
        let is_recorded = self.own_residual() == self.recorded_residual(false);
        self.total.as_ref().filter(|total| total.quantity.known().is_some() && !is_recorded)
    }

    /// Whether a row is one of a supplement.
    fn is_supplements(&self, row: &Output) -> bool {
        self.sources.get(usize::from(row.source)).is_some_and(|source| source.is_supplement)
    }
}
