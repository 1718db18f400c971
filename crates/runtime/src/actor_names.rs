//! Names of those whose commands are recorded. Events on logs cannot be changed, so they hold pseudonyms; the
//! names are in one table, from which they can be erased.
//!
//! A pseudonym is `id:` and the first 16 hexadecimal digits of the HMAC-SHA256 of a name under a key that the
//! table keeps: the same name always has the same one, and nobody without the key can tell whose it is by
//! trying names. Answers show the name as long as the table has it, and the pseudonym after that.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use orewatch_contracts::Failure;
use ring::hmac;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Prefix of a pseudonym.
const PREFIX: &str = "id:";

/// Digits of a pseudonym: 64 bits, so that two of a million names share one with a chance below 1 in 10
/// million.
const DIGITS: usize = 16;

/// Length of the key, in bytes.
pub const ACTOR_KEY_BYTES: usize = 32;

/// Interval at which the table is read again: other processes note names in it, and people erase them.
const REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// Time that a command waits until the name of its caller is in the table.
const NOTE_TIMEOUT: Duration = Duration::from_secs(5);

/// The content of the table: its key, and names by their pseudonyms.
#[derive(Clone, PartialEq, Eq)]
pub struct ActorTable {
    /// Key of the pseudonyms.
    pub key: [u8; ACTOR_KEY_BYTES],
    /// Names by pseudonym.
    pub names: BTreeMap<String, String>,
}

impl fmt::Debug for ActorTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorTable").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

/// Where the table is kept.
pub trait ActorStore: fmt::Debug + Send + Sync {
    /// Reads the table. `None`: there is none, and none is to be made.
    fn load(&self) -> BoxFuture<'_, Result<Option<ActorTable>, Failure>>;

    /// Adds names by their pseudonyms.
    fn add(&self, names: BTreeMap<String, String>) -> BoxFuture<'_, Result<(), Failure>>;
}

/// The names of those whose commands are recorded. Clones share the table. The default has none: events then
/// hold the names themselves.
#[derive(Clone, Debug, Default)]
pub struct ActorNames(Option<Arc<Kept>>);

#[derive(Debug)]
struct Kept {
    /// Key of the pseudonyms. Not set: the table has not been read, or there is none.
    key: OnceLock<hmac::Key>,
    store: Arc<dyn ActorStore>,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Names by pseudonym, as they were read last.
    names: BTreeMap<String, String>,
    /// The same that could not be added to the table yet.
    unsaved: BTreeMap<String, String>,
}

impl ActorNames {
    /// The names in a table. It is read by [`ActorNames::load`].
    pub fn new(store: Arc<dyn ActorStore>) -> Self {
        Self(Some(Arc::new(Kept { key: OnceLock::new(), store, known: RwLock::default() })))
    }

    /// Reads the table, before the first call is answered.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(&self) -> Result<(), Failure> {
        match &self.0 {
            Some(kept) => kept.refresh().await,
            None => Ok(()),
        }
    }

    /// Whether names are recorded as they are, because there is no table.
    pub(crate) fn is_off(&self) -> bool {
        self.0.as_ref().is_none_or(|kept| kept.key.get().is_none())
    }

    /// What is recorded in the place of a name. `None`: the name itself is.
    #[must_use]
    pub fn pseudonym(&self, name: &str) -> Option<String> {
        self.0.as_ref()?.pseudonym(name)
    }

    /// What to show for a recorded actor: the name if the table has it, and otherwise what is recorded.
    #[must_use]
    pub fn shown(&self, recorded: &str) -> String {
        let Some(kept) = self.0.as_ref().filter(|_| recorded.starts_with(PREFIX)) else {
            return recorded.to_owned();
        };
        let known = kept.known();
        let name = known.names.get(recorded).or_else(|| known.unsaved.get(recorded));
        name.cloned().unwrap_or_else(|| recorded.to_owned())
    }

    /// A text with names in the place of the pseudonyms in it.
    #[must_use]
    pub fn shown_in(&self, text: &str) -> String {
        let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find(PREFIX) {
            let (before, found) = rest.split_at(at);
            shown.push_str(before);
            let digits = found.get(PREFIX.len()..PREFIX.len() + DIGITS);
            let is_pseudonym =
                digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let length = if is_pseudonym { PREFIX.len() + DIGITS } else { PREFIX.len() };
            let (pseudonym, after) = found.split_at(length);
            shown.push_str(&self.shown(pseudonym));
            rest = after;
        }
        shown + rest
    }

    /// Whether a name is not in the table yet, and has to be noted.
    pub(crate) fn is_new(&self, name: &str) -> bool {
        let Some(kept) = &self.0 else { return false };
        kept.pseudonym(name).is_some_and(|pseudonym| {
            let known = kept.known();
            !known.names.contains_key(&pseudonym) && !known.unsaved.contains_key(&pseudonym)
        })
    }

    /// Adds a name to the table. A table that is away delays no command for long: the name is known here, and
    /// is added with the next one.
    pub(crate) async fn note(&self, name: &str) {
        let Some(kept) = &self.0 else { return };
        let Some(pseudonym) = kept.pseudonym(name) else { return };
        kept.change().unsaved.insert(pseudonym, name.to_owned());
        if let Err(failure) = kept.save().await {
            tracing::warn!(%failure, "the table of names cannot be written; it is tried again");
        }
    }

    /// Reads the table again at intervals, until `stop`.
    pub(crate) async fn keep_fresh(&self, stop: CancellationToken) {
        let Some(kept) = &self.0 else { return };
        let mut is_away = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(REFRESH_INTERVAL) => {}
            }
            match kept.refresh().await {
                Ok(()) => is_away = false,
                Err(failure) if !is_away => {
                    is_away = true;
                    tracing::warn!(%failure, "the table of names cannot be read; the last one stays in use");
                }
                Err(_) => {}
            }
        }
    }
}

