//! Announces this replica, and reads who is there, until the process stops.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Error;
use orewatch_eventlog::leases::{Leases, assign};
use tokio::time::{Instant, sleep};

use super::view::{LEASE, View};
use super::{Members, OpenLeases, Record, Shared};
use crate::Context;

/// Interval of announcements that say the same.
const RENEWAL: Duration = Duration::from_secs(1);

/// Interval at which announcements are read.
const READING: Duration = Duration::from_millis(500);

/// Least time between two announcements that say something new.
const TICK: Duration = Duration::from_millis(100);

/// Time after joining at which all replicas that started together have seen each other.
const SETTLING: Duration = Duration::from_secs(2);

/// Pause before leases that cannot be opened are opened again.
const OPENING_PAUSE: Duration = Duration::from_secs(1);

/// Number of announcements of another process under our name from which on that is no accident, such as one
/// that ends while its successor starts.
const MAX_STRANGERS: u32 = 4;

/// Keeps the leases of this replica.
pub(super) struct Keeper {
    context: Context,
    open: OpenLeases,
    shared: Arc<Shared>,
    view: View,
    /// The last announcement: when, its revision, and what it said.
    announced: Option<(Instant, u64, Record)>,
    /// When announcements were read last.
    read: Option<Instant>,
    /// When this replica was announced first.
    joined: Option<Instant>,
    /// Announcements cannot be read at present.
    is_blind: bool,
    /// This replica cannot be announced at present.
    is_mute: bool,
    /// Number of announcements under our name that are not ours.
    strangers: u32,
}

impl Keeper {
    pub(super) fn new(context: Context, open: OpenLeases, shared: Arc<Shared>) -> Self {
        let view = View::default();
        let (announced, read, joined) = (None, None, None);
        let (is_blind, is_mute) = (false, false);
        Self { context, open, shared, view, announced, read, joined, is_blind, is_mute, strangers: 0 }
    }

