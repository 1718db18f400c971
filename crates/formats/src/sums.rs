//! Compares totals that a source declares with the sums of their parts.
//!
//! A total of flows that is above the sum of its parts contains flows with partners that the source does not
//! show. The difference becomes a flow of its own, from or to `OTHER:undistributed`: otherwise a share of
//! what is shown would look like a share of everything.
use std::collections::{HashMap, HashSet};

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::{DeclaredTotals, Discrepancy, Reporter, Table};

use super::figure::Figure;
use super::location::SourceLocation;
use super::names::{Names, Symbol, Topic};
use super::{Observation, Qualifier, Reject};

/// Upper bound on the discrepancies that are listed; all are counted.
const MAX_LISTED_DISCREPANCIES: usize = 20;

/// Relative precision of sums: sources round to three decimals.
const PRECISION: f64 = 1e-6;

/// Differences up to this are rounding, in thousand US dollars or tonnes.
const MIN_DIFFERENCE: f64 = 0.01;

/// What a total is the sum of: the flows of an economy in one direction, or the output of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Aggregate {
    /// All imports of an economy.
    Imports(Symbol),
    /// All exports of an economy.
    Exports(Symbol),
    /// The output of all economies.
    Output,
}

/// Identifies a total; rows and parts of totals belong to the totals of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TotalKey {
    /// The period.
    pub(super) period: Symbol,
    /// The product or series.
    pub(super) topic: Symbol,
    /// What it is the sum of.
    pub(super) aggregate: Aggregate,
    /// Who reports it; UNSPECIFIED for output, and if the source has one figure for each flow.
    pub(super) reporter: Reporter,
}

/// A total that a source declares, such as the row `World` of a reporter's partners.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclaredTotal {
    /// What it is the total of.
    pub(super) key: TotalKey,
    /// Value and quantity, or quantity alone. Only known figures are compared.
    pub(super) figures: [Figure; 2],
    /// Share of the total by which the source rounds it; 0: not at all.
    pub(super) rounding: f64,
}

/// The sum of the parts of a total.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    known: [f64; 2],
    /// Some part is unknown: the sum is a lower bound.
    is_open: [bool; 2],
    parts: u64,
}

/// Sums of what was read, and the totals to compare them with.
#[derive(Debug, Default)]
pub(super) struct Sums {
    sums: HashMap<TotalKey, Sum>,
    totals: Vec<(DeclaredTotal, u32, SourceLocation)>,
    /// Number of totals above the sum of their parts.
    above: u64,
}

/// The row of what a total holds above the sum of its parts, at the location of the total.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undistributed {
    pub(super) row: Observation,
    pub(super) file: u32,
    pub(super) location: SourceLocation,
}

impl Sums {
    /// Adds a recorded row to its totals.
    pub(super) fn add_row(&mut self, table: Table, row: &Observation) {
        let key = |aggregate| TotalKey {
            period: row.period,
            topic: row.topic,
            aggregate,
            reporter: row.reporter(),
        };
        let sides = [Aggregate::Imports(row.partner), Aggregate::Exports(row.economy)];
        match (table, row.reporter()) {
            (Table::Production, _) => self.add_part(key(Aggregate::Output), row.figures),
            (_, Reporter::Importer) => self.add_part(key(Aggregate::Imports(row.partner)), row.figures),
            (_, Reporter::Exporter) => self.add_part(key(Aggregate::Exports(row.economy)), row.figures),
            (_, Reporter::Unspecified) => {
                sides.map(key).iter().for_each(|key| self.add_part(*key, row.figures))
            }
        }
    }

    /// Adds a part of a total.
    pub(super) fn add_part(&mut self, key: TotalKey, figures: [Figure; 2]) {
        let sum = self.sums.entry(key).or_default();
        sum.parts += 1;
        for ((known, is_open), figure) in sum.known.iter_mut().zip(&mut sum.is_open).zip(figures) {
            match figure.status {
                Status::Known => *known += figure.number,
                _ => *is_open = true,
            }
        }
    }

    /// Adds a declared total.
    pub(super) fn add_total(&mut self, total: DeclaredTotal, file: u32, location: SourceLocation) {
        self.totals.push((total, file, location));
    }

