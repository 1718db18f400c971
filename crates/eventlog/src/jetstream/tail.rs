//! The end of the log, read once for all readers that have come there.
//!
//! A reader begins with a consumer of its own ([`Reader`]). Once it is up to date and waits for more, it
//! follows the [`Tail`]: one consumer reads what is appended and keeps the newest events in memory for all
//! who follow. So the server holds one consumer for any number of subscribers that keep up, and an event
//! crosses the network once. A reader that falls behind what is kept goes back to a consumer of its own.
//!
//! The tail lives as long as somebody follows it. If its consumer fails for good it ends, and those who
//! follow it go on by themselves and meet the same error. It also ends when its stream was made anew before
//! anything was read from it, because those who follow it may have read something. Who begins to follow it,
//! or goes on without it, takes along what is known of the stream.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::consumer::Known;
use super::reader::Reader;
use super::source::Source;
use crate::recent::{Recent, RecentBatch};
use crate::{Error, Event, Filter, Item, Position};

/// Upper bound on the data of new events that are kept in memory, in bytes.
const MAX_RECENT_BYTES: usize = 16 * 1024 * 1024;

/// How far the tail has come.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Position of the last event that was kept.
    last: Position,
    /// Up to here the tail was up to date.
    caught_up: Position,
}

impl Head {
    /// Whether a reader that has all events up to a position is to be told that it is up to date. One that
    /// was told is told again when the position moves over messages that are no events, unless it has a
    /// filter, which they may not match.
    fn is_news(self, position: Position, filter: &Filter, has_caught_up: bool) -> bool {
        match has_caught_up {
            true => *filter == Filter::All && self.caught_up > position,
            false => self.caught_up >= position,
        }
    }
}

/// The newest events of the log, as they come.
#[derive(Debug)]
struct Tail {
    recent: Arc<Recent>,
    /// Ends when the tail ends.
    heads: watch::Receiver<Head>,
    /// Position after which it began.
    begin: Position,
    /// When its stream was made.
    created: Option<i128>,
    _reading: AbortOnDropHandle<()>,
}

impl Tail {
    fn begin(source: &Source, begin: Position, known: Known) -> Arc<Self> {
        let recent = Arc::new(Recent::new(MAX_RECENT_BYTES));
        let (sender, heads) = watch::channel(Head { last: begin, caught_up: begin });
        let reader = Reader::new(source.clone(), Filter::All, begin, known);
        let reading = AbortOnDropHandle::new(tokio::spawn(read(reader, Arc::clone(&recent), sender)));
        Arc::new(Self { recent, heads, begin, created: known.created, _reading: reading })
    }

    fn has_ended(&self) -> bool {
        self.heads.has_changed().is_err()
    }

    /// Whether everything after a position is kept, or still to come.
    fn covers(&self, after: Position) -> bool {
        let last = self.heads.borrow().last;
        after >= self.begin && (after >= last || self.recent.batch(&Filter::All, after, last).is_some())
    }
}

/// Keeps what a reader of the whole log yields, until it fails or comes to another stream.
async fn read(mut reader: Reader, recent: Arc<Recent>, heads: watch::Sender<Head>) {
    let created = reader.known().created;
    while let Some(Ok(item)) = reader.next().await {
        if reader.known().created != created {
            return;
        }
        match item {
            Item::Event(event) => {
                let last = event.position;
                recent.push([event]);
                heads.send_modify(|head| head.last = last);
            }
            Item::CaughtUp(position) => heads.send_modify(|head| head.caught_up = position),
        }
    }
}

/// The tail of a log, while somebody follows it.
#[derive(Debug, Default)]
pub(super) struct SharedTail(Mutex<Weak<Tail>>);

impl SharedTail {
    /// The tail for a reader that is up to date at a position. `None`: the tail has passed it, so that it
    /// has to catch up by itself first, or the tail reads another stream, which the reader finds out itself.
    fn follow(&self, source: &Source, position: Position, known: Known) -> Option<Arc<Tail>> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.upgrade().filter(|tail| !tail.has_ended()) {
            Some(tail) => (tail.created == known.created && tail.covers(position)).then_some(tail),
            None => {
                let tail = Tail::begin(source, position, known);
                *shared = Arc::downgrade(&tail);
                Some(tail)
            }
        }
    }
}

