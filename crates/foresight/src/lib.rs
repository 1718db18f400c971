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
//! use orewatch_foresight::{Baseline, ErrorPool, OutlookQuestion, ReferenceFigure, reference_series};
//! use orewatch_measures::TargetLine;
//!
//! let series = reference_series(ReferenceFigure::ChinaShare).unwrap();
//! let is_wanted = |(goods, consumer)| (goods, consumer) == ("rare earths", "G7");
//! let subject = series.iter().find(|series| is_wanted((series.goods(), series.consumer()))).unwrap();
//! let question = OutlookQuestion {
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
    Allocation, CoalitionMarket, MAX_MEMBERS, MarketBuyer, MarketSupplier, MemberValue, NoAllocation,
    ProjectEffect, RouteTerms, shapley,
};
pub use compare::{Comparison, Loss, compare_with_no_change, holm};
pub use distribution::{BANDS, Distribution, PINBALL_AT, QuantileBand};
pub use floor::{DependenceFloor, missing_for_share, own_share_at_reach};
pub use likelihood::{ProbabilityWord, probability_text};
pub use outlook::{BaseRate, MAX_AHEAD, NoOutlook, Outlook, OutlookQuestion, OutlookYear, first_even_year};
pub use pool::{ErrorPool, MIN_ERRORS};
pub use project::{
    BadDemand, BadHazard, BadProject, BadSupplyPlan, Curve, Delay, DemandKind, DemandRow, Driver, Hazards,
    MAX_DRAWS, MovedProjects, Offtake, Project, ProjectProblem, ProjectStatus, Prospects, SupplyFigure,
    SupplyOutlook, SupplyPlan, SupplySetup, demand_path, reference_moves,
};
pub use random::{Stream, philox};
pub use reference::{BadReference, ReferenceFigure, reference_series};
pub use score::{CalibrationBin, CaseScore, Scores, calibration, calibration_error};
pub use series::{BadSeries, ConsumerClass, SeriesProblem, YearlySeries};
pub use stress::{
    BadStressScenario, CascadeOutcome, CascadeStart, Cut, EconomyOutcome, ExportControl, LIBRARY_MONTHS,
    LIBRARY_SHARES, LossRanking, RankedLoss, StageMarket, StageOutcome, StressChain, StressResponse,
    StressScenario, TradeLink, cascade, months_of_cover, rank_losses, recent_controls, scenario_library,
};
