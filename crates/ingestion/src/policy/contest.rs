//! Who answers where a release has rows, as exposure will decide it.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, DatasetKind, Nomenclature, Period, economy, hs_codes};
use orewatch_contracts::ingestion::v1::{Preference, Release, Table};
use orewatch_eventlog::Position;

use super::datasets::Dataset;
use super::standing::{Answered, Answering, is_own};
use crate::evolve::Book;
use crate::tally::{Codes, EconomySet, Market, Markets, Tally, code};

/// The datasets that could answer where a release has rows; the release's own, with the release, among them.
pub(super) struct Contest<'a> {
    table: Table,
    tally: &'a Tally,
    entrants: Vec<Entrant<'a>>,
    preferences: Vec<&'a Preference>,
}

/// A dataset that could answer.
struct Entrant<'a> {
    name: &'a str,
    is_own: bool,
    kind: DatasetKind,
    since: Position,
    /// Rows of its visible releases, the newest first, with how much each holds of the codes of a material and stage.
    releases: Vec<(&'a Markets, HeldCodes<'a>)>,
}

/// How much of the product codes is held, by material and stage.
type HeldCodes<'a> = BTreeMap<(&'a str, &'a str), Completeness>;

/// How much of the product codes of a material and stage a release holds, as a fraction of two counts.
#[derive(Clone, Copy, Debug)]
struct Completeness {
    held: usize,
    of: usize,
}

/// Places among the entrants, the first to answer first.
type Order = Vec<usize>;

impl<'a> Contest<'a> {
    pub(super) fn new(
        book: &'a Book,
        known: &'a [Dataset<'a>],
        release: &'a Release,
        kind: DatasetKind,
        tally: &'a Tally,
    ) -> Self {
        let own = known.iter().find(|known| is_own(known, release));
        let others = known.iter().filter(|known| known.table == release.table() && !is_own(known, release));
        let others = others.filter(|known| known.kind != DatasetKind::Supplement);
        let mut entrants: Vec<_> = others.map(|other| Entrant::new(other, other.kind)).collect();
        let mut mine = Entrant {
            name: &release.dataset,
            is_own: true,
            kind,
            since: own.map_or(Position::MAX, |own| own.since),
            releases: vec![(&tally.markets, completeness(kind, release, &tally.markets, &tally.codes))],
        };
        mine.releases.extend(own.into_iter().flat_map(|own| Entrant::new(own, kind).releases));
        entrants.push(mine);
        let preferences = book.policy.policy.preferences.iter();
        // The policy names everyone's datasets.
        let preferences = preferences
            .filter(|preference| release.tenant.is_empty() && preference.table() == release.table());
        Self { table: release.table(), tally, entrants, preferences: preferences.collect() }
    }

    /// Who answers, market by market.
    pub(super) fn answering(&self) -> Answering {
        let mut answering = Answering::default();
        for market in self.tally.markets.keys() {
            let preferences: Vec<_> =
                self.preferences.iter().copied().filter(|preference| matches(preference, market)).collect();
            match self.table {
                Table::Trade => self.divide(market, &preferences, &mut answering),
                _ => {
                    let whom = market.economy().unwrap_or(&market.about);
                    let preference =
                        preferences.into_iter().find(|preference| concerns(preference, whom, market));
                    let has = |entrant: &&Entrant<'_>| {
                        entrant.releases.iter().any(|(markets, _)| markets.contains_key(market))
                    };
                    let first = self.order(market, preference).into_iter();
                    let first = first.filter_map(|place| self.entrants.get(place)).find(has);
                    let one = Answered { markets: 1, ..Answered::default() };
                    first.into_iter().for_each(|first| note(&mut answering, first, one));
                }
            }
        }
        answering
    }

    /// Gives each importer of a market to the first dataset that covers it, by the first preference that is about it.
    fn divide(&self, market: &Market, preferences: &[&Preference], answering: &mut Answering) {
        let mut left = importers(market, &self.tally.markets, |_| true);
        for preference in preferences.iter().copied().map(Some).chain([None]) {
            let consumers: EconomySet = match preference {
                Some(preference) => {
                    left.iter().filter(|who| concerns(preference, code(*who), market)).collect()
                }
                None => left,
            };
            left = left.without(&consumers);
            if !consumers.is_empty() {
                self.give(market, consumers, &self.order(market, preference), answering);
            }
        }
    }

    /// Gives consumers to those who have a report of their imports, and what is left to those who have the exporters' reports.
    fn give(&self, market: &Market, consumers: EconomySet, order: &Order, answering: &mut Answering) {
        let mut left = consumers;
        for is_mirrored in [false, true] {
            for entrant in order.iter().filter_map(|place| self.entrants.get(*place)) {
                if left.is_empty() {
                    return;
                }
                let of = |markets| importers(market, markets, |by_exporter| is_mirrored || !by_exporter);
                let covered = entrant
                    .releases
                    .iter()
                    .fold(EconomySet::default(), |covered, (markets, _)| covered.or(&of(markets)));
                let taken = left.and(&covered);
                note(answering, entrant, Answered { markets: taken.len(), importers: taken });
                left = left.without(&taken);
            }
        }
    }

    /// The datasets that a preference names, and behind them the others: by kind, of two reconciled sets first the one that holds
    /// more of the market's codes, then the older.
    fn order(&self, market: &Market, preference: Option<&Preference>) -> Order {
        let preferred = |entrant: &Entrant<'_>| {
            let place = |preference: &Preference| {
                preference.datasets.iter().position(|wanted| wanted == entrant.name)
            };
            preference.and_then(place).unwrap_or(usize::MAX)
        };
        let mut order: Vec<_> = (self.entrants.iter().enumerate())
            .map(|(place, entrant)| {
                let held = Reverse(entrant.completeness(market));
                ((preferred(entrant), entrant.kind, held, entrant.since), place)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, place)| place).collect()
    }
}

