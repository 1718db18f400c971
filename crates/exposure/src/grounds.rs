//! What a figure rests on, beside its releases: datasets, what others say, and what is not in it.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Consumer;
use orewatch_contracts::exposure::v1::{Exposure, SourceSpread};
use orewatch_measures::Measure;

use crate::accounts::Accounts;
use crate::book::{Book, DatasetId, MarketFlows, Source};
use crate::decide::answering;
use crate::figures::{Figure, Reach, Spread, family};
use crate::scope::Scope;

/// What the figures of a market rest on, by consumer and measure.
pub(crate) struct Grounds<'s, 'a> {
    scope: &'s Scope<'a>,
    known: BTreeMap<(&'static str, Measure), Ground>,
    used: Used,
}

/// Sources with a row of a consumer's trade, or of its imports alone: what every measure that looks no further rests on.
type Used = BTreeMap<(&'static str, bool), BTreeSet<u16>>;

/// What the figures of a consumer rest on.
#[derive(Clone, Default)]
struct Ground {
    datasets: Vec<String>,
    missing_codes: Vec<String>,
    missing_members: Vec<String>,
    /// Releases with flows of the market, of which none is the consumer's, or that are of datasets which do not answer for it.
    unused: BTreeSet<String>,
}

impl<'s, 'a> Grounds<'s, 'a> {
    pub(crate) fn new(scope: &'s Scope<'a>) -> Self {
        Self { scope, known: BTreeMap::new(), used: Used::new() }
    }

    /// An exposure with what its figure rests on.
    pub(crate) fn told(&mut self, exposure: Exposure, figure: &Figure) -> Exposure {
        let Self { scope, known, used } = self;
        let (code, measure) = (figure.key.consumer, figure.key.measure);
        let reach = family(measure).map_or(Reach::NOTHING, |family| family.reach());
        let ground =
            known.entry((code, measure)).or_insert_with(|| Ground::of(scope, code, &reach, used)).clone();
        let looks_at_flows = reach.flows;
        let mut releases = exposure.releases;
        if !reach.network {
            releases.retain(|release| !ground.unused.contains(release));
        }
        Exposure {
            releases,
            datasets: ground.datasets,
            spread: figure.spread.map(|found| spread(scope.book(), &found)),
            missing_codes: if looks_at_flows { ground.missing_codes } else { Vec::new() },
            missing_members: if looks_at_flows { ground.missing_members } else { Vec::new() },
            ..exposure
        }
    }
}

impl Ground {
    fn of(scope: &Scope<'_>, code: &'static str, reach: &Reach, used: &mut Used) -> Self {
        if !scope.has_figures() {
            return Self::default();
        }
        let consumer = code.parse().unwrap_or(Consumer::World);
        let answering = answering(scope, consumer, reach);
        let name = |dataset| scope.book().dataset_name(dataset).to_owned();
        let accounts = scope.accounts();
        let absent = accounts.absent_members(consumer);
        Self {
            unused: unused(accounts, &answering, consumer, reach, used),
            datasets: answering.into_iter().map(name).collect(),
            missing_codes: accounts.missing_codes(consumer).into_iter().map(str::to_owned).collect(),
            missing_members: absent.into_iter().map(|member| member.code().to_owned()).collect(),
        }
    }
}

/// Releases with flows that a consumer's figures do not rest on: those without a row of the consumer's trade. Where nothing has any,
/// that there is none is what the answering datasets say; and where figures look at other periods or stages as well, rows of this
/// market do not tell which releases they are from.
fn unused(
    accounts: &Accounts<'_>,
    answering: &BTreeSet<DatasetId>,
    consumer: Consumer,
    reach: &Reach,
    used: &mut Used,
) -> BTreeSet<String> {
    let Some(rows) = accounts.rows().filter(|rows| rows.sources.len() > 1) else { return BTreeSet::new() };
    let key = (consumer.code(), reach.imports_only);
    let used = used.entry(key).or_insert_with(|| used_sources(accounts, rows, consumer, reach.imports_only));
    let looks_further = reach.earlier > 0 || reach.stages || !accounts.absent_members(consumer).is_empty();
    let rests = |place: usize, source: &Source<'_>| match used.is_empty() || looks_further {
        true => answering.contains(&source.dataset) || source.is_supplement,
        false => u16::try_from(place).is_ok_and(|place| used.contains(&place)),
    };
    let others = rows.sources.iter().enumerate().filter(|(place, source)| !rests(*place, source));
    others.map(|(_, source)| source.content.release.id.clone()).collect()
}

/// Sources with a row of a consumer's imports, or also of its exports; trade of unknown origin or destination counts.
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

/// What other datasets say, as the contract has it.
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
