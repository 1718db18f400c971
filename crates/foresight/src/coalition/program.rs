//! The linear programs of a coalition.
//!
//! For the members that act, with `x` the tonnes from a supplier to a buyer:
//!
//! ```text
//! minimise t, where for each acting member b
//!     sum over suppliers but the dominant one of x[c, b] >= (1 - t) demand[b]
//! and for each supplier c
//!     sum over acting members of x[c, b] <= supply[c] - what all others keep
//!     contracted[c, b] <= x[c, b] <= most[c, b]
//! ```
//!
//! Among all allocations with that `t`, the whole answer has the least shortage, and among those the least
//! change from today. The three are minimised one after another, and never added up.

use good_lp::{
    Constraint, Expression, ProblemVariables, Solution, SolverModel, Variable, microlp, variable, variables,
};

use super::market::{CoalitionMarket, NoAllocation};

/// By how much a later program may miss the optimum of an earlier one, in its unit.
const SLACK: f64 = 1e-9;

/// How the acting members share supply.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    /// The dependence of the worst acting member on the dominant supplier, 0 to 1.
    pub dependence: f64,
    /// Demand of the acting members that nobody meets, in tonnes.
    pub shortage: f64,
    /// What changes hands otherwise than today, in tonnes: the sum of all differences.
    pub moved: f64,
    /// Tonnes by supplier, and then by acting member in the order given.
    pub tonnes: Vec<Vec<f64>>,
}

impl CoalitionMarket {
    /// The least dependence that the worst of some acting members can have, 0 to 1. They are given by their
    /// places among the buyers; without any it is 0.
    ///
    /// # Errors
    /// [`NoAllocation::Unsolved`] if the solver fails.
    pub fn reach(&self, acting: &[usize]) -> Result<f64, NoAllocation> {
        if acting.is_empty() {
            return Ok(0.0);
        }
        let mut program = Program::new(self, acting, self.others().collect());
        let dependence = program.variables.add(variable().min(0.0).max(1.0));
        program.meet_demand(dependence.into());
        let solution = program.minimise("the reach", dependence.into())?;
        Ok(solution.value(dependence).clamp(0.0, 1.0))
    }

    /// The allocation with the least dependence, then the least shortage, then the least change from today.
    ///
    /// # Errors
    /// [`NoAllocation::Unsolved`] if the solver fails.
    pub fn allocate(&self, acting: &[usize]) -> Result<Allocation, NoAllocation> {
        let dependence = self.reach(acting)?;
        let everybody: Vec<usize> = (0..self.suppliers.len()).collect();
        let limit = || Expression::from(dependence + SLACK);
        let mut program = Program::new(self, acting, everybody.clone());
        program.meet_demand(limit());
        let short = program.shortages();
        let shortage: Expression = short.iter().copied().sum();
        let solution = program.minimise("the shortage", shortage)?;
        let least: f64 = short.iter().map(|short| solution.value(*short)).sum();

        let mut program = Program::new(self, acting, everybody);
        program.meet_demand(limit());
        let short: Expression = program.shortages().into_iter().sum();
        program.constraints.push(short.leq(least + SLACK));
        let moves = program.moves();
        let flows = program.flows.clone();
        let scale = self.scale();
        let solution = program.minimise("the change", moves.iter().copied().sum())?;
        let tonnes =
            |row: &Vec<Variable>| row.iter().map(|flow| (solution.value(*flow) * scale).max(0.0)).collect();
        Ok(Allocation {
            dependence,
            shortage: least.max(0.0) * scale,
            moved: moves.iter().map(|moved| solution.value(*moved)).sum::<f64>().max(0.0) * scale,
            tonnes: flows.iter().map(tonnes).collect(),
        })
    }
}

/// A program under construction, in units of the market's scale.
struct Program<'a> {
    market: &'a CoalitionMarket,
    acting: &'a [usize],
    suppliers: Vec<usize>,
    variables: ProblemVariables,
    constraints: Vec<Constraint>,
    /// Tonnes by supplier and acting member.
    flows: Vec<Vec<Variable>>,
    scale: f64,
}

