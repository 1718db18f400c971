//! Look-through: where material truly comes from, after re-exports.
//!
//! # The problem
//!
//! Trade statistics say who shipped a good last. If the Netherlands import cobalt from the Congo and sell it
//! to Germany, German statistics say "Netherlands". The mix of an economy by true origin follows from the
//! mixes of its suppliers: with output `P`, flows `Z` and supply `x = P + sum of Z into it`,
//!
//! ```text
//! C[j] = (P[j] * e[j] + sum over k of Z[k][j] * C[k]) / x[j]
//! ```
//!
//! where `C[j]` is the mix of economy `j`, a share for every origin, and `e[j]` stands for "from `j` itself".
//! The assumption is that imports and own output are mixed in proportion, and that exports have the mix of
//! all else. In matrices it is `R = (I - A)^-1 diag(P)`, each row divided by its supply (Kastner, Kastner and
//! Nonhebel 2011, Ecological Economics 70).
//!
//! Figures are incomplete, so every share has bounds: they enclose the share for every completion of what is
//! unknown.
//!
//! # Reading order
//!
//! From what is put in to what comes out:
//!
//! 1. `network`: output, flows and what is unknown, by the caller's keys.
//! 2. `market`: the same by number. Solves it by best estimates, and twice more for the bounds.
//! 3. `solve`: one market of plain numbers. It uses `trade` (flows by importer), `order` (which economies can
//!    be solved one after another, and which only together), `plan` with `eliminate` (what every row takes
//!    from which others), and `block` with `kernel` (16 origins at a time).
//! 4. `solution`: supplies and mixes of all economies.
//! 5. `members`: consumers of one or several economies, and the bounds of their shares, with `weigh`.
//! 6. `origins`: the answer for a consumer.
//!
//! # What must not change
//!
//! The order of additions. Published figures are compared to the bit, so a sum that runs in another order
//! restates them all. A test holds digests of solved markets.

mod block;
mod eliminate;
mod kernel;
mod market;
mod members;
mod network;
mod order;
mod origins;
mod plan;
mod quantity;
mod solution;
mod solve;
mod trade;
mod weigh;

pub use network::Network;
pub use origins::Origins;
pub use solution::Lookthrough;
pub use solve::{Mixes, Solver};
pub(crate) use trade::index;
pub use trade::{Dropped, Flow, Supply};
