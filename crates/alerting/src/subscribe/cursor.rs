//! The cursor of one subscription: which message follows from the next event. Pure: no clock, no waiting.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    Alert, AlertTransition, CaughtUp, Checkpoint, FellBehind, SnapshotEnd, SubscribeAlertsResponse,
};
use orewatch_contracts::time::timestamp;
use orewatch_eventlog::Position;

use super::recent::{AlertBefore, StreamContent, StreamEvent};
use super::selection::{Relevance, Selection};
use crate::token::ResumeToken;

/// Skipped events after which a checkpoint is due.
const CHECKPOINT_INTERVAL: u32 = 500;

/// How far one subscription has come.
///
/// The token of each message says that everything up to it has been sent. `position` therefore moves with the
/// event that a message is made from, and never ahead of it: a subscriber that resumes from any token misses
/// nothing.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    selection: Arc<Selection>,
    /// Everything that matches up to here has been sent.
    position: Position,
    /// Events skipped since the last message.
    skipped: u32,
    /// The end of the log was reached, and the subscription has not fallen behind since.
    is_live: bool,
    /// The subscriber knows that it is up to date: it was said since the last event.
    said_caught_up: bool,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// This message is to be sent.
    Send(Box<SubscribeAlertsResponse>),
    /// The event is skipped.
    Skip,
    /// It depends on the alert before this transition, which has to be read.
    NeedsAlertBefore(Arc<AlertTransition>),
}

impl Cursor {
    /// A subscription to which everything up to a position has been sent.
    #[must_use]
    pub(crate) fn new(selection: Selection, position: Position) -> Self {
        let selection = Arc::new(selection);
        Self { selection, position, skipped: 0, is_live: false, said_caught_up: false }
    }

    /// Everything that matches up to here has been sent.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// What the subscription selects.
    pub(crate) fn selection(&self) -> &Arc<Selection> {
        &self.selection
    }

    /// The token to resume from here.
    pub(crate) fn token(&self) -> String {
        let selector = Some(self.selection.selector);
        ResumeToken { position: self.position, selector, mirrors: self.selection.mirrors() }.encode()
    }

    /// Takes the next event and its relevance to the selection. After [`Next::NeedsAlertBefore`] the same
    /// event has to be given again, with the alert that was read.
    pub(crate) fn take(&mut self, event: &StreamEvent, relevance: Relevance, now: Timestamp) -> Next {
        if let (
            Relevance::DependsOnAlertBefore,
            StreamContent::Transition(transition, AlertBefore::Unknown),
        ) = (relevance, &event.content)
        {
            return Next::NeedsAlertBefore(Arc::clone(transition));
        }
        self.position = event.position;
        self.said_caught_up = false;
        if let (Relevance::Selected { left }, StreamContent::Transition(transition, _)) =
            (relevance, &event.content)
        {
            let message = Message::Transition(transition.as_ref().clone());
            return Next::Send(Box::new(SubscribeAlertsResponse { left, ..self.message(message) }));
        }
        self.skipped += 1;
        let ends_evaluation = self.is_live && matches!(event.content, StreamContent::Evaluated);
        if self.skipped >= CHECKPOINT_INTERVAL || ends_evaluation {
            Next::Send(Box::new(self.checkpoint(now)))
        } else {
            Next::Skip
        }
    }

    /// The end of the log is reached. Returns the message that says so, once after each event.
    pub(crate) fn caught_up(
        &mut self,
        position: Position,
        now: Timestamp,
    ) -> Option<SubscribeAlertsResponse> {
        self.position = self.position.max(position);
        self.is_live = true;
        let is_news = !std::mem::replace(&mut self.said_caught_up, true);
        let caught_up = CaughtUp { time: Some(timestamp(now)), position: self.position };
        is_news.then(|| self.message(Message::CaughtUp(caught_up)))
    }

    /// The next event is no longer in memory, and the log has to be read. Returns the message that says so,
    /// if the subscription was up to date.
    pub(crate) fn fell_behind(&mut self, head: Position, now: Timestamp) -> Option<SubscribeAlertsResponse> {
        let was_live = std::mem::replace(&mut self.is_live, false);
        was_live.then(|| self.message(Message::FellBehind(self.behind(head, now, false))))
    }

    /// The message that the subscription is alive and nothing that matches has happened.
    pub(crate) fn checkpoint(&mut self, now: Timestamp) -> SubscribeAlertsResponse {
        let checkpoint = Checkpoint { time: Some(timestamp(now)), position: self.position };
        self.message(Message::Checkpoint(checkpoint))
    }

    /// The last message to a subscriber that does not read, with the token of the last message that it took.
    pub(crate) fn stalled(self, token: String, head: Position, now: Timestamp) -> SubscribeAlertsResponse {
        let message = Some(Message::FellBehind(self.behind(head, now, true)));
        SubscribeAlertsResponse { resume_token: token, message, left: false }
    }

    fn behind(&self, head: Position, now: Timestamp, ended: bool) -> FellBehind {
        FellBehind { time: Some(timestamp(now)), position: self.position, head, ended }
    }

    /// An alert of the snapshot. There is no token before the snapshot is complete.
    pub(crate) fn snapshot_alert(alert: Alert) -> SubscribeAlertsResponse {
        let message = Some(Message::Alert(alert));
        SubscribeAlertsResponse { resume_token: String::new(), message, left: false }
    }

    /// The end of a snapshot with a number of alerts.
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
