//! The rules by which uncertainty is carried through formulas.
//!
//! Every figure is a best value between two bounds. The bounds are sound: they enclose the figure for
//! **every** completion of what is not known. And they are monotone: they only grow where an input gets
//! wider. The sources of uncertainty, and how each enters:
//!
//! | uncertainty | what enters the formula | best value |
//! | --- | --- | --- |
//! | withheld or missing figure ([`Amount::withheld`]) | 0 to infinity | omitted from sums; none if alone |
//! | figure between bounds ([`Amount::between`]) | its bounds | omitted from sums |
//! | residual of economies that are not listed | one supplier, or very many | spread thinly |
//! | of unknown origin ([`crate::Residual`]) | any supplier, listed or not, or very many | spread thinly |
//! | code with other goods ([`Amount::with_purity`]) | `purity` times the flow, to all of it | all of it |
//! | two reports ([`Amount::from_reports`]) | from the smaller report to the larger | as [`Mirror`] says |
//! | indicator without a figure | its whole scale | what the method prescribes, else none |
//! | indicator of an earlier year ([`Estimate::as_substitute`]) | its whole scale | the earlier figure |
//!
//! They combine in this order. A flow that two sides report is first the span of both reports; the purity of
//! its code then lowers the lower bound; sums add bounds; a formula is bounded by its least and greatest
//! value over the box that its inputs span. Uncertainties therefore add up and never cancel: a basket with
//! purity 0.5 whose importer reports 80 t and whose exporter reports 100 t is 40 to 100 t.
//!
//! Bounds are exact where a formula names each input once. Where an input occurs twice (output in the
//! concentration and in the import risk of GeoPolRisk) the bounds of the parts are multiplied: sound and
//! monotone, though wider than they could be.
//!
//! ```
//! use orewatch_measures::{Amount, Mirror};
//!
//! let (importer, exporter) = (Some(Amount::known(80.0)), Some(Amount::known(100.0)));
//! let flow = Amount::from_reports(importer, exporter, Mirror::Importer).with_purity(0.5);
//! assert_eq!((flow.best(), flow.low(), flow.high()), (Some(80.0), 40.0, 100.0));
//! // A side that does not report says nothing against the other.
//! assert_eq!(Amount::from_reports(importer, None, Mirror::Exporter), Amount::known(80.0));
//! ```

use crate::interval::product;
use crate::{Amount, Estimate, Interval, Status};

const EARLIER: &str = "the indicator of an earlier year stands in for this one";

/// Which of two reports of one flow gives the best estimate. The bounds always span both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mirror {
    /// The importer's: customs check imports more closely and know their origin. Published figures use it.
    #[default]
    Importer,
    /// The exporter's.
    Exporter,
    /// The larger one.
    Larger,
    /// The mean of both.
    Mean,
}

impl Mirror {
    /// The best estimate of two reports; where one has none, the other's.
    fn best(self, importer: Option<f64>, exporter: Option<f64>) -> Option<f64> {
        let Some((importer, exporter)) = importer.zip(exporter) else { return importer.or(exporter) };
        Some(match self {
            Self::Importer => importer,
            Self::Exporter => exporter,
            Self::Larger => importer.max(exporter),
            // Halved first, because the sum of two large amounts may overflow.
            Self::Mean => importer / 2.0 + exporter / 2.0,
        })
    }
}

impl Amount {
    /// One amount that two sides report. `mirror` chooses the best estimate; where the chosen report has
    /// none, the other is used. The bounds span both reports. With one report only, it is the amount; with
    /// none, the amount is zero.
    ///
    /// The two are never added up, because they describe one flow. Their difference stays visible as the
    /// width of the bounds.
    #[must_use]
    pub fn from_reports(importer: Option<Self>, exporter: Option<Self>, mirror: Mirror) -> Self {
        let (importer, exporter) = match (importer, exporter) {
            (Some(importer), Some(exporter)) => (importer, exporter),
            (importer, exporter) => return importer.or(exporter).unwrap_or(Self::NOTHING),
        };
        let low = importer.low().min(exporter.low());
        let high = importer.high().max(exporter.high());
        let agree = importer.is_known() && exporter.is_known() && low >= high;
        let same =
            importer.status() == exporter.status() && importer.best().is_none() && exporter.best().is_none();
        let status = if agree || same { importer.status() } else { Status::Partial };
        Self::from_parts(mirror.best(importer.best(), exporter.best()), low, high, status)
    }

