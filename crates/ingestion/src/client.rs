//! Takes files to the service: identify, open, record, commit.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, OpenReleaseRequest, RecordObservationsRequest, ReleaseInfo, ReleaseState,
};
use orewatch_runtime::client::within;
use orewatch_runtime::{Class, Failure};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};
use tonic::transport::Channel;

use crate::LARGEST_MESSAGE;
use crate::codes::Codes;
use crate::sources::{self, Input, Limits, Metadata, Piece, Plan, Progress, SourceError, Totals};

/// Chunks that wait to be sent: some MiB at most, however large the files.
const QUEUE: usize = 8;

/// How long the service may take for a chunk.
const CHUNK_PATIENCE: Duration = Duration::from_secs(120);

/// How long opening and committing may take; the gates look at every row.
const CALL_PATIENCE: Duration = Duration::from_secs(300);

/// How long one call records before the next begins.
const CALL_LENGTH: Duration = Duration::from_secs(60);

/// How to ingest.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is said about the release; overrides and completes what its files say.
    pub metadata: Metadata,
    /// Rows that may be set aside; more, and the release is refused.
    pub max_rejects: u64,
    /// Gates whose block is accepted, by name.
    pub accept: Vec<String>,
    /// Bounds on what is read.
    pub limits: Limits,
}

/// What became of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The release: COMMITTED, REFUSED or WITHDRAWN, with its report.
    pub release: ReleaseInfo,
    /// The same content was here before: nothing was recorded.
    pub known: bool,
    /// Chunks that were there already, from an ingestion that was interrupted.
    pub chunks_known: u32,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Whether the figures are visible.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.release.state() == ReleaseState::Committed
    }
}

/// Ingests files as one release for each table that they hold, and waits until each is committed or refused. Whatever
/// interrupts it, ingesting the same files again goes on where it stopped. `progress` is called from the thread that reads.
///
/// # Errors
/// Those of [`sources::plan`] and [`sources::read`], of the service, and [`Class::Unavailable`] if it does not answer in
/// time. A release that is refused at its gates is no error here: see [`Outcome::release`].
pub async fn ingest(
    channel: Channel,
    inputs: Vec<Input>,
    options: Options,
    progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Vec<Outcome>, Failure> {
    let mut client = IngestionServiceClient::new(channel)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let (metadata, limits) = (options.metadata.clone(), options.limits);
    let (plans, mut progress) = blocking(move || {
        let mut progress = progress;
        sources::plan(inputs, &metadata, &Codes::default(), limits, &mut progress)
            .map(|plans| (plans, progress))
    })
    .await??;
    let mut outcomes = Vec::with_capacity(plans.len());
    for plan in plans {
        let (outcome, back) = one(&mut client, plan, &options, progress).await?;
        outcomes.push(outcome);
        progress = back;
    }
    Ok(outcomes)
}

/// Ingests one release, and gives the way to tell of progress back.
async fn one<P: FnMut(Progress) + Send + 'static>(
    client: &mut IngestionServiceClient<Channel>,
    plan: Plan,
    options: &Options,
    progress: P,
) -> Result<(Outcome, P), Failure> {
    let notes = plan.notes.clone();
    let open = OpenReleaseRequest { release: Some(plan.release.clone()) };
    let info = client.open_release(within(CALL_PATIENCE, open)).await?.into_inner().release;
    let mut release = answered(info)?;
    if release.state() == ReleaseState::Refused {
        let said = release.report.clone().unwrap_or_default();
        let counts = Counts {
            read: said.rows_read,
            out_of_scope: said.rows_out_of_scope,
            rejected: said.rejected_by_code,
        };
        release = commit(client, &plan.release.id, counts, options).await?;
    }
    if release.state() != ReleaseState::Open {
        return Ok((Outcome { release, known: true, chunks_known: 0, notes }, progress));
    }
    let id = plan.release.id.clone();
    let (totals, chunks_known, progress) = record(client, plan, progress).await?;
    let counts = Counts { read: totals.read, out_of_scope: totals.out_of_scope, rejected: totals.rejected };
    let release = commit(client, &id, counts, options).await?;
    Ok((Outcome { release, known: false, chunks_known, notes }, progress))
}

