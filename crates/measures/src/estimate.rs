//! A figure with its bounds and what is known of it.

/// What is known about a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Every input is known.
    Known,
    /// Some input is missing or only bounded.
    Partial,
    /// The publisher withholds it.
    Withheld,
    /// No source gives it.
    Unavailable,
    /// It does not apply, such as a share of imports where nothing is imported.
    NotApplicable,
    /// It was known, and is out of date.
    Stale,
}

/// A figure with its bounds and what is known of it.
///
/// `low` and `high` enclose the figure for every completion of what is not known. For a KNOWN figure they
/// equal `value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Best estimate, from the inputs that are known. `None`: too few are known for one.
    pub value: Option<f64>,
    /// Lower bound. `None`: there is none.
    pub low: Option<f64>,
    /// Upper bound. `None`: there is none.
    pub high: Option<f64>,
    /// Least share of the denominator that known figures make up, 0 to 1. What is of unknown origin does not
    /// count as known; where it has no upper bound, coverage is 0. `None`: there is no denominator, or
    /// another part of it has no upper bound.
    pub coverage: Option<f64>,
    /// What is known about it.
    pub status: Status,
    /// Why it is not KNOWN, one short sentence. Empty for a KNOWN figure.
    pub reason: &'static str,
}

impl Estimate {
    /// A KNOWN figure.
    #[must_use]
    pub const fn known(value: f64) -> Self {
        let some = Some(value);
        Self { value: some, low: some, high: some, coverage: Some(1.0), status: Status::Known, reason: "" }
    }

    /// No value and no bounds.
    #[must_use]
    pub const fn missing(status: Status, reason: &'static str) -> Self {
        Self { value: None, low: None, high: None, coverage: None, status, reason }
    }

    /// A PARTIAL figure between bounds. A value outside them, by rounding or because it leaves inputs out, is
    /// moved to the nearer bound.
    pub(crate) fn between(value: Option<f64>, low: f64, high: f64) -> Self {
        let high = high.max(low);
        Self {
            value: value.map(|value| value.clamp(low, high)),
            low: Some(low),
            high: Some(high),
            coverage: None,
            status: Status::Partial,
            reason: "",
        }
    }

    /// The same figure with another coverage.
    pub(crate) fn with_coverage(self, coverage: Option<f64>) -> Self {
        Self { coverage, ..self }
    }

    /// The same figure with another status and reason.
    pub(crate) fn with_status(self, status: Status, reason: &'static str) -> Self {
        Self { status, reason, ..self }
    }
}
