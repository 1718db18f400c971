//! Arithmetic that several modules share.

/// A number of things as a float. Beyond four thousand million, infinite.
pub(crate) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Mean of the values. `None`: there are none.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / float(values.len()))
}

/// Whether a value is a share or a probability: 0 to 1.
pub(crate) fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}
