//! Why a request is not answered: one failure, or several that a person can mend together.
use axum::body::Body;
use axum::response::Response;
use orewatch_contracts::Failure;
use orewatch_runtime::problems;

/// The failures of a request, of which there is at least one.
#[derive(Clone, Debug)]
pub(crate) struct Refused(Vec<Failure>);

impl Refused {
    /// Several failures. `None`: there are none.
    pub(crate) fn all(failures: Vec<Failure>) -> Option<Self> {
        if failures.is_empty() { None } else { Some(Self(failures)) }
    }

    /// The same failures, each seen through a function.
    pub(crate) fn map(self, seen: impl FnMut(Failure) -> Failure) -> Self {
        Self(self.0.into_iter().map(seen).collect())
    }

    /// The failures as a problem document.
    pub(crate) fn response(&self) -> Response {
        problems(&self.0).map(Body::new)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(vec![failure])
    }
}