    /// An amount of goods of which at least the fraction `purity` (0 to 1) is the material: between `purity *
    /// a` and `a`, with best value `a`, which is how published methods use proxy codes. NaN counts as 0, a
    /// purity above 1 as 1.
    #[must_use]
    pub fn with_purity(self, purity: f64) -> Self {
        let purity = if purity > 0.0 { purity.min(1.0) } else { 0.0 };
        let low = self.low() * purity;
        let status = if self.is_known() && low < self.high() { Status::Partial } else { self.status() };
        Self::from_parts(self.best(), low, self.high(), status)
    }
}

impl Estimate {
    /// This figure of an earlier year in place of a missing one, on a scale from `low` to `high`.
    ///
    /// Its value becomes the best value. The bounds are those of the scale: an indicator can move across its
    /// whole scale in a year, as that of an economy at war has, and the publisher re-estimates the past.
    #[must_use]
    pub fn as_substitute(self, low: f64, high: f64) -> Self {
        let value = Bounded::on_scale(&self, low, high).best;
        Self::between(value, low, high).with_status(Status::Partial, EARLIER)
    }
}

/// A figure of at least 0 inside a formula: a best value, and bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounded {
    /// Best value. `None`: too little is known.
    pub(crate) best: Option<f64>,
    pub(crate) bounds: Interval,
    /// Whether every input is known.
    pub(crate) known: bool,
}

impl Bounded {
    /// Known to be zero.
    pub(crate) const NOTHING: Self = Self { best: Some(0.0), bounds: Interval::ZERO, known: true };

    /// Only bounds are known.
    pub(crate) fn unknown(bounds: Interval) -> Self {
        Self { best: None, bounds, known: false }
    }

    pub(crate) fn known(value: f64) -> Self {
        Self { best: Some(value), bounds: Interval::exact(value), known: true }
    }

    pub(crate) fn from_amount(amount: Amount) -> Self {
        Self { best: amount.best(), bounds: Interval::from(amount), known: amount.is_known() }
    }

    /// A figure on a scale, clamped to it. Where it is missing or NaN, the bounds are the whole scale.
    pub(crate) fn on_scale(figure: &Estimate, low: f64, high: f64) -> Self {
        let best = figure.value.filter(|value| !value.is_nan()).map(|value| value.clamp(low, high));
        match (figure.status, best) {
            (Status::Known, Some(value)) => Self::known(value),
            _ => {
                let end = |bound: Option<f64>, missing: f64| {
                    bound.filter(|bound| !bound.is_nan()).map_or(missing, |bound| bound.clamp(low, high))
                };
                let (least, most) = (end(figure.low, low), end(figure.high, high));
                let bounds =
                    if least <= most { Interval::new(least, most) } else { Interval::new(low, high) };
                Self { best: best.map(|best| best.clamp(bounds.low, bounds.high)), bounds, known: false }
            }
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            best: both(self.best, other.best, |a, b| a + b),
            bounds: self.bounds.plus(other.bounds),
            known: self.known && other.known,
        }
    }

    /// The product. Zero times anything is zero, also times infinity.
    pub(crate) fn times(self, other: Self) -> Self {
        Self {
            best: both(self.best, other.best, product),
            bounds: self.bounds.times(other.bounds),
            known: self.known && other.known,
        }
    }

    /// The quotient. `None`: the divisor is zero for certain.
    pub(crate) fn over(self, divisor: Self) -> Option<Self> {
        (divisor.bounds.high > 0.0).then(|| Self {
            best: both(self.best, divisor.best, |a, b| a / b).filter(|value| value.is_finite()),
            bounds: self.bounds.over(divisor.bounds),
            known: self.known && divisor.known,
        })
    }

    /// `f` of a figure, for an `f` that does not fall.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { best: self.best.map(&f), bounds: self.bounds.map(f), known: self.known }
    }

    /// `f` of a figure, for an `f` that does not rise.
    pub(crate) fn map_falling(self, f: impl Fn(f64) -> f64) -> Self {
        Self { best: self.best.map(&f), bounds: self.bounds.map_falling(f), known: self.known }
    }

    /// The figure, PARTIAL for this reason where it is not known. Where it overflows it has no value and no
    /// upper bound.
    pub(crate) fn estimate(self, reason: &'static str) -> Estimate {
        let best = self.best.filter(|value| value.is_finite());
        match best {
            Some(value) if self.known => Estimate::known(value),
            _ => {
                let Interval { low, high } = self.bounds;
                let low = if low.is_finite() { low } else { f64::MAX };
                let bounded = Estimate::between(best, low, high).with_status(Status::Partial, reason);
                Estimate { high: bounded.high.filter(|high| high.is_finite()), ..bounded }
            }
        }
    }
}

fn both(a: Option<f64>, b: Option<f64>, f: impl Fn(f64, f64) -> f64) -> Option<f64> {
    a.zip(b).map(|(a, b)| f(a, b))
}
