//! How replicas of a service share their work.
//!
//! The work is divided into partitions, whose names all replicas know. Each replica announces itself and what
//! it holds ([`orewatch_eventlog::leases`]), and reads the announcements of all. Which replica should hold
//! which partition follows from who is there ([`Members::assigned`]); nobody is elected. A replica that holds
//! what it should no longer hold goes on until the one that should says that it does.
//!
//! Reading order: [`Record`] (what a member says), `view` (who is there), `keeper` (announces and reads), and
//! [`Sharing`] here, through which a service sees all of it.
mod keeper;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orewatch_contracts::Failure;
use orewatch_eventlog::leases::{Leases, owner};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{ClientTls, Context};
use keeper::Keeper;

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// This run of the process: one that is restarted under the same name is another one.
    pub process: Uuid,
    /// When the process started, in milliseconds since 1970.
    pub started: i64,
    /// Address at which other members reach it, such as `http://10.0.0.7:7070`.
    pub address: String,
    /// The partitions that it holds, and so answers for.
    pub held: BTreeSet<String>,
    /// How far it has come with what it holds, by name.
    pub progress: BTreeMap<String, u64>,
    /// It stops: others may take over at once.
    pub is_leaving: bool,
}

impl Record {
    /// Whether it holds a partition.
    #[must_use]
    pub fn holds(&self, partition: &str) -> bool {
        self.held.contains(partition)
    }

    /// How far it has come, by name; 0 if it does not say.
    #[must_use]
    pub fn progress(&self, name: &str) -> u64 {
        self.progress.get(name).copied().unwrap_or_default()
    }
}

/// The members that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// What they say, by name.
    pub records: BTreeMap<String, Record>,
    /// Which member should hold each partition. Empty if nobody is there.
    pub assigned: BTreeMap<&'static str, String>,
}

/// Opens the leases, in the background and as often as needed.
pub type OpenLeases = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Leases>, Failure>> + Send + Sync>;

/// One replica among those that share their work.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name: its ordinal.
    pub name: String,
    /// Address at which others reach it.
    pub address: String,
    /// TLS of its connections to others.
    pub tls: ClientTls,
}

/// How this replica shares its work with others. Clones are the same.
#[derive(Clone, Debug)]
pub struct Sharing(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    partitions: BTreeSet<&'static str>,
    tls: ClientTls,
    /// What this replica says.
    own: watch::Sender<Record>,
    members: watch::Sender<Arc<Members>>,
    has_joined: watch::Sender<bool>,
    is_settled: watch::Sender<bool>,
}

impl Sharing {
    /// Begins to read who is there. The replica itself is among them once it has [`join`](Self::join)ed.
    #[must_use]
    pub fn start(
        context: &Context,
        open: OpenLeases,
        member: Member,
        partitions: BTreeSet<&'static str>,
    ) -> Self {
        let started = context.clock.now().as_millisecond();
        let Member { name, address, tls } = member;
        let own = Record { process: Uuid::now_v7(), started, address, ..Record::default() };
        let shared = Arc::new(Shared {
            name,
            partitions,
            tls,
            own: watch::Sender::new(own),
            members: watch::Sender::default(),
            has_joined: watch::Sender::new(false),
            is_settled: watch::Sender::new(false),
        });
        context.spawn("leases", Keeper::new(context.clone(), open, Arc::clone(&shared)).run());
        Self(shared)
    }

    /// Announces this replica from now on.
    pub fn join(&self) {
        self.0.has_joined.send_replace(true);
    }

    /// Waits until this replica has joined and knows the others, also those that started with it.
    pub async fn settled(&self) {
        // The sender is part of this value: the wait cannot fail.
        drop(self.0.is_settled.subscribe().wait_for(|is_settled| *is_settled).await);
    }

    /// Name of this replica.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// TLS of connections to others.
    #[must_use]
    pub fn tls(&self) -> &ClientTls {
        &self.0.tls
    }

    /// All partitions.
    #[must_use]
    pub fn partitions(&self) -> &BTreeSet<&'static str> {
        &self.0.partitions
    }

    /// Who is there, now and whenever it changes.
    #[must_use]
    pub fn members(&self) -> watch::Receiver<Arc<Members>> {
        self.0.members.subscribe()
    }

    /// Whether this replica is responsible for a key: for a partition, whether it should hold it; for any
    /// other key, whether it has the highest score of all members. Among all replicas that know the same
    /// members there is exactly one.
    #[must_use]
    pub fn is_responsible(&self, key: &str) -> bool {
        let members = self.0.members.borrow();
        match members.assigned.get(key) {
            Some(member) => *member == self.0.name,
            None => owner(key, members.records.keys().map(String::as_str)) == Some(&*self.0.name),
        }
    }

    /// What this replica says at present.
    #[must_use]
    pub fn record(&self) -> Record {
        self.0.own.borrow().clone()
    }

    /// Changes what this replica says. If something changes, it is announced soon.
    pub fn update(&self, change: impl FnOnce(&mut Record)) {
        self.0.own.send_if_modified(|record| {
            let before = record.clone();
            change(record);
            *record != before
        });
    }
}
