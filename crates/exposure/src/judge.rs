//! Judges claims where replicas share the work.
//!
//! A verdict may rest on figures of several materials. The replica that holds the partition [`CLAIMS`] waits
//! until the figures of a revision are published, whoever publishes them, asks the others for the figures of
//! the materials that it does not hold, and appends the verdicts that differ.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::CheckClaimsRequest;
use orewatch_eventlog::Position;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::book::{Book, Holding};
use crate::claims::Elsewhere;
use crate::decide::CLAIMS;
use crate::evolve::BookRevision;
use crate::publisher::Publisher;
use crate::shared::call::Call;
use crate::shared::peers::{APPLIED, Peers};
use crate::snapshot::WorkerProgress;

/// Pause before other replicas are asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Claims that are asked for at a time: each answer has some tens of readings for each.
const CLAIMS_AT_ONCE: usize = 100;

/// Something to judge.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// The verdicts that a revision changes.
    Revision(Arc<BookRevision>),
    /// Nothing: no revision up to this position of the observations log is left.
    UpTo(Position),
}

/// Judges claims, if this replica does that for all.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    peers: Peers,
    shutdown: CancellationToken,
}

impl Judge {
    pub(crate) fn new(peers: Peers, shutdown: CancellationToken) -> Self {
        Self { peers, shutdown }
    }

    /// Judges until the shutdown, or until nothing more comes.
    ///
    /// # Errors
    /// Those of the log. Other replicas are asked until they answer.
    pub(crate) async fn run(
        &self,
        mut publisher: Publisher,
        mut queue: mpsc::Receiver<Judgement>,
        holding: &watch::Sender<Holding>,
        progress: &watch::Sender<WorkerProgress>,
    ) -> Result<(), Failure> {
        while let Some(judgement) = queue.recv().await {
            let judges = holding.borrow().includes(CLAIMS);
            let judged = match judgement {
                Judgement::UpTo(position) => position,
                Judgement::Revision(revision) => {
                    let judging = async {
                        if judges { self.judge(&mut publisher, &revision, progress).await } else { Ok(()) }
                    };
                    tokio::select! {
                        biased;
                        () = self.shutdown.cancelled() => return Ok(()),
                        done = judging => done?,
                    }
                    revision.moment.position
                }
            };
            progress.send_modify(|progress| {
                progress.judged = progress.judged.max(judged);
                progress.published = progress.published.max(publisher.published());
            });
        }
        Ok(())
    }

    async fn judge(
        &self,
        publisher: &mut Publisher,
        revision: &Arc<BookRevision>,
        progress: &watch::Sender<WorkerProgress>,
    ) -> Result<(), Failure> {
        if !revision.new.ever_had_claims() {
            return Ok(());
        }
        let Some(claims) = publisher.claims_to_judge(revision).await? else { return Ok(()) };
        let position = revision.moment.position;
        self.until_applied(position, &revision.new, progress).await;
        let elsewhere = loop {
            match self.ask(&claims, position, &revision.new).await {
                Ok(elsewhere) => break elsewhere,
                Err(failure) => tracing::warn!(%failure, "other replicas cannot be asked about claims"),
            }
            tokio::time::sleep(PAUSE).await;
        };
        publisher.judge(revision, claims, elsewhere).await
    }

    /// Waits until the figures of all materials are published up to a position.
    async fn until_applied(&self, position: Position, book: &Book, own: &watch::Sender<WorkerProgress>) {
        let (mut members, mut own) = (self.peers.members(), own.subscribe());
        let sharing = self.peers.sharing();
        loop {
            let applied = own.borrow_and_update().applied;
            let is_applied = {
                let members = members.borrow_and_update();
                let holds = |material: &str| {
                    let mut others = members.records.iter().filter(|(name, _)| *name != sharing.name());
                    (book.holds(material) && applied >= position)
                        || others
                            .any(|(_, record)| record.holds(material) && record.progress(APPLIED) >= position)
                };
                sharing.partitions().iter().all(|partition| *partition == CLAIMS || holds(partition))
            };
            if is_applied {
                return;
            }
            tokio::select! {
                // Both senders live as long as the process.
                _alive = members.changed() => {}
                _alive = own.changed() => {}
            }
        }
    }

    /// Asks the others about claims: for the figures of the materials that this replica does not hold.
    async fn ask(
        &self,
        claims: &BTreeSet<String>,
        position: Position,
        book: &Book,
    ) -> Result<Elsewhere, Failure> {
        let partitions = self.peers.sharing().partitions().iter().copied();
        let missing: BTreeSet<_> =
            partitions.filter(|partition| *partition != CLAIMS && !book.holds(partition)).collect();
        let call = Call::of_process(self.peers.clone(), position);
        let mut elsewhere = Elsewhere::default();
        let claims: Vec<_> = claims.iter().cloned().collect();
        for some in claims.chunks(CLAIMS_AT_ONCE) {
            let question = CheckClaimsRequest { claims: some.to_vec(), ..CheckClaimsRequest::default() };
            for (materials, answer) in call.ask_all(missing.clone(), |_| question.clone()).await? {
                elsewhere.add(materials, answer);
            }
        }
        Ok(elsewhere)
    }
}
