//! How many product codes meet the dependency tests of the European Commission and of GeoDep, over the codes
//! of the catalogue's table of trade. The counts of the publications are over all codes, and are not these.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, Period};
use orewatch_measures::{
    Amount, EcYear, Estimate, ExtraImports, GeodepYear, Measure, Sourcing, Status, TradeBalance,
    ec_dependency_years, geodep_years,
};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::trade::{Flow, Trade};
use crate::{Case, Published};

/// Years of three in which GeoDep's tests are met, from which on a code is a dependency.
const GEODEP_YEARS: f64 = 2.0;

/// Every case of the table.
pub(crate) fn cases(trade: &Trade<'_>) -> Result<Vec<Case>, BadTable> {
    let table = Table::read("dependency.csv", include_str!("../data/dependency.csv"))?;
    table.rows().map(|row| case(&table, &row, trade)).collect()
}

fn case(table: &Table, row: &Row<'_>, trade: &Trade<'_>) -> Result<Case, BadTable> {
    let measure: Measure = row.text("measure").parse().map_err(|_| row.bad("unknown measure"))?;
    let consumer: Consumer = row.text("consumer").parse().map_err(|_| row.bad("unknown consumer"))?;
    let years = years(row)?;
    let codes = trade.codes();
    let met = codes.iter().copied().filter(|code| is_met(measure, trade, consumer, &years, code));
    let met: Vec<_> = met.collect();
    // The same number of other codes is no reproduction.
    if met.join(" ") != row.text("list") {
        return Err(row.bad(&format!("other codes meet the tests: {}", met.join(" "))));
    }
    let period = match (row.text("from"), row.text("until")) {
        (from, until) if from == until => from.to_owned(),
        (from, until) => format!("{from} to {until}"),
    };
    let claim = Claim {
        measure,
        term: "codes",
        case: format!("{}, {period}, {} codes", row.text("consumer"), codes.len()),
        unit: "count",
        tolerance: 0.0,
        source: table.source(),
    };
    let count = u32::try_from(met.len()).map_err(|_| row.bad("too many codes"))?;
    let published = Published::number(row.text("codes"), row.number("codes")?);
    Ok(claim.compare(published, Estimate::known(f64::from(count)), ""))
}

/// The years of a row.
fn years(row: &Row<'_>) -> Result<Vec<Period>, BadTable> {
    let year = |column| row.text(column).parse::<i16>().map_err(|_| row.bad("a year is no number"));
    let years = (year("from")?..=year("until")?).map(Period::year).collect::<Result<_, _>>();
    years.map_err(|_| row.bad("a year is out of range"))
}

/// Whether a code is a dependency of a consumer: by the Commission's tests in the year, by GeoDep's in two of
/// the three years.
fn is_met(measure: Measure, trade: &Trade<'_>, consumer: Consumer, years: &[Period], code: &str) -> bool {
    let tested: Vec<_> = years.iter().map(|year| Tested::new(trade, consumer, *year, code)).collect();
    match (measure, tested.as_slice()) {
        (Measure::EcDependencyYears, [year]) => {
            // Met in the year if it is met three times in three equal years.
            ec_dependency_years(&[Some(year.commission()); 3]).low >= Some(3.0)
        }
        (_, [first, second, third]) => {
            let years = [first, second, third].map(|year| Some(year.geodep()));
            geodep_years(&years).low >= Some(GEODEP_YEARS)
        }
        _ => false,
    }
}

/// The trade of a consumer in one code and year, by value.
struct Tested<'a> {
    imports: BTreeMap<&'a str, Amount>,
    world: Estimate,
    exports: Amount,
    intra: Amount,
}

impl<'a> Tested<'a> {
    fn new(trade: &Trade<'a>, consumer: Consumer, year: Period, code: &str) -> Self {
        let members = members(consumer, year);
        let (mut imports, mut world) = (BTreeMap::new(), BTreeMap::new());
        let (mut exports, mut intra) = (Amount::NOTHING, Amount::NOTHING);
        for Flow { exporter, importer, value, .. } in trade.flows(year, code) {
            add(&mut world, exporter, *value);
            match (members.contains(exporter), members.contains(importer)) {
                (false, true) => add(&mut imports, exporter, *value),
                (true, false) => exports = exports + *value,
                (true, true) => intra = intra + *value,
                (false, false) => {}
            }
        }
        Self { imports, world: hhi(&world), exports, intra }
    }

    fn total(&self) -> Amount {
        self.imports.values().fold(Amount::NOTHING, |sum, amount| sum + *amount)
    }

    fn ratio(&self) -> Estimate {
        TradeBalance { imports: self.total(), exports: self.exports }.ratio()
    }

    fn commission(&self) -> EcYear {
        let share = ExtraImports { extra: self.total(), intra: self.intra }.share();
        EcYear { import_hhi: hhi(&self.imports), extra_share: share, ratio: self.ratio() }
    }

    fn geodep(&self) -> GeodepYear {
        GeodepYear { import_hhi: hhi(&self.imports), export_hhi: self.world, ratio: self.ratio() }
    }
}

fn add<'a>(amounts: &mut BTreeMap<&'a str, Amount>, economy: &'a str, value: Amount) {
    let sum = amounts.entry(economy).or_insert(Amount::NOTHING);
    *sum = *sum + value;
}

fn hhi(amounts: &BTreeMap<&str, Amount>) -> Estimate {
    if amounts.is_empty() {
        return Estimate::missing(Status::NotApplicable, "nothing is traded");
    }
    Sourcing::new(amounts.iter().map(|(economy, amount)| (*economy, *amount)), Amount::NOTHING).hhi()
}

/// Economies that belong to a consumer in a period. The world has none outside of it.
pub(crate) fn members(consumer: Consumer, period: Period) -> BTreeSet<&'static str> {
    match consumer {
        Consumer::Economy(economy) => BTreeSet::from([economy.iso3]),
        Consumer::Bloc(bloc) => bloc.members(period).iter().map(|member| member.iso3).collect(),
        Consumer::World => BTreeSet::new(),
    }
}
