//! Takes files to the service: original bytes into its archive, and what to do with them. The service reads them.

mod send;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{
    Description, GateMode, IngestFilesRequest, IngestFilesResponse, IngestOutcome, Rejection, ReleaseInfo,
    ReleaseState, SampleRow,
};
use orewatch_runtime::client::within;
use orewatch_runtime::{Class, Failure};
use tonic::Streaming;
use tonic::transport::Channel;

use crate::LARGEST_MESSAGE;
use crate::archive::Archive;
use crate::sources::{Input, Metadata};
use crate::{dataset, scope};

pub use told::{Phase, Progress};

/// How long the service may take to begin, and how long it may say nothing.
const PATIENCE: Duration = Duration::from_secs(300);

/// How to ingest.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is said about the release; overrides and completes what its files say.
    pub metadata: Metadata,
    /// Whose data it is. Empty: everyone's.
    pub tenant: String,
    /// Concordances that come before the catalogue's: releases or datasets, the first that knows a code decides.
    pub concordances: Vec<String>,
    /// Rows that may be set aside; more, and the release is refused.
    pub max_rejects: u64,
    /// Gates whose block is accepted, by name.
    pub accept: Vec<String>,
    /// What gates may do in this release, by name; others as configured.
    pub gates: BTreeMap<String, GateMode>,
    /// Read, map and gate, but record nothing.
    pub dry_run: bool,
    /// Leave the release open after its rows are recorded.
    pub hold: bool,
    /// The service's archive, where the service runs in this process: files are put into it without a detour.
    pub archive: Option<Arc<Archive>>,
}

/// What became of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The release with its report: COMMITTED, REFUSED or WITHDRAWN; OPEN if it is held, or as it would be.
    pub release: ReleaseInfo,
    /// The same content was here before: nothing was recorded.
    pub known: bool,
    /// Chunks that were there already, from an ingestion that was interrupted.
    pub chunks_known: u32,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    /// Of a dry run: the first rows as they would be recorded.
    pub sample: Vec<SampleRow>,
    /// The first rows that were set aside.
    pub rejections: Vec<Rejection>,
    /// Identifiers of releases that were read again because this concordance changed what their codes stand for.
    pub restated: Vec<String>,
}

impl Outcome {
    /// Whether the figures are visible.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.release.state() == ReleaseState::Committed
    }

    fn of(outcome: IngestOutcome, notes: Vec<String>) -> Result<Self, Failure> {
        let missing = || Failure::internal("the service answered without the release");
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

/// Ingests files as one release for each table that they hold, and waits until each is committed or refused. Whatever
/// interrupts it, ingesting the same files again goes on where it stopped. `progress` is called some times a second.
///
/// # Errors
/// Files that cannot be sent or read, those of the service, and [`Class::Unavailable`] if it does not answer in time. A release
/// that is refused at its gates is no error here: see [`Outcome::release`].
pub async fn ingest(
    channel: Channel,
    inputs: Vec<Input>,
    options: Options,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Vec<Outcome>, Failure> {
    let mut client = IngestionServiceClient::new(channel)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let archive = options.archive.clone();
    let files = send::all(&mut client, archive.as_deref(), inputs, &mut progress).await?;
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
    let mut answers = client.ingest_files(within(PATIENCE, request)).await?.into_inner();
    let (mut notes, mut outcomes) = (Vec::new(), Vec::new());
    while let Some(answer) = next(&mut answers).await? {
        match answer.said {
            Some(Said::Progress(now)) => progress(Progress::of(now)),
            Some(Said::Note(note)) => notes.push(note),
            Some(Said::Outcome(outcome)) => {
                outcomes.push(Outcome::of(outcome, std::mem::take(&mut notes))?);
            }
            None => {}
        }
    }
    Ok(outcomes)
}

/// The next answer; a service that works says so some times a second.
async fn next(answers: &mut Streaming<IngestFilesResponse>) -> Result<Option<IngestFilesResponse>, Failure> {
    let answer = tokio::time::timeout(PATIENCE, answers.message()).await;
    let silent = |_| {
        Failure::new(
            Class::Unavailable,
            "stalled",
            format!("the service has said nothing for {} s", PATIENCE.as_secs()),
        )
        .with_hint("ingest the same files again: it goes on where it stopped")
    };
    Ok(answer.map_err(silent)??)
}

fn description(said: Metadata, tenant: String) -> Result<Description, Failure> {
    let text = Option::unwrap_or_default;
    let kind = said.kind.as_deref().map(dataset::read_kind).transpose()?;
    Ok(Description {
        dataset: text(said.dataset),
        vintage: text(said.vintage),
        hs: text(said.hs),
        table: text(said.table),
        publisher: text(said.publisher),
        title: text(said.title),
        url: text(said.url),
        licence: text(said.licence),
        published: text(said.published),
        tenant,
        kind: kind.map_or(0, |kind| dataset::kind_message(kind).into()),
        supplements: text(said.supplements),
        scope: said.scope.as_deref().map(scope::parse).transpose()?,
    })
}
