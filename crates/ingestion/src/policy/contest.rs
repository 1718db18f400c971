//! Decides which dataset answers in each market of a release, by the same rules as exposure does.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, DatasetKind, Nomenclature, Period, economy, hs_codes};
use orewatch_contracts::ingestion::v1::{Preference, Release, Table};
use orewatch_eventlog::Position;

use super::answers::{Answered, Answering};
use super::datasets::Dataset;
use crate::evolve::IngestionState;
use crate::tally::{Codes, EconomySet, Market, Markets, Tally, economy_code};

/// The datasets that could answer in the markets of a release, its own dataset with the release among them.
pub(super) struct Contest<'a> {
    table: Table,
    tally: &'a Tally,
    contenders: Vec<Contender<'a>>,
    preferences: Vec<&'a Preference>,
}

/// A dataset that could answer.
struct Contender<'a> {
    name: &'a str,
    is_own: bool,
    kind: DatasetKind,
    since: Position,
    /// Rows of its visible releases, newest first, with the share of product codes that each holds by
    /// material and stage.
    releases: Vec<(&'a Markets, PresentCodes<'a>)>,
}

/// Share of product codes present, by material and stage.
type PresentCodes<'a> = BTreeMap<(&'a str, &'a str), Completeness>;

/// Share of the product codes of a material and stage that a release holds, as a fraction of two counts.
/// Fractions are compared by cross multiplication, so that no rounding decides.
#[derive(Clone, Copy, Debug)]
struct Completeness {
    present: usize,
    expected: usize,
}

/// Indices of contenders, the first to answer first.
type Ranking = Vec<usize>;

impl<'a> Contest<'a> {
    pub(super) fn new(
        state: &'a IngestionState,
        known: &'a [Dataset<'a>],
        release: &'a Release,
        kind: DatasetKind,
        tally: &'a Tally,
    ) -> Self {
        let own = known.iter().find(|known| known.is_of(release));
        let others = known.iter().filter(|known| known.table == release.table() && !known.is_of(release));
        let others = others.filter(|known| known.kind != DatasetKind::Supplement);
        let mut contenders: Vec<_> = others.map(|other| Contender::new(other, other.kind)).collect();
        let mut own_dataset = Contender {
            name: &release.dataset,
            is_own: true,
            kind,
            since: own.map_or(Position::MAX, |own| own.since),
            releases: vec![(&tally.markets, completeness(kind, release, &tally.markets, &tally.codes))],
        };
        own_dataset.releases.extend(own.into_iter().flat_map(|own| Contender::new(own, kind).releases));
        contenders.push(own_dataset);
        let preferences = state.policy.policy.preferences.iter();
        // The policy names public datasets only.
        let preferences = preferences
            .filter(|preference| release.tenant.is_empty() && preference.table() == release.table());
        Self { table: release.table(), tally, contenders, preferences: preferences.collect() }
    }

    /// The markets in which each dataset answers.
    pub(super) fn answering(&self) -> Answering {
        let mut answering = Answering::default();
        for market in self.tally.markets.keys() {
            let preferences: Vec<_> = self
                .preferences
                .iter()
                .copied()
                .filter(|preference| matches_market(preference, market))
                .collect();
            match self.table {
                Table::Trade => self.assign_market(market, &preferences, &mut answering),
                _ => {
                    let economy_code = market.economy().unwrap_or(&market.about);
                    let preference = preferences
                        .into_iter()
                        .find(|preference| includes_economy(preference, economy_code, market));
                    let has_market = |contender: &&Contender<'_>| {
                        contender.releases.iter().any(|(markets, _)| markets.contains_key(market))
                    };
                    let first = self.ranking(market, preference).into_iter();
                    let first = first.filter_map(|place| self.contenders.get(place)).find(has_market);
                    let one = Answered { markets: 1, ..Answered::default() };
                    first.into_iter().for_each(|first| add_answered(&mut answering, first, one));
                }
            }
        }
        answering
    }

    /// Assigns each importer of a market to the first dataset that covers it, by the first preference that
    /// includes it.
    fn assign_market(&self, market: &Market, preferences: &[&Preference], answering: &mut Answering) {
        let mut left = importers(market, &self.tally.markets, |_| true);
        for preference in preferences.iter().copied().map(Some).chain([None]) {
            let consumers: EconomySet = match preference {
                Some(preference) => left
                    .iter()
                    .filter(|who| includes_economy(preference, economy_code(*who), market))
                    .collect(),
                None => left,
            };
            left = left.difference(&consumers);
            if !consumers.is_empty() {
                self.assign_importers(market, consumers, &self.ranking(market, preference), answering);
            }
        }
    }

    /// Assigns consumers to datasets with a report of their imports, and the rest to datasets with exporters'
    /// reports.
    fn assign_importers(
        &self,
        market: &Market,
        consumers: EconomySet,
        ranking: &Ranking,
        answering: &mut Answering,
    ) {
        let mut left = consumers;
        for is_mirrored in [false, true] {
            for contender in ranking.iter().filter_map(|place| self.contenders.get(*place)) {
                if left.is_empty() {
                    return;
                }
                let expected =
                    |markets| importers(market, markets, |by_exporter| is_mirrored || !by_exporter);
                let covered = contender
                    .releases
                    .iter()
                    .fold(EconomySet::default(), |covered, (markets, _)| covered.union(&expected(markets)));
                let taken = left.intersection(&covered);
                add_answered(answering, contender, Answered { markets: taken.len(), importers: taken });
                left = left.difference(&taken);
            }
        }
    }

    /// Ranks the contenders in a market: those that the preference names, then the others by kind,
    /// completeness (of reconciled sets only) and age.
    fn ranking(&self, market: &Market, preference: Option<&Preference>) -> Ranking {
        let preferred = |contender: &Contender<'_>| {
            let place = |preference: &Preference| {
                preference.datasets.iter().position(|wanted| wanted == contender.name)
            };
            preference.and_then(place).unwrap_or(usize::MAX)
        };
        let mut ranking: Vec<_> = (self.contenders.iter().enumerate())
            .map(|(place, contender)| {
                let present = Reverse(contender.completeness(market));
                ((preferred(contender), contender.kind, present, contender.since), place)
            })
            .collect();
        ranking.sort_unstable();
        ranking.into_iter().map(|(_, place)| place).collect()
    }
}

