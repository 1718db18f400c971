//! Silences: no messages about matching alerts for some time.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{AlertState, Silence, SilencePut, SilenceState};
use orewatch_contracts::time::{instant, timestamp};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_rules::filter::Filter;
use orewatch_rules::shared::SharedSet;
use orewatch_rules::tenant::{Scope, tenant_of};

use super::Id;
use super::limits::{Count, Limits, check_length, check_room, check_size};
use super::time::{format_time, read_instant};

/// A silence and the alerts that it matches.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceRecord {
    /// The silence; its end is when it was ended, if that was before its time.
    pub silence: Silence,
    /// Its revision, from 1.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The alerts that it matches. None: this version does not understand the filter, and nothing is muted.
    pub(crate) filter: Option<Filter>,
    /// The firing alerts that it matches.
    pub(crate) alerts: SharedSet<Id>,
}

impl SilenceRecord {
    /// A silence of the log, which was checked when it was put.
    pub(crate) fn from_log(silence: Silence, revision: u32, position: Position) -> Self {
        let at = |time: &Option<prost_types::Timestamp>| time.as_ref().and_then(instant);
        let filter = Filter::compiled("filter", silence.filter.clone().unwrap_or_default()).ok();
        let scope = Scope::Only(tenant_of(&silence.id).into());
        Self {
            from: at(&silence.starts_at).unwrap_or(Timestamp::MIN),
            until: at(&silence.ends_at).unwrap_or(Timestamp::MIN),
            filter: filter.map(|filter| filter.in_any_state().within(scope)),
            alerts: SharedSet::default(),
            silence,
            revision,
            position,
        }
    }

    /// Whether it is pending, active or over at an instant.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if self.until <= now {
            SilenceState::Over
        } else if self.from > now {
            SilenceState::Pending
        } else {
            SilenceState::Active
        }
    }

    /// Whether it mutes alerts at an instant.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.state(now) == SilenceState::Active
    }

    /// Ends it at an instant.
    pub(crate) fn end(&mut self, time: Timestamp, position: Position) {
        self.until = time;
        self.from = self.from.min(time);
        self.silence.ends_at = Some(timestamp(self.until));
        self.silence.starts_at = Some(timestamp(self.from));
        self.position = position;
    }
}

/// What a decision about a silence depends on.
#[derive(Clone, Copy, Debug)]
pub struct SilenceContext<'a> {
    /// The silence that is changed. None: a new one is made.
    pub before: Option<&'a SilenceRecord>,
    /// How many silences are pending or active.
    pub count: Count,
    /// The present.
    pub now: Timestamp,
    /// The limits of the service.
    pub limits: &'a Limits,
}

/// Decides to create or change a silence. The caller chooses the identifier of a new one.
///
/// # Errors
/// [`Class::Invalid`] for an invalid silence, [`Class::Refused`] for a change that comes too late, and
/// [`Class::Exhausted`] if there are too many.
pub fn put(wanted: &Silence, context: SilenceContext<'_>) -> Result<SilencePut, Failure> {
    let SilenceContext { before, count, now, limits } = context;
    check_size("silence", prost::Message::encoded_len(wanted), limits)?;
    Filter::named("filter", wanted.filter.clone())?;
    if wanted.filter.as_ref().is_none_or(|filter| *filter == Default::default()) {
        let wrong = Failure::new(Class::Invalid, "matches-all", "the silence would mute every alert");
        return Err(wrong.at("filter", "").with_hint("select alerts, for example by material or rule"));
    }
    check_states(wanted)?;
    check_length("author", &wanted.author)?;
    check_length("reason", &wanted.reason)?;
    for (field, text) in [("author", &wanted.author), ("reason", &wanted.reason)] {
        if text.trim().is_empty() {
            let missing =
                Failure::new(Class::Invalid, "missing-field", format!("the silence has no {field}"));
            return Err(missing.at(field, "").with_hint("people who miss a message want to know"));
        }
    }
    let from = read_instant(wanted.starts_at.as_ref(), "starts_at")?;
    let until = read_instant(wanted.ends_at.as_ref(), "ends_at")?.ok_or_else(|| {
        let missing = Failure::new(Class::Invalid, "missing-field", "the silence has no end");
        missing.at("ends_at", "").with_hint("a silence without an end would hide alerts for ever; choose one")
    })?;
    let from = match before {
        Some(before) => changed_start(before, from, now)?,
        None => {
            check_room("silences", count, limits.silences)?;
            // A silence cannot take back messages that have been sent.
            from.unwrap_or(now).max(now)
        }
    };
    check_end(from, until, now)?;
    let silence =
        Silence { starts_at: Some(timestamp(from)), ends_at: Some(timestamp(until)), ..wanted.clone() };
    Ok(SilencePut {
        actor: silence.author.clone(),
        silence: Some(silence),
        revision: before.map_or(0, |before| before.revision).saturating_add(1),
    })
}

/// Refuses a filter that matches no firing alert, since only firing alerts are muted.
fn check_states(wanted: &Silence) -> Result<(), Failure> {
    let states = wanted.filter.as_ref().map(|filter| filter.states.as_slice()).unwrap_or_default();
    if states.is_empty() || states.contains(&AlertState::Firing.into()) {
        return Ok(());
    }
    let message = "only firing alerts are muted, and the silence selects others";
    let wrong = Failure::new(Class::Invalid, "never-matches", message);
    Err(wrong.at("filter.states", "").with_hint("leave the states out"))
}

/// The beginning of a silence that is changed.
fn changed_start(
    before: &SilenceRecord,
    from: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let wanted = from.unwrap_or(before.from);
    let refused = |code: &str, message: String, hint: &str| {
        Failure::new(Class::Refused, code, message).with_hint(hint.to_owned())
    };
    match before.state(now) {
        SilenceState::Over => {
            let message = format!("the silence ended at {}", format_time(before.until));
            Err(refused("silence-over", message, "create a new silence").at("id", &before.silence.id))
        }
        SilenceState::Active if wanted != before.from => {
            let message = format!(
                "the silence began at {}, and its beginning cannot be moved",
                format_time(before.from)
            );
            Err(refused("silence-begun", message, "leave starts_at as it is, or out")
                .at("starts_at", format_time(wanted)))
        }
        SilenceState::Active => Ok(wanted),
        SilenceState::Pending | SilenceState::Unspecified => Ok(wanted.max(now)),
    }
}

fn check_end(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let invalid = |code: &str, message: &str, hint: String| {
        Err(Failure::new(Class::Invalid, code, message).at("ends_at", format_time(until)).with_hint(hint))
    };
    if until <= now {
        return invalid(
            "end-in-the-past",
            "the silence ends in the past",
            format!("it is now {}", format_time(now)),
        );
    }
    if until <= from {
        return invalid(
            "end-before-start",
            "the silence ends before it begins",
            format!("it begins at {}", format_time(from)),
        );
    }
    Ok(())
}
