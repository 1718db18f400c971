//! Concentration of supply in the base case of the IEA's Critical Minerals Dataset, computed from its supply
//! by country.
//!
//! In 15 of 48 blocks, the publisher's rest of the world also contains the country that it names last: the
//! parts exceed the printed total by exactly that country. The denominator is the printed total. The
//! publisher's shares of the top three leave such a country in the rest of the world, and so do these cases.

use orewatch_catalog::{OTHER, WORLD};
use orewatch_measures::{Amount, Estimate, Measure, Sourcing};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::{Case, Published};

/// Name of the table of supply.
const SUPPLY: &str = "iea-supply.csv";

/// Largest accepted difference between shares that are printed with five digits or more.
const PRINTED: f64 = 5e-4;

/// Largest difference of sums that is rounding, as a fraction of the total.
const ROUNDING: f64 = 1e-9;

/// The minerals whose shares the publisher averages.
const AVERAGED: [&str; 6] = ["copper", "lithium", "nickel", "cobalt", "graphite", "rare-earths"];

/// Every case of the tables.
pub(crate) fn cases() -> Result<Vec<Case>, BadTable> {
    let supply = Table::read(SUPPLY, include_str!("../data/iea-supply.csv"))?;
    let printed = Table::read("iea-top3.csv", include_str!("../data/iea-top3.csv"))?;
    let derived = Table::read("iea-derived.csv", include_str!("../data/iea-derived.csv"))?;
    let report = Table::read("iea-report.csv", include_str!("../data/iea-report.csv"))?;
    let mut cases: Vec<_> =
        printed.rows().map(|row| top3_case(&supply, &printed, &row)).collect::<Result<_, _>>()?;
    for table in [&derived, &report] {
        for row in table.rows() {
            cases.push(derived_case(&supply, table, &row)?);
        }
    }
    Ok(cases)
}

/// A share of the top three that the publisher prints.
fn top3_case(supply: &Table, printed: &Table, row: &Row<'_>) -> Result<Case, BadTable> {
    let [material, stage, year] = ["material", "stage", "year"].map(|column| row.text(column));
    let ours = Block::find(supply, material, stage, year)?.top3();
    let share = row.number("share")?;
    let claim = Claim {
        measure: Measure::ProductionTop3,
        term: "",
        case: format!("{material}, {stage}, {year}"),
        unit: "share",
        tolerance: PRINTED,
        source: printed.source(),
    };
    Ok(claim.compare(Published::number(format!("{:.2} %", share * 100.0), share), ours, row.text("reason")))
}

/// A figure that follows from the table of supply.
fn derived_case(supply: &Table, table: &Table, row: &Row<'_>) -> Result<Case, BadTable> {
    let [figure, material, stage] = ["figure", "material", "stage"].map(|column| row.text(column));
    let [year, until, economy] = ["year", "until", "economy"].map(|column| row.text(column));
    let block = |year: &str| Block::find(supply, material, stage, year);
    let (measure, case, ours) = match figure {
        "mean-top3" => {
            let case = format!("mean of six minerals, {stage}, {year}");
            (Measure::ProductionTop3, case, Estimate::known(mean_top3(supply, stage, year)?))
        }
        "share" => {
            let case = format!("{material}, {stage}, {year}: {economy}");
            (Measure::ProductionShare, case, block(year)?.share(economy))
        }
        "growth" => {
            let (first, last) = (block(year)?, block(until)?);
            let case = format!("{material}, {stage}, growth {year} to {until}: {economy}");
            let growth = (last.amount(economy) - first.amount(economy)) / (last.total - first.total);
            (Measure::ProductionShare, case, Estimate::known(growth))
        }
        _ => return Err(row.bad("this figure is not known")),
    };
    let (text, percent) = (row.text("percent"), row.number("percent")?);
    let unit = "share";
    let claim =
        Claim { measure, term: "", case, unit, tolerance: half_a_digit(text), source: table.source() };
    Ok(claim.compare(Published::number(format!("{text} %"), percent / 100.0), ours, ""))
}

/// Half of the last digit of a percentage, as a share, and a little more for rounding.
fn half_a_digit(percent: &str) -> f64 {
    match percent.split_once('.').map_or(0, |(_, decimals)| decimals.len()) {
        0 => 0.0051,
        1 => 0.000_51,
        _ => 0.000_1,
    }
}

