//! Reads and records at the same time: a reader on a thread of its own waits when the log is slower.
use orewatch_contracts::ingestion::v1::Rejection;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_runtime::Failure;
use tokio::sync::mpsc;

use super::Tell;
use super::meter::{self, Meter};
use super::trial::Trial;
use crate::blocking;
use crate::record::Recording;
use crate::sources::{self, Phase, Plan, Progress, SourceError, Totals};

/// Chunks that wait to be recorded: some MiB at most, however large the files.
const QUEUE: usize = 8;

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
    /// Takes a piece; true if it was there already.
    async fn take(&mut self, rows: Rows) -> Result<bool, Failure> {
        match self {
            Self::Log(recording) => recording.record(rows).await,
            Self::Imagined(trial) => {
                trial.take(rows);
                Ok(false)
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
        let totals = sources::read(&plan, &mut |rows: Rows, now| {
            notes.note(now);
            last = Some(now);
            sender.blocking_send(rows).map_err(|_| Stopped::Unwanted)
        })?;
        Ok::<_, Stopped>((totals, last))
    }));
    let (mut rejections, mut chunks_known) = (Vec::new(), 0_u32);
    let mut ticks = meter::ticks();
    loop {
        tokio::select! {
            piece = pieces.recv() => match piece {
                Some(piece) => {
                    show(&piece, &mut rejections);
                    let known = sink.take(piece).await?;
                    chunks_known = chunks_known.saturating_add(u32::from(known));
                }
                None => break,
            },
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

fn show(piece: &Rows, shown: &mut Vec<Rejection>) {
    if let Rows::Quarantine(chunk) = piece {
        let room = SHOWN.saturating_sub(shown.len());
        shown.extend(chunk.rejections.iter().take(room).cloned());
    }
}
