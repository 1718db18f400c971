//! Benchmarks of the Critical Raw Materials Act, as shares of annual consumption.
//!
//! Source: Regulation (EU) 2024/1252, article 5.

use crate::doubt::{AmountSum, Doubt, best};
use crate::{Amount, Estimate, Interval, Reliance, Sourcing, Status, Term, Terms};

const NO_CONSUMPTION: &str = "nothing is consumed: there is no whole to take a share of";
const INCOMPLETE: &str = "some of output, imports, exports, stocks and consumption is not known";
const NO_SECONDARY: &str = "no figure of output from old scrap is recorded";

/// Inputs of the benchmarks, all of one material at one stage in one period, in tonnes of one basis. The act
/// is the EU's; the formulas are the same for any economy or bloc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Benchmarks {
    /// Output, trade and stocks of the consumer.
    pub accounts: Reliance,
    /// Recorded annual consumption. `None`: apparent consumption is used, `P + S + I - E + D`.
    pub consumption: Option<Amount>,
}

/// One part of consumption, and the rest, which is below zero where exports exceed all else.
#[derive(Clone, Copy)]
struct Part {
    own: Interval,
    rest: Interval,
}

impl Part {
    /// Bounds of `own / (own + rest)` over all cases in which something is consumed.
    ///
    /// The quotient falls in the rest. It rises in `own` where the rest is above zero and falls where it is
    /// below.
    fn bounds(self) -> Interval {
        let Self { own, rest } = self;
        let low = match rest.high {
            rest if rest >= 0.0 => quotient(own.low, rest),
            rest => quotient(own.high, rest),
        };
        let high = if own.high <= 0.0 {
            0.0
        } else if rest.low >= 0.0 {
            quotient(own.high, rest.low)
        } else if own.low + rest.low > 0.0 {
            quotient(own.low, rest.low)
        } else {
            f64::INFINITY
        };
        Interval::new(low.min(high), high)
    }
}

/// `own / (own + rest)`, also where one of them is infinite; 0 where nothing is consumed.
fn quotient(own: f64, rest: f64) -> f64 {
    let whole = own + rest;
    if own.is_infinite() && rest.is_finite() {
        1.0
    } else if own <= 0.0 || rest.is_infinite() || whole <= 0.0 {
        0.0
    } else {
        own / whole
    }
}

impl Benchmarks {
    /// `P / C`: primary output inside the consumer over its consumption, at least 0, above 1 for a net
    /// exporter. At the mined stage that is extraction (benchmark: at least 10 %), at later stages processing
    /// (at least 40 %).
    ///
    /// NOT_APPLICABLE where nothing is consumed. Unknown inputs enter with their bounds: with imports
    /// unbounded, for instance, the share may be close to 0.
    #[must_use]
    pub fn own_output(&self) -> Estimate {
        let others = self.accounts.secondary.map_or(Interval::ZERO, Interval::from);
        self.share(self.accounts.production, others)
    }

    /// `S / C`: output from old scrap inside the consumer over its consumption, at least 0 (benchmark: at
    /// least 25 %).
    ///
    /// UNAVAILABLE, between bounds, where no output from old scrap is recorded, because it may be any amount.
    #[must_use]
    pub fn recycling(&self) -> Estimate {
        let secondary = self.accounts.secondary.unwrap_or(Amount::unavailable());
        let estimate = self.share(secondary, Interval::from(self.accounts.production));
        if secondary.best().is_none() && estimate.status != Status::NotApplicable {
            return estimate.with_status(secondary.status(), NO_SECONDARY);
        }
        estimate
    }

    /// `max(I_c) / C`: the largest share of consumption that comes from one third country, 0 to 1 (benchmark:
    /// at most 65 %). Also returns the country of the largest known imports, the first by key of equal ones.
    ///
    /// `imports` are those of the accounts, by supplier. Where imports exceed consumption, a part was
    /// exported again and the share is 1. The bounds allow for every supplier, and for a residual that is one
    /// supplier.
    #[must_use]
    pub fn third_country<K: Copy + Ord>(&self, imports: &Sourcing<K>) -> (Estimate, Option<K>) {
        let largest = imports.top::<1>().1.first().copied();
        let own = largest.and_then(|key| amount_of(imports, key)).and_then(|amount| amount.best());
        let nothing = imports.total().is_nothing().then_some(0.0);
        let consumed = best(&self.consumption()).filter(|consumed| *consumed > 0.0);
        let value = own.or(nothing).zip(consumed).map(|(own, consumed)| (own / consumed).min(1.0));
        let doubt = self.third_country_doubt(imports, own);
        if self.consumes_nothing() || doubt.is_none() && value.is_none() {
            return (Estimate::missing(Status::NotApplicable, NO_CONSUMPTION), largest);
        }
        (doubt.estimate(value, self.third_country_bounds(imports)), largest)
    }

    /// Annual consumption `C` in tonnes: as recorded, or else apparent consumption.
    #[must_use]
    pub fn consumption(&self) -> Estimate {
        self.consumption.map_or_else(|| self.accounts.consumption(), |recorded| recorded.estimate())
    }

