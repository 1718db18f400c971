//! How what is not known is carried through formulas: one place for the rules.
//!
//! Every figure is a best value between two bounds. The bounds enclose the figure for **every** completion of what is not
//! known (sound), and they only grow where an input gets wider (monotone): a result is never narrower than any of its
//! inputs demands. The sources of doubt, and what each of them demands:
//!
//! | doubt | what enters the formula | best value |
//! | --- | --- | --- |
//! | withheld or missing figure | 0 to infinity ([`Amount::withheld`], [`Amount::unavailable`]) | leaves it out |
//! | figure between bounds | its bounds ([`Amount::between`]) | leaves it out |
//! | residual of economies that are not listed | one supplier, or so many that each has nothing ([`crate::Sourcing`]) | spreads it thinly |
//! | partner that the source does not name | the residual of imports, as above | spreads it thinly |
//! | product code that holds other goods too | from `purity` times the flow to all of it ([`Amount::at_least`]) | all of it |
//! | importer and exporter report different amounts | from the smaller to the larger ([`Amount::reported`]) | the importer's |
//! | indicator without a figure for this economy | its whole scale | what the method prescribes, else none |
//! | indicator of an earlier year instead of this one's | its whole scale ([`Estimate::standing_in`]) | the earlier figure |
//!
//! They combine in this order. A flow that two sides report is first the span of both reports; the purity of its code then
//! lowers the lower bound; sums add bound to bound; a formula is bounded by its least and greatest value over the box that
//! its inputs span. Doubts therefore add up and never cancel: a basket with purity 0.5 whose importer reports 80 t and
//! whose exporter reports 100 t is 40 to 100 t.
//!
//! Bounds are exact where a formula names each input once. Where an input occurs twice (output in the concentration and in
//! the import risk of GeoPolRisk) the bounds of the parts are multiplied: sound and monotone, though wider than they could be.
//!
//! ```
//! use orewatch_measures::{Amount, Status};
//!
//! let flow = Amount::reported(Amount::known(80.0), Amount::known(100.0)).at_least(0.5);
//! assert_eq!((flow.best(), flow.low(), flow.high()), (Some(80.0), 40.0, 100.0));
//! // A side that gives no figure says nothing against the other.
//! assert_eq!(Amount::reported(Amount::known(80.0), Amount::unavailable()), Amount::known(80.0));
//! ```

use crate::{Amount, Estimate, Status};

const EARLIER: &str = "the indicator of an earlier year stands in for this one";

impl Amount {
    /// The part of this amount that is the material in question, where its product code holds other goods too and at least
    /// `purity` (0 to 1) of it is the material: from `purity` times its lower bound to its upper bound.
    ///
    /// The best value stays the whole amount, which is how the published methods use proxy codes. A purity of 1 changes
    /// nothing; one that is no number says nothing, and is 0.
    #[must_use]
    pub fn at_least(self, purity: f64) -> Self {
        let purity = if purity > 0.0 { purity.min(1.0) } else { 0.0 };
        if purity >= 1.0 || self.is_nothing() {
            return self;
        }
        let status = if self.is_known() { Status::Partial } else { self.status() };
        Self::bounded(self.best(), purity * self.low(), self.high(), status)
    }

    /// One flow as its importer and as its exporter report it: from the smaller report to the larger.
    ///
    /// The best value is the importer's, which knows the origin and weighs what arrives; without it, the exporter's. A side
    /// that gives no figure at all (unavailable or withheld) says nothing against the other; where both give none, the flow
    /// has none either.
    #[must_use]
    pub fn reported(importer: Self, exporter: Self) -> Self {
        match (importer.is_silent(), exporter.is_silent()) {
            (false, true) => importer,
            (true, false) => exporter,
            (true, true) => importer,
            (false, false) => importer.hull(exporter),
        }
    }

    /// No figure and no bounds.
    fn is_silent(&self) -> bool {
        matches!(self.status(), Status::Withheld | Status::Unavailable)
    }

    /// The span of two reports.
    fn hull(self, other: Self) -> Self {
        let (low, high) = (self.low().min(other.low()), self.high().max(other.high()));
        if self.is_known() && other.is_known() && low >= high {
            return self;
        }
        Self::bounded(self.best().or_else(|| other.best()), low, high, Status::Partial)
    }
}

