//! Totals that a source declares, beside the sums of what was read.
//!
//! A total of flows above the sum of its parts holds flows of partners that the source does not show. The difference is a flow of
//! its own, from or to `OTHER:undistributed`, so that no share of what is shown is taken for a share of everything.
use std::collections::{HashMap, HashSet};

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::{DeclaredTotals, Discrepancy, Reporter, Table};

use super::figure::Figure;
use super::names::{Names, Symbol, Topic};
use super::{Beside, Observation, Place, Reject};

/// Discrepancies that are told.
const MOST_TOLD: usize = 20;

/// How exactly sums are known: sources round to three decimals.
const EXACT: f64 = 1e-6;

/// Differences below this (thousand US dollars, tonnes) are rounding.
const LEAST: f64 = 0.01;

/// What figures add up to a total of: the flows of one side, or the output of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whole {
    /// Everything that an economy receives.
    Imports(Symbol),
    /// Everything that an economy ships.
    Exports(Symbol),
    /// What all economies put out.
    Output,
}

/// What a total, or a part of one, is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    /// The period.
    pub(super) period: Symbol,
    /// The product or series.
    pub(super) topic: Symbol,
    /// Whose.
    pub(super) whole: Whole,
    /// Who reports it; UNSPECIFIED where the source gives one figure a flow, and for output.
    pub(super) reporter: Reporter,
}

/// A total as a source declares it: the row `World` of its partners.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total {
    /// What it is the total of.
    pub(super) group: Group,
    /// Value and quantity, or quantity and nothing. What is not known is not compared.
    pub(super) figures: [Figure; 2],
    /// By what share of the total the source rounds it; 0: not at all.
    pub(super) rounding: f64,
}

/// The sum of the parts of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    known: [f64; 2],
    /// Some part is not known: the sum is a lower bound.
    open: [bool; 2],
    parts: u64,
}

/// Sums of what was read, and the totals to compare them with.
#[derive(Debug, Default)]
pub(super) struct Sums {
    sums: HashMap<Group, Sum>,
    totals: Vec<(Total, u32, Place)>,
    /// Totals above the sum of their parts.
    above: u64,
}

/// What a total holds above the sum of its parts, with the file and place where the total is declared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undistributed {
    pub(super) row: Observation,
    pub(super) file: u32,
    pub(super) place: Place,
}

impl Sums {
    /// Adds a recorded row to its groups.
    pub(super) fn row(&mut self, table: Table, row: &Observation) {
        let group = |whole| Group { period: row.period, topic: row.topic, whole, reporter: row.reporter() };
        let sides = [Whole::Imports(row.partner), Whole::Exports(row.economy)];
        match (table, row.reporter()) {
            (Table::Production, _) => self.part(group(Whole::Output), row.figures),
            (_, Reporter::Importer) => self.part(group(Whole::Imports(row.partner)), row.figures),
            (_, Reporter::Exporter) => self.part(group(Whole::Exports(row.economy)), row.figures),
            (_, Reporter::Unspecified) => sides.map(group).iter().for_each(|of| self.part(*of, row.figures)),
        }
    }

    /// Adds a part.
    pub(super) fn part(&mut self, of: Group, figures: [Figure; 2]) {
        let sum = self.sums.entry(of).or_default();
        sum.parts += 1;
        for ((known, open), figure) in sum.known.iter_mut().zip(&mut sum.open).zip(figures) {
            match figure.status {
                Status::Known => *known += figure.number,
                _ => *open = true,
            }
        }
    }

    /// Takes a total.
    pub(super) fn total(&mut self, total: Total, file: u32, place: Place) {
        self.totals.push((total, file, place));
    }

