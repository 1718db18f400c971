//! State of connectors, folded from their events. Pure.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orewatch_contracts::ingestion::v1::{
    FetchRecorded, ObservationEvent, ObservationEventKind, PollEnded, PollStarted,
};
use orewatch_contracts::time::instant;
use orewatch_eventlog::{Event, Position, StreamName};

use super::call::PreviousResponse;

/// Second token of connectors' streams, after the log's name. No dataset begins with an underscore.
const ROOT_TOKEN: &str = "_connectors";

/// Upper bound on fetches that can be listed, of all connectors together.
const MAX_LISTED_FETCHES: usize = 100_000;

/// State of all connectors that ever polled.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ConnectorsState {
    by_name: BTreeMap<String, ConnectorState>,
    /// Positions of their fetches, oldest first.
    fetches: VecDeque<(Position, Arc<str>)>,
}

/// State of a connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ConnectorState {
    /// Position of the stream's last event.
    pub(super) last: Position,
    /// The poll that is not over.
    pub(super) open: Option<OpenPoll>,
    /// Time of the end of the last poll.
    pub(super) ended_at: Option<Timestamp>,
    /// Time of the end of the last successful poll.
    pub(super) succeeded_at: Option<Timestamp>,
    /// What went wrong since then. Empty: nothing.
    pub(super) problem: String,
    /// Responses of the last successful poll, by call.
    pub(super) before: BTreeMap<String, PreviousResponse>,
    /// SHA-256 over their rows. Empty: no poll succeeded yet.
    pub(super) content: String,
    /// Time of the last call.
    pub(super) called_at: Option<Timestamp>,
    /// A day of UTC, and its number of calls.
    pub(super) calls: Option<(Date, u32)>,
}

/// A poll in progress.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OpenPoll {
    pub(super) poll: String,
    pub(super) force: bool,
    pub(super) started_at: Timestamp,
    pub(super) holder: String,
    /// Position of the event by which its holder claimed it.
    pub(super) claim: Position,
    /// Time of the holder's last event.
    pub(super) heard_at: Timestamp,
    pub(super) fetches: Vec<FetchRecorded>,
    /// Earliest time of its next call, as its last response says.
    pub(super) resume_at: Option<Timestamp>,
}

/// The stream that the streams of all connectors are below.
pub(super) fn root_stream(log: &str) -> Option<StreamName> {
    StreamName::new(format!("{log}.{ROOT_TOKEN}")).ok()
}

/// The stream of a connector.
pub(super) fn connector_stream(log: &str, name: &str) -> Option<StreamName> {
    StreamName::new(format!("{log}.{ROOT_TOKEN}.{name}")).ok()
}

/// Name of the connector with this stream.
fn connector_of(stream: &StreamName) -> Option<&str> {
    let mut tokens = stream.as_str().splitn(3, '.');
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(_), Some(ROOT_TOKEN), Some(name)) => Some(name),
        _ => None,
    }
}

/// The day in UTC.
pub(super) fn utc_day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

