//! The keys of tenants in their place: the table, which processes share, and the key file, which each is
//! given.
//!
//! A process uses what it read of the table for [`MAX_AGE`] at most. So no process seals or opens with a key
//! any more when [`FORGOTTEN_AFTER`] has passed since the key was destroyed. The key file is read again with
//! the table: a mounted secret may change while a process runs.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use uuid::{Builder, Uuid};

use super::{KEY_BYTES, KeyError, KeyTable, MasterKeys, SealingKey, TenantKey};
use crate::{Location, Store, StoreError, Version};

/// Name of the object with the table.
const OBJECT: &str = "tenants.json";

/// Age from which the table is read again before it is used.
const FRESH: Duration = Duration::from_secs(2);

/// Age up to which the table is used while its place is away.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Time after which no process has a destroyed key in use any more.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(6);

/// Time in which the place of the table has to answer.
const TABLE_TIMEOUT: Duration = Duration::from_secs(3);

/// Upper bound on attempts to replace the table while others replace it.
const MAX_ATTEMPTS: usize = 10;

/// Why keys cannot be used. No error repeats a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantKeyError {
    /// The key file cannot be read, or holds no key.
    #[error("the key file cannot be used: {0}")]
    File(String),
    /// The table cannot be read or replaced, or does not open.
    #[error("the keys of tenants cannot be used: {0}")]
    Table(String),
    /// The process was given no key file.
    #[error("this service was given no key file")]
    NoFile,
}

impl From<TenantKeyError> for Failure {
    fn from(error: TenantKeyError) -> Self {
        let message = error.to_string();
        match error {
            TenantKeyError::File(_) => Failure::new(Class::Invalid, "invalid-keys-file", message)
                .with_hint("write lines of 64 hexadecimal digits, the key in use first"),
            TenantKeyError::Table(_) => Failure::new(Class::Unavailable, "tenant-keys-unavailable", message)
                .with_hint("check the folder `keys` in the place of the archive, and the key file")
                .retry_after(FORGOTTEN_AFTER),
            TenantKeyError::NoFile => Failure::new(Class::Misconfigured, "no-keys-file", message)
                .with_hint("start the services with --keys-file"),
        }
    }
}

/// The keys of tenants. Clones share them. The default has no key file: nothing is sealed, and what is sealed
/// is not opened.
#[derive(Clone, Debug, Default)]
pub struct TenantKeys {
    ring: Option<Arc<Ring>>,
    /// Sealed content was met.
    has_met_sealed: Arc<AtomicBool>,
}

/// The key with which a tenant's content is sealed from now on.
#[derive(Clone, Debug)]
pub struct CurrentKey {
    /// Its identifier, which stands beside what it seals.
    pub id: Uuid,
    /// The key.
    pub key: Arc<SealingKey>,
}

/// The key of sealed content.
#[derive(Debug)]
pub(crate) enum Found {
    /// It opens the content.
    Key(Arc<SealingKey>),
    /// It was destroyed, or this process has no key file: the content stays sealed.
    Withheld,
}

#[derive(Debug)]
struct Ring {
    file: PathBuf,
    store: Store,
    known: RwLock<Option<Arc<Known>>>,
    /// Held while the table is read, so that those who wait for it together read it once, and fail together.
    /// The last failure.
    reading: Mutex<Option<(Instant, TenantKeyError)>>,
}

/// What was read of table and key file.
#[derive(Debug)]
struct Known {
    table: KeyTable,
    /// The keys that the key file opens.
    keys: BTreeMap<Uuid, Arc<SealingKey>>,
    read_at: Instant,
}

impl TenantKeys {
    /// The keys of a key file and of the table in a place. Nothing is read yet.
    ///
    /// # Errors
    /// An environment that does not say how to reach the bucket.
    pub fn new(file: PathBuf, place: &Location) -> Result<Self, TenantKeyError> {
        let store = Store::open(place).map_err(table_error)?;
        let ring = Ring { file, store, known: RwLock::default(), reading: Mutex::default() };
        Ok(Self { ring: Some(Arc::new(ring)), has_met_sealed: Arc::default() })
    }

    /// Reads key file and table, so that a wrong key file is found at the start.
    ///
    /// # Errors
    /// [`TenantKeyError::File`]. A table that is away is read when it is needed.
    pub async fn check(&self) -> Result<(), TenantKeyError> {
        let Some(ring) = &self.ring else { return Ok(()) };
        ring.masters().await?;
        if let Err(error) = ring.known(FRESH).await {
            tracing::warn!(%error, "content of tenants can be neither sealed nor opened yet");
        }
        Ok(())
    }

