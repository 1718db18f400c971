//! Service 1: releases of statistics go in, checked, and become visible all at once.

mod ids;
pub mod sources;

pub use ids::release_id;
