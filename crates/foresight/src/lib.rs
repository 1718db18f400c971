//! Is less reliance on one supplier within reach, when, and how probably? In numbers that are scored.
//!
//! # Reading order
//!
//! 1. `series`: a figure by year. `reference`: the series that ship with the program.
//! 2. `baseline`: forecasts that need nothing but the series. `pool` and `distribution`: the errors of the
//!    past, which give a forecast its spread. `outlook`: both together, held to a target.
//! 3. `backcast`, `score` and `compare`: what such forecasts would have been worth, and whether a model beats
//!    no change. `likelihood`: probabilities as people read them.
//! 4. `project`: capacity that is announced and committed, drawn by `random`. `floor`: the least dependence
//!    that tonnes allow.
//! 5. `coalition`: what members reach alone and together. `stress`: what a cut does.
//!
//! # What must not change
//!
//! Everything is a pure function: no clock, no I/O, no source of randomness. Draws follow from a seed and a
//! name, sums run in a fixed order, and the same input gives the same bits on any number of threads. Only
//! figures up to an origin are read for a forecast made at it.
//!
//! ```
//! use orewatch_foresight::{Baseline, ErrorPool, Question, ReferenceFigure, reference_series};
//! use orewatch_measures::TargetLine;
//!
//! let series = reference_series(ReferenceFigure::ChinaShare).unwrap();
//! let is_wanted = |(goods, consumer)| (goods, consumer) == ("rare earths", "G7");
//! let subject = series.iter().find(|series| is_wanted((series.goods(), series.consumer()))).unwrap();
//! let question = Question {
//!     subject,
//!     series: &series,
//!     origin: 2024,
//!     until: 2030,
//!     target: TargetLine { at: 0.6, at_most: true },
//!     baseline: Baseline::Shrink,
//! };
//! // The probability that China's share is at most 60 % in 2030 depends on which past counts as alike.
//! let in_2030 = |pool| question.outlook(pool).unwrap().years.pop().unwrap().probability;
//! assert!(in_2030(ErrorPool::All) < 0.35 && in_2030(ErrorPool::SameLevel) > 0.5);
//! ```

mod backcast;
mod baseline;
mod coalition;
mod compare;
mod distribution;
mod floor;
mod likelihood;
mod number;
mod outlook;
mod pool;
mod project;
mod random;
mod reference;
mod score;
mod series;
mod stress;

pub use backcast::{Backcast, BackcastCase, rank_pools};
pub use baseline::{Baseline, MIN_HISTORY, TooShort, UnknownBaseline};
pub use coalition::{
    Allocation, Buyer, CoalitionMarket, MAX_MEMBERS, MemberValue, NoAllocation, ProjectEffect, Route,
    Supplier, shapley,
};
pub use compare::{Comparison, Loss, compare_with_no_change, holm};
pub use distribution::{BANDS, Band, Distribution, PINBALL_AT};
pub use floor::{Floor, missing_for_share, own_share_at_reach};
pub use likelihood::{Likelihood, probability_text};
pub use outlook::{BaseRate, MAX_AHEAD, NoOutlook, Outlook, OutlookYear, Question, first_even_year};
pub use pool::{ErrorPool, MIN_ERRORS};
pub use project::{
    BadDemand, BadHazard, BadPlan, BadProject, Curve, Delay, DemandKind, DemandRow, Driver, Hazards,
    MAX_DRAWS, MovedProjects, Offtake, Plan, Project, ProjectProblem, ProjectStatus, Prospects, Setup,
    SupplyFigure, SupplyOutlook, demand_path, reference_moves,
};
pub use random::{Stream, philox};
pub use reference::{BadReference, ReferenceFigure, reference_series};
pub use score::{CaseScore, Scores};
pub use series::{BadSeries, Class, Series, SeriesProblem};
pub use stress::{
    BadScenario, CascadeOutcome, CascadeStart, Chain, Control, Cut, EconomyOutcome, LIBRARY_MONTHS,
    LIBRARY_SHARES, Link, RankedLoss, Ranking, Response, Scenario, StageMarket, StageOutcome, cascade,
    months_of_cover, rank_losses, recent_controls, scenario_library,
};
