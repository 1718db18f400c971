//! The grounds of a figure: the datasets and releases from which it is computed, the scenario if they are of
//! projections, the spread of other datasets, the products that it is about, and the codes and members that
//! it lacks.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Consumer;
use orewatch_contracts::exposure::v1::{Exposure, ProductInfo, SourceSpread};
use orewatch_measures::Measure;

use crate::accounts::{Accounts, LOOK_BACK};
use crate::book::{Book, Market, MarketFlows};
use crate::decide::answering;
use crate::figures::{Figure, Reach, Spread, family, is_about_trade};
use crate::scope::{Scope, period_before};
use crate::ties::tied;
use crate::wire;

/// The grounds of the figures of a market, by consumer and measure. Each is computed once.
pub(crate) struct Grounds<'s, 'a> {
    scope: &'s Scope<'a>,
    known: BTreeMap<(&'static str, Measure), Ground>,
    used: Used,
    products: OnceCell<Vec<ProductInfo>>,
}

/// Indices of the sources with a row of a consumer's trade; `true`: of its imports only. Figures of measures
/// that use no other rows are computed from these sources.
type Used = BTreeMap<(&'static str, bool), BTreeSet<u16>>;

/// The grounds of the figures of a consumer.
#[derive(Clone, Default)]
struct Ground {
    datasets: Vec<String>,
    missing_codes: Vec<String>,
    missing_members: Vec<String>,
    /// Releases with flows of the markets that the figures use, but without a flow of the consumer, or of
    /// datasets that do not answer for it.
    unused: BTreeSet<String>,
}

impl<'s, 'a> Grounds<'s, 'a> {
    pub(crate) fn new(scope: &'s Scope<'a>) -> Self {
        Self { scope, known: BTreeMap::new(), used: Used::new(), products: OnceCell::new() }
    }

    /// Adds the grounds of a figure to its exposure.
    pub(crate) fn add_to(&mut self, exposure: Exposure, figure: &Figure) -> Exposure {
        let Self { scope, known, used, products } = self;
        let (code, measure) = (figure.key.consumer, figure.key.measure);
        let reach = family(measure).map_or(Reach::NOTHING, |family| family.reach());
        let ground = known
            .entry((code, measure))
            .or_insert_with(|| Ground::compute(scope, code, &reach, used))
            .clone();
        let looks_at_flows = reach.flows;
        let products = if is_about_trade(measure) && scope.has_figures() {
            products.get_or_init(|| wire::products(scope.accounts())).clone()
        } else {
            Vec::new()
        };
        let mut releases = exposure.releases;
        releases.retain(|release| !ground.unused.contains(release));
        Exposure {
            releases,
            datasets: ground.datasets,
            spread: figure.spread.map(|found| spread(scope.book(), &found)),
            missing_codes: if looks_at_flows { ground.missing_codes } else { Vec::new() },
            missing_members: if looks_at_flows { ground.missing_members } else { Vec::new() },
            scenario: scope.book().scenario().map(ToString::to_string).unwrap_or_default(),
            products,
            tied: tied(scope, figure),
            ..exposure
        }
    }
}

impl Ground {
    fn compute(scope: &Scope<'_>, code: &'static str, reach: &Reach, used: &mut Used) -> Self {
        if !scope.has_figures() {
            return Self::default();
        }
        let consumer = code.parse().unwrap_or(Consumer::World);
        let looked_at: Vec<_> = markets(scope, consumer, reach);
        let answering = looked_at.iter().flat_map(|market| answering(market, consumer, reach));
        let answering: BTreeSet<_> = answering.collect();
        let name = |dataset| scope.book().dataset_name(dataset).to_owned();
        let accounts = scope.accounts();
        let absent = accounts.unreported_members(consumer);
        Self {
            unused: unused(&looked_at, consumer, reach, used),
            datasets: answering.into_iter().map(name).collect(),
            missing_codes: accounts.missing_codes(consumer).into_iter().map(str::to_owned).collect(),
            missing_members: absent.into_iter().map(|member| member.code().to_owned()).collect(),
        }
    }
}

/// The markets with data that a consumer's figures use, the figures' own market first. If a member has not
/// reported, they include earlier periods, whose reports bound its imports.
fn markets<'a>(scope: &Scope<'a>, consumer: Consumer, reach: &Reach) -> Vec<Scope<'a>> {
    let own = scope.market();
    let others = reach.markets(own).filter(|market| *market != own);
    let back = if reach.flows && scope.accounts().has_unreported_imports(consumer) {
        LOOK_BACK
    } else {
        reach.earlier
    };
    let earlier = (reach.earlier.saturating_add(1)..=back)
        .filter_map(|n| Some(Market { period: period_before(own.period, n)?, ..own }));
    let all = [own].into_iter().chain(others).chain(earlier).map(|market| scope.of_market(market));
    all.filter(Scope::has_figures).collect()
}

