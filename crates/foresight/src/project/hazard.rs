//! Probabilities that a project is built, by the time that has passed.

use crate::number::is_share;

/// How many projects of a stage went on to the next one within a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedProjects {
    /// What they moved to.
    pub to: &'static str,
    /// Projects that moved.
    pub moved: u32,
    /// Projects that could have moved.
    pub of: u32,
    /// Where this was read.
    pub source: &'static str,
}

impl MovedProjects {
    /// Share that moved in the year, 0 to 1.
    #[must_use]
    pub fn yearly(&self) -> f64 {
        if self.of > 0 { (f64::from(self.moved) / f64::from(self.of)).min(1.0) } else { 0.0 }
    }
}

const SOURCE: &str = "Australia, Department of Industry, Science and Resources, Resources and Energy Major \
                      Projects 2025 (to 31 October 2025, all commodities), as reported by the Investing News \
                      Network, https://investingnews.com/australia-2025-resource-review";

/// Australia's major projects in the year to October 2025: 14 of the 348 that were announced or at the stage
/// of feasibility were committed, and 21 were completed where 63 are committed.
///
/// One year of one economy and of all commodities. Both denominators are those at the end of the year. An
/// outlook that uses these moves says so, and they can be replaced.
#[must_use]
pub const fn reference_moves() -> [MovedProjects; 2] {
    [
        MovedProjects { to: "committed", moved: 14, of: 280 + 68, source: SOURCE },
        MovedProjects { to: "completed", moved: 21, of: 63, source: SOURCE },
    ]
}

/// Yearly probabilities of going on: hazards.
///
/// ```
/// use orewatch_foresight::Hazards;
///
/// // A third of committed projects is completed a year: 87 % within five years.
/// let hazards = Hazards::new(0.041, 0.33).unwrap();
/// let within = hazards.built_within(true, 5);
/// assert!((within[5] - (1.0 - 0.67_f64.powi(5))).abs() < 1e-12);
/// // One that is not committed has to take both steps: 9 %.
/// assert!((hazards.built_within(false, 5)[5] - 0.093).abs() < 1e-3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hazards {
    commit: f64,
    complete: f64,
}

impl Hazards {
    /// The probability a year that a project which is not committed is committed, and that one which is
    /// committed is completed, 0 to 1 each.
    ///
    /// # Errors
    /// [`BadHazard`] if one of them is no probability.
    pub fn new(commit: f64, complete: f64) -> Result<Self, BadHazard> {
        let wrong = [commit, complete].into_iter().find(|hazard| !is_share(*hazard));
        wrong.map_or(Ok(Self { commit, complete }), |value| Err(BadHazard { value }))
    }

    /// The hazards of [`reference_moves`].
    #[must_use]
    pub fn reference() -> Self {
        let [commit, complete] = reference_moves().map(|moves| moves.yearly());
        Self { commit, complete }
    }

    /// Probability that a project is completed within 0, 1, 2 and so on up to `years` years. It never falls.
    #[must_use]
    pub fn built_within(&self, committed: bool, years: usize) -> Vec<f64> {
        let (mut waiting, mut building, mut built) =
            if committed { (0.0, 1.0, 0.0) } else { (1.0, 0.0, 0.0) };
        let mut within = vec![built];
        for _ in 0..years {
            let (begun, done): (f64, f64) = (waiting * self.commit, building * self.complete);
            waiting -= begun;
            building += begun - done;
            built += done;
            within.push(built.min(1.0));
        }
        within
    }
}

/// A hazard that is no probability.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a hazard is {value}: give the share of projects that go on in a year, from 0 to 1")]
pub struct BadHazard {
    /// The hazard.
    pub value: f64,
}
