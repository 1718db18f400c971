//! What the services answer, as rows: the same names in JSON and in csv.
mod alert;
mod backtest;
mod case;
mod connector;
mod delivery;
mod exposure;
pub(crate) mod method;
mod notify;
mod policy;
mod receiver;
mod release;
mod rule;
mod source;
pub(crate) mod trend;
pub(crate) mod verdict;

pub(crate) use alert::{AlertRow, TransitionRow, alert_of, reason_word, state_word};
pub(crate) use backtest::{EpisodeRow, SubjectRow, SummaryRow};
pub(crate) use case::CaseRow;
pub(crate) use connector::{ConnectorRow, FetchRow};
pub(crate) use delivery::{DeliveryRow, delivery_state_word, ended as attempt_ended, told as time_told};
pub(crate) use exposure::{ExposureRow, SideRow};
pub(crate) use method::MethodRow;
pub(crate) use notify::{
    AcknowledgementRow, HoldRow, InhibitionRow, MessageRow, SilenceRow, SubscriptionRow, TellingRow,
    delivery_word, filter_words, notification_reason, silence_word, telling_word, verdict_word,
};
pub(crate) use policy::{
    PolicyChange, covers_words, declaration_words, kind_word, period_words, policy_changes, policy_value,
    preference_words, scope_words,
};
pub(crate) use receiver::{ReceiverRow, leads, state as receiver_state};
pub(crate) use release::{RejectionRow, ReleaseRow, release_state_word, table_word};
pub(crate) use rule::{RuleRow, health_word};
pub(crate) use source::SourceRow;