impl<'a> Program<'a> {
    /// Flows from some suppliers to the acting members, within contracts, limits and what others leave.
    fn new(market: &'a CoalitionMarket, acting: &'a [usize], suppliers: Vec<usize>) -> Self {
        let (mut variables, scale) = (variables!(), market.scale());
        let (mut flows, mut constraints) = (Vec::new(), Vec::new());
        for supplier in &suppliers {
            let bounds = acting.iter().map(|buyer| market.terms(*supplier, *buyer));
            let row: Vec<Variable> = bounds
                .map(|terms| variables.add(variable().min(terms.contracted / scale).max(terms.most / scale)))
                .collect();
            let supply = market.suppliers.get(*supplier).map_or(0.0, |supplier| supplier.supply);
            let outside = (0..market.buyers.len()).filter(|buyer| !acting.contains(buyer));
            let kept: f64 = outside.map(|buyer| market.kept(*supplier, buyer)).sum();
            let contracted: f64 = acting.iter().map(|buyer| market.terms(*supplier, *buyer).contracted).sum();
            let left = (supply - kept).max(contracted) / scale;
            constraints.push(row.iter().copied().sum::<Expression>().leq(left));
            flows.push(row);
        }
        Self { market, acting, suppliers, variables, constraints, flows, scale }
    }

    /// Demand of the acting member at a place, in the unit of the program.
    fn demand(&self, place: usize) -> f64 {
        let buyer = self.acting.get(place).and_then(|buyer| self.market.buyers.get(*buyer));
        buyer.map_or(0.0, |buyer| buyer.demand / self.scale)
    }

    /// What an acting member buys, of the dominant supplier only if it `counts`.
    fn bought(&self, place: usize, counts: bool) -> Expression {
        let rows = self.suppliers.iter().zip(&self.flows);
        let rows = rows.filter(|(supplier, _)| counts || **supplier != self.market.dominant);
        rows.filter_map(|(_, row)| row.get(place).copied()).sum()
    }

    /// All but a part `dependence` of each demand is met by others than the dominant supplier, and nobody
    /// buys more than it needs.
    fn meet_demand(&mut self, dependence: Expression) {
        for place in 0..self.acting.len() {
            let demand = self.demand(place);
            let met = self.bought(place, false) + dependence.clone() * demand;
            self.constraints.push(met.geq(demand));
            let [here, elsewhere] = self.contracted(place);
            // Rounding may put what is contracted just above demand.
            self.constraints.push(self.bought(place, true).leq((demand - elsewhere).max(here)));
        }
    }

    /// What an acting member has contracted from the suppliers of the program, and from all others.
    fn contracted(&self, place: usize) -> [f64; 2] {
        let (mut here, mut elsewhere) = (0.0, 0.0);
        for supplier in 0..self.market.suppliers.len() {
            let buyer = self.acting.get(place);
            let tonnes =
                buyer.map_or(0.0, |buyer| self.market.terms(supplier, *buyer).contracted / self.scale);
            *(if self.suppliers.contains(&supplier) { &mut here } else { &mut elsewhere }) += tonnes;
        }
        [here, elsewhere]
    }

    /// A variable for the shortage of each acting member.
    fn shortages(&mut self) -> Vec<Variable> {
        let short = self.variables.add_vector(variable().min(0.0), self.acting.len());
        for (place, short) in short.iter().enumerate() {
            self.constraints.push((self.bought(place, true) + *short).geq(self.demand(place)));
        }
        short
    }

    /// A variable for the change of each flow from today.
    fn moves(&mut self) -> Vec<Variable> {
        let mut moves = Vec::new();
        for (supplier, row) in self.suppliers.iter().zip(&self.flows) {
            for (buyer, flow) in self.acting.iter().zip(row) {
                let today = self.market.terms(*supplier, *buyer).today / self.scale;
                let moved = self.variables.add(variable().min(0.0));
                self.constraints.push((moved - *flow).geq(-today));
                self.constraints.push((moved + *flow).geq(today));
                moves.push(moved);
            }
        }
        moves
    }

    fn minimise(self, what: &'static str, objective: Expression) -> Result<impl Solution, NoAllocation> {
        let mut model = self.variables.minimise(objective).using(microlp);
        for constraint in self.constraints {
            model.add_constraint(constraint);
        }
        model.solve().map_err(|error| NoAllocation::Unsolved { what, reason: error.to_string() })
    }
}
