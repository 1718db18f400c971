//! What a subscription has to tell of one alert, to whom, and when.
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Id;
use super::acknowledge::Acknowledged;
use super::alerts::{Hold, Standing};
use super::member::{Member, Slots, Told};
use super::receivers::Receivers;
use super::silence::Silenced;
use super::subscription::Terms;
use super::time::later;

/// How many silences may follow upon each other before it is taken that they never end.
const MOST_SILENCES: usize = 1_000;

/// What a message has to tell of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It fires, and the receiver does not know.
    Fires,
    /// It still fires, now that something no longer holds it back.
    Again(Hold),
    /// It changed, and fires.
    Changed,
    /// It is over.
    Over,
    /// It was over before anybody was told; said beside what matters, never by itself.
    Aside,
    /// It still fires.
    Repeat,
    /// Nobody has acknowledged it.
    Escalated,
}

impl News {
    /// Whether a message goes out for it.
    #[must_use]
    pub fn is_reason(self) -> bool {
        self != Self::Aside
    }

    /// Whether it says that the alert is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Over | Self::Aside)
    }
}

/// An alert as a subscription sees it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The subscription.
    pub terms: &'a Terms,
    /// The alert.
    pub standing: &'a Standing,
    /// What was told.
    pub member: &'a Member,
    /// All silences.
    pub silences: &'a BTreeMap<Id, Silenced>,
    /// Acknowledgements of the alert.
    pub acknowledged: Option<&'a Acknowledged>,
    /// All receivers.
    pub receivers: &'a Receivers,
    /// Who is told. None: nobody, at present.
    pub first: Option<&'a Id>,
    /// Who is told when nobody acknowledges.
    pub second: Option<&'a Id>,
}

