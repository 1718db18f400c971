//! Connectors inside of the service: its archive keeps, its intake takes.
use std::io::Cursor;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestOutcome};
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, Failure};
use uuid::{ContextV7, Timestamp, Uuid};

use super::config::Connector;
use super::hub::{Connectors, Setup};
use super::seam::{Keep, Take, Tell};
use crate::archive::{Archive, ContentId};
use crate::intake::Intake;

/// Which publishers the service asks.
#[derive(Clone, Debug, Default)]
pub struct Polling {
    /// The connectors.
    pub connectors: Vec<Connector>,
    /// They ask by themselves, as often as is configured; otherwise only on demand.
    pub by_itself: bool,
    /// No other process can write the log: what another left lying is taken up at once.
    pub alone: bool,
}

impl Polling {
    /// Checks that every key is where the configuration says.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_runtime::Class::Invalid) with the connector and the place.
    pub fn ready(&self) -> Result<(), Failure> {
        self.connectors.iter().try_for_each(Connector::ready)
    }

    /// The connectors of a service, which ask by themselves if they may.
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
        let (connectors, alone) = (self.connectors, self.alone);
        let connectors =
            Connectors::new(Setup { context, log, keep: archive, take: intake, connectors, holder, alone });
        if self.by_itself {
            connectors.start();
        }
        connectors
    }
}

impl Keep for Archive {
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<(), Failure>> {
        async move { Archive::put(self, Cursor::new(body)).await.map(drop) }.boxed()
    }

    fn get<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Failure>> {
        async move {
            let content = ContentId::parse("sha256", sha256)?;
            if self.size(content).await?.is_none() {
                return Ok(None);
            }
            let mut pieces = Archive::get(self, content).await?;
            let mut body = BytesMut::new();
            while let Some(piece) = pieces.next().await {
                body.extend_from_slice(&piece?);
            }
            Ok(Some(body.freeze()))
        }
        .boxed()
    }
}

impl Take for Intake {
    fn ingest<'a>(
        &'a self,
        request: IngestFilesRequest,
        tell: Tell<'a>,
    ) -> BoxFuture<'a, Result<Vec<IngestOutcome>, Failure>> {
        Intake::ingest(self, request, tell).boxed()
    }
}
