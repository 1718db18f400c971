//! Share of imports under export restriction.
//!
//! A flow counts as restricted where its exporter has a measure in force on that product, towards that
//! importer or all, at any time of the period. The caller decides which measures count, by these rules:
//! whatever hinders exports counts, amber (likely to hinder) as well as red; green (easing) does not; and a
//! product of a supplier in a year counts once, however many measures there are. So the input is one yes or
//! no for each flow.
//!
//! Source: OECD, Inventory of Export Restrictions on Industrial Raw Materials (the share of trade under
//! restriction, and the rule that a product, country and year count once); Global Trade Alert (the colours).

use crate::uncertainty::Bounded;
use crate::{Amount, Estimate, Interval, Status, Term, Terms};

const NO_IMPORTS: &str = "nothing is imported";
const PARTLY_KNOWN: &str = "some imports, or whether they are restricted, are not known";

/// Imports of one product from one supplier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestrictedFlow {
    /// Quantity or value.
    pub amount: Amount,
    /// Whether a measure is in force on it. `None`: not known, such as for a supplier that no inventory
    /// covers.
    pub restricted: Option<bool>,
}

/// The imports of a consumer and which of them are restricted, all in tonnes or all in dollars.
#[derive(Clone, Debug, PartialEq)]
pub struct RestrictedImports {
    /// The flows, in a stable order that the caller chooses: sums run in it. A bloc leaves out flows between
    /// members.
    pub flows: Vec<RestrictedFlow>,
}

impl RestrictedImports {
    /// `sum(a_f * r_f) / sum(a_f)`, 0 to 1, where `r_f` is 1 for a flow under restriction and else 0.
    ///
    /// Least with restricted flows at their lower bounds and the others at their upper ones; greatest the
    /// other way round. A flow that may or may not be restricted counts against both bounds; the best value
    /// leaves it out, like a flow without a known amount. NOT_APPLICABLE where nothing is imported.
    #[must_use]
    pub fn share(&self) -> Estimate {
        let (restricted, free, unclear) = (self.sum(Some(true)), self.sum(Some(false)), self.sum(None));
        let most = restricted.plus(unclear);
        if most.plus(free).bounds.high <= 0.0 {
            return Estimate::missing(Status::NotApplicable, NO_IMPORTS);
        }
        let best = part(restricted.best.unwrap_or(0.0), free.best.unwrap_or(0.0));
        let others = free.plus(unclear).bounds.high;
        let low = if others <= 0.0 { 1.0 } else { part(restricted.bounds.low, others).unwrap_or(0.0) };
        let high = if most.bounds.high <= 0.0 {
            0.0
        } else {
            part(most.bounds.high, free.bounds.low).unwrap_or(1.0)
        };
        let known = restricted.known && free.known && unclear.known && unclear.bounds.high <= 0.0;
        let estimate = Bounded { best, bounds: Interval::raised(low, high), known }.estimate(PARTLY_KNOWN);
        if known { estimate } else { estimate.with_coverage(self.coverage()) }
    }

    /// The terms of `restricted-share`, in the order of the formula; `unit` is that of the amounts.
    #[must_use]
    pub fn terms(&self, unit: &'static str) -> Terms {
        let all = self.flows.iter().map(|flow| flow.amount).reduce(std::ops::Add::add);
        let unclear = self.sum(None);
        let restricted = self.sum(Some(true));
        let restricted = Bounded {
            bounds: Interval::new(restricted.bounds.low, restricted.bounds.high + unclear.bounds.high),
            known: restricted.known && unclear.bounds.high <= 0.0,
            ..restricted
        };
        vec![
            Term::new("sum(a_f * r_f)", restricted.estimate(PARTLY_KNOWN), unit),
            Term::new("sum(a_f)", all.unwrap_or(Amount::NOTHING).estimate(), unit),
        ]
    }

    /// Sum of the flows in one state. The best value leaves out flows without a known part.
    fn sum(&self, state: Option<bool>) -> Bounded {
        let amounts = self.flows.iter().filter(|flow| flow.restricted == state).map(|flow| flow.amount);
        amounts.reduce(std::ops::Add::add).map_or(Bounded::NOTHING, Bounded::from_amount)
    }

    /// Least share of all imports whose amount and state are known, 0 to 1.
    fn coverage(&self) -> Option<f64> {
        let known = self.flows.iter().filter(|flow| flow.restricted.is_some() && flow.amount.is_known());
        let known: f64 = known.map(|flow| flow.amount.low()).sum();
        let all: f64 = self.flows.iter().map(|flow| flow.amount.high()).sum();
        (all.is_finite() && all > 0.0 && known.is_finite()).then(|| (known / all).clamp(0.0, 1.0))
    }
}

/// `own / (own + others)`, also where one of them is infinite. None where both are zero or both are infinite.
fn part(own: f64, others: f64) -> Option<f64> {
    match (own.is_infinite(), others.is_infinite()) {
        (true, true) => None,
        (true, false) => Some(1.0),
        (false, true) => Some(0.0),
        (false, false) if own + others > 0.0 => Some(own / (own + others)),
        _ => None,
    }
}
