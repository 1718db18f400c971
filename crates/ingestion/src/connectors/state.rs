//! What is known of connectors: folded from their events. Pure.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orewatch_contracts::ingestion::v1::{FetchRecorded, PollEnded, PollStarted};
use orewatch_eventlog::{Event, Position, StreamName};
use prost::Message as _;

use super::call::Before;
use super::instant;

/// The first token of connectors' streams below the log's name. No dataset begins with an underscore.
const BRANCH: &str = "_connectors";

/// Requests that can be listed, of all connectors together.
const MOST_LISTED: usize = 100_000;

/// Full names of the messages.
pub(super) const FETCHED: &str = "orewatch.ingestion.v1.FetchRecorded";
pub(super) const STARTED: &str = "orewatch.ingestion.v1.PollStarted";
pub(super) const ENDED: &str = "orewatch.ingestion.v1.PollEnded";

/// All connectors that ever asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Records {
    by_name: BTreeMap<String, Record>,
    /// Where their requests are, the oldest first.
    fetches: VecDeque<(Position, Arc<str>)>,
}

/// One connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// Position of the stream's last event.
    pub(super) last: Position,
    /// The poll that is not over.
    pub(super) open: Option<Open>,
    /// When a poll ended last.
    pub(super) ended_at: Option<Timestamp>,
    /// When a poll ended well last.
    pub(super) succeeded_at: Option<Timestamp>,
    /// What went wrong since then. Empty: nothing.
    pub(super) problem: String,
    /// Answers of the poll that ended well last, by request.
    pub(super) before: BTreeMap<String, Before>,
    /// What they said, as a digest. Empty: none ended well.
    pub(super) content: String,
    /// When the last call was made.
    pub(super) called_at: Option<Timestamp>,
    /// A day of UTC, and the calls made in it.
    pub(super) calls: Option<(Date, u32)>,
}

/// A poll under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Open {
    pub(super) poll: String,
    pub(super) force: bool,
    pub(super) started_at: Timestamp,
    pub(super) holder: String,
    /// Position of the event by which the holder took it.
    pub(super) claim: Position,
    /// When the holder was heard of last.
    pub(super) heard_at: Timestamp,
    pub(super) fetches: Vec<FetchRecorded>,
    /// When it goes on at the earliest, as its last answer says.
    pub(super) resume_at: Option<Timestamp>,
}

/// What the streams of all connectors are below.
pub(super) fn branch(log: &str) -> Option<StreamName> {
    StreamName::new(format!("{log}.{BRANCH}")).ok()
}

/// The stream of a connector.
pub(super) fn stream(log: &str, name: &str) -> Option<StreamName> {
    StreamName::new(format!("{log}.{BRANCH}.{name}")).ok()
}

/// The connector whose stream this is.
fn name_of(stream: &StreamName) -> Option<&str> {
    let mut tokens = stream.as_str().splitn(3, '.');
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(_), Some(BRANCH), Some(name)) => Some(name),
        _ => None,
    }
}

/// The day of UTC.
pub(super) fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

impl Records {
    /// Folds an event, if it is one of a connector.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn evolve(&mut self, event: &Event) -> Result<(), String> {
        let Some(name) = name_of(&event.stream) else { return Ok(()) };
        let bad = |error| format!("{} cannot be decoded: {error}", event.kind);
        let record = self.by_name.entry(name.to_owned()).or_default();
        record.last = event.position;
        match event.kind.as_str() {
            STARTED => record.started(PollStarted::decode(event.data.clone()).map_err(bad)?, event),
            ENDED => record.ended(PollEnded::decode(event.data.clone()).map_err(bad)?, event.time),
            FETCHED => {
                record.fetched(FetchRecorded::decode(event.data.clone()).map_err(bad)?, event.time);
                self.fetches.push_back((event.position, Arc::from(name)));
                if self.fetches.len() > MOST_LISTED {
                    self.fetches.pop_front();
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Record> {
        self.by_name.get(name)
    }

    /// Bodies that polls may go on from: of those that are not over, and of the last that ended well.
    pub(super) fn needed(&self) -> impl Iterator<Item = &str> {
        let open = self.by_name.values().filter_map(|record| record.open.as_ref());
        let under_way = open.flat_map(|open| &open.fetches).map(|fetch| &*fetch.sha256);
        let before = self.by_name.values().flat_map(|record| record.before.values());
        under_way.chain(before.map(|before| &*before.sha256))
    }

    /// Positions of requests before one, the newest first.
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

impl Record {
    fn started(&mut self, started: PollStarted, event: &Event) {
        match &mut self.open {
            Some(open) if open.poll == started.poll => {
                (open.holder, open.claim, open.heard_at) = (started.holder, event.position, event.time);
            }
            open => {
                *open = Some(Open {
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

    fn fetched(&mut self, fetch: FetchRecorded, at: Timestamp) {
        self.called_at = Some(at);
        let today = day(at);
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

    fn ended(&mut self, ended: PollEnded, at: Timestamp) {
        let Some(open) = self.open.take() else { return };
        self.ended_at = Some(at);
        self.problem = ended.problem;
        if self.problem.is_empty() {
            self.succeeded_at = Some(at);
            self.content = ended.content;
            self.before = open.fetches.into_iter().filter_map(validator).collect();
        }
    }

    /// Calls made on a day.
    pub(super) fn calls_on(&self, today: Date) -> u32 {
        self.calls.filter(|(day, _)| *day == today).map_or(0, |(_, calls)| calls)
    }
}

/// What a request of the next poll may ask about.
fn validator(fetch: FetchRecorded) -> Option<(String, Before)> {
    let can_ask = !(fetch.etag.is_empty() && fetch.last_modified.is_empty() || fetch.sha256.is_empty());
    let FetchRecorded { request, etag, last_modified, sha256, .. } = fetch;
    can_ask.then_some((request, Before { etag, last_modified, sha256 }))
}
