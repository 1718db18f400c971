//! Runs one poll: claims it, replays what was recorded, calls for the rest, and has the responses ingested.
mod claim;
mod release;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{FetchRecorded, IngestFilesResponse, IngestProgress, Phase};
use orewatch_contracts::time::{instant, timestamp};
use orewatch_contracts::{Class, Failure};

use super::OnProgress;
use super::call::{Call, PublisherResponse};
use super::config::Connector;
use super::http::Http;
use super::hub::Connectors;
use super::poll_machine::{FetchNote, NextStep, PollMachine};
use super::schedule;
use super::state;
use claim::{ActivePoll, PollAccess};
pub use release::EndedPoll;

/// Upper bound on a wait inside a poll; for a longer one the poll is left open.
const MAX_PAUSE: SignedDuration = SignedDuration::from_mins(2);

/// Why a publisher is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollReason {
    /// It is due.
    BySchedule,
    /// A user asked for it.
    OnDemand,
    /// A user asked for everything to be requested again.
    Anew,
}

/// The result of polling.
#[derive(Clone, Debug)]
pub enum PollResult {
    /// The poll is over.
    Ended(EndedPoll),
    /// The poll continues at this time, for this reason.
    Paused(Timestamp, String),
}

impl Connectors {
    /// Polls until the poll is over or has to wait for long.
    pub(super) async fn run(
        &self,
        connector: &Connector,
        asked: PollReason,
        progress: OnProgress<'_>,
    ) -> Result<PollResult, Failure> {
        self.catch_up().await?;
        let mut active = match self.poll_access(connector, asked)? {
            PollAccess::Later(paused) => return Ok(paused),
            PollAccess::Granted { last, open } => self.claim_poll(connector, asked, last, open).await?,
        };
        active.key = match connector.key.as_ref().map(super::KeyLocation::read).transpose() {
            Ok(key) => key,
            Err(problem) => {
                let problem = format!("poll {}: {problem}", connector.name);
                return self
                    .end_poll(
                        &mut active,
                        EndedPoll { problem, class: Class::Invalid, ..EndedPoll::default() },
                    )
                    .await;
            }
        };
        let Some(mut machine) = self.replay(&active).await? else {
            let problem = "the configuration changed while the poll was under way".to_owned();
            self.end_poll(&mut active, EndedPoll { problem, ..EndedPoll::default() }).await?;
            // The new poll is as due as the old one was.
            let asked = if asked == PollReason::BySchedule { PollReason::OnDemand } else { asked };
            return Box::pin(self.run(connector, asked, progress)).await;
        };
        let http = Http::new(connector, active.key.as_ref())?;
        loop {
            match machine.next() {
                NextStep::Ask(call) => {
                    if let Some(paused) = self.wait_for_next_call(&active, &machine, progress).await? {
                        return Ok(paused);
                    }
                    self.fetch(&mut active, &mut machine, &http, call, progress).await?;
                }
                NextStep::Failed(class, problem) => {
                    let ended = EndedPoll { problem: active.scrub(&problem), class, ..EndedPoll::default() };
                    return self.end_poll(&mut active, ended).await;
                }
                NextStep::Done => {
                    let ended = self.ingest(&active, &machine, progress).await?;
                    return self.end_poll(&mut active, ended).await;
                }
            }
        }
    }

    /// The state machine of the poll, replayed up to where it stopped. `None`: the configuration no longer
    /// leads to the recorded calls.
    async fn replay(&self, active: &ActivePoll<'_>) -> Result<Option<PollMachine>, Failure> {
        let connector = active.connector;
        let known = self.view(&connector.name, |record| {
            let open = record.open.as_ref()?;
            let before = if open.force { Default::default() } else { record.before.clone() };
            Some((open.started_at, before, open.fetches.clone()))
        });
        let gone = || Failure::internal("a poll that was begun is not on the log");
        let (started, before, fetches) = known.ok_or_else(gone)?;
        let mut machine = PollMachine::new(connector, state::utc_day(started), &active.poll, before);
        for fetch in &fetches {
            match machine.next() {
                NextStep::Ask(call) if call.text(&connector.base) == fetch.request => {}
                _ => return Ok(None),
            }
            let body = match fetch.sha256.as_str() {
                "" => None,
                sha256 => match self.keep.get(sha256).await? {
                    None => return Ok(None),
                    body => body,
                },
            };
            let at = fetch.time.as_ref().and_then(instant).unwrap_or(started);
            machine.replay(fetch, body, at);
        }
        Ok(Some(machine))
    }

