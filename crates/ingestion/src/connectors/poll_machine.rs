//! A poll as a state machine: what to call next, what a response means, when the poll is over.
//!
//! Pure: responses and times go in, calls come out. An interrupted poll is resumed by replaying its recorded
//! responses.
use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::FetchRecorded;
use orewatch_contracts::time::instant;
use orewatch_formats::MAX_FILES;
use orewatch_formats::ids::hex;
use sha2::{Digest as _, Sha256};

use super::call::{Call, Headers, Page, PageOutcome, PreviousResponse, PublisherResponse, ResponseError};
use super::config::Connector;
use super::interface::Interface;
use super::status::{self, StatusVerdict};

/// Upper bound on calls of a poll.
const MAX_CALLS: u32 = 10_000;

/// Upper bound on calls that are answered by nonsense, in a row.
const MAX_MALFORMED: u32 = 2;

/// Consequence of a response after which nothing more is tried. It is stored on the log and read back by
/// [`PollMachine::replay`].
const GIVEN_UP: &str = "given up";

/// The next step of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Make this call.
    Ask(Call),
    /// Everything was received.
    Done,
    /// The poll has failed: who can act, and the problem with its remedy.
    Failed(Class, String),
}

/// What followed from a response, as it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchNote {
    /// What went wrong. Empty: nothing.
    pub problem: String,
    /// What happens next. Empty: the next call.
    pub consequence: String,
    /// Earliest time of the next call. `None`: at once.
    pub resume_at: Option<Timestamp>,
    /// SHA-256 of the body, which has to be archived. Empty: the body is not needed again.
    pub sha256: String,
}

/// A response that belongs to the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptResponse {
    /// Number of the call in its poll, from 0.
    pub number: u32,
    /// SHA-256 of the body.
    pub sha256: String,
    /// Method and address of the call.
    pub request: String,
    /// Time of the response.
    pub at: Timestamp,
    /// Rows in it.
    pub rows: usize,
    content: super::Digest,
    series: usize,
}

/// A poll in progress.
#[derive(Debug)]
pub struct PollMachine {
    interface: Box<dyn Interface>,
    base: String,
    key: String,
    seed: String,
    before: BTreeMap<String, PreviousResponse>,
    kept: Vec<KeptResponse>,
    /// Calls so far.
    number: u32,
    /// Attempts at the current call so far.
    attempt: u32,
    /// Nonsensical responses to the current call so far.
    malformed_count: u32,
    /// The series that was last started over.
    restarted_series: Option<usize>,
    not_before: Option<Timestamp>,
    failed: Option<(Class, String)>,
}

impl PollMachine {
    /// A poll that begins on this day. `seed` spreads its waits; `before` has the responses of the last
    /// successful poll, by call.
    #[must_use]
    pub fn new(
        connector: &Connector,
        day: Date,
        seed: &str,
        before: BTreeMap<String, PreviousResponse>,
    ) -> Self {
        Self {
            interface: connector.interface(day),
            base: connector.base.clone(),
            key: connector.key_advice(),
            seed: seed.to_owned(),
            before,
            kept: Vec::new(),
            number: 0,
            attempt: 0,
            malformed_count: 0,
            restarted_series: None,
            not_before: None,
            failed: None,
        }
    }

    /// The step to take now.
    #[must_use]
    pub fn next(&self) -> NextStep {
        if let Some((class, problem)) = &self.failed {
            return NextStep::Failed(*class, problem.clone());
        }
        match self.interface.next_call() {
            None => NextStep::Done,
            Some(call) => {
                let before = self.before.get(&call.text(&self.base)).cloned();
                NextStep::Ask(Call { before, ..call })
            }
        }
    }

