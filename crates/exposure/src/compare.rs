//! Comparison of sources: one exposure as computed from each dataset that can give it, with the reasons why
//! they differ.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, DatasetKind};
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::{CompareSourcesResponse, Exposure, SourceAnswer};
use orewatch_contracts::ingestion::v1;
use orewatch_measures::{Amount, Estimate, Status, Table, Weight};
use orewatch_runtime::Stop;

use crate::accounts::Accounts;
use crate::book::{Book, DatasetId, Flow, Knowledge, Market, Reporter};
use crate::decide::answering;
use crate::figures::{Alternatives, Reach, family, figure, has_information_on};
use crate::grounds::spread;
use crate::query::{exposure_of, latest_period};
use crate::request::ExposureRequest;
use crate::scope::{Scope, ScopeCache};
use crate::wire;

/// Reason why a table of output gives no figure of an economy.
const NOT_LISTED: &str =
    "the dataset lists no output of this economy, which does not mean that there is none";

/// Compares all datasets that have any data of the market.
///
/// # Errors
/// The request was stopped.
pub(crate) fn compare(
    book: &Book,
    at: Knowledge,
    request: &ExposureRequest,
    stop: &Stop,
) -> Result<CompareSourcesResponse, Failure> {
    let published = exposure_of(book, at, request, false);
    let Some(period) = request.period.or_else(|| latest_period(book, at, request)) else {
        return Ok(CompareSourcesResponse {
            published: Some(published),
            ..CompareSourcesResponse::default()
        });
    };
    let scope = ScopeCache::new(book, at).scope(request.market(period));
    let request = ExposureRequest { period: Some(period), ..*request };
    let reach = family(request.key.measure).map_or(Reach::NOTHING, |family| family.reach());
    let answering = answering(&scope, request.consumer, &reach);
    let datasets = datasets(&scope, request.key.measure.method().table);
    let market = request.market(period);
    let answer = |dataset: DatasetId| {
        stop.check()?;
        Ok(DatasetAnswer { book, at, request: &request, market, dataset, reach }
            .answer(answering.contains(&dataset)))
    };
    let answers = datasets.into_iter().map(answer).collect::<Result<Vec<_>, Failure>>()?;
    let found = figure(&scope, request.figure_request()).spread;
    Ok(CompareSourcesResponse {
        published: Some(published),
        answers,
        spread: found.map(|found| spread(book, &found)),
        ..CompareSourcesResponse::default()
    })
}

/// Datasets with any data that a measure needs, in the order of the source policy.
fn datasets(scope: &Scope<'_>, table: Table) -> Vec<DatasetId> {
    if !scope.has_figures() {
        return Vec::new();
    }
    let view = scope.accounts().view();
    let trade = view.flows.iter().flat_map(|trade| trade.datasets());
    let output = view.output.iter().flat_map(|output| output.datasets.iter().copied());
    let (trade, output): (Vec<_>, Vec<_>) = (trade.collect(), output.collect());
    let mut all = match table {
        Table::Trade => trade,
        Table::Production => output,
        // If only one dataset has a table, it is the same in every answer.
        Table::Both if Alternatives::find(scope).datasets().is_empty() => [trade, output].concat(),
        Table::Both => [trade, output].into_iter().filter(|side| side.len() > 1).flatten().collect(),
    };
    let mut seen = BTreeSet::new();
    all.retain(|dataset| seen.insert(*dataset));
    all
}

/// The answer of one dataset.
struct DatasetAnswer<'a> {
    book: &'a Book,
    at: Knowledge,
    request: &'a ExposureRequest,
    market: Market,
    dataset: DatasetId,
    reach: Reach,
}

