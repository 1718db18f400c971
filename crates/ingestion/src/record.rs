//! Appends chunks to an open release, for clients of other languages and for the service's own readers alike.
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::stream::{self, Stream, StreamExt as _};
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationEventKind, ObservationsRecorded, Release};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, NewEvent, StreamName, Unfinished};
use orewatch_formats::Piece;
use prost::Message as _;

use crate::chunk::Chunk;
use crate::decide;
use crate::evolve::ReleaseHead;
use crate::scope;
use crate::validate;
use crate::work::Repository;

/// Upper bound on attempts to append the same chunks while others append to the same release.
const MAX_APPEND_ATTEMPTS: usize = 8;

/// An open release that is being recorded. Its head runs ahead of the folded state by what was appended.
#[derive(Debug)]
pub(crate) struct Recording {
    repository: Arc<Repository>,
    head: ReleaseHead,
    stream: StreamName,
}

impl Recording {
    /// The release as the log has it now.
    pub(crate) async fn begin(repository: &Arc<Repository>, release: &str) -> Result<Self, Failure> {
        let stream = repository.stream(release)?;
        repository.catch_up_with(&stream).await?;
        let head = repository.view(|state| state.find(release).map(|record| record.head.clone()))?;
        Ok(Self { repository: Arc::clone(repository), head, stream })
    }

    /// Identifier of the release.
    pub(crate) fn release(&self) -> &str {
        &self.head.release.id
    }

    /// Checks a received chunk and appends it. Returns whether it was there already.
    pub(crate) async fn record(&mut self, rows: Rows) -> Result<bool, Failure> {
        let chunk = match rows {
            Rows::Observations(chunk) => {
                validate::check_observations(&self.head.release, &chunk)?;
                Chunk::rows(chunk.chunk, chunk.encode_to_vec().into())
            }
            Rows::Quarantine(chunk) => {
                validate::check_quarantine(&chunk)?;
                Chunk::rejections(&chunk)
            }
        };
        self.record_again(chunk).await
    }

    /// Appends a chunk that was checked when it was first recorded. Returns whether it was there already.
    pub(crate) async fn record_again(&mut self, chunk: Chunk) -> Result<bool, Failure> {
        Ok(self.append_missing(stream::iter([Ok(chunk)])).await? > 0)
    }

    /// Appends pieces that the service reads itself, as they are read. Returns how many chunks were there
    /// already.
    ///
    /// # Errors
    /// A row outside the stated scope of the release, and the errors of the log.
    pub(crate) async fn record_all(
        &mut self,
        pieces: impl Stream<Item = Piece> + Send + Unpin,
    ) -> Result<u32, Failure> {
        let release = Arc::clone(&self.head.release);
        self.append_missing(pieces.map(move |piece| chunk_of(&release, piece))).await
    }

    /// Appends the chunks that are missing, as they come. Returns how many were there already.
    async fn append_missing(
        &mut self,
        chunks: impl Stream<Item = Result<Chunk, Failure>> + Send + Unpin,
    ) -> Result<u32, Failure> {
        let (repository, stream) = (Arc::clone(&self.repository), self.stream.clone());
        let mut missing = Missing {
            repository: &repository,
            stream: &stream,
            head: self.head.clone(),
            returned: VecDeque::new(),
            chunks,
            known: 0,
            failed: None,
        };
        for _ in 0..MAX_APPEND_ATTEMPTS {
            match repository.append_in_order(&stream, self.head.last, &mut missing).await {
                Ok(position) => {
                    self.head = ReleaseHead { last: position, ..missing.head };
                    return missing.failed.map_or(Ok(missing.known), Err);
                }
                Err(Unfinished { error: Error::Conflict { actual, .. }, rest, .. }) => {
                    repository.wait_for_position(actual).await?;
                    let release = Arc::clone(&self.head.release);
                    *self = Self::begin(&repository, &release.id).await?;
                    missing.take_back(rest, self.head.clone());
                }
                Err(unfinished) => return Err(unfinished.error.into()),
            }
        }
        Err(Failure::new(Class::Unavailable, "contended", "others record the same release at the same time")
            .with_hint("let one of them finish, then ingest again: recorded chunks are recognised"))
    }
}

