//! Random appends against a model of a log.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use orewatch_eventlog::{Error, EventLog, Filter, NewEvent, Position};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use crate::harness::{Embedded, Harness, JetStream, read_now};
use crate::samples::{event, stream};

/// An append, as the test draws it.
#[derive(Clone, Debug)]
struct Draw {
    stream: u8,
    expectation: Expectation,
    content: Content,
}

#[derive(Clone, Debug)]
enum Expectation {
    /// Where the stream is.
    Current,
    /// Where the log ended so many positions ago.
    Back(u64),
}

#[derive(Clone, Debug)]
enum Content {
    /// So many new events.
    Fresh(u8),
    /// An append that was stored before, with its own expectation and stream.
    Again(usize),
    /// An event that is stored, after a new one.
    Reused(usize),
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let expectation =
        prop_oneof![3 => Just(Expectation::Current), 1 => (0..6_u64).prop_map(Expectation::Back)];
    let content = prop_oneof![
        4 => (1..4_u8).prop_map(Content::Fresh),
        1 => any::<usize>().prop_map(Content::Again),
        1 => any::<usize>().prop_map(Content::Reused),
    ];
    let draw = (0..3_u8, expectation, content);
    prop::collection::vec(
        draw.prop_map(|(stream, expectation, content)| Draw { stream, expectation, content }),
        1..40,
    )
}

/// An append, as it is made.
#[derive(Clone, Debug)]
struct Attempt {
    stream: u8,
    expected: Position,
    ids: Vec<u128>,
}

/// What a log must hold.
#[derive(Debug, Default)]
struct Model {
    /// Stream and id of each event; the first is at position 1.
    events: Vec<(u8, u128)>,
    /// Appends that were stored.
    stored: Vec<Attempt>,
    next_id: u128,
}

/// What an append must come to.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Positions(Vec<Position>),
    Conflict(Position),
    Invalid,
}

impl Model {
    /// Positions of a stream's events after a position.
    fn after(&self, stream: u8, position: Position) -> Vec<(Position, u128)> {
        let numbered = (1..).zip(&self.events);
        numbered
            .filter(|(at, (name, _))| *name == stream && *at > position)
            .map(|(at, (_, id))| (at, *id))
            .collect()
    }

    fn last(&self, stream: u8) -> Position {
        self.after(stream, 0).last().map_or(0, |(at, _)| *at)
    }

    fn fresh(&mut self) -> u128 {
        self.next_id += 1;
        self.next_id
    }

    fn attempt(&mut self, draw: &Draw) -> Attempt {
        let head = u64::try_from(self.events.len()).unwrap();
        let expected = match draw.expectation {
            Expectation::Current => self.last(draw.stream),
            Expectation::Back(by) => head.saturating_sub(by),
        };
        let ids = match draw.content {
            Content::Again(n) if !self.stored.is_empty() => {
                return self.stored[n % self.stored.len()].clone();
            }
            Content::Reused(n) if !self.events.is_empty() => {
                vec![self.fresh(), self.events[n % self.events.len()].1]
            }
            Content::Fresh(count) => (0..count).map(|_| self.fresh()).collect(),
            _ => vec![self.fresh()],
        };
        Attempt { stream: draw.stream, expected, ids }
    }

    fn append(&mut self, attempt: &Attempt) -> Expected {
        let last = self.last(attempt.stream);
        if attempt.expected != last {
            let follows = self.after(attempt.stream, attempt.expected);
            let (positions, ids): (Vec<_>, Vec<_>) = follows.into_iter().take(attempt.ids.len()).unzip();
            let known = attempt.expected < last && ids == attempt.ids;
            return if known { Expected::Positions(positions) } else { Expected::Conflict(last) };
        }
        if attempt.ids.iter().any(|id| self.events.iter().any(|(_, known)| known == id)) {
            return Expected::Invalid;
        }
        self.events.extend(attempt.ids.iter().map(|id| (attempt.stream, *id)));
        self.stored.push(attempt.clone());
        Expected::Positions(self.after(attempt.stream, last).into_iter().map(|(at, _)| at).collect())
    }
}

async fn make(log: &Arc<dyn EventLog>, attempt: &Attempt) -> Result<Vec<Position>, Error> {
    let batch: Vec<NewEvent> = attempt.ids.iter().map(|id| event(*id)).collect();
    log.append(&stream(&format!("s{}", attempt.stream)), attempt.expected, batch).await
}

