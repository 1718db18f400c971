//! Projects: what announced and committed capacity adds to supply, and when.
//!
//! ```text
//! supply of an economy in year y = supply today
//!     + sum over its projects of built * capacity * utilisation * ramp((y - start - delay) / ramp years)
//! ```
//!
//! `row` has the rows of the tables of projects and of demand, `hazard` the probabilities that a project is
//! built, `plan` the draws, and `outlook` what they say of a figure.

mod demand;
mod hazard;
mod outlook;
mod plan;
mod row;

pub use demand::{BadDemand, DemandKind, DemandRow, demand_path};
pub use hazard::{BadHazard, Hazards, MovedProjects, reference_moves};
pub use outlook::{Driver, SupplyFigure, SupplyOutlook};
pub use plan::{BadSupplyPlan, Curve, Delay, MAX_DRAWS, Prospects, SupplyPlan, SupplySetup};
pub use row::{BadProject, Offtake, Project, ProjectProblem, ProjectStatus};