    /// Runs until the shutdown.
    ///
    /// # Errors
    /// The store of leases is not set up as it must be or not permitted when the process starts; another
    /// process has our name.
    pub(super) async fn run(mut self) -> Result<(), Failure> {
        let shutdown = self.context.shutdown.clone();
        let leases = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            leases = self.opened() => leases?,
        };
        loop {
            let step = async {
                self.step(&*leases).await?;
                sleep(TICK).await;
                Ok::<_, Failure>(())
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                done = step => done?,
            }
        }
        self.leave(&*leases).await;
        Ok(())
    }

    async fn opened(&self) -> Result<Arc<dyn Leases>, Failure> {
        loop {
            match (self.open)().await {
                Ok(leases) => return Ok(leases),
                Err(failure) if failure.class == Class::Misconfigured => return Err(failure),
                Err(failure) => tracing::warn!(%failure, "the leases cannot be opened; trying again"),
            }
            sleep(OPENING_PAUSE).await;
        }
    }

    async fn step(&mut self, leases: &dyn Leases) -> Result<(), Failure> {
        let now = Instant::now();
        let has_joined = *self.shared.has_joined.borrow();
        let record = self.shared.own.borrow().clone();
        let is_old = |at: Instant, interval| now.saturating_duration_since(at) >= interval;
        let is_due = has_joined && self.announced.as_ref().is_none_or(|(at, ..)| is_old(*at, RENEWAL));
        // Our record is read before it is replaced: this is when another process with our name is seen.
        if is_due || self.read.is_none_or(|at| is_old(at, READING)) {
            self.read_all(leases, now).await?;
        }
        let is_new = has_joined && self.announced.as_ref().is_none_or(|(.., said)| *said != record);
        if is_due || is_new {
            self.announce(leases, record, now).await?;
        }
        Ok(())
    }

    async fn announce(&mut self, leases: &dyn Leases, record: Record, now: Instant) -> Result<(), Failure> {
        match leases.announce(&self.shared.name, encode(&record)?, LEASE).await {
            Ok(revision) => {
                if std::mem::take(&mut self.is_mute) {
                    tracing::info!("this replica is announced again");
                }
                self.joined.get_or_insert(now);
                self.announced = Some((now, revision, record));
            }
            Err(error) => {
                bear(&error, self.announced.is_none())?;
                if !std::mem::replace(&mut self.is_mute, true) {
                    tracing::warn!(%error, "this replica cannot be announced");
                }
            }
        }
        Ok(())
    }

    async fn read_all(&mut self, leases: &dyn Leases, now: Instant) -> Result<(), Failure> {
        let is_first = self.read.replace(now).is_none();
        let found = match leases.announcements().await {
            Ok(found) => found,
            Err(error) => {
                bear(&error, is_first)?;
                if !std::mem::replace(&mut self.is_blind, true) {
                    tracing::warn!(%error, "the announcements of replicas cannot be read");
                }
                return Ok(());
            }
        };
        if std::mem::take(&mut self.is_blind) {
            tracing::info!("the announcements of replicas are read again");
            self.view.renew_all(now);
        }
        self.view.observe(now, found);
        self.check_name()?;
        self.publish();
        if self.joined.is_some_and(|joined| now.saturating_duration_since(joined) >= SETTLING) {
            self.shared.is_settled.send_if_modified(|is_settled| !std::mem::replace(is_settled, true));
        }
        Ok(())
    }

    /// Notices another process with our name. The one that started later ends.
    fn check_name(&mut self) -> Result<(), Failure> {
        let (Some((revision, record)), Some((_, ours, own))) =
            (self.view.last_of(&self.shared.name), self.announced.as_ref())
        else {
            return Ok(());
        };
        if record.process == own.process || revision < *ours {
            return Ok(());
        }
        let (name, address) = (self.shared.name.clone(), record.address.clone());
        let was_first = (own.started, own.process) < (record.started, record.process);
        self.strangers = self.strangers.saturating_add(1);
        tracing::warn!(member = name, address, "another process announces itself under the name of this one");
        if was_first || self.strangers < MAX_STRANGERS {
            return Ok(());
        }
        let message = format!("the process at {address} has the ordinal {name}, as this one has");
        Err(Failure::new(Class::Misconfigured, "ordinal-taken", message)
            .with_hint("give each process of a service an ordinal of its own with --ordinal")
            .at("ordinal", name))
    }

    /// Publishes who is there, if that has changed.
    fn publish(&self) {
        let records = self.view.records();
        let names: BTreeSet<String> = records.keys().cloned().collect();
        let assigned = assign(&self.shared.partitions, &names);
        let found = Arc::new(Members { records, assigned });
        self.shared.members.send_if_modified(|members| {
            let has_changed = *members != found;
            if has_changed {
                *members = found;
            }
            has_changed
        });
    }

    /// Says that this replica stops.
    async fn leave(&self, leases: &dyn Leases) {
        if self.announced.is_none() {
            return;
        }
        let record = Record { is_leaving: true, ..self.shared.own.borrow().clone() };
        let Ok(record) = encode(&record) else { return };
        if let Err(error) = leases.announce(&self.shared.name, record, LEASE).await {
            tracing::debug!(%error, "others notice only later that this replica has left");
        }
    }
}

/// What is in the way of leases ends the process only when it starts, and only if waiting does not help.
/// Later, what the process holds stays held: others take over what they do not see renewed, and the
/// expectations of appends decide whose result counts.
fn bear(error: &Error, is_first: bool) -> Result<(), Failure> {
    let is_setup = matches!(error, Error::NotPermitted { .. } | Error::Misconfigured { .. });
    if is_first && is_setup { Err(error.clone().into()) } else { Ok(()) }
}

fn encode(record: &Record) -> Result<bytes::Bytes, Failure> {
    let encoded = serde_json::to_vec(record);
    encoded.map(Into::into).map_err(|error| Failure::internal(format!("a lease cannot be written: {error}")))
}