/// Releases with flows of these markets from which a consumer's figures are not computed. In the figures' own
/// market, the first one, these are the releases without a row of the consumer's trade. If no release has
/// such a row, the figures state that there is no trade, and that follows from the answering datasets;
/// likewise, the answering datasets are used where figures depend on other markets or on trade between other
/// economies.
fn unused(markets: &[Scope<'_>], consumer: Consumer, reach: &Reach, used: &mut Used) -> BTreeSet<String> {
    let rows = markets.iter().filter_map(|market| Some((market, market.accounts().rows()?)));
    let rows: Vec<_> = rows.collect();
    if rows.iter().all(|(_, rows)| rows.sources.len() < 2) {
        return BTreeSet::new();
    }
    let own = markets.first().map(Scope::market).filter(|_| !reach.network);
    let (mut used_releases, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (market, rows) in rows {
        let accounts = market.accounts();
        let indices = own.filter(|own| *own == market.market()).map(|_| {
            let key = (consumer.code(), reach.imports_only);
            &*used.entry(key).or_insert_with(|| used_sources(accounts, rows, consumer, reach.imports_only))
        });
        let indices = indices.filter(|indices| !indices.is_empty());
        let answering = if indices.is_none() { answering(market, consumer, reach) } else { BTreeSet::new() };
        for (index, source) in rows.sources.iter().enumerate() {
            let is_used = match indices {
                Some(indices) => u16::try_from(index).is_ok_and(|index| indices.contains(&index)),
                None => answering.contains(&source.dataset) || source.is_supplement,
            };
            let releases = if is_used { &mut used_releases } else { &mut others };
            releases.insert(source.content.release.id.clone());
        }
    }
    others.difference(&used_releases).cloned().collect()
}

/// Indices of the sources with a row of a consumer's imports or, unless `imports_only`, of its exports. Trade
/// of unknown origin or destination counts.
fn used_sources(
    accounts: &Accounts<'_>,
    rows: &MarketFlows<'_>,
    consumer: Consumer,
    imports_only: bool,
) -> BTreeSet<u16> {
    let exports = accounts.export_rows(consumer).filter(|_| !imports_only);
    let flows = accounts.import_rows(consumer).chain(exports).map(|row| row.source);
    let residuals = (rows.residuals.iter())
        .filter(|row| (row.is_import || !imports_only) && accounts.is_inside(consumer, row.economy));
    flows.chain(residuals.map(|row| row.source)).collect()
}

/// The message of the spread of other datasets.
pub(crate) fn spread(book: &Book, found: &Spread) -> SourceSpread {
    let name = |dataset| book.dataset_name(dataset).to_owned();
    SourceSpread {
        sources: found.sources,
        lowest: Some(found.lowest.0),
        lowest_dataset: name(found.lowest.1),
        highest: Some(found.highest.0),
        highest_dataset: name(found.highest.1),
    }
}
