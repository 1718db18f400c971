//! Explanation of an exposure: the terms of its formula, suppliers, source rows, routes and releases.

use orewatch_catalog::WORLD;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1 as wired;
use orewatch_contracts::exposure::v1::{ExplainExposureResponse, Exposure, ReleaseNote, SourceRow};
use orewatch_contracts::ingestion::v1::{PublisherNote, SourceFile};
use orewatch_measures::{Measure, Status, Symbol, Term, Weight};
use orewatch_runtime::Stop;

use crate::absent::name_absent_codes;
use crate::book::{
    Book, Cell, ConsumerId, EconomyId, Evaluation, Flow, Knowledge, Market, Origin, Output, Parameter,
    ParameterKey, ProjectedFor, Projection, ReleaseContent, Reporter, ResidualFlow, Restriction,
    RestrictionKey,
};
use crate::figures::{Contribution, Explanation, explanation, figure};
use crate::grounds::Grounds;
use crate::query::{exposure, exposure_of, latest_period};
use crate::request::ExposureRequest;
use crate::revisions::KnownFirmness;
use crate::scope::{Cited, CitedRow, ScopeCache};
use crate::wire;

/// Largest numbers of source rows and routes in an explanation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExplainLimits {
    /// Largest number of source rows.
    pub(crate) rows: usize,
    /// Largest number of routes.
    pub(crate) routes: usize,
}

/// Note on the row of a total.
const PUBLISHED_TOTAL: &str = "the publisher's total";

/// Upper bound on the notes of publishers in an explanation.
const MAX_NOTES: usize = 100;

/// Explains one exposure.
///
/// # Errors
/// The request was stopped.
pub(crate) fn explain(
    book: &Book,
    at: Knowledge,
    request: &ExposureRequest,
    limits: ExplainLimits,
    stop: &Stop,
) -> Result<ExplainExposureResponse, Failure> {
    let Some(period) = request.period.or_else(|| latest_period(book, at, request)) else {
        return Ok(answer(request, exposure_of(book, at, request, false)));
    };
    let market = request.market(period);
    let (scope, measure) = (ScopeCache::new(book, at).scope(market), request.key.measure);
    let figure = figure(&scope, request.figure_request());
    let why = explanation(&scope, request.figure_request(), limits.routes);
    let releases = scope.consulted(measure.method().table);
    let exposure = Grounds::new(&scope).add_to(exposure(&market, &figure, &releases), &figure);
    let mut exposure =
        KnownFirmness::new(book, at, request.topic(), stop).add_to(exposure, request.key.by)?;
    name_absent_codes(&mut exposure, measure, request.material, request.stage);
    let is_used = |content: &&ReleaseContent| exposure.releases.contains(&content.release.id);
    let used: Vec<_> = releases.into_iter().filter(is_used).collect();
    let rows_total = u64::try_from(why.rows.len()).unwrap_or(u64::MAX);
    Ok(ExplainExposureResponse {
        rows: rows(&why, &market, request.key.by, limits.rows),
        rows_total,
        terms: terms(measure, &why.terms),
        contributions: why.contributions.iter().map(contribution).collect(),
        releases: used.iter().map(|content| content.release.clone()).collect(),
        routes: why.routes,
        other_routes: why.other_routes,
        balances: why.balances,
        notes: notes(&used, &market),
        ..answer(request, exposure)
    })
}

/// What publishers say in these releases about the figures of a market.
fn notes(releases: &[&ReleaseContent], market: &Market) -> Vec<ReleaseNote> {
    let period = market.period.to_string();
    let is_about = |note: &&PublisherNote| {
        note.material == market.material
            && note.stage == market.stage.as_str()
            && (note.period.is_empty() || note.period == period)
    };
    let of_release = |content: &&ReleaseContent| {
        let release = content.release.id.clone();
        let about = content.notes.iter().filter(is_about).cloned();
        about.map(|note| ReleaseNote { release: release.clone(), note: Some(note) }).collect::<Vec<_>>()
    };
    releases.iter().flat_map(of_release).take(MAX_NOTES).collect()
}

fn answer(request: &ExposureRequest, exposure: Exposure) -> ExplainExposureResponse {
    let method = request.key.measure.method();
    ExplainExposureResponse {
        exposure: Some(exposure),
        formula: method.formula.to_owned(),
        citation: method.citation.to_owned(),
        ..ExplainExposureResponse::default()
    }
}

/// The terms of the formula that have a figure, in the order of the formula.
fn terms(measure: Measure, terms: &[Term]) -> Vec<wired::Term> {
    let of_symbol = |symbol: &'static Symbol| {
        terms.iter().filter(|term| term.symbol == symbol.symbol).map(|term| described(symbol, term))
    };
    measure.method().symbols.iter().flat_map(of_symbol).collect()
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

/// Up to `max` source rows of the figure: the largest by its weight first, those without an amount last.
fn rows(why: &Explanation<'_>, market: &Market, by: Weight, max: usize) -> Vec<SourceRow> {
    let size = |cited: &Cited<'_>| match (&cited.row, by) {
        (CitedRow::Flow(_, flow), Weight::Quantity) => flow.quantity.known(),
        (CitedRow::Flow(_, flow), Weight::Value) => flow.value.known(),
        (CitedRow::Residual(_, flow), Weight::Quantity) => flow.quantity.known(),
        (CitedRow::Residual(_, flow), Weight::Value) => flow.value.known(),
        (CitedRow::Output(_, output) | CitedRow::WorldTotal(_, output), _) => output.quantity.known(),
        (CitedRow::Projection(_, projection), _) => projection.quantity.known(),
        _ => None,
    };
    let size = |cited: &Cited<'_>| size(cited).unwrap_or(f64::NEG_INFINITY);
    let mut rows: Vec<_> = why.rows.iter().collect();
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    rows.truncate(max);
    rows.into_iter().map(|cited| row(cited, market)).collect()
}

