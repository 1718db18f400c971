//! Which series a condition reads besides the one that it is about.
use std::sync::Arc;

use orewatch_contracts::common::v1::By;

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
