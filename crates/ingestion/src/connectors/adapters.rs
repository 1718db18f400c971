//! Connects the connectors to the service: its archive stores bodies, its intake ingests them.
use std::io::Cursor;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestOutcome};
use orewatch_eventlog::EventLog;
use orewatch_runtime::Context;
use uuid::{ContextV7, Timestamp, Uuid};

use super::config::Connector;
use super::hub::{Connectors, ConnectorsSetup};
use super::ports::{BodyStore, FileIngest, OnProgress};
use crate::archive::{Archive, ContentId};
use crate::intake::Intake;

/// Whose responses of publishers are, in the archive.
const EVERYONE: &str = "";

/// Publishers that the service polls.
#[derive(Clone, Debug, Default)]
pub struct Polling {
    /// The connectors.
    pub connectors: Vec<Connector>,
    /// Poll on schedule; otherwise only on demand.
    pub on_schedule: bool,
    /// No other process can write the log: polls that another process left open are resumed at once.
    pub is_sole_writer: bool,
}

impl Polling {
    /// Checks that every key is where the configuration says.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) with the connector and the location of its key.
    pub fn check_keys(&self) -> Result<(), Failure> {
        self.connectors.iter().try_for_each(Connector::check_key)
    }

    /// Opens the connectors of a service, and starts their schedules if configured.
    pub(crate) fn open(
        self,
        context: Context,
        log: Arc<dyn EventLog>,
        archive: Arc<Archive>,
        intake: Arc<Intake>,
    ) -> Arc<Connectors> {
        let now = context.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let holder = Uuid::new_v7(Timestamp::from_unix(ContextV7::new(), seconds, nanos)).to_string();
        let (connectors, is_sole_writer) = (self.connectors, self.is_sole_writer);
        let connectors = Connectors::new(ConnectorsSetup {
            context,
            log,
            keep: archive,
            take: intake,
            connectors,
            holder,
            is_sole_writer,
        });
        if self.on_schedule {
            connectors.start();
        }
        connectors
    }
}

impl BodyStore for Archive {
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<(), Failure>> {
        async move { Archive::put(self, Cursor::new(body), EVERYONE).await.map(drop) }.boxed()
    }

    fn get<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Failure>> {
        async move {
            let content = ContentId::parse("sha256", sha256)?;
            if self.size(content, EVERYONE).await?.is_none() {
                return Ok(None);
            }
            let mut pieces = Archive::get(self, content, EVERYONE).await?;
            let mut body = BytesMut::new();
            while let Some(piece) = pieces.next().await {
                body.extend_from_slice(&piece?);
            }
            Ok(Some(body.freeze()))
        }
        .boxed()
    }
}

impl FileIngest for Intake {
    fn ingest<'a>(
        &'a self,
        request: IngestFilesRequest,
        progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<Vec<IngestOutcome>, Failure>> {
        Intake::ingest(self, request, progress).boxed()
    }
}
