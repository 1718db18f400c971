//! Rows of the table of projects.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use orewatch_catalog::{Basis, Period, Stage};

use crate::number::is_share;

/// Years in which a project may start.
const START_YEARS: RangeInclusive<f64> = 1900.0..=2100.0;

/// How far a project has come, from the most to the least certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectStatus {
    /// It produces, and is part of today's supply.
    Operating,
    /// The final investment decision is taken, or it is under construction.
    Committed,
    /// Its finance is agreed; the final decision is not taken.
    Financed,
    /// It has its permits.
    Permitted,
    /// A study of its feasibility is done or under way.
    Feasibility,
    /// It is announced.
    Announced,
    /// Work on it has stopped.
    Suspended,
    /// It is given up.
    Cancelled,
}

impl ProjectStatus {
    /// All statuses.
    pub const ALL: [Self; 8] = [
        Self::Operating,
        Self::Committed,
        Self::Financed,
        Self::Permitted,
        Self::Feasibility,
        Self::Announced,
        Self::Suspended,
        Self::Cancelled,
    ];

    /// The identifier.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operating => "operating",
            Self::Committed => "committed",
            Self::Financed => "financed",
            Self::Permitted => "permitted",
            Self::Feasibility => "feasibility",
            Self::Announced => "announced",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the project may still add to supply. One that operates is part of today's supply.
    #[must_use]
    pub const fn may_add(self) -> bool {
        !matches!(self, Self::Operating | Self::Suspended | Self::Cancelled)
    }
}

impl fmt::Display for ProjectStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProjectStatus {
    type Err = ProjectProblem;

    fn from_str(text: &str) -> Result<Self, ProjectProblem> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text.trim());
        found.ok_or_else(|| ProjectProblem::Status { value: text.to_owned() })
    }
}

/// A part of a project's output that is promised to a buyer.
#[derive(Clone, Debug, PartialEq)]
pub struct Offtake {
    /// Alpha-3 code of the buyer's economy.
    pub economy: String,
    /// Share of the output, 0 to 1.
    pub share: f64,
}

/// One row of the table of projects: new capacity of one material at one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Identifier of the project in the table, such as `kalgoorlie-cracking`.
    pub id: String,
    /// Alpha-3 code of the economy where it is.
    pub economy: String,
    /// Identifier of the material.
    pub material: String,
    /// Stage of the chain.
    pub stage: Stage,
    /// Output a year when it runs at capacity, in kilotonnes of the basis.
    pub capacity_kt: f64,
    /// What is weighed.
    pub basis: Basis,
    /// Earliest announced start, as a year: 2028.5 is the middle of 2028.
    pub start_from: f64,
    /// Latest announced start.
    pub start_to: f64,
    /// How far it has come.
    pub status: ProjectStatus,
    /// Alpha-3 codes of its owners' economies.
    pub owners: Vec<String>,
    /// What of its output is promised.
    pub offtakes: Vec<Offtake>,
    /// Where this was read.
    pub source: String,
    /// When it was announced. `None`: not known.
    pub announced: Option<Period>,
}

impl Project {
    /// Checks a row.
    ///
    /// # Errors
    /// [`BadProject`] names the project and the first thing that is wrong.
    pub fn check(&self) -> Result<(), BadProject> {
        let (from, to) = (self.start_from, self.start_to);
        let promised = self.offtakes.iter().map(|offtake| offtake.share).sum::<f64>();
        let wrong_share = self.offtakes.iter().find(|offtake| !is_share(offtake.share));
        let problem = if !(self.capacity_kt.is_finite() && self.capacity_kt > 0.0) {
            ProjectProblem::Capacity { value: self.capacity_kt }
        } else if !(START_YEARS.contains(&from) && START_YEARS.contains(&to)) {
            ProjectProblem::Year { from, to }
        } else if from > to {
            ProjectProblem::Window { from, to }
        } else if let Some(offtake) = wrong_share {
            ProjectProblem::Offtake { economy: offtake.economy.clone(), share: offtake.share }
        } else if promised > 1.0 + 1e-9 {
            ProjectProblem::Promised { share: promised }
        } else if self.source.trim().is_empty() {
            ProjectProblem::Source
        } else {
            return Ok(());
        };
        Err(BadProject { project: self.id.clone(), problem })
    }
}

/// A project that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("project {project}: {problem}")]
pub struct BadProject {
    /// Identifier of the project.
    pub project: String,
    /// What is wrong.
    pub problem: ProjectProblem,
}

/// What is wrong with a project.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProjectProblem {
    /// No capacity, or one that is not above 0.
    #[error("capacity is {value}: give its yearly output in kilotonnes, above 0, or leave the project out")]
    Capacity {
        /// The capacity.
        value: f64,
    },
    /// A start outside of the calendar.
    #[error("starts between {from} and {to}: give years from 1900 to 2100")]
    Year {
        /// Earliest start.
        from: f64,
        /// Latest start.
        to: f64,
    },
    /// The window of the start ends before it begins.
    #[error("the latest start {to} is before the earliest {from}: swap them if they were mixed up")]
    Window {
        /// Earliest start.
        from: f64,
        /// Latest start.
        to: f64,
    },
    /// An unknown status.
    #[error(
        "unknown status `{value}`: write operating, committed, financed, permitted, feasibility, announced, \
         suspended or cancelled"
    )]
    Status {
        /// The status as given.
        value: String,
    },
    /// A promised share outside of 0 to 1.
    #[error("{share} of the output is promised to {economy}: give a share from 0 to 1")]
    Offtake {
        /// The buyer.
        economy: String,
        /// The share.
        share: f64,
    },
    /// More than all is promised.
    #[error("{share} of the output is promised in all: the shares may add up to 1 at most")]
    Promised {
        /// Sum of the shares.
        share: f64,
    },
    /// No source.
    #[error("no source is given: say where the row was read")]
    Source,
    /// A capacity in another basis than the plan's.
    #[error("capacity is in {basis}, supply in {wanted}: convert it, or leave the project out")]
    Basis {
        /// Basis of the project.
        basis: Basis,
        /// Basis of the plan.
        wanted: Basis,
    },
    /// A project of another market than the plan's.
    #[error("it is {material} {stage}: a plan has one material at one stage")]
    Market {
        /// The project's material.
        material: String,
        /// The project's stage.
        stage: Stage,
    },
    /// A probability of one's own outside of 0 to 1.
    #[error("its probability is {value}: give one from 0 to 1")]
    Probability {
        /// The probability.
        value: f64,
    },
    /// Two rows with the same identifier.
    #[error("it occurs twice: give every project an identifier of its own")]
    Twice,
}