fn note(answering: &mut Answering, entrant: &Entrant<'_>, more: Answered) {
    match (entrant.is_own, more.markets) {
        (_, 0) => {}
        (true, _) => answering.own = answering.own.and(more),
        (false, _) => {
            let known = answering.others.entry(entrant.name.to_owned()).or_default();
            *known = known.and(more);
        }
    }
}

impl<'a> Entrant<'a> {
    fn new(dataset: &Dataset<'a>, kind: DatasetKind) -> Self {
        let releases = dataset.releases.iter().map(|held| {
            let kept = &held.kept;
            (&kept.markets, completeness(kind, &held.head.release, &kept.markets, &kept.codes))
        });
        let (name, since) = (dataset.name, dataset.since);
        Self { name, is_own: false, kind, since, releases: releases.collect() }
    }

    /// How much of a market's codes the newest release holds that has the market.
    fn completeness(&self, market: &Market) -> Completeness {
        let newest = self.releases.iter().find(|(markets, _)| markets.contains_key(market));
        let held = newest.and_then(|(_, held)| held.get(&(&*market.material, &*market.stage)));
        held.copied().unwrap_or(Completeness::WHOLE)
    }
}

impl Completeness {
    /// Nothing is known to be missing.
    const WHOLE: Self = Self { held: 1, of: 1 };
}

impl PartialEq for Completeness {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Completeness {}

impl PartialOrd for Completeness {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Completeness {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let cross = |one: &Self, other: &Self| one.held.saturating_mul(other.of);
        cross(self, other).cmp(&cross(other, self))
    }
}

/// How much a reconciled release holds of the codes of each material and stage, in any period. What follows a list of one's own,
/// or was read by a concordance, is not known to lack any.
fn completeness<'a>(
    kind: DatasetKind,
    release: &Release,
    markets: &'a Markets,
    codes: &'a Codes,
) -> HeldCodes<'a> {
    let revision = release.hs_revision.parse::<Nomenclature>().ok().and_then(|list| list.revision());
    let Some(revision) = revision.filter(|_| release.concordances.is_empty()) else {
        return BTreeMap::new();
    };
    if kind != DatasetKind::Reconciled || release.table() != Table::Trade {
        return BTreeMap::new();
    }
    let mut held: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (market, gathered) in markets {
        let products = gathered.flows.sides.iter().filter_map(|side| codes.get(&side.product())?.get(..6));
        held.entry((&*market.material, &*market.stage)).or_default().extend(products);
    }
    let count = |(material, stage): (&'a str, &'a str), own: BTreeSet<&str>| {
        let expected = hs_codes().iter().filter(|code| {
            code.material == material
                && code.stage.as_str() == stage
                && (code.first..=code.last).contains(&revision)
        });
        let expected: BTreeSet<&str> = expected.map(|code| code.code).collect();
        let held = expected.intersection(&own).count();
        let known = Completeness { held, of: expected.len() };
        ((material, stage), if expected.is_empty() { Completeness::WHOLE } else { known })
    };
    held.into_iter().map(|(topic, own)| count(topic, own)).collect()
}

/// Every economy that receives something in a market, as far as the reports count (true: the exporter's).
fn importers(market: &Market, markets: &Markets, counts: impl Fn(bool) -> bool) -> EconomySet {
    let sides = markets.get(market).into_iter().flat_map(|gathered| &gathered.flows.sides);
    let sides = sides.filter(|side| counts(side.is_by_exporter()));
    sides.fold(EconomySet::default(), |all, side| all.or(&side.receivers())).of_economies()
}

/// Whether a preference is about the material and stage of a market.
pub(super) fn is_about(preference: &Preference, market: &Market) -> bool {
    let lists = |list: &[String], item: &str| list.is_empty() || list.iter().any(|known| known == item);
    lists(&preference.materials, &market.material) && lists(&preference.stages, &market.stage)
}

/// Whether a preference is about a market. One that is limited to some periods is not about restrictions, which have none.
fn matches(preference: &Preference, market: &Market) -> bool {
    let parse = |text: &str| text.parse::<Period>().ok();
    let period = parse(&market.period);
    let from = parse(&preference.from)
        .is_none_or(|from| period.is_some_and(|period| from.start() <= period.start()));
    let until =
        parse(&preference.until).is_none_or(|until| period.is_some_and(|period| period.end() <= until.end()));
    from && until && is_about(preference, market)
}

/// Whether a preference is about an economy in the period of a market; blocs stand for their members.
fn concerns(preference: &Preference, whom: &str, market: &Market) -> bool {
    if preference.economies.is_empty() {
        return true;
    }
    let (Some(member), Ok(period)) = (economy(whom), market.period.parse::<Period>()) else { return false };
    let listed = preference.economies.iter().filter_map(|code| code.parse::<Consumer>().ok());
    listed.into_iter().any(|listed| listed.contains(member, period))
}