impl ConnectorsState {
    /// Folds an event, if it is one of a connector.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub(super) fn evolve(&mut self, event: &Event) -> Result<(), String> {
        let Some(name) = connector_of(&event.stream) else { return Ok(()) };
        let connector = self.by_name.entry(name.to_owned()).or_default();
        // Also of an event that only a later version knows: the next append expects this position.
        connector.last = event.position;
        let Some(kind) = ObservationEventKind::from_name(&event.kind) else { return Ok(()) };
        let decoded = ObservationEvent::decode(kind, event.data.clone())
            .map_err(|error| format!("{} cannot be decoded: {error}", event.kind))?;
        match decoded {
            ObservationEvent::PollStarted(started) => connector.poll_started(started, event),
            ObservationEvent::PollEnded(ended) => connector.poll_ended(ended, event.time),
            ObservationEvent::FetchRecorded(fetch) => {
                connector.fetch_recorded(fetch, event.time);
                self.fetches.push_back((event.position, Arc::from(name)));
                if self.fetches.len() > MAX_LISTED_FETCHES {
                    self.fetches.pop_front();
                }
            }
            // None of these is on a connector's stream.
            ObservationEvent::ReleaseOpened(_)
            | ObservationEvent::ObservationsRecorded(_)
            | ObservationEvent::RowsQuarantined(_)
            | ObservationEvent::RowsRepaired(_)
            | ObservationEvent::ReleaseHeld(_)
            | ObservationEvent::ReleaseCommitted(_)
            | ObservationEvent::ReleaseRefused(_)
            | ObservationEvent::ReleaseWithdrawn(_)
            | ObservationEvent::SourcePolicyRevised(_)
            | ObservationEvent::TenantErased(_) => {}
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&ConnectorState> {
        self.by_name.get(name)
    }

    /// Digests of bodies that polls may need again: of open polls, and of the last successful ones.
    pub(super) fn needed(&self) -> impl Iterator<Item = &str> {
        let open = self.by_name.values().filter_map(|record| record.open.as_ref());
        let under_way = open.flat_map(|open| &open.fetches).map(|fetch| &*fetch.sha256);
        let before = self.by_name.values().flat_map(|record| record.before.values());
        under_way.chain(before.map(|before| &*before.sha256))
    }

    /// Positions of a connector's fetches before a position, newest first.
    pub(super) fn fetches<'a>(
        &'a self,
        name: &'a str,
        before: Position,
    ) -> impl Iterator<Item = Position> + 'a {
        let wanted =
            move |(at, of): &&(Position, Arc<str>)| *at < before && (name.is_empty() || **of == *name);
        self.fetches.iter().rev().filter(wanted).map(|(at, _)| *at)
    }
}

impl ConnectorState {
    fn poll_started(&mut self, started: PollStarted, event: &Event) {
        match &mut self.open {
            Some(open) if open.poll == started.poll => {
                (open.holder, open.claim, open.heard_at) = (started.holder, event.position, event.time);
            }
            open => {
                *open = Some(OpenPoll {
                    poll: started.poll,
                    force: started.force,
                    started_at: event.time,
                    holder: started.holder,
                    claim: event.position,
                    heard_at: event.time,
                    fetches: Vec::new(),
                    resume_at: None,
                });
            }
        }
    }

    fn fetch_recorded(&mut self, fetch: FetchRecorded, at: Timestamp) {
        self.called_at = Some(at);
        let today = utc_day(at);
        self.calls = match self.calls {
            Some((day, calls)) if day == today => Some((day, calls.saturating_add(1))),
            _ => Some((today, 1)),
        };
        if let Some(open) = self.open.as_mut().filter(|open| open.poll == fetch.poll) {
            open.heard_at = at;
            open.resume_at = fetch.resume_at.as_ref().and_then(instant);
            if !fetch.problem.is_empty() {
                self.problem.clone_from(&fetch.problem);
            }
            open.fetches.push(fetch);
        }
    }

    fn poll_ended(&mut self, ended: PollEnded, at: Timestamp) {
        let Some(open) = self.open.take() else { return };
        self.ended_at = Some(at);
        self.problem = ended.problem;
        if self.problem.is_empty() {
            self.succeeded_at = Some(at);
            self.content = ended.content;
            self.before = open.fetches.into_iter().filter_map(previous_response).collect();
        }
    }

    /// Number of calls on a day.
    pub(super) fn calls_on(&self, today: Date) -> u32 {
        self.calls.filter(|(day, _)| *day == today).map_or(0, |(_, calls)| calls)
    }
}

/// The validators with which the next poll can ask whether a response changed.
fn previous_response(fetch: FetchRecorded) -> Option<(String, PreviousResponse)> {
    let can_ask = !(fetch.etag.is_empty() && fetch.last_modified.is_empty() || fetch.sha256.is_empty());
    let FetchRecorded { request, etag, last_modified, sha256, .. } = fetch;
    can_ask.then_some((request, PreviousResponse { etag, last_modified, sha256 }))
}