/// Makes appends one after the other: each must come to what the model says, and the log must hold what the
/// model holds.
async fn agrees_with_the_model(log: Arc<dyn EventLog>, draws: Vec<Draw>) -> TestCaseResult {
    let mut model = Model::default();
    for draw in &draws {
        let attempt = model.attempt(draw);
        let came_to = match make(&log, &attempt).await {
            Ok(positions) => Expected::Positions(positions),
            Err(Error::Conflict { actual, .. }) => Expected::Conflict(actual),
            Err(Error::Invalid { .. }) => Expected::Invalid,
            Err(other) => return Err(TestCaseError::fail(format!("{attempt:?}: {other}"))),
        };
        prop_assert_eq!(came_to, model.append(&attempt), "{:?}", attempt);
    }
    let stored = read_now(&log, Filter::All, 0).await;
    let stored: Vec<_> = stored.iter().map(|event| (event.stream.to_string(), event.id.as_u128())).collect();
    let expected: Vec<_> =
        model.events.iter().map(|(name, id)| (stream(&format!("s{name}")).to_string(), *id)).collect();
    prop_assert_eq!(stored, expected);
    Ok(())
}

/// Makes appends all at once: each is stored whole right after what it expected, or not at all.
async fn appends_are_all_or_nothing(log: Arc<dyn EventLog>, sizes: Vec<(u8, u8)>) -> TestCaseResult {
    let workers = (0..4_u128).map(|worker| {
        let (log, sizes) = (Arc::clone(&log), sizes.clone());
        tokio::spawn(async move {
            let mut outcomes = Vec::new();
            for ((name, size), number) in sizes.iter().zip(1..) {
                let expected = log.last(&stream(&format!("s{name}"))).await.unwrap();
                let first = worker * 100_000 + number * 100;
                let attempt =
                    Attempt { stream: *name, expected, ids: (first..first + u128::from(*size)).collect() };
                outcomes.push((make(&log, &attempt).await, attempt));
            }
            outcomes
        })
    });
    let outcomes = join_all(workers.collect::<Vec<_>>()).await.into_iter().flat_map(Result::unwrap);
    let stored = read_now(&log, Filter::All, 0).await;
    let at: BTreeMap<Position, u128> =
        stored.iter().map(|event| (event.position, event.id.as_u128())).collect();
    let mut lasts: BTreeMap<Position, Position> = BTreeMap::new();
    let mut last_of = BTreeMap::new();
    for event in &stored {
        let before = last_of.insert(event.stream.clone(), event.position).unwrap_or(0);
        lasts.insert(event.position, before);
    }
    let mut accounted = BTreeSet::new();
    for (outcome, attempt) in outcomes {
        match outcome {
            Ok(positions) => {
                let ids: Vec<_> = positions.iter().map(|position| at[position]).collect();
                prop_assert_eq!(&ids, &attempt.ids);
                prop_assert_eq!(lasts[&positions[0]], attempt.expected);
                accounted.extend(ids);
            }
            Err(Error::Conflict { .. }) => {}
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
    }
    prop_assert_eq!(accounted, at.into_values().collect::<BTreeSet<_>>(), "nothing else is stored");
    Ok(())
}

/// Runs a property on a new log for each case.
fn check<H: Harness, S: Strategy, F: Future<Output = TestCaseResult>>(
    cases: u32,
    strategy: &S,
    property: impl Fn(Arc<dyn EventLog>, S::Value) -> F,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let ran = runner.run(strategy, |value| {
        runtime.block_on(async {
            let harness = H::start().await;
            property(harness.open().await, value).await
        })
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}

fn sizes() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((0..3_u8, 1..4_u8), 1..15)
}

#[test]
fn embedded_agrees_with_the_model() {
    check::<Embedded, _, _>(100, &draws(), agrees_with_the_model);
}

#[test]
fn jetstream_agrees_with_the_model() {
    check::<JetStream, _, _>(12, &draws(), agrees_with_the_model);
}

#[test]
fn embedded_appends_are_all_or_nothing() {
    check::<Embedded, _, _>(30, &sizes(), appends_are_all_or_nothing);
}

#[test]
fn jetstream_appends_are_all_or_nothing() {
    check::<JetStream, _, _>(6, &sizes(), appends_are_all_or_nothing);
}