    /// Earliest time of the next call, as far as responses say.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Number of the next call, from 0.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Number of the next attempt at the current call, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt.saturating_add(1)
    }

    /// Responses of the release, in order. Responses without rows are left out.
    #[must_use]
    pub fn kept(&self) -> &[KeptResponse] {
        &self.kept
    }

    /// SHA-256 over the rows of all kept responses.
    #[must_use]
    pub fn content(&self) -> String {
        let mut hash = Sha256::new();
        self.kept.iter().for_each(|kept| hash.update(kept.content));
        hex(&hash.finalize())
    }

    /// Replays a recorded response, with its body if that was archived. A response without a body was given
    /// up on, was too large, or is to be retried.
    pub fn replay(&mut self, recorded: &FetchRecorded, body: Option<Bytes>, at: Timestamp) {
        let status = u16::try_from(recorded.status).unwrap_or_default();
        let resume_at = recorded.resume_at.as_ref().and_then(instant);
        match body {
            Some(body) => {
                self.handle_response(
                    &PublisherResponse::Whole { status, body, headers: Headers::default() },
                    at,
                );
            }
            None if recorded.consequence == GIVEN_UP => {
                self.failed = Some((Class::Unavailable, recorded.problem.clone()));
            }
            None if resume_at.is_none() => {
                self.handle_response(&PublisherResponse::TooLarge { status, limit: 0 }, at);
            }
            None => {
                self.number = self.number.saturating_add(1);
                self.attempt = self.attempt.saturating_add(1);
            }
        }
        self.not_before = resume_at;
    }

    /// Handles the response to the call that [`PollMachine::next`] returned.
    pub fn handle_response(&mut self, response: &PublisherResponse, at: Timestamp) -> FetchNote {
        let NextStep::Ask(call) = self.next() else { return FetchNote::default() };
        let number = self.number;
        self.number = self.number.saturating_add(1);
        self.attempt = self.attempt.saturating_add(1);
        self.not_before = None;
        let note = match status::judge_status(response, call.before.is_some(), at) {
            StatusVerdict::Again(why, asked) => self.retry(why, asked, at),
            StatusVerdict::Key(why) => {
                self.give_up(Class::Invalid, format!("the key is not accepted ({why}); {}", self.key))
            }
            StatusVerdict::Gone(why) => {
                let advice = self.interface.advice_when_gone();
                let separator = if advice.is_empty() { "" } else { "; " };
                self.give_up(Class::Invalid, format!("the interface was removed: {why}{separator}{advice}"))
            }
            StatusVerdict::Wrong(why) => {
                self.give_up(Class::Invalid, format!("the publisher refuses the request: {why}"))
            }
            StatusVerdict::TooLarge(limit) => self.too_large(limit),
            StatusVerdict::Read => self.read_response(response, &call, number, at),
        };
        if self.number >= MAX_CALLS && matches!(self.next(), NextStep::Ask(_)) {
            let problem =
                format!("a poll makes at most {MAX_CALLS} calls; poll fewer products, reporters or periods");
            self.failed = Some((Class::Invalid, problem));
        }
        note
    }

    fn read_response(
        &mut self,
        response: &PublisherResponse,
        call: &Call,
        number: u32,
        at: Timestamp,
    ) -> FetchNote {
        let PublisherResponse::Whole { body, .. } = response else { return FetchNote::default() };
        let series = self.interface.current_series();
        let sha256 = hex(&Sha256::digest(body));
        match self.interface.read_page(body) {
            Err(ResponseError::Malformed(why)) => self.malformed(why, String::new(), at),
            Err(ResponseError::Refused(why)) => {
                self.give_up(Class::Invalid, format!("the publisher refuses the request: {why}"))
            }
            Ok(PageOutcome::Repeated(why)) => self.malformed(why, sha256, at),
            Ok(PageOutcome::StartOver(why)) => self.start_over(series, why, sha256),
            Ok(PageOutcome::Split(parts)) => {
                self.reset_attempts();
                FetchNote {
                    consequence: format!("cut off at the cap: split into {parts}"),
                    sha256,
                    ..FetchNote::default()
                }
            }
            Ok(PageOutcome::Keep(page)) => {
                self.reset_attempts();
                let request = call.text(&self.base);
                self.keep(
                    page,
                    KeptResponse {
                        number,
                        request,
                        at,
                        series,
                        sha256: sha256.clone(),
                        rows: 0,
                        content: [0; 32],
                    },
                );
                FetchNote { sha256, ..FetchNote::default() }
            }
        }
    }

    fn keep(&mut self, page: Page, kept: KeptResponse) {
        if page.rows == 0 {
            return;
        }
        self.kept.push(KeptResponse { rows: page.rows, content: page.content, ..kept });
        if self.kept.len() > MAX_FILES {
            let problem = format!(
                "a release has at most {MAX_FILES} answers; poll fewer products, reporters or periods, or \
                 use a key with a larger cap"
            );
            self.failed = Some((Class::Invalid, problem));
        }
    }

    /// Resets the attempts after a call was answered.
    fn reset_attempts(&mut self) {
        (self.attempt, self.malformed_count) = (0, 0);
    }

    fn retry(&mut self, why: String, asked: Option<Timestamp>, at: Timestamp) -> FetchNote {
        let seed = format!("{}/{}", self.seed, self.number);
        match status::retry_at(at, asked, self.attempt, &seed) {
            Some(resume) => {
                self.not_before = Some(resume);
                let consequence = format!("retry in {:#}", whole_seconds(resume, at));
                FetchNote { problem: why, consequence, resume_at: Some(resume), sha256: String::new() }
            }
            None => self.give_up(Class::Unavailable, format!("given up after {} tries: {why}", self.attempt)),
        }
    }

    /// Retries a nonsensical response once, then gives up.
    fn malformed(&mut self, why: String, sha256: String, at: Timestamp) -> FetchNote {
        self.malformed_count = self.malformed_count.saturating_add(1);
        if self.malformed_count >= MAX_MALFORMED {
            let note =
                self.give_up(Class::Unavailable, format!("{why}; it was requested {MAX_MALFORMED} times"));
            return FetchNote { sha256, ..note };
        }
        FetchNote { sha256, ..self.retry(why, None, at) }
    }

    fn start_over(&mut self, series: usize, why: String, sha256: String) -> FetchNote {
        self.reset_attempts();
        self.kept.retain(|kept| kept.series != series);
        if self.restarted_series == Some(series) {
            let note = self.give_up(
                Class::Unavailable,
                format!("{why}, twice in a row; poll again when the publisher is done"),
            );
            return FetchNote { sha256, ..note };
        }
        self.restarted_series = Some(series);
        FetchNote { problem: why, consequence: "begins again".to_owned(), sha256, resume_at: None }
    }

    fn too_large(&mut self, limit: usize) -> FetchNote {
        let problem = format!("the response has more than {limit} bytes");
        match self.interface.split() {
            Some(parts) => {
                self.reset_attempts();
                FetchNote { problem, consequence: format!("split into {parts}"), ..FetchNote::default() }
            }
            None => self.give_up(Class::Invalid, format!("{problem}; set largest-body if that can be right")),
        }
    }

    fn give_up(&mut self, class: Class, why: String) -> FetchNote {
        self.failed = Some((class, why.clone()));
        FetchNote { problem: why, consequence: GIVEN_UP.to_owned(), ..FetchNote::default() }
    }
}

fn whole_seconds(resume: Timestamp, at: Timestamp) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(resume.duration_since(at).as_secs().max(1))
}