impl DatasetAnswer<'_> {
    fn answer(&self, answers: bool) -> SourceAnswer {
        let book = self.book.preferring(self.dataset);
        let mut exposure = exposure_of(&book, self.at, self.request, false);
        let scope = ScopeCache::new(&book, self.at).scope(self.market);
        if !has_information_on(&scope, self.request.key, &self.reach) {
            exposure.estimate = Some(wire::estimate(&Estimate::missing(Status::Unavailable, NOT_LISTED)));
        }
        let [quantity, value] = [Weight::Quantity, Weight::Value].map(|by| self.total(&scope, by));
        SourceAnswer {
            dataset: book.dataset_name(self.dataset).to_owned(),
            vintages: self.vintages(&exposure),
            kind: self.kind(&scope).into(),
            answers,
            differences: self.differences(&scope, &exposure),
            exposure: Some(exposure),
            quantity,
            value,
        }
    }

    /// Vintages of the dataset's releases from which a figure is computed, the newest first.
    fn vintages(&self, exposure: &Exposure) -> Vec<String> {
        let entries = self.book.releases().iter().rev().filter(|entry| entry.dataset == self.dataset);
        let used = entries.filter(|entry| exposure.releases.iter().any(|id| id == entry.id()));
        used.map(|entry| entry.content.release.vintage.clone()).collect()
    }

    fn kind(&self, scope: &Scope<'_>) -> v1::DatasetKind {
        let trade = scope.accounts().view().flows.as_ref();
        let of_trade = trade.and_then(|trade| trade.kind(self.dataset));
        match of_trade.unwrap_or_else(|| self.book.dataset_kind(self.dataset, self.at)) {
            DatasetKind::Reconciled => v1::DatasetKind::Reconciled,
            DatasetKind::Declarations => v1::DatasetKind::Declarations,
            DatasetKind::Tables => v1::DatasetKind::Tables,
            DatasetKind::Supplement => v1::DatasetKind::Supplement,
            DatasetKind::Undeclared => v1::DatasetKind::Unspecified,
        }
    }

    /// The known part of the total: of output, or of the imports of the consumer. `None`: nothing is known.
    fn total(&self, scope: &Scope<'_>, by: Weight) -> Option<f64> {
        let accounts = scope.accounts();
        let total = match (self.request.key.measure.method().table, by) {
            (Table::Production, Weight::Value) => None,
            (Table::Production, Weight::Quantity) => accounts.output().map(|output| output.total()),
            (Table::Trade | Table::Both, by) => {
                accounts.imports(self.request.consumer, by).map(|imports| imports.total())
            }
        };
        total.as_ref().and_then(Amount::best)
    }

    /// Reasons why the dataset's figure may differ from that of others.
    fn differences(&self, scope: &Scope<'_>, exposure: &Exposure) -> Vec<String> {
        let mut all: Vec<_> = self.same_files_as().into_iter().collect();
        if self.reach.flows {
            all.extend(trade_differences(scope, self.request.consumer));
        }
        if !exposure.missing_codes.is_empty() {
            all.push(format!("has no rows of the codes {}", exposure.missing_codes.join(", ")));
        }
        if !exposure.missing_members.is_empty() {
            all.push(format!("has no report from {}", exposure.missing_members.join(", ")));
        }
        if self.reach.flows {
            all.extend(nomenclature(scope.accounts()));
        }
        all
    }

    /// Names the datasets that were read from the same files. `None`: there is no such dataset.
    fn same_files_as(&self) -> Option<String> {
        let files = |dataset| self.book.file_digests(dataset, self.market, self.at);
        let own = files(self.dataset);
        let mut others: BTreeSet<_> = self.book.releases().iter().map(|entry| entry.dataset).collect();
        others.remove(&self.dataset);
        let same = |dataset: &DatasetId| !own.is_empty() && own.is_subset(&files(*dataset));
        let names: Vec<_> =
            others.into_iter().filter(same).map(|dataset| self.book.dataset_name(dataset)).collect();
        (!names.is_empty()).then(|| format!("was read from the same file as {}", names.join(", ")))
    }
}

/// Properties of a dataset's trade: how much of it has weights, who reports it, how much is of unknown
/// origin.
fn trade_differences(scope: &Scope<'_>, consumer: Consumer) -> Vec<String> {
    let accounts = scope.accounts();
    let mut all = Vec::new();
    if let Some(share) = accounts.weighed_share(consumer).filter(|share| *share < 1.0) {
        // Rounding must not turn almost all into 100 %.
        let percent = (100.0 * share).min(99.9);
        all.push(format!("weights are known for {percent:.1} % of the value"));
    }
    all.extend(exporter_reports(accounts, consumer));
    for (origin, amount) in accounts.unknown_imports(consumer, Weight::Quantity) {
        all.push(format!("{} of unknown origin: {}", tonnes(&amount), origin.name(consumer)));
    }
    all
}

/// Text of an amount: exact, between bounds, or unknown.
fn tonnes(amount: &Amount) -> String {
    match (amount.is_known(), amount.low(), amount.high()) {
        (true, known, _) => format!("{known:.0} t"),
        (false, low, high) if high.is_finite() => format!("{low:.0} to {high:.0} t"),
        (false, low, _) if low > 0.0 => format!("at least {low:.0} t"),
        (false, ..) => "an unknown amount".to_owned(),
    }
}

/// How many flows are reported by exporters: in addition to the importers' reports, or alone.
fn exporter_reports(accounts: &Accounts<'_>, consumer: Consumer) -> Vec<String> {
    let rows = |by_exporter: bool| {
        let is_wanted = move |row: &&Flow| (row.reporter == Reporter::Exporter) == by_exporter;
        accounts.import_rows(consumer).filter(is_wanted).map(|row| (row.importer, row.exporter, row.product))
    };
    let by_importers: BTreeSet<_> = rows(false).collect();
    let (both, alone): (Vec<_>, Vec<_>) = rows(true).partition(|flow| by_importers.contains(flow));
    let counted = |count: usize, by: &str| match count {
        0 => None,
        1 => Some(format!("1 flow is reported {by}")),
        count => Some(format!("{count} flows are reported {by}")),
    };
    let counts = [
        counted(both.len(), "by both the importer and the exporter"),
        counted(alone.len(), "by the exporter only"),
    ];
    counts.into_iter().flatten().collect()
}

/// The revision of the Harmonized System that the product codes follow.
fn nomenclature(accounts: &Accounts<'_>) -> Option<String> {
    let source = accounts.rows()?.sources.last()?;
    let revision = &source.content.release.hs_revision;
    (!revision.is_empty()).then(|| format!("product codes of {revision}"))
}
