//! Slots for connections: when all are taken, an idle connection is closed for a new one.
//!
//! A connection without a call costs its peer nothing, so with a plain limit one peer could shut everyone
//! else out. A client whose idle connection is closed connects again with its next call.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Backlog;
use crate::tls::CertificateNames;

/// Time that a connection has to free its slot after it was told to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The slots of a listener. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Slots(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    free: Arc<Semaphore>,
    peers: Mutex<Peers>,
}

#[derive(Debug, Default)]
struct Peers {
    next: u64,
    by_number: BTreeMap<u64, Arc<Peer>>,
}

impl Taken {
    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Taken { free: Arc::new(Semaphore::new(max)), peers: Mutex::default() }))
    }

    /// Takes a slot. If there is none, an idle connection is closed for it. `None`: every connection has a
    /// call in progress.
    pub(super) async fn take(&self) -> Option<Slot> {
        let free = Arc::clone(&self.0.free);
        let permit = match Arc::clone(&free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.close_idle()?;
                tokio::time::timeout(CLOSE_TIMEOUT, free.acquire_owned()).await.ok()?.ok()?
            }
        };
        let peer = Arc::new(Peer::new());
        let mut peers = self.0.peers();
        let number = peers.next;
        peers.next += 1;
        peers.by_number.insert(number, Arc::clone(&peer));
        drop(peers);
        Some(Slot { peer, number, slots: self.clone(), _permit: permit })
    }

    /// Tells an idle connection to close: one that never made a call, or else the one that is idle for
    /// longest.
    fn close_idle(&self) -> Option<()> {
        let peers = self.0.peers();
        let idle = peers.by_number.values().filter_map(|peer| Some((peer.idle()?, peer)));
        let (_, peer) = idle.min_by_key(|(idle, _)| *idle)?;
        peer.close.cancel();
        Some(())
    }
}

/// The slot of one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) peer: Arc<Peer>,
    number: u64,
    slots: Slots,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.0.peers().by_number.remove(&self.number);
    }
}

/// A connection from the view of its calls.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Bytes that wait on it.
    pub(crate) backlog: Arc<Backlog>,
    /// Names of the client certificate that it showed. Not set: it showed none.
    certificate: OnceLock<CertificateNames>,
    calls: Mutex<Calls>,
    close: CancellationToken,
}

#[derive(Debug)]
struct Calls {
    under_way: usize,
    /// Whether it ever made a call.
    any: bool,
    /// When the last call ended, or the connection was made.
    since: Instant,
}

impl Peer {
    fn new() -> Self {
        let calls = Calls { under_way: 0, any: false, since: Instant::now() };
        Self {
            backlog: Arc::default(),
            certificate: OnceLock::new(),
            calls: Mutex::new(calls),
            close: CancellationToken::new(),
        }
    }

    /// The names of its client certificate. `None`: it showed none.
    pub(crate) fn certificate(&self) -> Option<&CertificateNames> {
        self.certificate.get()
    }

    /// Notes the names of its client certificate, which was verified.
    pub(super) fn set_certificate(&self, names: CertificateNames) {
        let _set_once = self.certificate.set(names);
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it ever made a call, and since when it is idle. `None`: a call is in progress, or it was told
    /// to close already.
    fn idle(&self) -> Option<(bool, Instant)> {
        let calls = self.calls();
        let is_idle = calls.under_way == 0 && !self.close.is_cancelled();
        is_idle.then_some((calls.any, calls.since))
    }

    /// Registers a call of an identified caller. While it is in progress the connection is not closed for
    /// another.
    pub(crate) fn call(self: &Arc<Self>) -> UnderWay {
        let mut calls = self.calls();
        calls.under_way += 1;
        calls.any = true;
        drop(calls);
        UnderWay(Arc::clone(self))
    }

    /// Whether it was told to close.
    pub(super) fn is_closed(&self) -> bool {
        self.close.is_cancelled()
    }

    /// Resolves when it is told to close.
    pub(super) fn closed(&self) -> WaitForCancellationFutureOwned {
        self.close.clone().cancelled_owned()
    }
}

/// A call in progress.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Peer>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut calls = self.0.calls();
        calls.under_way = calls.under_way.saturating_sub(1);
        calls.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_for_a_new_one() {
        let slots = Slots::new(3);
        let (called, idle, silent) =
            (slots.take().await.unwrap(), slots.take().await.unwrap(), slots.take().await.unwrap());
        let call = called.peer.call();
        drop(idle.peer.call());
        let told = silent.peer.closed();
        let (new, ()) = tokio::join!(slots.take(), async {
            told.await;
            drop(silent);
        });
        let _new_call = new.as_ref().unwrap().peer.call();
        assert!(!called.peer.is_closed() && !idle.peer.is_closed());
        let told = idle.peer.closed();
        let (newer, ()) = tokio::join!(slots.take(), async {
            told.await;
            drop(idle);
        });
        let _newer_call = newer.as_ref().unwrap().peer.call();
        assert!(slots.take().await.is_none(), "each has a call");
        drop(call);
        assert!(slots.take().await.is_none(), "it does not close in time");
        assert!(called.peer.is_closed());
        drop(called);
        assert!(slots.take().await.is_some());
    }
}
