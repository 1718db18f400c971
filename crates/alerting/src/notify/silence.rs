//! Silences: no messages about some alerts for some time.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{AlertState, Silence, SilencePut, SilenceState};
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};
use std::collections::BTreeSet;

use super::Id;
use super::limits::{Limits, room, short, small};
use super::time::{instant, read_instant, shown, timestamp};
use crate::filter::Filter;
use crate::tenant::{Scope, tenant_of};

/// A silence as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Silenced {
    /// The silence; if it was ended before its time, with that as its end.
    pub silence: Silence,
    /// Its revision, from 1.
    pub revision: u32,
    /// Position of the last event on its stream.
    pub position: Position,
    /// Beginning.
    pub from: Timestamp,
    /// End.
    pub until: Timestamp,
    /// Which alerts. None: it says what this version does not understand, and holds back nothing.
    pub(crate) filter: Option<Filter>,
    /// The alerts that fire and that it is about.
    pub(crate) alerts: BTreeSet<Id>,
}

impl Silenced {
    /// Takes one from the log.
    pub(crate) fn stored(silence: Silence, revision: u32, position: Position) -> Self {
        let at = |time: &Option<prost_types::Timestamp>| time.as_ref().and_then(instant);
        let filter = Filter::compiled("filter", silence.filter.clone().unwrap_or_default()).ok();
        let scope = Scope::Of(tenant_of(&silence.id).into());
        Self {
            from: at(&silence.starts_at).unwrap_or(Timestamp::MIN),
            until: at(&silence.ends_at).unwrap_or(Timestamp::MIN),
            filter: filter.map(|filter| filter.in_any_state().within(scope)),
            alerts: BTreeSet::new(),
            silence,
            revision,
            position,
        }
    }

    /// Where it is.
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

    /// Whether it holds at an instant.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.state(now) == SilenceState::Active
    }

    /// Ends it.
    pub(crate) fn end(&mut self, time: Timestamp, position: Position) {
        self.until = time;
        self.from = self.from.min(time);
        self.silence.ends_at = Some(timestamp(self.until));
        self.silence.starts_at = Some(timestamp(self.from));
        self.position = position;
    }
}

/// What standing silences a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The silence with this identifier.
    pub before: Option<&'a Silenced>,
    /// How many silences are not over.
    pub standing: usize,
    /// The present.
    pub now: Timestamp,
    /// How much there may be.
    pub limits: &'a Limits,
}

/// Makes or changes a silence. `wanted.id` is that of the silence, chosen by the caller for a new one.
///
/// # Errors
/// [`Class::Invalid`] for what makes no sense, [`Class::Refused`] for a change that comes too late, and
/// [`Class::Exhausted`] for one silence too many.
pub fn put(wanted: &Silence, present: Present<'_>) -> Result<SilencePut, Failure> {
    let Present { before, standing, now, limits } = present;
    small("silence", prost::Message::encoded_len(wanted), limits)?;
    Filter::named("filter", wanted.filter.clone())?;
    if wanted.filter.as_ref().is_none_or(|filter| *filter == Default::default()) {
        let wrong = Failure::new(Class::Invalid, "matches-all", "the silence would hold back every alert");
        return Err(wrong.at("filter", "").with_hint("say which alerts, such as materials or rules"));
    }
    about_firing(wanted)?;
    short("author", &wanted.author)?;
    short("reason", &wanted.reason)?;
    for (field, text) in [("author", &wanted.author), ("reason", &wanted.reason)] {
        if text.trim().is_empty() {
            let missing = Failure::new(Class::Invalid, "missing-text", format!("the silence has no {field}"));
            return Err(missing.at(field, "").with_hint("whoever misses a message will ask"));
        }
    }
    let from = read_instant(wanted.starts_at.as_ref(), "starts_at")?;
    let until = read_instant(wanted.ends_at.as_ref(), "ends_at")?.ok_or_else(|| {
        let missing = Failure::new(Class::Invalid, "missing-end", "the silence has no end");
        missing.at("ends_at", "").with_hint("a silence that nobody ends hides what matters next year")
    })?;
    let from = match before {
        Some(before) => change(before, from, now)?,
        None => {
            room("silences", standing, limits.silences)?;
            // What was told before is not unsaid.
            from.unwrap_or(now).max(now)
        }
    };
    within(from, until, now)?;
    let silence =
        Silence { starts_at: Some(timestamp(from)), ends_at: Some(timestamp(until)), ..wanted.clone() };
    Ok(SilencePut {
        actor: silence.author.clone(),
        silence: Some(silence),
        revision: before.map_or(0, |before| before.revision).saturating_add(1),
    })
}

/// A silence is about alerts that fire, whatever they were before.
fn about_firing(wanted: &Silence) -> Result<(), Failure> {
    let states = wanted.filter.as_ref().map(|filter| filter.states.as_slice()).unwrap_or_default();
    if states.is_empty() || states.contains(&AlertState::Firing.into()) {
        return Ok(());
    }
    let message = "only alerts that fire are told, and the silence is about others";
    let wrong = Failure::new(Class::Invalid, "never-matches", message);
    Err(wrong.at("filter.states", "").with_hint("leave the states out"))
}

/// The beginning of a silence that is changed.
fn change(before: &Silenced, from: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Failure> {
    let wanted = from.unwrap_or(before.from);
    let refused = |code: &str, message: String, hint: &str| {
        Failure::new(Class::Refused, code, message).with_hint(hint.to_owned())
    };
    match before.state(now) {
        SilenceState::Over => {
            let message = format!("the silence is over since {}", shown(before.until));
            Err(refused("silence-over", message, "make a new one").at("id", &before.silence.id))
        }
        SilenceState::Active if wanted != before.from => {
            let message = format!("the silence holds since {}, which cannot be moved", shown(before.from));
            Err(refused("silence-begun", message, "leave starts_at as it is, or out")
                .at("starts_at", shown(wanted)))
        }
        SilenceState::Active => Ok(wanted),
        SilenceState::Pending | SilenceState::Unspecified => Ok(wanted.max(now)),
    }
}

fn within(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let invalid = |code: &str, message: &str, hint: String| {
        Err(Failure::new(Class::Invalid, code, message).at("ends_at", shown(until)).with_hint(hint))
    };
    if until <= now {
        return invalid("end-in-the-past", "the silence ends in the past", format!("now is {}", shown(now)));
    }
    if until <= from {
        return invalid(
            "end-before-start",
            "the silence ends before it begins",
            format!("it begins at {}", shown(from)),
        );
    }
    Ok(())
}
