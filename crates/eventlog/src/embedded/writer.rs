//! The only writer: a thread that commits all waiting appends in one transaction.
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::file::{Lock, LogFile, is_full};
use super::row::{self, Refusal};
use super::{Answer, Options};
use crate::recent::Recent;
use crate::{Error, Event, NewEvent, Position, StreamName};

/// Upper bound on appends in one transaction: enough to share a flush, few enough to answer soon.
const MAX_GROUP_APPENDS: usize = 256;

/// An append that waits for the writer.
pub(super) struct Append {
    pub(super) stream: StreamName,
    pub(super) expected: Position,
    pub(super) events: Vec<NewEvent>,
    pub(super) reply: oneshot::Sender<Answer>,
    /// Its part of the queue's memory, freed when it is dropped.
    pub(super) _room: OwnedSemaphorePermit,
}

/// The writer's side of a log.
pub(super) struct Writer {
    place: Arc<LogFile>,
    connection: Connection,
    heads: watch::Sender<Position>,
    recent: Arc<Recent>,
    rest: Duration,
    /// Measures the time without appends. `None` if it cannot be had; nothing is then kept beyond an append.
    timer: Option<Runtime>,
    /// Last, so that it outlives the connection.
    _lock: Lock,
}

impl Writer {
    pub(super) fn open(
        place: Arc<LogFile>,
        lock: Lock,
        recent: Arc<Recent>,
        options: Options,
    ) -> Result<Self, Error> {
        let connection = place.writer(options.max_file_bytes)?;
        let extent = row::extent(&connection).map_err(|error| place.error(&error))?;
        place.keep_reserve();
        let heads = watch::Sender::new(extent.head);
        let timer = Builder::new_current_thread().enable_time().build().ok();
        Ok(Self { place, connection, heads, recent, rest: options.rest, timer, _lock: lock })
    }

    /// The position at which the log ends, updated after each commit.
    pub(super) fn heads(&self) -> watch::Receiver<Position> {
        self.heads.subscribe()
    }

    /// Commits appends until the queue is closed. Calls `at_rest` once whenever none came for a while.
    pub(super) fn run(mut self, mut appends: mpsc::Receiver<Append>, at_rest: impl Fn()) {
        while let Some(first) = self.next(&mut appends, &at_rest) {
            let mut group = vec![first];
            while group.len() < MAX_GROUP_APPENDS
                && let Ok(next) = appends.try_recv()
            {
                group.push(next);
            }
            self.serve(group);
        }
        let Self { place, connection, _lock, .. } = self;
        // SQLite removes its files beside the database with the last connection: the reserve takes their
        // room.
        drop(connection);
        place.keep_reserve();
    }

    /// Waits for an append. `None`: the queue is closed.
    fn next(&self, appends: &mut mpsc::Receiver<Append>, at_rest: &impl Fn()) -> Option<Append> {
        if let Ok(waiting) = appends.try_recv() {
            return Some(waiting);
        }
        if let Some(timer) = &self.timer
            && let Ok(next) = timer.block_on(async { timeout(self.rest, appends.recv()).await })
        {
            return next;
        }
        at_rest();
        appends.blocking_recv()
    }

    fn serve(&mut self, group: Vec<Append>) {
        match self.commit(&group) {
            Ok(answers) => answer(group, answers),
            // A full disk may still have room for some of the group: each append is tried alone.
            Err(Error::Full { .. }) if group.len() > 1 => {
                group.into_iter().for_each(|append| self.serve(vec![append]));
            }
            Err(error) => {
                let answers = vec![Err(error); group.len()];
                answer(group, answers);
            }
        }
    }

    /// Commits a group in one transaction. An append that is refused has changed nothing, so the others go
    /// on.
    fn commit(&mut self, group: &[Append]) -> Result<Vec<Answer>, Error> {
        let before = |error: rusqlite::Error| self.place.error(&error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(before)?;
        let begin = row::extent(&transaction).map_err(before)?.head;
        let mut head = begin;
        let mut answers = Vec::with_capacity(group.len());
        for append in group {
            let stored = row::store(&transaction, head, (&append.stream, append.expected), &append.events);
            let outcome = match stored {
                Ok(positions) => {
                    head = positions.last().copied().unwrap_or(head).max(head);
                    Ok(positions)
                }
                Err(Refusal::Store(error)) => return Err(before(error)),
                Err(Refusal::Conflict(actual)) => Err(append.conflict(actual)),
                Err(Refusal::KnownId(id)) => {
                    let place = row::find(&transaction, id).map_err(before)?;
                    Err(append.known_id(id, place))
                }
            };
            answers.push(outcome);
        }
        transaction.commit().map_err(|error| self.commit_error(&error))?;
        for (append, answer) in group.iter().zip(&answers) {
            // An append that was stored before keeps its positions.
            if let Ok(positions) = answer
                && positions.first().is_some_and(|first| *first > begin)
            {
                self.recent.push(append.stored(positions));
            }
        }
        self.heads.send_replace(head);
        Ok(answers)
    }

    /// Without room nothing was committed. After any other failure of the flush the outcome is unknown.
    fn commit_error(&self, error: &rusqlite::Error) -> Error {
        match is_full(error) {
            true => self.place.error(error),
            false => self.place.unavailable(format!("{}: {error}", self.place.path().display()), true),
        }
    }
}

impl Append {
    /// Its events as they are on the log, at their positions.
    fn stored<'a>(&'a self, positions: &'a [Position]) -> impl Iterator<Item = Event> + 'a {
        self.events.iter().zip(positions).map(|(event, position)| Event {
            position: *position,
            stream: self.stream.clone(),
            id: event.id,
            kind: event.kind.clone(),
            time: event.time,
            data: event.data.clone(),
            traceparent: event.traceparent.clone(),
        })
    }

    fn conflict(&self, actual: Position) -> Error {
        Error::Conflict { stream: self.stream.to_string(), expected: self.expected, actual }
    }

    fn known_id(&self, id: uuid::Uuid, place: Option<(Position, String)>) -> Error {
        let place = place
            .map_or_else(String::new, |(position, stream)| format!(" at position {position} of {stream}"));
        let reason = format!("event id {id} is on the log already{place}");
        Error::Invalid { stream: self.stream.to_string(), reason }
    }
}

fn answer(group: Vec<Append>, answers: Vec<Answer>) {
    for (append, answer) in group.into_iter().zip(answers) {
        if append.reply.send(answer).is_err() {
            // Its caller stopped waiting; it will repeat the append or read the stream.
            tracing::debug!(stream = %append.stream, "nobody waits for this append any more");
        }
    }
}
