//! What the answers of a poll become: a release, or nothing new.
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{
    ArchivedFile, Description, IngestFilesRequest, IngestOutcome, ReleaseState,
};
use orewatch_runtime::{Class, Failure};

use super::super::config::Connector;
use super::super::course::Course;
use super::super::hub::Connectors;
use super::super::{Kept, Tell, state, written};
use super::say;
use super::turn::Hand;

/// A poll that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Why it gave up. Empty: it ended well.
    pub problem: String,
    /// Who can do something about that.
    pub class: Class,
    /// The publisher has nothing new.
    pub unchanged: bool,
    /// What its answers became.
    pub outcomes: Vec<IngestOutcome>,
    /// Identifiers of the releases.
    pub releases: Vec<String>,
    /// SHA-256 of what the answers said.
    pub(super) content: String,
}

impl Default for Ended {
    fn default() -> Self {
        let (problem, content) = (String::new(), String::new());
        let (outcomes, releases) = (Vec::new(), Vec::new());
        Self { problem, class: Class::Unavailable, unchanged: false, outcomes, releases, content }
    }
}

impl Connectors {
    /// Has the answers of a poll read, unless they say what those of the last one said.
    pub(super) async fn ingest(
        &self,
        hand: &Hand<'_>,
        course: &Course,
        tell: Tell<'_>,
    ) -> Result<Ended, Failure> {
        let content = course.content();
        let (force, started, same) = self.view(&hand.connector.name, |record| {
            let open = record.open.as_ref();
            let started = open.map_or_else(|| self.context.clock.now(), |open| open.started_at);
            (open.is_some_and(|open| open.force), started, record.content == content)
        });
        if course.kept().is_empty() || same && !force {
            let unchanged = !course.kept().is_empty();
            let what = if unchanged { "has nothing new" } else { "has no row of what is asked for" };
            say(tell, format!("{}: the publisher {what}", hand.connector.name));
            return Ok(Ended { unchanged, content, ..Ended::default() });
        }
        let request = release(hand.connector, course, started);
        match self.take.ingest(request, tell).await {
            Ok(outcomes) => Ok(ended(outcomes, content)),
            // What the publisher sent cannot be read: the same again would not change that.
            Err(failure)
                if matches!(
                    failure.class,
                    Class::Invalid | Class::NotFound | Class::Refused | Class::Damaged
                ) =>
            {
                let problem = format!("what the publisher sent cannot be ingested: {failure}");
                Ok(Ended { problem: hand.scrub(&problem), class: failure.class, ..Ended::default() })
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The release that a poll's answers make, in their order. Its vintage is the day of the poll, unless the publisher says in its
/// answers which it is.
fn release(connector: &Connector, course: &Course, started: Timestamp) -> IngestFilesRequest {
    let file = |kept: &Kept| ArchivedFile {
        sha256: kept.sha256.clone(),
        name: format!("{}-{:04}.json", connector.name, kept.number),
        // What is posted is in the request log; the address alone is one.
        url: kept.request.split(' ').nth(1).unwrap_or_default().to_owned(),
        retrieved_at: Some(written(kept.at)),
    };
    let vintage = if connector.says_vintage() { String::new() } else { state::day(started).to_string() };
    IngestFilesRequest {
        files: course.kept().iter().map(file).collect(),
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

fn ended(outcomes: Vec<IngestOutcome>, content: String) -> Ended {
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
    Ended {
        problem: refused.join("; "),
        class: Class::Refused,
        unchanged: false,
        outcomes,
        releases,
        content,
    }
}
