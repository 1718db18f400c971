//! A figure and how sure it is.

/// How much is known about a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Every input is known.
    Known,
    /// Some input is missing or only bounded.
    Partial,
    /// The publisher holds it back.
    Withheld,
    /// No source gives it.
    Unavailable,
    /// The question does not arise.
    NotApplicable,
    /// It was known once, and its validity has ended.
    Stale,
}

/// A figure and how sure it is.
///
/// `low` and `high` enclose the figure for every completion of what is not known; of a KNOWN figure they equal `value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Best estimate, from the inputs that are known. None: none of them is.
    pub value: Option<f64>,
    /// Lower bound. None: there is none.
    pub low: Option<f64>,
    /// Upper bound. None: there is none.
    pub high: Option<f64>,
    /// Least share of the denominator that known figures make up, 0 to 1; what is of unknown origin is no known figure, and
    /// leaves 0 where nothing bounds it. None: no denominator, or another part of it is unbounded.
    pub coverage: Option<f64>,
    /// How much is known.
    pub status: Status,
    /// Why it is not KNOWN, one short sentence. Empty if it is.
    pub reason: &'static str,
}

impl Estimate {
    /// A figure all of whose inputs are known.
    #[must_use]
    pub const fn known(value: f64) -> Self {
        let some = Some(value);
        Self { value: some, low: some, high: some, coverage: Some(1.0), status: Status::Known, reason: "" }
    }

    /// No figure at all.
    #[must_use]
    pub const fn missing(status: Status, reason: &'static str) -> Self {
        Self { value: None, low: None, high: None, coverage: None, status, reason }
    }

    /// A figure between bounds. A value outside them, by rounding or because it leaves inputs out, moves to the nearer one.
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

    pub(crate) fn with_coverage(self, coverage: Option<f64>) -> Self {
        Self { coverage, ..self }
    }

    pub(crate) fn because(self, status: Status, reason: &'static str) -> Self {
        Self { status, reason, ..self }
    }
}
