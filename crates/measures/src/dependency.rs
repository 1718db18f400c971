//! Tests of dependency on trade, by the European Commission (2021) and by GeoDep (2024).
//!
//! Sources: European Commission, Strategic dependencies and capacities, SWD(2021) 352 final; Lefebvre and
//! Wibaux (2024), Import dependencies: where does the EU stand?, CEPII.

use crate::doubt::{Doubt, best};
use crate::{Amount, Estimate, Interval, Status, Term, Terms};

/// The ratio of imports to exports that GeoDep sets where nothing is exported.
pub const NO_EXPORTS: f64 = 9999.0;

const NO_IMPORTS: &str = "nothing is imported: there is no whole to take a share of";
const NO_TRADE: &str = "nothing is imported or exported";
const INCOMPLETE: &str = "some imports or exports are not known";
const YEARS: &str = "in some year a figure is missing, or its band holds the line of a test";
const NO_YEAR: &str = "no year has figures for the tests";

/// Index of concentration above which both tests see a dependency; 0.4 on a scale from 0 to 1.
const CONCENTRATED: f64 = 4000.0;
/// Share of imports from outside above which the Commission sees a dependency.
const MAJORITY: f64 = 0.5;
/// Ratio of imports to exports above which both tests see a dependency.
const BALANCED: f64 = 1.0;

/// A bloc's imports from outside and between its members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExtraImports {
    /// Imports from outside, `X`.
    pub extra: Amount,
    /// Imports of members from members, `W`. A single economy has none.
    pub intra: Amount,
}

impl ExtraImports {
    /// Share of imports from outside, `X / (X + W)`, 0 to 1. Lowest where imports from outside are low and
    /// those between members high. NOT_APPLICABLE where nothing is imported.
    #[must_use]
    pub fn share(&self) -> Estimate {
        if self.extra.is_nothing() && self.intra.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NO_IMPORTS);
        }
        let intra = self.intra.best().unwrap_or(0.0);
        let value =
            self.extra.best().filter(|extra| extra + intra > 0.0).map(|extra| extra / (extra + intra));
        let whole = |own: f64, other: f64| if own.is_infinite() { 1.0 } else { own / (own + other) };
        let low = whole(self.extra.low(), self.intra.high());
        let high = whole(self.extra.high(), self.intra.low());
        let sane = |share: f64, neither| if share.is_nan() { neither } else { share };
        self.doubt().estimate(value, Interval::new(sane(low, 0.0), sane(high, 1.0)))
    }

    /// The terms of `extra-import-share`, in the given unit.
    #[must_use]
    pub fn terms(&self, unit: &'static str) -> Terms {
        vec![Term::new("X", self.extra.estimate(), unit), Term::new("W", self.intra.estimate(), unit)]
    }

    fn doubt(&self) -> Doubt {
        [self.extra, self.intra]
            .into_iter()
            .map(|amount| Doubt::from_amount(amount, INCOMPLETE))
            .fold(Doubt::NONE, Doubt::and)
    }
}

/// A consumer's imports and exports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TradeBalance {
    /// Imports, `M`.
    pub imports: Amount,
    /// Exports, `X`.
    pub exports: Amount,
}

impl TradeBalance {
    /// Ratio of imports to exports, `M / X`, at least 0; [`NO_EXPORTS`] where something is imported and
    /// nothing exported, as in GeoDep. Without upper bound where exports may be close to zero. NOT_APPLICABLE
    /// where nothing is traded.
    #[must_use]
    pub fn ratio(&self) -> Estimate {
        if self.imports.is_nothing() && self.exports.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NO_TRADE);
        }
        let value =
            self.imports.best().zip(self.exports.best()).and_then(|(imports, exports)| match exports {
                exports if exports > 0.0 => Some(imports / exports),
                _ => (imports > 0.0).then_some(NO_EXPORTS),
            });
        let doubts = [self.imports, self.exports].map(|amount| Doubt::from_amount(amount, INCOMPLETE));
        doubts.into_iter().fold(Doubt::NONE, Doubt::and).estimate(value, self.bounds())
    }

    fn bounds(&self) -> Interval {
        if self.exports.is_nothing() {
            return Interval::exact(NO_EXPORTS);
        }
        let plain = Interval::from(self.imports).over(Interval::from(self.exports));
        // Where exports may be zero, the ratio may be NO_EXPORTS, which is below what tiny exports give.
        let low = if self.exports.low() > 0.0 { plain.low } else { plain.low.min(NO_EXPORTS) };
        let none = self.exports.low() <= 0.0 && self.imports.high() > 0.0;
        Interval::new(low, if none { f64::INFINITY } else { plain.high })
    }

    /// The terms of `import-export-ratio`, in the given unit.
    #[must_use]
    pub fn terms(&self, unit: &'static str) -> Terms {
        vec![Term::new("M", self.imports.estimate(), unit), Term::new("X", self.exports.estimate(), unit)]
    }
}

