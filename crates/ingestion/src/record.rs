//! Appends chunks to an open release, for clients of other languages and for the service's own readers alike.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Release};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, MAX_APPEND_BYTES, MAX_APPEND_EVENTS, StreamName};
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
        Ok(self.append_missing(&[chunk]).await? > 0)
    }

    /// Appends a chunk that was checked when it was first recorded. Returns whether it was there already.
    pub(crate) async fn record_again(&mut self, chunk: Chunk) -> Result<bool, Failure> {
        Ok(self.append_missing(&[chunk]).await? > 0)
    }

    /// Appends pieces that the service read itself, in as few appends as possible. Returns how many chunks
    /// were there already.
    ///
    /// # Errors
    /// A row outside the stated scope of the release, and the errors of the log.
    pub(crate) async fn record_all(&mut self, pieces: Vec<Piece>) -> Result<u32, Failure> {
        pieces.iter().try_for_each(|piece| check_scope(&self.head.release, piece))?;
        let chunk = |piece| match piece {
            Piece::Observations(chunk) => Chunk::rows(chunk.number, chunk.data),
            Piece::Quarantine(chunk) => Chunk::rejections(&chunk),
        };
        let chunks: Vec<_> = pieces.into_iter().map(chunk).collect();
        let (mut known, mut rest) = (0_u32, &chunks[..]);
        while !rest.is_empty() {
            let (some, more) = rest.split_at(fitting_count(rest));
            known = known.saturating_add(self.append_missing(some).await?);
            rest = more;
        }
        Ok(known)
    }

    /// Appends the chunks that are missing. Returns how many were there already.
    async fn append_missing(&mut self, chunks: &[Chunk]) -> Result<u32, Failure> {
        for _ in 0..MAX_APPEND_ATTEMPTS {
            let (mut head, mut missing) = (self.head.clone(), Vec::new());
            for chunk in chunks {
                if !decide::is_chunk_recorded(&head, chunk)? {
                    head.add_chunk(chunk.kind, || chunk.digest, head.last);
                    missing.push(chunk);
                }
            }
            let known = u32::try_from(chunks.len().saturating_sub(missing.len())).unwrap_or(u32::MAX);
            if missing.is_empty() {
                return Ok(known);
            }
            match self.repository.append_chunks(&self.stream, self.head.last, &missing, head.attempt).await {
                Ok(position) => {
                    self.head = ReleaseHead { last: position, ..head };
                    return Ok(known);
                }
                Err(Error::Conflict { actual, .. }) => {
                    self.repository.wait_for_position(actual).await?;
                    let release = Arc::clone(&self.head.release);
                    *self = Self::begin(&self.repository, &release.id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(Class::Unavailable, "contended", "others record the same release at the same time")
            .with_hint("let one of them finish, then ingest again: recorded chunks are recognised"))
    }
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

/// How many of the first chunks fit into one append: at least one.
fn fitting_count(chunks: &[Chunk]) -> usize {
    let mut bytes = 0_usize;
    let fits = |chunk: &&Chunk| {
        bytes = bytes.saturating_add(chunk.data.len());
        bytes <= MAX_APPEND_BYTES
    };
    chunks.iter().take(MAX_APPEND_EVENTS).take_while(fits).count().max(1)
}
