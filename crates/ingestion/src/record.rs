//! Records the chunks of an open release: those of a foreign client and those of the service's own readers alike.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Release};
use orewatch_eventlog::{Error, LARGEST_APPEND, MOST_EVENTS, StreamName};
use orewatch_runtime::{Class, Failure};
use prost::Message as _;

use crate::commands::find;
use crate::decide;
use crate::evolve::Head;
use crate::fact::Chunk;
use crate::scope;
use crate::sources::Piece;
use crate::validate;
use crate::work::Keeper;

/// How often a chunk is appended again because somebody else was first.
const ATTEMPTS: usize = 8;

/// What somebody who records chunks knows of the release: ahead of the folded state by what was appended.
#[derive(Debug)]
pub(crate) struct Recording {
    keeper: Arc<Keeper>,
    head: Head,
    stream: StreamName,
}

impl Recording {
    /// The release as the log has it now.
    pub(crate) async fn begin(keeper: &Arc<Keeper>, release: &str) -> Result<Self, Failure> {
        let stream = keeper.stream(release)?;
        keeper.current(&stream).await?;
        let head = keeper.view(|book| find(book, release).map(|held| held.head.clone()))?;
        Ok(Self { keeper: Arc::clone(keeper), head, stream })
    }

    /// Identifier of the release.
    pub(crate) fn release(&self) -> &str {
        &self.head.release.id
    }

    /// Checks a chunk that somebody sent and appends it; true if it was there already.
    pub(crate) async fn record(&mut self, rows: Rows) -> Result<bool, Failure> {
        let chunk = match rows {
            Rows::Observations(chunk) => {
                validate::observations(&self.head.release, &chunk)?;
                Chunk::rows(chunk.chunk, chunk.encode_to_vec().into())
            }
            Rows::Quarantine(chunk) => {
                validate::quarantine(&chunk)?;
                Chunk::rejections(&chunk)
            }
        };
        Ok(self.store(&[chunk]).await? > 0)
    }

    /// Appends a chunk that was checked when it was recorded first.
    pub(crate) async fn again(&mut self, chunk: Chunk) -> Result<bool, Failure> {
        Ok(self.store(&[chunk]).await? > 0)
    }

    /// Appends what the service itself has read, in as few appends as may be; says how many chunks were there already.
    ///
    /// # Errors
    /// A row outside of the scope that the release states; those of the log.
    pub(crate) async fn record_all(&mut self, pieces: Vec<Piece>) -> Result<u32, Failure> {
        pieces.iter().try_for_each(|piece| inside(&self.head.release, piece))?;
        let chunk = |piece| match piece {
            Piece::Observations(chunk) => Chunk::rows(chunk.number, chunk.data),
            Piece::Quarantine(chunk) => Chunk::rejections(&chunk),
        };
        let chunks: Vec<_> = pieces.into_iter().map(chunk).collect();
        let (mut known, mut rest) = (0_u32, &chunks[..]);
        while !rest.is_empty() {
            let (some, more) = rest.split_at(fitting(rest));
            known = known.saturating_add(self.store(some).await?);
            rest = more;
        }
        Ok(known)
    }

    /// Appends those of some chunks that are not there; says how many are.
    async fn store(&mut self, chunks: &[Chunk]) -> Result<u32, Failure> {
        for _ in 0..ATTEMPTS {
            let (mut head, mut fresh) = (self.head.clone(), Vec::new());
            for chunk in chunks {
                if !decide::record(&head, chunk)? {
                    head.recorded(chunk.kind, || chunk.digest, head.last);
                    fresh.push(chunk);
                }
            }
            let known = u32::try_from(chunks.len().saturating_sub(fresh.len())).unwrap_or(u32::MAX);
            if fresh.is_empty() {
                return Ok(known);
            }
            match self.keeper.append_chunks(&self.stream, self.head.last, &fresh, head.attempt).await {
                Ok(position) => {
                    self.head = Head { last: position, ..head };
                    return Ok(known);
                }
                Err(Error::Conflict { actual, .. }) => {
                    self.keeper.reach(actual).await?;
                    let release = Arc::clone(&self.head.release);
                    *self = Self::begin(&self.keeper, &release.id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(Class::Unavailable, "contended", "others record the same release")
            .with_hint("let one of them finish; what is recorded is recognised"))
    }
}

/// Checks that rows are inside of the scope that their release states. What states none need not be looked at.
fn inside(release: &Release, piece: &Piece) -> Result<(), Failure> {
    let Piece::Observations(chunk) = piece else { return Ok(()) };
    if release.scope.is_none() {
        return Ok(());
    }
    let chunk = ObservationsRecorded::decode(chunk.data.clone())
        .map_err(|error| Failure::internal(format!("a chunk of our own cannot be read: {error}")))?;
    chunk.columns.as_ref().map_or(Ok(()), |columns| scope::within(release, columns))
}

/// How many of the first chunks fit into one append: at least one.
fn fitting(chunks: &[Chunk]) -> usize {
    let mut bytes = 0_usize;
    let fits = |chunk: &&Chunk| {
        bytes = bytes.saturating_add(chunk.data.len());
        bytes <= LARGEST_APPEND
    };
    chunks.iter().take(MOST_EVENTS).take_while(fits).count().max(1)
}
