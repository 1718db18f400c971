//! A log whose content of tenants is sealed.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::ingestion::v1::{ObservationEventKind, ReleaseOpened};
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, Item, Items, NewEvent, NewEvents, PassedOver, Position,
    SkippedPositions, StreamName, Unfinished, history,
};
use prost::Message as _;
use uuid::Uuid;

use super::event;
use crate::keys::{Found, TenantKeyError, TenantKeys};

/// Upper bound on the streams whose tenants are remembered.
const MAX_REMEMBERED: usize = 4_096;

/// Seals what is appended to the streams of tenants' releases, and opens it for readers. Everything else is
/// passed on to the wrapped log.
///
/// Whose a stream is follows from its first event, `ReleaseOpened`, so that nobody who appends can forget to
/// seal. Content whose key was destroyed, or that this process has no key file for, is passed on sealed. A
/// key that should be there and is not makes the log one that is away: its followers wait, and go on by
/// themselves.
#[derive(Debug)]
pub struct SealedLog {
    log: Arc<dyn EventLog>,
    keys: TenantKeys,
    /// Tenants of release streams, empty for everyone's.
    tenants: Mutex<BTreeMap<StreamName, Arc<str>>>,
}

/// What is known of an append while its events are sealed.
#[derive(Debug, Default)]
struct Sealing {
    /// The key of the events before.
    key: Option<Uuid>,
    /// Why an event cannot be sealed, and the event.
    failed: Option<(Error, NewEvent)>,
}

impl SealedLog {
    /// Wraps a log.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, keys: TenantKeys) -> Arc<Self> {
        Arc::new(Self { log, keys, tenants: Mutex::default() })
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<StreamName, Arc<str>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, stream: &StreamName, opened: ReleaseOpened) -> Arc<str> {
        let tenant: Arc<str> = opened.release.unwrap_or_default().tenant.into();
        let mut tenants = self.tenants();
        if tenants.len() >= MAX_REMEMBERED {
            tenants.clear();
        }
        tenants.insert(stream.clone(), Arc::clone(&tenant));
        tenant
    }

    /// The tenant whose release a stream has. Empty: it is everyone's.
    async fn tenant_of(&self, stream: &StreamName) -> Result<Arc<str>, Error> {
        let known = self.tenants().get(stream).cloned();
        if let Some(tenant) = known {
            return Ok(tenant);
        }
        let mut events = history(&*self.log, Filter::Under(stream.clone()), 0);
        while let Some(event) = events.try_next().await? {
            if event.stream == *stream && is_opening(&event.kind) {
                return Ok(self.remember(stream, event.message()?));
            }
        }
        let reason = "no event of it says whose release it has".to_owned();
        Err(Error::Invalid { stream: stream.to_string(), reason })
    }

    /// An event as it is stored, and the key that it is sealed with.
    async fn seal(&self, stream: &StreamName, event: &NewEvent) -> Result<(NewEvent, Option<Uuid>), Error> {
        let invalid = |reason: String| Error::Invalid { stream: stream.to_string(), reason };
        if is_opening(&event.kind) {
            let opened =
                ReleaseOpened::decode(event.data.clone()).map_err(|error| invalid(error.to_string()))?;
            self.remember(stream, opened);
        }
        if !event::is_sealable(&event.kind) {
            return Ok((event.clone(), None));
        }
        let tenant = self.tenant_of(stream).await?;
        if tenant.is_empty() {
            return Ok((event.clone(), None));
        }
        if self.keys.is_missing() {
            return Err(self.keyless());
        }
        let current = self.keys.current_or_new(&tenant).await.map_err(|error| self.away(&error))?;
        let Some(current) = current else { return Ok((event.clone(), None)) };
        let sealed = event::seal(event, &current).map_err(invalid)?;
        Ok((sealed, Some(current.id)))
    }

    /// Appends events as they come, each sealed before.
    async fn append_sealed(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &mut NewEvents<'_>,
    ) -> Result<Position, Unfinished> {
        let sealing = Mutex::new(Sealing::default());
        let seal = |event: NewEvent| {
            let sealing = &sealing;
            async move {
                let sealed = self.seal(stream, &event).await;
                let mut sealing = sealing.lock().unwrap_or_else(PoisonError::into_inner);
                match sealed.and_then(|(sealed, key)| sealing.check(self.name(), key).map(|()| sealed)) {
                    Ok(sealed) => Some(sealed),
                    Err(error) => {
                        sealing.failed = Some((error, event));
                        None
                    }
                }
            }
        };
        let sealed = events.then(seal).take_while(|event| future::ready(event.is_some()));
        let mut sealed = sealed.filter_map(future::ready).boxed();
        let appended = self.log.append_in_order(stream, expected, &mut sealed).await;
        drop(sealed);
        let failed = sealing.into_inner().unwrap_or_else(PoisonError::into_inner).failed;
        match (appended, failed) {
            (Ok(position), None) => Ok(position),
            (Ok(last), Some((error, event))) => Err(Unfinished { error, last, rest: vec![event] }),
            (Err(unfinished), failed) => {
                Err(self.opened_again(unfinished, failed.map(|(_, event)| event)).await)
            }
        }
    }

    /// What is left of an append, as it was given. `failed` was taken and not sealed.
    async fn opened_again(&self, unfinished: Unfinished, failed: Option<NewEvent>) -> Unfinished {
        let Unfinished { mut error, last, rest: sealed } = unfinished;
        let mut rest = Vec::with_capacity(sealed.len());
        for event in sealed {
            match self.open_again(event).await {
                Ok(event) => rest.push(event),
                Err(why) => error = why,
            }
        }
        rest.extend(failed);
        Unfinished { error, last, rest }
    }

    async fn open_again(&self, event: NewEvent) -> Result<NewEvent, Error> {
        let broken = |reason: String| self.unavailable(format!("an event does not open: {reason}"));
        let Some((sealed, key)) = event::sealed(&event.kind, &event.data).map_err(broken)? else {
            return Ok(event);
        };
        match self.keys.find(key).await.map_err(|error| self.away(&error))? {
            Found::Key(key) => {
                let data = event::open(event.id, &sealed, &key).map_err(|error| broken(error.to_string()))?;
                Ok(NewEvent { data, ..event })
            }
            Found::Withheld => Err(self.unavailable(ERASED_MEANWHILE.to_owned())),
        }
    }

    fn away(&self, error: &TenantKeyError) -> Error {
        self.unavailable(error.to_string())
    }

    fn unavailable(&self, reason: String) -> Error {
        unavailable(self.name(), reason)
    }

    fn keyless(&self) -> Error {
        let reason = "content of tenants is sealed on it, and this service has no key file: start it with \
                      --keys-file"
            .to_owned();
        Error::Misconfigured { log: self.name().to_owned(), reason }
    }
}

