//! One exposure from every dataset that can give it, side by side, with why they differ.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, DatasetKind};
use orewatch_contracts::exposure::v1::{CompareSourcesResponse, Exposure, SourceAnswer};
use orewatch_contracts::ingestion::v1;
use orewatch_measures::{Amount, Estimate, Status, Table, Weight};
use orewatch_runtime::{Failure, Stop};

use crate::accounts::Accounts;
use crate::book::{Book, DatasetId, Flow, Knowledge, Market, Reporter};
use crate::decide::answering;
use crate::figures::{Alternatives, Reach, family, figure, says};
use crate::grounds::spread;
use crate::query::{exposure_of, latest_period};
use crate::request::Asked;
use crate::scope::{Scope, Shelf};
use crate::wire;

/// Why a table of output gives no figure of an economy.
const NOT_LISTED: &str = "the dataset lists no output of this economy, from which nothing follows";

/// Compares what the datasets say that have anything of the market.
///
/// # Errors
/// Where the computation was told to stop.
pub(crate) fn compare(
    book: &Book,
    at: Knowledge,
    asked: &Asked,
    stop: &Stop,
) -> Result<CompareSourcesResponse, Failure> {
    let published = exposure_of(book, at, asked, false);
    let Some(period) = asked.period.or_else(|| latest_period(book, at, asked)) else {
        return Ok(CompareSourcesResponse {
            published: Some(published),
            ..CompareSourcesResponse::default()
        });
    };
    let scope = Shelf::new(book, at).scope(asked.market(period));
    let asked = Asked { period: Some(period), ..*asked };
    let reach = family(asked.key.measure).map_or(Reach::NOTHING, |family| family.reach());
    let answering = answering(&scope, asked.consumer, &reach);
    let datasets = datasets(&scope, asked.key.measure.method().table);
    let market = asked.market(period);
    let one = |dataset: DatasetId| {
        stop.check()?;
        Ok(Side { book, at, asked: &asked, market, dataset, reach }.answer(answering.contains(&dataset)))
    };
    let answers = datasets.into_iter().map(one).collect::<Result<Vec<_>, Failure>>()?;
    let found = figure(&scope, asked.question()).spread;
    Ok(CompareSourcesResponse {
        published: Some(published),
        answers,
        spread: found.map(|found| spread(book, &found)),
    })
}

/// Datasets that have anything that a measure needs, in the order of the source policy.
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
        // Of a measure of both a table that one dataset alone has is the same on every side.
        Table::Both if Alternatives::of(scope).all().is_empty() => [trade, output].concat(),
        Table::Both => [trade, output].into_iter().filter(|side| side.len() > 1).flatten().collect(),
    };
    let mut seen = BTreeSet::new();
    all.retain(|dataset| seen.insert(*dataset));
    all
}

/// What one dataset says.
struct Side<'a> {
    book: &'a Book,
    at: Knowledge,
    asked: &'a Asked,
    market: Market,
    dataset: DatasetId,
    reach: Reach,
}

