//! Answers that say when they are old.
use crate::alerting::v1 as alerting;
use crate::common::v1::LogState;
use crate::exposure::v1 as exposure;

/// A response that rests on a log, and says so if its service cannot follow that log.
pub trait Answer {
    /// What keeps the service from following the log. `None`: the answer is current.
    fn stale(&self) -> Option<&LogState>;

    /// Marks the response.
    fn set_stale(&mut self, stale: Option<LogState>);
}

macro_rules! answers {
    ($($response:ty),+ $(,)?) => {
        $(impl Answer for $response {
            fn stale(&self) -> Option<&LogState> {
                self.stale.as_ref()
            }

            fn set_stale(&mut self, stale: Option<LogState>) {
                self.stale = stale;
            }
        })+
    };
}

answers!(
    alerting::GetAlertResponse,
    alerting::GetRuleResponse,
    alerting::ListAlertsResponse,
    alerting::ListRulesResponse,
    exposure::CheckClaimsResponse,
    exposure::CompareSourcesResponse,
    exposure::CompareVintagesResponse,
    exposure::ExplainExposureResponse,
    exposure::GetExposureResponse,
    exposure::GetOutlookResponse,
    exposure::ListRevisionsResponse,
    exposure::ListScenariosResponse,
    exposure::ListTargetsResponse,
    exposure::QueryExposuresResponse,
    exposure::StreamExposuresResponse,
);