/// A reader of the log: by itself until it is up to date, then with the tail.
pub(super) struct LogReader {
    source: Source,
    tail: Arc<SharedTail>,
    filter: Filter,
    /// Everything that matches up to here was yielded or is in `ready`.
    position: Position,
    /// What is known of the stream.
    known: Known,
    stage: Stage,
    ready: VecDeque<Event>,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

/// Where a reader reads.
enum Stage {
    /// With a consumer of its own.
    Alone(Box<Reader>),
    /// What the tail keeps.
    Tail(Arc<Tail>, watch::Receiver<Head>),
}

impl LogReader {
    pub(super) fn new(source: Source, tail: Arc<SharedTail>, filter: Filter, after: Position) -> Self {
        let known = Known::default();
        let stage = Stage::Alone(Box::new(Reader::new(source.clone(), filter.clone(), after, known)));
        Self {
            source,
            tail,
            filter,
            position: after,
            known,
            stage,
            ready: VecDeque::new(),
            has_caught_up: false,
            ended: false,
        }
    }

    /// The next item. `None` after an error.
    pub(super) async fn next(&mut self) -> Option<Result<Item, Error>> {
        while !self.ended {
            let step = match self.ready.pop_front() {
                Some(event) => Some(Ok(Item::Event(event))),
                None => self.step().await,
            };
            if let Some(item) = step {
                self.observe(&item);
                return Some(item);
            }
        }
        None
    }

    /// Moves on by one item, one batch or one wait. `None`: nothing to yield yet.
    async fn step(&mut self) -> Option<Result<Item, Error>> {
        self.follow_tail();
        match &mut self.stage {
            Stage::Alone(reader) => {
                let item = reader.next().await;
                self.ended = item.is_none();
                item
            }
            Stage::Tail(tail, heads) => {
                let head = *heads.borrow_and_update();
                if self.position < head.last {
                    let batch = tail.recent.batch(&self.filter, self.position, head.last);
                    self.take(batch);
                } else if head.is_news(self.position, &self.filter, self.has_caught_up) {
                    return Some(Ok(Item::CaughtUp(head.caught_up)));
                } else if heads.changed().await.is_err() {
                    self.go_on_alone();
                }
                None
            }
        }
    }

    /// Follows the tail, if this reader is by itself, waits for more, and the tail has what comes next.
    fn follow_tail(&mut self) {
        let Stage::Alone(reader) = &self.stage else { return };
        if !self.has_caught_up {
            return;
        }
        self.known = reader.known();
        if let Some(tail) = self.tail.follow(&self.source, self.position, self.known) {
            let heads = tail.heads.clone();
            self.stage = Stage::Tail(tail, heads);
        }
    }

    /// Takes the next batch of the tail. `None`: it is not kept any more.
    fn take(&mut self, batch: Option<RecentBatch>) {
        match batch {
            Some(RecentBatch { events, upto }) => {
                self.ready.extend(events);
                self.position = upto;
            }
            None => self.go_on_alone(),
        }
    }

    /// Notes what is yielded.
    fn observe(&mut self, item: &Result<Item, Error>) {
        match item {
            Ok(Item::Event(event)) => {
                self.position = self.position.max(event.position);
                self.known.last = Some((event.position, event.id));
                self.has_caught_up = false;
            }
            Ok(Item::CaughtUp(position)) => {
                self.position = self.position.max(*position);
                self.has_caught_up = true;
            }
            Err(_) => self.ended = true,
        }
    }

    /// Reads with a consumer of its own again. It yields an item before the reader follows a tail the next
    /// time: whatever ended the tail is met here, and reported.
    fn go_on_alone(&mut self) {
        self.has_caught_up = false;
        let reader = Reader::new(self.source.clone(), self.filter.clone(), self.position, self.known);
        self.stage = Stage::Alone(Box::new(reader));
    }
}
