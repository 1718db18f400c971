//! One exposure from every dataset that can give it, side by side, with why they differ.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, DatasetKind};
use orewatch_contracts::exposure::v1::{CompareSourcesResponse, Exposure, SourceAnswer};
use orewatch_contracts::ingestion::v1;
use orewatch_measures::{Amount, Table, Weight};

use crate::accounts::Accounts;
use crate::book::{Book, DatasetId, Knowledge, Market, Reporter};
use crate::decide::answering;
use crate::figures::{Alternatives, Reach, family, figure};
use crate::grounds::spread;
use crate::query::{exposure_of, latest_period};
use crate::request::Asked;
use crate::scope::{Scope, Shelf};

/// Compares what the datasets say that have anything of the market.
pub(crate) fn compare(book: &Book, at: Knowledge, asked: &Asked) -> CompareSourcesResponse {
    let published = exposure_of(book, at, asked, false);
    let Some(period) = asked.period.or_else(|| latest_period(book, at, asked)) else {
        return CompareSourcesResponse { published: Some(published), ..CompareSourcesResponse::default() };
    };
    let scope = Shelf::new(book, at).scope(asked.market(period));
    let asked = Asked { period: Some(period), ..*asked };
    let reach = family(asked.key.measure).map_or(Reach::NOTHING, |family| family.reach());
    let answering = answering(&scope, asked.consumer, &reach);
    let datasets = datasets(&scope, asked.key.measure.method().table);
    let market = asked.market(period);
    let one = |dataset: DatasetId| {
        Side { book, at, asked: &asked, market, dataset }.answer(answering.contains(&dataset))
    };
    let answers: Vec<_> = datasets.into_iter().map(one).collect();
    let found = figure(&scope, asked.question()).spread;
    CompareSourcesResponse {
        published: Some(published),
        answers,
        spread: found.map(|found| spread(book, &found)),
    }
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
}

impl Side<'_> {
    fn answer(&self, answers: bool) -> SourceAnswer {
        let book = self.book.preferring(self.dataset);
        let exposure = exposure_of(&book, self.at, self.asked, false);
        let scope = Shelf::new(&book, self.at).scope(self.market);
        let [quantity, value] = [Weight::Quantity, Weight::Value].map(|by| self.total(&scope, by));
        SourceAnswer {
            dataset: book.dataset_name(self.dataset).to_owned(),
            vintages: self.vintages(&exposure),
            kind: self.kind(&scope).into(),
            answers,
            differences: differences(&scope, self.asked.consumer, &exposure),
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
}

/// Why a dataset's figure may differ from that of others.
fn differences(scope: &Scope<'_>, consumer: Consumer, exposure: &Exposure) -> Vec<String> {
    let accounts = scope.accounts();
    let mut all = Vec::new();
    if let Some(share) = accounts.weighed_share(consumer).filter(|share| *share < 1.0) {
        all.push(format!("weights are known for {:.1} % of the value", 100.0 * share));
    }
    all.extend(mirrored(accounts, consumer));
    for (origin, amount) in accounts.unknown_imports(consumer, Weight::Quantity) {
        let amount =
            amount.best().map_or_else(|| "an unknown amount".to_owned(), |tonnes| format!("{tonnes:.0} t"));
        all.push(format!("{amount} of unknown origin: {}", origin.name()));
    }
    if !exposure.missing_codes.is_empty() {
        all.push(format!("does not hold {}", exposure.missing_codes.join(", ")));
    }
    if !exposure.missing_members.is_empty() {
        all.push(format!("has no report of {}", exposure.missing_members.join(", ")));
    }
    all.extend(nomenclature(accounts));
    all
}

/// Flows that their exporters report: those that the importer reports as well, and those that it does not.
fn mirrored(accounts: &Accounts<'_>, consumer: Consumer) -> Vec<String> {
    let of = |is_exporter: bool| {
        let rows = accounts
            .import_rows(consumer)
            .filter(move |row| (row.reporter == Reporter::Exporter) == is_exporter);
        rows.map(|row| (row.importer, row.exporter, row.product)).collect::<BTreeSet<_>>()
    };
    let (importers, exporters) = (of(false), of(true));
    let told = |count: usize, what: &str| (count > 0).then(|| format!("{count} flows {what}"));
    let both = told(exporters.intersection(&importers).count(), "also as their exporters report them");
    both.into_iter()
        .chain(told(exporters.difference(&importers).count(), "as their exporters report them alone"))
        .collect()
}

fn nomenclature(accounts: &Accounts<'_>) -> Option<String> {
    let source = accounts.rows()?.sources.last()?;
    let revision = &source.content.release.hs_revision;
    (!revision.is_empty()).then(|| format!("product codes of {revision}"))
}
