//! Reads and records at the same time. The reader has a thread of its own, which waits while the log is
//! slower. Chunks are recorded as they are read, some of them at a time.
use futures_util::stream::{self, Stream, StreamExt as _};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::Rejection;
use orewatch_formats::{Phase, Piece, Plan, Progress, SourceError, Totals};
use tokio::sync::mpsc;

use super::OnProgress;
use super::meter::{self, ProgressMeter};
use super::unrecorded::UnrecordedRelease;
use crate::blocking;
use crate::record::Recording;

/// Upper bound on chunks that wait to be recorded: some MiB, however large the files.
const MAX_QUEUED_CHUNKS: usize = 64;

/// Upper bound on rejections in an outcome.
const MAX_SHOWN_REJECTIONS: usize = 100;

/// What a reader found.
pub(super) struct ReadOutcome {
    pub(super) totals: Totals,
    pub(super) chunks_known: u32,
    pub(super) rejections: Vec<Rejection>,
    pub(super) last: Progress,
}

/// Why the reader stopped.
enum Stopped {
    /// A file cannot be read.
    Source(SourceError),
    /// The receiver is gone.
    Unwanted,
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Destination of the pieces of a release.
pub(super) enum Sink {
    /// The log.
    Log(Recording),
    /// Memory: a dry run records nothing.
    InMemory(Box<UnrecordedRelease>),
}

impl Sink {
    /// Takes pieces as they come. Returns how many chunks were there already.
    async fn take_all(
        &mut self,
        mut pieces: impl Stream<Item = Piece> + Send + Unpin,
    ) -> Result<u32, Failure> {
        match self {
            Self::Log(recording) => recording.record_all(pieces).await,
            Self::InMemory(trial) => {
                while let Some(piece) = pieces.next().await {
                    trial.take(piece.into_rows()?)?;
                }
                Ok(0)
            }
        }
    }
}

/// Reads a release and passes its pieces on in order.
pub(super) async fn read_release(
    plan: Plan,
    sink: &mut Sink,
    release: &str,
    progress: OnProgress<'_>,
) -> Result<ReadOutcome, Failure> {
    let meter = ProgressMeter::new(Phase::Recording);
    let (sender, mut pieces) = mpsc::channel(MAX_QUEUED_CHUNKS);
    let notes = meter.clone();
    let reader = tokio::spawn(blocking(move || {
        let mut last = None;
        let totals = orewatch_formats::pieces(&plan, &mut |piece: Piece, now| {
            notes.note(now);
            last = Some(now);
            sender.blocking_send(piece).map_err(|_| Stopped::Unwanted)
        })?;
        Ok::<_, Stopped>((totals, last))
    }));
    let mut rejections = Vec::new();
    let pieces = stream::poll_fn(move |context| pieces.poll_recv(context))
        .inspect(|piece| collect_rejections(piece, &mut rejections));
    let taken = meter::wait_reporting(progress, || meter.message(release), sink.take_all(pieces));
    let chunks_known = taken.await?;
    let ended = |error| Failure::internal(format!("the reader panicked or was cancelled: {error}"));
    match reader.await.map_err(ended)?? {
        Ok((totals, last)) => {
            let none = Progress { phase: Phase::Recording, rows: 0, bytes: 0, total_bytes: 0 };
            Ok(ReadOutcome { totals, chunks_known, rejections, last: last.unwrap_or(none) })
        }
        Err(Stopped::Source(error)) => Err(error.into()),
        Err(Stopped::Unwanted) => Err(Failure::internal("the reader was stopped without a reason")),
    }
}

fn collect_rejections(piece: &Piece, shown: &mut Vec<Rejection>) {
    if let Piece::Quarantine(chunk) = piece {
        let room = MAX_SHOWN_REJECTIONS.saturating_sub(shown.len());
        shown.extend(chunk.rejections.iter().take(room).cloned());
    }
}