/// What was read.
struct Counts {
    read: u64,
    out_of_scope: u64,
    rejected: BTreeMap<String, u64>,
}

async fn commit(
    client: &mut IngestionServiceClient<Channel>,
    release: &str,
    counts: Counts,
    options: &Options,
) -> Result<ReleaseInfo, Failure> {
    let request = CommitReleaseRequest {
        release: release.to_owned(),
        max_rejects: Some(options.max_rejects),
        rows_read: Some(counts.read),
        rows_out_of_scope: counts.out_of_scope,
        rejected_by_code: counts.rejected,
        accept: options.accept.clone(),
    };
    answered(client.commit_release(within(CALL_PATIENCE, request)).await?.into_inner().release)
}

fn answered(release: Option<ReleaseInfo>) -> Result<ReleaseInfo, Failure> {
    release.ok_or_else(|| Failure::internal("the service answered without the release"))
}

/// Why the reading stopped.
enum Stopped {
    /// A file cannot be read.
    Source(SourceError),
    /// The service takes no more: its answer says why.
    Refused,
    /// The service takes nothing for too long.
    Stalled,
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Reads and records at the same time. The reader waits when the service is slower.
async fn record<P: FnMut(Progress) + Send + 'static>(
    client: &mut IngestionServiceClient<Channel>,
    plan: Plan,
    mut progress: P,
) -> Result<(Totals, u32, P), Failure> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let handle = Handle::current();
    let release = plan.release.id.clone();
    let reader = blocking(move || {
        let totals = sources::read(&plan, &mut |piece: Piece, now| {
            let rows = Some(piece.rows()?);
            let message = RecordObservationsRequest { release: release.clone(), rows };
            let sent = handle.block_on(tokio::time::timeout(CHUNK_PATIENCE, sender.send(message)));
            progress(now);
            match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Stopped::Refused),
                Err(_) => Err(Stopped::Stalled),
            }
        })?;
        Ok((totals, progress))
    });
    let (read, sent) = tokio::join!(reader, send(client, receiver));
    match read? {
        Ok((totals, progress)) => Ok((totals, sent?, progress)),
        Err(Stopped::Source(error)) => Err(error.into()),
        Err(Stopped::Refused) => {
            sent?;
            Err(Failure::internal("the service ended the stream without an error"))
        }
        Err(Stopped::Stalled) => {
            let message = format!("the service took no chunk for {} s", CHUNK_PATIENCE.as_secs());
            Err(Failure::new(Class::Unavailable, "stalled", message)
                .with_hint("ingest the same files again: it goes on where it stopped"))
        }
    }
}

/// Sends what the reader reads, in calls of bounded length: a release may take longer than any deadline of a call, and
/// a reader may find nothing to send for a while. Returns how many chunks were there already.
async fn send(
    client: &mut IngestionServiceClient<Channel>,
    receiver: mpsc::Receiver<RecordObservationsRequest>,
) -> Result<u32, Failure> {
    let receiver = Arc::new(Mutex::new(receiver));
    let mut known: u32 = 0;
    loop {
        let first = receiver.lock().await.recv().await;
        let Some(first) = first else { return Ok(known) };
        let more = stream::unfold(Arc::clone(&receiver), async |receiver| {
            let message = receiver.lock().await.recv().await?;
            Some((message, receiver))
        });
        let messages = stream::iter([first]).chain(more.take_until(tokio::time::sleep(CALL_LENGTH)));
        let answer = client.record_observations(within(CALL_PATIENCE, messages)).await?.into_inner();
        known = known.saturating_add(answer.chunks_known);
    }
}

/// Runs what reads files where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|error| Failure::internal(format!("the reader ended badly: {error}")))
}