fn add_answered(answering: &mut Answering, contender: &Contender<'_>, more: Answered) {
    match (contender.is_own, more.markets) {
        (_, 0) => {}
        (true, _) => answering.own = answering.own.plus(more),
        (false, _) => {
            let known = answering.others.entry(contender.name.to_owned()).or_default();
            *known = known.plus(more);
        }
    }
}

impl<'a> Contender<'a> {
    fn new(dataset: &Dataset<'a>, kind: DatasetKind) -> Self {
        let releases = dataset.releases.iter().map(|present| {
            let kept = &present.committed_rows;
            (&kept.markets, completeness(kind, &present.head.release, &kept.markets, &kept.codes))
        });
        let (name, since) = (dataset.name, dataset.since);
        Self { name, is_own: false, kind, since, releases: releases.collect() }
    }

    /// Share of a market's codes in the newest release that has the market.
    fn completeness(&self, market: &Market) -> Completeness {
        let newest = self.releases.iter().find(|(markets, _)| markets.contains_key(market));
        let present = newest.and_then(|(_, present)| present.get(&(&*market.material, &*market.stage)));
        present.copied().unwrap_or(Completeness::COMPLETE)
    }
}

impl Completeness {
    /// No code is known to be missing.
    const COMPLETE: Self = Self { present: 1, expected: 1 };
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
        let cross = |one: &Self, other: &Self| one.present.saturating_mul(other.expected);
        cross(self, other).cmp(&cross(other, self))
    }
}

/// Share of the codes of each material and stage that a reconciled release holds, in any period. A release
/// with a nomenclature of its own, or read by a concordance, is not known to lack any.
fn completeness<'a>(
    kind: DatasetKind,
    release: &Release,
    markets: &'a Markets,
    codes: &'a Codes,
) -> PresentCodes<'a> {
    let revision = release.hs_revision.parse::<Nomenclature>().ok().and_then(|list| list.revision());
    let Some(revision) = revision.filter(|_| release.concordances.is_empty()) else {
        return BTreeMap::new();
    };
    if kind != DatasetKind::Reconciled || release.table() != Table::Trade {
        return BTreeMap::new();
    }
    let mut present: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (market, market_rows) in markets {
        let products = market_rows.flows.sides.iter().filter_map(|side| codes.get(&side.product())?.get(..6));
        present.entry((&*market.material, &*market.stage)).or_default().extend(products);
    }
    let completeness_of = |(material, stage): (&'a str, &'a str), own: BTreeSet<&str>| {
        let expected = hs_codes().iter().filter(|code| {
            code.material == material
                && code.stage.as_str() == stage
                && (code.first..=code.last).contains(&revision)
        });
        let expected: BTreeSet<&str> = expected.map(|code| code.code).collect();
        let present = expected.intersection(&own).count();
        let known = Completeness { present, expected: expected.len() };
        ((material, stage), if expected.is_empty() { Completeness::COMPLETE } else { known })
    };
    present.into_iter().map(|(topic, own)| completeness_of(topic, own)).collect()
}

/// Importers of a market, from reports for which `counts` holds (true: reported by the exporter).
fn importers(market: &Market, markets: &Markets, counts: impl Fn(bool) -> bool) -> EconomySet {
    let sides = markets.get(market).into_iter().flat_map(|market_rows| &market_rows.flows.sides);
    let sides = sides.filter(|side| counts(side.is_by_exporter()));
    sides.fold(EconomySet::default(), |all, side| all.union(&side.receivers())).economies_only()
}

/// Whether a preference lists the material and stage of a market, or none.
pub(super) fn matches_topic(preference: &Preference, market: &Market) -> bool {
    let lists = |list: &[String], item: &str| list.is_empty() || list.iter().any(|known| known == item);
    lists(&preference.materials, &market.material) && lists(&preference.stages, &market.stage)
}

/// Whether a preference matches a market. One that is limited to some periods never matches restrictions,
/// which have none.
fn matches_market(preference: &Preference, market: &Market) -> bool {
    let parse = |text: &str| text.parse::<Period>().ok();
    let period = parse(&market.period);
    let from = parse(&preference.from)
        .is_none_or(|from| period.is_some_and(|period| from.start() <= period.start()));
    let until =
        parse(&preference.until).is_none_or(|until| period.is_some_and(|period| period.end() <= until.end()));
    from && until && matches_topic(preference, market)
}

/// Whether a preference includes an economy in the period of a market. Blocs stand for their members.
fn includes_economy(preference: &Preference, economy_code: &str, market: &Market) -> bool {
    if preference.economies.is_empty() {
        return true;
    }
    let (Some(member), Ok(period)) = (economy(economy_code), market.period.parse::<Period>()) else {
        return false;
    };
    let listed = preference.economies.iter().filter_map(|code| code.parse::<Consumer>().ok());
    listed.into_iter().any(|listed| listed.contains(member, period))
}