    /// The terms of `crma-extraction` and `crma-processing`.
    #[must_use]
    pub fn own_output_terms(&self) -> Terms {
        self.terms(vec![Term::new("P", self.accounts.production.estimate(), "t")], &["P"])
    }

    /// The terms of `crma-recycling`.
    #[must_use]
    pub fn recycling_terms(&self) -> Terms {
        let secondary = self.accounts.secondary.unwrap_or(Amount::unavailable());
        self.terms(vec![Term::new("S", secondary.estimate(), "t")], &["S"])
    }

    /// The terms of `crma-third-country`.
    #[must_use]
    pub fn third_country_terms<K: Copy + Ord>(&self, imports: &Sourcing<K>) -> Terms {
        let largest = imports.top::<1>().1.first().and_then(|key| amount_of(imports, *key));
        let largest = largest.unwrap_or_else(|| imports.total());
        self.terms(vec![Term::new("max(I_c)", largest.estimate(), "t")], &[])
    }

    /// The given terms, then consumption, then the parts of apparent consumption that are not in `there`.
    fn terms(&self, mut terms: Terms, there: &[&str]) -> Terms {
        terms.push(Term::new("C", self.consumption(), "t"));
        if self.consumption.is_none() {
            let parts = self.accounts.terms().into_iter().skip(2);
            terms.extend(parts.filter(|term| !there.contains(&term.symbol)));
        }
        terms
    }

    /// The share of `own` in consumption, given bounds of other output inside the consumer.
    fn share(&self, own: Amount, others: Interval) -> Estimate {
        let doubt = Doubt::from_amount(own, INCOMPLETE).and(self.doubt());
        let consumed = best(&self.consumption()).filter(|consumed| *consumed > 0.0);
        let value = own.best().zip(consumed).map(|(own, consumed)| own / consumed);
        if self.consumes_nothing() || doubt.is_none() && value.is_none() {
            return Estimate::missing(Status::NotApplicable, NO_CONSUMPTION);
        }
        let part = Part { own: Interval::from(own), rest: others.plus(self.net_imports()) };
        let bounds =
            self.consumption.map_or_else(|| part.bounds(), |whole| part.own.over(Interval::from(whole)));
        doubt.estimate(value, bounds)
    }

    /// Whether consumption cannot be above zero.
    fn consumes_nothing(&self) -> bool {
        Interval::from(&self.consumption()).high <= 0.0
    }

    fn net_imports(&self) -> Interval {
        Interval::from(&self.accounts.net_imports())
    }

    fn doubt(&self) -> Doubt {
        Doubt::from_estimate(&self.consumption()).with_reason(INCOMPLETE)
    }

    fn third_country_doubt<K: Copy + Ord>(&self, imports: &Sourcing<K>, largest: Option<f64>) -> Doubt {
        let total = Doubt::from_amount(imports.total(), INCOMPLETE);
        let residual = match largest {
            _ if !imports.unknown_origin().is_nothing() => Doubt::new(Status::Partial, INCOMPLETE),
            _ if imports.unlisted().high() <= largest.unwrap_or(0.0) => Doubt::NONE,
            _ => Doubt::new(Status::Partial, INCOMPLETE),
        };
        self.doubt().and(total).and(residual).with_reason(INCOMPLETE)
    }

    /// Bounds over all suppliers that may be the largest. What is of unknown origin comes from others in the
    /// lower bound, and from the supplier in the upper one.
    fn third_country_bounds<K: Copy + Ord>(&self, imports: &Sourcing<K>) -> Interval {
        let listed: Vec<_> = imports.suppliers().iter().map(|(_, amount)| *amount).collect();
        let (unlisted, unknown) = (imports.unlisted(), imports.unknown_origin());
        let all = AmountSum::from_amounts(listed.iter().copied().chain([unlisted]));
        let least = |amount: &Amount| {
            let others = all.without(*amount).plus(Interval::from(unknown));
            self.part_of(*amount, others).within(0.0, 1.0).low
        };
        let most =
            |amount: &Amount| self.part_of(*amount + unknown, all.without(*amount)).within(0.0, 1.0).high;
        let low = listed.iter().map(least).fold(0.0, f64::max);
        let high = listed.iter().chain([&unlisted]).map(most).fold(low, f64::max);
        Interval::new(low, high)
    }

    /// Bounds of the share of one supplier, given the imports from all others.
    fn part_of(&self, amount: Amount, others: Interval) -> Interval {
        let own = Interval::from(amount);
        if let Some(whole) = self.consumption {
            return own.over(Interval::from(whole));
        }
        let zero = Reliance { imports: Amount::NOTHING, ..self.accounts };
        Part { own, rest: others.plus(Interval::from(&zero.consumption())) }.bounds()
    }
}

fn amount_of<K: Copy + Ord>(sourcing: &Sourcing<K>, key: K) -> Option<Amount> {
    let index = sourcing.suppliers().binary_search_by_key(&key, |(key, _)| *key).ok()?;
    sourcing.suppliers().get(index).map(|(_, amount)| *amount)
}
