//! One poll: takes the turn, goes through what was recorded, asks what is missing, and has the answers read.
mod release;
mod turn;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{FetchRecorded, IngestFilesResponse, IngestProgress, Phase};
use orewatch_runtime::{Class, Failure};
use prost::Message as _;

use super::call::{Answer, Call};
use super::config::Connector;
use super::course::{Course, Next, Note};
use super::http::Http;
use super::hub::Connectors;
use super::schedule;
use super::state::{self, FETCHED};
use super::{Tell, written};
pub use release::Ended;
use turn::{Hand, Look};

/// Longest wait inside of a poll; a longer one leaves the poll open until then.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(2);

/// Why a publisher is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is time.
    BySchedule,
    /// Somebody wants to know.
    OnDemand,
    /// Somebody wants everything anew.
    Anew,
}

/// What became of asking.
#[derive(Clone, Debug)]
pub enum Run {
    /// The poll is over.
    Ended(Ended),
    /// The poll goes on at this time, and why not now.
    Paused(Timestamp, String),
}

impl Connectors {
    /// Asks until the poll is over or has to wait for long.
    pub(super) async fn run(
        &self,
        connector: &Connector,
        asked: Asked,
        tell: Tell<'_>,
    ) -> Result<Run, Failure> {
        self.catch_up().await?;
        let mut hand = match self.look(connector, asked)? {
            Look::Wait(paused) => return Ok(paused),
            Look::Go { last, open } => self.begin(connector, asked, last, open).await?,
        };
        hand.key = match connector.key.as_ref().map(super::KeyPlace::read).transpose() {
            Ok(key) => key,
            Err(problem) => {
                let problem = format!("poll {}: {problem}", connector.name);
                return self
                    .end(&mut hand, Ended { problem, class: Class::Invalid, ..Ended::default() })
                    .await;
            }
        };
        let Some(mut course) = self.recall(&hand).await? else {
            let problem = "the configuration changed while the poll was under way".to_owned();
            self.end(&mut hand, Ended { problem, ..Ended::default() }).await?;
            // The new poll is as much due as the old one was.
            let asked = if asked == Asked::BySchedule { Asked::OnDemand } else { asked };
            return Box::pin(self.run(connector, asked, tell)).await;
        };
        let http = Http::new(connector, hand.key.as_ref())?;
        loop {
            match course.next() {
                Next::Ask(call) => {
                    if let Some(paused) = self.pace(&hand, &course, tell).await? {
                        return Ok(paused);
                    }
                    self.fetch(&mut hand, &mut course, &http, call, tell).await?;
                }
                Next::Failed(class, problem) => {
                    let ended = Ended { problem: hand.scrub(&problem), class, ..Ended::default() };
                    return self.end(&mut hand, ended).await;
                }
                Next::Done => {
                    let ended = self.ingest(&hand, &course, tell).await?;
                    return self.end(&mut hand, ended).await;
                }
            }
        }
    }

    /// The course of the poll up to where it stopped. None: it is not the one that the configuration gives.
    async fn recall(&self, hand: &Hand<'_>) -> Result<Option<Course>, Failure> {
        let connector = hand.connector;
        let known = self.view(&connector.name, |record| {
            let open = record.open.as_ref()?;
            let before = if open.force { Default::default() } else { record.before.clone() };
            Some((open.started_at, before, open.fetches.clone()))
        });
        let gone = || Failure::internal("a poll that was begun is not on the log");
        let (started, before, fetches) = known.ok_or_else(gone)?;
        let mut course = Course::new(connector, state::day(started), &hand.poll, before);
        for fetch in &fetches {
            match course.next() {
                Next::Ask(call) if call.text(&connector.base) == fetch.request => {}
                _ => return Ok(None),
            }
            let body = match fetch.sha256.as_str() {
                "" => None,
                sha256 => match self.keep.get(sha256).await? {
                    None => return Ok(None),
                    body => body,
                },
            };
            let at = fetch.time.as_ref().and_then(super::instant).unwrap_or(started);
            course.recall(fetch, body, at);
        }
        Ok(Some(course))
    }