    /// The key with which a tenant's content is sealed. `None`: it has none, or the process has no key file.
    ///
    /// # Errors
    /// Those of table and key file.
    pub async fn current(&self, tenant: &str) -> Result<Option<CurrentKey>, TenantKeyError> {
        match &self.ring {
            Some(ring) if !tenant.is_empty() => ring.known(FRESH).await?.current(tenant),
            _ => Ok(None),
        }
    }

    /// The same. A tenant that has no key gets one. `None`: the process has no key file, or there is no
    /// tenant.
    ///
    /// # Errors
    /// Those of table and key file.
    pub async fn current_or_new(&self, tenant: &str) -> Result<Option<CurrentKey>, TenantKeyError> {
        let Some(ring) = self.ring.as_ref().filter(|_| !tenant.is_empty()) else { return Ok(None) };
        if let Some(current) = ring.known(FRESH).await?.current(tenant)? {
            return Ok(Some(current));
        }
        ring.add_key(tenant).await?;
        ring.known(Duration::ZERO).await?.current(tenant)
    }

    /// Destroys the keys of a tenant, and those that `lost` names and the table does not have. Seals the
    /// other keys anew under the first key of the key file. Returns the tenant's destroyed keys, also those
    /// of before.
    ///
    /// # Errors
    /// Those of table and key file.
    pub async fn erase(
        &self,
        tenant: &str,
        lost: &BTreeSet<Uuid>,
        now: Timestamp,
    ) -> Result<Vec<Uuid>, TenantKeyError> {
        let ring = self.ring.as_ref().ok_or(TenantKeyError::NoFile)?;
        let erase = |table: &KeyTable, masters: &MasterKeys| table.erased(tenant, lost, now).under(masters);
        let table = ring.change(erase).await?;
        Ok(table.destroyed(tenant))
    }

    /// The key with an identifier.
    ///
    /// # Errors
    /// Those of table and key file, also if they do not have the key.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Found, TenantKeyError> {
        self.has_met_sealed.store(true, Ordering::Relaxed);
        let Some(ring) = &self.ring else { return Ok(Found::Withheld) };
        for age in [FRESH, Duration::ZERO] {
            if let Some(found) = ring.known(age).await?.find(id) {
                return Ok(found);
            }
        }
        Err(unknown_key(id))
    }

    /// The key with an identifier, as far as the table was read.
    ///
    /// # Errors
    /// The table was not read, or does not have the key.
    pub(crate) fn find_known(&self, id: Uuid) -> Result<Found, TenantKeyError> {
        self.has_met_sealed.store(true, Ordering::Relaxed);
        let Some(ring) = &self.ring else { return Ok(Found::Withheld) };
        ring.cached(|_| true).and_then(|known| known.find(id)).ok_or_else(|| unknown_key(id))
    }

    /// Forgets all keys: the table is read again before one is used.
    pub(crate) fn forget(&self) {
        if let Some(ring) = &self.ring {
            *ring.known.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Whether nothing is to be sealed: the process has no key file, and has met no sealed content.
    pub(crate) fn is_off(&self) -> bool {
        self.ring.is_none() && !self.has_met_sealed.load(Ordering::Relaxed)
    }

    /// Whether sealed content was met that this process has no key file for. What it recorded would not be
    /// sealed beside content that is.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.ring.is_none() && self.has_met_sealed.load(Ordering::Relaxed)
    }
}

impl Known {
    fn current(&self, tenant: &str) -> Result<Option<CurrentKey>, TenantKeyError> {
        let Some(id) = self.table.current(tenant) else { return Ok(None) };
        let key = self.keys.get(&id).ok_or_else(|| unknown_key(id))?;
        Ok(Some(CurrentKey { id, key: Arc::clone(key) }))
    }

    fn find(&self, id: Uuid) -> Option<Found> {
        let key = self.keys.get(&id).map(|key| Found::Key(Arc::clone(key)));
        key.or_else(|| self.table.is_destroyed(id).then_some(Found::Withheld))
    }
}

