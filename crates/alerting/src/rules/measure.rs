//! The measures that a rule can watch.
use std::fmt;

/// A formula that exposures are published for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Identifier without version.
    pub id: &'static str,
    /// Newest version of the method.
    pub version: u32,
    /// Whether its exposures name a supplier.
    pub has_supplier: bool,
    /// Largest value that it can take; the smallest is 0. None: there is no largest.
    pub most: Option<f64>,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.id, self.version)
    }
}

const fn measured(id: &'static str, has_supplier: bool, most: Option<f64>) -> Measure {
    Measure { id, version: 1, has_supplier, most }
}

const SHARE: Option<f64> = Some(1.0);
const HHI: Option<f64> = Some(10_000.0);

/// All measures. The methods themselves, with formulas and sources, are the exposure service's.
pub static MEASURES: &[Measure] = &[
    measured("import-share", true, SHARE),
    measured("import-hhi", false, HHI),
    measured("import-top1", false, SHARE),
    measured("import-top3", false, SHARE),
    measured("import-suppliers", false, None),
    measured("production-share", true, SHARE),
    measured("production-hhi", false, HHI),
    measured("production-top1", false, SHARE),
    measured("production-top3", false, SHARE),
    measured("production-suppliers", false, None),
    measured("net-import-reliance", false, SHARE),
];

/// The measure with this identifier, with or without `/version`.
#[must_use]
pub fn measure(text: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|measure| measure.id == text || measure.to_string() == text)
}