/// The events of the chunks that are not on the log yet. Ends early at a chunk that cannot be recorded.
struct Missing<'a, S> {
    repository: &'a Repository,
    stream: &'a StreamName,
    /// The release with all chunks so far, as if they were recorded.
    head: ReleaseHead,
    /// Chunks that come again, before the others.
    returned: VecDeque<Chunk>,
    chunks: S,
    /// Chunks that were on the log already.
    known: u32,
    /// Why there are no more events.
    failed: Option<Failure>,
}

impl<S> Missing<'_, S> {
    /// The event of a chunk. `None`: it is on the log already.
    fn event(&mut self, chunk: &Chunk) -> Result<Option<NewEvent>, Failure> {
        if decide::is_chunk_recorded(&self.head, chunk)? {
            return Ok(None);
        }
        let last = self.head.last;
        self.head.add_chunk(chunk.kind, || chunk.digest, last);
        Ok(Some(self.repository.chunk_event(self.stream, self.head.attempt, chunk)))
    }

    /// Takes back the events that were not recorded, the last of those so far. They are decided on anew, on
    /// the release as it is now.
    fn take_back(&mut self, events: Vec<NewEvent>, head: ReleaseHead) {
        let before = std::mem::replace(&mut self.head, head);
        let (mut rows, mut rejections) = (before.observations.len(), before.quarantine.len());
        for NewEvent { kind, data, .. } in events.into_iter().rev() {
            let (kind, count, digests) = if kind == ObservationEventKind::RowsQuarantined.name() {
                (ObservationEventKind::RowsQuarantined, &mut rejections, &before.quarantine)
            } else {
                (ObservationEventKind::ObservationsRecorded, &mut rows, &before.observations)
            };
            *count = count.saturating_sub(1);
            let digest = digests.get(*count).copied().unwrap_or_default();
            let number = u32::try_from(*count).unwrap_or(u32::MAX);
            self.returned.push_front(Chunk { kind, number, data, digest });
        }
    }
}

impl<S: Stream<Item = Result<Chunk, Failure>> + Unpin> Stream for Missing<'_, S> {
    type Item = NewEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<NewEvent>> {
        let this = self.get_mut();
        while this.failed.is_none() {
            let chunk = match this.returned.pop_front() {
                Some(chunk) => Ok(chunk),
                None => match ready!(this.chunks.poll_next_unpin(context)) {
                    Some(chunk) => chunk,
                    None => return Poll::Ready(None),
                },
            };
            match chunk.and_then(|chunk| this.event(&chunk)) {
                Ok(Some(event)) => return Poll::Ready(Some(event)),
                Ok(None) => this.known = this.known.saturating_add(1),
                Err(failure) => this.failed = Some(failure),
            }
        }
        Poll::Ready(None)
    }
}

/// The chunk of a piece, if its rows are inside the stated scope of their release.
fn chunk_of(release: &Release, piece: Piece) -> Result<Chunk, Failure> {
    check_scope(release, &piece)?;
    Ok(match piece {
        Piece::Observations(chunk) => Chunk::rows(chunk.number, chunk.data),
        Piece::Quarantine(chunk) => Chunk::rejections(&chunk),
    })
}

/// Checks that rows are inside the stated scope of their release. Without a stated scope nothing is decoded.
fn check_scope(release: &Release, piece: &Piece) -> Result<(), Failure> {
    let Piece::Observations(chunk) = piece else { return Ok(()) };
    if release.scope.is_none() {
        return Ok(());
    }
    let chunk = ObservationsRecorded::decode(chunk.data.clone()).map_err(|error| {
        Failure::internal(format!("a chunk that this service wrote cannot be decoded: {error}"))
    })?;
    chunk.columns.as_ref().map_or(Ok(()), |columns| scope::check_rows(release, columns))
}
