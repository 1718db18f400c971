//! Why an exposure is what it is: terms, suppliers, source rows, routes, releases.

use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1 as wired;
use orewatch_contracts::exposure::v1::{ExplainExposureResponse, Exposure, SourceRow};
use orewatch_contracts::ingestion::v1::SourceFile;
use orewatch_measures::{Measure, Status, Symbol, Term, Weight};

use crate::book::{
    Book, Cell, Content, EconomyId, Evaluation, Flow, Holding, Knowledge, Market, Origin, Output, Parameter,
    Reporter, ResidualFlow, Restricting, Restriction, Who,
};
use crate::figures::{Contribution, Explanation, explanation, figure};
use crate::grounds::Grounds;
use crate::query::{exposure, exposure_of, latest_period};
use crate::request::Asked;
use crate::scope::{Cited, CitedRow, Shelf};
use crate::wire;

/// How much of an explanation is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Source rows.
    pub(crate) rows: usize,
    /// Routes.
    pub(crate) routes: usize,
}

/// Explains one exposure.
pub(crate) fn explain(book: &Book, at: Knowledge, asked: &Asked, most: Most) -> ExplainExposureResponse {
    let Some(period) = asked.period.or_else(|| latest_period(book, at, asked)) else {
        return answer(asked, exposure_of(book, at, asked, false));
    };
    let market = asked.market(period);
    let (scope, measure) = (Shelf::new(book, at).scope(market), asked.key.measure);
    let figure = figure(&scope, asked.question());
    let why = explanation(&scope, asked.question(), most.routes);
    let releases = scope.consulted(measure.method().table);
    let exposure = Grounds::new(&scope).told(exposure(&market, &figure, &releases), &figure);
    let rests = |content: &&Content| exposure.releases.contains(&content.release.id);
    let releases: Vec<_> =
        releases.into_iter().filter(rests).map(|content| content.release.clone()).collect();
    let rows_total = u64::try_from(why.rows.len()).unwrap_or(u64::MAX);
    ExplainExposureResponse {
        rows: rows(&why, &market, asked.key.by, most.rows),
        rows_total,
        terms: terms(measure, &why.terms),
        contributions: why.contributions.iter().map(contribution).collect(),
        releases,
        routes: why.routes,
        other_routes: why.other_routes,
        balances: why.balances,
        ..answer(asked, exposure)
    }
}

fn answer(asked: &Asked, exposure: Exposure) -> ExplainExposureResponse {
    let method = asked.key.measure.method();
    ExplainExposureResponse {
        exposure: Some(exposure),
        formula: method.formula.to_owned(),
        citation: method.citation.to_owned(),
        ..ExplainExposureResponse::default()
    }
}

/// The terms of the formula that have a figure, in the order in which they appear in it.
fn terms(measure: Measure, terms: &[Term]) -> Vec<wired::Term> {
    let of = |symbol: &'static Symbol| {
        terms.iter().filter(|term| term.symbol == symbol.symbol).map(|term| described(symbol, term))
    };
    measure.method().symbols.iter().flat_map(of).collect()
}

fn described(symbol: &Symbol, term: &Term) -> wired::Term {
    wired::Term {
        symbol: symbol.symbol.to_owned(),
        description: symbol.description.to_owned(),
        estimate: Some(wire::estimate(&term.estimate)),
        unit: term.unit.to_owned(),
    }
}

fn contribution(contribution: &Contribution) -> wired::Contribution {
    wired::Contribution {
        supplier: contribution.supplier.to_owned(),
        amount: Some(wire::estimate(&contribution.amount)),
        unit: contribution.unit.to_owned(),
        share: Some(wire::estimate(&contribution.share)),
    }
}

/// The source rows behind the figure, largest first by its weight, those without a size last, up to so many.
fn rows(why: &Explanation<'_>, market: &Market, by: Weight, most: usize) -> Vec<SourceRow> {
    let size = |cited: &Cited<'_>| match (&cited.row, by) {
        (CitedRow::Flow(_, flow), Weight::Quantity) => flow.quantity.known(),
        (CitedRow::Flow(_, flow), Weight::Value) => flow.value.known(),
        (CitedRow::Residual(_, flow), Weight::Quantity) => flow.quantity.known(),
        (CitedRow::Residual(_, flow), Weight::Value) => flow.value.known(),
        (CitedRow::Output(_, output), _) => output.quantity.known(),
        _ => None,
    };
    let size = |cited: &Cited<'_>| size(cited).unwrap_or(f64::NEG_INFINITY);
    let mut rows: Vec<_> = why.rows.iter().collect();
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    rows.truncate(most);
    rows.into_iter().map(|cited| row(cited, market)).collect()
}

