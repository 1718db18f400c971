//! The table with the names of callers, as an object in a folder or a bucket that processes share.
use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{ACTOR_KEY_BYTES, ActorNames, ActorStore, ActorTable};
use orewatch_store::{Location, Store, Version};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

/// Name of the object.
const OBJECT: &str = "actors.json";

/// Attempts to replace the object while others replace it, too.
const MAX_ATTEMPTS: usize = 10;

/// The object.
#[derive(Clone, Deserialize, Serialize)]
struct Document {
    /// Key of the pseudonyms, hexadecimal.
    key: String,
    /// Names by pseudonym.
    names: BTreeMap<String, String>,
}

/// The table in its place.
#[derive(Clone, Debug)]
pub(crate) struct StoredActors {
    store: Store,
    /// A table that is not there is made.
    makes: bool,
}

impl StoredActors {
    /// The table in a place. Nothing is read yet.
    ///
    /// # Errors
    /// An environment that does not say how to reach the bucket.
    pub(crate) fn new(place: &Location) -> Result<Self, Failure> {
        Store::open(place).map(|store| Self { store, makes: false }).map_err(away)
    }

    /// Names by pseudonym. `None`: there is no table.
    ///
    /// # Errors
    /// Those of the place, and a table that is damaged.
    pub(crate) async fn names(&self) -> Result<Option<BTreeMap<String, String>>, Failure> {
        Ok(self.read().await?.map(|(document, _)| document.names))
    }

    /// Erases the name of a pseudonym. Returns it; `None`: the table does not have it.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn erase(&self, pseudonym: &str) -> Result<Option<String>, Failure> {
        self.change(|names| names.remove(pseudonym)).await
    }

    async fn read(&self) -> Result<Option<(Document, Version)>, Failure> {
        let Some((content, version)) = self.store.read(OBJECT).await.map_err(away)? else { return Ok(None) };
        let document = serde_json::from_slice(&content)
            .map_err(|error| away(format!("{OBJECT} is damaged: {error}")))?;
        Ok(Some((document, version)))
    }

    /// Changes the names, unless that changes nothing. Makes the table if it is not there.
    async fn change<T>(&self, change: impl Fn(&mut BTreeMap<String, String>) -> T) -> Result<T, Failure> {
        for _ in 0..MAX_ATTEMPTS {
            let (document, version) = match self.read().await? {
                Some((document, version)) => (document, Some(version)),
                None => (Document { key: new_key()?, names: BTreeMap::new() }, None),
            };
            let mut changed = document.clone();
            let outcome = change(&mut changed.names);
            if version.is_some() && changed.names == document.names {
                return Ok(outcome);
            }
            let content = serde_json::to_vec_pretty(&changed)
                .map_err(|error| Failure::internal(format!("the names cannot be written: {error}")))?;
            if self.store.replace(OBJECT, version, content).await.map_err(away)? {
                return Ok(outcome);
            }
        }
        Err(away("others kept changing it"))
    }
}

impl ActorStore for StoredActors {
    fn load(&self) -> BoxFuture<'_, Result<Option<ActorTable>, Failure>> {
        async move {
            if self.makes {
                self.change(|_| ()).await?;
            }
            let Some((document, _)) = self.read().await? else { return Ok(None) };
            let key = parse_key(&document.key).ok_or_else(|| away(format!("{OBJECT} has no valid key")))?;
            Ok(Some(ActorTable { key, names: document.names }))
        }
        .boxed()
    }

    fn add(&self, names: BTreeMap<String, String>) -> BoxFuture<'_, Result<(), Failure>> {
        async move { self.change(|all| all.extend(names.clone())).await }.boxed()
    }
}

/// The names in the table in a place. `makes`: the table is made if it is not there; otherwise, there are no
/// names to show without one.
///
/// # Errors
/// An environment that does not say how to reach the bucket.
pub(crate) fn names_in(place: &Location, makes: bool) -> Result<ActorNames, Failure> {
    let stored = StoredActors { makes, ..StoredActors::new(place)? };
    Ok(ActorNames::new(Arc::new(stored)))
}

fn away(error: impl std::fmt::Display) -> Failure {
    let message = format!("the table with the names of callers cannot be used: {error}");
    Failure::new(Class::Unavailable, "actors-unavailable", message)
        .with_hint("check the place that `actors` names, and its permissions")
}

fn new_key() -> Result<String, Failure> {
    let mut key = [0; ACTOR_KEY_BYTES];
    let filled = SystemRandom::new().fill(&mut key);
    filled.map_err(|_| Failure::internal("the system gives no random bytes"))?;
    Ok(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn parse_key(text: &str) -> Option<[u8; ACTOR_KEY_BYTES]> {
    let mut key = [0; ACTOR_KEY_BYTES];
    if text.len() != 2 * ACTOR_KEY_BYTES || !text.is_ascii() {
        return None;
    }
    for (number, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(number * 2..number * 2 + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_table_keeps_its_key_and_an_erased_name_stays_erased() {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Folder(folder.path().join("actors"));
        let read = async |makes| {
            let names = names_in(&place, makes).unwrap();
            names.load().await.map(|()| names)
        };
        assert_eq!(read(false).await.unwrap().pseudonym("ann"), None, "no table is made to read one");
        let ann = read(true).await.unwrap().pseudonym("ann").unwrap();
        let stored = StoredActors::new(&place).unwrap();
        stored.add(BTreeMap::from([(ann.clone(), "ann".to_owned())])).await.unwrap();

        let names = read(false).await.unwrap();
        assert_eq!((names.pseudonym("ann").unwrap(), names.shown(&ann)), (ann.clone(), "ann".to_owned()));
        assert_eq!(stored.erase(&ann).await.unwrap().as_deref(), Some("ann"));
        assert_eq!(stored.erase(&ann).await.unwrap(), None);
        let names = read(true).await.unwrap();
        assert_eq!((names.pseudonym("ann").unwrap(), names.shown(&ann)), (ann.clone(), ann));
    }

    #[tokio::test]
    async fn a_damaged_table_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(OBJECT), "{").unwrap();
        let names = names_in(&Location::Folder(folder.path().to_owned()), true).unwrap();
        assert_eq!(names.load().await.unwrap_err().code, "actors-unavailable");
        assert_eq!(std::fs::read(folder.path().join(OBJECT)).unwrap(), b"{");
    }
}