impl<'a> View<'a> {
    fn silences(self) -> impl Iterator<Item = &'a Silenced> {
        self.standing.silences.iter().filter_map(move |id| self.silences.get(id))
    }

    /// The silence that holds it back at an instant, of several the one that ends last.
    #[must_use]
    pub fn silenced(self, now: Timestamp) -> Option<&'a Silenced> {
        self.silences().filter(|silence| silence.holds(now)).max_by_key(|silence| silence.until)
    }

    /// Whether something holds messages about it back at an instant.
    #[must_use]
    pub fn is_held(self, now: Timestamp) -> bool {
        self.standing.inhibited.is_some() || self.silenced(now).is_some()
    }

    /// The first instant, at or after one, that no silence covers.
    #[must_use]
    pub fn unsilenced(self, mut time: Timestamp) -> Timestamp {
        for _ in 0..MOST_SILENCES {
            match self.silenced(time) {
                Some(silence) => time = silence.until,
                None => return time,
            }
        }
        Timestamp::MAX
    }

    /// What a receiver was told of the episode. None: not that it fires.
    fn told(self, receiver: &str) -> Option<&'a Told> {
        let told = self.member.told(receiver)?;
        (told.is_firing && (!self.standing.is_firing || told.position >= self.standing.fired_position))
            .then_some(told)
    }

    /// The ends of what held it back while it fired, after an instant.
    fn releases(self, since: Timestamp) -> impl Iterator<Item = (Timestamp, Hold)> {
        let fired = self.standing.fired_time;
        let silences = self
            .silences()
            .filter(move |silence| silence.until > fired && silence.until > silence.from)
            .map(|silence| (silence.until, Hold::Silence));
        let released = self.standing.released.map(|released| (released.at, released.from));
        let acknowledged = self.acknowledged.and_then(Acknowledged::until);
        let acknowledged = acknowledged.map(|until| (until, Hold::Acknowledgement));
        silences.chain(released).chain(acknowledged).filter(move |(at, _)| *at > since && *at >= fired)
    }

    /// What the receiver of the subscription has to be told at an instant.
    #[must_use]
    pub fn news(self, now: Timestamp) -> Option<News> {
        let first = self.first?;
        let told = self.told(first);
        if !self.standing.is_firing {
            return match told {
                Some(_) => self.terms.with_resolved.then_some(News::Over),
                None => self.member.told.is_empty().then_some(News::Aside),
            };
        }
        if self.is_held(now) {
            return None;
        }
        let since = told.map_or(self.member.since, |told| told.last_at);
        let released = self
            .releases(since)
            .filter(|(at, from)| *at <= now && (told.is_some() || *from != Hold::Acknowledgement));
        match (released.max_by_key(|(at, _)| *at), told) {
            (Some((_, from)), _) => Some(News::Again(from)),
            (None, None) => Some(News::Fires),
            (None, Some(told)) => (self.standing.position > told.position).then_some(News::Changed),
        }
    }

    /// What any other receiver that was told of it has to be told at an instant.
    #[must_use]
    pub fn sequel(self, receiver: &str, now: Timestamp) -> Option<News> {
        let told = self.member.told(receiver).filter(|told| told.is_firing)?;
        if !self.receivers.is_up(receiver) {
            return None;
        }
        if !self.standing.is_firing {
            return self.terms.with_resolved.then_some(News::Over);
        }
        (self.standing.position > told.position && !self.is_held(now)).then_some(News::Changed)
    }

    /// What is repeated at an instant.
    #[must_use]
    pub fn repeat(self, now: Timestamp) -> Option<News> {
        self.told(self.first?)?;
        let is_taken_on = self.acknowledged.is_some_and(|ack| ack.standing(now).is_some());
        (self.standing.is_firing && !is_taken_on && !self.is_held(now)).then_some(News::Repeat)
    }

    /// What the receiver one step up has to be told at an instant.
    #[must_use]
    pub fn escalation(self, now: Timestamp) -> Option<News> {
        (self.escalates_at()? <= now && !self.is_held(now)).then_some(News::Escalated)
    }

    /// When it goes one step up, if nothing holds it back then.
    fn escalates_at(self) -> Option<Timestamp> {
        let step = self.terms.escalation.as_ref()?;
        if !self.standing.is_firing
            || !step.covers(&self.standing.alert.severity)
            || self.told(self.second?).is_some()
        {
            return None;
        }
        let of_episode = self.member.told.iter().filter(|told| self.told(&told.receiver).is_some());
        let first_at = of_episode.map(|told| told.first_at).min()?;
        // Whoever had taken it on has let it go: it counts from there.
        let let_go = match self.acknowledged.filter(|acknowledged| acknowledged.last.is_some()) {
            Some(acknowledged) => Some(acknowledged.until()?),
            None => self.standing.let_go,
        };
        Some(later(let_go.map_or(first_at, |let_go| let_go.max(first_at)), step.after))
    }

    /// When it is a reason for a message. `time` is the present as far as the log goes.
    #[must_use]
    pub fn slots(self, time: Timestamp) -> Slots {
        let is_inhibited = self.standing.is_firing && self.standing.inhibited.is_some();
        if is_inhibited {
            return Slots::default();
        }
        Slots {
            urgent: self.urgent_at(),
            news: self.news_at(),
            repeat: self.repeat_at(time),
            escalation: self.escalates_at().map(|at| self.unsilenced(at)),
        }
    }

    fn urgent_at(self) -> Option<Timestamp> {
        let told = self.told(self.first?);
        if !self.standing.is_firing {
            return None;
        }
        let since = told.map_or(self.member.since, |told| told.last_at);
        let urgent = self.releases(since).filter(|(_, from)| match from {
            Hold::Silence => true,
            Hold::Acknowledgement => told.is_some(),
            Hold::Inhibition => false,
        });
        urgent.map(|(at, _)| self.unsilenced(at)).min()
    }

    fn news_at(self) -> Option<Timestamp> {
        let wait = if self.terms.digest.is_some() { std::time::Duration::ZERO } else { self.terms.wait };
        let standing = self.standing;
        let changed = self.member.changed_at.unwrap_or(standing.time);
        // While another alert explained it there was nothing to wait for.
        let explained = standing.released.filter(|released| released.from == Hold::Inhibition);
        let changed = later(explained.map_or(changed, |released| changed.max(released.at)), wait);
        let sequels = self.member.told.iter().any(|told| {
            told.is_firing
                && self.receivers.is_up(&told.receiver)
                && (!standing.is_firing || standing.position > told.position)
        });
        let first = self.first.map(|first| self.told(first));
        let is_unknown = matches!(first, Some(None)) && standing.is_firing;
        if !standing.is_firing {
            return (sequels && self.terms.with_resolved).then_some(changed);
        }
        let changed = (sequels || is_unknown).then(|| self.unsilenced(changed));
        let since = first?.map_or(self.member.since, |told| told.last_at);
        let released = self.releases(since).find(|(_, from)| *from == Hold::Inhibition);
        let released = released.map(|(at, _)| self.unsilenced(later(at, wait)));
        [changed, released].into_iter().flatten().min()
    }

    fn repeat_at(self, time: Timestamp) -> Option<Timestamp> {
        self.terms.repeat?;
        self.told(self.first?).filter(|_| self.standing.is_firing)?;
        let free = match self.acknowledged.filter(|acknowledged| acknowledged.last.is_some()) {
            Some(acknowledged) => acknowledged.until()?,
            None => Timestamp::MIN,
        };
        let unsilenced = self.unsilenced(time);
        Some(if unsilenced > time { free.max(unsilenced) } else { free })
    }
}