fn row(cited: &Cited<'_>, market: &Market) -> SourceRow {
    let (content, origin) = (cited.content, cited.origin());
    let file = content.release.files.get(usize::from(origin.file));
    let told = match &cited.row {
        CitedRow::Flow(period, flow) => SourceRow { period: period.to_string(), ..trade(content, flow) },
        CitedRow::Residual(period, flow) => {
            SourceRow { period: period.to_string(), ..residual(content, flow) }
        }
        CitedRow::Output(period, output) => {
            SourceRow { period: period.to_string(), ..production(content, output, market) }
        }
        CitedRow::Governed(indicator, period, row) => SourceRow {
            period: period.to_string(),
            economy: row.economy.code().to_owned(),
            product: (*indicator).to_owned(),
            ..figured(row.value)
        },
        CitedRow::Parameter(name, holding, row) => {
            SourceRow { period: holding.period.to_string(), ..parameter(content, name, holding, row) }
        }
        CitedRow::Restriction(key, row) => restriction(content, key, row),
    };
    SourceRow {
        release: content.release.id.clone(),
        file: file.map(|file| file.name.clone()).unwrap_or_default(),
        line: origin.line,
        column: file.map(|file| cells(file, &cited.row, origin)).unwrap_or_default(),
        ..told
    }
}

/// Where in its row a figure stands: by the name of the column, by its number where columns have no names.
fn cells(file: &SourceFile, row: &CitedRow<'_>, origin: Origin) -> String {
    let named = |column: u32| {
        let place = usize::try_from(column).ok()?.checked_sub(1)?;
        Some(
            file.columns
                .get(place)
                .filter(|name| !name.is_empty())
                .cloned()
                .unwrap_or_else(|| column.to_string()),
        )
    };
    let columns = match row {
        CitedRow::Flow(..) | CitedRow::Residual(..) => {
            let own = Some(u32::from(origin.column)).filter(|column| *column > 0);
            [own.unwrap_or(file.quantity_column), file.value_column]
        }
        _ => [u32::from(origin.column), 0],
    };
    columns.into_iter().filter_map(named).collect::<Vec<_>>().join(",")
}

fn trade(content: &Content, flow: &Flow) -> SourceRow {
    let reporter = match flow.reporter {
        Reporter::One => None,
        Reporter::Importer => Some("reported by the importer"),
        Reporter::Exporter => Some("reported by the exporter"),
    };
    let proxy = content.is_proxy(flow.product).then_some("the code also holds other goods");
    let notes: Vec<_> = reporter.into_iter().chain(proxy).collect();
    SourceRow {
        economy: flow.exporter.code().to_owned(),
        partner: flow.importer.code().to_owned(),
        product: content.product(flow.product).to_owned(),
        value: flow.value.known(),
        note: notes.join("; "),
        ..weighed(flow.quantity)
    }
}

/// A row of trade with a partner that is no economy: its code stands in the place of one.
fn residual(content: &Content, row: &ResidualFlow) -> SourceRow {
    let (economy, partner) = (row.economy.code().to_owned(), row.kind.code.to_owned());
    let (economy, partner) = if row.is_import { (partner, economy) } else { (economy, partner) };
    SourceRow {
        economy,
        partner,
        product: content.product(row.product).to_owned(),
        value: row.value.known(),
        note: row.kind.name.to_owned(),
        ..weighed(row.quantity)
    }
}

/// A row of output. Its product is the series: what is weighed.
fn production(content: &Content, output: &Output, market: &Market) -> SourceRow {
    let series = format!("{} {} ({})", market.material, market.stage, content.product(output.product));
    SourceRow {
        economy: output.economy.map_or(orewatch_catalog::OTHER, EconomyId::code).to_owned(),
        product: series,
        ..weighed(output.quantity)
    }
}

fn parameter(content: &Content, name: &str, holding: &Holding, row: &Parameter) -> SourceRow {
    let code = |who: Option<Who>| who.map_or("", Who::code).to_owned();
    let item = content.product(row.item);
    SourceRow {
        economy: code(holding.economy),
        partner: code(row.partner),
        product: if item.is_empty() { name.to_owned() } else { format!("{name} {item}") },
        ..figured(row.value)
    }
}

fn restriction(content: &Content, key: &Restricting, row: &Restriction) -> SourceRow {
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let judged =
        if row.evaluation == Evaluation::Unspecified { "not judged" } else { row.evaluation.as_str() };
    let concerned: Vec<_> = content.concerned(row).iter().map(|who| who.code()).collect();
    SourceRow {
        economy: key.economy.code().to_owned(),
        partner: concerned.join(","),
        product: content.product(row.product).to_owned(),
        note: format!("{} {}..{}, {judged}", content.product(row.kind), day(row.from), day(row.until)),
        ..SourceRow::default()
    }
}

fn weighed(quantity: Cell) -> SourceRow {
    let quantity_status = status(quantity).into();
    SourceRow { quantity: quantity.known(), quantity_status, ..SourceRow::default() }
}

fn figured(figure: Cell) -> SourceRow {
    SourceRow { figure: figure.known(), ..SourceRow::default() }
}

fn status(cell: Cell) -> common::Status {
    wire::status(if cell.known().is_some() { Status::Known } else { cell.status })
}