    /// Waits until the next call is due. If that takes long, the poll is left open and its pause returned.
    async fn wait_for_next_call(
        &self,
        active: &ActivePoll<'_>,
        machine: &PollMachine,
        progress: OnProgress<'_>,
    ) -> Result<Option<PollResult>, Failure> {
        let (connector, now) = (active.connector, self.context.clock.now());
        let (at, spent, problem) = self.view(&connector.name, |record| {
            let at = schedule::next_call_at(connector, record, machine.not_before(), now);
            let spent = schedule::calls_left(connector, record, state::utc_day(now)) == Some(0);
            (at, spent, record.problem.clone())
        });
        let wait = at.duration_since(now);
        if wait > MAX_PAUSE {
            let why = if spent { "the quota of the day is used up".to_owned() } else { problem };
            return Ok(Some(PollResult::Paused(at, why)));
        }
        if wait > SignedDuration::from_secs(5) {
            send_note(progress, format!("{}: waits until {}", connector.name, to_the_second(at)));
        }
        if wait > SignedDuration::ZERO {
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Err(stopping_failure()),
                () = self.context.clock.sleep_until(at) => {}
            }
        }
        Ok(None)
    }

    /// Makes one call, archives its body, and records it.
    async fn fetch(
        &self,
        active: &mut ActivePoll<'_>,
        machine: &mut PollMachine,
        http: &Http,
        call: Call,
        progress: OnProgress<'_>,
    ) -> Result<(), Failure> {
        let (number, attempt) = (machine.number(), machine.attempt());
        let call = self.drop_stale_validators(call).await?;
        let answer = tokio::select! {
            () = self.context.shutdown.cancelled() => return Err(stopping_failure()),
            answer = http.send(&call) => answer,
        };
        let answer = self.restore_unchanged(&call, answer).await?;
        let now = self.context.clock.now();
        let note = machine.handle_response(&answer, now);
        if let (PublisherResponse::Whole { body, .. }, false) = (&answer, note.sha256.is_empty()) {
            self.keep.put(body.clone()).await?;
        }
        let fetch = fetch_recorded(active, &call, &answer, &note, (number, attempt), now);
        self.append(active, fetch.clone().into()).await?;
        self.catch_up().await?;
        if !fetch.problem.is_empty() {
            send_note(
                progress,
                format!("{}: {}; {}", active.connector.name, fetch.problem, fetch.consequence),
            );
        }
        report_rows(machine, fetch.bytes, progress);
        Ok(())
    }

    /// Removes the validators of a call if the body that they stand for is gone from the archive.
    async fn drop_stale_validators(&self, mut call: Call) -> Result<Call, Failure> {
        if let Some(before) = &call.before
            && self.keep.get(&before.sha256).await?.is_none()
        {
            call.before = None;
        }
        Ok(call)
    }

    /// Completes a 304 response with the unchanged body and headers.
    async fn restore_unchanged(
        &self,
        call: &Call,
        answer: PublisherResponse,
    ) -> Result<PublisherResponse, Failure> {
        match (answer, &call.before) {
            (PublisherResponse::Whole { status: 304, mut headers, .. }, Some(before)) => {
                let body = self.keep.get(&before.sha256).await?.unwrap_or_else(Bytes::new);
                for (now, then) in
                    [(&mut headers.etag, &before.etag), (&mut headers.last_modified, &before.last_modified)]
                {
                    if now.is_empty() {
                        now.clone_from(then);
                    }
                }
                Ok(PublisherResponse::Whole { status: 304, body, headers })
            }
            (answer, _) => Ok(answer),
        }
    }
}

fn fetch_recorded(
    active: &ActivePoll<'_>,
    call: &Call,
    answer: &PublisherResponse,
    note: &FetchNote,
    (number, attempt): (u32, u32),
    now: Timestamp,
) -> FetchRecorded {
    let (bytes, headers) = match answer {
        PublisherResponse::Whole { body, headers, .. } => (body.len(), headers.clone()),
        PublisherResponse::TooLarge { limit, .. } => (limit.saturating_add(1), Default::default()),
        PublisherResponse::Broken { .. } => Default::default(),
    };
    FetchRecorded {
        connector: active.connector.name.clone(),
        poll: active.poll.clone(),
        number,
        request: call.text(&active.connector.base),
        status: answer.status().into(),
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        attempt,
        sha256: note.sha256.clone(),
        etag: active.scrub(&headers.etag),
        last_modified: active.scrub(&headers.last_modified),
        problem: active.scrub(&note.problem),
        consequence: note.consequence.clone(),
        time: Some(timestamp(now)),
        resume_at: note.resume_at.map(timestamp),
    }
}

/// A time in a message, to the second.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn send_note(progress: OnProgress<'_>, note: String) {
    progress(IngestFilesResponse { said: Some(Said::Note(note)) });
}

fn report_rows(machine: &PollMachine, bytes: u64, progress: OnProgress<'_>) {
    let rows = machine
        .kept()
        .iter()
        .fold(0_u64, |sum, kept| sum.saturating_add(u64::try_from(kept.rows).unwrap_or(u64::MAX)));
    let message = IngestProgress { phase: Phase::Fetching.into(), rows, bytes, ..IngestProgress::default() };
    progress(IngestFilesResponse { said: Some(Said::Progress(message)) });
}

fn stopping_failure() -> Failure {
    Failure::new(
        Class::Unavailable,
        "stopping",
        "the service is stopping; the poll continues when it is back",
    )
}
