//! The course of one poll: what to ask next, what an answer means, when it is over. Pure: answers and times go in, requests come
//! out, so that a poll that was interrupted goes on by going through its recorded answers again.
use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use orewatch_contracts::ingestion::v1::FetchRecorded;
use orewatch_runtime::Class;
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Before, Call, Headers, Odd, Page, Turn};
use super::config::Connector;
use super::interface::Interface;
use super::judge::{self, Verdict};
use crate::ids::hex;
use crate::sources::MOST_FILES;

/// Most requests of a poll.
const MOST_CALLS: u32 = 10_000;

/// How often an answer that makes no sense is asked for.
const MOST_ODD: u32 = 2;

/// What follows when nothing more is tried.
const GIVEN_UP: &str = "given up";

/// What a poll does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It asks this.
    Ask(Call),
    /// It has everything.
    Done,
    /// It has given up: why, and what to do about it.
    Failed(Class, String),
}

/// What followed from an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// What went wrong. Empty: nothing.
    pub problem: String,
    /// What follows. Empty: the next request.
    pub consequence: String,
    /// When the poll goes on at the earliest. None: at once.
    pub resume_at: Option<Timestamp>,
    /// SHA-256 of the body, which has to be archived. Empty: it is not needed any more.
    pub sha256: String,
}

/// An answer that belongs to the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Number of the request in its poll, from 0.
    pub number: u32,
    /// SHA-256 of the body.
    pub sha256: String,
    /// Where it came from: method and address.
    pub request: String,
    /// When it came.
    pub at: Timestamp,
    /// Rows in it.
    pub rows: usize,
    content: super::Digest,
    series: usize,
}

/// A poll under way.
#[derive(Debug)]
pub struct Course {
    interface: Box<dyn Interface>,
    base: String,
    key: String,
    seed: String,
    before: BTreeMap<String, Before>,
    kept: Vec<Kept>,
    /// Requests so far.
    number: u32,
    /// Tries of this request so far.
    attempt: u32,
    /// Answers to this request so far that made no sense.
    odd: u32,
    /// The series that was begun again last.
    begun_again: Option<usize>,
    not_before: Option<Timestamp>,
    failed: Option<(Class, String)>,
}

impl Course {
    /// A poll that begins on this day. `seed` spreads its waits; `before` is what came in the last one, by request.
    #[must_use]
    pub fn new(connector: &Connector, day: Date, seed: &str, before: BTreeMap<String, Before>) -> Self {
        Self {
            interface: connector.interface(day),
            base: connector.base.clone(),
            key: connector.key_words(),
            seed: seed.to_owned(),
            before,
            kept: Vec::new(),
            number: 0,
            attempt: 0,
            odd: 0,
            begun_again: None,
            not_before: None,
            failed: None,
        }
    }

    /// What to do now.
    #[must_use]
    pub fn next(&self) -> Next {
        if let Some((class, problem)) = &self.failed {
            return Next::Failed(*class, problem.clone());
        }
        match self.interface.ask() {
            None => Next::Done,
            Some(call) => {
                let before = self.before.get(&call.text(&self.base)).cloned();
                Next::Ask(Call { before, ..call })
            }
        }
    }

