//! The source policy: which dataset answers where several could, as data with revisions. Pure.
//!
//! The policy names public datasets. For a tenant's readers, the tenant's own datasets come first, in the
//! default order.

mod answers;
mod bases;
mod check;
mod contest;
mod datasets;
mod decide;
pub mod document;
mod invalid;
mod precedence;
mod reachability;

use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{DatasetDeclaration, SourcePolicy};

pub(crate) use answers::Answered;
pub(crate) use datasets::datasets;
pub(crate) use decide::revise_policy;
pub(crate) use precedence::Precedence;

/// Last token of the policy's stream. No dataset begins with an underscore, so it never collides with a
/// release.
pub(crate) const STREAM: &str = "_policy";

/// The current policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policy {
    pub(crate) policy: SourcePolicy,
    /// Number of revisions. 0: the policy was never revised.
    pub(crate) revision: u32,
    pub(crate) revised_at: Option<Timestamp>,
}

impl Policy {
    /// The declaration of a public dataset.
    pub(crate) fn declaration(&self, dataset: &str) -> Option<&DatasetDeclaration> {
        self.policy.datasets.iter().find(|declared| declared.dataset == dataset)
    }
}
