//! Compares a statement with figures: whether a claim agrees with them, and with which reading of it.
//!
//! A claim states a range. With one material, the figure lies in it; with several, the least of their figures
//! is its low end and the greatest its high end. A *reading* of a claim is one way to look up its figures: a
//! basis, a period, a vintage, a scenario. A reading is open if the claim states nothing else; the others are
//! only tried in order to say where its figures may come from.

use crate::Estimate;

/// Figures that differ by less than this, relative to their size, are equal: the rest is binary rounding.
const ROUNDING: f64 = 1e-9;

/// The range that a claim states, in the unit of its measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClaimedRange {
    /// Low end.
    pub low: f64,
    /// High end; not below the low one.
    pub high: f64,
    /// Largest difference that counts as rounding, at least 0.
    pub tolerance: f64,
}

/// How the figures of one reading compare with a claim.
///
/// The order is that of agreement: a wider tolerance never lowers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agreement {
    /// The figures differ, whatever the part of them is that is not known.
    Differs,
    /// The best estimate differs or is missing, and the bounds allow for agreement.
    Undecided,
    /// The best estimate agrees, and the bounds allow for a difference.
    NotConfirmed,
    /// The figures agree, whatever the part of them is that is not known.
    Confirmed,
}

impl Agreement {
    /// Whether the best estimate agrees.
    #[must_use]
    pub fn agrees(self) -> bool {
        self >= Self::NotConfirmed
    }
}

/// A reading of a claim and how its figures compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimReading {
    /// Nothing that the claim states contradicts this reading.
    pub is_open: bool,
    /// How the figures compare. `None`: there are none.
    pub agreement: Option<Agreement>,
}

/// Whether figures agree with a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimVerdict {
    /// Every reading that the claim leaves open agrees, as far as its figures decide.
    Agrees,
    /// Some readings agree, and one that the claim leaves open does not.
    AgreesOnlyWith,
    /// All readings that the claim leaves open differ, and no other agrees.
    Contradicted,
    /// The figures do not decide, or there are none.
    CannotBeChecked,
}

impl ClaimVerdict {
    /// The verdict on all readings of a claim.
    ///
    /// A claim is contradicted only by figures of what it states: if there are none, figures of another
    /// period or basis that differ prove nothing. A reading whose bounds decide nothing neither confirms nor
    /// contradicts.
    #[must_use]
    pub fn from_readings(readings: &[ClaimReading]) -> Self {
        let open = || readings.iter().filter(|reading| reading.is_open).map(|reading| reading.agreement);
        let agrees = |agreement: Option<Agreement>| agreement.is_some_and(Agreement::agrees);
        let differs = |agreement: Option<Agreement>| agreement == Some(Agreement::Differs);
        let undecided = |agreement: Option<Agreement>| agreement == Some(Agreement::Undecided);
        if open().any(agrees) {
            return if open().any(differs) { Self::AgreesOnlyWith } else { Self::Agrees };
        }
        if readings.iter().any(|reading| agrees(reading.agreement)) {
            return Self::AgreesOnlyWith;
        }
        if open().any(differs) && !open().any(undecided) {
            return Self::Contradicted;
        }
        Self::CannotBeChecked
    }
}

/// A figure as the comparison sees it. A missing bound is infinite.
#[derive(Clone, Copy, Debug)]
struct Band {
    value: Option<f64>,
    low: f64,
    high: f64,
}

impl ClaimedRange {
    /// Compares the figures of one reading, one for each material. `None`: nothing is known of any of them.
    ///
    /// A material without a figure counts as anything: with it, a range may still differ for certain, because
    /// another material already lies outside.
    #[must_use]
    pub fn compare(&self, figures: &[Estimate]) -> Option<Agreement> {
        let is_missing = |figure: &Estimate| [figure.value, figure.low, figure.high] == [None; 3];
        if figures.iter().all(is_missing) {
            return None;
        }
        let Self { low, high, tolerance } = *self;
        if let [figure] = figures {
            return Some(band(figure).within(low - tolerance, high + tolerance));
        }
        let least = extreme(figures, f64::min).within(low - tolerance, low + tolerance);
        let greatest = extreme(figures, f64::max).within(high - tolerance, high + tolerance);
        Some(least.min(greatest))
    }
}

fn band(figure: &Estimate) -> Band {
    let Estimate { value, low, high, .. } = *figure;
    Band { value, low: low.unwrap_or(f64::NEG_INFINITY), high: high.unwrap_or(f64::INFINITY) }
}

/// The least or the greatest of several figures, with its bounds. It has a best value if all of them have
/// one.
fn extreme(figures: &[Estimate], pick: fn(f64, f64) -> f64) -> Band {
    let bands = figures.iter().map(band);
    let both = |a: Band, b: Band| Band {
        value: a.value.zip(b.value).map(|(a, b)| pick(a, b)),
        low: pick(a.low, b.low),
        high: pick(a.high, b.high),
    };
    let unknown = Band { value: None, low: f64::NEG_INFINITY, high: f64::INFINITY };
    bands.reduce(both).unwrap_or(unknown)
}

impl Band {
    /// Whether the figure lies between two values, both included.
    fn within(self, low: f64, high: f64) -> Agreement {
        let is_above = |figure: f64| figure >= low - ROUNDING * low.abs().max(1.0);
        let is_below = |figure: f64| figure <= high + ROUNDING * high.abs().max(1.0);
        if is_above(self.low) && is_below(self.high) {
            return Agreement::Confirmed;
        }
        if !is_above(self.high) || !is_below(self.low) {
            return Agreement::Differs;
        }
        match self.value {
            Some(value) if is_above(value) && is_below(value) => Agreement::NotConfirmed,
            _ => Agreement::Undecided,
        }
    }
}
