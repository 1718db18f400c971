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

    /// The failures.
    pub(crate) fn failures(&self) -> &[Failure] {
        &self.0
    }

    /// The failure that decides.
    pub(crate) fn into_first(self) -> Failure {
        let unknown = || Failure::internal("a request was refused without a failure");
        self.0.into_iter().next().unwrap_or_else(unknown)
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
