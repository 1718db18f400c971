//! Turns the responses of a poll into a release, unless they are unchanged.
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, IngestFilesRequest, IngestOutcome, ReleaseState,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};

use super::super::config::Connector;
use super::super::hub::Connectors;
use super::super::poll_machine::PollMachine;
use super::super::{KeptResponse, OnProgress, state};
use super::claim::ActivePoll;
use super::send_note;

/// A poll that is over.
#[derive(Clone, Debug)]
pub struct EndedPoll {
    /// Why it failed. Empty: it succeeded.
    pub problem: String,
    /// Who can act on the problem.
    pub class: Class,
    /// The publisher has nothing new.
    pub unchanged: bool,
    /// Outcomes of its releases.
    pub outcomes: Vec<IngestOutcome>,
    /// Identifiers of the releases.
    pub releases: Vec<String>,
    /// SHA-256 over the rows of its responses.
    pub(super) content: String,
}

impl Default for EndedPoll {
    fn default() -> Self {
        let (problem, content) = (String::new(), String::new());
        let (outcomes, releases) = (Vec::new(), Vec::new());
        Self { problem, class: Class::Unavailable, unchanged: false, outcomes, releases, content }
    }
}

impl Connectors {
    /// Ingests the responses of a poll, unless they have the same rows as those of the last one.
    pub(super) async fn ingest(
        &self,
        active: &ActivePoll<'_>,
        machine: &PollMachine,
        progress: OnProgress<'_>,
    ) -> Result<EndedPoll, Failure> {
        let content = machine.content();
        let (force, started, same) = self.view(&active.connector.name, |record| {
            let open = record.open.as_ref();
            let started = open.map_or_else(|| self.context.clock.now(), |open| open.started_at);
            (open.is_some_and(|open| open.force), started, record.content == content)
        });
        if machine.kept().is_empty() || same && !force {
            let unchanged = !machine.kept().is_empty();
            let what = if unchanged { "has nothing new" } else { "has no rows for the query" };
            send_note(progress, format!("{}: the publisher {what}", active.connector.name));
            return Ok(EndedPoll { unchanged, content, ..EndedPoll::default() });
        }
        let request = release_request(active.connector, machine, started);
        match self.take.ingest(request, progress).await {
            Ok(outcomes) => Ok(ended_poll(outcomes, content)),
            // Retrying would give the same content: the poll ends with the failure as its problem.
            Err(failure)
                if matches!(
                    failure.class,
                    Class::Invalid | Class::NotFound | Class::Refused | Class::Damaged
                ) =>
            {
                let problem = format!("what the publisher sent cannot be ingested: {failure}");
                Ok(EndedPoll {
                    problem: active.scrub(&problem),
                    class: failure.class,
                    ..EndedPoll::default()
                })
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The request to ingest a poll's responses, in order. The vintage is the day of the poll, unless the
/// responses state one.
fn release_request(connector: &Connector, machine: &PollMachine, started: Timestamp) -> IngestFilesRequest {
    let file = |kept: &KeptResponse| ArchivedFile {
        sha256: kept.sha256.clone(),
        name: format!("{}-{:04}.json", connector.name, kept.number),
        // The posted query is in the list of fetches; the address alone identifies the publisher.
        url: kept.request.split(' ').nth(1).unwrap_or_default().to_owned(),
        retrieved_at: Some(timestamp(kept.at)),
        ..ArchivedFile::default()
    };
    let vintage =
        if connector.states_vintage() { String::new() } else { state::utc_day(started).to_string() };
    IngestFilesRequest {
        files: machine.kept().iter().map(file).collect(),
        description: Some(Description {
            dataset: connector.dataset.clone(),
            vintage,
            scope: connector.scope(),
            ..Description::default()
        }),
        max_rejects: Some(connector.max_rejects),
        accept: connector.accept.clone(),
        ..IngestFilesRequest::default()
    }
}

fn ended_poll(outcomes: Vec<IngestOutcome>, content: String) -> EndedPoll {
    let released = outcomes.iter().filter_map(|outcome| outcome.release.as_ref());
    let id = |info: &&_| -> String {
        let info: &orewatch_contracts::ingestion::v1::ReleaseInfo = info;
        info.release.as_ref().map(|release| release.id.clone()).unwrap_or_default()
    };
    let refused: Vec<_> = released
        .clone()
        .filter(|info| info.state() == ReleaseState::Refused)
        .map(|info| format!("release {} was refused: {}", id(&info), info.reason))
        .collect();
    let releases = released.map(|info| id(&info)).collect();
    EndedPoll {
        problem: refused.join("; "),
        class: Class::Refused,
        unchanged: false,
        outcomes,
        releases,
        content,
    }
}
