//! A subscription, checked and compiled: which alerts go to which receiver, in which groups, and when.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Escalation, Subscription};
use orewatch_contracts::{Class, Failure};
use orewatch_rules::field::Field;
use orewatch_rules::filter::Filter;
use orewatch_rules::tenant::{Scope, same_tenant, tenant_of};

use super::Id;
use super::digest::DigestTimes;
use super::limits::{
    DEFAULT_INTERVAL, DEFAULT_WAIT, MAX_REPEAT, MAX_WAIT, MIN_REPEAT, check_count, check_identifier,
    check_length,
};
use super::quiet::{self, QuietWindow};
use super::time::{read_duration, read_instant};

/// A subscription that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The alerts that it selects.
    pub select: Filter,
    /// The receiver.
    pub receiver: Id,
    /// The fields by which alerts are grouped into one message.
    pub group_by: Vec<Field>,
    /// How long the first alert of a group waits for others.
    pub wait: Duration,
    /// Least time between two messages of a group that changes.
    pub interval: Duration,
    /// Time after which a group that still fires is sent again. None: never.
    pub repeat: Option<Duration>,
    /// Set times of messages. None: messages are sent at any time.
    pub digest: Option<DigestTimes>,
    /// When no message is sent.
    pub quiet: Vec<QuietWindow>,
    /// Whether messages are sent that only say that alerts are resolved.
    pub with_resolved: bool,
    /// What is done if nobody acknowledges an alert. None: nothing.
    pub escalation: Option<EscalationStep>,
    /// When the subscription ends. None: never.
    pub expires_at: Option<Timestamp>,
}

/// An escalation: one more receiver if nobody acknowledges an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct EscalationStep {
    /// Time after the first message about the alert.
    pub after: Duration,
    /// The receiver of the escalation.
    pub receiver: Id,
    severities: Vec<String>,
}

impl EscalationStep {
    /// Whether alerts of a severity are escalated.
    #[must_use]
    pub fn covers(&self, severity: &str) -> bool {
        self.severities.is_empty() || self.severities.iter().any(|covered| covered == severity)
    }
}

impl Route {
    /// Checks a subscription, without looking at what else there is.
    ///
    /// # Errors
    /// The first error, with the field, the value and what to do.
    pub fn check(subscription: &Subscription) -> Result<Self, Failure> {
        let select = Filter::named("select", subscription.select.clone())?;
        Self::with_filter(subscription, select)
    }

    /// Compiles a subscription that was checked when it was put; the catalogue may have changed since.
    ///
    /// # Errors
    /// The first error.
    pub fn from_log(subscription: &Subscription) -> Result<Self, Failure> {
        let select = Filter::compiled("select", subscription.select.clone().unwrap_or_default())?;
        Self::with_filter(subscription, select)
    }

    fn with_filter(subscription: &Subscription, select: Filter) -> Result<Self, Failure> {
        check_identifier("id", &subscription.id)?;
        check_identifier("receiver", &subscription.receiver)?;
        same_tenant("receiver", &subscription.id, &subscription.receiver)?;
        check_length("title", &subscription.title)?;
        check_length("owner", &subscription.owner)?;
        check_count("group_by", subscription.group_by.len())?;
        check_count("quiet", subscription.quiet.len())?;
        let cadence = subscription.cadence.clone().unwrap_or_default();
        let up_to = |length: Option<&prost_types::Duration>, field: &str, default| {
            read_duration(length, field, default, Duration::ZERO, MAX_WAIT)
        };
        let quiet = subscription.quiet.iter().enumerate();
        let quiet: Vec<QuietWindow> = quiet
            .map(|(k, hours)| QuietWindow::read(hours, &format!("quiet[{k}]")))
            .collect::<Result<_, _>>()?;
        check_quiet(&quiet)?;
        Ok(Self {
            select: select.in_any_state().within(Scope::VisibleTo(tenant_of(&subscription.id).into())),
            receiver: subscription.receiver.as_str().into(),
            group_by: Field::parse_all(&subscription.group_by, "group_by")?,
            wait: up_to(cadence.wait.as_ref(), "cadence.wait", DEFAULT_WAIT)?,
            interval: up_to(cadence.interval.as_ref(), "cadence.interval", DEFAULT_INTERVAL)?,
            repeat: cadence
                .repeat
                .as_ref()
                .map(|repeat| read_repeat("cadence.repeat", repeat))
                .transpose()?,
            digest: cadence
                .digest
                .as_ref()
                .map(|digest| DigestTimes::read(digest, "cadence.digest"))
                .transpose()?,
            quiet,
            with_resolved: !subscription.without_resolved,
            escalation: subscription
                .escalation
                .as_ref()
                .map(|step| read_escalation(step, &subscription.receiver))
                .transpose()?,
            expires_at: read_instant(subscription.expires_at.as_ref(), "expires_at")?,
        })
    }

    /// Whether the subscription has expired.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }

    /// The first instant, not before `time`, at which no quiet hours hold back a message about an alert of
    /// this severity. [`Timestamp::MAX`] if there is none.
    #[must_use]
    pub fn quiet_until(&self, severity: &str, time: Timestamp) -> Timestamp {
        quiet::next_audible(&self.quiet, severity, time).unwrap_or(Timestamp::MAX)
    }
}

/// Refuses quiet hours that never end, since no message would ever be sent.
fn check_quiet(quiet: &[QuietWindow]) -> Result<(), Failure> {
    // Windows repeat every week, so that any week would do.
    if quiet::next_audible(quiet, "", Timestamp::UNIX_EPOCH).is_some() {
        return Ok(());
    }
    let wrong = Failure::new(Class::Invalid, "always-quiet", "the quiet hours never end");
    Err(wrong.at("quiet", "").with_hint("leave an hour of the week out, or remove the subscription"))
}

fn read_escalation(step: &Escalation, receiver: &str) -> Result<EscalationStep, Failure> {
    check_identifier("escalation.receiver", &step.receiver)?;
    same_tenant("escalation.receiver", receiver, &step.receiver)?;
    check_count("escalation.severities", step.severities.len())?;
    if step.receiver == receiver {
        let wrong = Failure::new(Class::Invalid, "same-receiver", "the escalation goes to the same receiver");
        return Err(wrong.at("escalation.receiver", receiver).with_hint("name another receiver"));
    }
    let after = step.after.as_ref().ok_or_else(|| {
        let missing =
            Failure::new(Class::Invalid, "missing-field", "the escalation does not say after how long");
        missing.at("escalation.after", "").with_hint("give a duration, such as `after: 4h`")
    })?;
    let after = read_repeat("escalation.after", after)?;
    Ok(EscalationStep { after, receiver: step.receiver.as_str().into(), severities: step.severities.clone() })
}

fn read_repeat(field: &str, length: &prost_types::Duration) -> Result<Duration, Failure> {
    read_duration(Some(length), field, MIN_REPEAT, MIN_REPEAT, MAX_REPEAT)
}