    /// What totals of flows hold above the sum of their parts, one flow for each total, in the order in which
    /// the totals were declared. A figure is known if the total and all of its parts are.
    ///
    /// # Errors
    /// [`Reject`] if the dictionary of economies is full.
    pub(super) fn undistributed(&mut self, names: &mut Names) -> Result<Vec<Undistributed>, Reject> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (total, file, location) in &self.totals {
            // Of two totals with one key the first counts; the second is compared with the result.
            if total.key.aggregate == Aggregate::Output || !seen.insert(total.key) {
                continue;
            }
            let sum = self.sums.get(&total.key).copied().unwrap_or_default();
            if let Some(figures) = total.excess_over(&sum) {
                let partner = names.undistributed()?;
                let row = total.key.flow(partner, figures);
                found.push(Undistributed { row, file: *file, location: *location });
            }
        }
        self.above = u64::try_from(found.len()).unwrap_or(u64::MAX);
        Ok(found)
    }

    /// Compares all totals with their sums. None: none was declared.
    pub(super) fn compare(
        &self,
        table: Table,
        names: &Names,
        file: impl Fn(u32) -> String,
    ) -> Option<DeclaredTotals> {
        if self.totals.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        for (total, number, location) in &self.totals {
            let sum = self.sums.get(&total.key).copied().unwrap_or_default();
            let worst = (0..2)
                .filter_map(|figure| total.discrepancy(&sum, figure))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((share, figure, declared, summed)) = worst {
                let what = format!("{}, {}", describe_total(&total.key, names), figure_name(table, figure));
                let (file, line) = (file(*number), location.line);
                found.push((share, Discrepancy { what, declared, summed, parts: sum.parts, file, line }));
            }
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (compared, differing) = (count(self.totals.len()), count(found.len()));
        found.sort_by(|(first, _), (second, _)| second.total_cmp(first));
        let worst = found.into_iter().take(MAX_LISTED_DISCREPANCIES).map(|(_, found)| found).collect();
        Some(DeclaredTotals { compared, differing, worst, above: self.above })
    }
}

impl TotalKey {
    /// The part of this total with a partner, as a flow.
    fn flow(&self, partner: Symbol, figures: [Figure; 2]) -> Observation {
        let [economy, partner] = match self.aggregate {
            Aggregate::Exports(shipper) => [shipper, partner],
            Aggregate::Imports(receiver) => [partner, receiver],
            Aggregate::Output => [partner; 2],
        };
        let qualifier = match self.reporter {
            Reporter::Unspecified => Qualifier::None,
            reporter => Qualifier::Reported(reporter),
        };
        Observation { period: self.period, economy, partner, topic: self.topic, figures, qualifier }
    }
}

impl DeclaredTotal {
    /// What the total holds above its parts, if any of its figures does by more than rounding. A figure that
    /// does not is 0; it is unavailable if the total or a part is unknown. None: no figure does.
    ///
    /// Goods with a value have a weight. If value is left and no weight is, the source left the weight of
    /// some partner out of its total, and the weight of what is left is unknown.
    fn excess_over(&self, sum: &Sum) -> Option<[Figure; 2]> {
        let [value, quantity] = [0, 1].map(|figure| self.excess(sum, figure));
        let exceeds = |above: Option<f64>| above.is_some_and(|above| above > 0.0);
        let quantity = quantity.filter(|above| *above > 0.0 || !exceeds(value));
        let figure = |above: Option<f64>| above.map_or(Figure::UNAVAILABLE, Figure::known);
        (exceeds(value) || exceeds(quantity)).then(|| [figure(value), figure(quantity)])
    }

    /// What one figure of the total holds above its parts; 0 within rounding. None: the total or a part is
    /// unknown.
    fn excess(&self, sum: &Sum, figure: usize) -> Option<f64> {
        let declared = self.figures.get(figure).filter(|declared| declared.status == Status::Known)?.number;
        let summed = *sum.known.get(figure).filter(|_| sum.is_open.get(figure) == Some(&false))?;
        let difference = declared - summed;
        Some(if difference <= self.tolerance(summed, declared) { 0.0 } else { difference })
    }

    /// The largest difference between a total and its sum that is rounding.
    fn tolerance(&self, summed: f64, declared: f64) -> f64 {
        (declared.abs().max(summed.abs()) * self.rounding.max(PRECISION)).max(MIN_DIFFERENCE)
    }

