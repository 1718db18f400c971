//! Published formulas over markets, as pure functions: supplier shares, concentration, reliance, risk,
//! look-through.
//!
//! A market is given as a [`Sourcing`]: who supplies how much, with what is not known kept as such. Every
//! figure is an [`Estimate`]: a best value, bounds that enclose every completion of what is not known,
//! coverage and a status. There is no clock, no I/O and no randomness here, and sums run in a fixed order:
//! equal inputs give equal bits.
//!
//! ```
//! use orewatch_measures::{Amount, Sourcing, Status};
//!
//! let mines = [("CHN", 60.0), ("TJK", 17.0), ("RUS", 13.0)].map(|(key, t)| (key, Amount::known(t)));
//! let market = Sourcing::new(mines, Amount::known(10.0));
//! let (top, names) = market.top::<1>();
//! assert_eq!((top.value, top.status, names), (Some(0.6), Status::Known, vec!["CHN"]));
//!
//! // The residual may be one supplier or a thousand: the HHI is bounded by both.
//! let hhi = market.hhi();
//! assert_eq!(hhi.status, Status::Partial);
//! assert!((hhi.low.unwrap() - 4058.0).abs() < 1e-9 && (hhi.high.unwrap() - 4158.0).abs() < 1e-9);
//! ```

mod amount;
mod chain;
mod claim;
mod concentration;
mod cover;
mod criticality;
mod crma;
mod dependency;
mod doubt;
mod estimate;
mod geopolrisk;
mod governed;
mod interval;
mod ledger;
mod lookthrough;
mod method;
mod printed;
mod reliance;
mod residual;
mod restriction;
mod revision;
mod sourcing;
mod target;
mod term;
mod trend;
mod uk_criticality;
mod uncertainty;
mod usgs;
mod verdict;

pub use amount::Amount;
pub use chain::{Chain, Route, Stop, StopKind, SupplierTrace};
pub use claim::{Agreement, ClaimReading, ClaimVerdict, ClaimedRange};
pub use concentration::Concentration;
pub use cover::Cover;
pub use criticality::{EconomicImportance, Sector, SupplyRisk, SupplyUsed, supply_risk_max};
pub use crma::Benchmarks;
pub use dependency::{
    EcYear, ExtraImports, GeodepYear, NO_EXPORTS, TradeBalance, ec_dependency_years, geodep_years,
};
pub use estimate::{Estimate, Status};
pub use geopolrisk::{GeoPolRisk, ImportFlow, instability, unit_value};
pub use governed::{GovernedSupply, Indicators, Risk, WORST_GOVERNANCE, governance, trade_parameter};
pub use interval::Interval;
pub use ledger::{Buyer, Group, Ledger, SmallKey, TradeChanges};
pub use lookthrough::{Dropped, Flow, Lookthrough, Mixes, Network, Origins, Solver, Supply};
pub use method::{Input, Line, Measure, Method, Side, Symbol, Table, UnknownMeasure, Weight, methods};
pub use printed::{PrintedReliance, PrintedRelianceError};
pub use reliance::Reliance;
pub use residual::Residual;
pub use restriction::{RestrictedFlow, RestrictedImports};
pub use revision::{Firmness, RevisionBand, revision};
pub use sourcing::Sourcing;
pub use target::{TargetLine, TargetState, elapsed, mean_pace};
pub use term::{Term, Terms};
pub use trend::Trend;
pub use uk_criticality::{UK_CRITICAL, UkCandidate, UkScore, uk_criticality};
pub use uncertainty::Mirror;
pub use usgs::{
    Disruption, Industry, SupplyIndices, UsgsSupplyRisk, Willingness, ability, economic_vulnerability,
    trade_exposure, trade_ties,
};
pub use verdict::{LineState, LineVerdict};
