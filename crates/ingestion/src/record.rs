//! Records the chunks of an open release: those of a foreign client and those of the service's own readers alike.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_eventlog::{Error, StreamName};
use orewatch_runtime::{Class, Failure};

use crate::commands::find;
use crate::decide::{self, Decision};
use crate::evolve::Head;
use crate::fact::Fact;
use crate::validate;
use crate::work::{Keeper, digest};

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

    /// Checks a chunk and appends it; true if it was there already.
    pub(crate) async fn record(&mut self, rows: Rows) -> Result<bool, Failure> {
        let fact = match rows {
            Rows::Observations(chunk) => {
                validate::observations(&self.head.release, &chunk)?;
                Fact::Recorded(chunk)
            }
            Rows::Quarantine(chunk) => {
                validate::quarantine(&chunk)?;
                Fact::Quarantined(chunk)
            }
        };
        self.store(fact).await
    }

    /// Appends a chunk that was checked when it was recorded first.
    pub(crate) async fn again(&mut self, fact: Fact) -> Result<bool, Failure> {
        self.store(fact).await
    }

    async fn store(&mut self, fact: Fact) -> Result<bool, Failure> {
        let digest = digest(&fact);
        for _ in 0..ATTEMPTS {
            let decision = decide::record(&self.head, fact.clone(), digest)?;
            let Decision::Append(fact, attempt) = decision else { return Ok(true) };
            match self.keeper.append(&self.stream, self.head.last, &fact, attempt).await {
                Ok(position) => {
                    self.head.recorded(&fact, digest, position);
                    return Ok(false);
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
