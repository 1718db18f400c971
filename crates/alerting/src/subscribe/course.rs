//! The course of one subscription: what it is told next, given what is read of the log. No clock, no waiting.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    Alert, AlertTransition, CaughtUp, Checkpoint, FellBehind, SnapshotEnd, SubscribeAlertsResponse,
};
use orewatch_eventlog::Position;

use super::selection::{Selection, Told};
use super::tail::{Before, Entry, What};
use super::timestamp;
use crate::token::Resume;

/// After how many events that do not match a checkpoint is due.
const SKIPPED: u32 = 500;

/// Where a subscription is.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    selection: Selection,
    /// Everything that matches up to here has been told.
    position: Position,
    /// Events passed over since the last message.
    skipped: u32,
    /// The present was reached, and it was not fallen behind since.
    is_live: bool,
    /// The end was told since the last event.
    said: bool,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// A message.
    Tell(Box<SubscribeAlertsResponse>),
    /// Nothing.
    Pass,
    /// It has to be known how the alert stood before.
    Ask(Arc<AlertTransition>),
}

impl Course {
    /// One that has been told all up to a position.
    #[must_use]
    pub(crate) fn new(selection: Selection, position: Position) -> Self {
        Self { selection, position, skipped: 0, is_live: false, said: false }
    }

    /// Everything that matches up to here has been told.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// The token to go on from here.
    pub(crate) fn token(&self) -> String {
        let selector = Some(self.selection.selector);
        Resume { position: self.position, selector, mirrors: self.selection.mirrors() }.token()
    }

    /// Takes the next event. After [`Next::Ask`] the same event is given again, with what was asked for.
    pub(crate) fn take(&mut self, entry: &Entry, now: Timestamp) -> Next {
        let told = match &entry.what {
            What::Transition(transition, before) => self.selection.tells(transition, before),
            What::Evaluated | What::Other => Told::No,
        };
        if let (Told::Depends, What::Transition(transition, Before::Unknown)) = (told, &entry.what) {
            return Next::Ask(Arc::clone(transition));
        }
        self.position = entry.position;
        self.said = false;
        if let (Told::Yes { left }, What::Transition(transition, _)) = (told, &entry.what) {
            let message = Message::Transition(transition.as_ref().clone());
            return Next::Tell(Box::new(SubscribeAlertsResponse { left, ..self.message(message) }));
        }
        self.skipped += 1;
        let is_due = self.skipped >= SKIPPED || (self.is_live && matches!(entry.what, What::Evaluated));
        if is_due { Next::Tell(Box::new(self.checkpoint(now))) } else { Next::Pass }
    }

    /// Nothing more is known; said once after each event.
    pub(crate) fn caught_up(
        &mut self,
        position: Position,
        now: Timestamp,
    ) -> Option<SubscribeAlertsResponse> {
        self.position = self.position.max(position);
        self.is_live = true;
        let is_new = !std::mem::replace(&mut self.said, true);
        let caught_up = CaughtUp { time: Some(timestamp(now)), position: self.position };
        is_new.then(|| self.message(Message::CaughtUp(caught_up)))
    }

    /// The log has to be read again, for its end is ahead by more than is kept; said where the present had been reached.
    pub(crate) fn fell_behind(&mut self, head: Position, now: Timestamp) -> Option<SubscribeAlertsResponse> {
        let was_live = std::mem::replace(&mut self.is_live, false);
        was_live.then(|| self.message(Message::FellBehind(self.behind(head, now, false))))
    }

    /// The subscription lives, and nothing that matches has happened.
    pub(crate) fn checkpoint(&mut self, now: Timestamp) -> SubscribeAlertsResponse {
        let checkpoint = Checkpoint { time: Some(timestamp(now)), position: self.position };
        self.message(Message::Checkpoint(checkpoint))
    }

    /// The last message to a subscriber that takes none, with the token of the last that it took.
    pub(crate) fn ended(self, token: String, head: Position, now: Timestamp) -> SubscribeAlertsResponse {
        let message = Some(Message::FellBehind(self.behind(head, now, true)));
        SubscribeAlertsResponse { resume_token: token, message, left: false }
    }

    fn behind(&self, head: Position, now: Timestamp, ended: bool) -> FellBehind {
        FellBehind { time: Some(timestamp(now)), position: self.position, head, ended }
    }

    /// An alert of the snapshot. There is no token before its end.
    pub(crate) fn item(alert: Alert) -> SubscribeAlertsResponse {
        let message = Some(Message::Alert(alert));
        SubscribeAlertsResponse { resume_token: String::new(), message, left: false }
    }

    /// The end of a snapshot of so many alerts.
    pub(crate) fn snapshot_end(&mut self, alerts: usize, taken_at: Timestamp) -> SubscribeAlertsResponse {
        let end = SnapshotEnd {
            time: Some(timestamp(taken_at)),
            position: self.position,
            alerts: u64::try_from(alerts).unwrap_or(u64::MAX),
        };
        self.message(Message::SnapshotEnd(end))
    }

    fn message(&mut self, message: Message) -> SubscribeAlertsResponse {
        self.skipped = 0;
        SubscribeAlertsResponse { resume_token: self.token(), message: Some(message), left: false }
    }
}
