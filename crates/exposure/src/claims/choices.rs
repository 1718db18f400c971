//! The readings of a claim that are tried: as it is stated, and one step away from that in each direction.
//!
//! Their number is bounded: with many readings, one of them agrees by chance.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;
use orewatch_measures::{Table, Weight};

use super::books::{Books, KnownMarkets};
use super::stated::StatedClaim;
use crate::book::{Book, CommittedRelease, Knowledge, Market};

/// Upper bounds on the readings of each kind.
const MAX_DATASETS: usize = 6;
const MAX_PERIODS: usize = 6;
const MAX_VINTAGES: usize = 6;
const MAX_PROJECTIONS: usize = 16;

/// How many periods before and after the one of the claim count as its neighbours.
const NEIGHBOURS: i32 = 3;

/// One way to look up the figures of a claim.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// What flows are weighted by.
    pub(super) by: Weight,
    /// The period. `None`: there is none with figures.
    pub(super) period: Option<Period>,
    /// The dataset or scenario that answers; empty if the source policy decides.
    pub(super) source: String,
    /// The vintage; empty for the newest.
    pub(super) vintage: String,
    /// What was known then. `None`: the vintage is not recorded.
    pub(super) at: Option<Knowledge>,
    /// Nothing that the claim states contradicts this reading.
    pub(super) is_open: bool,
}

/// The readings of a claim: as stated first, then another basis, other datasets, neighbouring periods, other
/// vintages and projections.
pub(super) fn choices(claim: &StatedClaim, books: &mut Books<'_>) -> Vec<Choice> {
    let book = books.book(&claim.basis);
    let stated = stated(claim, book.as_deref(), books);
    let mut all = vec![stated.clone()];
    all.extend(other_basis(claim, &stated));
    if let Some(policy) = books.book("") {
        all.extend(other_datasets(claim, &policy, &stated));
    }
    if let (Some(book), Some(at)) = (&book, stated.at) {
        all.extend(neighbours(claim, &books.markets(&claim.basis, at), &stated));
        all.extend(other_vintages(claim, book, books.knowledge(), &stated));
    }
    all.extend(projections(claim, books, &stated));
    let mut seen = Vec::<Choice>::new();
    for choice in all {
        let is_same = |other: &Choice| {
            (other.by, other.period, &other.source, &other.vintage)
                == (choice.by, choice.period, &choice.source, &choice.vintage)
        };
        if !seen.iter().any(is_same) {
            seen.push(choice);
        }
    }
    seen
}

/// What the claim states; where it states no period, the last one before its date.
fn stated(claim: &StatedClaim, book: Option<&Book>, books: &mut Books<'_>) -> Choice {
    let now = books.knowledge();
    let at = if claim.vintage.is_empty() {
        Some(now)
    } else {
        book.and_then(|book| vintage(claim, book, now)).map(|release| known_with(release, now))
    };
    let last = || last_period(&periods(claim, &books.markets(&claim.basis, at?)), claim);
    Choice {
        by: claim.default_by(),
        period: claim.period.or_else(last),
        source: claim.basis.clone(),
        vintage: claim.vintage.clone(),
        at,
        is_open: true,
    }
}

/// The newest release of the vintage that a claim names, of the dataset that it names.
fn vintage<'a>(claim: &StatedClaim, book: &'a Book, now: Knowledge) -> Option<&'a CommittedRelease> {
    let dataset = dataset(&claim.basis);
    book.releases().iter().rev().filter(|release| release.is_visible(now)).find(|release| {
        let release = &release.content.release;
        release.vintage == claim.vintage && (dataset.is_empty() || release.dataset == dataset)
    })
}

/// What was known when a release was committed.
fn known_with(release: &CommittedRelease, now: Knowledge) -> Knowledge {
    Knowledge { position: release.committed.position.min(now.position), ..now }
}

/// The dataset of a source: of `iea-cm:base`, `iea-cm`.
fn dataset(source: &str) -> &str {
    source.split_once(':').map_or(source, |(dataset, _)| dataset)
}

/// Periods with the data that the measure needs, with the number of the claim's materials that have them.
/// They are as long as the claim's; years, if it names none.
fn periods(claim: &StatedClaim, markets: &KnownMarkets) -> BTreeMap<Period, usize> {
    let is_month = claim.period.is_some_and(Period::is_month);
    let mut periods = BTreeMap::new();
    for (market, tables) in markets {
        let has = match claim.measure.method().table {
            Table::Trade => tables.flows,
            Table::Production => tables.output,
            Table::Both => tables.flows && tables.output,
        };
        let is_wanted = market.period.is_month() == is_month
            && claim.figures.iter().any(|of| (of.material, of.stage) == (market.material, market.stage));
        if has && is_wanted {
            *periods.entry(market.period).or_default() += 1;
        }
    }
    periods
}

/// The last period before the date of a claim that has most of its materials.
fn last_period(periods: &BTreeMap<Period, usize>, claim: &StatedClaim) -> Option<Period> {
    let before = periods.iter().filter(|(period, _)| period.end() < claim.date);
    before.max_by_key(|(period, materials)| (**materials, **period)).map(|(period, _)| *period)
}

