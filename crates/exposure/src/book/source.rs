//! Which release a row of a market comes from.

use super::{DatasetId, ReleaseContent};

/// One of the releases that the rows of a market were put together from.
#[derive(Clone, Copy, Debug)]
pub struct RowSource<'a> {
    /// Index of the release in the order of commits.
    pub release: usize,
    /// Its dataset.
    pub dataset: DatasetId,
    /// Whether it fills cells that another dataset lacks.
    pub is_supplement: bool,
    /// Its content.
    pub content: &'a ReleaseContent,
}
