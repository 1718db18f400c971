//! Whose turn it is, where replicas share the work.
//!
//! Every replica folds both logs, so that each can answer everything and take over at once. What is computed
//! and sent is divided: the evaluation of a release by its material, that of changed rules and of time as one
//! part, messages by their subscription, attempts to deliver them by their receiver. Whoever has the turn
//! records what follows, and the others fold it. Nothing depends on that but who does the work: if two
//! replicas both think that it is their turn, the expectations of their appends decide, as without sharing.
//! If the one whose turn it is does nothing for long although it is there, the others do it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use orewatch_runtime::{Members, Sharing};
use tokio::sync::watch;
use tokio::time::Instant;

/// The part of the work that is about rules and time, and not about one material.
pub(crate) const RULES: &str = "rules";

/// Time after which work is done whose turn it is another replica's.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Upper bound on what is remembered as left to others. Beyond it, all begin to wait anew.
const MAX_LEFT: usize = 10_000;

/// Says whose turn it is. Without replicas that share the work, it is always one's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    shared: Option<(Sharing, watch::Receiver<Arc<Members>>)>,
    /// What was left to others, and since when.
    left: BTreeMap<String, Instant>,
}

impl Turns {
    /// Turns among the replicas that share the work.
    pub(crate) fn new(sharing: Option<Sharing>) -> Self {
        let shared = sharing.map(|sharing| {
            let members = sharing.members();
            (sharing, members)
        });
        Self { shared, left: BTreeMap::new() }
    }

    /// Whether replicas share the work.
    pub(crate) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// This replica can take turns from now on.
    pub(crate) fn join(&self) {
        if let Some((sharing, _)) = &self.shared {
            sharing.join();
        }
    }

    /// Whether something about a key is to be done by this replica now.
    pub(crate) fn is_own(&mut self, key: &str, what: &str) -> bool {
        let Some((sharing, _)) = &self.shared else { return true };
        if sharing.is_responsible(key) {
            self.left.remove(what);
            return true;
        }
        if self.left.len() >= MAX_LEFT {
            self.left.clear();
        }
        self.left.entry(what.to_owned()).or_insert_with(Instant::now).elapsed() >= PATIENCE
    }

    /// Forgets what is no longer to be done.
    pub(crate) fn keep(&mut self, still_due: &BTreeSet<String>) {
        self.left.retain(|what, _| still_due.contains(what));
    }

    /// Waits until other replicas may have the turn, or until what was left to others has waited for long.
    pub(crate) async fn changed(&mut self) {
        let first = self.left.values().min().copied();
        let Some((_, members)) = &mut self.shared else { return std::future::pending().await };
        let late = async {
            match first {
                Some(first) => tokio::time::sleep_until(first + PATIENCE).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The sender lives as long as the process.
            _alive = members.changed() => {}
            () = late => {}
        }
    }
}

/// The parts that evaluations are divided into: the materials.
#[must_use]
pub fn partitions() -> BTreeSet<&'static str> {
    orewatch_catalog::materials().iter().map(|material| material.id).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use orewatch_eventlog::leases::{Leases, LocalLeases};
    use orewatch_runtime::{ClientTls, Context, Member, OpenLeases, SystemClock};
    use tonic_health::server::HealthReporter;

    use super::*;

    const RELEASE: &str = "release 7";

    fn sharing(leases: &Arc<LocalLeases>, name: &str) -> Sharing {
        let context = Context::new(Arc::new(SystemClock), HealthReporter::new());
        let leases = Arc::clone(leases) as Arc<dyn Leases>;
        let open: OpenLeases = Box::new(move || {
            let leases = Arc::clone(&leases);
            async move { Ok(leases) }.boxed()
        });
        let tls = ClientTls::new(None, None, Arc::new(SystemClock));
        let member = Member { name: name.to_owned(), address: String::new(), tls };
        Sharing::start(&context, open, member, partitions())
    }

    /// How many have the turn.
    fn own(turns: &mut [Turns]) -> usize {
        turns.iter_mut().filter_map(|turns| turns.is_own("cobalt", RELEASE).then_some(())).count()
    }

    #[test]
    fn alone_it_is_always_ones_own_turn() {
        let mut turns = Turns::default();
        assert!(turns.is_own("cobalt", RELEASE) && !turns.are_shared());
    }

    #[tokio::test(start_paused = true)]
    async fn one_replica_has_the_turn_and_the_other_helps_if_nothing_comes_of_it() {
        let leases = Arc::default();
        let sharings = ["0", "1"].map(|name| sharing(&leases, name));
        let mut turns = sharings.clone().map(|sharing| Turns::new(Some(sharing)));
        turns.iter().for_each(Turns::join);
        for sharing in &sharings {
            sharing.settled().await;
        }
        let began = Instant::now();
        assert_eq!(own(&mut turns), 1);
        while own(&mut turns) == 1 {
            let [one, other] = &mut turns;
            tokio::select! {
                () = one.changed() => {}
                () = other.changed() => {}
            }
        }
        assert_eq!((own(&mut turns), began.elapsed() >= PATIENCE), (2, true));
        turns.iter_mut().for_each(|turns| turns.keep(&BTreeSet::new()));
        assert_eq!(own(&mut turns), 1, "what is done is forgotten");
    }
}