fn row(cited: &Cited<'_>, market: &Market) -> SourceRow {
    let (content, origin) = (cited.content, cited.origin());
    let file = content.release.files.get(usize::from(origin.file));
    let described = match &cited.row {
        CitedRow::Flow(period, flow) => SourceRow { period: period.to_string(), ..trade(content, flow) },
        CitedRow::Residual(period, flow) => {
            SourceRow { period: period.to_string(), ..residual(content, flow) }
        }
        CitedRow::Output(period, output) => {
            SourceRow { period: period.to_string(), ..production(content, output, market) }
        }
        CitedRow::WorldTotal(period, output) => SourceRow {
            period: period.to_string(),
            economy: WORLD.to_owned(),
            note: PUBLISHED_TOTAL.to_owned(),
            ..production(content, output, market)
        },
        CitedRow::Projection(period, projection) => {
            SourceRow { period: period.to_string(), ..projected(content, projection, market) }
        }
        CitedRow::GovernanceScore(indicator, period, row) => SourceRow {
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
        column: file.map(|file| columns(file, &cited.row, origin)).unwrap_or_default(),
        ..described
    }
}

/// The columns of the file in which a figure of a row is: their names, or their numbers if columns have no
/// names.
fn columns(file: &SourceFile, row: &CitedRow<'_>, origin: Origin) -> String {
    let named = |column: u32| {
        let index = usize::try_from(column).ok()?.checked_sub(1)?;
        Some(
            file.columns
                .get(index)
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

fn trade(content: &ReleaseContent, flow: &Flow) -> SourceRow {
    let reporter = match flow.reporter {
        Reporter::Unspecified => None,
        Reporter::Importer => Some("reported by the importer"),
        Reporter::Exporter => Some("reported by the exporter"),
    };
    let proxy = content.is_proxy(flow.product).then_some("the code also holds other goods");
    let notes: Vec<_> = reporter.into_iter().chain(proxy).collect();
    SourceRow {
        economy: flow.exporter.code().to_owned(),
        partner: flow.importer.code().to_owned(),
        product: content.text(flow.product).to_owned(),
        value: flow.value.known(),
        note: notes.join("; "),
        ..weighed(flow.quantity)
    }
}

/// A row of trade with a partner that is not an economy: the code of the partner is given as the economy.
fn residual(content: &ReleaseContent, row: &ResidualFlow) -> SourceRow {
    let (economy, partner) = (row.economy.code().to_owned(), row.kind.code.to_owned());
    let (economy, partner) = if row.is_import { (partner, economy) } else { (economy, partner) };
    SourceRow {
        economy,
        partner,
        product: content.text(row.product).to_owned(),
        value: row.value.known(),
        note: row.kind.name.to_owned(),
        ..weighed(row.quantity)
    }
}

/// A row of output. Its product is the series with the basis of its weights.
fn production(content: &ReleaseContent, output: &Output, market: &Market) -> SourceRow {
    let series = format!("{} {} ({})", market.material, market.stage, content.text(output.product));
    SourceRow {
        economy: output.economy.map_or(orewatch_catalog::OTHER, EconomyId::code).to_owned(),
        product: series,
        ..weighed(output.quantity)
    }
}

/// A projected row, as it was published.
fn projected(content: &ReleaseContent, row: &Projection, market: &Market) -> SourceRow {
    let note = match row.of {
        ProjectedFor::Economy(_) => "",
        ProjectedFor::Others => "the publisher's residual",
        ProjectedFor::World => PUBLISHED_TOTAL,
    };
    SourceRow {
        economy: row.of.code().to_owned(),
        product: format!("{} {} ({})", market.material, market.stage, content.text(row.product)),
        note: note.to_owned(),
        ..weighed(row.quantity)
    }
}

fn parameter(content: &ReleaseContent, name: &str, holding: &ParameterKey, row: &Parameter) -> SourceRow {
    let code = |consumer: Option<ConsumerId>| consumer.map_or("", ConsumerId::code).to_owned();
    let item = content.text(row.item);
    SourceRow {
        economy: code(holding.economy),
        partner: code(row.partner),
        product: if item.is_empty() { name.to_owned() } else { format!("{name} {item}") },
        ..figured(row.value)
    }
}

fn restriction(content: &ReleaseContent, key: &RestrictionKey, row: &Restriction) -> SourceRow {
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let evaluation =
        if row.evaluation == Evaluation::Unspecified { "not evaluated" } else { row.evaluation.as_str() };
    let concerned: Vec<_> = content.concerned(row).iter().map(|consumer| consumer.code()).collect();
    SourceRow {
        economy: key.economy.code().to_owned(),
        partner: concerned.join(","),
        product: content.text(row.product).to_owned(),
        note: format!("{} {}..{}, {evaluation}", content.text(row.kind), day(row.from), day(row.until)),
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