/// One year of GeoDep's tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeodepYear {
    /// Concentration of the consumer's imports, 0 to 10000; test: above 4000.
    pub import_hhi: Estimate,
    /// Concentration of the world's exports, 0 to 10000; test: above 4000.
    pub export_hhi: Estimate,
    /// Imports over exports; test: above 1.
    pub ratio: Estimate,
}

/// One year of the European Commission's tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EcYear {
    /// Concentration of imports from outside, CDI1, 0 to 10000; test: above 4000.
    pub import_hhi: Estimate,
    /// Share of imports that comes from outside, CDI2, 0 to 1; test: above 0.5.
    pub extra_share: Estimate,
    /// Imports from outside over exports to outside, CDI3; test: above 1.
    pub ratio: Estimate,
}

/// A figure that must be above a line.
type Test = (Estimate, f64);

/// Whether all tests of a year are met: certainly, possibly, and by the best values (None where one has no
/// value).
#[derive(Clone, Copy)]
struct YearVerdict {
    certain: bool,
    possible: bool,
    best: Option<bool>,
}

impl YearVerdict {
    /// A year without figures.
    const OPEN: Self = Self { certain: false, possible: true, best: None };

    fn from_tests(tests: &[Test]) -> Self {
        let start = Self { certain: true, possible: true, best: Some(true) };
        tests.iter().map(Self::from_test).fold(start, |all, test| Self {
            certain: all.certain && test.certain,
            possible: all.possible && test.possible,
            best: match (all.best, test.best) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
        })
    }

    /// A test that does not apply, because nothing is traded, is not met.
    fn from_test((figure, line): &Test) -> Self {
        if figure.status == Status::NotApplicable {
            return Self { certain: false, possible: false, best: Some(false) };
        }
        let bounds = Interval::from(figure);
        Self {
            certain: bounds.low > *line,
            possible: bounds.high > *line,
            best: best(figure).map(|value| value > *line),
        }
    }
}

/// Number of years out of three in which all of GeoDep's tests were met, 0 to 3; from 2 on the product is a
/// dependency. None stands for a year without figures.
///
/// A year without figures, or with bounds on both sides of the line of a test, counts in the upper bound
/// only. The best value counts the years that are met by best values.
#[must_use]
pub fn geodep_years(years: &[Option<GeodepYear>; 3]) -> Estimate {
    count(years.iter().map(|year| {
        year.map_or(YearVerdict::OPEN, |year| {
            YearVerdict::from_tests(&[
                (year.import_hhi, CONCENTRATED),
                (year.export_hhi, CONCENTRATED),
                (year.ratio, BALANCED),
            ])
        })
    }))
}

/// Number of years out of three in which all of the European Commission's tests were met, 0 to 3, counted as
/// in [`geodep_years`].
#[must_use]
pub fn ec_dependency_years(years: &[Option<EcYear>; 3]) -> Estimate {
    count(years.iter().map(|year| {
        year.map_or(YearVerdict::OPEN, |year| {
            YearVerdict::from_tests(&[
                (year.import_hhi, CONCENTRATED),
                (year.extra_share, MAJORITY),
                (year.ratio, BALANCED),
            ])
        })
    }))
}

fn count(years: impl Iterator<Item = YearVerdict>) -> Estimate {
    let (mut low, mut high) = (0.0, 0.0);
    let (mut value, mut sure) = (None::<f64>, true);
    for year in years {
        low += as_count(year.certain);
        high += as_count(year.possible);
        sure &= year.certain == year.possible;
        // A year that certainly fails a test is a year without dependency, whatever else is missing.
        let best = if year.possible { year.best } else { Some(false) };
        value = best.map_or(value, |met| Some(value.unwrap_or(0.0) + as_count(met)));
    }
    let doubt = match (sure, value) {
        (true, _) => Doubt::NONE,
        (false, Some(_)) => Doubt::new(Status::Partial, YEARS),
        (false, None) => Doubt::new(Status::Unavailable, NO_YEAR),
    };
    doubt.estimate(if sure { Some(low) } else { value }, Interval::new(low, high))
}

fn as_count(met: bool) -> f64 {
    if met { 1.0 } else { 0.0 }
}

impl GeodepYear {
    /// The terms of `geodep-years` for this year.
    #[must_use]
    pub fn terms(&self) -> Terms {
        vec![
            Term::new("HHI_M", self.import_hhi, "hhi"),
            Term::new("HHI_X", self.export_hhi, "hhi"),
            Term::new("M/X", self.ratio, "ratio"),
        ]
    }
}

impl EcYear {
    /// The terms of `ec-dependency-years` for this year.
    #[must_use]
    pub fn terms(&self) -> Terms {
        vec![
            Term::new("CDI1", self.import_hhi, "hhi"),
            Term::new("CDI2", self.extra_share, "share"),
            Term::new("CDI3", self.ratio, "ratio"),
        ]
    }
}
