//! What telling has to know of receivers. How they are reached is the deliverer's business.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use orewatch_catalog::closest;
use orewatch_contracts::alerting::v1::Receiver;
use orewatch_contracts::time::length;
use orewatch_runtime::{Class, Failure};

use super::Id;
use super::time::later;
use crate::tenant::tenant_of;

/// A receiver, as far as telling goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// Who is told in its place.
    pub fallback: Option<Id>,
    /// How often it is told that all is well.
    pub heartbeat: Option<Duration>,
    /// From when on that counts.
    pub since: Timestamp,
    /// Since when it is not sent to, and why.
    pub disabled: Option<(Timestamp, String)>,
    /// Since when no attempt has succeeded.
    pub failing_since: Option<Timestamp>,
    /// When it was last told that all is well.
    pub told_well: Option<Timestamp>,
}

impl Reach {
    /// When it is next told that all is well. None: never, or not while it is not sent to.
    fn next_beat(&self) -> Option<Timestamp> {
        let every = self.heartbeat.filter(|_| self.disabled.is_none())?;
        Some(later(self.told_well.unwrap_or(self.since).max(self.since), every))
    }
}

/// All receivers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receivers {
    reach: BTreeMap<Id, Reach>,
    beats: BTreeSet<(Timestamp, Id)>,
}

impl Receivers {
    pub(crate) fn put(&mut self, receiver: &Receiver, time: Timestamp) {
        let fallback = Some(&receiver.fallback).filter(|fallback| !fallback.is_empty());
        let heartbeat = receiver.heartbeat.as_ref().and_then(length);
        let old = self.reach.get(receiver.id.as_str());
        let keeps_beating = old.filter(|old| old.heartbeat == heartbeat);
        let reach = Reach {
            fallback: fallback.map(|fallback| fallback.as_str().into()),
            heartbeat: heartbeat.filter(|every| !every.is_zero()),
            since: keeps_beating.map_or(time, |old| old.since),
            // What the revision before did says nothing about this one.
            disabled: None,
            failing_since: None,
            told_well: old.and_then(|old| old.told_well),
        };
        self.unbeat(&receiver.id);
        self.reach.insert(receiver.id.as_str().into(), reach);
        self.beat(&receiver.id);
    }

    pub(crate) fn remove(&mut self, receiver: &str) {
        self.unbeat(receiver);
        self.reach.remove(receiver);
    }

    pub(crate) fn disable(&mut self, receiver: &str, time: Timestamp, reason: &str) {
        self.change(receiver, |reach| {
            reach.disabled.get_or_insert_with(|| (time, reason.to_owned()));
        });
    }

    pub(crate) fn enable(&mut self, receiver: &str) {
        self.change(receiver, |reach| {
            reach.disabled = None;
            reach.failing_since = None;
        });
    }

    pub(crate) fn fail(&mut self, receiver: &str, time: Timestamp) {
        self.change(receiver, |reach| {
            reach.failing_since.get_or_insert(time);
        });
    }

    pub(crate) fn succeed(&mut self, receiver: &str) {
        self.change(receiver, |reach| reach.failing_since = None);
    }

    pub(crate) fn told_well(&mut self, receiver: &str, time: Timestamp) {
        self.change(receiver, |reach| reach.told_well = Some(time));
    }

    fn change(&mut self, receiver: &str, change: impl FnOnce(&mut Reach)) {
        self.unbeat(receiver);
        if let Some(reach) = self.reach.get_mut(receiver) {
            change(reach);
        }
        self.beat(receiver);
    }

    fn unbeat(&mut self, receiver: &str) {
        if let Some((id, reach)) = self.reach.get_key_value(receiver)
            && let Some(beat) = reach.next_beat()
        {
            self.beats.remove(&(beat, id.clone()));
        }
    }

    fn beat(&mut self, receiver: &str) {
        if let Some((id, reach)) = self.reach.get_key_value(receiver)
            && let Some(beat) = reach.next_beat()
        {
            self.beats.insert((beat, id.clone()));
        }
    }

    /// When each receiver is next told that all is well, the earliest first.
    pub(crate) fn beats(&self) -> &BTreeSet<(Timestamp, Id)> {
        &self.beats
    }

    /// A receiver.
    #[must_use]
    pub fn get(&self, receiver: &str) -> Option<&Reach> {
        self.reach.get(receiver)
    }

    /// All of them, by identifier.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, &Reach)> {
        self.reach.iter()
    }

    /// Whether a receiver is there and sent to.
    #[must_use]
    pub fn is_up(&self, receiver: &str) -> bool {
        self.reach.get(receiver).is_some_and(|reach| reach.disabled.is_none())
    }

    /// Who is told what is meant for a receiver: it itself or, while it is not sent to, its fallback if that is. None: nobody,
    /// until it is sent to again.
    #[must_use]
    pub fn reached(&self, receiver: &str) -> Option<&Id> {
        let (id, reach) = self.reach.get_key_value(receiver)?;
        if reach.disabled.is_none() {
            return Some(id);
        }
        let (id, reach) = self.reach.get_key_value(reach.fallback.as_deref()?)?;
        reach.disabled.is_none().then_some(id)
    }

    /// Whether a receiver's messages may go to, or be told of at, another.
    #[must_use]
    pub fn leads_to(&self, receiver: &Id, other: &str) -> bool {
        let fallback = self.reach.get(receiver).and_then(|reach| reach.fallback.as_deref());
        &**receiver == other || fallback == Some(other)
    }

    /// Sees to it that there is a receiver. What else there is is said of the same tenant's alone.
    ///
    /// # Errors
    /// [`Class::Invalid`] if there is none, with what may have been meant.
    pub fn known(&self, at: &str, receiver: &str) -> Result<(), Failure> {
        if self.reach.contains_key(receiver) {
            return Ok(());
        }
        let tenant = tenant_of(receiver);
        let own = self.reach.keys().map(|id| &**id).filter(|id| tenant_of(id) == tenant);
        let own: Vec<&str> = own.collect();
        let hint = match closest(receiver, own.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None if own.is_empty() => "put a receiver first: orewatch receivers apply".to_owned(),
            None => format!("there are {}", own.join(", ")),
        };
        let message = format!("there is no receiver {receiver:?}");
        Err(Failure::new(Class::Invalid, "unknown-receiver", message).at(at, receiver).with_hint(hint))
    }
}
