//! How much published figures are revised from one edition to the next.

/// Median revision below which figures are firm, as a fraction.
const FIRM_BELOW: f64 = 0.02;

/// Median revision up to which figures are soft, as a fraction.
const SOFT_UP_TO: f64 = 0.05;

/// How much a figure was revised: `|new - old| / old`, as a fraction. `None` if a figure is not finite or
/// negative, or if the old one is zero: nothing can be said in parts of nothing.
#[must_use]
pub fn revision(old: f64, new: f64) -> Option<f64> {
    let is_amount = |figure: f64| figure.is_finite() && figure >= 0.0;
    (is_amount(old) && is_amount(new) && old > 0.0).then(|| (new - old).abs() / old)
}

/// How much figures of one kind were revised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RevisionBand {
    /// Number of figures.
    pub figures: usize,
    /// Median of their revisions, as a fraction.
    pub median: f64,
    /// Ninth decile of their revisions, as a fraction.
    pub p90: f64,
}

impl RevisionBand {
    /// The band of revisions, in any order. `None`: there are none.
    ///
    /// Median and ninth decile are interpolated linearly between the closest ranks: of `n` sorted revisions,
    /// numbered from 0, quantile `p` is at place `p (n - 1)`. This is type 7 of Hyndman and Fan (1996),
    /// *Sample Quantiles in Statistical Packages*, and the default of R and NumPy.
    #[must_use]
    pub fn from_revisions(mut revisions: Vec<f64>) -> Option<Self> {
        revisions.sort_by(f64::total_cmp);
        let figures = revisions.len();
        // Exact: fractions in whole tenths, so that rounding never moves a place.
        Some(Self { figures, median: quantile(&revisions, 5)?, p90: quantile(&revisions, 9)? })
    }

    /// What the median says of a figure.
    #[must_use]
    pub fn firmness(&self) -> Firmness {
        Firmness::from_median(self.median)
    }
}

/// How firm published figures are, by the median revision of figures like them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firmness {
    /// Below 2 %.
    Firm,
    /// From 2 % to 5 %.
    Soft,
    /// Above 5 %.
    Weak,
}

impl Firmness {
    /// The firmness of figures with a median revision, given as a fraction.
    #[must_use]
    pub fn from_median(median: f64) -> Self {
        match median {
            median if median < FIRM_BELOW => Self::Firm,
            median if median <= SOFT_UP_TO => Self::Soft,
            _ => Self::Weak,
        }
    }
}

/// A quantile of sorted numbers, in tenths. `None`: there are no numbers.
fn quantile(sorted: &[f64], tenths: usize) -> Option<f64> {
    let place = sorted.len().checked_sub(1)?.checked_mul(tenths)?;
    let (index, rest) = (place / 10, place % 10);
    let low = *sorted.get(index)?;
    let high = sorted.get(index + 1).copied().unwrap_or(low);
    let rest = f64::from(u8::try_from(rest).ok()?) / 10.0;
    Some(low + (high - low) * rest)
}