impl Kept {
    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pseudonym(&self, name: &str) -> Option<String> {
        let tag = hmac::sign(self.key.get()?, name.as_bytes());
        let digits = tag.as_ref().iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}"));
        Some(format!("{PREFIX}{}", digits.collect::<String>()))
    }

    /// Adds the names that are not in the table yet.
    async fn save(&self) -> Result<(), Failure> {
        let unsaved = self.known().unsaved.clone();
        if unsaved.is_empty() {
            return Ok(());
        }
        let added = timeout(NOTE_TIMEOUT, self.store.add(unsaved.clone())).await;
        added.unwrap_or_else(|_| Err(Failure::internal("no answer in time")))?;
        let mut known = self.change();
        known.unsaved.retain(|pseudonym, _| !unsaved.contains_key(pseudonym));
        known.names.extend(unsaved);
        Ok(())
    }

    async fn refresh(&self) -> Result<(), Failure> {
        self.save().await?;
        if let Some(ActorTable { key, names }) = self.store.load().await? {
            self.key.get_or_init(|| hmac::Key::new(hmac::HMAC_SHA256, &key));
            self.change().names = names;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::FutureExt as _;

    use super::*;

    /// A table in memory, which may be away.
    #[derive(Debug)]
    struct Table(Mutex<Option<ActorTable>>);

    impl Table {
        fn new() -> Arc<Self> {
            let table = ActorTable { key: [7; ACTOR_KEY_BYTES], names: BTreeMap::new() };
            Arc::new(Self(Mutex::new(Some(table))))
        }

        fn away<T>() -> Result<T, Failure> {
            Err(Failure::internal("away"))
        }
    }

    impl ActorStore for Table {
        fn load(&self) -> BoxFuture<'_, Result<Option<ActorTable>, Failure>> {
            async { self.0.lock().unwrap().clone().map_or_else(Self::away, |table| Ok(Some(table))) }.boxed()
        }

        fn add(&self, names: BTreeMap<String, String>) -> BoxFuture<'_, Result<(), Failure>> {
            async move {
                let mut table = self.0.lock().unwrap();
                let Some(table) = table.as_mut() else { return Self::away() };
                table.names.extend(names);
                Ok(())
            }
            .boxed()
        }
    }

    /// The names in a table that was read.
    async fn names_in(table: &Arc<Table>) -> ActorNames {
        let names = ActorNames::new(Arc::clone(table) as Arc<dyn ActorStore>);
        assert!(names.is_off() && names.pseudonym("ann").is_none(), "the table was not read yet");
        names.load().await.unwrap();
        names
    }

    #[tokio::test]
    async fn a_name_has_one_pseudonym_and_is_shown_until_it_is_erased() {
        let table = Table::new();
        let names = names_in(&table).await;
        let ann = names.pseudonym("ann").unwrap();
        assert_eq!((ann.len(), ann.starts_with("id:")), (19, true), "{ann}");
        assert_ne!(names.pseudonym("bob").unwrap(), ann);
        assert!(names.is_new("ann"));
        names.note("ann").await;
        assert!(!names.is_new("ann"));
        assert_eq!(names.shown(&ann), "ann");
        let text = format!("Silence acme:id:7 by {ann} mutes it; id:0123456789abcdef does not, nor {ann}");
        let shown = names.shown_in(&text);
        assert_eq!(shown, "Silence acme:id:7 by ann mutes it; id:0123456789abcdef does not, nor ann");

        let other = names_in(&table).await;
        assert_eq!((other.pseudonym("ann"), other.shown(&ann)), (Some(ann.clone()), "ann".to_owned()));
        table.0.lock().unwrap().as_mut().unwrap().names.clear();
        other.load().await.unwrap();
        assert_eq!(other.shown(&ann), ann, "the name is erased");
        assert_eq!(other.shown("ann"), "ann", "what earlier versions recorded is shown as it is");
    }

    #[tokio::test]
    async fn a_table_that_is_away_gets_the_names_later() {
        let table = Table::new();
        let names = names_in(&table).await;
        let kept = table.0.lock().unwrap().take();
        names.note("ann").await;
        let ann = names.pseudonym("ann").unwrap();
        assert_eq!(names.shown(&ann), "ann");
        *table.0.lock().unwrap() = kept;
        names.load().await.unwrap();
        assert_eq!(table.0.lock().unwrap().as_ref().unwrap().names.get(&ann).unwrap(), "ann");
    }

    #[test]
    fn without_a_table_names_are_recorded_as_they_are() {
        let names = ActorNames::default();
        assert_eq!(
            (names.pseudonym("ann"), names.shown("id:0123456789abcdef").as_str()),
            (None, "id:0123456789abcdef")
        );
        assert!(!names.is_new("ann"));
    }
}