    /// The share of the total by which the sum of its parts differs, with the number of the figure, the total
    /// and the sum. None: they agree.
    fn discrepancy(&self, sum: &Sum, figure: usize) -> Option<(f64, usize, f64, f64)> {
        let declared = self.figures.get(figure).filter(|figure| figure.status == Status::Known)?.number;
        let (summed, is_open) = (*sum.known.get(figure)?, *sum.is_open.get(figure)?);
        let difference = if is_open { (summed - declared).max(0.0) } else { (summed - declared).abs() };
        let share = difference / declared.abs().max(summed.abs()).max(MIN_DIFFERENCE);
        (difference > self.tolerance(summed, declared)).then_some((share, figure, declared, summed))
    }
}

/// Name of a figure of a total, with its unit.
fn figure_name(table: Table, figure: usize) -> &'static str {
    match (table, figure) {
        (Table::Trade, 0) => "value in thousand US dollars",
        _ => "quantity in tonnes",
    }
}

/// A total for people.
fn describe_total(key: &TotalKey, names: &Names) -> String {
    let period = names.periods.name(key.period).map(ToString::to_string).unwrap_or_default();
    let economy = |symbol| names.economies.name(symbol).unwrap_or_default();
    let whose = match key.aggregate {
        Aggregate::Imports(symbol) => format!("imports of {}", economy(symbol)),
        Aggregate::Exports(symbol) => format!("exports of {}", economy(symbol)),
        Aggregate::Output => "world output".to_owned(),
    };
    let what = match names.topics.name(key.topic) {
        Some(Topic::Product(product)) => product.code.to_string(),
        Some(Topic::Series(material, stage, _)) => format!("{material} {stage}"),
        _ => String::new(),
    };
    format!("{period}, {whose}, {what}")
}

#[cfg(test)]
mod tests {
    use orewatch_catalog::{HsRevision, Nomenclature, Scheme};

    use super::*;
    use crate::Qualifier;
    use crate::codes::Codes;

    fn known(value: f64) -> [Figure; 2] {
        [Figure::known(value), Figure::UNAVAILABLE]
    }

    /// Imports of graphite by Germany from three partners, one of which is quarantined, beside a total.
    fn compared(total: f64, last: [Figure; 2], rounding: f64) -> DeclaredTotals {
        let mut names = Names::new(Codes::default());
        let period = names.period("period", "2020").unwrap();
        let german = names.economy(Scheme::Iso3, "importer", "DEU").unwrap();
        let chinese = names.economy(Scheme::Iso3, "exporter", "CHN").unwrap();
        let nomenclature = Nomenclature::Hs(HsRevision::Hs92);
        let topic = names.product(&nomenclature, "product", "250410").unwrap().unwrap();
        let qualifier = Qualifier::Reported(Reporter::Importer);
        let row =
            Observation { period, economy: chinese, partner: german, topic, figures: known(60.0), qualifier };
        let key =
            TotalKey { period, topic, aggregate: Aggregate::Imports(german), reporter: Reporter::Importer };
        let mut sums = Sums::default();
        sums.add_row(Table::Trade, &row);
        sums.add_part(key, known(30.0));
        sums.add_part(key, last);
        sums.add_total(DeclaredTotal { key, figures: known(total), rounding }, 0, SourceLocation::row(7));
        sums.compare(Table::Trade, &names, |_| "f".to_owned()).unwrap()
    }

    #[test]
    fn totals_are_compared_with_the_sum_of_all_parts() {
        let fits = compared(100.0, known(10.0), 0.0);
        assert_eq!((fits.compared, fits.differing), (1, 0));
        let rounded = compared(100.4, known(10.0), 0.005);
        assert_eq!(rounded.differing, 0, "rounding by the source is no discrepancy");
        let misses = compared(190.0, known(10.0), 0.0);
        assert_eq!(misses.differing, 1);
        let found = &misses.worst[0];
        assert_eq!(found.what, "2020, imports of DEU, 250410, value in thousand US dollars");
        assert_eq!((found.declared, found.summed, found.parts, found.line), (190.0, 100.0, 3, 7));
    }

    #[test]
    fn an_unknown_part_makes_the_sum_a_lower_bound() {
        let withheld = [Figure::WITHHELD; 2];
        assert_eq!(compared(100.0, withheld, 0.0).differing, 0);
        assert_eq!(compared(80.0, withheld, 0.0).differing, 1, "the known parts exceed the total");
    }
}
