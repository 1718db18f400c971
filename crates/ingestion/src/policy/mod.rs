//! The source policy: which dataset answers where several could, as data with revisions. Pure.
//!
//! The policy names everyone's datasets. A tenant's own come first in the tenant's reading, in the default order.

mod check;
mod contest;
mod datasets;
mod decide;
mod deciding;
pub mod document;
mod standing;

use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{DatasetDeclaration, SourcePolicy};

pub(crate) use datasets::datasets;
pub(crate) use decide::put;
pub(crate) use standing::{Answered, Standing};

/// The stream of the policy below the log's name. No dataset begins with an underscore.
pub(crate) const STREAM: &str = "_policy";

/// The policy as it holds now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policy {
    pub(crate) policy: SourcePolicy,
    /// 0: it was never revised.
    pub(crate) revision: u32,
    pub(crate) revised_at: Option<Timestamp>,
}

impl Policy {
    /// What is declared of a dataset of everyone's.
    pub(crate) fn declaration(&self, dataset: &str) -> Option<&DatasetDeclaration> {
        self.policy.datasets.iter().find(|declared| declared.dataset == dataset)
    }
}