/// The same by quantity instead of value, or the other way. It is open if the claim does not say.
fn other_basis(claim: &StatedClaim, stated: &Choice) -> Option<Choice> {
    let weights = claim.measure.method().weights;
    let other = weights.iter().copied().find(|weight| *weight != stated.by)?;
    Some(Choice { by: other, is_open: claim.by.is_none(), ..stated.clone() })
}

/// The same from each dataset that has the period, beside the one that the claim names.
fn other_datasets(claim: &StatedClaim, book: &Book, stated: &Choice) -> Vec<Choice> {
    let (Some(period), Some(at)) = (stated.period, stated.at) else { return Vec::new() };
    let mut names = datasets(claim, book, period, at);
    if stated.source.is_empty() && names.len() < 2 {
        return Vec::new();
    }
    names.remove(dataset(&stated.source));
    let choice = |name: &str| Choice {
        source: name.to_owned(),
        vintage: String::new(),
        is_open: false,
        ..stated.clone()
    };
    names.into_iter().take(MAX_DATASETS).map(choice).collect()
}

/// Datasets that have what the measure needs of a period.
fn datasets<'a>(claim: &StatedClaim, book: &'a Book, period: Period, at: Knowledge) -> BTreeSet<&'a str> {
    let visible = book.releases().iter().filter(|release| release.is_visible(at));
    let with_figures = visible.filter(|release| has_figures(claim, release, period, at));
    with_figures.map(|release| release.content.release.dataset.as_str()).collect()
}

/// Whether a release has what the measure needs of a period, for any material of the claim.
fn has_figures(claim: &StatedClaim, release: &CommittedRelease, period: Period, at: Knowledge) -> bool {
    let content = release.content_at(at);
    let mut markets = claim.figures.iter().map(|of| of.market(period));
    let has = |market: &Market| {
        let (flows, output) = (content.flows.market(market).is_some(), content.output.rows(market).is_some());
        match claim.measure.method().table {
            Table::Trade => flows,
            Table::Production => output,
            Table::Both => flows || output,
        }
    };
    markets.any(|market| has(&market))
}

/// The same in neighbouring periods, the nearest first.
fn neighbours(claim: &StatedClaim, markets: &KnownMarkets, stated: &Choice) -> Vec<Choice> {
    let year = || Period::year(claim.date.year()).ok();
    let Some(centre) = stated.period.or_else(year) else { return Vec::new() };
    let length = if centre.is_month() { 1 } else { 12 };
    let mut near: Vec<_> = periods(claim, markets).into_keys().collect();
    near.retain(|period| *period != centre && months_between(centre, *period) <= NEIGHBOURS * length);
    near.sort_by_key(|period| (months_between(centre, *period), *period));
    let choice = |period| Choice { period: Some(period), is_open: false, ..stated.clone() };
    near.into_iter().take(MAX_PERIODS).map(choice).collect()
}

/// Months between the starts of two periods.
fn months_between(a: Period, b: Period) -> i32 {
    let month = |period: Period| i32::from(period.start().year()) * 12 + i32::from(period.start().month());
    (month(a) - month(b)).abs()
}

/// The same as it was known with each other vintage of the datasets that have the period, the newest first.
fn other_vintages(claim: &StatedClaim, book: &Book, now: Knowledge, stated: &Choice) -> Vec<Choice> {
    let Some(period) = stated.period else { return Vec::new() };
    let dataset = dataset(&stated.source);
    let releases = book.releases().iter().rev().filter(|release| {
        release.is_visible(now)
            && (dataset.is_empty() || release.content.release.dataset == dataset)
            && has_figures(claim, release, period, now)
    });
    let (mut newest, mut all) = (BTreeSet::new(), Vec::<Choice>::new());
    for release in releases {
        let vintage = &release.content.release.vintage;
        // The newest release of a dataset is what is read without a vintage.
        let is_newest = newest.insert(release.dataset);
        let (vintage, at) = match is_newest {
            true if stated.vintage.is_empty() => continue,
            true => (String::new(), now),
            false => (vintage.clone(), known_with(release, now)),
        };
        all.push(Choice { vintage, at: Some(at), is_open: false, ..stated.clone() });
    }
    all.truncate(MAX_VINTAGES);
    all
}

/// Projections: those of the dataset that the claim names first, each in all its periods.
fn projections(claim: &StatedClaim, books: &mut Books<'_>, stated: &Choice) -> Vec<Choice> {
    let mut scenarios = books.scenarios();
    let named = dataset(&stated.source).to_owned();
    scenarios.sort_by_key(|scenario| dataset(scenario) != named);
    let mut all = Vec::new();
    for scenario in scenarios {
        let projected = periods(claim, &books.markets(&scenario, books.knowledge())).into_keys();
        all.extend(projected.map(|period| Choice {
            period: Some(period),
            source: scenario.clone(),
            vintage: String::new(),
            at: Some(books.knowledge()),
            is_open: false,
            ..stated.clone()
        }));
    }
    all.truncate(MAX_PROJECTIONS);
    all
}