impl Estimate {
    /// This figure of an earlier year in place of a missing one of this year, on a scale from `low` to `high`.
    ///
    /// Its value stands in as the best one. It bounds nothing: an indicator can move across its whole scale in a year, as
    /// that of an economy at war has, and the publisher re-estimates the past besides. So the bounds are the scale's.
    #[must_use]
    pub fn standing_in(self, low: f64, high: f64) -> Self {
        let value = Span::on_scale(&self, low, high).best;
        Self::between(value, low, high).because(Status::Partial, EARLIER)
    }
}

/// A figure of at least 0 on its way through a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    /// From what is known; none if nothing is.
    pub(crate) best: Option<f64>,
    pub(crate) low: f64,
    /// Infinite if nothing bounds it.
    pub(crate) high: f64,
    pub(crate) known: bool,
}

impl Span {
    /// Known to be zero.
    pub(crate) const NOTHING: Self = Self { best: Some(0.0), low: 0.0, high: 0.0, known: true };

    pub(crate) fn known(value: f64) -> Self {
        Self { best: Some(value), low: value, high: value, known: true }
    }

    pub(crate) fn of(amount: Amount) -> Self {
        Self { best: amount.best(), low: amount.low(), high: amount.high(), known: amount.is_known() }
    }

    /// A figure on a scale: cut off at its ends, and the whole scale where it is missing or no number.
    pub(crate) fn on_scale(figure: &Estimate, low: f64, high: f64) -> Self {
        let best = figure.value.filter(|value| !value.is_nan()).map(|value| value.clamp(low, high));
        match (figure.status, best) {
            (Status::Known, Some(value)) => Self::known(value),
            _ => {
                let least =
                    figure.low.filter(|bound| !bound.is_nan()).map_or(low, |bound| bound.clamp(low, high));
                let most =
                    figure.high.filter(|bound| !bound.is_nan()).map_or(high, |bound| bound.clamp(low, high));
                let (low, high) = if least <= most { (least, most) } else { (low, high) };
                Self { best: best.map(|best| best.clamp(low, high)), low, high, known: false }
            }
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            best: both(self.best, other.best, |a, b| a + b),
            low: self.low + other.low,
            high: self.high + other.high,
            known: self.known && other.known,
        }
    }

    /// The product; nothing times no matter how much is nothing.
    pub(crate) fn times(self, other: Self) -> Self {
        Self {
            best: both(self.best, other.best, product),
            low: product(self.low, other.low),
            high: product(self.high, other.high),
            known: self.known && other.known,
        }
    }

    /// The quotient, and none of it where the divisor is nothing for certain.
    pub(crate) fn over(self, divisor: Self) -> Option<Self> {
        (divisor.high > 0.0).then(|| Self {
            best: both(self.best, divisor.best, quotient).filter(|value| value.is_finite()),
            low: if divisor.high.is_infinite() { 0.0 } else { quotient(self.low, divisor.high) },
            high: if self.high <= 0.0 { 0.0 } else { quotient(self.high, divisor.low) },
            known: self.known && divisor.known,
        })
    }

    /// `f` of a figure, for an `f` that does not fall.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { best: self.best.map(&f), low: f(self.low), high: f(self.high), known: self.known }
    }

    /// The figure, PARTIAL for this reason where it is not known. One too large for a number has no upper bound, and no value.
    pub(crate) fn estimate(self, reason: &'static str) -> Estimate {
        let best = self.best.filter(|value| value.is_finite());
        match best {
            Some(value) if self.known => Estimate::known(value),
            _ => {
                let low = if self.low.is_finite() { self.low } else { f64::MAX };
                let bounded = Estimate::between(best, low, self.high).because(Status::Partial, reason);
                Estimate { high: bounded.high.filter(|high| high.is_finite()), ..bounded }
            }
        }
    }
}

fn both(a: Option<f64>, b: Option<f64>, f: impl Fn(f64, f64) -> f64) -> Option<f64> {
    a.zip(b).map(|(a, b)| f(a, b))
}

fn product(a: f64, b: f64) -> f64 {
    if a <= 0.0 || b <= 0.0 { 0.0 } else { a * b }
}

/// `a / b`; infinite where `b` is nothing or so small that the quotient is no number.
fn quotient(a: f64, b: f64) -> f64 {
    if b > 0.0 && !(a.is_infinite() && b.is_infinite()) { a / b } else { f64::INFINITY }
}
