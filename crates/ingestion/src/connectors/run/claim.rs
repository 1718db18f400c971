//! Claims a poll: one process polls a connector at a time, and the log decides which.
use jiff::Timestamp;
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::ingestion::v1::{ObservationEvent, PollEnded, PollStarted};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, NewEvent, Position, StreamName};
use orewatch_runtime::trace;

use super::super::config::Connector;
use super::super::hub::Connectors;
use super::super::schedule::{self, MAX_OPEN_AGE};
use super::super::secret::Secret;
use super::super::state::{self, OpenPoll};
use super::{EndedPoll, MAX_PAUSE, PollReason, PollResult, to_the_second};

/// Whether a connector may be polled now.
pub(super) enum PollAccess {
    /// Not now.
    Later(PollResult),
    /// Yes: position of the stream's last event, and the open poll with its name, whether it requests
    /// everything again, and its start.
    Granted { last: Position, open: Option<(String, bool, Timestamp)> },
}

/// A poll claimed by this process.
pub(super) struct ActivePoll<'a> {
    pub(super) connector: &'a Connector,
    pub(super) stream: StreamName,
    pub(super) poll: String,
    /// Position of the stream's last event, which the next append expects: a conflict means that another
    /// process took over.
    pub(super) last: Position,
    pub(super) key: Option<Secret>,
}

impl ActivePoll<'_> {
    /// A text without the key.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.scrub(text))
    }
}

impl Connectors {
    /// Decides on one look at the state whether to poll now. The claim that follows expects that nothing was
    /// appended since.
    pub(super) fn poll_access(
        &self,
        connector: &Connector,
        asked: PollReason,
    ) -> Result<PollAccess, Failure> {
        let now = self.context.clock.now();
        self.view(&connector.name, |record| {
            let next = || schedule::next_poll(connector, record, &self.who, self.started);
            if asked == PollReason::BySchedule && next().is_none_or(|next| next > now) {
                let next = next().unwrap_or(Timestamp::MAX);
                return Ok(PollAccess::Later(PollResult::Paused(
                    next,
                    "another process has polled".to_owned(),
                )));
            }
            let brief = |open: &OpenPoll| (open.poll.clone(), open.force, open.started_at);
            let go = || Ok(PollAccess::Granted { last: record.last, open: record.open.as_ref().map(brief) });
            let Some(open) = record.open.as_ref().filter(|_| asked != PollReason::Anew) else { return go() };
            let free = schedule::lease_ends_at(open, &self.who);
            if free > now {
                let message = format!("another process polls {}", connector.name);
                return Err(Failure::new(Class::Refused, "poll-under-way", message).with_hint(format!(
                    "if that process has crashed, the poll can be resumed from {} on",
                    to_the_second(free)
                )));
            }
            let at = schedule::next_call_at(connector, record, open.resume_at, now);
            if at.duration_since(now) > MAX_PAUSE {
                return Ok(PollAccess::Later(PollResult::Paused(at, record.problem.clone())));
            }
            go()
        })
    }

    /// Claims an open poll, or begins a new one.
    pub(super) async fn claim_poll<'a>(
        &self,
        connector: &'a Connector,
        asked: PollReason,
        last: Position,
        open: Option<(String, bool, Timestamp)>,
    ) -> Result<ActivePoll<'a>, Failure> {
        let unfit = || Failure::internal("a connector's name cannot name a stream");
        let stream = state::connector_stream(self.log.name(), &connector.name).ok_or_else(unfit)?;
        let now = self.context.clock.now();
        let mut active = ActivePoll { connector, stream, poll: String::new(), last, key: None };
        let mut force = asked == PollReason::Anew;
        if let Some((poll, was_forced, started)) = open {
            active.poll = poll;
            let old = now.duration_since(started) > MAX_OPEN_AGE;
            if force || old {
                let problem = if old {
                    "it was open for too long"
                } else {
                    "a poll that requests everything again replaced it"
                };
                self.end_poll(&mut active, EndedPoll { problem: problem.to_owned(), ..EndedPoll::default() })
                    .await?;
                active.poll.clear();
            } else {
                force = was_forced;
            }
        }
        if active.poll.is_empty() {
            active.poll = format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), active.last);
        }
        let started = PollStarted {
            connector: connector.name.clone(),
            poll: active.poll.clone(),
            holder: self.who.holder.clone(),
            force,
        };
        self.append(&mut active, started.into()).await?;
        self.catch_up().await?;
        Ok(active)
    }

    /// Records how a poll ended.
    pub(super) async fn end_poll(
        &self,
        active: &mut ActivePoll<'_>,
        ended: EndedPoll,
    ) -> Result<PollResult, Failure> {
        let fact = PollEnded {
            connector: active.connector.name.clone(),
            poll: active.poll.clone(),
            problem: ended.problem.clone(),
            unchanged: ended.unchanged,
            releases: ended.releases.clone(),
            content: ended.content.clone(),
        };
        self.append(active, fact.into()).await?;
        self.catch_up().await?;
        Ok(PollResult::Ended(ended))
    }

    /// Appends an event that only the process that claimed the poll may append.
    pub(super) async fn append(
        &self,
        active: &mut ActivePoll<'_>,
        event: ObservationEvent,
    ) -> Result<(), Failure> {
        let kind = event.kind().name();
        let identity = format!("{}/{}/{}/{kind}", active.stream, self.who.holder, active.last);
        let new = NewEvent {
            id: Namespace::Event.derive(identity),
            kind: kind.to_owned(),
            time: self.context.clock.now(),
            data: event.encode(),
            traceparent: trace::traceparent(),
        };
        match self.log.append(&active.stream, active.last, vec![new]).await {
            Ok(positions) => {
                active.last = positions.last().copied().unwrap_or(active.last);
                Ok(())
            }
            Err(Error::Conflict { .. }) => {
                let message = format!("another process polls {}", active.connector.name);
                Err(Failure::new(Class::Refused, "poll-under-way", message)
                    .with_hint("`orewatch fetches` shows its calls"))
            }
            Err(error) => Err(error.into()),
        }
    }
}