    /// When the next request may be made, as far as answers say so.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Number of the next request, from 0.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Number of the next try of it, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt.saturating_add(1)
    }

    /// What the release consists of, in its order. Answers without a row are not in it.
    #[must_use]
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// SHA-256 of what all answers say.
    #[must_use]
    pub fn content(&self) -> String {
        let mut hash = Sha256::new();
        self.kept.iter().for_each(|kept| hash.update(kept.content));
        hex(&hash.finalize())
    }

    /// Goes through an answer that was recorded: with its body if that was archived. What has none was given up, was too
    /// large, or failed and is to be tried again.
    pub fn recall(&mut self, recorded: &FetchRecorded, body: Option<Bytes>, at: Timestamp) {
        let status = u16::try_from(recorded.status).unwrap_or_default();
        let resume_at = recorded.resume_at.as_ref().and_then(super::instant);
        match body {
            Some(body) => {
                self.take(&Answer::Whole { status, body, headers: Headers::default() }, at);
            }
            None if recorded.consequence == GIVEN_UP => {
                self.failed = Some((Class::Unavailable, recorded.problem.clone()));
            }
            None if resume_at.is_none() => {
                self.take(&Answer::TooLarge { status, limit: 0 }, at);
            }
            None => {
                self.number = self.number.saturating_add(1);
                self.attempt = self.attempt.saturating_add(1);
            }
        }
        self.not_before = resume_at;
    }

    /// Takes the answer to the request that [`Course::next`] gave.
    pub fn take(&mut self, answer: &Answer, at: Timestamp) -> Note {
        let Next::Ask(call) = self.next() else { return Note::default() };
        let number = self.number;
        self.number = self.number.saturating_add(1);
        self.attempt = self.attempt.saturating_add(1);
        self.not_before = None;
        let note = match judge::judge(answer, call.before.is_some(), at) {
            Verdict::Again(why, asked) => self.again(why, asked, at),
            Verdict::Key(why) => {
                self.refused(Class::Invalid, format!("the key is not accepted ({why}); {}", self.key))
            }
            Verdict::Gone(why) => {
                let advice = self.interface.when_gone();
                let separator = if advice.is_empty() { "" } else { "; " };
                self.refused(Class::Invalid, format!("the interface is no more: {why}{separator}{advice}"))
            }
            Verdict::Wrong(why) => {
                self.refused(Class::Invalid, format!("the publisher refuses the request: {why}"))
            }
            Verdict::TooLarge(limit) => self.too_large(limit),
            Verdict::Read => self.read(answer, &call, number, at),
        };
        if self.number >= MOST_CALLS && matches!(self.next(), Next::Ask(_)) {
            let problem = format!(
                "a poll makes at most {MOST_CALLS} requests; poll fewer products, reporters or periods"
            );
            self.failed = Some((Class::Invalid, problem));
        }
        note
    }

    fn read(&mut self, answer: &Answer, call: &Call, number: u32, at: Timestamp) -> Note {
        let Answer::Whole { body, .. } = answer else { return Note::default() };
        let series = self.interface.series();
        let sha256 = hex(&Sha256::digest(body));
        match self.interface.hear(body) {
            Err(Odd::Malformed(why)) => self.odd(why, String::new(), at),
            Err(Odd::Refused(why)) => {
                self.refused(Class::Invalid, format!("the publisher refuses the request: {why}"))
            }
            Ok(Turn::Repeated(why)) => self.odd(why, sha256, at),
            Ok(Turn::StartOver(why)) => self.start_over(series, why, sha256),
            Ok(Turn::Split(parts)) => {
                self.settled();
                Note {
                    consequence: format!("cut off at the cap: split into {parts}"),
                    sha256,
                    ..Note::default()
                }
            }
            Ok(Turn::Keep(page)) => {
                self.settled();
                let request = call.text(&self.base);
                self.keep(
                    page,
                    Kept { number, request, at, series, sha256: sha256.clone(), rows: 0, content: [0; 32] },
                );
                Note { sha256, ..Note::default() }
            }
        }
    }

    fn keep(&mut self, page: Page, kept: Kept) {
        if page.rows == 0 {
            return;
        }
        self.kept.push(Kept { rows: page.rows, content: page.content, ..kept });
        if self.kept.len() > MOST_FILES {
            let problem = format!(
                "a release has at most {MOST_FILES} answers; poll fewer products, reporters or periods, or use a key with a larger cap"
            );
            self.failed = Some((Class::Invalid, problem));
        }
    }

    /// The request is answered: the next one begins to count anew.
    fn settled(&mut self) {
        (self.attempt, self.odd) = (0, 0);
    }

    fn again(&mut self, why: String, asked: Option<Timestamp>, at: Timestamp) -> Note {
        let seed = format!("{}/{}", self.seed, self.number);
        match judge::again(at, asked, self.attempt, &seed) {
            Some(resume) => {
                self.not_before = Some(resume);
                let consequence = format!("retry in {:#}", rounded(resume, at));
                Note { problem: why, consequence, resume_at: Some(resume), sha256: String::new() }
            }
            None => self.refused(Class::Unavailable, format!("given up after {} tries: {why}", self.attempt)),
        }
    }

    /// An answer that makes no sense: once more, then never.
    fn odd(&mut self, why: String, sha256: String, at: Timestamp) -> Note {
        self.odd = self.odd.saturating_add(1);
        if self.odd >= MOST_ODD {
            let note = self.refused(Class::Unavailable, format!("{why}; it was asked for {MOST_ODD} times"));
            return Note { sha256, ..note };
        }
        Note { sha256, ..self.again(why, None, at) }
    }

    fn start_over(&mut self, series: usize, why: String, sha256: String) -> Note {
        self.settled();
        self.kept.retain(|kept| kept.series != series);
        if self.begun_again == Some(series) {
            let note = self.refused(
                Class::Unavailable,
                format!("{why}, twice in a row; poll again when the publisher is done"),
            );
            return Note { sha256, ..note };
        }
        self.begun_again = Some(series);
        Note { problem: why, consequence: "begins again".to_owned(), sha256, resume_at: None }
    }

    fn too_large(&mut self, limit: usize) -> Note {
        let problem = format!("the answer has more than {limit} bytes");
        match self.interface.part() {
            Some(parts) => {
                self.settled();
                Note { problem, consequence: format!("split into {parts}"), ..Note::default() }
            }
            None => self.refused(Class::Invalid, format!("{problem}; set largest-body if that can be right")),
        }
    }

    fn refused(&mut self, class: Class, why: String) -> Note {
        self.failed = Some((class, why.clone()));
        Note { problem: why, consequence: GIVEN_UP.to_owned(), ..Note::default() }
    }
}

fn rounded(resume: Timestamp, at: Timestamp) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(resume.duration_since(at).as_secs().max(1))
}
