//! Reads and records at the same time: a reader on a thread of its own waits when the log is slower.
use orewatch_contracts::ingestion::v1::Rejection;
use orewatch_runtime::Failure;
use tokio::sync::mpsc;

use super::Tell;
use super::meter::{self, Meter};
use super::trial::Trial;
use crate::blocking;
use crate::record::Recording;
use crate::sources::{self, Phase, Piece, Plan, Progress, SourceError, Totals};

/// Chunks that wait to be recorded, and that are recorded together: some MiB, however large the files.
const QUEUE: usize = 64;

/// Rejections that an outcome shows.
const SHOWN: usize = 100;

/// What was read.
pub(super) struct Read {
    pub(super) totals: Totals,
    pub(super) chunks_known: u32,
    pub(super) rejections: Vec<Rejection>,
    pub(super) last: Progress,
}

/// Why the reader stopped.
enum Stopped {
    /// A file cannot be read.
    Source(SourceError),
    /// Nobody takes more.
    Unwanted,
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Where the pieces of a release go.
pub(super) enum Sink {
    /// Onto the log.
    Log(Recording),
    /// Nowhere: they are only looked at.
    Imagined(Box<Trial>),
}

impl Sink {
    /// Takes some pieces; says how many chunks were there already.
    async fn take(&mut self, pieces: Vec<Piece>) -> Result<u32, Failure> {
        match self {
            Self::Log(recording) => recording.record_all(pieces).await,
            Self::Imagined(trial) => {
                for piece in pieces {
                    trial.take(piece.rows()?)?;
                }
                Ok(0)
            }
        }
    }
}

/// Reads a release, and hands each piece on in order.
pub(super) async fn read(
    plan: Plan,
    sink: &mut Sink,
    release: &str,
    tell: Tell<'_>,
) -> Result<Read, Failure> {
    let meter = Meter::new(Phase::Recording);
    let (sender, mut pieces) = mpsc::channel(QUEUE);
    let notes = meter.clone();
    let reader = tokio::spawn(blocking(move || {
        let mut last = None;
        let totals = sources::pieces(&plan, &mut |piece: Piece, now| {
            notes.note(now);
            last = Some(now);
            sender.blocking_send(piece).map_err(|_| Stopped::Unwanted)
        })?;
        Ok::<_, Stopped>((totals, last))
    }));
    let (mut rejections, mut chunks_known) = (Vec::new(), 0_u32);
    let mut ticks = meter::ticks();
    let mut some = Vec::new();
    loop {
        tokio::select! {
            count = pieces.recv_many(&mut some, QUEUE) => {
                if count == 0 {
                    break;
                }
                some.iter().for_each(|piece| show(piece, &mut rejections));
                chunks_known = chunks_known.saturating_add(sink.take(std::mem::take(&mut some)).await?);
            }
            _ = ticks.tick() => tell(meter.said(release)),
        }
    }
    let ended = |error| Failure::internal(format!("the reader ended badly: {error}"));
    match reader.await.map_err(ended)?? {
        Ok((totals, last)) => {
            let none = Progress { phase: Phase::Recording, rows: 0, bytes: 0, total_bytes: 0 };
            Ok(Read { totals, chunks_known, rejections, last: last.unwrap_or(none) })
        }
        Err(Stopped::Source(error)) => Err(error.into()),
        Err(Stopped::Unwanted) => Err(Failure::internal("the reader was stopped without a reason")),
    }
}

fn show(piece: &Piece, shown: &mut Vec<Rejection>) {
    if let Piece::Quarantine(chunk) = piece {
        let room = SHOWN.saturating_sub(shown.len());
        shown.extend(chunk.rejections.iter().take(room).cloned());
    }
}
