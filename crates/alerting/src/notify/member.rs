//! What a subscription has told of an alert, and what it has yet to tell.
use jiff::Timestamp;
use orewatch_eventlog::Position;
use uuid::Uuid;

use super::Id;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is planned.
    Waiting,
    /// The receiver has taken it.
    Delivered,
    /// It is not tried again by itself.
    GivenUp,
}

/// What a receiver was last told of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The receiver.
    pub receiver: Id,
    /// Position up to which it knows.
    pub position: Position,
    /// Whether it was told that the alert fires.
    pub is_firing: bool,
    /// When it was first told of the episode.
    pub first_at: Timestamp,
    /// When it was last told.
    pub last_at: Timestamp,
    /// The last message.
    pub message: Uuid,
    /// What became of that.
    pub outcome: Outcome,
}

/// An alert in a group of a subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The group.
    pub group: Id,
    /// Since when the subscription has it.
    pub since: Timestamp,
    /// Since when there is something that the receiver has not been told.
    pub changed_at: Option<Timestamp>,
    /// What each receiver was told.
    pub told: Vec<Told>,
    /// Where it stands in the agenda of its group: with which severity, and when.
    pub(crate) severity: Id,
    pub(crate) slots: Slots,
}

/// When an alert is a reason for a message, as far as the log goes; quiet hours, digests and the pace of the group come on top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// At once, whatever the pace of the group.
    pub urgent: Option<Timestamp>,
    /// At the pace of the group.
    pub news: Option<Timestamp>,
    /// As a repeat, from then on.
    pub repeat: Option<Timestamp>,
    /// To the receiver one step up.
    pub escalation: Option<Timestamp>,
}

impl Member {
    /// One that nobody has been told of.
    pub(crate) fn new(group: Id, time: Timestamp) -> Self {
        let slots = Slots::default();
        Self { group, since: time, changed_at: Some(time), told: Vec::new(), severity: "".into(), slots }
    }

    /// What a receiver was told.
    #[must_use]
    pub fn told(&self, receiver: &str) -> Option<&Told> {
        self.told.iter().find(|told| &*told.receiver == receiver)
    }

    /// Whether anybody was told that it fires, and not that it is over.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        self.told.iter().any(|told| told.is_firing)
    }

    /// Notes what a receiver is told; `fired` is where the episode fired.
    pub(crate) fn tell(&mut self, next: Told, fired: Position) {
        match self.told.iter_mut().find(|told| told.receiver == next.receiver) {
            None => self.told.push(next),
            Some(told) => {
                let same_episode = told.is_firing && told.position >= fired;
                let first_at = if same_episode { told.first_at } else { next.first_at };
                *told = Told { first_at, ..next };
            }
        }
    }
}
