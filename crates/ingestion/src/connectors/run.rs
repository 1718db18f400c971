//! One poll: takes the turn, goes through what was recorded, asks what is missing, and has the answers read.
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, FetchRecorded, IngestFilesRequest, IngestFilesResponse, IngestOutcome,
    IngestProgress, Phase, PollEnded, PollStarted, ReleaseState,
};
use orewatch_eventlog::{Error, NewEvent, Position, StreamName};
use orewatch_runtime::{Class, Failure, trace};
use prost::Message as _;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::config::Connector;
use super::course::{Course, Next, Note};
use super::http::Http;
use super::hub::Connectors;
use super::schedule::{self, STALE};
use super::secret::Secret;
use super::state::{self, ENDED, FETCHED, Open, STARTED};
use super::{Tell, written};

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

/// What a look at a connector shows.
enum Look {
    /// Not now.
    Wait(Run),
    /// The turn is free: position of the stream's last event, and the poll that is open: its name, whether it asks for everything
    /// anew, and since when.
    Go { last: Position, open: Option<(String, bool, Timestamp)> },
}

/// What became of asking.
#[derive(Clone, Debug)]
pub enum Run {
    /// The poll is over.
    Ended(Ended),
    /// The poll goes on at this time, and why not now.
    Paused(Timestamp, String),
}

/// A poll that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Why it gave up. Empty: it ended well.
    pub problem: String,
    /// Who can do something about that.
    pub class: Class,
    /// The publisher has nothing new.
    pub unchanged: bool,
    /// What its answers became.
    pub outcomes: Vec<IngestOutcome>,
    /// Identifiers of the releases.
    pub releases: Vec<String>,
    /// SHA-256 of what the answers said.
    content: String,
}

impl Default for Ended {
    fn default() -> Self {
        let (problem, content) = (String::new(), String::new());
        let (outcomes, releases) = (Vec::new(), Vec::new());
        Self { problem, class: Class::Unavailable, unchanged: false, outcomes, releases, content }
    }
}

/// A poll in the hands of this process.
struct Hand<'a> {
    connector: &'a Connector,
    stream: StreamName,
    poll: String,
    /// Position of the stream's last event: nobody else may have written since.
    last: Position,
    key: Option<Secret>,
}

impl Hand<'_> {
    fn scrub(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.scrub(text))
    }
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

    /// Whether to ask now, on one look at what is known: whoever takes the turn expects that nothing has happened since.
    fn look(&self, connector: &Connector, asked: Asked) -> Result<Look, Failure> {
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
    async fn begin<'a>(
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

    /// Has the answers of a poll read, unless they say what those of the last one said.
    async fn ingest(&self, hand: &Hand<'_>, course: &Course, tell: Tell<'_>) -> Result<Ended, Failure> {
        let content = course.content();
        let (force, started, same) = self.view(&hand.connector.name, |record| {
            let open = record.open.as_ref();
            let started = open.map_or_else(|| self.context.clock.now(), |open| open.started_at);
            (open.is_some_and(|open| open.force), started, record.content == content)
        });
        if course.kept().is_empty() || same && !force {
            let unchanged = !course.kept().is_empty();
            let what = if unchanged { "has nothing new" } else { "has no row of what is asked for" };
            say(tell, format!("{}: the publisher {what}", hand.connector.name));
            return Ok(Ended { unchanged, content, ..Ended::default() });
        }
        let request = release(hand.connector, course, started);
        match self.take.ingest(request, tell).await {
            Ok(outcomes) => Ok(ended(outcomes, content)),
            // What the publisher sent cannot be read: the same again would not change that.
            Err(failure)
                if matches!(
                    failure.class,
                    Class::Invalid | Class::NotFound | Class::Refused | Class::Damaged
                ) =>
            {
                let problem = format!("what the publisher sent cannot be ingested: {failure}");
                Ok(Ended { problem: hand.scrub(&problem), class: failure.class, ..Ended::default() })
            }
            Err(failure) => Err(failure),
        }
    }

    async fn end(&self, hand: &mut Hand<'_>, ended: Ended) -> Result<Run, Failure> {
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
    async fn append(&self, hand: &mut Hand<'_>, kind: &str, data: Bytes) -> Result<(), Failure> {
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
                    .with_hint("`orewatch fetches` shows what it asks"))
            }
            Err(error) => Err(error.into()),
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

/// The release that a poll's answers make, in their order. Its vintage is the day of the poll, unless the publisher says in its
/// answers which it is.
fn release(connector: &Connector, course: &Course, started: Timestamp) -> IngestFilesRequest {
    let file = |kept: &super::Kept| ArchivedFile {
        sha256: kept.sha256.clone(),
        name: format!("{}-{:04}.json", connector.name, kept.number),
        // What is posted is in the request log; the address alone is one.
        url: kept.request.split(' ').nth(1).unwrap_or_default().to_owned(),
        retrieved_at: Some(written(kept.at)),
    };
    let vintage = if connector.says_vintage() { String::new() } else { state::day(started).to_string() };
    IngestFilesRequest {
        files: course.kept().iter().map(file).collect(),
        description: Some(Description {
            dataset: connector.dataset.clone(),
            vintage,
            ..Description::default()
        }),
        max_rejects: Some(connector.max_rejects),
        accept: connector.accept.clone(),
        ..IngestFilesRequest::default()
    }
}

fn ended(outcomes: Vec<IngestOutcome>, content: String) -> Ended {
    let released = outcomes.iter().filter_map(|outcome| outcome.release.as_ref());
    let id = |info: &&_| -> String {
        let info: &orewatch_contracts::ingestion::v1::ReleaseInfo = info;
        info.release.as_ref().map(|release| release.id.clone()).unwrap_or_default()
    };
    let refused: Vec<_> = released
        .clone()
        .filter(|info| info.state() == ReleaseState::Refused)
        .map(|info| format!("release {} was refused: {}", id(&info), info.reason))
        .collect();
    let releases = released.map(|info| id(&info)).collect();
    Ended {
        problem: refused.join("; "),
        class: Class::Refused,
        unchanged: false,
        outcomes,
        releases,
        content,
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
