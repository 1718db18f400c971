//! Which series a condition reads besides the one that it is about.
use std::sync::Arc;

use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::Subject;

/// A series that a condition reads. Where a field is `None`, it is that of the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesSelector {
    /// The measure, with its version.
    pub measure: Arc<str>,
    /// Weight of the flows.
    pub by: By,
    /// Whether a figure of the measure is about one supplier.
    pub has_supplier: bool,
    /// The consumer.
    pub consumer: Option<Arc<str>>,
    /// The stage.
    pub stage: Option<Arc<str>>,
    /// The supplier.
    pub supplier: Option<Arc<str>>,
    /// Whether it is the rule's own series on the other basis: by value instead of by quantity, or the
    /// reverse.
    pub is_other_basis: bool,
}

impl SeriesSelector {
    /// The subject of the series, for a rule on another subject.
    #[must_use]
    pub fn subject(&self, own: &Subject) -> Subject {
        let or = |code: &Option<Arc<str>>, own: &str| code.as_deref().unwrap_or(own).to_owned();
        let supplier = if self.has_supplier { or(&self.supplier, &own.supplier) } else { String::new() };
        Subject {
            consumer: or(&self.consumer, &own.consumer),
            material: own.material.clone(),
            stage: or(&self.stage, &own.stage),
            supplier,
            measure: self.measure.to_string(),
            by: self.by.into(),
        }
    }
}