impl Ring {
    fn cached(&self, is_good: impl Fn(&Known) -> bool) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| is_good(known))
    }

    /// What was read of the table at most `age` ago, or is read now.
    async fn known(&self, age: Duration) -> Result<Arc<Known>, TenantKeyError> {
        let asked = Instant::now();
        let is_new = |known: &Known| known.read_at >= asked || known.read_at.elapsed() < age;
        if let Some(known) = self.cached(is_new) {
            return Ok(known);
        }
        let mut failure = self.reading.lock().await;
        if let Some(known) = self.cached(is_new) {
            return Ok(known);
        }
        let failed = failure.as_ref().filter(|(time, _)| *time >= asked).map(|(_, error)| error.clone());
        let read = match failed {
            Some(error) => Err(error),
            None => self.read().await.map(Arc::new),
        };
        match read {
            Ok(known) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
                Ok(known)
            }
            Err(error) => {
                *failure = Some((Instant::now(), error.clone()));
                self.cached(|known| known.read_at.elapsed() < MAX_AGE).ok_or(error)
            }
        }
    }

    async fn read(&self) -> Result<Known, TenantKeyError> {
        let read_at = Instant::now();
        let masters = self.masters().await?;
        let (table, _) = self.table().await?;
        let opened = table.live().filter_map(|id| match table.key(id, &masters) {
            Ok(TenantKey::Key(key)) => Some((id, Arc::from(key))),
            Ok(TenantKey::Unknown | TenantKey::Erased(_)) | Err(_) => None,
        });
        let keys = opened.collect();
        Ok(Known { table, keys, read_at })
    }

    async fn masters(&self) -> Result<MasterKeys, TenantKeyError> {
        let path = self.file.clone();
        let at =
            |why: &dyn std::fmt::Display| TenantKeyError::File(format!("{}: {why}", self.file.display()));
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await;
        let text = read.map_err(|error| at(&error))?.map_err(|error| at(&error))?;
        MasterKeys::parse(&text).map_err(|error| at(&error))
    }

    async fn table(&self) -> Result<(KeyTable, Option<Version>), TenantKeyError> {
        match in_time(self.store.read(OBJECT)).await? {
            Some((json, version)) => {
                let table = serde_json::from_slice(&json).map_err(table_error)?;
                Ok((table, Some(version)))
            }
            None => Ok((KeyTable::default(), None)),
        }
    }

    async fn add_key(&self, tenant: &str) -> Result<(), TenantKeyError> {
        let (fresh, id): ([u8; KEY_BYTES], [u8; 16]) = (random()?, random()?);
        let id = Builder::from_random_bytes(id).into_uuid();
        let add = |table: &KeyTable, masters: &MasterKeys| match table.current(tenant) {
            // Another process was first.
            Some(_) => Ok(table.clone()),
            None => table.with_key(tenant, id, &fresh, masters),
        };
        self.change(add).await.map(drop)
    }

    /// Replaces the table, unless that changes nothing. Returns it.
    async fn change(
        &self,
        change: impl Fn(&KeyTable, &MasterKeys) -> Result<KeyTable, KeyError>,
    ) -> Result<KeyTable, TenantKeyError> {
        let masters = self.masters().await?;
        for _ in 0..MAX_ATTEMPTS {
            let (table, version) = self.table().await?;
            let changed = change(&table, &masters).map_err(table_error)?;
            if changed == table {
                return Ok(table);
            }
            let json = serde_json::to_vec_pretty(&changed).map_err(table_error)?;
            if in_time(self.store.replace(OBJECT, version, json)).await? {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
                return Ok(changed);
            }
        }
        Err(table_error("others kept changing the table"))
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, TenantKeyError> {
    match timeout(TABLE_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(table_error),
        Err(_) => Err(table_error(format!("their place did not answer in {} s", TABLE_TIMEOUT.as_secs()))),
    }
}

fn random<const N: usize>() -> Result<[u8; N], TenantKeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| table_error("the system gives no random bytes"))?;
    Ok(bytes)
}

fn table_error(why: impl std::fmt::Display) -> TenantKeyError {
    TenantKeyError::Table(why.to_string())
}

