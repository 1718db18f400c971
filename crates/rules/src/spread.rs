//! What the datasets that provide a figure say.
use std::sync::Arc;

/// Lowest and highest best estimate among the datasets that provide a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Number of datasets.
    pub sources: u32,
    /// The lowest best estimate. `None`: no other dataset has one.
    pub lowest: Option<f64>,
    /// Dataset with the lowest estimate.
    pub lowest_dataset: Arc<str>,
    /// The highest best estimate. `None`: no other dataset has one.
    pub highest: Option<f64>,
    /// Dataset with the highest estimate.
    pub highest_dataset: Arc<str>,
}
