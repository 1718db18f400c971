//! Responses of the services as rows, with the same names in JSON and CSV, and as words for people.
mod alert;
mod alert_text;
mod backtest;
mod case;
pub(crate) mod change;
mod citation;
mod claim;
mod connector;
mod delivery;
mod explanation;
mod exposure;
mod listed_alert;
mod market;
pub(crate) mod method;
mod notify;
mod outlook;
mod policy;
mod receiver;
mod release;
mod release_page;
pub(crate) mod revision;
mod rule;
mod scenario;
#[cfg(test)]
mod shared_names;
mod source;
mod target;
pub(crate) mod trend;
mod unfired;
pub(crate) mod verdict;
#[cfg(test)]
mod widths;

pub(crate) use alert::{event_and_alert, reason_word, state_word};
pub(crate) use alert_text::{
    alert_unit, margin_text, short_id, state_text, subject_summary, threshold_text, transition_line,
    value_text,
};
pub(crate) use backtest::{EpisodeRow, counts_text};
pub(crate) use case::CaseRow;
pub(crate) use citation::Citation;
pub(crate) use claim::{ReadingRow, claimed_text, confirmation_word, verdict_phrase};
pub(crate) use delivery::attempt_outcome;
pub(crate) use exposure::{DatasetFigure, projection_words};
pub(crate) use listed_alert::ListedAlert;
pub(crate) use notify::{acknowledgement_summary, delivery_word, notification_reason, telling_word};
pub(crate) use outlook::{OutlookRow, PoolRow, ScoresRow};
pub(crate) use policy::{
    covers_words, declaration_words, kind_word, period_words, policy_changes, policy_value, preference_words,
    scope_words,
};
pub(crate) use release::{QuarantinedRow, release_state_word, skipped_texts, table_word};
pub(crate) use release_page::release_page;
pub(crate) use scenario::ScenarioCoverage;
pub(crate) use target::{ProgressLine, TargetBasis, confirmation, kind_of_target, verdict_mark};
pub(crate) use unfired::Unfired;

#[cfg(test)]
mod tests {
    use orewatch_contracts::alerting::v1::{
        Acknowledgement, Alert, AlertHold, AlertTransition, BacktestSubject, BacktestSummary, Delivery,
        InhibitionInfo, Notification, ReceiverInfo, RuleInfo, SilenceInfo, SubscriptionInfo,
        SubscriptionTelling,
    };
    use orewatch_contracts::exposure::v1::{
        Balance, CheckedClaim, Contribution, Exposure, ReleaseNote, RevisionBand, Route, SourceRow, Term,
        VintageChange,
    };
    use orewatch_contracts::ingestion::v1::{ConnectorInfo, FetchRecorded, GateInfo, ReleaseInfo};
    use orewatch_formats::About;
    use orewatch_measures::Method;

    use super::change::Changed;
    use super::policy::PolicyChange;
    use super::*;
    use crate::render::{Dialect, Row, write_csv};

    fn header<R: Row>() -> String {
        write_csv::<R>(Dialect::Standard, Vec::new()).unwrap()
    }

    /// JSON and CSV have these columns in this order. Programs rely on the names: only add columns, and add
    /// them to the file too.
    #[test]
    fn columns_are_those_that_were_published() {
        let found = [
            ("About", header::<About>()),
            ("Acknowledgement", header::<Acknowledgement>()),
            ("Alert", header::<Alert>()),
            ("AlertHold", header::<AlertHold>()),
            ("AlertTransition", header::<AlertTransition>()),
            ("BacktestSubject", header::<BacktestSubject>()),
            ("BacktestSummary", header::<BacktestSummary>()),
            ("Balance", header::<Balance>()),
            ("CaseRow", header::<CaseRow<'_>>()),
            ("Changed<Contribution>", header::<Changed<Contribution>>()),
            ("Changed<SourceRow>", header::<Changed<SourceRow>>()),
            ("Changed<Term>", header::<Changed<Term>>()),
            ("CheckedClaim", header::<CheckedClaim>()),
            ("Citation", header::<Citation>()),
            ("ConnectorInfo", header::<ConnectorInfo>()),
            ("Contribution", header::<Contribution>()),
            ("DatasetFigure", header::<DatasetFigure<'_>>()),
            ("Delivery", header::<Delivery>()),
            ("EpisodeRow", header::<EpisodeRow<'_>>()),
            ("Exposure", header::<Exposure>()),
            ("FetchRecorded", header::<FetchRecorded>()),
            ("GateInfo", header::<GateInfo>()),
            ("InhibitionInfo", header::<InhibitionInfo>()),
            ("Method", header::<Method>()),
            ("Notification", header::<Notification>()),
            ("OutlookRow", header::<OutlookRow<'_>>()),
            ("PolicyChange", header::<PolicyChange>()),
            ("QuarantinedRow", header::<QuarantinedRow<'_>>()),
            ("ReceiverInfo", header::<ReceiverInfo>()),
            ("ReleaseInfo", header::<ReleaseInfo>()),
            ("ReleaseNote", header::<ReleaseNote>()),
            ("RevisionBand", header::<RevisionBand>()),
            ("Route", header::<Route>()),
            ("RuleInfo", header::<RuleInfo>()),
            ("ScenarioCoverage", header::<ScenarioCoverage<'_>>()),
            ("ScoresRow", header::<ScoresRow<'_>>()),
            ("SilenceInfo", header::<SilenceInfo>()),
            ("SourceRow", header::<SourceRow>()),
            ("SubscriptionInfo", header::<SubscriptionInfo>()),
            ("SubscriptionTelling", header::<SubscriptionTelling>()),
            ("TargetBasis", header::<TargetBasis<'_>>()),
            ("Term", header::<Term>()),
            ("Unfired", header::<Unfired<'_>>()),
            ("VintageChange", header::<VintageChange>()),
        ];
        let found: String = found.iter().map(|(row, header)| format!("{row}: {header}")).collect();
        for (found, published) in found.lines().zip(include_str!("columns.txt").lines()) {
            assert_eq!(found, published);
        }
        assert_eq!(found.lines().count(), include_str!("columns.txt").lines().count());
    }
}
