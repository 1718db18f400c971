//! What a subscription says, ready to be acted upon.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Escalation, Subscription};
use orewatch_runtime::{Class, Failure};

use super::Id;
use super::digest::Times;
use super::limits::{INTERVAL, LONGEST_REPEAT, LONGEST_WAIT, SHORTEST_REPEAT, WAIT, few, identifier, short};
use super::quiet::{self, Window};
use super::time::{read_instant, read_length};
use crate::field::Field;
use crate::filter::Filter;
use crate::tenant::{Scope, same_tenant, tenant_of};

/// A subscription that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Which alerts.
    pub select: Filter,
    /// Who is told.
    pub receiver: Id,
    /// By what alerts are put into one message.
    pub group_by: Vec<Field>,
    /// How long the first alert waits for others.
    pub wait: Duration,
    /// Least time between two messages of a group that changes.
    pub interval: Duration,
    /// After how long a group that still fires is told again.
    pub repeat: Option<Duration>,
    /// Set times of messages.
    pub digest: Option<Times>,
    /// When none goes out.
    pub quiet: Vec<Window>,
    /// Whether messages go out that only say that alerts are over.
    pub with_resolved: bool,
    /// Who is told when nobody acknowledges.
    pub escalation: Option<Step>,
    /// From when on it is as if it were not there.
    pub expires_at: Option<Timestamp>,
}

/// One step up.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How long after the first message about an alert.
    pub after: Duration,
    /// Who is told then.
    pub receiver: Id,
    severities: Vec<String>,
}

impl Step {
    /// Whether alerts of a severity are escalated.
    #[must_use]
    pub fn covers(&self, severity: &str) -> bool {
        self.severities.is_empty() || self.severities.iter().any(|covered| covered == severity)
    }
}

impl Terms {
    /// Checks a subscription for all that it says by itself.
    ///
    /// # Errors
    /// The first thing that is wrong, with the field, the value and what to do.
    pub fn check(subscription: &Subscription) -> Result<Self, Failure> {
        let select = Filter::named("select", subscription.select.clone())?;
        Self::with(subscription, select)
    }

    /// Reads a subscription that was checked when it was put, on a catalogue that may have changed since.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn stored(subscription: &Subscription) -> Result<Self, Failure> {
        let select = Filter::compiled("select", subscription.select.clone().unwrap_or_default())?;
        Self::with(subscription, select)
    }

    fn with(subscription: &Subscription, select: Filter) -> Result<Self, Failure> {
        identifier("id", &subscription.id)?;
        identifier("receiver", &subscription.receiver)?;
        same_tenant("receiver", &subscription.id, &subscription.receiver)?;
        short("title", &subscription.title)?;
        short("owner", &subscription.owner)?;
        few("group_by", subscription.group_by.len())?;
        few("quiet", subscription.quiet.len())?;
        let cadence = subscription.cadence.clone().unwrap_or_default();
        let up_to = |length: Option<&prost_types::Duration>, at: &str, default| {
            read_length(length, at, default, Duration::ZERO, LONGEST_WAIT)
        };
        let quiet = subscription.quiet.iter().enumerate();
        let quiet: Vec<Window> =
            quiet.map(|(k, hours)| Window::read(hours, &format!("quiet[{k}]"))).collect::<Result<_, _>>()?;
        never_quiet(&quiet)?;
        Ok(Self {
            select: select.in_any_state().within(Scope::SeenBy(tenant_of(&subscription.id).into())),
            receiver: subscription.receiver.as_str().into(),
            group_by: Field::read_all(&subscription.group_by, "group_by")?,
            wait: up_to(cadence.wait.as_ref(), "cadence.wait", WAIT)?,
            interval: up_to(cadence.interval.as_ref(), "cadence.interval", INTERVAL)?,
            repeat: cadence.repeat.as_ref().map(|repeat| long("cadence.repeat", repeat)).transpose()?,
            digest: cadence
                .digest
                .as_ref()
                .map(|digest| Times::read(digest, "cadence.digest"))
                .transpose()?,
            quiet,
            with_resolved: !subscription.without_resolved,
            escalation: subscription
                .escalation
                .as_ref()
                .map(|step| escalation(step, &subscription.receiver))
                .transpose()?,
            expires_at: read_instant(subscription.expires_at.as_ref(), "expires_at")?,
        })
    }

    /// Whether it is as if it were not there.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }

    /// The first instant at or after one at which a message about an alert of this severity may go out.
    #[must_use]
    pub fn unquiet(&self, severity: &str, time: Timestamp) -> Timestamp {
        quiet::after(&self.quiet, severity, time).unwrap_or(Timestamp::MAX)
    }
}

/// Hours that never end would swallow everything.
fn never_quiet(quiet: &[Window]) -> Result<(), Failure> {
    // Any week would do: windows repeat by the week.
    if quiet::after(quiet, "", Timestamp::UNIX_EPOCH).is_some() {
        return Ok(());
    }
    let wrong = Failure::new(Class::Invalid, "always-quiet", "the quiet hours never end");
    Err(wrong.at("quiet", "").with_hint("leave an hour of the week out, or remove the subscription"))
}

fn escalation(step: &Escalation, receiver: &str) -> Result<Step, Failure> {
    identifier("escalation.receiver", &step.receiver)?;
    same_tenant("escalation.receiver", receiver, &step.receiver)?;
    few("escalation.severities", step.severities.len())?;
    if step.receiver == receiver {
        let wrong = Failure::new(Class::Invalid, "same-receiver", "the step up leads to the same receiver");
        return Err(wrong.at("escalation.receiver", receiver).with_hint("name another receiver"));
    }
    let after = step.after.as_ref().ok_or_else(|| {
        let missing = Failure::new(Class::Invalid, "missing-length", "the step up has no length of time");
        missing.at("escalation.after", "").with_hint("say after how long, such as `after: 4h`")
    })?;
    let after = long("escalation.after", after)?;
    Ok(Step { after, receiver: step.receiver.as_str().into(), severities: step.severities.clone() })
}

fn long(at: &str, length: &prost_types::Duration) -> Result<Duration, Failure> {
    read_length(Some(length), at, SHORTEST_REPEAT, SHORTEST_REPEAT, LONGEST_REPEAT)
}
