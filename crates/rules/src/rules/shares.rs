//! The shares behind a measure, whose suppliers alerts show.
use std::sync::Arc;

use orewatch_catalog::Consumer;
use orewatch_contracts::common::v1::By;
use orewatch_measures::{Measure, Method, Weight, methods};

use super::codes::weight_by;

/// Prefix of the measures of world production. Their only consumer is the world.
pub(super) const WORLD_OUTPUT: &str = "production-";

/// The shares behind a measure, whose suppliers an alert shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The measure, with its version.
    pub measure: Arc<str>,
    /// Weight of the flows.
    pub by: By,
    /// The consumer. `None`: that of the subject.
    pub consumer: Option<Arc<str>>,
}

impl Shares {
    /// The shares behind a measure. `None`: the measure's own.
    pub(super) fn behind(method: &Method, by: By) -> Option<Self> {
        if method.has_supplier {
            return None;
        }
        let of_world = method.name.starts_with(WORLD_OUTPUT) || method.name == "eu-global-hhi";
        let shares = if of_world {
            Measure::ProductionShare
        } else if method.name.starts_with("lookthrough-") {
            Measure::LookthroughShare
        } else {
            Measure::ImportShare
        };
        let shares = methods().find(|method| method.measure == shares)?;
        let can = |weight: &Weight| weight_by(*weight).0 == by;
        let first = shares.weights.first().map_or(By::Quantity, |weight| weight_by(*weight).0);
        Some(Self {
            measure: Arc::from(shares.id),
            by: if shares.weights.iter().any(can) { by } else { first },
            consumer: of_world.then(|| Arc::from(Consumer::World.code())),
        })
    }
}