    /// Waits until the next call may be made; if that is long, the poll is left open.
    async fn pace(&self, hand: &Hand<'_>, course: &Course, tell: Tell<'_>) -> Result<Option<Run>, Failure> {
        let (connector, now) = (hand.connector, self.context.clock.now());
        let (at, spent, problem) = self.view(&connector.name, |record| {
            let at = schedule::call_at(connector, record, course.not_before(), now);
            let spent = schedule::calls_left(connector, record, state::day(now)) == Some(0);
            (at, spent, record.problem.clone())
        });
        let wait = at.duration_since(now);
        if wait > LONGEST_PAUSE {
            let why = if spent { "the quota of the day is used up".to_owned() } else { problem };
            return Ok(Some(Run::Paused(at, why)));
        }
        if wait > SignedDuration::from_secs(5) {
            say(tell, format!("{}: waits until {}", connector.name, to_the_second(at)));
        }
        if wait > SignedDuration::ZERO {
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Err(stopping()),
                () = self.context.clock.until(at) => {}
            }
        }
        Ok(None)
    }

    /// Makes one request, keeps its body, and records it.
    async fn fetch(
        &self,
        hand: &mut Hand<'_>,
        course: &mut Course,
        http: &Http,
        call: Call,
        tell: Tell<'_>,
    ) -> Result<(), Failure> {
        let (number, attempt) = (course.number(), course.attempt());
        let call = self.askable(call).await?;
        let answer = tokio::select! {
            () = self.context.shutdown.cancelled() => return Err(stopping()),
            answer = http.ask(&call) => answer,
        };
        let answer = self.unchanged(&call, answer).await?;
        let now = self.context.clock.now();
        let note = course.take(&answer, now);
        if let (Answer::Whole { body, .. }, false) = (&answer, note.sha256.is_empty()) {
            self.keep.put(body.clone()).await?;
        }
        let fetch = recorded(hand, &call, &answer, &note, (number, attempt), now);
        self.append(hand, FETCHED, fetch.encode_to_vec().into()).await?;
        self.catch_up().await?;
        if !fetch.problem.is_empty() {
            say(tell, format!("{}: {}; {}", hand.connector.name, fetch.problem, fetch.consequence));
        }
        progress(course, fetch.bytes, tell);
        Ok(())
    }

    /// The call, with the question whether something has changed only if what it was is still there.
    async fn askable(&self, mut call: Call) -> Result<Call, Failure> {
        if let Some(before) = &call.before
            && self.keep.get(&before.sha256).await?.is_none()
        {
            call.before = None;
        }
        Ok(call)
    }

    /// An answer that says that nothing has changed, with what has not.
    async fn unchanged(&self, call: &Call, answer: Answer) -> Result<Answer, Failure> {
        match (answer, &call.before) {
            (Answer::Whole { status: 304, mut headers, .. }, Some(before)) => {
                let body = self.keep.get(&before.sha256).await?.unwrap_or_else(Bytes::new);
                for (now, then) in
                    [(&mut headers.etag, &before.etag), (&mut headers.last_modified, &before.last_modified)]
                {
                    if now.is_empty() {
                        now.clone_from(then);
                    }
                }
                Ok(Answer::Whole { status: 304, body, headers })
            }
            (answer, _) => Ok(answer),
        }
    }
}

fn recorded(
    hand: &Hand<'_>,
    call: &Call,
    answer: &Answer,
    note: &Note,
    (number, attempt): (u32, u32),
    now: Timestamp,
) -> FetchRecorded {
    let (bytes, headers) = match answer {
        Answer::Whole { body, headers, .. } => (body.len(), headers.clone()),
        Answer::TooLarge { limit, .. } => (limit.saturating_add(1), Default::default()),
        Answer::Broken { .. } => Default::default(),
    };
    FetchRecorded {
        connector: hand.connector.name.clone(),
        poll: hand.poll.clone(),
        number,
        request: call.text(&hand.connector.base),
        status: answer.status().into(),
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        attempt,
        sha256: note.sha256.clone(),
        etag: hand.scrub(&headers.etag),
        last_modified: hand.scrub(&headers.last_modified),
        problem: hand.scrub(&note.problem),
        consequence: note.consequence.clone(),
        time: Some(written(now)),
        resume_at: note.resume_at.map(written),
    }
}

/// An instant for people.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn say(tell: Tell<'_>, note: String) {
    tell(IngestFilesResponse { said: Some(Said::Note(note)) });
}

fn progress(course: &Course, bytes: u64, tell: Tell<'_>) {
    let rows = course
        .kept()
        .iter()
        .fold(0_u64, |sum, kept| sum.saturating_add(u64::try_from(kept.rows).unwrap_or(u64::MAX)));
    let progress = IngestProgress { phase: Phase::Fetching.into(), rows, bytes, ..IngestProgress::default() };
    tell(IngestFilesResponse { said: Some(Said::Progress(progress)) });
}

fn stopping() -> Failure {
    Failure::new(Class::Unavailable, "stopping", "the service is stopping; the poll goes on when it is back")
}
