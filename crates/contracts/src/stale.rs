//! Answers that say when they are old, and which releases are missing in them.
use crate::alerting::v1 as alerting;
use crate::common::v1::{ErasedRelease, LogState};
use crate::exposure::v1 as exposure;

/// A response that rests on a log, and says so if its service cannot follow that log.
pub trait Answer {
    /// What keeps the service from following the log. `None`: the answer is current.
    fn stale(&self) -> Option<&LogState>;

    /// Marks the response.
    fn set_stale(&mut self, stale: Option<LogState>);

    /// Releases that the response would rest on, if their rows were not erased.
    fn erased(&self) -> &[ErasedRelease] {
        &[]
    }
}

macro_rules! answers {
    ($($response:ty $(: $erased:ident)?),+ $(,)?) => {
        $(impl Answer for $response {
            fn stale(&self) -> Option<&LogState> {
                self.stale.as_ref()
            }

            fn set_stale(&mut self, stale: Option<LogState>) {
                self.stale = stale;
            }

            $(fn erased(&self) -> &[ErasedRelease] {
                &self.$erased
            })?
        })+
    };
}

answers!(
    alerting::GetAlertResponse,
    alerting::GetRuleResponse,
    alerting::ListAlertsResponse,
    alerting::ListRulesResponse,
    exposure::CheckClaimsResponse,
    exposure::CompareSourcesResponse: erased,
    exposure::CompareVintagesResponse: erased,
    exposure::ExplainExposureResponse: erased,
    exposure::GetExposureResponse: erased,
    exposure::ListRevisionsResponse,
    exposure::ListScenariosResponse,
    exposure::ListTargetsResponse,
    exposure::QueryExposuresResponse: erased,
    exposure::StreamExposuresResponse: erased,
);