    /// What totals of flows hold above the sum of their parts, a flow a total, in the order in which totals were declared. A
    /// figure of it is known where the total and all of its parts are.
    ///
    /// # Errors
    /// [`Reject`] if the release has no room for another name.
    pub(super) fn undistributed(&mut self, names: &mut Names) -> Result<Vec<Undistributed>, Reject> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (total, file, place) in &self.totals {
            // Of two totals of one group the first counts; the second is compared with what that gives.
            if total.group.whole == Whole::Output || !seen.insert(total.group) {
                continue;
            }
            let sum = self.sums.get(&total.group).copied().unwrap_or_default();
            if let Some(figures) = total.excess_over(&sum) {
                let nobody = names.undistributed()?;
                found.push(Undistributed {
                    row: total.group.flow(nobody, figures),
                    file: *file,
                    place: *place,
                });
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
        for (total, number, place) in &self.totals {
            let sum = self.sums.get(&total.group).copied().unwrap_or_default();
            let worst =
                (0..2).filter_map(|figure| total.misses(&sum, figure)).max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((share, figure, declared, summed)) = worst {
                let what = format!("{}, {}", described(&total.group, names), called(table, figure));
                let (file, line) = (file(*number), place.line);
                found.push((share, Discrepancy { what, declared, summed, parts: sum.parts, file, line }));
            }
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (compared, differing) = (count(self.totals.len()), count(found.len()));
        found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let worst = found.into_iter().take(MOST_TOLD).map(|(_, found)| found).collect();
        Some(DeclaredTotals { compared, differing, worst, above: self.above })
    }
}

impl Group {
    /// A flow of this group from or to a partner.
    fn flow(&self, partner: Symbol, figures: [Figure; 2]) -> Observation {
        let [economy, partner] = match self.whole {
            Whole::Exports(shipper) => [shipper, partner],
            Whole::Imports(receiver) => [partner, receiver],
            Whole::Output => [partner; 2],
        };
        let beside = match self.reporter {
            Reporter::Unspecified => Beside::Nothing,
            reporter => Beside::Reported(reporter),
        };
        Observation { period: self.period, economy, partner, topic: self.topic, figures, beside }
    }
}

impl Total {
    /// What the total holds above its parts, if any figure of it does by more than rounding: 0 where it does not, unavailable
    /// where the total or a part is not known. None: no figure does.
    ///
    /// Goods that have a value have a weight: where value is left and no weight is, the source left the weight of some partner
    /// out of its total, and the weight of what is left is not known.
    fn excess_over(&self, sum: &Sum) -> Option<[Figure; 2]> {
        let [value, quantity] = [0, 1].map(|figure| self.excess(sum, figure));
        let exceeds = |above: Option<f64>| above.is_some_and(|above| above > 0.0);
        let quantity = quantity.filter(|above| *above > 0.0 || !exceeds(value));
        let figure = |above: Option<f64>| above.map_or(Figure::UNAVAILABLE, Figure::known);
        (exceeds(value) || exceeds(quantity)).then(|| [figure(value), figure(quantity)])
    }

    /// What one figure of the total holds above its parts; 0 within rounding. None: the total or a part is not known.
    fn excess(&self, sum: &Sum, figure: usize) -> Option<f64> {
        let declared = self.figures.get(figure).filter(|declared| declared.status == Status::Known)?.number;
        let summed = *sum.known.get(figure).filter(|_| sum.open.get(figure) == Some(&false))?;
        let difference = declared - summed;
        Some(if difference <= self.bearable(summed, declared) { 0.0 } else { difference })
    }

    /// The largest difference between a total and its sum that is rounding.
    fn bearable(&self, summed: f64, declared: f64) -> f64 {
        (declared.abs().max(summed.abs()) * self.rounding.max(EXACT)).max(LEAST)
    }

    /// By what share of the total its parts miss it, with the number of the figure, the total and the sum. None: they do not.
    fn misses(&self, sum: &Sum, figure: usize) -> Option<(f64, usize, f64, f64)> {
        let declared = self.figures.get(figure).filter(|figure| figure.status == Status::Known)?.number;
        let (summed, open) = (*sum.known.get(figure)?, *sum.open.get(figure)?);
        let difference = if open { (summed - declared).max(0.0) } else { (summed - declared).abs() };
        let share = difference / declared.abs().max(summed.abs()).max(LEAST);
        (difference > self.bearable(summed, declared)).then_some((share, figure, declared, summed))
    }
}

/// A figure of a total with its unit.
fn called(table: Table, figure: usize) -> &'static str {
    match (table, figure) {
        (Table::Trade, 0) => "value in thousand US dollars",
        _ => "quantity in tonnes",
    }
}

/// A group for people.
fn described(group: &Group, names: &Names) -> String {
    let period = names.periods.name(group.period).map(ToString::to_string).unwrap_or_default();
    let economy = |symbol| names.economies.name(symbol).unwrap_or_default();
    let whose = match group.whole {
        Whole::Imports(economy_of) => format!("imports of {}", economy(economy_of)),
        Whole::Exports(economy_of) => format!("exports of {}", economy(economy_of)),
        Whole::Output => "world output".to_owned(),
    };
    let what = match names.topics.name(group.topic) {
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
    use crate::codes::Codes;
    use crate::sources::Beside;

    fn known(value: f64) -> [Figure; 2] {
        [Figure::known(value), Figure { number: f64::NAN, status: Status::Unavailable }]
    }

    /// Imports of graphite by Germany from three partners, one of which is set aside, beside a total.
    fn compared(total: f64, last: [Figure; 2], rounding: f64) -> DeclaredTotals {
        let mut names = Names::new(Codes::default());
        let period = names.period("period", "2020").unwrap();
        let german = names.economy(Scheme::Iso3, "importer", "DEU").unwrap();
        let chinese = names.economy(Scheme::Iso3, "exporter", "CHN").unwrap();
        let nomenclature = Nomenclature::Hs(HsRevision::Hs92);
        let topic = names.product(&nomenclature, "product", "250410").unwrap().unwrap();
        let beside = Beside::Reported(Reporter::Importer);
        let row =
            Observation { period, economy: chinese, partner: german, topic, figures: known(60.0), beside };
        let group = Group { period, topic, whole: Whole::Imports(german), reporter: Reporter::Importer };
        let mut sums = Sums::default();
        sums.row(Table::Trade, &row);
        sums.part(group, known(30.0));
        sums.part(group, last);
        sums.total(Total { group, figures: known(total), rounding }, 0, Place::line(7));
        sums.compare(Table::Trade, &names, |_| "f".to_owned()).unwrap()
    }

    #[test]
    fn totals_are_compared_with_all_their_parts() {
        let fits = compared(100.0, known(10.0), 0.0);
        assert_eq!((fits.compared, fits.differing), (1, 0));
        let rounded = compared(100.4, known(10.0), 0.005);
        assert_eq!(rounded.differing, 0, "what the source rounds is no difference");
        let misses = compared(190.0, known(10.0), 0.0);
        assert_eq!(misses.differing, 1);
        let found = &misses.worst[0];
        assert_eq!(found.what, "2020, imports of DEU, 250410, value in thousand US dollars");
        assert_eq!((found.declared, found.summed, found.parts, found.line), (190.0, 100.0, 3, 7));
    }

    #[test]
    fn a_part_that_is_not_known_leaves_room_below_the_total_only() {
        let withheld = [Figure { number: f64::NAN, status: Status::Withheld }; 2];
        assert_eq!(compared(100.0, withheld, 0.0).differing, 0);
        assert_eq!(compared(80.0, withheld, 0.0).differing, 1, "the parts that are known exceed it");
    }
}
