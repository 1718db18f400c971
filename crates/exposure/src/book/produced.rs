//! The output of a market as its measures see it: from the dataset that answers for it, with the cells that its supplements fill.

use std::borrow::Cow;
use std::collections::BTreeSet;

use orewatch_catalog::DatasetKind;
use orewatch_measures::Amount;

use super::dataset::Rank;
use super::trade::Source;
use super::{Cell, Content, DatasetId, EconomyId, Market, Output, Row};

/// A dataset that has output of a market, by its releases, the newest first.
#[derive(Clone, Debug)]
pub(super) struct Maker<'a> {
    pub(super) id: DatasetId,
    pub(super) kind: DatasetKind,
    pub(super) rank: Rank,
    pub(super) releases: Vec<(usize, &'a Content, &'a [Output])>,
}

/// The output of a market.
#[derive(Clone, Debug)]
pub struct Produced<'a> {
    /// The rows, sorted. None of a supplement is of another basis than the dataset's.
    pub rows: Cow<'a, [Output]>,
    /// The releases that rows may be from.
    pub sources: Vec<Source<'a>>,
    /// Datasets that can answer, in their order: the first does.
    pub datasets: Vec<DatasetId>,
    /// What the residual may be less, since a supplement lists economies that are part of it, in tonnes.
    pub listed_elsewhere: Amount,
    /// The rows are cells of a supplement whose dataset has nothing of the market: what others produce is not known.
    pub is_part: bool,
}

impl<'a> Produced<'a> {
    /// None: no dataset has output of the market.
    pub(super) fn of(
        mut makers: Vec<Maker<'a>>,
        supplements: &[(Maker<'a>, DatasetId)],
        market: Market,
    ) -> Option<Self> {
        makers.sort_by_key(|maker| maker.rank);
        let datasets = makers.iter().map(|maker| maker.id).collect();
        let maker = makers.first()?;
        let mut produced = maker.rows(market, 0);
        produced.datasets = datasets;
        produced.is_part = maker.kind == DatasetKind::Supplement;
        for (supplement, _) in supplements.iter().filter(|(_, target)| *target == maker.id) {
            produced.fill(supplement, market);
        }
        Some(produced)
    }

    /// The dataset that answers.
    #[must_use]
    pub fn answering(&self) -> Option<DatasetId> {
        self.datasets.first().copied()
    }

    /// Whether one dataset alone can answer.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.datasets.len() == 1
    }

    /// The release that a row is from.
    #[must_use]
    pub fn content(&self, row: &Output) -> Option<&'a Content> {
        self.sources.get(usize::from(row.source)).map(|source| source.content)
    }

    /// What is weighed: the basis of a row.
    #[must_use]
    pub fn basis(&self, row: &Output) -> &'a str {
        self.content(row).map_or("", |content| content.product(row.product))
    }

    /// Whether both are surely the same rows of the same release.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.datasets == other.datasets
            && self.is_part == other.is_part
            && match (&self.rows, &other.rows) {
                (Cow::Borrowed(a), Cow::Borrowed(b)) => std::ptr::eq(*a, *b),
                _ => false,
            }
    }

    /// Fills cells without a known figure. An economy that the dataset does not list may be part of its residual. The residual of
    /// the supplement fills that of a dataset without one.
    fn fill(&mut self, supplement: &Maker<'a>, market: Market) {
        let first = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        let added = supplement.rows(market, first);
        let bases: BTreeSet<_> = self.rows.iter().map(|row| self.basis(row)).collect();
        let known = |economy: Option<EconomyId>| {
            self.rows.iter().any(|row| row.economy == economy && row.quantity.known().is_some())
        };
        let fits = |row: &&Output| bases.contains(added.basis_at(row, first)) && !known(row.economy);
        let cells: Vec<Output> = added.rows.iter().filter(fits).copied().collect();
        if cells.is_empty() {
            return;
        }
        let is_listed = |economy| self.rows.iter().any(|row| row.economy == economy);
        let economies = cells.iter().filter(|row| row.economy.is_some() && !is_listed(row.economy));
        let unlisted = economies.map(|row| row.quantity.amount());
        self.listed_elsewhere = unlisted.fold(self.listed_elsewhere, |sum, amount| sum + amount);
        let filled: BTreeSet<_> = cells.iter().map(|row| row.economy).collect();
        let kept = self.rows.iter().filter(|row| !filled.contains(&row.economy)).copied();
        let mut rows: Vec<_> = kept.chain(cells).collect();
        rows.sort_by_key(|row| (row.key(), row.source));
        self.rows = Cow::Owned(rows);
        self.sources.extend(added.sources);
    }

    /// The basis of a row whose sources are numbered from another number on.
    fn basis_at(&self, row: &Output, first: u16) -> &'a str {
        let place = usize::from(row.source.saturating_sub(first));
        self.sources.get(place).map_or("", |source| source.content.product(row.product))
    }
}

impl<'a> Maker<'a> {
    /// The rows of the dataset itself, with sources numbered from `first` on.
    fn rows(&self, market: Market, first: u16) -> Produced<'a> {
        let newest = self.releases.first().map_or(&[][..], |(_, _, rows)| rows);
        let sources = self.releases.iter().map(|(place, content, _)| Source {
            place: *place,
            dataset: self.id,
            is_supplement: self.kind == DatasetKind::Supplement,
            content,
        });
        let rows = match self.releases.as_slice() {
            [_] if first == 0 => Cow::Borrowed(newest),
            _ => Cow::Owned(self.standing(market, first)),
        };
        let (datasets, listed_elsewhere) = (Vec::new(), Amount::NOTHING);
        Produced { rows, sources: sources.collect(), datasets, listed_elsewhere, is_part: false }
    }

    /// The rows that no newer release of the dataset restates.
    fn standing(&self, market: Market, first: u16) -> Vec<Output> {
        let mut all: Vec<Output> = Vec::new();
        let (mut restated, mut scopes) = (BTreeSet::new(), Vec::new());
        let by_cell = self.kind == DatasetKind::Supplement;
        for (source, (_, content, rows)) in (first..).zip(&self.releases) {
            let covered = |row: &Output| {
                let scoped = |(scope, output): &(&super::unit::Scope, &super::Table<Output>)| {
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

    /// What is restated together: the cell for a supplement, otherwise the market.
    fn unit(&self, row: &Output) -> Option<Option<EconomyId>> {
        (self.kind == DatasetKind::Supplement).then_some(row.economy)
    }
}

impl Produced<'_> {
    /// The residual, between what is left of it once a supplement's economies are taken out, and all of it. That of a supplement
    /// may be wholly of economies that the dataset lists. Cells alone leave all others unknown. None: there is none.
    #[must_use]
    pub fn residual(&self) -> Option<Amount> {
        let of = |is_supplements: bool| {
            let rows = self.rows.iter().filter(move |row| {
                let source = self.sources.get(usize::from(row.source));
                row.economy.is_none() && source.is_some_and(|source| source.is_supplement) == is_supplements
            });
            rows.map(|row| Cell::amount(row.quantity)).reduce(|a, b| a + b)
        };
        let own = of(false).map(|residual| residual.less_at_most(self.listed_elsewhere));
        let filled = of(true).map(|residual| residual.less_at_most(Amount::unavailable()));
        let others = self.is_part.then_some(Amount::unavailable());
        own.into_iter().chain(filled).chain(others).reduce(|a, b| a + b)
    }
}
