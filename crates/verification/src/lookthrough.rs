//! Look-through of manganese ore in 2022: direct imports and true origins.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, Period};
use orewatch_measures::{Amount, Estimate, Lookthrough, Measure, Network, Solver, Sourcing};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::trade::Trade;
use crate::{Case, Published};

const YEAR: &str = "2022";
const PRODUCT: &str = "260200";

/// Shares are printed with three decimals; indices, on the scale of 0 to 10000, to the nearest ten.
const SHARE_TOLERANCE: f64 = 0.0006;
const INDEX_TOLERANCE: f64 = 6.0;

const GROSS: &str = "trade is weighed gross and output by content, so 26 million tonnes had to be added to \
                     balance the network: the shares hold, tonnes would not";

/// A flow between two economies.
type Flow<'a> = (&'a str, &'a str, Amount);

/// Every case of the table.
pub(crate) fn cases(trade: &Trade<'_>) -> Result<Vec<Case>, BadTable> {
    let table = Table::read("lookthrough.csv", include_str!("../data/lookthrough.csv"))?;
    let output = Table::read("geopolrisk-production.csv", include_str!("../data/geopolrisk-production.csv"))?;
    let year = YEAR.parse().map_err(|_| BadTable { table: YEAR.to_owned(), what: "no year".to_owned() })?;
    // Only flows with a known quantity.
    let known = trade.flows(year, PRODUCT).iter().filter(|flow| flow.quantity.is_known());
    let flows: Vec<Flow<'_>> = known.map(|flow| (flow.exporter, flow.importer, flow.quantity)).collect();
    let output = output.rows().map(|row| Ok((row.text("economy"), row.amount("tonnes")?)));
    let output = output.collect::<Result<Vec<_>, BadTable>>()?;
    let network = Network::new(output, Amount::NOTHING, flows.iter().copied());
    let solved = network.solve(&mut Solver::default());
    table.rows().map(|row| case(&table, &row, &flows, &solved)).collect()
}

fn case<'a>(
    table: &Table,
    row: &Row<'a>,
    flows: &[Flow<'a>],
    solved: &Lookthrough<&'a str>,
) -> Result<Case, BadTable> {
    let measure: Measure = row.text("measure").parse().map_err(|_| row.bad("unknown measure"))?;
    let (consumer, origin, published) = (row.text("consumer"), row.text("origin"), row.number("published")?);
    let is_share = measure.method().has_supplier;
    let claim = Claim {
        measure,
        term: "",
        case: if is_share {
            format!("manganese ore, {consumer}, {YEAR}: {origin}")
        } else {
            format!("manganese ore, {consumer}, {YEAR}")
        },
        unit: measure.method().unit,
        tolerance: if is_share { SHARE_TOLERANCE } else { INDEX_TOLERANCE },
        source: table.source(),
    };
    let ours = ours(row, measure, &members(row)?, (flows, solved));
    let text =
        if is_share { format!("{:.1} %", published * 100.0) } else { row.text("published").to_owned() };
    let is_direct = matches!(measure, Measure::ImportShare | Measure::ImportHhi);
    Ok(claim.compare(Published::number(text, published), ours, if is_direct { "" } else { GROSS }))
}

fn ours<'a>(
    row: &Row<'a>,
    measure: Measure,
    members: &BTreeSet<&'a str>,
    (flows, solved): (&[Flow<'a>], &Lookthrough<&'a str>),
) -> Estimate {
    let is_import = |(from, to, _): &&Flow<'a>| members.contains(to) && !members.contains(from);
    let direct = || {
        Sourcing::new(
            flows.iter().filter(is_import).map(|(from, _, amount)| (*from, *amount)),
            Amount::NOTHING,
        )
    };
    let origins = || solved.origins(members.iter().copied());
    match measure {
        Measure::ImportShare => direct().share(row.text("origin")),
        Measure::ImportHhi => direct().hhi(),
        Measure::LookthroughHhi => origins().hhi(),
        _ => origins().share(row.text("origin")),
    }
}

/// Economies that belong to the consumer.
fn members(row: &Row<'_>) -> Result<BTreeSet<&'static str>, BadTable> {
    let consumer: Consumer = row.text("consumer").parse().map_err(|_| row.bad("unknown consumer"))?;
    let period: Period = YEAR.parse().map_err(|_| row.bad("unknown period"))?;
    Ok(match consumer {
        Consumer::Economy(economy) => BTreeSet::from([economy.iso3]),
        Consumer::Bloc(bloc) => bloc.members(period).iter().map(|member| member.iso3).collect(),
        Consumer::World => return Err(row.bad("the world has no imports")),
    })
}
