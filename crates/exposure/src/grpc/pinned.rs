//! The interface as of a position of the observations log, for answers that several replicas give together.

use std::collections::BTreeSet;
use std::time::Duration;

use orewatch_contracts::common::v1::LogState;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_runtime::{Identity, Stop};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{ExposureService, RETRY_AFTER};
use crate::snapshot::Snapshot;

/// Time in which a replica reads what another one has read already.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// Code of an answer that another replica has to give by now.
pub(crate) const MOVED: &str = "share-moved";

impl ExposureService {
    /// The service as of a position: what was recorded later does not count.
    ///
    /// # Errors
    /// `starting` until the log has been read once.
    pub(crate) fn as_of_position(&self, position: Position) -> Result<Self, Failure> {
        let snapshot = self.snapshot()?;
        let snapshot = Snapshot { position: snapshot.position.min(position), ..snapshot };
        Ok(Self { known: watch::channel(snapshot).1, ..self.clone() })
    }

    /// Waits until the observations log is read up to a position.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if that takes too long.
    pub(crate) async fn reach(&self, position: Position) -> Result<(), Failure> {
        let mut known = self.known.clone();
        let reached = known.wait_for(|snapshot| snapshot.position >= position);
        match tokio::time::timeout(READ_PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Failure::new(Class::Unavailable, "stopping", "the service stops")),
            Err(_) => {
                let message = format!("this replica has not read the observations log up to {position} yet");
                Err(Failure::new(Class::Unavailable, "starting", message).retry_after(RETRY_AFTER))
            }
        }
    }

    /// Checks that this replica holds materials.
    ///
    /// # Errors
    /// `share-moved`: another replica has to answer.
    pub(crate) fn check_holds(&self, materials: &BTreeSet<&'static str>) -> Result<(), Failure> {
        let book = self.snapshot()?.book;
        match materials.iter().find(|material| !book.holds(material)) {
            None => Ok(()),
            Some(material) => {
                let message = format!("this replica does not hold {material} any more");
                Err(Failure::new(Class::Unavailable, MOVED, message).retry_after(RETRY_AFTER))
            }
        }
    }

    /// What keeps the service from following its log. `None`: nothing does.
    pub(crate) fn stale(&self) -> Option<LogState> {
        self.followed.stale()
    }

    /// Cancelled when the service stops.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Computes something about a snapshot for a caller, within the caller's limits.
    ///
    /// # Errors
    /// Those of the computation and of the limits.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        identity: &Identity,
        snapshot: Snapshot,
        compute: impl FnOnce(&Snapshot) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.compute_with(identity, snapshot, move |known, _| compute(known)).await
    }

    /// The same, for something that takes long enough to be stopped.
    ///
    /// # Errors
    /// As [`compute`](Self::compute).
    pub(crate) async fn compute_with<T: Send + 'static>(
        &self,
        identity: &Identity,
        snapshot: Snapshot,
        compute: impl FnOnce(&Snapshot, &Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work.run(identity, move |stop| compute(&snapshot, stop)).await
    }
}
