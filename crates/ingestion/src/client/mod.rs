//! Sends files to the service: original bytes into its archive, then a request to ingest them. The service
//! reads them.

mod progress;
mod send;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{
    Description, GateMode, IngestFilesRequest, IngestFilesResponse, IngestOutcome, Rejection, ReleaseInfo,
    ReleaseState, SampleRow,
};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;
use orewatch_formats::{Input, Metadata};
use orewatch_runtime::client::within;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::MAX_MESSAGE_BYTES;
use crate::archive::Archive;
use crate::scope;

pub use progress::{Phase, Progress};

/// Time within which the service has to respond, and to send the next message.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(300);

/// Options of an ingest.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Description of the release; overrides and completes what its files say.
    pub metadata: Metadata,
    /// Tenant that owns the data. Empty: the data is public.
    pub tenant: String,
    /// Concordances to use before the catalogue: releases or datasets. The first one that knows a code
    /// decides.
    pub concordances: Vec<String>,
    /// Upper bound on rejected rows. With more, the release is refused.
    pub max_rejects: u64,
    /// Gates whose block becomes a warning, by name.
    pub accept: Vec<String>,
    /// Modes of gates for this release, by name; others as configured.
    pub gates: BTreeMap<String, GateMode>,
    /// Read, map and gate the files, but record nothing.
    pub dry_run: bool,
    /// Leave the release open after its rows are recorded.
    pub hold: bool,
    /// Columns of the files by the tidy columns that they are read as, as in `ArchivedFile.column_map`.
    pub column_map: BTreeMap<String, String>,
    /// The service's archive, if the service runs in this process: files are put into it directly.
    pub archive: Option<Arc<Archive>>,
}

/// The outcome of one release.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The release with its report: COMMITTED, REFUSED or WITHDRAWN; OPEN if it is held, or after a dry run.
    pub release: ReleaseInfo,
    /// The same content was ingested before; nothing was recorded.
    pub known: bool,
    /// Chunks that an interrupted ingest had recorded before.
    pub chunks_known: u32,
    /// Notes for the user, one sentence each.
    pub notes: Vec<String>,
    /// First rows as they would be recorded, of a dry run.
    pub sample: Vec<SampleRow>,
    /// First rejected rows.
    pub rejections: Vec<Rejection>,
    /// Releases that were read again because this concordance changed their codes.
    pub restated: Vec<String>,
}

impl Outcome {
    /// Whether the figures are visible.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.release.state() == ReleaseState::Committed
    }

    fn from_message(outcome: IngestOutcome, notes: Vec<String>) -> Result<Self, Failure> {
        let missing = || Failure::internal("the service responded without the release");
        Ok(Self {
            release: outcome.release.ok_or_else(missing)?,
            known: outcome.known,
            chunks_known: outcome.chunks_known,
            notes,
            sample: outcome.sample,
            rejections: outcome.rejections,
            restated: outcome.restated,
        })
    }
}

/// Ingests files as one release for each table that they hold, and waits until each is committed or refused.
/// Whatever interrupts it, ingesting the same files again continues where it stopped. `progress` is called a
/// few times a second.
///
/// # Errors
/// Files that cannot be sent or read, errors of the service, and [`Class::Unavailable`] if it does not
/// respond in time. A release that its gates refuse is no error: see [`Outcome::release`].
pub async fn ingest(
    channel: Channel,
    inputs: Vec<Input>,
    options: Options,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Vec<Outcome>, Failure> {
    let mut client = IngestionServiceClient::new(channel)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let archive = options.archive.clone();
    let (archive, tenant) = (archive.as_deref(), &options.tenant);
    let mut files = send::archive_files(&mut client, archive, tenant, inputs, &mut progress).await?;
    files.iter_mut().for_each(|file| file.column_map.clone_from(&options.column_map));
    let request = IngestFilesRequest {
        files,
        description: Some(description(options.metadata, options.tenant)?),
        concordances: options.concordances,
        max_rejects: Some(options.max_rejects),
        accept: options.accept,
        gates: options.gates.into_iter().map(|(gate, mode)| (gate, mode.into())).collect(),
        dry_run: options.dry_run,
        hold: options.hold,
    };
    let mut answers = client.ingest_files(within(SERVICE_TIMEOUT, request)).await?.into_inner();
    let (mut notes, mut outcomes) = (Vec::new(), Vec::new());
    while let Some(answer) = next(&mut answers).await? {
        match answer.said {
            Some(Said::Progress(now)) => progress(Progress::from_message(now)),
            Some(Said::Note(note)) => notes.push(note),
            Some(Said::Outcome(outcome)) => {
                outcomes.push(Outcome::from_message(outcome, std::mem::take(&mut notes))?);
            }
            None => {}
        }
    }
    Ok(outcomes)
}

/// The next response. A working service sends one a few times a second.
async fn next(answers: &mut Streaming<IngestFilesResponse>) -> Result<Option<IngestFilesResponse>, Failure> {
    let answer = tokio::time::timeout(SERVICE_TIMEOUT, answers.message()).await;
    let silent = |_| {
        Failure::new(
            Class::Unavailable,
            "stalled",
            format!("the service has sent nothing for {} s", SERVICE_TIMEOUT.as_secs()),
        )
        .with_hint("ingest the same files again: it continues where it stopped")
    };
    Ok(answer.map_err(silent)??)
}

fn description(metadata: Metadata, tenant: String) -> Result<Description, Failure> {
    let text = Option::unwrap_or_default;
    let kind = metadata.kind.as_deref().map(dataset::read_kind).transpose()?;
    Ok(Description {
        dataset: text(metadata.dataset),
        vintage: text(metadata.vintage),
        hs: text(metadata.hs),
        table: text(metadata.table),
        publisher: text(metadata.publisher),
        title: text(metadata.title),
        url: text(metadata.url),
        licence: text(metadata.licence),
        published: text(metadata.published),
        tenant,
        kind: kind.map_or(0, |kind| dataset::kind_message(kind).into()),
        supplements: text(metadata.supplements),
        scope: metadata.scope.as_deref().map(scope::parse).transpose()?,
    })
}
