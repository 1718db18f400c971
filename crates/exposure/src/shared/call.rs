//! One call that several replicas answer together: each for the materials that it holds, all as of the same
//! position of the observations log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use tokio::time::{Instant, timeout};
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Response, Status};

use super::peers::{Asker, PassedOn, Peer, Peers};
use super::question::Question;
use crate::grpc::ExposureService;
use crate::grpc::pinned::MOVED;

/// Time for which a call waits for materials that nobody holds: that of a lease, and of taking over.
const HANDOVER: Duration = Duration::from_secs(8);

/// Longest pause before replicas are looked for again.
const PAUSE: Duration = Duration::from_millis(100);

/// Code of a failure because nobody holds a material.
pub(crate) const UNHELD: &str = "share-unheld";

/// Answers by the materials for which they hold.
pub(crate) type Parts<A> = Vec<(BTreeSet<&'static str>, A)>;

/// A call in progress.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    peers: Peers,
    /// This replica. `None`: it asks others only.
    own: Option<ExposureService>,
    position: Position,
    asker: Asker,
    /// What the server knows of the caller.
    extensions: Extensions,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    /// This replica.
    Own,
    /// Another one.
    Other(Peer),
}

impl Call {
    /// A call of a caller that reached this replica, and may make it. Others see the caller's token. Where a
    /// caller has shown none, because its certificate says who it is or nobody is asked, this process asks.
    pub(crate) fn of_caller<T>(
        peers: Peers,
        own: ExposureService,
        position: Position,
        request: &Request<T>,
    ) -> Self {
        let token = request.metadata().get("authorization").cloned();
        let asker = token.map_or(Asker::Process, Asker::Caller);
        Self { peers, own: Some(own), position, asker, extensions: request.extensions().clone() }
    }

    /// A call of this process about materials that it does not hold.
    pub(crate) fn of_process(peers: Peers, position: Position) -> Self {
        Self { peers, own: None, position, asker: Asker::Process, extensions: Extensions::new() }
    }

    /// The call as of another position: that of the first page, for a later one.
    pub(crate) fn with_position(self, position: Position) -> Self {
        Self { position, ..self }
    }

    /// Asks whoever holds a material. The answer is passed through unchanged.
    ///
    /// # Errors
    /// As [`ask_all`](Self::ask_all).
    pub(crate) async fn ask<Q: Question>(
        &self,
        material: &'static str,
        question: Q,
    ) -> Result<Q::Answer, Status> {
        let parts = self.ask_all(BTreeSet::from([material]), |_| question.clone()).await?;
        let answer = parts.into_iter().next().map(|(_, answer)| answer);
        answer.ok_or_else(|| Failure::internal("a question was not asked").into())
    }

    /// Asks this replica, whatever it holds.
    ///
    /// # Errors
    /// Those of the method.
    pub(crate) async fn ask_own<Q: Question>(&self, question: Q) -> Result<Q::Answer, Status> {
        let Some(own) = &self.own else { return Err(Failure::internal("this replica is not asked").into()) };
        let own = own.as_of_position(self.position)?;
        let request = Request::from_parts(MetadataMap::new(), self.extensions.clone(), question);
        Q::ask_own(&own, request).await.map(Response::into_inner)
    }

    /// Asks everybody who holds any of the materials, at the same time. `question` makes the question for the
    /// materials of one replica. Materials that change hands are asked for again.
    ///
    /// # Errors
    /// Those of the replicas, unchanged; `share-unheld` if nobody holds a material for too long.
    pub(crate) async fn ask_all<Q: Question>(
        &self,
        materials: BTreeSet<&'static str>,
        question: impl Fn(&BTreeSet<&'static str>) -> Q + Send + Sync,
    ) -> Result<Parts<Q::Answer>, Status> {
        let deadline = Instant::now() + HANDOVER;
        let (mut open, mut parts) = (materials, Vec::new());
        loop {
            let mut members = self.peers.members();
            let mut asked = Vec::new();
            for (holder, materials) in self.holders(&open) {
                let question = question(&materials);
                asked.push(self.ask_holder(holder, materials, question));
            }
            for (materials, answer) in join_all(asked).await {
                match answer {
                    Ok(answer) => {
                        open.retain(|material| !materials.contains(material));
                        parts.push((materials, answer));
                    }
                    Err(status) if may_pass(&status) => {}
                    Err(status) => return Err(status),
                }
            }
            if open.is_empty() {
                return Ok(parts);
            }
            if Instant::now() >= deadline {
                return Err(unheld(&open).into());
            }
            // Either way, who holds what is looked up again.
            let _changed = timeout(PAUSE, members.changed()).await;
        }
    }

    async fn ask_holder<Q: Question>(
        &self,
        holder: Holder,
        materials: BTreeSet<&'static str>,
        question: Q,
    ) -> (BTreeSet<&'static str>, Result<Q::Answer, Status>) {
        let answer = match holder {
            Holder::Own => self.ask_own(question).await,
            Holder::Other(peer) => {
                let passed_on = PassedOn { position: self.position, materials: materials.clone() };
                self.peers.ask(&peer, &passed_on, &self.asker, question).await
            }
        };
        (materials, answer)
    }

    /// The materials by who holds them, this replica before others. Those that nobody holds are left out.
    fn holders(&self, materials: &BTreeSet<&'static str>) -> BTreeMap<Holder, BTreeSet<&'static str>> {
        let own = self.own.as_ref().and_then(|own| own.snapshot().ok()).map(|snapshot| snapshot.book);
        let mut holders = BTreeMap::<_, BTreeSet<_>>::new();
        for material in materials.iter().copied() {
            let is_own = own.as_ref().is_some_and(|book| book.holds(material));
            let other = || self.peers.holder(material).map(Holder::Other);
            let holder = if is_own { Some(Holder::Own) } else { other() };
            if let Some(holder) = holder {
                holders.entry(holder).or_default().insert(material);
            }
        }
        holders
    }
}

/// Whether a replica could not answer for a reason that another one, or the same a moment later, does not
/// have.
fn may_pass(status: &Status) -> bool {
    // Only a status that was made on this side has a source: the connection failed.
    let is_cut = std::error::Error::source(status).is_some();
    is_cut || matches!(&*Failure::from(status.clone()).code, MOVED | "starting" | "stopping")
}

fn unheld(materials: &BTreeSet<&'static str>) -> Failure {
    let names: Vec<_> = materials.iter().copied().collect();
    let message = format!("no replica holds {} at present", names.join(", "));
    Failure::new(Class::Unavailable, UNHELD, message)
        .retry_after(Duration::from_secs(2))
        .with_hint("try again soon: another replica takes over what a replica that has gone held")
}

/// Whether a status says that nobody holds a material.
pub(crate) fn is_unheld(status: &Status) -> bool {
    Failure::from(status.clone()).code == UNHELD
}