impl Side<'_> {
    fn answer(&self, answers: bool) -> SourceAnswer {
        let book = self.book.preferring(self.dataset);
        let mut exposure = exposure_of(&book, self.at, self.asked, false);
        let scope = Shelf::new(&book, self.at).scope(self.market);
        if !says(&scope, self.asked.key, &self.reach) {
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

    /// Vintages of the dataset's releases that a figure rests on, the newest first.
    fn vintages(&self, exposure: &Exposure) -> Vec<String> {
        let entries = self.book.entries().iter().rev().filter(|entry| entry.dataset == self.dataset);
        let used = entries.filter(|entry| exposure.releases.iter().any(|id| id == entry.id()));
        used.map(|entry| entry.content.release.vintage.clone()).collect()
    }

    fn kind(&self, scope: &Scope<'_>) -> v1::DatasetKind {
        let trade = scope.accounts().view().flows.as_ref();
        let of_trade = trade.and_then(|trade| trade.kind(self.dataset));
        match of_trade.unwrap_or_else(|| self.book.kind_of(self.dataset, self.at)) {
            DatasetKind::Reconciled => v1::DatasetKind::Reconciled,
            DatasetKind::Declarations => v1::DatasetKind::Declarations,
            DatasetKind::Tables => v1::DatasetKind::Tables,
            DatasetKind::Supplement => v1::DatasetKind::Supplement,
            DatasetKind::Undeclared => v1::DatasetKind::Unspecified,
        }
    }

    /// The known part of what the figure is a share of.
    fn total(&self, scope: &Scope<'_>, by: Weight) -> Option<f64> {
        let accounts = scope.accounts();
        let total = match (self.asked.key.measure.method().table, by) {
            (Table::Production, Weight::Value) => None,
            (Table::Production, Weight::Quantity) => accounts.output().map(|output| output.total()),
            (Table::Trade | Table::Both, by) => {
                accounts.imports(self.asked.consumer, by).map(|imports| imports.total())
            }
        };
        total.as_ref().and_then(Amount::best)
    }

    /// Why the dataset's figure may differ from that of others.
    fn differences(&self, scope: &Scope<'_>, exposure: &Exposure) -> Vec<String> {
        let mut all: Vec<_> = self.same_files_as().into_iter().collect();
        if self.reach.flows {
            all.extend(of_trade(scope, self.asked.consumer));
        }
        if !exposure.missing_codes.is_empty() {
            all.push(format!("does not hold {}", exposure.missing_codes.join(", ")));
        }
        if !exposure.missing_members.is_empty() {
            all.push(format!("has no report of {}", exposure.missing_members.join(", ")));
        }
        if self.reach.flows {
            all.extend(nomenclature(scope.accounts()));
        }
        all
    }

    /// That another dataset was read from the same files. None: no other was.
    fn same_files_as(&self) -> Option<String> {
        let files = |dataset| self.book.files(dataset, self.market, self.at);
        let own = files(self.dataset);
        let mut others: BTreeSet<_> = self.book.entries().iter().map(|entry| entry.dataset).collect();
        others.remove(&self.dataset);
        let same = |dataset: &DatasetId| !own.is_empty() && own.is_subset(&files(*dataset));
        let names: Vec<_> =
            others.into_iter().filter(same).map(|dataset| self.book.dataset_name(dataset)).collect();
        (!names.is_empty()).then(|| format!("was read from the same file as {}", names.join(", ")))
    }
}

/// What is said of a dataset's trade: what is weighed, who reports it, what is of unknown origin.
fn of_trade(scope: &Scope<'_>, consumer: Consumer) -> Vec<String> {
    let accounts = scope.accounts();
    let mut all = Vec::new();
    if let Some(share) = accounts.weighed_share(consumer).filter(|share| *share < 1.0) {
        // What is almost all is not shown as all.
        let percent = (100.0 * share).min(99.9);
        all.push(format!("weights are known for {percent:.1} % of the value"));
    }
    all.extend(mirrored(accounts, consumer));
    for (origin, amount) in accounts.unknown_imports(consumer, Weight::Quantity) {
        all.push(format!("{} of unknown origin: {}", tonnes(&amount), origin.name(consumer)));
    }
    all
}

/// An amount as far as it is known.
fn tonnes(amount: &Amount) -> String {
    match (amount.is_known(), amount.low(), amount.high()) {
        (true, known, _) => format!("{known:.0} t"),
        (false, low, high) if high.is_finite() => format!("{low:.0} to {high:.0} t"),
        (false, low, _) if low > 0.0 => format!("at least {low:.0} t"),
        (false, ..) => "an unknown amount".to_owned(),
    }
}

/// Flows that their exporters report, beside their importers' reports or alone.
fn mirrored(accounts: &Accounts<'_>, consumer: Consumer) -> Vec<String> {
    let rows = |by_exporter: bool| {
        let is_wanted = move |row: &&Flow| (row.reporter == Reporter::Exporter) == by_exporter;
        accounts.import_rows(consumer).filter(is_wanted).map(|row| (row.importer, row.exporter, row.product))
    };
    let by_importers: BTreeSet<_> = rows(false).collect();
    let (both, alone): (Vec<_>, Vec<_>) = rows(true).partition(|flow| by_importers.contains(flow));
    let counted = |count: usize, how: &str| match count {
        0 => None,
        1 => Some(format!("1 flow {how}")),
        count => Some(format!("{count} flows {how}")),
    };
    let told = [
        counted(both.len(), "also as the exporter reports it"),
        counted(alone.len(), "as the exporter alone reports it"),
    ];
    told.into_iter().flatten().collect()
}

fn nomenclature(accounts: &Accounts<'_>) -> Option<String> {
    let source = accounts.rows()?.sources.last()?;
    let revision = &source.content.release.hs_revision;
    (!revision.is_empty()).then(|| format!("product codes of {revision}"))
}
