//! What the draws of a plan say of a figure: shares of supply, and the floor of dependence.

use orewatch_measures::TargetLine;

use super::plan::{MAX_DRAWS, SupplyPlan};
use crate::Distribution;
use crate::number::float;
use crate::outlook::OutlookYear;

/// Drivers that are named.
const DRIVERS: usize = 5;

/// A figure of each draw and year.
#[derive(Clone, Copy, Debug)]
pub enum SupplyFigure<'a> {
    /// The economy's share in all supply.
    Share {
        /// Code of the economy.
        economy: &'a str,
    },
    /// The least dependence of consumers on the economy: see [`crate::Floor`].
    Floor {
        /// Code of the dominant supplier.
        economy: &'a str,
        /// Demand of the consumers in each year of the plan, in kilotonnes.
        demand: &'a [f64],
        /// What others than the consumers take of the supply from elsewhere, in kilotonnes a year.
        claims: f64,
    },
}

/// The outlook of a figure of supply under one curve.
#[derive(Clone, Debug, PartialEq)]
pub struct SupplyOutlook {
    /// The years of the plan.
    pub years: Vec<OutlookYear>,
    /// Share of draws that do not meet the target in any year.
    pub never: f64,
    /// The projects that move the probability at the due year most, the strongest first.
    pub drivers: Vec<Driver>,
}

/// How much a project moves the probability that a target is met by its date.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    /// Identifier of the project.
    pub project: String,
    /// Probability of meeting the target where the project runs by then, less that where it does not: -1
    /// to 1.
    pub effect: f64,
    /// Share of draws in which it runs by then.
    pub running: f64,
}

impl SupplyOutlook {
    /// Draws a plan, and holds a figure to a target that is due in a year. At most [`MAX_DRAWS`] draws are
    /// made. `None`: the economy has no supply, the year is not one of the plan, there is no
    /// supply or no demand in a year, or nothing is drawn.
    #[must_use]
    pub fn new(
        plan: &SupplyPlan,
        draws: u32,
        figure: &SupplyFigure<'_>,
        target: &TargetLine,
        due: i16,
    ) -> Option<Self> {
        let draws = draws.min(MAX_DRAWS);
        let years: Vec<i16> = plan.years().collect();
        let due = plan.place_of_year(due)?;
        let figure = Figure::new(plan, figure, years.len())?;
        let mut values = vec![Vec::new(); years.len()];
        let (mut met, mut never) = (Vec::new(), 0);
        plan.run(0..draws, |_, table| {
            let figures = figure.of_draw(table, years.len());
            let meets = |value: &f64| target.distance(*value) <= 0.0;
            never += usize::from(!figures.iter().any(meets));
            met.push(figures.get(due).is_some_and(meets));
            values.iter_mut().zip(figures).for_each(|(values, figure)| values.push(figure));
        });
        let count = float(met.len());
        let distributions = values.into_iter().map(Distribution::new).collect::<Option<Vec<_>>>()?;
        let years = years.into_iter().zip(distributions);
        let years = years.map(|(year, drawn)| OutlookYear::new(year, drawn, count, target)).collect();
        Some(Self { years, never: float(never) / count, drivers: drivers(plan, &met, due) })
    }
}

/// A figure with the place of its economy.
struct Figure<'a> {
    place: usize,
    floor: Option<(&'a [f64], f64)>,
}

impl<'a> Figure<'a> {
    fn new(plan: &SupplyPlan, figure: &SupplyFigure<'a>, years: usize) -> Option<Self> {
        let (economy, floor) = match figure {
            SupplyFigure::Share { economy } => (*economy, None),
            SupplyFigure::Floor { economy, demand, claims } => (*economy, Some((*demand, *claims))),
        };
        let place = plan.economies().iter().position(|code| code == economy)?;
        let is_complete = floor.is_none_or(|(demand, claims)| demand.len() == years && claims >= 0.0);
        is_complete.then_some(Self { place, floor })
    }

    /// The figure in each year; not a number without supply or without demand.
    fn of_draw(&self, table: &[f64], years: usize) -> Vec<f64> {
        let mut totals = vec![0.0; years];
        for curve in table.chunks(years.max(1)) {
            totals.iter_mut().zip(curve).for_each(|(total, supply)| *total += supply);
        }
        let own = table.chunks(years.max(1)).nth(self.place).unwrap_or_default();
        let pairs = totals.into_iter().zip(own);
        match self.floor {
            None => pairs.map(|(total, own)| own / total).collect(),
            Some((demand, claims)) => pairs
                .zip(demand)
                .map(|((total, own), demand)| {
                    let missing = demand - (total - own - claims).max(0.0);
                    missing.max(0.0) / demand
                })
                .collect(),
        }
    }
}

fn drivers(plan: &SupplyPlan, met: &[bool], due: usize) -> Vec<Driver> {
    let names = plan.projects().enumerate();
    let mut drivers: Vec<Driver> =
        names.filter_map(|(place, project)| driver(plan, place, project, met, due)).collect();
    drivers.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()).then_with(|| a.project.cmp(&b.project)));
    drivers.truncate(DRIVERS);
    drivers
}

/// `None`: the project runs in every draw, or in none, so nothing can be compared.
fn driver(plan: &SupplyPlan, place: usize, project: &str, met: &[bool], due: usize) -> Option<Driver> {
    let (mut running, mut with, mut without) = (0, 0, 0);
    for (draw, met) in (0_u32..).zip(met) {
        let runs = plan.is_running(place, draw, due);
        running += usize::from(runs);
        with += usize::from(runs && *met);
        without += usize::from(!runs && *met);
    }
    let idle = met.len() - running;
    (running > 0 && idle > 0).then(|| Driver {
        project: project.to_owned(),
        effect: float(with) / float(running) - float(without) / float(idle),
        running: float(running) / float(met.len()),
    })
}