/// Mean share of the top three over the averaged minerals.
fn mean_top3(supply: &Table, stage: &str, year: &str) -> Result<f64, BadTable> {
    let mut sum = 0.0;
    for material in AVERAGED {
        let top3 = Block::find(supply, material, stage, year)?.top3();
        sum += top3.value.ok_or_else(|| damaged(material, stage, year))?;
    }
    Ok(sum / 6.0)
}

/// Supply of a material at a stage in a year, in kilotonnes as printed.
struct Block<'a> {
    named: Vec<(&'a str, f64)>,
    rest: f64,
    total: f64,
}

impl<'a> Block<'a> {
    fn find(supply: &'a Table, material: &str, stage: &str, year: &str) -> Result<Self, BadTable> {
        let mut block = Self { named: Vec::new(), rest: 0.0, total: 0.0 };
        let is_wanted = |row: &Row<'_>| {
            (row.text("material"), row.text("stage"), row.text("period")) == (material, stage, year)
        };
        for row in supply.rows().filter(is_wanted) {
            let quantity = row.number("quantity")?;
            match row.text("economy") {
                OTHER => block.rest = quantity,
                WORLD => block.total = quantity,
                economy => block.named.push((economy, quantity)),
            }
        }
        if block.total > 0.0 { Ok(block) } else { Err(damaged(material, stage, year)) }
    }

    /// The country that the rest of the world also contains.
    fn also_in_rest(&self) -> Option<&'a str> {
        let parts = self.named.iter().map(|(_, quantity)| quantity).sum::<f64>() + self.rest;
        let excess = parts - self.total;
        let rounding = self.total * ROUNDING;
        let is_excess = |(_, quantity): &&(&str, f64)| (quantity - excess).abs() <= rounding;
        self.named.iter().filter(|_| excess > rounding).find(is_excess).map(|(economy, _)| *economy)
    }

    /// Share of the three largest countries that the publisher shows beside the rest of the world.
    fn top3(&self) -> Estimate {
        let hidden = self.also_in_rest();
        let shown = self.named.iter().filter(|(economy, _)| Some(*economy) != hidden);
        self.sourcing(shown.copied()).top::<3>().0
    }

    /// Share of a country in the printed total.
    fn share(&self, economy: &str) -> Estimate {
        let sourcing = self.sourcing(self.named.iter().copied());
        let mut shares = sourcing.shares();
        let found = shares.find(|(key, _)| *key == economy).map(|(_, share)| share);
        found.unwrap_or(Estimate::known(0.0))
    }

    /// Countries beside a residual: the printed total less these countries.
    fn sourcing(&self, named: impl Iterator<Item = (&'a str, f64)> + Clone) -> Sourcing<&'a str> {
        let rest = self.total - named.clone().map(|(_, quantity)| quantity).sum::<f64>();
        let rest = if rest > self.total * ROUNDING { Amount::known(rest) } else { Amount::NOTHING };
        Sourcing::new(named.map(|(economy, quantity)| (economy, Amount::known(quantity))), rest)
    }

    /// Supply of a country; 0 if it is not named.
    fn amount(&self, economy: &str) -> f64 {
        self.named.iter().find(|(name, _)| *name == economy).map_or(0.0, |(_, quantity)| *quantity)
    }
}

fn damaged(material: &str, stage: &str, year: &str) -> BadTable {
    BadTable { table: SUPPLY.to_owned(), what: format!("{material}, {stage}, {year} is not complete") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_contains_a_named_country_in_exactly_15_blocks() {
        let supply = Table::read(SUPPLY, include_str!("../data/iea-supply.csv")).unwrap();
        let totals = supply.rows().filter(|row| row.text("economy") == WORLD);
        let blocks = totals.map(|row| {
            Block::find(&supply, row.text("material"), row.text("stage"), row.text("period")).unwrap()
        });
        let blocks: Vec<_> = blocks.collect();
        assert_eq!(blocks.len(), 48);
        assert_eq!(blocks.iter().filter(|block| block.also_in_rest().is_some()).count(), 15);
        for block in blocks.iter().filter(|block| block.also_in_rest().is_none()) {
            let parts = block.named.iter().map(|(_, quantity)| quantity).sum::<f64>() + block.rest;
            assert!((parts - block.total).abs() <= block.total * ROUNDING, "another difference");
        }
    }
}