/// Why an append cannot go on.
const ERASED_MEANWHILE: &str = "the tenant was erased meanwhile";

impl Sealing {
    /// Refuses to go on with another key: what was sealed before is erased.
    fn check(&mut self, log: &str, key: Option<Uuid>) -> Result<(), Error> {
        match (self.key, key) {
            (Some(before), Some(key)) if before != key => Err(unavailable(log, ERASED_MEANWHILE.to_owned())),
            (before, key) => {
                self.key = key.or(before);
                Ok(())
            }
        }
    }
}

fn unavailable(log: &str, reason: String) -> Error {
    Error::Unavailable { log: log.to_owned(), reason, outcome_unknown: false }
}

fn is_opening(kind: &str) -> bool {
    kind == ObservationEventKind::ReleaseOpened.name()
}

/// Opens an item that was read.
async fn open(item: Item, keys: &TenantKeys) -> Result<Item, Error> {
    let Item::Event(event) = item else { return Ok(item) };
    if event.kind == ObservationEventKind::TenantErased.name() {
        keys.forget();
    }
    let sealed = event::sealed(&event.kind, &event.data);
    let Some((sealed, key)) = sealed.map_err(|reason| Error::corrupt(&event, reason))? else {
        return Ok(Item::Event(event));
    };
    let away = |error: TenantKeyError| unavailable(event.stream.log(), error.to_string());
    let found = keys.find(key).await.map_err(away)?;
    event::opened(event, &sealed, &found).map(Item::Event)
}

impl EventLog for SealedLog {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        if self.keys.is_off() {
            return self.log.append(stream, expected, events);
        }
        async move {
            let (mut all, mut sealing) = (Vec::with_capacity(events.len()), Sealing::default());
            for event in &events {
                let (sealed, key) = self.seal(stream, event).await?;
                sealing.check(self.name(), key)?;
                all.push(sealed);
            }
            self.log.append(stream, expected, all).await
        }
        .boxed()
    }

    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        if self.keys.is_off() {
            return self.log.append_in_order(stream, expected, events);
        }
        async move {
            if expected > 0 {
                let unknown = |error| Unfinished { error, last: expected, rest: Vec::new() };
                if self.tenant_of(stream).await.map_err(unknown)?.is_empty() {
                    return self.log.append_in_order(stream, expected, events).await;
                }
            }
            self.append_sealed(stream, expected, events).await
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        // A reader ends after an error, also after one that opening an event adds.
        let begun = (self.log.read(filter, after), self.keys.clone(), false);
        let next = |(mut items, keys, is_over): (Items, TenantKeys, bool)| async move {
            if is_over {
                return None;
            }
            let item = match items.next().await? {
                Ok(item) => open(item, &keys).await,
                Err(error) => Err(error),
            };
            let is_over = item.is_err();
            Some((item, (items, keys, is_over)))
        };
        stream::unfold(begun, next).boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }

    fn passed_over(&self) -> PassedOver {
        self.log.passed_over()
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        self.log.skipped()
    }

    fn look_for_skip(&self, position: Position) -> BoxFuture<'_, Result<bool, Error>> {
        self.log.look_for_skip(position)
    }
}