fn unknown_key(id: Uuid) -> TenantKeyError {
    table_error(format!("key {id} is not in the table, or no key of the key file opens it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
    const NEXT: &str = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e";

    /// A folder with a key file, and what opens the keys in it as another process.
    fn place(text: &str) -> (tempfile::TempDir, impl Fn() -> TenantKeys) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("keys"), text).unwrap();
        let open = move || TenantKeys::new(path.join("keys"), &Location::Folder(path.join("table"))).unwrap();
        (folder, open)
    }

    async fn is_open(keys: &TenantKeys, id: Uuid) -> bool {
        matches!(keys.find(id).await.unwrap(), Found::Key(_))
    }

    #[tokio::test]
    async fn processes_share_the_key_of_a_tenant_until_it_is_destroyed() {
        let (_folder, open) = place(KEY);
        let (one, other) = (open(), open());
        assert!(one.current("acme").await.unwrap().is_none());
        let made = one.current_or_new("acme").await.unwrap().unwrap();
        let found = other.current_or_new("acme").await.unwrap().unwrap();
        assert_eq!(made.id, found.id);
        let sealed = made.key.seal(b"event", b"rows").unwrap();
        assert_eq!(found.key.open(b"event", &sealed), Ok(b"rows".to_vec()));
        let beta = one.current_or_new("beta").await.unwrap().unwrap();

        let lost = Uuid::from_u128(7);
        let now = Timestamp::UNIX_EPOCH;
        let destroyed = one.erase("acme", &BTreeSet::from([lost]), now).await.unwrap();
        assert_eq!(destroyed, [made.id, lost]);
        assert_eq!(
            one.erase("acme", &BTreeSet::new(), now).await.unwrap(),
            destroyed,
            "again changes nothing"
        );
        for keys in [&one, &open()] {
            assert!(
                !is_open(keys, made.id).await && !is_open(keys, lost).await && is_open(keys, beta.id).await
            );
            assert!(keys.current("acme").await.unwrap().is_none());
        }
        let again = one.current_or_new("acme").await.unwrap().unwrap();
        assert_ne!(again.id, made.id, "a tenant that comes back has another key");
        assert!(one.current_or_new("").await.unwrap().is_none(), "what is everyone's has no key");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_forgets_a_destroyed_key_in_time() {
        let (_folder, open) = place(KEY);
        let (one, other) = (open(), open());
        let made = one.current_or_new("acme").await.unwrap().unwrap();
        assert!(is_open(&other, made.id).await);
        one.erase("acme", &BTreeSet::new(), Timestamp::UNIX_EPOCH).await.unwrap();
        tokio::time::sleep(FORGOTTEN_AFTER).await;
        assert!(!is_open(&other, made.id).await);
        assert!(other.current("acme").await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_is_away_is_used_for_a_few_seconds_only() {
        let (folder, open) = place(KEY);
        let keys = open();
        let made = keys.current_or_new("acme").await.unwrap().unwrap();
        std::fs::remove_dir_all(folder.path().join("table")).unwrap();
        std::fs::write(folder.path().join("table"), "no folder").unwrap();
        tokio::time::sleep(FRESH).await;
        assert!(is_open(&keys, made.id).await);
        tokio::time::sleep(MAX_AGE).await;
        assert!(matches!(keys.find(made.id).await, Err(TenantKeyError::Table(_))));
    }

    #[tokio::test]
    async fn a_new_master_key_takes_over_when_a_tenant_is_erased() {
        let (folder, open) = place(KEY);
        let acme = open().current_or_new("acme").await.unwrap().unwrap();
        let beta = open().current_or_new("beta").await.unwrap().unwrap();
        let old = std::fs::read(folder.path().join("table").join(OBJECT)).unwrap();
        std::fs::write(folder.path().join("keys"), format!("{NEXT}\n{KEY}\n")).unwrap();
        assert!(is_open(&open(), beta.id).await);
        open().erase("acme", &BTreeSet::new(), Timestamp::UNIX_EPOCH).await.unwrap();
        std::fs::write(folder.path().join("keys"), NEXT).unwrap();
        assert!(is_open(&open(), beta.id).await && !is_open(&open(), acme.id).await);
        // Whoever has a copy of the table from before has nothing without the old key file.
        std::fs::write(folder.path().join("table").join(OBJECT), old).unwrap();
        assert!(open().find(acme.id).await.is_err() && open().find(beta.id).await.is_err());
    }

    #[tokio::test]
    async fn a_wrong_key_file_is_found_at_the_start_and_none_withholds() {
        let (folder, open) = place("no key");
        assert!(matches!(open().check().await, Err(TenantKeyError::File(_))));
        std::fs::remove_file(folder.path().join("keys")).unwrap();
        assert_eq!(Failure::from(open().check().await.unwrap_err()).code, "invalid-keys-file");
        let none = TenantKeys::default();
        none.check().await.unwrap();
        assert!(!none.is_missing());
        assert!(matches!(none.find(Uuid::nil()).await, Ok(Found::Withheld)));
        assert!(none.is_missing(), "content of tenants is sealed, and this process cannot");
        assert!(none.current_or_new("acme").await.unwrap().is_none());
        let refused = none.erase("acme", &BTreeSet::new(), Timestamp::UNIX_EPOCH).await;
        assert_eq!(refused, Err(TenantKeyError::NoFile));
    }
}
