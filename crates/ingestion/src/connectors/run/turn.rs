//! Whose turn it is: a poll is in the hands of one process at a time, and the log decides of which.
use bytes::Bytes;
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{PollEnded, PollStarted};
use orewatch_eventlog::{Error, NewEvent, Position, StreamName};
use orewatch_runtime::{Class, Failure, trace};
use prost::Message as _;
use uuid::Uuid;

use super::super::config::Connector;
use super::super::hub::Connectors;
use super::super::schedule::{self, STALE};
use super::super::secret::Secret;
use super::super::state::{self, ENDED, Open, STARTED};
use super::{Asked, Ended, LONGEST_PAUSE, Run, to_the_second};

/// What a look at a connector shows.
pub(super) enum Look {
    /// Not now.
    Wait(Run),
    /// The turn is free: position of the stream's last event, and the poll that is open: its name, whether it asks for everything
    /// anew, and since when.
    Go { last: Position, open: Option<(String, bool, Timestamp)> },
}

/// A poll in the hands of this process.
pub(super) struct Hand<'a> {
    pub(super) connector: &'a Connector,
    pub(super) stream: StreamName,
    pub(super) poll: String,
    /// Position of the stream's last event: nobody else may have written since.
    pub(super) last: Position,
    pub(super) key: Option<Secret>,
}

impl Hand<'_> {
    /// A text without the key.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.scrub(text))
    }
}

impl Connectors {
    /// Whether to ask now, on one look at what is known: whoever takes the turn expects that nothing has happened since.
    pub(super) fn look(&self, connector: &Connector, asked: Asked) -> Result<Look, Failure> {
        let now = self.context.clock.now();
        self.view(&connector.name, |record| {
            let next = || schedule::next(connector, record, &self.who, self.started);
            if asked == Asked::BySchedule && next().is_none_or(|next| next > now) {
                let next = next().unwrap_or(Timestamp::MAX);
                return Ok(Look::Wait(Run::Paused(next, "another process has polled".to_owned())));
            }
            let brief = |open: &Open| (open.poll.clone(), open.force, open.started_at);
            let go = || Ok(Look::Go { last: record.last, open: record.open.as_ref().map(brief) });
            let Some(open) = record.open.as_ref().filter(|_| asked != Asked::Anew) else { return go() };
            let free = schedule::free_at(open, &self.who);
            if free > now {
                let message = format!("another process polls {}", connector.name);
                return Err(Failure::new(Class::Refused, "poll-under-way", message).with_hint(format!(
                    "if it has ended badly, the poll can be gone on with from {} on",
                    to_the_second(free)
                )));
            }
            let at = schedule::call_at(connector, record, open.resume_at, now);
            if at.duration_since(now) > LONGEST_PAUSE {
                return Ok(Look::Wait(Run::Paused(at, record.problem.clone())));
            }
            go()
        })
    }

    /// Takes an open poll, or begins one.
    pub(super) async fn begin<'a>(
        &self,
        connector: &'a Connector,
        asked: Asked,
        last: Position,
        open: Option<(String, bool, Timestamp)>,
    ) -> Result<Hand<'a>, Failure> {
        let unfit = || Failure::internal("a connector's name cannot name a stream");
        let stream = state::stream(self.log.name(), &connector.name).ok_or_else(unfit)?;
        let now = self.context.clock.now();
        let mut hand = Hand { connector, stream, poll: String::new(), last, key: None };
        let mut force = asked == Asked::Anew;
        if let Some((poll, was_forced, started)) = open {
            hand.poll = poll;
            let old = now.duration_since(started) > STALE;
            if force || old {
                let problem =
                    if old { "it was open for too long" } else { "a poll that asks anew took its place" };
                self.end(&mut hand, Ended { problem: problem.to_owned(), ..Ended::default() }).await?;
                hand.poll.clear();
            } else {
                force = was_forced;
            }
        }
        if hand.poll.is_empty() {
            hand.poll = format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), hand.last);
        }
        let started = PollStarted {
            connector: connector.name.clone(),
            poll: hand.poll.clone(),
            holder: self.who.holder.clone(),
            force,
        };
        self.append(&mut hand, STARTED, started.encode_to_vec().into()).await?;
        self.catch_up().await?;
        Ok(hand)
    }

    /// Records how a poll ended.
    pub(super) async fn end(&self, hand: &mut Hand<'_>, ended: Ended) -> Result<Run, Failure> {
        let fact = PollEnded {
            connector: hand.connector.name.clone(),
            poll: hand.poll.clone(),
            problem: ended.problem.clone(),
            unchanged: ended.unchanged,
            releases: ended.releases.clone(),
            content: ended.content.clone(),
        };
        self.append(hand, ENDED, fact.encode_to_vec().into()).await?;
        self.catch_up().await?;
        Ok(Run::Ended(ended))
    }

    /// Appends what only the process that has the poll in hand may append.
    pub(super) async fn append(&self, hand: &mut Hand<'_>, kind: &str, data: Bytes) -> Result<(), Failure> {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
        let identity = format!("{}/{}/{}/{kind}", hand.stream, self.who.holder, hand.last);
        let event = NewEvent {
            id: Uuid::new_v5(&namespace, identity.as_bytes()),
            kind: kind.to_owned(),
            time: self.context.clock.now(),
            data,
            traceparent: trace::traceparent(),
        };
        match self.log.append(&hand.stream, hand.last, vec![event]).await {
            Ok(positions) => {
                hand.last = positions.last().copied().unwrap_or(hand.last);
                Ok(())
            }
            Err(Error::Conflict { .. }) => {
                let message = format!("another process polls {}", hand.connector.name);
                Err(Failure::new(Class::Refused, "poll-under-way", message)
                    .with_hint("`orewatch requests` shows what it asks"))
            }
            Err(error) => Err(error.into()),
        }
    }
}
