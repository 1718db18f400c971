//! Coalitions: what consumers can reach alone, what they reach together, and what each adds.
//!
//! A market has suppliers, of which one is dominant, and buyers, of which some are members of a coalition.
//! Members that act may share the supply of all others anew: what is contracted stays, and whoever does not
//! act keeps what it buys today. The dependence of a buyer is the part of its demand that no other than the
//! dominant supplier meets, and the reach of a coalition is the least dependence that its worst member can
//! have. `market` has the terms and what is refused, `program` the linear programs, `game` the values of
//! members.

mod game;
mod market;
mod program;

pub use game::{MAX_MEMBERS, MemberValue, ProjectEffect, shapley};
pub use market::{CoalitionMarket, MarketBuyer, MarketSupplier, NoAllocation, RouteTerms};
pub use program::Allocation;
